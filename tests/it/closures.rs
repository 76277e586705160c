//! What closures may return to the functions that act while they run: anything but a future.

use std::fmt::Display;
use std::panic::catch_unwind;
use std::rc::Rc;

use memokit::{Outcome, bypass, inherit, memoize, outcome, refresh, warm};

#[memoize]
fn plus(n: u32) -> u32 {
    n + 1
}

fn refreshed<R>(call: impl FnOnce() -> R) -> R {
    refresh(call)
}

fn bypassed<T: Iterator>(items: &mut T) -> Option<T::Item> {
    bypass(|| items.next())
}

fn inherited<R: Send + 'static>(call: impl FnOnce() -> R + Send + 'static) -> R {
    inherit(call)()
}

fn shown<T: Display>(value: &T) -> impl Display {
    outcome(|| value.to_string()).into_value()
}

struct Handler<C>(C);

impl<R, C: Fn(u32) -> R> Handler<C> {
    fn handle(&self, n: u32) -> Outcome<R> {
        outcome(|| refresh(|| (self.0)(n)))
    }
}

macro_rules! anew {
    ($call:expr) => {
        refresh(|| $call)
    };
}

#[test]
fn generic_callers_need_no_bound() {
    assert_eq!(refreshed(|| plus(1)), 2);
    assert_eq!(bypassed(&mut [3].iter()), Some(&3));
    assert_eq!(inherited(|| plus(3)), 4);
    assert_eq!(shown(&5).to_string(), "5");
    assert_eq!(*Handler(plus).handle(5), 6);
    assert_eq!(anew!(plus(6)), 7);
    let by_pointer: fn() -> u32 = || plus(7);
    assert_eq!(refresh(by_pointer), 8);
}

#[test]
fn closures_may_return_any_other_type() {
    let text = String::from("text");
    assert_eq!(refresh(|| &text), "text");
    assert_eq!(refresh(|| shown(&text)).to_string(), "text");
    let boxed: Box<dyn Display> = bypass(|| Box::new(1) as Box<dyn Display>);
    assert_eq!(boxed.to_string(), "1");
    refresh(|| ());
    refresh(|| _ = plus(1));
    let parsed: u8 = bypass(|| "8".parse().unwrap());
    assert_eq!(parsed, 8);
    let made: Vec<u8> = bypass(Default::default);
    assert!(made.is_empty());
    assert_eq!(bypass(|| 1.5), 1.5);
    assert_eq!(*outcome(|| Rc::new(plus(1))).into_value(), 2);
    let adds = bypass(|| move |n: u32| plus(n));
    assert_eq!(adds(2), 3);
    let failed: Result<u32, String> =
        refresh(|| Ok(plus("1".parse::<u32>().map_err(|e| e.to_string())?)));
    assert_eq!(failed, Ok(2));
    assert_eq!(warm([1, 2], 1, plus).failed, 0);
}

#[test]
fn closures_may_never_return() {
    fn stop() -> ! {
        panic!("stopped")
    }
    assert!(catch_unwind(|| refresh(|| panic!("ended"))).is_err());
    assert!(catch_unwind(|| bypass(|| stop())).is_err());
    let n: u32 = catch_unwind(|| outcome(|| -> u32 { stop() }).into_value()).unwrap_or(9);
    assert_eq!(n, 9);
}

/// The way out for a value that is a future.
#[test]
fn a_future_may_be_returned_in_a_tuple() {
    let (future,) = refresh(|| (std::future::ready(plus(1)),));
    assert_eq!(future.into_inner(), 2);
}
