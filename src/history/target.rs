//! What was to be backed up: the counts of a plan execution, and the state of each
//! device and domain.
//!
//! The rule, also in `docs/history.md`: a device counts as soon as a pattern matched
//! it; a domain counts when a task names it, whether or not the task got anywhere.
//! Patterns that could not be expanded count nothing, since nobody knows how many
//! domains they stand for; what is not backed up by design does not count either.
//!
//! A pattern that could not be expanded was an attempt all the same: at every domain that is known and that it
//! matches, at every domain that it names, and else at the pattern itself, until a domain of it is known.

use std::collections::BTreeSet;

use rusqlite::{Transaction, named_params};

use crate::history::error::HistoryFault;
use crate::history::query::rows;
use crate::history::statement::execute;
use crate::history::stored::sql::TARGETS_OF_DEVICE;
use crate::history::value::{AsText, integer};
use crate::history::view::file::FileId;
use crate::run::event::{ALL_DOMAINS, ActionKind, FileKind, StoredFile, TaskId, TaskOpening};
use crate::run::status::Status;
use crate::values::pattern::{NamedDomain, PatternList, could_be_pattern};

/// What one task adds to what was to be backed up.
struct Share {
    device: bool,
    domain: bool,
    /// Whether it stands for domains that nobody knows.
    pattern: bool,
}

fn share(transaction: &Transaction<'_>, task: &TaskOpening) -> Result<Share, HistoryFault> {
    let device = task.status != Status::SkippedNoDevicesMatchingPattern;
    let left_out = matches!(
        task.status,
        Status::SkippedNoDevicesMatchingPattern
            | Status::SkippedNoDomainsMatchingPattern
            | Status::SkippedApicDomain
    );
    let pattern = is_pattern(transaction, task)?;
    Ok(Share {
        device,
        domain: !left_out && !pattern,
        pattern: device && pattern,
    })
}

/// Whether a task stands for the pattern of its activity, which could not be expanded: then it has ended where it
/// begins. A gateway may call a domain as patterns are written.
fn is_pattern(transaction: &Transaction<'_>, task: &TaskOpening) -> Result<bool, HistoryFault> {
    if task.status == Status::ReadyForExecution || !could_be_pattern(&task.domain) {
        return Ok(false);
    }
    let written: String = transaction
        .prepare_cached("SELECT domain_pattern FROM activity_execution WHERE id = ?1")?
        .query_row([task.activity.0], |row| row.get(0))?;
    Ok(written == task.domain)
}

/// Counts a task that is about to be inserted.
pub(super) fn count(transaction: &Transaction<'_>, task: &TaskOpening) -> Result<(), HistoryFault> {
    let share = share(transaction, task)?;
    if share.device {
        let new = execute(
            transaction,
            "INSERT OR IGNORE INTO plan_execution_device (device_name, start_time, plan_execution_id)
             SELECT :device, start_time, id FROM plan_execution WHERE id = :plan",
            named_params! { ":device": task.device, ":plan": task.plan.0 },
        )?;
        if new == 1 {
            execute(
                transaction,
                "UPDATE plan_execution SET devices = devices + 1 WHERE id = ?1",
                [task.plan.0],
            )?;
        }
    }
    // A secure backup, and an export of all domains, is of the device.
    if share.domain && task.action == ActionKind::ExportDomain && task.domain != ALL_DOMAINS {
        execute(
            transaction,
            "UPDATE plan_execution SET domains = domains + 1 WHERE id = :plan AND NOT EXISTS (
                 SELECT 1 FROM task_execution
                 WHERE plan_execution_id = :plan AND device_name = :device AND domain_name = :domain
                   AND action = :action AND status NOT IN (:apic, :no_domains))",
            named_params! {
                ":plan": task.plan.0,
                ":device": task.device,
                ":domain": task.domain,
                ":action": AsText(task.action),
                ":apic": AsText(Status::SkippedApicDomain),
                ":no_domains": AsText(Status::SkippedNoDomainsMatchingPattern),
            },
        )?;
    }
    Ok(())
}

