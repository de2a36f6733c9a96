//! Other users, for whom the files of these tests are somebody else's. Only root can become one.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::{PASSWORD, not_tested_here};

/// The user of a service. No machine has these users and groups.
pub(crate) const SERVICE: u32 = 4_001_001;
/// Somebody else.
pub(crate) const STRANGER: u32 = 4_001_002;
/// A group that root chose.
pub(crate) const GROUP: u32 = 4_002_000;

/// Whether the tests run as root; if not, says aloud what is not tested.
pub(crate) fn is_root(what: &str) -> bool {
    let is_root = fs::metadata("/proc/self").expect("this process").uid() == 0;
    if !is_root {
        not_tested_here(&format!("{what}, for only root can make files of others"));
    }
    is_root
}

/// The binary where every user can reach it: the folder of the project may be closed to them.
fn binary() -> &'static Path {
    static BINARY: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BINARY.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("a mode");
        let path = folder.path().join("dpbackup");
        // By a child: a file that this process has open for writing could be inherited by what
        // another test starts at this moment, and could then not be executed.
        let copied = Command::new("install")
            .args(["-m", "755", env!("CARGO_BIN_EXE_dpbackup")])
            .arg(&path)
            .status();
        assert!(copied.expect("install(1)").success());
        (folder, path)
    });
    path
}

/// The binary as another user, in a folder and in an environment of its own.
pub(crate) fn command_as(user: u32, groups: &[u32], folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={user}")]);
    match groups {
        [] => command.arg("--clear-groups"),
        groups => {
            let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
            command.arg(format!("--groups={}", groups.join(",")))
        }
    };
    command
        .arg(binary())
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TZ", "UTC")
        .env("DPBACKUP_TEST_PASSWORD", PASSWORD)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

/// The same command, for which the mode of a file counts whoever runs these tests: root reads what it may not as well.
pub(crate) fn heeding_modes(command: &Command) -> Command {
    let is_root = fs::metadata("/proc/self").expect("this process").uid() == 0;
    let mut heeding = if is_root {
        let without = "-dac_override,-dac_read_search";
        let mut setpriv = Command::new("setpriv");
        setpriv.args([
            format!("--inh-caps={without}"),
            format!("--bounding-set={without}"),
        ]);
        setpriv.arg(command.get_program());
        setpriv
    } else {
        Command::new(command.get_program())
    };
    heeding.args(command.get_args()).env_clear().stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        heeding.envs(value.map(|value| (name, value)));
    }
    if let Some(folder) = command.get_current_dir() {
        heeding.current_dir(folder);
    }
    heeding
}
