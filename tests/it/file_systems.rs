//! Real file systems as store: what each of them has, and what it lacks. Where this machine does
//! not let one be mounted, a line on stderr says so; what each would answer is tested all the
//! same, beside `artifact::publish`.

use std::fs;
use std::process::Command;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{Home, Ran, gateways, not_tested_here};

const PLAN: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\n\
                    [[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\ncertificate = \"backup-cert\"\n\
                    quiesce = true\n";

/// Everything that touches the store, and how it should end.
const COMMANDS: [(&str, i32); 9] = [
    ("check", 0),
    ("run P", 0),
    ("check", 0),
    ("run P", 0),
    ("verify --all", 0),
    ("prune", 0),
    ("verify --all", 0),
    ("recover", 0),
    ("history status", 0),
];

fn scene() -> (Gateway, Home) {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1")],
        ..Setup::default()
    });
    let home = Home::new()
        .setting("retention = { keep_last = 1 }")
        .device("QA1", &gateway)
        .plan("P", PLAN);
    fs::create_dir(home.store()).expect("a folder");
    (gateway, home)
}

/// Mounts the store in a name space of its own, and runs all commands there, each with `before` in
/// front of it. Nothing but this shell and what it starts sees the mount.
fn in_mount(home: &Home, mount: &str, before: &str, unmount: &str) -> Ran {
    let binary = env!("CARGO_BIN_EXE_dpbackup");
    let mut script = format!("{mount} || exit 99\ncp {binary} dpbackup\n");
    for (command, _) in COMMANDS {
        script.push_str(&format!("{before} ./dpbackup {command} 2>&1; echo \"== $?\"\n"));
    }
    script.push_str(&format!("ls -A store; {unmount}\n"));
    let own = home.command(&[]);
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "sh", "-c", &script]);
    shell.env_clear().current_dir(home.path(""));
    for (name, value) in own.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    shell.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    Ran::of(shell.output().expect("a shell starts"))
}

/// Whether the file system could be mounted; and if so, that everything ended as it should.
#[track_caller]
fn all_is_well(what: &str, ran: &Ran) -> bool {
    let is_mounted = ran.code != Some(99) && ran.stdout.contains("\n== ");
    if !is_mounted {
        not_tested_here(&format!("{what}, which cannot be mounted: {}", ran.stderr.trim()));
        return false;
    }
    let mut rest = ran.stdout.as_str();
    for (command, code) in COMMANDS {
        let (said, after) = rest
            .split_once("== ")
            .unwrap_or_else(|| panic!("{command}: {ran:?}"));
        let (found, after) = after.split_once('\n').unwrap_or((after, ""));
        assert_eq!(found, code.to_string(), "{what}: {command}: {said}");
        rest = after;
    }
    true
}

#[test]
fn a_file_system_in_memory_serves() {
    let (gateway, home) = scene();
    let ran = in_mount(
        &home,
        "mount -t tmpfs -o size=64m tmpfs store",
        "",
        "umount store",
    );
    if all_is_well("tmpfs", &ran) {
        assert!(!ran.stdout.contains("plain renames"), "{}", ran.stdout);
        assert!(gateway.state().is_unquiesced());
    }
}

#[test]
fn a_disk_of_its_own_serves_whoever_runs_and_its_lost_and_found_costs_no_warning() {
    let (gateway, home) = scene();
    home.plan_file();
    // Only root may enter lost+found; whoever runs is another one.
    let mount = "truncate -s 64M disk && mkfs.ext4 -q -F disk && mount -o loop disk store \
                 && chown 65534:65534 store && chmod 700 store && chown -R 65534:65534 plans.toml scripts . 2>/dev/null; \
                 test -d store/lost+found && chown 0:0 store/lost+found";
    let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    let ran = in_mount(&home, mount, nobody, "umount store");
    if all_is_well("ext4 on a loop device", &ran) {
        assert!(ran.stdout.ends_with("QA1\nlost+found\n"), "{}", ran.stdout);
        assert!(
            !ran.stdout.contains("warning:") && !ran.stdout.contains("cannot be removed"),
            "{}",
            ran.stdout
        );
        assert!(gateway.state().is_unquiesced());
    }
}

