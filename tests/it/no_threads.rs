//! A machine that has no thread left, or only a few: everything is done all the same, by the
//! one thread that there is.
//!
//! The limit is that of the kernel on the processes of a user (`ulimit -u`), which holds for
//! nobody who is root: a test that root runs becomes another user for it.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Signal, geteuid};

use crate::receivers::{Behaviour, Web, arrived};
use crate::simulator::{Content, Domain, Fault, FaultKind, Gateway, Setup};
use crate::source::shipped;
use crate::support::{Home, Ran, eventually, export, not_tested_here};

/// A user whom nobody else is.
fn stranger() -> u32 {
    static SO_FAR: AtomicU32 = AtomicU32::new(0);
    200_000 + (std::process::id() % 100_000) * 16 + SO_FAR.fetch_add(1, Ordering::SeqCst)
}

/// Lets `command` and all that it starts have no more than this many threads.
fn limited(command: &Command, user: Option<u32>, threads: u32) -> Command {
    let mut limited = match user {
        Some(user) => {
            let mut become_user = Command::new("/usr/bin/setpriv");
            become_user
                .args([
                    "--clear-groups",
                    "--reuid",
                    &user.to_string(),
                    "--regid",
                    &user.to_string(),
                ])
                .arg("/usr/bin/prlimit");
            become_user
        }
        None => Command::new("/usr/bin/prlimit"),
    };
    limited
        .arg(format!("--nproc={threads}"))
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(command.get_current_dir().unwrap_or(Path::new("/")));
    limited
}

fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).expect("root may give it away");
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a folder") {
            give(&entry.expect("an entry").path(), user);
        }
    }
}

/// A home, and the binary in it under a limit.
struct Confined {
    home: Home,
    user: Option<u32>,
}

impl Confined {
    fn new(home: Home) -> Self {
        let user = geteuid().is_root().then(stranger);
        if user.is_some() {
            // The folder of the build may be one that only root may enter.
            // By another process: one of ours that is being started meanwhile would have the file open for
            // writing, and then nobody can run it.
            let copied = Command::new("cp")
                .arg(env!("CARGO_BIN_EXE_dpbackup"))
                .arg(home.path("dpbackup"))
                .status();
            assert!(copied.expect("cp").success());
        }
        Self { home, user }
    }

    /// Whether the kernel of this machine keeps the limit: a shell must not get a second process.
    fn is_kept(&self) -> bool {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "(exit 0) && echo forked"]);
        let kept = limited(&shell, self.user, 1)
            .output()
            .is_ok_and(|output| output.stdout.is_empty());
        if !kept {
            not_tested_here(
                "a machine without threads, for this sandbox keeps no limit on them; \
                 what is done then is tested without the binary",
            );
        }
        kept
    }

    fn command(&self, threads: u32, arguments: &[&str]) -> Command {
        let binary = match self.user {
            Some(_) => self.home.path("dpbackup"),
            None => PathBuf::from(env!("CARGO_BIN_EXE_dpbackup")),
        };
        let home = self.home.command(&[]);
        let mut command = Command::new("/usr/bin/env");
        command
            .arg("--default-signal=HUP,INT,QUIT,TERM")
            .arg(binary)
            .args(arguments)
            .envs(home.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(self.home.path("."));
        if let Some(user) = self.user {
            give(&self.home.path("."), user);
        }
        limited(&command, self.user, threads)
    }

    fn run(&self, threads: u32, arguments: &[&str]) -> Ran {
        Ran::of(
            self.command(threads, arguments)
                .output()
                .expect("the binary starts"),
        )
    }
}

/// All that a run has a thread for when it can: signals, a name, receivers, a heartbeat.
fn busy(gateway: &Gateway, web: &Web) -> Home {
    let tls = format!("{{ pin_sha256 = \"{}\" }}", gateway.pin());
    let hook = format!(
        "[notify]\ntimeout = \"5s\"\n[[notify.webhook]]\nname = \"ops\"\nurl = \"{}\"\nevents = \"*\"\n",
        web.url("/hook")
    );
    Home::new()
        .device_on("QA1", "localhost", gateway.port(), &tls)
        .plan(
            "P",
            &format!(
                "webhook = \"ops\"\n{}{hook}",
                export("*", "DOM1", "quiesce = true")
            ),
        )
}

