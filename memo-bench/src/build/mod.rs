//! The build time of memoized functions: a clean build of a crate with one function, and a build of a crate with 200
//! functions without its dependencies.

mod cargo;
mod subject;

use std::fs;

use crate::command::Plan;
use crate::measure::median;
use crate::plot::bars::{Chart, Group, Scale};
use crate::report::{Column, Table};
use cargo::{Cargo, Cost};
use subject::{MANY, ONE, Subject};

/// All figures but `crates` are in seconds. `macros`, `checks` (of types and borrows) and `codegen` are those of the
/// crate itself, without its dependencies.
const COLUMNS: [Column; 8] = [
    Column("case", 22, 0),
    Column("contender", 12, 0),
    Column("user", 8, 2),
    Column("wall", 8, 2),
    Column("crates", 6, 0),
    Column("macros", 8, 2),
    Column("checks", 8, 2),
    Column("codegen", 8, 2),
];

pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    let mut builds = Builds { plan, table: Table::begin(plan.json, &COLUMNS), groups: Vec::new() };
    builds.measure("one/release", &ONE, &["--release"], clean)?;
    builds.measure("200/release", &MANY, &["--release"], alone)?;
    builds.measure("200/dev", &MANY, &[], alone)?;
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
type Round = fn(&Cargo, &[&str]) -> Result<Cost, String>;

impl Builds<'_> {
    /// Builds all contenders in each round. A quick run only checks that the dependencies resolve, and builds nothing.
    fn measure(
        &mut self,
        case: &str,
        subjects: &[Subject],
        profile: &[&str],
        round: Round,
    ) -> Result<(), String> {
        let wanted = |subject: &&Subject| self.plan.wants(&format!("{case}/{}", subject.name));
        let cargos = subjects.iter().filter(wanted).map(|subject| {
            let cargo = Cargo::new(&format!("{case}/{}", subject.name));
            subject.write(&cargo.directory).map_err(|error| format!("{case}: {error}"))?;
            Ok((subject.name, cargo, Vec::new()))
        });
        let mut cargos = cargos.collect::<Result<Vec<_>, String>>()?;
        if self.plan.quick {
            return cargos.iter().try_for_each(|(_, cargo, _)| cargo.resolve());
        }
        for _ in 0..self.plan.rounds(1, 3) {
            for (_, cargo, costs) in &mut cargos {
                costs.push(round(cargo, profile)?);
            }
        }
        let mut bars = Vec::new();
        for (name, cargo, costs) in cargos {
            let cost = middle(&costs);
            let Cost { user, wall, crates, macros, checks, codegen } = cost;
            self.table.row(&[
                case.into(),
                name.into(),
                user.into(),
                wall.into(),
                crates.into(),
                macros.into(),
                checks.into(),
                codegen.into(),
            ]);
            bars.push((name.to_owned(), user));
            cargo.remove();
        }
        self.groups.extend((!bars.is_empty()).then(|| Group { title: case.to_owned(), bars }));
        Ok(())
    }
}

/// Builds the crate with all its dependencies.
fn clean(cargo: &Cargo, profile: &[&str]) -> Result<Cost, String> {
    fs::remove_dir_all(cargo.target()).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error.to_string()),
    })?;
    cargo.build(profile)
}

/// Builds the crate alone. Its dependencies are built before, if necessary.
fn alone(cargo: &Cargo, profile: &[&str]) -> Result<Cost, String> {
    if !cargo.target().exists() {
        cargo.build(profile)?;
    }
    cargo.touch()?;
    cargo.build(profile)
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
