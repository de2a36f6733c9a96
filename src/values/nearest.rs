//! "Did you mean": the known word nearest to one that is not known.

/// The candidate nearest to `word`, if one is near enough to be meant.
///
/// Near enough is one slip in three letters, and at least one. Of equally near ones the
/// first wins. Upper and lower case do not count.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let limit = (word.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.to_lowercase().chars().collect();
        if letters.len().abs_diff(word.len()) > limit {
            continue;
        }
        let slips = distance(&word, &letters);
        if slips <= limit && best.is_none_or(|(fewest, _)| slips < fewest) {
            best = Some((slips, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How many letters must be added, left out, replaced or swapped with their neighbour
/// (the optimal string alignment distance).
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut slips = (last[j] + usize::from(a != b))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                slips = slips.min(before_last[j - 1] + 1);
            }
            row.push(slips);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
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
