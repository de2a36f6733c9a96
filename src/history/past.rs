//! What notifications ask of the history. They read it through a connection of its own while
//! a run writes it.

use rusqlite::Row;

use crate::history::query::rows;
use crate::history::value::{Text as _, text};
use crate::history::{History, HistoryError, NoteLevel, PlanFilter, PlanRow, TargetRow};
use crate::notify::past::{
    EndsAsked, Figures, IsPlanned, Past, PastMiss, PlanFigures, PreviousChanges, PreviousEnd,
    RehearsalFigures, TargetFigures, UnsavedBefore, trouble, warned_of,
};
use crate::run::event::{ALL_DOMAINS, FileKind, OutOfService, PlanId, TaskId};
use crate::run::status::Status;
use crate::values::change::ChangeList;
use crate::values::pattern::NamedDomain;

impl Past for History {
    fn ends(
        &self,
        plan: &str,
        which: EndsAsked,
        before: Option<PlanId>,
        most: u32,
    ) -> Result<Vec<PreviousEnd>, String> {
        self.previous_ends(plan, which, before, most).map_err(words)
    }

    fn troubles(&self, execution: PlanId) -> Result<Vec<String>, String> {
        let tasks = self.tasks_of_plan(execution).map_err(words)?;
        let bad = tasks.into_iter().filter(|task| task.status != Status::Success);
        let mut troubles: Vec<String> = bad
            .map(|task| trouble(task.action, &task.device_name, &task.domain_name, task.status))
            .collect();
        troubles.sort();
        Ok(troubles)
    }

    fn warnings(&self, execution: PlanId) -> Result<Vec<String>, String> {
        let mut warnings = self.plan_warnings(execution).map_err(words)?;
        warnings.extend(self.task_warnings(execution).map_err(words)?);
        Ok(warnings)
    }

    fn missed(&self, execution: PlanId) -> Result<Vec<PastMiss>, String> {
        let miss = |row: &Row<'_>| {
            Ok(PastMiss {
                receiver: row.get("receiver")?,
                event: text(row, "missed_event")?,
            })
        };
        self.read(|transaction| rows(transaction, MISSED, [execution.0], miss))
            .map_err(words)
    }

    fn plan_of(&self, task: TaskId) -> Result<(PlanId, String), String> {
        let plan = self
            .task(task)
            .and_then(|task| self.plan(task.plan))
            .map_err(words)?;
        Ok((plan.id, plan.plan))
    }

    fn changes_of(&self, execution: PlanId) -> Result<Vec<PreviousChanges>, String> {
        self.saved_changes(execution).map_err(words)
    }

    fn unsaved_before(
        &self,
        device: &str,
        domain: &str,
        before: TaskId,
    ) -> Result<Option<UnsavedBefore>, String> {
        self.unsaved_series(device, domain, before).map_err(words)
    }

    fn figures(&self, plans: &[&str], is_planned: &IsPlanned<'_>) -> Result<Figures, String> {
        self.all_figures(plans, is_planned).map_err(words)
    }
}

/// Executions of a plan that have ended, from one back.
pub(super) fn ends_sql(which: EndsAsked) -> String {
    let which = match which {
        EndsAsked::All => "true",
        EndsAsked::OfItsOwn => "e.status <> 'LOCKED'",
    };
    format!(
        "SELECT e.id, e.end_time, e.status FROM plan_execution AS e
         WHERE e.plan = ?1 AND e.id < ?2 AND e.end_time IS NOT NULL AND {which} ORDER BY e.id DESC LIMIT ?3"
    )
}

/// What a plan execution itself was warned of.
pub(super) const PLAN_WARNINGS: &str = "SELECT n.message FROM note AS n
     WHERE n.plan_execution_id = ?1 AND n.level = ?2 AND n.receiver IS NULL ORDER BY n.id";

/// What its tasks were.
pub(super) const TASK_WARNINGS: &str = "SELECT t.device_name, t.domain_name, n.message
     FROM task_execution t JOIN note n ON n.task_execution_id = t.id
     WHERE t.plan_execution_id = ?1 AND n.level = ?2 AND n.receiver IS NULL ORDER BY n.id";

/// Who did not get a message about it.
pub(super) const MISSED: &str = "SELECT n.receiver, n.missed_event FROM note AS n
     WHERE n.missed_plan_execution_id = ?1 AND n.missed_event IS NOT NULL ORDER BY n.id";

impl History {
    fn previous_ends(
        &self,
        plan: &str,
        which: EndsAsked,
        before: Option<PlanId>,
        most: u32,
    ) -> Result<Vec<PreviousEnd>, HistoryError> {
        let before = before.map_or(i64::MAX, |before| before.0);
        self.read(|transaction| {
            rows(transaction, &ends_sql(which), (plan, before, most), |row| {
                Ok(PreviousEnd {
                    id: PlanId(row.get("id")?),
                    ended: text(row, "end_time")?,
                    status: text(row, "status")?,
                })
            })
        })
    }

    fn plan_warnings(&self, execution: PlanId) -> Result<Vec<String>, HistoryError> {
        let parameters = (execution.0, NoteLevel::Warning.to_text());
        self.read(|transaction| rows(transaction, PLAN_WARNINGS, parameters, |row| row.get("message")))
    }

