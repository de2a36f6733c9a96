//! Ways to look at what a run has done, and to hold one while it does it.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use dpbackup::history::{ActivityRow, NoteLevel, PlanFilter, PlanRow, TaskDetails, TaskRow};
use dpbackup::run::event::{Event, ScriptRun, StoredFile};
use dpbackup::run::ledger::JournalEntry;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{EngineRun, Home, Ran};

/// An activity that exports domains, its last line open for more keys.
pub(crate) fn export(devices: &str, domains: &str, more: &str) -> String {
    format!(
        "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"{devices}\"\ndomains = \"{domains}\"\n{more}\n"
    )
}

/// An activity that makes secure backups.
pub(crate) fn secure_backup(devices: &str, more: &str) -> String {
    format!(
        "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"{devices}\"\ncertificate = \"backup-cert\"\n{more}\n"
    )
}

/// Waits until something is so. It is a failure only when it never is.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let given_up = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < given_up, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The same while these processes live: one that ends before is a failure.
#[track_caller]
pub(crate) fn until(children: &mut [&mut Child], mut is_so: impl FnMut() -> bool) {
    eventually("that is waited for", || {
        let is_so = is_so();
        for child in children.iter_mut() {
            let ended = child.try_wait().expect("a child");
            assert!(is_so || ended.is_none(), "it ended too early: {ended:?}");
        }
        is_so
    });
}

/// The names of what lies in a folder, sorted; none where there is no folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.expect("an entry").file_name();
        name.to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

impl Home {
    /// Every plan execution in history, the newest first.
    pub(crate) fn plan_rows(&self) -> Vec<PlanRow> {
        self.history()
            .plans(&PlanFilter::default())
            .expect("plan executions")
    }

    /// The newest plan execution, if there is one.
    pub(crate) fn last_plan_if_any(&self) -> Option<PlanRow> {
        self.plan_rows().into_iter().next()
    }

    /// The newest plan execution.
    #[track_caller]
    pub(crate) fn last_plan(&self) -> PlanRow {
        self.last_plan_if_any().expect("a plan execution")
    }

    /// The activities of the newest plan execution.
    pub(crate) fn activity_rows(&self) -> Vec<ActivityRow> {
        let plan = self.last_plan().id;
        self.history().activities(plan).expect("its activities")
    }

    /// The tasks of the newest plan execution.
    pub(crate) fn task_rows(&self) -> Vec<TaskRow> {
        let plan = self.last_plan().id;
        self.history().tasks_of_plan(plan).expect("its tasks")
    }

    /// `device/domain STATUS` of the tasks of the newest plan execution, as history has them.
    pub(crate) fn recorded(&self) -> Vec<String> {
        let line = |task: TaskRow| format!("{}/{} {}", task.device_name, task.domain_name, task.status);
        self.task_rows().into_iter().map(line).collect()
    }

    /// Everything about a task of the newest plan execution, counted from 0.
    #[track_caller]
    pub(crate) fn details(&self, index: usize) -> TaskDetails {
        let task = self.task_rows().get(index).expect("so many tasks").id;
        self.history().task_details(task).expect("its details")
    }

    /// What is still to be undone on devices.
    pub(crate) fn open_entries(&self) -> Vec<JournalEntry> {
        self.history().open_entries().expect("the journal")
    }

    /// The text of a file that a script wrote in the home.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Asserts that the store holds nothing, not even something half done.
    #[track_caller]
    pub(crate) fn holds_nothing(&self) {
        assert_eq!(self.stored(), Vec::<String>::new(), "nothing is in the store");
    }

    /// Starts the binary. It is ended when the test ends before it.
    pub(crate) fn running(&self, arguments: &[&str]) -> Running {
        Running::from(self.start(arguments))
    }
}

impl EngineRun {
    /// The error message of the plan.
    #[track_caller]
    pub(crate) fn error(&self) -> &str {
        let end = self.end.as_ref().expect("the plan has an end");
        end.error.as_deref().unwrap_or_default()
    }

    /// The exit code that the plan would give.
    #[track_caller]
    pub(crate) fn exit(&self) -> u8 {
        self.end.as_ref().expect("the plan has an end").exit.code()
    }

    /// Every status that the tasks went through, in order.
    pub(crate) fn statuses(&self) -> Vec<&'static str> {
        let statuses = self.events.iter().filter_map(|event| match event {
            Event::TaskOpened { opening, .. } => Some(opening.status.code()),
            Event::TaskStatus { status, .. } | Event::TaskEnded { status, .. } => Some(status.code()),
            _ => None,
        });
        statuses.collect()
    }

    /// Every warning.
    pub(crate) fn warnings(&self) -> Vec<&str> {
        let warnings = self.events.iter().filter_map(|event| match event {
            Event::Warning { message, .. } => Some(message.as_str()),
            _ => None,
        });
        warnings.collect()
    }

    /// Every note.
    pub(crate) fn notes(&self) -> Vec<&str> {
        let notes = self.events.iter().filter_map(|event| match event {
            Event::Note { message, .. } => Some(message.as_str()),
            _ => None,
        });
        notes.collect()
    }

    /// Every file that was recorded.
    pub(crate) fn files(&self) -> Vec<&StoredFile> {
        let files = self.events.iter().filter_map(|event| match event {
            Event::FileStored { file, .. } => Some(file),
            _ => None,
        });
        files.collect()
    }

    /// Every script that ran.
    pub(crate) fn scripts(&self) -> Vec<&ScriptRun> {
        let scripts = self.events.iter().filter_map(|event| match event {
            Event::ScriptEnded { script, .. } => Some(script),
            _ => None,
        });
        scripts.collect()
    }
}

/// What a task has in history besides its row: `LEVEL message`.
pub(crate) fn notes_of(details: &TaskDetails) -> Vec<String> {
    let line = |note: &dpbackup::history::NoteRow| {
        let level: NoteLevel = note.level;
        format!("{} {}", level.code(), note.message)
    };
    details.notes.iter().map(line).collect()
}

/// The binary on its way.
pub(crate) struct Running {
    child: Option<Child>,
    /// What it has said on stderr, as far as somebody has read it.
    said: Vec<u8>,
}

impl From<Child> for Running {
    fn from(child: Child) -> Self {
        Self {
            child: Some(child),
            said: Vec::new(),
        }
    }
}

impl Running {
    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it has not been waited for").id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it has not been waited for");
        kill_process(Pid::from_child(child), signal).expect("it is still there");
    }

    /// Waits until it has said this on stderr.
    pub(crate) fn says(&mut self, words: &str) {
        let child = self.child.as_mut().expect("it has not been waited for");
        let stderr = child.stderr.as_mut().expect("a pipe");
        while !String::from_utf8_lossy(&self.said).contains(words) {
            let mut next = [0];
            let read = stderr.read(&mut next).expect("its stderr");
            assert_eq!(
                read,
                1,
                "{words:?} was not said: {}",
                String::from_utf8_lossy(&self.said)
            );
            self.said.extend(next);
        }
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let child = self.child.take().expect("it has not been waited for");
        let mut output = child.wait_with_output().expect("its output");
        output.stderr.splice(0..0, std::mem::take(&mut self.said));
        Ran::of(output)
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        let mut child = self.child.take().expect("it has not been waited for");
        child.kill().expect("it is still there");
        // A script that outlives it keeps the output open: only the process is waited for.
        child.wait().expect("its end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether a process of this id is there, and not only its remains.
pub(crate) fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}
