//! The plan of a restore and what came of it, as text for people and as a JSON document.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::artifact::difference::Difference;
use crate::report::diff;
use crate::report::json;
use crate::run::execution::PlanEnd;
use crate::run::restore::order::{RestoreProposal, RestoreTold, Saved};
use crate::values::change::Change;
use crate::values::clock_time::on_clock;
use crate::values::invocation::Invocation;
use crate::values::restore_plan::{LocalAddresses, SaveAfter};
use crate::values::size::Bytes;
use crate::values::text::{hanging, printable};
use crate::values::trust::Trust;

/// Grows when a key goes away or changes its meaning, and not when one is added.
const SCHEMA_VERSION: u32 = 1;

/// A plan that was shown.
#[derive(Clone, Debug, Serialize)]
pub struct ShownRestorePlan {
    /// The word that confirms it.
    pub word: String,
    task_execution_id: i64,
    /// The task whose archive is sent: another one with the same content, where that of the task is not in the store.
    archive_task_execution_id: i64,
    #[serde(skip)]
    instead: Option<String>,
    device_name: String,
    domain_name: String,
    size: u64,
    objects: u64,
    sha256: String,
    firmware_version: Option<String>,
    serial: Option<String>,
    /// What a restore of it needs from elsewhere, a sentence each.
    lacks: Vec<String>,
    target_device_name: String,
    target_address: String,
    target_tls_trust: String,
    target_firmware_version: Option<String>,
    target_serial: Option<String>,
    before_task_execution_id: i64,
    unsaved_changes: Option<bool>,
    rewrites_local_addresses: bool,
    saves: bool,
    doubts: Vec<String>,
    adds: Vec<String>,
    overwrites: Vec<String>,
    stays: Vec<String>,
}

/// What differs, by what an import makes of it.
fn named(difference: &Difference, wanted: Change) -> Vec<String> {
    let mut names = Vec::new();
    for domain in &difference.domains {
        let objects = domain.objects.iter().filter(|object| object.change == wanted);
        names.extend(objects.map(|object| format!("{} {}", object.class, object.name)));
        let files = domain.files.iter().filter(|file| file.change == wanted);
        names.extend(files.map(|file| file.name.clone()));
    }
    names
}

/// The columns of a label and what stands before it.
const LABEL: usize = 13;

impl ShownRestorePlan {
    /// What is shown of this one.
    pub fn of(proposal: &RestoreProposal<'_>) -> Self {
        let RestoreProposal {
            source,
            plan,
            difference,
            before,
            has_unsaved,
            doubts,
            ..
        } = proposal;
        let facts = plan.facts();
        Self {
            word: plan.word(),
            task_execution_id: source.task.0,
            archive_task_execution_id: source.archive_task.0,
            instead: source.instead.clone(),
            device_name: source.device.clone(),
            domain_name: source.domain.name().to_owned(),
            size: source.size,
            objects: source.verified.objects,
            sha256: source.sha256.clone(),
            firmware_version: source.verified.firmware_version.clone(),
            serial: source.verified.serial_number.clone(),
            lacks: source.verified.lacks().notes(),
            target_device_name: facts.device.clone(),
            target_address: facts.address.clone(),
            target_tls_trust: facts.trust.clone(),
            target_firmware_version: facts.firmware.clone(),
            target_serial: facts.serial.clone(),
            before_task_execution_id: before.0,
            unsaved_changes: *has_unsaved,
            rewrites_local_addresses: facts.local_addresses == LocalAddresses::Rewrite,
            saves: facts.save == SaveAfter::Yes,
            doubts: doubts.to_vec(),
            adds: named(difference, Change::Added),
            overwrites: named(difference, Change::Changed),
            stays: named(difference, Change::Removed),
        }
    }

    /// The plan for people. `taken` is when the backup was stored.
    pub fn text(
        &self,
        difference: &Difference,
        taken: Timestamp,
        zone: &TimeZone,
        width: Option<u16>,
    ) -> String {
        let (device, domain) = (&self.target_device_name, &self.domain_name);
        let lines = self.lines(taken, zone);
        let mut text: String = lines
            .iter()
            .map(|line| {
                let line = printable(line);
                // What belongs to a label stands below its beginning.
                match line.split_at_checked(LABEL).filter(|_| line.starts_with("  ")) {
                    Some((label, what)) => format!("{label}{}\n", hanging(what, LABEL, width)),
                    None => hanging(&line, 0, width) + "\n",
                }
            })
            .collect();
        text.push_str(&diff::text(
            &format!("what runs in {domain} of {device} now"),
            "what the backup has (what is removed here stays: an import is a merge)",
            difference,
        ));
        let _ = writeln!(text, "{}", hanging(&printable(&self.merge()), 0, width));
        text
    }

