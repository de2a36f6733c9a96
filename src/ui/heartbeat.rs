//! A line now and then while the run waits for something: whoever reads a log sees that it
//! is alive.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::threads;
use crate::ui::Ui;
use crate::ui::repeat::Repeat;

/// Says what `Pulse` stands for, again and again, until it is dropped.
pub(super) struct Heartbeat<P> {
    pulse: Arc<Mutex<P>>,
    _beat: Repeat,
}

impl<P: ToString + Send + 'static> Heartbeat<P> {
    /// Says `pulse`, as it is then, each time `interval` has passed. Where no thread can be
    /// had there is no heartbeat.
    pub(super) fn start(ui: Ui, interval: Duration, pulse: P) -> Self {
        let pulse = Arc::new(Mutex::new(pulse));
        let shared = Arc::clone(&pulse);
        let beat = Repeat::start(threads::start, "heartbeat", interval, move || {
            let line = shared.lock().unwrap_or_else(PoisonError::into_inner).to_string();
            ui.say(&line);
        });
        Self { pulse, _beat: beat }
    }

    /// What is said from now on.
    pub(super) fn set(&self, pulse: P) {
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner) = pulse;
    }
}
