//! A codec whose stored values outlive changes of their type.

use std::marker::PhantomData;

use serde_core::Serialize;
use serde_core::de::DeserializeOwned;

use super::description::Description;
use super::format::{Codec, Format};
use super::shape::fingerprint;
use super::sink::Sink;
use crate::error::Error;

/// Stores values in the format `F`, and reads those that another version of their type has written, as far as that type
/// can decode them. The attribute makes it of the arguments `codec` and `evolves`.
pub(crate) struct Evolving<F>(PhantomData<F>);

impl<F> Default for Evolving<F> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// What stands in place of the name and the shape of the type, which do not count.
const ANY: &str = "any that decodes";

impl<F, T> Codec<T> for Evolving<F>
where
    F: Format,
    T: Serialize + DeserializeOwned + 'static,
{
    fn schema(&self) -> Result<u128, Error> {
        let Description { type_name, codec, shape } = Codec::<T>::description(self);
        Ok(fingerprint(&[&codec, &type_name, &shape]))
    }

    fn description(&self) -> Description {
        let [type_name, shape] = [ANY, ANY].map(str::to_owned);
        Description { type_name, codec: F::NAME.to_owned(), shape }
    }

    fn encode(&self, value: &T, out: &mut Sink<'_>) -> Result<(), Error> {
        F::default().encode(value, out)
    }

    /// Does not ask whether the value would write the same bytes: that of a type which has got a field would not.
    fn decode(&self, bytes: &[u8]) -> Result<T, Error> {
        F::read(bytes).map_err(|reason| Error::Unpersistable {
            type_name: std::any::type_name::<T>(),
            reason,
        })
    }
}
