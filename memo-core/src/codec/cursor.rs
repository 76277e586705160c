//! The place of a written value in the traced shape, and whether `Deserialize` reads such a value there.
//!
//! The comparison covers what decides how bytes are read: kinds, numbers of parts, the order of names. Newtypes and the
//! difference between tuple and struct do not appear in the bytes, so they may differ.

use super::refusal::Refusal;
use super::shape::{Kind, Leaf, NodeId, Shape};

/// A place in a shape. It is `None` if the shape is unknown; every value is then accepted.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'s>(Option<(&'s Shape, NodeId)>);

impl<'s> Cursor<'s> {
    pub(super) fn start(shape: Option<&'s Shape>) -> Self {
        Self(shape.map(|shape| (shape, Shape::ROOT))).child(0)
    }

    fn child(self, index: usize) -> Self {
        Self(self.0.map(|(shape, node)| {
            let child = shape.child(node, index).expect("every child of a finished shape is known");
            (shape, child)
        }))
    }

    /// Returns the place below all newtypes.
    fn below_newtypes(self) -> Option<(&'s Shape, NodeId)> {
        let mut at = self;
        while at.0.is_some_and(|(shape, node)| matches!(shape.kind(node), Kind::Newtype(_))) {
            at = at.child(0);
        }
        at.0
    }

    fn expect(self, written: &str, matches: impl FnOnce(Kind) -> bool) -> Result<Self, Refusal> {
        let Some((shape, node)) = self.below_newtypes() else { return Ok(self) };
        let kind = shape.kind(node);
        if matches(kind) {
            return Ok(Self(Some((shape, node))));
        }
        Err(Refusal::mismatch(written, kind.word()))
    }

    /// Checks that a leaf of this kind is read here. Inlined, because it runs for every byte of a `Vec<u8>`.
    #[inline]
    pub(super) fn leaf(self, leaf: Leaf) -> Result<(), Refusal> {
        match self.0 {
            Some((shape, node)) if matches!(shape.nodes[node].kind, Kind::Leaf(found) if found == leaf) => {
                Ok(())
            }
            None => Ok(()),
            Some(_) => self.leaf_below_newtypes(leaf),
        }
    }

    fn leaf_below_newtypes(self, leaf: Leaf) -> Result<(), Refusal> {
        self.expect(leaf.name(), |kind| kind == Kind::Leaf(leaf)).map(drop)
    }

    /// Returns the place of the content of an option.
    pub(super) fn option(self) -> Result<Self, Refusal> {
        Ok(self.expect("an option", |kind| kind == Kind::Option)?.child(0))
    }

    /// Returns the place of the elements of a sequence.
    pub(super) fn seq(self) -> Result<Self, Refusal> {
        Ok(self.expect("a sequence", |kind| kind == Kind::Seq)?.child(0))
    }

    /// Returns the places of the keys and values of a map.
    pub(super) fn map(self) -> Result<(Self, Self), Refusal> {
        let map = self.expect("a map", |kind| kind == Kind::Map)?;
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
            Some((shape, node)) if shape.nodes[node].children.len() != len => {
                Err(Refusal::part_count(len, shape.nodes[node].children.len()))
            }
            _ => Ok(product),
        }
    }

    /// Returns the place of a part of a product. `name` is the name of the field, in a struct.
    pub(super) fn part(self, index: usize, name: Option<&'static str>) -> Result<Self, Refusal> {
        if let (Some((shape, node)), Some(name)) = (self.0, name) {
            if let Kind::Struct(_, names) | Kind::StructVariant(names) = shape.kind(node) {
                if !fits(names, shape.nodes[node].children.len(), index, name) {
                    return Err(Refusal::name("field", name));
                }
            }
        }
        Ok(self.child(index))
    }

    /// Returns the place of the content of a variant.
    pub(super) fn variant(self, index: u32, name: &'static str) -> Result<Self, Refusal> {
        let at = self.expect("an enum", |kind| matches!(kind, Kind::Enum(..)))?;
        let Some((shape, node)) = at.0 else { return Ok(at) };
        let Kind::Enum(_, names) = shape.kind(node) else { return Ok(at) };
        let count = shape.nodes[node].children.len();
        match usize::try_from(index) {
            Ok(index) if index < count && fits(names, count, index, name) => Ok(at.child(index)),
            _ => Err(Refusal::name("variant", name)),
        }
    }

    /// Returns the place of the value in a newtype variant.
    pub(super) fn newtype_variant(self) -> Result<Self, Refusal> {
        Ok(self.expect("a newtype variant", |kind| kind == Kind::NewtypeVariant)?.child(0))
    }
}

/// Reports whether the part at `index` can have this name. With aliases there are more names than parts, and the exact
/// position of a name is unknown. A name then never stands before the index of its part.
fn fits(names: &[&str], count: usize, index: usize, name: &str) -> bool {
    if names.len() == count {
        names[index] == name
    } else {
        names.get(index..).is_some_and(|rest| rest.contains(&name))
    }
}
