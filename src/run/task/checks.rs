//! Steps 1 to 5: everything that can be known before anything is done, and the script before it.

use crate::artifact::layout;
use crate::gateway::domains::{DEFAULT_DOMAIN, DomainStatus};
use crate::plan::model::Action;
use crate::run::event::{ALL_DOMAINS, Event, Owner, ScriptMoment};
use crate::run::failure::{Failure, Trouble, words};
use crate::run::same_device::other_serials;
use crate::run::script::{self, Due};
use crate::run::session::KnownFacts;
use crate::run::status::Status;
use crate::run::store;
use crate::run::task::{Walk, before};
use crate::values::first_few::first_few;

/// So many domains stand in a note.
const NAMED: usize = 5;

impl Walk<'_, '_, '_> {
    /// What the device says about itself, or why nobody knows.
    fn record_facts(&mut self) -> Result<(), Trouble> {
        let known = self.session.known_facts()?.clone();
        let device = &self.session.device.name;
        let last = self.record.last_serial(device)?;
        let other = other_serials(last.as_deref(), known.as_far_as_known().serial.as_deref());
        let other = other.map(|(last, now)| {
            format!(
                "{device} tells the serial number {now}, and told {last} before: another gateway answers for it"
            )
        });
        self.record.tell(&Event::DeviceFacts {
            task: self.task.id,
            facts: known.as_far_as_known().clone(),
        })?;
        if let Some(other) = other {
            self.record.note(Owner::Task(self.task.id), other)?;
        }
        let note = match known {
            KnownFacts::Told(facts) if facts.firmware_version.is_some() => return Ok(()),
            KnownFacts::Told(_) => "the device does not tell its firmware".to_owned(),
            KnownFacts::NotKnown { why, .. } => {
                format!(
                    "the firmware and the serial number are not known: {}",
                    why.message
                )
            }
        };
        Ok(self.record.note(Owner::Task(self.task.id), note)?)
    }

    /// Steps 1 to 4: everything that can be known before anything is done.
    pub(super) fn check(&mut self) -> Result<(), Trouble> {
        self.record.task_status(self.task.id, Status::Validating)?;
        let settings = &self.engine.file.settings;
        store::is_mounted(settings).map_err(store::of_task)?;
        self.store_was_mounted = store::is_mount_point(settings);
        store::has_space(settings, Status::NotEnoughFreeSpaceInStore)?;
        self.try_store()?;
        self.record_facts()?;
        let look = self.first_look()?;
        if self.task.activity.quiesce && self.task.domain == DEFAULT_DOMAIN {
            let owner = Owner::Task(self.task.id);
            self.record.note(
                owner,
                "the default domain cannot be quiesced: it is exported without",
            )?;
        }
        self.refuse(&look.domains)?;
        self.refuse_unlisted(&look.domains)?;
        self.tell_changes_under_way(&look.domains)?;
        match &self.task.activity.action {
            Action::ExportDomain { .. } => {
                self.tell_unsaved_changes(&look.domains)?;
                self.look = Some(look);
                Ok(())
            }
            Action::SecureBackup { certificate } => self.check_secure_backup(certificate),
        }
    }

    /// Says which of the domains that are backed up change just now: what is stored of such a one may be half of what it
    /// is to become.
    fn tell_changes_under_way(&mut self, domains: &[DomainStatus]) -> Result<(), Trouble> {
        let is_ours =
            |domain: &&DomainStatus| [ALL_DOMAINS, domain.name.as_str()].contains(&self.task.domain);
        let busy = domains.iter().filter(is_ours);
        let busy = busy.filter_map(|domain| Some((domain.name.as_str(), domain.changes_by()?)));
        let busy: Vec<String> = busy
            .map(|(name, command)| format!("{name} ('{command}')"))
            .collect();
        if busy.is_empty() {
            return Ok(());
        }
        let note = format!(
            "the configuration changes while it is backed up, as the device shows: {}",
            first_few(&busy, NAMED)
        );
        Ok(self.record.note(Owner::Task(self.task.id), note)?)
    }

    /// Tries where in the store the backup will stand, where it costs the device its service or minutes
    /// of work. What its folder there has become may be worse than the store, and is better found out now.
    fn try_store(&self) -> Result<(), Failure> {
        let (settings, device) = (&self.engine.file.settings, &self.session.device.name);
        let folder = match &self.task.activity.action {
            Action::SecureBackup { .. } => layout::secure_backups_dir(settings.store.folder(), device),
            Action::ExportDomain { .. } if self.scope().is_some() => {
                layout::exports_dir(settings.store.folder(), device, self.task.domain)
            }
            Action::ExportDomain { .. } => return Ok(()),
        };
        // Where none of its folders is there yet, it will be made in the store itself.
        match store::probe_below(settings, &folder)? {
            Some(_probed) => Ok(()),
            None => store::probe(settings).map(|_probed| ()).map_err(store::of_task),
        }
    }

    /// Whether the store is mounted as it was when the task began.
    pub(super) fn store_is_there(&self) -> Result<(), Failure> {
        store::is_still_mounted(&self.engine.file.settings, self.store_was_mounted)
    }

    pub(super) fn tell_unsaved_changes(&mut self, domains: &[DomainStatus]) -> Result<Option<bool>, Trouble> {
        let (task, unsaved) = (self.task.id, self.unsaved_changes(domains)?);
        if let Some(unsaved) = unsaved {
            self.record.tell(&Event::UnsavedChanges { task, unsaved })?;
        }
        Ok(unsaved)
    }

    /// Step 2, and what else the status of its domains tells against it.
    pub(super) fn refuse(&mut self, domains: &[DomainStatus]) -> Result<(), Failure> {
        let device = &self.session.device.name;
        let refused = (self.task.activity, device.as_str(), self.task.domain);
        let Some(failure) = before::refusal(refused.0, refused.1, refused.2, domains) else {
            return Ok(());
        };
        // A journal that cannot be read says nothing of it.
        let rows = self.record.ledger().open_undos().unwrap_or_default();
        let recover = self.engine.file.invocation.command(["recover"]);
        Err(before::told_by_rows(failure, refused, domains, &rows, &recover))
    }

    /// Step 2 for a whole device, of the domains that it has and does not list.
    fn refuse_unlisted(&mut self, domains: &[DomainStatus]) -> Result<(), Trouble> {
        let (device, gateway) = (&self.session.device.name, &self.session.gateway);
        let listed = (gateway, domains);
        match before::refusal_of_unlisted(self.task.activity, device, self.task.domain, listed) {
            Ok(refusal) => Ok(refusal.map_or(Ok(()), Err)?),
            Err(error) => Ok(self.warn(format!(
                "whether the device has domains that it does not list is not known: {}",
                words(&error)
            ))?),
        }
    }

    /// Step 3: whether what runs differs from what is saved, where the device says so.
    pub(super) fn unsaved_changes(&self, domains: &[DomainStatus]) -> Result<Option<bool>, Failure> {
        if self.task.domain == ALL_DOMAINS {
            let any = |said| domains.iter().any(|domain| domain.save_needed == said);
            return Ok(match (any(Some(true)), any(None)) {
                (true, _) => Some(true),
                (false, true) => None,
                (false, false) => Some(false),
            });
        }
        match domains.iter().find(|domain| domain.name == self.task.domain) {
            Some(domain) => Ok(domain.save_needed),
            None => Err(Failure::new(
                Status::DeviceError,
                format!(
                    "{}: domain {} does not exist any more",
                    self.session.device.name, self.task.domain
                ),
            )),
        }
    }

    /// Step 5.
    pub(super) fn pre_script(&mut self) -> Result<(), Trouble> {
        let Some(path) = &self.task.activity.pre_script else {
            return Ok(());
        };
        self.look = None;
        self.record.task_status(self.task.id, Status::RunningPreScript)?;
        let due = Due {
            path,
            moment: ScriptMoment::Pre,
            facts: self.facts(),
        };
        let stop = self.engine.stop;
        let owner = Owner::Task(self.task.id);
        let ran = script::run(self.engine, self.record, owner, &due, &|| stop.is_requested())?;
        if stop.is_requested() {
            return Err(Failure::interrupted("running the pre-task script").into());
        }
        if ran.end.is_success() {
            // It may have taken the store away, which is better found out before the device is out of service.
            self.store_is_there()?;
            return Ok(self.try_store()?);
        }
        let why = format!("the pre-task script {}: {}", path.display(), ran.how());
        Err(Failure::new(Status::TaskFailedPreScript, why).into())
    }
}
