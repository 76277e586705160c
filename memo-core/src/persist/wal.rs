//! The log that is being written. Records are queued under a short lock; of those who wait for theirs one takes the pen
//! and writes all that are queued, while the next ones queue.

use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::backoff::Backoff;
use super::durability::Durability;
use super::frame::Seed;
use super::fs::{File, write_all};
use super::header::Predecessor;
use super::queue::Ticket;
use super::queue::{Base, Queue};
use super::record::{Record, WallMillis};
use super::unlogged::Unlogged;
use crate::error::Error;
use crate::platform::sync::{Condvar, MODELLED, Mutex, MutexGuard, yield_now};

/// Who waits for a write looks so often before falling asleep.
const PATIENCE: u32 = if MODELLED { 1 } else { 20 };

/// The file of a generation, and how much of it counts.
pub(crate) struct LogFile {
    pub(crate) generation: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
    pub(crate) len: u64,
}

pub(crate) struct Wal {
    durability: Durability,
    /// A child after fork shares the file and must not write to it.
    pid: u32,
    pub(crate) backoff: Backoff,
    state: Mutex<State>,
    /// The pen was laid down, so often.
    turned: Condvar,
    turns: AtomicU64,
    /// Held while files are synced without the pen, so that nobody takes a sync in progress for done.
    syncing: Mutex<()>,
    /// The length of the current log.
    bytes: AtomicU64,
    /// That of the logs before which no snapshot has replaced yet.
    pub(crate) older_bytes: AtomicU64,
}

struct State {
    queue: Queue,
    /// `None` while someone writes.
    pen: Option<Writer>,
    /// Every record up to here was written, if not unlogged.
    written: u64,
    unlogged: Unlogged,
    /// Files with writes that were not synced, the current one last.
    dirty: Vec<(PathBuf, Arc<dyn File>)>,
}

/// Who has it writes, without a lock.
struct Writer {
    log: Option<LogFile>,
}

impl Wal {
    /// A log that begins, or when it could not be created one that is broken from the start.
    pub(crate) fn new(
        durability: Durability,
        base: Base,
        high_water: WallMillis,
        log: Result<(LogFile, Seed), Error>,
    ) -> Self {
        let backoff = Backoff::new();
        let mut unlogged = Unlogged::default();
        let (log, seed) = log
            .inspect_err(|error| {
                backoff.count(error);
                backoff.back_off();
                unlogged.begin(base.sequence + 1, error);
            })
            .ok()
            .unzip();
        let bytes = AtomicU64::new(log.as_ref().map_or(0, |log| log.len));
        let state = State {
            queue: Queue::new(seed, base, high_water),
            pen: Some(Writer { log }),
            written: base.sequence,
            unlogged,
            dirty: Vec::new(),
        };
        Self {
            durability,
            pid: process::id(),
            backoff,
            state: Mutex::new(state),
            turned: Condvar::new(),
            turns: AtomicU64::new(0),
            syncing: Mutex::new(()),
            bytes,
            older_bytes: AtomicU64::new(0),
        }
    }

    pub(crate) fn push(&self, record: &Record<'_>, replaces: bool) -> Ticket {
        self.state.lock().queue.push(record, replaces)
    }

    pub(crate) fn commit(&self, ticket: Ticket) -> Result<(), Error> {
        let mut state = self.state.lock();
        if self.durability.buffer_limit().is_some_and(|limit| state.queue.len() < limit) {
            return Ok(());
        }
        loop {
            if let Some(error) = state.unlogged.reason_of(ticket.sequence) {
                return Err(error.clone());
            }
            if state.written >= ticket.sequence {
                return Ok(());
            }
            match state.pen.take() {
                Some(pen) => state = self.drain(state, pen),
                None => state = self.wait_awhile(state)?,
            }
        }
    }

