//! An `async fn` is memoized as it is, on any runtime. Look at the three tasks: one asks the source, and the others
//! wait for it. If the task that computes is cancelled, one that waits begins anew; `patience.rs` shows how to go on
//! instead.
//!
//!     cargo run --example asynchronous

use std::time::Duration;

use memokit::memoize;
use tokio::time::{sleep, timeout};

#[memoize(max = 1000, ttl = "30s")]
async fn forecast(city: &str) -> String {
    println!("  asks for {city}");
    sleep(Duration::from_millis(300)).await;
    format!("sun over {city}")
}

async fn three_tasks() {
    let (a, b, c) = tokio::join!(forecast("Oslo"), forecast("Oslo"), forecast("Oslo"));
    assert!(a == b && b == c);
    println!("{a}, from {} computation", forecast_memo().stats().misses);
}

async fn a_task_that_is_cancelled() {
    let hurried = timeout(Duration::from_millis(10), forecast("Lima"));
    let (hurried, patient) = tokio::join!(hurried, forecast("Lima"));
    println!("{:?}, {patient}", hurried.ok());
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    three_tasks().await;
    a_task_that_is_cancelled().await;
    println!("{}, at once", forecast("Lima").await);
}
