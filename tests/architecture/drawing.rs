//! Reads the layers of a crate from docs/design.md. They are the folders and files at the top of its `src`.

/// Returns the layers from top to bottom. In the section "Arrows", a block follows the line "NAME, top to bottom:".
/// Each line of the block is one layer and begins with its name. A line that is indented further continues the line
/// before.
pub(crate) fn layers(design: &str, name: &str) -> Option<Vec<String>> {
    let heading = format!("{name}, top to bottom:");
    let section = design.lines().skip_while(|line| *line != "## Arrows").skip(1);
    let section = section.take_while(|line| !line.starts_with("## "));
    let block = section.skip_while(|line| line.trim() != heading).skip(1);
    let block = block.skip_while(|line| is_edge(line)).take_while(|line| !is_edge(line));
    let block: Vec<_> = block.map(|line| (line.len() - line.trim_start().len(), line)).collect();
    let (edge, _) = *block.first()?;
    let block = block.into_iter().take_while(|(indent, _)| *indent >= edge);
    let layers = block.filter(|(indent, _)| *indent == edge).filter_map(|(_, line)| {
        let word = line.split_whitespace().next()?;
        Some(word.trim_matches('`').trim_end_matches('/').trim_end_matches(".rs").to_owned())
    });
    Some(layers.collect())
}

/// Reports whether a block of text begins or ends at this line.
fn is_edge(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with("```") || line.ends_with(", top to bottom:")
}