    /// Writes and syncs all that was queued; an error also when records before are unlogged.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        self.write_out()?.map_or(Ok(()), Err)
    }

    /// Writes and syncs all that was queued; returns why records before are lost, if some are.
    pub(crate) fn write_out(&self) -> Result<Option<Error>, Error> {
        let _turn = self.syncing.lock();
        let (mut state, pen) = self.become_writer(self.state.lock())?;
        state = self.drain(state, pen);
        let reason = state.unlogged.reason().cloned();
        if state.unlogged.is_open() {
            return Err(reason.expect("what is lost has a reason"));
        }
        self.sync_dirty(state)?;
        Ok(reason)
    }

    /// Syncs what was written.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let _turn = self.syncing.lock();
        self.sync_dirty(self.state.lock())
    }

    fn sync_dirty(&self, mut state: MutexGuard<'_, State>) -> Result<(), Error> {
        let dirty = std::mem::take(&mut state.dirty);
        drop(state);
        let synced = dirty
            .iter()
            .try_for_each(|(path, file)| file.sync().map_err(|e| Error::io("sync", path, &e)));
        synced.inspect_err(|error| self.give_up(error))
    }

    /// Nothing is written to the current log any more.
    pub(crate) fn give_up(&self, error: &Error) {
        if let Ok((mut state, pen)) = self.become_writer(self.state.lock()) {
            self.fail(&mut state, &[], error);
            self.stop_writing(&mut state, pen);
        }
    }

    fn become_writer<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
    ) -> Result<(MutexGuard<'a, State>, Writer), Error> {
        loop {
            match state.pen.take() {
                Some(pen) => return Ok((state, pen)),
                None => state = self.wait(state)?,
            }
        }
    }

    /// Waits for the pen. A write alone takes less time than to fall asleep and be woken.
    fn wait_awhile<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
    ) -> Result<MutexGuard<'a, State>, Error> {
        if !self.durability.syncs_each_write() {
            let turn = self.turns.load(Ordering::Relaxed);
            let turned = || self.turns.load(Ordering::Relaxed) != turn;
            drop(state);
            let _ = (0..PATIENCE).any(|_| {
                yield_now();
                turned()
            });
            state = self.state.lock();
            if turned() {
                return Ok(state);
            }
        }
        self.wait(state)
    }

    /// Waits for the pen, which in a child after fork no thread may have.
    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> Result<MutexGuard<'a, State>, Error> {
        self.check_process()?;
        Ok(self.turned.wait(state))
    }

    fn stop_writing(&self, state: &mut State, pen: Writer) {
        state.pen = Some(pen);
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.turned.notify_all();
    }

    /// Writes the whole queue in one call, while others queue; nothing where the log is broken.
    fn drain<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        mut pen: Writer,
    ) -> MutexGuard<'a, State> {
        if state.unlogged.is_open() {
            self.stop_writing(&mut state, pen);
            return state;
        }
        let (batch, last) = state.queue.take();
        drop(state);
        let wrote = self.write(&mut pen, &batch);
        let mut state = self.state.lock();
        match wrote {
            Ok(()) => {
                self.mark_torn(&mut state, &pen, &batch);
                state.written = last;
                state.queue.recycle(batch);
            }
            Err(error) => self.fail(&mut state, &batch, &error),
        }
        self.stop_writing(&mut state, pen);
        state
    }

    /// Appends `batch` to the current log, or leaves the log as it was.
    fn write(&self, pen: &mut Writer, batch: &[u8]) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        self.check_process()?;
        let Some(log) = &mut pen.log else { return Err(Error::NotPersistent) };
        let wrote = write_all(&*log.file, batch, log.len)
            .map_err(|e| Error::io("write", &log.path, &e))
            .and_then(|()| match self.durability.syncs_each_write() {
                true => log.file.sync().map_err(|e| Error::io("sync", &log.path, &e)),
                false => Ok(()),
            });
        if wrote.is_err() {
            // If this fails too, recovery finds a torn tail, and the next log's header says where it begins.
            let _ = log.file.truncate(log.len);
            return wrote;
        }
        log.len += batch.len() as u64;
        self.bytes.store(log.len, Ordering::Relaxed);
        Ok(())
    }

    /// Notes that the current log has to be synced.
    fn mark_torn(&self, state: &mut State, pen: &Writer, batch: &[u8]) {
        let Some(log) = pen.log.as_ref().filter(|_| !batch.is_empty()) else { return };
        let dirty = state.dirty.last().is_some_and(|(_, last)| Arc::ptr_eq(last, &log.file));
        if !self.durability.syncs_each_write() && !dirty {
            state.dirty.push((log.path.clone(), Arc::clone(&log.file)));
        }
    }

    /// Gives up the current log: nothing is written to it any more, and no failed sync is tried again.
    fn fail(&self, state: &mut State, batch: &[u8], error: &Error) {
        state.queue.stop(batch);
        let from = state.written + 1;
        state.unlogged.begin(from, error);
        self.backoff.back_off();
    }

    /// What the header of the next log says of this one.
    pub(crate) fn predecessor(&self) -> Option<Predecessor> {
        let _turn = self.syncing.lock();
        let (mut state, pen) = self.become_writer(self.state.lock()).ok()?;
        let broken = state.unlogged.is_open();
        let synced = self.durability.syncs_each_write() || (state.dirty.is_empty() && !broken);
        let predecessor = pen.log.as_ref().map(|log| Predecessor {
            generation: log.generation,
            durable_len: if synced { log.len } else { 0 },
            valid_len: if broken { log.len } else { Predecessor::WHOLE },
        });
        self.stop_writing(&mut state, pen);
        predecessor
    }

    /// Where history stands, and the latest time known.
    pub(crate) fn base(&self) -> (Base, WallMillis) {
        let state = self.state.lock();
        (state.queue.base(), state.queue.high_water())
    }

    /// Ends the current log and goes on in `next`; says where history stood at that moment.
    pub(crate) fn switch(&self, mut next: LogFile, seed: Seed) -> Result<Base, Error> {
        let (mut state, mut pen) = self.become_writer(self.state.lock())?;
        let was_broken = state.unlogged.is_open();
        let (batch, base, pending) = state.queue.switch_log(seed);
        state.unlogged.end(base.sequence);
        drop(state);
        let wrote = match was_broken {
            true => begin_with(&mut next, &pending.encode(seed)),
            false => self.write(&mut pen, &batch),
        };
        let mut state = self.state.lock();
        match &wrote {
            Ok(()) => {
                self.mark_torn(&mut state, &pen, &batch);
                state.written = base.sequence;
                let before = self.bytes.swap(next.len, Ordering::Relaxed);
                self.older_bytes.fetch_add(before, Ordering::Relaxed);
                pen.log = Some(next);
            }
            Err(_) if was_broken => {
                state.queue.undo_switch(pending);
                state.unlogged.go_on();
            }
            Err(error) => self.fail(&mut state, &batch, error),
        }
        self.stop_writing(&mut state, pen);
        wrote.map(|()| base)
    }

    /// A snapshot that was begun after the last switch is in place. Says whether the log is whole.
    pub(crate) fn settle(&self) -> bool {
        let mut state = self.state.lock();
        if state.unlogged.is_open() {
            return false;
        }
        state.unlogged = Unlogged::default();
        self.backoff.healed();
        true
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.state.lock().unlogged.is_open()
    }

    /// Is this invalidation in no log?
    pub(crate) fn owes(&self, ticket: Ticket) -> bool {
        self.state.lock().unlogged.owes(ticket.sequence)
    }

    /// The length of all logs that a recovery would read.
    pub(crate) fn len(&self) -> u64 {
        self.older_bytes.load(Ordering::Relaxed) + self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn check_process(&self) -> Result<(), Error> {
        if process::id() == self.pid { Ok(()) } else { Err(Error::Forked { owner: self.pid }) }
    }
}

/// The pending invalidations are durable before anything else is in the log.
fn begin_with(log: &mut LogFile, bytes: &[u8]) -> Result<(), Error> {
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

    use super::super::{Fs, MemFs};
    use super::*;

    #[test]
    fn a_forked_child_writes_nothing() {
        let fs = MemFs::new();
        let path = Path::new("/cache/log");
        let file = fs.create(path).unwrap();
        let log = LogFile { generation: 1, path: path.to_owned(), file, len: 0 };
        let base = Base { sequence: 0, removals: 0 };
        let mut wal = Wal::new(Durability::Os, base, 0, Ok((log, Seed::of(1))));
        let write = |wal: &Wal| wal.commit(wal.push(&Record::Remove { key: b"k" }, false));
        write(&wal).unwrap();
        let before = fs.get(path).unwrap();
        wal.pid = wal.pid.wrapping_add(1);
        for _ in 0..3 {
            assert!(matches!(write(&wal), Err(Error::Forked { .. })));
        }
        assert!(wal.flush().is_err());
        assert_eq!(fs.get(path).unwrap(), before);
    }
}
