//! What came of the messages that `notify-test` sent, line by line.

use std::fmt::Write as _;

use crate::values::event_name::EventName;
use crate::values::text::printable;

/// What there is to say, in the order in which it came.
#[derive(Clone, Debug)]
pub enum TestLine {
    /// What follows is about the receivers of this plan.
    Plan(String),
    /// These would be real alarms, and were not asked for.
    HeldBack {
        receiver: String,
        events: Vec<EventName>,
    },
    /// The plan file does not want it to be told of this one.
    LeftOut { receiver: String, event: EventName },
    /// One that was sent, or the file of metrics, which is about no event.
    Sent {
        receiver: String,
        event: Option<EventName>,
        place: Option<String>,
        answer: TestAnswer,
    },
    /// What was not sent to a receiver that had not taken the one before.
    Untried {
        receiver: String,
        events: Vec<EventName>,
    },
    /// There is no history of which metrics could be made.
    NoMetrics,
    /// No plan has receivers.
    Nobody,
}

/// What a receiver answered, or why it did not take the message.
#[derive(Clone, Debug)]
pub enum TestAnswer {
    Taken(String),
    NotForAll(String),
    Failed(String),
}

impl TestLine {
    /// Whether it is told however little somebody wants to hear.
    fn is_trouble(&self) -> bool {
        match self {
            Self::Sent { answer, .. } => !matches!(answer, TestAnswer::Taken(_)),
            Self::Nobody => true,
            Self::Plan(_)
            | Self::HeldBack { .. }
            | Self::LeftOut { .. }
            | Self::Untried { .. }
            | Self::NoMetrics => false,
        }
    }

    fn write(&self, text: &mut String) {
        let words = |events: &[EventName]| {
            let words: Vec<&str> = events.iter().map(|event| event.word()).collect();
            words.join(", ")
        };
        // Writing into a String cannot fail.
        let _ = match self {
            Self::Plan(name) => writeln!(text, "plan {}", printable(name)),
            Self::HeldBack { receiver, events } => writeln!(
                text,
                "  {receiver} {}: not sent, for it would be a real alarm; --alarms sends it too",
                words(events)
            ),
            Self::LeftOut { receiver, event } => {
                writeln!(text, "  {receiver} {event}: not sent, `events` leaves it out")
            }
            Self::Untried { receiver, events } => {
                writeln!(text, "  {receiver} {}: not tried after that", words(events))
            }
            Self::NoMetrics => writeln!(
                text,
                "  metrics: not written: nothing was recorded yet; the first run writes them"
            ),
            Self::Nobody => writeln!(
                text,
                "nobody is told of anything: no plan has syslog, email, webhook or ping; add one of them under a [[plan]], such as \
                 `syslog = true`"
            ),
            Self::Sent {
                receiver,
                event,
                place,
                answer,
            } => {
                let event = event.map_or_else(String::new, |event| format!(" {event}"));
                let place = place
                    .as_deref()
                    .map_or_else(String::new, |place| format!(" ({place})"));
                let (word, said) = match answer {
                    TestAnswer::Taken(said) => ("ok", said),
                    TestAnswer::NotForAll(said) => ("NOT FOR ALL", said),
                    TestAnswer::Failed(said) => ("FAILED", said),
                };
                writeln!(text, "  {receiver}{event}: {word}{place}: {}", printable(said))
            }
        };
    }
}

/// All of it, or what went wrong alone, under the plans that it is about.
pub fn notify_test(lines: &[TestLine], is_trouble_alone: bool) -> String {
    let mut text = String::new();
    let mut plan = None;
    for line in lines {
        match line {
            TestLine::Plan(_) if is_trouble_alone => plan = Some(line),
            // It is about no plan.
            TestLine::Sent { event: None, .. } => plan = None,
            _ => {}
        }
        if is_trouble_alone && !line.is_trouble() {
            continue;
        }
        if let Some(plan) = plan.take() {
            plan.write(&mut text);
        }
        line.write(&mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(receiver: &str, answer: TestAnswer) -> TestLine {
        TestLine::Sent {
            receiver: receiver.to_owned(),
            event: Some(EventName::Started),
            place: Some("mail.example.com".to_owned()),
            answer,
        }
    }

    #[test]
    fn a_file_of_metrics_is_about_no_plan() {
        let metrics = TestLine::Sent {
            receiver: "metrics".to_owned(),
            event: None,
            place: None,
            answer: TestAnswer::Failed("no such folder".to_owned()),
        };
        let lines = [TestLine::Plan("Good".to_owned()), metrics];
        assert_eq!(notify_test(&lines, true), "  metrics: FAILED: no such folder\n");
    }

    #[test]
    fn who_wants_to_hear_little_hears_what_went_wrong_under_its_plan() {
        let lines = [
            TestLine::Plan("Good".to_owned()),
            sent("syslog", TestAnswer::Taken("written".to_owned())),
            TestLine::Plan("Bad".to_owned()),
            sent("e-mail", TestAnswer::Failed("nobody answers".to_owned())),
            TestLine::Untried {
                receiver: "e-mail".to_owned(),
                events: vec![EventName::Failed, EventName::Succeeded],
            },
        ];
        let bad = format!(
            "plan Bad\n  e-mail {}: FAILED (mail.example.com): nobody answers\n",
            EventName::Started
        );
        assert_eq!(notify_test(&lines, true), bad);
        let all = format!(
            "plan Good\n  syslog {}: ok (mail.example.com): written\n{bad}  e-mail {}, {}: not tried after that\n",
            EventName::Started,
            EventName::Failed,
            EventName::Succeeded
        );
        assert_eq!(notify_test(&lines, false), all);
    }
}
