//! How scripts end, and what history keeps of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use dpbackup::run::event::ScriptMoment;
use dpbackup::values::script_end::ScriptEnd;

use crate::simulator::{Gateway, Setup};
use crate::support::{EngineRun, Home, TestClock, eventually, export, is_alive, notes_of};

fn home(gateway: &Gateway, script: &str) -> Home {
    Home::new()
        .setting("script_timeout = \"1s\"")
        .device("QA1", gateway)
        .script("s.sh", script)
        .plan(
            "PRE",
            &format!("pre_script = \"s.sh\"\n{}", export("*", "DOM1", "")),
        )
        .plan("TASK", &export("*", "DOM1", "pre_script = \"s.sh\""))
        .plan("POST", &export("*", "DOM1", "post_script = \"s.sh\""))
}

fn run(home: &Home, plan: &str) -> EngineRun {
    home.run(plan, &TestClock::odd_night())
}

#[test]
fn a_return_code_above_0_a_signal_and_a_script_that_cannot_start_are_failures() {
    let cases: [(&str, Option<u32>, &str); 6] = [
        ("#!/bin/sh\nexit 1\n", Some(0o700), "s.sh: return code 1"),
        ("#!/bin/sh\nexit 255\n", Some(0o700), "s.sh: return code 255"),
        ("#!/bin/sh\nkill -9 $$\n", Some(0o700), "s.sh: ended by signal 9"),
        ("#!/bin/sh\n", Some(0o600), "/scripts/s.sh`"),
        (
            "#!/no/such/shell\n",
            Some(0o700),
            "s.sh does not exist: correct that line, or install it",
        ),
        ("", None, "s.sh does not exist"),
    ];
    for (text, mode, words) in cases {
        let gateway = Gateway::start(Setup::default());
        let home = home(&gateway, text);
        let path = home.path("scripts").join("s.sh");
        match mode {
            Some(mode) => fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode"),
            None => fs::remove_file(&path).expect("it was there"),
        }
        let plan = run(&home, "PRE");
        assert_eq!(
            (plan.status(), plan.exit()),
            ("PLAN_FAILED_PRE_SCRIPT", 4),
            "{text:?}"
        );
        assert!(
            plan.error().starts_with("the pre-plan script ") && plan.error().ends_with(words),
            "{}",
            plan.error()
        );
        let task = run(&home, "TASK");
        assert_eq!(task.tasks(), ["QA1/DOM1 TASK_FAILED_PRE_SCRIPT"], "{text:?}");
        assert!(task.errors()[0].contains(words), "{:?}", task.errors());
        let post = run(&home, "POST");
        assert_eq!(post.tasks(), ["QA1/DOM1 SUCCESS"], "{text:?}");
        assert_eq!(
            (post.status(), post.exit()),
            ("COMPLETED_WITH_WARNINGS", 3),
            "{text:?}"
        );
        assert!(post.warnings()[0].ends_with(words), "{:?}", post.warnings());
        let notes = notes_of(&home.details(0));
        let is_it = |note: &String| note.starts_with("WARNING the post-task script ");
        assert!(notes.iter().any(is_it), "{notes:?}");
    }
}

#[test]
fn the_timeout_ends_a_script_with_everything_that_it_started() {
    let gateway = Gateway::start(Setup::default());
    let script = "#!/bin/sh\nsh -c 'echo $$ > \"$DPBACKUP_STORE/../grandchild\"; sleep 600' &\nwait\n";
    let home = home(&gateway, script);
    let run = run(&home, "TASK");
    assert_eq!(run.tasks(), ["QA1/DOM1 TASK_FAILED_PRE_SCRIPT"]);
    assert!(
        run.errors()[0].contains("ended after its timeout of 1s"),
        "{:?}",
        run.errors()
    );
    let grandchild = home.text("grandchild");
    eventually("the grandchild is gone", || !is_alive(&grandchild));
}

#[test]
fn history_keeps_how_a_script_was_called_and_what_it_printed() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway, "#!/bin/sh\necho out\necho err >&2\nexit 4\n");
    let told = run(&home, "POST");
    assert_eq!(told.status(), "COMPLETED_WITH_WARNINGS");
    let scripts = home.details(0).scripts;
    assert_eq!(scripts.len(), 1);
    let kept = &scripts[0];
    assert_eq!(
        (kept.moment, &kept.end),
        (ScriptMoment::Post, &ScriptEnd::Code(4))
    );
    assert_eq!((kept.output.as_str(), kept.output_bytes), ("out\nerr\n", 8));
    assert_eq!(kept.path, home.path("scripts").join("s.sh"));
    assert_eq!(kept.arguments, told.scripts()[0].arguments);
    assert_eq!(kept.arguments[..4], ["BACKUP-TASK", "POST", "1", "POST"]);
}

#[test]
fn the_last_64_kib_of_a_long_output_are_kept() {
    let gateway = Gateway::start(Setup::default());
    let script = "#!/bin/sh\nhead -c 300000 /dev/zero | tr '\\0' 'x'\necho the end\n";
    let home = home(&gateway, script);
    assert_eq!(run(&home, "TASK").tasks(), ["QA1/DOM1 SUCCESS"]);
    let kept = &home.details(0).scripts[0];
    assert_eq!((kept.output.len(), kept.output_bytes), (64 << 10, 300_008));
    assert!(kept.output.ends_with("xxxthe end\n"));
}

#[test]
fn a_script_that_reads_its_input_finds_none() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway, "#!/bin/sh\ncat\necho nothing\n");
    assert_eq!(run(&home, "TASK").tasks(), ["QA1/DOM1 SUCCESS"]);
    assert_eq!(home.details(0).scripts[0].output, "nothing\n");
}

#[test]
fn a_bare_name_is_looked_up_in_the_folder_of_scripts_and_a_path_beside_the_plan_file() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .script("s.sh", "#!/bin/sh\necho bare\n")
        .plan("BARE", &export("*", "DOM1", "pre_script = \"s.sh\""))
        .plan("PATH", &export("*", "DOM1", "pre_script = \"scripts/s.sh\""))
        .plan("HERE", &export("*", "DOM1", "pre_script = \"./s.sh\""));
    let clock = TestClock::odd_night();
    let status = |plan: &str| {
        clock.pass(std::time::Duration::from_secs(1));
        home.run(plan, &clock).tasks().remove(0)
    };
    assert_eq!(status("BARE"), "QA1/DOM1 SUCCESS");
    assert_eq!(status("PATH"), "QA1/DOM1 SUCCESS");
    assert_eq!(status("HERE"), "QA1/DOM1 TASK_FAILED_PRE_SCRIPT");
}
