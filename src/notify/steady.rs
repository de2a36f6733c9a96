//! A text without what is counted or measured anew each time, so that it compares equal as long as nothing changes.

/// A text without the numbers and times in it. A number that is part of a name stays.
pub(super) fn steady(text: &str) -> String {
    let word = |word: &str| match word.find(|letter: char| letter.is_ascii_alphanumeric()) {
        Some(first) if word[first..].starts_with(|letter: char| letter.is_ascii_digit()) => "#".to_owned(),
        _ => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
