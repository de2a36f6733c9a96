//! Typed operations on one device.
//!
//! Reads are tried again when the trouble can pass by itself. What changes a device is
//! sent once: whoever gets no clear answer asks the device how it stands.

pub mod asked;
pub mod backup;
mod certificate;
pub mod domains;
pub mod facts;
pub mod folder;
pub mod folder_removal;
pub mod import_answer;
pub mod import_results;
mod import_stray;
mod pace;
pub mod quiesce;
pub mod restore;

use std::fmt;
use std::io::Write;
use std::time::Duration;

use roxmltree::Node;

use crate::clock::Clock;
use crate::signal::Stop;
use crate::soma::client::Client;
use crate::soma::download::ReceivedFile;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request::Request;
use crate::values::timeouts::{RequestLimit, Timeouts};

/// The pause before the first new try of a read; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// So long a device that took a connection may take for the answer to a question before an unquiesce.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// One device, with one connection that is used again and again.
pub struct Gateway<'a> {
    client: Client,
    clock: &'a dyn Clock,
    stop: Stop,
    retries: u32,
}

impl<'a> Gateway<'a> {
    /// A device behind `client`. `stop` ends what it does; reads are tried again
    /// `retries` times.
    pub fn new(client: Client, clock: &'a dyn Clock, stop: Stop, retries: u32) -> Self {
        Self {
            client,
            clock,
            stop,
            retries,
        }
    }

    /// The same device over a connection of its own, deaf to the wish to stop: for what
    /// must be undone.
    pub fn shielded(&self) -> Result<Self> {
        Ok(Self {
            client: self.client.afresh()?,
            clock: self.clock,
            stop: Stop::new(),
            retries: self.retries,
        })
    }

    /// The limits in force.
    pub fn timeouts(&self) -> &Timeouts {
        self.client.timeouts()
    }

    /// How long a question is waited for that stands before an unquiesce: as long as a connection may take, and a
    /// moment. Whoever answers no question may take an unquiesce all the same.
    pub fn before_an_unquiesce(&self) -> Duration {
        self.timeouts()
            .request
            .min(self.timeouts().connect.saturating_add(ANSWERS_WITHIN))
    }

    /// The wish to stop that ends what is asked here.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Where this device has the time from.
    pub fn clock(&self) -> &'a dyn Clock {
        self.clock
    }

    /// Reads a payload, trying again where that may help.
    fn read<T>(
        &self,
        request: &Request,
        payload: &str,
        mut read: impl FnMut(Node<'_, '_>) -> Result<T>,
    ) -> Result<T> {
        self.retried(|| self.read_once(request, payload, &mut read))
    }

    /// Reads a payload, once.
    fn read_once<T>(
        &self,
        request: &Request,
        payload: &str,
        read: &mut dyn FnMut(Node<'_, '_>) -> Result<T>,
    ) -> Result<T> {
        self.read_within(request, payload, self.timeouts().of_request(), read)
    }

    /// The same within `limit`.
    fn read_within<T>(
        &self,
        request: &Request,
        payload: &str,
        limit: RequestLimit,
        read: &mut dyn FnMut(Node<'_, '_>) -> Result<T>,
    ) -> Result<T> {
        self.interruptible(&request.name, || {
            let answer = self.client.call(request, limit)?;
            answer.payload(payload, read)
        })
    }

    /// Reads a list, once and within `limit`: all of it, or none.
    fn list_within<T>(
        &self,
        request: &Request,
        payload: &str,
        limit: RequestLimit,
        read: &mut dyn FnMut(Node<'_, '_>) -> Result<T>,
    ) -> Result<T> {
        self.interruptible(&request.name, || {
            let answer = self.client.call(request, limit)?;
            answer.list(payload, read)
        })
    }

    /// Sends an action, once, and wants an `OK`. `limit` bounds the wait for it.
    fn act(&self, request: &Request, limit: RequestLimit) -> Result<()> {
        self.interruptible(&request.name, || self.client.call(request, limit)?.ok())
    }

    /// Downloads the file that a request answers with, once.
    fn download(
        &self,
        request: &Request,
        limit: RequestLimit,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ReceivedFile> {
        self.interruptible(&request.name, || {
            self.client.download(request, limit, out, progress)
        })
    }

    /// Tries `operation` again while that may help.
    pub fn retried<T>(&self, mut operation: impl FnMut() -> Result<T>) -> Result<T> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..self.retries {
            match operation() {
                Err(error) if error.is_passing() && !self.stop.is_requested() => {
                    self.clock.sleep(pause, &self.stop);
                    pause *= 2;
                }
                outcome => return outcome,
            }
        }
        operation()
    }

    /// The same for the first questions to a device, of which nobody knows whether it is there:
    /// a new try begins only as long as a connection may take. So a connection that timed out is
    /// not tried again, nor is a device asked twice that is silent, and whether it answers is
    /// known after `connect` and `request`.
    pub fn retried_soon<T>(&self, mut operation: impl FnMut() -> Result<T>) -> Result<T> {
        let started = self.clock.elapsed();
        let mut pause = FIRST_PAUSE;
        for _ in 0..self.retries {
            let outcome = operation();
            let Err(error) = &outcome else { return outcome };
            let passed = self.clock.elapsed().saturating_sub(started);
            let is_silent = error.kind == SomaErrorKind::TimedOut;
            if !error.is_passing()
                || is_silent
                || self.stop.is_requested()
                || passed + pause >= self.timeouts().connect
            {
                return outcome;
            }
            self.clock.sleep(pause, &self.stop);
            pause *= 2;
        }
        operation()
    }

    fn interruptible<T>(&self, name: &str, operation: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.stop.is_requested() {
            let error = SomaError::new(
                SomaErrorKind::Interrupted,
                format!("{name}: not sent, because the run was asked to stop"),
            );
            return Err(SomaError {
                nothing_sent: true,
                ..error
            });
        }
        let interrupter = self.client.interrupter();
        let _registered = self.stop.interrupting(&interrupter);
        operation()
            .map_err(|error| self.client.without_secrets(error))
            .map_err(|error| SomaError {
                message: format!("{name}: {}", error.message),
                ..error
            })
    }
}

