//! What a device must show before anything is done to it: asked by a task, and by who wants to know what one
//! would do.

use crate::gateway::Gateway;
use crate::gateway::domains::{DEFAULT_DOMAIN, DomainStatus, QuiesceState};
use crate::gateway::quiesce::Scope;
use crate::plan::model::{Action, Activity};
use crate::run::at_work::without_left;
use crate::run::event::ALL_DOMAINS;
use crate::run::failure::Failure;
use crate::run::ledger::JournalEntry;
use crate::run::status::Status;
use crate::soma::error::SomaError;
use crate::values::first_few::first_few;

/// So many domains stand in a refusal.
const NAMED: usize = 5;

/// What a task of this activity quiesces, if anything.
pub fn scope_of(activity: &Activity, domain: &str) -> Option<Scope> {
    match (activity.quiesce, domain) {
        (false, _) | (true, DEFAULT_DOMAIN) => None,
        (true, ALL_DOMAINS) => Some(Scope::Device),
        (true, domain) => Some(Scope::Domain(domain.to_owned())),
    }
}

/// Why a task of this activity would not begin on a device that lists its domains so; nothing where it would.
pub fn refusal(activity: &Activity, device: &str, domain: &str, domains: &[DomainStatus]) -> Option<Failure> {
    let busy = match activity.action {
        Action::SecureBackup { .. } => refusal_of_busy(device, domains),
        Action::ExportDomain { .. } => None,
    };
    let quiesced = || refusal_of_quiesced(device, &scope_of(activity, domain)?, domains);
    busy.or_else(quiesced)
}

/// This failure of a task of this activity, device and domain, in other words where an open row of the journal is what stands
/// in its way: that run, or nobody knows who, has quiesced it, and no stranger who could be asked to unquiesce it.
pub fn told_by_rows(
    failure: Failure,
    (activity, device, domain): (&Activity, &str, &str),
    domains: &[DomainStatus],
    rows: &[JournalEntry],
    recover: &str,
) -> Failure {
    let (others, is_of_them) = without_left(rows, device, domains);
    let mut of_device = rows.iter().filter(|row| row.is_quiesce() && row.device == device);
    match of_device.next() {
        Some(row) if is_of_them && refusal(activity, device, domain, &others).is_none() => {
            let why = format!(
                "{device}: what is quiesced there may be what the journal has open, {row}: run {recover}, which looks"
            );
            Failure::new(failure.status, why)
        }
        _ => failure,
    }
}

/// Why a task that quiesces a whole device would not begin on one that has more domains than it lists: one that this
/// account is not shown may be quiesced already, and may be left so, and nobody would see either.
pub fn refusal_of_unlisted(
    activity: &Activity,
    device: &str,
    domain: &str,
    (gateway, listed): (&Gateway<'_>, &[DomainStatus]),
) -> Result<Option<Failure>, SomaError> {
    if scope_of(activity, domain) != Some(Scope::Device) {
        return Ok(None);
    }
    let names = gateway.unlisted(listed)?;
    Ok((!names.is_empty()).then(|| {
        let why = format!(
            "{device}: whether {} is quiesced is not known: the device has it, and does not show this account how it \
             stands; give the account the right to see each domain, or back up without quiesce",
            first_few(&names, NAMED)
        );
        Failure::new(Status::DeviceError, why)
    }))
}

/// A device makes one secure backup at a time: it would be quiesced for one that it refuses.
fn refusal_of_busy(device: &str, domains: &[DomainStatus]) -> Option<Failure> {
    let makes_one = domains.iter().any(DomainStatus::makes_secure_backup);
    makes_one.then(|| {
        let why = format!(
            "{device}: the device is making a secure backup already, and not for this task; wait for its end, and \
             try again"
        );
        Failure::new(Status::DeviceError, why)
    })
}

/// Step 2. What we did not quiesce we never unquiesce.
fn refusal_of_quiesced(device: &str, scope: &Scope, domains: &[DomainStatus]) -> Option<Failure> {
    let in_scope = || {
        domains.iter().filter(|domain| match scope {
            // That one cannot be quiesced, and may show how the device stands itself.
            Scope::Device => domain.name != DEFAULT_DOMAIN || domain.quiesce.is_of_a_quiesce(),
            Scope::Domain(name) => domain.name == *name,
        })
    };
    // Never below another's quiesce that does not show.
    if let Some(domain) = in_scope().find(|domain| matches!(domain.quiesce, QuiesceState::NotTold(_))) {
        let why = format!(
            "{device}: whether domain {} is quiesced is {}",
            domain.name, domain.quiesce
        );
        return Some(Failure::new(Status::DeviceError, why));
    }
    let not_normal: Vec<String> = in_scope()
        .filter(|domain| domain.quiesce != QuiesceState::Normal)
        .map(|domain| format!("{} is {}", domain.name, domain.quiesce))
        .collect();
    if not_normal.is_empty() {
        return None;
    }
    let status = match scope {
        Scope::Device => Status::DeviceHasQuiescedDomains,
        Scope::Domain(_) => Status::DomainAlreadyQuiesced,
    };
    let list = not_normal.join(", ");
    Some(Failure::new(
        status,
        format!("{device}: {list} already, and not by this task; unquiesce it, or back up without quiesce"),
    ))
}
