//! Gateways as most tests need them. What differs further is said by a `Setup` of the test.

use std::time::Duration;

use crate::simulator::{CryptoCertificate, Domain, Gateway, Identity, Setup};
use crate::support::TestClock;

/// A healthy gateway with these domains.
pub(crate) fn with_domains(domains: impl IntoIterator<Item = Domain>) -> Gateway {
    Gateway::start(Setup {
        domains: domains.into_iter().collect(),
        ..Setup::default()
    })
}

/// One with `DOM1` and `DOM2` that fails in these ways.
pub(crate) fn with_faults(faults: &[&str]) -> Gateway {
    let gateway = Gateway::start(Setup::default());
    faults.iter().for_each(|fault| gateway.fail_as(fault));
    gateway
}

/// One that shows this certificate.
pub(crate) fn showing(identity: Identity) -> Gateway {
    Gateway::start(Setup {
        identity,
        ..Setup::default()
    })
}

/// One with `DOM1` and `DOM2` and small backups.
pub(crate) fn pair() -> Gateway {
    Gateway::start(small(["DOM1", "DOM2"].map(Domain::new)))
}

/// The same on the clock of the test, where a quiesce and its undo take so many seconds, and which differs from others
/// in these ways.
pub(crate) fn pair_on_clock(clock: &TestClock, seconds: u64, ways: &[&str]) -> Gateway {
    let setup = small(["DOM1", "DOM2"].map(Domain::new));
    Gateway::start(on_clock(clock, Duration::from_secs(seconds), setup).being(ways))
}

/// One with `DOM1`, small backups, and this certificate for the secure ones.
pub(crate) fn with_certificate(certificate: CryptoCertificate) -> Gateway {
    Gateway::start(Setup {
        certificates: vec![certificate],
        ..small([Domain::new("DOM1")])
    })
}

/// With these domains, and backups of a few KiB: for tests that take many.
pub(crate) fn small(domains: impl IntoIterator<Item = Domain>) -> Setup {
    let parts = [("root.tgz", 300), ("cert.tgz", 500)];
    Setup {
        domains: domains.into_iter().collect(),
        secure_backup_parts: parts.map(|(name, bytes)| (name.to_owned(), bytes)).to_vec(),
        internal_file_bytes: 2 << 10,
        ..Setup::default()
    }
}

/// This one on the clock of the test, where a quiesce and its undo take so long.
pub(crate) fn on_clock(clock: &TestClock, takes: Duration, setup: Setup) -> Setup {
    Setup {
        clock: clock.for_gateway(),
        quiesce_time: takes,
        unquiesce_time: takes,
        ..setup
    }
}
