//! A socket that is held back while a device is changed, for the connections that put it back: a machine or a process
//! that has run out of descriptors gives none for those either.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect_unspec, socket_with};

/// Makes a socket.
type OpenSocket = fn(AddressFamily) -> rustix::io::Result<OwnedFd>;

/// What all conversations with one device hold back.
#[derive(Clone, Debug)]
pub(crate) struct SpareSocket {
    held: Arc<Mutex<Held>>,
    open: OpenSocket,
}

#[derive(Debug, Default)]
struct Held {
    /// That of the newest connection.
    family: Option<AddressFamily>,
    socket: Option<(AddressFamily, OwnedFd)>,
    /// Whether the last socket that was asked for was not given.
    is_short: bool,
}

impl SpareSocket {
    /// A socket for a connection: a new one, or, where none is left, the one that is held back.
    pub(crate) fn socket(&self, family: AddressFamily) -> rustix::io::Result<OwnedFd> {
        let opened = (self.open)(family);
        let is_short = matches!(opened, Err(Errno::MFILE | Errno::NFILE));
        let mut held = self.held();
        held.is_short = is_short;
        match held.socket.take_if(|(of, _)| is_short && *of == family) {
            Some((_, socket)) => Ok(socket),
            None => opened,
        }
    }

    /// Holds one back, of the family of the newest connection, where none is. Where none is left either, the device is
    /// changed all the same: its connections hand theirs on.
    pub(crate) fn hold(&self) {
        let mut held = self.held();
        if let (Some(family), None) = (held.family, &held.socket) {
            held.socket = (self.open)(family).ok().map(|socket| (family, socket));
        }
    }

    /// Takes the socket of a connection that has ended: the next one will not be given another, if the last one was not.
    pub(crate) fn take_back(&self, family: AddressFamily, socket: OwnedFd) {
        let mut held = self.held();
        let is_wanted = held.is_short && held.socket.is_none();
        if is_wanted && ioctl_fionbio(&socket, true).is_ok() && connect_unspec(&socket).is_ok() {
            held.socket = Some((family, socket));
        }
    }

    /// Nothing that holds the lock can panic half-way.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The socket of a connection, which is handed on when that ends.
pub(crate) struct LentSocket {
    /// Shared, weakly, with whoever may shut it down; there until it ends.
    stream: Option<Arc<TcpStream>>,
    family: AddressFamily,
    spare: SpareSocket,
}

impl LentSocket {
    /// That of a connection that stands; one that `spare` may have given.
    pub(crate) fn new(stream: Arc<TcpStream>, spare: SpareSocket) -> io::Result<Self> {
        let family = family(stream.local_addr()?);
        spare.held().family = Some(family);
        Ok(Self {
            stream: Some(stream),
            family,
            spare,
        })
    }

    /// It stands until it is handed on.
    pub(crate) fn stream(&self) -> io::Result<&TcpStream> {
        self.stream
            .as_deref()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl fmt::Debug for LentSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LentSocket").field(&self.stream).finish()
    }
}

impl Drop for LentSocket {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take().and_then(Arc::into_inner) {
            self.spare.take_back(self.family, stream.into());
        }
    }
}

/// The family of an address.
pub(crate) fn family(address: SocketAddr) -> AddressFamily {
    match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    }
}

impl Default for SpareSocket {
    fn default() -> Self {
        Self {
            held: Arc::default(),
            open,
        }
    }
}

fn open(family: AddressFamily) -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(family, SocketType::STREAM, flags, None)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    const INET: AddressFamily = AddressFamily::INET;

    fn none_left(_family: AddressFamily) -> rustix::io::Result<OwnedFd> {
        Err(Errno::NFILE)
    }

    /// The same on a machine that gives no more.
    fn on_a_full_machine(spare: &SpareSocket) -> SpareSocket {
        SpareSocket {
            open: none_left,
            ..spare.clone()
        }
    }

    /// A connection whose socket `spare` has given.
    fn connected(spare: &SpareSocket, listener: &TcpListener) -> LentSocket {
        let socket = spare.socket(INET).expect("a socket");
        let address = listener.local_addr().expect("an address");
        ioctl_fionbio(&socket, false).expect("it waits");
        rustix::net::connect(&socket, &address).expect("a connection");
        LentSocket::new(Arc::new(socket.into()), spare.clone()).expect("it stands")
    }

    fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").expect("a port")
    }

    #[test]
    fn what_is_held_back_is_given_once_no_other_is_left_and_only_to_its_own_family() {
        let (spare, listener) = (SpareSocket::default(), listener());
        spare.hold();
        let full = on_a_full_machine(&spare);
        assert!(full.socket(INET).is_err(), "no connection stood yet");
        let _connection = connected(&spare, &listener);
        spare.hold();
        assert!(full.socket(AddressFamily::INET6).is_err());
        assert!(full.socket(INET).is_ok());
        assert_eq!(full.socket(INET).expect_err("it was given"), Errno::NFILE);
    }

    #[test]
    fn where_no_other_is_left_each_connection_hands_its_socket_on_to_the_next() {
        let (spare, listener) = (SpareSocket::default(), listener());
        let full = on_a_full_machine(&spare);
        drop((connected(&spare, &listener), listener.accept()));
        assert!(full.socket(INET).is_err(), "nobody was short of them");
        spare.hold();
        for _ in 0..3 {
            let connection = connected(&full, &listener);
            let (mut answers, _) = listener.accept().expect("a connection");
            answers.write_all(b"x").expect("an answer");
            let mut answer = [0];
            connection
                .stream()
                .expect("it stands")
                .read_exact(&mut answer)
                .expect("an answer");
        }
    }
}
