//! Results that are kept apart from the logs because they are large.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use chrono::Weekday;
use memokit::codec::{Cbor, Json};
use memokit::{Error, memoize};
use serde::{Deserialize, Serialize};

use crate::support::{Processes, folder, processes, restarts, version_folder, wait_until};

static RUNS: AtomicU32 = AtomicU32::new(0);

const MIB: usize = 1 << 20;

/// Returns how many results are kept apart.
fn kept_apart() -> usize {
    value_files(&version_folder()).len()
}

fn value_files(folder: &Path) -> Vec<PathBuf> {
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("value-")).collect()
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Page {
    title: String,
    #[serde(with = "as_bytes")]
    image: Vec<u8>,
    words: BTreeMap<String, u32>,
    ratings: Vec<f32>,
    day: Option<Weekday>,
}

fn page(n: u32) -> Page {
    Page {
        title: "€".repeat(100_000 + n as usize),
        image: (0..=250)
            .cycle()
            .map(|byte: u8| byte.wrapping_mul(7))
            .take(600_000 + n as usize)
            .collect(),
        words: (0..20_000).map(|at| (format!("word {at} of {n}"), at)).collect(),
        ratings: (0..50_000_u16).map(|at| f32::from(at) / 7.0).collect(),
        day: Some(Weekday::Fri),
    }
}

/// Shows a `Vec<u8>` as bytes and not as a sequence.
mod as_bytes {
    use std::fmt;

    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    struct Bytes;

    impl<'de> Visitor<'de> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }

        // JSON has no bytes.
        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut bytes: A,
        ) -> Result<Vec<u8>, A::Error> {
            let mut all = Vec::new();
            while let Some(byte) = bytes.next_element()? {
                all.push(byte);
            }
            Ok(all)
        }
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_byte_buf(Bytes)
    }
}

macro_rules! stored {
    ($($name:ident -> $type:ty { $value:expr } $(($codec:ty))?)*) => {$(
        #[test]
        fn $name() {
            #[memoize(persist = folder() $(, codec = $codec)?)]
            fn value(n: u32) -> $type {
                RUNS.fetch_add(1, Relaxed);
                let make: fn(u32) -> $type = $value;
                make(n)
            }
            restarts!(
                || {
                    drop((value(1), value(2)));
                    value_memo().health().unwrap();
                    assert_eq!((kept_apart(), value_memo().stats().persist_errors), (2, 0));
                },
                || {
                    assert_eq!((value(1), value(2)), (value_uncached(1), value_uncached(2)));
                    assert_eq!(RUNS.load(Relaxed), 2, "the uncached calls");
                    value_memo().invalidate(&value_key(1));
                    value_memo().snapshot().unwrap();
                    assert_eq!(kept_apart(), 1);
                },
                || {
                    assert_eq!((value(2) == value_uncached(2), RUNS.load(Relaxed)), (true, 1));
                    assert_eq!(value_memo().stats().discarded, []);
                },
            );
        }
    )*};
}

stored! {
    text -> String { |n| "ä".repeat(MIB + n as usize) }
    numbers -> Vec<u64> { |n| (0..200_000).map(|at| at << n).collect() }
    untraced -> Page { page }
    json -> Page { page } (Json)
    cbor -> Page { page } (Cbor)
}

/// Counts how often it is serialized.
#[derive(Deserialize, Clone, Debug, PartialEq)]
struct Counted(u32);

static ASKED: AtomicU32 = AtomicU32::new(0);

impl Serialize for Counted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ASKED.fetch_add(1, Relaxed);
        serializer.serialize_newtype_struct("Counted", &self.0)
    }
}

#[memoize(persist = folder(), max_value = "64KiB")]
fn counted(n: u32) -> Vec<Counted> {
    RUNS.fetch_add(1, Relaxed);
    vec![Counted(7); n as usize]
}

#[memoize(persist = folder().join("apart"), max_value = 600_000)]
fn counted_apart(n: u32) -> Vec<Counted> {
    vec![Counted(7); n as usize]
}

#[test]
fn a_result_beyond_its_limit_is_not_encoded_whole_and_stays_in_memory() {
    restarts!(|| {
        drop(counted(10));
        counted_memo().flush().unwrap();
        ASKED.store(0, Relaxed);
        assert_eq!((counted(1_000_000).len(), counted(1_000_000).len()), (1_000_000, 1_000_000));
        assert_eq!(RUNS.load(Relaxed), 2, "it is in memory");
        let asked = ASKED.load(Relaxed);
        assert!(asked <= 65_536 + 1, "{asked} elements were encoded");
        let says = |error: &Error| {
            let text = error.to_string();
            assert!(matches!(error, Error::TooLarge { .. }), "{text}");
            assert!(text.contains("counted") && text.contains("limit (`max_value`) of 65536"));
            assert!(text.contains("65537 bytes or more, which is 1 beyond"), "{text}");
        };
        says(&counted_memo().health().unwrap_err());
        assert!(counted_memo().stats().last_error.unwrap().contains("65536"));
        assert_eq!(counted_memo().stats().persist_errors, 1);
        says(&counted_memo().flush().unwrap_err());
        counted_memo().flush().unwrap();
        drop(counted(11));
        counted_memo().health().unwrap();

        drop(counted_apart(10));
        ASKED.store(0, Relaxed);
        drop(counted_apart(1_000_000));
        let asked = ASKED.load(Relaxed);
        assert!((500_000..=600_001).contains(&asked), "{asked} elements were encoded");
        drop(counted_apart(599_000));
        let apart = folder().join("apart");
        let folders = crate::support::version_folders(&apart);
        assert_eq!(value_files(&folders[0]).len(), 1, "the part was removed");
    });
}

