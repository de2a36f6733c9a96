//! What a device is before something is laid over a domain of it.

use crate::gateway::Gateway;
use crate::gateway::domains::{ApiConnect, QuiesceState};
use crate::run::event::DeviceFacts;
use crate::run::failure::{Failure, words};
use crate::run::firmware::{FirmwareFit, both_versions};
use crate::run::restore::Restoring;
use crate::run::restore::halt::{Halt, refused};
use crate::run::restore::running::{RunningDomain, difference};
use crate::run::session::Session;
use crate::run::status::Status;
use crate::values::size::Bytes;

/// An archive is received, kept and unpacked: it takes so many times its size at least.
const TIMES_ITS_SIZE: u64 = 3;

/// A target that something may be laid over.
pub(super) struct RestoreTarget {
    pub(super) facts: DeviceFacts,
    /// Nothing where that is not told.
    pub(super) has_unsaved: Option<bool>,
    /// What could not be told, or is bent; a sentence each.
    pub(super) doubts: Vec<String>,
}

impl<'a> Restoring<'_, 'a, '_> {
    /// Looks at the target, and refuses what must not be written over, each with a sentence of its
    /// own. Nothing but questions is sent.
    pub(super) fn look_at_target(&mut self, session: &mut Session<'a>) -> Result<RestoreTarget, Failure> {
        let facts = session.facts()?.clone();
        let device = &self.device.name;
        let domain = &self.source.domain;
        let domains = session
            .gateway
            .domains()
            .map_err(|error| refused(format!("{device}: {}", words(&error))))?;
        let Some(row) = domains.iter().find(|row| row.name == domain.name()) else {
            return Err(refused(format!(
                "{device} has no domain {domain}: make an empty one of that name on it first"
            )));
        };
        if row.quiesce != QuiesceState::Normal {
            return Err(refused(format!(
                "{domain} of {device} is {}: an import into it could not be judged; unquiesce it first",
                row.quiesce
            )));
        }
        if let Some(command) = row
            .current_command
            .as_deref()
            .filter(|command| !command.is_empty())
        {
            return Err(refused(format!(
                "{domain} of {device} is busy with '{command}': wait until it has ended"
            )));
        }
        let mut doubts = Vec::new();
        doubts.extend(
            row.current_command
                .is_none()
                .then(|| format!("the device does not tell whether {domain} is busy")),
        );
        let not_told = |why: &str| format!("whether {domain} is a domain of API Connect is not known: {why}");
        match session.gateway.is_api_connect(domain.name()) {
            Ok(ApiConnect::Yes) => {
                return Err(refused(format!(
                    "{domain} of {device} is a domain of API Connect, which writes its configuration itself"
                )));
            }
            Ok(ApiConnect::No | ApiConnect::UnknownClass) => {}
            Ok(ApiConnect::NotAllowed) => doubts.push(not_told("the account may not see it")),
            Ok(ApiConnect::NotTold(why)) => doubts.push(not_told(&why)),
            Err(error) => return Err(refused(format!("{device}: {}", not_told(&words(&error))))),
        }
        let unsaved = match row.save_needed {
            Some(false) => None,
            Some(true) => Some("there are changes that nobody has saved"),
            None => Some("whether there are changes that nobody has saved is not told"),
        };
        if let Some(unsaved) = unsaved {
            if !self.options.allows_unsaved {
                return Err(refused(format!(
                    "{domain} of {device}: {unsaved}, and an import would be mixed with them: save them or take them \
                     back first; --over-unsaved backs them up and imports all the same"
                )));
            }
            doubts.push(format!("{unsaved}: they are mixed with the backup"));
        }
        doubts.extend(self.firmware_doubt(&facts)?);
        doubts.extend(self.space_doubt(session)?);
        if facts.serial.is_none() {
            doubts.push(
                "the device does not tell its serial number: local addresses are taken as another's"
                    .to_owned(),
            );
        }
        Ok(RestoreTarget {
            facts,
            has_unsaved: row.save_needed,
            doubts,
        })
    }

