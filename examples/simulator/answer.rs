//! From a request as it came to the answer and the way it is sent: login, faults, rights, operation.

use std::time::Duration;

use jiff::Timestamp;

use super::amp::{self, AmpCall, is_amp};
use super::body::{Body, TextDamage};
use super::call::Call;
use super::content::Content;
use super::door::{OK, SERVER_ERROR, disguise, instead, refused};
use super::fault::FaultKind;
use super::firmware::Firmware;
use super::forbidden::{forbidden_to_the_tool, restores_securely};
use super::hostile::{BulkPlace, bulk};
use super::http::{Incoming, Manner, Reply};
use super::operations::{self, lock};
use super::quiesce_actions::complaint;
use super::server::Shared;
use super::soap::{self, Payload};

/// A request that a gateway got.
#[derive(Clone, Debug)]
pub struct Request {
    /// Counted from 1 over the life of the gateway.
    pub number: u64,
    /// When it came, by the gateway's clock.
    pub at: Timestamp,
    /// The connection that it came by, counted from 1.
    pub connection: u64,
    /// `get-status/DomainStatus`, `do-backup`, `do-action/SecureBackup`, `get-file/cert.tgz`, …; `invalid`
    /// when the schema does not allow the request.
    pub operation: String,
    /// The domain it was sent in.
    pub domain: String,
    /// The domains that it concerns: those it names, or else the one it was sent in.
    pub domains: Vec<String>,
    /// The user it claims to be from.
    pub user: Option<String>,
    /// HTTP method.
    pub method: String,
    /// Path on the server.
    pub target: String,
    /// Headers without `Authorization`.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: String,
    /// The faults that struck it.
    pub faults: Vec<FaultKind>,
}

/// What becomes of a request.
pub(super) struct Answer {
    /// Nothing is sent before this has passed; `Some(None)` is for ever.
    pub(super) stall: Option<Option<Duration>>,
    pub(super) act: Act,
}

/// What is done with the connection.
pub(super) enum Act {
    /// The answer is sent; then, if it is cut, silence instead of the end of the connection.
    Send {
        reply: Reply,
        manner: Manner,
        silent_at_cut: bool,
    },
    /// Bytes that are not HTTP.
    Raw(&'static [u8]),
    /// Nothing is sent and the connection ends.
    Close,
    Reset,
    /// As `Close`, and no new connection is accepted for a while.
    Refuse(Option<Duration>),
}

/// Answers a request that came by a connection.
pub(super) fn answer(shared: &Shared, connection: u64, incoming: &Incoming) -> Answer {
    let text = String::from_utf8_lossy(&incoming.body).into_owned();
    let (number, at, firmware) = {
        let mut state = lock(&shared.state);
        (state.arrive(), state.now(), state.setup.firmware.clone())
    };
    let found = forbidden_to_the_tool(incoming, &text, &mut shared.tried());
    shared.forbidden().extend(found);
    let asked = Asked::read(&text, &firmware);
    let wipes = restores_securely(&text);
    let operation = match wipes {
        true => "do-action/SecureRestore".to_owned(),
        false => asked.name(),
    };
    let domains = asked.domains();
    let credentials = incoming.credentials();
    let faults = shared.strike(&operation, &domains);
    shared.requests().push(Request {
        number,
        at,
        connection,
        operation: operation.clone(),
        domain: asked.domain(),
        domains,
        user: credentials.as_ref().map(|(user, _)| user.clone()),
        method: incoming.method.clone(),
        target: incoming.target.clone(),
        headers: without_secrets(&incoming.headers),
        body: text,
        faults: faults.clone(),
    });
    if wipes {
        lock(&shared.state).wipe();
        return Answer {
            stall: None,
            act: Act::Close,
        };
    }
    if let Some(mut act) = instead(shared, incoming, &faults) {
        if let Act::Send { reply, .. } = &mut act {
            disguise(reply, &faults);
        }
        return Answer { stall: None, act };
    }
    change(shared, &faults);
    let mut reply = match refused(shared, incoming, &asked, &faults) {
        Err(reply) => reply,
        Ok(user) => reply(shared, &user, &asked, &faults),
    };
    dress(shared, incoming, &mut reply);
    disguise(&mut reply, &faults);
    let mut manner = manner(shared, incoming, &faults);
    for fault in &faults {
        match fault {
            FaultKind::ContentType(other) => reply.content_type.clone_from(other),
            FaultKind::NewCertificate => {
                shared.change_certificate();
                manner.keep = false;
            }
            _ => {}
        }
    }
    let stalled = faults.iter().find_map(|fault| match fault {
        FaultKind::StallBeforeHead(time) => Some(*time),
        _ => None,
    });
    let stall = stalled.or_else(|| {
        let makes = ["do-action/SecureBackup", "amp/SecureBackup"].contains(&operation.as_str());
        makes.then(|| lock(&shared.state).blocks_for()).flatten()
    });
    let silent_at_cut = faults
        .iter()
        .any(|fault| matches!(fault, FaultKind::StallInBody(_)));
    let lost = faults.contains(&FaultKind::ReplyLost);
    let act = if lost {
        Act::Close
    } else {
        Act::Send {
            reply,
            manner,
            silent_at_cut,
        }
    };
    Answer { stall, act }
}

/// Lets the device become another one, as far as faults say so.
fn change(shared: &Shared, faults: &[FaultKind]) {
    let mut state = lock(&shared.state);
    for fault in faults {
        match fault {
            FaultKind::QuiescesAlone(domain) => state.set_quiesced(domain, true),
            FaultKind::UnquiescesAlone(domain) => state.set_quiesced(domain, false),
            FaultKind::AnotherSerial(serial) => state.set_serial(serial),
            FaultKind::AnotherFirmware(version) => {
                let mut firmware = state.setup.firmware.clone();
                firmware.version.clone_from(version);
                state.set_firmware(firmware);
            }
            _ => {}
        }
    }
}

fn without_secrets(headers: &[(String, String)]) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|header| !header.0.eq_ignore_ascii_case("authorization"))
        .cloned()
        .collect()
}

