//! A line between the gateway and whoever asks it, which carries so many bytes a second.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How much is carried at a time.
const PIECE: usize = 64 << 10;

/// Opens a line to a port of this machine, and gives the port where it begins. It stands until the
/// process ends.
pub(crate) fn open(gateway: u16, bytes_a_second: u64) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = TcpStream::connect(("127.0.0.1", gateway)).expect("the gateway");
            let (near_too, far_too) = (near.try_clone(), far.try_clone());
            // A side that has gone away ends the other: that is all that can come of it.
            thread::spawn(move || carry(near, far, None));
            thread::spawn(move || Some(carry(far_too.ok()?, near_too.ok()?, Some(bytes_a_second))));
        }
    });
    port
}

fn carry(mut from: TcpStream, mut to: TcpStream, bytes_a_second: Option<u64>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    let mut free_from = Instant::now();
    loop {
        let read = from.read(&mut piece)?;
        if read == 0 {
            return to.shutdown(Shutdown::Write);
        }
        if let Some(rate) = bytes_a_second {
            let takes = Duration::from_secs_f64(read as f64 / rate as f64);
            free_from = free_from.max(Instant::now()) + takes;
            thread::sleep(free_from.saturating_duration_since(Instant::now()));
        }
        to.write_all(&piece[..read])?;
    }
}
