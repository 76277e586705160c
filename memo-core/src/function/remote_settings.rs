//! The arguments of `#[memoize]` that concern a tier.

use std::time::Duration;

use crate::codec::{Codec, Postcard};
use crate::function::settings::Settings;
use crate::function::shared_results::SharedResults;
use crate::function::tier_results::TierResults;
use crate::remote::Tier;
use crate::value::keep::Keep;
use crate::value::requirements::Persistable;

/// How long entries are served by default while there is no connection.
const CUT_OFF: Duration = Duration::from_secs(30);

/// The tier of a function, and how it is used.
pub(crate) struct RemoteSettings<K: Keep> {
    pub(crate) tier: Tier,
    pub(crate) codec: Box<dyn Codec<K::Value>>,
    /// How long a call waits for the tier. `None`: as the tier says.
    pub(crate) limit: Option<Duration>,
    /// How long entries are served while there is no connection.
    pub(crate) cut_off: Duration,
    pub(crate) writes_through: bool,
    /// How long after its time to live a value may be served.
    pub(crate) stale: Duration,
    /// The full path of the function, and what tells apart instances with the same path.
    pub(crate) path: String,
    pub(crate) instance: u64,
    /// A function pointer that only settings with a tier set, so that its code is not compiled for functions without.
    pub(crate) make: MakeShared<K>,
}

/// Takes the settings, the function's name, and the fingerprint of its code.
type MakeShared<K> = fn(RemoteSettings<K>, String, u128) -> Box<dyn SharedResults<K>>;

impl<K: Keep<Held: Send + Sync>> Settings<K> {
    /// Keeps results also in a tier that machines share.
    #[must_use]
    pub fn remote(self, tier: impl Into<Tier>) -> Self
    where
        K::Value: Persistable,
    {
        self.shared_by(tier.into(), Box::new(Postcard::new()))
    }

    /// Does the same as [`Settings::remote`], with the codec `C`.
    #[must_use]
    pub fn remote_by<C: Codec<K::Value> + Default, T: Into<Tier>>(self, tier: T) -> Self {
        self.shared_by(tier.into(), Box::new(C::default()))
    }

    fn shared_by(self, tier: Tier, codec: Box<dyn Codec<K::Value>>) -> Self {
        let remote = RemoteSettings {
            tier,
            codec,
            limit: None,
            cut_off: CUT_OFF,
            writes_through: false,
            stale: Duration::ZERO,
            path: String::new(),
            instance: 0,
            make: TierResults::make::<K>,
        };
        Self { remote: Some(remote), ..self }
    }
}

impl<K: Keep> Settings<K> {
    /// Makes a call wait until the tier has its result, but not beyond the limit. Has no effect without a tier.
    #[must_use]
    pub fn write_through(mut self) -> Self {
        if let Some(remote) = &mut self.remote {
            remote.writes_through = true;
        }
        self
    }

    /// Sets how long a call waits for the tier. Has no effect without a tier.
    #[must_use]
    pub fn remote_limit(mut self, limit: Duration) -> Self {
        if let Some(remote) = &mut self.remote {
            remote.limit = Some(limit);
        }
        self
    }

    /// Like [`Self::remote_limit`], in milliseconds.
    #[must_use]
    pub fn remote_limit_millis(self, limit: u64) -> Self {
        self.remote_limit(Duration::from_millis(limit))
    }

    /// Sets how long entries are served while there is no connection to the tier. Has no effect without a tier.
    #[must_use]
    pub fn stale_while_disconnected(mut self, time: Duration) -> Self {
        if let Some(remote) = &mut self.remote {
            remote.cut_off = time;
        }
        self
    }

    /// Like [`Self::stale_while_disconnected`], in milliseconds.
    #[must_use]
    pub fn stale_while_disconnected_millis(self, time: u64) -> Self {
        self.stale_while_disconnected(Duration::from_millis(time))
    }
}