/// Runs `dpbackup ARGUMENTS` where the folder of scripts is a file system from which nothing is
/// run. `None` where that cannot be mounted.
fn without_programs(home: &Home, arguments: &str) -> Option<Ran> {
    let binary = env!("CARGO_BIN_EXE_dpbackup");
    let script = format!(
        "cp -a scripts kept && mount -t tmpfs -o noexec,mode=755 tmpfs scripts || exit 99\n\
         cp -a kept/. scripts/ && {binary} {arguments}\ncode=$?; umount scripts; exit $code\n"
    );
    let own = home.command(&[]);
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "sh", "-c", &script]);
    shell.env_clear().current_dir(home.path(""));
    shell.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = Ran::of(shell.output().expect("a shell starts"));
    if ran.code == Some(99) || ran.stderr.contains("unshare:") {
        not_tested_here(&format!(
            "a file system that is mounted noexec: {}",
            ran.stderr.trim()
        ));
        return None;
    }
    Some(ran)
}

#[test]
fn a_script_on_a_file_system_without_programs_is_told_as_that() {
    let gateway = Gateway::start(Setup::default());
    let activity = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\n";
    let home = Home::of(&gateway)
        .script("pre.sh", "#!/bin/sh\n")
        .plan("P", &format!("pre_script = \"pre.sh\"\n{activity}"));
    let Some(ran) = without_programs(&home, "run P") else {
        return;
    };
    let said = ran.exits(4).stderr;
    assert!(
        said.contains("pre.sh is on a file system that is mounted noexec") && !said.contains("chmod"),
        "{said}"
    );
    assert!(
        !gateway.operations().contains(&"do-backup".to_owned()),
        "nothing was begun"
    );
}

#[test]
fn a_password_command_on_a_file_system_without_programs_is_told_as_that() {
    let gateway = Gateway::start(Setup::default());
    let activity = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\n";
    let home = Home::of(&gateway)
        .script("password", "#!/bin/sh\necho x\n")
        .plan("P", activity);
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    let text = text.replace(
        "{ env = \"DPBACKUP_TEST_PASSWORD\" }",
        "{ command = [\"./scripts/password\"] }",
    );
    fs::write(home.path("other.toml"), text).expect("written");
    let Some(ran) = without_programs(&home, "--config other.toml check") else {
        return;
    };
    let said = format!("{}{}", ran.stdout, ran.stderr);
    // Lines are broken where they are shown.
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("its file system is mounted noexec") && said.contains("put it elsewhere"),
        "{said}"
    );
}

#[test]
fn a_mount_of_rclone_is_served_by_plain_renames() {
    let mount = "command -v rclone > /dev/null || { echo rclone is not installed >&2; exit 99; }\n\
                 rclone mount --config /dev/null --vfs-cache-mode writes --cache-dir \"$PWD/cache\" --umask 077 far store 2> rclone.log &\n\
                 for _ in $(seq 100); do mountpoint -q store && break; sleep 0.1; done\n\
                 mountpoint -q store || { cat rclone.log >&2; kill $! 2> /dev/null; exit 99; }\n\
                 true";
    for tries_left in [2, 1, 0] {
        let (gateway, home) = scene();
        fs::create_dir(home.path("far")).expect("a folder");
        let ran = in_mount(&home, mount, "", "fusermount3 -u store; wait");
        // At times, on a busy machine, it answers that a file is not there that it has just been given: the
        // task fails then, as it must.
        if tries_left > 0 && ran.stdout.contains("the store is not where it was") {
            continue;
        }
        if all_is_well("a mount of rclone", &ran) {
            assert!(ran.stdout.contains("by plain renames"), "{}", ran.stdout);
            assert!(gateway.state().is_unquiesced());
        }
        return;
    }
}

#[test]
fn a_store_that_cannot_take_backups_is_found_out_before_anything_is_quiesced() {
    let (gateway, home) = scene();
    fs::create_dir(home.path("far")).expect("a folder");
    // Without a cache rclone lets nothing be read back that is just being written.
    let mount = "command -v rclone > /dev/null || { echo rclone is not installed >&2; exit 99; }\n\
                 rclone mount --config /dev/null --vfs-cache-mode off --umask 077 far store 2> rclone.log &\n\
                 for _ in $(seq 100); do mountpoint -q store && break; sleep 0.1; done\n\
                 mountpoint -q store || { cat rclone.log >&2; kill $! 2> /dev/null; exit 99; }\n\
                 true";
    let ran = in_mount(&home, mount, "", "fusermount3 -u store; wait");
    if ran.code == Some(99) || !ran.stdout.contains("\n== ") {
        not_tested_here(&format!("a store that lacks something: {}", ran.stderr.trim()));
        return;
    }
    let ends: Vec<&str> = ran
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("== "))
        .collect();
    assert_eq!(ends[..3], ["1", "4", "1"], "{}", ran.stdout);
    assert!(ran.stdout.contains("the store "), "{}", ran.stdout);
    let quiesced = gateway.operations().iter().any(|asked| asked.contains("Quiesce"));
    assert!(!quiesced, "{:?}", gateway.operations());
}

