//! Resolves a path to the modules or items that it means. Re-exports are followed to the module that defines the item.

use crate::modules::{Module, Modules, Name};
use crate::path::{Path, Start};

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Module(usize),
    /// An item of this module.
    Item(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// Modules and types: the path continues after the name.
    Prefix,
    /// Everything that has the name; a macro only if nothing else has it.
    Any,
    Macro,
}

impl Modules {
    /// Resolves a path. There are several targets if a module and a function share a name, and none if the path leads
    /// to another crate.
    pub(crate) fn resolve(&self, module: usize, path: &Path, space: Space) -> Vec<Target> {
        Resolver { modules: self, open: Vec::new() }.path(module, path, space)
    }

    /// Returns what a glob import of `module` provides for `name`.
    pub(crate) fn member(&self, module: usize, name: &str) -> Vec<Target> {
        let mut resolver = Resolver { modules: self, open: Vec::new() };
        resolver.member(module, name, Space::Any).unwrap_or_default()
    }
}

struct Resolver<'a> {
    modules: &'a Modules,
    /// The names that are being looked up: imports and globs may refer to each other.
    open: Vec<(usize, String, Space)>,
}

impl Resolver<'_> {
    fn path(&mut self, module: usize, path: &Path, space: Space) -> Vec<Target> {
        let start = match path.start {
            Start::Root | Start::RootOfMacro => 0,
            Start::Above(levels) => self.above(module, levels),
            Start::Scope => module,
        };
        let mut targets = vec![Target::Module(start)];
        for (place, name) in path.segments.iter().enumerate() {
            let space = if place + 1 == path.segments.len() { space } else { Space::Prefix };
            let in_scope = place == 0 && path.start == Start::Scope;
            let found = targets.into_iter().map(|target| match target {
                // The rest of the path names a variant or an associated item.
                Target::Item(_) => vec![target],
                Target::Module(module) if in_scope => self.in_scope(module, name, space),
                // A macro has defined the name if it is not found.
                Target::Module(module) => {
                    self.member(module, name, space).unwrap_or_else(|| vec![Target::Item(module)])
                }
            });
            targets = found.flatten().collect();
        }
        targets
    }

    fn above(&self, module: usize, levels: usize) -> usize {
        (0..levels).fold(module, |module, _| self.modules.all[module].parent.unwrap_or(0))
    }

    fn in_scope(&mut self, module: usize, name: &str, space: Space) -> Vec<Target> {
        if let Some(found) = self.member(module, name, space) {
            return found;
        }
        let modules = self.modules;
        let this = &modules.all[module];
        if let Some(names) = this.inner.get(name) {
            return self.meanings(module, names, space);
        }
        match this.parent {
            // A `macro_rules!` of a module can be called in the modules declared after it.
            Some(parent) if space == Space::Macro => self.in_scope_of_macros(parent, name),
            _ => Vec::new(),
        }
    }

    fn in_scope_of_macros(&self, module: usize, name: &str) -> Vec<Target> {
        let this = &self.modules.all[module];
        let own = this.macros.get(name).into_iter().flatten();
        let own: Vec<_> = own.filter_map(target).collect();
        match this.parent {
            Some(parent) if own.is_empty() => self.in_scope_of_macros(parent, name),
            _ => own,
        }
    }

    /// Looks up a name of a module. Returns `None` if the module has no such name.
    fn member(&mut self, module: usize, name: &str, space: Space) -> Option<Vec<Target>> {
        let key = (module, name.to_owned(), space);
        if self.open.contains(&key) {
            return None;
        }
        self.open.push(key);
        let found = self.named(module, name, space).or_else(|| self.by_glob(module, name, space));
        self.open.pop();
        found
    }

    fn named(&mut self, module: usize, name: &str, space: Space) -> Option<Vec<Target>> {
        let modules = self.modules;
        let Module { names, macros, .. } = &modules.all[module];
        let (names, macros) = (names.get(name), macros.get(name));
        let names = match space {
            Space::Prefix => names?,
            Space::Any => names.or(macros)?,
            Space::Macro => macros.or(names)?,
        };
        let mut targets = self.meanings(module, names, space);
        let is_module = |target: &Target| matches!(target, Target::Module(_));
        if space == Space::Prefix && targets.iter().any(is_module) {
            targets.retain(is_module);
        }
        Some(targets)
    }

    fn meanings(&mut self, module: usize, names: &[Name], space: Space) -> Vec<Target> {
        let found = names.iter().map(|name| match name {
            Name::Import(path) => self.path(module, path, space),
            name => target(name).into_iter().collect(),
        });
        found.flatten().collect()
    }

    fn by_glob(&mut self, module: usize, name: &str, space: Space) -> Option<Vec<Target>> {
        let modules = self.modules;
        modules.all[module].globs.iter().find_map(|glob| {
            let places = self.path(module, glob, Space::Prefix);
            places.into_iter().find_map(|place| match place {
                Target::Module(place) => self.member(place, name, space),
                Target::Item(_) => None,
            })
        })
    }
}

fn target(name: &Name) -> Option<Target> {
    match name {
        Name::Module(module) => Some(Target::Module(*module)),
        Name::Item(module) => Some(Target::Item(*module)),
        Name::Import(_) => None,
    }
}
