//! "Did you mean": the nearest known name.

/// The candidate nearest to `word`, if one is near enough for `word` to be a typing error.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = match word.chars().count() {
        0..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        // If every letter differs it is another word: `a` is not near `b`.
        .filter(|&(far, candidate)| far <= allowed && far < candidate.chars().count())
        .min_by_key(|&(far, _)| far)
        .map(|(_, candidate)| candidate)
}

/// `, did you mean ...?`, or nothing.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    nearest(word, candidates).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default()
}

/// The number of edits between two words. A swap of two neighbours counts as one.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.to_lowercase().chars().collect();
    let to: Vec<char> = to.to_lowercase().chars().collect();
    let mut before = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, &a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &b) in to.iter().enumerate() {
            let replaced = last[j] + usize::from(a != b);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a == to[j - 1] && from[i - 1] == b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits_and_swaps() {
        assert_eq!(distance("ttl", "ttl"), 0);
        assert_eq!(distance("tll", "ttl"), 1);
        assert_eq!(distance("mxa", "max"), 1);
        assert_eq!(distance("", "max"), 3);
        assert_eq!(distance("persists", "persist"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn nearest_finds_typing_errors_and_no_other_words() {
        let names = ["max", "ttl", "persist", "durability"];
        assert_eq!(nearest("tll", names), Some("ttl"));
        assert_eq!(nearest("Persist", names), Some("persist"));
        assert_eq!(nearest("durabilty", names), Some("durability"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest("tag", names), None, "two of three letters differ");
    }
}
