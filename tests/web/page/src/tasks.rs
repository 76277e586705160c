//! Async functions that wait for the host, and for each other.

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;

use js_sys::{Function, Promise};
use memokit::memoize;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

use crate::count;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(function: &Function, millis: u32);
}

/// Waits for a promise of the page.
pub(crate) async fn sleep(millis: u32) {
    let promise = Promise::new(&mut |resolve, _| set_timeout(&resolve, millis));
    JsFuture::from(promise).await.expect("a timer does not fail");
}

#[memoize]
async fn slept(number: u32) -> u32 {
    count();
    sleep(50).await;
    number
}

#[wasm_bindgen]
pub async fn sleep_for(number: u32) -> u32 {
    slept(number).await
}

/// Drops a call that computes, while another one waits for it. Returns what that returns.
#[wasm_bindgen]
pub async fn sleep_for_another(number: u32) -> u32 {
    let mut waiter = Box::pin(slept(number));
    {
        let mut leader = pin!(slept(number));
        poll_fn(|context| {
            assert!(leader.as_mut().poll(context).is_pending());
            assert!(waiter.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    }
    waiter.await
}

thread_local! {
    static HANGS: Cell<bool> = const { Cell::new(true) };
}

/// The first computation never ends.
#[memoize(wait_limit = "300ms")]
async fn hung(number: u32) -> u32 {
    count();
    if HANGS.replace(false) {
        pending::<()>().await;
    }
    number
}

#[wasm_bindgen]
pub async fn hang(number: u32) -> u32 {
    hung(number).await
}
