//! The log that is being written: records are queued under a short lock, and whoever waits first writes them all.

use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::frame::{self, Place, Seed};
use super::fs::{File, write_all};
use super::header::Predecessor;
use super::owed::Owed;
use super::trouble::Trouble;
use super::{Durability, Record, Ticket, WallMillis};
use crate::error::Error;

/// At `Durability::None` so much waits in memory.
const SPILL: usize = 1 << 20;

/// The file of a generation, and how much of it counts.
pub(crate) struct LogFile {
    pub(crate) generation: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
    pub(crate) len: u64,
}

/// Where history stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Base {
    pub(crate) sequence: u64,
    pub(crate) removals: u16,
}

pub(crate) struct Wal {
    durability: Durability,
    /// A child after fork shares the file and must not write to it.
    pid: u32,
    pub(crate) trouble: Trouble,
    queue: Mutex<Queue>,
    writer: Mutex<Writer>,
    /// Held while files are synced outside the writer's lock, so that nobody takes a sync in progress for done.
    syncing: Mutex<()>,
    /// The length of the current log.
    bytes: AtomicU64,
    /// That of the logs before which no snapshot has replaced yet.
    pub(crate) older_bytes: AtomicU64,
}

/// Lock order: writer, then queue.
struct Queue {
    seed: Seed,
    bytes: Vec<u8>,
    spare: Vec<u8>,
    sequence: u64,
    removals: u16,
    high_water: WallMillis,
    /// False while the log is broken: records go nowhere and invalidations are owed.
    live: bool,
    owed: Owed,
}

struct Writer {
    log: Option<LogFile>,
    /// Every record up to here was written, if not lost.
    written: u64,
    lost: Option<Lost>,
    /// Files with writes that were not synced, the current one last.
    dirty: Vec<Arc<dyn File>>,
}

/// Records that reached no log and wait for a snapshot.
struct Lost {
    from: u64,
    /// `None` while the log is broken.
    to: Option<u64>,
    error: Error,
}

impl Wal {
    /// A log that begins, or when it could not be created one that is broken from the start.
    pub(crate) fn new(
        durability: Durability,
        base: Base,
        high_water: WallMillis,
        log: Result<(LogFile, Seed), Error>,
    ) -> Self {
        let trouble = Trouble::new();
        let (log, seed, lost) = match log {
            Ok((log, seed)) => (Some(log), seed, None),
            Err(error) => {
                trouble.count(&error);
                trouble.back_off();
                (None, Seed::of(0), Some(Lost { from: base.sequence + 1, to: None, error }))
            }
        };
        let bytes = AtomicU64::new(log.as_ref().map_or(0, |log| log.len));
        let queue = Queue {
            seed,
            bytes: Vec::new(),
            spare: Vec::new(),
            sequence: base.sequence,
            removals: base.removals,
            high_water,
            live: lost.is_none(),
            owed: Owed::default(),
        };
        let writer = Writer { log, written: base.sequence, lost, dirty: Vec::new() };
        Self {
            durability,
            pid: process::id(),
            trouble,
            queue: Mutex::new(queue),
            writer: Mutex::new(writer),
            syncing: Mutex::new(()),
            bytes,
            older_bytes: AtomicU64::new(0),
        }
    }

    pub(crate) fn push(&self, record: &Record<'_>, replaces: bool) -> Ticket {
        self.queue.lock().push(record, replaces)
    }

    pub(crate) fn commit(&self, ticket: Ticket) -> Result<(), Error> {
        if self.durability == Durability::None && self.queue.lock().bytes.len() < SPILL {
            return Ok(());
        }
        let mut writer = self.writer.lock();
        if let Some(lost) = writer.lost.as_ref().filter(|lost| lost.holds(ticket.sequence)) {
            return Err(lost.error.clone());
        }
        if writer.written >= ticket.sequence { Ok(()) } else { self.drain(&mut writer) }
    }

