//! What else a sample of calls shows.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use serde_core::ser::{Serialize, Serializer};

use super::sampler::Estimate;
use super::unit::Unit;

/// Something that makes a cache less useful than it could be.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// Finding a result takes longer than computing it.
    HitsCostMore {
        /// The shortest time that finding a result took: hashing the arguments, searching and comparing them.
        hit: Duration,
        /// The mean time of a computation.
        compute: Duration,
    },
    /// Almost no call has the arguments of an earlier one.
    KeysNeverRepeat {
        /// The share of the calls that have.
        repeated: f64,
    },
    /// Most results expire before they are asked for again.
    TtlEndsBeforeReuse {
        /// The share of the repeated calls that come after the end of the time to live, or of the idle time.
        late: f64,
    },
    /// Another `policy` would hit more.
    OtherPolicy {
        /// The word of the attribute.
        policy: &'static str,
        /// The hit ratio that it would give within the present bound.
        hit_ratio: f64,
    },
    /// The bound is at least four times what is used.
    BoundUnused {
        /// A capacity that gives the same hit ratio.
        needed: u64,
        /// The unit of the capacity.
        unit: Unit,
    },
}

/// Of fewer computations the mean time is not certain enough to say that it is short.
const ENOUGH_COMPUTATIONS: u64 = 1000;

const FEW_REPEATED: f64 = 0.01;
const MANY_LATE: f64 = 0.5;
const MUCH_UNUSED: u64 = 4;
const MUCH_MORE: f64 = 0.02;

/// The time of the computations of a cache.
#[derive(Clone, Copy)]
pub(crate) struct Computations {
    pub(crate) count: u64,
    pub(crate) mean: Duration,
}

/// What the present bound gives.
#[derive(Clone, Copy)]
pub(super) struct Present {
    /// `None`: there is no bound.
    pub(super) bound: Option<u64>,
    pub(super) hit_ratio: f64,
    /// The smallest capacity with that hit ratio.
    pub(super) needed: u64,
    pub(super) unit: Unit,
}

/// Returns what the sample shows.
#[inline]
pub(super) fn all(
    estimate: &Estimate,
    computations: Computations,
    present: Present,
) -> Vec<Finding> {
    let Present { bound, hit_ratio, needed, unit } = present;
    let references = &estimate.references;
    let again = references.repeated.count + references.expired.count;
    let repeated = (again + references.removed.count) / references.known().max(1.0);
    let late = references.expired.count / again.max(1.0);
    let Computations { count, mean: compute } = computations;
    let hit = estimate.hit.filter(|hit| count >= ENOUGH_COMPUTATIONS && *hit > compute);
    let is_unused = needed > 0 && bound.is_some_and(|bound| bound / MUCH_UNUSED >= needed);
    let rival = estimate.rival.filter(|(_, other)| *other > hit_ratio + MUCH_MORE);
    [
        hit.map(|hit| Finding::HitsCostMore { hit, compute }),
        (repeated < FEW_REPEATED).then_some(Finding::KeysNeverRepeat { repeated }),
        (late >= MANY_LATE).then_some(Finding::TtlEndsBeforeReuse { late }),
        rival.map(|(policy, hit_ratio)| Finding::OtherPolicy { policy, hit_ratio }),
        is_unused.then_some(Finding::BoundUnused { needed, unit }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Display for Finding {
    #[inline]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::HitsCostMore { hit, compute } => write!(
                f,
                "a hit takes {} ns and computing {} ns: leave the function as it is",
                hit.as_nanos(),
                compute.as_nanos(),
            ),
            Self::KeysNeverRepeat { repeated } => {
                let repeated = percent(*repeated);
                write!(f, "{repeated} of the calls have arguments that were seen before")
            }
            Self::TtlEndsBeforeReuse { late } => {
                let late = percent(*late);
                write!(f, "{late} of the repeated calls come after their result has expired")
            }
            Self::OtherPolicy { policy, hit_ratio } => {
                write!(f, "policy = \"{policy}\" would give {}", percent(*hit_ratio))
            }
            Self::BoundUnused { needed, unit } => {
                write!(f, "{} is enough", unit.setting(*needed))
            }
        }
    }
}

impl Serialize for Finding {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[inline]
pub(super) fn percent(ratio: f64) -> String {
    format!("{:.0} %", ratio * 100.0)
}
