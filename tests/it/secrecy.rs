//! A password is seen nowhere but on its way to the device.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dpbackup::history::PlanFilter;

use crate::receivers::{Behaviour, Identity, MailFault, MailServer, Syslog, Web, arrived};
use crate::simulator::{Domain, Fault, FaultKind, Gateway, Setup, User};
use crate::support::{Home, Ran, eventually, gateways, names, users};

/// With characters that XML, JSON, shells and URLs write in another way; the middle none does.
const CANARY: &str = "p<'\"&%\\ s-canary9c1f7-ö";

/// What of it would be found in any of those ways of writing.
const CORE: &str = "canary9c1f7";

const PLAN: &str = "pre_script = \"spy.sh\"\npost_script = \"spy.sh\"\n[[plan.activity]]\naction = \"export-domain\"\n\
                    devices = \"*\"\ndomains = \"DOM1\"\nquiesce = true\npre_script = \"spy.sh\"\npost_script = \"spy.sh\"\n\
                    error_policy = \"ignore\"\n\
                    [[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\ncertificate = \"backup-cert\"\n";

/// Writes down all that a script can see of itself, and of who started it.
const SPY: &str = "#!/bin/sh\n{ echo \"$@\"; env; tr '\\0' '\\n' < /proc/self/environ; cat \"$DPBACKUP_CONTEXT\";\n\
                   tr '\\0' '\\n' < /proc/$PPID/cmdline; } >> \"$HOME/spied\" 2>&1\nenv\n";

fn gateway() -> Gateway {
    Gateway::start(Setup {
        users: vec![User::new("backup", CANARY)],
        ..gateways::small([Domain::new("DOM1").unsaved()])
    })
}

/// What a webhook proves itself with: it goes there, and nowhere else.
const HOOK_KEY: &str = "h00k-k3y-5d2e";

