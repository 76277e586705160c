//! The numbers of the keys, and the order in which keys are requested. Both are the same in every run.

/// The finaliser of splitmix64. It spreads consecutive numbers over all of u64, and maps no two numbers to the same
/// one.
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

/// How often each key is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Uniform,
    /// The n-th most frequent key is requested in proportion to n^-0.99.
    Zipf,
    /// Each key in order. After the last key the first one follows.
    Once,
}

impl Access {
    /// Returns `count` indexes below `keys`.
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
    let cumulative: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += (rank as f64).powf(-0.99);
            sum
        })
        .collect();
    let by_rank = shuffled(keys);
    (0..count)
        .map(|_| {
            let point = random.unit() * sum;
            by_rank[cumulative.partition_point(|&reached| reached <= point).min(keys - 1)]
        })
        .collect()
}

/// Returns all indexes below `keys` in a random order, so that frequent keys are not next to each other. The result
/// depends on `keys` only.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(access: Access) -> Vec<usize> {
        let mut counts = vec![0; 1000];
        access.order(1000, 100_000, 1).iter().for_each(|at| counts[*at as usize] += 1);
        counts.sort_unstable();
        counts
    }

    #[test]
    fn uniform_access_requests_all_keys_about_equally_often() {
        let counts = counts(Access::Uniform);
        assert!(counts[0] > 50 && counts[999] < 150, "{} to {}", counts[0], counts[999]);
    }

    /// Of 1,000 keys the most frequent one is requested in 1 of 7.8 calls, twice as often as the second.
    #[test]
    fn zipf_access_follows_the_ranks() {
        let counts = counts(Access::Zipf);
        assert!((12_000..13_800).contains(&counts[999]), "{}", counts[999]);
        assert!((5_800..7_200).contains(&counts[998]), "{}", counts[998]);
    }
}
