//! The build time of memoized functions: a clean build of a crate with one function, and a build of a crate with 200
//! functions without its dependencies.

mod cargo;
mod subject;

use std::fs;

use crate::command::Plan;
use crate::measure::median;
use crate::plot::bars::{Chart, Group, Scale};
use crate::report::{Column, Table};
use cargo::{Cargo, Cost, Mode};
use subject::{COUNT, MANY, ONE, Subject};

/// The number of functions that the lines of one more are counted from: one of each shape.
const FEW: usize = 4;

/// All figures but `crates` and `lines` are in seconds. `lines` is how much LLVM IR the crate has, before optimization:
/// of `one` all of it, of `200` that of each further function. `macros`, `checks` (of types and borrows) and `codegen` are those of the
/// crate itself, without its dependencies.
const COLUMNS: [Column; 9] = [
    Column("case", 22, 0),
    Column("contender", 12, 0),
    Column("user", 8, 2),
    Column("wall", 8, 2),
    Column("crates", 6, 0),
    Column("macros", 8, 2),
    Column("checks", 8, 2),
    Column("codegen", 8, 2),
    Column("lines", 8, 0),
];

pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    let mut builds = Builds { plan, table: Table::begin(plan.json, &COLUMNS), groups: Vec::new() };
    builds.measure("one/release", &ONE, Mode::Release, clean)?;
    builds.measure("one/check", &ONE, Mode::Check, clean)?;
    builds.measure("200/release", &MANY, Mode::Release, alone)?;
    builds.measure("200/dev", &MANY, Mode::Dev, alone)?;
    builds.measure("200/check", &MANY, Mode::Check, alone)?;
    if let Some(directory) = &plan.plot {
        let title = "User seconds of a build".to_owned();
        Chart { title, scale: Scale::Linear, groups: builds.groups }.write(directory, "build")?;
    }
    Ok(())
}

struct Builds<'a> {
    plan: &'a Plan,
    table: Table,
    groups: Vec<Group>,
}

/// Brings the package into the state in which a round starts, and builds it once.
type Round = fn(&Cargo, Mode) -> Result<Cost, String>;

impl Builds<'_> {
    /// Builds all contenders in each round. A quick run only checks that the dependencies resolve, and builds nothing.
    fn measure(
        &mut self,
        case: &str,
        subjects: &[Subject],
        mode: Mode,
        round: Round,
    ) -> Result<(), String> {
        let wanted = |subject: &&Subject| self.plan.wants(&format!("{case}/{}", subject.name));
        let cargos = subjects.iter().filter(wanted).map(|subject| {
            let cargo = Cargo::new(&format!("{case}/{}", subject.name));
            subject.write(&cargo.directory, COUNT).map_err(|error| format!("{case}: {error}"))?;
            Ok((subject, cargo, Vec::new()))
        });
        let mut cargos = cargos.collect::<Result<Vec<_>, String>>()?;
        if self.plan.quick {
            return cargos.iter().try_for_each(|(_, cargo, _)| cargo.resolve());
        }
        for _ in 0..self.plan.rounds(1, 3) {
            for (_, cargo, costs) in &mut cargos {
                costs.push(round(cargo, mode)?);
            }
        }
        let mut bars = Vec::new();
        for (subject, cargo, costs) in cargos {
            let Cost { user, wall, crates, macros, checks, codegen } = middle(&costs);
            let lines = match mode {
                Mode::Release => Some(lines(subject, &cargo)?),
                Mode::Dev | Mode::Check => None,
            };
            let pass = |seconds: f64| (mode != Mode::Check).then_some(seconds).into();
            self.table.row(&[
                case.into(),
                subject.name.into(),
                user.into(),
                wall.into(),
                crates.into(),
                pass(macros),
                pass(checks),
                pass(codegen),
                lines.into(),
            ]);
            bars.push((subject.name.to_owned(), user));
            cargo.remove();
        }
        self.groups.extend((!bars.is_empty()).then(|| Group { title: case.to_owned(), bars }));
        Ok(())
    }
}

/// Builds the crate with all its dependencies.
fn clean(cargo: &Cargo, mode: Mode) -> Result<Cost, String> {
    fs::remove_dir_all(cargo.target()).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error.to_string()),
    })?;
    cargo.build(mode)
}

/// Builds the crate alone. Its dependencies are built before, if necessary.
fn alone(cargo: &Cargo, mode: Mode) -> Result<Cost, String> {
    if !cargo.target().exists() {
        cargo.build(mode)?;
    }
    cargo.touch()?;
    cargo.build(mode)
}

/// Returns the lines of LLVM IR of a crate with one function, or of each further one in a crate with many.
fn lines(subject: &Subject, cargo: &Cargo) -> Result<f64, String> {
    if !subject.has_many() {
        return cargo.lines();
    }
    let with = |count| {
        subject.write(&cargo.directory, count).map_err(|error| error.to_string())?;
        cargo.lines()
    };
    let (few, many) = (with(FEW)?, with(COUNT)?);
    Ok((many - few) / (COUNT - FEW) as f64)
}

/// Returns the median of each figure.
fn middle(costs: &[Cost]) -> Cost {
    let of = |figure: fn(&Cost) -> f64| median(costs.iter().map(figure).collect());
    Cost {
        user: of(|cost| cost.user),
        wall: of(|cost| cost.wall),
        crates: of(|cost| cost.crates),
        macros: of(|cost| cost.macros),
        checks: of(|cost| cost.checks),
        codegen: of(|cost| cost.codegen),
    }
}
