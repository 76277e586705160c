//! `TYPE`: what the values of a version are, for programs that do not know their type. Nothing depends on it.

use std::io;
use std::path::Path;

use super::file_name::Name;
use super::fs::{Fs, read_start, write_all};
use super::place::Place;
use crate::error::Error;

/// The first line.
const TITLE: &str = "memokit type 1";
/// A longer text is neither written nor read.
const MAX_LEN: usize = 1 << 20;

/// What the values of a version are, as names and texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypeFile {
    /// The function's full name.
    pub function: String,
    /// Where it stands: file, line and column. Empty if that is not known.
    pub place: String,
    /// The codec with its format: `postcard 1`.
    pub codec: String,
    /// The name of the values' type.
    pub type_name: String,
    /// The text of the type's shape, or what takes its place in the fingerprint.
    pub shape: String,
}

impl TypeFile {
    fn to_text(&self) -> String {
        let Self { function, place, codec, type_name, shape } = self;
        let fields = [
            ("function", function),
            ("place", place),
            ("codec", codec),
            ("type", type_name),
            ("shape", shape),
        ];
        let mut text = format!("{TITLE}\n");
        for (name, value) in fields {
            let value = value.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
            text += &format!("{name}: {value}\n");
        }
        text
    }

    /// Reads a text. Fields of later versions are passed over.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next() != Some(TITLE) {
            return None;
        }
        let mut read = Self::default();
        for line in lines {
            let (name, value) = line.split_once(": ")?;
            let field = match name {
                "function" => &mut read.function,
                "place" => &mut read.place,
                "codec" => &mut read.codec,
                "type" => &mut read.type_name,
                "shape" => &mut read.shape,
                _ => continue,
            };
            *field = unescape(value);
        }
        Some(read)
    }

    /// Reads the file in the folder of a version. `None` if there is none, or none that this version understands.
    #[must_use]
    pub fn read(fs: &dyn Fs, dir: &Path) -> Option<Self> {
        let file = fs.open(&Name::Type.at(dir)).ok()?;
        let bytes = read_start(&*file, MAX_LEN).ok()?;
        Self::parse(std::str::from_utf8(&bytes).ok()?)
    }

    /// Writes the file, unless it is there and says the same. Another process may do so at the same time: what it
    /// leaves is compared again at the next opening. The caller writes to the version, so that nobody removes it.
    ///
    /// # Errors
    /// The errors of the system. Then the file says what it said before.
    pub fn write(&self, fs: &dyn Fs, place: &Place) -> Result<(), Error> {
        let dir = place.dir();
        let text = self.to_text();
        if text.len() > MAX_LEN || Self::read(fs, dir).as_ref() == Some(self) {
            return Ok(());
        }
        let path = Name::TempType.at(dir);
        // What a crash has left.
        match fs.remove(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("remove", path, &e));
            }
            _ => {}
        }
        let written = fs
            .create(&path)
            .and_then(|file| write_all(&*file, text.as_bytes(), 0))
            .and_then(|()| fs.rename(&path, &Name::Type.at(dir)));
        written.map_err(|e| Error::io("write", path, &e))
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        plain.push(match char {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => break,
            },
            char => char,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::super::fs_mem::MemFs;
    use super::*;

    fn type_file() -> TypeFile {
        TypeFile {
            function: "app::quote<\"a\\n\n\">".to_owned(),
            place: "src/main.rs:3:1".to_owned(),
            codec: "postcard 1".to_owned(),
            type_name: "alloc::string::String".to_owned(),
            shape: "root(str())".to_owned(),
        }
    }

    fn written(fs: &MemFs) -> Option<TypeFile> {
        TypeFile::read(fs, Path::new("/v"))
    }

    #[test]
    fn what_was_written_is_read() {
        let (fs, place) = (MemFs::new(), Place::alone(Path::new("/v")));
        fs.create_dir(place.dir(), place.base()).unwrap();
        assert_eq!(written(&fs), None);
        type_file().write(&fs, &place).unwrap();
        assert_eq!(written(&fs), Some(type_file()));
        let moved = TypeFile { place: "src/main.rs:4:1".to_owned(), ..type_file() };
        moved.write(&fs, &place).unwrap();
        assert_eq!(written(&fs), Some(moved));
    }

    #[test]
    fn what_a_crash_has_left_is_replaced() {
        let (fs, place) = (MemFs::new(), Place::alone(Path::new("/v")));
        fs.put(&Name::TempType.at(place.dir()), b"memokit ty".to_vec());
        fs.put(&Name::Type.at(place.dir()), b"memokit type 1\nfunction".to_vec());
        assert_eq!(written(&fs), None);
        type_file().write(&fs, &place).unwrap();
        assert_eq!(written(&fs), Some(type_file()));
        assert!(fs.open(&Name::TempType.at(place.dir())).is_err());
    }

    #[test]
    fn texts_of_other_versions_are_read_as_far_as_they_are_known() {
        let later = "memokit type 1\ncodec: c\nsize: 3\nshape: s\n";
        let known =
            TypeFile { codec: "c".to_owned(), shape: "s".to_owned(), ..TypeFile::default() };
        assert_eq!(TypeFile::parse(later), Some(known));
        for text in ["", "memokit type 2\n", "memokit type 1\ncodec", "memokit type 1\nx\n"] {
            assert_eq!(TypeFile::parse(text), None, "{text:?}");
        }
    }
}
