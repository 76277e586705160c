//! A set of records by where they begin: about a bit for each, or two bytes where they are long. (It divides positions
//! as Roaring bitmaps do: Chambi, Lemire, Kaser, Godin: Better bitmap performance with Roaring bitmaps, 2016.)

use std::collections::BTreeMap;

use super::frame::HEAD;

/// The number of cells of a part, as a power of two. No two records begin in one cell of as many bytes as a head has.
const PART_BITS: u32 = 16;
/// A part with more members than this is a bitmap, which takes as much memory as so many in a list.
const MAX_LISTED: usize = (1 << PART_BITS) / 16;

#[derive(Default)]
pub(crate) struct PositionSet {
    /// By the number of the file and of the part.
    parts: BTreeMap<(u64, u64), Part>,
}

enum Part {
    /// Sorted.
    List(Vec<u16>),
    Bitmap(Vec<u64>),
}

impl PositionSet {
    /// Adds the record at the offset `at` of the file with that number.
    pub(crate) fn insert(&mut self, file: u64, at: u64) {
        let (part, cell) = place(at);
        let part = self.parts.entry((file, part)).or_insert(Part::List(Vec::new()));
        match part {
            Part::List(cells) => {
                if let Err(at) = cells.binary_search(&cell) {
                    cells.insert(at, cell);
                }
                if cells.len() > MAX_LISTED {
                    *part = bitmap(cells);
                }
            }
            Part::Bitmap(words) => words[usize::from(cell / 64)] |= 1 << (cell % 64),
        }
    }

    pub(crate) fn has(&self, file: u64, at: u64) -> bool {
        let (part, cell) = place(at);
        match self.parts.get(&(file, part)) {
            None => false,
            Some(Part::List(cells)) => cells.binary_search(&cell).is_ok(),
            Some(Part::Bitmap(words)) => words[usize::from(cell / 64)] & (1 << (cell % 64)) != 0,
        }
    }
}

/// Returns the part of an offset, and the cell in the part.
fn place(at: u64) -> (u64, u16) {
    let cell = at / HEAD as u64;
    let within = u16::try_from(cell % (1 << PART_BITS)).expect("a cell of one part");
    (cell >> PART_BITS, within)
}

fn bitmap(cells: &[u16]) -> Part {
    let mut words = vec![0; (1 << PART_BITS) / 64];
    for cell in cells {
        words[usize::from(cell / 64)] |= 1 << (cell % 64);
    }
    Part::Bitmap(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_members_whether_they_are_many_or_few() {
        for (step, count) in [(56, 200_000), (57, 100_000), (1000, 30_000), (5 << 20, 100)] {
            let mut set = PositionSet::default();
            // From both sides, so that they come in no order.
            for n in (0..count).step_by(2).chain((0..count).rev().filter(|n| n % 3 == 0)) {
                set.insert(7, n * step);
            }
            for n in 0..count {
                assert_eq!(set.has(7, n * step), n % 2 == 0 || n % 3 == 0, "{n} of {step}");
            }
            assert!(!set.has(8, 0) && !set.has(7, count * step));
        }
    }
}
