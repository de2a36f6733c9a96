//! An export that somebody named, opened: proved to be what was recorded, or read as the file that it is.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::artifact::archive::{self, Detail, Expected, ExportItem, Limits};
use crate::artifact::compare::{ArchiveProof, Side};
use crate::artifact::manifest::MANIFEST;
use crate::cli::{ExecutionId, Global};
use crate::commands::frame::error::{CommandError, found};
use crate::commands::frame::history_file::read_history;
use crate::commands::frame::loading::{exit_of_part, load_plan_or_part_with_store};
use crate::commands::history::execution::{execution, first_run};
use crate::commands::history::named::device_names;
use crate::commands::named::absent::did_you_mean;
use crate::commands::named::named_export::{HistoryNeed, NamedExport};
use crate::commands::named::stored_export::{ProvedExport, stored_export};
use crate::exit::Exit;
use crate::history::{FileRow, History};
use crate::ownership;
use crate::plan::Loaded;
use crate::plan::model::PlanFile;
use crate::retention::newest::StandingExports;
use crate::run::event::{ALL_DOMAINS, FileKind, TaskId};
use crate::ui::Ui;
use crate::values::device_pattern::DevicePatterns;
use crate::values::environment::{Lookup, scratch_folder};
use crate::values::invocation::quoted;

/// An archive that is open, and what is known of it.
pub(in crate::commands) struct OpenExport {
    /// What it is, where its path does not say it.
    what: Option<String>,
    /// The task that found what is in it, where history knows it.
    pub(in crate::commands) task: Option<TaskId>,
    path: PathBuf,
    pub(in crate::commands) file: File,
    /// What it should hold, where it was not verified before.
    expected: Option<Expected>,
    /// The one domain of it that is meant.
    pub(in crate::commands) only: Option<String>,
    /// The domain that stands for what an archive says beyond its domains.
    pub(in crate::commands) outer: String,
}

impl OpenExport {
    /// What it is, and where.
    pub(in crate::commands) fn label(&self) -> String {
        self.label_below(Path::new(""))
    }

    /// The same, with a path that begins at a folder, where it leads there.
    pub(in crate::commands) fn label_below(&self, folder: &Path) -> String {
        let path = self.path.strip_prefix(folder).unwrap_or(&self.path).display();
        match &self.what {
            Some(what) => format!("{what}, {path}"),
            None => path.to_string(),
        }
    }

    pub(in crate::commands) fn side(&self) -> Side<'_> {
        Side {
            file: &self.file,
            proof: match &self.expected {
                Some(expected) => ArchiveProof::Missing(expected),
                None => ArchiveProof::Given,
            },
            only: self.only.as_deref(),
        }
    }
}

/// What exports are named by: a plan file and its history, as far as they are needed.
pub(in crate::commands) struct ExportSource {
    /// `None` where it was not needed.
    loaded: Option<Loaded>,
    /// `None` where it was not needed, and where nothing was recorded yet.
    history: Option<History>,
    pub(in crate::commands) scratch: PathBuf,
    ui: Ui,
}

impl ExportSource {
    pub(in crate::commands) fn open(
        global: &Global,
        need: HistoryNeed,
        ui: Ui,
        env: Lookup<'_>,
    ) -> Result<Self, CommandError> {
        let loaded = match need {
            HistoryNeed::Needed => Some(load_plan_or_part_with_store(global, ui, env)?),
            HistoryNeed::NotNeeded => None,
        };
        let history = match &loaded {
            Some(loaded) => read_history(&loaded.plan_file.settings)?,
            None => None,
        };
        Ok(Self {
            loaded,
            history,
            scratch: scratch_folder(env),
            ui,
        })
    }

    pub(in crate::commands) fn desk(&self) -> ExportDesk<'_> {
        ExportDesk {
            plan: self.plan(),
            history: self.history.as_ref(),
            scratch: &self.scratch,
            ui: self.ui,
        }
    }

    /// What a command ends with that used it: no success where the plan file was read in part.
    pub(in crate::commands) fn exit(&self, exit: Exit) -> Exit {
        self.plan().map_or(exit, |plan| exit_of_part(plan, exit))
    }

    fn plan(&self) -> Option<&PlanFile> {
        self.loaded.as_ref().map(|loaded| &loaded.plan_file)
    }
}

/// Where archives come from.
pub(in crate::commands) struct ExportDesk<'d> {
    pub(in crate::commands) plan: Option<&'d PlanFile>,
    pub(in crate::commands) history: Option<&'d History>,
    pub(in crate::commands) scratch: &'d Path,
    /// Says where another export is taken than the one that was named.
    pub(in crate::commands) ui: Ui,
}

