//! The `[[plan.activity]]` tables.

use crate::plan::check::known::KnownDevice;
use crate::plan::check::plans::PlanReader;
use crate::plan::check::position::position_of;
use crate::plan::check::{device, doubts};
use crate::plan::diagnostic::Findings;
use crate::plan::model::{Action, Activity, Domains, ErrorPolicy, PostScriptWhen};
use crate::plan::section::PlanSection;
use crate::plan::value::{At, did_you_mean};
use crate::values::device_pattern::DevicePatterns;
use crate::values::nearest::nearest;
use crate::values::pattern::PatternList;
use crate::values::text::letter;

/// What `action` says, before the keys that belong to it are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ActionName {
    SecureBackup,
    ExportDomain,
}

impl PlanReader<'_> {
    /// Reads one table.
    pub(super) fn activity(
        &mut self,
        section: &PlanSection<'_>,
        plan_policy: ErrorPolicy,
        out: &mut Findings<'_>,
    ) -> Option<Activity> {
        let action = action(section, out);
        let devices = section.device_patterns("devices", out);
        if let Some(devices) = &devices {
            self.find_unknown_devices(devices, out);
            doubts::unmatched_devices(devices, self.devices, out);
            doubts::unknown_tags(devices, self.devices, out);
            let written = devices.value.to_string();
            let (included, excluded) = (devices.value.included(), devices.value.excluded());
            doubts::nothing_left(&written, included, excluded, devices.span.clone(), out);
        }
        let quiesce = section.boolean("quiesce", out);
        if quiesce == Some(true) && self.seen.first_quiesce.is_none() {
            self.seen.first_quiesce = section.key_span("quiesce");
        }
        let pre_script = self.script(section, "pre_script", out);
        let post_script = self.script(section, "post_script", out);
        let times = [
            ("always", PostScriptWhen::Always),
            ("on-failure", PostScriptWhen::OnFailure),
        ];
        let post_script_when = section.choice("post_script_when", &times, out);
        if let (None, Some(span)) = (
            section.key_span("post_script"),
            section.key_span("post_script_when"),
        ) {
            out.doubt(
                span,
                "`post_script_when` without a `post_script`",
                "no script runs",
                "add the script: `post_script = \"…\"`",
            );
        }
        let policies = [
            ("plan-default", plan_policy),
            ("halt", ErrorPolicy::Halt),
            ("ignore", ErrorPolicy::Ignore),
        ];
        let error_policy = section.choice("error_policy", &policies, out);
        Some(Activity {
            action: action?,
            devices: devices?.value,
            quiesce: quiesce?,
            pre_script,
            post_script,
            post_script_when: post_script_when?,
            error_policy: error_policy?,
        })
    }

    /// A pattern without `*` names one device: it must be there. An exclusion too, for else
    /// the device that was meant would be backed up.
    fn find_unknown_devices(&self, patterns: &At<DevicePatterns>, out: &mut Findings<'_>) {
        if out.is_incomplete() {
            return;
        }
        let names = || self.devices.iter().map(|device| device.name.value.as_str());
        for name in patterns
            .value
            .literals()
            .chain(patterns.value.excluded_literals())
        {
            if !names().any(|known| known == name) {
                let span = position_of(name, &patterns.span, out.text());
                let finding = out.error(
                    span,
                    format!("unknown device {name:?}"),
                    "no [[device]] has this name",
                );
                let is_pattern = name.contains(['?', '[', '{', '(', '^', '%']);
                let is_tag = self
                    .devices
                    .iter()
                    .flat_map(KnownDevice::tags)
                    .any(|tag| tag == name);
                let is_mark = name.starts_with(['-', '^', '~']) || name.contains(['/', ' ']);
                match nearest(name, names()).filter(|_| !is_mark) {
                    _ if is_tag => {
                        finding.help(format!("it is a tag: write \"@{name}\""));
                    }
                    Some(near) if device::fault_of_name(near).is_some() => {
                        finding.help(format!(
                            "it is there once {near:?} is called so, which no device can be"
                        ));
                    }
                    Some(near) if !is_pattern => did_you_mean(finding, Some(near)),
                    _ => {
                        finding.help(unknown_device(name, &names().collect::<Vec<_>>()));
                    }
                }
            }
        }
    }
}

