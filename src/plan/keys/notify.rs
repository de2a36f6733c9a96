//! The tables below `[notify]`.

use crate::plan::keys::Absent::{Default, Error, Means};
use crate::plan::keys::device::PASSWORD;
use crate::plan::keys::{KeyKind, Table, key};

const CA_FILE: &str = "Certificates in PEM that are trusted, and no others.";
const EVENTS: &str = "Of what: patterns over `started`, `task-failed`, `succeeded`, `warned`, `failed`, `refused`, \
     `still-quiesced`, `recovered`, `changed`, `unsaved` and `rehearsal-failed`. A success after something that was told is told too.";
const REPEAT: &str = "An end like the one before (same status, same tasks that did not succeed) is told again only \
     after so long. With `0s` each end is told.";
/// Nobody is told of configurations who did not ask for it.
const OF_BACKUPS: &str = "*, !changed, !unsaved";
const FOR_PEOPLE: &str = "warned, failed, refused, still-quiesced, recovered, rehearsal-failed";

/// `[notify]`.
pub static NOTIFY: Table = Table {
    heading: "[notify]",
    meaning: "How those are reached who are told of plans. Which plan tells whom stands in the plan.",
    keys: &[
        key(
            "timeout",
            KeyKind::Duration,
            Default("10s"),
            "How long one try may take, connecting included.",
        ),
        key(
            "tries",
            KeyKind::Integer { least: 1, most: 5 },
            Default("2"),
            "How often it is tried in all.",
        ),
        key(
            "syslog",
            KeyKind::Table(&SYSLOG),
            Means("the defaults of its keys"),
            "The system log, by RFC 5424.",
        ),
        key(
            "email",
            KeyKind::Table(&EMAIL),
            Means("no e-mail"),
            "The mail server, and who is told by e-mail.",
        ),
        key(
            "webhook",
            KeyKind::Tables(&WEBHOOK),
            Means("none"),
            "One address each, to which something is posted.",
        ),
        key(
            "ping",
            KeyKind::Table(&PING),
            Means("the defaults of its keys"),
            "A service that notices when pings stay away.",
        ),
        key(
            "metrics",
            KeyKind::Table(&METRICS),
            Means("none"),
            "A file for Prometheus, with all plans in it.",
        ),
    ],
};

/// `[notify.syslog]`.
pub static SYSLOG: Table = Table {
    heading: "[notify.syslog]",
    meaning: "The system log, for plans with `syslog = true`.",
    keys: &[
        key(
            "address",
            KeyKind::Text,
            Default("/dev/log"),
            "The path of a socket, `udp://host:514`, `tcp://host:601` or `tls://host:6514`. These ports are the defaults.",
        ),
        key(
            "facility",
            KeyKind::Choice(&[
                "user", "daemon", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
                "local7",
            ]),
            Default("daemon"),
            "The facility of its messages.",
        ),
        key(
            "ca_file",
            KeyKind::Path,
            Means("the trust roots of the machine"),
            CA_FILE,
        ),
        key("events", KeyKind::Patterns, Default(OF_BACKUPS), EVENTS),
    ],
};

/// `[notify.email]`.
pub static EMAIL: Table = Table {
    heading: "[notify.email]",
    meaning: "The mail server, for plans with `email = true`.",
    keys: &[
        key(
            "host",
            KeyKind::Text,
            Error,
            "Host name or IP address of the mail server.",
        ),
        key(
            "port",
            KeyKind::Integer {
                least: 1,
                most: 65535,
            },
            Means("587 with STARTTLS, 465 with TLS, 25 with neither"),
            "Its port.",
        ),
        key(
            "security",
            KeyKind::Choice(&["starttls", "tls", "none"]),
            Default("starttls"),
            "How the connection is secured. With \"starttls\" nothing is sent if the server does not offer it; \
             \"none\" allows no login.",
        ),
        key(
            "username",
            KeyKind::Text,
            Means("no login"),
            "The account, if the server wants a login.",
        ),
        key(
            "password",
            KeyKind::TextOrTable(&PASSWORD),
            Means("no login"),
            "Where its password comes from.",
        ),
        key(
            "from",
            KeyKind::Text,
            Error,
            "The sender: `backup@example.com` or `Backup <backup@example.com>`.",
        ),
        key("to", KeyKind::Text, Error, "Those who receive it, with commas."),
        key(
            "report",
            KeyKind::Boolean,
            Default("false"),
            "Attach the page of `dpbackup report` about the plan to the mail of its end. One above 1 MiB is left out, \
             and the mail says so.",
        ),
        key(
            "ca_file",
            KeyKind::Path,
            Means("the trust roots of the machine"),
            CA_FILE,
        ),
        key("events", KeyKind::Patterns, Default(FOR_PEOPLE), EVENTS),
        key("repeat", KeyKind::DurationOrZero, Default("24h"), REPEAT),
    ],
};

