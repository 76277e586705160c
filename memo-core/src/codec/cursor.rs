//! The place of a written value in the traced shape, and whether `Deserialize` reads such a value there.
//!
//! The comparison covers what decides how bytes are read: kinds, numbers of parts, the order of names. Newtypes and the
//! difference between tuple and struct do not appear in the bytes, so they may differ.

use super::refusal::Refusal;
use super::shape::{Kind, Leaf, Node, Shape};

/// A place in a shape, below all newtypes. It is `None` if the shape is unknown; every value is then accepted.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'s>(Option<(&'s Shape, &'s Node)>);

impl<'s> Cursor<'s> {
    pub(super) fn start(shape: Option<&'s Shape>) -> Self {
        Self(shape.map(|shape| (shape, &shape.nodes[Shape::ROOT]))).child(0)
    }

    #[inline]
    fn child(self, index: usize) -> Self {
        let Some((shape, mut node)) = self.0 else { return self };
        let mut index = index;
        loop {
            let child = node.children.get(index).copied().flatten();
            node = &shape.nodes[child.expect("every child of a finished shape is known")];
            if !matches!(node.kind, Kind::Newtype(_)) {
                return Self(Some((shape, node)));
            }
            index = 0;
        }
    }

    #[inline]
    fn expect(self, written: &str, matches: impl FnOnce(&Kind) -> bool) -> Result<Self, Refusal> {
        match self.0 {
            Some((_, node)) if !matches(&node.kind) => Err(mismatch(written, node)),
            _ => Ok(self),
        }
    }

    /// Returns the leaf that is read here, if there is one.
    pub(super) fn known_leaf(self) -> Option<Leaf> {
        match self.0?.1.kind {
            Kind::Leaf(leaf) => Some(leaf),
            _ => None,
        }
    }

    /// Checks that a leaf of this kind is read here.
    #[inline]
    pub(super) fn leaf(self, leaf: Leaf) -> Result<(), Refusal> {
        match self.0 {
            Some((_, node)) if !matches!(node.kind, Kind::Leaf(found) if found == leaf) => {
                Err(mismatch(leaf.name(), node))
            }
            _ => Ok(()),
        }
    }

    /// Returns the place of the content of an option.
    pub(super) fn option(self) -> Result<Self, Refusal> {
        Ok(self.expect("an option", |kind| matches!(kind, Kind::Option))?.child(0))
    }

    /// Returns the place of the elements of a sequence.
    pub(super) fn seq(self) -> Result<Self, Refusal> {
        Ok(self.expect("a sequence", |kind| matches!(kind, Kind::Seq))?.child(0))
    }

    /// Returns the places of the keys and values of a map.
    pub(super) fn map(self) -> Result<(Self, Self), Refusal> {
        let map = self.expect("a map", |kind| matches!(kind, Kind::Map))?;
        Ok((map.child(0), map.child(1)))
    }

    /// Returns the place of a struct, tuple or unit with `len` parts.
    pub(super) fn product(self, len: usize) -> Result<Self, Refusal> {
        let product = self.expect("a struct or tuple", |kind| {
            matches!(
                kind,
                Kind::Unit
                    | Kind::UnitStruct(_)
                    | Kind::Tuple(_)
                    | Kind::TupleStruct(..)
                    | Kind::Struct(..)
                    | Kind::UnitVariant
                    | Kind::TupleVariant(_)
                    | Kind::StructVariant(_)
            )
        })?;
        match product.0 {
            Some((_, node)) if node.children.len() != len => {
                Err(Refusal::part_count(len, node.children.len()))
            }
            _ => Ok(product),
        }
    }

    /// Returns the place of a part of a product.
    #[inline]
    pub(super) fn part(self, index: usize) -> Self {
        self.child(index)
    }

    /// Returns the place of a part of a product, with the name of the field.
    pub(super) fn field(self, index: usize, name: &'static str) -> Result<Self, Refusal> {
        if let Some((_, node)) = self.0 {
            if let Kind::Struct(_, names) | Kind::StructVariant(names) = node.kind {
                if !fits(names, node.children.len(), index, name) {
                    return Err(Refusal::name("field", name));
                }
            }
        }
        Ok(self.child(index))
    }

    /// Returns the place of the content of a variant.
    pub(super) fn variant(self, index: u32, name: &'static str) -> Result<Self, Refusal> {
        let at = self.expect("an enum", |kind| matches!(kind, Kind::Enum(..)))?;
        let Some((_, node)) = at.0 else { return Ok(at) };
        let Kind::Enum(_, names) = node.kind else { return Ok(at) };
        let count = node.children.len();
        match usize::try_from(index) {
            Ok(index) if index < count && fits(names, count, index, name) => Ok(at.child(index)),
            _ => Err(Refusal::name("variant", name)),
        }
    }

    /// Returns the place of the value in a newtype variant.
    pub(super) fn newtype_variant(self) -> Result<Self, Refusal> {
        Ok(self.expect("a newtype variant", |kind| matches!(kind, Kind::NewtypeVariant))?.child(0))
    }
}

#[cold]
fn mismatch(written: &str, node: &Node) -> Refusal {
    Refusal::mismatch(written, node.kind.word())
}

/// Reports whether the part at `index` can have this name. With aliases there are more names than parts, and the exact
/// position of a name is unknown. A name then never stands before the index of its part.
fn fits(names: &[&str], count: usize, index: usize, name: &str) -> bool {
    if names.len() == count {
        // Mostly both are the same literal.
        std::ptr::eq(names[index], name) || names[index] == name
    } else {
        names.get(index..).is_some_and(|rest| rest.contains(&name))
    }
}
