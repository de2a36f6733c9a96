//! Sends one message to several receivers, each with its tries, all at the same time.

use std::sync::Arc;
use std::time::Duration;

use crate::notify::notice::Notice;
use crate::notify::receiver::Ready;
use crate::notify::send::{Receipt, SendError, SendTrouble, within};
use crate::threads::{self, Starter};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

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

/// Sends to all, and waits until each has taken it or has used up its tries. Where no threads
/// can be had they are sent to one after another.
pub(super) fn to_all(
    receivers: Vec<(String, Result<Arc<Ready>, SendError>)>,
    notice: &Arc<Notice>,
    limit: Duration,
    tries: u32,
) -> Vec<Delivery> {
    to_all_by(threads::start, receivers, notice, limit, tries)
}

fn to_all_by(
    starter: Starter,
    receivers: Vec<(String, Result<Arc<Ready>, SendError>)>,
    notice: &Arc<Notice>,
    limit: Duration,
    tries: u32,
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
        // Whoever was to send it has panicked: that is no reason to say nothing of it.
        answer: answer.recv().unwrap_or_else(|_| {
            Err("internal error (please report it): it was not sent to its end".to_owned())
        }),
    });
    deliveries.collect()
}

/// Tries until it is taken, until another try cannot help, or until the tries are used up.
fn send(ready: &Arc<Ready>, notice: &Arc<Notice>, limit: Duration, tries: u32) -> Result<Receipt, String> {
    let mut tried = 0;
    loop {
        tried += 1;
        let (one, what) = (Arc::clone(ready), Arc::clone(notice));
        match within(limit, move || one.send(&what, limit)) {
            Ok(receipt) => {
                return Ok(Receipt {
                    answer: ready.scrubbed(&receipt.answer),
                    refused: receipt.refused.iter().map(|one| ready.scrubbed(one)).collect(),
                });
            }
            Err(error) if error.trouble == SendTrouble::Passing && tried < tries => std::thread::sleep(PAUSE),
            Err(error) => {
                let times = if tried == 1 {
                    String::new()
                } else {
                    format!(" (tried {tried} times)")
                };
                return Err(format!("{}{times}", ready.scrubbed(&error.message)));
            }
        }
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
        let sent = to_all_by(lost, receivers, &Arc::new(failed()), limit, 1);
        let [delivery] = sent.as_slice() else {
            panic!("{sent:?}")
        };
        assert_eq!(delivery.receiver, "one");
        let error = delivery.answer.as_ref().expect_err("a failure");
        assert!(error.contains("internal error"), "{error}");
    }

    #[test]
    fn every_receiver_has_an_answer_with_threads_and_without() {
        for starter in [threads::start, none_left] {
            let receivers = ["one", "two"].map(|name| {
                let no_secret = SendError::lasting(format!("no secret for {name}"));
                (name.to_owned(), Err(no_secret))
            });
            let limit = Duration::from_secs(3600);
            let sent = to_all_by(starter, receivers.into(), &Arc::new(failed()), limit, 1);
            let answers: Vec<_> = sent
                .into_iter()
                .map(|sent| (sent.receiver, sent.answer))
                .collect();
            let refused = |name: &str| (name.to_owned(), Err(format!("no secret for {name}")));
            assert_eq!(answers, [refused("one"), refused("two")]);
        }
    }
}
