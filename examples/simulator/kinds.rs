//! Every kind of fault with its name and its meaning, and one sample of each.

use std::mem::discriminant;
use std::time::Duration;

use super::fault::FaultKind;
use super::hostile::{Bulk, BulkForm, BulkPlace};
use super::quiesce::When;

/// Every kind by its name in a script: the name, the argument it takes, and what it does.
pub const KINDS: [(&str, &str, &str); 87] = [
    ("refuse", "[@TIME]", "close the listener, for good or for a time"),
    ("reset", "", "TCP reset"),
    (
        "close",
        "",
        "close the connection before the reply; the request is not carried out",
    ),
    ("close-in-body", "@BYTES", "close the connection in the body"),
    ("stall", "[@TIME]", "say nothing, for good or for a time"),
    ("stall-in-body", "@BYTES", "fall silent in the body"),
    ("trickle", "@TIME", "pause after every byte"),
    ("length-too-long", "@BYTES", "promise more bytes than come"),
    ("length-too-short", "@BYTES", "promise fewer bytes than come"),
    ("http-401", "", "HTTP 401"),
    ("http-500", "", "HTTP 500 with a SOAP fault"),
    (
        "says-login",
        "[@page]",
        "HTTP 500 with the login of the request in a SOAP fault, or in a page",
    ),
    ("http-503", "", "HTTP 503"),
    ("html", "", "a page for people"),
    ("status", "@STATUS", "the same body under another HTTP status"),
    ("empty-body", "", "nothing in the body"),
    ("garbage", "", "bytes that are not HTTP"),
    ("content-type", "@TYPE", "another content type"),
    ("redirect", "@URL", "HTTP 302"),
    ("truncated-base64", "", "the base64 text ends early"),
    ("corrupt-base64", "", "a character that is none of base64"),
    ("empty-file", "", "an empty dp:file"),
    ("file-error", "", "ERROR in dp:file"),
    ("result-error", "", "ERROR in dp:result"),
    ("no-payload", "", "a timestamp and nothing else"),
    ("no-numbers", "", "empty fields in FilesystemStatus"),
    ("bad-crc", "", "a changed byte in the archive or file"),
    ("truncated-archive", "", "the archive ends early"),
    ("wrong-hash", "", "a hash in export.xml is not the file's"),
    ("other-domain", "", "the archive of another domain"),
    ("missing-entry", "", "a listed file is not in the archive"),
    ("missing-domain", "", "a domain is not in the archive"),
    ("extra-entry", "", "a file in the archive is not listed"),
    ("no-objects", "", "export.xml has no object"),
    ("missing-part", "", "a part of the secure backup is missing"),
    ("changed-part", "", "a part of the secure backup is not as listed"),
    ("extra-part", "", "a part of the secure backup is not listed"),
    ("entity-bomb", "", "a document type that expands to gigabytes"),
    ("deep-nesting", "@DEPTH", "elements within elements"),
    ("hostile-name", "[@NAME]", "a domain or file name made to escape"),
    ("reply-lost", "", "carry the request out, close before the reply"),
    ("never-quiesces", "", "stay quiescing"),
    ("quiesce-error", "", "quiesce state error"),
    ("never-unquiesces", "", "stay unquiescing"),
    ("never-ready", "", "the secure backup never ends"),
    ("gives-up", "", "the secure backup ends without a manifest"),
    (
        "early-manifest",
        "",
        "an empty manifest until the secure backup ends",
    ),
    ("scheduled", "", "a sentence instead of OK for a secure backup"),
    ("no-space", "", "no space in temporary:"),
    (
        "new-certificate",
        "",
        "another certificate from the next connection on",
    ),
    ("restart", "", "restart instead of answering"),
    ("access-denied", "", "the right is missing"),
    ("login-failure", "", "as if the password were wrong"),
    ("account-locked", "", "the account is locked from now on"),
    (
        "sentence",
        "",
        "a quiesce or unquiesce is answered by a sentence instead of OK",
    ),
    (
        "error-log",
        "[@TEXT]",
        "carry the request out, answer with an error log",
    ),
    (
        "ok-and-error-log",
        "[@TEXT]",
        "carry the request out, answer with OK and an error log",
    ),
    (
        "fault-after",
        "[@TEXT]",
        "carry the request out, answer with a SOAP fault of the server",
    ),
    (
        "no-field",
        "@NAME",
        "the rows of DomainStatus have no element of this name",
    ),
    (
        "hides-row",
        "@DOMAIN",
        "DomainStatus, or the configuration, has no row of this domain",
    ),
    (
        "two-rows",
        "@DOMAIN",
        "DomainStatus shows a domain at work, and then as it is",
    ),
    (
        "late",
        "@WHEN",
        "carry an action out later; what comes after it overtakes it",
    ),
    (
        "queued",
        "@WHEN",
        "carry it out later; quiesces and unquiesces after it wait for it",
    ),
    ("not-done", "", "never carry an action out"),
    (
        "spares",
        "@DOMAIN+DOMAIN",
        "carry it out, but not in these domains",
    ),
    ("only", "@DOMAIN+DOMAIN", "carry it out in these domains only"),
    (
        "quiesces-alone",
        "@DOMAIN",
        "a domain quiesces alone before the request is answered",
    ),
    (
        "unquiesces-alone",
        "@DOMAIN",
        "a domain unquiesces alone before the request is answered",
    ),
    (
        "object-fails",
        "[@CLASS/NAME]",
        "an object of an import cannot be made",
    ),
    (
        "skips-object",
        "[@CLASS/NAME]",
        "an object of an import is left out for want of a right",
    ),
    ("file-fails", "[@NAME]", "a file of an import cannot be written"),
    ("file-missing", "", "a file of an import is said to be missing"),
    ("import-fails", "[@TEXT]", "an import fails as a whole"),
    ("import-empty", "", "an empty dp:import"),
    ("results-empty", "", "empty import-results"),
    ("import-unknown", "", "a dp:import that nobody understands"),
    (
        "detected-errors",
        "[@CODE]",
        "an import says that it has detected errors",
    ),
    (
        "results-say",
        "@TEXT",
        "the results of an import name a user, a file and a key so, who fail",
    ),
    (
        "removes-object",
        "@CLASS/NAME",
        "an import takes an object away that it is not about",
    ),
    (
        "leaves-own",
        "",
        "an import leaves the object of the domain itself as it was",
    ),
    (
        "own-becomes",
        "@TAG/VALUE",
        "an import, or a dry run, gives the object of the domain itself another property",
    ),
    (
        "saves-nothing",
        "",
        "SaveConfig ends, nothing is saved, and no unsaved changes are listed",
    ),
    (
        "another-serial",
        "@NUMBER",
        "another serial number from this request on",
    ),
    (
        "another-firmware",
        "@VERSION",
        "another firmware version from this request on",
    ),
    (
        "bulk",
        "@PLACE:FORM:COUNT",
        "XML that costs who parses it much: answer:namespaces:4000",
    ),
    ("endless-file", "", "a dp:file that never ends"),
    (
        "interim",
        "",
        "100 Continue and 103 Early Hints, with header fields, ahead of the answer",
    ),
];

