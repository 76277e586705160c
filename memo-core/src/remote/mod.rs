//! A tier behind memory and disk that machines share, such as a Redis server.

mod pending;
mod store;

pub use self::pending::{Completer, Pending};
pub use self::store::{Changed, Lease, Leased, Put, Store, StoreError, Stored, Token, Watcher};
