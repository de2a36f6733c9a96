//! Where a line begins, and what stands on it.

/// Where the line begins that has this byte.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1)
}

/// The line that begins here, without its end.
pub(super) fn line_at(text: &str, begin: usize) -> &str {
    let rest = text.get(begin..).unwrap_or_default();
    rest.split('\n').next().unwrap_or_default().trim_end_matches('\r')
}
