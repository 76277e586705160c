//! Which keys there are and in which order they are asked for; the same in every run.

/// The finaliser of splitmix64: spreads consecutive numbers over all of u64, no two onto one.
#[inline]
pub(crate) fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    fn below(&mut self, end: usize) -> usize {
        let product = u128::from(self.next()) * end as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How often each key is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Uniform,
    /// The n-th most wanted key is asked for in proportion to n^-0.99.
    Zipf,
    /// Every key in turn.
    Once,
}

impl Access {
    /// `count` indexes below `keys`.
    pub(crate) fn order(self, keys: usize, count: usize, seed: u64) -> Vec<u32> {
        let mut random = Random(seed);
        match self {
            Self::Once => (0..count).map(|at| index(at % keys)).collect(),
            Self::Uniform => (0..count).map(|_| index(random.below(keys))).collect(),
            Self::Zipf => zipf(keys, count, &mut random),
        }
    }
}

fn zipf(keys: usize, count: usize, random: &mut Random) -> Vec<u32> {
    let mut sum = 0.0;
    let up_to: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += (rank as f64).powf(-0.99);
            sum
        })
        .collect();
    let by_rank = shuffled(keys);
    (0..count)
        .map(|_| {
            let wanted = random.unit() * sum;
            by_rank[up_to.partition_point(|&reached| reached <= wanted).min(keys - 1)]
        })
        .collect()
}

/// All indexes below `keys`, so that wanted keys do not stand together. The same for every order of so many keys.
fn shuffled(keys: usize) -> Vec<u32> {
    let mut random = Random(keys as u64);
    let mut indexes: Vec<u32> = (0..keys).map(index).collect();
    for at in (1..keys).rev() {
        indexes.swap(at, random.below(at + 1));
    }
    indexes
}

fn index(at: usize) -> u32 {
    u32::try_from(at).expect("fewer than 2^32 keys")
}
