//! A source that takes longer than its callers wait, with `spawn`: it is asked once, and then they have its answer.
//!
//! `cargo run --example patience`

use std::time::Duration;

use memokit::memoize;
use tokio::time::{sleep, timeout};

#[memoize(ttl = "1m", spawn = tokio::spawn)]
async fn report(month: u32) -> String {
    println!("the source is asked for month {month}");
    sleep(Duration::from_millis(300)).await;
    format!("the report of month {month}")
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for caller in 1.. {
        // Without `spawn` the computation would end with its caller, and each would begin it again.
        match timeout(Duration::from_millis(50), report(7)).await {
            Ok(report) => {
                println!("caller {caller} has {report}");
                break;
            }
            Err(_) => println!("caller {caller} gives up"),
        }
    }
    println!("computations: {}", report_memo().stats().misses);
}
