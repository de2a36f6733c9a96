//! From a request as it came to the answer and the way it is sent: login, faults, rights, operation.

use std::time::Duration;

use jiff::Timestamp;

use super::body::{Body, TextDamage};
use super::call::Call;
use super::content::Content;
use super::fault::{FaultKind, matches_operation};
use super::hostile::{BulkPlace, bulk};
use super::http::{Incoming, Manner, Reply};
use super::operations::{self, lock};
use super::quiesce_actions::complaint;
use super::server::Shared;
use super::soap::{self, Payload};

/// The one address that the gateway answers at. A real device with its defaults answers at any; here a
/// wrong one is to be noticed.
const TARGET: &str = "/service/mgmt/current";

const OK: (u16, &str) = (200, "OK");
const SERVER_ERROR: (u16, &str) = (500, "Internal Server Error");

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
    let call = Call::read(&text, &firmware);
    let operation = call.as_ref().map_or_else(|| "invalid".to_owned(), Call::name);
    let domains = call.as_ref().map(Call::domains).unwrap_or_default();
    let credentials = incoming.credentials();
    let faults = shared.strike(&operation, &domains);
    shared.requests().push(Request {
        number,
        at,
        connection,
        operation: operation.clone(),
        domain: call.as_ref().map(|call| call.domain.clone()).unwrap_or_default(),
        domains,
        user: credentials.as_ref().map(|(user, _)| user.clone()),
        method: incoming.method.clone(),
        target: incoming.target.clone(),
        headers: without_secrets(&incoming.headers),
        body: text,
        faults: faults.clone(),
    });
    if let Some(mut act) = instead(shared, &faults) {
        if let Act::Send { reply, .. } = &mut act {
            disguise(reply, &faults);
        }
        return Answer { stall: None, act };
    }
    change(shared, &faults);
    let mut reply = match refused(shared, incoming, &operation, &faults) {
        Err(reply) => reply,
        Ok(user) => reply(shared, &user, call.as_ref(), &faults),
    };
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
        let makes = operation == "do-action/SecureBackup";
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

/// What happens instead of the operation, if anything.
fn instead(shared: &Shared, faults: &[FaultKind]) -> Option<Act> {
    let whole = |reply| Act::Send {
        reply,
        manner: Manner::default(),
        silent_at_cut: false,
    };
    faults.iter().find_map(|fault| {
        Some(match fault {
            FaultKind::Refuse(time) => Act::Refuse(*time),
            FaultKind::Reset => Act::Reset,
            FaultKind::CloseBeforeReply => Act::Close,
            FaultKind::Garbage => Act::Raw(b"\x00\x15\x03garbage\xff\xfe, and not HTTP\r\n\r\n"),
            FaultKind::Unauthorized => whole(unauthorized()),
            FaultKind::ServerFault => {
                let bulk = bulk(faults, BulkPlace::Answer);
                whole(Reply::xml(SERVER_ERROR, soap::fault("Internal Error (from client)", &bulk)))
            }
            FaultKind::Unavailable => {
                whole(Reply::plain((503, "Service Unavailable"), "text/plain", "Service Unavailable\n"))
            }
            FaultKind::Html => {
                let page = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><p>Please log in.<br>\
                            </body></html>\n";
                whole(Reply::plain(OK, "text/html", page))
            }
            FaultKind::Redirect(address) => {
                let mut reply = Reply::plain((302, "Found"), "text/plain", "");
                reply.headers.push(("Location", address.clone()));
                whole(reply)
            }
            FaultKind::Restart => {
                lock(&shared.state).restart();
                Act::Close
            }
            _ => return None,
        })
    })
}

/// Gives a reply another status, or nothing to say.
fn disguise(reply: &mut Reply, faults: &[FaultKind]) {
    for fault in faults {
        match fault {
            FaultKind::Status(status) => reply.status = (*status, "Another Status"),
            FaultKind::EmptyBody => reply.body = Body::text(String::new()),
            _ => {}
        }
    }
}

fn unauthorized() -> Reply {
    let mut reply = Reply::plain((401, "Unauthorized"), "text/plain", "Unauthorized\n");
    reply
        .headers
        .push(("WWW-Authenticate", "Basic realm=\"login\"".to_owned()));
    reply
}

/// The user, or the answer to somebody who may not do this.
fn refused(
    shared: &Shared,
    incoming: &Incoming,
    operation: &str,
    faults: &[FaultKind],
) -> Result<String, Reply> {
    if incoming.method != "POST" {
        return Err(Reply::plain(
            (405, "Method Not Allowed"),
            "text/plain",
            "Method Not Allowed\n",
        ));
    }
    if incoming.target != TARGET {
        let fault = soap::fault("Invalid service URI for the XML management interface.", "");
        return Err(Reply::xml((404, "Not Found"), fault));
    }
    let Some((name, password)) = incoming.credentials() else {
        return Err(unauthorized());
    };
    let bulk = bulk(faults, BulkPlace::Answer);
    let mut state = lock(&shared.state);
    let (style, now) = (state.setup.firmware.style, state.now());
    let user = state
        .setup
        .users
        .iter_mut()
        .find(|user| user.name == name && user.password == password);
    let Some(user) = user else {
        return Err(Reply::xml(OK, soap::not_logged_in(&bulk)));
    };
    user.locked |= faults.contains(&FaultKind::AccountLocked);
    if user.locked || faults.contains(&FaultKind::LoginFailure) {
        return Err(Reply::xml(OK, soap::not_logged_in(&bulk)));
    }
    let denied = user
        .denied
        .iter()
        .any(|denied| matches_operation(denied, operation));
    if denied || faults.contains(&FaultKind::AccessDenied) {
        let text = Payload::Text("Authentication failure".to_owned());
        return Err(Reply::xml(OK, soap::response(style, now, "", &bulk, &text)));
    }
    Ok(name)
}

/// Carries the operation out and puts its outcome into an envelope.
fn reply(shared: &Shared, user: &str, call: Option<&Call>, faults: &[FaultKind]) -> Reply {
    let Some(call) = call else {
        let fault = soap::fault("Internal Error (from client)", &bulk(faults, BulkPlace::Answer));
        return Reply::xml(SERVER_ERROR, fault);
    };
    let mut payload = operations::perform(&shared.state, user, call, faults);
    for fault in faults {
        payload = match fault {
            FaultKind::EmptyFile => Payload::File {
                name: None,
                content: Content::from(""),
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
                Payload::OkAndLog(text.clone().unwrap_or_else(|| complaint(faults)))
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
    let bulk = bulk(faults, BulkPlace::Answer);
    let style = state.setup.firmware.style;
    let mut body = soap::response(style, state.now(), &echo, &bulk, &payload);
    if state.setup.wrapped_base64 {
        body.wrap();
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
            _ => {}
        }
    }
    manner
}
