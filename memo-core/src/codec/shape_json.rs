//! Writes JSON of a value that postcard has encoded, by the shape of its type. Neither the bytes nor the shape are
//! trusted: each step costs fuel, of which there is as much as the bytes allow, and the depth is bounded.

use std::fmt::{Display, Write};

use super::shape::MAX_DEPTH;
use super::shape_text::{ReadNode, ReadShape};

/// So many steps are allowed beyond those in proportion to the bytes: for parts of a type that take no bytes.
const LEAST_FUEL: usize = 1 << 16;
/// The steps that each byte allows. A newtype in a newtype takes no byte of its own.
const FUEL_PER_BYTE: usize = 32;
/// So many bytes of names cost a step more.
const NAME_PER_FUEL: usize = 16;

/// Returns the JSON text of a value that fills all of `bytes`.
///
/// Structs and maps are objects; a map whose keys are neither text, numbers nor plain variants is an array of pairs. A
/// variant is its name, or an object with that one field. Bytes are hexadecimal digits. Floats that JSON does not know
/// are text.
///
/// # Errors
/// The reason why the bytes are not a value of this shape.
pub fn to_json(shape: &ReadShape, bytes: &[u8]) -> Result<String, String> {
    let fuel = bytes.len().saturating_mul(FUEL_PER_BYTE).saturating_add(LEAST_FUEL);
    let mut reader = Reader { shape, rest: bytes, out: String::new(), fuel };
    let root = shape.nodes[0].children.first().ok_or("the shape is empty")?;
    reader.value(*root, 0)?;
    match reader.rest.len() {
        0 => Ok(reader.out),
        left => Err(format!("{left} bytes are left over")),
    }
}

type Step = Result<(), String>;