/// A plan with every receiver that there is.
fn told_to_all(plan: &str, web: &Web, mails: &MailServer, log: &Syslog) -> String {
    let hooks = ["json", "slack", "text"].map(|format| {
        let url = web.url(&format!("/{format}"));
        format!(
            "[[notify.webhook]]\nname = \"{format}\"\nurl = \"{url}\"\nformat = \"{format}\"\nevents = \"*\"\n\
             authorization = {{ env = \"HOOK_KEY\" }}\nsecret = {{ env = \"HOOK_KEY\" }}\n"
        )
    });
    format!(
        "webhook = \"*\"\nemail = true\nsyslog = true\nnotify_events = \"*\"\n{plan}{}[notify.email]\nhost = \"127.0.0.1\"\nport = {}\n\
         security = \"none\"\nfrom = \"dp@example.com\"\nto = \"one@example.com\"\nreport = true\nevents = \"*\"\n[notify.syslog]\naddress = \"{}\"\nevents = \"*\"\n\
         [notify.metrics]\npath = \"dp.prom\"\n",
        hooks.concat(),
        mails.port(),
        log.address
    )
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every form in which the password could stand somewhere.
fn forms() -> Vec<Vec<u8>> {
    let login = STANDARD.encode(format!("backup:{CANARY}"));
    let alone = STANDARD.encode(CANARY);
    [CORE.to_owned(), login, alone].map(String::into_bytes).to_vec()
}

#[track_caller]
fn assert_without_password(what: &str, bytes: &[u8]) {
    for form in forms() {
        let found = memchr::memmem::find(bytes, &form).is_some();
        assert!(
            !found,
            "{what} holds the password as {:?}",
            String::from_utf8_lossy(&form)
        );
    }
}

#[test]
fn a_password_is_found_nowhere() {
    let gateway = gateway();
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let mails = MailServer::start(Identity::new(), MailFault::None);
    let log = Syslog::tcp();
    let home = Home::quick()
        .setting("retries = 1")
        .script("spy.sh", SPY)
        .device("QA1", &gateway)
        .plan("P", &told_to_all(PLAN, &web, &mails, &log));
    let run = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        let ran = Ran::of(
            command
                .env("DPBACKUP_TEST_PASSWORD", CANARY)
                .env("HOOK_KEY", HOOK_KEY)
                .output()
                .expect("it starts"),
        );
        for (name, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            assert_without_password(&format!("{name} of {arguments:?}"), text.as_bytes());
            assert!(
                !text.contains(HOOK_KEY),
                "{name} of {arguments:?} holds the key of a webhook"
            );
        }
        ran.code
    };
    assert_eq!(run(&["run", "P", "-vv"]), Some(0));
    let faults = [
        ("*", FaultKind::Unauthorized),
        ("do-backup", FaultKind::ResultError),
        ("do-backup", FaultKind::Garbage),
        ("SecureBackup", FaultKind::AccessDenied),
        ("DomainQuiesce", FaultKind::ServerFault),
        ("do-backup", FaultKind::SaysLogin { in_page: false }),
        ("SecureBackup", FaultKind::SaysLogin { in_page: true }),
        ("DomainStatus", FaultKind::SaysLogin { in_page: false }),
        ("connect", FaultKind::Garbage),
        (
            "get-file",
            FaultKind::Redirect("https://127.0.0.1:1/elsewhere".to_owned()),
        ),
    ];
    for (operation, kind) in faults {
        gateway.fail(Fault::every(operation, kind));
        run(&["run", "P", "-vv", "--format", "json"]);
        run(&["preview", "P", "--format", "json"]);
        gateway.clear_faults();
    }
    for format in ["table", "json", "csv"] {
        run(&["history", "--format", format]);
        for plan in home.history().plans(&PlanFilter::default()).expect("the plans") {
            for activity in home
                .history()
                .activities(plan.id)
                .expect("the activities")
                .into_iter()
                .take(1)
            {
                run(&["history", "tasks", &activity.id.0.to_string(), "--format", format]);
                for task in home.history().tasks(activity.id).expect("the tasks") {
                    run(&["history", "files", &task.id.0.to_string(), "--format", format]);
                }
            }
        }
    }
    run(&["validate", "-vv"]);
    run(&["recover", "-vv"]);
    run(&["check"]);
    run(&["show"]);
    for format in ["table", "json", "csv"] {
        run(&["history", "status", "--format", format]);
        run(&["history", "last", "--format", format]);
        run(&["log", "--format", format]);
        run(&["find", "DOM1", "--format", format]);
    }
    assert_eq!(run(&["report", "page.html"]), Some(0), "the page is written");
    run(&["find", CORE]);
    run(&["verify", "--all"]);
    run(&["prune", "--dry-run"]);
    run(&["run", "no-such-plan"]);
    for request in web.seen.lock().expect("no panic with the lock").iter() {
        assert_without_password("what a chat was sent", format!("{request:?}").as_bytes());
    }
    let mut has_attachment = false;
    for mail in mails.seen.lock().expect("no panic with the lock").iter() {
        for reading in mail.readings() {
            assert_without_password("a mail", &reading);
            let text = String::from_utf8_lossy(&reading);
            assert!(
                !text.contains(HOOK_KEY),
                "a mail has the key of a webhook: {text}"
            );
            has_attachment |= text.contains("<!doctype html>") || text.contains("<!DOCTYPE html>");
        }
    }
    assert!(has_attachment, "the page went with a mail");
    for message in log.seen.lock().expect("no panic with the lock").iter() {
        assert_without_password("what the system log was sent", message.as_bytes());
        assert!(
            !message.contains(HOOK_KEY),
            "the system log has the key of a webhook: {message}"
        );
    }
    assert!(arrived(&web.seen, 9).len() >= 9 && arrived(&mails.seen, 3).len() >= 3);
    assert!(arrived(&log.seen, 9).len() >= 9);
    let mut found = Vec::new();
    files(&home.path("."), &mut found);
    assert!(
        found.iter().any(|path| path.ends_with("spied")),
        "the spy has spied"
    );
    assert!(
        found.iter().any(|path| path.ends_with("history.db")),
        "there is a history"
    );
    assert!(
        found.iter().any(|path| path.ends_with("dp.prom")),
        "there are metrics"
    );
    assert!(
        found.iter().any(|path| path.ends_with("page.html")),
        "there is a page"
    );
    for path in found {
        let bytes = fs::read(&path).expect("a file");
        assert_without_password(&path.display().to_string(), &bytes);
        assert!(
            !String::from_utf8_lossy(&bytes).contains(HOOK_KEY),
            "{} holds the key of a webhook",
            path.display()
        );
    }
    let spied = fs::read_to_string(home.path("spied")).expect("what was spied");
    assert!(
        spied.contains("DPBACKUP_MOMENT=post") && spied.contains("BACKUP-TASK"),
        "{spied}"
    );
    // A login that was refused is told with where its password came from.
    let mut lines = spied.lines();
    assert!(
        !lines.any(|line| line.starts_with("DPBACKUP_TEST_PASSWORD=")),
        "not even the variable is there"
    );
}

