//! What a tier asks of a store that machines share.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Weak;
use std::time::Duration;

use super::error::StoreError;
use super::pending::Pending;
use crate::platform::clock::Instant;

/// A store that machines share: a Redis server, or anything else that can do the same.
///
/// An entry is bytes under a name, with a time after which the store forgets them. Beside each entry there may be a
/// *lease*: the right to compute and to write it, for a time, held by whoever knows its token. A *group* is a name with
/// a number, its *generation*, which changes when all that belongs to the group is removed. What the bytes contain, and
/// what a generation means for them, is not the store's affair.
///
/// Each request is one step for all machines. It returns at once; the result comes later, on any thread, by the
/// [`Pending`]. A store needs no runtime of its caller's. `until` is when nobody waits for the result any more: the
/// store then ends the request with [`StoreError::TimedOut`], but may carry it out all the same. While
/// there is no connection, requests fail at once.
///
/// Times are by the store's clock. A lease and an entry may therefore end early or late by as much as that clock jumps;
/// the rules below hold all the same, because only tokens are compared.
pub trait Store: Send + Sync + 'static {
    /// Returns the entry.
    fn get(&self, entry: &str, until: Instant) -> Pending<Option<Stored>>;

    /// Does the same as [`Store::get`], within this call, for a thread that can do nothing else meanwhile. `None`: this
    /// store, or this store now, is not faster that way. That is what it does by default.
    fn get_now(&self, entry: &str, until: Instant) -> Option<Result<Option<Stored>, StoreError>> {
        let _ = (entry, until);
        None
    }

    /// Does the same as [`Store::get`] for a task, which polls it until it ends, or until nobody waits any more. It need
    /// not end at `until` by itself. `None`: this store, or this store now, is not faster that way. That is what it does
    /// by default.
    fn get_in_task(&self, entry: &str, until: Instant) -> Option<InTask<Option<Stored>>> {
        let _ = (entry, until);
        None
    }

    /// Returns the entry, unless it counts as none by [`Lease::void`]. Otherwise gives the lease of the entry to
    /// [`Lease::token`], unless somebody else has it. Looking and giving are one step.
    fn lease(&self, entry: &str, lease: Lease, until: Instant) -> Pending<Leased>;

    /// Returns the first `len` bytes of the entry, or all if it has less. None if there is no entry.
    fn head(&self, entry: &str, len: usize, until: Instant) -> Pending<Vec<u8>>;

    /// Makes a lease last for `time` from now on, if it is still that of `token`. Returns whether it is.
    fn renew(&self, entry: &str, token: Token, time: Duration, until: Instant) -> Pending<bool>;

    /// Ends a lease, if it is still that of `token`.
    fn release(&self, entry: &str, token: Token, until: Instant) -> Pending<()>;

    /// Writes an entry. If [`Put::token`] is given, does so only if the lease of the entry is still that of this token.
    /// Then ends the lease, whoever has it. Returns whether the entry was written. All this is one step.
    fn put(&self, put: Put, until: Instant) -> Pending<bool>;

    /// Removes an entry and ends its lease, so that what is being computed is not written. Watchers are told of the
    /// entry also if there was none: somebody may be about to keep what this call declares void.
    fn remove(&self, entry: &str, until: Instant) -> Pending<()>;

    /// Returns the generation of a group. If the store knows none, it is `fresh` from now on.
    fn generation(&self, group: &str, fresh: u64, until: Instant) -> Pending<u64>;

    /// Changes the generation of a group, which nobody has used before.
    fn set_generation(&self, group: &str, generation: u64, until: Instant) -> Pending<()>;

    /// Tells `watcher` from now on what happens to entries, leases and groups whose names begin with `prefix`. Called
    /// once, before any other request.
    fn watch(&self, prefix: &str, watcher: Weak<dyn Watcher>);

    /// Returns why the store cannot be used. Also called in a child of fork, where nothing else may be asked: a store
    /// that needs a thread or connections of this process begins to make them.
    ///
    /// # Errors
    /// The reason. It contains no secret.
    fn health(&self) -> Result<(), StoreError>;
}

/// A request that the task which waits for it carries out.
pub type InTask<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// Is told what happens in a store. The calls come in order, one after the other. They return soon, unless the `Drop`
/// of a cached value takes long.
pub trait Watcher: Send + Sync {
    /// Requests reach the store, and each change after this moment will be told. What was changed before it, since the
    /// last [`Watcher::disconnected`], is not.
    fn connected(&self);

    /// Changes may be missed from now on. A store calls this as soon as it knows: when a connection ends, when it has
    /// heard nothing for some time, and when it finds that requests and messages no longer concern the same server; also
    /// when the first attempt to connect has failed.
    fn disconnected(&self);

    /// Something was changed, by this process or by another.
    fn changed(&self, changed: Changed<'_>);
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changed<'a> {
    /// The entry or the group with this name was written or removed.
    Value(&'a str),
    /// The lease of the entry with this name began or ended. Not told in time if it ended by itself.
    Lease(&'a str),
    /// Anything may have been.
    All,
}

/// The bytes of an entry.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How long the store keeps them from now on. `None`: without an end.
    pub left: Option<Duration>,
}

/// A number that only the holder of a lease knows, drawn at random.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u128);

/// A lease that is asked for.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The token of whoever asks.
    pub token: Token,
    /// How long the lease lasts, unless it is renewed.
    pub time: Duration,
    /// An entry that begins with these bytes counts as none: whoever asks has seen it, and cannot use it.
    pub void: Option<Vec<u8>>,
}

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leased {
    /// There is an entry, so nobody gets the lease.
    Found(Stored),
    /// The lease was given.
    Granted,
    /// Somebody else has the lease, for this long if it is not renewed.
    Held(Duration),
}

/// An entry that is to be written.
#[derive(Clone)]
pub struct Put {
    /// Its name.
    pub entry: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How long the store keeps them.
    pub left: Duration,
    /// The lease that allows it. `None`: nothing has to.
    pub token: Option<Token>,
}

// Neither values nor tokens belong in logs.

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.bytes.len();
        f.debug_struct("Stored").field("len", &len).field("left", &self.left).finish()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl fmt::Debug for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.bytes.len();
        f.debug_struct("Put").field("len", &len).field("left", &self.left).finish_non_exhaustive()
    }
}