struct Reader<'a> {
    shape: &'a ReadShape,
    rest: &'a [u8],
    out: String,
    fuel: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, id: usize, depth: usize) -> Step {
        self.burn(1)?;
        if depth > MAX_DEPTH {
            return Err("it is nested too deep".to_owned());
        }
        let shape: &'a ReadShape = self.shape;
        let node = &shape.nodes[id];
        match &*node.word {
            "unit" | "unit-struct" => self.text("null"),
            "option" => match self.byte()? {
                0 => self.text("null"),
                1 => self.only_child(node, depth)?,
                other => return Err(format!("{other} is no option")),
            },
            "newtype" => self.only_child(node, depth)?,
            "seq" => self.sequence(node, depth)?,
            "map" => self.map(node, depth)?,
            "tuple" | "tuple-struct" => self.parts(node, depth)?,
            "struct" => self.fields(node, depth)?,
            "enum" => self.variant(node, depth)?,
            _ => self.leaf(node)?,
        }
        Ok(())
    }

    fn burn(&mut self, fuel: usize) -> Step {
        self.fuel = self.fuel.checked_sub(fuel).ok_or("the shape takes too many steps")?;
        Ok(())
    }

    /// Writes the name of a field or a variant. It costs fuel too: a byte of the value can bring a name of any length.
    fn name(&mut self, name: &str) -> Step {
        self.burn(name.len() / NAME_PER_FUEL)?;
        quote(name, &mut self.out);
        Ok(())
    }

    fn leaf(&mut self, node: &ReadNode) -> Step {
        match &*node.word {
            "bool" => match self.byte()? {
                0 => self.text("false"),
                1 => self.text("true"),
                other => return Err(format!("{other} is no bool")),
            },
            "u8" => {
                let byte = self.byte()?;
                self.shown(byte);
            }
            "i8" => {
                let byte = i8::from_le_bytes(self.array()?);
                self.shown(byte);
            }
            "u16" => self.unsigned(u128::from(u16::MAX))?,
            "u32" => self.unsigned(u128::from(u32::MAX))?,
            "u64" => self.unsigned(u128::from(u64::MAX))?,
            "u128" => self.unsigned(u128::MAX)?,
            "i16" => self.signed(u128::from(u16::MAX))?,
            "i32" => self.signed(u128::from(u32::MAX))?,
            "i64" => self.signed(u128::from(u64::MAX))?,
            "i128" => self.signed(u128::MAX)?,
            "f32" => {
                let float = f32::from_le_bytes(self.array()?);
                self.float(float.is_finite(), &format!("{float:?}"));
            }
            "f64" => {
                let float = f64::from_le_bytes(self.array()?);
                self.float(float.is_finite(), &format!("{float:?}"));
            }
            word @ ("char" | "str") => {
                let text = std::str::from_utf8(self.sized()?).map_err(|e| e.to_string())?;
                if word == "char" && text.chars().count() != 1 {
                    return Err("a char is none".to_owned());
                }
                quote(text, &mut self.out);
            }
            "bytes" => {
                let bytes = self.sized()?;
                self.text("\"");
                for byte in bytes {
                    write!(self.out, "{byte:02x}").expect("writing to a String does not fail");
                }
                self.text("\"");
            }
            other => return Err(format!("the shape has an unknown part: {other}")),
        }
        Ok(())
    }

    fn only_child(&mut self, node: &ReadNode, depth: usize) -> Step {
        let child = node.children.first().ok_or("the shape lacks a part")?;
        self.value(*child, depth + 1)
    }

    fn sequence(&mut self, node: &ReadNode, depth: usize) -> Step {
        let len = self.length()?;
        self.text("[");
        for n in 0..len {
            self.separate(n > 0);
            self.element(|reader| reader.only_child(node, depth))?;
        }
        self.text("]");
        Ok(())
    }

    /// Reads an element of a sequence or a map. One that takes no byte is refused: a few bytes could claim any number.
    fn element(&mut self, read: impl FnOnce(&mut Self) -> Step) -> Step {
        let before = self.rest.len();
        read(self)?;
        match self.rest.len() < before {
            true => Ok(()),
            false => Err("its elements take no bytes".to_owned()),
        }
    }

    fn map(&mut self, node: &ReadNode, depth: usize) -> Step {
        let len = self.length()?;
        let [key, value] = node.children[..] else {
            let is_empty = len == 0 && node.children.is_empty();
            self.text("{}");
            return if is_empty { Ok(()) } else { Err("the shape lacks a part".to_owned()) };
        };
        let is_object = self.is_text(key, 0);
        self.text(if is_object { "{" } else { "[" });
        for n in 0..len {
            self.separate(n > 0);
            self.element(|reader| {
                if is_object {
                    reader.field_name(key, depth)?;
                    reader.text(":");
                    return reader.value(value, depth + 1);
                }
                reader.text("[");
                reader.value(key, depth + 1)?;
                reader.text(",");
                reader.value(value, depth + 1)?;
                reader.text("]");
                Ok(())
            })?;
        }
        self.text(if is_object { "}" } else { "]" });
        Ok(())
    }

    /// Returns whether values of a node can be the names of fields of an object.
    fn is_text(&self, id: usize, depth: usize) -> bool {
        let node = &self.shape.nodes[id];
        let child = |id: &usize| depth < MAX_DEPTH && self.is_text(*id, depth + 1);
        let is_plain = |id: &usize| self.shape.nodes[*id].word == "unit-variant";
        match &*node.word {
            "newtype" => node.children.first().is_some_and(child),
            "enum" => node.children.iter().all(is_plain),
            "unit" | "f32" | "f64" | "bytes" => false,
            word => ["bool", "char", "str"].contains(&word) || is_integer(word),
        }
    }

    /// Writes a key that [`Self::is_text`] as the name of a field.
    fn field_name(&mut self, id: usize, depth: usize) -> Step {
        let from = self.out.len();
        self.value(id, depth + 1)?;
        if !self.out[from..].starts_with('"') {
            self.out.insert(from, '"');
            self.text("\"");
        }
        Ok(())
    }

    fn parts(&mut self, node: &ReadNode, depth: usize) -> Step {
        self.text("[");
        for (n, child) in node.children.iter().enumerate() {
            self.separate(n > 0);
            self.value(*child, depth + 1)?;
        }
        self.text("]");
        Ok(())
    }

    /// Reads a struct. Without a name for each part, which an alias can cause, it is an array.
    fn fields(&mut self, node: &ReadNode, depth: usize) -> Step {
        let names = node.names();
        if names.len() != node.children.len() {
            return self.parts(node, depth);
        }
        self.text("{");
        for (n, (name, child)) in names.iter().zip(&node.children).enumerate() {
            self.separate(n > 0);
            self.name(name)?;
            self.text(":");
            self.value(*child, depth + 1)?;
        }
        self.text("}");
        Ok(())
    }

    fn variant(&mut self, node: &ReadNode, depth: usize) -> Step {
        let index =
            usize::try_from(self.varint(u128::from(u32::MAX))?).map_err(|e| e.to_string())?;
        let (Some(name), Some(content)) = (node.names().get(index), node.children.get(index))
        else {
            return Err(format!("it has no variant {index}"));
        };
        let shape: &'a ReadShape = self.shape;
        let content = &shape.nodes[*content];
        if content.word == "unit-variant" {
            self.name(name)?;
            return Ok(());
        }
        self.text("{");
        self.name(name)?;
        self.text(":");
        match &*content.word {
            "newtype-variant" => self.only_child(content, depth)?,
            "tuple-variant" => self.parts(content, depth)?,
            "struct-variant" => self.fields(content, depth)?,
            other => return Err(format!("the shape has an unknown variant: {other}")),
        }
        self.text("}");
        Ok(())
    }

    fn separate(&mut self, follows: bool) {
        self.text(if follows { "," } else { "" });
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn shown(&mut self, value: impl Display) {
        write!(self.out, "{value}").expect("writing to a String does not fail");
    }

    fn float(&mut self, is_finite: bool, text: &str) {
        if is_finite { self.text(text) } else { quote(text, &mut self.out) }
    }

    fn unsigned(&mut self, most: u128) -> Step {
        let number = self.varint(most)?;
        self.shown(number);
        Ok(())
    }

    /// Reads a number whose lowest bit is its sign.
    fn signed(&mut self, most: u128) -> Step {
        let coded = self.varint(most)?;
        let half = i128::from_le_bytes((coded >> 1).to_le_bytes());
        self.shown(if coded & 1 == 0 { half } else { !half });
        Ok(())
    }

    /// Reads a number of 7 bits a byte, the lowest first.
    fn varint(&mut self, most: u128) -> Result<u128, String> {
        let mut number: u128 = 0;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if bits.leading_zeros() < shift {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                let is_within = number <= most;
                return if is_within {
                    Ok(number)
                } else {
                    Err("a number is too large".to_owned())
                };
            }
        }
        Err("a number is too long".to_owned())
    }

    fn length(&mut self) -> Result<usize, String> {
        let len = self.varint(u128::from(u64::MAX))?;
        usize::try_from(len).map_err(|_| "a length is too large".to_owned())
    }

    fn sized(&mut self) -> Result<&'a [u8], String> {
        let len = self.length()?;
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(too_short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(too_short)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.array::<1>()?[0])
    }
}

fn too_short() -> String {
    "the bytes end too early".to_owned()
}

fn is_integer(word: &str) -> bool {
    let digits = word.strip_prefix(['i', 'u']);
    digits.is_some_and(|digits| ["8", "16", "32", "64", "128"].contains(&digits))
}

/// Writes text as JSON does.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if char.is_control() => {
                write!(out, "\\u{:04x}", u32::from(char))
                    .expect("writing to a String does not fail");
            }
            char => out.push(char),
        }
    }
    out.push('"');
}
