//! The files of the origin in which functions keep their results in a worker.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::error::Error;
use crate::persist::{Fs, PoolFs};
use crate::platform::origin_files::{OriginFiles, Refused};
use crate::platform::promise::{sleep, spawn};
use crate::platform::sync::usual::Mutex;

/// So many files are free after an opening. A function takes three, and one more for each result of more than 256 KiB.
const FREE: usize = 16;
/// What errors call the place.
const PLACE: &str = "the files of the origin";

/// What came of the opening, if there was one.
static OPENED: Mutex<Option<Result<PoolFs, Error>>> = Mutex::new(None);
/// How often a call looks whether another is over, in milliseconds.
const PAUSE: u32 = 10;
static IS_OPENING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// What opens more files. `None`: it does so just now, or there are no files.
    static FILES: RefCell<Option<OriginFiles>> = const { RefCell::new(None) };
}

/// Opens the files of this site (the origin private file system), in which the functions that are called first after
/// this keep their results. To be called in a worker that is no shared or service worker, before these functions are. A
/// second call tries again, if the first has failed.
///
/// # Errors
/// [`Error::Locked`] if another worker has them: one at a time can. [`Error::Io`] if there are none here, as in a page
/// or a private window. Functions then work as without this call, and `health()` says the same.
pub async fn open_files() -> Result<(), Error> {
    let opening = Opening::begin().await;
    if opened().is_some_and(|opened| opened.is_ok()) {
        return Ok(());
    }
    let found = open().await.map_err(error_of);
    *OPENED.lock() = Some(found.clone());
    drop(opening);
    found.map(drop)
}

/// One call of [`open_files`] that is not over. Another waits until it is, or was given up.
struct Opening;

impl Opening {
    async fn begin() -> Self {
        while IS_OPENING.swap(true, Relaxed) {
            sleep(PAUSE).await;
        }
        Self
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        IS_OPENING.store(false, Relaxed);
    }
}

/// Returns the file system, or why it could not be opened. `None`: nobody has tried.
pub(super) fn opened() -> Option<Result<PoolFs, Error>> {
    OPENED.lock().clone()
}

/// Returns the file system, if it is open.
pub(super) fn file_system() -> Option<Arc<dyn Fs>> {
    opened()?.ok().map(|pool| Arc::new(pool) as Arc<dyn Fs>)
}

async fn open() -> Result<PoolFs, Refused> {
    let mut files = OriginFiles::new().await?;
    let mut handles = Vec::new();
    while let Some(handle) = files.next(false).await? {
        handles.push(handle);
    }
    let pool = PoolFs::open(handles, || spawn(open_more())).map_err(Refused::Failed)?;
    if let (Err(refused), 0) = (add_free(&pool, &mut files).await, files.opened()) {
        return Err(refused);
    }
    FILES.set(Some(files));
    Ok(pool)
}

/// Opens files while the program runs, because few are free. Until then a file that is needed may be missing, which is
/// counted as a failure of the disk is.
async fn open_more() {
    let (Some(mut files), Some(Ok(pool))) = (FILES.take(), opened()) else { return };
    // If it fails, the next file that is created asks again.
    let _ = add_free(&pool, &mut files).await;
    FILES.set(Some(files));
}

fn error_of(refused: Refused) -> Error {
    let path = PathBuf::from(PLACE);
    match refused {
        Refused::Taken => Error::Locked { path, pid: None },
        Refused::Failed(error) => Error::io("open", path, &error),
    }
}

/// Opens files until enough are free. Those that it has opened are free even if another cannot be.
async fn add_free(pool: &PoolFs, files: &mut OriginFiles) -> Result<(), Refused> {
    while pool.free() < FREE {
        let handle = files.next(true).await?;
        pool.add(handle.into_iter().collect()).map_err(Refused::Failed)?;
    }
    Ok(())
}
