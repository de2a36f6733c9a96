//! What a device is before something is laid over a domain of it.

use crate::gateway::Gateway;
use crate::gateway::domains::{AdminState, ApiConnect, DomainStatus, QuiesceState};
use crate::gateway::facts::tells_apart;
use crate::run::domains_seen::DomainsSeen;
use crate::run::event::DeviceFacts;
use crate::run::failure::{Failure, Trouble, words};
use crate::run::firmware::{FirmwareFit, both_versions};
use crate::run::not_seen::NotSeen;
use crate::run::recover::age::import_is_over;
use crate::run::restore::running::difference;
use crate::run::restore::{Restoring, import_or_dry_run, refused};
use crate::run::running_domain::RunningDomain;
use crate::run::same_device::is_the_same;
use crate::run::session::Session;
use crate::run::status::Status;
use crate::values::restore_plan::RestoreConfirmation;
use crate::values::size::Bytes;
use crate::values::trust::Trust;

/// An archive is received, kept and unpacked: it takes so many times its size at least.
const TIMES_ITS_SIZE: u64 = 3;

/// A target that something may be laid over.
pub(super) struct RestoreTarget {
    pub(super) facts: DeviceFacts,
    /// Nothing where that is not told.
    pub(super) has_unsaved: Option<bool>,
    /// All that the device reports of its domains.
    pub(super) domains: DomainsSeen,
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
        let domains = DomainsSeen::ask(&session.gateway)
            .map_err(|error| refused(format!("{device}: {}", words(&error))))?;
        let Some(row) = domains.of_domain(domain.name()).cloned() else {
            return Err(self.is_not_listed(&session.gateway));
        };
        self.is_at_rest(&row)?;
        let mut doubts = self.source_doubts();
        doubts.extend(
            row.current_command
                .is_none()
                .then(|| format!("the device does not tell whether {domain} is busy")),
        );
        doubts.extend(self.api_connect_doubt(&session.gateway)?);
        doubts.extend(self.unsaved_doubt(row.save_needed)?);
        doubts.extend(self.service_doubts(&session.gateway, &domains));
        doubts.extend(self.import_doubts(facts.serial.as_deref()));
        doubts.extend(self.firmware_doubt(&facts)?);
        doubts.extend(self.space_doubt(session)?);
        doubts.extend(self.serial_doubt(&facts));
        Ok(RestoreTarget {
            facts,
            has_unsaved: row.save_needed,
            domains,
            doubts,
        })
    }

    /// Refuses a domain that is quiesced, or busy.
    fn is_at_rest(&self, row: &DomainStatus) -> Result<(), Failure> {
        let (device, domain) = (&self.device.name, &self.source.domain);
        if row.quiesce != QuiesceState::Normal {
            return Err(refused(format!(
                "{domain} of {device} is {}: an import into it could not be judged; unquiesce it first",
                row.quiesce
            )));
        }
        match row.current_command.as_deref() {
            Some(command) if !command.is_empty() => Err(refused(format!(
                "{domain} of {device} is busy with '{command}': wait until it has ended"
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// What is to be said of the backup, and of the way to the device.
    fn source_doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        doubts.extend(self.source.running.as_ref().map(|path| {
            format!(
                "task {} has two exports, and this one is of what was saved; what ran then, with changes that nobody \
                 had saved, is {}, and goes back by hand alone (docs/restore.md)",
                self.source.task.0,
                path.display()
            )
        }));
        doubts.extend(self.source.of_another.clone());
        let odd = self.source.verified.warnings.iter();
        doubts.extend(odd.map(|warning| format!("the backup: {warning}")));
        if self.device.tls == Trust::Off {
            let device = &self.device.name;
            doubts.push(format!(
                "nobody looks at the certificate of {device} (`tls = {{ verify = false }}`): whatever answers at its address \
                 gets the backup"
            ));
        }
        doubts
    }

    /// Refuses a domain of API Connect; says where that is not known.
    fn api_connect_doubt(&self, gateway: &Gateway<'_>) -> Result<Option<String>, Failure> {
        let (device, domain) = (&self.device.name, &self.source.domain);
        let not_told = |why: &str| format!("whether {domain} is a domain of API Connect is not known: {why}");
        match gateway.is_api_connect(domain.name()) {
            Ok(ApiConnect::Yes) => Err(refused(format!(
                "{domain} of {device} is a domain of API Connect, which writes its configuration itself"
            ))),
            Ok(ApiConnect::No | ApiConnect::UnknownClass) => Ok(None),
            Ok(ApiConnect::NotAllowed) => Ok(Some(not_told("the account may not see it"))),
            Ok(ApiConnect::NotTold(why)) => Ok(Some(not_told(&why))),
            Err(error) => Err(refused(format!("{device}: {}", not_told(&words(&error))))),
        }
    }

    /// Refuses changes that nobody has saved, or of which nothing is told, unless they may be imported over.
    fn unsaved_doubt(&self, save_needed: Option<bool>) -> Result<Option<String>, Failure> {
        let (device, domain) = (&self.device.name, &self.source.domain);
        let unsaved = match save_needed {
            Some(false) => return Ok(None),
            Some(true) => "there are changes that nobody has saved",
            None => "whether there are changes that nobody has saved is not told",
        };
        match self.options.allows_unsaved {
            true => Ok(Some(format!("{unsaved}: they are mixed with the backup"))),
            false => Err(refused(format!(
                "{domain} of {device}: {unsaved}, and an import would be mixed with them: save them or take them \
                 back first; --over-unsaved backs them up and imports all the same"
            ))),
        }
    }

    /// What a serial number that tells nobody apart means for what comes out.
    fn serial_doubt(&self, facts: &DeviceFacts) -> Option<String> {
        match facts.serial.as_deref() {
            None => Some(
                "the device does not tell its serial number: local addresses are taken as another's"
                    .to_owned(),
            ),
            Some(serial) if !tells_apart(serial) && !self.is_of(facts) => Some(format!(
                "the serial number {serial} is one that every virtual gateway has: local addresses are taken as another's"
            )),
            Some(_) => None,
        }
    }

    /// What is to be said of a domain that is disabled, or not with its own configuration.
    fn service_doubts(&self, gateway: &Gateway<'_>, domains: &DomainsSeen) -> Vec<String> {
        let domain = &self.source.domain;
        let failsafe = domains.failsafe(domain.name()).map(|told| {
            format!("{told}: what runs there is a configuration of last resort, and not what it was given")
        });
        let state = gateway.retried(|| gateway.admin_states());
        let state = state.map(|states| states.get(domain.name()).copied());
        let service = match state {
            Ok(Some(AdminState::Enabled)) => None,
            Ok(Some(AdminState::Disabled)) => {
                Some(format!("domain {domain} is disabled: nothing of it is at work"))
            }
            Ok(Some(AdminState::NotTold | AdminState::NotConfigured) | None) => Some(format!(
                "the device does not tell whether domain {domain} is enabled"
            )),
            Err(error) => Some(format!(
                "whether domain {domain} is enabled is not known: {}",
                words(&error)
            )),
        };
        failsafe.into_iter().chain(service).collect()
    }

    /// What is to be said of earlier imports that may still be carried out, over this one.
    fn import_doubts(&mut self, serial: Option<&str>) -> Vec<String> {
        let rows = match self.older_imports(serial) {
            Ok(rows) => rows,
            Err(error) => {
                return vec![format!(
                    "whether an earlier import is under way is not known: {error}"
                )];
            }
        };
        let rows = rows.iter().filter(|row| !import_is_over(self.engine, row));
        rows.map(|row| {
            format!(
                "{} of task {} may still be carried out, over this one: nobody has seen its end",
                import_or_dry_run(row),
                row.task.0
            )
        })
        .collect()
    }

    /// Why nothing is laid over a domain that the device does not list: the list may leave out what is there.
    fn is_not_listed(&self, gateway: &Gateway<'_>) -> Failure {
        let (device, domain) = (&self.device.name, &self.source.domain);
        let listed = [domain.name().to_owned()];
        refused(match gateway.configured(&listed) {
            Ok(found) if found.is_empty() => {
                format!("{device} has no domain {domain}: make an empty one of that name on it first")
            }
            Ok(_) => format!(
                "{device} has the domain {domain} in its configuration, and does not show how it stands: look at it, \
                 and at the right */*/status/domain-status?Access=r of the account"
            ),
            Err(error) => format!(
                "{device} does not list the domain {domain}, and whether it has it is not known: {}",
                words(&error)
            ),
        })
    }

    /// The target as it is now; a failure where what was confirmed is void.
    pub(super) fn still_holds(
        &mut self,
        session: &mut Session<'a>,
        target: &RestoreTarget,
        running: &RunningDomain,
        confirmation: &RestoreConfirmation,
    ) -> Result<RestoreTarget, Failure> {
        let target = self.is_still_the_target(session, target).inspect_err(|_| {
            self.told.is_void = true;
        })?;
        if let RestoreConfirmation::TypedName(_) = confirmation {
            // Whoever types may take his time.
            self.is_as_it_was(&session.gateway, running).map_err(|why| {
                self.told.is_void = true;
                let status = Status::RestoreNotConfirmed;
                Failure::new(
                    status,
                    format!("the confirmation is void: {}; nothing was imported", why.why()),
                )
            })?;
        }
        Ok(target)
    }

    /// Looks once more, as if for the first time: while a plan is read, the target may become another.
    /// Gives what it is now.
    fn is_still_the_target(
        &mut self,
        session: &mut Session<'a>,
        before: &RestoreTarget,
    ) -> Result<RestoreTarget, Failure> {
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
        let failsafe = |target: &RestoreTarget| target.domains.failsafe(self.source.domain.name());
        if failsafe(&now) != failsafe(before) {
            return Err(void(format!(
                "whether {device} runs in failsafe mode is not as it was"
            )));
        }
        is_the_same(&session.gateway, &device, &before.facts).map_err(|why| void(why.into()))?;
        Ok(now)
    }

    /// What is to be said of another firmware; a refusal where nobody has allowed it.
    fn firmware_doubt(&self, facts: &DeviceFacts) -> Result<Option<String>, Failure> {
        let export = self.source.verified.firmware_version.as_deref();
        let device = facts.firmware_version.as_deref();
        let both = both_versions(export, device, "the device");
        let Some(why) = FirmwareFit::of(export, device).doubt("the device") else {
            let is_other = export != device;
            return Ok(is_other.then(|| format!("the firmware is another one: {both}")));
        };
        if self.options.allows_other_firmware {
            return Ok(Some(format!("{why}: {both}")));
        }
        // The firmware is that of the archive.
        let archive = self.source.instead.as_ref();
        let archive = archive.map_or_else(String::new, |instead| format!("; {instead}"));
        Err(refused(format!(
            "{why}: {both}{archive}; --allow-other-firmware tries it"
        )))
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
                "{device} may have too little room: {} are free in temporary:, and the import may need {} (a guess of \
                 dpbackup: {TIMES_ITS_SIZE} times the backup); make room on it first",
                Bytes(space.free_temporary),
                Bytes(needed)
            ))),
            false => Ok(None),
        }
    }

    /// What runs in the domain now.
    pub(super) fn running(&mut self, session: &Session<'a>) -> Result<RunningDomain, Trouble> {
        self.waits("an export of what runs");
        let taken = RunningDomain::take(&session.gateway, &self.source.domain, &self.scratch);
        self.waits_no_more();
        self.goes_on("nothing was imported")?;
        Ok(taken.map_err(|why| refused(format!("{}: {}", self.device.name, why.why())))?)
    }

    /// Nothing where the domain runs as it did; otherwise why not, or why nobody knows.
    pub(super) fn is_as_it_was(&self, gateway: &Gateway<'_>, before: &RunningDomain) -> Result<(), NotSeen> {
        self.as_it_was_but_for(gateway, before, "")
    }

    /// The same; `by` says who may have changed it.
    fn as_it_was_but_for(
        &self,
        gateway: &Gateway<'_>,
        before: &RunningDomain,
        by: &str,
    ) -> Result<(), NotSeen> {
        let (device, domain) = (&self.device.name, &self.source.domain);
        let not_known =
            |why: String| format!("whether {domain} of {device} is as it was is not known: {why}");
        let now =
            RunningDomain::take(gateway, domain, &self.scratch).map_err(|why| why.with_words(not_known))?;
        if now.content == before.content {
            return Ok(());
        }
        let what = match difference(&before.file, &now.file, domain, &self.scratch) {
            Ok(difference) => difference.named().join(", "),
            Err(why) => why,
        };
        Err(NotSeen::Otherwise(format!(
            "{domain} of {device} is not as it was when the plan was made: {what}{by}"
        )))
    }

    /// Nothing where, after a dry run, the domain runs as it did, the device reports of its domains what it
    /// did, and it is the same device; otherwise why not, or why nobody knows: what only does not show for a moment is
    /// looked at again. Who the device is is asked last: nothing comes between that and the import.
    pub(super) fn stands(
        &self,
        gateway: &Gateway<'_>,
        target: &RestoreTarget,
        running: &RunningDomain,
    ) -> Result<(), NotSeen> {
        gateway.look_until_told(self.engine.stop, NotSeen::may_pass, &mut || {
            self.stands_now(gateway, target, running)
        })
    }

    fn stands_now(
        &self,
        gateway: &Gateway<'_>,
        target: &RestoreTarget,
        running: &RunningDomain,
    ) -> Result<(), NotSeen> {
        let device = &self.device.name;
        let by = "by the dry run or by somebody else";
        self.as_it_was_but_for(gateway, running, &format!(", {by}"))?;
        let now = DomainsSeen::ask(gateway).map_err(|error| {
            NotSeen::by(&error, |why| {
                format!("how the domains of {device} stand is not known: {why}")
            })
        })?;
        let moved = target.domains.until(&now);
        if !moved.changes.is_empty() {
            return Err(NotSeen::Otherwise(format!(
                "{device} is not as it was when that was confirmed: {}, {by}",
                moved.changes.join(", ")
            )));
        }
        if let Some(busy) = target.domains.busy_since(&now, self.source.domain.name()) {
            return Err(NotSeen::NotNow(format!(
                "whether {device} stays as it was is not known: {busy}, {by}"
            )));
        }
        let own = now.of_domain(self.source.domain.name());
        let is_told =
            |row: &DomainStatus| row.save_needed == target.has_unsaved && row.quiesce == QuiesceState::Normal;
        if !own.is_some_and(is_told) {
            let why = moved.not_told.unwrap_or_default();
            return Err(NotSeen::NotNow(format!(
                "whether {device} is as it was is not known: {why}"
            )));
        }
        is_the_same(gateway, device, &target.facts)
    }
}
