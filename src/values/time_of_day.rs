//! The time of day of the machine, whatever that believes it to be.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

/// Now: a time beyond the years that can be written is the last of
/// them. With such a clock nothing that is stored has a right time, and all that was quiesced is put back.
pub fn now() -> Timestamp {
    told_by(SystemTime::now())
}

fn told_by(time: SystemTime) -> Timestamp {
    let (first, last) = (
        Timestamp::UNIX_EPOCH - YEARS_TOLD,
        Timestamp::UNIX_EPOCH + YEARS_TOLD,
    );
    match Timestamp::try_from(time) {
        Ok(told) => told.clamp(first, last),
        Err(_) if time < SystemTime::UNIX_EPOCH => first,
        Err(_) => last,
    }
}

/// So far from 1970 the time of day is told: a thousand years on either side leave room to count from it.
const YEARS_TOLD: SignedDuration = SignedDuration::from_hours(1_000 * 365 * 24);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_tells_no_year_that_can_be_written_tells_one_from_which_time_can_be_counted() {
        let far = Duration::from_secs(400_000_000_000);
        for time in [SystemTime::UNIX_EPOCH + far, SystemTime::UNIX_EPOCH - far] {
            let told = told_by(time);
            let day = SignedDuration::from_hours(24 * 365);
            assert!(
                told.checked_add(day).is_ok() && told.checked_sub(day).is_ok(),
                "{told}"
            );
        }
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(60);
        assert_eq!(told_by(before).as_second(), -60);
    }
}
