//! Names that a file gives to its devices and plans.

use std::collections::HashMap;

use crate::plan::diagnostic::Findings;
use crate::plan::value::At;
use crate::values::text::printable;

/// Finds names that are there twice; the first use and the second are both shown.
pub(super) fn find_duplicates<'n>(
    what: &str,
    names: impl IntoIterator<Item = &'n At<String>>,
    out: &mut Findings<'_>,
) {
    let mut first_uses: HashMap<&str, &At<String>> = HashMap::new();
    for name in names {
        if let Some(first) = first_uses.get(name.value.as_str()) {
            out.error(
                name.span.clone(),
                format!("two {what}s are named {:?}", name.value),
                "the second",
            )
            .also(first.span.clone(), "the first");
        } else {
            first_uses.insert(&name.value, name);
        }
    }
}

/// Whether a plan can have this name. It goes into messages, history and script arguments.
pub(super) fn check_plan_name(name: &At<String>, out: &mut Findings<'_>) {
    let text = &name.value;
    let label = if text.trim() != text {
        "begins or ends with a blank"
    } else if text.starts_with('-') {
        "begins with `-`, as an option does"
    } else if text.contains('/') {
        "holds a `/`"
    } else if printable(text) != text.as_str() {
        "holds characters that cannot be seen"
    } else if text.len() > 128 {
        "is longer than 128 bytes"
    } else {
        return;
    };
    out.error(
        name.span.clone(),
        format!("{text:?} cannot be the name of a plan"),
        label,
    );
}
