//! Events into rows: the ledger of a run.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, named_params};

use crate::history::error::{BUSY_TIMEOUT, HistoryFault, SHORT_BUSY_TIMEOUT};
use crate::history::execution::{Execution, advance, found, log_status, owner_ids, require, set_end};
use crate::history::statement::execute;
use crate::history::stored::standing;
use crate::history::value::{AsText, integer};
use crate::history::view::execution::NoteLevel;
use crate::history::{History, certificate, change, place, script, target};
use crate::run::event::{
    ActivityId, ActivityOpening, DeviceFacts, Event, FileKind, JournalId, OutOfService, Owner, PlanId,
    PlanOpening, ReceiverWarning, StillQuiesced, StoredFile, TaskId, TaskOpening,
};
use crate::run::ledger::{
    ClosedUndo, DeathWords, JournalEntry, JournalTime, KeptFile, LastContent, Ledger, LedgerError,
    LostQuiesce, Patience, UndoOpening, UndoStep, UnfinishedPlan,
};
use crate::run::status::Status;
use crate::values::boot_time::BootTime;
use crate::values::certificate_facts::CertificateFacts;

impl Ledger for History {
    fn patience(&mut self, patience: Patience) {
        let time = match patience {
            Patience::Usual => BUSY_TIMEOUT,
            Patience::Short => SHORT_BUSY_TIMEOUT,
            Patience::NoWait => Duration::ZERO,
        };
        // One that cannot be told waits as long as before.
        let _ = self.connection.busy_timeout(time);
    }

