//! Two processes of the example and one real server. Without `redis-server` the test says so and passes.
#![cfg(unix)]

#[path = "../../../../memo-redis/tests/it/server.rs"]
#[allow(dead_code, reason = "the tests of memo-redis use more of it")]
mod server;

mod process;

use std::time::{Duration, Instant};

use process::Process;
use server::{LONG, server};

#[track_caller]
fn wait_until(is_true: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !is_true() {
        assert!(Instant::now() < end, "it did not become true");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn start(url: &str) -> Process {
    let process = Process::start(url);
    wait_until(|| process.get("/health") == "ok\n");
    process
}

/// The upstream names 701 first, and then 702.
#[test]
fn two_processes_share_prices_and_invalidations() {
    let server = server!();
    let (one, other) = (start(&server.url()), start(&server.url()));

    let computed = one.price(7);
    assert_eq!((&computed["cents"], &computed["source"]), (&701.into(), &"Computed".into()));
    for process in [&other, &one, &other] {
        let price = process.price(7);
        assert_eq!(price["cents"], 701, "{price}");
        assert_eq!(price["computed_by"], one.port, "{price}");
        assert_ne!(price["source"], "Computed", "{price}");
    }
    assert_eq!((one.asked(), other.asked()), (1, 0));

    other.post("/price/7/invalidate");
    // The server tells the one that did not invalidate.
    wait_until(|| one.price(7)["cents"] == 702);
    assert_eq!(other.price(7)["cents"], 702);
    assert_eq!((one.asked(), other.asked()), (2, 0));

    // The server keeps what they have shared.
    one.terminate();
    other.terminate();
    let third = start(&server.url());
    assert_eq!(third.price(7)["cents"], 702);
    assert_eq!(third.asked(), 0);
}
