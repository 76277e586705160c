//! What is on disk, for the command `memo`: the versions below a directory, their records, what is damaged, and who
//! writes. Only [`Editor`] changes anything.

mod editor;
mod entry;
mod key;
mod search;
mod state;
mod version;
mod written;

pub use editor::{Editor, New};
pub use entry::Entry;
pub use key::{canonical, key_id, key_text};
pub use search::{Found, find, is_version_name};
pub use state::{Pulse, SlotState};
pub use version::{Contents, FileInfo, FileKind, Version, describes, remove_version, shown};