impl fmt::Debug for Gateway<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use secrecy::SecretString;

    use super::*;
    use crate::soma::client::Endpoint;
    use crate::values::boot_time::BootTime;
    use crate::values::trust::Trust;

    /// A clock that moves when somebody sleeps, and when a test says so.
    #[derive(Default)]
    struct Passing(Mutex<Duration>);

    impl Passing {
        fn pass(&self, time: Duration) {
            *self.0.lock().expect("no panic with the lock") += time;
        }
    }

    impl Clock for Passing {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn elapsed(&self) -> Duration {
            *self.0.lock().expect("no panic with the lock")
        }

        fn boot_time(&self) -> Option<BootTime> {
            None
        }

        fn sleep(&self, duration: Duration, _stop: &Stop) {
            self.pass(duration);
        }

        fn zone(&self) -> TimeZone {
            TimeZone::UTC
        }
    }

    fn client() -> Client {
        let timeouts = Timeouts {
            connect: Duration::from_secs(10),
            request: Duration::from_secs(60),
            export: Duration::from_secs(60),
            secure_backup: Duration::from_secs(60),
            idle: Duration::from_secs(60),
        };
        Client::new(Endpoint {
            host: "127.0.0.1".to_owned(),
            port: 1,
            username: "backup".to_owned(),
            password: SecretString::from("secret"),
            account: String::new(),
            trust: Trust::Off,
            timeouts,
            trust_command: String::new(),
        })
        .expect("a client")
    }

    /// How often a first question is asked that fails so each time, after so many seconds, and how
    /// long that takes in all.
    fn asked(kind: SomaErrorKind, takes: u64) -> (u32, u64) {
        let clock = Passing::default();
        let gateway = Gateway::new(client(), &clock, Stop::new(), 10);
        let mut times = 0;
        let failed: Result<()> = gateway.retried_soon(|| {
            times += 1;
            clock.pass(Duration::from_secs(takes));
            Err(SomaError::new(kind, "a failure of the tests"))
        });
        assert_eq!(failed.expect_err("it fails each time").kind, kind);
        (times, clock.elapsed().as_secs())
    }

    #[test]
    fn a_first_question_is_asked_again_only_as_long_as_a_connection_may_take() {
        // 1, 2 and 4 seconds are waited; 8 more would be too many.
        assert_eq!(asked(SomaErrorKind::Unavailable, 0), (4, 7));
        assert_eq!(asked(SomaErrorKind::Broken, 3), (3, 12));
        // A connection that timed out; one that was refused at once.
        assert_eq!(asked(SomaErrorKind::Unreachable, 10), (1, 10));
        assert_eq!(asked(SomaErrorKind::Unreachable, 0), (4, 7));
        // One that is silent, and one that has answered.
        assert_eq!(asked(SomaErrorKind::TimedOut, 1), (1, 1));
        assert_eq!(asked(SomaErrorKind::LoginRefused, 0), (1, 0));
    }

    #[test]
    fn whoever_is_told_from_others_by_no_serial_number_is_asked_at_its_address_alone_until_that_is_let_go() {
        let clock = Passing::default();
        let gateway = Gateway::new(client(), &clock, Stop::new(), 0);
        let there: std::net::SocketAddr = "127.0.0.1:1".parse().expect("an address");
        let (own, many) = (Some("78A0001"), Some("0000001"));
        for (serial, stays) in [(own, false), (many, true), (None, true)] {
            gateway.go_to(there, own);
            assert_eq!(gateway.held_address(serial), Some(there));
            gateway.client.to_another_address();
            let held = stays.then_some(there);
            assert_eq!(gateway.held_address(own), held, "{serial:?}");
            gateway.let_address_go();
            gateway.client.to_another_address();
            assert_eq!(gateway.held_address(own), None, "{serial:?}");
            gateway.go_to(there, serial);
            gateway.client.to_another_address();
            assert_eq!(gateway.held_address(own), held, "{serial:?}");
        }
    }

    #[test]
    fn a_question_before_an_unquiesce_is_waited_for_a_moment_longer_than_a_connection() {
        let clock = Passing::default();
        let gateway = Gateway::new(client(), &clock, Stop::new(), 0);
        assert_eq!(gateway.before_an_unquiesce(), Duration::from_secs(15));
    }

    #[test]
    fn an_action_that_is_asked_for_after_the_wish_to_stop_is_known_not_to_have_begun() {
        let clock = Passing::default();
        let stop = Stop::new();
        stop.request(15);
        let gateway = Gateway::new(client(), &clock, stop, 10);
        let scope = quiesce::Scope::Domain("DOM1".to_owned());
        assert!(matches!(
            gateway.quiesce(&scope, Duration::from_secs(60), None),
            asked::ActionAsked::NotBegun(_)
        ));
    }
}
