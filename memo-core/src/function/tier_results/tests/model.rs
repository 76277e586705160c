//! A model of three machines that share a tier: a simulation in one thread, in which a seed chooses what happens next.
//! Requests, answers and messages are under way as long as the schedule wants. Connections are cut, the one for messages
//! also alone; the server loses what it has; a machine dies. The database behind the function has a number for each key,
//! which only grows, so that a result tells how old it is. Checked is:
//!
//! 1. A machine that is up and knows of all changes returns nothing older than what was removed before the call began,
//!    by any machine, and confirmed by the server. It knows of a change when the message has come, and the answer to its
//!    look at what has changed: until then, memory may have an older value.
//! 2. A machine never returns what is older than what it has removed itself before the call began.
//! 3. After a connection is there again, nothing is returned that was changed before. (That is 1, because messages that
//!    were lost do not count as under way.)
//! 4. The server holds nothing under the generation of now that is older than a confirmed removal.
//! 5. Once all has arrived, nothing is left: no call, lease, open removal, write that waits, or bell.
//! 6. A call that waits and is not woken waits for an answer, a message, or the end of a lease that somebody has.
//!
//! An inserted value counts only from when the server confirms it. If the limit ends before, its write may arrive after
//! the removals of others, and is itself removed then; so 1 and 4 leave out such values until everything has arrived,
//! and those of a machine that died with its removal for good.
//!
//! With 1,500 schedules the model finds each of these changes, by what it then says:
//!
//! - A message about a key does not end the claim of whoever computes it: 1.
//! - The entry is not looked at when a message tells of one's own write: 1.
//! - Removals are not sent again: 5.
//! - The server does not compare the token of a write, or a removal does not end the lease: 4.
//! - Memory is not cleared when the connection is there again: 1, and so 3.
//! - `Changed::Lease` wakes nobody: 6.
//! - What was removed and is not confirmed is read: 2.
//! - A generation that was asked for before it was forgotten is learnt: 2.
//! - A search that ends late keeps its lease: 5.
//! - Generations are kept across connections: 1.
//!
//! Dropped writes that keep their leases, and a clear that is sent again with the same generation, take more schedules;
//! `tests.rs` has tests of both. The environment variable
//! `MEMOKIT_SCHEDULES` sets how many there are.

mod world;

use self::world::{SITES, World};
use crate::platform::clock::steps;
use crate::remote::noise::Numbers;

/// How many schedules are tried, unless `MEMOKIT_SCHEDULES` says so.
const SCHEDULES: u64 = 150;
/// How many steps each has before everything comes to its end.
const STEPS: u64 = 150;

/// Runs the given steps of a schedule. Returns what is wrong, with the trace if it is wanted.
fn run(seed: u64, steps: &[u64], is_traced: bool) -> Result<(), String> {
    let mut world = World::new(seed, is_traced);
    // Most know a connection from the start.
    (0..SITES).filter(|site| seed >> site & 3 != 1).for_each(|site| world.heal(site));
    for step in steps {
        // Each has numbers of its own, so that the others stay the same if one is left out.
        world.numbers = Numbers::new(seed << 32 | step);
        world.step();
        if world.fault.is_some() {
            break;
        }
    }
    if world.fault.is_none() {
        world.conclude();
    }
    let World { fault, trace, .. } = world;
    fault.map_or(Ok(()), |fault| Err(format!("{}{fault}", trace.unwrap_or_default())))
}

/// Leaves out the steps without which a schedule fails too.
fn shrunk(seed: u64, mut steps: Vec<u64>) -> Vec<u64> {
    let mut size = steps.len() / 2;
    while size > 0 {
        let mut at = 0;
        let mut is_shorter = false;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            if run(seed, &fewer, false).is_err() {
                (steps, is_shorter) = (fewer, true);
            } else {
                at += size;
            }
        }
        if !is_shorter {
            size /= 2;
        }
    }
    steps
}

fn run_all(seeds: std::ops::Range<u64>) {
    steps::stop();
    for seed in seeds {
        let all: Vec<_> = (0..STEPS).collect();
        if run(seed, &all, false).is_err() {
            let steps = shrunk(seed, all);
            panic!("seed {seed}:\n{}", run(seed, &steps, true).unwrap_err());
        }
    }
}

#[test]
fn no_machine_serves_what_it_knows_to_be_removed_and_nothing_is_left_in_the_end() {
    let schedules = std::env::var("MEMOKIT_SCHEDULES").map(|n| n.parse().unwrap());
    run_all(0..schedules.unwrap_or(SCHEDULES));
}
