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
mod place;
mod secret;
mod settings;
mod shared;

use std::path::PathBuf;
use std::time::Duration;

use crate::plan::diagnostic::Findings;
use crate::plan::keys::file::FILE;
use crate::plan::keys::tables;
use crate::plan::model::{ErrorPolicy, Plan, PlanFile, script_path};
use crate::plan::section::{self, PlanSection};
use crate::plan::value::At;
use crate::secret::SecretSource;
use crate::values::invocation::Invocation;
use crate::values::window::Window;

pub use context::Readers;
pub(super) use context::{CheckedFile, Context, StoreNeed};
pub use settings::usual_history;

use context::OpenTable;
use device::DeviceCommon;
use known::KnownDevice;
use names::{check_plan_name, doubt_one_folder, doubt_one_look, find_duplicates};
use shared::{retention, window};

/// Reads the plan file and what it includes. Gives nothing if there is an error, and then a finding
/// says why.
pub(super) fn check(
    main: &CheckedFile<'_>,
    included: &[CheckedFile<'_>],
    out: &mut Findings<'_>,
) -> Option<PlanFile> {
    let context = &main.context;
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
    let mut files: Vec<OpenTable<'_>> = vec![(file, context)];
    files.extend(included.iter().map(|file| included::open(file, out)));
    for (file, context) in &files {
        included::look_at_paths(file, context, out);
    }
    let (file, _) = files.first()?;

    let settings = file
        .section("settings", out)
        .map(|section| settings::read(&section, context, out));
    let defaults = file.section_or_empty("device_defaults", out);
    let defaults = DeviceCommon::of_all(defaults.as_ref(), context, out);
    let of_all = settings
        .as_ref()
        .and_then(|settings| settings.checked.as_ref())
        .map(|settings| settings.timeouts);
    let (known, devices): (Vec<_>, Vec<_>) = sections("device", &files, out)
        .iter()
        .map(|(section, context)| device::read(section, &defaults, of_all, context, out))
        .unzip();
    let known: Vec<KnownDevice> = known.into_iter().flatten().collect();
    find_duplicates("device", known.iter().map(|device| &device.name), out);
    doubt_one_folder(known.iter().map(|device| &device.name), out);

    let webhooks = included::webhooks(&files, out);
    let told = file
        .section_or_empty("notify", out)
        .map(|section| notify::read(&section, &webhooks, context, out))
        .unwrap_or_default();

    let default_window = settings.as_ref().and_then(|s| s.default_window.clone());
    let mut reader = PlanReader {
        context,
        told: &told,
        scripts_dir: settings
            .as_ref()
            .and_then(|s| s.scripts_dir.clone())
            .unwrap_or_default(),
        default_window: default_window.as_ref().map(|at| at.value.clone()),
        devices: &known,
        plan_names: Vec::new(),
        pinging: Vec::new(),
        first_quiesce: None,
    };
    let mut plans = Vec::new();
    for (section, context) in &sections("plan", &files, out) {
        reader.context = context;
        plans.push(reader.plan(section, out));
    }
    let PlanReader {
        plan_names,
        pinging,
        first_quiesce,
        ..
    } = reader;
    find_duplicates("plan", &plan_names, out);
    doubt_one_look(&plan_names, out);
    notify::find_shared_pings(&pinging, out);
    told.doubt_unused(&plans, out);
    let is_used = plans.iter().flatten().any(|plan| plan.enabled);
    if let Some(At { value, span }) = default_window.filter(|_| is_used) {
        doubts::skipped_window(&value, span, context.now, out);
    }
    doubts::shared_addresses(&known, out);
    if files
        .first()
        .is_some_and(|(file, _)| file.key_span("include").is_none())
    {
        doubts::nothing_at_all(&known, plans.len(), main.root.span(), out);
    }
    doubts::unnamed_devices(&known, &doubts::device_patterns(&plans), out);
    if let (Some(settings), Some(quiesce)) = (&settings, first_quiesce) {
        warn_of_short_timeout(settings.quiesce_timeout.as_ref(), quiesce, out);
    }

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

/// The tables of this name in all files, in their order.
fn sections<'a>(name: &str, files: &'a [OpenTable<'a>], out: &mut Findings<'_>) -> Vec<OpenTable<'a>> {
    let of_file = |(file, context): &'a OpenTable<'a>| {
        let sections = file.sections(name, out);
        sections.into_iter().map(move |section| (section, *context))
    };
    files.iter().flat_map(of_file).collect()
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

/// Reads plans one after another, and remembers what is checked at the end.
struct PlanReader<'r> {
    context: &'r Context<'r>,
    told: &'r notify::NotifyRead,
    scripts_dir: PathBuf,
    default_window: Option<Window>,
    devices: &'r [KnownDevice],
    plan_names: Vec<At<String>>,
    /// The plans that are enabled and ping, with the address.
    pinging: Vec<(At<String>, SecretSource)>,
    /// The first `quiesce = true` of the file.
    first_quiesce: Option<std::ops::Range<usize>>,
}

impl PlanReader<'_> {
    fn plan(&mut self, section: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<Plan> {
        let enabled = section.boolean("enabled", out);
        out.reading(enabled != Some(false), |out| self.plan_of(section, enabled, out))
    }

    fn plan_of(
        &mut self,
        section: &PlanSection<'_>,
        enabled: Option<bool>,
        out: &mut Findings<'_>,
    ) -> Option<Plan> {
        let name = section.text("name", out);
        if let Some(name) = &name {
            check_plan_name(name, out);
        }
        // For whoever reads the file.
        section.text("description", out);
        let window = self.window(section, out);
        let policies = [("halt", ErrorPolicy::Halt), ("ignore", ErrorPolicy::Ignore)];
        let error_policy = section.choice("error_policy", &policies, out);
        let pre_script = self.script(section, "pre_script", out);
        let post_script = self.script(section, "post_script", out);
        let notify = self.told.plan(section, self.context, out);
        let retention = retention(section, out);
        let pinged = notify.as_ref().and_then(|notify| notify.ping.clone());
        // An address of its own that comes from elsewhere is not known yet, and not shared.
        let is_own = section.key_span("ping_url").is_some();
        let pinged = pinged.filter(|source| !is_own || matches!(source, SecretSource::Plain(_)));
        let pinged = pinged.filter(|_| enabled == Some(true));
        self.pinging.extend(name.clone().zip(pinged));

        // A broken policy has its finding already; the activities are read all the same.
        let default_policy = error_policy.unwrap_or(ErrorPolicy::Halt);
        let sections = section.sections("activity", out);
        let activities: Vec<_> = sections
            .iter()
            .map(|section| self.activity(section, default_policy, out))
            .collect();
        if enabled == Some(true) && section.is_absent_or_empty("activity") && !out.is_incomplete() {
            out.error(
                section.span.clone(),
                "an enabled plan has nothing to do",
                "this plan has no activity",
            )
            .help("add a [[plan.activity]], or set `enabled = false`");
        }
        self.plan_names.extend(name.clone());
        Some(Plan {
            name: name?.value,
            enabled: enabled?,
            window: window?,
            pre_script,
            post_script,
            notify: notify?,
            retention,
            activities: activities.into_iter().collect::<Option<_>>()?,
        })
    }

    /// The window of a plan; the inner `None` is always.
    fn window(&self, section: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<Option<Window>> {
        let name = "maintenance_window";
        let table = section
            .value(name, out)
            .filter(|value| value.get_ref().is_table());
        match table {
            Some(value) => {
                let key = tables::PLAN.key(name)?;
                let own = section::section(key, value, out).and_then(|own| window(&own, out))?;
                doubts::skipped_window(&own, value.span(), self.context.now, out);
                Some(Some(own))
            }
            None => {
                let words = [("default", self.default_window.clone()), ("none", None)];
                let words: Vec<_> = words.iter().map(|(word, window)| (*word, window)).collect();
                section.choice(name, &words, out).cloned()
            }
        }
    }

    /// The path of a script.
    fn script(&self, section: &PlanSection<'_>, name: &str, out: &mut Findings<'_>) -> Option<PathBuf> {
        let script = section.text(name, out)?;
        let script = settings::path_text(script, self.context, out)?;
        Some(script_path(&script, self.context.path, &self.scripts_dir))
    }
}
