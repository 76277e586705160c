//! What can be done with a cache whose type is not known.

#[cfg(feature = "report")]
use std::sync::Arc;

use crate::error::Error;
#[cfg(feature = "remote")]
use crate::function::tier_types::Tier;
use crate::key::Tag;
#[cfg(feature = "report")]
use crate::statistics::details::Inspect;
#[cfg(feature = "report")]
use crate::statistics::samples::Sample;
use crate::statistics::stats::Stats;

/// The operations of a cache that do not depend on the type of its values.
pub(crate) trait AnyCache: Send + Sync {
    /// Called when it is registered. From then on it lives as long as the process.
    fn registered(&'static self);

    /// Returns whether it was used outside of an isolation.
    fn is_used(&self) -> bool;

    fn stats(&self) -> Stats;
    fn flush(&self) -> Result<(), Error>;
    fn flush_if_open(&self);
    fn clear(&self);

    /// Removes the results with a tag from where they are stored. Memory ends them afterwards.
    fn remove_tag(&self, tag: Tag);

    /// Returns the tier that keeps its results, if they have tags.
    #[cfg(feature = "remote")]
    fn tagged_tier(&self) -> Option<&Tier>;

    /// Returns the counters at this moment.
    #[cfg(feature = "report")]
    fn sample(&self) -> Sample;

    #[cfg(feature = "report")]
    fn inspected(&self) -> Arc<dyn Inspect>;
}
