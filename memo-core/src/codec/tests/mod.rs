//! Unit tests of the codec, which need access to shapes.

mod changed;
mod hostile;
mod refused;
mod round_trip;
mod same_format;
mod shape_json;
mod traced;

use serde::de::DeserializeOwned;

use super::shape::Shape;
use super::trace::trace;

fn shape<T: DeserializeOwned + 'static>() -> Shape {
    trace::<T>().unwrap_or_else(|reason| panic!("{}: {reason:?}", std::any::type_name::<T>()))
}
