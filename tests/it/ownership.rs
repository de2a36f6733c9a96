//! Who may touch it: plan files, scripts, secrets and folders that others could have made or
//! changed, and the usual set-ups, in which nothing stands in the way.
//!
//! The tests run as root where they can, and then as another user, for whom root's files are
//! somebody else's. Where they cannot, they say aloud what was not tested.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::simulator::{Gateway, Setup};
use crate::support::users::{GROUP, SERVICE, STRANGER, command_as, is_root};
use crate::support::{Home, PASSWORD, Ran, export};

/// A plan file whose password command leaves a trace.
fn plan_with_trace(trace: &Path) -> String {
    format!(
        "[settings]\nstore = \"/nowhere\"\nhistory = \"/nowhere/history.db\"\n\
         [[device]]\nname = \"QA1\"\nhost = \"127.0.0.1\"\nport = 1\nusername = \"backup\"\n\
         password = {{ command = [\"touch\", \"{}\"] }}\n\
         [[plan]]\nname = \"P\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"*\"\n",
        trace.display()
    )
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).expect("a file");
    set_mode(path, mode);
}

fn make_folder(path: &Path, mode: u32) -> PathBuf {
    fs::create_dir_all(path).expect("a folder");
    set_mode(path, mode);
    path.to_owned()
}

/// Runs the binary to its end as another user.
fn run_as(user: u32, groups: &[u32], folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = command_as(user, groups, folder, arguments);
    Ran::of(
        command
            .envs(variables.iter().copied())
            .output()
            .expect("setpriv(1)"),
    )
}

/// Runs the binary as the user of the tests in a folder, with no plan file named.
fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpbackup"));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir(folder)
        .stdin(Stdio::null());
    Ran::of(command.output().expect("the binary starts"))
}

/// No command of what was said makes anybody the owner of what is there, or lets anybody in. What somebody else has
/// made may be anything: root, who pastes what he reads, would run it.
fn gives_nothing_away(ran: &Ran) -> bool {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    ![
        "chown", "chgrp", "install", "setfacl", "cp ", "mv ", "ln ", "chmod a", "chmod +", "chmod 7",
    ]
    .iter()
    .any(|word| said.contains(word))
}

#[test]
fn a_plan_file_that_lies_where_others_may_put_files_is_not_taken() {
    let ground = tempfile::tempdir().expect("a folder");
    let trace = ground.path().join("trace");
    let commands: [&[&str]; 5] = [
        &["preview", "P"],
        &["validate"],
        &["check"],
        &["run", "P"],
        &["verify", "absent.zip"],
    ];
    for mode in [0o777, 0o1777, 0o775] {
        let folder = make_folder(&ground.path().join(format!("{mode:o}")), 0o755);
        write(&folder.join("plans.toml"), &plan_with_trace(&trace), 0o644);
        set_mode(&folder, mode);
        for command in commands {
            let ran = run_in(&folder, command).exits(2);
            assert!(
                ran.stderr.contains("plans.toml is not taken")
                    && ran.stderr.contains(if mode == 0o1777 {
                        "one of your own"
                    } else {
                        "chmod g"
                    }),
                "{mode:o} {command:?}: {}",
                ran.stderr
            );
            // What others may write is not taken by its name either.
            assert_eq!(ran.stderr.contains("--config"), mode == 0o1777, "{}", ran.stderr);
        }
        // A link is no better: it shows what others want to be shown.
        fs::rename(folder.join("plans.toml"), ground.path().join("moved.toml")).expect("moved");
        symlink(ground.path().join("moved.toml"), folder.join("plans.toml")).expect("a link");
        let ran = run_in(&folder, &["preview", "P"]).exits(2);
        assert!(ran.stderr.contains("is not taken"), "{}", ran.stderr);
    }
    assert!(!trace.exists(), "nothing of it was run");
}

