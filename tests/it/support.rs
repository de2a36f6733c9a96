//! What tests share: a home with plan file, store and history; the binary, run without
//! anything of this machine leaking in; and the engine, run on a clock in which minutes
//! take no time.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use dpbackup::clock::Clock;
use dpbackup::history::{History, Writing};
use dpbackup::lock::Locks;
use dpbackup::lock::witness::Witness;
use dpbackup::plan::model::PlanFile;
use dpbackup::run::Engine;
use dpbackup::run::contact::Devices;
use dpbackup::run::error::RunError;
use dpbackup::run::event::{Event, Sink};
use dpbackup::run::execution::PlanEnd;
use dpbackup::run::record::Record;
use dpbackup::run::recover::told::Recovered;
use dpbackup::run::sequence::{self, Options, PlanBegun};
use dpbackup::signal::Stop;
use jiff::Timestamp;

use crate::simulator::Gateway;

mod clock;
mod deaf;
pub(crate) mod gateways;
mod ledger;
mod look;
pub(crate) mod relay;
pub(crate) mod terminal;
pub(crate) mod users;

pub(crate) use clock::{Eventful, TestClock};
pub(crate) use deaf::{deaf_port, is_being_connected_to};
pub(crate) use ledger::WatchedLedger;
pub(crate) use look::{Running, eventually, export, is_alive, names, notes_of, secure_backup, until};

/// The password of the simulated gateways. It must never be seen anywhere.
pub(crate) const PASSWORD: &str = "secret";

/// Short, so that tests do not wait.
const TIMEOUTS: [(&str, &str); 5] = [
    ("connect", "5s"),
    ("request", "10s"),
    ("export", "30s"),
    ("secure_backup", "30s"),
    ("idle", "5s"),
];

/// Says what this machine does not let a test do: `.ci/run` counts these lines. Not by a macro, whose words nobody sees of a
/// test that passes.
pub(crate) fn not_tested_here(what: &str) {
    writeln!(std::io::stderr(), "NOT TESTED HERE: {what}").expect("somebody listens");
}

/// A folder with everything a run needs, removed at the end.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    settings: String,
    timeouts: Vec<(String, String)>,
    devices: String,
    plans: String,
}

