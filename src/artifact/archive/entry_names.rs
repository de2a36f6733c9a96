//! The names in a ZIP: safe to unpack, and no two of them the same file to anybody.

use icu_normalizer::ComposingNormalizerBorrowed;

/// What is wrong with names; each entry by its place among those that were given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NameClashes {
    /// An entry, and one of the same name, byte by byte.
    pub(super) twins: Vec<(usize, usize)>,
    /// An entry that some programs put in the place of another, and that other.
    pub(super) doubles: Vec<(usize, usize)>,
    /// An entry that stands below a file, as if that were a folder, and that file.
    pub(super) below_files: Vec<(usize, usize)>,
    /// An entry, one that some systems take for the same file, and which systems these are.
    pub(super) alike: Vec<(usize, usize, &'static str)>,
}

/// A way in which systems see a step of a name, and those that do.
type SystemForm = (fn(&str) -> String, &'static str);

const SYSTEM_FORMS: [SystemForm; 4] = [
    (without_case, "systems that do not tell upper from lower case"),
    (
        without_end,
        "systems that drop dots and blanks at the end of a name",
    ),
    (without_stream, "systems where a colon ends the name of a file"),
    (
        composed,
        "systems that do not tell apart in which of two ways a letter is written",
    ),
];

/// Programs cut longer names off, or cannot unpack them.
const LONGEST_NAME: usize = 4095;

/// Whether a name stays where the archive is unpacked, and leads to the same place everywhere.
pub(super) fn is_safe(name: &str) -> bool {
    let mut start = name.chars();
    let has_drive = start.next().is_some_and(|c| c.is_ascii_alphabetic()) && start.next() == Some(':');
    !has_drive
        && name.len() <= LONGEST_NAME
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
            let alike_by = |(form, _): &&SystemForm| {
                let (first, second) = (key(names[first], *form), key(names[second], *form));
                second.starts_with(&first)
            };
            let systems = SYSTEM_FORMS.iter().find(alike_by);
            let systems = systems.map_or("some systems", |(_, systems)| *systems);
            if !are_parts(names[first], names[second]) {
                found.alike.push((second, first, systems));
            }
        }
    }
    // Two parts of one file are two, unless they are one part.
    for (first, second) in neighbours(names, with_part) {
        let is_other = steps(names[first]).ne(steps(names[second]));
        if is_other && are_parts(names[first], names[second]) {
            found.alike.push((second, first, "some systems"));
        }
    }
    found
}

/// Names that some systems take for the same file, and which systems these are: of files beside each other, too.
pub(in crate::artifact) fn alike<'n>(names: &[&'n str]) -> Vec<(&'n str, &'n str, &'static str)> {
    let alike = clashes(names).alike.into_iter();
    alike
        .map(|(one, other, systems)| (names[one], names[other], systems))
        .collect()
}

/// Whether both name parts of files.
fn are_parts(first: &str, second: &str) -> bool {
    first.contains(':') && second.contains(':')
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

/// A step in all forms in which systems see it.
fn folded(step: &str) -> String {
    let forms = SYSTEM_FORMS.iter().rev();
    forms.fold(step.to_owned(), |step, (form, _)| form(&step))
}

/// The same, where the part of a file that a name may end with is told apart.
fn with_part(step: &str) -> String {
    without_case(&without_end(&composed(step)))
}

/// By single characters, as file systems do it: the long s is an s, and the sharp s is not two.
fn without_case(step: &str) -> String {
    let upper = step.chars().map(|c| only(c.to_uppercase()).unwrap_or(c));
    upper.map(|c| only(c.to_lowercase()).unwrap_or(c)).collect()
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next();
    first.filter(|_| characters.next().is_none())
}

fn without_end(step: &str) -> String {
    step.trim_end_matches(['.', ' ']).to_owned()
}

fn without_stream(step: &str) -> String {
    let file = step.split(':').next().unwrap_or(step);
    file.to_owned()
}

fn composed(step: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(step)
        .into_owned()
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
        let long = "a/".repeat(2048);
        assert!(is_safe(&long[..4095]));
        let odd = ["a\\b", "a\0", "a\nb", "a\u{7f}", "a\u{85}b", &long];
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
    fn names_that_some_systems_do_not_tell_apart_are_alike_for_that_reason() {
        for (first, second, systems) in [
            ("a.txt", "A.TXT", "upper from lower case"),
            ("ä", "Ä", "upper from lower case"),
            ("k", "\u{212a}", "upper from lower case"),
            ("s", "\u{17f}", "upper from lower case"),
            ("A", "a/b", "upper from lower case"),
            ("a", "a.", "dots and blanks"),
            ("export.xml", "export.xml ", "dots and blanks"),
            ("x /b", "x/b", "dots and blanks"),
            ("a.txt", "a.txt:x", "a colon"),
            ("\u{e4}", "a\u{308}", "in which of two ways a letter is written"),
            ("a:x", "A:X", "some systems"),
            ("A.", "a", "some systems"),
            ("\u{c4}", "a\u{308}", "some systems"),
        ] {
            let found = clashes(&[first, "0", second]);
            let [(_, _, told)] = found.alike.as_slice() else {
                panic!("{first} {second}: {found:?}");
            };
            assert!(told.contains(systems), "{first} {second}: {told}");
            assert_eq!(
                (found.doubles.len(), found.below_files.len()),
                (0, 0),
                "{first} {second}"
            );
        }
        for names in [["stra\u{df}e", "strasse"], ["a:x", "a:y"]] {
            assert_eq!(clashes(&names), NameClashes::default());
        }
    }
}