#[test]
fn a_plan_file_in_the_folder_of_somebody_else_is_not_taken_by_root() {
    if !is_root("a plan file of somebody else") {
        return;
    }
    let ground = tempfile::tempdir().expect("a folder");
    let trace = ground.path().join("trace");
    let folder = make_folder(&ground.path().join("theirs"), 0o755);
    let plan = folder.join("plans.toml");
    write(&plan, &plan_with_trace(&trace), 0o644);
    chown(&folder, Some(STRANGER), Some(STRANGER)).expect("given");
    let ran = run_in(&folder, &["preview", "P"]).exits(2);
    assert!(
        ran.stderr.contains(&format!("belongs to user {STRANGER}")) && gives_nothing_away(&ran),
        "{}",
        ran.stderr
    );
    // Nor is the file alone, in a folder of root's, nor one that is named.
    chown(&folder, Some(0), Some(0)).expect("taken");
    chown(&plan, Some(STRANGER), Some(STRANGER)).expect("given");
    let named = plan.to_string_lossy();
    for arguments in [
        ["preview", "P", "--color=never"].as_slice(),
        &["--config", &named, "preview", "P"],
    ] {
        let ran = run_in(&folder, arguments).exits(2);
        assert!(
            ran.stderr.contains("a copy that you have read") && gives_nothing_away(&ran),
            "{}",
            ran.stderr
        );
    }
    // Nor a link of a stranger to a file of root's.
    chown(&plan, Some(0), Some(0)).expect("taken");
    let link = ground.path().join("link.toml");
    symlink(&plan, &link).expect("a link");
    lchown(&link, Some(STRANGER), Some(STRANGER)).expect("given");
    let ran = run_in(&folder, &["--config", &link.to_string_lossy(), "validate"]).exits(2);
    assert!(
        ran.stderr.contains("without the link") && gives_nothing_away(&ran),
        "{}",
        ran.stderr
    );
    assert!(!trace.exists(), "nothing of it was run");
    let _ = run_in(&folder, &["validate"]).exits(0);
}

#[test]
fn a_plan_file_that_others_may_write_is_refused_with_the_command_that_mends_it() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "*", ""));
    let path = home.plan_file();
    let named = path.to_string_lossy().into_owned();
    for (mode, command) in [(0o666, "chmod go-w"), (0o664, "chmod g-w"), (0o646, "chmod o-w")] {
        set_mode(&path, mode);
        let ran = run_in(&home.path(""), &["--config", &named, "check"]).exits(2);
        let pasted = format!("{command} {named}");
        assert!(ran.stderr.contains(&pasted), "{mode:o}: {}", ran.stderr);
        let mended = Command::new("sh")
            .args(["-c", &pasted])
            .status()
            .expect("a shell");
        assert!(mended.success());
        let _ = run_in(&home.path(""), &["--config", &named, "validate"]).exits(0);
    }
    // A folder anywhere above it, too.
    let above = make_folder(&home.path("above"), 0o755);
    make_folder(&above.join("below"), 0o755);
    fs::copy(&path, above.join("below/plans.toml")).expect("a copy");
    set_mode(&above, 0o777);
    let deeper = above.join("below/plans.toml").to_string_lossy().into_owned();
    let ran = run_in(&home.path(""), &["--config", &deeper, "validate"]).exits(2);
    let pasted = format!("chmod go-w {}", above.display());
    assert!(ran.stderr.contains(&pasted), "{}", ran.stderr);
    assert_eq!(gateway.requests().len(), 0);
}

