//! Sends one message to several receivers, each with its tries, all at the same time.

use std::sync::Arc;
use std::time::Duration;

use crate::notify::notice::Notice;
use crate::notify::receiver::Ready;
use crate::notify::send::{SendError, within};

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
    pub answer: Result<String, String>,
}

/// Sends to all, and waits until each has taken it or has used up its tries.
pub(super) fn to_all(
    receivers: Vec<(String, Result<Arc<Ready>, SendError>)>,
    notice: &Arc<Notice>,
    limit: Duration,
    tries: u32,
) -> Vec<Delivery> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = receivers
            .into_iter()
            .map(|(receiver, ready)| {
                let notice = Arc::clone(notice);
                scope.spawn(move || match ready {
                    Ok(ready) => Delivery {
                        receiver,
                        place: Some(ready.shown.clone()),
                        answer: send(&ready, &notice, limit, tries),
                    },
                    Err(error) => Delivery {
                        receiver,
                        place: None,
                        answer: Err(error.message),
                    },
                })
            })
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .collect()
    })
}

/// Tries until it is taken, until another try cannot help, or until the tries are used up.
fn send(ready: &Arc<Ready>, notice: &Arc<Notice>, limit: Duration, tries: u32) -> Result<String, String> {
    let mut tried = 0;
    loop {
        tried += 1;
        let (one, what) = (Arc::clone(ready), Arc::clone(notice));
        match within(limit, move || one.send(&what, limit)) {
            Ok(answer) => return Ok(ready.scrubbed(&answer)),
            Err(error) if error.is_passing && tried < tries => std::thread::sleep(PAUSE),
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
