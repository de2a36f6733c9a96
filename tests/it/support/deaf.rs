//! A port that swallows everything, as an address behind a firewall does.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use rustix::net;

/// A port of this machine that takes no more connections, and refuses none: its queue is full.
/// Whoever holds the rest keeps it so.
pub(crate) fn deaf_port() -> (u16, impl Sized) {
    let socket = net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    net::bind(&socket, &any).expect("a port");
    net::listen(&socket, 0).expect("it listens");
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().expect("an address");
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        held.push(stream);
    }
    // A process that another test is just starting holds the last of these attempts too, until it runs its own program.
    while is_being_connected_to(address.port()) {
        std::thread::sleep(Duration::from_millis(10));
    }
    (address.port(), (listener, held))
}

/// Whether somebody on this machine waits for a connection to a port.
pub(crate) fn is_being_connected_to(port: u16) -> bool {
    let connections = std::fs::read_to_string("/proc/net/tcp").expect("a table of connections");
    let waiting = format!(":{port:04X} 02 ");
    connections.lines().any(|line| line.contains(&waiting))
}