#[test]
fn a_pipe_for_a_plan_file_or_an_archive_is_refused_and_not_waited_for() {
    let home = Home::new();
    home.pipe("pipe");
    let pipe = home.path("pipe").to_string_lossy().into_owned();
    for arguments in [
        ["--config", &pipe, "validate"].as_slice(),
        &["--config", &pipe, "run", "P"],
        &["diff", &pipe, &pipe],
        &["verify", &pipe],
    ] {
        let ran = run_in(&home.path(""), arguments);
        assert!(matches!(ran.code, Some(1 | 2)), "{arguments:?}: {ran:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            said.contains("not a regular file") || said.contains("neither a file nor a folder"),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn a_pipe_beside_the_history_is_refused_and_not_waited_for() {
    let home = Home::new()
        .absent_device("QA1")
        .plan("P", &export("*", "DOM1", ""));
    let _ran = home.dpbackup(&["run", "P"]);
    for suffix in ["-journal", "-wal", "-shm"] {
        let name = format!("state/history.db{suffix}");
        home.pipe(&name);
        for arguments in [["run", "P"].as_slice(), &["log"], &["check"], &["recover"]] {
            let ran = home.dpbackup(arguments);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let refused = format!("{suffix} is not a regular file");
            assert!(said.contains(&refused), "{arguments:?}: {said}");
        }
        fs::remove_file(home.path(&name)).expect("taken away");
    }
}

#[test]
fn a_script_that_others_could_have_written_is_not_run_and_check_says_so() {
    let gateway = Gateway::start(Setup::default());
    let touch = "#!/bin/sh\ntouch \"$DPBACKUP_STORE/../trace\"\n";
    let home = Home::new()
        .setting("scripts_dir = \"scripts\"")
        .script("pre.sh", touch)
        .device("QA1", &gateway)
        .plan(
            "P",
            &format!("pre_script = \"pre.sh\"\n{}", export("*", "DOM1", "")),
        );
    let script = home.path("scripts/pre.sh");
    for (path, mode, good) in [
        (&script, 0o777, 0o700),
        (&script, 0o770, 0o700),
        (&home.path("scripts"), 0o777, 0o755),
    ] {
        set_mode(path, mode);
        let command = format!(
            "{} {}",
            if mode == 0o770 { "chmod g-w" } else { "chmod go-w" },
            path.display()
        );
        let check = home.dpbackup(&["check"]).exits(1);
        assert!(
            check.stdout.contains("FAIL  script") && check.stdout.contains(&command),
            "{}",
            check.stdout
        );
        let ran = home.dpbackup(&["run", "P"]).exits(4);
        assert!(ran.stderr.contains(&command), "{}", ran.stderr);
        set_mode(path, good);
    }
    assert!(!home.path("trace").exists(), "it never ran");
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    assert!(home.path("trace").exists());
}

#[test]
fn the_usual_places_of_a_service_do_not_stand_in_the_way() {
    if !is_root("a service user with a plan of root's") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .setting("store = \"/PLACE/store\"")
        .setting("history = \"/PLACE/state/history.db\"")
        .setting("scripts_dir = \"/PLACE/etc/scripts\"")
        .device("QA1", &gateway)
        .plan(
            "P",
            &format!("pre_script = \"pre.sh\"\n{}", export("*", "DOM1", "")),
        );
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    let place = home.path("place");
    let text = text
        .replace("/PLACE", &place.to_string_lossy())
        .replace("{ env = \"DPBACKUP_TEST_PASSWORD\" }", "{ file = \"qa1\" }");
    set_mode(&home.path(""), 0o755);
    make_folder(&place, 0o755);
    // As the package lays it out: root's to write, the service's to read.
    let etc = make_folder(&place.join("etc"), 0o750);
    make_folder(&etc.join("scripts"), 0o750);
    write(&etc.join("plans.toml"), &text, 0o640);
    write(&etc.join("qa1"), &format!("{PASSWORD}\n"), 0o640);
    write(&etc.join("scripts/pre.sh"), "#!/bin/sh\n", 0o750);
    for path in ["", "scripts", "plans.toml", "qa1", "scripts/pre.sh"] {
        chown(etc.join(path), Some(0), Some(GROUP)).expect("given");
    }
    for name in ["store", "state"] {
        let folder = make_folder(&place.join(name), 0o700);
        chown(&folder, Some(SERVICE), Some(SERVICE)).expect("given");
    }
    let plans = etc.join("plans.toml").to_string_lossy().into_owned();
    let variables = [("DPBACKUP_CONFIG", plans.as_str())];
    for arguments in [
        ["check"].as_slice(),
        &["run", "P"],
        &["history"],
        &["verify", "--all"],
    ] {
        let ran = run_as(SERVICE, &[GROUP], &place, &variables, arguments).exits(0);
        assert!(!ran.stderr.contains("warning"), "{arguments:?}: {}", ran.stderr);
    }
    // Another group than root's choice may not have it.
    set_mode(&etc.join("qa1"), 0o644);
    let ran = run_as(SERVICE, &[GROUP], &place, &variables, &["run", "P"]).exits(1);
    assert!(ran.stderr.contains("chmod o-rwx"), "{}", ran.stderr);
}

#[test]
fn a_plan_in_an_operators_own_folder_does_not_stand_in_the_way() {
    if !is_root("an operator other than the one who tests") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    set_mode(&home.path(""), 0o755);
    let own = make_folder(&home.path("operator"), 0o755);
    write(&own.join("plans.toml"), &text, 0o644);
    chown(&own, Some(SERVICE), Some(SERVICE)).expect("given");
    chown(own.join("plans.toml"), Some(SERVICE), Some(SERVICE)).expect("given");
    // Found where it was started, and named.
    for arguments in [
        ["check"].as_slice(),
        &["run", "P"],
        &["--config", "plans.toml", "history"],
    ] {
        let _ = run_as(SERVICE, &[], &own, &[], arguments).exits(0);
    }
    assert!(own.join("state/history.db").exists() && own.join("store").exists());
}

/// A folder of the service's own in this home, with its plan file.
fn given_to_the_service(home: &Home) -> PathBuf {
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    set_mode(&home.path(""), 0o755);
    let own = make_folder(&home.path("own"), 0o755);
    write(&own.join("plans.toml"), &text, 0o644);
    for path in [&own, &own.join("plans.toml")] {
        chown(path, Some(SERVICE), Some(SERVICE)).expect("given");
    }
    own
}

/// Root may have brought the store back, or run a plan in it: what stays of that is root's to remove.
#[test]
fn a_leftover_of_root_in_the_store_of_a_service_is_told_and_no_run_is_the_worse_for_it() {
    if !is_root("a leftover of root in the store of a service") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    let own = given_to_the_service(&home);
    let run = |arguments: &[&str]| run_as(SERVICE, &[], &own, &[], arguments);
    let _ = run(&["run", "P"]).exits(0);
    let leftover = own
        .join("store/QA1/domain/DOM1")
        .join("DOM1-export-2026-03-01-23-30-05-007-persisted.zip.partial");
    write(&leftover, "half", 0o600);
    let ran = run(&["run", "P"]).exits(0);
    assert_eq!(ran.stderr, "");
    let recovered = run(&["recover"]).exits(0);
    let command = format!("`rm -r -- {}`", leftover.display());
    assert!(recovered.stdout.contains(&command), "{}", recovered.stdout);
    assert!(leftover.exists());
}

/// A volume as Kubernetes mounts a ConfigMap or a Secret: all of it links of root's.
fn mounted(place: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
    let volume = make_folder(place, 0o2755);
    let data = make_folder(&volume.join("..2026_11_25_01_02_03.4"), 0o2755);
    write(&data.join(name), text, mode);
    symlink("..2026_11_25_01_02_03.4", volume.join("..data")).expect("a link");
    symlink(format!("..data/{name}"), volume.join(name)).expect("a link");
    for path in [&volume, &data, &data.join(name)] {
        chown(path, Some(0), Some(GROUP)).expect("given");
        // A change of owner takes these bits away.
        let mode = if path.is_dir() { 0o2755 } else { mode };
        set_mode(path, mode);
    }
    volume.join(name)
}

#[test]
fn the_volumes_of_kubernetes_do_not_stand_in_the_way_and_their_group_is_told() {
    if !is_root("volumes of root's with a group") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .setting("store = \"/PLACE/store\"")
        .setting("history = \"/PLACE/state/history.db\"")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", ""));
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    set_mode(&home.path(""), 0o755);
    let place = make_folder(&home.path("place"), 0o755);
    let secret = mounted(&place.join("secret"), "qa1", PASSWORD, 0o440);
    let text = text.replace("/PLACE", &place.to_string_lossy()).replace(
        "{ env = \"DPBACKUP_TEST_PASSWORD\" }",
        &format!("{{ file = \"{}\" }}", secret.display()),
    );
    let plans = mounted(&place.join("config"), "plans.toml", &text, 0o644);
    for name in ["store", "state"] {
        let volume = make_folder(&place.join(name), 0o2775);
        chown(&volume, Some(0), Some(GROUP)).expect("given");
        set_mode(&volume, 0o2775);
    }
    let plans = plans.to_string_lossy().into_owned();
    let variables = [("DPBACKUP_CONFIG", plans.as_str())];
    let run = |arguments: &[&str]| run_as(SERVICE, &[GROUP], &place, &variables, arguments);
    let ran = run(&["run", "P"]).exits(0);
    assert!(ran.stderr.is_empty(), "no warning of a run: {}", ran.stderr);
    // The next pod gets the volume with every file given to the group.
    for path in [
        place.join("state/history.db"),
        place.join("state/history.db.locks"),
    ] {
        let mode = if path.is_dir() { 0o2770 } else { 0o660 };
        chown(&path, None, Some(GROUP)).expect("given");
        set_mode(&path, mode);
    }
    for entry in fs::read_dir(place.join("state/history.db.locks")).expect("locks") {
        let path = entry.expect("a lock").path();
        chown(&path, None, Some(GROUP)).expect("given");
        set_mode(&path, 0o660);
    }
    let ran = run(&["run", "P"]).exits(0);
    assert!(ran.stderr.is_empty(), "no warning of a run: {}", ran.stderr);
    for arguments in [["check"].as_slice(), &["validate"]] {
        let ran = run(arguments).exits(0);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let told = format!("the group {GROUP} may write to {}", place.join("store").display());
        assert!(said.contains(&told), "{arguments:?}: {said}");
    }
}

#[test]
fn a_credential_of_systemd_does_not_stand_in_the_way() {
    if !is_root("a credential of root's with an access list") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    let text = text.replace("{ env = \"DPBACKUP_TEST_PASSWORD\" }", "{ credential = \"qa1\" }");
    set_mode(&home.path(""), 0o755);
    let own = make_folder(&home.path("own"), 0o755);
    write(&own.join("plans.toml"), &text, 0o644);
    chown(&own, Some(SERVICE), Some(SERVICE)).expect("given");
    let credentials = make_folder(&home.path("credentials"), 0o550);
    write(&credentials.join("qa1"), PASSWORD, 0o440);
    for path in [&credentials, &credentials.join("qa1")] {
        chown(path, Some(0), Some(SERVICE)).expect("given");
    }
    let variables = [("CREDENTIALS_DIRECTORY", &*credentials.to_string_lossy())];
    let _ = run_as(SERVICE, &[], &own, &variables, &["run", "P"]).exits(0);
    // As the service manager of a user makes it.
    for path in [&credentials, &credentials.join("qa1")] {
        chown(path, Some(SERVICE), Some(SERVICE)).expect("given");
    }
    set_mode(&credentials.join("qa1"), 0o400);
    set_mode(&credentials, 0o500);
    let _ = run_as(SERVICE, &[], &own, &variables, &["run", "P"]).exits(0);
}

#[test]
fn the_metrics_are_for_everybody_to_read_whatever_the_umask_says() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan(
        "P",
        &export("*", "DOM1", "[notify.metrics]\npath = \"metrics/dp.prom\""),
    );
    make_folder(&home.path("metrics"), 0o1777);
    let kept = home.path("kept");
    write(&kept, "kept", 0o600);
    symlink(&kept, home.path("metrics/dp.prom")).expect("a link");
    let command = home.command(&["run", "P"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 077; exec \"$@\"", "sh"]);
    shell
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    shell.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let ran = Ran::of(shell.current_dir(home.path("")).output().expect("a shell")).exits(0);
    assert_eq!(ran.stderr, "");
    let metadata = fs::symlink_metadata(home.path("metrics/dp.prom")).expect("the metrics");
    assert!(metadata.is_file(), "the link was replaced");
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o644);
    assert_eq!(home.text("kept"), "kept");
}

