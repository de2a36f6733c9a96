//! Reads the plans of a file, and what has to be seen of all of them.

use std::path::PathBuf;

use crate::plan::check::context::Context;
use crate::plan::check::doubts;
use crate::plan::check::known::KnownDevice;
use crate::plan::check::names::check_plan_name;
use crate::plan::check::notify::NotifyRead;
use crate::plan::check::settings::{self, SettingsRead};
use crate::plan::check::shared::{retention, window};
use crate::plan::check::twice;
use crate::plan::diagnostic::Findings;
use crate::plan::keys::tables;
use crate::plan::model::{ErrorPolicy, Plan, script_path};
use crate::plan::section::{self, PlanSection};
use crate::plan::value::At;
use crate::secret::SecretSource;
use crate::values::window::Window;

/// What is seen in plans and looked at when all are read.
#[derive(Default)]
pub(super) struct SeenInPlans {
    pub(super) names: Vec<At<String>>,
    /// The plans that are enabled and ping, with the address.
    pub(super) pinging: Vec<(At<String>, SecretSource)>,
    /// The first `quiesce = true` of the file.
    pub(super) first_quiesce: Option<std::ops::Range<usize>>,
}

/// Reads plans one after another.
pub(super) struct PlanReader<'r> {
    pub(super) context: &'r Context<'r>,
    pub(super) devices: &'r [KnownDevice],
    told: &'r NotifyRead,
    scripts_dir: PathBuf,
    default_window: Option<Window>,
    pub(super) seen: SeenInPlans,
}

impl<'r> PlanReader<'r> {
    pub(super) fn new(
        context: &'r Context<'r>,
        settings: Option<&SettingsRead>,
        told: &'r NotifyRead,
        devices: &'r [KnownDevice],
    ) -> Self {
        let scripts_dir = settings.and_then(|settings| settings.scripts_dir.clone());
        let default_window = settings.and_then(|settings| settings.default_window.as_ref());
        Self {
            context,
            devices,
            told,
            scripts_dir: scripts_dir.unwrap_or_default(),
            default_window: default_window.map(|at| at.value.clone()),
            seen: SeenInPlans::default(),
        }
    }

    pub(super) fn plan(&mut self, section: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<Plan> {
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
        self.seen.pinging.extend(name.clone().zip(pinged));

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
        let read = sections.iter().zip(&activities);
        let read: Vec<_> = read
            .filter_map(|(section, activity)| Some((section.span.clone(), activity.as_ref()?)))
            .collect();
        twice::doubt_same(&read, self.devices, out);
        self.seen.names.extend(name.clone());
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
                let chosen = section.choice(name, &words, out).cloned();
                self.doubt_default_window(section, name, out);
                chosen
            }
        }
    }

    /// `"default"` in a file that has none: the plan has no window at all.
    fn doubt_default_window(&self, section: &PlanSection<'_>, name: &str, out: &mut Findings<'_>) {
        let written = section.value(name, out);
        let is_default = written.is_some_and(|value| value.get_ref().as_str() == Some("default"));
        // One that is not valid has its finding.
        if let Some(value) = written.filter(|_| is_default && self.default_window.is_none())
            && !out.has_errors()
        {
            out.doubt(
                value.span(),
                "there is no `default_window` under [settings]",
                "the plan may start at any time",
                "write one, such as `default_window = { start = \"22:00\", end = \"06:00\" }`, or leave this out",
            );
        }
    }

    /// The path of a script.
    pub(super) fn script(
        &self,
        section: &PlanSection<'_>,
        name: &str,
        out: &mut Findings<'_>,
    ) -> Option<PathBuf> {
        let script = section.text(name, out)?;
        let script = settings::path_text(script, self.context, out)?;
        Some(script_path(&script, self.context.path, &self.scripts_dir))
    }
}
