//! `dpbackup diff`

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, anyhow};

use crate::artifact::archive::Expected;
use crate::artifact::compare::{self, ArchiveProof, CompareError, CompareScope, Side};
use crate::artifact::recheck::{FileState, Recheck, Recorded};
use crate::cli::{DiffArgs, ExecutionId, Global, ReportFormat};
use crate::commands::error::{CommandError, Outcome, found, print};
use crate::commands::history::execution;
use crate::commands::loading::{load_plan, load_plan_if_any, read_history};
use crate::exit::Exit;
use crate::history::{FileRow, History};
use crate::ownership;
use crate::report::diff as report;
use crate::run::event::{ALL_DOMAINS, FileKind, TaskId};
use crate::ui::Ui;
use crate::values::environment::{Lookup, scratch_folder};

/// Shows what differs between two exports.
pub(super) fn diff(global: &Global, args: &DiffArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let (old, new) = (Named::parse(&args.old), args.new.as_deref().map(Named::parse));
    let of_history = matches!(old, Named::Task(_)) || matches!(new, Some(Named::Task(_)));
    let loaded = if of_history {
        Some(load_plan(global, ui, env)?)
    } else {
        load_plan_if_any(global, ui, env, load_plan)?
    };
    let settings = loaded.as_ref().map(|loaded| &loaded.plan_file.settings);
    let history = match settings {
        Some(settings) if of_history => read_history(settings)?,
        _ => None,
    };
    let scratch = scratch_folder(env);
    let desk = Desk {
        history: history.as_ref(),
        store: settings.map_or(Path::new(""), |settings| &settings.store),
        scratch: &scratch,
    };
    let (old, new) = match (old, new) {
        (old, Some(new)) => (
            desk.archive(old, FileKind::Persisted)?,
            desk.archive(new, FileKind::Persisted)?,
        ),
        (task @ Named::Task(_), None) => (
            desk.archive(task, FileKind::Persisted)?,
            desk.archive(task, FileKind::NonPersisted)?,
        ),
        (Named::File(_), None) => {
            let error = trouble(anyhow!("an archive alone has nothing to be compared with"));
            return Err(error.with_hint(
                "name two of them, or the ID of one task: it is compared with the one before it",
            ));
        }
    };
    let scope = CompareScope {
        only: args.domain.as_deref(),
        detailed: usize::MAX,
    };
    let difference = compare::compare(old.side(), new.side(), scope, &scratch).map_err(|error| {
        let archive = match &error {
            CompareError::First(_) => Some(&old),
            CompareError::Second(_) => Some(&new),
            CompareError::NoDomain(_) => None,
        };
        let error = anyhow::Error::new(error);
        trouble(match archive {
            Some(archive) => error.context(format!("{} is not good", archive.label)),
            None => error,
        })
    })?;
    let text = match args.format {
        ReportFormat::Table => report::text(&old.label, &new.label, &difference),
        ReportFormat::Json => report::document(&old.label, &new.label, &difference),
    };
    print(ui, &text)?;
    match difference.domains.is_empty() {
        true => Ok(Exit::Success),
        false => Ok(Exit::Failed),
    }
}

/// What somebody names: digits alone are a task, and so is `last`.
#[derive(Clone, Copy, Debug)]
enum Named<'a> {
    Task(ExecutionId),
    File(&'a Path),
}

impl<'a> Named<'a> {
    fn parse(text: &'a Path) -> Named<'a> {
        match text.to_str().and_then(ExecutionId::of) {
            Some(id) => Named::Task(id),
            None => Named::File(text),
        }
    }
}

/// An archive that is ready to be compared.
struct DiffInput {
    label: String,
    file: File,
    expected: Expected,
}

impl DiffInput {
    fn side(&self) -> Side<'_> {
        Side {
            file: &self.file,
            proof: ArchiveProof::Missing(&self.expected),
        }
    }
}

/// Where archives come from.
struct Desk<'d> {
    history: Option<&'d History>,
    store: &'d Path,
    scratch: &'d Path,
}

impl Desk<'_> {
    fn archive(&self, named: Named<'_>, kind: FileKind) -> Result<DiffInput, CommandError> {
        match named {
            Named::File(path) => Ok(DiffInput {
                label: path.to_string_lossy().into_owned(),
                file: open(path)?,
                expected: Expected::Any,
            }),
            Named::Task(id) => self.of_task(id, kind),
        }
    }

    fn of_task(&self, id: ExecutionId, kind: FileKind) -> Result<DiffInput, CommandError> {
        let none = || {
            trouble(anyhow!(
                "there is no such task execution: nothing was recorded yet"
            ))
        };
        let history = self.history.ok_or_else(none)?;
        let id = execution(id, TaskId, || history.newest_task())?;
        let rows = found(history.files(id))?;
        let Some(row) = rows.iter().find(|row| row.kind == kind) else {
            return Err(trouble(anyhow!("{}", why_none(id, kind, &rows))));
        };
        let stored = self.stored(history, row)?;
        let expected = match stored.domain_name.as_str() {
            ALL_DOMAINS => Expected::AllDomains(None),
            domain => Expected::domain(domain),
        };
        let recorded = Recorded {
            path: &stored.path,
            size: stored.size,
            sha256: &stored.sha256,
            entries: None,
            objects: None,
        };
        let verdict = Recheck::new(self.store, self.scratch, Vec::new()).export(recorded, &expected);
        if verdict.state != FileState::Ok {
            let why = format!("{}: {}", stored.path.display(), verdict.reasons.join("; "));
            return Err(trouble(
                anyhow!(why).context(format!("the export of task {} is not good", id.0)),
            ));
        }
        Ok(DiffInput {
            label: format!(
                "task {}: {} {} {}, {}",
                id.0,
                row.device_name,
                row.domain_name,
                row.kind.code(),
                stored.path.display()
            ),
            file: open(&stored.path)?,
            expected,
        })
    }

    /// The row whose file is in the store: its own, or that of an export with the same
    /// content where this one was not kept.
    fn stored(&self, history: &History, row: &FileRow) -> Result<FileRow, CommandError> {
        if row.kept && row.pruned_time.is_none() {
            return Ok(row.clone());
        }
        let kept = match &row.content {
            Some(content) => {
                history.kept_with_content(&row.device_name, &row.domain_name, row.kind, content)?
            }
            None => Vec::new(),
        };
        kept.into_iter().next().ok_or_else(|| {
            let id = row.task.0;
            trouble(anyhow!(
                "the export of task {id} is not in the store any more, nor one that says the same"
            ))
        })
    }
}

fn why_none(id: TaskId, kind: FileKind, rows: &[FileRow]) -> String {
    let id = id.0;
    if rows.iter().any(|row| row.kind == FileKind::SecureBackup) {
        format!("task {id} made a secure backup, which is encrypted: there is nothing in it to compare")
    } else if rows.is_empty() {
        format!("task {id} stored no export")
    } else if kind == FileKind::NonPersisted {
        format!(
            "task {id} found no unsaved changes, and so stored the saved configuration only; name a second task"
        )
    } else {
        format!("task {id} stored no export of the saved configuration")
    }
}

fn open(path: &Path) -> Result<File, CommandError> {
    ownership::open_regular(path)
        .with_context(|| format!("open {}", path.display()))
        .map_err(trouble)
}

/// As diff(1): 2 is trouble, for 1 is a difference.
fn trouble(error: anyhow::Error) -> CommandError {
    CommandError::new(Exit::Usage, error)
}
