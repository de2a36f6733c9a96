//! Which backups are rehearsed.

use anyhow::anyhow;

use crate::cli::RehearseArgs;
use crate::commands::frame::error::{CommandError, found};
use crate::commands::history::execution::execution;
use crate::commands::named::absent;
use crate::exit::Exit;
use crate::history::{FileRow, History};
use crate::plan::model::PlanFile;
use crate::report::rehearse::LeftOutBy;
use crate::retention::newest::StandingExports;
use crate::run::event::{FileKind, TaskId};
use crate::run::examine::{devices_of, makes_secure_backups};
use crate::values::pattern::PatternList;
use crate::values::restorable_domain::RestorableDomain;

/// What is to be rehearsed, or left out with a reason.
pub(super) enum Chosen {
    Backup(Box<FileRow>, RestorableDomain),
    LeftOut {
        row: Box<FileRow>,
        why: String,
        by: LeftOutBy,
    },
}

/// The backups that were asked for.
pub(super) fn chosen(
    file: &PlanFile,
    args: &RehearseArgs,
    history: &History,
) -> Result<Vec<Chosen>, CommandError> {
    if args.tasks.is_empty() && args.plan.is_none() && args.device.is_none() && !args.all {
        let error = anyhow!("rehearse needs to know which backups");
        return Err(CommandError::new(Exit::Usage, error).with_hint(
            "name tasks, or --plan, --device or --all for the newest good export of each domain",
        ));
    }
    let (rows, left) = match args.tasks.is_empty() {
        true => newest_of_each(file, args, history)?,
        false => (of_tasks(args, history)?, Vec::new()),
    };
    let chosen = rows
        .into_iter()
        .map(|row| match RestorableDomain::named(&row.domain_name) {
            Ok(domain) => Chosen::Backup(Box::new(row), domain),
            Err(why) => Chosen::LeftOut {
                row: Box::new(row),
                why: why.to_string(),
                by: match args.tasks.is_empty() {
                    true => LeftOutBy::Rule,
                    false => LeftOutBy::State,
                },
            },
        });
    Ok(left.into_iter().chain(chosen).collect())
}

/// The exports of the tasks that are named.
fn of_tasks(args: &RehearseArgs, history: &History) -> Result<Vec<FileRow>, CommandError> {
    let mut rows: Vec<FileRow> = Vec::new();
    for id in &args.tasks {
        let id = execution(*id, TaskId, || history.newest_restorable_task())?;
        let row = of_task(history, id)?;
        // Once is enough, however often it is named.
        if !rows.iter().any(|other| other.task == row.task) {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// The newest good export of each domain that is asked for, and the newest one where that is not good.
fn newest_of_each(
    file: &PlanFile,
    args: &RehearseArgs,
    history: &History,
) -> Result<(Vec<FileRow>, Vec<Chosen>), CommandError> {
    if let Some(plan) = &args.plan
        && file.plan(plan).is_none()
    {
        let known: Vec<&str> = file.plans.iter().map(|plan| plan.name.as_str()).collect();
        let error = anyhow!("the plan file has no plan '{plan}'");
        return Err(CommandError::new(Exit::Usage, error).with_hint(absent::did_you_mean(plan, &known)));
    }
    let (mut rows, mut left) = (Vec::new(), Vec::new());
    for device in asked_devices(file, args, history)? {
        let standing = match &args.plan {
            Some(plan) => StandingExports::of_plan(history, &device, plan)?,
            None => StandingExports::of(history, &device)?,
        };
        for row in &standing.rows {
            // It is what somebody would restore, and nobody can.
            left.extend(standing.newer(row).map(|(newest, why)| Chosen::LeftOut {
                row: Box::new(newest.clone()),
                why: format!("it {why}"),
                by: LeftOutBy::State,
            }));
        }
        rows.extend(standing.rows);
    }
    if rows.is_empty() {
        let error = anyhow!("there is no good export of a domain that was asked for");
        let plan = args.plan.as_deref().and_then(|plan| file.plan(plan));
        let why = match plan.is_some_and(|plan| makes_secure_backups(&[plan], &devices_of(file, &[plan]))) {
            true => "a secure backup is of a whole device, and is rehearsed by nobody; ",
            false => "",
        };
        return Err(CommandError::new(Exit::Usage, error).with_hint(format!(
            "{why}`{}` shows what there is",
            file.invocation.command(["history", "status"])
        )));
    }
    Ok((rows, left))
}

/// The devices with good exports that are asked for.
fn asked_devices(
    file: &PlanFile,
    args: &RehearseArgs,
    history: &History,
) -> Result<Vec<String>, CommandError> {
    let devices = args
        .device
        .as_deref()
        .map(|text| PatternList::from_items([text]))
        .transpose();
    let devices = devices.map_err(|error| CommandError::new(Exit::Usage, anyhow!("{error}")))?;
    // By its name also where the plan file has it no more.
    let is_asked = |device: &String| match &devices {
        Some(devices) => devices.matches(device),
        None => file.device(device).is_some(),
    };
    let known = history.backed_up_devices()?;
    if let Some(text) = args.device.as_deref().filter(|_| !known.iter().any(is_asked)) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let error = anyhow!("there is no good export of a device that matches '{text}'");
        return Err(CommandError::new(Exit::Usage, error).with_hint(absent::did_you_mean(text, &known)));
    }
    Ok(known.into_iter().filter(is_asked).collect())
}

pub(super) fn place(row: &FileRow) -> String {
    format!("task {}: {} {}", row.task.0, row.device_name, row.domain_name)
}

fn of_task(history: &History, id: TaskId) -> Result<FileRow, CommandError> {
    let rows = found(history.files(id))?;
    let row = rows.into_iter().find(|row| row.kind == FileKind::Persisted);
    row.ok_or_else(|| {
        let error = anyhow!("task {} stored no export of the saved configuration", id.0);
        CommandError::new(Exit::Usage, error).with_hint(
            "an export of one domain can be rehearsed, and no secure backup; --all is the newest good export of each domain",
        )
    })
}
