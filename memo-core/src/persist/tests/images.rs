//! Tests every crash of every script, and every disk that may result from it. No disk shows what was not promised.
//!
//! `MEMOKIT_CRASH_IMAGES` sets how many disks are checked instead of [`IMAGES`]. `MEMOKIT_CRASH_SEED` sets the script
//! to begin with, so that a failure can be reproduced.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use super::crash::{crashed, operations};
use super::model::{Promise, Random, Run, Step, script};
use super::*;
use crate::persist::{Crash, ENOSPC, Failure, SHORT};

/// The least number of disks that are checked.
const IMAGES: u64 = 100_000;

/// A long run reports its progress each time it has checked this many disks.
const MILLION: u64 = 1_000_000;

const ERRNOS: [i32; 5] = [5, ENOSPC, 30, 4, SHORT];

const DURABILITIES: [Durability; 4] =
    [Durability::None, Durability::Os, Durability::Interval, Durability::Always];

/// A script that is crashed at each of its operations, its durability, and the failure that is set before the crash.
struct Scenario {
    seed: u64,
    script: Vec<Step>,
    durability: Durability,
    failure: Option<Failure>,
    /// The number of disks that were checked.
    checked: u64,
}

impl Scenario {
    /// The first four scenarios run the fixed script. Each later one runs a random script of its own. Every third
    /// scenario has a failure.
    fn of(seed: u64) -> Self {
        let mut random = Random::new(seed + 1);
        let durability = DURABILITIES[usize::try_from(seed % 4).expect("below 4")];
        let script = if seed < 4 { script() } else { random.script() };
        let failure = (seed % 3 == 2).then(|| {
            let at = random.below(usize::try_from(operations(&script, durability, None)).unwrap());
            let count = [1, 2, u64::MAX][random.below(3)];
            Failure { at: at as u64, count, errno: ERRNOS[random.below(ERRNOS.len())] }
        });
        Self { seed, script, durability, failure, checked: 0 }
    }

    fn explore(mut self) -> u64 {
        for at in 0..operations(&self.script, self.durability, self.failure) {
            for half in [false, true] {
                let crash = Crash { at, half };
                let (fs, run) = crashed(&self.script, self.durability, self.failure, crash);
                let about = format!(
                    "seed {} {:?} {:?} {crash:?}",
                    self.seed, self.durability, self.failure
                );
                self.check_disk(&fs.after_process_death(), &run, Promise::Process, &about);
                for image in fs.after_power_loss() {
                    let about = format!("{about}, {}", image.name);
                    self.check_disk(&image.fs, &run, Promise::Power, &about);
                }
            }
        }
        self.checked
    }

    /// Checks that what is recovered was promised. On some disks the store then continues to work, on some it crashes
    /// once more.
    fn check_disk(&mut self, fs: &MemFs, run: &Run, promise: Promise, about: &str) {
        self.checked += 1;
        let opening = if self.checked % 4 == 1 { fs.after_process_death() } else { fs.clone() };
        let opened = open_as(opening.clone(), &dir(), &identity(), self.durability);
        let (store, recovery, found) = opened.unwrap_or_else(|e| panic!("{about}: {e}"));
        run.check(&found, promise, about);
        let cut_short = losses(&recovery).contains(&Loss::CutShort);
        assert!(!cut_short, "{about}: a crash looks like damage");
        if promise == Promise::Process && self.failure.is_none() {
            run.check_moment(&found, promise, about);
        }
        match self.checked % 4 {
            1 => self.crash_again(fs, &found, about),
            2 => continues_to_work(&opening, &store, found, about),
            _ => {}
        }
    }

    /// Checks that another crash while `fs` is opened does not change what is found.
    fn crash_again(&mut self, fs: &MemFs, found: &Entries, about: &str) {
        let at = self.checked / 4 % 24;
        let again = fs.after_process_death();
        again.crash(Some(Crash { at, half: self.checked.is_multiple_of(8) }));
        let _ = open_as(again.clone(), &dir(), &identity(), self.durability);
        for image in again.after_power_loss() {
            self.checked += 1;
            assert_eq!(recovered(&image.fs).1, *found, "{about}, again at {at}, {}", image.name);
        }
    }
}

/// Checks that a store continues to work after a recovery.
fn continues_to_work(fs: &MemFs, store: &Store, mut found: Entries, about: &str) {
    let new = put(b"new", b"entry");
    apply(&mut found, new);
    write(store, new).unwrap();
    store.flush().unwrap();
    assert_eq!(recovered(fs).1, found, "{about}");
    checkpoint(store, &found).unwrap();
    assert_eq!(recovered(fs).1, found, "{about}");
    assert_eq!(value_files(fs), kept_apart(&found), "{about}: files that no record mentions");
}

#[test]
fn no_crash_shows_what_was_not_promised() {
    let number = |name, default| std::env::var(name).map_or(default, |n| n.parse().unwrap());
    let wanted = number("MEMOKIT_CRASH_IMAGES", IMAGES);
    let seed = AtomicU64::new(number("MEMOKIT_CRASH_SEED", 0));
    let checked = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while checked.load(Relaxed) < wanted {
                    let scenario = Scenario::of(seed.fetch_add(1, Relaxed));
                    let more = scenario.explore();
                    let before = checked.fetch_add(more, Relaxed);
                    if before / MILLION < (before + more) / MILLION {
                        println!("{} disks", before + more);
                    }
                }
            });
        }
    });
    let checked = checked.into_inner();
    println!("{checked} disks after crashes of scripts below {}", seed.into_inner());
    assert!(checked >= wanted);
}
