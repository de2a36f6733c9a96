//! Patterns over device and domain names.

use std::fmt;

use thiserror::Error;

/// A list of patterns, as written in the plan file. It cannot be empty.
///
/// `*` is any run of characters, the empty one too. Case matters. A pattern that begins
/// with `!` takes its matches away again, wherever it stands in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternList {
    included: Vec<Pattern>,
    excluded: Vec<Pattern>,
    written: String,
}

/// Why a text is not a list of patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// No pattern, or nothing between two commas.
    #[error("a pattern is empty")]
    Empty,
    /// A `!` alone.
    #[error("nothing follows the `!`")]
    NothingExcluded,
    /// An `@` alone.
    #[error("no tag follows the `@`")]
    NoTag,
    /// Nothing from which the exclusions could take away.
    #[error("every pattern begins with `!`, so nothing can match")]
    OnlyExclusions,
}

impl PatternList {
    /// Reads texts that each hold a pattern, or several with commas between them.
    pub fn from_items<'a>(items: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        let SplitItems {
            included,
            excluded,
            written,
        } = split(items)?;
        Ok(Self {
            included: included.into_iter().map(Pattern::new).collect(),
            excluded: excluded.into_iter().map(Pattern::new).collect(),
            written,
        })
    }

    /// Whether `name` is meant: a pattern matches it, and none takes it away.
    pub fn matches(&self, name: &str) -> bool {
        self.included.iter().any(|pattern| pattern.matches(name))
            && !self.excluded.iter().any(|pattern| pattern.matches(name))
    }

    /// Each pattern that asks for names, as written.
    pub fn included(&self) -> impl Iterator<Item = String> {
        self.included.iter().map(Pattern::text)
    }

    /// Each pattern that takes names away, as written behind its `!`.
    pub fn excluded(&self) -> impl Iterator<Item = String> {
        self.excluded.iter().map(Pattern::text)
    }

    /// The names that are asked for as such: patterns without `*`.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.included.iter().filter_map(Pattern::literal)
    }

    /// The names that are taken away as such: patterns with `!` and without `*`.
    pub fn excluded_literals(&self) -> impl Iterator<Item = &str> {
        self.excluded.iter().filter_map(Pattern::literal)
    }
}

/// What a task or a row of history is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedDomain<'n> {
    /// One domain, whatever its name holds, or the word for all of them.
    One(&'n str),
    /// A pattern, or several, of which no domain is known.
    Pattern(&'n str),
}

/// Whether a text could be a pattern that stands for other names than itself, or several. A gateway may give its
/// domains such names, too.
pub fn could_be_pattern(text: &str) -> bool {
    text.contains(['*', ','])
}

/// As written, with ", " between the patterns.
impl fmt::Display for PatternList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Texts that each hold a pattern or several, taken apart.
pub(super) struct SplitItems<'a> {
    /// What asks for names; never empty.
    pub(super) included: Vec<&'a str>,
    /// What takes names away, without its `!`.
    pub(super) excluded: Vec<&'a str>,
    /// As written, with ", " between the patterns.
    pub(super) written: String,
}

/// Takes texts apart that each hold a pattern, or several with commas between them.
pub(super) fn split<'a>(items: impl IntoIterator<Item = &'a str>) -> Result<SplitItems<'a>, PatternError> {
    let mut included = Vec::new();
    let mut excluded = Vec::new();
    let mut written = Vec::new();
    for item in items.into_iter().flat_map(|item| item.split(',')).map(str::trim) {
        written.push(item);
        match item.strip_prefix('!').map(str::trim_start) {
            Some("") => return Err(PatternError::NothingExcluded),
            Some(rest) => excluded.push(rest),
            None if item.is_empty() => return Err(PatternError::Empty),
            None => included.push(item),
        }
    }
    match (included.is_empty(), excluded.is_empty()) {
        (true, true) => Err(PatternError::Empty),
        (true, false) => Err(PatternError::OnlyExclusions),
        (false, _) => Ok(SplitItems {
            included,
            excluded,
            written: written.join(", "),
        }),
    }
}

/// Whether `name` is what `pattern` says, where `*` is any run of characters.
pub fn star_matches(pattern: &str, name: &str) -> bool {
    Pattern::new(pattern).matches(name)
}