impl FaultKind {
    /// Its name in a script.
    pub fn name(&self) -> &'static str {
        let all = FaultKind::samples().into_iter().chain(FaultKind::habits());
        let mut named = all.zip(KINDS);
        named
            .find(|(kind, _)| discriminant(kind) == discriminant(self))
            .map_or("", |(_, (name, ..))| name)
    }

    /// One of each kind of failure, in the order of [`KINDS`]: tests generate faults from it.
    pub fn samples() -> Vec<FaultKind> {
        vec![
            FaultKind::Refuse(None),
            FaultKind::Reset,
            FaultKind::CloseBeforeReply,
            FaultKind::CloseInBody(20),
            FaultKind::StallBeforeHead(None),
            FaultKind::StallInBody(20),
            FaultKind::Trickle(Duration::from_millis(20)),
            FaultKind::LengthTooLong(20),
            FaultKind::LengthTooShort(20),
            FaultKind::Unauthorized,
            FaultKind::ServerFault,
            FaultKind::SaysLogin { in_page: false },
            FaultKind::Unavailable,
            FaultKind::Html,
            FaultKind::Status(403),
            FaultKind::EmptyBody,
            FaultKind::Garbage,
            FaultKind::ContentType("application/json".to_owned()),
            FaultKind::Redirect("https://127.0.0.1:1/elsewhere".to_owned()),
            FaultKind::TruncatedBase64,
            FaultKind::CorruptBase64,
            FaultKind::EmptyFile,
            FaultKind::FileError,
            FaultKind::ResultError,
            FaultKind::NoPayload,
            FaultKind::NoNumbers,
            FaultKind::BadCrc,
            FaultKind::TruncatedArchive,
            FaultKind::WrongHash,
            FaultKind::OtherDomain,
            FaultKind::MissingEntry,
            FaultKind::MissingDomain,
            FaultKind::ExtraEntry,
            FaultKind::NoObjects,
            FaultKind::MissingPart,
            FaultKind::ChangedPart,
            FaultKind::ExtraPart,
            FaultKind::EntityBomb,
            FaultKind::DeepNesting(100_000),
            FaultKind::HostileName(None),
            FaultKind::ReplyLost,
            FaultKind::NeverQuiesces,
            FaultKind::QuiesceError,
            FaultKind::NeverUnquiesces,
            FaultKind::NeverReady,
            FaultKind::GivesUp,
            FaultKind::EarlyManifest,
            FaultKind::Scheduled,
            FaultKind::NoSpace,
            FaultKind::NewCertificate,
            FaultKind::Restart,
            FaultKind::AccessDenied,
            FaultKind::LoginFailure,
            FaultKind::AccountLocked,
        ]
    }

    /// One of each of the other kinds, in the order of [`KINDS`] after them: ways of real gateways rather
    /// than failures, and answers that are hostile by their size.
    pub fn habits() -> Vec<FaultKind> {
        let domains = || vec!["DOM1".to_owned()];
        vec![
            FaultKind::Sentence,
            FaultKind::ErrorLog(None),
            FaultKind::OkAndErrorLog(None),
            FaultKind::FaultAfter(None),
            FaultKind::NoField("QuiesceState".to_owned()),
            FaultKind::HidesRow("DOM1".to_owned()),
            FaultKind::TwoRows("DOM1".to_owned()),
            FaultKind::Late(When::After(Duration::from_secs(10))),
            FaultKind::Queued(When::Requests(2)),
            FaultKind::NotDone,
            FaultKind::Spares(domains()),
            FaultKind::Only(domains()),
            FaultKind::QuiescesAlone("DOM1".to_owned()),
            FaultKind::UnquiescesAlone("DOM1".to_owned()),
            FaultKind::ObjectFails(None),
            FaultKind::SkipsObject(None),
            FaultKind::FileFails(None),
            FaultKind::FileMissing,
            FaultKind::ImportFails(None),
            FaultKind::ImportEmpty,
            FaultKind::ResultsEmpty,
            FaultKind::ImportUnknown,
            FaultKind::DetectedErrors(None),
            FaultKind::ResultsSay("hello".to_owned()),
            FaultKind::RemovesObject("XMLManager/default".to_owned()),
            FaultKind::LeavesOwn,
            FaultKind::OwnBecomes("MaxChkpoints/7".to_owned()),
            FaultKind::SavesNothing,
            FaultKind::AnotherSerial("78B0002".to_owned()),
            FaultKind::AnotherFirmware("IDG.10.5.0.2".to_owned()),
            FaultKind::Bulk(Bulk {
                place: BulkPlace::Answer,
                form: BulkForm::Namespaces,
                count: 4_000,
            }),
            FaultKind::EndlessFile,
            FaultKind::Interim,
        ]
    }
}
