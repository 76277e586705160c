//! Charts as SVG, legible on light and dark ground.

pub(crate) mod bars;
pub(crate) mod curves;
mod svg;

use std::path::Path;

use svg::Svg;

fn write(folder: &Path, name: &str, svg: Svg) -> Result<(), String> {
    let path = folder.join(name).with_extension("svg");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, svg.finish()))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
