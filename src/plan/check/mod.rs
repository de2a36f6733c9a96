//! From the tree of the file to the model, with every finding on the way.
//!
//! Each function reads all its keys before it gives up, so that nothing hides behind the
//! first mistake. A finding of an error is enough to refuse the file: what a function gives
//! beside one need not be complete.

mod activity;
mod context;
mod device;
mod doubts;
mod included;
mod known;
mod names;
mod notify;
mod plans;
mod position;
mod secret;
mod settings;
mod shared;
mod tidy_path;
mod twice;

use std::time::Duration;

use crate::plan::diagnostic::Findings;
use crate::plan::keys::file::FILE;
use crate::plan::model::{Device, Plan, PlanFile};
use crate::plan::section::PlanSection;
use crate::plan::value::At;
use crate::values::invocation::Invocation;

pub use context::Readers;
pub(super) use context::{CheckedFile, Context, StoreNeed};
pub use settings::usual_history;

use context::OpenTable;
use device::DeviceCommon;
use known::KnownDevice;
use names::{doubt_one_folder, doubt_one_look, find_duplicates};
use plans::{PlanReader, SeenInPlans};
use settings::SettingsRead;

/// Reads the plan file and what it includes. Gives nothing if there is an error, and then a finding
/// says why.
pub(super) fn check(
    main: &CheckedFile<'_>,
    included: &[CheckedFile<'_>],
    out: &mut Findings<'_>,
) -> Option<PlanFile> {
    let files = opened(main, included, out)?;
    let (file, context) = files.first()?;

    let settings = file
        .section("settings", out)
        .map(|section| settings::read(&section, context, out));
    let (known, devices) = devices(&files, settings.as_ref(), out);
    find_duplicates("device", known.iter().map(|device| &device.name), out);
    doubt_one_folder(known.iter().map(|device| &device.name), out);

    let webhooks = included::webhooks(&files, out);
    let told = file
        .section_or_empty("notify", out)
        .map(|section| notify::read(&section, &webhooks, context, out))
        .unwrap_or_default();

    let mut reader = PlanReader::new(context, settings.as_ref(), &told, &known);
    let mut plans = Vec::new();
    for (section, context) in &sections("plan", &files, out) {
        reader.context = context;
        plans.push(reader.plan(section, out));
    }
    let seen = reader.seen;
    find_duplicates("plan", &seen.names, out);
    doubt_one_look(&seen.names, out);
    for name in &seen.names {
        if known.iter().any(|device| device.name.value == name.value) {
            out.doubt(
                name.span.clone(),
                "a device has the name of this plan",
                "`check` and `show` take it for the plan",
                "give one of the two another name",
            );
        }
    }
    notify::find_shared_pings(&seen.pinging, out);
    told.doubt_unused(&plans, out);
    if let Some(settings) = &settings {
        doubt_settings(settings, &plans, &seen, context, out);
    }
    doubt_devices(file, &known, &plans, out);
    out.name_devices(|at| {
        let nearest = known.iter().filter(|device| device.name.span.start <= at);
        let nearest = nearest.max_by_key(|device| device.name.span.start)?;
        device::fault_of_name(&nearest.name.value)
            .is_none()
            .then_some(&*nearest.name.value)
    });

    Some(PlanFile {
        path: context.path.to_owned(),
        included: included.iter().map(|file| file.context.path.to_owned()).collect(),
        invocation: Invocation::default(),
        settings: settings?.checked?,
        devices: devices.into_iter().collect::<Option<_>>()?,
        plans: plans.into_iter().collect::<Option<_>>()?,
        notify: told.checked?,
        is_whole: true,
    })
}

/// The main file and those that it includes, behind it, as tables. Nothing where the main one is empty.
fn opened<'a>(
    main: &'a CheckedFile<'a>,
    included: &'a [CheckedFile<'a>],
    out: &mut Findings<'_>,
) -> Option<Vec<OpenTable<'a>>> {
    let file = PlanSection::open(&FILE, main.root.get_ref(), main.root.span(), out);
    if file.is_empty() && !out.is_incomplete() {
        out.error(
            main.root.span(),
            "the plan file is empty",
            "nothing but blanks and comments stands in it",
        )
        .help("`dpbackup init FILE` writes one to start from, where there is none yet");
        return None;
    }
    let mut files: Vec<OpenTable<'_>> = vec![(file, &main.context)];
    files.extend(included.iter().map(|file| included::open(file, out)));
    for (file, context) in &files {
        included::look_at_paths(file, context, out);
    }
    Some(files)
}

/// The devices of all files: what is known of each, and those of which all is known.
fn devices(
    files: &[OpenTable<'_>],
    settings: Option<&SettingsRead>,
    out: &mut Findings<'_>,
) -> (Vec<KnownDevice>, Vec<Option<Device>>) {
    let [(file, context), ..] = files else {
        return (Vec::new(), Vec::new());
    };
    let defaults = file.section_or_empty("device_defaults", out);
    let defaults = DeviceCommon::of_all(defaults.as_ref(), context, out);
    let checked = settings.and_then(|settings| settings.checked.as_ref());
    let of_all = checked.map(|settings| settings.timeouts);
    let (known, devices): (Vec<_>, Vec<_>) = sections("device", files, out)
        .iter()
        .map(|(section, context)| device::read(section, &defaults, of_all, context, out))
        .unzip();
    (known.into_iter().flatten().collect(), devices)
}

/// The tables of this name in all files, in their order.
fn sections<'a>(name: &str, files: &'a [OpenTable<'a>], out: &mut Findings<'_>) -> Vec<OpenTable<'a>> {
    let of_file = |(file, context): &'a OpenTable<'a>| {
        let sections = file.sections(name, out);
        sections.into_iter().map(move |section| (section, *context))
    };
    files.iter().flat_map(of_file).collect()
}

/// What is odd of the settings beside the plans.
fn doubt_settings(
    settings: &SettingsRead,
    plans: &[Option<Plan>],
    seen: &SeenInPlans,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) {
    let is_used = plans.iter().flatten().any(|plan| plan.enabled);
    if let Some(At { value, span }) = settings.default_window.as_ref().filter(|_| is_used) {
        doubts::skipped_window(value, span.clone(), context.now, out);
    }
    if let Some(quiesce) = &seen.first_quiesce {
        warn_of_short_timeout(settings.quiesce_timeout.as_ref(), quiesce.clone(), out);
    }
}

/// What is odd of the devices beside each other and the plans.
fn doubt_devices(
    file: &PlanSection<'_>,
    known: &[KnownDevice],
    plans: &[Option<Plan>],
    out: &mut Findings<'_>,
) {
    doubts::shared_addresses(known, out);
    if file.key_span("include").is_none() {
        doubts::nothing_at_all(known, plans.len(), file.span.clone(), out);
    }
    doubts::unnamed_devices(known, &doubts::device_patterns(plans), out);
}

/// Below 60 seconds a device refuses to quiesce. Here it is a warning: the run ends with a
/// status of its own.
fn warn_of_short_timeout(
    timeout: Option<&At<Duration>>,
    quiesce: std::ops::Range<usize>,
    out: &mut Findings<'_>,
) {
    if let Some(timeout) = timeout.filter(|timeout| timeout.value < Duration::from_secs(60)) {
        out.warning(
            timeout.span.clone(),
            "`quiesce_timeout` is too short",
            "a device asks for at least 60s",
        )
        .also(quiesce, "a plan with this does not run")
        .help("write `quiesce_timeout = \"60s\"` or more");
    }
}
