//! Reads values of the type `Vec<u8>` as a whole. As a sequence each byte would be asked for by itself, which takes 19
//! instructions. (Within another type it is: there a `Vec<u8>` may come from a `Deserialize` that makes something else
//! of the sequence.)

use std::any::Any;

use super::varint::read_len;

/// Reads a value that fills all of `bytes`. Returns `None` if the type is not `Vec<u8>`, or the bytes are not one: then
/// the usual way gives the error.
pub(super) fn read<T: 'static>(bytes: &[u8]) -> Option<T> {
    let mut value: Option<T> = None;
    let place: &mut dyn Any = &mut value;
    let place = place.downcast_mut::<Option<Vec<u8>>>()?;
    let mut octets = bytes;
    let len = read_len(&mut octets).ok()?;
    *place = (octets.len() == len).then(|| octets.to_vec());
    value
}

#[cfg(test)]
mod tests {
    use super::super::postcard::read as read_by_elements;
    use super::*;

    #[test]
    fn what_is_read_is_what_the_usual_way_reads() {
        for len in [0, 1, 127, 128, 300, 20_000] {
            let value: Vec<u8> = (0..len).map(|n: u32| n.to_le_bytes()[0]).collect();
            let bytes = ::postcard::to_stdvec(&value).unwrap();
            assert_eq!(read::<Vec<u8>>(&bytes), Some(value));
        }
        let bytes: [&[u8]; 6] = [&[], &[2, 7], &[1, 7, 7], &[0x80], &[0xff; 12], &[0x80, 0x80, 0]];
        for bytes in bytes {
            let by_elements = read_by_elements::<Vec<u8>>(bytes).ok();
            assert_eq!(read::<Vec<u8>>(bytes), by_elements, "{bytes:?}");
        }
        assert_eq!(read::<String>(&[1, b'a']), None);
    }
}
