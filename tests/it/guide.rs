//! The pages of the guide can be reached, from its index and from the README.

use std::fs;
use std::path::Path;

#[test]
fn each_page_is_linked_from_the_index_and_the_readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let index = fs::read_to_string(root.join("src/guide/mod.rs")).unwrap();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let files = fs::read_dir(root.join("src/guide")).unwrap().map(|file| file.unwrap().path());
    let mut pages = 0;
    for file in files.filter(|file| file.extension().is_some_and(|ending| ending == "md")) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(index.contains(&format!("//! - [`{name}`]")), "{name} is not in the index");
        assert!(index.contains(&format!("\n    {name}\n")), "{name} is not a page");
        assert!(readme.contains(&format!("src/guide/{name}.md")), "{name} is not in the README");
        pages += 1;
    }
    assert!(pages > 20);
}
