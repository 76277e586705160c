//! Properties of one text: digest, tokens, language.

/// Returns the FNV-1a hash of 128 bits. It is implemented here because the hashes of the standard
/// library may change between releases, and a digest on disk must not change.
pub(crate) fn digest(text: &str) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = (1 << 88) + 0x13b;
    text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

/// Returns the words, and every other character that is not white space.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let end = if in_word(first) {
            rest.find(|c| !in_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

/// Guesses the language from the file name, then the extension, then the first line.
pub(crate) fn language(name: &str, text: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match (name, extension) {
        ("Makefile", _) | (_, "mk") => "Make",
        ("Cargo.lock", _) | (_, "toml") => "TOML",
        (_, "rs") => "Rust",
        (_, "c" | "h") => "C",
        (_, "cc" | "cpp" | "cxx" | "hh" | "hpp") => "C++",
        (_, "css" | "scss") => "CSS",
        (_, "go") => "Go",
        (_, "htm" | "html") => "HTML",
        (_, "java") => "Java",
        (_, "js" | "mjs" | "jsx") => "JavaScript",
        (_, "json") => "JSON",
        (_, "md") => "Markdown",
        (_, "py" | "pyi") => "Python",
        (_, "rb") => "Ruby",
        (_, "sh" | "bash") => "Shell",
        (_, "sql") => "SQL",
        (_, "ts" | "tsx") => "TypeScript",
        (_, "xml" | "svg") => "XML",
        (_, "yaml" | "yml") => "YAML",
        _ => by_first_line(text.lines().next().unwrap_or_default()),
    }
}

fn by_first_line(line: &str) -> &'static str {
    match line {
        _ if line.starts_with("<?xml") => "XML",
        _ if !line.starts_with("#!") => "text",
        _ if line.contains("python") => "Python",
        _ if line.contains("ruby") => "Ruby",
        _ if line.contains("node") => "JavaScript",
        _ if line.contains("sh") => "Shell",
        _ => "text",
    }
}
