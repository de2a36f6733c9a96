//! How often a device is looked at while it is waited for.

use std::time::Duration;

use crate::gateway::Gateway;
use crate::signal::Stop;
use crate::soma::error::Result;

/// The shortest pause between two looks.
const SHORTEST: Duration = Duration::from_millis(250);

/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_secs(2);

/// The pause after a login that was refused; a lock on an account lasts a minute by
/// default (soma-wire section 1.4).
const REFUSED_PAUSE: Duration = Duration::from_secs(75);

/// The pause after one that was refused once: it had been taken right before, and may be refused for a moment. As long as
/// that stands, a gateway is out of service.
const REFUSED_ONCE_PAUSE: Duration = Duration::from_secs(5);

impl Gateway<'_> {
    /// Looks, and looks again for as long as a request may take while `may_pass` says so of what kept the look from
    /// telling: an answer that does not come once is no proof of anything. A wish to stop ends it.
    pub fn look_until_told<T, E>(
        &self,
        stop: &Stop,
        may_pass: fn(&E) -> bool,
        look: &mut dyn FnMut() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let started = self.clock.elapsed();
        let within = self.timeouts().request;
        loop {
            let looked = look();
            let waited = self.clock.elapsed().saturating_sub(started);
            let is_told = !looked.as_ref().is_err_and(may_pass);
            if is_told || waited >= within || stop.is_requested() {
                return looked;
            }
            self.clock
                .sleep(until_next_look(waited).min(within - waited), stop);
        }
    }
}

/// The pause before the next look at a device that has been waited for since `waited`: a tenth of
/// that, for what it does meanwhile is noticed as late as the pause is long.
pub(super) fn until_next_look(waited: Duration) -> Duration {
    (waited / 10).clamp(SHORTEST, LONGEST)
}

/// The pause after a look at a device that has been waited for since `waited`: a login that was
/// refused is not tried again and again, for that is what locks accounts, and keeps them locked.
pub(super) fn pause_after<T>(looked: &Result<T>, waited: Duration) -> Duration {
    match looked {
        Err(error) if error.kind.is_of_login() => REFUSED_PAUSE,
        _ => until_next_look(waited),
    }
}

/// Whether the login was refused at the look before, while something is waited for that is out of service or is to be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RefusedBefore(bool);

impl RefusedBefore {
    /// The pause after a look: as [`pause_after`] has it, but that a login is tried once more soon.
    pub(super) fn pause_after<T>(&mut self, looked: &Result<T>, waited: Duration) -> Duration {
        let is_refused = looked.as_ref().is_err_and(|error| error.kind.is_of_login());
        match (std::mem::replace(&mut self.0, is_refused), is_refused) {
            (false, true) => REFUSED_ONCE_PAUSE,
            _ => pause_after(looked, waited),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soma::error::{SomaError, SomaErrorKind};

    #[test]
    fn a_login_that_is_refused_is_tried_once_more_soon_and_then_no_more_for_a_minute() {
        let refused = || Err::<(), _>(SomaError::new(SomaErrorKind::LoginRefused, "refused"));
        let mut before = RefusedBefore::default();
        let mut pause = |looked: &Result<()>| before.pause_after(looked, Duration::ZERO);
        assert_eq!(pause(&refused()), REFUSED_ONCE_PAUSE);
        assert_eq!(pause(&refused()), REFUSED_PAUSE);
        assert_eq!(pause(&refused()), REFUSED_PAUSE);
        assert_eq!(pause(&Ok(())), SHORTEST);
        assert_eq!(pause(&refused()), REFUSED_ONCE_PAUSE);
    }

    #[test]
    fn a_device_is_looked_at_often_at_first_and_every_two_seconds_in_the_end() {
        let table = [
            (0, 250),
            (2_500, 250),
            (5_000, 500),
            (20_000, 2_000),
            (3_600_000, 2_000),
        ];
        for (waited, pause) in table {
            assert_eq!(
                until_next_look(Duration::from_millis(waited)),
                Duration::from_millis(pause),
                "after {waited} ms"
            );
        }
    }

    #[test]
    fn what_ends_after_the_first_seconds_is_noticed_within_a_tenth_of_its_time() {
        for ends in (2_500..60_000).step_by(37).map(Duration::from_millis) {
            let mut waited = Duration::ZERO;
            while waited < ends {
                waited += until_next_look(waited);
            }
            assert!(waited - ends <= ends / 10, "{ends:?} is noticed at {waited:?}");
        }
    }
}
