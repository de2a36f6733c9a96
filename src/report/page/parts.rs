//! The parts of the page between the answer and the executions.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use maud::{Markup, html};

use crate::freshness::{Attempt, JudgedTarget, TargetState};
use crate::history::UnsavedTarget;
use crate::report::page::calendar::{CalendarRow, Day, in_words};
use crate::report::page::content::ReportPage;
use crate::report::rehearse::keys;
use crate::run::event::FileKind;
use crate::values::change::ChangeList;
use crate::values::clock_time::on_clock;
use crate::values::duration::HumanDuration;
use crate::values::rehearsal::{RehearsalResult, RehearsalVerdict};
use crate::values::size::Bytes;
use crate::values::text::{printable, visible};

/// So many targets have a line of their own in a list.
const MOST_LINES: usize = 500;

/// So many rows of days are drawn: more of them are folded.
const MOST_ROWS: usize = 1_500;

/// So many squares are drawn: of many days fewer rows.
const MOST_SQUARES: usize = 100_000;

/// So many unsaved objects are named.
const MOST_NAMED: usize = 5;

/// So few days have room for larger squares.
const FEW_DAYS: usize = 45;

/// A part of the page.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) body: Markup,
}

/// A time, to the second.
pub(super) fn time(page: &ReportPage<'_>, time: Timestamp) -> String {
    on_clock(time, &page.zone)
}

/// What is not as it should be; no such part where everything is.
pub(super) fn attention(page: &ReportPage<'_>) -> Option<Section> {
    let bad: Vec<&JudgedTarget> = page
        .freshness
        .targets
        .iter()
        .filter(|target| target.state > TargetState::Ok)
        .collect();
    if bad.is_empty() && page.unsaved.is_empty() {
        return None;
    }
    let left_out = (bad.len() + page.unsaved.len()).saturating_sub(MOST_LINES);
    let unsaved_shown = MOST_LINES.saturating_sub(bad.len());
    let body = html! {
        div.scroll role="group" tabindex="0" aria-label="Needs a look, scrolls sideways" {
            table.stack {
                caption { "Targets without a young good backup, with a failed last attempt, or with unsaved changes" }
                thead { tr {
                    @for title in ["State", "Device", "Domain", "Last Good", "Why"] { th scope="col" { (title) } }
                } }
                tbody {
                    @for target in bad.iter().take(MOST_LINES) { (judged(page, target)) }
                    @for (target, objects) in page.unsaved.iter().take(unsaved_shown) {
                        tr {
                            td data-l="State" { span.st.warned { "unsaved" } }
                            th scope="row" data-l="Device" { (printable(&target.device_name)) }
                            td data-l="Domain" { (printable(&target.domain_name)) }
                            td.k data-l="Last Good" { (last_good(of_export(page, target))) }
                            td.m data-l="Why" {
                                "its running configuration was not its saved one when task " (target.task.0)
                                " looked, " (time(page, target.time))
                                @if let Some(objects) = objects { (named(objects)) }
                            }
                        }
                    }
                }
            }
        }
        @if left_out > 0 { p { (left_out) " more are left out here: " code { (page.command(["history", "status"])) } " has them all." } }
    };
    Some(Section {
        id: "attention",
        title: "Needs a look",
        body,
    })
}

/// The first of some changes by their names.
fn named(objects: &ChangeList) -> String {
    let first: Vec<String> = objects
        .first
        .iter()
        .take(MOST_NAMED)
        .map(|change| visible(&change.piece.to_string()).into_owned())
        .collect();
    match objects.count.saturating_sub(first.len() as u64) {
        _ if first.is_empty() => String::new(),
        0 => format!(": {}", first.join(", ")),
        rest => format!(": {} and {rest} more", first.join(", ")),
    }
}

/// What changed from one export to the next; no such part where nothing did.
pub(super) fn changed(page: &ReportPage<'_>) -> Option<Section> {
    if page.changes.is_empty() {
        return None;
    }
    let body = html! {
        p { "Each export is compared with the one before it. Times and versions do not count, and secrets are not shown." }
        div.scroll role="group" tabindex="0" aria-label="What changed, scrolls sideways" {
            table.stack {
                caption { "Changes of objects and files, newest first" }
                thead { tr {
                    @for title in ["Time", "Device", "Domain", "Change", "Object or File", "Description"] {
                        th scope="col" { (title) }
                    }
                } }
                tbody {
                    @for row in page.changes {
                        tr {
                            td.k data-l="Time" { (time(page, row.time)) }
                            td data-l="Device" { (printable(&row.device_name)) }
                            td data-l="Domain" { (visible(&row.change.domain)) }
                            td data-l="Change" { (row.change.change.word()) }
                            th.w scope="row" data-l="Object or File" { (visible(&row.change.piece.to_string())) }
                            td.m data-l="Description" {
                                @if row.kind == FileKind::NonPersisted { "(what runs) " }
                                (visible(&row.change.description))
                            }
                        }
                    }
                }
            }
        }
        @if page.more_changes { p { "There are more: " code { (page.command(["log", "-n", "1000000"])) } " has them all." } }
    };
    Some(Section {
        id: "changes",
        title: "What changed",
        body,
    })
}

