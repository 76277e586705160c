//! The advice for a user.

use std::fmt::{self, Display, Formatter};

use serde_core::ser::{Serialize, SerializeStruct, Serializer};

use super::curve::{Point, ratio_at, smallest};
use super::finding::{self, Computations, Finding, Present, percent};
use super::sampler::Estimate;
use super::unit::Unit;

/// Advice on the size of a cache, from a sample of its calls: the hit ratio that each capacity would have given.
///
/// `Display` writes it in one or two sentences: `max = 1000 gives 71 %; 4000 would give 93 %; beyond 6000 nothing`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Advice {
    /// The hit ratio by capacity: from the capacity of each point on, up to that of the next, it is within 0.002 of that
    /// of the point. In the order of the capacities. By the policy `"adaptive"` it may fall where a loop almost fits.
    pub curve: Vec<Point>,
    /// The unit of the capacities.
    pub unit: Unit,
    /// The present capacity, or `None` if there is no bound.
    pub capacity: Option<u64>,
    /// The hit ratio that the present capacity gives, by the estimate.
    pub hit_ratio: f64,
    /// What else was found.
    pub findings: Vec<Finding>,
    /// The number of sampled calls.
    pub sampled: u64,
    /// The calls that could not be sampled, because another thread was just sampling one.
    pub lost: u64,
}

/// What gives up this much of the largest hit ratio is almost as good, and what gives up this much is as good.
const ALMOST: f64 = 0.02;
const AS_GOOD: f64 = 0.002;

impl Advice {
    /// `capacity`: the bound of the cache, if it has one.
    #[inline]
    pub(crate) fn of(
        estimate: Estimate,
        computations: Computations,
        capacity: Option<u64>,
        unit: Unit,
    ) -> Self {
        let hit_ratio = ratio_at(&estimate.curve, capacity.unwrap_or(u64::MAX));
        let needed = unit.rounded_up(smallest(&estimate.curve, hit_ratio - AS_GOOD));
        let findings = finding::all(
            &estimate,
            computations,
            Present { bound: capacity, hit_ratio, needed, unit },
        );
        let Estimate { curve, sampled, lost, .. } = estimate;
        Self { curve, unit, capacity, hit_ratio, findings, sampled, lost }
    }

    /// Returns the hit ratio that a capacity would have given, from 0 to 1.
    #[inline]
    #[must_use]
    pub fn hit_ratio_at(&self, capacity: u64) -> f64 {
        ratio_at(&self.curve, capacity)
    }

    /// Returns the capacity, rounded up to two digits, from which on the hit ratio is at most `loss` below the largest.
    #[inline]
    fn smallest_within(&self, loss: f64) -> u64 {
        self.unit.rounded_up(smallest(&self.curve, self.hit_ratio_at(u64::MAX) - loss))
    }
}

impl Display for Advice {
    #[inline]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (better, enough) = (self.smallest_within(ALMOST), self.smallest_within(AS_GOOD));
        match self.capacity {
            Some(capacity) => f.write_str(&self.unit.setting(capacity))?,
            None => f.write_str("no bound")?,
        }
        write!(f, " gives {}", percent(self.hit_ratio))?;
        let ratio = self.hit_ratio_at(better);
        let is_larger = self.capacity.is_none_or(|present| present < better);
        let is_better = self.capacity.is_none() || ratio - self.hit_ratio > ALMOST;
        let names_better = is_larger && is_better && enough > 0;
        if names_better {
            write!(f, "; {} would give {}", self.unit.value(better), percent(ratio))?;
        }
        match enough {
            0 => f.write_str(", and no capacity more")?,
            _ if names_better && better == enough => f.write_str("; beyond that nothing")?,
            _ => write!(f, "; beyond {} nothing", self.unit.value(enough))?,
        }
        for finding in &self.findings {
            write!(f, "; {finding}")?;
        }
        Ok(())
    }
}

impl Serialize for Advice {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { curve, unit, capacity, hit_ratio, findings, sampled, lost } = self;
        let mut out = serializer.serialize_struct("Advice", 8)?;
        out.serialize_field("text", &self.to_string())?;
        out.serialize_field("curve", curve)?;
        out.serialize_field("unit", unit)?;
        out.serialize_field("capacity", capacity)?;
        out.serialize_field("hit_ratio", hit_ratio)?;
        out.serialize_field("findings", findings)?;
        out.serialize_field("sampled", sampled)?;
        out.serialize_field("lost", lost)?;
        out.end()
    }
}
