//! The hit ratio by capacity.

use serde_core::ser::{Serialize, SerializeStruct, Serializer};

/// A point of the curve differs from the one before by at least this much.
const STEP: f64 = 0.002;

/// A point of the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Point {
    /// The capacity of the cache, in the unit of the advice.
    pub capacity: u64,
    /// The share of the calls that hit in memory, from 0 to 1.
    pub hit_ratio: f64,
}

/// Returns the curve: the capacities from which on more references hit, or fewer, in steps that matter.
#[inline]
pub(super) fn points(sums: &[(u64, f64)], all: f64) -> Vec<Point> {
    let mut points = Vec::new();
    let mut last = 0.0;
    for (at, &(capacity, sum)) in sums.iter().enumerate() {
        let hit_ratio = (sum / all.max(1.0)).clamp(0.0, 1.0);
        let is_last = at + 1 == sums.len();
        if (hit_ratio - last).abs() >= STEP || is_last {
            points.push(Point { capacity, hit_ratio });
            last = hit_ratio;
        }
    }
    points
}

/// Returns the hit ratio of a capacity.
#[inline]
pub(super) fn ratio_at(curve: &[Point], capacity: u64) -> f64 {
    let reached = curve.partition_point(|point| point.capacity <= capacity);
    curve[..reached].last().map_or(0.0, |point| point.hit_ratio)
}

/// Returns the smallest capacity with this hit ratio, or 0 if no capacity is needed for it.
#[inline]
pub(super) fn smallest(curve: &[Point], hit_ratio: f64) -> u64 {
    let reached = curve.iter().find(|point| point.hit_ratio >= hit_ratio);
    reached.map_or(0, |point| point.capacity)
}

impl Serialize for Point {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Point", 2)?;
        out.serialize_field("capacity", &self.capacity)?;
        out.serialize_field("hit_ratio", &self.hit_ratio)?;
        out.end()
    }
}
