//! Host names become addresses.
//!
//! The resolver of the system knows neither our limits nor our signals, so it is asked in a
//! thread that is left behind when it takes too long; where no thread can be had it is asked
//! here, and takes what it takes. An address needs neither.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::soma::addresses::AddressesTried;
use crate::threads::{self, Starter};

/// How often a look-up is asked whether somebody wants to stop.
const LOOK: Duration = Duration::from_millis(50);

/// `ureq` takes no more addresses than this.
const MOST_ADDRESSES: usize = 16;

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    /// The name leads nowhere.
    #[error("the host name is not known ({0})")]
    Unknown(#[source] io::Error),
    /// The name service has not answered.
    #[error("no answer of the name service")]
    TooLate,
    /// Somebody asked to stop.
    #[error("ended because the run was asked to stop")]
    Interrupted,
}

/// Looks names up for one conversation.
#[derive(Clone)]
pub(crate) struct HostNames {
    interrupted: Arc<AtomicBool>,
    starter: Starter,
    known: AddressesTried,
}

impl HostNames {
    /// A look-up ends when `interrupted` says so.
    pub(crate) fn new(interrupted: Arc<AtomicBool>) -> Self {
        Self {
            interrupted,
            starter: threads::start,
            known: AddressesTried::default(),
        }
    }

    /// The same for a conversation of whose addresses this is known.
    pub(crate) fn knowing(self, known: AddressesTried) -> Self {
        Self { known, ..self }
    }

    /// The addresses of a host, within `limit`: at least one.
    pub(crate) fn look_up(
        &self,
        host: &str,
        port: u16,
        limit: Duration,
    ) -> Result<Vec<SocketAddr>, LookupError> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let asked = (host.to_owned(), port);
        self.wait(limit, move || asked.to_socket_addrs().map(Iterator::collect))
    }

    /// What was found; and where nobody says it, where connections went before: a device that is to be put back does not
    /// wait for a name service, nor for the descriptor that it takes to ask one.
    fn or_known(&self, found: Result<Vec<SocketAddr>, LookupError>) -> Result<Vec<SocketAddr>, LookupError> {
        let known = || Some(self.known.known()).filter(|known| !known.is_empty());
        match found {
            Err(error @ (LookupError::Unknown(_) | LookupError::TooLate)) => known().ok_or(error),
            found => found,
        }
    }

    fn wait(
        &self,
        limit: Duration,
        ask: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
    ) -> Result<Vec<SocketAddr>, LookupError> {
        let started = Instant::now();
        let answer = threads::elsewhere(self.starter, "look-up", ask);
        loop {
            let left = limit.saturating_sub(started.elapsed());
            match answer.recv_timeout(left.min(LOOK)) {
                Ok(Ok(addresses)) if addresses.is_empty() => {
                    return Err(LookupError::Unknown(io::ErrorKind::NotFound.into()));
                }
                Ok(found) => return found.map_err(LookupError::Unknown),
                Err(RecvTimeoutError::Disconnected) => {
                    let broken = io::Error::other("the look-up broke down");
                    return Err(LookupError::Unknown(broken));
                }
                Err(RecvTimeoutError::Timeout) if self.interrupted.load(Ordering::SeqCst) => {
                    return Err(LookupError::Interrupted);
                }
                Err(RecvTimeoutError::Timeout) if left <= LOOK => return Err(LookupError::TooLate),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Default for HostNames {
    /// For what nobody interrupts.
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl fmt::Debug for HostNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostNames").finish_non_exhaustive()
    }
}

impl Resolver for HostNames {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let usual = if uri.scheme_str() == Some("http") { 80 } else { 443 };
        let port = uri.port_u16().unwrap_or(usual);
        let found = self
            .or_known(self.look_up(host, port, *timeout.after))
            .map_err(|error| match error {
                // Whichever limit it was that ended.
                LookupError::TooLate => ureq::Error::Timeout(ureq::Timeout::Resolve),
                error => ureq::Error::Io(io::Error::new(io::ErrorKind::NotFound, error)),
            })?;
        let mut addresses = self.empty();
        for address in found.into_iter().take(MOST_ADDRESSES) {
            addresses.push(address);
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::threads::{Work, none_left};

    const HOUR: Duration = Duration::from_secs(3600);

    fn without_threads() -> HostNames {
        HostNames {
            starter: none_left,
            ..HostNames::default()
        }
    }

    /// A machine on which a thread must not even be asked for.
    fn forbidden(_name: &str, _work: Work) -> Result<(), Work> {
        panic!("a literal address needs no thread")
    }

    #[test]
    fn an_address_is_what_it_is_without_a_thread_and_without_a_look_up() {
        let names = HostNames {
            starter: forbidden,
            ..HostNames::default()
        };
        for (host, address) in [
            ("127.0.0.1", "127.0.0.1:5550"),
            ("::1", "[::1]:5550"),
            ("[2001:db8::1]", "[2001:db8::1]:5550"),
        ] {
            let found = names.look_up(host, 5550, Duration::ZERO).expect(host);
            assert_eq!(found, [address.parse::<SocketAddr>().expect("an address")]);
        }
    }

    #[test]
    fn a_name_is_looked_up_with_a_thread_and_where_none_is_left() {
        for names in [HostNames::default(), without_threads()] {
            let found = names
                .look_up("localhost", 5550, HOUR)
                .expect("the machine's own name");
            assert!(
                found.iter().all(|address| address.ip().is_loopback()),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_name_that_leads_nowhere_is_not_known_with_a_thread_and_without() {
        for names in [HostNames::default(), without_threads()] {
            for answer in [Ok(Vec::new()), Err(io::Error::other("no such name"))] {
                let found = names.wait(HOUR, move || answer);
                assert!(matches!(found, Err(LookupError::Unknown(_))), "{found:?}");
            }
            let found = names.wait(HOUR, || panic!("a panic of the tests"));
            assert!(matches!(found, Err(LookupError::Unknown(_))), "{found:?}");
        }
    }

    #[test]
    fn a_name_that_nobody_knows_any_more_leads_where_it_led_before() {
        let unknown = || Err(LookupError::Unknown(io::Error::other("no such name")));
        let nobody = HostNames::default().or_known(unknown());
        assert!(matches!(nobody, Err(LookupError::Unknown(_))), "{nobody:?}");
        let address: SocketAddr = "127.0.0.1:5550".parse().expect("an address");
        let tried = AddressesTried::default();
        tried.in_order(&[address]);
        let names = HostNames::default().knowing(tried);
        for found in [unknown(), Err(LookupError::TooLate)] {
            assert_eq!(names.or_known(found).expect("where it led before"), [address]);
        }
        let stopped = names.or_known(Err(LookupError::Interrupted));
        assert!(matches!(stopped, Err(LookupError::Interrupted)), "{stopped:?}");
    }

    #[test]
    fn a_look_up_ends_at_its_limit_and_when_somebody_asks_to_stop() {
        // Ends with the test, when nobody holds the other side any more.
        let silent = || {
            let (held, never) = mpsc::channel::<()>();
            let ask = move || {
                let _ = never.recv();
                Ok(Vec::new())
            };
            (held, ask)
        };
        let (_held, ask) = silent();
        let late = HostNames::default().wait(Duration::ZERO, ask);
        assert!(matches!(late, Err(LookupError::TooLate)), "{late:?}");
        let (_held, ask) = silent();
        let stopped = HostNames::new(Arc::new(AtomicBool::new(true))).wait(HOUR, ask);
        assert!(matches!(stopped, Err(LookupError::Interrupted)), "{stopped:?}");
    }
}