    /// What stands above the difference, a label each.
    fn lines(&self, taken: Timestamp, zone: &TimeZone) -> Vec<String> {
        let told = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "not told".to_owned());
        let (device, domain) = (&self.target_device_name, &self.domain_name);
        let mut lines = vec![
            format!(
                "PLAN: {domain} of {device} becomes what task {} has backed up",
                self.task_execution_id
            ),
            format!(
                "  backup     {} {domain}, stored {}: {}, {} objects, firmware {}, serial {}",
                self.device_name,
                on_clock(taken, zone),
                Bytes(self.size),
                self.objects,
                told(&self.firmware_version),
                told(&self.serial)
            ),
        ];
        lines.extend(
            self.instead
                .iter()
                .map(|instead| format!("  archive    {instead}")),
        );
        lines.extend(self.lacks.iter().map(|lack| format!("  it lacks   {lack}")));
        lines.push(format!(
            "  target     {device} ({}, TLS {}): firmware {}, serial {}",
            self.target_address,
            trusted_how(&self.target_tls_trust),
            told(&self.target_firmware_version),
            told(&self.target_serial)
        ));
        lines.push(format!(
            "  now        what is there was backed up by task {}",
            self.before_task_execution_id
        ));
        lines.extend(self.doubts.iter().map(|doubt| format!("  look       {doubt}")));
        lines.push(match self.rewrites_local_addresses {
            true => {
                "  addresses  those of interfaces become those of the target's interfaces of the same names"
                    .to_owned()
            }
            false => "  addresses  those of interfaces stay as they are: it is the same gateway".to_owned(),
        });
        lines.push(match self.saves {
            true => "  saved      yes, if what comes out is what is to come out".to_owned(),
            false => {
                "  saved      no: a restart takes the import back until somebody saves it (--save)".to_owned()
            }
        });
        lines
    }

    /// What the import makes of the domain, in a sentence.
    fn merge(&self) -> String {
        let stays = match self.stays.len() {
            0 => "nothing stays that the backup does not have".to_owned(),
            1 => "1 stays that the backup does not have".to_owned(),
            count => format!("{count} stay that the backup does not have"),
        };
        format!(
            "of objects and files {} are added, {} overwritten, and {stays}",
            self.adds.len(),
            self.overwrites.len()
        )
    }

    /// The command that confirms it elsewhere than at a terminal.
    pub fn command(&self, invocation: &Invocation, options: &[&str]) -> String {
        let task = self.task_execution_id.to_string();
        let mut words = vec!["restore", &task, "--to", &self.target_device_name];
        words.extend(options);
        words.extend(["--confirm", &self.word]);
        invocation.command(words)
    }
}

/// What came of it, for people; nothing where nothing was imported, for then the message says it all.
pub fn outcome(told: &RestoreTold, device: &str, domain: &str, invocation: &Invocation) -> String {
    let mut lines = Vec::new();
    lines.extend(told.needed_nothing.clone());
    if let Some(objects) = told.objects {
        lines.push(format!(
            "IMPORTED {objects} objects into {domain} of {device}, as the device says"
        ));
    }
    let mut text: String = lines
        .iter()
        .map(|line| format!("{}\n", printable(line)))
        .collect();
    match &told.deviation {
        Some(deviation) if deviation.domains.is_empty() => {
            text.push_str("what came out is what was to come out\n");
        }
        Some(deviation) => text.push_str(&diff::text("what was to come out", "what came out", deviation)),
        None => {}
    }
    let mut more = Vec::new();
    if told.objects.is_some() {
        more.push(match told.saved {
            Saved::Yes => "it is saved".to_owned(),
            Saved::No => "it is not saved: a restart takes it back, unless somebody saves the domain on it before (Save Configuration)".to_owned(),
            Saved::NotImported | Saved::NotKnown => {
                format!("whether it is saved is not known: look at {domain} on {device}")
            }
        });
    }
    if let (Some(before), Some(after)) = (told.before, told.after) {
        let (before, after) = (before.0.to_string(), after.0.to_string());
        let compare = invocation.command(["diff", "--running", &before, &after]);
        more.push(format!(
            "before it task {before} was taken, after it task {after}: `{compare}` compares"
        ));
    }
    text.extend(more.iter().map(|line| format!("{}\n", printable(line))));
    text
}

#[derive(Serialize)]
struct RestoreDocument<'d> {
    plan_execution_id: i64,
    status: &'static str,
    error_message: Option<&'d str>,
    /// Whether the domain was as the backup has it, so that nothing was sent.
    nothing_to_restore: bool,
    plan: Option<&'d ShownRestorePlan>,
    before_task_execution_id: Option<i64>,
    after_task_execution_id: Option<i64>,
    imported_objects: Option<usize>,
    /// Nothing where that is not known.
    saved: Option<bool>,
    /// Nothing where nobody could look.
    deviations: Option<Vec<String>>,
}

/// One document.
pub fn document(plan: Option<&ShownRestorePlan>, end: &PlanEnd, told: &RestoreTold) -> String {
    let deviations = told.deviation.as_ref().map(|deviation| {
        let changes = [Change::Added, Change::Removed, Change::Changed];
        changes
            .iter()
            .flat_map(|change| named(deviation, *change))
            .collect()
    });
    json::document(
        SCHEMA_VERSION,
        &RestoreDocument {
            plan_execution_id: end.id.0,
            status: end.status.code(),
            error_message: end.error.as_deref(),
            nothing_to_restore: told.needed_nothing.is_some(),
            plan,
            before_task_execution_id: told.before.map(|task| task.0),
            after_task_execution_id: told.after.map(|task| task.0),
            imported_objects: told.objects,
            saved: match told.saved {
                Saved::Yes => Some(true),
                Saved::NotImported | Saved::No => Some(false),
                Saved::NotKnown => None,
            },
            deviations,
        },
    )
}

/// How the certificate of the device is trusted, if it is.
fn trusted_how(trust: &str) -> String {
    match trust == Trust::Off.to_string() {
        true => trust.to_owned(),
        false => format!("by {trust}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_trusted_by_not_being_verified() {
        assert_eq!(trusted_how(&Trust::Off.to_string()), "NOT VERIFIED");
        assert_eq!(trusted_how("CA file ca.pem"), "by CA file ca.pem");
    }
}