impl Home {
    /// An empty home: short limits, no retries, so that tests do not wait.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("scripts")).expect("a folder for scripts");
        Self {
            folder,
            settings: String::new(),
            timeouts: TIMEOUTS
                .map(|(key, time)| (key.to_owned(), time.to_owned()))
                .to_vec(),
            devices: String::new(),
            plans: String::new(),
        }
    }

    /// A home with this gateway as QA1.
    pub(crate) fn of(gateway: &Gateway) -> Self {
        Self::new().device("QA1", gateway)
    }

    /// A home with this gateway and a plan `Night`, which exports its domains and tells of that by
    /// these keys and these tables of `[notify]`.
    pub(crate) fn telling(gateway: &Gateway, keys: &str, tables: &str) -> Self {
        let plan = format!("{keys}\n{}\n{tables}", export("*", "DOM*", ""));
        Self::of(gateway).plan("Night", &plan)
    }

    /// An empty home in memory where this machine has such a folder: for hundreds of runs, each
    /// of which would wait for the disk a hundred times.
    pub(crate) fn quick() -> Self {
        let mut home = Self::new();
        if let Ok(folder) = tempfile::tempdir_in("/dev/shm") {
            fs::create_dir(folder.path().join("scripts")).expect("a folder for scripts");
            home.folder = folder;
        }
        home
    }

    /// Adds a line to the settings.
    pub(crate) fn setting(mut self, line: &str) -> Self {
        self.settings.push_str(line);
        self.settings.push('\n');
        self
    }

    /// Sets some of the timeouts, as `request = 2s, idle = 1s`; the others stay as short as tests
    /// want them.
    pub(crate) fn timeouts(mut self, times: &str) -> Self {
        for pair in times.split(", ") {
            let (key, time) = pair.split_once(" = ").expect("a key and a time");
            let (_, own) = self.timeouts.iter_mut().find(|(own, _)| own == key).expect(key);
            time.clone_into(own);
        }
        self
    }

    /// Adds a simulated gateway under the name that it has for itself.
    pub(crate) fn device(self, name: &str, gateway: &Gateway) -> Self {
        self.device_at(
            name,
            gateway.port(),
            &format!("{{ pin_sha256 = \"{}\" }}", gateway.pin()),
        )
    }

    /// Adds a simulated gateway that backups are rehearsed on.
    pub(crate) fn spare(self, name: &str, gateway: &Gateway) -> Self {
        self.device(name, gateway).being_spare()
    }

    /// This home, where the last device is a spare.
    pub(crate) fn being_spare(mut self) -> Self {
        self.devices.truncate(self.devices.trim_end().len());
        self.devices.push_str("\nrole = \"spare\"\n\n");
        self
    }

    /// Adds a device at a port of this machine.
    pub(crate) fn device_at(self, name: &str, port: u16, tls: &str) -> Self {
        self.device_on(name, "127.0.0.1", port, tls)
    }

    /// Adds a device on a host.
    pub(crate) fn device_on(mut self, name: &str, host: &str, port: u16, tls: &str) -> Self {
        self.devices.push_str(&format!(
            "[[device]]\nname = \"{name}\"\nhost = \"{host}\"\nport = {port}\nusername = \"backup\"\n\
             password = {{ env = \"DPBACKUP_TEST_PASSWORD\" }}\ntls = {tls}\n\n"
        ));
        self
    }

    /// This home, where a gateway is trusted by the certificate that it shows now.
    pub(crate) fn trusting(self, name: &str, gateway: &Gateway) -> Self {
        self.without_devices().device(name, gateway)
    }

    /// This home with an empty list of devices.
    pub(crate) fn without_devices(mut self) -> Self {
        self.devices.clear();
        self
    }

    /// Adds a device at which nobody listens, each at a port of its own.
    pub(crate) fn absent_device(self, name: &str) -> Self {
        let devices = self.devices.matches("[[device]]").count();
        let port = u16::try_from(1 + devices).expect("few devices");
        self.device_at(name, port, "{ verify = false }")
    }

    /// Adds a plan: the keys of `[[plan]]` behind its name, and its activities.
    pub(crate) fn plan(mut self, name: &str, text: &str) -> Self {
        self.plans
            .push_str(&format!("[[plan]]\nname = \"{name}\"\n{text}\n"));
        self
    }

    /// Adds a script to the folder of scripts.
    pub(crate) fn script(self, name: &str, text: &str) -> Self {
        let path = self.path("scripts").join(name);
        // Written by a child: a file that this process has open for writing could be inherited
        // by what another test starts at this moment, and could then not be executed.
        let written = Command::new("/bin/sh")
            .args([
                "-c",
                "printf '%s' \"$1\" > \"$2\" && chmod 700 \"$2\"",
                "sh",
                text,
            ])
            .arg(&path)
            .status();
        assert!(
            written.expect("a shell").success(),
            "the script {name} is written"
        );
        self
    }

    /// A path in this home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a pipe of this name, whose other end nobody opens.
    pub(crate) fn pipe(&self, name: &str) {
        let (mode, kind) = (
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            rustix::fs::FileType::Fifo,
        );
        rustix::fs::mknodat(rustix::fs::CWD, self.path(name), kind, mode, 0).expect("a pipe");
    }

    /// The store.
    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// Writes the plan file and returns its path.
    pub(crate) fn plan_file(&self) -> PathBuf {
        let mut settings = String::from("[settings]\n");
        for (key, line) in [
            ("store", "store = \"store\""),
            ("history", "history = \"state/history.db\""),
            ("min_free_store", "min_free_store = \"1 MiB\""),
            ("min_free_device", "min_free_device = \"1 MiB\""),
            ("retries", "retries = 0"),
        ] {
            if !self.settings.lines().any(|own| own.trim_start().starts_with(key)) {
                settings.push_str(line);
                settings.push('\n');
            }
        }
        let times: Vec<String> = self
            .timeouts
            .iter()
            .map(|(key, time)| format!("{key} = \"{time}\""))
            .collect();
        settings.push_str(&format!("timeouts = {{ {} }}\n", times.join(", ")));
        let text = format!("{settings}{}\n{}{}", self.settings, self.devices, self.plans);
        let path = self.path("plans.toml");
        // Another command of this home may be opening it: one that is as it was made stays.
        let as_made = |found: fs::Metadata| {
            let is_mine = found.uid() == rustix::process::geteuid().as_raw();
            found.is_file() && is_mine && found.nlink() == 1 && found.mode() & 0o7777 == 0o600
        };
        if path.symlink_metadata().is_ok_and(as_made)
            && fs::read(&path).is_ok_and(|old| old == text.as_bytes())
        {
            return path;
        }
        let mut file = tempfile::NamedTempFile::new_in(self.folder.path()).expect("a file");
        file.write_all(text.as_bytes()).expect("a plan file");
        file.persist(&path).expect("a plan file");
        path
    }

    /// The binary with these arguments, in an environment of its own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        // Whoever runs the tests may ignore signals (nohup, a job in the background), and that is
        // inherited; env gives them back and becomes the binary itself.
        let mut command = Command::new("/usr/bin/env");
        command
            .arg("--default-signal=HUP,INT,QUIT,TERM")
            .arg(env!("CARGO_BIN_EXE_dpbackup"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("TZ", "UTC")
            .env("DPBACKUP_TEST_PASSWORD", PASSWORD)
            .env("DPBACKUP_CONFIG", self.plan_file())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn dpbackup(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().expect("the binary starts"))
    }

    /// Runs the binary to its end at a terminal of so many columns. Both of its streams are in
    /// `stdout` then, with what moves a cursor.
    pub(crate) fn at_terminal(&self, columns: u16, environment: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let mut terminal = self.terminal_command(columns, environment, arguments);
        terminal.stdin(Stdio::null());
        let mut ran = Ran::of(terminal.output().expect("a terminal"));
        ran.stdout = ran.stdout.replace("\r\n", "\n");
        ran
    }

    /// What opens a terminal of so many columns and runs the binary in it.
    fn terminal_command(&self, columns: u16, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
        self.redirected_command(columns, environment, arguments, "")
    }

    /// The same with something behind the command, as a shell takes it.
    fn redirected_command(
        &self,
        columns: u16,
        environment: &[(&str, &str)],
        arguments: &[&str],
        redirected: &str,
    ) -> Command {
        self.shell_command(environment, arguments, &|words| {
            format!("stty cols {columns} rows 40 && exec {words} {redirected}")
        })
    }

    /// What opens a terminal and runs a line in it, made of the words that start the binary.
    fn shell_command(
        &self,
        environment: &[(&str, &str)],
        arguments: &[&str],
        line: &dyn Fn(&str) -> String,
    ) -> Command {
        let command = self.command(arguments);
        let words: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''")))
            .collect();
        let line = line(&words.join(" "));
        let mut terminal = Command::new("script");
        terminal.args(["-qefc", &line, "/dev/null"]);
        terminal.env_clear().env("TERM", "xterm");
        let own = command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        terminal.envs(own).envs(environment.iter().copied());
        terminal.current_dir(self.folder.path());
        terminal
    }

    /// Starts the binary, its output kept.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }

    /// Runs a plan in this process, on a clock of its own.
    pub(crate) fn run(&self, plan: &str, clock: &dyn Clock) -> EngineRun {
        self.run_with(plan, clock, Options::default(), &Stop::new(), &mut |_| {})
    }

    /// The same, with everything chosen. `watch` sees each event after it was recorded.
    pub(crate) fn run_with(
        &self,
        plan: &str,
        clock: &dyn Clock,
        options: Options,
        stop: &Stop,
        watch: &mut dyn FnMut(&Event),
    ) -> EngineRun {
        self.run_watched(plan, clock, options, stop, watch, &|| {})
    }

    /// The same, with `touched` called around everything that is written into history, and
    /// before everything that is read.
    pub(crate) fn run_watched(
        &self,
        plan: &str,
        clock: &dyn Clock,
        options: Options,
        stop: &Stop,
        watch: &mut dyn FnMut(&Event),
        touched: &dyn Fn(),
    ) -> EngineRun {
        let mut seen = Seen {
            events: Vec::new(),
            watch,
        };
        let end = self.with_engine(clock, stop, touched, |engine, ledger| {
            let mut record = Record::new(ledger, vec![&mut seen], clock, engine.process);
            let mut devices = Devices::new(engine);
            let plan = engine.file.plan(plan).expect("the plan is in the file");
            sequence::run(engine, &mut record, &mut devices, plan, options, PlanBegun::Now)
        });
        EngineRun {
            end,
            events: seen.events,
        }
    }

    /// Opens what an engine is made of, and does something with it.
    fn with_engine<T>(
        &self,
        clock: &dyn Clock,
        stop: &Stop,
        touched: &dyn Fn(),
        act: impl FnOnce(Engine<'_>, &mut WatchedLedger<&dyn Fn()>) -> T,
    ) -> T {
        let password = |name: &str| (name == "DPBACKUP_TEST_PASSWORD").then(|| OsString::from(PASSWORD));
        let file = self.plan_model();
        let mut ledger = watched(&file, touched);
        let locks = Locks::beside(&file.settings.history);
        let (_alive, process) = locks.process(clock, Some(&mortal())).expect("a lock");
        let engine = Engine {
            file: &file,
            clock,
            stop,
            locks: &locks,
            process: &process,
            environment: &password,
        };
        act(engine, &mut ledger)
    }

    /// Recovers in this process, on a clock of its own.
    pub(crate) fn recover(&self, clock: &dyn Clock) -> Result<Recovered, RunError> {
        self.recover_watched(clock, &|| {})
    }

    /// The same, with `touched` as in [`Home::run_watched`].
    pub(crate) fn recover_watched(
        &self,
        clock: &dyn Clock,
        touched: &dyn Fn(),
    ) -> Result<Recovered, RunError> {
        let recovered = self.with_engine(clock, &Stop::new(), touched, |engine, ledger| {
            let mut record = Record::new(ledger, Vec::new(), clock, engine.process);
            dpbackup::run::recover::recover(engine, &mut record)
        });
        let store = self.plan_model().settings.store;
        let swept = dpbackup::artifact::sweep::sweep(store.folder());
        assert!(swept.is_ok_and(|swept| swept.failed.is_empty()) || !store.folder().exists());
        recovered
    }

    /// The plan file as the engine has it.
    pub(crate) fn plan_model(&self) -> PlanFile {
        let password = |name: &str| (name == "DPBACKUP_TEST_PASSWORD").then(|| OsString::from(PASSWORD));
        let loaded = dpbackup::plan::load(&self.plan_file(), &password).expect("a valid plan file");
        loaded.plan_file
    }

    /// The history, to be read.
    pub(crate) fn history(&self) -> History {
        History::open(&self.path("state/history.db"), Writing::Log)
            .expect("a history")
            .in_store(&self.store())
    }

    /// Every file in the store, by its path there, sorted; without what says how to restore them.
    pub(crate) fn stored(&self) -> Vec<String> {
        let mut files = Vec::new();
        collect(&self.store(), &self.store(), &mut files);
        files.retain(|file| !file.ends_with("/RESTORE.txt"));
        files.sort();
        files
    }
}

fn watched<'f>(file: &PlanFile, touched: &'f dyn Fn()) -> WatchedLedger<&'f dyn Fn()> {
    let history = History::open(&file.settings.history, Writing::Log).expect("a history");
    WatchedLedger {
        history: history.in_store(file.settings.store.folder()),
        write: touched,
        read: touched,
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            files.push(
                path.strip_prefix(root)
                    .expect("below the root")
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
}

/// Who a run in this process is to others: a process that is gone as soon as its lock is free,
/// as one that was killed is, and not this one, which lives on.
pub(crate) fn mortal() -> Witness {
    let words = Witness::own().expect("a system that tells").words();
    let mut parts: Vec<String> = words.split('-').map(str::to_owned).collect();
    let start: u64 = parts[1].parse().expect("a number");
    parts[1] = (start + 1).to_string();
    Witness::parse(&parts.join("-")).expect("a witness")
}

/// The same of a run whose process could never be seen from here: of a container that is gone.
pub(crate) fn mortal_elsewhere() -> Witness {
    let words = mortal().words();
    let (seen, _) = words.rsplit_once('-').expect("a place");
    Witness::parse(&format!("{seen}-000000000000")).expect("a witness")
}

/// What a run of the binary said and how it ended.
#[must_use]
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it said.
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
        }
    }

    /// Waits for its end.
    pub(crate) fn ended(process: Child) -> Self {
        Self::of(process.wait_with_output().expect("an end"))
    }

    /// Asserts the exit code and returns what was printed.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// A run of the engine: how it ended and what it told.
