//! The answer, before anything else.

use std::time::Duration;

use maud::{Markup, html};

use crate::freshness::{JudgedTarget, TargetState};
use crate::report::page::content::ReportPage;
use crate::report::written::zone_name;
use crate::run::event::FileKind;
use crate::values::duration::HumanDuration;
use crate::values::size::Bytes;
use crate::values::text::printable;

/// Whether everything is backed up, in a sentence or two.
pub(super) fn answer(page: &ReportPage<'_>) -> String {
    let freshness = page.freshness;
    let planned = freshness.targets.len() - freshness.count(TargetState::NotPlanned);
    let is_without = |target: &&JudgedTarget| target.is_without(freshness.max_age);
    let bad = freshness.targets.iter().filter(is_without).count();
    let age = age_in_words(freshness.max_age);
    let mut words = match (planned, bad) {
        (0, _) => "Nothing is planned to be backed up".to_owned(),
        (1, 0) => format!("The one target has a good backup younger than {age}"),
        (all, 0) => format!("All {all} targets have a good backup younger than {age}"),
        (1, _) => format!("The one target has no good backup younger than {age}"),
        (all, bad) if all == bad => format!("None of the {all} targets has a good backup younger than {age}"),
        (all, bad) => {
            let have = if all - bad == 1 { "has" } else { "have" };
            format!(
                "{} of {all} targets {have} a good backup younger than {age}",
                all - bad
            )
        }
    };
    if freshness.unseen.is_some() {
        words.insert_str(
            0,
            "Whether the backups are in the store is not known. By history: ",
        );
    }
    match page.unsaved.len() {
        0 => {}
        1 => words.push_str("; 1 has unsaved changes"),
        unsaved => words.push_str(&format!("; {unsaved} have unsaved changes")),
    }
    words.push('.');
    let mut bad = freshness.targets.iter().filter(is_without);
    if let (Some(first), true) = (bad.next(), planned > 1) {
        words.push_str(&format!(" First without: {}.", name(first)));
    }
    if !freshness.is_whole {
        words.push_str(" What else the plan file asks for could not be read.");
    }
    if page.freshness.left.is_some() {
        words.push_str(" Something may still be quiesced.");
    }
    if !page.freshness.half_done.is_empty() {
        words.push_str(" An import may be half done.");
    }
    if !page.freshness.dry_runs.is_empty() {
        words.push_str(" What a dry run has left was not looked at to the end.");
    }
    if page.freshness.left_folders.is_some() {
        words.push_str(" A secure backup may have been left on a device.");
    }
    words
}

/// An age as people say it: 26 hours are no day and two hours.
fn age_in_words(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        3_600..=259_200 if seconds.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
        _ => HumanDuration(Duration::from_secs(seconds)).to_string(),
    }
}

/// The device, and the part of it.
fn name(target: &JudgedTarget) -> String {
    let what = match target.kind {
        None => String::new(),
        Some(FileKind::SecureBackup) => ", secure backup".to_owned(),
        Some(_) => format!("/{}", target.domain),
    };
    printable(&format!("{}{what}", target.device)).into_owned()
}

/// When it was made, and what it is about.
pub(super) fn when(page: &ReportPage<'_>) -> String {
    let now = page.now.to_zoned(page.zone.clone());
    let since = page.since.to_zoned(page.zone.clone());
    let zone = page.zone.iana_name().map_or_else(
        || format!("{} ({})", zone_name(&page.zone), now.strftime("%:z")),
        |name| format!("{name} ({})", now.strftime("%:z")),
    );
    let about = match page.plan {
        Some(plan) => format!("the plan {}", printable(plan)),
        None => "all plans".to_owned(),
    };
    format!(
        "{}, {zone}. About {about}, since {}.",
        now.strftime("%A, %-d %B %Y, %H:%M"),
        since.strftime("%-d %B %Y")
    )
}

/// The numbers that say most.
pub(super) fn figures(page: &ReportPage<'_>) -> Markup {
    let freshness = page.freshness;
    let planned = freshness.targets.len() - freshness.count(TargetState::NotPlanned);
    let is_without = |target: &&JudgedTarget| target.is_without(freshness.max_age);
    let good = planned - freshness.targets.iter().filter(is_without).count();
    let oldest = freshness
        .targets
        .iter()
        .filter(|target| target.state > TargetState::NotPlanned)
        .filter_map(|target| target.age.map(|age| (age, target)))
        .max_by_key(|(age, _)| *age);
    let size: u64 = freshness
        .targets
        .iter()
        // What one plan does not back up is not judged, and is not what the page is about.
        .filter(|target| page.plan.is_none() || target.state > TargetState::NotPlanned)
        .filter_map(|target| target.good)
        .map(|good| good.size)
        .sum();
    let never = freshness
        .targets
        .iter()
        .filter(|target| target.state > TargetState::NotPlanned && target.good.is_none())
        .count();
    let seconds = |age: Duration| HumanDuration(Duration::from_secs(age.as_secs()));
    html! {
        dl.sum {
            div {
                dt { "Good, younger than " (age_in_words(freshness.max_age)) }
                dd { (good) " " small { "of " (planned) } }
            }
            @if let Some((age, target)) = oldest {
                div { dt { "Oldest last good backup" } dd { (seconds(age)) " " small { (name(target)) } } }
            }
            @if never > 0 {
                div { dt { "No good backup at all" } dd { (never) } }
            }
            div { dt { "Unsaved changes seen" } dd { (page.unsaved.len()) } }
            div { dt { "Last good backups, in all" } dd { (Bytes(size)) } }
        }
    }
}