/// What is judged of the exports of a domain, where it is configured.
fn of_export<'p>(page: &'p ReportPage<'_>, unsaved: &UnsavedTarget) -> Option<&'p JudgedTarget> {
    page.freshness.targets.iter().find(|target| {
        target.kind == Some(FileKind::Persisted)
            && target.device == unsaved.device_name
            && target.domain == unsaved.domain_name
    })
}

fn last_good(target: Option<&JudgedTarget>) -> Markup {
    html! {
        @match target.map(|target| (target.age, target.good)) {
            Some((Some(age), _)) => { (HumanDuration(Duration::from_secs(age.as_secs()))) " ago" },
            Some((None, Some(_))) => { "not known" },
            Some((None, None)) => { "never" },
            None => { "–" },
        }
    }
}

fn judged(page: &ReportPage<'_>, target: &JudgedTarget) -> Markup {
    let (class, word) = match (target.state, target.good) {
        (TargetState::Critical, None) => ("failed", "no good backup"),
        (TargetState::Critical, Some(_)) => ("failed", "too old"),
        (TargetState::Warning, _) => ("warned", "last attempt"),
        (TargetState::NotPlanned | TargetState::Ok, _) => ("good", "good"),
    };
    let kind = match target.kind {
        Some(FileKind::SecureBackup) => " (secure backup)",
        _ => "",
    };
    let last = target.last.map(|last| match last.attempt {
        Attempt::Ended => format!("{}, {}", last.status, time(page, last.time)),
        Attempt::Running => format!("at work: {}", last.status),
        Attempt::Abandoned => format!("its process is gone; it was {}", last.status),
        Attempt::NotKnown => format!("not known whether at work: {}", last.status),
    });
    html! {
        tr {
            td data-l="State" { span class={ "st " (class) } { (word) } }
            th scope="row" data-l="Device" { (printable(&target.device)) }
            td data-l="Domain" { (printable(&target.domain)) (kind) }
            td.k data-l="Last Good" { (last_good(Some(target))) }
            td.m data-l="Why" {
                (printable(&target.why))
                @if let Some(last) = last { @if !target.why.is_empty() { "; " } "last attempt: " (last) }
            }
        }
    }
}

/// A square a day for each target; for each device where they are too many.
pub(super) fn days(page: &ReportPage<'_>) -> Section {
    let calendar = page.calendar;
    let dates = calendar.dates();
    let targets = calendar.targets();
    let most_rows = most_rows(dates.len());
    let body = if targets == 0 {
        html! { p { "Nothing was run in this time." } }
    } else if targets <= most_rows {
        let groups = html! {
            @for device in calendar.by_target() {
                tbody {
                    tr { th scope="rowgroup" colspan="2" { (printable(&device.device)) } }
                    @for row in &device.targets { (days_row(row, &dates)) }
                }
            }
        };
        drawn(
            &dates,
            "Each device and its domains, newest day on the right",
            &groups,
        )
    } else {
        let mut rows = calendar.by_device();
        let all = rows.len();
        if all > most_rows {
            rows.retain(|row| row.days.iter().any(|day| *day > Day::Good));
        }
        let shown = rows.len().min(most_rows);
        let groups = html! { tbody { @for row in rows.iter().take(most_rows) { (days_row(row, &dates)) } } };
        html! {
            p {
                (targets) " targets are too many for a row each: a row is a device, and a square the worst of its domains."
                @if shown < all { " " (all - shown) " devices are left out, those first on which nothing went wrong." }
            }
            (drawn(&dates, "Each device, newest day on the right", &groups))
        }
    };
    Section {
        id: "days",
        title: "Day by day",
        body,
    }
}

/// How many rows of so many days are drawn.
pub(super) fn most_rows(days: usize) -> usize {
    MOST_ROWS.min(MOST_SQUARES / days.max(1))
}

fn drawn(dates: &[Date], caption: &str, groups: &Markup) -> Markup {
    let key = [
        Day::Good,
        Day::Warned,
        Day::Failed,
        Day::LeftOut,
        Day::Open,
        Day::Nothing,
    ];
    html! {
        div.scroll role="group" tabindex="0" aria-label="Day by day, scrolls sideways" {
            table.days.few[dates.len() <= FEW_DAYS] {
                caption { (caption) }
                thead { tr { th scope="col" { "Target" } th.row.scale scope="col" {
                    span.unheard { "Days" }
                    span aria-hidden="true" { @for date in dates { i { (tick(*date)) } } }
                } } }
                (groups)
            }
        }
        ul.key { @for day in key { li { span.row aria-hidden="true" { i class=[day.class()] { (day.mark()) } } " " (day.words()) } } }
    }
}

