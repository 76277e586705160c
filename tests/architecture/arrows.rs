//! Finds which file imports from which.

use crate::modules::Modules;
use crate::path::Start;
use crate::references::{Kind, Reference};
use crate::resolve::{Space, Target};

/// An import of one file by another. `from` and `to` are the numbers of the files.
#[derive(Debug)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) line: usize,
    /// Whether `from` cannot be understood without `to`. Only such arrows make a cycle.
    pub(crate) needs: bool,
}

/// Returns all arrows, sorted by file and line.
pub(crate) fn arrows(modules: &Modules) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    for module in 0..modules.all.len() {
        for reference in &modules.all[module].references {
            for (target, needs) in targets(modules, module, reference) {
                let (Target::Module(to) | Target::Item(to)) = target;
                let (from, to) = (modules.all[module].file, modules.all[to].file);
                if from != to {
                    arrows.push(Arrow { from, to, line: reference.line, needs });
                }
            }
        }
    }
    arrows.sort_by_key(|arrow| (arrow.from, arrow.line));
    arrows
}

/// Returns the targets of a module's reference, each with whether the module needs it.
fn targets(modules: &Modules, module: usize, reference: &Reference) -> Vec<(Target, bool)> {
    let path = &reference.path;
    match &reference.kind {
        Kind::Import { name: None, public } => glob(modules, module, reference, *public),
        Kind::Import { name: Some(name), public } => {
            let mentioned = modules.files[modules.all[module].file].mentioned.contains(name);
            let found = modules.resolve(module, path, Space::Any).into_iter();
            let found = found.map(|target| {
                // The module does not need an imported module by itself. A path that leads into it is a reference of
                // its own.
                let needs = matches!(target, Target::Item(_))
                    && (mentioned || !(*public && is_below(modules, module, &target)));
                (target, needs)
            });
            found.collect()
        }
        kind => {
            let space = if *kind == Kind::Macro { Space::Macro } else { Space::Any };
            let found = modules.resolve(module, path, space).into_iter();
            // `$crate` counts where the macro is called. The file that defines the macro does not need the target.
            found.map(|target| (target, path.start != Start::RootOfMacro)).collect()
        }
    }
}

/// Returns the names behind a glob that the file mentions, or the module of the glob if the file mentions none.
fn glob(
    modules: &Modules,
    module: usize,
    reference: &Reference,
    public: bool,
) -> Vec<(Target, bool)> {
    let mentioned = &modules.files[modules.all[module].file].mentioned;
    let mut found = Vec::new();
    for target in modules.resolve(module, &reference.path, Space::Prefix) {
        let names = match target {
            Target::Module(place) => {
                mentioned.iter().flat_map(|name| modules.member(place, name)).collect()
            }
            Target::Item(_) => vec![target.clone()],
        };
        if names.is_empty() {
            let needs = !(public && is_below(modules, module, &target));
            found.push((target, needs));
        }
        found.extend(names.into_iter().map(|name| (name, true)));
    }
    found
}

/// Reports whether `target` is in a module below `module`. A re-export of such an item only shows it to others.
fn is_below(modules: &Modules, module: usize, target: &Target) -> bool {
    let (Target::Module(target) | Target::Item(target)) = target;
    modules.all[*target].path.starts_with(&modules.all[module].path)
}