    fn open_plan(&mut self, at: Timestamp, opening: &PlanOpening) -> Result<PlanId, LedgerError> {
        Ok(self.write(|transaction| {
            let status = Status::WaitingForPreValidation;
            execute(
                transaction,
                "INSERT INTO plan_execution (plan, plan_file, process, dpbackup_version, window_ignored,
                     start_time, status, status_time)
                 VALUES (:plan, :plan_file, :process, :version, :window_ignored, :at, :status, :at)",
                named_params! {
                    ":plan": opening.plan,
                    ":plan_file": opening.plan_file.to_string_lossy(),
                    ":process": opening.process,
                    ":version": env!("CARGO_PKG_VERSION"),
                    ":window_ignored": opening.window_ignored,
                    ":at": AsText(at),
                    ":status": AsText(status),
                },
            )?;
            let id = PlanId(transaction.last_insert_rowid());
            log_status(transaction, at, Execution::Plan(id), status)?;
            Ok(id)
        })?)
    }

    fn open_activity(&mut self, at: Timestamp, opening: &ActivityOpening) -> Result<ActivityId, LedgerError> {
        Ok(self.write(|transaction| {
            require(transaction, Execution::Plan(opening.plan))?;
            // Activities are opened when the plan has passed its validation.
            let status = Status::ReadyForExecution;
            execute(
                transaction,
                "INSERT INTO activity_execution (plan_execution_id, action, device_pattern, domain_pattern,
                     quiesce, start_time, status, status_time)
                 VALUES (:plan, :action, :device_pattern, :domain_pattern, :quiesce, :at, :status, :at)",
                named_params! {
                    ":plan": opening.plan.0,
                    ":action": AsText(opening.action),
                    ":device_pattern": opening.device_pattern,
                    ":domain_pattern": opening.domain_pattern,
                    ":quiesce": opening.quiesce,
                    ":at": AsText(at),
                    ":status": AsText(status),
                },
            )?;
            let id = ActivityId(transaction.last_insert_rowid());
            log_status(transaction, at, Execution::Activity(id), status)?;
            Ok(id)
        })?)
    }

    fn open_task(&mut self, at: Timestamp, opening: &TaskOpening) -> Result<TaskId, LedgerError> {
        let work = |transaction: &Transaction<'_>| -> Result<TaskId, HistoryFault> {
            require(transaction, Execution::Plan(opening.plan))?;
            require(transaction, Execution::Activity(opening.activity))?;
            target::count(transaction, opening)?;
            execute(
                transaction,
                "INSERT INTO task_execution (plan_execution_id, activity_execution_id, action, device_name,
                     domain_name, start_time, status, status_time, end_time, error_message, quiesced)
                 VALUES (:plan, :activity, :action, :device, :domain, :at, :status, :at, :end, :error, 0)",
                named_params! {
                    ":plan": opening.plan.0,
                    ":activity": opening.activity.0,
                    ":action": AsText(opening.action),
                    ":device": opening.device,
                    ":domain": opening.domain,
                    ":at": AsText(at),
                    ":status": AsText(opening.status),
                    ":end": opening.status.is_final().then_some(AsText(at)),
                    ":error": opening.error,
                },
            )?;
            let id = TaskId(transaction.last_insert_rowid());
            log_status(transaction, at, Execution::Task(id), opening.status)?;
            target::remember(transaction, id, opening)?;
            Ok(id)
        };
        let opened = match only_waits(opening) {
            true => self.write_passing(work),
            false => self.write(work),
        };
        Ok(opened?)
    }

    fn record(&mut self, at: Timestamp, event: &Event) -> Result<(), LedgerError> {
        let store = self.store.clone();
        let work = |transaction: &Transaction<'_>| record(transaction, store.as_deref(), at, event);
        let written = match is_passing(event) {
            true => self.write_passing(work),
            false => self.write(work),
        };
        Ok(written?)
    }

    fn open_undo(
        &mut self,
        at: &JournalTime,
        process: &str,
        opening: &UndoOpening,
    ) -> Result<JournalId, LedgerError> {
        Ok(self.open_journal(at, process, opening)?)
    }

    fn undo_stood(&mut self, id: JournalId, moment: &BootTime) -> Result<(), LedgerError> {
        Ok(self.journal_stood(id, moment)?)
    }

    fn step_undo(&mut self, at: Timestamp, id: JournalId, step: UndoStep) -> Result<(), LedgerError> {
        Ok(self.step_journal(at, id, step)?)
    }

    fn close_undo(
        &mut self,
        at: Timestamp,
        process: &str,
        id: JournalId,
        how: &str,
    ) -> Result<(), LedgerError> {
        Ok(self.close_journal(at, process, id, how)?)
    }

    fn undone_by_others(&mut self) -> Result<Vec<ClosedUndo>, LedgerError> {
        Ok(History::undone_by_others(self)?)
    }

    fn lost_quiesces(&mut self) -> Result<Vec<LostQuiesce>, LedgerError> {
        Ok(History::lost_quiesces(self)?)
    }

    fn open_undos(&mut self) -> Result<Vec<JournalEntry>, LedgerError> {
        Ok(self.open_entries()?)
    }

    fn unfinished_plans(&mut self) -> Result<Vec<UnfinishedPlan>, LedgerError> {
        Ok(History::unfinished_plans(self)?)
    }

    fn abandon(&mut self, at: Timestamp, plan: PlanId, death: &DeathWords) -> Result<(), LedgerError> {
        History::abandon(self, plan, at, death)?;
        Ok(())
    }

    fn last_serial(&mut self, device: &str) -> Result<Option<String>, LedgerError> {
        Ok(History::last_serial(self, device)?)
    }

    fn last_content(
        &mut self,
        device: &str,
        domain: &str,
        kind: FileKind,
    ) -> Result<Option<LastContent>, LedgerError> {
        let found = self.read(|transaction| {
            let row = transaction
                .prepare_cached(LAST_CONTENT)?
                .query_row((device, domain, AsText(kind)), |row| {
                    Ok((row.get::<_, String>(0)?, TaskId(row.get(1)?)))
                })
                .optional()?;
            let Some((content, since)) = row else {
                return Ok(None);
            };
            let kept = standing::kept_with_content(
                transaction,
                self.store.as_deref(),
                device,
                domain,
                kind,
                &content,
            )?;
            let kept = kept.into_iter().map(|file| KeptFile {
                task: file.task,
                path: file.path,
                size: file.size,
                sha256: file.sha256,
            });
            Ok(Some(LastContent {
                content,
                since,
                kept: kept.collect(),
            }))
        });
        Ok(found?)
    }

    fn files_in_store(&mut self) -> Result<u64, LedgerError> {
        Ok(History::files_in_store(self)?)
    }

    fn last_certificate(
        &mut self,
        device: &str,
        object: &str,
    ) -> Result<Option<(TaskId, CertificateFacts)>, LedgerError> {
        let found = self.read(|transaction| certificate::last(transaction, device, object));
        Ok(found?)
    }
}

pub(super) const LAST_CONTENT: &str = "SELECT content, content_since FROM backup_target
     WHERE device_name = ?1 AND domain_name = ?2 AND kind = ?3 AND content IS NOT NULL";

/// Whether an event tells only what is being done, or asked for, at this moment, or remarks on what is
/// recorded with it: the end of the task, and each file, script, warning and change of a device on the way
/// there, are on disk before the run goes on.
fn is_passing(event: &Event) -> bool {
    matches!(
        event,
        Event::PlanStatus { .. }
            | Event::ActivityStatus { .. }
            | Event::TaskStatus { .. }
            | Event::DeviceFacts { .. }
            | Event::UnsavedChanges { .. }
            // Whatever it speaks of is recorded behind it, and brings it along: a file, a row of the
            // journal, the end of a task or of a plan.
            | Event::Note { .. }
    )
}