/// Runs a command with the password of the canary, and looks at all that it says and leaves.
fn seen(home: &Home, arguments: &[&str]) -> Ran {
    let mut command = home.command(arguments);
    let ran = command.env("DPBACKUP_TEST_PASSWORD", CANARY).output();
    let ran = Ran::of(ran.expect("it starts"));
    for (name, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        assert_without_password(&format!("{name} of {arguments:?}"), text.as_bytes());
    }
    let mut found = Vec::new();
    files(&home.path("state"), &mut found);
    for path in found {
        let what = format!("{} after {arguments:?}", path.display());
        assert_without_password(&what, &fs::read(&path).expect("a file"));
    }
    ran
}

#[test]
fn what_a_device_says_of_an_import_shows_no_password() {
    let says = FaultKind::ResultsSay(CANARY.to_owned());
    let repeats = [
        says.clone(),
        FaultKind::SaysLogin { in_page: false },
        FaultKind::SaysLogin { in_page: true },
        FaultKind::ErrorLog(Some(format!("Import failed for {CANARY}."))),
        FaultKind::DetectedErrors(Some(CANARY.to_owned())),
    ];
    let users = || vec![User::new("backup", CANARY)];
    let gateway = Gateway::start(Setup {
        users: users(),
        ..crate::restore::setup()
    });
    let spare = Gateway::start(Setup {
        users: users(),
        ..crate::rehearse::another(crate::restore::setup())
    });
    let home = Home::quick()
        .device("QA1", &gateway)
        .spare("SPARE1", &spare)
        .plan("P", &crate::support::export("QA1", "DOM1", ""));
    let _ = seen(&home, &["run", "P"]).exits(0);
    for kind in &repeats {
        spare.fail(Fault::every("do-restore", kind.clone()));
        let ran = seen(&home, &["rehearse", "1", "--on", "SPARE1"]).exits(1);
        assert!(ran.stdout.contains("***"), "{kind}: {}", ran.stdout);
        spare.clear_faults();
    }
    let confirmed = |more: &[&str], faults: &[(&str, u32, &FaultKind)], code: i32| {
        crate::restore::change(&gateway);
        let asked = ["restore", "1", "--to", "QA1", "--format", "json"];
        let plan = seen(&home, &[&asked, more].concat()).exits(4);
        let plan: serde_json::Value = serde_json::from_str(&plan.stdout).expect("JSON");
        let word = plan["plan"]["word"].as_str().expect("a word");
        for (operation, nth, kind) in faults {
            gateway.fail(Fault::nth(operation, *nth, (*kind).clone()));
        }
        let asked = ["restore", "1", "--to", "QA1", "--confirm", word];
        let ran = seen(&home, &[&asked, more].concat()).exits(code);
        assert!(ran.stderr.contains("***"), "{faults:?}: {}", ran.stderr);
        gateway.clear_faults();
    };
    for kind in &repeats {
        confirmed(&[], &[("do-restore", 1, kind)], 1);
        confirmed(&[], &[("do-restore", 2, kind)], 1);
    }
    for kind in &repeats[1..4] {
        confirmed(&["--save"], &[("SaveConfig", 1, kind)], 3);
    }
    // What it is, and how it stands.
    gateway.fail_as(&format!(
        "FirmwareVersion3=another-firmware@IDG.10.0.1.5 {CANARY}"
    ));
    let _ran = seen(&home, &["run", "P", "-vv"]);
    let details = seen(&home, &["history", "files", "last"]).exits(0);
    assert!(details.stdout.contains("IDG.10.0.1.5 ***"), "{}", details.stdout);
    gateway.fail_as(&format!("FirmwareVersion3=another-serial@{CANARY}"));
    let _ran = seen(&home, &["run", "P", "-vv"]);
    for format in ["table", "json", "csv"] {
        for view in ["last", "status"] {
            let _ran = seen(&home, &["history", view, "--format", format]);
        }
    }
    let _ran = seen(&home, &["check"]);
    let _ran = seen(&home, &["recover"]);
}

