//! A notice in words: the subject that says it all, and a text that fits a phone.

use std::fmt::Write;

use crate::notify::notice::{EndChange, Notice, NoticePage, NoticePlace, NoticeTask};
use crate::notify::past::place;
use crate::run::event::{ALL_DOMAINS, ActionKind, Certainty};
use crate::run::status::{Class, Status};
use crate::values::duration::HumanDuration;
use crate::values::event_name::EventName;
use crate::values::first_few::first_few;
use crate::values::lacks::{is_of_every_export, usual_lacks};
use crate::values::size::Bytes;
use crate::values::text::printable;

/// So many places are named in a line.
const NAMED: usize = 3;

/// The longest subject, in characters: what follows is not seen on a phone.
const LONGEST_SUBJECT: usize = 140;

/// The longest warning in it: what was left out is to be seen behind it.
const LONGEST_WARNING: usize = 60;

/// Everything in one line: plan, what, where.
pub fn subject(notice: &Notice) -> String {
    let mut text = String::new();
    if notice.is_test {
        text.push_str("TEST: ");
    }
    if notice.event.is_end() && !notice.still_quiesced.is_empty() {
        let places: Vec<String> = notice
            .still_quiesced
            .iter()
            .map(|at| place(&at.device, &at.domain))
            .collect();
        let loud = gravest(&notice.still_quiesced).words();
        let _ = write!(text, "{loud} {}; ", first_few(&places, NAMED));
    }
    text.push_str(&headline(notice));
    shortened(&printable(&text), LONGEST_SUBJECT)
}

/// What is known of several quiesces: the gravest of it.
fn gravest<'p>(places: impl IntoIterator<Item = &'p NoticePlace>) -> Certainty {
    let not_known = |place: &NoticePlace| place.certainty == Some(Certainty::NotKnown);
    match places.into_iter().all(not_known) {
        true => Certainty::NotKnown,
        false => Certainty::Seen,
    }
}

fn headline(notice: &Notice) -> String {
    let plan = &notice.plan;
    let at = notice
        .place
        .as_ref()
        .map_or_else(String::new, |at| place(&at.device, &at.domain));
    let status = notice.status.map_or("", Status::code);
    match notice.event {
        EventName::Started => format!("{plan} started: {}", tasks(notice.tasks.len())),
        EventName::TaskFailed => format!("{plan}: {at} failed, {status}"),
        EventName::Succeeded => format!(
            "{plan} succeeded{}: {}",
            mended(notice),
            tasks(notice.tasks.len())
        ),
        EventName::Warned => format!("{plan} ended with warnings{}{}", warned(notice), again(notice)),
        EventName::Failed => format!("{plan} {status}{}{}", failed(notice), again(notice)),
        EventName::Refused => format!("{plan} did not start: {status}{}", again(notice)),
        EventName::StillQuiesced => format!("{} {at} ({plan})", gravest(&notice.place).words()),
        EventName::Recovered => format!("{at} recovered ({plan})"),
        EventName::Changed => {
            let count = notice.changes.count();
            let what = if count == 1 { "change" } else { "changes" };
            format!("{plan}: {count} {what} ({})", first_few(places_of(notice), NAMED))
        }
        EventName::Unsaved => format!("{plan}: not saved: {}", first_few(places_of(notice), NAMED)),
        EventName::RehearsalFailed => format!("rehearsal of {at} failed ({plan})"),
    }
}

fn places_of(notice: &Notice) -> Vec<String> {
    let places = notice.changes.places.iter();
    places.map(|(place, _)| place.clone()).collect()
}

fn failed(notice: &Notice) -> String {
    let places: Vec<String> = notice
        .tasks
        .iter()
        .filter(|task| task.status.class() == Class::Failed)
        .map(NoticeTask::place)
        .collect();
    if places.is_empty() {
        return String::new();
    }
    format!(
        ": {} of {} ({})",
        places.len(),
        tasks(notice.tasks.len()),
        first_few(&places, NAMED)
    )
}

fn warned(notice: &Notice) -> String {
    let is_left_out = |task: &&NoticeTask| matches!(task.status.class(), Class::Skipped | Class::Cancelled);
    let places: Vec<String> = notice
        .tasks
        .iter()
        .filter(is_left_out)
        .map(NoticeTask::place)
        .collect();
    let first = notice.warnings.first().map(|first| {
        let more = match notice.warnings.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        format!("{}{more}", shortened(first, LONGEST_WARNING))
    });
    let left_out = (!places.is_empty()).then(|| {
        format!(
            "{} of {} left out ({})",
            places.len(),
            tasks(notice.tasks.len()),
            first_few(&places, NAMED)
        )
    });
    let all: Vec<String> = first.into_iter().chain(left_out).collect();
    match all.is_empty() {
        true => String::new(),
        false => format!(": {}", all.join("; ")),
    }
}