/// Whether a task only waits for its turn: whatever becomes of it is recorded behind its row, and brings that along.
/// One that is settled by then has its end there.
fn only_waits(opening: &TaskOpening) -> bool {
    !opening.status.is_final()
}

fn record(
    transaction: &Transaction<'_>,
    store: Option<&Path>,
    at: Timestamp,
    event: &Event,
) -> Result<(), HistoryFault> {
    use Execution::{Activity, Plan, Task};
    match event {
        // Their rows were written by the calls that gave them their ids.
        Event::PlanOpened { .. } | Event::ActivityOpened { .. } | Event::TaskOpened { .. } => Ok(()),
        // As was this one, by `abandon`.
        Event::PlanAbandoned { .. } => Ok(()),
        Event::PlanStatus { plan, status } => advance(transaction, at, Plan(*plan), *status),
        Event::ActivityStatus { activity, status } => advance(transaction, at, Activity(*activity), *status),
        Event::TaskStatus { task, status } => advance(transaction, at, Task(*task), *status),
        Event::DeviceFacts { task, facts } => record_facts(transaction, *task, facts),
        Event::BackupCertificate { task, certificate } => record_certificate(transaction, *task, certificate),
        Event::UnsavedChanges { task, unsaved } => record_unsaved(transaction, *task, *unsaved),
        Event::ConfigChanged { task, kind, changes } => {
            change::record(transaction, at, *task, *kind, changes)
        }
        Event::ConfigUnsaved { task, changes } => change::record_unsaved(transaction, *task, changes),
        Event::OutOfService { task, lasted } => record_out_of_service(transaction, *task, *lasted),
        Event::FileStored { task, file } => record_file(transaction, store, at, *task, file),
        Event::FileFailed { task, name, error } => record_failed_file(transaction, at, *task, name, error),
        Event::ScriptEnded { owner, script } => script::record(transaction, *owner, script),
        Event::Warning { owner, message, .. } => {
            record_note(transaction, at, *owner, NoteLevel::Warning, message)
        }
        Event::ReceiverWarned { owner, warning } => record_receiver_warning(transaction, at, *owner, warning),
        Event::Note { owner, message } => record_note(transaction, at, *owner, NoteLevel::Note, message),
        Event::TaskEnded {
            task,
            status,
            error,
            took,
        } => {
            advance(transaction, at, Task(*task), *status)?;
            set_end(transaction, Task(*task), error.as_deref(), *took)?;
            if *status == Status::Success {
                target::good(transaction, *task)?;
            }
            Ok(())
        }
        Event::ActivityEnded { activity, status } => advance(transaction, at, Activity(*activity), *status),
        Event::PlanEnded {
            plan,
            status,
            error,
            took,
        } => {
            advance(transaction, at, Plan(*plan), *status)?;
            set_end(transaction, Plan(*plan), error.as_deref(), *took)
        }
        Event::Recovered {
            task,
            device,
            undo,
            how,
            ..
        } => {
            let message = format!("device {device}, {}: {how}", undo.domain());
            record_note(transaction, at, Owner::Task(*task), NoteLevel::Note, &message)
        }
        Event::StillQuiesced(still) => record_still_quiesced(transaction, at, still),
    }
}

fn record_certificate(
    transaction: &Transaction<'_>,
    task: TaskId,
    certificate: &CertificateFacts,
) -> Result<(), HistoryFault> {
    let column = "UPDATE task_execution SET certificate = ?2 WHERE id = ?1";
    let changed = execute(transaction, column, (task.0, AsText(certificate.clone())))?;
    found(changed, Execution::Task(task))
}

fn record_unsaved(transaction: &Transaction<'_>, task: TaskId, unsaved: bool) -> Result<(), HistoryFault> {
    let columns = "UPDATE task_execution SET unsaved_changes = ?2, unsaved_objects = iif(?2, NULL, 0)
         WHERE id = ?1";
    found(
        execute(transaction, columns, (task.0, unsaved))?,
        Execution::Task(task),
    )
}

fn record_out_of_service(
    transaction: &Transaction<'_>,
    task: TaskId,
    lasted: OutOfService,
) -> Result<(), HistoryFault> {
    let columns = "UPDATE task_execution SET quiesced = ?2, out_of_service_ms = ?3 WHERE id = ?1";
    let values = (task.0, lasted.is_quiesced(), milliseconds(lasted)?);
    found(execute(transaction, columns, values)?, Execution::Task(task))
}

