//! What an `export.xml` says that two programs could read differently, and that damages nothing.

/// So much of it is told at most.
const MOST: usize = 20;

/// What was found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TwoReadings(pub(super) Vec<String>);

impl TwoReadings {
    /// What is odd about a row of `files` of this name, whose attribute `location` says this; that of a file of the
    /// firmware is the folder of the archive.
    pub(super) fn of_row(&mut self, name: &str, location: Option<&str>) {
        let (in_name, _) = name.split_once(':').unwrap_or_default();
        if let Some(location) = location
            && !location.trim_end_matches(':').eq_ignore_ascii_case(in_name)
        {
            self.add(|| format!("the row {name} names the location {location}"));
        }
        if name.ends_with('/') {
            self.add(|| format!("the name of the row {name} is that of a folder"));
        }
    }

    /// An element stands in one of `export-details` whose text somebody reads.
    pub(super) fn of_field(&mut self, name: &str) {
        self.add(|| format!("{name} of export-details has an element in it"));
    }

    fn add(&mut self, what: impl FnOnce() -> String) {
        if self.0.len() < MOST {
            self.0.push(what());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, location: Option<&str>) -> Vec<String> {
        let mut found = TwoReadings::default();
        found.of_row(name, location);
        found.0
    }

    #[test]
    fn a_row_whose_location_is_another_than_that_of_its_name_is_told() {
        assert_eq!(
            of("local:///a", Some("store")),
            ["the row local:///a names the location store"]
        );
        for (name, location) in [
            ("local:///a", Some("local")),
            ("local:///a", Some("local:")),
            ("Local:///a", Some("local")),
            ("local:///a", None),
        ] {
            assert_eq!(of(name, location), [""; 0], "{name} {location:?}");
        }
        assert_eq!(of("local:///a/", Some("local")).len(), 1);
    }

    #[test]
    fn of_a_million_rows_no_more_is_kept_than_somebody_reads() {
        let mut found = TwoReadings::default();
        for _ in 0..1_000 {
            found.of_field("domain");
        }
        assert_eq!(found.0.len(), MOST);
    }
}