fn again(notice: &Notice) -> String {
    match notice.change {
        Some(EndChange::Again { times, .. }) => format!(", {times} times now"),
        Some(EndChange::First | EndChange::Other { .. } | EndChange::WellAgain { .. }) | None => {
            String::new()
        }
    }
}

fn mended(notice: &Notice) -> String {
    match notice.change {
        Some(EndChange::WellAgain { was, times: 1, .. }) => format!(" again, after {was}"),
        Some(EndChange::WellAgain { was, times, .. }) => {
            format!(" again, after {times} times without, last {was}")
        }
        Some(EndChange::First | EndChange::Again { .. } | EndChange::Other { .. }) | None => String::new(),
    }
}

fn tasks(count: usize) -> String {
    if count == 1 {
        "1 task".to_owned()
    } else {
        format!("{count} tasks")
    }
}

/// The subject and why, for a line in a log.
pub fn line(notice: &Notice) -> String {
    let mut text = subject(notice);
    if let Some(error) = &notice.error {
        let _ = write!(text, ": {}", printable(error));
    }
    text
}

/// The whole message. Its columns fit forty characters; what is longer stands in lines of
/// its own, which a phone may wrap.
pub fn body(notice: &Notice) -> String {
    let mut text = String::new();
    if notice.is_test {
        text.push_str("This is a test. Nothing of it happened.\n\n");
    }
    if notice.event.is_end() {
        for at in &notice.still_quiesced {
            let _ = writeln!(
                text,
                "{}: {}",
                gravest([at]).words(),
                printable(&place(&at.device, &at.domain))
            );
            let _ = writeln!(text, "  {}", printable(at.error.as_deref().unwrap_or_default()));
            let _ = writeln!(text, "  run: {}\n", notice.invocation.command(["recover"]));
        }
    }
    what(notice, &mut text);
    listed(notice.warnings.iter(), &mut text);
    if !notice.tasks.is_empty() && notice.event != EventName::Started {
        text.push('\n');
        table(notice, &mut text);
    }
    if !notice.changes.places.is_empty() {
        text.push('\n');
        changes(notice, &mut text);
    }
    let (usual, other): (Vec<_>, Vec<_>) = notice.notes.iter().partition(|note| is_of_every_export(note));
    let usual = (!usual.is_empty()).then(|| usual_lacks(usual.len()));
    listed(other.into_iter().chain(&usual), &mut text);
    if let Some(execution) = notice.execution.filter(|_| !notice.is_test) {
        let id = execution.0.to_string();
        let more = notice.invocation.command(["history", &id]);
        let _ = writeln!(text, "\nmore: {more}");
    }
    text
}

/// Sentences, each in a line of its own, below an empty one.
fn listed<'s>(sentences: impl Iterator<Item = &'s String>, text: &mut String) {
    let mut before = "\n";
    for sentence in sentences {
        let _ = writeln!(text, "{before}- {}", printable(sentence));
        before = "";
    }
}

/// All that was remarked on, what was warned of first.
pub fn remarks(notice: &Notice) -> Vec<&str> {
    let all = notice.warnings.iter().chain(&notice.notes);
    all.map(String::as_str).collect()
}

/// The body of a mail: what else goes with it, too.
pub fn mail_body(notice: &Notice) -> String {
    let mut text = body(notice);
    let command = notice
        .invocation
        .command(["report", "FILE.html", "--plan", &notice.plan]);
    let _ = match &notice.page {
        None => Ok(()),
        Some(NoticePage::Attached(_)) => writeln!(text, "report: attached"),
        Some(NoticePage::LeftOut(why)) => {
            writeln!(text, "report: left out ({}); {command}", printable(why))
        }
    };
    text
}

