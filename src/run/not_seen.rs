//! What it means that a look at a device did not show what it was to show.

use crate::run::failure::words;
use crate::soma::error::{SomaError, SomaErrorKind};

/// Why a look did not show it, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSeen {
    /// Something else was seen.
    Otherwise(String),
    /// Another device was seen: nobody knows of the one that is meant, and another look tells no more.
    OtherDevice(String),
    /// Nobody knows, and a moment later somebody may: no answer came, or the device is at work just now.
    NotNow(String),
    /// Nobody knows, and another look tells no more, or must not be taken: a login that is refused again and again
    /// locks an account.
    NotKnown(String),
}

impl NotSeen {
    /// What it means that a question was answered so; `why` is all that is said of it.
    pub fn by(error: &SomaError, why: impl FnOnce(String) -> String) -> Self {
        let why = why(words(error));
        match error.kind {
            kind if kind.is_of_login() => Self::NotKnown(why),
            SomaErrorKind::Local(_) | SomaErrorKind::Interrupted => Self::NotKnown(why),
            _ => Self::NotNow(why),
        }
    }

    /// Whether another look may show it.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::NotNow(_))
    }

    /// The same, in these words.
    pub fn with_words(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Otherwise(why) => Self::Otherwise(words(why)),
            Self::OtherDevice(why) => Self::OtherDevice(words(why)),
            Self::NotNow(why) => Self::NotNow(words(why)),
            Self::NotKnown(why) => Self::NotKnown(words(why)),
        }
    }

    /// Why, in a sentence.
    pub fn why(self) -> String {
        match self {
            Self::Otherwise(why) | Self::OtherDevice(why) | Self::NotNow(why) | Self::NotKnown(why) => why,
        }
    }
}

impl From<NotSeen> for String {
    fn from(not_seen: NotSeen) -> Self {
        not_seen.why()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_looked_at_again() {
        let passes = |kind| NotSeen::by(&SomaError::new(kind, "why"), |why| why).may_pass();
        for kind in [
            SomaErrorKind::Unavailable,
            SomaErrorKind::Broken,
            SomaErrorKind::NotAllowed,
        ] {
            assert!(passes(kind), "{kind:?}");
        }
        for kind in [
            SomaErrorKind::LoginRefused,
            SomaErrorKind::Authentication,
            SomaErrorKind::Local(std::io::ErrorKind::StorageFull),
        ] {
            assert!(!passes(kind), "{kind:?}");
        }
        assert!(!NotSeen::Otherwise("it is not as it was".to_owned()).may_pass());
        assert!(!NotSeen::OtherDevice("it is another".to_owned()).may_pass());
    }
}
