//! The texts of a crate's source files, by their paths below `src`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub(crate) struct Source {
    /// The name of the crate and of its folder.
    pub(crate) name: String,
    pub(crate) files: BTreeMap<String, String>,
}

impl Source {
    pub(crate) fn read(workspace: &Path, name: &str) -> Self {
        let mut files = BTreeMap::new();
        read_folder(&workspace.join(name).join("src"), "", &mut files);
        Self { name: name.to_owned(), files }
    }

    /// Returns the path of a file as messages show it.
    pub(crate) fn place(&self, file: &str) -> String {
        format!("{}/src/{file}", self.name)
    }
}

/// Reads a folder and all folders in it. `under` is the path of the folder below `src`. It ends with a slash unless it
/// is empty.
fn read_folder(folder: &Path, under: &str, files: &mut BTreeMap<String, String>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            read_folder(&path, &format!("{under}{name}/"), files);
        } else if name.ends_with(".rs") {
            files.insert(format!("{under}{name}"), fs::read_to_string(&path).unwrap());
        }
    }
}