/// Remembers what a task, just inserted, was to back up.
pub(super) fn remember(
    transaction: &Transaction<'_>,
    id: TaskId,
    task: &TaskOpening,
) -> Result<(), HistoryFault> {
    let share = share(transaction, task)?;
    if share.domain {
        let kind = match task.action {
            ActionKind::SecureBackup => FileKind::SecureBackup,
            // Taken always; the export of the running configuration only where it differs.
            ActionKind::ExportDomain => FileKind::Persisted,
            // It stores nothing.
            ActionKind::RestoreDomain => return Ok(()),
        };
        touch(
            transaction,
            id,
            &task.device,
            NamedDomain::One(&task.domain),
            kind,
        )?;
    } else if share.pattern {
        attempted(transaction, id, task)?;
    }
    Ok(())
}

/// What exports of a device were ever to be made of: names of domains, and whether one is a pattern that none of them
/// matched.
fn known_of(
    transaction: &Transaction<'_>,
    device: &str,
    kind: FileKind,
) -> Result<Vec<(String, bool)>, HistoryFault> {
    let parameters = (device, AsText(kind), ALL_DOMAINS);
    let both = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    rows(transaction, TARGETS_OF_DEVICE, parameters, both)
}

/// Remembers the attempt of a pattern that could not be expanded, or that matches nothing.
fn attempted(transaction: &Transaction<'_>, id: TaskId, task: &TaskOpening) -> Result<(), HistoryFault> {
    let Ok(pattern) = PatternList::from_items([task.domain.as_str()]) else {
        return Ok(());
    };
    let kind = FileKind::Persisted;
    let known = known_of(transaction, &task.device, kind)?.into_iter();
    let mut meant: BTreeSet<String> = known
        .filter(|(name, is_pattern)| !is_pattern && pattern.matches(name))
        .map(|(name, _)| name)
        .collect();
    let stands_for_itself = meant.is_empty() && pattern.included().any(|part| part.contains('*'));
    let literals = pattern.literals().filter(|name| pattern.matches(name));
    meant.extend(literals.map(str::to_owned));
    // A device that has no such domain was asked: that is no attempt at those that it had.
    if task.status == Status::SkippedNoDomainsMatchingPattern {
        meant.clear();
    }
    // What this execution has tried by its own name says more of it than that the pattern failed.
    for domain in tried_by_name(transaction, task, kind)? {
        meant.remove(&domain);
    }
    for domain in meant {
        touch(transaction, id, &task.device, NamedDomain::One(&domain), kind)?;
    }
    match stands_for_itself {
        true => touch(
            transaction,
            id,
            &task.device,
            NamedDomain::Pattern(&task.domain),
            kind,
        ),
        false => Ok(()),
    }
}

/// The domains of the device of which this plan execution has had a task before.
fn tried_by_name(
    transaction: &Transaction<'_>,
    task: &TaskOpening,
    kind: FileKind,
) -> Result<Vec<String>, HistoryFault> {
    let tried = "SELECT b.domain_name FROM backup_target AS b
         JOIN task_execution AS t ON t.id = b.last_task_execution_id
         WHERE b.device_name = ?1 AND b.kind = ?2 AND t.plan_execution_id = ?3 AND t.domain_name = b.domain_name";
    let parameters = (&task.device, AsText(kind), task.plan.0);
    rows(transaction, tried, parameters, |row| row.get(0))
}

fn touch(
    transaction: &Transaction<'_>,
    task: TaskId,
    device: &str,
    domain: NamedDomain<'_>,
    kind: FileKind,
) -> Result<(), HistoryFault> {
    let (NamedDomain::One(written) | NamedDomain::Pattern(written)) = domain;
    let parameters =
        named_params! { ":device": device, ":domain": written, ":kind": AsText(kind), ":task": task.0 };
    let known = execute(
        transaction,
        "UPDATE backup_target SET last_task_execution_id = :task
         WHERE device_name = :device AND domain_name = :domain AND kind = :kind",
        parameters,
    )?;
    if known == 0 {
        execute(
            transaction,
            "INSERT INTO backup_target (device_name, domain_name, kind, last_task_execution_id)
             VALUES (:device, :domain, :kind, :task)",
            parameters,
        )?;
        if let NamedDomain::One(name) = domain {
            forget_patterns_of(transaction, device, name, kind)?;
        }
    }
    Ok(())
}

