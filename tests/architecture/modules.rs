//! The modules of a crate: their names, and what each of them refers to.

use std::collections::{HashMap, HashSet};

use syn::ext::IdentExt;
use syn::visit::Visit;
use syn::{Attribute, Expr, Item, ItemMacro, ItemMod, Lit, Meta};

use crate::conditions::{is_built, of_item};
use crate::path::{Import, Path};
use crate::references::{Reference, References};
use crate::source::Source;

/// What a name of a module stands for.
pub(crate) enum Name {
    Module(usize),
    /// An item of this module, by the module's number.
    Item(usize),
    Import(Path),
}

pub(crate) type Names = HashMap<String, Vec<Name>>;

#[derive(Default)]
pub(crate) struct Module {
    /// The names from the crate's root.
    pub(crate) path: Vec<String>,
    pub(crate) file: usize,
    pub(crate) parent: Option<usize>,
    pub(crate) names: Names,
    pub(crate) macros: Names,
    pub(crate) globs: Vec<Path>,
    /// Imports inside functions.
    pub(crate) inner: Names,
    pub(crate) references: Vec<Reference>,
}

pub(crate) struct File {
    /// The path below `src`.
    pub(crate) path: String,
    /// The module that is this whole file.
    pub(crate) module: usize,
    /// The first words of its paths, except those of imports.
    pub(crate) mentioned: HashSet<String>,
}

/// The first module is the crate's root, the first file is `lib.rs`.
#[derive(Default)]
pub(crate) struct Modules {
    pub(crate) all: Vec<Module>,
    pub(crate) files: Vec<File>,
}

impl Modules {
    pub(crate) fn load(source: &Source) -> Self {
        let mut modules = Self::default();
        modules.load_file(source, "lib.rs", "", Vec::new(), None);
        modules
    }

    /// Loads a file. Returns the number of its module, or `None` if the whole file is for tests. `folder` holds the
    /// files of the module's own modules, and ends with a slash.
    fn load_file(
        &mut self,
        source: &Source,
        file: &str,
        folder: &str,
        path: Vec<String>,
        parent: Option<usize>,
    ) -> Option<usize> {
        let parsed = syn::parse_file(&source.files[file]);
        let parsed = parsed.unwrap_or_else(|e| panic!("{}: {e}", source.place(file)));
        if !is_built(&parsed.attrs) {
            return None;
        }
        let module = self.all.len();
        let file = File { path: file.to_owned(), module, mentioned: HashSet::new() };
        self.files.push(file);
        self.all.push(Module { path, file: self.files.len() - 1, parent, ..Module::default() });
        self.load_items(source, module, folder, &parsed.items);
        Some(module)
    }

    fn load_items(&mut self, source: &Source, module: usize, folder: &str, items: &[Item]) {
        for item in items.iter().filter(|item| is_built(of_item(item))) {
            match item {
                Item::Mod(item) => self.load_module(source, module, folder, item),
                _ => self.load_item(module, item),
            }
        }
    }

    fn load_module(&mut self, source: &Source, parent: usize, folder: &str, item: &ItemMod) {
        let name = item.ident.unraw().to_string();
        let mut path = self.all[parent].path.clone();
        path.push(name.clone());
        let inside = format!("{folder}{name}/");
        let loaded = if let Some((_, items)) = &item.content {
            let file = self.all[parent].file;
            let module = self.all.len();
            self.all.push(Module { path, file, parent: Some(parent), ..Module::default() });
            self.load_items(source, module, &inside, items);
            Some(module)
        } else {
            let named = named_file(&item.attrs);
            let (file, inside) = match named {
                Some(named) => self.place_named(parent, folder, &named),
                None => (place(source, folder, &name), inside),
            };
            self.load_file(source, &file, &inside, path, Some(parent))
        };
        if let Some(module) = loaded {
            self.all[parent].names.entry(name).or_default().push(Name::Module(module));
        }
    }

    /// Returns the file of `#[path]` and the folder of its modules. The path is relative to the folder of the file that
    /// has the attribute, and in a module inside a file to the folder of that module.
    fn place_named(&self, parent: usize, folder: &str, named: &str) -> (String, String) {
        let file = &self.files[self.all[parent].file];
        let own = file.path.rsplit_once('/').map_or(String::new(), |(own, _)| format!("{own}/"));
        let base = if file.module == parent { &*own } else { folder };
        let path = normalized(&format!("{base}{named}"));
        let inside =
            path.rsplit_once('/').map_or(String::new(), |(inside, _)| format!("{inside}/"));
        (path, inside)
    }

    fn load_item(&mut self, module: usize, item: &Item) {
        let mut references = References::default();
        references.visit_item(item);
        let file = self.all[module].file;
        self.files[file].mentioned.extend(references.mentioned);
        self.all[module].references.extend(references.found);
        if let Item::Macro(item) = item {
            self.define_macro(module, item);
        }
        let this = &mut self.all[module];
        if let Some(name) = name(item) {
            this.names.entry(name).or_default().push(Name::Item(module));
        }
        let outer = matches!(item, Item::Use(_));
        for Import { path, name, .. } in references.imports {
            match name {
                None if outer => this.globs.push(path),
                None => {}
                Some(name) => {
                    let names = if outer { &mut this.names } else { &mut this.inner };
                    names.entry(name).or_default().push(Name::Import(path));
                }
            }
        }
    }

    fn define_macro(&mut self, module: usize, item: &ItemMacro) {
        let Some(name) = &item.ident else { return };
        let name = name.unraw().to_string();
        let exported = item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
        let place = if exported { 0 } else { module };
        self.all[place].macros.entry(name).or_default().push(Name::Item(module));
    }
}

fn named_file(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find(|attribute| attribute.path().is_ident("path")).and_then(|attribute| {
        let Meta::NameValue(value) = &attribute.meta else { return None };
        let Expr::Lit(literal) = &value.value else { return None };
        let Lit::Str(path) = &literal.lit else { return None };
        Some(path.value())
    })
}

/// Returns the file of `mod name;`.
fn place(source: &Source, folder: &str, name: &str) -> String {
    let places = [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")];
    let place = places.iter().find(|place| source.files.contains_key(*place));
    place
        .unwrap_or_else(|| panic!("{} has no {} and no {}", source.name, places[0], places[1]))
        .clone()
}

/// Removes `.` and `..` from a path.
fn normalized(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.unraw().to_string())
}
