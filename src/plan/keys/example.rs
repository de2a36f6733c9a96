//! An example of what a key takes, for whoever wrote something else.

use crate::plan::keys::device::{DEVICE_TIMEOUTS, PASSWORD, TLS};
use crate::plan::keys::notify::EMAIL;
use crate::plan::keys::tables::{RETENTION, TIMEOUTS, WINDOW};
use crate::plan::keys::{Absent, Key, KeyKind, Table};

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

impl Key {
    /// A line that holds the key and a value, for who has not written it, or something that it does not take.
    pub fn sample(&self) -> String {
        if let KeyKind::Table(table) | KeyKind::Tables(table) = &self.kind
            && table.heading.starts_with('[')
        {
            return format!("`{}`", table.heading);
        }
        let of_kind = || match &self.kind {
            KeyKind::Integer { least, .. } => match self.absent {
                Absent::Default(usual) => usual.to_owned(),
                _ => least.to_string(),
            },
            KeyKind::Choice([first, ..]) | KeyKind::ChoiceOrTable([first, ..], _) => format!("{first:?}"),
            _ => self.example().unwrap_or("\"…\"").to_owned(),
        };
        let has_default = matches!(self.absent, Absent::Default(_));
        // Of a device it is another port than of a server of mail.
        let of_device = matches!(self.absent, Absent::Means(words) if words.ends_with("else 5550"));
        let known = SAMPLES
            .iter()
            .find(|(name, _)| *name == self.name && !has_default);
        let known = known
            .filter(|_| !of_device)
            .or(of_device.then_some(&("port", "5550")));
        // What a gateway takes is nothing for a server of mail.
        let is_of_mail = EMAIL.key(self.name).is_some_and(|own| std::ptr::eq(own, self));
        let known = match (is_of_mail, self.name) {
            (true, "password") => Some(&("password", "{ env = \"MAIL_PASSWORD\" }")),
            _ => known,
        };
        let value = known.map_or_else(of_kind, |(_, value)| (*value).to_owned());
        format!("`{} = {value}`", self.name)
    }
}

/// Of keys whose kind says too little.
const SAMPLES: &[(&str, &str)] = &[
    ("address", "\"udp://syslog.example.com\""),
    ("certificate", "\"backup-cert\""),
    ("devices", "\"*\""),
    ("domains", "\"*\""),
    ("end", "\"06:30\""),
    ("env", "\"QA1_PASSWORD\""),
    ("file", "\"/etc/dpbackup/qa1.password\""),
    ("from", "\"dpbackup@example.com\""),
    ("host", "\"192.0.2.10\""),
    ("port", "587"),
    ("ping_url", "\"https://ping.example.com/dpbackup\""),
    ("secret", "{ env = \"WEBHOOK_SECRET\" }"),
    ("path", "\"/var/lib/node_exporter/dpbackup.prom\""),
    ("store", "\"/backup/datapower\""),
    ("to", "\"team@example.com\""),
    ("url", "\"https://chat.example.com/hook\""),
    ("username", "\"backup\""),
    ("webhook", "\"*\""),
];

impl Table {
    /// The table on one line, with one of its keys; `None` of those that have a heading.
    pub fn example(&self) -> Option<&'static str> {
        let examples: [(&'static Table, &'static str); 6] = [
            (&WINDOW, "{ start = \"21:30\", end = \"06:30\" }"),
            (&TLS, "{ ca_file = \"ca.pem\" }"),
            (&PASSWORD, "{ env = \"QA1_PASSWORD\" }"),
            (&RETENTION, "{ keep_last = 365 }"),
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
            .flat_map(|key| {
                let example = key.example().map(|value| format!("{} = {value}", key.name));
                example.into_iter().chain([key.sample().replace('`', "")])
            })
            .collect();
        assert!(examples.len() > 30, "{examples:?}");
        for example in examples {
            assert!(DeTable::parse(&example).is_ok(), "{example}");
        }
    }
}
