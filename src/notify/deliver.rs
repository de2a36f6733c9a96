//! Sends one message to several receivers, each with its tries, all at the same time.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use crate::notify::notice::Notice;
use crate::notify::receiver::Ready;
use crate::notify::send::{Receipt, RefusedReceiver, SendError, SendTrouble, Sent, within};
use crate::threads::{self, Awaited, Starter};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// How often is looked whether it is waited for any longer.
const LOOK: Duration = Duration::from_millis(50);

/// What a receiver answered to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What it is called.
    pub receiver: String,
    /// Where it is, without what is secret; unknown when its secrets cannot be had.
    pub place: Option<String>,
    /// Its answer, or why it did not take the message.
    pub answer: Result<Receipt, String>,
}

/// How long that takes at most, in whole seconds, as the time that has passed is shown.
pub(super) fn longest(limit: Duration, tries: u32) -> Duration {
    let exact = limit * tries + PAUSE * tries.saturating_sub(1);
    Duration::from_secs(exact.as_secs().max(1))
}

/// Sends to all, and waits until each has taken it or has used up its tries, or until nobody `waits` any longer: what is
/// under way then is left to itself. Where no threads can be had they are sent to one after another.
pub(super) fn to_all(
    receivers: Vec<(String, Result<Arc<Ready>, SendError>)>,
    notice: &Arc<Notice>,
    limit: Duration,
    tries: u32,
    waits: &dyn Fn() -> bool,
) -> Vec<Delivery> {
    to_all_by(threads::start, receivers, notice, limit, tries, waits)
}

fn to_all_by(
    starter: Starter,
    receivers: Vec<(String, Result<Arc<Ready>, SendError>)>,
    notice: &Arc<Notice>,
    limit: Duration,
    tries: u32,
    waits: &dyn Fn() -> bool,
) -> Vec<Delivery> {
    let sending: Vec<_> = receivers
        .into_iter()
        .map(|(receiver, ready)| {
            let notice = Arc::clone(notice);
            let place = ready.as_ref().ok().map(|ready| ready.shown.clone());
            let answer = threads::elsewhere(starter, "receiver", move || {
                send(&ready.map_err(|error| error.message)?, &notice, limit, tries)
            });
            (receiver, place, answer)
        })
        .collect();
    let deliveries = sending.into_iter().map(|(receiver, place, answer)| Delivery {
        receiver,
        place,
        answer: answered(&answer, waits),
    });
    deliveries.collect()
}

/// What came of it, as long as somebody `waits`.
fn answered(answer: &Awaited<Result<Receipt, String>>, waits: &dyn Fn() -> bool) -> Result<Receipt, String> {
    loop {
        match answer.recv_timeout(LOOK) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Timeout) if waits() => {}
            Err(RecvTimeoutError::Timeout) => {
                return Err("its answer was waited for no longer, for a signal came".to_owned());
            }
            // Whoever was to send it has panicked: that is no reason to say nothing of it.
            Err(RecvTimeoutError::Disconnected) => {
                return Err("internal error (please report it): it was not sent to its end".to_owned());
            }
        }
    }
}

/// Tries until it is taken, until another try cannot help, or until the tries are used up.
fn send(ready: &Arc<Ready>, notice: &Arc<Notice>, limit: Duration, tries: u32) -> Result<Receipt, String> {
    let sent = tried(tries, PAUSE, |again| {
        let (one, what) = (Arc::clone(ready), Arc::clone(notice));
        within(limit, move || one.send(&what, again.as_deref(), limit))
    });
    let mut receipt = sent.map_err(|error| ready.scrubbed(&error))?;
    receipt.answer = ready.scrubbed(&receipt.answer);
    for one in &mut receipt.refused {
        one.address = ready.scrubbed(&one.address);
        one.why = ready.scrubbed(&one.why);
    }
    Ok(receipt)
}

/// The same by `send`, which is told for whom alone where it was taken for others before.
fn tried(
    tries: u32,
    pause: Duration,
    mut send: impl FnMut(Option<Vec<String>>) -> Sent,
) -> Result<Receipt, String> {
    let mut taken: Option<Receipt> = None;
    let mut now = 0;
    loop {
        now += 1;
        let sent = send(taken.as_ref().map(worth_another_try));
        taken = match (taken, sent) {
            (None, Ok(receipt)) => Some(receipt),
            (Some(before), Ok(receipt)) => Some(taken_in_all(before, receipt)),
            (Some(before), Err(error)) if error.trouble == SendTrouble::Passing => Some(before),
            (Some(before), Err(_)) => return Ok(before),
            (None, Err(error)) if error.trouble == SendTrouble::Passing && now < tries => None,
            (None, Err(error)) if now == 1 => return Err(error.message),
            (None, Err(error)) => return Err(format!("{} (tried {now} times)", error.message)),
        };
        taken = match taken {
            Some(taken) if now >= tries || worth_another_try(&taken).is_empty() => return Ok(taken),
            taken => taken,
        };
        std::thread::sleep(pause);
    }
}

/// Those for whom a message was not taken, and may be when it is tried again.
fn worth_another_try(receipt: &Receipt) -> Vec<String> {
    let passing = |one: &&RefusedReceiver| one.trouble == SendTrouble::Passing;
    let refused = receipt.refused.iter().filter(passing);
    refused.map(|one| one.address.clone()).collect()
}

