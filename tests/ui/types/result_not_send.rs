use std::rc::Rc;

use memokit::memoize;

#[memoize]
fn shared(id: u32) -> Rc<u32> {
    Rc::new(id)
}

fn main() {}
