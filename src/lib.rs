//! memokit
