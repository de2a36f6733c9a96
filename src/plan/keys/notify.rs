//! The tables below `[notify]`.

use crate::plan::keys::Absent::{Default, Error, Means};
use crate::plan::keys::tables::{PASSWORD, key};
use crate::plan::keys::{Kind, Table};

const CA_FILE: &str = "Certificates in PEM that are trusted, and no others.";
const EVENTS: &str = "Of what: patterns over `started`, `task-failed`, `succeeded`, `warned`, `failed`, `refused`, \
     `still-quiesced` and `recovered`. A success after something that was told is told too.";
const REPEAT: &str = "An end like the one before (same status, same tasks that did not succeed) is told again only \
     after so long. With `0s` each end is told.";
const FOR_PEOPLE: &str = "`\"warned, failed, refused, still-quiesced, recovered\"`";

/// `[notify]`.
pub static NOTIFY: Table = Table {
    heading: "[notify]",
    meaning: "How those are reached who are told of plans. Which plan tells whom stands in the plan.",
    keys: &[
        key(
            "timeout",
            Kind::Duration,
            Default("10s"),
            "How long one try may take, connecting included.",
        ),
        key(
            "tries",
            Kind::Integer { least: 1, most: 5 },
            Default("2"),
            "How often it is tried in all.",
        ),
        key(
            "syslog",
            Kind::Table(&SYSLOG),
            Means("the defaults of its keys"),
            "The system log, by RFC 5424.",
        ),
        key(
            "email",
            Kind::Table(&EMAIL),
            Means("no e-mail"),
            "The mail server, and who receives mail.",
        ),
        key(
            "webhook",
            Kind::Tables(&WEBHOOK),
            Means("none"),
            "One address each, to which something is posted.",
        ),
        key(
            "ping",
            Kind::Table(&PING),
            Means("the defaults of its keys"),
            "A service that notices when pings stay away.",
        ),
        key(
            "metrics",
            Kind::Table(&METRICS),
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
            Kind::Text,
            Default("/dev/log"),
            "The path of a socket, `udp://host:514`, `tcp://host:601` or `tls://host:6514`. These ports are the defaults.",
        ),
        key(
            "facility",
            Kind::Choice(&[
                "user", "daemon", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
                "local7",
            ]),
            Default("daemon"),
            "The facility of its messages.",
        ),
        key(
            "ca_file",
            Kind::Path,
            Means("the trust roots of the machine"),
            CA_FILE,
        ),
        key("events", Kind::Patterns, Default("*"), EVENTS),
    ],
};

/// `[notify.email]`.
pub static EMAIL: Table = Table {
    heading: "[notify.email]",
    meaning: "The mail server, for plans with `email = true`.",
    keys: &[
        key(
            "host",
            Kind::Text,
            Error,
            "Host name or IP address of the mail server.",
        ),
        key(
            "port",
            Kind::Integer {
                least: 1,
                most: 65535,
            },
            Means("587 with STARTTLS, 465 with TLS, 25 with neither"),
            "Its port.",
        ),
        key(
            "security",
            Kind::Choice(&["starttls", "tls", "none"]),
            Default("starttls"),
            "How the connection is secured. With \"starttls\" nothing is sent if the server does not offer it; \
             \"none\" allows no login.",
        ),
        key(
            "username",
            Kind::Text,
            Means("no login"),
            "The account, if the server wants a login.",
        ),
        key(
            "password",
            Kind::TextOrTable(&PASSWORD),
            Means("no login"),
            "Where its password comes from.",
        ),
        key(
            "from",
            Kind::Text,
            Error,
            "The sender: `backup@example.com` or `Backup <backup@example.com>`.",
        ),
        key("to", Kind::Text, Error, "Those who receive it, with commas."),
        key(
            "ca_file",
            Kind::Path,
            Means("the trust roots of the machine"),
            CA_FILE,
        ),
        key("events", Kind::Patterns, Means(FOR_PEOPLE), EVENTS),
        key("repeat", Kind::DurationOrZero, Default("24h"), REPEAT),
    ],
};

/// `[[notify.webhook]]`.
pub static WEBHOOK: Table = Table {
    heading: "[[notify.webhook]]",
    meaning: "An address to which something is posted, for plans that name it in `webhook`.",
    keys: &[
        key("name", Kind::Name, Error, "Its name, unique in the file."),
        key(
            "url",
            Kind::TextOrTable(&PASSWORD),
            Error,
            "The address, as text or from where a password can come. `http://` to this machine only.",
        ),
        key(
            "format",
            Kind::Choice(&["json", "slack", "text"]),
            Default("json"),
            "What is posted: the event as docs/notifications.md describes it; `{\"text\": …}`, as chats take it; or \
             plain text with a `Title` header, as ntfy takes it.",
        ),
        key(
            "secret",
            Kind::TextOrTable(&PASSWORD),
            Means("no signature"),
            "The key of the header `X-Dpbackup-Signature: sha256=…`, the HMAC-SHA256 of the body.",
        ),
        key(
            "authorization",
            Kind::TextOrTable(&PASSWORD),
            Means("no such header"),
            "The value of the header `Authorization`, such as `Bearer …`.",
        ),
        key(
            "ca_file",
            Kind::Path,
            Means("the trust roots of the machine"),
            CA_FILE,
        ),
        key("events", Kind::Patterns, Default("*"), EVENTS),
        key("repeat", Kind::DurationOrZero, Default("0s"), REPEAT),
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
            Kind::TextOrTable(&PASSWORD),
            Means("plans need a `ping_url` of their own"),
            "The address of a success. `{plan}` in it is replaced by the plan's name, in small letters and hyphens.",
        ),
        key(
            "start",
            Kind::Text,
            Default("/start"),
            "Added to it when the tasks begin. With a `?` it goes into the query.",
        ),
        key(
            "fail",
            Kind::Text,
            Default("/fail"),
            "Added to it when a plan fails or is refused, or a device is still quiesced.",
        ),
        key(
            "warnings",
            Kind::Choice(&["fail", "success"]),
            Default("fail"),
            "What an end with warnings is: something was left out, and nothing failed.",
        ),
        key(
            "ca_file",
            Kind::Path,
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
        Kind::Path,
        Error,
        "The file; its name must end in `.prom`, and its folder be there.",
    )],
};
