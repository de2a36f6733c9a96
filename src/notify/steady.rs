//! A text without what is counted or measured anew each time, so that it compares equal as long as nothing changes.

use jiff::civil;

/// The lengths of the numbers in the names of stored files, `2026-11-26-20-00-00-000`.
const OF_A_FILE: [usize; 7] = [4, 2, 2, 2, 2, 2, 3];

/// The units of durations, as they are written behind a number.
const UNITS: [&str; 5] = ["ms", "s", "m", "h", "d"];

/// A text without the numbers, durations and times in it. What is part of a name stays, also where the name begins with a
/// digit.
pub(super) fn steady(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        match is_measured(bare) {
            true => "#".to_owned(),
            false => without_times(word),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Whether a word is a number, a duration or a time, and nothing else.
fn is_measured(word: &str) -> bool {
    let unit = word.trim_start_matches(|letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ','));
    let number = word.strip_suffix(unit).unwrap_or(word);
    let is_counted = is_number(number) && (unit.is_empty() || UNITS.contains(&unit));
    is_counted || is_time(word)
}

fn is_number(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once(['.', ',']) {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(text),
    }
}

fn is_time(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_ascii_digit())
        && (word.parse::<jiff::Timestamp>().is_ok()
            || word.parse::<civil::DateTime>().is_ok()
            || word.parse::<civil::Time>().is_ok())
}

/// A word without the moments in it that name files which are stored.
fn without_times(word: &str) -> String {
    let mut steady = String::new();
    let mut rest = word;
    while let Some(begin) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(begin);
        let is_of_one = |letter: char| letter.is_ascii_digit() || letter == '-';
        let end = from.find(|letter| !is_of_one(letter)).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        let moment = run.trim_end_matches('-');
        let is_moment = moment.split('-').map(str::len).eq(OF_A_FILE);
        steady.push_str(before);
        steady.push_str(if is_moment { "#" } else { moment });
        steady.push_str(run.get(moment.len()..).unwrap_or_default());
        rest = after;
    }
    steady.push_str(rest);
    steady
}

#[cfg(test)]
mod tests {
    use super::steady;

    #[test]
    fn numbers_durations_and_times_are_left_out() {
        for (one, other) in [
            ("5.0 GiB are free (12 %), 3 of 7", "14 GiB are free (9 %), 4 of 8"),
            (
                "it took 1h 30m (tried 2 times)",
                "it took 9m 500ms (tried 3 times)",
            ),
            ("since 2026-11-26T20:00:00Z.", "since 2026-11-27T21:30:00.123Z."),
            ("at 2026-11-26 20:00:00 UTC", "at 2026-11-27 01:30:10 UTC"),
            (
                "DOM1-export-2026-11-26-20-00-00-000-persisted.zip: odd",
                "DOM1-export-2026-11-27-20-00-03-017-persisted.zip: odd",
            ),
        ] {
            assert_eq!(steady(one), steady(other));
        }
    }

    #[test]
    fn a_name_that_begins_with_a_digit_stays() {
        for (one, other) in [
            (
                "QA1 runs in failsafe mode: 01PROD",
                "QA1 runs in failsafe mode: 02PROD",
            ),
            ("1st-gw/A: no", "2nd-gw/A: no"),
            ("(10.0.0.7:5550): no", "(10.0.0.8:5550): no"),
            ("domain 2026-a is new", "domain 2027-a is new"),
        ] {
            assert_ne!(steady(one), steady(other));
        }
    }
}