    /// Writes and syncs all that was queued; an error also when records before are lost.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        self.write_out()?.map_or(Ok(()), Err)
    }

    /// Writes and syncs all that was queued; returns why records before are lost, if some are.
    pub(crate) fn write_out(&self) -> Result<Option<Error>, Error> {
        let _turn = self.syncing.lock();
        let mut writer = self.writer.lock();
        self.drain(&mut writer)?;
        let lost = writer.lost.as_ref().map(|lost| lost.error.clone());
        self.sync_dirty(writer)?;
        Ok(lost)
    }

    /// Syncs what was written.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let _turn = self.syncing.lock();
        self.sync_dirty(self.writer.lock())
    }

    fn sync_dirty(&self, mut writer: MutexGuard<'_, Writer>) -> Result<(), Error> {
        let dirty = std::mem::take(&mut writer.dirty);
        let path = writer.log.as_ref().map(|log| log.path.clone()).unwrap_or_default();
        drop(writer);
        for file in dirty {
            if let Err(e) = file.sync() {
                let error = Error::io("sync", path, &e);
                self.fail(&mut self.writer.lock(), &[], &error);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Writes the whole queue in one call.
    fn drain(&self, writer: &mut Writer) -> Result<(), Error> {
        if let Some(Lost { to: None, error, .. }) = &writer.lost {
            return Err(error.clone());
        }
        let (batch, last) = self.queue.lock().take();
        match self.write(writer, &batch) {
            Ok(()) => {
                writer.written = last;
                self.queue.lock().recycle(batch);
                Ok(())
            }
            Err(error) => {
                self.fail(writer, &batch, &error);
                Err(error)
            }
        }
    }

    /// Appends `batch` to the current log, or leaves the log as it was.
    fn write(&self, writer: &mut Writer, batch: &[u8]) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        self.check_process()?;
        let Writer { log: Some(log), dirty, .. } = writer else { return Err(Error::NotPersistent) };
        let always = self.durability == Durability::Always;
        let wrote = write_all(&*log.file, batch, log.len)
            .map_err(|e| Error::io("write", &log.path, &e))
            .and_then(|()| match always {
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
        if !always && !dirty.last().is_some_and(|last| Arc::ptr_eq(last, &log.file)) {
            dirty.push(Arc::clone(&log.file));
        }
        Ok(())
    }

    /// Gives up the current log: nothing is written to it any more, and no failed sync is tried again.
    fn fail(&self, writer: &mut Writer, batch: &[u8], error: &Error) {
        self.queue.lock().stop(batch);
        let from = writer.lost.as_ref().map_or(writer.written + 1, |lost| lost.from);
        writer.lost = Some(Lost { from, to: None, error: error.clone() });
        self.trouble.back_off();
    }

    /// What the header of the next log says of this one.
    pub(crate) fn predecessor(&self) -> Option<Predecessor> {
        let writer = self.writer.lock();
        let log = writer.log.as_ref()?;
        Some(Predecessor {
            generation: log.generation,
            last_sequence: writer.written,
            valid_len: if writer.broken() { log.len } else { Predecessor::WHOLE },
        })
    }

    /// The last sequence, invalidations so far and the latest time known.
    pub(crate) fn base(&self) -> (Base, WallMillis) {
        let queue = self.queue.lock();
        (Base { sequence: queue.sequence, removals: queue.removals }, queue.high_water)
    }

    /// Ends the current log and goes on in `next`; says where history stood at that moment.
    pub(crate) fn switch(&self, mut next: LogFile, seed: Seed) -> Result<Base, Error> {
        let mut writer = self.writer.lock();
        let (batch, base, owed) = self.queue.lock().turn(seed);
        if writer.broken() {
            let bytes = owed.encode(seed);
            if let Err(e) = begin_with(&mut next, &bytes) {
                self.queue.lock().turn_back(owed);
                return Err(e);
            }
        } else if let Err(error) = self.write(&mut writer, &batch) {
            self.fail(&mut writer, &batch, &error);
            return Err(error);
        }
        writer.written = base.sequence;
        let before = self.bytes.swap(next.len, Ordering::Relaxed);
        self.older_bytes.fetch_add(before, Ordering::Relaxed);
        writer.log = Some(next);
        if let Some(lost) = &mut writer.lost {
            lost.to.get_or_insert(base.sequence);
        }
        Ok(base)
    }

    /// A snapshot that was begun after the last switch is in place. Says whether the log is whole.
    pub(crate) fn settle(&self) -> bool {
        let mut writer = self.writer.lock();
        if writer.broken() {
            return false;
        }
        writer.lost = None;
        self.trouble.healed();
        true
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.writer.lock().broken()
    }

    /// The length of all logs that a recovery would read.
    pub(crate) fn len(&self) -> u64 {
        self.older_bytes.load(Ordering::Relaxed) + self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn check_process(&self) -> Result<(), Error> {
        if process::id() == self.pid { Ok(()) } else { Err(Error::Forked { owner: self.pid }) }
    }
}

/// The owed invalidations are durable before anything else is in the log.
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

impl Writer {
    fn broken(&self) -> bool {
        self.lost.as_ref().is_some_and(|lost| lost.to.is_none())
    }
}

impl Lost {
    fn holds(&self, sequence: u64) -> bool {
        sequence >= self.from && self.to.is_none_or(|to| sequence <= to)
    }
}

impl Queue {
    fn push(&mut self, record: &Record<'_>, replaces: bool) -> Ticket {
        self.sequence += 1;
        let ticket = Ticket { sequence: self.sequence, fits: frame::fits(record) };
        if let Record::Put { created, .. } = record {
            self.high_water = self.high_water.max(*created);
        }
        match *record {
            _ if ticket.fits => self.append(record, replaces),
            // What the disk holds under this key is older.
            Record::Put { key, .. } if key.len() <= frame::MAX_KEY => {
                self.append(&Record::Remove { key }, false);
            }
            _ => {}
        }
        ticket
    }

    /// `replaces`: a put whose loss must be noticed as that of an invalidation is.
    fn append(&mut self, record: &Record<'_>, replaces: bool) {
        if replaces || matches!(record, Record::Remove { .. } | Record::Clear) {
            self.removals = self.removals.wrapping_add(1);
        }
        if self.live {
            let place =
                Place { sequence: self.sequence, removals: self.removals, owed: false, replaces };
            frame::encode(&mut self.bytes, self.seed, place, record);
        } else {
            let removal = match record {
                Record::Put { key, .. } if replaces => Record::Remove { key },
                other => *other,
            };
            self.owed.add(self.sequence, self.removals, &removal);
        }
    }

    fn take(&mut self) -> (Vec<u8>, u64) {
        let spare = std::mem::take(&mut self.spare);
        (std::mem::replace(&mut self.bytes, spare), self.sequence)
    }

    fn recycle(&mut self, mut batch: Vec<u8>) {
        if batch.capacity() <= SPILL {
            batch.clear();
            self.spare = batch;
        }
    }

    fn stop(&mut self, batch: &[u8]) {
        self.owed.add_encoded(batch);
        self.owed.add_encoded(&self.bytes);
        self.bytes.clear();
        self.live = false;
    }

    fn turn(&mut self, seed: Seed) -> (Vec<u8>, Base, Owed) {
        let (batch, sequence) = self.take();
        self.seed = seed;
        self.live = true;
        let base = Base { sequence, removals: self.removals };
        (batch, base, std::mem::take(&mut self.owed))
    }

    /// Undoes [`Self::turn`] when the next log failed too.
    fn turn_back(&mut self, owed: Owed) {
        self.owed = owed;
        self.stop(&[]);
    }
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
