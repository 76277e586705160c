//! What the results of a trace cost to compute: for each id a time, drawn from a distribution that was measured.

use crate::access::mix;

pub(super) struct Costs {
    pub(super) name: &'static str,
    /// The exponent of a Pareto distribution, from [`SHORTEST`] to [`LONGEST`]. `None`: all times are equal.
    exponent: Option<f64>,
}

/// In seconds.
const SHORTEST: f64 = 0.001;
const LONGEST: f64 = 10.0;
/// So long that few interruptions make a result much dearer than others.
const EQUAL: f64 = 0.01;

pub(super) const ALL: [Costs; 3] = [
    Costs { name: "equal", exponent: None },
    // The times for which Unix processes ran: Harchol-Balter and Downey, "Exploiting Process Lifetime Distributions for
    // Dynamic Load Balancing", ACM Transactions on Computer Systems 15:3, 1997.
    Costs { name: "processes", exponent: Some(1.0) },
    // The times that transmissions of files took: Crovella and Bestavros, "Self-Similarity in World Wide Web Traffic:
    // Evidence and Possible Causes", IEEE/ACM Transactions on Networking 5:6, 1997.
    Costs { name: "transfers", exponent: Some(1.21) },
];

impl Costs {
    pub(super) fn is_equal(&self) -> bool {
        self.exponent.is_none()
    }

    /// Draws a time for each of the ids below `ids`, in seconds. The same in each run.
    pub(super) fn draw(&self, ids: usize) -> Vec<f64> {
        (0..ids as u64)
            .map(|id| self.exponent.map_or(EQUAL, |exponent| pareto(id, exponent)))
            .collect()
    }
}

fn pareto(id: u64, exponent: f64) -> f64 {
    let [most, least] = [SHORTEST, LONGEST].map(|time| time.powf(-exponent));
    let part = (mix(id ^ 0x00ab_cdef) >> 11) as f64 / (1_u64 << 53) as f64;
    (least + part * (most - least)).powf(-1.0 / exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_within_the_range_and_halve_as_often_as_they_double() {
        let mut times = ALL[1].draw(10_000);
        times.sort_by(f64::total_cmp);
        assert!(times[0] >= SHORTEST && times[9_999] <= LONGEST);
        // With an exponent of 1, half of the times are at most twice the shortest, and one in ten is ten times that.
        assert!((times[5_000] / SHORTEST - 2.0).abs() < 0.1);
        assert!((times[9_000] / SHORTEST - 10.0).abs() < 1.0);
    }
}
