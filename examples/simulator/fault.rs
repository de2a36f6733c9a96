//! What a gateway can be told to do wrong: which request, which time, and how.

use std::time::Duration;

use super::hostile::Bulk;
use super::quiesce::When;

/// One thing that goes wrong with the requests it selects.
///
/// As a script (see [`Fault::parse`]): `OPERATION[@DOMAIN][:TIMES]=KIND[@ARGUMENT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `do-backup`, `do-export`, `get-status/DomainStatus`, `get-config/Domain`, `get-file/cert.tgz`,
    /// `do-action/SecureBackup`, … Either half alone will do (`get-status`, `SecureBackup`); `*` is
    /// every request, `quiesce` and `unquiesce` are these actions of a domain and of the device, and
    /// `connect` is a new connection, before TLS.
    pub operation: String,
    /// Only when the request concerns this domain: the one it names, or else the one it is sent in.
    pub domain: Option<String>,
    /// Which of the selected requests, counted from the moment the fault was added.
    pub times: Times,
    /// What goes wrong.
    pub kind: FaultKind,
}

/// Which of the selected requests a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// All of them.
    Every,
    /// The n-th, counted from 1.
    Nth(u32),
    /// The n-th and all after it.
    From(u32),
    /// The first n.
    First(u32),
}

impl Times {
    /// Whether the n-th selected request is struck.
    pub fn include(self, n: u32) -> bool {
        match self {
            Times::Every => true,
            Times::Nth(only) => n == only,
            Times::From(first) => n >= first,
            Times::First(last) => n <= last,
        }
    }
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    // On the wire.
    /// The connection ends without an answer and no new one is accepted: until the faults are
    /// cleared, or for this long. With `connect` it begins at once.
    Refuse(Option<Duration>),
    /// TCP reset instead of an answer.
    Reset,
    /// The connection is closed instead of an answer. The request was not carried out.
    CloseBeforeReply,
    /// The connection is closed after this many bytes of the body.
    CloseInBody(u64),
    /// The request is carried out; then silence instead of an answer, until the gateway is dropped, or
    /// for this long before the answer, or until the faults are cleared.
    StallBeforeHead(Option<Duration>),
    /// Silence after this many bytes of the body, until the gateway is dropped.
    StallInBody(u64),
    /// One byte of the answer, then this pause, and so on.
    Trickle(Duration),
    /// Content-Length promises this many bytes more than come; then the connection is closed.
    LengthTooLong(u64),
    /// Content-Length promises this many bytes fewer than come.
    LengthTooShort(u64),
    /// HTTP 401.
    Unauthorized,
    /// HTTP 500 with a SOAP fault.
    ServerFault,
    /// HTTP 500 that repeats the login of the request: in a SOAP fault, or in a page for people.
    SaysLogin {
        /// In a page.
        in_page: bool,
    },
    /// HTTP 503 with plain text.
    Unavailable,
    /// HTTP 200 with a page for people.
    Html,
    /// The same body under this HTTP status: of the right answer, or of another fault.
    Status(u16),
    /// Nothing in the body.
    EmptyBody,
    /// Bytes that are not HTTP.
    Garbage,
    /// The right body under another content type.
    ContentType(String),
    /// HTTP 302 to this address.
    Redirect(String),

