//! `dpbackup notify-test`

use std::fmt::Write;

use crate::cli::{Global, NotifyTestArgs};
use crate::clock::{Clock, SystemClock};
use crate::commands::error::{Outcome, print};
use crate::commands::loading::{load_plan, read_history, with_open_rows};
use crate::commands::names::chosen;
use crate::commands::opening::{past, planned};
use crate::exit::Exit;
use crate::notify::notice::{Notice, NoticeChanges, NoticePlace, NoticeTask};
use crate::notify::previous::Previous;
use crate::notify::receiver::Receiver;
use crate::notify::send::Receipt;
use crate::notify::{Delivery, Notifier};
use crate::plan::model::Plan;
use crate::run::event::{ActionKind, PlanId, TaskId};
use crate::run::status::Status;
use crate::ui::{Ui, Verbosity};
use crate::values::change::{Change, ChangeList, ConfigChange, ConfigPiece};
use crate::values::environment::Lookup;
use crate::values::event_name::EventName;
use crate::values::text::printable;

/// All of them. The success is the last: a service of pings is left in order.
const ORDER: [EventName; EventName::ALL.len()] = [
    EventName::Started,
    EventName::TaskFailed,
    EventName::StillQuiesced,
    EventName::Recovered,
    EventName::Changed,
    EventName::Unsaved,
    EventName::RehearsalFailed,
    EventName::Refused,
    EventName::Failed,
    EventName::Warned,
    EventName::Succeeded,
];

/// Sends one of each message that somebody would be sent.
pub(super) fn notify_test(global: &Global, args: &NotifyTestArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan(global, ui, env).map_err(|error| with_open_rows(error, global, env))?;
    let file = &loaded.plan_file;
    let plans: Vec<&Plan> = match &args.plan {
        Some(name) => chosen(file, &["notify-test"], std::slice::from_ref(name))?,
        None => file.plans.iter().collect(),
    };
    let clock = SystemClock::new();
    // The metrics are not made up: without a history there is nothing that they could say.
    let planned = planned(file);
    let past = past(file);
    let past = past.as_ref().map(|past| past as &dyn Previous);
    let notifier = Notifier::new(file, env, clock.zone(), past, &planned);

    let mut text = String::new();
    let mut exit = Exit::Success;
    let mut is_anybody_told = false;
    let mut known: Vec<Receiver<'_>> = Vec::new();
    for plan in plans {
        let mut receivers = notifier.receivers(&plan.name);
        receivers.retain(|receiver| !known.iter().any(|known| known.is_same_as(receiver)));
        known.extend(receivers.clone());
        if receivers.is_empty() {
            continue;
        }
        is_anybody_told = true;
        let before = text.len();
        let _ = writeln!(text, "plan {}", printable(&plan.name));
        let heading = text.len();
        for receiver in receivers {
            let alarms = |event: &EventName| receiver.can_say(*event) && receiver.would_alarm(*event);
            let held_back: Vec<EventName> = ORDER
                .into_iter()
                .filter(alarms)
                .filter(|_| !args.alarms)
                .collect();
            if !held_back.is_empty() && ui.verbosity > Verbosity::Quiet {
                let words: Vec<&str> = held_back.iter().map(|event| event.word()).collect();
                let _ = writeln!(
                    text,
                    "  {} {}: not sent, for it would be a real alarm; --alarms sends it too",
                    receiver.name,
                    words.join(", ")
                );
            }
            // A receiver that is not there is waited for once, and told once.
            let mut untried: Vec<&str> = Vec::new();
            let mut has_failed = false;
            for event in ORDER.into_iter().filter(|event| !held_back.contains(event)) {
                if has_failed {
                    let is_due = receiver.can_say(event) && receiver.events.contains(event);
                    untried.extend(is_due.then(|| event.word()));
                    continue;
                }
                let notice = made_up(&notifier, clock.now(), event, &plan.name);
                let told = tell(&notifier, &receiver, &notice, ui.verbosity, &mut text);
                has_failed = told == Exit::Failed;
                exit = exit.or_graver(told);
            }
            if !untried.is_empty() && ui.verbosity > Verbosity::Quiet {
                let _ = writeln!(
                    text,
                    "  {} {}: not tried after that",
                    receiver.name,
                    untried.join(", ")
                );
            }
        }
        if text.len() == heading && ui.verbosity == Verbosity::Quiet {
            text.truncate(before);
        }
    }
    let has_history = !matches!(read_history(&file.settings), Ok(None));
    if file.notify.metrics.is_some() && !has_history {
        if ui.verbosity > Verbosity::Quiet {
            text.push_str("  metrics: not written: nothing was recorded yet; the first run writes them\n");
        }
        is_anybody_told = true;
    } else if let Some(answer) = notifier.metrics(clock.now()) {
        exit = exit.or_graver(say(&answer, "", ui.verbosity, &mut text));
        is_anybody_told = true;
    }
    if !is_anybody_told {
        text.push_str(
            "nobody is told of anything: no plan has syslog, email, webhook or ping; add one of them under a [[plan]], such as \
             `syslog = true`\n",
        );
        exit = Exit::Warned;
    }
    print(ui, &text)?;
    Ok(exit)
}

