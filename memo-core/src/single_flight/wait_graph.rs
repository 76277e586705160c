//! The wait graph: which flights each thread computes now, and which flight waits for which.
//!
//! A thread computes a stack of flights: each was begun while the one below it was computed or polled. A thread that
//! waits blocks all flights of its stack. So a wait is an edge from each of them to the target, the flight that is
//! waited for. A cycle is found before it closes, by a search that begins at the target. All edges are searched and
//! added under one lock, so the wait that would close a cycle finds it. A caller that computes nothing blocks no
//! flight, and takes no lock here.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::platform::sync::{Mutex, lazy, thread_local};

/// The id of a flight, which is the id of its claim.
pub(crate) type Id = u64;

/// Whether a function was seen to call itself, directly or through others. Its address identifies the function.
#[derive(Debug, Default)]
pub(crate) struct Recursive(AtomicBool);

impl Recursive {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// A computation that a thread runs or polls.
struct Frame {
    /// `None`: the computation is only for its caller, so nobody waits for it.
    flight: Option<Id>,
    /// Only compared.
    function: *const Recursive,
    /// The time of the computations of memoized functions that ended within this one, in nanoseconds.
    nested_nanos: u64,
}

/// Only this many of the innermost frames are searched for a call of the same function, because a stack may be deep.
const MAX_SEARCHED: usize = 64;

thread_local! {
    /// The computations of this thread, the innermost last.
    static COMPUTING: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Exists while this thread runs a computation, or polls its future.
pub(crate) struct Computing {
    flight: Option<Id>,
    /// Makes the guard `!Send`, because it belongs to the stack of its thread.
    _not_send: PhantomData<*const ()>,
}

impl Computing {
    /// `function`: what is computed. `nested_nanos`: what [`Self::nested_nanos`] returned at the end of the last poll.
    pub(crate) fn begin(flight: Option<Id>, function: &Recursive, nested_nanos: u64) -> Self {
        // A thread that is ending has no stack any more, so the error is ignored.
        let _ = COMPUTING.try_with(|stack| {
            let mut stack = stack.borrow_mut();
            let is_own = |frame: &Frame| ptr::eq(frame.function, function);
            if !function.get() && stack.iter().rev().take(MAX_SEARCHED).any(is_own) {
                function.0.store(true, Relaxed);
            }
            stack.push(Frame { flight, function, nested_nanos });
        });
        Self { flight, _not_send: PhantomData }
    }

    /// Returns the time of the computations that ended within the innermost one, which is this.
    pub(crate) fn nested_nanos(&self) -> u64 {
        let nested = COMPUTING.try_with(|stack| stack.borrow().last().map(|top| top.nested_nanos));
        nested.ok().flatten().unwrap_or_default()
    }
}

/// Returns how many computations this thread runs within each other.
pub(crate) fn depth() -> usize {
    COMPUTING.try_with(|stack| stack.borrow().len()).unwrap_or_default()
}

/// Records that the innermost computation ended after `nanos`. Returns its own time, without that of the computations
/// within it.
pub(crate) fn own_nanos(nanos: u64) -> u64 {
    let own = COMPUTING.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        let mut frames = stack.iter_mut().rev();
        // Computations within one task may overlap, so their sum may exceed the time of the whole.
        let own = frames.next().map(|top| nanos.saturating_sub(top.nested_nanos));
        if let Some(around) = frames.next() {
            around.nested_nanos = around.nested_nanos.saturating_add(nanos);
        }
        own
    });
    own.ok().flatten().unwrap_or(nanos)
}

impl Drop for Computing {
    fn drop(&mut self) {
        let _ = COMPUTING.try_with(|stack| {
            let mut stack = stack.borrow_mut();
            if let Some(index) = stack.iter().rposition(|frame| frame.flight == self.flight) {
                stack.remove(index);
            }
        });
    }
}

/// The edges, each a blocked flight and the flight that it waits for, sorted. The same edge may occur more than once.
#[derive(Default)]
struct WaitGraph(Vec<(Id, Id)>);

lazy! {
    static GRAPH: Mutex<WaitGraph> = Mutex::default();
}

/// A wait. While it exists, its edges are in the graph.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The flights that the thread computed when it began to wait.
    blocked: Vec<Id>,
    target: Id,
}

impl Waiting {
    /// Begins a wait for `target`. Returns `None` if the wait would close a cycle: this thread computes `target`, or
    /// `target` waits, directly or indirectly, for a flight that this thread computes.
    pub(crate) fn begin(target: Id) -> Option<Self> {
        // It is unknown what a thread that is ending computes, so such a thread does not wait.
        let blocked = COMPUTING
            .try_with(|stack| stack.borrow().iter().filter_map(|frame| frame.flight).collect());
        let blocked: Vec<Id> = blocked.ok()?;
        if !blocked.is_empty() {
            let mut graph = GRAPH.lock();
            if graph.reaches_any(target, &blocked) {
                return None;
            }
            for &flight in &blocked {
                graph.add((flight, target));
            }
        }
        Some(Self { blocked, target })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.blocked.is_empty() {
            return;
        }
        let mut graph = GRAPH.lock();
        for &flight in &self.blocked {
            graph.remove((flight, self.target));
        }
    }
}

/// Returns whether a caller that computes `flight` waits for another flight.
pub(crate) fn is_blocked(flight: Id) -> bool {
    let graph = GRAPH.lock();
    let first = graph.0.partition_point(|edge| edge.0 < flight);
    graph.0.get(first).is_some_and(|edge| edge.0 == flight)
}

impl WaitGraph {
    fn add(&mut self, edge: (Id, Id)) {
        let index = self.0.partition_point(|other| *other < edge);
        self.0.insert(index, edge);
    }

    fn remove(&mut self, edge: (Id, Id)) {
        let index = self.0.partition_point(|other| *other < edge);
        if self.0.get(index) == Some(&edge) {
            self.0.remove(index);
        }
    }

    /// Returns whether a path leads from `start` to one of `ends`. A path may have no edges.
    fn reaches_any(&self, start: Id, ends: &[Id]) -> bool {
        let mut reached = vec![start];
        let mut visited = 0;
        while let Some(&flight) = reached.get(visited) {
            if ends.contains(&flight) {
                return true;
            }
            visited += 1;
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
