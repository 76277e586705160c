//! A memoized function on several machines, which are processes here: this program, called again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use memo_redis::Redis;
use memokit::memoize;
use memokit::remote::Tier;

use crate::server::{LONG, Server, server};
use crate::watching::soon;

/// Where a machine finds its server.
const URL: &str = "MEMO_REDIS_TEST_URL";
/// What a machine's answers begin with, among what the test program writes.
const MARK: &str = "machine: ";

static COMPUTED: AtomicU64 = AtomicU64::new(0);
static TIER: LazyLock<Tier> = LazyLock::new(|| {
    let url = std::env::var(URL).unwrap();
    // A loaded machine may be slow.
    Redis::builder(url).authenticated([7; 32]).compressed().read_limit(LONG).connect()
});

#[memoize(remote = TIER.clone(), write = "through", remote_limit = "60s")]
fn digits(number: u64) -> String {
    COMPUTED.fetch_add(1, Ordering::Relaxed);
    number.to_string().repeat(1000)
}

/// Does what its standard input says.
#[test]
#[ignore = "another test calls it, in a process of its own"]
fn machine() {
    // What is computed before the machine is told of changes is not kept.
    let end = soon();
    while TIER.health().is_err() {
        assert!(Instant::now() < end);
    }
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (what, number) = line.split_once(' ').unwrap();
        let number = number.parse().unwrap();
        match what {
            "call" => assert_eq!(digits(number), number.to_string().repeat(1000)),
            "remove" => drop(digits_memo().invalidate(&digits_key(number))),
            _ => panic!("{line}"),
        }
        println!("\n{MARK}{}", COMPUTED.load(Ordering::Relaxed));
    }
}

/// A process of its own.
struct Process {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start(server: &Server) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "tier::machine", "--nocapture", "--ignored"])
            .env(URL, server.url());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, commands, answers: BufReader::new(answers) }
    }

    /// Does something, and returns how often this process has computed.
    fn does(&mut self, what: &str) -> u64 {
        writeln!(self.commands, "{what}").unwrap();
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the process ended");
            if let Some(computed) = line.strip_prefix(MARK) {
                return computed.trim().parse().unwrap();
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn one_machine_computes_for_all_and_an_invalidation_reaches_all() {
    let server = server!();
    let (mut one, mut two) = (Process::start(&server), Process::start(&server));
    assert_eq!(one.does("call 5"), 1);
    assert_eq!(two.does("call 5"), 0);
    // From memory.
    assert_eq!((one.does("call 5"), two.does("call 5")), (1, 0));
    one.does("remove 5");
    // The message is on its way.
    let end = soon();
    while two.does("call 5") == 0 {
        assert!(Instant::now() < end);
    }
    assert_eq!(one.does("call 5"), 1);
}

#[test]
fn a_tier_returns_at_once_and_shows_no_secret() {
    let builder =
        Redis::builder("redis://u:hunter2@127.0.0.1:1").password("hunter2").authenticated([77; 32]);
    let tier = builder.connect();
    assert!(tier.health().is_err());
    let texts = format!("{builder:?} {tier:?} {:?}", tier.health());
    assert!(!texts.contains("hunter2") && !texts.contains("77"), "{texts}");
    assert!(Redis::connect("nonsense").health().is_err());
}

#[test]
fn the_options_of_the_tier_are_set_by_the_builder() {
    let builder =
        Redis::builder("redis://127.0.0.1:1").namespace("shop").lease(Duration::from_secs(5));
    let text = format!("{:?}", builder.read_limit(Duration::from_millis(7)).queue(8, 9));
    for option in [
        "namespace: \"shop\"",
        "lease: 5s",
        "read_limit: 7ms",
        "max_writes: 8",
        "max_write_bytes: 9",
    ] {
        assert!(text.contains(option), "{text}");
    }
}
