//! The shape of a type, as its `Deserialize` requests it: a graph of names and kinds, and its canonical text.

use std::fmt::Write;

/// The maximum nesting of a value, written or read. It bounds the stack, because decoding recurses.
pub(super) const MAX_DEPTH: usize = 256;

/// The index of a node in its [`Shape`].
pub(super) type NodeId = usize;

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Str,
    Bytes,
}

/// The kind of a node. Numbers are the lengths that the type declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Node 0, whose only child is the type itself.
    Root,
    Leaf(Leaf),
    Unit,
    UnitStruct(&'static str),
    Option,
    Seq,
    Map,
    Newtype(&'static str),
    Tuple(usize),
    TupleStruct(&'static str, usize),
    Struct(&'static str, &'static [&'static str]),
    /// Its children are the contents of its variants. Each has one of the four kinds below.
    Enum(&'static str, &'static [&'static str]),
    UnitVariant,
    NewtypeVariant,
    TupleVariant(usize),
    StructVariant(&'static [&'static str]),
}

/// One node of a shape. In a finished shape every child is known.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) children: Vec<Option<NodeId>>,
}

/// A graph of nodes. It is cyclic for recursive types.
///
/// The children of a product are the parts that its visitor takes. With `#[serde(alias)]` they can be fewer than the
/// declared names.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) nodes: Vec<Node>,
}

impl Shape {
    pub(super) const ROOT: NodeId = 0;

    pub(super) fn new() -> Self {
        Self { nodes: vec![Node { kind: Kind::Root, children: vec![None] }] }
    }

    pub(super) fn kind(&self, id: NodeId) -> Kind {
        self.nodes[id].kind
    }

    pub(super) fn child(&self, id: NodeId, index: usize) -> Option<NodeId> {
        self.nodes[id].children.get(index).copied().flatten()
    }

    /// Reports whether values of this node take no bytes.
    fn takes_no_bytes(&self, id: NodeId, above: &mut Vec<NodeId>) -> bool {
        if above.contains(&id) {
            return false;
        }
        above.push(id);
        let without_bytes = match self.kind(id) {
            Kind::Unit | Kind::UnitStruct(_) => true,
            Kind::Newtype(_) | Kind::Tuple(_) | Kind::TupleStruct(..) | Kind::Struct(..) => {
                self.children(id).all(|child| self.takes_no_bytes(child, above))
            }
            Kind::Root
            | Kind::Leaf(_)
            | Kind::Option
            | Kind::Seq
            | Kind::Map
            | Kind::Enum(..)
            | Kind::UnitVariant
            | Kind::NewtypeVariant
            | Kind::TupleVariant(_)
            | Kind::StructVariant(_) => false,
        };
        above.pop();
        without_bytes
    }

    /// Reports whether the shape has a sequence or map whose elements take no bytes. A few bytes could then claim any
    /// number of elements.
    pub(super) fn has_elements_without_bytes(&self) -> bool {
        (0..self.nodes.len()).any(|id| {
            matches!(self.kind(id), Kind::Seq | Kind::Map)
                && self.children(id).all(|child| self.takes_no_bytes(child, &mut Vec::new()))
        })
    }

    pub(super) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes[id].children.iter().copied().flatten()
    }

    /// Returns the shape as text. The texts of two types are equal exactly if the types have the same names and kinds
    /// in the same order, and use the same types in the same places. The text is a part of the fingerprint, so a change
    /// here discards all stored results.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut numbers = vec![None; self.nodes.len()];
        self.write(Self::ROOT, &mut numbers, &mut 0, &mut text);
        text
    }

    fn write(
        &self,
        id: NodeId,
        numbers: &mut [Option<usize>],
        next: &mut usize,
        text: &mut String,
    ) {
        if let Some(number) = numbers[id] {
            write!(text, "#{number};").expect("writing to a String does not fail");
            return;
        }
        if !matches!(self.kind(id), Kind::Leaf(_) | Kind::Unit) {
            numbers[id] = Some(*next);
            *next += 1;
        }
        write_kind(self.kind(id), text);
        text.push('(');
        for child in self.children(id) {
            self.write(child, numbers, next, text);
        }
        text.push(')');
    }
}

fn write_kind(kind: Kind, text: &mut String) {
    match kind {
        Kind::Root => text.push_str("root"),
        Kind::Leaf(leaf) => text.push_str(leaf.name()),
        Kind::Unit => text.push_str("unit"),
        Kind::UnitStruct(name) => write_names("unit-struct", &[name], text),
        Kind::Option => text.push_str("option"),
        Kind::Seq => text.push_str("seq"),
        Kind::Map => text.push_str("map"),
        Kind::Newtype(name) => write_names("newtype", &[name], text),
        Kind::Tuple(len) => write_length("tuple", len, text),
        Kind::TupleStruct(name, len) => {
            write_length("tuple-struct", len, text);
            write_names("", &[name], text);
        }
        Kind::Struct(name, fields) => {
            write_names("struct", &[name], text);
            write_names("", fields, text);
        }
        Kind::Enum(name, variants) => {
            write_names("enum", &[name], text);
            write_names("", variants, text);
        }
        Kind::UnitVariant => text.push_str("unit-variant"),
        Kind::NewtypeVariant => text.push_str("newtype-variant"),
        Kind::TupleVariant(len) => write_length("tuple-variant", len, text),
        Kind::StructVariant(fields) => write_names("struct-variant", fields, text),
    }
}

/// Writes names with their lengths, so that different lists of names give different texts.
fn write_names(word: &str, names: &[&str], text: &mut String) {
    text.push_str(word);
    text.push('[');
    for name in names {
        write!(text, "{}:{name}", name.len()).expect("writing to a String does not fail");
    }
    text.push(']');
}

fn write_length(word: &str, len: usize, text: &mut String) {
    write!(text, "{word}[{len}]").expect("writing to a String does not fail");
}

impl Leaf {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Char => "char",
            Self::Str => "str",
            Self::Bytes => "bytes",
        }
    }
}

impl Kind {
    /// Returns a word for error messages.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Root => "nothing",
            Self::Leaf(leaf) => leaf.name(),
            Self::Unit | Self::UnitStruct(_) => "a unit",
            Self::Option => "an option",
            Self::Seq => "a sequence",
            Self::Map => "a map",
            Self::Newtype(_) => "a newtype",
            Self::Tuple(_) | Self::TupleStruct(..) => "a tuple",
            Self::Struct(..) => "a struct",
            Self::Enum(..) => "an enum",
            Self::UnitVariant => "a unit variant",
            Self::NewtypeVariant => "a newtype variant",
            Self::TupleVariant(_) => "a tuple variant",
            Self::StructVariant(_) => "a struct variant",
        }
    }
}

/// Computes the 128-bit FNV-1a hash. It is implemented here because it must not change between releases or platforms.
pub(super) fn fingerprint(parts: &[&str]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash = BASIS;
    for part in parts {
        // 0xFF does not occur in UTF-8 text, so it marks the end of a part unambiguously.
        for byte in part.bytes().chain([0xFF]) {
            hash = (hash ^ u128::from(byte)).wrapping_mul(PRIME);
        }
    }
    hash
}
