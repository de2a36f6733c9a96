//! What somebody may name: the newest execution of each level, plans and devices.

use std::collections::BTreeSet;

use rusqlite::OptionalExtension as _;

use crate::history::History;
use crate::history::error::HistoryError;
use crate::history::query::{each_once_sql, rows};
use crate::run::event::{ActivityId, PlanId, TaskId};
use crate::values::pattern::could_be_pattern;

impl History {
    /// The newest execution of a plan, if there is any.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn newest_plan(&self) -> Result<Option<PlanId>, HistoryError> {
        Ok(self.newest("plan_execution")?.map(PlanId))
    }

    /// The newest execution of an activity, if there is any.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn newest_activity(&self) -> Result<Option<ActivityId>, HistoryError> {
        Ok(self.newest("activity_execution")?.map(ActivityId))
    }

    /// The newest execution of a task, if there is any.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn newest_task(&self) -> Result<Option<TaskId>, HistoryError> {
        Ok(self.newest("task_execution")?.map(TaskId))
    }

    /// The newest execution of a task that a plan of the plan file had: what a restore backs up by itself, of what it
    /// is laid over, is none that anybody asked for.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn newest_task_of_a_plan(&self) -> Result<Option<TaskId>, HistoryError> {
        // No plan of a plan file has a / in its name.
        let sql = "SELECT task.id FROM task_execution AS task
             JOIN plan_execution AS plan ON plan.id = task.plan_execution_id
             WHERE plan.plan NOT GLOB 'restore */*' ORDER BY task.id DESC LIMIT 1";
        self.read(|transaction| {
            let id = transaction.query_row(sql, [], |row| row.get(0));
            Ok(id.optional()?.map(TaskId))
        })
    }

    /// The newest task of a plan of which an export can be sent to a gateway: of one domain, and not of `default`. Where
    /// there is none, the newest of all, of which a reason can be told.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn newest_restorable_task(&self) -> Result<Option<TaskId>, HistoryError> {
        let sql = "SELECT task.id FROM task_execution AS task
             JOIN plan_execution AS plan ON plan.id = task.plan_execution_id
             WHERE plan.plan NOT GLOB 'restore */*' AND task.domain_name NOT IN ('default', 'all-domains')
                 AND EXISTS (SELECT 1 FROM file WHERE file.task_execution_id = task.id
                             AND file.kind = 'persisted' AND file.pruned_time IS NULL)
             ORDER BY task.id DESC LIMIT 1";
        let found = self.read(|transaction| {
            let id = transaction.query_row(sql, [], |row| row.get(0));
            Ok(id.optional()?.map(TaskId))
        })?;
        match found {
            None => self.newest_task_of_a_plan(),
            found => Ok(found),
        }
    }

    /// The plans that were ever run, by name.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn plan_names(&self) -> Result<Vec<String>, HistoryError> {
        self.names(&each_once_sql("plan_execution", "plan", "true"))
    }

    /// The devices that were ever to be backed up, by name.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn device_names(&self) -> Result<Vec<String>, HistoryError> {
        self.names(&each_once_sql("plan_execution_device", "device_name", "true"))
    }

    /// The domains that tasks name, sorted; those of tasks that were skipped, too.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn domain_names(&self) -> Result<BTreeSet<String>, HistoryError> {
        self.read(|transaction| {
            let mut domains_of = transaction.prepare(&task_domains_sql())?;
            let mut names = BTreeSet::new();
            for device in rows(transaction, &task_devices_sql(), [], |row| {
                row.get::<_, String>(0)
            })? {
                let found = domains_of.query_map([&device], |row| row.get(0))?;
                names.extend(found.collect::<rusqlite::Result<Vec<String>>>()?);
            }
            names.retain(|name| !could_be_pattern(name));
            Ok(names)
        })
    }

    /// Ids only grow: the newest row has the greatest one.
    fn newest(&self, table: &'static str) -> Result<Option<i64>, HistoryError> {
        let sql = format!("SELECT id FROM {table} ORDER BY id DESC LIMIT 1");
        self.read(|transaction| {
            let id = transaction.query_row(&sql, [], |row| row.get(0));
            Ok(id.optional()?)
        })
    }

    fn names(&self, sql: &str) -> Result<Vec<String>, HistoryError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(sql)?;
            let names = statement.query_map([], |row| row.get(0))?;
            Ok(names.collect::<Result<_, _>>()?)
        })
    }
}

pub(super) fn task_devices_sql() -> String {
    each_once_sql("task_execution", "device_name", "true")
}

pub(super) fn task_domains_sql() -> String {
    each_once_sql("task_execution", "domain_name", "device_name = ?1")
}

#[cfg(test)]
mod tests {
    use crate::history::fixture::Fixture;
    use crate::run::event::ActionKind;
    use crate::run::status::Status;

    #[test]
    fn the_newest_of_each_level_and_every_name_are_told() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.history.newest_plan().expect("read"), None);
        assert_eq!(fixture.history.newest_task().expect("read"), None);

        let first = fixture.plan("Weekly", 10);
        let second = fixture.plan("Nightly", 20);
        let _ = fixture.plan("Nightly", 30);
        for (plan, device) in [(first, "QA2"), (second, "QA1")] {
            let activity = fixture.activity(plan, ActionKind::SecureBackup);
            fixture.task(plan, activity, device, "all-domains", Status::ReadyForExecution);
        }
        let history = &fixture.history;
        assert_eq!(history.newest_plan().expect("read").map(|id| id.0), Some(3));
        assert_eq!(history.newest_activity().expect("read").map(|id| id.0), Some(2));
        assert_eq!(history.newest_task().expect("read").map(|id| id.0), Some(2));
        assert_eq!(history.plan_names().expect("read"), ["Nightly", "Weekly"]);
        assert_eq!(history.device_names().expect("read"), ["QA1", "QA2"]);
    }
}
