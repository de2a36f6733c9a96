//! A line now and then while the run waits for something: whoever reads a log sees that it
//! is alive. It beats on a thread of its own, for a read that blocks tells nothing.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::ui::Ui;

/// Says what `Pulse` stands for, again and again, until it is dropped.
pub(super) struct Heartbeat<P> {
    pulse: Arc<Mutex<P>>,
    /// Dropped, it ends the thread.
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl<P: ToString + Send + 'static> Heartbeat<P> {
    /// Says `pulse`, as it is then, each time `interval` has passed. Where no thread can be
    /// had there is no heartbeat.
    pub(super) fn start(ui: Ui, interval: Duration, pulse: P) -> Self {
        let pulse = Arc::new(Mutex::new(pulse));
        let (alive, ended) = mpsc::channel::<()>();
        let shared = Arc::clone(&pulse);
        let thread = std::thread::Builder::new()
            .name("heartbeat".to_owned())
            .spawn(move || {
                while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    let line = shared.lock().unwrap_or_else(PoisonError::into_inner).to_string();
                    ui.say(&line);
                }
            });
        Self {
            pulse,
            alive: Some(alive),
            thread: thread.ok(),
        }
    }

    /// What is said from now on.
    pub(super) fn set(&self, pulse: P) {
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner) = pulse;
    }
}

impl<P> Drop for Heartbeat<P> {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take() {
            // One that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}