/// The facts, one in a line.
fn what(notice: &Notice, text: &mut String) {
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<10}{}", printable(value));
    };
    fact("plan", &notice.plan);
    if let Some(at) = &notice.place {
        fact("device", &at.device);
        fact("domain", &at.domain);
    }
    match (notice.event, notice.status) {
        (EventName::Started, _) => fact("status", &format!("started, {}", tasks(notice.tasks.len()))),
        (EventName::StillQuiesced, _) => {
            let recover = notice.invocation.command(["recover"]);
            let loud = gravest(&notice.place).words();
            fact("status", &format!("{loud}: run {recover}"));
        }
        (EventName::Recovered, _) => fact("status", "recovered"),
        (EventName::Changed, _) => fact("status", "changed"),
        (EventName::Unsaved, _) => fact("status", "not saved"),
        (EventName::RehearsalFailed, _) => fact("status", "a rehearsal of its backup failed"),
        (_, Some(status)) => fact("status", status.code()),
        (_, None) => fact("status", notice.event.word()),
    }
    if let Some(error) = &notice.error {
        fact("why", error);
    }
    match notice.change {
        Some(EndChange::Again { since, times }) => {
            fact("since", &format!("{}, {times} times", notice.clock(since)));
        }
        Some(EndChange::WellAgain { was, since, .. }) => {
            fact("before", &format!("{was} since {}", notice.clock(since)));
        }
        Some(EndChange::Other { was }) => fact("before", was.code()),
        Some(EndChange::First) | None => {}
    }
    match (notice.started, notice.took) {
        (Some(started), Some(took)) => {
            fact("started", &notice.clock(started));
            fact("took", &HumanDuration(took).to_string());
        }
        _ => fact("time", &notice.clock(notice.time)),
    }
    fact("host", notice.host.as_deref().unwrap_or("not known"));
}

/// The first changes, each with its place, and how many more there are.
fn changes(notice: &Notice, text: &mut String) {
    for told in &notice.changes.first {
        let at = place(&told.device, &told.change.domain);
        let _ = writeln!(
            text,
            "{}\n  {}",
            printable(&at),
            printable(&told.change.to_string())
        );
    }
    let more = notice
        .changes
        .count()
        .saturating_sub(notice.changes.first.len() as u64);
    if more > 0 {
        let log = notice.invocation.command(["log"]);
        let _ = writeln!(text, "and {more} more: {log}");
    }
    for (place, _) in notice.changes.places.iter().filter(|(_, count)| count.is_none()) {
        let _ = writeln!(text, "{}\n  what of it is not known", printable(place));
    }
}

/// What did not succeed first, then the rest, and the sums.
fn table(notice: &Notice, text: &mut String) {
    let (good, other): (Vec<_>, Vec<_>) = notice.tasks.iter().partition(|task| task.is_good());
    for task in other {
        let _ = writeln!(
            text,
            "{:<9} {}",
            class_word(task.status),
            printable(&target(task))
        );
        let why = task.error.as_deref().unwrap_or_default();
        let _ = writeln!(text, "          {}", task.status);
        if !why.is_empty() {
            let _ = writeln!(text, "          {}", printable(why));
        }
    }
    for task in good {
        let _ = write!(
            text,
            "{:<9} {}  {}",
            "ok",
            printable(&target(task)),
            Bytes(task.bytes)
        );
        if let Some(took) = task.took {
            let _ = write!(text, "  {}", HumanDuration(took));
        }
        text.push('\n');
    }
    if notice.event.is_end() {
        let bytes: u64 = notice.tasks.iter().map(|task| task.bytes).sum();
        let _ = writeln!(
            text,
            "\n{} succeeded, {} failed,\n{} skipped, {} cancelled,\n{} stored",
            notice.count(&[Class::Success]),
            notice.count(&[Class::Failed]),
            notice.count(&[Class::Skipped, Class::Refused]),
            notice.count(&[Class::Cancelled]),
            Bytes(bytes)
        );
    }
}

fn class_word(status: Status) -> &'static str {
    match status.class() {
        Class::Success => "ok",
        // Refused with its plan: it was never started.
        Class::Skipped | Class::Refused => "skipped",
        Class::Cancelled => "cancelled",
        Class::Interim => "open",
        Class::Warning | Class::Failed => "FAILED",
    }
}

/// `QA1 secure backup`, `TEST8/DOMAIN1`, `TEST8 all domains`.
fn target(task: &NoticeTask) -> String {
    match (task.action, task.domain.as_str()) {
        (ActionKind::SecureBackup, _) => format!("{} secure backup", task.device),
        (ActionKind::ExportDomain, ALL_DOMAINS) => format!("{} all domains", task.device),
        (ActionKind::ExportDomain, _) => task.place(),
        (ActionKind::RestoreDomain, _) => format!("{} restore", task.place()),
    }
}

/// `text`, cut where it is longer than so many characters.
pub fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text
            .chars()
            .take(longest.saturating_sub(1))
            .chain(['…'])
            .collect(),
    }
}