fn tell(
    notifier: &Notifier<'_>,
    receiver: &Receiver<'_>,
    notice: &Notice,
    verbosity: Verbosity,
    text: &mut String,
) -> Exit {
    let event = notice.event;
    if !receiver.can_say(event) {
        return Exit::Success;
    }
    if !receiver.events.contains(event) {
        if verbosity > Verbosity::Quiet {
            let _ = writeln!(
                text,
                "  {} {event}: not sent, `events` leaves it out",
                receiver.name
            );
        }
        return Exit::Success;
    }
    let mut exit = Exit::Success;
    for answer in notifier.tell(notice, &[receiver]) {
        exit = exit.or_graver(say(&answer, &format!(" {event}"), verbosity, text));
    }
    exit
}

fn say(answer: &Delivery, event: &str, verbosity: Verbosity, text: &mut String) -> Exit {
    let place = answer
        .place
        .as_deref()
        .map_or_else(String::new, |place| format!(" ({place})"));
    let (word, said, exit) = match &answer.answer {
        Ok(Receipt { answer, refused }) if refused.is_empty() => ("ok", answer.clone(), Exit::Success),
        Ok(Receipt { answer, refused }) => {
            let said = format!("{answer}; not taken for {}", refused.join(", "));
            ("NOT FOR ALL", said, Exit::Failed)
        }
        Err(said) => ("FAILED", said.clone(), Exit::Failed),
    };
    if exit == Exit::Success && verbosity == Verbosity::Quiet {
        return exit;
    }
    // Writing into a String cannot fail.
    let _ = writeln!(
        text,
        "  {}{event}: {word}{place}: {}",
        answer.receiver,
        printable(&said)
    );
    exit
}

/// A message in which everything is made up but the plan.
fn made_up(notifier: &Notifier<'_>, now: jiff::Timestamp, event: EventName, plan: &str) -> Notice {
    let (status, task_status, error) = match event {
        EventName::Started => (Status::Running, Status::ReadyForExecution, None),
        EventName::TaskFailed => (
            Status::DownloadFailed,
            Status::DownloadFailed,
            Some("the connection broke"),
        ),
        EventName::Succeeded => (Status::Success, Status::Success, None),
        EventName::Warned => (
            Status::CompletedWithWarnings,
            Status::SkippedDeviceNotAvailable,
            Some("task 2 SKIPPED_DEVICE_NOT_AVAILABLE: nobody answers"),
        ),
        EventName::Failed => (
            Status::Failed,
            Status::DownloadFailed,
            Some("task 2 DOWNLOAD_FAILED: the connection broke"),
        ),
        EventName::Refused => (
            Status::Locked,
            Status::ReadyForExecution,
            Some("held by another run"),
        ),
        EventName::StillQuiesced => (
            Status::Running,
            Status::Unquiescing,
            Some("no answer from the device"),
        ),
        EventName::Recovered => (
            Status::Abandoned,
            Status::Abandoned,
            Some("unquiesced and confirmed"),
        ),
        EventName::Changed | EventName::Unsaved => (Status::Success, Status::Success, None),
        EventName::RehearsalFailed => (
            Status::Success,
            Status::Success,
            Some("would fail; MultiProtocolGateway orders: ERROR"),
        ),
    };
    let task = |id, domain: &str, status: Status| NoticeTask {
        id: TaskId(id),
        action: ActionKind::ExportDomain,
        device: "EXAMPLE1".to_owned(),
        domain: domain.to_owned(),
        status,
        error: error.filter(|_| status != Status::Success).map(str::to_owned),
        files: 1,
        bytes: if status == Status::Success { 1_234_567 } else { 0 },
        began: None,
        took: Some(std::time::Duration::from_secs(12)),
    };
    let bad = task(2, "DOMAIN2", task_status);
    let tasks = match event {
        EventName::TaskFailed => vec![bad],
        EventName::Refused | EventName::StillQuiesced | EventName::Recovered | EventName::RehearsalFailed => {
            Vec::new()
        }
        _ => vec![task(1, "DOMAIN1", Status::Success), bad],
    };
    let changes = match event {
        EventName::Changed | EventName::Unsaved => made_up_changes(&tasks),
        _ => NoticeChanges::default(),
    };
    let is_about_a_place = matches!(
        event,
        EventName::TaskFailed | EventName::StillQuiesced | EventName::Recovered | EventName::RehearsalFailed
    );
    let place = NoticePlace::named(TaskId(2), "EXAMPLE1", "DOMAIN2");
    Notice {
        is_test: true,
        execution: Some(PlanId(0)),
        started: now.checked_sub(std::time::Duration::from_secs(90)).ok(),
        status: Some(status),
        error: error.map(str::to_owned),
        place: is_about_a_place.then_some(place),
        tasks,
        changes,
        ..notifier.notice(now, event, plan)
    }
}

/// Two changes that nobody made.
fn made_up_changes(tasks: &[NoticeTask]) -> NoticeChanges {
    let object = |class: &str, change, description: &str| ConfigChange {
        domain: "DOMAIN1".to_owned(),
        piece: ConfigPiece::Object {
            class: class.to_owned(),
            name: "example".to_owned(),
        },
        change,
        description: description.to_owned(),
    };
    let list = ChangeList {
        first: vec![
            object("HTTPUserAgent", Change::Changed, "Timeout: 300 → 60"),
            object("XMLManager", Change::Added, ""),
        ],
        count: 2,
    };
    let mut changes = NoticeChanges::default();
    if let Some(task) = tasks.first() {
        changes.add(task.id, (&task.device, &task.domain), Some(&list));
    }
    changes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_message_is_tried_once() {
        let words = |events: [EventName; EventName::ALL.len()]| events.map(EventName::word);
        let (tried, all) = (words(ORDER), words(EventName::ALL));
        assert_eq!(BTreeSet::from(tried), BTreeSet::from(all));
    }
}