#[test]
fn a_wrong_password_is_tried_once_and_not_repeated_in_the_error() {
    let gateway = gateway();
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("P", PLAN)
        .script("spy.sh", SPY);
    let mut command = home.command(&["run", "P", "-vv"]);
    let ran = Ran::of(
        command
            .env("DPBACKUP_TEST_PASSWORD", "wrong-canary9c1f7")
            .output()
            .expect("it starts"),
    );
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("AUTHENTICATION_FAILED"), "{}", ran.stderr);
    assert_without_password("stderr", ran.stderr.as_bytes());
    assert_eq!(gateway.requests().len(), 1, "a wrong password is tried once");
}

#[test]
fn everything_that_is_written_is_for_its_owner_alone() {
    let gateway = gateway();
    let home = Home::quick()
        .script("spy.sh", SPY)
        .device("QA1", &gateway)
        .plan("P", PLAN);
    let mut command = home.command(&["run", "P"]);
    let _ran = Ran::of(
        command
            .env("DPBACKUP_TEST_PASSWORD", CANARY)
            .output()
            .expect("it starts"),
    )
    .exits(0);
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o7777;
    let mut found = Vec::new();
    files(&home.path("store"), &mut found);
    files(&home.path("state"), &mut found);
    assert!(found.len() > 5, "{found:?}");
    for path in found {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let folders = path
            .ancestors()
            .skip(1)
            .take_while(|folder| *folder != home.path("."));
        for folder in folders.take_while(|folder| {
            folder.starts_with(home.path("store")) || folder.starts_with(home.path("state"))
        }) {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }
}

/// A script that waits for a file, or for the end of the test and its folder, so that a run can be looked at while it
/// knows its passwords.
const WAIT: &str = "#!/bin/sh\ntouch \"$DPBACKUP_STORE/../begun\"\n\
                    while [ -e \"$DPBACKUP_STORE/../begun\" ] && [ ! -e \"$DPBACKUP_STORE/../go\" ]; do sleep 0.05; done\n";

#[test]
fn a_process_that_knows_a_password_leaves_no_core_and_shows_nothing_to_its_own_user() {
    let gateway = gateway();
    let home = Home::new()
        .script("wait.sh", WAIT)
        .device("QA1", &gateway)
        .plan(
            "P",
            "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\npre_script = \"wait.sh\"\n",
        );
    let plans = home.plan_file();
    let is_root =
        users::is_root("a user who looks at a process of another of its programs as that same user");
    let command = if is_root {
        // Root sees everything. A user of its own must not even see itself.
        let text = fs::read_to_string(&plans).expect("a plan file");
        fs::write(
            &plans,
            text.replace("[settings]", "[settings]\nscripts_dir = \"scripts\""),
        )
        .expect("written");
        for path in [
            home.path(""),
            home.path("scripts"),
            home.path("scripts/wait.sh"),
            plans.clone(),
        ] {
            std::os::unix::fs::chown(path, Some(users::SERVICE), None).expect("given");
        }
        users::command_as(
            users::SERVICE,
            &[],
            &home.path(""),
            &["--config", "plans.toml", "run", "P"],
        )
    } else {
        home.command(&["run", "P"])
    };
    // `exec`: the process that is looked at is the one that was started.
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -c unlimited; exec \"$@\"", "sh"]);
    shell
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    shell.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    shell
        .env("DPBACKUP_TEST_PASSWORD", CANARY)
        .current_dir(home.path(""));
    let mut running = shell
        .stdin(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    eventually("its script has begun", || home.path("begun").exists());
    let process = format!("/proc/{}", running.id());
    for name in ["environ", "mem", "maps"] {
        let owner = fs::metadata(format!("{process}/{name}"))
            .expect("a file of the process")
            .uid();
        assert_eq!(owner, 0, "{name} is root's alone");
    }
    let look = |program: &mut std::process::Command| {
        let seen = program
            .args(["cat", &format!("{process}/environ")])
            .output()
            .expect("cat(1)");
        assert!(!seen.status.success(), "its own user reads its environment");
        assert_without_password("what is seen", &seen.stdout);
    };
    match is_root {
        true => look(std::process::Command::new("setpriv").args([
            format!("--reuid={}", users::SERVICE),
            format!("--regid={}", users::SERVICE),
            "--clear-groups".to_owned(),
        ])),
        false => look(&mut std::process::Command::new("env")),
    }
    let id = rustix::process::Pid::from_child(&running);
    rustix::process::kill_process(id, rustix::process::Signal::SYS).expect("it runs");
    let end = running.wait().expect("it ended");
    fs::write(home.path("go"), "").expect("the script may end");
    assert_eq!(end.signal(), Some(rustix::process::Signal::SYS.as_raw()));
    assert!(!end.core_dumped(), "{end:?}");
    let cores: Vec<String> = names(&home.path(""))
        .into_iter()
        .filter(|name| name.contains("core"))
        .collect();
    assert!(cores.is_empty(), "{cores:?}");
}