/// A domain is known from now on: what stood for it as a pattern does not any more.
fn forget_patterns_of(
    transaction: &Transaction<'_>,
    device: &str,
    domain: &str,
    kind: FileKind,
) -> Result<(), HistoryFault> {
    if domain == ALL_DOMAINS {
        return Ok(());
    }
    for (known, is_pattern) in known_of(transaction, device, kind)? {
        let is_meant = || PatternList::from_items([known.as_str()]).is_ok_and(|known| known.matches(domain));
        if is_pattern && is_meant() {
            execute(
                transaction,
                "DELETE FROM backup_target WHERE device_name = ?1 AND domain_name = ?2 AND kind = ?3",
                (device, &known, AsText(kind)),
            )?;
        }
    }
    Ok(())
}

/// Notes the content of a verified file, against which the next one is compared.
pub(super) fn content(
    transaction: &Transaction<'_>,
    task: TaskId,
    file: &StoredFile,
) -> Result<(), HistoryFault> {
    let (device, domain): (String, String) = transaction
        .prepare_cached("SELECT device_name, domain_name FROM task_execution WHERE id = ?1")?
        .query_row([task.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    touch(transaction, task, &device, NamedDomain::One(&domain), file.kind)?;
    if let Some(content) = &file.content {
        execute(
            transaction,
            "UPDATE backup_target SET content = :content, content_since = :since
             WHERE device_name = :device AND domain_name = :domain AND kind = :kind",
            named_params! {
                ":content": content,
                ":since": file.unchanged_since.unwrap_or(task).0,
                ":device": device,
                ":domain": domain,
                ":kind": AsText(file.kind),
            },
        )?;
    }
    Ok(())
}

/// A task succeeded: its files are now the newest good ones of their kind.
pub(super) fn good(transaction: &Transaction<'_>, task: TaskId) -> Result<(), HistoryFault> {
    let mut files = transaction.prepare_cached(
        "SELECT t.device_name, t.domain_name, t.end_time, f.kind, sum(f.size) AS size
         FROM task_execution AS t JOIN file AS f ON f.task_execution_id = t.id
         WHERE t.id = ?1 GROUP BY f.kind",
    )?;
    let mut rows = files.query([task.0])?;
    while let Some(row) = rows.next()? {
        execute(
            transaction,
            "UPDATE backup_target
             SET good_task_execution_id = :task, good_time = :time, good_size = :size
             WHERE device_name = :device AND domain_name = :domain AND kind = :kind",
            named_params! {
                ":task": task.0,
                ":time": row.get::<_, String>("end_time")?,
                ":size": integer(crate::history::value::count(row, "size")?)?,
                ":device": row.get::<_, String>("device_name")?,
                ":domain": row.get::<_, String>("domain_name")?,
                ":kind": row.get::<_, String>("kind")?,
            },
        )?;
    }
    Ok(())
}

/// Files were removed from the store. Where they were the newest good backup of their target, that is now the
/// newest one before it of which something is left.
pub(super) fn pruned(transaction: &Transaction<'_>, file: FileId) -> Result<(), HistoryFault> {
    execute(
        transaction,
        "UPDATE backup_target AS b SET (good_task_execution_id, good_time, good_size) = (
             SELECT t.id, t.end_time, sum(f.size)
             FROM task_execution AS t CROSS JOIN file AS f ON f.task_execution_id = t.id
             WHERE t.device_name = b.device_name AND t.domain_name = b.domain_name AND t.status = :success
                 AND f.kind = b.kind AND f.pruned_time IS NULL
             GROUP BY t.id ORDER BY t.id DESC LIMIT 1)
         WHERE (device_name, domain_name, kind) = (
             SELECT t.device_name, t.domain_name, f.kind
             FROM file AS f JOIN task_execution AS t ON t.id = f.task_execution_id WHERE f.id = :file)
           AND good_task_execution_id = (SELECT task_execution_id FROM file WHERE id = :file)",
        named_params! { ":success": AsText(Status::Success), ":file": file.0 },
    )?;
    Ok(())
}
