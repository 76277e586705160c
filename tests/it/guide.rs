//! The pages of the guide can be reached, from its index, from the README, and from each other.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn each_page_is_linked_from_the_index_and_the_readme() {
    let root = root();
    let index = fs::read_to_string(root.join("src/guide/mod.rs")).unwrap();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    for file in pages() {
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(index.contains(&format!("//! - [`{name}`]")), "{name} is not in the index");
        assert!(index.contains(&format!("\n    {name}\n")), "{name} is not a page");
        assert!(readme.contains(&format!("src/guide/{name}.md")), "{name} is not in the README");
    }
    assert!(pages().len() > 20);
}

/// rustdoc follows `links.txt`, whose definitions come first; who reads a file in the repository follows its own.
#[test]
fn a_page_links_to_others_in_both_of_its_forms() {
    let items = fs::read_to_string(root().join("src/guide/links.txt")).unwrap();
    for page in pages() {
        let (name, text) = (page.display(), fs::read_to_string(&page).unwrap());
        assert!(!text.contains("](crate::"), "{name} links to an item, which is no link in a file");
        for line in text.lines().filter(|line| line.starts_with('[')) {
            let Some((label, target)) = line.split_once("]: ") else { continue };
            assert!(
                items.contains(&format!("{label}]: ")),
                "{label}] of {name} is not in links.txt"
            );
            let is_page = target.ends_with(".md") && page.with_file_name(target).exists();
            assert!(is_page || target.starts_with("https://"), "{name} links to {target}");
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("src/guide")).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|ending| ending == "md")).collect()
}
