//! Locks that the tabs of a site share, which the browser frees when a tab is closed or crashes: the Web Locks API.
// wasm-bindgen expands declarations of functions of the host to unsafe code.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::task::Waker;
use std::time::Duration;

use js_sys::{Function, Object, Promise, Reflect, global};
use wasm_bindgen::prelude::{Closure, JsCast, JsValue, wasm_bindgen};

use crate::platform::clock::Instant;
use crate::platform::lock_request::{Granting, LockRequest};
use crate::platform::script::{listen, property};

#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &JsValue,
        granted: &Function,
    ) -> Result<Promise, JsValue>;

    type AbortController;

    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<AbortController, JsValue>;

    #[wasm_bindgen(method)]
    fn abort(this: &AbortController);
}

/// A tab asks for at most this many at once. Each is a message to another process of the browser.
const MAX_REQUESTS: usize = 64;
/// What the former holder has stored comes by another way than the lock, and may come later. Who gets the lock from
/// another waits for it that long.
const BEHIND: Duration = Duration::from_millis(100);

/// A request. Its objects of JavaScript stay with the thread, so the value may go anywhere.
pub(crate) struct WebLock(u32);

struct Request {
    name: String,
    /// Ends the request while it waits for others. `None`: it does not yet.
    abort: Option<AbortController>,
    stage: Stage,
    waker: Option<Waker>,
}

enum Stage {
    Pending,
    Granted {
        /// Resolves the promise until which the browser leaves the lock to this tab.
        end: Function,
        /// What the former holder has stored is there then.
        from: Option<Instant>,
    },
    Refused,
}

thread_local! {
    static REQUESTS: RefCell<HashMap<u32, Request>> = RefCell::default();
    static NEXT: Cell<u32> = const { Cell::new(0) };
    static HEARS: Cell<bool> = const { Cell::new(false) };
    // They live as long as the page, because the browser may call them when the request has long been dropped.
    static GRANTED: Function =
        Closure::<dyn Fn(u32, JsValue) -> JsValue>::new(|id, lock| granted(id, &lock))
            .into_js_value()
            .unchecked_into();
    static REFUSED: Function =
        Closure::<dyn Fn(u32)>::new(refused).into_js_value().unchecked_into();
}

impl WebLock {
    /// Asks for the lock of that name. Returns `None` if the host has no locks, as in a page that is not secure, if too
    /// many were asked for, or if this page has asked for that one: it must not wait for itself.
    pub(crate) fn request(name: &str) -> Option<Box<dyn LockRequest>> {
        let is_refused = REQUESTS.with_borrow(|requests| {
            requests.len() >= MAX_REQUESTS || requests.values().any(|request| request.name == name)
        });
        if is_refused {
            return None;
        }
        if !HEARS.replace(true) {
            listen("pagehide", |_| give_up_all());
        }
        let id = NEXT.replace(NEXT.get().wrapping_add(1));
        // Whether it has to be waited for says whether another tab computes.
        ask(id, name, "ifAvailable", &JsValue::TRUE).ok()?;
        let (name, stage) = (name.to_owned(), Stage::Pending);
        let request = Request { name, abort: None, stage, waker: None };
        REQUESTS.with_borrow_mut(|requests| requests.insert(id, request));
        Some(Box::new(Self(id)))
    }
}

impl LockRequest for WebLock {
    fn poll(&self, waker: &Waker) -> Granting {
        // Cloning and dropping a waker runs code of an executor.
        let mut waker = Some(waker.clone());
        REQUESTS.with_borrow_mut(|requests| {
            let Some(request) = requests.get_mut(&self.0) else { return Granting::Refused };
            match &request.stage {
                Stage::Pending => {
                    std::mem::swap(&mut request.waker, &mut waker);
                    Granting::Pending
                }
                Stage::Granted { from: Some(from), .. } if *from > Instant::now() => {
                    Granting::Pending
                }
                Stage::Granted { .. } => Granting::Granted,
                Stage::Refused => Granting::Refused,
            }
        })
    }
}

