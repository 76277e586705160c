//! The results that wait in memory before they are written, if the durability allows that. They keep the numbers that
//! they were queued with. A snapshot that another process begins meanwhile does not have them, and its horizon ends
//! them. So each is kept here until it is known to be in a log that counts.

use std::collections::HashMap;

use super::cost::Cost;
use super::index::Position;
use super::queue::Ticket;
use super::record::{Record, WallMillis};
use super::tag_key::{tag_of, tags};
use crate::key::Tag;
use crate::platform::sort::sort_by_number;

/// The puts that may not be in a log yet, by the hashes of their keys. (A key with the hash of another one takes its
/// place. That costs at most a result.)
#[derive(Default)]
pub(crate) struct Deferred {
    puts: HashMap<u64, DeferredPut>,
    /// What is up to this sequence was looked at.
    settled: u64,
}

/// Which puts a removal ends.
#[derive(Clone, Copy)]
pub(crate) enum Ended {
    /// That of the key with this hash.
    Key(u64),
    /// Those with the tag.
    Tag(Tag),
    All,
}

/// A copy of a put that was queued.
pub(crate) struct DeferredPut {
    key: Box<[u8]>,
    value: Box<[u8]>,
    created: WallMillis,
    expires: Option<WallMillis>,
    cost: Cost,
    tags: Box<[u8]>,
    pub(crate) replaces: bool,
    pub(crate) ticket: Ticket,
}

impl DeferredPut {
    pub(crate) fn record(&self) -> Record<'_> {
        let Self { key, value, created, expires, cost, tags, .. } = self;
        let (created, expires, cost) = (*created, *expires, *cost);
        // The record of a value that is kept apart never waits.
        Record::Put { key, value, apart: false, created, expires, cost, tags }
    }
}

impl Deferred {
    /// Notes a record that was queued, and forgets those that it removes or takes the place of. `hash`: that of its
    /// key, or `None` for a clear. A record that a broken log has dropped is not kept.
    pub(crate) fn add(
        &mut self,
        record: &Record<'_>,
        hash: Option<u64>,
        replaces: bool,
        ticket: Ticket,
    ) {
        self.remove(match (hash, record) {
            (None, _) => Ended::All,
            (Some(hash), Record::Remove { key }) => {
                tag_of(key).map_or(Ended::Key(hash), Ended::Tag)
            }
            (Some(hash), _) => Ended::Key(hash),
        });
        let (Some(hash), Record::Put { key, value, apart: false, created, expires, cost, tags }) =
            (hash, *record)
        else {
            return;
        };
        if ticket.position != Position::NONE && ticket.fits {
            let (key, value, tags) = (key.into(), value.into(), tags.into());
            let put = DeferredPut { key, value, created, expires, cost, tags, replaces, ticket };
            self.puts.insert(hash, put);
        }
    }

    /// Forgets the puts that a removal ends.
    pub(crate) fn remove(&mut self, ended: Ended) {
        match ended {
            Ended::Key(hash) => drop(self.puts.remove(&hash)),
            Ended::Tag(ended) => {
                self.puts.retain(|_, put| tags(&put.tags).all(|tag| tag != ended));
            }
            Ended::All => self.puts.clear(),
        }
    }

    /// Returns whether records may have been written that were not looked at. `written`: the last sequence that was.
    pub(crate) fn is_unsettled(&self, written: u64) -> bool {
        !self.puts.is_empty() && written > self.settled
    }

    /// Takes the puts up to the sequence `written`, in their order.
    pub(crate) fn take_written(&mut self, written: u64) -> Vec<DeferredPut> {
        self.settled = written;
        let (done, rest): (HashMap<_, _>, HashMap<_, _>) = std::mem::take(&mut self.puts)
            .into_iter()
            .partition(|(_, p)| p.ticket.sequence <= written);
        self.puts = rest;
        let mut done: Vec<_> = done.into_values().collect();
        sort_by_number(&mut done, |put| put.ticket.sequence);
        done
    }
}
