//! The names in a ZIP: safe to unpack, and no two of them the same file to anybody.

/// What is wrong with names; each entry by its place among those that were given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NameClashes {
    /// An entry, and one of the same name, byte by byte.
    pub(super) twins: Vec<(usize, usize)>,
    /// An entry that some programs put in the place of another, and that other.
    pub(super) doubles: Vec<(usize, usize)>,
    /// An entry that stands below a file, as if that were a folder, and that file.
    pub(super) below_files: Vec<(usize, usize)>,
    /// An entry, and one that is the same where upper and lower case, or blanks and dots at the
    /// end of a name, make no difference.
    pub(super) alike: Vec<(usize, usize)>,
}

/// Whether a name stays where the archive is unpacked, and leads to the same place everywhere.
pub(super) fn is_safe(name: &str) -> bool {
    let mut start = name.chars();
    let has_drive = start.next().is_some_and(|c| c.is_ascii_alphabetic()) && start.next() == Some(':');
    !has_drive
        && !name.starts_with('/')
        && steps(name).next().is_some()
        && !name.split('/').any(|step| step == "..")
        && !name.contains(|c: char| c == '\\' || c.is_control())
}

/// Holds safe names against each other. A name that ends with a separator is that of a folder.
pub(super) fn clashes(names: &[&str]) -> NameClashes {
    let mut found = NameClashes::default();
    for (first, second) in neighbours(names, str::to_owned) {
        let pair = (second, first);
        if names[first] == names[second] {
            found.twins.push(pair);
        } else if steps(names[first]).eq(steps(names[second])) {
            found.doubles.push(pair);
        } else {
            found.below_files.push(pair);
        }
    }
    for (first, second) in neighbours(names, folded) {
        let mut below = steps(names[second]);
        if !steps(names[first]).all(|step| below.next() == Some(step)) {
            found.alike.push((second, first));
        }
    }
    found
}

/// Pairs of names that are the same, or of which the first is that of a file and the second
/// stands below it. Sorted, so that the work grows with the names and not with their pairs.
fn neighbours(names: &[&str], form: fn(&str) -> String) -> Vec<(usize, usize)> {
    let mut keys: Vec<(Vec<u8>, usize)> = names
        .iter()
        .enumerate()
        .map(|(index, name)| (key(name, form), index))
        .collect();
    keys.sort();
    let pairs = keys.windows(2).filter_map(|pair| {
        let [(first_key, first), (second_key, second)] = pair else {
            return None;
        };
        let is_same = first_key == second_key;
        let is_below = second_key.starts_with(first_key) && !names[*first].ends_with('/');
        (is_same || is_below).then_some((*first, *second))
    });
    pairs.collect()
}

/// The steps of a name, each ended by the lowest of all bytes, which no safe name has: what
/// stands below a name sorts right after it.
fn key(name: &str, form: fn(&str) -> String) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 1);
    for step in steps(name) {
        key.extend_from_slice(form(step).as_bytes());
        key.push(0);
    }
    key
}

/// What is left of a name where it is unpacked.
fn steps(name: &str) -> impl Iterator<Item = &str> {
    name.split('/').filter(|step| !matches!(*step, "" | "."))
}

/// A step as systems see it that do not tell case apart, or drop what a name ends with.
fn folded(step: &str) -> String {
    step.trim_end_matches(['.', ' ']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_names_stay_inside_and_mean_the_same_everywhere() {
        for name in [
            "a", "a/b.c", "a/", "./a", "a//b", "ü/…", "ab:c", "...", "a b", "1:",
        ] {
            assert!(is_safe(name), "{name:?}");
        }
        let outside = [
            "", "/", ".", "./", "/a", "//a", "..", "a/..", "../a", "a/../b", "C:a", "c:/a",
        ];
        let odd = ["a\\b", "a\0", "a\nb", "a\u{7f}", "a\u{85}b"];
        for name in outside.into_iter().chain(odd) {
            assert!(!is_safe(name), "{name:?}");
        }
    }

    #[test]
    fn names_that_lead_to_different_places_do_not_clash() {
        let names = [
            "config/",
            "config/a.cfg",
            "config/a",
            "configs",
            "config/a.cfg.b",
            "config-a",
            "local/a/",
            "local/a/b",
            "export.xml",
            "./other",
            "ä",
            "Ü",
        ];
        assert_eq!(clashes(&names), NameClashes::default());
        assert_eq!(clashes(&[]), NameClashes::default());
    }

    #[test]
    fn two_entries_of_one_place_clash_however_it_is_written() {
        let twins = clashes(&["b", "a", "b"]);
        assert_eq!(twins.twins, [(2, 0)]);
        for (first, second) in [
            ("a/b", "a//b"),
            ("a", "./a"),
            ("a/b", "a/./b"),
            ("a", "a/"),
            ("a/", "a//"),
        ] {
            let found = clashes(&["0", first, second]);
            assert_eq!(found.doubles, [(2, 1)], "{first} {second}");
            assert_eq!((found.twins, found.alike), (vec![], vec![]), "{first} {second}");
        }
    }

    #[test]
    fn no_file_is_a_folder_of_another() {
        for (file, below) in [("a", "a/b"), ("a", "a/b/c/d"), ("a/b", "a/b/c/"), ("./a", "a//b")] {
            let found = clashes(&[below, "a-", file, "a.b"]);
            assert_eq!(found.below_files, [(0, 2)], "{file} {below}");
            assert_eq!((found.twins, found.doubles), (vec![], vec![]), "{file} {below}");
        }
    }

    #[test]
    fn names_that_some_systems_do_not_tell_apart_are_alike() {
        for (first, second) in [
            ("a.txt", "A.TXT"),
            ("ä", "Ä"),
            ("a", "a."),
            ("x /b", "x/b"),
            ("A", "a/b"),
        ] {
            let found = clashes(&[first, "0", second]);
            assert_eq!(found.alike.len(), 1, "{first} {second}: {found:?}");
            assert_eq!(
                (found.doubles.len(), found.below_files.len()),
                (0, 0),
                "{first} {second}"
            );
        }
    }
}
