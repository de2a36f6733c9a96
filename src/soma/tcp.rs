//! Connections that can be given up at any moment.
//!
//! `ureq` interrupts a connection that stands, but not one that is being made: a device whose
//! address swallows everything would hold up whoever asked to stop for the whole of
//! `timeouts.connect`. Here a connection is waited for a little at a time.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{connect, sockopt};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, ShutdownHandle, Transport,
};

use crate::soma::addresses::AddressesTried;
use crate::soma::spare_socket::{LentSocket, SpareSocket, family};

/// How often a connection that is being made is asked whether somebody wants to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Connects to the addresses of a device, one after another.
#[derive(Debug, Default)]
pub(crate) struct TcpConnect {
    interrupted: Arc<AtomicBool>,
    stands: Arc<AtomicBool>,
    tried: AddressesTried,
    spare: SpareSocket,
}

impl TcpConnect {
    /// A connection is given up when `interrupted` says so. `stands` tells, once it is made, that
    /// whatever is still waited for is not the connection itself.
    pub(crate) fn new(interrupted: Arc<AtomicBool>, stands: Arc<AtomicBool>) -> Self {
        Self {
            interrupted,
            stands,
            tried: AddressesTried::default(),
            spare: SpareSocket::default(),
        }
    }

    /// The same for a conversation of whose addresses this is known, and for which a socket may be held back.
    pub(crate) fn with_known(self, tried: AddressesTried, spare: SpareSocket) -> Self {
        Self { tried, spare, ..self }
    }

    /// The first address that takes a connection, within `limit`. Those that are left share
    /// what is left, so that one that swallows everything does not keep the others from being
    /// tried.
    pub(crate) fn first(&self, addresses: &[SocketAddr], limit: Option<Duration>) -> io::Result<TcpStream> {
        let started = Instant::now();
        let mut trouble = io::Error::from(io::ErrorKind::ConnectionRefused);
        for (index, address) in addresses.iter().enumerate() {
            let others = u32::try_from(addresses.len() - index - 1).unwrap_or(u32::MAX);
            let left = limit.map(|limit| limit.saturating_sub(started.elapsed()));
            // The first gets half, where there are others.
            let share = left.map(|left| if others == 0 { left } else { left / 2 });
            match self.one(*address, share) {
                Ok(stream) => return Ok(stream),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => trouble = error,
            }
        }
        Err(trouble)
    }