/// What came of two tries, the second one for those alone for whom it was worth it.
fn taken_in_all(before: Receipt, again: Receipt) -> Receipt {
    let lasting = |one: &RefusedReceiver| one.trouble != SendTrouble::Passing;
    let stay = before.refused.into_iter().filter(lasting);
    Receipt {
        answer: before.answer,
        refused: stay.chain(again.refused).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::message_tests::failed;
    use crate::threads::{Work, none_left};

    /// A thread that ends before its work does.
    fn lost(_name: &str, _work: Work) -> Result<(), Work> {
        Ok(())
    }

    #[test]
    fn a_receiver_whose_thread_has_panicked_has_failed_and_is_named() {
        let receivers = vec![("one".to_owned(), Err(SendError::lasting("no secret".to_owned())))];
        let limit = Duration::from_secs(3600);
        let sent = to_all_by(lost, receivers, &Arc::new(failed()), limit, 1, &|| true);
        let [delivery] = sent.as_slice() else {
            panic!("{sent:?}")
        };
        assert_eq!(delivery.receiver, "one");
        let error = delivery.answer.as_ref().expect_err("a failure");
        assert!(error.contains("internal error"), "{error}");
    }

    #[test]
    fn nobody_is_waited_for_any_longer_when_that_is_not_wanted() {
        let (_held, never) = threads::awaited();
        let looks = std::cell::Cell::new(0);
        let waits = || looks.replace(looks.get() + 1) < 2;
        let error = answered(&never, &waits).expect_err("a receiver that is mute");
        assert!(error.contains("a signal came"), "{error}");
        assert_eq!(looks.get(), 3);
    }

    fn refused(address: &str, why: &str) -> RefusedReceiver {
        RefusedReceiver {
            address: address.to_owned(),
            why: why.to_owned(),
            trouble: match why.starts_with('4') {
                true => SendTrouble::Passing,
                false => SendTrouble::Lasting,
            },
        }
    }

    fn receipt(refused: &[RefusedReceiver]) -> Receipt {
        Receipt {
            answer: "250 queued".to_owned(),
            refused: refused.to_vec(),
        }
    }

    #[test]
    fn those_whom_a_server_put_off_are_tried_again_without_the_others() {
        let (later, gone) = (refused("later@a", "450 later"), refused("gone@a", "550 gone"));
        let first = receipt(&[gone.clone(), later.clone()]);
        let passing = || Err(SendError::passing("no receiver was taken: later@a (450 later)"));
        for (tries, answers, in_the_end) in [
            (
                1,
                vec![Ok(first.clone())],
                "gone@a (550 gone), later@a (450 later)",
            ),
            (2, vec![Ok(first.clone()), Ok(receipt(&[]))], "gone@a (550 gone)"),
            (
                3,
                vec![Ok(first.clone()), passing(), Ok(receipt(&[]))],
                "gone@a (550 gone)",
            ),
            (
                2,
                vec![Ok(first.clone()), passing()],
                "gone@a (550 gone), later@a (450 later)",
            ),
            (
                3,
                vec![Ok(first), Err(SendError::lasting("no"))],
                "gone@a (550 gone), later@a (450 later)",
            ),
        ] {
            let mut asked = Vec::new();
            let mut left = answers.into_iter();
            let sent = tried(tries, Duration::ZERO, |again| {
                asked.push(again);
                left.next().expect("an answer")
            });
            assert_eq!(sent.expect("taken").not_taken_for(), in_the_end);
            assert_eq!(left.next(), None);
            assert_eq!(asked.remove(0), None);
            assert!(
                asked
                    .iter()
                    .all(|again| *again == Some(vec!["later@a".to_owned()]))
            );
        }
    }

    #[test]
    fn what_nobody_takes_is_tried_again_as_often_as_it_may_and_only_where_that_can_help() {
        for (tries, error, times) in [
            (3, SendError::passing("busy"), 3),
            (3, SendError::lasting("no"), 1),
            (1, SendError::passing("busy"), 1),
        ] {
            let mut tried_so_often = 0;
            let sent = tried(tries, Duration::ZERO, |_| {
                tried_so_often += 1;
                Err(error.clone())
            });
            assert_eq!(tried_so_often, times);
            let said = sent.expect_err("not taken");
            assert_eq!(said.ends_with("(tried 3 times)"), times == 3, "{said}");
        }
    }

    #[test]
    fn every_receiver_has_an_answer_with_threads_and_without() {
        for starter in [threads::start, none_left] {
            let receivers = ["one", "two"].map(|name| {
                let no_secret = SendError::lasting(format!("no secret for {name}"));
                (name.to_owned(), Err(no_secret))
            });
            let limit = Duration::from_secs(3600);
            let sent = to_all_by(starter, receivers.into(), &Arc::new(failed()), limit, 1, &|| true);
            let answers: Vec<_> = sent
                .into_iter()
                .map(|sent| (sent.receiver, sent.answer))
                .collect();
            let refused = |name: &str| (name.to_owned(), Err(format!("no secret for {name}")));
            assert_eq!(answers, [refused("one"), refused("two")]);
        }
    }
}
