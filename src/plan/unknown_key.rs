//! Keys that a table does not have, and what may have been meant by them.

use std::ops::Range;

use toml::de::DeValue;

use crate::plan::diagnostic::Findings;
use crate::plan::keys::Table;
use crate::plan::keys::file::{FILE, INCLUDED, INCLUDED_NOTIFY};
use crate::plan::keys::notify::NOTIFY;
use crate::plan::keys::other_words::{Meant, elsewhere, meant};
use crate::plan::mistyped;
use crate::plan::value::did_you_mean;
use crate::values::nearest::nearest;

/// Says that a table has no such key, and which one may be meant.
pub(super) fn unknown_key(
    table: &'static Table,
    name: &str,
    span: Range<usize>,
    value: &DeValue<'_>,
    out: &mut Findings<'_>,
) {
    let is_table = value.is_table();
    let is_of = |included, whole: &Table| std::ptr::eq(table, included) && whole.key(name).is_some();
    if is_of(&INCLUDED, &FILE) || is_of(&INCLUDED_NOTIFY, &NOTIFY) {
        let label = "an included file has [[device]], [[plan]] and [[notify.webhook]] tables";
        out.error(span, format!("`{name}` cannot be included"), label)
            .help("write it into the plan file itself: it is there once, for all");
        return;
    }
    let finding = out.error(
        span,
        format!("unknown key `{name}`"),
        format!("not a key of {}", table.heading),
    );
    match (meant(table, name), nearest(name, table.names())) {
        _ if name == "include" => {
            finding.help("it stands above the first [table] of a file, for it is a key of the file itself");
        }
        (Some(Meant::Key(key)), _) => did_you_mean(finding, Some(key)),
        (Some(Meant::Advice(advice)), _) => {
            finding.help(advice);
        }
        (Some(Meant::Kept(place)), _) => {
            finding.help(match mistyped::kept(name, value) {
                Some(table) => format!("write `retention = {table}`{place}"),
                None => format!(
                    "what is kept is said by `retention = {{ keep_last = 365 }}`{place}; without it nothing is ever removed"
                ),
            });
        }
        // A key that there is, in another table, is no slip of the finger.
        (None, _) if !elsewhere(table, name).is_empty() => {
            finding.help(format!(
                "it is a key of {}",
                elsewhere(table, name).join(", or of ")
            ));
        }
        (None, Some(nearest)) => did_you_mean(finding, Some(nearest)),
        // `[plan.Nightly]`, `[QA1]`: what a table is about stands in its heading elsewhere.
        (None, None) if is_table && table.key("name").is_some() => {
            finding.help(format!(
                "write the heading `{}`, and the name below it: `name = {name:?}`",
                table.heading
            ));
        }
        (None, None) if is_table && std::ptr::eq(table, &FILE) => {
            finding.help(format!(
                "a device has the heading `[[device]]`, a plan `[[plan]]`, and the name below it: `name = {name:?}`"
            ));
        }
        (None, None) => {
            let known: Vec<&str> = table.names().collect();
            finding.help(format!("the keys are: {}", known.join(", ")));
        }
    }
}

/// Whether a key that is written is none of the table, and is meant to be the one called `name`.
pub(super) fn is_meant(table: &'static Table, written: &str, name: &str) -> bool {
    let is_other_word = || matches!(meant(table, written), Some(Meant::Key(key)) if key == name);
    table.key(written).is_none() && (nearest(written, table.names()) == Some(name) || is_other_word())
}
