//! Connections: a listener that can be closed and opened again, a thread for each connection.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustls::{ServerConnection, StreamOwned};

use super::answer::{Act, Request, answer};
use super::fault::{FaultKind, Faults};
use super::http::{Incoming, Manner, Reply, Unread, read_request, write_reply};
use super::setup::Setup;
use super::state::State;
use super::tls::{self, Shown};

type Tls = StreamOwned<ServerConnection, TcpStream>;

/// What the threads of a gateway share.
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) port: u16,
    faults: Mutex<Faults>,
    habits: Mutex<Faults>,
    requests: Mutex<Vec<Request>>,
    forbidden: Mutex<Vec<String>>,
    /// The last dry run of the tool.
    tried: Mutex<String>,
    shown: Mutex<Shown>,
    gate: Mutex<Gate>,
    gate_moved: Condvar,
    open: Mutex<HashMap<u64, TcpStream>>,
    pub(super) connections: AtomicU64,
    pub(super) handshakes: AtomicU64,
}

/// Whether connections are wanted, and whether the listener has followed.
#[derive(Default)]
struct Gate {
    stopping: bool,
    refusing: Option<Refusal>,
    listening: bool,
    /// How often the faults were cleared.
    cleared: u64,
}

#[derive(Clone, Copy)]
enum Refusal {
    UntilCleared,
    Until(Instant),
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(state: State, port: u16, shown: Shown) -> Shared {
        Shared {
            habits: Mutex::new(Faults::of(state.setup.habits.clone())),
            state: Mutex::new(state),
            port,
            faults: Mutex::default(),
            requests: Mutex::default(),
            forbidden: Mutex::default(),
            tried: Mutex::default(),
            shown: Mutex::new(shown),
            gate: Mutex::new(Gate {
                listening: true,
                ..Gate::default()
            }),
            gate_moved: Condvar::new(),
            open: Mutex::default(),
            connections: AtomicU64::new(0),
            handshakes: AtomicU64::new(0),
        }
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        hold(&self.faults)
    }

    pub(super) fn strike(&self, operation: &str, domains: &[String]) -> Vec<FaultKind> {
        let mut kinds = hold(&self.habits).strike(operation, domains);
        kinds.extend(self.faults().strike(operation, domains));
        kinds
    }

