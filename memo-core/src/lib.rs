//! The runtime of memokit.
