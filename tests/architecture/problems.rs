//! Finds everything in a crate that contradicts its drawing.

use std::collections::{BTreeSet, HashSet};

use crate::arrows::{Arrow, arrows};
use crate::cycles::cycles;
use crate::drawing::layers;
use crate::modules::Modules;
use crate::source::Source;

const DRAWING: &str = "docs/design.md";

/// A problem and its place. Problems sort by place.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    file: String,
    line: usize,
    text: String,
}

/// Returns one line for each problem.
pub(crate) fn problems(source: &Source, design: &str) -> Vec<String> {
    let modules = Modules::load(source);
    let arrows = arrows(&modules);
    let crate_ = Crate { source, modules };
    let mut problems = BTreeSet::new();
    match layers(design, &source.name) {
        Some(layers) => {
            crate_.compare(&layers, &mut problems);
            crate_.look_upward(&layers, &arrows, &mut problems);
        }
        None => {
            let name = &source.name;
            let text = format!("no layers are drawn after a line \"{name}, top to bottom:\"");
            problems.insert(Problem { file: DRAWING.to_owned(), line: 0, text });
        }
    }
    crate_.look_for_cycles(&arrows, &mut problems);
    problems.iter().map(Problem::message).collect()
}

impl Problem {
    fn message(&self) -> String {
        let Self { file, line, text } = self;
        if *line == 0 { format!("{file}: {text}") } else { format!("{file}:{line} {text}") }
    }
}

struct Crate<'a> {
    source: &'a Source,
    modules: Modules,
}

impl Crate<'_> {
    fn compare(&self, layers: &[String], problems: &mut BTreeSet<Problem>) {
        let built: BTreeSet<_> =
            self.modules.files.iter().filter_map(|file| layer(&file.path)).collect();
        let mut report =
            |text| problems.insert(Problem { file: DRAWING.to_owned(), line: 0, text });
        let source = self.source.place("");
        let mut drawn = HashSet::new();
        for name in layers {
            if !built.contains(&**name) {
                report(format!("draws {name}, which is not in {source}"));
            }
            if !drawn.insert(&**name) {
                report(format!("draws {name} of {source} twice"));
            }
        }
        for name in built.into_iter().filter(|name| !drawn.contains(name)) {
            report(format!("does not draw {name} of {source}"));
        }
    }

    fn look_upward(&self, layers: &[String], arrows: &[Arrow], problems: &mut BTreeSet<Problem>) {
        // The crate's root stands above all layers.
        let height = |layer| match layer {
            Some(layer) => layers.iter().position(|drawn| drawn == layer).map(|place| place + 1),
            None => Some(0),
        };
        let mut seen = HashSet::new();
        for &Arrow { from, to, line, .. } in arrows {
            let (own, other) = (self.layer(from), self.layer(to));
            let (Some(low), Some(high)) = (height(own), height(other)) else { continue };
            if high < low && seen.insert((from, to)) {
                let (own, name) = (own.unwrap_or_default(), self.name(to));
                let other = other.unwrap_or("the crate's root");
                let text = format!("imports {name}, but {other} stands above {own} in {DRAWING}");
                problems.insert(Problem { file: self.place(from), line, text });
            }
        }
    }

    fn look_for_cycles(&self, arrows: &[Arrow], problems: &mut BTreeSet<Problem>) {
        for cycle in cycles(arrows) {
            let mut steps = Vec::new();
            for (place, &from) in cycle.iter().enumerate() {
                let to = cycle[(place + 1) % cycle.len()];
                let is_step = |arrow: &&Arrow| arrow.needs && (arrow.from, arrow.to) == (from, to);
                steps.push((self.name(to), arrows.iter().find(is_step).unwrap().line));
            }
            let (first, line) = &steps[0];
            let mut text = format!("imports {first}");
            for (name, line) in &steps[1..] {
                text += &format!(", which imports {name} (line {line})");
            }
            text += ": a cycle";
            problems.insert(Problem { file: self.place(cycle[0]), line: *line, text });
        }
    }

    fn layer(&self, file: usize) -> Option<&str> {
        layer(&self.modules.files[file].path)
    }

    fn place(&self, file: usize) -> String {
        self.source.place(&self.modules.files[file].path)
    }

    fn name(&self, file: usize) -> String {
        let path = &self.modules.all[self.modules.files[file].module].path;
        if path.is_empty() { "the crate's root".to_owned() } else { path.join("::") }
    }
}

/// Returns the layer of a file: the folder or file at the top of `src`. `lib.rs` is in no layer.
fn layer(file: &str) -> Option<&str> {
    let top = file.split('/').next().unwrap_or(file);
    (file != "lib.rs").then(|| top.trim_end_matches(".rs"))
}
