//! Reads the text of a shape again, which [`Shape::text`](super::shape::Shape::text) wrote, in a program that does not
//! know the type. The text is not trusted.

use super::shape::MAX_DEPTH;

/// A shape without the type. Node 0 is the root, whose only child is the type itself.
#[derive(Debug, PartialEq, Eq)]
pub struct ReadShape {
    pub(super) nodes: Vec<ReadNode>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ReadNode {
    /// As the text has it: `struct`, `u32`.
    pub(super) word: String,
    /// The lists in brackets behind the word, each of names or a length.
    pub(super) lists: Vec<Vec<String>>,
    pub(super) children: Vec<usize>,
}

impl ReadNode {
    /// Returns the names of fields or variants: those of a struct stand behind its own name.
    pub(super) fn names(&self) -> &[String] {
        self.lists.last().map_or(&[], Vec::as_slice)
    }
}

impl ReadShape {
    /// Reads a text. Returns `None` if it is none, or too deep.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text, nodes: Vec::new(), numbered: Vec::new() };
        let root = reader.node(0)?;
        let is_whole = root == 0 && reader.rest.is_empty() && reader.nodes[0].word == "root";
        is_whole.then_some(Self { nodes: reader.nodes })
    }
}

/// A part of a type, at its place in the shape.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    shape: &'a ReadShape,
    node: usize,
}

impl ReadShape {
    /// Returns the whole type. `None` if the shape is empty.
    #[must_use]
    pub fn whole(&self) -> Option<Part<'_>> {
        Part { shape: self, node: 0 }.child(0)
    }
}

impl<'a> Part<'a> {
    fn node(self) -> &'a ReadNode {
        &self.shape.nodes[self.node]
    }

    /// Returns what kind of part it is, as the text has it: `struct`, `u32`.
    #[must_use]
    pub fn word(self) -> &'a str {
        &self.node().word
    }

    /// Returns a part of this part. A map has the key and the value.
    #[must_use]
    pub fn child(self, n: usize) -> Option<Self> {
        let node = *self.node().children.get(n)?;
        Some(Self { node, ..self })
    }

    /// Returns the field of that name, or the content of the variant. `None` also if an alias hides which it is.
    #[must_use]
    pub fn named(self, name: &str) -> Option<Self> {
        let (names, children) = (self.node().names(), &self.node().children);
        let at = names.iter().position(|known| known == name)?;
        if names.len() == children.len() { self.child(at) } else { None }
    }
}

struct Reader<'a> {
    rest: &'a str,
    nodes: Vec<ReadNode>,
    /// The nodes to which the text may refer by `#0;` and so on.
    numbered: Vec<usize>,
}

impl Reader<'_> {
    fn node(&mut self, depth: usize) -> Option<usize> {
        if self.take("#") {
            let number: usize = self.until(';')?.parse().ok()?;
            return self.numbered.get(number).copied();
        }
        if depth > MAX_DEPTH {
            return None;
        }
        let end = self.rest.find(['[', '('])?;
        let word = self.split(end)?.to_owned();
        let id = self.nodes.len();
        if !is_leaf(&word) {
            self.numbered.push(id);
        }
        self.nodes.push(ReadNode { word, ..ReadNode::default() });
        while self.take("[") {
            let list = self.list()?;
            self.nodes[id].lists.push(list);
        }
        if !self.take("(") {
            return None;
        }
        while !self.take(")") {
            let child = self.node(depth + 1)?;
            self.nodes[id].children.push(child);
        }
        Some(id)
    }

    /// Reads names with their lengths, or one length, up to the bracket that ends them.
    fn list(&mut self) -> Option<Vec<String>> {
        let mut names = Vec::new();
        while !self.take("]") {
            let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
            let number = self.split(digits)?.to_owned();
            if self.take(":") {
                names.push(self.split(number.parse().ok()?)?.to_owned());
            } else if digits > 0 {
                names.push(number);
            } else {
                return None;
            }
        }
        Some(names)
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn until(&mut self, end: char) -> Option<&str> {
        let (taken, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(taken)
    }

    fn split(&mut self, len: usize) -> Option<&str> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }
}

/// Returns whether nodes with that word have no number in the text.
fn is_leaf(word: &str) -> bool {
    const LEAVES: [&str; 17] = [
        "unit", "bool", "i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128",
        "f32", "f64", "char", "str", "bytes",
    ];
    LEAVES.contains(&word)
}
