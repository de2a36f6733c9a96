//! The actions that quiesce and unquiesce: what they refuse, and what becomes of them.

use std::time::Duration;

use super::fault::FaultKind;
use super::quiesce::{Act, Order, Outcome};
use super::soap::Payload;
use super::state::State;

/// Below this many seconds a quiesce is refused, though the schema allows it.
const LEAST_QUIESCE_SECONDS: u64 = 60;

/// Above this many seconds of delay a quiesce is refused, though the schema allows it: documented, and never
/// captured.
const GREATEST_DELAY_SECONDS: u64 = 60;

/// `QuiesceDP`, or `DomainQuiesce` of a target.
pub(super) fn quiesce(
    state: &mut State,
    domain: &str,
    target: Option<&str>,
    timeout: u64,
    delay: u64,
    faults: &[FaultKind],
) -> Payload {
    let domains = match targets(state, domain, target) {
        Ok(domains) => domains,
        Err(refusal) => return refusal,
    };
    if timeout < LEAST_QUIESCE_SECONDS {
        return Payload::Log(format!(
            "timeout must be at least {LEAST_QUIESCE_SECONDS} seconds"
        ));
    }
    if delay > GREATEST_DELAY_SECONDS {
        return Payload::Log(format!("delay must be at most {GREATEST_DELAY_SECONDS} seconds"));
    }
    let outcome = if faults.contains(&FaultKind::NeverQuiesces) {
        Outcome::NeverEnds
    } else if faults.contains(&FaultKind::QuiesceError) {
        Outcome::Fails
    } else {
        Outcome::Ends
    };
    // Connections that do not end in time are cut.
    let takes = state.setup.quiesce_time.min(Duration::from_secs(timeout)) + Duration::from_secs(delay);
    let order = Order {
        domains: left(domains, faults),
        device: target.is_none(),
        takes,
        outcome,
    };
    carry_out(state, Act::Quiesce(order), faults);
    Payload::Ok
}

/// `UnquiesceDP`, or `DomainUnquiesce` of a target.
pub(super) fn unquiesce(
    state: &mut State,
    domain: &str,
    target: Option<&str>,
    faults: &[FaultKind],
) -> Payload {
    let domains = match targets(state, domain, target) {
        Ok(domains) => domains,
        Err(refusal) => return refusal,
    };
    let never = faults.contains(&FaultKind::NeverUnquiesces);
    let order = Order {
        domains: left(domains, faults),
        device: target.is_none(),
        takes: state.setup.unquiesce_time,
        outcome: if never { Outcome::NeverEnds } else { Outcome::Ends },
    };
    carry_out(state, Act::Unquiesce(order), faults);
    Payload::Ok
}

/// What it says where it says more than `OK`, for a device or a domain. No capture has such a sentence.
pub(super) fn sentence(word: &str, target: Option<&str>) -> String {
    match target {
        Some(domain) => format!("{word} of domain [{domain}] scheduled."),
        None => format!("{word} of DataPower Gateway scheduled."),
    }
}

/// What an error log says of an action, by default. No capture has it.
pub(super) fn complaint(faults: &[FaultKind]) -> String {
    let spared = faults.iter().find_map(|fault| match fault {
        FaultKind::Spares(domains) => domains.first(),
        _ => None,
    });
    match spared {
        Some(domain) => format!("Action failed for domain [{domain}]."),
        None => "Action failed.".to_owned(),
    }
}

/// The domains that an action concerns. The default domain never goes down.
fn targets(state: &State, domain: &str, target: Option<&str>) -> Result<Vec<String>, Payload> {
    if domain != "default" {
        return Err(Payload::Log(
            "quiesce is available in default domain only".to_owned(),
        ));
    }
    let mut names = state.domains();
    names.retain(|name| name != "default");
    match target {
        None => Ok(names),
        Some("default") => Err(Payload::Log("domain [default] cannot be quiesced".to_owned())),
        Some(target) if names.iter().any(|name| name == target) => Ok(vec![target.to_owned()]),
        Some(target) => Err(Payload::Log(format!("invalid or non-existent domain [{target}]"))),
    }
}

/// The domains that are not left out.
fn left(mut domains: Vec<String>, faults: &[FaultKind]) -> Vec<String> {
    for fault in faults {
        match fault {
            FaultKind::Spares(spared) => domains.retain(|domain| !spared.contains(domain)),
            FaultKind::Only(some) => domains.retain(|domain| some.contains(domain)),
            _ => {}
        }
    }
    domains
}

/// Now, later or never.
pub(super) fn carry_out(state: &mut State, act: Act, faults: &[FaultKind]) {
    if faults.contains(&FaultKind::NotDone) {
        return;
    }
    let later = faults.iter().find_map(|fault| match fault {
        FaultKind::Late(when) => Some((*when, false)),
        FaultKind::Queued(when) => Some((*when, true)),
        _ => None,
    });
    match later {
        Some((when, holds_others)) => state.act_later(act, when, holds_others),
        None => state.act_in_turn(act),
    }
}