    // In the content.
    /// The base64 text ends early, in the middle of a group of four.
    TruncatedBase64,
    /// A character in the middle of the base64 text is none of base64.
    CorruptBase64,
    /// `<dp:file/>`.
    EmptyFile,
    /// `<dp:file>ERROR</dp:file>`.
    FileError,
    /// `<dp:result>ERROR</dp:result>`.
    ResultError,
    /// A timestamp and nothing else.
    NoPayload,
    /// The numbers of `FilesystemStatus` are empty elements.
    NoNumbers,
    /// A byte of an archive is changed: an entry's CRC does not hold. Else a byte of the file.
    BadCrc,
    /// The archive ends early, though its base64 is whole.
    TruncatedArchive,
    /// A hash in `export.xml` is not the file's.
    WrongHash,
    /// The archive is of another domain than the one asked for.
    OtherDomain,
    /// A file that `export.xml` lists is not in the archive.
    MissingEntry,
    /// A domain that was asked for has no archive within the archive.
    MissingDomain,
    /// The archive holds a file that `export.xml` does not list.
    ExtraEntry,
    /// `export.xml` has no configuration object.
    NoObjects,
    /// The last part that the manifest of a secure backup lists is not there.
    MissingPart,
    /// The first part of a secure backup is not what the manifest says.
    ChangedPart,
    /// A secure backup holds a file that the manifest does not list.
    ExtraPart,
    /// A document type that expands to gigabytes.
    EntityBomb,
    /// This many elements, each in the one before.
    DeepNesting(u32),
    /// XML of few bytes that costs who parses it without care a great deal.
    Bulk(Bulk),
    /// A file of zeros that never ends.
    EndlessFile,
    /// Interim answers, with header fields, ahead of the answer.
    Interim,
    /// A name made to escape, in the domain list or among the files of a secure backup.
    /// One of your own is also that by which a file is called that was asked for.
    /// Without one of your own it is `../../hostile`, and in a domain list some with control characters too.
    HostileName(Option<String>),

    // In behaviour.
    /// The request is carried out, and the connection closed instead of an answer.
    ReplyLost,
    /// The quiesce is accepted and stays `quiescing`.
    NeverQuiesces,
    /// The quiesce is accepted and ends in state `error`.
    QuiesceError,
    /// The unquiesce is accepted and stays `unquiescing`.
    NeverUnquiesces,
    /// The secure backup is accepted and never writes its manifest.
    NeverReady,
    /// The secure backup is accepted, goes on for its time, and ends without a manifest.
    GivesUp,
    /// The manifest of the secure backup is listed from the beginning, and empty until the end.
    EarlyManifest,
    /// The secure backup is accepted with a sentence instead of `OK`.
    Scheduled,
    /// No space is left in `temporary:`.
    NoSpace,
    /// The answer is right; from the next connection on another certificate is shown.
    NewCertificate,
    /// The device restarts instead of answering: `temporary:` is empty, nothing is quiesced, no
    /// secure backup goes on.
    Restart,
    /// The right for the operation is missing.
    AccessDenied,
    /// `Authentication failure` without a timestamp, as a wrong password has it, to this request only.
    LoginFailure,
    /// The account is locked from now on.
    AccountLocked,

    // Ways of a gateway that are no failure. How a real one says these things was not captured.
    /// A quiesce or an unquiesce is answered by a sentence (`Quiesce of domain [A] scheduled.`).
    Sentence,
    /// The request is carried out, and answered by an error log: with this text, or with one that names
    /// the first of the domains that were spared.
    ErrorLog(Option<String>),
    /// The request is carried out, and answered by `OK` in one result, or a file, and an error log beside it.
    OkAndErrorLog(Option<String>),
    /// The request is carried out, and answered by a SOAP fault that blames the server, in these words.
    FaultAfter(Option<String>),
    /// The rows of `DomainStatus` have no element of this name.
    NoField(String),
    /// `DomainStatus`, or the configuration, has no row of this domain; a list of files has nothing in this
    /// location (`temporary:`).
    HidesRow(String),
    /// `DomainStatus` has a row of this domain that shows it at work, before the one that tells the truth.
    TwoRows(String),
    /// A quiesce, an unquiesce or a secure backup is carried out later. What is asked for meanwhile
    /// overtakes it.
    Late(When),
    /// It is carried out later, and whatever quiesces or unquiesces after it waits for it.
    Queued(When),
    /// It is answered and never carried out.
    NotDone,
    /// It is not carried out in these domains.
    Spares(Vec<String>),
    /// It is carried out in these domains only.
    Only(Vec<String>),
    /// Before the request is answered a domain quiesces, and nobody has asked for it.
    QuiescesAlone(String),
    /// Before the request is answered a domain unquiesces, and nobody has asked for it.
    UnquiescesAlone(String),
    /// An object of an import cannot be made, `CLASS/NAME` or the last one: the others are. Whether a
    /// device says more than the status of it was not captured.
    ObjectFails(Option<String>),
    /// An object of an import is left out, because the account has no right to it. That such a device lists
    /// the object and has no result for it is a guess.
    SkipsObject(Option<String>),
    /// A file of an import cannot be written: this one, or the last.
    FileFails(Option<String>),
    /// The last file of an import is said to be listed in the archive and not in it.
    FileMissing,
    /// The import fails as a whole, in these words, and nothing is carried out.
    ImportFails(Option<String>),
    /// An import is answered by an empty `dp:import`. It is carried out.
    ImportEmpty,
    /// An import is answered by results without anything in them. It is carried out.
    ResultsEmpty,
    /// An import is answered by something in `dp:import` that nobody knows. It is carried out.
    ImportUnknown,
    /// The results of an import end with an error that it has detected, of this code. It is carried out.
    DetectedErrors(Option<String>),
    /// The results of an import say this in every place that has room for words of a device.
    ResultsSay(String),
    /// An import takes this object, `CLASS/NAME`, away besides.
    RemovesObject(String),
    /// An import leaves the object of the domain itself as it was.
    LeavesOwn,
    /// The object of the domain itself has another value of a property after an import, `TAG/VALUE`: after a dry
    /// run, too.
    OwnBecomes(String),
    /// The configuration is not saved, and the device takes what runs for saved.
    SavesNothing,
    /// From this request on the device has another serial number.
    AnotherSerial(String),
    /// From this request on the device has another firmware version.
    AnotherFirmware(String),
}