#[test]
fn a_password_in_a_plan_file_that_others_can_read_is_refused() {
    let gateway = gateway();
    let home = Home::quick()
        .script("spy.sh", SPY)
        .device("QA1", &gateway)
        .plan("P", PLAN);
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    let plain = text.replace("{ env = \"DPBACKUP_TEST_PASSWORD\" }", "\"s-canary9c1f7\"");
    let path = home.path("plain.toml");
    fs::write(&path, plain).expect("a plan file");
    for (mode, code) in [(0o644, 2), (0o640, 2), (0o600, 0)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
        let ran = home
            .dpbackup(&["--config", &path.to_string_lossy(), "validate"])
            .exits(code);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_without_password("what it says", said.as_bytes());
        assert!(
            said.contains("chmod") || said.contains("warning"),
            "{mode:o}: {said}"
        );
    }
    assert_eq!(gateway.requests().len(), 0);
}

/// Tables of a plan file, each with a mistake, in which the canary stands behind a secret's key.
const MISTAKES: &[&str] = &[
    "[[device]]\nname = \"B\"\nhost = \"b\"\nusername = \"u\"\npassword = \"CANARY\"\nprot = 1\n",
    "[[device]]\nname = \"B\"\nhost = \"b\"\nusername = \"u\"\npassword = { text = \"CANARY\" }\n",
    "[[device]]\nname = \"B\"\nhost = \"b\"\nusername = \"u\"\n[device.password]\ntext = \"CANARY\"\n",
    "[[device]]\nname = \"B\"\nhost = \"b\"\nusername = \"u\"\npassword = {\n  text = \"CANARY\",\n}\n",
    "[[device]]\nname = \"B\"\npassword = [\"CANARY\", \"CANARY\"]\n",
    "[[device]]\nname = \"B\"\npassword.text = \"CANARY\"\n",
    "[[device]]\nname = \"B\"\npasswort = \"CANARY\"\n",
    "[[device]]\nname = \"B\"\n\"pass\\u0077ort\" = \"CANARY\"\n",
    "[[device]]\nname = \"B\"\npassword = CANARY\n",
    "[[device]]\nname = \"B\"\npassword CANARY\n",
    "[[device]]\nname = \"B\"\npassword: CANARY\n",
    "[[device]]\nname = \"B\"\npassword = \"CANARY\n",
    "[[device]]\nname = \"B\"\npassword = \"x\nCANARY\"\n",
    "[[device]]\nname = \"B\"\npassword = \"x\"CANARY\"\n",
    "[[device]]\nname = \"B\"\npassword = \"x\\CANARY\"\n",
    "[[device]]\nname = \"B\"\npassword =\nCANARY\n",
    "[[device]]\nname = \"B\"\npassword = \"CANARY\"\npassword = \"CANARY\"\n",
    "[[device]]\nname = \"B\"\npassword = { env = \"CANARY is none\" }\n",
    "[[device]]\nname = \"B\"\npassword = { credential = \"CANARY/x\" }\nport = \"x\"\n",
    "[[device]]\nname = \"B\"\nhost = \"https://admin:CANARY@b\"\n",
    "[device_defaults]\npassword = \"CANARY\"\nprot = 5550\n",
    "[[notify.webhook]]\nname = \"w\"\nurl = \"http://elsewhere.example/CANARY\"\n",
    "[[notify.webhook]]\nname = \"w\"\nurl = \"https://a/\"\nsecret = \"CANARY\"\nfromat = \"json\"\n",
    "[[notify.webhook]]\nname = \"w\"\nurl = \"https://a/\"\nauthorization = { bearer = \"CANARY\" }\n",
    "[notify.ping]\nurl = \"hc-ping.com/CANARY\"\n",
    "[notify.email]\nhost = \"m\"\npassword = \"CANARY\"\n",
    "[[plan]]\nname = \"B\"\nping_url = \"hc-ping.com/CANARY\"\n",
];

