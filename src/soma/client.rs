//! The way in: sends requests to one device and hands out judged answers.

use std::borrow::Cow;
use std::fmt;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};

use crate::soma::answer_body::Body;
use crate::soma::download::{self, ReceivedFile};
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::http::{Http, SharedByAll};
use crate::soma::own_secrets::OwnSecrets;
use crate::soma::reply::{self, Answer, AroundFile};
use crate::soma::request::Request;
use crate::soma::tls;
use crate::soma::upload::Upload;
use crate::values::odd_password::oddity;
use crate::values::timeouts::{RequestLimit, Timeouts};
use crate::values::trust::Trust;

/// Where a device is, who we are to it, and how it is trusted.
#[derive(Clone)]
pub struct Endpoint {
    /// Host name or address.
    pub host: String,
    /// Port of the XML Management Interface.
    pub port: u16,
    /// The account.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// Whose they are and where they come from, in words for a login that is refused.
    pub account: String,
    /// How the certificate is trusted.
    pub trust: Trust,
    /// Limits of every wait.
    pub timeouts: Timeouts,
    /// What shows the certificate of this device, for advice.
    pub trust_command: String,
}

/// Whether another address of a device than the one that is meant may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherAddresses {
    /// It tells by itself whether it is the one.
    May,
    /// Nothing that it tells would show that it is another.
    MayNot,
}

/// A client of one device.
pub struct Client {
    target: Endpoint,
    tls: Arc<ClientConfig>,
    http: Http,
    secrets: OwnSecrets,
}

impl Client {
    /// Prepares a client; nothing is sent yet.
    pub fn new(target: Endpoint) -> Result<Self> {
        let tls = tls::client_config(&target.trust)?;
        Self::with_tls(target, tls, SharedByAll::default())
    }

    fn with_tls(target: Endpoint, tls: Arc<ClientConfig>, shared: SharedByAll) -> Result<Self> {
        let http = Http::new(
            &target.host,
            target.port,
            &target.username,
            &target.password,
            Arc::clone(&tls),
            target.timeouts,
            shared,
        )?;
        let secrets = OwnSecrets::new(&target.username, &target.password);
        Ok(Self {
            target,
            tls,
            http,
            secrets,
        })
    }

    /// A client for the same device with a connection of its own, for what has to be
    /// undone after this one was interrupted. The idle connection of this one is closed first.
    pub fn afresh(&self) -> Result<Self> {
        self.http.let_go();
        let fresh = Self::with_tls(self.target.clone(), Arc::clone(&self.tls), self.http.shared())?;
        fresh.http.go_on_from(&self.http);
        Ok(fresh)
    }

    /// The next connection goes to another address of the name, where it has one: somebody else answers at this one.
    pub fn to_another_address(&self) {
        self.http.to_another_address();
    }

    /// The network address that answered last, if one did.
    pub fn address(&self) -> Option<SocketAddr> {
        self.http.addresses().current()
    }

    /// From now on all goes to the address that answered last, and so does what another client of this device sends that
    /// is made [afresh](Self::afresh).
    pub fn stay_at_this_address(&self) {
        self.http.addresses().stay();
    }

    /// All goes to whatever the name leads to again.
    pub fn stay_no_more(&self) {
        self.http.addresses().stay_no_more();
    }

    /// From now on all goes to this address, over a new connection; or begins there, where another may answer as well.
    pub fn go_to(&self, address: SocketAddr, others: OtherAddresses) {
        match others {
            OtherAddresses::May => self.http.addresses().begin_at(address),
            OtherAddresses::MayNot => self.http.addresses().stay_at(address),
        }
        self.on_a_new_connection();
    }

    /// The next request goes over a new connection.
    pub fn on_a_new_connection(&self) {
        self.http.let_go();
    }

    /// Whether the newest request went over the connection of the one before it.
    pub fn is_on_one_before(&self) -> bool {
        self.http.is_on_one_before()
    }

    /// The limits in force.
    pub fn timeouts(&self) -> &Timeouts {
        &self.target.timeouts
    }

