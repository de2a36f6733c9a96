//! Where a word stands in a value of several.

use std::ops::Range;

/// Where `name` stands inside a value, as far as it can be told: the whole value if it was
/// written with escapes.
pub(super) fn place_of(name: &str, value: &Range<usize>, text: &str) -> Range<usize> {
    let Some(written) = text.get(value.clone()) else {
        return value.clone();
    };
    let is_border = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "\"',!".contains(c));
    written
        .match_indices(name)
        .find(|(at, found)| {
            is_border(written[..*at].chars().next_back())
                && is_border(written[at + found.len()..].chars().next())
        })
        .map_or(value.clone(), |(at, found)| {
            value.start + at..value.start + at + found.len()
        })
}
