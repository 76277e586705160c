//! Epoch-based reclamation: memory that a thread may be reading is not freed.

pub(crate) mod participant;