/// What a request is.
pub(super) enum Asked {
    Soma(Call),
    Amp(AmpCall),
    /// The schema does not allow it.
    Nothing {
        in_amp: bool,
    },
}

impl Asked {
    fn read(text: &str, firmware: &Firmware) -> Asked {
        let in_amp = is_amp(text);
        let nothing = Asked::Nothing { in_amp };
        if in_amp {
            AmpCall::read(text).map_or(nothing, Asked::Amp)
        } else {
            Call::read(text, firmware).map_or(nothing, Asked::Soma)
        }
    }

    /// The name of the operation, as faults and the request log call it.
    pub(super) fn name(&self) -> String {
        match self {
            Asked::Soma(call) => call.name(),
            Asked::Amp(call) => call.name(),
            Asked::Nothing { .. } => "invalid".to_owned(),
        }
    }

    fn domain(&self) -> String {
        match self {
            Asked::Soma(call) => call.domain.clone(),
            Asked::Amp(_) => "default".to_owned(),
            Asked::Nothing { .. } => String::new(),
        }
    }

    fn domains(&self) -> Vec<String> {
        match self {
            Asked::Soma(call) => call.domains(),
            Asked::Amp(call) => call.domains(),
            Asked::Nothing { .. } => Vec::new(),
        }
    }

    pub(super) fn is_amp(&self) -> bool {
        matches!(self, Asked::Amp(_) | Asked::Nothing { in_amp: true })
    }
}

/// Carries the operation out and puts its outcome into an envelope.
fn reply(shared: &Shared, user: &str, asked: &Asked, faults: &[FaultKind]) -> Reply {
    let bulk = bulk(faults, BulkPlace::Answer);
    let mut body = match asked {
        Asked::Nothing { .. } => {
            let fault = soap::fault("Internal Error (from client)", &bulk);
            return Reply::xml(SERVER_ERROR, fault);
        }
        Asked::Amp(call) => amp::perform(&shared.state, user, call, faults, bulk),
        Asked::Soma(call) => soma(shared, user, call, faults, &bulk),
    };
    if lock(&shared.state).setup.wrapped_base64 {
        body.wrap();
    }
    let blamed = faults.iter().find_map(|fault| match fault {
        FaultKind::FaultAfter(text) => Some(text.as_deref().unwrap_or("Internal Error")),
        _ => None,
    });
    if let Some(text) = blamed {
        return Reply::xml(SERVER_ERROR, soap::fault_of("env:Server", text, ""));
    }
    for fault in faults {
        match fault {
            FaultKind::TruncatedBase64 => body.damage = Some(TextDamage::Truncated),
            FaultKind::CorruptBase64 => body.damage = Some(TextDamage::Corrupt),
            FaultKind::EntityBomb => body = soap::entity_bomb(),
            FaultKind::EndlessFile => body = soap::endless_file(),
            FaultKind::DeepNesting(depth) => body = soap::deep_nesting(*depth),
            _ => {}
        }
    }
    Reply::xml(OK, body)
}

