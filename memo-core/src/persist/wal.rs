//! The write-ahead log, with group commit. Records are queued under a short lock. One of the threads that wait for
//! their records takes the writer and writes all queued records, while other threads queue more.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::backoff::Backoff;
use super::durability::Durability;
use super::fs::{File, write_all};
use super::header::Stated;
use super::queue::{Numbers, Queue, QueueTarget, Ticket};
use super::record::{Record, WallMillis};
use super::state::{SlotLog, State as SharedState};
use super::unlogged::Unlogged;
use crate::error::Error;
use crate::platform::fork;
use crate::platform::process;
use crate::platform::sync::{Condvar, MODELLED, Mutex, MutexGuard, yield_now};

/// A thread that waits for a write yields at most this many times before it sleeps.
const YIELDS_BEFORE_SLEEP: u32 = if MODELLED { 1 } else { 20 };

/// A log file that this process writes.
pub(crate) struct LogFile {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
    /// Bytes that were written successfully, the header included. The next write begins here.
    pub(crate) len: u64,
}

pub(crate) struct Wal {
    durability: Durability,
    /// The process that opened the log. A forked child shares the file and must not write to it.
    pid: u32,
    /// The generation of that process.
    generation: u64,
    pub(crate) backoff: Backoff,
    state: Mutex<State>,
    /// Notified each time the writer is released.
    released: Condvar,
    /// How often the writer was released.
    releases: AtomicU64,
    /// Held while files are synced without the writer, so that no thread mistakes a sync in progress for a finished
    /// one.
    syncing: Mutex<()>,
    /// The length of the current log in bytes.
    bytes: AtomicU64,
    /// Where this process tells others how far its log counts.
    shared: SharedState,
    slot: usize,
}

struct State {
    queue: Queue,
    /// `None` while a thread has it.
    writer: Option<Writer>,
    /// How many threads sleep until the writer is released.
    sleeping: usize,
    /// The sequence up to which every record was written or is in `unlogged`.
    written: u64,
    unlogged: Unlogged,
    /// Log files with writes that were not synced yet, the newest last.
    dirty: Vec<(PathBuf, Arc<dyn File>)>,
}

/// The right to write to the current log. The thread that has taken it from [`State`] writes without a lock.
struct Writer {
    /// `None` if no log could be created.
    log: Option<LogFile>,
}

impl Wal {
    /// Makes the write-ahead log from a log file, to which it appends, and tells others of it in the slot `slot`. If
    /// the file could not be created, the log is broken from the start.
    pub(crate) fn new(
        durability: Durability,
        high_water: WallMillis,
        log: Result<(LogFile, QueueTarget), Error>,
        shared: SharedState,
        slot: usize,
    ) -> Self {
        let backoff = Backoff::new();
        let mut unlogged = Unlogged::default();
        let sequence = shared.sequence();
        let (log, target) = log
            .inspect_err(|error| {
                backoff.count(error);
                backoff.back_off();
                unlogged.begin(sequence + 1, error);
            })
            .ok()
            .unzip();
        shared.set_slot(slot, log.as_ref().map_or(SlotLog::default(), LogFile::slot));
        let bytes = AtomicU64::new(log.as_ref().map_or(0, |log| log.len));
        let dirty = log.iter().map(|log| (log.path.clone(), Arc::clone(&log.file))).collect();
        let state = State {
            queue: Queue::new(target, sequence, high_water),
            writer: Some(Writer { log }),
            sleeping: 0,
            written: sequence,
            unlogged,
            dirty,
        };
        Self {
            durability,
            pid: process::id(),
            generation: fork::generation(),
            backoff,
            state: Mutex::new(state),
            released: Condvar::new(),
            releases: AtomicU64::new(0),
            syncing: Mutex::new(()),
            bytes,
            shared,
            slot,
        }
    }

    /// Queues a record. `since`: the sequence when the computation of a put began. `replaces`: it is a put that
    /// replaces a value which must not come back.
    pub(crate) fn push(&self, record: &Record<'_>, since: u64, replaces: bool) -> Ticket {
        let mut state = self.state.lock();
        let sequence = self.shared.next_sequence();
        state.queue.push(record, Numbers { sequence, since, replaces })
    }

