//! Charts as SVG, which can be read on light and dark backgrounds.

pub(crate) mod bars;
pub(crate) mod curves;
mod svg;

use std::path::Path;

use svg::Svg;

fn write(directory: &Path, name: &str, svg: Svg) -> Result<(), String> {
    let path = directory.join(name).with_extension("svg");
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(&path, svg.finish()))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