#[test]
fn no_mistake_in_a_plan_file_shows_what_stands_behind_a_secrets_key() {
    let home = Home::quick().absent_device("QA1").plan("P", PLAN);
    let whole = fs::read_to_string(home.plan_file()).expect("a plan file");
    let plans = home.path("mistaken.toml");
    let shown = plans.to_string_lossy().into_owned();
    let part = home.path("part.toml");
    let write = |path: &Path, text: &str| {
        fs::write(path, text).expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
    };
    let including = format!("include = [\"part.toml\"]\n{whole}");
    for mistake in MISTAKES {
        let mistake = mistake.replace("CANARY", CORE);
        for (main, included) in [
            (format!("{whole}\n{mistake}"), ""),
            (including.clone(), mistake.as_str()),
        ] {
            write(&plans, &main);
            write(&part, included);
            for arguments in [
                ["validate", "-v"].as_slice(),
                &["show"],
                &["run", "P"],
                &["history", "--format", "json"],
            ] {
                let ran = home.dpbackup(&[&["--config", &shown], arguments].concat());
                let said = format!("{}{}", ran.stdout, ran.stderr);
                assert!(!said.contains(CORE), "{arguments:?} of\n{mistake}\n{said}");
                assert!(
                    arguments[0] != "validate" || said.contains("error"),
                    "there is a mistake in\n{mistake}\n{said}"
                );
            }
        }
    }
}

#[test]
fn a_password_file_or_a_key_that_is_named_as_plan_file_is_not_shown() {
    let home = Home::quick();
    let path = home.path("other");
    for text in [
        format!("{CORE}\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{CORE}\n{CORE}==\n-----END PRIVATE KEY-----\n"),
    ] {
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
        let ran = home
            .dpbackup(&["--config", &path.to_string_lossy(), "validate"])
            .exits(2);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains(CORE) && said.contains("error"), "{said}");
    }
}
