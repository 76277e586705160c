//! Values as JSON, by what the folder says of their type.

use memo_core::codec::{ReadShape, to_json};
use memo_core::inspect::Version;
use memo_core::persist::TypeFile;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Turns the values of one version into JSON.
pub(crate) struct Decoder(Result<Form, String>);

enum Form {
    Postcard(ReadShape),
    Cbor,
    Json,
}

impl Decoder {
    pub(crate) fn of(version: &Version) -> Self {
        Self(match &version.type_file {
            Some(recorded) => form(recorded),
            None => Err("the folder has no file TYPE that belongs to its results".to_owned()),
        })
    }

    /// Returns the value as JSON, or why that is not possible.
    pub(crate) fn json(&self, bytes: &[u8]) -> Result<Box<RawValue>, String> {
        let text = match self.0.as_ref().map_err(String::clone)? {
            Form::Postcard(shape) => to_json(shape, bytes)?,
            Form::Cbor => {
                let mut rest = bytes;
                let read = ciborium::from_reader(&mut rest).map_err(|e| e.to_string());
                let value: ciborium::Value = read?;
                if !rest.is_empty() {
                    return Err(format!("{} bytes are left over", rest.len()));
                }
                let mut text = String::new();
                write_cbor(&value, &mut text);
                text
            }
            Form::Json => on_one_line(bytes)?,
        };
        RawValue::from_string(text).map_err(|e| e.to_string())
    }
}

fn form(recorded: &TypeFile) -> Result<Form, String> {
    let TypeFile { codec, type_name, shape, .. } = recorded;
    match &**codec {
        "postcard 1" if shape.starts_with("root(") => ReadShape::parse(shape)
            .map(Form::Postcard)
            .ok_or_else(|| "the shape in the file TYPE cannot be read".to_owned()),
        "postcard 1" => Err(format!("the shape of {type_name} is not known")),
        "cbor 1" => Ok(Form::Cbor),
        "json 1" => Ok(Form::Json),
        other => Err(format!("memo does not know the codec {other}")),
    }
}

/// Returns JSON text without the white space between its parts, once it is known to be one value.
fn on_one_line(bytes: &[u8]) -> Result<String, String> {
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(|e| e.to_string())?;
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    let (mut line, mut in_string, mut is_escaped) = (String::new(), false, false);
    for char in text.chars() {
        if in_string || !char.is_ascii_whitespace() {
            line.push(char);
        }
        in_string ^= char == '"' && !is_escaped;
        is_escaped = in_string && char == '\\' && !is_escaped;
    }
    Ok(line)
}

/// Writes JSON of a CBOR value. Maps whose keys are neither text nor integers are arrays of pairs, bytes are
/// hexadecimal digits, and tags are left out. ciborium bounds the depth.
fn write_cbor(value: &ciborium::Value, out: &mut String) {
    use ciborium::Value;
    match value {
        Value::Integer(number) => out.push_str(&i128::from(*number).to_string()),
        Value::Bytes(bytes) => *out += &quoted(&crate::units::hex(bytes)),
        Value::Float(float) if float.is_finite() => out.push_str(&format!("{float:?}")),
        Value::Float(float) => *out += &quoted(&format!("{float:?}")),
        Value::Text(text) => *out += &quoted(text),
        Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Value::Tag(_, inner) => write_cbor(inner, out),
        Value::Array(items) => {
            write_list(out, ['[', ']'], items, write_cbor);
        }
        Value::Map(entries) => write_cbor_map(entries, out),
        _ => out.push_str("null"),
    }
}

fn write_cbor_map(entries: &[(ciborium::Value, ciborium::Value)], out: &mut String) {
    let is_name = |value: &ciborium::Value| value.is_text() || value.is_integer();
    let is_object = entries.iter().all(|(key, _)| is_name(key));
    let brackets = if is_object { ['{', '}'] } else { ['[', ']'] };
    write_list(out, brackets, entries, |(key, value), out| {
        let is_number = is_object && key.is_integer();
        out.push_str(if !is_object {
            "["
        } else if is_number {
            "\""
        } else {
            ""
        });
        write_cbor(key, out);
        out.push_str(if !is_object {
            ","
        } else if is_number {
            "\":"
        } else {
            ":"
        });
        write_cbor(value, out);
        out.push_str(if is_object { "" } else { "]" });
    });
}

fn write_list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: &[T],
    write: impl Fn(&T, &mut String),
) {
    out.push(open);
    for (n, item) in items.iter().enumerate() {
        out.push_str(if n > 0 { "," } else { "" });
        write(item, out);
    }
    out.push(close);
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_between_the_parts_of_json_is_left_out() {
        let pretty = b"{\n  \"a b\": [1, 2.50],\n  \"q\\\" \\\\\": null\n}";
        assert_eq!(on_one_line(pretty).unwrap(), r#"{"a b":[1,2.50],"q\" \\":null}"#);
        assert!(on_one_line(b"1 2").is_err());
    }

    #[test]
    fn cbor_is_json() {
        use ciborium::Value;
        let map = |entries: Vec<(Value, Value)>| Value::Map(entries);
        let value = Value::Array(vec![
            map(vec![(Value::from("a"), Value::from(1)), (Value::from(-2), Value::Null)]),
            map(vec![(Value::from(true), Value::from(0.5))]),
            Value::Bytes(vec![1, 255]),
            Value::from(f64::NAN),
        ]);
        let mut text = String::new();
        write_cbor(&value, &mut text);
        assert_eq!(text, r#"[{"a":1,"-2":null},[[true,0.5]],"01ff","NaN"]"#);
    }
}
