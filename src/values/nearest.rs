//! "Did you mean": the known word nearest to one that is not known.

/// The candidate nearest to `word`, if one is near enough to be meant.
///
/// Near enough is one slip in three letters, and at least one. Of equally near ones the
/// first wins. Upper and lower case do not count.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let letters = word.chars().count();
    let limit = (letters / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let known = candidate.to_lowercase();
        // What differs in length by more cannot be near, and need not be compared.
        if known.chars().count().abs_diff(letters) > limit {
            continue;
        }
        let slips = strsim::osa_distance(&word, &known);
        if slips <= limit && best.is_none_or(|(fewest, _)| slips < fewest) {
            best = Some((slips, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Whether a word is another but for one letter.
pub fn is_one_slip(word: &str, other: &str) -> bool {
    strsim::osa_distance(word, other) < 2
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        let keys = ["host", "port", "username", "password"];
        for (slip, meant) in [
            ("prot", "port"),
            ("pasword", "password"),
            ("user_name", "username"),
            ("HOST", "host"),
        ] {
            assert_eq!(nearest(slip, keys), Some(meant), "{slip}");
        }
    }

    #[test]
    fn a_far_word_finds_nothing() {
        assert_eq!(nearest("colour", ["host", "port"]), None);
        assert_eq!(nearest("", ["host"]), None);
        assert_eq!(nearest("host", []), None);
    }

    #[test]
    fn of_equally_near_words_the_first_wins() {
        assert_eq!(nearest("QA4", ["QA1", "QA2"]), Some("QA1"));
    }
}
