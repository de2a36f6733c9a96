//! `dpbackup notify-test`: whether those who are told of plans can be reached, by one of each message.

use jiff::Timestamp;

use crate::cli::{Global, NotifyTestArgs};
use crate::clock::{Clock, SystemClock};
use crate::commands::frame::error::{Outcome, print};
use crate::commands::frame::history_file::read_history;
use crate::commands::frame::loading::{load_plan, with_open_rows};
use crate::commands::frame::opening::{past, planned, telling};
use crate::commands::named::names::chosen;
use crate::exit::Exit;
use crate::notify::made_up::made_up;
use crate::notify::past::Past;
use crate::notify::receiver::Receiver;
use crate::notify::{Delivery, Notifier};
use crate::plan::model::Plan;
use crate::report::notify_test::{TestAnswer, TestLine, notify_test as drawn};
use crate::ui::{MovingLine, Ui, Verbosity};
use crate::values::environment::Lookup;
use crate::values::event_name::EventName;

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
pub(super) fn notify_test(
    global: &Global,
    args: &NotifyTestArgs,
    (ui, line): (Ui, &MovingLine),
    env: Lookup<'_>,
) -> Outcome {
    let loaded = load_plan(global, ui, env).map_err(|error| with_open_rows(error, global, env))?;
    let file = &loaded.plan_file;
    let plans: Vec<&Plan> = match &args.plan {
        Some(name) => chosen(file, &["notify-test"], std::slice::from_ref(name), env)?,
        None => file.plans.iter().collect(),
    };
    let clock = SystemClock::new();
    // The metrics are not made up: without a history there is nothing that they could say.
    let planned = planned(file);
    let past = past(file);
    let past = past.as_ref().map(|past| past as &dyn Past);
    let waits = telling(line.clone());
    let notifier = Notifier::new(file, env, clock.zone(), past, &planned).shown_by(&waits);

    let mut lines = Vec::new();
    let mut exit = Exit::Success;
    let mut known: Vec<Receiver<'_>> = Vec::new();
    for plan in plans {
        let mut receivers = notifier.receivers(&plan.name);
        receivers.retain(|receiver| !known.iter().any(|known| known.is_same_as(receiver)));
        known.extend(receivers.clone());
        if receivers.is_empty() {
            continue;
        }
        lines.push(TestLine::Plan(plan.name.clone()));
        for receiver in receivers {
            let told = tell_all(
                &notifier,
                &receiver,
                args.alarms,
                clock.now(),
                &plan.name,
                &mut lines,
            );
            exit = exit.or_graver(told);
        }
    }
    let has_history = !matches!(read_history(&file.settings), Ok(None));
    if file.notify.metrics.is_some() && !has_history {
        lines.push(TestLine::NoMetrics);
    } else if let Some(answer) = notifier.metrics(clock.now()) {
        exit = exit.or_graver(take(answer, None, &mut lines));
    }
    if lines.is_empty() {
        lines.push(TestLine::Nobody);
        exit = Exit::Warned;
    }
    print(ui, &drawn(&lines, ui.verbosity == Verbosity::Quiet))?;
    Ok(exit)
}

/// Sends one of each message to a receiver, until it does not take one: what is not there is waited for once.
fn tell_all(
    notifier: &Notifier<'_>,
    receiver: &Receiver<'_>,
    with_alarms: bool,
    now: Timestamp,
    plan: &str,
    lines: &mut Vec<TestLine>,
) -> Exit {
    let events = || ORDER.into_iter().filter(|event| receiver.can_say(*event));
    let is_alarm = |event: &EventName| !with_alarms && receiver.would_alarm(*event);
    let name = || receiver.name.to_string();
    let held_back: Vec<EventName> = events().filter(is_alarm).collect();
    if !held_back.is_empty() {
        lines.push(TestLine::HeldBack {
            receiver: name(),
            events: held_back,
        });
    }
    let mut exit = Exit::Success;
    let mut untried = Vec::new();
    for event in events().filter(|event| !is_alarm(event)) {
        let is_due = receiver.events.contains(event);
        if exit == Exit::Failed {
            untried.extend(is_due.then_some(event));
        } else if is_due {
            for answer in notifier.tell(&made_up(notifier.notice(now, event, plan)), &[receiver]) {
                exit = exit.or_graver(take(answer, Some(event), lines));
            }
        } else {
            lines.push(TestLine::LeftOut {
                receiver: name(),
                event,
            });
        }
    }
    if !untried.is_empty() {
        lines.push(TestLine::Untried {
            receiver: name(),
            events: untried,
        });
    }
    exit
}

/// What a receiver answered becomes a line, and is good or not.
fn take(delivery: Delivery, event: Option<EventName>, lines: &mut Vec<TestLine>) -> Exit {
    let (answer, exit) = match delivery.answer {
        Ok(receipt) if receipt.refused.is_empty() => (TestAnswer::Taken(receipt.answer), Exit::Success),
        Ok(receipt) => {
            let said = format!("{}; not taken for {}", receipt.answer, receipt.not_taken_for());
            (TestAnswer::NotForAll(said), Exit::Failed)
        }
        Err(said) => (TestAnswer::Failed(said), Exit::Failed),
    };
    lines.push(TestLine::Sent {
        receiver: delivery.receiver,
        event,
        place: delivery.place,
        answer,
    });
    exit
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
