//! Steps 6, 7, 9 and 10: quiesce, and the way back on every path.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::gateway::quiesce::{Scope, ScopeState, Waited};
use crate::run::event::{LedgerError, Progress};
use crate::run::failure::{Failure, Trouble, words};
use crate::run::status::Status;
use crate::run::task::{DeviceState, Walk, internal_error};
use crate::run::undo::{OpenQuiesce, Undone, undo_of, waiting};

impl Walk<'_, '_, '_> {
    /// Steps 6 to 10: from the journal row on, every path leads through the undo.
    pub(super) fn quiesced(&mut self, scope: &Scope) -> Result<(), Trouble> {
        self.listed = None;
        let device = self.session.device.name.clone();
        // Asked again, so that nobody else's quiesce is taken for ours; then the row, without
        // which nothing is sent.
        let domains = self.domains()?;
        self.refuse_if_quiesced(scope, &domains)?;
        let journal = self
            .record
            .open_undo(self.engine.process, self.task.id, &device, &undo_of(scope))?;
        let outcome = self.protected(|walk| {
            walk.quiesce(scope)?;
            walk.back_up()
        });
        let unquiescing = self.protected(|walk| {
            let told = walk.record.task_status(walk.task.id, Status::Unquiescing);
            Ok(told?)
        });
        let open = OpenQuiesce {
            journal,
            task: self.task.id,
            device: &device,
            scope,
            settle: self.settle(),
        };
        let (undone, recorded) = self.undo(&open);
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

    /// The way back. A panic in it is no reason to leave it: it is begun again, once.
    fn undo(&mut self, open: &OpenQuiesce<'_>) -> (Undone, Result<(), LedgerError>) {
        let settings = &self.engine.file.settings;
        let mut attempt = || {
            let shielded = self.session.gateway.shielded();
            let undo = || open.undo(shielded.as_ref(), settings, self.record);
            catch_unwind(AssertUnwindSafe(undo))
        };
        let second = match attempt() {
            Ok(undone) => return undone,
            Err(_) => attempt(),
        };
        second.unwrap_or_else(|panic| {
            let why = internal_error(panic.as_ref());
            let told = open.still_quiesced(&why, self.record);
            (Undone::Not(why), told)
        })
    }

    /// A request takes at most as long to be carried out as its answer is waited for.
    fn settle(&self) -> Duration {
        if self.quiesce_unseen {
            self.session.gateway.timeouts().request
        } else {
            Duration::ZERO
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
        self.quiesce_unseen = true;
        if let Err(error) = gateway.quiesce(scope, settings.quiesce_timeout) {
            if !error.leaves_outcome_unknown() {
                self.quiesce_unseen = false;
                return Err(self.exchange(Status::DeviceError, &error).into());
            }
            // It may or may not have arrived: the device knows. One that shows nothing of it is
            // watched for a while by the undo, for it may still be on its way.
            let state = gateway.domains().map(|domains| scope.state(&domains));
            match state {
                Ok(ScopeState::Quiesced | ScopeState::Between(_)) => {}
                _ => return Err(self.exchange(Status::DeviceError, &error).into()),
            }
        }
        let limit = settings.quiesce_timeout + settings.quiesce_grace;
        let what = format!("{scope} to be quiesced");
        let waited =
            gateway.wait_until_quiesced(scope, limit, &mut waiting(self.record, device, &what, limit));
        self.quiesce_unseen = !matches!(waited, Waited::Reached | Waited::Failed(_));
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
