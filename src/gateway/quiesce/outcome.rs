//! What is known once a device was told to unquiesce.

use crate::gateway::quiesce::scope::named;

/// How the device shows itself when nothing more is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtRest {
    /// At work.
    AtWork,
    /// It has no domain but `default`: nothing shows whether anything is quiesced.
    NoDomain,
    /// It does not list what was quiesced, and says that it does not exist.
    NotListed,
    /// All of what was quiesced is disabled, by its configuration.
    Disabled,
    /// At work, but for domains that are disabled by its configuration.
    RestAtWork,
}

impl std::fmt::Display for AtRest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AtWork => "the device shows it at work",
            Self::NoDomain => "the device has no domain but default, so that nothing shows it",
            Self::NotListed => "the device does not list the domain",
            Self::Disabled => "nothing of it is enabled, by the configuration of the device",
            Self::RestAtWork => {
                "the device shows it at work, but for what is not enabled by its configuration"
            }
        })
    }
}

/// What a confirmation rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// Whether the device was seen quiesced, or on its way.
    pub seen: bool,
    /// How it shows itself after an unquiesce.
    pub rests: AtRest,
    /// How it answered that.
    pub answer: UnquiesceAnswer,
    /// The first unquiesce before the last that did not bring it back, if there was one: it was out of service for that.
    pub futile: Option<FutileUnquiesce>,
}

/// An unquiesce that did not bring a device back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FutileUnquiesce {
    /// It was refused, or got no answer, in these words.
    Failed(String),
    /// It was taken, and these domains, as far as the device shows that, stayed as they were.
    WithoutEffect(Vec<String>),
}

impl std::fmt::Display for FutileUnquiesce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(words) => write!(f, "it had to be told again ({words})"),
            Self::WithoutEffect(names) if names.is_empty() => {
                f.write_str("it had to be told again, though it had taken an unquiesce before")
            }
            Self::WithoutEffect(names) => write!(
                f,
                "it had to be told again, for it had taken an unquiesce and left {} quiesced",
                named(names)
            ),
        }
    }
}

/// How a device answered an unquiesce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnquiesceAnswer {
    /// With OK.
    Ok,
    /// Otherwise than with OK, in these words.
    Refused(String),
    /// Not at all.
    None,
}

impl Confirmation {
    /// Whether it is all that could be wished for: the quiesce was seen, and the device is back at its own
    /// word, by the first unquiesce, which it did not refuse.
    pub fn is_plain(&self) -> bool {
        self.seen
            && self.rests == AtRest::AtWork
            && self.futile.is_none()
            && !matches!(self.answer, UnquiesceAnswer::Refused(_))
    }
}

impl std::fmt::Display for Confirmation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            seen,
            rests,
            answer,
            futile,
        } = self;
        match (seen, rests, answer) {
            (true, _, UnquiesceAnswer::Refused(words)) => {
                write!(f, "{rests}, and did not answer OK to an unquiesce ({words})")
            }
            (false, _, UnquiesceAnswer::Refused(words)) => write!(
                f,
                "the quiesce was never seen on the device; {rests}, and did not answer OK to an unquiesce ({words})"
            ),
            (true, AtRest::AtWork, _) => f.write_str("unquiesced and confirmed"),
            (false, _, UnquiesceAnswer::None) => write!(
                f,
                "the quiesce was asked for an hour ago or more and never seen on the device; told to unquiesce, \
                 without an answer, and {rests}"
            ),
            (false, AtRest::AtWork | AtRest::Disabled | AtRest::RestAtWork, UnquiesceAnswer::Ok) => {
                write!(
                    f,
                    "the quiesce was never seen on the device; unquiesced all the same, and {rests}"
                )
            }
            (_, AtRest::NoDomain | AtRest::NotListed, _)
            | (true, AtRest::Disabled | AtRest::RestAtWork, _) => write!(f, "unquiesced; {rests}"),
        }?;
        // That one is told with its answer.
        match futile {
            Some(futile) if !matches!(answer, UnquiesceAnswer::Refused(_)) => write!(f, "; {futile}"),
            Some(_) | None => Ok(()),
        }
    }
}

/// What the last look at a device that could not be confirmed to be back has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastLook {
    /// It is quiesced, or on its way.
    Quiesced,
    /// Something else, or nothing that tells.
    Otherwise,
    /// Nothing at all: nobody answered there, or nobody who can answer yet.
    Away,
}

/// How an unquiesce ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BroughtBack {
    /// An unquiesce was sent, and the device confirms that nothing is quiesced.
    Confirmed(Confirmation),
    /// An unquiesce was sent and the device shows nothing quiesced; but the quiesce was never
    /// answered and never seen, and nobody can tell that it does not arrive yet.
    NotKnown(AtRest),
    /// It could not be confirmed.
    Not {
        last: LastLook,
        /// What stood in the way.
        why: String,
    },
}
