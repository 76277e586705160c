//! The values of the type `Vec<u8>`, which postcard writes and reads as a whole. As a sequence each byte would take an
//! element of its own, with the same bytes as the result. (Within another type it does: there a `Vec<u8>` may come from
//! a `Deserialize` that makes something else of the sequence.)

use std::any::Any;

use serde::{Deserialize, Serializer};

use super::check::Sink;

/// Returns the bytes if `value` is a `Vec<u8>`.
pub(super) fn of<T: 'static>(value: &T) -> Option<&[u8]> {
    let value: &dyn Any = value;
    value.downcast_ref::<Vec<u8>>().map(Vec::as_slice)
}

/// Appends what postcard makes of the bytes.
pub(super) fn write(octets: &[u8], out: &mut Vec<u8>) -> Result<(), ::postcard::Error> {
    let mut serializer = ::postcard::Serializer { output: Sink(out) };
    serializer.serialize_bytes(octets)
}

/// Reads a value that fills all of `bytes`. Returns `None` if the type is not `Vec<u8>`, or the bytes are not one: then
/// the usual way gives the error.
pub(super) fn read<T: 'static>(bytes: &[u8]) -> Option<T> {
    let mut value: Option<T> = None;
    let place: &mut dyn Any = &mut value;
    let place = place.downcast_mut::<Option<Vec<u8>>>()?;
    let mut inner = ::postcard::Deserializer::from_bytes(bytes);
    let octets = <&[u8]>::deserialize(&mut inner).ok()?;
    *place = inner.finalize().is_ok_and(<[u8]>::is_empty).then(|| octets.to_vec());
    value
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::super::postcard::read as read_by_elements;
    use super::*;

    #[test]
    fn the_bytes_are_those_of_a_sequence() {
        for len in [0, 1, 127, 128, 300, 20_000] {
            let value: Vec<u8> = (0..len).map(|n: u32| n.to_le_bytes()[0]).collect();
            let (mut whole, mut by_elements) = (Vec::new(), Vec::new());
            write(of(&value).expect("it is one"), &mut whole).unwrap();
            check::write(&value, None, &mut by_elements).unwrap();
            assert_eq!(whole, by_elements);
            assert_eq!(read::<Vec<u8>>(&whole), Some(value));
        }
    }

    #[test]
    fn what_is_no_sequence_of_bytes_is_read_by_neither_way() {
        let bytes: [&[u8]; 6] = [&[], &[2, 7], &[1, 7, 7], &[0x80], &[0xff; 12], &[0x80, 0x80, 0]];
        for bytes in bytes {
            let by_elements = read_by_elements::<Vec<u8>>(bytes).ok();
            assert_eq!(read::<Vec<u8>>(bytes), by_elements, "{bytes:?}");
        }
        assert_eq!(read::<String>(&[1, b'a']), None);
        assert!(of(&String::new()).is_none());
    }
}
