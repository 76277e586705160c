//! Which function it is.

use std::hash::Hasher;
use std::panic::Location;

use crate::platform::fnv::Fnv;

/// Which function it is: what the function and its companions agree on and no other function shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    module: &'static str,
    name: &'static str,
    number: u64,
    place: (&'static str, u32, u32),
    code: u128,
}

impl Origin {
    /// The origin of a function of this full name, with a number drawn at expansion and the fingerprint of its code.
    #[must_use]
    #[track_caller]
    pub const fn new(module: &'static str, name: &'static str, number: u64, code: u128) -> Self {
        let place = Location::caller();
        Self { module, name, number, place: (place.file(), place.line(), place.column()), code }
    }

    /// The function's full name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The fingerprint of its code, and of the type or function in which it stands: what has one text may mean another
    /// thing in another.
    pub(crate) fn code_in(&self, around: &str) -> u128 {
        let within = around.strip_prefix(self.module).unwrap_or(around);
        if within.is_empty() {
            return self.code;
        }
        let mut hash = Fnv::new();
        hash.write(within.as_bytes());
        self.code ^ u128::from(hash.finish())
    }
}