#[test]
fn a_run_does_everything_however_few_threads_there_are() {
    for threads in 1..=5 {
        let gateway = Gateway::start(Setup::default());
        let web = Web::start(&[Behaviour::Status(200, "ok")]);
        let confined = Confined::new(busy(&gateway, &web));
        if !confined.is_kept() {
            return;
        }
        let ran = confined.run(threads, &["-v", "run", "P"]);
        let ran = ran.exits(0);
        assert!(!ran.stderr.contains("panic"), "{threads}: {}", ran.stderr);
        assert_eq!(confined.home.recorded(), ["QA1/DOM1 SUCCESS"], "{threads}");
        assert_eq!(arrived(&web.seen, 2).len(), 2, "{threads}: begun and ended");
        assert!(gateway.state().is_unquiesced(), "{threads}");
    }
}

#[test]
fn several_devices_are_asked_however_few_threads_there_are() {
    for threads in 1..=4 {
        let gateways: Vec<Gateway> = (0..5).map(|_| Gateway::start(Setup::default())).collect();
        let mut home = Home::new();
        for (number, gateway) in gateways.iter().enumerate() {
            home = home.device(&format!("QA{number}"), gateway);
        }
        let confined = Confined::new(home.plan("P", &export("*", "DOM1", "")));
        if !confined.is_kept() {
            return;
        }
        let preview = confined.run(threads, &["preview", "P"]).exits(0);
        let checked = confined.run(threads, &["check"]).exits(0);
        for number in 0..5 {
            let name = format!("QA{number}");
            assert!(preview.stdout.contains(&name), "{threads}: {}", preview.stdout);
            assert!(checked.stdout.contains(&name), "{threads}: {}", checked.stdout);
        }
        let ran = confined.run(threads, &["run", "P"]).exits(0);
        assert!(!ran.stderr.contains("panic"), "{threads}: {}", ran.stderr);
        let expected: Vec<String> = (0..5).map(|number| format!("QA{number}/DOM1 SUCCESS")).collect();
        assert_eq!(confined.home.recorded(), expected, "{threads}");
    }
}

#[test]
fn a_large_export_is_verified_after_it_has_come_where_no_thread_can_do_it_meanwhile() {
    // With two there is one for signals, and none is left when the export comes.
    for threads in 1..=3 {
        let large = Domain::new("DOM1").file("local:///large.bin", Content::synthetic(9 << 20, 1));
        let gateway = Gateway::start(Setup {
            domains: vec![large],
            ..Setup::default()
        });
        let home = Home::new()
            .device("QA1", &gateway)
            .plan("P", &export("*", "DOM1", "quiesce = true"));
        let confined = Confined::new(home);
        if !confined.is_kept() {
            return;
        }
        let ran = confined.run(threads, &["run", "P"]).exits(0);
        assert!(!ran.stderr.contains("panic"), "{threads}: {}", ran.stderr);
        assert_eq!(confined.home.recorded(), ["QA1/DOM1 SUCCESS"], "{threads}");
        let verified = confined.run(threads, &["verify", "--all"]).exits(0);
        assert!(verified.stdout.contains("DOM1"), "{threads}: {}", verified.stdout);
    }
}

#[test]
fn a_failure_is_told_and_undone_where_no_thread_is_left() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail(Fault::every("do-backup", FaultKind::FileError));
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let confined = Confined::new(busy(&gateway, &web));
    if !confined.is_kept() {
        return;
    }
    let ran = confined.run(1, &["run", "P"]).exits(1);
    assert!(ran.stderr.contains("unquiesced and confirmed"), "{}", ran.stderr);
    assert!(gateway.state().is_unquiesced());
    let told: Vec<String> = arrived(&web.seen, 3)
        .iter()
        .map(|seen| seen.json()["event"].to_string())
        .collect();
    assert!(told.contains(&"\"failed\"".to_owned()), "{told:?}");
}

