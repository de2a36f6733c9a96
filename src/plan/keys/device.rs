//! The tables of a device.

use crate::plan::keys::Absent::{Default, Error, Means};
use crate::plan::keys::{Absent, KeyKind, Table, key};

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
            PORT,
            Means("that of `[device_defaults]`, else 5550"),
            "Port of the XML Management Interface.",
        ),
        key(
            "username",
            KeyKind::OpenTextOrTable(&PASSWORD),
            Means("that of `[device_defaults]`; required where that has none"),
            USERNAME,
        ),
        key(
            "password",
            KeyKind::TextOrTable(&PASSWORD),
            Means("that of `[device_defaults]`; required where that has none"),
            "Where its password comes from. Text is the password itself, and only accepted when nobody but \
             the owner can read the plan file.",
        ),
        key(
            "tls",
            KeyKind::Table(&TLS),
            Means("that of `[device_defaults]`, else the trust roots of the machine"),
            "How its certificate is trusted.",
        ),
        key(
            "tags",
            KeyKind::Names,
            Means("those of `[device_defaults]`, else none"),
            "Words by which plans find it: `devices = \"@prod\"` is every device with the tag \"prod\". They take the place of \
             those of `[device_defaults]`.",
        ),
        key(
            "role",
            KeyKind::Choice(&["spare"]),
            Means("a device that is backed up"),
            "\"spare\": a device for rehearsals. No `*` and no tag matches it; it is backed up only where a plan names it in \
             full.",
        ),
        key(
            "timeouts",
            KeyKind::Table(&DEVICE_TIMEOUTS),
            Means("those of `[device_defaults]`, else of `[settings]`"),
            "Its own limits, where it is slower than others.",
        ),
    ],
};

/// `[device_defaults]`.
pub static DEVICE_DEFAULTS: Table = Table {
    heading: "[device_defaults]",
    meaning: "What every device has that does not say otherwise.",
    keys: &[
        key(
            "port",
            PORT,
            Default("5550"),
            "Port of the XML Management Interface.",
        ),
        key(
            "username",
            KeyKind::OpenTextOrTable(&PASSWORD),
            Means("each device needs its own"),
            USERNAME,
        ),
        key(
            "password",
            KeyKind::TextOrTable(&PASSWORD),
            Means("each device needs its own"),
            "Where the password comes from, as for a device.",
        ),
        key(
            "tls",
            KeyKind::Table(&TLS),
            Means("the trust roots of the machine"),
            "How certificates are trusted.",
        ),
        key(
            "tags",
            KeyKind::Names,
            Means("none"),
            "The tags of devices that have none of their own.",
        ),
        key(
            "timeouts",
            KeyKind::Table(&DEVICE_TIMEOUTS),
            Means("those of `[settings]`"),
            "The limits of waits for a device, each for itself.",
        ),
    ],
};

const PORT: KeyKind = KeyKind::Integer {
    least: 1,
    most: 65535,
};

const USERNAME: &str = "The account; or where its name comes from, as with passwords.";

/// The limits of a device.
pub static DEVICE_TIMEOUTS: Table = Table {
    heading: "the timeouts of a device",
    meaning: "Limits as `[settings.timeouts]` has them. Each that is not written is that of `[device_defaults]`, else of \
              `[settings.timeouts]`.",
    keys: &[
        key("connect", KeyKind::Duration, OF_ALL, "Name look-up, TCP and TLS."),
        key(
            "request",
            KeyKind::Duration,
            OF_ALL,
            "A small request, its answer included.",
        ),
        key(
            "export",
            KeyKind::Duration,
            OF_ALL,
            "An export, from request to last byte.",
        ),
        key(
            "secure_backup",
            KeyKind::Duration,
            OF_ALL,
            "A secure backup, until its manifest is there.",
        ),
        key(
            "idle",
            KeyKind::Duration,
            OF_ALL,
            "An answer has begun, and no byte arrives for so long.",
        ),
    ],
};

const OF_ALL: Absent = Means("that of `[device_defaults]`, else of `[settings.timeouts]`");

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
