//! To the system log: RFC 5424 over a socket of this machine, UDP (RFC 5426), TCP with
//! octet counting (RFC 6587) or TLS (RFC 5425).

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::notify::send::{SendError, Sent, connect, trust};
use crate::plan::model::notify::{Syslog, SyslogAddress};
use crate::values::causes::said;

/// How long a receiver of a stream may take to close it, or to break it.
const LONGEST_GOODBYE: Duration = Duration::from_secs(1);

/// Sends one message. Only trouble is ever answered: syslog has no word for "taken".
pub fn send(syslog: &Syslog, message: &str, limit: Duration) -> Sent {
    match &syslog.address {
        SyslogAddress::Local(path) => local(path, message, limit),
        SyslogAddress::Udp(host, port) => {
            udp(host, *port, message)?;
            Ok("sent by UDP, which is never answered".to_owned().into())
        }
        SyslogAddress::Tcp(host, port) => {
            let mut stream = connect(host, *port, limit)?;
            stream.write_all(&counted(message))?;
            goodbye(&mut stream)
        }
        SyslogAddress::Tls(host, port) => {
            let config = trust(syslog.ca_file.as_ref())?;
            let name = ServerName::try_from(host.clone())
                .map_err(|_| SendError::lasting(format!("{host} is no name that a certificate can have")))?;
            let connection =
                ClientConnection::new(Arc::clone(&config), name).map_err(|error| SendError::tls(&error))?;
            let mut stream = StreamOwned::new(connection, connect(host, *port, limit)?);
            stream.write_all(&counted(message))?;
            stream.conn.send_close_notify();
            stream.flush()?;
            goodbye(&mut stream.sock)
        }
    }
}

/// A socket for datagrams, as `/dev/log` is; some programs have one for streams.
fn local(path: &Path, message: &str, limit: Duration) -> Sent {
    let at = |error: io::Error| match error.kind() {
        // It may be there a moment later: a daemon that starts anew makes it.
        io::ErrorKind::NotFound => SendError::passing(format!(
            "there is no {} here, as in a container: `address = \"udp://HOST\"` under [notify.syslog] names a system log \
             elsewhere",
            path.display()
        )),
        _ => SendError::passing(format!("{}: {}", path.display(), said(&error))),
    };
    let socket = UnixDatagram::unbound().map_err(at)?;
    socket.set_write_timeout(Some(limit)).map_err(at)?;
    match socket.send_to(message.as_bytes(), path) {
        Ok(_) => Ok("taken by the socket".to_owned().into()),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::PROTOTYPE.raw_os_error()) => {
            let mut stream = UnixStream::connect(path).map_err(at)?;
            stream.set_write_timeout(Some(limit)).map_err(at)?;
            stream.write_all(format!("{message}\n").as_bytes()).map_err(at)?;
            Ok("taken by the socket".to_owned().into())
        }
        Err(error) => Err(at(error)),
    }
}

fn udp(host: &str, port: u16, message: &str) -> Result<(), SendError> {
    let mut trouble = None;
    for any in ["[::]:0", "0.0.0.0:0"] {
        // A machine without IPv6 cannot bind the first.
        let sent = UdpSocket::bind(any).and_then(|socket| {
            socket.connect((host, port))?;
            socket.send(message.as_bytes())
        });
        match sent {
            Ok(_) => return Ok(()),
            Err(error) => trouble = Some(error),
        }
    }
    let trouble = trouble.map_or_else(String::new, |error| said(&error));
    Err(SendError::passing(format!("{host}: {trouble}")))
}

/// The length in bytes stands in front, so that a message may hold anything.
fn counted(message: &str) -> Vec<u8> {
    format!("{} {message}", message.len()).into_bytes()
}

/// Says that nothing follows, and waits a little for the other side to say the same: a
/// receiver that refuses what it got resets the connection.
fn goodbye(stream: &mut TcpStream) -> Sent {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LONGEST_GOODBYE))?;
    let mut rest = [0; 512];
    loop {
        match stream.read(&mut rest) {
            Ok(0) => return Ok("taken, and the connection closed in order".to_owned().into()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok("taken by the connection".to_owned().into());
            }
            Err(error) => return Err(error.into()),
        }
    }
}