#[test]
fn a_script_that_cannot_start_says_why_and_what_was_quiesced_is_unquiesced() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .script("post.sh", "#!/bin/sh\nexit 0\n")
        .device("QA1", &gateway)
        .plan(
            "P",
            &export("*", "DOM1", "quiesce = true\npost_script = \"post.sh\""),
        );
    let confined = Confined::new(home);
    if !confined.is_kept() {
        return;
    }
    let ran = confined.run(1, &["run", "P"]).exits(3);
    assert!(ran.stderr.contains("post.sh"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("Resource temporarily unavailable"),
        "{}",
        ran.stderr
    );
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_dead_run_is_mended_where_no_thread_is_left() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail(Fault::nth("do-backup", 1, FaultKind::StallBeforeHead(None)));
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let confined = Confined::new(busy(&gateway, &web));
    if !confined.is_kept() {
        return;
    }
    let mut dies = confined
        .command(1, &["run", "P"])
        .spawn()
        .expect("the binary starts");
    eventually("it is quiesced", || {
        gateway
            .operations()
            .iter()
            .any(|asked| asked.starts_with("do-backup"))
    });
    dies.kill().expect("it is there");
    dies.wait().expect("its end");
    assert!(!gateway.state().is_unquiesced());
    let ran = confined.run(1, &["recover"]).exits(0);
    assert!(ran.stdout.contains("unquiesced and confirmed"), "{}", ran.stdout);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(confined.home.last_plan().status.code(), "ABANDONED");
}

#[test]
fn a_signal_is_heeded_where_no_thread_is_left_to_wait_for_it() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail(Fault::nth(
        "do-backup",
        1,
        FaultKind::StallBeforeHead(Some(Duration::from_secs(2))),
    ));
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let confined = Confined::new(busy(&gateway, &web));
    if !confined.is_kept() {
        return;
    }
    let child = confined
        .command(1, &["run", "P"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary starts");
    eventually("the export is asked for", || {
        gateway
            .operations()
            .iter()
            .any(|asked| asked.starts_with("do-backup"))
    });
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::TERM).expect("it is there");
    let ran = Ran::ended(child).exits(143);
    assert!(ran.stderr.contains("INTERRUPTED"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("SIGTERM: ") && ran.stderr.contains("do not kill dpbackup"),
        "it is answered at the next chance: {}",
        ran.stderr
    );
    assert!(gateway.state().is_unquiesced());
    assert_eq!(confined.home.last_plan().status.code(), "INTERRUPTED");
}

#[test]
fn who_answers_at_a_name_is_shown_where_no_thread_is_left() {
    let gateway = Gateway::start(Setup::default());
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let confined = Confined::new(busy(&gateway, &web));
    if !confined.is_kept() {
        return;
    }
    let ran = confined.run(1, &["trust", "QA1"]).exits(0);
    assert!(ran.stdout.contains(&gateway.pin().to_string()), "{}", ran.stdout);
}

#[test]
fn a_bar_that_cannot_move_by_itself_is_a_bar_all_the_same() {
    let gateway = Gateway::start(Setup::default());
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let confined = Confined::new(busy(&gateway, &web));
    if !confined.is_kept() {
        return;
    }
    // `script` is the terminal; it needs processes of its own, which are not the user's.
    let limited = confined.command(1, &["run", "P"]);
    let words: Vec<String> = std::iter::once(limited.get_program())
        .chain(limited.get_args())
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect();
    let mut terminal = Command::new("/usr/bin/script");
    terminal
        .args(["-qec", &words.join(" "), "/dev/null"])
        .env_clear()
        .envs(
            limited
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("TERM", "xterm")
        .current_dir(confined.home.path("."));
    let ran = Ran::of(terminal.output().expect("a terminal")).exits(0);
    assert!(
        ran.stdout.contains("SUCCESS") && !ran.stdout.contains("panic"),
        "{}",
        ran.stdout
    );
}

/// Each of these panics where no thread can be had.
#[test]
fn only_one_room_starts_threads() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if name == "threads.rs" || name.ends_with("_tests.rs") || name == "tests.rs" {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source file");
            let code = shipped(&text);
            for starts in [
                "thread::spawn",
                "thread::scope",
                "thread::Builder",
                ".spawn_scoped(",
                "enable_steady_tick",
                "DefaultResolver",
            ] {
                assert!(!code.contains(starts), "{} uses {starts}", path.display());
            }
        }
    }
}
