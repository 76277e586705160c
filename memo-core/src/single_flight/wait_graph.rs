//! Who waits for whom: what each thread computes now, and which computation waits for which.
//!
//! A thread computes a stack of flights: each was begun while the one before it was computed, or polled. Whoever waits
//! holds all of these up. So a wait is an edge from each of them to the flight that is waited for, and a cycle is found
//! before it closes by walking from there: all edges are looked at and added under one lock, and the last to close a
//! cycle sees it. A caller who computes nothing holds nobody up, and takes no lock here.

use std::cell::RefCell;
use std::marker::PhantomData;

use crate::platform::sync::{Mutex, lazy, thread_local};

/// A flight, by the number of its claim.
pub(crate) type Id = u64;

thread_local! {
    static COMPUTING: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
}

/// This thread computes a flight, or polls what computes it, for as long as this lives.
pub(crate) struct Computing {
    flight: Id,
    /// Stays on its thread.
    _here: PhantomData<*const ()>,
}

impl Computing {
    pub(crate) fn begin(flight: Id) -> Self {
        // A thread that is ending has no stack any more.
        let _ = COMPUTING.try_with(|stack| stack.borrow_mut().push(flight));
        Self { flight, _here: PhantomData }
    }
}

impl Drop for Computing {
    fn drop(&mut self) {
        let _ = COMPUTING.try_with(|stack| {
            let mut stack = stack.borrow_mut();
            if stack.last() == Some(&self.flight) {
                stack.pop();
            } else if let Some(at) = stack.iter().rposition(|&flight| flight == self.flight) {
                stack.remove(at);
            }
        });
    }
}

/// Who is held up by whom, in order: an edge may be there more than once.
#[derive(Default)]
struct WaitGraph(Vec<(Id, Id)>);

lazy! {
    static GRAPH: Mutex<WaitGraph> = Mutex::default();
}

/// What this thread computed when it began to wait stands in the graph for as long as this lives.
#[derive(Debug)]
pub(crate) struct Waiting {
    held_up: Vec<Id>,
    target: Id,
}

impl Waiting {
    /// `None` when `target` waits, directly or through others, for something that this thread computes, or is that.
    pub(crate) fn begin(target: Id) -> Option<Self> {
        // Of a thread that is ending it is not known what it computes: it waits for nobody.
        let held_up = COMPUTING.try_with(|stack| stack.borrow().clone()).ok()?;
        if !held_up.is_empty() {
            let mut graph = GRAPH.lock();
            if graph.leads_to_any(target, &held_up) {
                return None;
            }
            for &flight in &held_up {
                graph.add((flight, target));
            }
        }
        Some(Self { held_up, target })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.held_up.is_empty() {
            return;
        }
        let mut graph = GRAPH.lock();
        for &flight in &self.held_up {
            graph.remove((flight, self.target));
        }
    }
}

impl WaitGraph {
    fn add(&mut self, edge: (Id, Id)) {
        let at = self.0.partition_point(|other| *other < edge);
        self.0.insert(at, edge);
    }

    fn remove(&mut self, edge: (Id, Id)) {
        let at = self.0.partition_point(|other| *other < edge);
        if self.0.get(at) == Some(&edge) {
            self.0.remove(at);
        }
    }

    fn leads_to_any(&self, from: Id, ends: &[Id]) -> bool {
        let mut reached = vec![from];
        let mut looked_at = 0;
        while let Some(&flight) = reached.get(looked_at) {
            if ends.contains(&flight) {
                return true;
            }
            looked_at += 1;
            let first = self.0.partition_point(|edge| edge.0 < flight);
            for (_, target) in self.0[first..].iter().take_while(|edge| edge.0 == flight) {
                if !reached.contains(target) {
                    reached.push(*target);
                }
            }
        }
        false
    }
}