    /// Returns how many bytes are queued.
    pub(crate) fn queued(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// Waits until the ticket's record is as durable as the durability requires. Writes the queue if no thread does.
    ///
    /// Returns an error if the record is in no log.
    pub(crate) fn commit(&self, ticket: Ticket) -> Result<(), Error> {
        // A file that no record mentions does not stay, so the record of a value that is kept apart is written.
        let is_buffered = |limit| self.queued() < limit && !ticket.apart;
        if self.durability.buffer_limit().is_some_and(is_buffered) {
            return Ok(());
        }
        self.commit_now(ticket)
    }

    /// Does the same, for a record that never waits in memory.
    pub(crate) fn commit_now(&self, ticket: Ticket) -> Result<(), Error> {
        let mut state = self.state.lock();
        loop {
            if let Some(error) = state.unlogged.reason_of(ticket.sequence) {
                return Err(error.clone());
            }
            if state.written >= ticket.sequence {
                return Ok(());
            }
            match state.writer.take() {
                Some(writer) => state = self.write_queue(state, writer),
                None => state = self.yield_then_wait(state)?,
            }
        }
    }

    /// Writes and syncs all queued records. Returns an error also if earlier records are unlogged.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        self.write_out()?.map_or(Ok(()), Err)
    }

    /// Writes and syncs all queued records. If earlier records are unlogged, returns the reason.
    pub(crate) fn write_out(&self) -> Result<Option<Error>, Error> {
        let _syncing = self.syncing.lock();
        let (mut state, writer) = self.acquire_writer(self.state.lock())?;
        state = self.write_queue(state, writer);
        let reason = state.unlogged.reason().cloned();
        if state.unlogged.is_open() {
            return Err(reason.expect("an unlogged record has a reason"));
        }
        self.sync_dirty(state)?;
        Ok(reason)
    }

