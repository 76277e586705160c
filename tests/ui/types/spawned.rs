use std::rc::Rc;

use memokit::memoize;

fn spawn<T: Future<Output = ()> + Send + 'static>(_task: T) {}

#[memoize(spawn = spawn)]
async fn body_that_stays(a: u32) -> u32 {
    let here = Rc::new(a);
    std::future::ready(()).await;
    *here
}

#[memoize(spawn = spawn)]
async fn error_that_stays(a: u32) -> Result<u32, Rc<str>> {
    Ok(a)
}

#[memoize(spawn = |task: u32| task)]
async fn takes_no_future(a: u32) -> u32 {
    a
}

fn main() {}
