//! What JSON and CBOR write of one value, by the shape of its type. A part of a value that is not as the shape says is
//! taken by itself: what a type writes may depend on the codec.

use ciborium::Value;
use memo_core::codec::Part;

/// A value is in at most so many newtypes and options. A type may contain itself in these.
const MAX_WRAPPERS: usize = 256;

const WIDE: &str = "a number of 128 bits";

/// Turns what was read from JSON into what the type writes to CBOR: an `f32`, bytes, keys of maps that are no text.
///
/// # Errors
/// The reason why that is not possible.
pub(crate) fn refine(value: &mut Value, part: Option<Part<'_>>) -> Result<(), String> {
    let Some(part) = part.and_then(content) else { return Ok(()) };
    match value {
        Value::Float(float) if part.word() == "f32" => *float = f64::from(narrow(*float)),
        Value::Array(items) if part.word() == "bytes" => {
            if let Some(bytes) = items.iter().map(byte).collect() {
                *value = Value::Bytes(bytes);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter_mut().enumerate() {
                refine(item, element(part, n))?;
            }
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                let [of_key, of_value] = entry(part, key);
                refine(value, of_value)?;
                of_key.map_or(Ok(()), |part| refine_key(key, part))?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Turns the key of a map, which is text in JSON.
fn refine_key(key: &mut Value, part: Part<'_>) -> Result<(), String> {
    let Value::Text(text) = key else { return Ok(()) };
    let unlike = |word: &str| format!("the key {text:?} of a map is no {word}");
    *key = match content(part).map_or("str", Part::word) {
        "bool" => Value::Bool(text.parse().map_err(|_| unlike("bool"))?),
        "f32" => Value::Float(f64::from(text.parse::<f32>().map_err(|_| unlike("f32"))?)),
        "f64" => Value::Float(text.parse().map_err(|_| unlike("f64"))?),
        word if is_integer(word) => {
            let number: i128 = text.parse().map_err(|_| unlike(word))?;
            Value::Integer(number.try_into().map_err(|_| format!("a key is {WIDE}"))?)
        }
        _ => return Ok(()),
    };
    Ok(())
}

/// Writes JSON as serde_json does. ciborium bounds the depth.
///
/// # Errors
/// The reason why JSON has no form for the value.
pub(crate) fn write_json(
    value: &Value,
    part: Option<Part<'_>>,
    out: &mut String,
) -> Result<(), String> {
    let part = part.and_then(content);
    *out += &match value {
        Value::Null => "null".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Integer(number) => i128::from(*number).to_string(),
        Value::Float(float) => float_text(*float, part)?,
        Value::Text(text) => quoted(text),
        Value::Bytes(bytes) => serde_json::Value::from(&bytes[..]).to_string(),
        Value::Array(items) => {
            return write_list(out, ['[', ']'], items, &mut |n, item, out| {
                write_json(item, part.and_then(|part| element(part, n)), out)
            });
        }
        Value::Map(entries) => {
            return write_list(out, ['{', '}'], entries, &mut |_, (key, value), out| {
                let [of_key, of_value] = part.map_or([None, None], |part| entry(part, key));
                *out += &name(key, of_key)?;
                out.push(':');
                write_json(value, of_value, out)
            });
        }
        _ => return Err(format!("JSON has no form for a tagged value, as of {WIDE}")),
    };
    Ok(())
}

fn write_list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: &[T],
    write: &mut dyn FnMut(usize, &T, &mut String) -> Result<(), String>,
) -> Result<(), String> {
    out.push(open);
    for (n, item) in items.iter().enumerate() {
        out.push_str(if n > 0 { "," } else { "" });
        write(n, item, out)?;
    }
    out.push(close);
    Ok(())
}

/// Returns the key of a map as serde_json writes it.
fn name(key: &Value, part: Option<Part<'_>>) -> Result<String, String> {
    match key {
        Value::Text(text) => Ok(quoted(text)),
        Value::Integer(number) => Ok(quoted(&i128::from(*number).to_string())),
        Value::Bool(bool) => Ok(quoted(&bool.to_string())),
        Value::Float(float) => float_text(*float, part.and_then(content)).map(|text| quoted(&text)),
        _ => Err("the keys of a map in JSON are text".to_owned()),
    }
}

/// Returns the fewest digits that give a float of its type again.
fn float_text(float: f64, part: Option<Part<'_>>) -> Result<String, String> {
    if !float.is_finite() {
        return Err(format!("JSON has no {float}"));
    }
    let short = narrow(float);
    let is_short = part.is_some_and(|part| part.word() == "f32")
        && f64::from(short).to_bits() == float.to_bits();
    let text = match is_short {
        true => serde_json::to_string(&short),
        false => serde_json::to_string(&float),
    };
    text.map_err(|e| e.to_string())
}

/// Returns the type of what is in newtypes and options.
fn content(mut part: Part<'_>) -> Option<Part<'_>> {
    for _ in 0..MAX_WRAPPERS {
        match part.word() {
            "newtype" | "newtype-variant" | "option" => part = part.child(0)?,
            _ => return Some(part),
        }
    }
    None
}

fn element(part: Part<'_>, n: usize) -> Option<Part<'_>> {
    match part.word() {
        "seq" => part.child(0),
        "tuple" | "tuple-struct" | "tuple-variant" => part.child(n),
        _ => None,
    }
}

/// Returns the types of a key and of its value: in a map, a struct, or an enum, which is a map of one entry.
fn entry<'a>(part: Part<'a>, key: &Value) -> [Option<Part<'a>>; 2] {
    match part.word() {
        "map" => [part.child(0), part.child(1)],
        "struct" | "struct-variant" | "enum" => {
            [None, key.as_text().and_then(|name| part.named(name))]
        }
        _ => [None, None],
    }
}

fn byte(value: &Value) -> Option<u8> {
    value.as_integer().and_then(|number| number.try_into().ok())
}

#[expect(clippy::cast_possible_truncation, reason = "who needs all digits compares")]
fn narrow(float: f64) -> f32 {
    float as f32
}

fn is_integer(word: &str) -> bool {
    let bits = word.strip_prefix(['i', 'u']);
    bits.is_some_and(|bits| ["8", "16", "32", "64", "128"].contains(&bits))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