impl ExportDesk<'_> {
    /// Opens an archive. Those of history are, byte by byte, what was recorded.
    pub(in crate::commands) fn open(
        &self,
        named: NamedExport<'_>,
        kind: FileKind,
    ) -> Result<OpenExport, CommandError> {
        match named {
            NamedExport::File(path) => Ok(OpenExport {
                what: None,
                task: None,
                path: path.to_owned(),
                file: open(path)?,
                expected: Some(Expected::Any),
                only: None,
                outer: "default".to_owned(),
            }),
            NamedExport::Task(id) => self.of_task(id, kind),
            NamedExport::Target { device, domain } => self.of_target(device, domain, Ok),
            NamedExport::Group { devices, domain } => {
                let error = anyhow!("'{devices}/{domain}' is a group, and one export is meant");
                let patterns = DevicePatterns::from_items([devices]).ok();
                let of_plan = self.plan.zip(patterns);
                let first = of_plan.and_then(|(file, patterns)| {
                    file.devices
                        .iter()
                        .find(|device| patterns.matches(&device.marks()))
                });
                let device = first.map_or("DEVICE", |device| &device.name);
                Err(trouble(error).with_hint(format!("name one device: {device}/{domain}")))
            }
        }
    }

    /// The same, of what ran when it was taken; where nothing was unsaved then, that is what was saved.
    pub(in crate::commands) fn open_running(
        &self,
        named: NamedExport<'_>,
    ) -> Result<OpenExport, CommandError> {
        let running = |task: TaskId| -> Result<Option<FileRow>, CommandError> {
            let rows = found(self.history()?.files(task))?;
            Ok(rows.into_iter().find(|row| row.kind == FileKind::NonPersisted))
        };
        match named {
            NamedExport::Task(id) => {
                let task = execution(id, TaskId, || match self.history {
                    Some(history) => history.newest_task(),
                    None => Ok(None),
                })?;
                match running(task)? {
                    Some(row) => self.of_task(id, row.kind),
                    None => self.of_task(id, FileKind::Persisted),
                }
            }
            NamedExport::Target { device, domain } => {
                self.of_target(device, domain, |row| Ok(running(row.task)?.unwrap_or(row)))
            }
            NamedExport::File(_) | NamedExport::Group { .. } => self.open(named, FileKind::Persisted),
        }
    }

    fn history(&self) -> Result<&History, CommandError> {
        self.history.ok_or_else(|| self.nothing_yet("export"))
    }

    fn nothing_yet(&self, what: &str) -> CommandError {
        let error = trouble(anyhow!("there is no such {what}: nothing was recorded yet"));
        match self.plan {
            Some(plan) => error.with_hint(first_run(&plan.invocation)),
            None => error,
        }
    }

    fn of_task(&self, id: ExecutionId, kind: FileKind) -> Result<OpenExport, CommandError> {
        let history = self.history.ok_or_else(|| self.nothing_yet("task execution"))?;
        let id = execution(id, TaskId, || history.newest_task())?;
        let rows = found(history.files(id))?;
        let Some(row) = rows.iter().find(|row| row.kind == kind) else {
            let error = trouble(anyhow!("{}", why_none(id, kind, &rows)));
            return Err(match self.plan {
                Some(plan) => error.with_hint(format!(
                    "`{}` shows what the task did, `{}` of what there is a good export",
                    plan.invocation.command(["history", "files", &id.0.to_string()]),
                    plan.invocation.command(["history", "status"])
                )),
                None => error,
            });
        };
        let (path, file) = self.proved(history, row)?;
        let (device, domain) = (&row.device_name, &row.domain_name);
        Ok(OpenExport {
            what: Some(format!("task {}: {device} {domain} {}", id.0, row.kind.code())),
            task: Some(id),
            path,
            file,
            expected: None,
            only: None,
            outer: outer(domain),
        })
    }

    /// The newest good export of a domain: one of its own, or one of all domains; or what is to be taken
    /// instead of it.
    fn of_target(
        &self,
        device: &str,
        domain: &str,
        instead: impl FnOnce(FileRow) -> Result<FileRow, CommandError>,
    ) -> Result<OpenExport, CommandError> {
        let history = self.history()?;
        let good = StandingExports::of(history, device)?;
        let exports = || good.rows.iter();
        let own = exports().find(|row| row.domain_name == domain);
        let all = || exports().find(|row| row.domain_name == ALL_DOMAINS);
        let Some(row) = own.or_else(all) else {
            let known: Vec<&str> = exports().map(|row| row.domain_name.as_str()).collect();
            return Err(self.no_target(history, device, domain, &known));
        };
        if let Some(why) = good.passed_over(row) {
            self.ui.decisive_warning(&why);
        }
        let row = &instead(row.clone())?;
        let (path, file) = self.proved(history, row)?;
        let only = (row.domain_name == ALL_DOMAINS && domain != ALL_DOMAINS).then(|| domain.to_owned());
        if only.is_some() {
            self.has_domain(&file, row, domain)?;
        }
        Ok(OpenExport {
            what: Some(format!("{device}/{domain}: task {}", row.task.0)),
            task: Some(row.task),
            path,
            file,
            expected: None,
            only,
            // What an export of all domains says beyond them is of `default`, whichever is meant.
            outer: outer(&row.domain_name),
        })
    }

    /// An export of all domains has those that were there: nothing is found in it of any other, and that is no
    /// empty domain.
    fn has_domain(&self, file: &File, row: &FileRow, domain: &str) -> Result<(), CommandError> {
        let mut known = BTreeSet::from([outer(ALL_DOMAINS)]);
        let mut visit = |domain: &str, _: &ExportItem| {
            if !known.contains(domain) && !domain.is_empty() {
                known.insert(domain.to_owned());
            }
        };
        archive::reread(
            file,
            self.scratch,
            &Limits::default(),
            Detail::Hashes,
            &mut visit,
            None,
        )
        .with_context(|| format!("the export of task {}", row.task.0))
        .map_err(trouble)?;
        if known.contains(domain) {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let error = anyhow!(
            "there is no good export of the domain '{domain}' of {}: the newest of all its domains (task {}) does not have it",
            row.device_name,
            row.task.0
        );
        Err(trouble(error).with_hint(did_you_mean(domain, &known)))
    }

    fn no_target(&self, history: &History, device: &str, domain: &str, known: &[&str]) -> CommandError {
        let devices = match self.plan.map(|plan| device_names(plan, Some(history))) {
            Some(Ok(devices)) => devices,
            Some(Err(error)) => return error,
            None => Vec::new(),
        };
        if devices.iter().any(|name| name == device) {
            let error = anyhow!("there is no good export of the domain '{domain}' of {device}");
            return trouble(error).with_hint(did_you_mean(domain, known));
        }
        let devices: Vec<&str> = devices.iter().map(String::as_str).collect();
        let error = anyhow!(
            "there is no file '{device}/{domain}', and neither the plan file nor history has a device '{device}'"
        );
        trouble(error).with_hint(did_you_mean(device, &devices))
    }

    /// The file of a row, proved to be what was recorded.
    fn proved(&self, history: &History, row: &FileRow) -> Result<(PathBuf, File), CommandError> {
        let stored = self.stored(history, row)?.map_err(|why| {
            let error =
                trouble(anyhow!(why).context(format!("the export of task {} is not good", row.task.0)));
            match self.plan {
                Some(plan) => error.with_hint(format!(
                    "`{}` shows which backup of each is good",
                    plan.invocation.command(["history", "status"])
                )),
                None => error,
            }
        })?;
        // That one is not kept of what has not changed is how it is meant, and no news.
        if let Some(instead) = stored.instead.as_ref().filter(|_| row.kept) {
            self.ui.decisive_warning(instead);
        }
        Ok((stored.row.path, stored.file))
    }

    /// The same; where it cannot be had, why.
    pub(in crate::commands) fn stored(
        &self,
        history: &History,
        row: &FileRow,
    ) -> Result<Result<ProvedExport, String>, CommandError> {
        let store = self
            .plan
            .map_or(Path::new(""), |plan| plan.settings.store.folder());
        Ok(stored_export(history, store, self.scratch, row)?.map_err(|none| none.to_string()))
    }
}