    /// Sends a request whose answer is small. `limit` bounds the reading of it, too.
    pub fn call(&self, request: &Request, limit: RequestLimit) -> Result<Answer> {
        read_text(self.post(request, limit)?)
    }

    /// Sends an archive; the answer to it is small. `limit` bounds the sending and the reading.
    pub fn upload(&self, upload: &Upload<'_>, limit: RequestLimit) -> Result<Answer> {
        let told = |error: SomaError| error.for_device(&self.target.trust_command);
        let answer = self.http.upload(upload, limit).map_err(told)?;
        let came_early = answer.came_early;
        let answer = read_text(answer.into_soma_body(&self.secrets).map_err(told)?)?;
        Ok(match came_early {
            true => answer.early(),
            false => answer,
        })
    }

    /// Sends a request whose answer is a file, and writes that file to `out`. Its length
    /// is 0 for the empty file of a device that is short of space.
    pub fn download(
        &self,
        request: &Request,
        limit: RequestLimit,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ReceivedFile> {
        let mut body = self.post(request, limit)?;
        let deadline = body.deadline().clone();
        let outcome = download::read_file(&mut body, &deadline, out, progress);
        let file = match body.failure() {
            Some(failure) => return Err(failure),
            None => outcome?,
        };
        let without_secrets = |said: String| self.without_secrets_in(&said);
        Ok(ReceivedFile {
            around: AroundFile {
                name: file.around.name.map(without_secrets),
                said: file.around.said.map(without_secrets),
            },
            ..file
        })
    }

    /// Sends a request, and gives the answer where it is one of a device.
    fn post(&self, request: &Request, limit: RequestLimit) -> Result<Body> {
        let answer = self.http.post(request, limit);
        answer
            .and_then(|answer| answer.into_soma_body(&self.secrets))
            .map_err(|error| error.for_device(&self.target.trust_command))
    }

    /// What failed, without the password of the account, should the device have sent it back. Where the login was
    /// refused, the advice says with whose, and what is odd about the password that was read.
    pub fn without_secrets(&self, error: SomaError) -> SomaError {
        let is_refused = matches!(
            error.kind,
            SomaErrorKind::LoginRefused | SomaErrorKind::Authentication
        );
        let hint = match is_refused {
            true => {
                let tried = format!("it was tried with {}", self.target.account);
                let odd = oddity(self.target.password.expose_secret()).map(str::to_owned);
                let said = error.hint.map(Cow::into_owned);
                let all: Vec<String> = said.into_iter().chain([tried]).chain(odd).collect();
                Some(all.join("; ").into())
            }
            false => error.hint,
        };
        SomaError {
            message: self.without_secrets_in(&error.message),
            hint,
            ..error
        }
    }

    /// What a device says in an answer that reports no failure, without secrets.
    pub fn without_secrets_in(&self, said: &str) -> String {
        self.secrets.hidden_in(said)
    }

    /// A handle that ends whatever this client is doing, from any thread, for good.
    pub fn interrupter(&self) -> Arc<dyn Fn() + Send + Sync> {
        self.http.interrupter()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

fn read_text(mut body: Body) -> Result<Answer> {
    let mut bytes = Vec::new();
    let outcome = body.by_ref().take(reply::MAX_BYTES + 1).read_to_end(&mut bytes);
    if let Some(failure) = body.failure() {
        return Err(failure);
    }
    outcome.map_err(|error| SomaError::new(SomaErrorKind::Broken, error))?;
    if bytes.len() as u64 > reply::MAX_BYTES {
        return Err(SomaError::new(
            SomaErrorKind::Malformed,
            format!("the answer is longer than {} MiB", reply::MAX_BYTES >> 20),
        ));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        SomaError::new(
            SomaErrorKind::Malformed,
            format!(
                "the answer is not UTF-8 (at byte {})",
                error.utf8_error().valid_up_to()
            ),
        )
    })?;
    Ok(Answer::new(text, body.deadline().clone()))
}
