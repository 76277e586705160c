//! Reads a directory into a view, and notes what is missing or damaged.

use std::path::Path;
use std::sync::Arc;

use super::file_name::Name;
use super::header::Stated;
use super::index::{Index, Position};
use super::key_hash::key_hash;
use super::listing::{Listing, Source};
use super::loss::Loss;
use super::quarantine::Cleanup;
use super::record::Record;
use super::scan::{Event, Scan};
use super::snapshot::Snapshot;
use super::state::SlotLog;
use super::view::View;
use crate::error::Error;

impl View {
    /// Reads what is in a directory; nothing was read before. `committed`: the logs of processes that may be writing,
    /// and how far they count. Returns also what to do with the files that do not count.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn read(
        self,
        dir: &Path,
        listing: Listing,
        committed: &[SlotLog],
    ) -> Result<(Self, Cleanup), Error> {
        let Listing { logs, snapshots, newest: _, losses, mut cleanup, .. } = listing;
        let mut view = self;
        view.note_losses(dir, losses);
        let mut merged = Vec::new();
        let mut snapshots = snapshots.into_iter().rev();
        if let Some(newest) = snapshots.next() {
            merged.clone_from(&newest.header.logs);
            view.use_snapshot(dir, &newest, &mut cleanup)?;
        }
        // The logs between an older snapshot and the newest are gone, and with them what they removed.
        cleanup.remove.extend(snapshots.map(|older| older.name));
        view.read_logs(dir, &logs, &merged, committed, &mut cleanup)?;
        Ok((view, cleanup))
    }

    /// Notes the files that cannot be used.
    fn note_losses(&mut self, dir: &Path, losses: Vec<(Name, Loss)>) {
        for (name, loss) in losses {
            match loss {
                Loss::BadFile | Loss::Unreadable => {
                    self.recovery.damaged(name.at(dir), 0, loss);
                }
                _ => self.recovery.note(loss),
            }
        }
    }

    fn use_snapshot(
        &mut self,
        dir: &Path,
        source: &Source,
        cleanup: &mut Cleanup,
    ) -> Result<(), Error> {
        let failed = |e| Error::io("read", source.name.at(dir), &e);
        self.snapshot_number = source.number;
        let horizon = source.header.base_sequence;
        self.index = Index::new(horizon);
        self.sequence = self.sequence.max(horizon);
        self.note_time(source.header.high_water, || source.name.at(dir));
        if let Some(snapshot) = Snapshot::open(source).map_err(failed)? {
            self.costs = snapshot.costs;
            self.snapshot = Some(Arc::new(snapshot));
            return Ok(());
        }
        self.recovery.damaged(source.name.at(dir), 0, Loss::BadFile);
        cleanup.copy.push(source.name);
        self.incomplete = Some((Arc::clone(&source.file), source.header.seed()));
        let Source { file, header, start, size, .. } = source;
        let mut scan = Scan::unordered(&**file, header.seed(), *start, *size);
        loop {
            let at = scan.at();
            let Some(event) = scan.next().map_err(failed)? else { return Ok(()) };
            let Event::Record(head, record @ Record::Put { key, .. }) = event else { continue };
            let position = Position::of(source.number, at, head.total(), &record);
            self.sequence = self.sequence.max(head.sequence);
            let hash = key_hash(self.salt, key);
            if !self.share.has(hash) {
                continue;
            }
            self.index.restore(hash, head.sequence, head.since, position);
        }
    }

    /// Reads the logs. `merged`: what the snapshot has of each.
    fn read_logs(
        &mut self,
        dir: &Path,
        logs: &[Source],
        merged: &[Stated],
        committed: &[SlotLog],
        cleanup: &mut Cleanup,
    ) -> Result<(), Error> {
        let durable: Vec<(Stated, u64)> = logs
            .iter()
            .flat_map(|log| {
                log.header.logs.iter().map(|stated| (*stated, log.header.base_sequence))
            })
            .collect();
        for source in logs {
            let from = merged.iter().find(|stated| stated.log == source.number);
            if from.is_none() && source.number < self.snapshot_number {
                cleanup.remove.push(source.name);
                continue;
            }
            let live = committed.iter().find(|slot| slot.log == source.number);
            self.open_log(dir, source, from.copied());
            self.read_log(source.number, live.map_or(source.size, |slot| slot.len), &mut |_| ())?;
            if live.is_none() {
                self.check_whole(source, &durable, cleanup);
                self.drop_merged(source, from.map_or(0, |from| from.len), cleanup);
            }
        }
        Ok(())
    }

    /// Notes if the end of a log is missing that nobody writes any more, or if bytes in it are damaged. `durable`: what
    /// later logs state, and the highest sequence when they were begun.
    fn check_whole(&mut self, source: &Source, durable: &[(Stated, u64)], cleanup: &mut Cleanup) {
        let Some(reader) = self.logs.get(&source.number) else { return };
        let is_missing =
            |stated: &Stated| stated.log == source.number && reader.read_to < stated.len;
        let missing = durable.iter().filter(|(stated, _)| is_missing(stated));
        let lost_to = missing.map(|(_, sequence)| *sequence).max();
        let is_cut = lost_to.is_some();
        if reader.has_gap || is_cut {
            cleanup.copy.push(source.name);
        }
        if let Some(lost_to) = lost_to {
            // What is missing may have removed any entry.
            self.recovery.damaged(reader.path.clone(), reader.read_to, Loss::CutShort);
            self.index.clear(lost_to);
            self.sequence = self.sequence.max(lost_to);
        } else if reader.is_torn {
            self.recovery.note(Loss::TornTail);
        }
    }

    /// Drops a log that nobody writes any more and of which the snapshot has all, from the offset 0 to `from`.
    fn drop_merged(&mut self, source: &Source, from: u64, cleanup: &mut Cleanup) {
        if from > source.start && self.logs.get(&source.number).is_some_and(|l| l.read_to <= from) {
            self.logs.remove(&source.number);
            cleanup.remove.push(source.name);
        }
    }
}
