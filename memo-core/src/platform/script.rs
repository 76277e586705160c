//! What a JavaScript host offers under a name: values, timers.

use std::time::Duration;

use js_sys::{Function, Reflect, global};
use wasm_bindgen::prelude::{Closure, JsCast, JsValue};

/// Returns a property of an object, or `undefined`.
pub(crate) fn property(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// Returns a random number.
#[cfg(feature = "opfs")]
pub(crate) fn random() -> u64 {
    js_sys::Math::random().to_bits() ^ js_sys::Math::random().to_bits().rotate_left(32)
}

/// Calls `heard` at each event of that kind, as long as the page lives.
#[cfg(feature = "web")]
pub(crate) fn listen(kind: &str, heard: fn(JsValue)) {
    let Ok(listen) = property(&global(), "addEventListener").dyn_into::<Function>() else { return };
    let heard = Closure::<dyn FnMut(JsValue)>::new(heard);
    if listen.call2(&global(), &kind.into(), heard.as_ref()).is_ok() {
        heard.forget();
    }
}

/// Calls `function` once, after `delay`. Returns whether the host has timers.
pub(crate) fn call_after(delay: Duration, function: fn()) -> bool {
    let timer = property(&global(), "setTimeout").dyn_into::<Function>();
    let delay = u32::try_from(delay.as_millis()).unwrap_or(u32::MAX);
    timer.is_ok_and(|timer| {
        let function = Closure::once_into_js(function);
        timer.call2(&global(), &function, &delay.into()).is_ok()
    })
}