/// The same for SOMA.
fn soma(shared: &Shared, user: &str, call: &Call, faults: &[FaultKind], bulk: &str) -> Body {
    let mut payload = operations::perform(&shared.state, user, call, faults);
    for fault in faults {
        payload = match fault {
            FaultKind::EmptyFile => Payload::File {
                name: None,
                content: Content::from(""),
                log: None,
            },
            FaultKind::FileError => Payload::Xml("<dp:file>ERROR</dp:file>".to_owned()),
            FaultKind::ResultError => Payload::Text("ERROR".to_owned()),
            FaultKind::NoPayload => Payload::Xml(String::new()),
            FaultKind::Sentence => match call.sentence() {
                Some(sentence) if matches!(payload, Payload::Ok) => Payload::Text(sentence),
                _ => payload,
            },
            FaultKind::ErrorLog(text) => Payload::Log(text.clone().unwrap_or_else(|| complaint(faults))),
            FaultKind::OkAndErrorLog(text) => {
                let text = text.clone().unwrap_or_else(|| complaint(faults));
                match payload {
                    Payload::File { name, content, .. } => Payload::File {
                        name,
                        content,
                        log: Some(text),
                    },
                    _ => Payload::OkAndLog(text),
                }
            }
            _ => payload,
        };
    }
    let state = lock(&shared.state);
    let echo = format!(
        "({user}:{}:saml-artifact:127.0.0.1): (config)# {}",
        call.domain,
        call.command_line()
    );
    let style = state.setup.firmware.style;
    soap::response(style, state.now(), &echo, bulk, &payload)
}

/// Gives an answer the status line and the headers of the management interface.
fn dress(shared: &Shared, incoming: &Incoming, reply: &mut Reply) {
    let state = lock(&shared.state);
    if reply.status.0 == 200 {
        reply.status.1.clone_from(&state.setup.reason);
    }
    if state.setup.via {
        reply.headers.push(("Via".to_owned(), "1.1 xml-mgmt".to_owned()));
    }
    if state.setup.echoes {
        let sent_back = incoming.headers.iter().filter(|header| !is_framing(&header.0));
        reply.headers.extend(sent_back.cloned());
    }
}

/// Headers that say how a message is framed: a gateway has its own.
fn is_framing(name: &str) -> bool {
    [
        "connection",
        "content-length",
        "content-type",
        "expect",
        "transfer-encoding",
    ]
    .iter()
    .any(|framing| name.eq_ignore_ascii_case(framing))
}

/// How the answer is written.
fn manner(shared: &Shared, incoming: &Incoming, faults: &[FaultKind]) -> Manner {
    let close = incoming
        .header("connection")
        .is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let chunked = lock(&shared.state).setup.chunked;
    let mut manner = Manner {
        keep: !close,
        chunked,
        ..Manner::default()
    };
    let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    for fault in faults {
        match fault {
            FaultKind::CloseInBody(bytes) | FaultKind::StallInBody(bytes) => manner.cut_at = Some(*bytes),
            FaultKind::LengthTooLong(bytes) => manner.lie = signed(*bytes),
            FaultKind::LengthTooShort(bytes) => manner.lie = -signed(*bytes),
            // Nothing else has no length.
            FaultKind::EndlessFile => manner.chunked = true,
            FaultKind::Trickle(pause) => manner.pause = Some(*pause),
            FaultKind::Interim => manner.interim = true,
            _ => {}
        }
    }
    manner
}