    /// Syncs the written records.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let _syncing = self.syncing.lock();
        self.sync_dirty(self.state.lock())
    }

    fn sync_dirty(&self, mut state: MutexGuard<'_, State>) -> Result<(), Error> {
        let dirty = std::mem::take(&mut state.dirty);
        drop(state);
        let synced = dirty
            .iter()
            .try_for_each(|(path, file)| file.sync().map_err(|e| Error::io("sync", path, &e)));
        synced.inspect_err(|error| self.abandon_log(error))
    }

    /// Marks the current log as broken: nothing is written to it any more.
    pub(crate) fn abandon_log(&self, error: &Error) {
        if let Ok((mut state, writer)) = self.acquire_writer(self.state.lock()) {
            self.mark_broken(&mut state, &[], error);
            self.release_writer(&mut state, writer);
        }
    }

    /// Takes the writer. Waits while another thread has it.
    fn acquire_writer<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
    ) -> Result<(MutexGuard<'a, State>, Writer), Error> {
        loop {
            match state.writer.take() {
                Some(writer) => return Ok((state, writer)),
                None => state = self.wait(state)?,
            }
        }
    }

    /// Waits until the writer is released. Yields at first, because a write without a sync takes less time than
    /// sleeping and being woken.
    fn yield_then_wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
    ) -> Result<MutexGuard<'a, State>, Error> {
        if !self.durability.syncs_each_write() {
            let before = self.releases.load(Ordering::Relaxed);
            let released = || self.releases.load(Ordering::Relaxed) != before;
            drop(state);
            let _ = (0..YIELDS_BEFORE_SLEEP).any(|_| {
                yield_now();
                released()
            });
            state = self.state.lock();
            if released() {
                return Ok(state);
            }
        }
        self.wait(state)
    }

    /// Sleeps until the writer is released. Fails in a forked child: the thread that had the writer at the fork may not
    /// exist there, and then nothing releases it.
    fn wait<'a>(&self, mut state: MutexGuard<'a, State>) -> Result<MutexGuard<'a, State>, Error> {
        self.check_process()?;
        state.sleeping += 1;
        let mut state = self.released.wait(state);
        state.sleeping -= 1;
        Ok(state)
    }

    fn release_writer(&self, state: &mut State, writer: Writer) {
        state.writer = Some(writer);
        self.releases.fetch_add(1, Ordering::Relaxed);
        if state.sleeping > 0 {
            self.released.notify_all();
        }
    }

    /// Writes the whole queue at once, while other threads queue more, and releases the writer. Writes nothing if the
    /// log is broken.
    fn write_queue<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        mut writer: Writer,
    ) -> MutexGuard<'a, State> {
        if state.unlogged.is_open() {
            self.release_writer(&mut state, writer);
            return state;
        }
        let (batch, last) = state.queue.take();
        drop(state);
        let wrote = self.write(&mut writer, &batch);
        let mut state = self.state.lock();
        match wrote {
            Ok(()) => {
                self.mark_dirty(&mut state, &writer, &batch);
                state.written = last;
                state.queue.recycle(batch);
            }
            Err(error) => self.mark_broken(&mut state, &batch, &error),
        }
        self.release_writer(&mut state, writer);
        state
    }

    /// Appends `batch` to the current log, and syncs it if the durability requires that. If this fails, the log keeps
    /// its earlier length.
    fn write(&self, writer: &mut Writer, batch: &[u8]) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        self.check_process()?;
        let Some(log) = &mut writer.log else { return Err(Error::NotPersistent) };
        let wrote = write_all(&*log.file, batch, log.len)
            .map_err(|e| Error::io("write", &log.path, &e))
            .and_then(|()| match self.durability.syncs_each_write() {
                true => log.file.sync().map_err(|e| Error::io("sync", &log.path, &e)),
                false => Ok(()),
            });
        if wrote.is_err() {
            // If truncating fails too, recovery finds a torn tail. The header of the next log says where it begins.
            let _ = log.file.truncate(log.len);
            return wrote;
        }
        log.len += batch.len() as u64;
        self.bytes.store(log.len, Ordering::Relaxed);
        self.shared.commit(self.slot, log.len);
        Ok(())
    }

    /// Adds the current log to the files that must be synced, if `batch` was written to it without a sync.
    fn mark_dirty(&self, state: &mut State, writer: &Writer, batch: &[u8]) {
        let Some(log) = writer.log.as_ref().filter(|_| !batch.is_empty()) else { return };
        let known = state.dirty.last().is_some_and(|(_, last)| Arc::ptr_eq(last, &log.file));
        if !self.durability.syncs_each_write() && !known {
            state.dirty.push((log.path.clone(), Arc::clone(&log.file)));
        }
    }

    /// Marks the current log as broken: nothing is written to it any more, and a failed sync is not retried. `batch`
    /// holds the records whose write failed.
    fn mark_broken(&self, state: &mut State, batch: &[u8], error: &Error) {
        state.queue.stop_logging(batch);
        let from = state.written + 1;
        state.unlogged.begin(from, error);
        self.backoff.back_off();
    }

    /// Returns what the header of the next log states about the current log.
    pub(crate) fn stated(&self) -> Option<Stated> {
        let _syncing = self.syncing.lock();
        let (mut state, writer) = self.acquire_writer(self.state.lock()).ok()?;
        let is_synced = self.durability.syncs_each_write()
            || (state.dirty.is_empty() && !state.unlogged.is_open());
        let log = writer.log.as_ref().filter(|_| is_synced);
        let stated = log.map(|log| Stated { log: log.number, len: log.len, removals: 0 });
        self.release_writer(&mut state, writer);
        stated
    }

    /// Returns the latest wall time that the store knows.
    pub(crate) fn high_water(&self) -> WallMillis {
        self.state.lock().queue.high_water()
    }

    /// Ends the current log and continues in `next`, from `target` on.
    pub(crate) fn switch(&self, mut next: LogFile, mut target: QueueTarget) -> Result<(), Error> {
        let (mut state, mut writer) = self.acquire_writer(self.state.lock())?;
        let was_broken = state.unlogged.is_open();
        let number = &|| self.shared.next_sequence();
        let (pending, removals) = state.queue.take_pending(&mut target, number);
        let batch = state.queue.switch_log(target);
        let last = state.queue.sequence();
        state.unlogged.end(last);
        drop(state);
        let wrote = match was_broken {
            true => write_pending(&mut next, &removals),
            false => self.write(&mut writer, &batch),
        };
        let mut state = self.state.lock();
        match &wrote {
            Ok(()) => {
                self.mark_dirty(&mut state, &writer, &batch);
                state.written = last;
                self.bytes.store(next.len, Ordering::Relaxed);
                self.shared.set_slot(self.slot, next.slot());
                writer.log = Some(next);
            }
            Err(_) if was_broken => {
                state.queue.undo_switch(pending);
                state.unlogged.reopen();
            }
            Err(error) => self.mark_broken(&mut state, &batch, error),
        }
        self.release_writer(&mut state, writer);
        wrote
    }

    /// Called when all that is in memory was written again after the last switch of logs. If the log is not broken,
    /// forgets the unlogged records. Returns whether the log is not broken.
    pub(crate) fn rewritten(&self) -> bool {
        let mut state = self.state.lock();
        if state.unlogged.is_open() {
            return false;
        }
        state.unlogged = Unlogged::default();
        self.backoff.reset();
        true
    }

    /// Returns the sequence up to which every record was written or is unlogged.
    pub(crate) fn written(&self) -> u64 {
        self.state.lock().written
    }

    /// Returns whether the record with this sequence is in no log.
    pub(crate) fn is_unlogged(&self, sequence: u64) -> bool {
        self.state.lock().unlogged.reason_of(sequence).is_some()
    }

    /// Returns the number of the current log.
    pub(crate) fn log(&self) -> u64 {
        self.shared.slot(self.slot).log
    }

    /// Returns whether records reach no log at present.
    pub(crate) fn is_broken(&self) -> bool {
        self.state.lock().unlogged.is_open()
    }

    /// Returns whether the ticket's removal is in no log. (A removal that one broken log could not take is in the
    /// next.)
    pub(crate) fn is_removal_unlogged(&self, ticket: Ticket) -> bool {
        self.state.lock().unlogged.is_open_at(ticket.sequence)
    }

    /// Returns the length of the current log in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Fails in a forked child.
    pub(crate) fn check_process(&self) -> Result<(), Error> {
        match fork::generation() == self.generation {
            true => Ok(()),
            false => Err(Error::Forked { owner: self.pid }),
        }
    }
}