    /// Looks once more, as if for the first time: while a plan is read, the target may become another.
    pub(super) fn is_still_the_target(
        &mut self,
        session: &mut Session<'a>,
        before: &RestoreTarget,
    ) -> Result<(), Failure> {
        let device = self.device.name.clone();
        let void = |why: String| {
            Failure::new(
                Status::RestoreNotConfirmed,
                format!("the confirmation is void: {why}; nothing was imported"),
            )
        };
        let now = self
            .look_at_target(session)
            .map_err(|failure| void(failure.message))?;
        if now.has_unsaved != before.has_unsaved {
            return Err(void(format!(
                "whether {} of {device} has changes that nobody has saved is not as it was",
                self.source.domain
            )));
        }
        let firmware = session
            .gateway
            .firmware()
            .map_err(|error| void(format!("{device}: {}", words(&error))))?;
        if firmware.serial != before.facts.serial || firmware.version != before.facts.firmware_version {
            let told = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "not told".to_owned());
            return Err(void(format!(
                "{device} leads to the device with serial number {} now, of firmware {}, and the plan is for {}, of firmware {}",
                told(&firmware.serial),
                told(&firmware.version),
                told(&before.facts.serial),
                told(&before.facts.firmware_version)
            )));
        }
        Ok(())
    }

    /// What is to be said of another firmware; a refusal where nobody has allowed it.
    fn firmware_doubt(&self, facts: &DeviceFacts) -> Result<Option<String>, Failure> {
        let export = self.source.report.firmware_version.as_deref();
        let device = facts.firmware_version.as_deref();
        let both = both_versions(export, device, "the device");
        let Some(why) = FirmwareFit::of(export, device).doubt("the device") else {
            let is_other = export != device;
            return Ok(is_other.then(|| format!("the firmware is another one: {both}")));
        };
        match self.options.allows_other_firmware {
            true => Ok(Some(format!("{why}: {both}"))),
            false => Err(refused(format!("{why}: {both}; --allow-other-firmware tries it"))),
        }
    }

    /// What is to be said of the room on the device; a refusal where there is too little.
    fn space_doubt(&self, session: &Session<'a>) -> Result<Option<String>, Failure> {
        let device = &self.device.name;
        let space = session
            .gateway
            .space()
            .map_err(|error| refused(format!("{device}: {}", words(&error))))?;
        let Some(space) = space else {
            return Ok(Some(
                "the device does not tell whether it has room for the backup".to_owned(),
            ));
        };
        let needed = self.source.size.saturating_mul(TIMES_ITS_SIZE);
        match space.free_temporary < needed {
            true => Err(refused(format!(
                "{device} is full: {} are free in temporary:, and the import needs about {}; make room on it first",
                Bytes(space.free_temporary),
                Bytes(needed)
            ))),
            false => Ok(None),
        }
    }

    /// What runs in the domain now.
    pub(super) fn running(&mut self, session: &Session<'a>) -> Result<RunningDomain, Halt> {
        self.waits("an export of what runs");
        let taken = RunningDomain::take(&session.gateway, &self.source.domain, &self.scratch);
        self.waits_no_more();
        self.goes_on("nothing was imported")?;
        Ok(taken.map_err(|why| refused(format!("{}: {why}", self.device.name)))?)
    }

    /// Nothing where the domain runs as it did; otherwise why not, or why nobody knows.
    pub(super) fn is_as_it_was(&self, gateway: &Gateway<'_>, before: &RunningDomain) -> Result<(), String> {
        let (device, domain) = (&self.device.name, &self.source.domain);
        let now = RunningDomain::take(gateway, domain, &self.scratch)
            .map_err(|why| format!("whether {domain} of {device} is as it was is not known: {why}"))?;
        if now.content == before.content {
            return Ok(());
        }
        let what = match difference(&before.file, &now.file, domain, &self.scratch) {
            Ok(difference) => difference.named().join(", "),
            Err(why) => why,
        };
        Err(format!(
            "{domain} of {device} is not as it was when the plan was made: {what}"
        ))
    }
}
