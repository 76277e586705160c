//! Epoch-based reclamation: what a thread may be reading is not freed.

pub(crate) mod participant;
