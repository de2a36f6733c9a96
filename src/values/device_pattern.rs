//! Patterns over devices: over their names, and behind an `@` over their tags.

use std::fmt;

use crate::values::pattern::{Pattern, PatternError, SplitItems, split};

/// What a device is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceRole {
    /// To be backed up.
    #[default]
    Ordinary,
    /// For rehearsals. It is backed up only where a plan names it in full.
    Spare,
}

/// What patterns ask of a device.
#[derive(Clone, Copy, Debug)]
pub struct DeviceMarks<'d> {
    pub name: &'d str,
    pub tags: &'d [String],
    /// What it is there for.
    pub role: DeviceRole,
}

/// A list of patterns over devices, as written in the plan file. It cannot be empty.
///
/// It reads as [`PatternList`](crate::values::pattern::PatternList) does; a pattern that begins
/// with `@` is one over tags. A spare is matched by its whole name alone, also behind a `!`: what
/// says nothing of this very device neither adds it nor takes it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePatterns {
    included: Vec<DevicePattern>,
    excluded: Vec<DevicePattern>,
    written: String,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum DevicePattern {
    Name(Pattern),
    Tag(Pattern),
}

impl DevicePatterns {
    /// Reads texts that each hold a pattern, or several with commas between them.
    pub fn from_items<'a>(items: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        let SplitItems {
            included,
            excluded,
            written,
        } = split(items)?;
        let read = |texts: Vec<&str>| {
            texts
                .into_iter()
                .map(DevicePattern::new)
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            included: read(included)?,
            excluded: read(excluded)?,
            written,
        })
    }

    /// Whether a device is meant: a pattern matches it, and none takes it away.
    pub fn matches(&self, device: &DeviceMarks<'_>) -> bool {
        self.included.iter().any(|pattern| pattern.matches(device))
            && !self.excluded.iter().any(|pattern| pattern.matches(device))
    }

    /// Each pattern that asks for devices, as written, the `@` of a tag included.
    pub fn included(&self) -> impl Iterator<Item = String> {
        self.included.iter().map(DevicePattern::text)
    }

    /// The devices that are asked for as such: names without `*`.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.included.iter().filter_map(DevicePattern::literal)
    }

    /// The devices that are taken away as such: names with `!` and without `*`.
    pub fn excluded(&self) -> impl Iterator<Item = String> {
        self.excluded.iter().map(DevicePattern::text)
    }

    /// Those of them without a `*` or an `@`.
    pub fn excluded_literals(&self) -> impl Iterator<Item = &str> {
        self.excluded.iter().filter_map(DevicePattern::literal)
    }

    /// The patterns over tags, without their `@`: those that ask, then those that take away.
    pub fn tags(&self) -> impl Iterator<Item = String> {
        let patterns = self.included.iter().chain(&self.excluded);
        patterns.filter_map(|pattern| match pattern {
            DevicePattern::Tag(tag) => Some(tag.text()),
            DevicePattern::Name(_) => None,
        })
    }
}

/// As written, with ", " between the patterns.
impl fmt::Display for DevicePatterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl DevicePattern {
    fn new(text: &str) -> Result<Self, PatternError> {
        match text.strip_prefix('@').map(str::trim_start) {
            Some("") => Err(PatternError::NoTag),
            Some(tag) => Ok(Self::Tag(Pattern::new(tag))),
            None => Ok(Self::Name(Pattern::new(text))),
        }
    }

    fn matches(&self, device: &DeviceMarks<'_>) -> bool {
        match (self, device.role) {
            (Self::Name(pattern), DeviceRole::Ordinary) => pattern.matches(device.name),
            (Self::Tag(pattern), DeviceRole::Ordinary) => device.tags.iter().any(|tag| pattern.matches(tag)),
            (Self::Name(pattern), DeviceRole::Spare) => pattern.literal() == Some(device.name),
            (Self::Tag(_), DeviceRole::Spare) => false,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Name(pattern) => pattern.text(),
            Self::Tag(pattern) => format!("@{}", pattern.text()),
        }
    }