impl Fault {
    /// A fault that strikes every request of the operation.
    pub fn every(operation: &str, kind: FaultKind) -> Fault {
        Fault {
            operation: operation.to_owned(),
            domain: None,
            times: Times::Every,
            kind,
        }
    }

    /// A fault that strikes the n-th request of the operation, counted from 1.
    pub fn nth(operation: &str, n: u32, kind: FaultKind) -> Fault {
        Fault {
            times: Times::Nth(n),
            ..Fault::every(operation, kind)
        }
    }

    /// The same, for one domain only.
    pub fn in_domain(mut self, domain: &str) -> Fault {
        self.domain = Some(domain.to_owned());
        self
    }

    /// Whether a request is selected: its operation, and the domains that it concerns.
    pub(super) fn selects(&self, operation: &str, domains: &[String]) -> bool {
        matches_operation(&self.operation, operation)
            && self.domain.as_ref().is_none_or(|domain| domains.contains(domain))
    }
}

/// What the selectors `quiesce` and `unquiesce` mean.
const QUIESCES: [&str; 3] = ["do-action/QuiesceDP", "do-action/DomainQuiesce", "amp/Quiesce"];
const UNQUIESCES: [&str; 3] = [
    "do-action/UnquiesceDP",
    "do-action/DomainUnquiesce",
    "amp/Unquiesce",
];

/// Whether `selector` means `operation` (`get-status/DomainStatus`, say). Either half alone will do.
pub(super) fn matches_operation(selector: &str, operation: &str) -> bool {
    if operation == "connect" {
        return selector == "connect";
    }
    match selector {
        "quiesce" => return QUIESCES.contains(&operation),
        "unquiesce" => return UNQUIESCES.contains(&operation),
        _ => {}
    }
    let mut halves = operation.splitn(2, '/');
    selector == "*" || selector == operation || halves.any(|half| half == selector)
}

/// The faults of a gateway with the count of what each has selected.
#[derive(Debug, Default)]
pub(super) struct Faults {
    entries: Vec<(Fault, u32)>,
}

impl Faults {
    pub(super) fn of(faults: Vec<Fault>) -> Faults {
        Faults {
            entries: faults.into_iter().map(|fault| (fault, 0)).collect(),
        }
    }

    pub(super) fn add(&mut self, fault: Fault) {
        self.entries.push((fault, 0));
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Counts the request, and gives what goes wrong with it.
    pub(super) fn strike(&mut self, operation: &str, domains: &[String]) -> Vec<FaultKind> {
        let mut kinds = Vec::new();
        for (fault, count) in &mut self.entries {
            if fault.selects(operation, domains) {
                *count += 1;
                if fault.times.include(*count) {
                    kinds.push(fault.kind.clone());
                }
            }
        }
        kinds
    }
}
