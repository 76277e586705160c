//! memo-macros
