use std::rc::Rc;

use memokit::memoize;

struct Opaque;

#[memoize]
async fn not_a_key(a: Opaque) -> u32 {
    drop(a);
    1
}

#[memoize]
async fn not_to_be_kept(a: u32) -> Rc<u32> {
    Rc::new(a)
}

#[memoize]
async fn held_across(a: u32) -> u32 {
    let here = Rc::new(a);
    std::future::ready(()).await;
    *here
}

fn spawned(_: impl Send) {}

fn main() {
    spawned(held_across(1));
}
