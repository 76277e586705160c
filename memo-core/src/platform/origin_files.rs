//! The files that a browser keeps for a site (OPFS), open in a worker by synchronous handles.
// wasm-bindgen expands declarations of functions of the host to unsafe code.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::io;

use js_sys::{Object, Promise, Reflect, global};
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};

use crate::platform::access_handle::AccessHandle;
use crate::platform::promise::{settled, sleep};
use crate::platform::script::property;

#[wasm_bindgen]
extern "C" {
    type StorageManager;
    #[wasm_bindgen(method, catch, js_name = getDirectory)]
    fn directory(this: &StorageManager) -> Result<Promise, JsValue>;

    type Folder;
    #[wasm_bindgen(method, catch, js_name = getDirectoryHandle)]
    fn folder(this: &Folder, name: &str, options: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getFileHandle)]
    fn file(this: &Folder, name: &str, options: &JsValue) -> Result<Promise, JsValue>;

    type FileHandle;
    #[wasm_bindgen(method, catch, js_name = createSyncAccessHandle)]
    fn access(this: &FileHandle) -> Result<Promise, JsValue>;

    type SyncAccessHandle;
    #[wasm_bindgen(method, catch)]
    fn read(this: &SyncAccessHandle, bytes: &mut [u8], options: &JsValue) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn write(this: &SyncAccessHandle, bytes: &[u8], options: &JsValue) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn truncate(this: &SyncAccessHandle, len: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = getSize)]
    fn size(this: &SyncAccessHandle) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn flush(this: &SyncAccessHandle) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn close(this: &SyncAccessHandle) -> Result<(), JsValue>;
}

/// The folder of the files, in that of the site.
const FOLDER: &str = "memokit";
/// A worker that has ended has its files for a moment longer. So the first file is tried this often, with pauses of
/// this many milliseconds.
const ATTEMPTS: u32 = 20;
const PAUSE: u32 = 50;

thread_local! {
    /// Handles are of the thread that has opened them.
    static HANDLES: RefCell<Vec<Option<SyncAccessHandle>>> = const { RefCell::new(Vec::new()) };
}

/// The files of this site, of which some may be open.
pub(crate) struct OriginFiles {
    folder: Folder,
    opened: u32,
}

/// Why files could not be opened.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another worker has them.
    Taken,
    Failed(io::Error),
}

impl OriginFiles {
    pub(crate) async fn new() -> Result<Self, Refused> {
        let storage = property(&property(&global(), "navigator"), "storage");
        if !storage.is_object() {
            let reason = "this browser or this page has no files";
            return Err(Refused::Failed(io::Error::new(io::ErrorKind::Unsupported, reason)));
        }
        let root = awaited(storage.unchecked_ref::<StorageManager>().directory()).await?;
        let folder = root.unchecked_ref::<Folder>().folder(FOLDER, &option("create", true));
        let folder = awaited(folder).await?.unchecked_into();
        Ok(Self { folder, opened: 0 })
    }

    /// Returns how many files it has opened.
    pub(crate) fn opened(&self) -> u32 {
        self.opened
    }

    /// Opens the next file. Returns `None` if there is none and `creates` is false.
    pub(crate) async fn next(
        &mut self,
        creates: bool,
    ) -> Result<Option<Box<dyn AccessHandle>>, Refused> {
        let name = format!("{:04}", self.opened);
        let found = awaited(self.folder.file(&name, &option("create", creates))).await;
        let file: FileHandle = match found {
            Ok(file) => file.unchecked_into(),
            Err(Refused::Failed(e)) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(refused) => return Err(refused),
        };
        let mut attempts = if self.opened == 0 { ATTEMPTS } else { 1 };
        let handle = loop {
            attempts -= 1;
            match awaited(file.access()).await {
                Err(Refused::Taken) if attempts > 0 => sleep(PAUSE).await,
                opened => break opened?.unchecked_into(),
            }
        };
        self.opened += 1;
        Ok(Some(Box::new(Handle(HANDLES.with_borrow_mut(|handles| {
            handles.push(Some(handle));
            handles.len() - 1
        })))))
    }
}

async fn awaited(promise: Result<Promise, JsValue>) -> Result<JsValue, Refused> {
    let result = match promise {
        Ok(promise) => settled(promise).await,
        Err(error) => Err(error),
    };
    result.map_err(|error| {
        if property(&error, "name").as_string().as_deref() == Some("NoModificationAllowedError") {
            return Refused::Taken;
        }
        Refused::Failed(error_of(&error))
    })
}

fn option(name: &str, value: impl Into<JsValue>) -> JsValue {
    let options = Object::new();
    // A new object takes any property.
    let _ = Reflect::set(&options, &name.into(), &value.into());
    options.into()
}

fn error_of(error: &JsValue) -> io::Error {
    let text = |name| property(error, name).as_string().unwrap_or_default();
    let name = text("name");
    let kind = match &*name {
        "QuotaExceededError" => io::ErrorKind::StorageFull,
        "NotFoundError" => io::ErrorKind::NotFound,
        "SecurityError" | "NotAllowedError" => io::ErrorKind::PermissionDenied,
        "TypeError" => io::ErrorKind::Unsupported,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, format!("{name}: {}", text("message")))
}

/// The place of a handle among those of its thread.
struct Handle(usize);

impl Handle {
    fn with<R>(&self, act: impl FnOnce(&SyncAccessHandle) -> Result<R, JsValue>) -> io::Result<R> {
        HANDLES.with_borrow(|handles| {
            let handle = handles.get(self.0).and_then(Option::as_ref);
            act(handle.ok_or(io::ErrorKind::NotFound)?).map_err(|error| error_of(&error))
        })
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes are integers")]
impl AccessHandle for Handle {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        self.with(|handle| handle.read(bytes, &option("at", at as f64))).map(|n| n as usize)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.with(|handle| handle.write(bytes, &option("at", at as f64))).map(|n| n as usize)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.with(|handle| handle.truncate(len as f64))
    }

    fn size(&self) -> io::Result<u64> {
        self.with(SyncAccessHandle::size).map(|len| len as u64)
    }

    fn flush(&self) -> io::Result<()> {
        self.with(SyncAccessHandle::flush)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = self.with(SyncAccessHandle::close);
        let _ = HANDLES.try_with(|handles| handles.borrow_mut()[self.0] = None);
    }
}
