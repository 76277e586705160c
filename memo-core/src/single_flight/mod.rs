//! One computation per key among threads and tasks: which caller computes, which callers wait, and how a wait ends.

pub(crate) mod alarm;
pub(crate) mod flight;
pub(crate) mod leader_task;
mod timer;
pub(crate) mod wait_graph;
mod wakers;
