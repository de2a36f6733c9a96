//! A simulated DataPower gateway: HTTPS on the loopback device, the SOMA operations that a backup
//! uses, state that changes as a device's does, and faults on demand.
//!
//! ```text
//! let gateway = Gateway::start(Setup { domains: vec![Domain::new("DOM1")], ..Setup::default() });
//! gateway.fail(Fault::nth("do-backup", 2, FaultKind::CloseInBody(1000)));
//! ```
//!
//! It answers as real devices do where that is known: the envelope on one line, `OK` padded by old
//! firmware, HTTP 200 for most failures; and it refuses what their schema refuses. Where nothing is
//! known it does the likeliest thing, and says so in a comment.
//!
//! | file | one line |
//! |---|---|
//! | `setup`, `firmware` | what can be chosen before it starts |
//! | `personality`, `sample` | ways in which real gateways differ from each other; some of them |
//! | `fault`, `kinds`, `script` | what can go wrong; every kind by name; the same as text |
//! | `server`, `tls`, `short_key`, `http` | connections, certificates, requests and answers |
//! | `answer`, `door` | from a request to its answer: faults, login, rights, operation |
//! | `schema`, `forms`, `vocabulary`, `call` | which requests are valid; a valid one as a value |
//! | `operations`, `quiesce_actions`, `import`, `amp` | what a request does |
//! | `forbidden` | what a backup tool must never send |
//! | `hostile` | XML that costs who parses it without care a great deal |
//! | `status`, `objects`, `filestore`, `secure_backup`, `manifest`, `archive` | what it gives back |
//! | `state`, `quiesce`, `files`, `content` | what the gateway remembers |
//! | `soap`, `body` | the outer form of an answer |
//!
//! Tests, examples and benchmarks include this folder by path, and each uses its own part of it.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "included by path; each crate uses a part"
)]

mod amp;
mod answer;
mod archive;
mod body;
mod call;
mod content;
mod door;
mod fault;
mod files;
mod filestore;
mod firmware;
mod forbidden;
mod forms;
mod hostile;
mod http;
mod import;
mod import_reply;
mod imported;
mod kinds;
mod manifest;
mod objects;
mod operations;
mod personality;
mod quiesce;
mod quiesce_actions;
mod sample;
mod schema;
mod script;
mod secure_backup;
mod server;
mod setup;
mod short_key;
mod soap;
mod state;
mod status;
mod tls;
mod vocabulary;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::thread::{self, JoinHandle};

pub use answer::Request;
pub use content::Content;
pub use fault::{Fault, FaultKind, Times};
pub use firmware::{Firmware, Style};
pub use forbidden::{forbidden, untried};
pub use hostile::{Bulk, BulkForm, BulkPlace};
pub use import::DryRunSections;
pub use kinds::KINDS;
pub use manifest::{Checksum, ManifestForm, Notation, OwnRow, SizeElement};
pub use personality::{PERSONALITIES, Personality};
pub use quiesce::{Shown, When};
pub use sample::some_of;
pub use script::parse_time;
pub use setup::{BackupMode, Clock, CryptoCertificate, Domain, HangUp, Identity, Setup, Space, Uri, User};
pub use state::State;

use server::Shared;

/// A gateway that runs until it is dropped.
pub struct Gateway {
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl Gateway {
    /// Starts a gateway.
    ///
    /// # Panics
    ///
    /// When there is no port to listen on.
    pub fn start(setup: Setup) -> Gateway {
        Gateway::try_start(setup).expect("a simulated gateway starts")
    }

    /// Starts a gateway, unless its port is taken.
    pub fn try_start(setup: Setup) -> io::Result<Gateway> {
        let shown = tls::make(&setup).map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, setup.port))?;
        let port = listener.local_addr()?.port();
        let serves_one = setup.serves_one;
        let shared = Arc::new(Shared::new(State::new(setup), port, shown));
        let for_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || server::listen(&for_thread, listener, serves_one));
        Ok(Gateway {
            shared,
            listener: Some(thread),
        })
    }

    /// The address it listens on.
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// The address of its XML Management Interface.
    pub fn url(&self) -> String {
        format!("https://{}:{}/service/mgmt/current", self.host(), self.port())
    }

    /// What vouches for the certificate shown now, as PEM: its authority, or the certificate itself
    /// where it is signed by itself.
    pub fn ca_pem(&self) -> String {
        self.shared.shown().ca_pem.clone()
    }

    /// SHA-256 of the certificate shown now (its DER form), in lower-case hex.
    pub fn pin(&self) -> String {
        self.shared.shown().pin.clone()
    }

    /// Shows another certificate of the same kind, with another authority, from the next connection on.
    pub fn change_certificate(&self) {
        self.shared.change_certificate();
    }

    /// Adds a fault. `connect` with `Refuse` takes effect before this returns.
    pub fn fail(&self, fault: Fault) {
        let at_once = matches!(fault.times, Times::Every | Times::Nth(1) | Times::From(1));
        match &fault.kind {
            FaultKind::Refuse(time) if fault.operation == "connect" && at_once => self.shared.refuse(*time),
            _ => self.shared.faults().add(fault),
        }
    }

    /// Adds a fault written as a script, `do-backup:2=close-in-body@1000`.
    ///
    /// # Panics
    ///
    /// When the script cannot be read.
    pub fn fail_as(&self, script: &str) {
        self.fail(Fault::parse(script).expect("a fault script"));
    }

    /// Takes all faults away, and accepts connections again. What they have done stays done, and the
    /// habits of its setup stay.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
        self.shared.accept_again();
    }

    /// The requests so far, in the order of their arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests().clone()
    }

    /// The operations of the requests so far.
    pub fn operations(&self) -> Vec<String> {
        self.shared
            .requests()
            .iter()
            .map(|request| request.operation.clone())
            .collect()
    }

    /// How many requests of an operation have come, as the selector of a fault names it: `do-backup`,
    /// `UnquiesceDP`, `unquiesce` for this action of a domain and of the device.
    pub fn received(&self, selector: &str) -> usize {
        let requests = self.shared.requests();
        let of_it = requests
            .iter()
            .filter(|request| fault::matches_operation(selector, &request.operation));
        of_it.count()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.requests().clear();
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// TLS handshakes completed so far.
    pub fn handshakes(&self) -> u64 {
        self.shared.handshakes.load(Ordering::SeqCst)
    }

    /// Puts another device behind the same address, with the same certificate, and gives the one that was
    /// there as it was left.
    pub fn replace(&self, setup: Setup) -> State {
        self.shared.replace(setup)
    }

    /// The state, to look at and to change. The gateway answers nothing while this is held.
    pub fn state(&self) -> MutexGuard<'_, State> {
        operations::lock(&self.shared.state)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.listener.take()
            && let Err(panic) = thread.join()
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
        // Whatever a test is about: none of it may ever leave the tool.
        let sent = self.shared.forbidden();
        assert!(
            sent.is_empty() || thread::panicking(),
            "a gateway was sent what must never be sent: {sent:?}"
        );
    }
}