    pub(super) fn shown(&self) -> MutexGuard<'_, Shown> {
        hold(&self.shown)
    }

    pub(super) fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        hold(&self.requests)
    }

    /// The last dry run of the tool.
    pub(super) fn tried(&self) -> MutexGuard<'_, String> {
        hold(&self.tried)
    }

    /// What was sent that must never be sent, over the life of the gateway.
    pub(super) fn forbidden(&self) -> MutexGuard<'_, Vec<String>> {
        hold(&self.forbidden)
    }

    /// Puts another device behind the address, and gives the one that was there.
    pub(super) fn replace(&self, setup: Setup) -> State {
        *hold(&self.habits) = Faults::of(setup.habits.clone());
        let mut state = hold(&self.state);
        let mut other = State::new(setup);
        other.requests = state.requests;
        std::mem::replace(&mut *state, other)
    }

    /// Shows a new certificate from the next connection on.
    pub(super) fn change_certificate(&self) {
        let setup = hold(&self.state).setup.clone();
        if let Ok(shown) = tls::make(&setup) {
            *self.shown() = shown;
        }
    }

    /// Closes the listener and all connections, for a time or until `accept_again`.
    pub(super) fn refuse(&self, time: Option<Duration>) {
        let refusal = time.map_or(Refusal::UntilCleared, |time| {
            Refusal::Until(Instant::now() + time)
        });
        self.move_gate(|gate| gate.refusing = Some(refusal));
        self.shut_connections();
        self.wait_for_gate(|gate| !gate.listening);
    }

    pub(super) fn accept_again(&self) {
        self.move_gate(|gate| {
            gate.refusing = None;
            gate.cleared += 1;
        });
        self.wait_for_gate(|gate| gate.listening);
    }

    /// Ends all threads: the listener's, those that wait and those that read.
    pub(super) fn stop(&self) {
        self.move_gate(|gate| gate.stopping = true);
        self.shut_connections();
    }

    fn move_gate(&self, change: impl FnOnce(&mut Gate)) {
        change(&mut hold(&self.gate));
        self.gate_moved.notify_all();
        // Wakes the listener, which looks at the gate before it looks at who came.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }

    fn wait_for_gate(&self, reached: impl Fn(&Gate) -> bool) {
        let gate = hold(&self.gate);
        let waited = self
            .gate_moved
            .wait_while(gate, |gate| !gate.stopping && !reached(gate));
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn is_stopping(&self) -> bool {
        hold(&self.gate).stopping
    }

    fn shut_connections(&self) {
        for connection in hold(&self.open).values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Waits: for a time, or until the faults are cleared before it is over; or for ever without a
    /// time. No longer than the gateway lives. False: it stops.
    fn wait(&self, time: Option<Duration>) -> bool {
        self.wait_since(self.cleared(), time)
    }

    /// How often the faults were cleared.
    fn cleared(&self) -> u64 {
        hold(&self.gate).cleared
    }

    /// The same, of faults that were in force when they had been cleared so often: whoever saw the
    /// request arrive may have cleared them since.
    fn wait_since(&self, cleared: u64, time: Option<Duration>) -> bool {
        let end = time.map(|time| Instant::now() + time);
        let mut gate = hold(&self.gate);
        while !gate.stopping {
            if time.is_some() && gate.cleared != cleared {
                return true;
            }
            let left = match end.map(|end| end.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return true,
                Some(left) => left,
                None => Duration::from_secs(3600),
            };
            gate = self
                .gate_moved
                .wait_timeout(gate, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        false
    }

    /// Waits while connections are refused. False: the gateway stops.
    fn pass_refusal(&self) -> bool {
        let mut gate = hold(&self.gate);
        gate.listening = false;
        self.gate_moved.notify_all();
        loop {
            let left = match gate.refusing {
                _ if gate.stopping => return false,
                None => return true,
                Some(Refusal::UntilCleared) => Duration::from_secs(3600),
                Some(Refusal::Until(end)) => end.saturating_duration_since(Instant::now()),
            };
            if left.is_zero() {
                gate.refusing = None;
                return true;
            }
            gate = self
                .gate_moved
                .wait_timeout(gate, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn is_refusing(&self) -> bool {
        hold(&self.gate).refusing.is_some()
    }
}

/// Accepts connections until the gateway stops.
/// It does not wait for whoever holds the state.
pub(super) fn listen(shared: &Arc<Shared>, mut listener: TcpListener, serves_one: bool) {
    let mut threads = Vec::new();
    while !shared.is_stopping() {
        if shared.is_refusing() {
            // A process that is being started may hold a copy of the listener until its program
            // begins: closing ours alone would leave the port open.
            let _ = rustix::net::shutdown(&listener, rustix::net::Shutdown::Both);
            drop(listener);
            // Without a listener connections are refused; bound, the port stays this gateway's.
            let Ok(socket) = bind_only(shared.port) else { break };
            if !shared.pass_refusal() || rustix::net::listen(&socket, 128).is_err() {
                break;
            }
            listener = TcpListener::from(socket);
            hold(&shared.gate).listening = true;
            shared.gate_moved.notify_all();
        }
        let Ok((stream, _)) = listener.accept() else {
            continue;
        };
        let number = shared.connections.load(Ordering::SeqCst) + 1;
        if let Ok(copy) = stream.try_clone() {
            hold(&shared.open).insert(number, copy);
        }
        // Asked only now: whoever stops the gateway shuts the connections that it finds.
        if shared.is_stopping() || shared.is_refusing() {
            hold(&shared.open).remove(&number);
            continue;
        }
        shared.connections.store(number, Ordering::SeqCst);
        let shared = Arc::clone(shared);
        let served = move || {
            // A client that goes away ends its own connection only.
            let _ = serve(&shared, number, stream);
            hold(&shared.open).remove(&number);
        };
        if serves_one {
            served();
        } else {
            threads.push(thread::spawn(served));
        }
    }
    // What breaks in an answer breaks the gateway, and with it the test that it serves.
    for thread in threads {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// A socket that holds the port and does not listen.
fn bind_only(port: u16) -> io::Result<OwnedFd> {
    let socket = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    rustix::net::sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    Ok(socket)
}

/// What comes after an exchange.
enum Then {
    Next,
    Close,
    /// Without a word of farewell.
    Drop,
    Reset,
}

fn serve(shared: &Shared, number: u64, mut tcp: TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    match before_tls(shared, &mut tcp)? {
        Then::Next => {}
        then => return end(shared, number, &tcp, &then),
    }
    let config = Arc::clone(&shared.shown().config);
    let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut tcp)?;
    }
    shared.handshakes.fetch_add(1, Ordering::SeqCst);
    let mut stream = Tls::new(connection, tcp);
    let (mut buffer, mut answers) = (Vec::new(), 0);
    loop {
        let then = match read_request(&mut stream, &mut buffer) {
            Ok(Some(incoming)) => {
                answers += 1;
                exchange(shared, (number, answers), &incoming, &mut stream)?
            }
            Ok(None) => Then::Close,
            Err(Unread::Status(status, reason)) => {
                let reply = Reply::plain((status, reason), "text/plain", reason);
                write_reply(&mut stream, &reply, &Manner::default(), |_| true)?;
                Then::Close
            }
            Err(Unread::Io(error)) => return Err(error),
        };
        match then {
            Then::Next => {}
            Then::Close => {
                stream.conn.send_close_notify();
                stream.flush()?;
                return end(shared, number, &stream.sock, &then);
            }
            Then::Drop | Then::Reset => return end(shared, number, &stream.sock, &then),
        }
    }
}

/// The faults of a new connection.
fn before_tls(shared: &Shared, tcp: &mut TcpStream) -> io::Result<Then> {
    for fault in shared.strike("connect", &[]) {
        match fault {
            FaultKind::Refuse(time) => {
                shared.refuse(time);
                return Ok(Then::Drop);
            }
            FaultKind::Reset => {
                // The greeting is awaited: a client that has not yet sent it would not notice.
                let _ = tcp.read(&mut [0; 1024])?;
                return Ok(Then::Reset);
            }
            FaultKind::CloseBeforeReply => return Ok(Then::Drop),
            FaultKind::StallBeforeHead(time) => {
                let goes_on = shared.wait(time);
                if !goes_on {
                    return Ok(Then::Drop);
                }
            }
            FaultKind::Garbage => {
                tcp.write_all(b"SSH-2.0-not-a-gateway\r\n")?;
                return Ok(Then::Drop);
            }
            FaultKind::NewCertificate => shared.change_certificate(),
            _ => {}
        }
    }
    Ok(Then::Next)
}

/// Ends a connection in the manner asked for.
fn end(shared: &Shared, number: u64, tcp: &TcpStream, then: &Then) -> io::Result<()> {
    // A reset is sent when the last copy of the socket is gone.
    hold(&shared.open).remove(&number);
    if matches!(then, Then::Reset) {
        rustix::net::sockopt::set_socket_linger(tcp, Some(Duration::ZERO))?;
    } else {
        let _ = tcp.shutdown(Shutdown::Both);
    }
    Ok(())
}

/// Keeps the connection after so many answers, or ends it as the setup says.
fn after_answer(shared: &Shared, answers: u32) -> Then {
    let hang_up = hold(&shared.state).setup.hang_up;
    match hang_up {
        None => Then::Next,
        Some(hang_up) if answers < hang_up.answers => Then::Next,
        Some(hang_up) if !shared.wait(Some(hang_up.after)) || !hang_up.close_notify => Then::Drop,
        Some(_) => Then::Close,
    }
}

/// Answers one request: on which connection, and which of its requests.
fn exchange(
    shared: &Shared,
    (number, answers): (u64, u32),
    incoming: &Incoming,
    stream: &mut Tls,
) -> io::Result<Then> {
    let cleared = shared.cleared();
    let answer = answer(shared, number, incoming);
    if let Some(time) = answer.stall
        && !shared.wait_since(cleared, time)
    {
        return Ok(Then::Drop);
    }
    Ok(match answer.act {
        Act::Close => Then::Drop,
        Act::Reset => Then::Reset,
        Act::Refuse(time) => {
            shared.refuse(time);
            Then::Drop
        }
        Act::Raw(bytes) => {
            stream.write_all(bytes)?;
            Then::Close
        }
        Act::Send {
            reply,
            manner,
            silent_at_cut,
        } => {
            let wait = |pause| shared.wait(Some(pause));
            let complete = write_reply(stream, &reply, &manner, wait)?;
            match (complete, silent_at_cut) {
                (false, true) => {
                    shared.wait(None);
                    Then::Drop
                }
                (false, false) => Then::Drop,
                (true, _) if manner.lie == 0 && manner.keep => after_answer(shared, answers),
                (true, _) => Then::Close,
            }
        }
    })
}
