//! The arguments of `#[memoize]` that concern a tier.

use std::time::Duration;

use crate::codec::Codec;
use crate::function::function_cache::SharedResults;
use crate::remote::Tier;
use crate::value::keep::Keep;

/// The tier of a function, and how it is used.
pub(crate) struct RemoteSettings<K: Keep> {
    pub(crate) tier: Tier,
    pub(crate) codec: Box<dyn Codec<K::Value>>,
    /// How long a call waits for the tier. `None`: as the tier says.
    pub(crate) limit: Option<Duration>,
    /// How long entries are served while there is no connection.
    pub(crate) cut_off: Duration,
    pub(crate) writes_through: bool,
    /// The full path of the function, and what tells apart instances with the same path.
    pub(crate) path: String,
    pub(crate) instance: u64,
    /// A function pointer that only settings with a tier set, so that its code is not compiled for functions without.
    pub(crate) make: MakeShared<K>,
}

/// Takes the settings, the function's name, and the fingerprint of its code.
type MakeShared<K> = fn(RemoteSettings<K>, String, u128) -> Box<dyn SharedResults<K>>;
