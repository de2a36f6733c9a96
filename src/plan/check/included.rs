//! The files that are included, as tables.

use crate::plan::check::context::{CheckedFile, Context, OpenTable};
use crate::plan::diagnostic::Findings;
use crate::plan::keys::file::INCLUDED;
use crate::plan::section::PlanSection;
use crate::values::written_path::included_path_slip;

/// Begins to read an included file.
pub(super) fn open<'a>(file: &'a CheckedFile<'a>, out: &mut Findings<'_>) -> OpenTable<'a> {
    let section = PlanSection::open(&INCLUDED, file.root.get_ref(), file.root.span(), out);
    if section.is_empty() {
        out.warning(
            file.root.span(),
            format!("{} is empty", file.context.path.display()),
            "nothing is included by it",
        )
        .help("write [[device]] or [[plan]] tables into it, or leave it out of `include`");
    }
    (section, &file.context)
}

/// Reads `include`. Where it cannot be followed what it would have brought is not known.
pub(super) fn look_at_paths(file: &PlanSection<'_>, context: &Context<'_>, out: &mut Findings<'_>) {
    if file.key_span("include").is_none() {
        return;
    }
    let Some(paths) = file.places("include", out) else {
        out.lost_file();
        return;
    };
    for path in paths {
        if let Some(slip) = included_path_slip(&path.value, context.env) {
            out.error(path.span, slip.title, slip.label).help(slip.help);
            out.lost_file();
        }
    }
}

/// The `[[notify.webhook]]` tables of the files that are included.
pub(super) fn webhooks<'a>(files: &'a [OpenTable<'a>], out: &mut Findings<'_>) -> Vec<OpenTable<'a>> {
    let mut webhooks = Vec::new();
    for (file, context) in files.iter().skip(1) {
        let notify = file.key_span("notify").and_then(|_| file.section("notify", out));
        let tables = notify
            .map(|notify| notify.sections("webhook", out))
            .unwrap_or_default();
        webhooks.extend(tables.into_iter().map(|table| (table, *context)));
    }
    webhooks
}