#[test]
fn a_store_that_becomes_read_only_in_a_run_is_found_out_before_the_next_gateway_is_quiesced() {
    let gateways = [1, 2].map(|number| {
        let gateway = Gateway::start(Setup {
            domains: vec![Domain::new("DOM1")],
            ..Setup::default()
        });
        gateway.state().set_serial(&format!("78A000{number}"));
        gateway
    });
    let plan = "error_policy = \"ignore\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\n\
                quiesce = true\npost_script = \"readonly.sh\"\n";
    let home = Home::quick()
        .device("QA1", &gateways[0])
        .device("QA2", &gateways[1])
        .plan("P", plan);
    let remount = format!("#!/bin/sh\nexec mount -o remount,ro {}\n", home.store().display());
    let home = home.script("readonly.sh", &remount);
    fs::create_dir(home.store()).expect("a folder");
    let ran = run_on_tmpfs(&home, "");
    if ran.code == Some(99) || ran.stderr.contains("unshare:") {
        not_tested_here(&format!("a store that becomes read-only: {}", ran.stderr.trim()));
        return;
    }
    assert_eq!(gateways[0].received("DomainQuiesce"), 1, "{ran:?}");
    assert_eq!(gateways[1].received("DomainQuiesce"), 0, "{ran:?}");
    assert!(ran.stderr.contains("read-only"), "{ran:?}");
}

#[test]
fn a_store_into_which_no_more_files_fit_is_told_before_anything_is_quiesced() {
    let gateway = Gateway::start(Setup::default());
    let activity = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\nquiesce = true\n";
    let home = Home::of(&gateway).plan("P", activity);
    fs::create_dir(home.store()).expect("a folder");
    let ran = run_on_tmpfs(&home, ",nr_inodes=12");
    if ran.code == Some(99) || ran.stderr.contains("unshare:") {
        not_tested_here(&format!("a store without inodes: {}", ran.stderr.trim()));
        return;
    }
    let said = ran
        .exits(4)
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        said.contains("more files (inodes), and a backup may need 16") && said.contains("`df -i`"),
        "{said}"
    );
    assert_eq!(gateway.received("DomainQuiesce"), 0);
}

/// Runs the plan P on a store that is a file system of its own with these options, which ends with the run.
fn run_on_tmpfs(home: &Home, options: &str) -> Ran {
    let binary = env!("CARGO_BIN_EXE_dpbackup");
    let script = format!(
        "mount -t tmpfs -o size=64m,mode=700{options} tmpfs store || exit 99\n{binary} run P; code=$?; umount -l store; exit $code\n"
    );
    let own = home.command(&[]);
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "sh", "-c", &script]);
    shell.env_clear().current_dir(home.path(""));
    shell.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    Ran::of(shell.output().expect("a shell starts"))
}

#[test]
fn a_store_that_a_script_unmounts_is_noticed_before_the_quiesce_and_the_task_has_failed() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let plan = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\nquiesce = true\n\
                    pre_script = \"unmount.sh\"\n";
    let home = Home::quick().device("QA1", &gateway).plan("P", plan);
    let unmount = format!("#!/bin/sh\nexec umount -l {}\n", home.store().display());
    let home = home.script("unmount.sh", &unmount);
    fs::create_dir(home.store()).expect("a folder");
    let ran = run_on_tmpfs(&home, "");
    if ran.code == Some(99) || ran.stderr.contains("unshare:") {
        not_tested_here(&format!("a store that is unmounted: {}", ran.stderr.trim()));
        return;
    }
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let words = "the file system that was mounted at the store";
    assert!(ran.stderr.contains(words), "{ran:?}");
    assert!(ran.stderr.contains("DOWNLOAD_FAILED"), "{ran:?}");
    assert!(ran.stderr.contains("0 succeeded, 1 failed"), "{ran:?}");
    assert_eq!(gateway.received("DomainQuiesce"), 0, "{ran:?}");
    assert_eq!(fs::read_dir(home.store()).expect("a folder").count(), 0);
}