    fn literal(&self) -> Option<&str> {
        match self {
            Self::Name(pattern) => pattern.literal(),
            Self::Tag(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DeviceMarks, DevicePatterns, DeviceRole};
    use crate::values::pattern::{PatternError, PatternList};

    /// The devices of five that a list means, by name.
    fn meant(text: &str) -> Vec<&'static str> {
        let patterns = DevicePatterns::from_items([text]).expect(text);
        let devices: [(&str, &[&str], DeviceRole); 5] = [
            ("QA1", &["qa", "dmz"], DeviceRole::Ordinary),
            ("QA2", &["qa"], DeviceRole::Ordinary),
            ("PROD1", &["prod", "dmz"], DeviceRole::Ordinary),
            ("LAB", &[], DeviceRole::Ordinary),
            ("SPARE1", &["qa", "prod"], DeviceRole::Spare),
        ];
        let is_meant = |name: &str, tags: &[&str], role| {
            let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
            patterns.matches(&DeviceMarks {
                name,
                tags: &tags,
                role,
            })
        };
        devices
            .into_iter()
            .filter(|(name, tags, role)| is_meant(name, tags, *role))
            .map(|(name, ..)| name)
            .collect()
    }

    #[test]
    fn a_tag_is_every_device_that_has_it_and_goes_with_commas_and_exclusions_as_names_do() {
        for (text, devices) in [
            ("@qa", vec!["QA1", "QA2"]),
            ("@dmz", vec!["QA1", "PROD1"]),
            ("@qa, @prod", vec!["QA1", "QA2", "PROD1"]),
            ("@qa, LAB", vec!["QA1", "QA2", "LAB"]),
            ("@qa, !@dmz", vec!["QA2"]),
            ("*, !@qa", vec!["PROD1", "LAB"]),
            ("@qa, !QA2", vec!["QA1"]),
            ("! @ dmz , @ qa", vec!["QA2"]),
            ("@*", vec!["QA1", "QA2", "PROD1"]),
            ("@pr*", vec!["PROD1"]),
            ("@QA", vec![]),
            ("qa", vec![]),
            ("QA1@qa", vec![]),
        ] {
            assert_eq!(meant(text), devices, "{text}");
        }
    }

    #[test]
    fn a_spare_is_matched_by_its_whole_name_and_by_nothing_else() {
        for (text, is_meant) in [
            ("*", false),
            ("SPARE*", false),
            ("SPARE1*", false),
            ("@qa", false),
            ("@*", false),
            ("SPARE1", true),
            ("@qa, SPARE1", true),
            ("*, SPARE1", true),
            ("SPARE1, !SPARE1", false),
            // What says nothing of this very device does not take it away either.
            ("SPARE1, !SPARE*", true),
            ("SPARE1, !@prod", true),
        ] {
            assert_eq!(meant(text).contains(&"SPARE1"), is_meant, "{text}");
        }
    }

    #[test]
    fn what_is_asked_for_is_known_by_its_kind() {
        let patterns =
            DevicePatterns::from_items(["QA*, @prod", "TEST8, !@dmz, !QA7, !X*"]).expect("patterns");
        assert_eq!(patterns.to_string(), "QA*, @prod, TEST8, !@dmz, !QA7, !X*");
        assert_eq!(patterns.included().collect::<Vec<_>>(), ["QA*", "@prod", "TEST8"]);
        assert_eq!(patterns.literals().collect::<Vec<_>>(), ["TEST8"]);
        assert_eq!(patterns.excluded_literals().collect::<Vec<_>>(), ["QA7"]);
        assert_eq!(patterns.tags().collect::<Vec<_>>(), ["prod", "dmz"]);
    }

    #[test]
    fn an_at_sign_without_a_tag_is_refused() {
        for text in ["@", "*, @", "*, !@", "@ ", "! @ ,*"] {
            assert_eq!(
                DevicePatterns::from_items([text]),
                Err(PatternError::NoTag),
                "{text}"
            );
        }
        assert_eq!(
            DevicePatterns::from_items(["!@a"]),
            Err(PatternError::OnlyExclusions)
        );
        assert_eq!(DevicePatterns::from_items(["@a,,b"]), Err(PatternError::Empty));
    }

    proptest! {
        /// Of names alone it means what a list of patterns means.
        #[test]
        fn without_tags_and_spares_it_is_a_list_of_patterns(text in "[!*, ab]{0,12}", name in "[ab*]{0,4}") {
            let marks = DeviceMarks { name: &name, tags: &[], role: DeviceRole::Ordinary };
            let devices = DevicePatterns::from_items([text.as_str()]).map(|list| list.matches(&marks));
            let names = PatternList::from_items([text.as_str()]).map(|list| list.matches(&name));
            prop_assert_eq!(devices, names);
        }
    }
}
