//! Lists that may be long, in a sentence.

use std::fmt::Display;

/// The first of these, `most` of them, with commas between them, and how many more there are:
/// `A, B and 3 more`. Nothing at all of none.
pub fn first_few<T: Display>(all: impl IntoIterator<Item = T>, most: usize) -> String {
    let mut all = all.into_iter();
    let first: Vec<String> = all.by_ref().take(most).map(|one| one.to_string()).collect();
    match all.count() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// The first warning, and how many more there are: `no CRL is set (and 2 more warnings)`. `None` of none.
pub fn first_warning(warnings: &[String]) -> Option<String> {
    match warnings {
        [] => None,
        [only] => Some(only.clone()),
        [first, _] => Some(format!("{first} (and 1 more warning)")),
        [first, more @ ..] => Some(format!("{first} (and {} more warnings)", more.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::{first_few, first_warning};

    #[test]
    fn a_list_is_told_whole_as_long_as_it_is_short_and_counted_from_there_on() {
        for (all, told) in [
            (&[] as &[&str], ""),
            (&["A"], "A"),
            (&["A", "B"], "A, B"),
            (&["A", "B", "C"], "A, B and 1 more"),
            (&["A", "B", "C", "D"], "A, B and 2 more"),
        ] {
            assert_eq!(first_few(all, 2), told, "{all:?}");
        }
    }

    #[test]
    fn the_first_warning_stands_for_all_of_them_with_their_number() {
        let told = |count: usize| first_warning(&vec!["no CRL".to_owned(); count]);
        assert_eq!(told(0), None);
        assert_eq!(told(1).as_deref(), Some("no CRL"));
        assert_eq!(told(2).as_deref(), Some("no CRL (and 1 more warning)"));
        assert_eq!(told(3).as_deref(), Some("no CRL (and 2 more warnings)"));
    }
}
