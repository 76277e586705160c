//! A source that takes longer than its callers wait. Look at `spawn`: the source is asked once, although the caller
//! that began gives up.
//!
//!     cargo run --example patience

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
    for caller in 1..=3 {
        // Without `spawn` the computation would end with its caller, and each would begin it again.
        match timeout(Duration::from_millis(10), report(7)).await {
            Ok(report) => println!("caller {caller} has {report}"),
            Err(_) => println!("caller {caller} gives up"),
        }
    }
    println!("caller 4 has {}", report(7).await);
    println!("computations: {}", report_memo().stats().misses);
}