impl LogFile {
    /// Returns what a slot says of this log.
    fn slot(&self) -> SlotLog {
        SlotLog { log: self.number, len: self.len }
    }
}

/// Writes the pending removals to a new log and syncs them, so that they are durable before any other record is
/// written.
fn write_pending(log: &mut LogFile, bytes: &[u8]) -> Result<(), Error> {
    if bytes.is_empty() {
        return Ok(());
    }
    write_all(&*log.file, bytes, log.len)
        .and_then(|()| log.file.sync())
        .map_err(|e| Error::io("write", &log.path, &e))?;
    log.len += bytes.len() as u64;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::frame::ChecksumSeed;
    use super::super::{Fs, MemFs};
    use super::*;

    #[test]
    fn a_forked_child_writes_nothing() {
        let fs = MemFs::new();
        let path = Path::new("/cache/log");
        let file = fs.create(path).unwrap();
        let log = LogFile { number: 1, path: path.to_owned(), file, len: 0 };
        let target = QueueTarget { log: 1, seed: ChecksumSeed::of(1), at: 0, removals: 0 };
        let shared = SharedState::new(fs.page(Path::new("/cache/STATE"), true).unwrap());
        let mut wal = Wal::new(Durability::Os, 0, Ok((log, target)), shared, 0);
        let write = |wal: &Wal| wal.commit(wal.push(&Record::Remove { key: b"k" }, 0, false));
        write(&wal).unwrap();
        let before = fs.get(path).unwrap();
        wal.generation += 1;
        for _ in 0..3 {
            assert!(matches!(write(&wal), Err(Error::Forked { .. })));
        }
        assert!(wal.flush().is_err());
        assert_eq!(fs.get(path).unwrap(), before);
    }
}
