//! Where a word stands in a value of several.

use std::ops::Range;

/// Where `name` stands inside a value, as far as it can be told: the whole value if it was
/// written with escapes.
pub(super) fn position_of(name: &str, value: &Range<usize>, text: &str) -> Range<usize> {
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

#[cfg(test)]
mod tests {
    use super::position_of;

    #[test]
    fn a_name_is_found_as_a_whole_word_and_else_the_whole_value() {
        let text = "devices = \"QA1, QA\"";
        let value = 10..text.len();
        let at = |name| position_of(name, &value, text);
        assert_eq!(at("QA"), 16..18, "the beginning of another name is none");
        assert_eq!(at("A1"), value, "nor is its end");
        assert_eq!(at("QA1"), 11..14);
    }
}
