//! Names that a file gives to its devices and plans.

use std::collections::HashMap;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::plan::diagnostic::Findings;
use crate::plan::value::At;
use crate::values::text::{is_unsafe, printable};

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
            .also(first.span.clone(), "the first")
            .help("give one of them another name, or take it out");
        } else {
            first_uses.insert(&name.value, name);
        }
    }
}

/// Doubts names of devices that are one folder in a store which tells neither upper from lower case nor a dot at the
/// end, as SMB does.
pub(super) fn doubt_one_folder<'n>(names: impl IntoIterator<Item = &'n At<String>>, out: &mut Findings<'_>) {
    let folder = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    let of_both = |first: &str, second: &str| {
        format!("{first:?} and {second:?} are one folder in a store that does not tell upper from lower case")
    };
    doubt_alike(names, folder, of_both, out);
}

/// Doubts names of plans that look the same, for their letters are written in two ways.
pub(super) fn doubt_one_look<'n>(names: impl IntoIterator<Item = &'n At<String>>, out: &mut Findings<'_>) {
    let look = |name: &str| {
        ComposingNormalizerBorrowed::new_nfc()
            .normalize(name)
            .into_owned()
    };
    let of_both = |first: &str, _: &str| {
        format!(
            "two plans look like {first:?}: a letter and its accent are one character in one of them, and two in the other"
        )
    };
    doubt_alike(names, look, of_both, out);
}

/// Doubts the second of two names that are not the same, and alike in this form.
fn doubt_alike<'n>(
    names: impl IntoIterator<Item = &'n At<String>>,
    form: impl Fn(&str) -> String,
    title: impl Fn(&str, &str) -> String,
    out: &mut Findings<'_>,
) {
    let mut first_uses: HashMap<String, &str> = HashMap::new();
    for At { value: name, span } in names {
        match first_uses.get(&form(name)) {
            Some(first) if *first != name => out.doubt(
                span.clone(),
                &title(first, name),
                "the second",
                "let one of them have another name",
            ),
            Some(_) => {}
            None => {
                first_uses.insert(form(name), name);
            }
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
    let is_seen = |c: &char| c.is_control() || !is_unsafe(*c);
    let seen: String = text
        .chars()
        .filter(is_seen)
        .map(|c| if c == '/' || c.is_control() { '-' } else { c })
        .collect();
    let seen = seen.trim_start_matches(|c: char| c == '-' || c.is_whitespace());
    let seen: String = seen.chars().take(32).collect();
    let better = match seen.trim_end() {
        "" => "Nightly",
        seen => seen,
    };
    out.error(
        name.span.clone(),
        format!("{text:?} cannot be the name of a plan"),
        label,
    )
    .help(format!("write `name = {better:?}`, say"));
}
