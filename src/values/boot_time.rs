//! How long a machine has been up.

use std::time::Duration;

/// A moment of one boot of a machine. The time of day is set by people, by servers and by whoever lets a
/// machine that slept go on; this one is set by nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootTime {
    /// Which boot, of which machine.
    pub boot: String,
    /// How long the machine had been up, asleep or not.
    pub up: Duration,
}

impl BootTime {
    /// How long ago another moment of the same boot was; of another boot nothing is known.
    pub fn since(&self, earlier: &BootTime) -> Option<Duration> {
        (self.boot == earlier.boot).then(|| self.up.saturating_sub(earlier.up))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_two_boots_are_no_time_apart() {
        let moment = |boot: &str, seconds| BootTime {
            boot: boot.to_owned(),
            up: Duration::from_secs(seconds),
        };
        let now = moment("b", 100);
        assert_eq!(now.since(&moment("b", 60)), Some(Duration::from_secs(40)));
        assert_eq!(now.since(&moment("b", 101)), Some(Duration::ZERO));
        assert_eq!(now.since(&moment("a", 60)), None);
    }
}