/// A home whose plan has run once, so that there are a store, a history and locks.
fn used_home(gateway: &Gateway) -> Home {
    let home = Home::of(gateway).plan("P", &export("*", "DOM1", ""));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    home
}

#[test]
fn what_is_written_is_refused_where_others_may_write_it_and_the_command_mends_it() {
    let gateway = Gateway::start(Setup::default());
    let home = used_home(&gateway);
    let before = gateway.requests().len();
    // What it is, its mode now, the exit code of a run, and of a check.
    for (name, mode, code) in [
        ("store", 0o777, 4),
        ("state", 0o777, 6),
        ("state", 0o770, 6),
        ("state/history.db", 0o666, 6),
        ("state/history.db", 0o660, 6),
        ("state/history.db.locks", 0o777, 6),
        ("state/history.db.locks/plan-P.lock", 0o666, 6),
    ] {
        let path = home.path(name);
        let good = fs::metadata(&path).expect(name).permissions().mode() & 0o7777;
        set_mode(&path, mode);
        let check = home.dpbackup(&["check"]).exits(1);
        let validated = home.dpbackup(&["validate"]).exits(0);
        let ran = home.dpbackup(&["run", "P"]);
        assert_eq!(ran.code, Some(code), "{name} {mode:o}: {}", ran.stderr);
        let command = ran.stderr.split('`').find(|words| words.starts_with("chmod "));
        let command = command
            .unwrap_or_else(|| panic!("{name} {mode:o}: {}", ran.stderr))
            .to_owned();
        assert!(command.ends_with(&*path.to_string_lossy()), "{command}");
        assert!(
            validated.stderr.contains(&command),
            "{name} {mode:o}: {}",
            validated.stderr
        );
        assert!(
            check.stdout.contains(&command),
            "{name} {mode:o}: {}",
            check.stdout
        );
        let mended = Command::new("sh")
            .args(["-c", &command])
            .status()
            .expect("a shell");
        assert!(mended.success());
        let ran = home.dpbackup(&["run", "P"]).exits(0);
        assert_eq!(ran.stderr, "", "{name}");
        set_mode(&path, good);
    }
    assert!(gateway.requests().len() > before, "the runs between were runs");
}