    fn task_warnings(&self, execution: PlanId) -> Result<Vec<String>, HistoryError> {
        let parameters = (execution.0, NoteLevel::Warning.to_text());
        self.read(|transaction| {
            rows(transaction, TASK_WARNINGS, parameters, |row| {
                let at = |column| row.get::<_, String>(column);
                Ok(warned_of(&at(0)?, &at(1)?, &at(2)?))
            })
        })
    }

    fn saved_changes(&self, execution: PlanId) -> Result<Vec<PreviousChanges>, HistoryError> {
        let mut found = Vec::new();
        for task in self.tasks_of_plan(execution)? {
            let details = self.task_details(task.id)?;
            let saved = |kind: FileKind| kind == FileKind::Persisted;
            let count = details.files.iter().filter(|file| saved(file.kind));
            let count = count.filter_map(|file| file.changes).sum();
            if count > 0 {
                let first = details.changes.into_iter().filter(|row| saved(row.kind));
                found.push(PreviousChanges {
                    task: task.id,
                    device: task.device_name,
                    domain: task.domain_name,
                    changes: ChangeList {
                        first: first.map(|row| row.change).collect(),
                        count,
                    },
                });
            }
        }
        Ok(found)
    }

    fn plan_figures(&self, plan: &str) -> Result<Option<PlanFigures>, HistoryError> {
        let filter = |status, limit| PlanFilter {
            plan: Some(plan.to_owned()),
            status,
            limit,
            ..PlanFilter::default()
        };
        // The newest ones may be under way, in other processes.
        let rows = self.plans(&filter(None, 40))?;
        let Some((row, ended)) = rows.iter().find_map(|row| Some((row, row.end_time?))) else {
            return Ok(None);
        };
        let succeeded = self.plans(&filter(Some(Status::Success), 1))?;
        Ok(Some(PlanFigures {
            plan: plan.to_owned(),
            ended,
            status: row.status,
            took: row.took(),
            bytes: self.stored_bytes(row)?,
            succeeded: succeeded.first().and_then(|row| row.end_time),
        }))
    }

    fn stored_bytes(&self, plan: &PlanRow) -> Result<u64, HistoryError> {
        let mut bytes = 0;
        for task in self.tasks_of_plan(plan.id)? {
            bytes += self
                .files(task.id)?
                .iter()
                .filter(|file| file.kept)
                .map(|file| file.size)
                .sum::<u64>();
        }
        Ok(bytes)
    }

    fn target_figures(&self, row: TargetRow) -> Result<TargetFigures, HistoryError> {
        let task = self.task(row.last_task)?;
        let began = self
            .task_status_changes(row.last_task)?
            .into_iter()
            .find(|change| change.status != Status::ReadyForExecution)
            .filter(|change| !change.status.is_final());
        let out_of_service = match task.out_of_service {
            Some(OutOfService::For(time)) => Some(time),
            Some(OutOfService::Never | OutOfService::NotKnown) | None => None,
        };
        let unsaved = match row.kind == FileKind::Persisted {
            true => task.unsaved_objects,
            false => None,
        };
        Ok(TargetFigures {
            unsaved,
            took: task.took(began.map(|began| began.time)),
            out_of_service,
            device: row.device_name,
            domain: row.domain_name,
            kind: row.kind,
            time: row.last_time,
            status: row.last_status,
            good: row.good.map(|good| (good.time, good.size)),
        })
    }

    fn all_figures(&self, plans: &[&str], is_planned: &IsPlanned<'_>) -> Result<Figures, HistoryError> {
        let mut figures = Figures::default();
        for plan in plans {
            figures.plans.extend(self.plan_figures(plan)?);
        }
        for row in self.targets()? {
            // What runs is exported only where it is not what is saved: that such an export is old means nothing.
            let has_age = row.kind != FileKind::NonPersisted;
            if has_age && is_planned(&row.device_name, row.domain(), row.kind) {
                figures.targets.push(self.target_figures(row)?);
            }
        }
        let is_exported = |device: &str, domain: &str| {
            [domain, ALL_DOMAINS]
                .iter()
                .any(|domain| is_planned(device, NamedDomain::One(domain), FileKind::Persisted))
        };
        let changes = self.newest_saved_changes()?;
        figures.changes = changes
            .into_iter()
            .filter(|change| is_exported(&change.device, &change.domain))
            .collect();
        figures.rehearsals = self
            .rehearsed_targets()?
            .into_iter()
            .filter(|target| {
                let domain = NamedDomain::One(&target.domain_name);
                is_planned(&target.device_name, domain, FileKind::Persisted)
            })
            .map(|target| RehearsalFigures {
                time: target.last.end_time.unwrap_or(target.last.start_time),
                is_good: target.last.result.is_good(),
                device: target.device_name,
                domain: target.domain_name,
                good: target.good_time,
            })
            .collect();
        for entry in self.open_entries()? {
            let is_quiesce = entry.is_quiesce();
            let place = (entry.device, entry.undo.domain().to_owned());
            if is_quiesce && !figures.open_quiesces.contains(&place) {
                figures.open_quiesces.push(place);
            }
        }
        Ok(figures)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn words(error: HistoryError) -> String {
    error.to_string()
}
