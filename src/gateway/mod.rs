//! Typed operations on one device.
//!
//! Reads are tried again when the trouble can pass by itself. What changes a device is
//! sent once: whoever gets no clear answer asks the device how it stands.

pub mod backup;
mod certificate;
pub mod domains;
pub mod facts;
pub mod quiesce;

use std::fmt;
use std::io::Write;
use std::time::Duration;

use roxmltree::Node;

use crate::clock::Clock;
use crate::signal::Stop;
use crate::soma::client::Client;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request::Request;
use crate::values::timeouts::Timeouts;

/// The pause before the first new try of a read; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

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
        self.interruptible(request, || {
            let answer = self.client.call(request, self.timeouts().request)?;
            answer.payload(payload, read)
        })
    }

    /// Sends an action, once, and wants an `OK`. `total` bounds the wait for it.
    fn act(&self, request: &Request, total: Duration) -> Result<()> {
        self.interruptible(request, || self.client.call(request, total)?.ok())
    }

    /// Downloads the file that a request answers with, once.
    fn download(
        &self,
        request: &Request,
        total: Duration,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64> {
        self.interruptible(request, || self.client.download(request, total, out, progress))
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

    fn interruptible<T>(&self, request: &Request, operation: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.stop.is_requested() {
            return Err(SomaError::new(
                SomaErrorKind::Interrupted,
                "not sent, because the run was asked to stop",
            ));
        }
        let interrupter = self.client.interrupter();
        let _registered = self.stop.interrupting(&interrupter);
        operation().map_err(|error| SomaError {
            message: format!("{}: {}", request.name, error.message),
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