/// What is meant by a name that no device has.
fn unknown_device(name: &str, devices: &[&str]) -> String {
    // "not QA1", "-QA1": that one is to be left out.
    let left_out = name
        .strip_prefix("not ")
        .or_else(|| name.strip_prefix("NOT "))
        .or_else(|| name.strip_prefix(['-', '^', '~']))
        .map(str::trim)
        .filter(|name| devices.contains(name));
    if let Some(left_out) = left_out {
        return format!("write \"*, !{left_out}\" for every device but this one");
    }
    if let Some((device, domain)) = name
        .split_once('/')
        .filter(|(device, _)| devices.contains(device))
    {
        return format!("devices and domains stand apart: `devices = {device:?}`, `domains = {domain:?}`");
    }
    if let Some((before, _)) = name.split_once(" #") {
        return format!(
            "a comment stands behind the quotes: `devices = {:?}  # …`",
            before.trim()
        );
    }
    let parts: Vec<&str> = name
        .split([' ', '\t', ';', '|', '/', '+'])
        .filter(|part| !matches!(*part, "" | "and" | "or" | "&"))
        .collect();
    if name.contains(['?', '[', '{', '(', '^', '%']) {
        format!(
            "only `*` stands for other characters; the devices are: {}",
            devices.join(", ")
        )
    } else if parts.len() > 1 {
        format!("a comma separates patterns: `devices = {:?}`", parts.join(", "))
    } else if matches!(name.to_lowercase().as_str(), "all" | "any" | "every") {
        "write \"*\" for every device".to_owned()
    } else if devices.is_empty() {
        "the file has no [[device]] yet".to_owned()
    } else {
        format!("the devices are: {}", doubts::listed(devices))
    }
}

/// The action with what belongs to it, and nothing that does not.
fn action(section: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<Action> {
    let names = [
        ("secure-backup", ActionName::SecureBackup),
        ("export-domain", ActionName::ExportDomain),
    ];
    let name = section.choice("action", &names, out);
    let certificate = section
        .text("certificate", out)
        .filter(|certificate| is_name_of_object(certificate, out));
    let domains = section.patterns("domains", out);
    if let Some(domains) = &domains {
        doubts::odd_domains(domains, out);
        let written = domains.value.to_string();
        let (included, excluded) = (domains.value.included(), domains.value.excluded());
        doubts::nothing_left(&written, included, excluded, domains.span.clone(), out);
    }
    let (needed, foreign, word) = match name? {
        ActionName::SecureBackup => ("certificate", "domains", "secure-backup"),
        ActionName::ExportDomain => ("domains", "certificate", "export-domain"),
    };
    if let Some(span) = section.key_span(foreign) {
        let finding = out.error(
            span,
            format!("`{foreign}` does not belong to \"{word}\""),
            "has no meaning here",
        );
        finding.help(match name? {
            ActionName::SecureBackup => "take it out: a secure backup is one of the whole device; domains are of `action = \"export-domain\"`",
            ActionName::ExportDomain => "take it out: an export is not encrypted; a certificate is of `action = \"secure-backup\"`",
        });
        if let Some(action) = section.key_span("action") {
            finding.also(action, "because of this action");
        }
    }
    if section.key_span(needed).is_none() {
        section.missing(needed, out);
    }
    match name? {
        ActionName::SecureBackup => Some(Action::SecureBackup {
            certificate: certificate?.value,
        }),
        ActionName::ExportDomain => Some(Action::ExportDomain {
            domains: all_or_matching(domains?, out)?,
        }),
    }
}

/// Whether this can be the name of a certificate object: a file or a pattern is none.
fn is_name_of_object(certificate: &At<String>, out: &mut Findings<'_>) -> bool {
    let text = &certificate.value;
    let is_odd = |c: char| "/\\:*".contains(c) || c.is_whitespace();
    let Some(odd) = text.chars().find(|c| is_odd(*c)) else {
        return true;
    };
    out.error(
        certificate.span.clone(),
        format!("{text:?} is no name of an object"),
        format!("no name of an object holds {}", letter(odd)),
    )
    .help(
        "write the name of the Crypto Certificate object in the domain `default`: `certificate = \"backup-cert\"`, say; with any \
         name there, `dpbackup check` says which there are",
    );
    false
}

/// `all-domains` is not a pattern, and stands alone; taken away it is a name like any other, that of a domain.
fn all_or_matching(domains: At<PatternList>, out: &mut Findings<'_>) -> Option<Domains> {
    const ALL: &str = "all-domains";
    let patterns = &domains.value;
    if patterns.to_string() == ALL {
        return Some(Domains::All);
    }
    if patterns.literals().any(|name| name == ALL) {
        let span = position_of(ALL, &domains.span, out.text());
        out.error(
            span,
            format!("\"{ALL}\" stands beside other patterns"),
            "one export of everything: it stands alone",
        )
        .help("for one export of each domain, write `domains = \"*\"`");
        return None;
    }
    Some(Domains::Matching(domains.value))
}
