//! The plan file as a whole, and a file that it includes.

use crate::plan::keys::Absent::{Error, Means};
use crate::plan::keys::device::{DEVICE, DEVICE_DEFAULTS};
use crate::plan::keys::notify::{NOTIFY, WEBHOOK};
use crate::plan::keys::tables::{PLAN, SETTINGS};
use crate::plan::keys::{KeyKind, Table, key};

/// Every table once, those that others refer to first.
pub fn tables() -> Vec<&'static Table> {
    let mut found = vec![&FILE];
    let mut next = 0;
    while let Some(table) = found.get(next).copied() {
        next += 1;
        for inner in table.keys.iter().filter_map(|key| key.kind.table()) {
            if !found.iter().any(|known| std::ptr::eq(*known, inner)) {
                found.push(inner);
            }
        }
    }
    found
}

/// The whole file.
pub static FILE: Table = Table {
    heading: "the plan file",
    meaning: "What holds for all plans, the devices, the plans, and who is told.",
    keys: &[
        key(
            "include",
            KeyKind::Includes(&INCLUDED),
            Means("this file alone"),
            INCLUDE,
        ),
        key(
            "settings",
            KeyKind::Table(&SETTINGS),
            Error,
            "What holds for all plans.",
        ),
        key(
            "device_defaults",
            KeyKind::Table(&DEVICE_DEFAULTS),
            Means("the defaults of its keys"),
            "What every device has that does not say otherwise.",
        ),
        key(
            "device",
            KeyKind::Tables(&DEVICE),
            Means("no device"),
            "One gateway each.",
        ),
        key(
            "plan",
            KeyKind::Tables(&PLAN),
            Means("no plan"),
            "One backup plan each.",
        ),
        key(
            "notify",
            KeyKind::Table(&NOTIFY),
            Means("the defaults of its keys"),
            "How those are reached who are told of plans.",
        ),
    ],
};

/// What `include` is for.
const INCLUDE: &str = "Files whose tables are added to those that stand here. A path starts in the folder of the file in which it stands; \
     `*` is any run of characters of a name, but no `.` at its beginning. Files are sorted by name, each is included once, and may \
     include others. It stands above the first table.";

/// The whole of an included file.
pub static INCLUDED: Table = Table {
    heading: "a file that is included",
    meaning: "Devices, plans and webhooks, as in the plan file itself, which holds all the rest. Paths in it start in its own folder.",
    keys: &[
        key(
            "include",
            KeyKind::Includes(&INCLUDED),
            Means("no other file"),
            INCLUDE,
        ),
        key(
            "device",
            KeyKind::Tables(&DEVICE),
            Means("no device"),
            "One gateway each.",
        ),
        key(
            "plan",
            KeyKind::Tables(&PLAN),
            Means("no plan"),
            "One backup plan each.",
        ),
        key(
            "notify",
            KeyKind::Table(&INCLUDED_NOTIFY),
            Means("no webhook"),
            "`[[notify.webhook]]` tables.",
        ),
    ],
};

/// `[notify]` of an included file.
pub static INCLUDED_NOTIFY: Table = Table {
    heading: "a notify table of an included file",
    meaning: "Webhooks alone.",
    keys: &[key(
        "webhook",
        KeyKind::Tables(&WEBHOOK),
        Means("none"),
        "One address each, to which something is posted.",
    )],
};

#[cfg(test)]
mod tests {
    use super::tables;

    #[test]
    fn no_key_is_twice_in_a_table() {
        for table in tables() {
            for name in table.names() {
                let same = table.names().filter(|other| *other == name).count();
                assert_eq!(same, 1, "{name} in {}", table.heading);
            }
        }
    }
}
