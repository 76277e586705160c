//! What the caches of one function have in common, if each object has one.

use std::sync::Arc;

use crate::function::counts::Counts;
use crate::platform::maintenance::Registration;
use crate::statistics::counters::CallCounters;

/// Counters, and whether a thread maintains the caches. A clone refers to the same. A function that has one cache has
/// one of these too.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) counts: Arc<Counts>,
    pub(crate) calls: CallCounters,
    pub(crate) maintenance: Arc<Registration>,
}

impl Common {
    pub(crate) fn new() -> Self {
        Self {
            counts: Arc::new(Counts::new()),
            calls: CallCounters::new(),
            maintenance: Arc::new(Registration::new()),
        }
    }
}