/// `[[notify.webhook]]`.
pub static WEBHOOK: Table = Table {
    heading: "[[notify.webhook]]",
    meaning: "An address to which something is posted, for plans that name it in `webhook`.",
    keys: &[
        key("name", KeyKind::Name, Error, "Its name, unique in the file."),
        key(
            "url",
            KeyKind::TextOrTable(&PASSWORD),
            Error,
            "The address, as text or from where a password can come. `http://` to this machine only.",
        ),
        key(
            "format",
            KeyKind::Choice(&["json", "slack", "text"]),
            Default("json"),
            "What is posted: the event as docs/notifications.md describes it; `{\"text\": …}`, as chats take it; or \
             plain text with a `Title` header, as ntfy takes it.",
        ),
        key(
            "secret",
            KeyKind::TextOrTable(&PASSWORD),
            Means("no signature"),
            "The key of the header `X-Dpbackup-Signature: sha256=…`, the HMAC-SHA256 of the body.",
        ),
        key(
            "authorization",
            KeyKind::TextOrTable(&PASSWORD),
            Means("no such header"),
            "The value of the header `Authorization`, such as `Bearer …`.",
        ),
        key(
            "ca_file",
            KeyKind::Path,
            Means("the trust roots of the machine"),
            CA_FILE,
        ),
        key("events", KeyKind::Patterns, Default(OF_BACKUPS), EVENTS),
        key("repeat", KeyKind::DurationOrZero, Default("0s"), REPEAT),
    ],
};

/// `[notify.ping]`.
pub static PING: Table = Table {
    heading: "[notify.ping]",
    meaning: "A service that notices when pings stay away, for plans with `ping = true` or a `ping_url`. The summary is \
              the body.",
    keys: &[
        key(
            "url",
            KeyKind::TextOrTable(&PASSWORD),
            Means("plans need a `ping_url` of their own"),
            "The address of a success. `{plan}` in it is replaced by the plan's name, in small ASCII letters, digits and hyphens. Two plans that come to one address, or a name of which nothing is left, are refused.",
        ),
        key(
            "start",
            KeyKind::Text,
            Default("/start"),
            "Added to it when the tasks begin. With a `?` it goes into the query.",
        ),
        key(
            "fail",
            KeyKind::Text,
            Default("/fail"),
            "Added to it when a plan fails or is refused, or a device is still quiesced.",
        ),
        key(
            "warnings",
            KeyKind::Choice(&["fail", "success"]),
            Default("fail"),
            "What an end with warnings is: something was left out, and nothing failed.",
        ),
        key(
            "ca_file",
            KeyKind::Path,
            Means("the trust roots of the machine"),
            CA_FILE,
        ),
    ],
};

/// `[notify.metrics]`.
pub static METRICS: Table = Table {
    heading: "[notify.metrics]",
    meaning: "A file for the textfile collector of node_exporter, written when a plan ends.",
    keys: &[key(
        "path",
        KeyKind::Path,
        Error,
        "The file; its name must end in `.prom`, and its folder be there.",
    )],
};

#[cfg(test)]
mod tests {
    use super::{EMAIL, EVENTS, SYSLOG, WEBHOOK};
    use crate::plan::keys::{Absent, Table};
    use crate::values::event_name::{EventName, EventNames};
    use crate::values::pattern::PatternList;

    #[test]
    fn what_holds_without_events_is_what_the_reference_says() {
        let default = |table: &Table| match table.key("events").map(|key| &key.absent) {
            Some(Absent::Default(text)) => {
                EventNames::matching(&PatternList::from_items([*text]).expect("a pattern"))
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(default(&SYSLOG), EventNames::of_backups());
        assert_eq!(default(&WEBHOOK), EventNames::of_backups());
        assert_eq!(default(&EMAIL), EventNames::for_people());
    }

    #[test]
    fn every_event_is_named_where_events_are_chosen() {
        for event in EventName::ALL {
            assert!(EVENTS.contains(&format!("`{event}`")), "{event}");
        }
    }
}
