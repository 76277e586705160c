//! One computation per key among threads and tasks: who computes, who waits, and how a wait ends.

pub(crate) mod flight;
mod timer;
pub(crate) mod wait_graph;
mod wakers;