/// The first of a month by its name, Mondays by their day.
fn tick(date: Date) -> String {
    match (date.day(), date.weekday()) {
        (1, _) => date.strftime("%b").to_string(),
        (day @ 4..=28, Weekday::Monday) => day.to_string(),
        _ => String::new(),
    }
}

fn days_row(row: &CalendarRow, dates: &[Date]) -> Markup {
    html! {
        tr {
            th scope="row" title=(printable(&row.name)) { (printable(&row.name)) }
            td.row {
                span.unheard { (in_words(&row.days)) }
                span aria-hidden="true" {
                    @for (day, date) in row.days.iter().zip(dates) {
                        @match day.class() {
                            None => i { (day.mark()) },
                            Some(class) if *day == Day::Nothing => i class=(class) { (day.mark()) },
                            Some(class) => i class=(class) title={ (date) ": " (day.words()) } { (day.mark()) },
                        }
                    }
                }
            }
        }
    }
}

/// What spares said of the backups; no such part where nothing was ever rehearsed.
pub(super) fn rehearsed(page: &ReportPage<'_>) -> Option<Section> {
    if page.rehearsed.is_empty() {
        return None;
    }
    let good = page
        .rehearsed
        .iter()
        .filter(|target| target.last.result.is_good())
        .count();
    let left_out = page.rehearsed.len().saturating_sub(MOST_LINES);
    let body = html! {
        p {
            (good) " of " (page.rehearsed.len()) " domains that were rehearsed would come up, as a spare said in its newest dry run of them. "
            "A dry run proves that the spare takes the backup, and not that the services behind it work."
        }
        div.scroll role="group" tabindex="0" aria-label="Could it be restored, scrolls sideways" {
            table.stack {
                caption { "The newest rehearsal of each domain" }
                thead { tr {
                    @for title in ["State", "Device", "Domain", "When", "Spare", "What it said"] { th scope="col" { (title) } }
                } }
                tbody {
                    @for target in page.rehearsed.iter().take(MOST_LINES) {
                        @let result = &target.last.result;
                        tr {
                            td data-l="State" { span class={ "st " (verdict_class(result)) } { (result.verdict.words()) } }
                            th scope="row" data-l="Device" { (printable(&target.device_name)) }
                            td data-l="Domain" { (printable(&target.domain_name)) }
                            td.k data-l="When" { (time(page, target.last.start_time)) }
                            td data-l="Spare" { (printable(&target.last.spare_name)) }
                            td.m data-l="What it said" {
                                (printable(&result.against()))
                                @if !result.missing_keys.is_empty() {
                                    @if !result.against().is_empty() { "; " }
                                    "keys that it needs from elsewhere: " (keys(&result.missing_keys))
                                }
                            }
                        }
                    }
                }
            }
        }
        @if left_out > 0 { p { (left_out) " more are left out here: " code { (page.command(["history", "status"])) } " has them all." } }
    };
    Some(Section {
        id: "rehearsed",
        title: "Could it be restored",
        body,
    })
}

fn verdict_class(result: &RehearsalResult) -> &'static str {
    match (result.verdict, result.is_good()) {
        (_, true) => "good",
        (RehearsalVerdict::WouldFail, _) => "failed",
        (RehearsalVerdict::WouldWork | RehearsalVerdict::NotKnown, _) => "warned",
    }
}

/// What `prune` took away; no such part where it took nothing.
pub(super) fn removed(page: &ReportPage<'_>) -> Option<Section> {
    let (files, size) = page
        .removed
        .iter()
        .fold((0, 0), |(files, size), row| (files + row.files, size + row.size));
    if files == 0 {
        return None;
    }
    let body = html! {
        p { (files) " files, " (Bytes(size)) ", were removed by prune. The newest good backup of each target always stays." }
        div.scroll role="group" tabindex="0" aria-label="Kept and removed, scrolls sideways" {
            table.stack {
                caption { "Removed from the store, by device" }
                thead { tr { th scope="col" { "Device" } th.r scope="col" { "Files" } th.r scope="col" { "Size" } } }
                tbody {
                    @for row in page.removed.iter().take(MOST_LINES) {
                        tr {
                            th scope="row" data-l="Device" { (printable(&row.device_name)) }
                            td.r data-l="Files" { (row.files) }
                            td.r data-l="Size" { (Bytes(row.size)) }
                        }
                    }
                }
            }
        }
    };
    Some(Section {
        id: "removed",
        title: "Kept and removed",
        body,
    })
}
