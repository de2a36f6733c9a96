use std::process::Command;

use rustix::process::{Pid, Signal};

use crate::values::environment::process;

use super::*;

fn script(folder: &tempfile::TempDir, name: &str, text: &str, mode: u32) -> Script {
    let path = folder.path().join(name);
    // Written by a child: a file that this process has open for writing could be inherited
    // by what another test starts at this moment, and could then not be executed.
    let written = Command::new("/bin/sh")
        .args([
            "-c",
            "printf %s \"$1\" > \"$2\" && chmod \"$3\" \"$2\"",
            "sh",
            text,
        ])
        .arg(&path)
        .arg(format!("{mode:o}"))
        .status();
    assert!(
        written.expect("a shell").success(),
        "the script {name} is written"
    );
    Script {
        path,
        arguments: vec!["one two".to_owned(), "$HOME".to_owned()],
        variables: vec![("DPBACKUP_X".to_owned(), "y".into())],
        withheld: vec!["PATH".to_owned()],
        timeout: Duration::from_secs(60),
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn arguments_reach_a_script_as_they_are_and_withheld_variables_do_not() {
    let folder = folder();
    let script = script(
        &folder,
        "s",
        "#!/bin/sh\necho \"$1|$2|$DPBACKUP_X\"\n/usr/bin/env | /bin/grep ^PATH= >&2\nexit 3\n",
        0o700,
    );
    let ran = script.run(&|| false);
    assert_eq!(ran.output, "one two|$HOME|y\n");
    assert_eq!(ran.output_bytes, ran.output.len() as u64);
    assert_eq!(ran.end, ScriptEnd::Code(3));
}

#[test]
fn a_timeout_ends_the_whole_group_even_one_that_ignores_sigterm() {
    let folder = folder();
    let pids = folder.path().join("pid");
    let text = format!(
        "#!/bin/sh\ntrap '' TERM\nsh -c 'echo $$ > {}; sleep 600' &\nwait\nsleep 600\n",
        pids.display()
    );
    let mut script = script(&folder, "s", &text, 0o700);
    script.timeout = Duration::from_millis(400);
    assert_eq!(
        script.run(&|| false).end,
        ScriptEnd::TimedOut(Duration::from_millis(400))
    );
    let pid: i32 = std::fs::read_to_string(&pids)
        .expect("the grandchild ran")
        .trim()
        .parse()
        .expect("its id");
    let gone = |pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    };
    while !gone(pid) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_a_script_has_started_may_clean_up_when_the_script_itself_is_gone() {
    let folder = folder();
    let ready = folder.path().join("ready");
    let text = format!(
        "#!/bin/sh\n(trap '/bin/sleep 0.3; echo cleaned; exit' TERM; : > {}; while :; do /bin/sleep 0.05; done) &\nwait\n",
        ready.display()
    );
    let script = script(&folder, "s", &text, 0o700);
    let ran = script.run(&|| ready.exists());
    assert_eq!(ran.end, ScriptEnd::Interrupted);
    // A shell may say of its own child that it was ended.
    assert!(ran.output.ends_with("cleaned\n"), "{}", ran.output);
}

#[test]
fn only_the_end_of_a_long_output_is_kept() {
    let folder = folder();
    let ran = script(
        &folder,
        "s",
        "#!/bin/sh\ni=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; echo last\n",
        0o700,
    )
    .run(&|| false);
    assert_eq!(ran.output.len(), KEPT_OUTPUT);
    assert_eq!(ran.output_bytes, 20_000 * 11 + 5);
    assert!(ran.output.ends_with("last\n"));
}

#[test]
fn a_process_left_behind_with_the_output_open_is_not_waited_for() {
    let folder = folder();
    let ran = script(&folder, "s", "#!/bin/sh\n/bin/sleep 600 &\necho $!\n", 0o700).run(&|| false);
    assert_eq!(ran.end, ScriptEnd::Code(0));
    let left: i32 = ran
        .output
        .trim()
        .parse()
        .expect("the id of the process left behind");
    assert!(std::path::Path::new(&format!("/proc/{left}")).exists());
    let left = Pid::from_raw(left).expect("an id");
    rustix::process::kill_process(left, Signal::KILL).expect("it is ours to end");
}

#[test]
fn a_cancelled_script_is_ended() {
    let folder = folder();
    let script = script(&folder, "s", "#!/bin/sh\nexec /bin/sleep 600\n", 0o700);
    assert_eq!(script.run(&|| true).end, ScriptEnd::Interrupted);
}

#[test]
fn what_cannot_start_says_why() {
    let folder = folder();
    let why = |script: Script| match script.run(&|| false).end {
        ScriptEnd::NotStarted(why) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(script(&folder, "plain", "#!/bin/sh\n", 0o600)).contains("not executable"));
    assert!(why(script(&folder, "bare", "\u{7f}bin", 0o700)).contains("#!/bin/sh"));
    let lost = why(script(&folder, "lost", "#!/no/such/shell\n", 0o700));
    assert!(lost.contains("interpreter /no/such/shell named"), "{lost}");
    let windows = why(script(&folder, "windows", "#!/bin/sh\r\nexit\r\n", 0o700));
    assert!(windows.contains("no interpreter '/bin/sh\\r'"), "{windows}");
    let marked = why(script(&folder, "marked", "\u{feff}#!/bin/sh\nexit\n", 0o700));
    assert!(
        marked.starts_with("a byte order mark stands in front"),
        "{marked}"
    );
    let mut script = script(&folder, "s", "", 0o700);
    script.path = folder.path().join("absent");
    assert!(why(script).contains("does not exist"));
}

#[test]
fn looking_at_a_script_finds_what_starting_it_would() {
    let folder = folder();
    let look = |name, text, mode| could_start(&script(&folder, name, text, mode).path, &process);
    assert_eq!(look("good", "#!/bin/sh\n", 0o700), Ok(()));
    assert!(look("plain", "#!/bin/sh\n", 0o600).is_err_and(|why| why.contains("not executable")));
    assert!(look("bare", "echo\n", 0o700).is_err_and(|why| why.contains("#!/bin/sh")));
    assert!(look("lost", "#!/no/such/shell\n", 0o700).is_err_and(|why| why.contains("interpreter")));
    let absent = could_start(&folder.path().join("absent"), &process);
    assert!(absent.is_err_and(|why| why.contains("does not exist")));
    assert!(could_start(folder.path(), &process).is_err_and(|why| why.contains("is a folder")));
    assert_eq!(look("spaced", "#! /bin/sh -e\n", 0o700), Ok(()));
    for (name, text, interpreter) in [
        ("windows", "#!/bin/sh\r\nexit\r\n", "'/bin/sh\\r'"),
        ("by-env", "#!/usr/bin/env sh\r\nexit\r\n", "'sh\\r'"),
    ] {
        let seen = look(name, text, 0o700);
        assert!(
            seen.as_ref().is_err_and(|why| why.contains(interpreter)),
            "{seen:?}"
        );
    }
    assert_eq!(look("found", "#!/usr/bin/env sh\n", 0o700), Ok(()));
    assert_eq!(
        look("with-words", "#!/usr/bin/env -S no-such-shell -e\n", 0o700),
        Ok(())
    );
    let sought = look("sought", "#!/usr/bin/env no-such-shell\n", 0o700);
    assert!(
        sought
            .as_ref()
            .is_err_and(|why| why.contains("looks for no-such-shell in $PATH")),
        "{sought:?}"
    );
    assert!(look("empty", "#!\n", 0o700).is_err_and(|why| why.contains("#!/bin/sh")));
}