fn record_failed_file(
    transaction: &Transaction<'_>,
    at: Timestamp,
    task: TaskId,
    name: &str,
    error: &str,
) -> Result<(), HistoryFault> {
    require(transaction, Execution::Task(task))?;
    execute(
        transaction,
        "INSERT INTO failed_file (task_execution_id, name, error_message, time)
         VALUES (?1, ?2, ?3, ?4)",
        (task.0, name, error, AsText(at)),
    )?;
    Ok(())
}

fn record_still_quiesced(
    transaction: &Transaction<'_>,
    at: Timestamp,
    still: &StillQuiesced,
) -> Result<(), HistoryFault> {
    let StillQuiesced {
        device,
        domain,
        error,
        ..
    } = still;
    let message = format!("{}: device {device}, {domain}: {error}", still.certainty.words());
    let owner = Owner::Task(still.task);
    record_note(transaction, at, owner, NoteLevel::StillQuiesced, &message)
}

fn milliseconds(lasted: OutOfService) -> Result<Option<i64>, HistoryFault> {
    let OutOfService::For(time) = lasted else {
        return Ok(None);
    };
    integer(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).map(Some)
}

fn record_facts(
    transaction: &Transaction<'_>,
    task: TaskId,
    facts: &DeviceFacts,
) -> Result<(), HistoryFault> {
    let changed = execute(
        transaction,
        "UPDATE task_execution SET firmware_version = :firmware_version, build = :build,
             build_date = :build_date, serial = :serial, machine_type = :machine_type,
             model_type = :model_type, tls_trust = :tls_trust
         WHERE id = :id",
        named_params! {
            ":id": task.0,
            ":firmware_version": facts.firmware_version,
            ":build": facts.build,
            ":build_date": facts.build_date,
            ":serial": facts.serial,
            ":machine_type": facts.machine_type,
            ":model_type": facts.model_type,
            ":tls_trust": facts.tls_trust,
        },
    )?;
    found(changed, Execution::Task(task))
}

fn record_file(
    transaction: &Transaction<'_>,
    store: Option<&Path>,
    at: Timestamp,
    task: TaskId,
    file: &StoredFile,
) -> Result<(), HistoryFault> {
    require(transaction, Execution::Task(task))?;
    let place = place::written(store, &file.path)?;
    execute(
        transaction,
        "INSERT INTO file (task_execution_id, name, kind, path, kept, size, sha256, entries, objects,
             content, unchanged_since, time, store, changes, proof, lacks)
         VALUES (:task, :name, :kind, :path, :kept, :size, :sha256, :entries, :objects, :content,
             :unchanged_since, :at, :store, iif(:unchanged_since IS NULL, NULL, 0), :proof, :lacks)",
        named_params! {
            ":task": task.0,
            ":name": file.name,
            ":kind": AsText(file.kind),
            ":path": place.path,
            ":store": place.store,
            ":kept": file.kept,
            ":size": integer(file.size)?,
            ":sha256": file.sha256,
            ":entries": file.entries.map(integer).transpose()?,
            ":objects": file.objects.map(integer).transpose()?,
            ":content": file.content,
            ":unchanged_since": file.unchanged_since.map(|task| task.0),
            ":at": AsText(at),
            ":proof": AsText(file.proof),
            ":lacks": file.lacks.clone().map(AsText),
        },
    )?;
    target::content(transaction, task, file)
}

fn record_note(
    transaction: &Transaction<'_>,
    at: Timestamp,
    owner: Owner,
    level: NoteLevel,
    message: &str,
) -> Result<(), HistoryFault> {
    let (plan, task) = owner_ids(transaction, owner)?;
    execute(
        transaction,
        "INSERT INTO note (plan_execution_id, task_execution_id, level, message, time)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        (plan, task, AsText(level), message, AsText(at)),
    )?;
    Ok(())
}

fn record_receiver_warning(
    transaction: &Transaction<'_>,
    at: Timestamp,
    owner: Owner,
    warning: &ReceiverWarning,
) -> Result<(), HistoryFault> {
    let ReceiverWarning {
        receiver,
        missed,
        message,
    } = warning;
    record_note(transaction, at, owner, NoteLevel::Warning, message)?;
    execute(
        transaction,
        "UPDATE note SET receiver = ?2, missed_event = ?3, missed_plan_execution_id = ?4 WHERE id = ?1",
        (
            transaction.last_insert_rowid(),
            receiver,
            missed.map(|missed| AsText(missed.event)),
            missed.and_then(|missed| missed.execution).map(|plan| plan.0),
        ),
    )?;
    Ok(())
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