/// A result of that many bytes.
#[derive(Serialize, Deserialize, Clone)]
struct Blob(#[serde(with = "as_bytes")] Vec<u8>);

#[memoize(persist = folder())]
fn blob(mib: usize) -> Blob {
    RUNS.fetch_add(1, Relaxed);
    Blob(vec![7; mib * MIB])
}

/// Returns the highest memory use of this process so far, in MiB.
#[cfg(target_os = "linux")]
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

/// While a result is written, it is in memory once, and twice while it is read. (The first result of a type is read back
/// as it is written.) `MEMOKIT_LARGE_MIB` sets its size in MiB instead of 64.
#[cfg(target_os = "linux")]
#[test]
fn a_result_is_in_memory_twice_at_most() {
    fn mib() -> usize {
        std::env::var("MEMOKIT_LARGE_MIB").map_or(64, |mib| mib.parse().unwrap())
    }
    restarts!(
        || {
            drop(blob(1));
            let before = peak();
            // Without the clone that a call returns.
            blob_memo().insert(&blob_key(mib()), Blob(vec![7; mib() * MIB]));
            let taken = peak() - before;
            assert!(taken <= mib() + 8, "{taken} MiB for {} MiB", mib());
            blob_memo().flush().unwrap();
        },
        || {
            drop(blob(1));
            let before = peak();
            drop(blob(mib()));
            let taken = peak() - before;
            assert!(taken <= 2 * mib() + 8, "{taken} MiB for {} MiB", mib());
            assert_eq!(RUNS.load(Relaxed), 0);
        },
    );
}

#[test]
fn a_process_that_is_killed_while_it_writes_leaves_nothing_for_long() {
    let processes = processes!(
        || {
            drop(blob(1));
            println!("ready");
            for mib in 2..10_000 {
                drop(blob(mib));
            }
        },
        || {
            let before = kept_apart();
            for mib in 1..3 {
                drop(blob(mib));
            }
            assert_eq!(blob_memo().stats().discarded, []);
            blob_memo().snapshot().unwrap();
            let stats = blob_memo().stats();
            assert!(kept_apart() <= before + 1 && kept_apart() as u64 == stats.stored, "{stats:?}");
        },
    );
    for _ in 0..6 {
        let mut child = processes.command(0).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("ready")));
        let folder = folder_of(&processes);
        let before = value_files(&folder).len();
        wait_until("a further file is begun", || value_files(&folder).len() > before);
        child.kill().unwrap();
        child.wait().unwrap();
        processes.run(1);
    }
}

fn folder_of(processes: &Processes) -> PathBuf {
    let mut folders = crate::support::version_folders(&processes.shared.path().join("results"));
    assert_eq!(folders.len(), 1);
    folders.remove(0)
}

#[memoize(persist = folder(), max = 4)]
fn shared_text(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    let text = format!("{n} ");
    text.repeat(400_000 / text.len())
}

#[test]
fn four_processes_remove_no_file_of_another() {
    let processes = processes!(
        || {
            let seed = std::process::id();
            for n in 0..60_u32 {
                let key = (n.wrapping_mul(2_654_435_761) ^ seed) % 7;
                let text = shared_text(key);
                assert!(text.starts_with(&format!("{key} ")) && text.len() > 390_000);
                match n % 10 {
                    3 => drop(shared_text_memo().invalidate(&shared_text_key(key))),
                    7 => shared_text_memo().snapshot().unwrap(),
                    _ => {}
                }
            }
            let stats = shared_text_memo().stats();
            assert_eq!((stats.discarded, stats.persist_errors), (vec![], 0));
        },
        || {
            (0..7).for_each(|key| assert!(shared_text(key).len() > 390_000));
            shared_text_memo().snapshot().unwrap();
            let stats = shared_text_memo().stats();
            assert_eq!((stats.discarded, kept_apart() as u64), (vec![], stats.stored));
        },
    );
    let children: Vec<_> = (0..4).map(|_| processes.command(0).spawn().unwrap()).collect();
    for child in children {
        assert!(crate::support::wait(child).success());
    }
    processes.run(1);
}

/// Waits for the merge that is due because of what was replaced.
#[test]
fn results_that_are_replaced_do_not_pile_up() {
    restarts!(|| {
        for n in 0..20 {
            blob_memo().insert(&blob_key(4), Blob(vec![n; 4 * MIB]));
        }
        wait_until("files are removed", || kept_apart() <= 3);
        assert_eq!(blob(4).0[0], 19);
    });
}
