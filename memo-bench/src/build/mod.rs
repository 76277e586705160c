//! What memoized functions cost whoever builds them: a clean build of a crate with one, and the crate alone with 200.

mod cargo;
mod subject;

use std::fs;

use crate::command::Plan;
use crate::measure::median;
use crate::plot::bars::{Chart, Group, Scale};
use crate::report::{Column, Table};
use cargo::{Cargo, Cost};
use subject::{MANY, ONE, Subject};

/// Seconds, but for `crates`. `macros`, `checks` (of types and borrows) and `codegen` are those of the crate itself.
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
    if let Some(folder) = &plan.plot {
        let title = "User seconds of a build".to_owned();
        Chart { title, scale: Scale::Linear, groups: builds.groups }.write(folder, "build")?;
    }
    Ok(())
}

struct Builds<'a> {
    plan: &'a Plan,
    table: Table,
    groups: Vec<Group>,
}

/// Builds once, from whatever state a round is to start.
type Round = fn(&Cargo, &[&str]) -> Result<Cost, String>;

impl Builds<'_> {
    /// The contenders take turns. A quick run asks whether the crates resolve, and builds none.
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
            subject.write(&cargo.folder).map_err(|error| format!("{case}: {error}"))?;
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

/// With all that the crate depends on.
fn clean(cargo: &Cargo, profile: &[&str]) -> Result<Cost, String> {
    fs::remove_dir_all(cargo.target()).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error.to_string()),
    })?;
    cargo.build(profile)
}

/// The crate itself, after what it depends on.
fn alone(cargo: &Cargo, profile: &[&str]) -> Result<Cost, String> {
    if !cargo.target().exists() {
        cargo.build(profile)?;
    }
    cargo.touch()?;
    cargo.build(profile)
}

/// Of each figure the median.
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
