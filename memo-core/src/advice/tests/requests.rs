//! Requests: drawn ones, and traces of real programs.

use std::io::Read;
use std::path::{Path, PathBuf};

/// Random numbers from a seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 += 1;
        super::hash(self.0, 77)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Draws keys whose frequencies follow Zipf's law with the exponent 1.
pub(crate) fn zipf(keys: usize, count: usize, seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed);
    let sums: Vec<f64> = (1..=keys)
        .scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        })
        .collect();
    (0..count)
        .map(|_| {
            let drawn = random.fraction() * sums[keys - 1];
            sums.partition_point(|sum| *sum <= drawn) as u32
        })
        .collect()
}

/// All keys in turn, again and again: the worst case of LRU.
pub(crate) fn cycle(keys: u32, rounds: u32) -> Vec<u32> {
    (0..rounds).flat_map(|_| 0..keys).collect()
}

/// Reads the traces in the folder that `MEMOKIT_TRACES` names, by default `../shared/traces` beside the repository.
pub(crate) fn traces() -> Vec<(String, Vec<u32>)> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = std::env::var_os("MEMOKIT_TRACES").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| repository.join("../shared/traces"));
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut traces = Vec::new();
    for path in files.filter_map(|file| Some(file.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(name) = name.strip_suffix(".u32.zst") else { continue };
        let file = std::fs::File::open(&path).expect("a trace can be read");
        let mut bytes = Vec::new();
        ruzstd::decoding::StreamingDecoder::new(file)
            .expect("a trace is compressed by Zstandard")
            .read_to_end(&mut bytes)
            .expect("a trace is complete");
        let (ids, _) = bytes.as_chunks::<4>();
        traces.push((name.to_owned(), ids.iter().map(|id| u32::from_le_bytes(*id)).collect()));
    }
    traces
}
