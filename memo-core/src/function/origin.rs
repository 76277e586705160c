//! The identity of a memoized function.

use std::hash::Hasher;
use std::panic::Location;

use crate::function::instance::InstanceName;
use crate::platform::fnv::Fnv;

/// The identity of a function. It is the same in the function and in its companions, and differs from that of every
/// other function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    module: &'static str,
    /// The full name, or the one that the argument `name` gives.
    name: &'static str,
    /// Drawn at expansion.
    number: u64,
    /// The file, line and column of the expansion.
    location: (&'static str, u32, u32),
    /// The fingerprint of the function's code.
    code: u128,
}

impl Origin {
    /// Makes the origin of a function in the module `module` from its full name, a number that is drawn at expansion,
    /// and the fingerprint of its code. The caller's location becomes a part of it.
    #[must_use]
    #[track_caller]
    pub const fn new(module: &'static str, name: &'static str, number: u64, code: u128) -> Self {
        let caller = Location::caller();
        let location = (caller.file(), caller.line(), caller.column());
        Self { module, name, number, location, code }
    }

    /// Returns the function's full name, or the one that the argument `name` gives.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the full path of the function: what encloses it, its name, and the parameters of the instance.
    pub(crate) fn path_in(&self, instance: &InstanceName) -> String {
        let enclosing = instance.enclosing;
        let mut path = match self.name.strip_prefix(self.module) {
            Some(own_name) => format!("{enclosing}{own_name}"),
            // The user chose the name. Functions of one name in two modules are one function with two versions.
            None => match enclosing.strip_prefix(self.module).unwrap_or(enclosing) {
                "" => self.name.to_owned(),
                enclosing => format!("{}{enclosing}", self.name),
            },
        };
        if !instance.parameters.is_empty() {
            path = format!("{path}<{}>", instance.parameters);
        }
        path
    }

    /// Returns the fingerprint of the function's code and of the path of the type or function that contains it, without
    /// the module. The path counts because the same text can mean something else in another type or function.
    pub(crate) fn code_in(&self, enclosing: &str) -> u128 {
        let enclosing = enclosing.strip_prefix(self.module).unwrap_or(enclosing);
        if enclosing.is_empty() {
            return self.code;
        }
        let mut hash = Fnv::new();
        hash.write(enclosing.as_bytes());
        self.code ^ u128::from(hash.finish())
    }
}
