//! The forms that the tests of the simulated gateway expect, and a clock for it.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use crate::simulator::{Clock, Gateway, Setup};
use crate::soap_client::Client;

/// Noon in New York, in summer.
const NOON: &str = "2024-07-01T16:00:00Z";
pub(crate) const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body>";
pub(crate) const TAIL: &str = "</env:Body></env:Envelope>";
pub(crate) const RESPONSE: &str = "<dp:response xmlns:dp=\"http://www.datapower.com/schemas/management\">";

/// A clock that moves when told to.
#[derive(Clone)]
pub(crate) struct Hands(Arc<Mutex<Timestamp>>);

impl Hands {
    pub(crate) fn at_noon() -> Hands {
        Hands(Arc::new(Mutex::new(NOON.parse().expect("a time"))))
    }

    pub(crate) fn clock(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Clock::told(move || *now.lock().expect("the hands"))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        *self.0.lock().expect("the hands") += SignedDuration::from_secs(seconds);
    }
}

pub(crate) fn at_noon(setup: Setup) -> (Gateway, Client) {
    let gateway = Gateway::start(Setup {
        clock: Hands::at_noon().clock(),
        ..setup
    });
    let client = Client::new(&gateway);
    (gateway, client)
}

/// A whole response at noon.
pub(crate) fn response(payload: &str) -> String {
    format!(
        "{HEAD}{RESPONSE}<dp:timestamp>2024-07-01T12:00:00-04:00</dp:timestamp>{payload}</dp:response>{TAIL}"
    )
}

pub(crate) fn action(xml: &str) -> String {
    format!("<dp:do-action>{xml}</dp:do-action>")
}

pub(crate) const SCHEMA_FAULT: &str = "<env:Fault><faultcode>env:Client</faultcode><faultstring>Internal Error (from client)</faultstring></env:Fault>";
pub(crate) const STRAY: &str = " xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\"";
