//! One address behind which several gateways stand, one to a connection, as behind the address of a cluster.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Hands each connection on, until it is dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Relay {
    /// The connection with this number, counted from 1, goes to the port that `choose` says.
    pub(crate) fn start(choose: impl Fn(usize) -> u16 + Send + 'static) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").expect("a port"), choose)
    }

    /// The same at an address of the caller's.
    pub(crate) fn at(listener: TcpListener, choose: impl Fn(usize) -> u16 + Send + 'static) -> Self {
        let address = listener.local_addr().expect("an address");
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let accepting = thread::spawn(move || {
            for (number, stream) in (1..).zip(listener.incoming()) {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), Ok(gateway)) = (stream, TcpStream::connect(("127.0.0.1", choose(number))))
                else {
                    continue;
                };
                for (from, to) in [(&client, &gateway), (&gateway, &client)] {
                    let (mut from, mut to) = (
                        from.try_clone().expect("a stream"),
                        to.try_clone().expect("a stream"),
                    );
                    thread::spawn(move || {
                        let _ended = io::copy(&mut from, &mut to);
                        let _closed = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
        Self {
            address,
            over,
            accepting: Some(accepting),
        }
    }

    /// The port of the address.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _woken = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _joined = accepting.join();
        }
    }
}
