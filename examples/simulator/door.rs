//! Who and what does not come as far as an operation: faults on the way, addresses, logins, rights.

use super::amp;
use super::answer::{Act, Asked};
use super::body::Body;
use super::fault::{FaultKind, matches_operation};
use super::hostile::{BulkPlace, bulk};
use super::http::{Incoming, Manner, Reply};
use super::operations::lock;
use super::server::Shared;
use super::setup::Uri;
use super::soap::{self, Payload};

pub(super) const OK: (u16, &str) = (200, "OK");
pub(super) const SERVER_ERROR: (u16, &str) = (500, "Internal Server Error");

/// What happens instead of the operation, if anything.
pub(super) fn instead(shared: &Shared, incoming: &Incoming, faults: &[FaultKind]) -> Option<Act> {
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
            FaultKind::SaysLogin { in_page } => {
                let (user, password) = incoming.credentials().unwrap_or_default();
                let header = incoming.header("authorization").unwrap_or_default();
                let words = format!("{user} may not log in with {password}; header Authorization: {header}");
                whole(match in_page {
                    true => Reply::plain(SERVER_ERROR, "text/html", &format!("<html>{words}</html>")),
                    false => Reply::xml(SERVER_ERROR, soap::fault(&words, "")),
                })
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
                reply.headers.push(("Location".to_owned(), address.clone()));
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
pub(super) fn disguise(reply: &mut Reply, faults: &[FaultKind]) {
    for fault in faults {
        match fault {
            FaultKind::Status(status) => reply.status = (*status, "Another Status".to_owned()),
            FaultKind::EmptyBody => reply.body = Body::text(String::new()),
            _ => {}
        }
    }
}

fn unauthorized() -> Reply {
    let mut reply = Reply::plain((401, "Unauthorized"), "text/plain", "Unauthorized\n");
    reply
        .headers
        .push(("WWW-Authenticate".to_owned(), "Basic realm=\"login\"".to_owned()));
    reply
}

/// The user, or the answer to somebody who may not do this.
pub(super) fn refused(
    shared: &Shared,
    incoming: &Incoming,
    asked: &Asked,
    faults: &[FaultKind],
) -> Result<String, Reply> {
    if incoming.method != "POST" {
        return Err(Reply::plain(
            (405, "Method Not Allowed"),
            "text/plain",
            "Method Not Allowed\n",
        ));
    }
    if let Some(why) = shut(&incoming.target, asked.is_amp(), &lock(&shared.state).setup.uris) {
        return Err(Reply::xml((404, "Not Found"), soap::fault(why, "")));
    }
    let Some((name, password)) = incoming.credentials() else {
        return Err(unauthorized());
    };
    let bulk = bulk(faults, BulkPlace::Answer);
    let mut state = lock(&shared.state);
    let turned_away = |bulk: &str| {
        let body = if asked.is_amp() {
            amp::refusal(bulk)
        } else {
            soap::not_logged_in(bulk)
        };
        Reply::xml(OK, body)
    };
    let (style, now) = (state.setup.firmware.style, state.now());
    let user = state
        .setup
        .users
        .iter_mut()
        .find(|user| user.name == name && user.password == password);
    let Some(user) = user else {
        return Err(turned_away(&bulk));
    };
    user.locked |= faults.contains(&FaultKind::AccountLocked);
    if user.locked || faults.contains(&FaultKind::LoginFailure) {
        return Err(turned_away(&bulk));
    }
    let denied = user
        .denied
        .iter()
        .any(|denied| matches_operation(denied, &asked.name()));
    if asked.is_amp() && (denied || faults.contains(&FaultKind::AccessDenied)) {
        return Err(turned_away(&bulk));
    }
    if denied || faults.contains(&FaultKind::AccessDenied) {
        let text = Payload::Text("Authentication failure".to_owned());
        return Err(Reply::xml(OK, soap::response(style, now, "", &bulk, &text)));
    }
    Ok(name)
}

/// Why nothing is served at an address, if so. The texts are the gateway's own; that they come in a fault
/// under HTTP 404 is a guess.
fn shut(target: &str, is_amp: bool, uris: &[Uri]) -> Option<&'static str> {
    let own = match target {
        "/service/mgmt/current" => Some(Uri::Soma),
        "/service/mgmt/2004" => Some(Uri::V2004),
        "/service/mgmt/amp/1.0" | "/service/mgmt/amp/2.0" | "/service/mgmt/amp/3.0" => Some(Uri::Amp),
        _ => None,
    };
    let fits = own.is_none_or(|own| is_amp == (own == Uri::Amp));
    match own {
        _ if fits && uris.contains(&Uri::Any) => None,
        Some(own) if fits && uris.contains(&own) => None,
        Some(_) if fits => Some("Requested XML management interface service is disabled."),
        _ => Some("Invalid service URI for the XML management interface."),
    }
}