#[test]
fn a_history_behind_a_link_is_looked_at_where_it_stands_by_all_who_look() {
    let gateway = Gateway::start(Setup::default());
    let home = used_home(&gateway);
    let codes = || ["check", "validate", "preview"].map(|command| home.dpbackup(&[command]).code);
    let before = codes();
    let history = home.path("state/history.db");
    fs::rename(&history, home.path("state/real.db")).expect("renamed");
    fs::rename(
        home.path("state/history.db.locks"),
        home.path("state/real.db.locks"),
    )
    .expect("renamed");
    std::os::unix::fs::symlink("real.db", &history).expect("a link");
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    assert_eq!(codes(), before);
    set_mode(&home.path("state/real.db"), 0o666);
    let _ = home.dpbackup(&["check"]).exits(1);
    let _ = home.dpbackup(&["run", "P"]).exits(6);
}

#[test]
fn what_somebody_else_owns_is_not_written_and_only_what_root_left_in_a_folder_of_ours_is_taken_by_a_command()
{
    if !is_root("a store and a history of somebody else") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    let own = given_to_the_service(&home);
    let run = |arguments: &[&str]| run_as(SERVICE, &[], &own, &[], arguments);
    let _ = run(&["run", "P"]).exits(0);
    for (name, code) in [
        ("store", 4),
        // Whether something is still quiesced cannot be told where the journal cannot be read.
        ("state", 10),
        ("state/history.db", 10),
        ("state/history.db.locks", 6),
        ("state/history.db.locks/plan-P.lock", 6),
    ] {
        let path = own.join(name);
        chown(&path, Some(STRANGER), None).expect("given");
        let words = format!(
            "{} belongs to user {STRANGER}, and should to user {SERVICE}",
            path.display()
        );
        let ran = run(&["run", "P"]);
        assert_eq!(ran.code, Some(code), "{name}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(&words) && gives_nothing_away(&ran),
            "{name}: {}",
            ran.stderr
        );
        let check = run(&["check"]).exits(if code == 10 { 10 } else { 1 });
        assert!(
            check.stdout.contains(&words) && gives_nothing_away(&check),
            "{name}: {}",
            check.stdout
        );
        chown(&path, Some(SERVICE), None).expect("given back");
    }
    // Root's is nobody's fault, and the service can write there as little. What stands in a folder of the service it
    // could have replaced, so that nothing is given away.
    for (name, code) in [
        ("state", 10),
        ("state/history.db", 10),
        ("state/history.db.locks", 6),
        ("state/history.db.locks/plan-P.lock", 6),
    ] {
        let path = own.join(name);
        chown(&path, Some(0), None).expect("given");
        let ran = run(&["run", "P"]);
        assert_eq!(ran.code, Some(code), "{name}: {}", ran.stderr);
        let command = format!("chown -h {SERVICE} {}", path.display());
        assert!(ran.stderr.contains(&command), "{name}: {}", ran.stderr);
        let check = run(&["check"]).exits(if code == 10 { 10 } else { 1 });
        assert!(check.stdout.contains(&command), "{name}: {}", check.stdout);
        let mended = Command::new("sh")
            .args(["-c", &command])
            .status()
            .expect("a shell");
        assert!(mended.success());
        let _ = run(&["run", "P"]).exits(0);
    }
    // Beside a history in a folder of root's no other is proposed: it would be an empty one.
    for name in ["", "state"] {
        chown(own.join(name), Some(0), None).expect("given");
    }
    let ran = run(&["run", "P"]).exits(10);
    assert!(
        ran.stderr
            .contains("run dpbackup as root: a history may be there")
            && !ran.stderr.contains("mkdir"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_run_that_root_starts_by_hand_leaves_nothing_that_locks_the_service_out() {
    if !is_root("a run by root beside a service") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    set_mode(&home.path(""), 0o755);
    let etc = make_folder(&home.path("etc"), 0o755);
    let own = make_folder(&home.path("own"), 0o755);
    let text = text
        .replace("\"store\"", &format!("\"{}/store\"", own.display()))
        .replace("\"state/", &format!("\"{}/state/", own.display()));
    write(&etc.join("plans.toml"), &text, 0o644);
    chown(&own, Some(SERVICE), Some(SERVICE)).expect("given");
    let plans = etc.join("plans.toml").to_string_lossy().into_owned();
    let variables = [("DPBACKUP_CONFIG", plans.as_str())];
    // Root first, then the service, then root again: nobody makes what the other cannot use.
    for user in [0, SERVICE, 0, SERVICE] {
        let ran = run_as(user, &[], &own, &variables, &["run", "P"]).exits(0);
        assert_eq!(ran.stderr, "", "user {user}");
        let _ = run_as(user, &[], &own, &variables, &["check"]).exits(0);
    }
    let mut all = vec![own.clone()];
    while let Some(path) = all.pop() {
        assert_eq!(
            fs::metadata(&path).expect("there").uid(),
            SERVICE,
            "{}",
            path.display()
        );
        if path.is_dir() {
            all.extend(
                fs::read_dir(&path)
                    .expect("a folder")
                    .map(|entry| entry.expect("an entry").path()),
            );
        }
    }
}

#[test]
fn a_folder_that_somebody_else_has_put_into_an_open_store_is_not_written_to() {
    if !is_root("a folder of somebody else in a store for everybody") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = used_home(&gateway);
    set_mode(&home.store(), 0o1777);
    let check = home.dpbackup(&["check"]).exits(0);
    assert!(
        check.stdout.contains("everybody may put files into"),
        "{}",
        check.stdout
    );
    assert_eq!(home.dpbackup(&["run", "P"]).exits(0).stderr, "");
    for name in ["QA1", "QA1/domain", "QA1/domain/DOM1"] {
        let path = home.store().join(name);
        chown(&path, Some(STRANGER), Some(STRANGER)).expect("given");
        let ran = home.dpbackup(&["run", "P"]).exits(1);
        let words = format!(
            "{} belongs to user {STRANGER}, and should to root",
            path.display()
        );
        assert!(
            ran.stderr.contains(&words) && gives_nothing_away(&ran),
            "{name}: {}",
            ran.stderr
        );
        chown(&path, Some(0), Some(0)).expect("taken");
    }
    let _ = home.dpbackup(&["run", "P"]).exits(0);
}

/// A folder of root's, such as `/var/lib`: others use it too. What is pasted makes a new folder in it, and it is the
/// way out.
#[test]
fn a_history_or_a_store_in_a_folder_of_roots_is_told_how_to_make_a_folder_of_its_own() {
    if !is_root("a folder of root's that a service may not write to") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    let own = given_to_the_service(&home);
    let shared = make_folder(&home.path("var/lib"), 0o755);
    make_folder(&home.path("var"), 0o755);
    let shown = shared.display();
    let write_plan = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        let path = own.join("plans.toml");
        write(&path, &text.replace(from, to), 0o644);
        chown(&path, Some(SERVICE), Some(SERVICE)).expect("given");
    };
    let run = |arguments: &[&str]| run_as(SERVICE, &[], &own, &[], arguments);
    let paste = |said: &str, command: &str| {
        let words = format!("`{command}`");
        assert!(said.contains(&words), "{command}: {said}");
        let made = Command::new("sh").args(["-c", command]).status();
        assert!(made.expect("a shell").success(), "{command}");
    };
    let history = "\"state/history.db\"";
    write_plan(history, &format!("\"{shown}/dp.db\""));
    let ran = run(&["run", "P"]);
    let command = format!("mkdir -m 700 {shown}/dpbackup && chown {SERVICE} {shown}/dpbackup");
    assert!(run(&["check"]).stdout.contains(&command));
    paste(&ran.stderr, &command);
    write_plan(history, &format!("\"{shown}/dpbackup/dp.db\""));
    let _ = run(&["run", "P"]).exits(0);
    // A second time that name is taken, and by whom is not asked.
    write_plan(history, &format!("\"{shown}/dp.db\""));
    let again = run(&["run", "P"]);
    assert!(
        again
            .stderr
            .contains(&format!("mkdir -m 700 {shown}/dpbackup-{SERVICE} ")),
        "{}",
        again.stderr
    );
    // What is not there yet is made by root, with the folders above it.
    let deep = format!("{shown}/backup/datapower");
    write_plan("\"store\"", &format!("\"{deep}\""));
    let check = run(&["check"]).exits(1);
    paste(
        &check.stdout,
        &format!("mkdir -p {shown}/backup && mkdir -m 700 {deep} && chown {SERVICE} {deep}"),
    );
    let _ = run(&["run", "P"]).exits(0);
    write_plan(history, &format!("\"{shown}/state/dp.db\""));
    let check = run(&["check"]).exits(1);
    paste(
        &check.stdout,
        &format!("mkdir -m 700 {shown}/state && chown {SERVICE} {shown}/state"),
    );
    let _ = run(&["run", "P"]).exits(0);
    for folder in [&home.path("var"), &shared, &shared.join("backup")] {
        let found = fs::metadata(folder).expect("there");
        assert_eq!(
            (found.uid(), found.mode() & 0o022),
            (0, 0),
            "{}",
            folder.display()
        );
    }
}

/// What cannot be entered may hold anything, and no command makes it anew.
#[test]
fn a_store_or_a_history_below_a_folder_that_may_not_be_entered_names_that_folder() {
    if !is_root("a folder of root's that a service may not enter") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    let own = given_to_the_service(&home);
    let shut = make_folder(&home.path("shut"), 0o700);
    let refused = format!(
        "{} belongs to root, and this user may not enter it",
        shut.display()
    );
    let says = |variables: &[(&str, &str)], arguments: &[&str], words: &[&str]| {
        let ran = run_as(SERVICE, &[], &own, variables, arguments);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        for words in words {
            assert!(said.contains(words), "{arguments:?}: {said}");
        }
        assert!(!said.contains("mkdir"), "{arguments:?}: {said}");
    };
    let write_plan = |from: &str, to: &str| {
        write(&own.join("plans.toml"), &text.replace(from, to), 0o644);
        chown(own.join("plans.toml"), Some(SERVICE), Some(SERVICE)).expect("given");
    };
    write_plan("\"store\"", &format!("\"{}/dp\"", shut.display()));
    for arguments in [["check"].as_slice(), &["preview", "P"], &["run", "P"]] {
        says(&[], arguments, &[&refused, "run dpbackup as root"]);
    }
    says(
        &[],
        &["recover"],
        &[
            "nothing to recover: no run that died has left anything",
            "what runs left in the store was not looked for",
            &refused,
        ],
    );
    write_plan("history = \"state/history.db\"", "");
    let home_of_root = shut.to_string_lossy();
    for arguments in [
        ["check"].as_slice(),
        &["preview", "P"],
        &["run", "P"],
        &["history"],
        &["recover"],
    ] {
        says(
            &[("HOME", &home_of_root)],
            arguments,
            &[&refused, "it stands where $HOME says"],
        );
    }
}

/// Nothing is made by root in the folder of somebody else, who could lead it elsewhere.
#[test]
fn no_command_makes_a_store_in_the_home_of_somebody_else() {
    if !is_root("a home of somebody else") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    let own = given_to_the_service(&home);
    let alice = make_folder(&home.path("alice"), 0o755);
    chown(&alice, Some(STRANGER), Some(STRANGER)).expect("given");
    for store in [alice.clone(), alice.join("backup")] {
        let text = text.replace("\"store\"", &format!("\"{}\"", store.display()));
        write(&own.join("plans.toml"), &text, 0o644);
        chown(own.join("plans.toml"), Some(SERVICE), Some(SERVICE)).expect("given");
        for arguments in [["check"].as_slice(), &["run", "P"], &["preview", "P"]] {
            let ran = run_as(SERVICE, &[], &own, &[], arguments);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains(&*alice.to_string_lossy()), "{arguments:?}: {said}");
            assert!(gives_nothing_away(&ran), "{arguments:?}: {said}");
        }
    }
}

/// Three pastes of what the program itself printed would have had root run what somebody else has written.
#[test]
fn whoever_follows_every_advice_as_root_runs_nothing_of_somebody_else() {
    if !is_root("a script and a plan file of somebody else") {
        return;
    }
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .setting("scripts_dir = \"scripts\"")
        .script("pre.sh", "#!/bin/sh\ntouch \"$DPBACKUP_STORE/../trace\"\n")
        .device("QA1", &gateway)
        .plan(
            "P",
            &format!("pre_script = \"pre.sh\"\n{}", export("*", "DOM1", "")),
        );
    let script = home.path("scripts/pre.sh");
    for path in [script.clone(), home.path("scripts")] {
        chown(&path, Some(STRANGER), Some(STRANGER)).expect("given");
        for arguments in [["check"].as_slice(), &["run", "P"]] {
            let ran = home.dpbackup(arguments);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains(&format!("belongs to user {STRANGER}")), "{said}");
            assert!(gives_nothing_away(&ran), "{arguments:?}: {said}");
        }
        chown(&path, Some(0), Some(0)).expect("taken");
    }
    assert!(!home.path("trace").exists(), "it never ran");
}

#[test]
fn who_may_read_a_ca_file_is_shown_to_whoever_may_not() {
    if !is_root("a CA file that another user may not read") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    set_mode(folder.path(), 0o755);
    write(&folder.path().join("ca.pem"), "of root", 0o600);
    let plan = "[settings]\nstore = \"/nonexistent/store\"\nhistory = \"/nonexistent/h.db\"\n[[device]]\nname = \"QA1\"\nhost = \"127.0.0.1\"\n\
                username = \"backup\"\npassword = { env = \"P\" }\ntls = { ca_file = \"ca.pem\" }\n";
    write(&folder.path().join("plans.toml"), plan, 0o644);
    let ran = run_as(
        SERVICE,
        &[],
        folder.path(),
        &[],
        &["-c", "plans.toml", "validate"],
    )
    .exits(2);
    assert!(
        ran.stderr.contains("`ls -ld ca.pem` shows who may read it"),
        "{}",
        ran.stderr
    );
}