impl Drop for WebLock {
    fn drop(&mut self) {
        // After the end of its thread the browser has all locks back.
        let removed = REQUESTS.try_with(|requests| requests.borrow_mut().remove(&self.0));
        if let Some(Request { stage, abort, .. }) = removed.ok().flatten() {
            give_up(&stage, abort.as_ref());
        }
    }
}

/// Tells the browser that a lock is not held or wanted any more.
fn give_up(stage: &Stage, abort: Option<&AbortController>) {
    match stage {
        Stage::Granted { end, .. } => _ = end.call0(&JsValue::UNDEFINED),
        Stage::Pending => abort.into_iter().for_each(AbortController::abort),
        Stage::Refused => {}
    }
}

/// Gives up all locks, because the page is left. The browser may keep it as it is, with its locks, to come back to it:
/// then its computations go on without them. Who waits for a lock is polled from time to time and sees that.
fn give_up_all() {
    let all: Vec<_> = REQUESTS.with_borrow_mut(|requests| {
        let given_up = requests.values_mut().map(|request| {
            (std::mem::replace(&mut request.stage, Stage::Refused), request.abort.take())
        });
        given_up.collect()
    });
    all.iter().for_each(|(stage, abort)| give_up(stage, abort.as_ref()));
}

/// Asks the browser, with one option.
fn ask(id: u32, name: &str, option: &str, value: &JsValue) -> Result<(), JsValue> {
    let locks = property(&property(&global(), "navigator"), "locks");
    if !locks.is_object() {
        return Err(JsValue::UNDEFINED);
    }
    let options = Object::new();
    Reflect::set(&options, &option.into(), value)?;
    let bound = |function: &Function| -> Function {
        function.bind1(&JsValue::UNDEFINED, &id.into()).unchecked_into()
    };
    let asked =
        locks.unchecked_ref::<LockManager>().request(name, &options, &GRANTED.with(bound))?;
    // Without this the browser would tell the page of each request that was given up.
    let caught = property(&asked, "catch").dyn_into::<Function>()?;
    caught.call1(&asked, &REFUSED.with(bound))?;
    Ok(())
}

/// The browser has granted a request, or has no lock to grant at once. Returns the promise until whose end the lock is
/// held.
fn granted(id: u32, lock: &JsValue) -> JsValue {
    let Some((name, waited)) = REQUESTS.with_borrow(|requests| {
        let request = requests.get(&id).filter(|r| matches!(r.stage, Stage::Pending))?;
        Some((request.name.clone(), request.abort.is_some()))
    }) else {
        // Nobody wants it any more.
        return JsValue::UNDEFINED;
    };
    if lock.is_null() {
        wait_for(id, &name);
        return JsValue::UNDEFINED;
    }
    let mut end = None;
    let held = Promise::new(&mut |resolve, _| end = Some(resolve));
    let Some(end) = end else { return JsValue::UNDEFINED };
    let from = waited.then(|| Instant::now() + BEHIND);
    advance(id, Stage::Granted { end, from });
    held.into()
}

/// Asks again for a lock that another has, until that gives it up.
fn wait_for(id: u32, name: &str) {
    let Ok(abort) = AbortController::new() else { return refused(id) };
    let signal = property(abort.as_ref(), "signal");
    REQUESTS.with_borrow_mut(|requests| {
        if let Some(request) = requests.get_mut(&id) {
            request.abort = Some(abort);
        }
    });
    if ask(id, name, "signal", &signal).is_err() {
        refused(id);
    }
}

fn refused(id: u32) {
    let is_pending = REQUESTS.with_borrow(|requests| {
        requests.get(&id).is_some_and(|request| matches!(request.stage, Stage::Pending))
    });
    if is_pending {
        advance(id, Stage::Refused);
    }
}

fn advance(id: u32, stage: Stage) {
    let waker = REQUESTS.with_borrow_mut(|requests| {
        let request = requests.get_mut(&id)?;
        request.stage = stage;
        request.waker.take()
    });
    // A waker runs code of an executor.
    if let Some(waker) = waker {
        waker.wake();
    }
}
