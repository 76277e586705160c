//! The localStorage of a page, and what other tabs change in it.
// wasm-bindgen expands declarations of functions of the host to unsafe code.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::time::Duration;

use js_sys::{Object, Reflect, global};
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};

use crate::platform::items::{Change, Inbox, Items, Refusal};
use crate::platform::maintenance::CACHES;
use crate::platform::script::{listen, property};

#[wasm_bindgen]
extern "C" {
    type Storage;

    #[wasm_bindgen(method, catch, js_name = getItem)]
    fn get_item(this: &Storage, name: &str) -> Result<Option<String>, JsValue>;

    #[wasm_bindgen(method, catch, js_name = setItem)]
    fn set_item(this: &Storage, name: &str, text: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = removeItem)]
    fn remove_item(this: &Storage, name: &str) -> Result<(), JsValue>;
}

thread_local! {
    static INBOXES: RefCell<Vec<Weak<Inbox>>> = const { RefCell::new(Vec::new()) };
}

/// The localStorage of this page.
pub(crate) struct LocalStorage;

impl Items for LocalStorage {
    fn get(&self, name: &str) -> Result<Option<String>, Refusal> {
        storage()?.get_item(name).map_err(|error| refusal(&error))
    }

    fn set(&self, name: &str, text: &str) -> Result<(), Refusal> {
        storage()?.set_item(name, text).map_err(|error| refusal(&error))
    }

    fn remove(&self, name: &str) {
        let _ = storage().map(|storage| storage.remove_item(name));
    }

    fn names(&self, prefix: &str) -> Result<Vec<String>, Refusal> {
        let names = Object::keys(storage()?.unchecked_ref::<Object>());
        let names = names.iter().filter_map(|name| name.as_string());
        Ok(names.filter(|name| name.starts_with(prefix)).collect())
    }

    fn watch(&self, inbox: &Arc<Inbox>) {
        let is_first = INBOXES.with_borrow_mut(|inboxes| {
            inboxes.retain(|inbox| inbox.strong_count() > 0);
            inboxes.push(Arc::downgrade(inbox));
            inboxes.len() == 1
        });
        thread_local! {
            static HEARS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
        }
        if is_first && !HEARS.replace(true) {
            listen("storage", |event| changed(&event));
            // A page that comes back from the cache of former pages has heard nothing meanwhile.
            listen("pageshow", |event| {
                if property(&event, "persisted").is_truthy() {
                    hand_out(|| Change::Missed);
                }
            });
        }
    }
}

/// Returns the storage. Asking for it fails if the person or the sandbox of the page forbids it.
fn storage() -> Result<Storage, Refusal> {
    let found = Reflect::get(&global(), &"localStorage".into());
    let storage = found.map_err(|error| refusal(&error))?;
    if storage.is_object() {
        return Ok(storage.unchecked_into());
    }
    Err(Refusal::Missing)
}

fn refusal(error: &JsValue) -> Refusal {
    let text = |name| property(error, name).as_string().unwrap_or_default();
    let name = text("name");
    // The second is what Firefox called it.
    if name == "QuotaExceededError" || name == "NS_ERROR_DOM_QUOTA_REACHED" {
        return Refusal::Full;
    }
    Refusal::Unavailable(format!("{name}: {}", text("message")))
}

fn changed(event: &JsValue) {
    // The event is also that of sessionStorage.
    let area = property(event, "storageArea");
    if storage().is_ok_and(|local| *AsRef::<JsValue>::as_ref(&local) != area) {
        return;
    }
    let (name, text) =
        (property(event, "key").as_string(), property(event, "newValue").as_string());
    hand_out(|| match (&name, &text) {
        (Some(name), Some(text)) => Change::Set { name: name.clone(), text: text.clone() },
        (Some(name), None) => Change::Removed { name: name.clone() },
        (None, _) => Change::Cleared,
    });
}

/// Puts a change into all inboxes, and lets the caches look into them at once.
fn hand_out(change: impl Fn() -> Change) {
    let inboxes = INBOXES.with_borrow(Clone::clone);
    inboxes.iter().filter_map(Weak::upgrade).for_each(|inbox| inbox.put(change()));
    CACHES.wake(Duration::ZERO);
}
