//! The entries of one cache in a tier: their names, and values as bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::cache::entry::Lifetime;
use crate::codec::Codec;
use crate::error::Error;
use crate::function::long_keys::LongKeys;
use crate::function::tier_counts::TierCounts;
use crate::persist::{Cost, Identity};
use crate::platform::clock::{self, NEVER};
use crate::remote::{Envelope, FunctionName, Part, Put, Tier, Token};

/// How long the tier keeps results without a time to live.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What names and seals the entries of one cache.
pub(crate) struct TierEntries<V: 'static> {
    pub(crate) tier: Tier,
    pub(crate) codec: Box<dyn Codec<V>>,
    pub(crate) path: String,
    pub(crate) instance: u64,
    /// Its `schema` is not set.
    pub(crate) identity: Identity,
    /// Computed when they are first needed, because that runs the type's `Deserialize`.
    pub(crate) names: OnceCell<Result<Names, Error>>,
    pub(crate) long_keys: LongKeys,
    pub(crate) counts: Arc<TierCounts>,
}

/// The names of the entries of one function.
pub(crate) struct Names {
    pub(crate) function: FunctionName,
    /// The group of all entries.
    pub(crate) group: Arc<str>,
}

/// The name of an entry.
pub(crate) struct EntryName {
    pub(crate) text: String,
    /// The whole key, if the text has a digest of it.
    pub(crate) key: Option<Vec<u8>>,
}

/// What an entry says beside its value.
pub(crate) struct About {
    pub(crate) version: u128,
    /// Its groups, each with its generation: the function first, and then tags.
    pub(crate) generations: Vec<(u64, u64)>,
    pub(crate) lifetime: Lifetime,
    /// How long after its time to live the value may stand in.
    pub(crate) stale: Duration,
    pub(crate) cost: Cost,
}

impl<V> TierEntries<V> {
    /// Returns the names.
    ///
    /// # Errors
    /// The reason why values of this type cannot be stored.
    pub(crate) fn names(&self) -> Result<&Names, &Error> {
        let made = self.names.get_or_init(|| {
            let schema = self.codec.schema()?;
            let identity = Identity { schema, ..self.identity.clone() };
            let function =
                FunctionName::new(self.tier.namespace(), &self.path, self.instance, &identity);
            let group = function.group().into();
            Ok(Names { function, group })
        });
        made.as_ref()
    }

    /// Returns the name of the entry with this key.
    pub(crate) fn name(&self, names: &Names, key: &[u8]) -> EntryName {
        let text = names.function.entry(key);
        let has_digest = names.function.digest(&text).is_some();
        EntryName { text, key: has_digest.then(|| key.to_vec()) }
    }

    /// Returns the name of the entry of a key that is claimed, so that [`LongKeys::find`] finds the key. `is_known`
    /// tells whether memory has a key or a claim on it.
    pub(crate) fn name_of_claimed(
        &self,
        names: &Names,
        key: &[u8],
        is_known: impl Fn(&[u8]) -> bool,
    ) -> EntryName {
        let name = self.name(names, key);
        if let Some(digest) = names.function.digest(&name.text) {
            self.long_keys.note(&Part::Digest(digest), key, is_known);
        }
        name
    }

    /// Returns the value, or `None` if it cannot be decoded or the type's `Deserialize` panics.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Option<V> {
        let decoded = catch_unwind(AssertUnwindSafe(|| self.codec.decode(bytes)));
        let decoded = decoded.ok().and_then(Result::ok);
        self.counts.errors.add(u64::from(decoded.is_none()));
        decoded
    }

    /// Returns what writes a value, if `token` allows that. `None` if the value is not to be stored.
    pub(crate) fn seal(
        &self,
        name: EntryName,
        value: &V,
        about: &About,
        token: Option<Token>,
    ) -> Option<Put> {
        let encoded = self.encode(value).inspect_err(|error| self.counts.unwritable(error));
        let Lifetime { computed, expires } = about.lifetime;
        let left = || Duration::from_millis(expires.saturating_sub(clock::now()));
        let ttl = (expires != NEVER).then(left);
        let envelope = Envelope {
            version: about.version,
            generations: &about.generations,
            computed: computed.unwrap_or_else(clock::wall),
            ttl,
            stale: about.stale,
            cost: about.cost,
            key: name.key.as_deref(),
            value: &encoded.ok()?,
        };
        let kept = ttl.map_or(KEPT, |ttl| ttl.saturating_add(about.stale));
        let bytes = envelope.seal(&name.text, self.tier.sealing());
        let left = kept.max(Duration::from_millis(1));
        Some(Put { entry: name.text, bytes, left, token })
    }

    fn encode(&self, value: &V) -> Result<Vec<u8>, Error> {
        let encoded = catch_unwind(AssertUnwindSafe(|| self.codec.to_bytes(value)));
        let bytes = encoded.unwrap_or_else(|_| {
            let reason = "its Serialize or Deserialize panicked".to_owned();
            Err(Error::Unpersistable { type_name: std::any::type_name::<V>(), reason })
        })?;
        let (len, max) = (bytes.len() as u64, self.tier.sealing().max_value);
        if len <= max {
            return Ok(bytes);
        }
        let function = &self.identity.function;
        let reason = format!("a result of `{function}` takes {len} bytes, and a tier takes {max}");
        Err(Error::TooLarge { reason })
    }
}
