//! Turns values that one codec has written into those of another, without their type: between the codecs whose bytes
//! describe themselves. A program uses a value only if it would write the same bytes, so nothing may be lost.

use std::borrow::Cow;

use ciborium::Value;

const JSON: &str = "json 1";
const CBOR: &str = "cbor 1";

#[derive(Clone, Copy)]
pub(crate) enum Transcoder {
    /// The codecs are the same.
    None,
    ToCbor,
    ToJson,
}

impl Transcoder {
    /// Returns how values of one codec become those of another.
    ///
    /// # Errors
    /// The reason why that needs their type.
    pub(crate) fn between(from: &str, to: &str) -> Result<Self, String> {
        match (from, to) {
            _ if from == to => Ok(Self::None),
            (JSON, CBOR) => Ok(Self::ToCbor),
            (CBOR, JSON) => Ok(Self::ToJson),
            _ => {
                let unknown = if matches!(from, JSON | CBOR) { to } else { from };
                Err(format!(
                    "{from} cannot become {to} without the type: {unknown} does not describe itself"
                ))
            }
        }
    }

    /// # Errors
    /// The reason why the value has no form in the other codec.
    pub(crate) fn turn(self, bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
        Ok(Cow::Owned(match self {
            Self::None => return Ok(Cow::Borrowed(bytes)),
            Self::ToCbor => to_cbor(bytes)?,
            Self::ToJson => to_json(bytes)?.into_bytes(),
        }))
    }
}

fn to_cbor(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let mut back = String::new();
    write_json(&value, &mut back)?;
    if back.as_bytes() != bytes {
        return Err("its numbers or its white space would change".to_owned());
    }
    let mut cbor = Vec::new();
    ciborium::into_writer(&value, &mut cbor).map_err(|e| e.to_string())?;
    Ok(cbor)
}

fn to_json(mut bytes: &[u8]) -> Result<String, String> {
    let value = ciborium::from_reader(&mut bytes).map_err(|e| e.to_string())?;
    let mut json = String::new();
    write_json(&value, &mut json)?;
    if bytes.is_empty() { Ok(json) } else { Err("bytes are left over".to_owned()) }
}

/// Writes JSON as serde_json does. ciborium bounds the depth.
fn write_json(value: &Value, out: &mut String) -> Result<(), String> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(bool) => *out += &bool.to_string(),
        Value::Integer(number) => *out += &i128::from(*number).to_string(),
        Value::Float(float) if float.is_finite() => {
            *out += &serde_json::Value::from(*float).to_string();
        }
        Value::Float(float) => return Err(format!("JSON has no {float}")),
        Value::Text(text) => *out += &quoted(text),
        Value::Bytes(bytes) => *out += &serde_json::Value::from(&bytes[..]).to_string(),
        Value::Array(items) => {
            write_list(out, ['[', ']'], items, &mut |item, out| write_json(item, out))?;
        }
        Value::Map(entries) => write_list(out, ['{', '}'], entries, &mut |(key, value), out| {
            *out += &name(key)?;
            out.push(':');
            write_json(value, out)
        })?,
        _ => {
            return Err(
                "JSON has no form for a tagged value, as of a number of 128 bits".to_owned()
            );
        }
    }
    Ok(())
}

fn write_list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: &[T],
    write: &mut dyn FnMut(&T, &mut String) -> Result<(), String>,
) -> Result<(), String> {
    out.push(open);
    for (n, item) in items.iter().enumerate() {
        out.push_str(if n > 0 { "," } else { "" });
        write(item, out)?;
    }
    out.push(close);
    Ok(())
}

/// Returns the key of a map as serde_json writes it.
fn name(key: &Value) -> Result<String, String> {
    match key {
        Value::Text(text) => Ok(quoted(text)),
        Value::Integer(number) => Ok(quoted(&i128::from(*number).to_string())),
        Value::Bool(bool) => Ok(quoted(&bool.to_string())),
        _ => Err("the keys of a map in JSON are text".to_owned()),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    enum Kind {
        Plain,
        Named { depth: i64, text: Option<char> },
        Pair(u8, String),
    }

    fn check<T: Serialize>(value: &T) {
        let json = serde_json::to_vec(value).unwrap();
        let mut cbor = Vec::new();
        ciborium::into_writer(value, &mut cbor).unwrap();
        let turned = |transcoder: Transcoder, bytes| transcoder.turn(bytes).unwrap().into_owned();
        assert_eq!(turned(Transcoder::ToCbor, &json), cbor, "{}", String::from_utf8_lossy(&json));
        assert_eq!(turned(Transcoder::ToJson, &cbor), json, "{}", String::from_utf8_lossy(&json));
    }

    #[test]
    fn values_become_what_the_other_codec_would_have_written() {
        check(&(Kind::Plain, Kind::Pair(255, "a \"b\"\n\u{1}é".to_owned()), ()));
        check(&[
            Kind::Named { depth: i64::MIN, text: None },
            Kind::Named { depth: 7, text: Some('x') },
        ]);
        check(&[0.1, 1.0, -0.0, 1e300, 5e-324, f64::MAX, 1_234_567.125]);
        check(&(u64::MAX, i64::MIN, true));
        check(&BTreeMap::from([("b".to_owned(), vec![1]), ("a".to_owned(), vec![])]));
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        for json in ["340282366920938463463374607431768211455", "1 2", "[1,]", "[1, 2]"] {
            assert!(Transcoder::ToCbor.turn(json.as_bytes()).is_err(), "{json}");
        }
        let cbor = |value: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::new();
            value(&mut bytes);
            Transcoder::ToJson.turn(&bytes).map(Cow::into_owned)
        };
        assert!(cbor(&|out| ciborium::into_writer(&f64::NAN, out).unwrap()).is_err());
        assert!(cbor(&|out| ciborium::into_writer(&u128::MAX, out).unwrap()).is_err());
        assert!(
            cbor(&|out| ciborium::into_writer(&BTreeMap::from([([1], 2)]), out).unwrap()).is_err()
        );
        assert!(cbor(&|out| out.extend([1, 1])).is_err());
    }

    #[test]
    fn codecs_that_do_not_describe_themselves_are_named() {
        let refused = |from, to| Transcoder::between(from, to).err().unwrap();
        assert!(refused("postcard 1", "json 1").contains("postcard 1 does not describe itself"));
        assert!(refused("cbor 1", "postcard 1").contains("postcard 1 does not describe itself"));
        assert!(Transcoder::between("postcard 1", "postcard 1").is_ok());
    }
}
