//! An example of what a key takes, for whoever wrote something else.

use crate::plan::keys::device::{DEVICE_TIMEOUTS, PASSWORD, TLS};
use crate::plan::keys::tables::{RETENTION, TIMEOUTS, WINDOW};
use crate::plan::keys::{Key, KeyKind, Table};

impl Key {
    /// A value that the key takes, as it is written; `None` where nothing can be shown that is not
    /// taken for the right one.
    pub fn example(&self) -> Option<&'static str> {
        match &self.kind {
            KeyKind::Boolean => Some("true"),
            KeyKind::Duration | KeyKind::DurationOrZero => Some("\"60s\""),
            KeyKind::Span => Some("\"30d\""),
            KeyKind::Threshold => Some("\"10%\""),
            KeyKind::Size => Some("\"5 GiB\""),
            KeyKind::Time => Some("\"21:30\""),
            KeyKind::Zone => Some("\"Europe/Rome\""),
            KeyKind::Names => Some("[\"prod\"]"),
            KeyKind::Command => Some("[\"pass\", \"show\", \"qa1\"]"),
            KeyKind::Includes(_) => Some("[\"devices.d/*.toml\"]"),
            kind => kind.table()?.example(),
        }
    }
}

impl Table {
    /// The table on one line, with one of its keys; `None` of those that have a heading.
    pub fn example(&self) -> Option<&'static str> {
        let examples: [(&'static Table, &'static str); 6] = [
            (&WINDOW, "{ start = \"21:30\", end = \"06:30\" }"),
            (&TLS, "{ ca_file = \"ca.pem\" }"),
            (&PASSWORD, "{ env = \"QA1_PASSWORD\" }"),
            (&RETENTION, "{ keep_last = 7 }"),
            (&TIMEOUTS, "{ request = \"60s\" }"),
            (&DEVICE_TIMEOUTS, "{ request = \"60s\" }"),
        ];
        let found = examples.into_iter().find(|(known, _)| std::ptr::eq(*known, self));
        found.map(|(_, example)| example)
    }
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use crate::plan::keys::file::tables;

    #[test]
    fn every_example_can_be_read() {
        let keys = tables().into_iter().flat_map(|table| table.keys);
        let examples: Vec<String> = keys
            .filter_map(|key| Some(format!("{} = {}", key.name, key.example()?)))
            .collect();
        assert!(examples.len() > 30, "{examples:?}");
        for example in examples {
            assert!(DeTable::parse(&example).is_ok(), "{example}");
        }
    }
}
