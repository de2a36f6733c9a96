//! How everything stands, as the textfile collector of node_exporter reads it.
//!
//! All of it comes from history, every time: the last success of a plan or device stays in
//! the file however often it fails later, and also while other plans run.

use std::collections::BTreeSet;
use std::fmt::Write;

use jiff::Timestamp;

use crate::notify::past::{ChangeFigures, Figures, PlanFigures, RehearsalFigures, TargetFigures};
use crate::run::event::FileKind;
use crate::run::status::Class;
use crate::values::text::visible;

/// The text of the file.
pub fn text(figures: &Figures, now: Timestamp) -> String {
    let mut page = Page::default();
    plans(&figures.plans, &mut page);
    targets(&figures.targets, now, &mut page);
    changes(&figures.changes, &mut page);
    rehearsals(&figures.rehearsals, &mut page);
    page.family(
        "dpbackup_open_quiesces",
        "Devices and domains that are or may be quiesced by dpbackup.",
    );
    page.sample("dpbackup_open_quiesces", &[], figures.open_quiesces.len() as f64);
    if !figures.open_quiesces.is_empty() {
        let name = "dpbackup_target_quiesced";
        page.family(
            name,
            "1 for a device or domain that is or may be quiesced by dpbackup.",
        );
        for (device, domain) in &figures.open_quiesces {
            page.sample(name, &[("device", device), ("domain", domain)], 1.0);
        }
    }
    page.family(
        "dpbackup_metrics_timestamp_seconds",
        "When this file was written.",
    );
    page.sample("dpbackup_metrics_timestamp_seconds", &[], seconds(now));
    page.family("dpbackup_build_info", "The version that wrote this file.");
    page.sample(
        "dpbackup_build_info",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1.0,
    );
    page.text
}

fn plans(plans: &[PlanFigures], page: &mut Page) {
    let mut each = |name: &str, help: &str, value: fn(&PlanFigures) -> Option<f64>| {
        if plans.iter().any(|plan| value(plan).is_some()) {
            page.family(name, help);
        }
        for plan in plans {
            if let Some(value) = value(plan) {
                page.sample(name, &[("plan", &plan.plan)], value);
            }
        }
    };
    each(
        "dpbackup_plan_last_run_timestamp_seconds",
        "When the plan last ended, whichever way.",
        |plan| Some(seconds(plan.ended)),
    );
    each(
        "dpbackup_plan_last_success_timestamp_seconds",
        "When the plan last ended SUCCESS.",
        |plan| plan.succeeded.map(seconds),
    );
    each(
        "dpbackup_plan_last_run_success",
        "1 if the last run ended SUCCESS.",
        |plan| Some(f64::from(u8::from(plan.status.class() == Class::Success))),
    );
    each(
        "dpbackup_plan_last_run_duration_seconds",
        "How long the last run took.",
        |plan| plan.took.map(|took| took.as_secs_f64()),
    );
    each(
        "dpbackup_plan_last_run_stored_bytes",
        "Bytes that the last run stored.",
        |plan| Some(plan.bytes as f64),
    );
    if !plans.is_empty() {
        page.family(
            "dpbackup_plan_last_run_status",
            "1, with the status of the last run as a label.",
        );
    }
    for plan in plans {
        let labels = [("plan", plan.plan.as_str()), ("status", plan.status.code())];
        page.sample("dpbackup_plan_last_run_status", &labels, 1.0);
    }
}

fn targets(targets: &[TargetFigures], now: Timestamp, page: &mut Page) {
    let mut each = |name: &str, help: &str, value: &dyn Fn(&TargetFigures) -> Option<f64>| {
        if targets.iter().any(|target| value(target).is_some()) {
            page.family(name, help);
        }
        for target in targets {
            if let Some(value) = value(target) {
                page.sample(name, &labels(target), value);
            }
        }
    };
    each(
        "dpbackup_target_last_run_timestamp_seconds",
        "When a task for it last came to its status.",
        &|target| Some(seconds(target.time)),
    );
    each(
        "dpbackup_target_last_success_timestamp_seconds",
        "When it was last backed up and verified.",
        // Of the future it would keep every alarm silent until then.
        &|target| {
            target
                .good
                .filter(|(time, _)| *time <= now)
                .map(|(time, _)| seconds(time))
        },
    );
    each(
        "dpbackup_target_last_run_success",
        "1 if the last task for it succeeded.",
        &|target| Some(f64::from(u8::from(target.status.class() == Class::Success))),
    );
    each(
        "dpbackup_target_last_run_duration_seconds",
        "How long the last task for it took.",
        &|target| target.took.map(|took| took.as_secs_f64()),
    );
    each(
        "dpbackup_target_last_run_out_of_service_seconds",
        "How long it was out of service for the last task: from the quiesce to the confirmed unquiesce.",
        &|target| target.out_of_service.map(|time| time.as_secs_f64()),
    );
    each(
        "dpbackup_target_last_success_bytes",
        "Bytes of its last good backup.",
        &|target| target.good.map(|(_, bytes)| bytes as f64),
    );
    each(
        "dpbackup_target_unsaved_objects",
        "Objects and files that were not saved when a task last looked.",
        &|target| target.unsaved.map(|count| count as f64),
    );
    if !targets.is_empty() {
        page.family(
            "dpbackup_target_last_run_status",
            "1, with the status of the last task as a label.",
        );
    }
    for target in targets {
        let [device, domain, kind] = labels(target);
        let labels = [device, domain, kind, ("status", target.status.code())];
        page.sample("dpbackup_target_last_run_status", &labels, 1.0);
    }
}