/// The domain that stands for what an export says beyond its domains.
pub(in crate::commands) fn outer(domain: &str) -> String {
    match domain {
        ALL_DOMAINS => "default".to_owned(),
        domain => domain.to_owned(),
    }
}

fn why_none(id: TaskId, kind: FileKind, rows: &[FileRow]) -> String {
    let id = id.0;
    if rows.iter().any(|row| row.kind == FileKind::SecureBackup) {
        format!("task {id} made a secure backup, which is encrypted: there is nothing in it to be looked at")
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
    if path.is_dir() {
        if path.join(MANIFEST).exists() {
            let what = "is the folder of a secure backup, which is encrypted: nobody can look into it";
            let error = anyhow!("{} {what}", path.display());
            return Err(trouble(error).with_hint(format!(
                "`dpbackup verify {}` proves that its files are what the gateway made; exports can be compared",
                quoted(&path.to_string_lossy())
            )));
        }
        let error = anyhow!("{} is a folder, and an export is one archive", path.display());
        return Err(trouble(error).with_hint(
            "name a .zip in it, or the newest good export of a domain by DEVICE/DOMAIN, where no folder has that name",
        ));
    }
    ownership::open_regular(path)
        .with_context(|| format!("open {}", path.display()))
        .map_err(trouble)
}

/// As diff(1) and grep(1): 2 is trouble, for 1 is an answer.
pub(in crate::commands) fn trouble(error: anyhow::Error) -> CommandError {
    CommandError::new(Exit::Usage, error)
}
