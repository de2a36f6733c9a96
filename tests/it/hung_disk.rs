//! A disk that hangs while a device is out of service: the device is put back all the same. Where this machine lets no
//! file system be mounted and frozen, a line on stderr says so; the limits themselves are tested beside
//! `run::limited_ledger` and `artifact::handed_file`.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{Home, Ran, eventually, export};

/// Mounts a file system of its own, runs a plan on it, and freezes and thaws it as files say. It thaws by itself when
/// nobody says so for long.
const SCRIPT: &str = "truncate -s 32M disk && mkfs.ext4 -q -F disk && mount -o loop disk $1 && chmod 700 $1 || exit 99\n\
     fsfreeze -f $1 && fsfreeze -u $1 || { umount $1; exit 99; }\n\
     touch ready\n\
     ($2 run P > out 2>&1; echo $? > code) &\n\
     await() { for _ in $(seq 1500); do [ -e $1 ] && return; sleep 0.1; done; }\n\
     await freeze; fsfreeze -f $1; touch frozen; await thaw; fsfreeze -u $1\n\
     wait; cat out; umount $1; exit $(cat code)\n";

/// A run on such a file system. It is thawed when this is dropped, however the test ends.
struct OnFrozenDisk<'h> {
    home: &'h Home,
    shell: Option<Child>,
}

impl OnFrozenDisk<'_> {
    /// Begins the plan `P` with this folder of its home on a file system of its own. `None` where that cannot be.
    fn begin<'h>(home: &'h Home, folder: &str) -> Option<OnFrozenDisk<'h>> {
        fs::create_dir(home.path(folder)).expect("a folder");
        let own = home.command(&[]);
        let mut shell = Command::new("unshare");
        shell.args(["--mount", "sh", "-c", SCRIPT, "sh", folder]);
        shell.arg(env!("CARGO_BIN_EXE_dpbackup"));
        shell.env_clear().current_dir(home.path(""));
        shell.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        shell
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut shell = shell.spawn().expect("a shell starts");
        let is_ready = || home.path("ready").exists();
        while !is_ready() {
            if shell.try_wait().expect("a state").is_some() {
                let ran = Ran::of(shell.wait_with_output().expect("its end"));
                let aloud = format!("NOT TESTED HERE: a frozen file system: {}", ran.stderr.trim());
                writeln!(std::io::stderr(), "{aloud}").expect("somebody listens");
                return None;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let shell = Some(shell);
        Some(OnFrozenDisk { home, shell })
    }

    fn freeze(&self) {
        fs::write(self.home.path("freeze"), "").expect("a file");
        eventually("it is frozen", || self.home.path("frozen").exists());
    }

    fn thaw(&self) {
        fs::write(self.home.path("thaw"), "").expect("a file");
    }

    /// What the run has said so far, its lines joined.
    fn said(&self) -> String {
        let said = fs::read_to_string(self.home.path("out")).unwrap_or_default();
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Its end, on a disk that answers again.
    fn end(mut self) -> Ran {
        self.thaw();
        let shell = self.shell.take().expect("a shell");
        Ran::of(shell.wait_with_output().expect("its end"))
    }
}

impl Drop for OnFrozenDisk<'_> {
    fn drop(&mut self) {
        let _ = fs::write(self.home.path("freeze"), "");
        let _ = fs::write(self.home.path("thaw"), "");
        if let Some(mut shell) = self.shell.take() {
            let _ = shell.wait();
        }
    }
}

fn scene() -> (Gateway, Home) {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1")],
        ..Setup::default()
    });
    gateway.fail_as("do-backup=stall@4s");
    let home = Home::new()
        .timeouts("export = 60s, idle = 60s")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", "quiesce = true"));
    (gateway, home)
}

#[test]
fn a_history_whose_disk_hangs_after_a_quiesce_does_not_keep_the_domain_out_of_service() {
    let (gateway, home) = scene();
    let Some(run) = OnFrozenDisk::begin(&home, "state") else {
        return;
    };
    eventually("it is exported", || gateway.received("do-backup") > 0);
    run.freeze();
    eventually("it is told to unquiesce", || gateway.received("unquiesce") > 0);
    // And that is said, though nothing was written.
    eventually("it says why", || {
        run.said()
            .contains("the disk of the history did not answer within")
    });
    let said = run.said();
    assert!(
        said.contains("open in the journal") || said.contains("domain DOM1 of QA1"),
        "{said}"
    );
    assert!(gateway.state().is_unquiesced(), "{said}");
    let ran = run.end();
    assert_eq!(ran.code, Some(10), "{ran:?}");
}

#[test]
fn a_store_whose_disk_hangs_after_a_quiesce_does_not_keep_the_domain_out_of_service() {
    let (gateway, home) = scene();
    let Some(run) = OnFrozenDisk::begin(&home, "store") else {
        return;
    };
    eventually("it is exported", || gateway.received("do-backup") > 0);
    run.freeze();
    eventually("it is told to unquiesce", || gateway.received("unquiesce") > 0);
    // The task fails, and the run says so, while the disk still hangs.
    eventually("it says why", || {
        run.said().contains("its disk did not answer within 20s")
    });
    assert!(gateway.state().is_unquiesced());
    let ran = run.end();
    assert_eq!(ran.code, Some(1), "{ran:?}");
}
