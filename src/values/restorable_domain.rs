//! The name of a domain that an archive may be sent for.

use std::fmt;

/// A domain that an archive may be laid over: never `default`, which holds what a gateway is
/// reached by, and never all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestorableDomain(String);

/// Why an archive is never sent for this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRestorable {
    /// The domain that every gateway has.
    #[error(
        "`default` is never sent to a gateway: it holds users, interfaces and the very port that the gateway is managed by"
    )]
    Default,
    /// Not one domain.
    #[error("it is a backup of all domains: only one of a single domain is sent to a gateway")]
    All,
    /// Not a name.
    #[error("it names no domain")]
    Nothing,
}

impl RestorableDomain {
    /// The domain of this name.
    pub fn named(name: &str) -> Result<Self, NotRestorable> {
        match name.trim() {
            "" => Err(NotRestorable::Nothing),
            "default" => Err(NotRestorable::Default),
            "all-domains" => Err(NotRestorable::All),
            _ => Ok(Self(name.to_owned())),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RestorableDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{NotRestorable, RestorableDomain};

    #[test]
    fn neither_default_nor_all_domains_nor_nothing_can_be_sent() {
        let why = |name: &str| RestorableDomain::named(name).expect_err("not restorable");
        assert_eq!(why("default"), NotRestorable::Default);
        assert_eq!(why(" default "), NotRestorable::Default);
        assert_eq!(why("all-domains"), NotRestorable::All);
        assert_eq!(why(" "), NotRestorable::Nothing);
        let domain = RestorableDomain::named("Default").expect("case matters to a gateway");
        assert_eq!(domain.name(), "Default");
    }
}
