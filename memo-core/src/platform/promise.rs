//! Promises as futures, and futures that the page goes on with by itself. The crate wasm-bindgen-futures does the same,
//! with an executor that a program may not need.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use js_sys::{Function, Promise, global};
use wasm_bindgen::prelude::{Closure, JsCast, JsValue};

use crate::platform::script::property;

/// What became of a promise, and who waits for it.
#[derive(Default)]
struct Settled {
    result: Option<Result<JsValue, JsValue>>,
    waker: Option<Waker>,
}

/// Waits for a promise.
pub(crate) async fn settled(promise: Promise) -> Result<JsValue, JsValue> {
    let state = Rc::new(RefCell::new(Settled::default()));
    let settle = |wrap: fn(JsValue) -> Result<JsValue, JsValue>| {
        let state = Rc::clone(&state);
        Closure::once(move |value: JsValue| {
            let mut settled = state.borrow_mut();
            settled.result = Some(wrap(value));
            let waker = settled.waker.take();
            drop(settled);
            if let Some(waker) = waker {
                waker.wake();
            }
        })
    };
    let (resolved, rejected) = (settle(Ok), settle(Err));
    let then = property(&promise, "then").dyn_into::<Function>()?;
    then.call2(&promise, resolved.as_ref(), rejected.as_ref())?;
    poll_fn(|context| {
        let mut settled = state.borrow_mut();
        match settled.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                settled.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    })
    .await
}

/// Waits for so many milliseconds.
pub(crate) async fn sleep(millis: u32) {
    let timer = property(&global(), "setTimeout").dyn_into::<Function>();
    let promise = Promise::new(&mut |resolve, _| {
        let _ = timer.as_ref().map(|timer| timer.call2(&global(), &resolve, &millis.into()));
    });
    // A timer does not fail.
    let _ = settled(promise).await;
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static TASKS: RefCell<HashMap<usize, Task>> = RefCell::default();
}

/// The number of a task of this thread.
struct TaskWaker(usize);

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        poll(self.0);
    }
}

/// Runs a future whose waits are all for promises.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let id = TASKS.with_borrow_mut(|tasks| {
        let free = (0..).find(|id| !tasks.contains_key(id)).unwrap_or(0);
        tasks.insert(free, Box::pin(future));
        free
    });
    poll(id);
}

fn poll(id: usize) {
    let Some(mut task) = TASKS.with_borrow_mut(|tasks| tasks.remove(&id)) else { return };
    let waker = Waker::from(Arc::new(TaskWaker(id)));
    // A promise settles when the script has returned, so nobody polls the task meanwhile.
    if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        TASKS.with_borrow_mut(|tasks| tasks.insert(id, task));
    }
}
