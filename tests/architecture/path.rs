//! Paths as they are written, and the imports of a `use` tree.

use syn::UseTree;
use syn::ext::IdentExt;

/// Where the first segment of a path is looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// `crate::`
    Root,
    /// `$crate::`
    RootOfMacro,
    /// `super::` this many times; 0 for `self::`.
    Above(usize),
    /// Among the names of the module. A name that it does not have is another crate.
    Scope,
}

#[derive(Clone)]
pub(crate) struct Path {
    pub(crate) start: Start,
    pub(crate) segments: Vec<String>,
}

impl Path {
    /// Makes a path of `words`, which has no `::` at its beginning.
    pub(crate) fn new(words: &[String]) -> Self {
        let mut start = Start::Scope;
        let mut taken = 0;
        for word in words {
            start = match (word.as_str(), start) {
                ("crate", Start::Scope) => Start::Root,
                ("$crate", Start::Scope) => Start::RootOfMacro,
                ("self", Start::Scope) => Start::Above(0),
                ("super", Start::Scope) => Start::Above(1),
                ("super", Start::Above(levels)) => Start::Above(levels + 1),
                _ => break,
            };
            taken += 1;
        }
        Self { start, segments: words[taken..].to_vec() }
    }
}

/// One import of a `use` tree.
pub(crate) struct Import {
    pub(crate) path: Path,
    /// The name that it introduces; `None` for a glob.
    pub(crate) name: Option<String>,
    pub(crate) line: usize,
}

pub(crate) fn imports(tree: &UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    flatten(tree, &mut Vec::new(), &mut found);
    found
}

fn flatten(tree: &UseTree, words: &mut Vec<String>, found: &mut Vec<Import>) {
    match tree {
        UseTree::Path(path) => {
            words.push(path.ident.unraw().to_string());
            flatten(&path.tree, words, found);
            words.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, words, found)),
        UseTree::Glob(glob) => {
            let line = glob.star_token.spans[0].start().line;
            found.push(Import { path: Path::new(words), name: None, line });
        }
        UseTree::Name(name) => found.push(import(&name.ident, None, words)),
        UseTree::Rename(rename) => found.push(import(&rename.ident, Some(&rename.rename), words)),
    }
}

fn import(last: &syn::Ident, rename: Option<&syn::Ident>, words: &[String]) -> Import {
    let mut words = words.to_vec();
    // `a::{self}` imports `a`.
    if last != "self" || words.is_empty() {
        words.push(last.unraw().to_string());
    }
    let name = rename.map_or_else(|| words.last().cloned(), |name| Some(name.unraw().to_string()));
    Import { path: Path::new(&words), name, line: last.span().start().line }
}
