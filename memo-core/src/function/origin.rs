//! The identity of a memoized function.

use std::panic::Location;

use crate::function::code::Code;
use crate::function::instance::{Instance, InstanceName};
use crate::function::type_name::{split_last, split_qualified};

/// The identity of a function. It is the same in the function and in its companions, and differs from that of every
/// other function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    module: &'static str,
    /// The function's own name, with `::` before it.
    own_name: &'static str,
    /// The full name, or the one that the argument `name` gives. For people: it identifies nothing.
    name: &'static str,
    /// Drawn at expansion.
    number: u64,
    /// The file, line and column of the expansion.
    location: (&'static str, u32, u32),
    /// The fingerprint of the function's code.
    code: u128,
    /// Whether the function is known to stand in an impl or a trait.
    in_impl: bool,
}

impl Origin {
    /// Makes the origin of a function in the module `module` from its own name, the name for people, a number that is
    /// drawn at expansion, the fingerprint of its code, and whether it is known to stand in an impl or a trait. The
    /// caller's location becomes a part of it.
    #[must_use]
    #[track_caller]
    pub const fn new(
        module: &'static str,
        own_name: &'static str,
        name: &'static str,
        number: u64,
        code: u128,
        in_impl: bool,
    ) -> Self {
        let caller = Location::caller();
        let location = (caller.file(), caller.line(), caller.column());
        Self { module, own_name, name, number, location, code, in_impl }
    }

    /// Returns the function's full name, or the one that the argument `name` gives.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Returns one of `0..of`, evenly for many origins.
    pub(crate) fn choose(&self, of: usize) -> usize {
        usize::try_from(self.number % of as u64).expect("less than `of`")
    }

    /// Returns the file, the line and the column of the expansion.
    pub(crate) fn place(&self) -> String {
        let (file, line, column) = self.location;
        format!("{file}:{line}:{column}")
    }

    /// Returns the full path of the function: what encloses it, its name, and the parameters of the instance. A name
    /// that the user chose stands before it, for people.
    pub(crate) fn path_in(&self, instance: &InstanceName) -> String {
        let mut path = format!("{}{}", instance.enclosing, self.own_name);
        if !instance.parameters.is_empty() {
            path = format!("{path}<{}>", instance.parameters);
        }
        let is_full_name = self.name.strip_prefix(self.module) == Some(self.own_name);
        if is_full_name { path } else { format!("{} {path}", self.name) }
    }

    /// Returns the fingerprint of the function's code and of where the function stands. The place counts because the
    /// same text can mean something else in another module, type or function.
    ///
    /// The blocks of one function have the same path, and so have the `const _` of one module. What stands in one is
    /// told apart by its location, and by the number of its expansion if a macro writes it several times.
    pub(crate) fn code_in(&self, instance: &Instance<'_>, name: &InstanceName) -> u128 {
        let code = Code::of(self.code).bytes(name.enclosing.as_bytes());
        if !self.is_local(instance, name.enclosing) {
            return code.fingerprint();
        }
        let (file, line, column) = self.location;
        let code = code.bytes(file.as_bytes()).number(line as u64).number(column as u64);
        code.number(self.number).fingerprint()
    }

    /// Returns whether the function is local to a function, a constant or a static, as far as the path `enclosing` of
    /// what contains it shows. The path goes on below the module then, while that of an impl ends with its type:
    /// `module::Type`, `module::<impl Type>`, or `<Type as Trait>`.
    fn is_local(&self, instance: &Instance<'_>, enclosing: &str) -> bool {
        let module = &*self.module.replace("r#", "");
        let enclosing = &*enclosing.replace("r#", "");
        if enclosing == module {
            return false;
        }
        if let Some((of, rest)) = split_qualified(enclosing) {
            // The impl of a trait has no companions, and a type tells it apart. Otherwise this is a method of the
            // trait itself.
            // `dyn Trait + Send` is the home of its own methods.
            let of = of.strip_prefix("dyn ").and_then(|of| of.split(" + ").next()).unwrap_or(of);
            return !rest.is_empty() || (!instance.is_stored_by_id() && split_last(of).0 != module);
        }
        let (parent, last) = split_last(enclosing);
        parent != module || !(self.in_impl || last.starts_with("<impl "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::instance::Caller;

    /// Asserts whether a function in `module` is local if this is the path of what contains it.
    #[track_caller]
    fn check(is_local: bool, module: &'static str, enclosing: &str, in_impl: bool) {
        let origin = Origin::new(module, "::f", "f", 1, 2, in_impl);
        let instance = Caller::function(&|| ()).instance();
        assert_eq!(origin.is_local(&instance, enclosing), is_local, "{enclosing}");
    }

    #[test]
    fn what_stands_in_a_module_or_in_its_impls_is_not_local() {
        check(false, "it", "it", false);
        check(false, "it::m", "it::m", false);
        check(false, "it::r#type", "it::type", false);
        for enclosing in [
            "it::m::Type",
            "it::m::Type<it::f::Local>",
            "it::m::<impl it::Type>",
            "it::m::<impl it::Trait for alloc::vec::Vec<u8>>",
            "<it::Type as it::m::Trait>",
            "<alloc::vec::Vec<<it::A as it::B>::C> as it::m::Trait<fn(u8) -> it::D>>",
            "<dyn it::m::Trait + core::marker::Send>",
        ] {
            check(false, "it::m", enclosing, true);
        }
        check(false, "it::m", "it::m::<impl it::Type>", false);
    }

    #[test]
    fn what_stands_in_a_function_or_a_constant_is_local() {
        check(true, "it::m", "it::m::f", false);
        check(true, "it::m", "it::m::_", false);
        check(true, "it::m::inner", "it::m::f::inner", false);
        check(true, "it::m", "it::m::Type::method", false);
        check(true, "it::m", "<it::m::Type as it::m::Trait>::method", false);
        check(true, "it::m", "it::m::f::{{closure}}", false);
        for enclosing in [
            "it::m::f::Type",
            "it::m::_::Type<u8>",
            "it::m::f::<impl it::m::Type>",
            "it::m::_::<impl it::m::Trait for it::m::Type>",
            "<it::m::Type as it::m::f::Trait<'>'>>",
            "<<it::m::A as it::m::B>::C as it::m::f::Trait>",
        ] {
            check(true, "it::m", enclosing, true);
        }
    }

    #[test]
    fn the_impl_of_a_foreign_trait_is_told_apart_by_the_type_of_its_closure() {
        let origin = Origin::new("it::m", "::f", "f", 1, 2, true);
        let instance = Caller::without_companions(&|| ()).instance();
        assert!(!origin.is_local(&instance, "<it::m::Type as core::ops::arith::Add>"));
    }
}