/// One pattern: what stands before, between and after its `*`. There is always one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pieces: Vec<String>,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self {
            pieces: text.split('*').map(str::to_owned).collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        self.pieces.join("*")
    }

    pub(super) fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }

    /// The first piece must begin the name and the last one end it. Each piece between is
    /// taken where it first appears: a later place could only leave less for the rest, so
    /// no choice is ever taken back, and the time grows with the name, not with the `*`.
    pub(super) fn matches(&self, name: &str) -> bool {
        let (first, middle, last) = match self.pieces.as_slice() {
            [] => return false,
            [only] => return only == name,
            [first, middle @ .., last] => (first, middle, last),
        };
        let Some(mut rest) = name
            .strip_prefix(first.as_str())
            .and_then(|n| n.strip_suffix(last.as_str()))
        else {
            return false;
        };
        for piece in middle {
            match rest.split_once(piece.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{PatternError, PatternList, could_be_pattern};
    use proptest::prelude::*;

    fn list(text: &str) -> PatternList {
        PatternList::from_items([text]).expect(text)
    }

    #[test]
    fn a_star_is_any_run_anywhere_and_as_often_as_wanted() {
        for (pattern, name, matches) in [
            ("Prod*", "Prod", true),
            ("Prod*", "Prod-1", true),
            ("Prod*", "prod-1", false),
            ("Device*QA*", "DeviceQA", true),
            ("Device*QA*", "Device-7-QA-x", true),
            ("Device*QA*", "DeviceQ", false),
            ("*", "", true),
            ("*", "anything", true),
            ("**", "anything", true),
            ("*-a", "x-a", true),
            ("*-a", "x-a-b", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*ab*ab*", "abb", false),
            ("*ab*ab*", "xabyabz", true),
            ("QA1", "QA1", true),
            ("QA1", "QA12", false),
            ("Größe*", "Größe-ß", true),
        ] {
            assert_eq!(list(pattern).matches(name), matches, "{pattern} on {name}");
        }
    }

    #[test]
    fn commas_separate_and_blanks_around_them_do_not_count() {
        let devices = list(" QA1 ,QA2*,  TEST ");
        assert!(
            ["QA1", "QA2", "QA2-b", "TEST"]
                .into_iter()
                .all(|name| devices.matches(name))
        );
        assert!(!devices.matches("QA3"));
        assert_eq!(devices.to_string(), "QA1, QA2*, TEST");
        assert_eq!(PatternList::from_items(["QA1", "QA2*,TEST"]), Ok(devices));
    }

    #[test]
    fn an_exclusion_takes_away_wherever_it_stands() {
        for text in ["*, !TEST*", "!TEST*, *", "*, ! TEST*"] {
            assert!(list(text).matches("QA1"), "{text}");
            assert!(!list(text).matches("TEST9"), "{text}");
        }
    }

    #[test]
    fn literals_are_the_patterns_without_a_star() {
        let devices = list("QA*, TEST8, !QA7, !X*");
        assert_eq!(devices.literals().collect::<Vec<_>>(), ["TEST8"]);
        assert_eq!(devices.excluded_literals().collect::<Vec<_>>(), ["QA7"]);
    }

    #[test]
    fn an_empty_pattern_and_a_list_of_exclusions_are_refused() {
        for (text, error) in [
            ("", PatternError::Empty),
            ("  ", PatternError::Empty),
            ("QA1,,QA2", PatternError::Empty),
            ("QA1,", PatternError::Empty),
            ("*, !", PatternError::NothingExcluded),
            ("!QA1", PatternError::OnlyExclusions),
            ("!QA1, !QA2*", PatternError::OnlyExclusions),
        ] {
            assert_eq!(PatternList::from_items([text]), Err(error), "{text:?}");
        }
        assert_eq!(PatternList::from_items([]), Err(PatternError::Empty));
    }

    #[test]
    fn what_stands_for_other_names_than_itself_could_be_a_pattern() {
        for text in ["*", "DOM*", "A, B", "A,!B"] {
            assert!(could_be_pattern(text), "{text}");
        }
        // A pattern that begins with `!` never stands alone.
        for text in ["DOM1", "a b", "!a", "a!"] {
            assert!(!could_be_pattern(text), "{text}");
        }
    }

    #[test]
    fn many_stars_on_a_long_name_take_no_time() {
        let pattern = list(&"a*".repeat(2_000));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(1_500))));
    }

    /// Tries every way to spread the stars.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], name) => name.is_empty(),
            (['*', rest @ ..], name) => {
                naive(rest, name)
                    || name
                        .split_first()
                        .is_some_and(|(_, shorter)| naive(pattern, shorter))
            }
            ([a, rest @ ..], [b, shorter @ ..]) => a == b && naive(rest, shorter),
            (_, []) => false,
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_trying_everything(pattern in "[abß*]{1,8}", name in "[abß]{0,10}") {
            let expected = naive(
                &pattern.chars().collect::<Vec<_>>(),
                &name.chars().collect::<Vec<_>>(),
            );
            prop_assert_eq!(list(&pattern).matches(&name), expected);
        }

        #[test]
        fn any_text_is_a_list_or_an_error(text in any::<String>(), name in any::<String>()) {
            if let Ok(patterns) = PatternList::from_items([text.as_str()]) {
                patterns.matches(&name);
                prop_assert_eq!(PatternList::from_items([patterns.to_string().as_str()]), Ok(patterns));
            }
        }
    }
}
