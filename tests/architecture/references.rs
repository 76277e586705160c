//! Finds what an item refers to: its imports, and the paths in its signature, its body and its macros.

use std::collections::HashSet;

use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Arm, Attribute, Expr, Field, FieldValue, ImplItem, Item, ItemUse, Macro};
use syn::{Stmt, TraitItem, Variant, Visibility};

use crate::conditions::{is_built, of_expression, of_item, of_statement};
use crate::path::{Import, Path, imports};
use crate::tokens;

#[derive(PartialEq, Eq)]
pub(crate) enum Kind {
    Path,
    /// The path of a macro that is called.
    Macro,
    /// `name` is `None` for a glob. `public` means a visibility such as `pub` or `pub(crate)`.
    Import {
        name: Option<String>,
        public: bool,
    },
}

pub(crate) struct Reference {
    pub(crate) kind: Kind,
    pub(crate) path: Path,
    pub(crate) line: usize,
}

#[derive(Default)]
pub(crate) struct References {
    pub(crate) found: Vec<Reference>,
    pub(crate) imports: Vec<Import>,
    /// The first words of paths, except those of imports.
    pub(crate) mentioned: HashSet<String>,
}

impl References {
    /// Adds a path that begins with `words`. There is at least one word.
    pub(crate) fn add_path(&mut self, words: &[String], line: usize, kind: Kind) {
        self.mentioned.insert(words[0].clone());
        // A single name has been imported, and the import counts. A macro may be in scope without an import.
        if words.len() > 1 || kind == Kind::Macro {
            self.found.push(Reference { kind, path: Path::new(words), line });
        }
    }
}

/// Defines methods that visit a node unless it is built only for tests.
macro_rules! visit_built {
    ($($visit:ident($node:ident: $type:ty) $attributes:expr;)*) => {
        $(fn $visit(&mut self, $node: &'ast $type) {
            if is_built($attributes) {
                visit::$visit(self, $node);
            }
        })*
    };
}

impl<'ast> Visit<'ast> for References {
    visit_built! {
        visit_item(item: Item) of_item(item);
        visit_impl_item(item: ImplItem) of_impl_item(item);
        visit_trait_item(item: TraitItem) of_trait_item(item);
        visit_stmt(statement: Stmt) of_statement(statement);
        visit_expr(expression: Expr) of_expression(expression);
        visit_field(field: Field) &field.attrs;
        visit_field_value(field: FieldValue) &field.attrs;
        visit_variant(variant: Variant) &variant.attrs;
        visit_arm(arm: Arm) &arm.attrs;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_some() {
            return;
        }
        let public = !matches!(item.vis, Visibility::Inherited);
        for import in imports(&item.tree) {
            let kind = Kind::Import { name: import.name.clone(), public };
            self.found.push(Reference { kind, path: import.path.clone(), line: import.line });
            self.imports.push(import);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.add_path(&words(path), line(path), Kind::Path);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        if called.path.leading_colon.is_none() {
            self.add_path(&words(&called.path), line(&called.path), Kind::Macro);
        }
        if !tokens::is_emitted(&words(&called.path)) {
            tokens::scan(called.tokens.clone(), self);
        }
    }

    // Neither `pub(in path)` nor an attribute imports anything.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

fn words(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect()
}

fn line(path: &syn::Path) -> usize {
    path.segments[0].ident.span().start().line
}

fn of_impl_item(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        ImplItem::Type(item) => &item.attrs,
        ImplItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

fn of_trait_item(item: &TraitItem) -> &[Attribute] {
    match item {
        TraitItem::Const(item) => &item.attrs,
        TraitItem::Fn(item) => &item.attrs,
        TraitItem::Type(item) => &item.attrs,
        TraitItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}
