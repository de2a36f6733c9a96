//! Steps 6, 7, 9 and 10: quiesce, and the way back on every path.

use std::time::Duration;

use crate::gateway::quiesce::{Goal, Scope, ScopeState, Waited};
use crate::run::event::Progress;
use crate::run::failure::{Failure, Trouble, words};
use crate::run::guard::{OpenQuiesce, Undone, undo_of, waiting};
use crate::run::status::Status;
use crate::run::task::{DeviceState, Walk};

impl Walk<'_, '_, '_> {
    /// Steps 6 to 10: from the journal row on, every path leads through the undo.
    pub(super) fn quiesced(&mut self, scope: &Scope) -> Result<(), Trouble> {
        let device = self.session.device.name.clone();
        // Asked again, so that nobody else's quiesce is taken for ours; then the row, without
        // which nothing is sent.
        let domains = self.domains()?;
        self.refuse_if_quiesced(scope, &domains)?;
        let journal = self
            .record
            .open_undo(self.engine.process, self.task.id, &device, &undo_of(scope))?;
        let outcome = match self.quiesce(scope) {
            Ok(()) => self.protected(),
            Err(trouble) => Err(trouble),
        };
        let unquiescing = self.record.task_status(self.task.id, Status::Unquiescing);
        let open = OpenQuiesce {
            journal,
            task: self.task.id,
            device: &device,
            scope,
        };
        let shielded = self.session.gateway.shielded();
        let (undone, recorded) = open.undo(shielded.as_ref(), &self.engine.file.settings, self.record);
        self.state = match &undone {
            Undone::Confirmed(how) => DeviceState::Restored(how),
            Undone::Not(why) => DeviceState::StillQuiesced(why.clone()),
        };
        // The first trouble is the one that counts.
        outcome?;
        unquiescing?;
        recorded?;
        match undone {
            Undone::Confirmed(_) => Ok(()),
            Undone::Not(why) => {
                let limit = humantime::format_duration(self.unquiesce_limit());
                let why = format!("{device}: {scope} was not unquiesced within {limit}: {why}");
                Err(Failure::new(Status::UnquiesceTimeout, why).into())
            }
        }
    }

    fn unquiesce_limit(&self) -> Duration {
        let settings = &self.engine.file.settings;
        settings.unquiesce_timeout + settings.quiesce_grace
    }

    /// Steps 6 and 7.
    fn quiesce(&mut self, scope: &Scope) -> Result<(), Trouble> {
        self.record.task_status(self.task.id, Status::Quiescing)?;
        let settings = &self.engine.file.settings;
        let device = self.session.device.name.as_str();
        let gateway = &self.session.gateway;
        let unknown = match gateway.quiesce(scope, settings.quiesce_timeout) {
            Ok(()) => None,
            Err(error) if error.leaves_outcome_unknown() => Some(error),
            Err(error) => return Err(self.exchange(Status::DeviceError, &error).into()),
        };
        if let Some(error) = unknown {
            // It may or may not have arrived: the device knows.
            let state = gateway.domains().map(|domains| scope.state(&domains));
            match state {
                Ok(ScopeState::Quiesced | ScopeState::Between(_)) => {}
                _ => return Err(self.exchange(Status::DeviceError, &error).into()),
            }
        }
        let limit = settings.quiesce_timeout + settings.quiesce_grace;
        let what = format!("{scope} to be quiesced");
        let waited = gateway.wait_until(
            scope,
            Goal::Quiesced,
            limit,
            &mut waiting(self.record, device, &what, limit),
        );
        self.record.show(&Progress::WaitEnded);
        match waited {
            Waited::Reached => Ok(()),
            Waited::Interrupted => Err(Failure::interrupted("waiting for the quiesce").into()),
            Waited::Failed(state) => {
                let why = format!("{device}: the device reports that quiescing failed: {scope} is {state}");
                Err(Failure::new(Status::DeviceError, why).into())
            }
            Waited::TimedOut(last) => {
                let last = match last {
                    Ok(state) => format!("{scope} is {state}"),
                    Err(error) => words(&error),
                };
                let limit = humantime::format_duration(limit);
                let why = format!("{device}: {scope} was not quiesced within {limit}: {last}");
                Err(Failure::new(Status::QuiesceTimeout, why).into())
            }
        }
    }
}
