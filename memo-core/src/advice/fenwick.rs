//! A Fenwick tree: amounts by position, and their sums up to a position, each in logarithmic time. (Fenwick, "A new data
//! structure for cumulative frequency tables", 1994.)

/// Amounts at the positions from 0 up to its length.
pub(super) struct Fenwick(Vec<u64>);

impl Fenwick {
    #[inline]
    pub(super) fn new(len: usize) -> Self {
        Self(vec![0; len])
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds `amount` at `position`. Wraps around, so that the negative of an amount takes it away.
    #[inline]
    pub(super) fn add(&mut self, position: usize, amount: u64) {
        let mut at = position;
        while let Some(sum) = self.0.get_mut(at) {
            *sum = sum.wrapping_add(amount);
            at |= at + 1;
        }
    }

    /// Returns the sum of the amounts at the positions before `end`.
    #[inline]
    pub(super) fn sum_before(&self, end: usize) -> u64 {
        let (mut at, mut sum) = (end, 0_u64);
        while at > 0 {
            sum = sum.wrapping_add(self.0[at - 1]);
            at &= at - 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_a_list() {
        for len in [1, 2, 7, 8, 100] {
            let (mut tree, mut list) = (Fenwick::new(len), vec![0_u64; len]);
            for step in 0..300 {
                let (at, amount) = (step * 31 % len, step as u64 * 7 % 13);
                tree.add(at, amount.wrapping_sub(list[at]));
                list[at] = amount;
                let end = step * 17 % (len + 1);
                assert_eq!(tree.sum_before(end), list[..end].iter().sum::<u64>());
            }
        }
    }
}