    fn one(&self, address: SocketAddr, limit: Option<Duration>) -> io::Result<TcpStream> {
        let family = family(address);
        let socket = self.spare.socket(family)?;
        if let Err(error) = self.wait_for(&socket, address, limit) {
            self.spare.take_back(family, socket);
            return Err(error);
        }
        let stream = TcpStream::from(socket);
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Waits until the connection stands.
    fn wait_for(&self, socket: &OwnedFd, address: SocketAddr, limit: Option<Duration>) -> io::Result<()> {
        let started = Instant::now();
        match connect(socket, &address) {
            Ok(()) => return Ok(()),
            Err(Errno::INPROGRESS | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        loop {
            if self.interrupted.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let left = limit.map_or(LOOK, |limit| limit.saturating_sub(started.elapsed()).min(LOOK));
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let mut one = [PollFd::new(socket, PollFlags::OUT)];
            match poll(&mut one, Timespec::try_from(left).ok().as_ref()) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(sockopt::socket_error(socket)??),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl<In: Transport> Connector<In> for TcpConnect {
    type Out = Either<In, TcpTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        if let Some(chained) = chained {
            return Ok(Some(Either::A(chained)));
        }
        self.stands.store(false, Ordering::SeqCst);
        let limit = limit_of(details.timeout)?;
        let stream = self
            .first(&self.tried.in_order(&details.addrs), limit)
            .map_err(|error| timed_out(error, details.timeout.reason))?;
        if let Ok(address) = stream.peer_addr() {
            self.tried.stands(address);
        }
        self.stands.store(true, Ordering::SeqCst);
        let stream = Arc::new(stream);
        let handle = Arc::downgrade(&stream) as Weak<dyn ShutdownHandle>;
        (details.register_shutdown)(handle)?;
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        let socket = LentSocket::new(stream, self.spare.clone())?;
        Ok(Some(Either::B(TcpTransport { socket, buffers })))
    }
}

/// A connection that stands.
pub(crate) struct TcpTransport {
    socket: LentSocket,
    buffers: LazyBuffers,
}

impl fmt::Debug for TcpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpTransport").field(&self.socket).finish()
    }
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let timeout = timeout.for_write();
        let mut stream = self.socket.stream()?;
        stream.set_write_timeout(limit_of(timeout)?)?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        stream
            .write_all(output)
            .map_err(|error| timed_out(error, timeout.reason))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let timeout = timeout.for_read();
        let limit = limit_of(timeout)?;
        let started = Instant::now();
        let free = self.buffers.input_append_buf();
        let mut stream = self.socket.stream()?;
        let amount = loop {
            let left = limit.map(|limit| limit.saturating_sub(started.elapsed()));
            // Nothing at all would be no limit.
            stream.set_read_timeout(left.map(|left| left.max(Duration::from_millis(1))))?;
            match stream.read(free) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(|error| timed_out(error, timeout.reason))?,
            }
        };
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        // Between two answers a device has nothing to say: whatever can be read is its farewell.
        self.socket.stream().is_ok_and(|stream| {
            let mut one = [PollFd::new(stream, PollFlags::IN)];
            matches!(poll(&mut one, Some(&Timespec::default())), Ok(0))
        })
    }
}

/// What is left; `None`: no limit. Nothing at all is an error.
fn limit_of(timeout: NextTimeout) -> Result<Option<Duration>, ureq::Error> {
    match timeout.after.is_not_happening() {
        true => Ok(None),
        false if timeout.after.is_zero() => Err(ureq::Error::Timeout(timeout.reason)),
        false => Ok(Some(*timeout.after)),
    }
}

fn timed_out(error: io::Error, reason: ureq::Timeout) -> ureq::Error {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => ureq::Error::Timeout(reason),
        _ => ureq::Error::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

    use super::*;

    const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

    /// A port of this machine that takes no more connections, and refuses none: its queue is
    /// full. Whoever holds the rest keeps it so.
    fn deaf() -> (SocketAddr, impl Sized) {
        let socket = socket_with(
            AddressFamily::INET,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .expect("a socket");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        rustix::net::bind(&socket, &any).expect("a port");
        rustix::net::listen(&socket, 0).expect("it listens");
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().expect("an address");
        let mut held = Vec::new();
        // The kernel takes one more than it is told; then it is silent.
        let patience = Some(Duration::from_millis(200));
        while let Ok(stream) = TcpConnect::default().one(address, patience) {
            held.push(stream);
        }
        (address, (listener, held))
    }

    #[test]
    fn a_connection_that_is_not_answered_is_given_up_at_its_limit_and_when_somebody_wants_to_stop() {
        let (address, _held) = deaf();
        let limited = TcpConnect::default().first(&[address], Some(Duration::from_millis(60)));
        assert_eq!(limited.expect_err("silence").kind(), io::ErrorKind::TimedOut);
        let interrupted = Arc::new(AtomicBool::new(true));
        let stopped = TcpConnect::new(interrupted, Arc::default()).first(&[address], HOUR);
        assert_eq!(stopped.expect_err("silence").kind(), io::ErrorKind::Interrupted);
    }

    #[test]
    fn an_address_that_fails_does_not_keep_the_others_from_being_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let good = listener.local_addr().expect("an address");
        let nobody = "127.0.0.1:1".parse().expect("an address");
        let (silent, _held) = deaf();
        let limit = Some(Duration::from_millis(400));
        for first in [nobody, silent] {
            let stream = TcpConnect::default()
                .first(&[first, good], limit)
                .expect("a connection");
            assert_eq!(stream.peer_addr().expect("an address"), good);
        }
        let refused = TcpConnect::default().first(&[nobody], HOUR);
        assert_eq!(
            refused.expect_err("nobody").kind(),
            io::ErrorKind::ConnectionRefused
        );
        let none = TcpConnect::default().first(&[], HOUR);
        assert_eq!(none.expect_err("nobody").kind(), io::ErrorKind::ConnectionRefused);
    }
}