#[derive(Debug)]
pub(crate) struct EngineRun {
    /// The end, or why there is none.
    pub(crate) end: Result<PlanEnd, RunError>,
    /// Every event, in order.
    pub(crate) events: Vec<Event>,
}

impl EngineRun {
    /// The final status of the plan.
    #[track_caller]
    pub(crate) fn status(&self) -> &'static str {
        self.end.as_ref().expect("the plan has an end").status.code()
    }

    /// `device/domain STATUS` for each task, in the order of the plan.
    pub(crate) fn tasks(&self) -> Vec<String> {
        let mut tasks = Vec::new();
        for event in &self.events {
            match event {
                Event::TaskOpened { task, opening } => {
                    tasks.push((
                        *task,
                        format!("{}/{}", opening.device, opening.domain),
                        opening.status,
                    ));
                }
                Event::TaskEnded { task, status, .. } => {
                    for known in tasks.iter_mut().filter(|known| known.0 == *task) {
                        known.2 = *status;
                    }
                }
                _ => {}
            }
        }
        tasks
            .into_iter()
            .map(|(_, name, status)| format!("{name} {status}"))
            .collect()
    }

    /// The error messages of tasks that ended with one.
    pub(crate) fn errors(&self) -> Vec<String> {
        let errors = self.events.iter().filter_map(|event| match event {
            Event::TaskEnded { error, .. } => error.clone(),
            Event::TaskOpened { opening, .. } => opening.error.clone(),
            _ => None,
        });
        errors.collect()
    }
}

struct Seen<'w> {
    events: Vec<Event>,
    watch: &'w mut dyn FnMut(&Event),
}

impl Sink for Seen<'_> {
    fn event(&mut self, _at: Timestamp, event: &Event) {
        (self.watch)(event);
        self.events.push(event.clone());
    }
}