fn changes(changes: &[ChangeFigures], page: &mut Page) {
    let name = "dpbackup_target_last_change_timestamp_seconds";
    if !changes.is_empty() {
        page.family(name, "When a task found its saved configuration changed.");
    }
    for change in changes {
        let labels = labels_of(&change.device, &change.domain, FileKind::Persisted);
        page.sample(name, &labels, seconds(change.time));
    }
}

fn rehearsals(rehearsals: &[RehearsalFigures], page: &mut Page) {
    let mut each = |name: &str, help: &str, value: fn(&RehearsalFigures) -> Option<f64>| {
        if rehearsals.iter().any(|one| value(one).is_some()) {
            page.family(name, help);
        }
        for one in rehearsals {
            if let Some(value) = value(one) {
                page.sample(name, &[("device", &one.device), ("domain", &one.domain)], value);
            }
        }
    };
    each(
        "dpbackup_target_last_rehearsal_timestamp_seconds",
        "When a backup of it was last rehearsed.",
        |one| Some(seconds(one.time)),
    );
    each(
        "dpbackup_target_last_rehearsal_success",
        "1 if the last rehearsal said that it would work, and left the spare as it was.",
        |one| Some(f64::from(u8::from(one.is_good))),
    );
    each(
        "dpbackup_target_last_good_rehearsal_timestamp_seconds",
        "When a rehearsal last said that it would work, and left the spare as it was.",
        |one| one.good.map(seconds),
    );
}

fn labels(target: &TargetFigures) -> [(&'static str, &str); 3] {
    labels_of(&target.device, &target.domain, target.kind)
}

fn labels_of<'n>(device: &'n str, domain: &'n str, kind: FileKind) -> [(&'static str, &'n str); 3] {
    [("device", device), ("domain", domain), ("kind", kind.code())]
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// The text format of Prometheus, version 0.0.4.
#[derive(Default)]
struct Page {
    text: String,
    /// What has a sample already.
    sampled: BTreeSet<String>,
}

impl Page {
    fn family(&mut self, name: &str, help: &str) {
        // Writing into a String cannot fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let mut sample = name.to_owned();
        if !labels.is_empty() {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            let _ = write!(sample, "{{{}}}", labels.join(","));
        }
        // A file in which one stands twice is thrown away as a whole by who reads it.
        if self.sampled.insert(sample.clone()) {
            let _ = writeln!(self.text, "{sample} {value}");
        }
    }
}

/// A label, whatever a device calls its domains: visible, within its quotes, and another one for another name.
fn escaped(value: &str) -> String {
    let told_apart = value.replace('\\', "\\\\");
    visible(&told_apart).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_have_labels_of_their_own_and_no_sample_stands_twice() {
        let mut page = Page::default();
        let names = [
            "x\u{202e}y",
            "x\\u{202e}y",
            "a\tb",
            "a b",
            "a\nb",
            "a\r\nb",
            "a\n",
            "a",
            "a\"b",
            "a\\b",
        ];
        for name in names {
            page.sample("m", &[("domain", name)], 1.0);
        }
        assert_eq!(page.text.lines().count(), names.len(), "{}", page.text);
        assert!(
            page.text.starts_with("m{domain=\"x\\\\u{202e}y\"} 1\n"),
            "{}",
            page.text
        );
        page.sample("m", &[("domain", "a")], 2.0);
        assert_eq!(page.text.lines().count(), names.len(), "{}", page.text);
    }
}
