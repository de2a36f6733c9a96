//! The tables of a device.

use crate::plan::keys::Absent::{Default, Error, Means};
use crate::plan::keys::{KeyKind, Table, key};

/// `[[device]]`.
pub static DEVICE: Table = Table {
    heading: "[[device]]",
    meaning: "One gateway.",
    keys: &[
        key(
            "name",
            KeyKind::Name,
            Error,
            "Its name, unique in the file; also the name of its folder in the store.",
        ),
        key("host", KeyKind::Text, Error, "Host name or IP address."),
        key(
            "port",
            KeyKind::Integer {
                least: 1,
                most: 65535,
            },
            Default("5550"),
            "Port of the XML Management Interface.",
        ),
        key("username", KeyKind::Text, Error, "The account."),
        key(
            "password",
            KeyKind::TextOrTable(&PASSWORD),
            Error,
            "Where its password comes from. Text is the password itself, and only accepted when nobody but \
             the owner can read the plan file.",
        ),
        key(
            "tls",
            KeyKind::Table(&TLS),
            Means("the trust roots of the machine"),
            "How its certificate is trusted.",
        ),
    ],
};

/// Where a password comes from.
pub static PASSWORD: Table = Table {
    heading: "a password table",
    meaning: "Exactly one of these keys.",
    keys: &[
        key(
            "env",
            KeyKind::Text,
            Means("another form"),
            "The name of an environment variable.",
        ),
        key(
            "file",
            KeyKind::Path,
            Means("another form"),
            "A file, by its first line. Nobody else may read it; but where root owns it, its group may.",
        ),
        key(
            "command",
            KeyKind::Command,
            Means("another form"),
            "A command, by the first line that it prints. No shell is involved, and it has 30 seconds. It sees no variable that holds another secret.",
        ),
        key(
            "credential",
            KeyKind::Text,
            Means("another form"),
            "The name of a systemd credential (`LoadCredential=`).",
        ),
    ],
};

/// How a certificate is trusted.
pub static TLS: Table = Table {
    heading: "a tls table",
    meaning: "Exactly one of these keys.",
    keys: &[
        key(
            "ca_file",
            KeyKind::Path,
            Means("another form"),
            "Certificates in PEM that are trusted, and no others.",
        ),
        key(
            "pin_sha256",
            KeyKind::Sha256,
            Means("another form"),
            "The SHA-256 of the device's certificate (DER). `dpbackup trust DEVICE` prints it.",
        ),
        key(
            "verify",
            KeyKind::Boolean,
            Means("another form"),
            "`true`: the trust roots of the machine. `false`: no verification at all, recorded on every task.",
        ),
    ],
};
