//! Activities become tasks: which, in what order, and what becomes of devices that do not
//! answer as they should.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use dpbackup::run::event::Event;
use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;

use crate::simulator::{Domain, Firmware, Gateway, Setup, User};
use crate::support::{Home, TestClock, export, gateways, secure_backup};

fn gateway_with(domains: &[&str]) -> Gateway {
    Gateway::start(Setup {
        domains: domains.iter().map(|name| Domain::new(name)).collect(),
        ..Setup::default()
    })
}

/// The tasks of the plan `P`, and the status and exit code of the plan.
fn ran(home: &Home) -> (Vec<String>, &'static str, u8) {
    let run = home.run("P", &TestClock::night());
    assert_eq!(home.recorded(), run.tasks(), "history has what was told");
    (run.tasks(), run.status(), run.exit())
}

#[test]
fn a_domain_that_is_called_as_the_word_for_all_domains_does_not_become_that() {
    let gateway = gateway_with(&["all-domains", "DOM1", "DOM2"]);
    let home = Home::new()
        .device("QA1", &gateway)
        .plan("P", &export("*", "*,!DOM1,!default", "quiesce = true"));
    let run = home.run("P", &TestClock::night());
    let tasks = ["QA1/DOM2 SUCCESS", "QA1/*, !DOM1, !default DEVICE_ERROR"];
    assert_eq!(run.tasks(), tasks);
    let error = run.errors().join("\n");
    assert!(error.contains("'!all-domains'"), "{error}");
    assert_eq!(gateway.received("QuiesceDP"), 0);
    assert_eq!(gateway.received("do-backup"), 1);
    // A person who writes the word means the device.
    let home = Home::new()
        .device("QA1", &gateway)
        .plan("P", &export("*", "all-domains", ""));
    let run = home.run("P", &TestClock::night());
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"]);
}

#[test]
fn the_documented_example_gives_six_tasks() {
    let gateways: Vec<Gateway> = (0..3).map(|_| gateway_with(&[])).collect();
    let test8 = gateway_with(&["DOMAIN2", "OTHER", "DOMAIN1"]);
    let home = Home::new()
        .device("QA1", &gateways[0])
        .device("QA2", &gateways[1])
        .device("QA3", &gateways[2])
        .device("TEST8", &test8)
        .absent_device("TEST9")
        .plan(
            "P",
            &(secure_backup("QA*", "") + &export("TEST8, TEST9", "DOMAIN*", "")),
        );
    let (tasks, status, exit) = ran(&home);
    assert_eq!(
        tasks,
        [
            "QA1/all-domains SUCCESS",
            "QA2/all-domains SUCCESS",
            "QA3/all-domains SUCCESS",
            "TEST8/DOMAIN1 SUCCESS",
            "TEST8/DOMAIN2 SUCCESS",
            "TEST9/DOMAIN* SKIPPED_DEVICE_NOT_AVAILABLE",
        ]
    );
    assert_eq!((status, exit), ("COMPLETED_WITH_WARNINGS", 3));
    let activities: Vec<String> = home
        .activity_rows()
        .iter()
        .map(|row| {
            format!(
                "{} {} {} {} {} {} {}",
                row.device_pattern,
                row.domain_pattern,
                row.action.code(),
                row.status,
                row.successful_tasks,
                row.failed_tasks,
                row.skipped_tasks
            )
        })
        .collect();
    assert_eq!(
        activities,
        [
            "QA* all-domains SECURE_BACKUP SUCCESS 3 0 0",
            "TEST8, TEST9 DOMAIN* EXPORT_DOMAIN COMPLETED_WITH_WARNINGS 2 0 1",
        ]
    );
}

#[test]
fn devices_stand_in_the_order_of_the_file_domains_by_name_and_each_once() {
    let zulu = gateway_with(&["ZZ", "MM", "AA"]);
    let alpha = gateway_with(&["b", "B", "a-2", "a-10"]);
    let home = Home::new()
        .device("ZULU", &zulu)
        .device("ALPHA", &alpha)
        .plan("P", &export("A*, *, ZULU, ALPHA", "Z*, *, ZZ, !default", ""));
    let (tasks, status, _) = ran(&home);
    assert_eq!(
        tasks,
        [
            "ZULU/AA SUCCESS",
            "ZULU/MM SUCCESS",
            "ZULU/ZZ SUCCESS",
            "ALPHA/B SUCCESS",
            "ALPHA/a-10 SUCCESS",
            "ALPHA/a-2 SUCCESS",
            "ALPHA/b SUCCESS",
        ]
    );
    assert_eq!(status, "SUCCESS");
}

#[test]
fn a_domain_in_two_activities_is_backed_up_by_both() {
    let gateway = gateway_with(&["DOM1", "DOM2"]);
    let home = Home::of(&gateway).plan("P", &(export("QA1", "DOM2", "") + &export("QA1", "DOM*", "")));
    let clock = TestClock::night();
    // Two files of one domain are told apart by their time.
    let mut watch = |event: &Event| {
        if matches!(event, Event::TaskEnded { .. }) {
            clock.pass(Duration::from_millis(1));
        }
    };
    let run = home.run_with("P", &clock, Options::default(), &Stop::new(), &mut watch);
    assert_eq!(home.stored().len(), 3, "{:?}", home.stored());
    assert_eq!(
        run.tasks(),
        ["QA1/DOM2 SUCCESS", "QA1/DOM1 SUCCESS", "QA1/DOM2 SUCCESS"]
    );
}

#[test]
fn a_pattern_that_matches_nothing_is_one_skipped_task_that_keeps_it() {
    let gateway = gateway_with(&["DOM1"]);
    let home = Home::of(&gateway).plan(
        "P",
        &(export("PROD*", "DOM*", "")
            + &export("QA*", "NONE*, X?", "")
            + &secure_backup("PROD*", "")
            + &export("QA1", "DOM1", "")),
    );
    let (tasks, status, _) = ran(&home);
    assert_eq!(
        tasks,
        [
            "PROD*/DOM* SKIPPED_NO_DEVICES_MATCHING_PATTERN",
            "QA1/NONE*, X? SKIPPED_NO_DOMAINS_MATCHING_PATTERN",
            "PROD*/all-domains SKIPPED_NO_DEVICES_MATCHING_PATTERN",
            "QA1/DOM1 SUCCESS",
        ]
    );
    assert_eq!(status, "COMPLETED_WITH_WARNINGS");
}

#[test]
fn an_api_connect_domain_is_skipped_and_firmware_without_the_class_has_none() {
    let domains = || vec![Domain::new("APIC").api_connect(), Domain::new("DOM1")];
    let new = Gateway::start(Setup {
        domains: domains(),
        ..Setup::default()
    });
    let old = Gateway::start(Setup {
        domains: domains(),
        firmware: Firmware::v7(),
        ..Setup::default()
    });
    let home = Home::new()
        .device("NEW", &new)
        .device("OLD", &old)
        .plan("P", &export("*", "*, !default", ""));
    let (tasks, _, _) = ran(&home);
    assert_eq!(
        tasks,
        [
            "NEW/APIC SKIPPED_APIC_DOMAIN",
            "NEW/DOM1 SUCCESS",
            "OLD/APIC SUCCESS",
            "OLD/DOM1 SUCCESS",
        ]
    );
}

#[test]
fn a_plan_whose_tasks_are_all_skipped_stops_before_its_scripts() {
    let gateway = gateway_with(&["DOM1"]);
    let scripts = "pre_script = \"mark.sh\"\npost_script = \"mark.sh\"\n";
    let home = Home::of(&gateway)
        .absent_device("QA2")
        .script("mark.sh", "#!/bin/sh\ntouch \"$DPBACKUP_STORE/../ran\"\n")
        .plan(
            "P",
            &format!(
                "{scripts}{}",
                export("QA1", "NONE*", "") + &export("QA2", "*", "")
            ),
        );
    let (tasks, status, exit) = ran(&home);
    assert_eq!(
        tasks,
        [
            "QA1/NONE* SKIPPED_NO_DOMAINS_MATCHING_PATTERN",
            "QA2/* SKIPPED_DEVICE_NOT_AVAILABLE",
        ]
    );
    assert_eq!((status, exit), ("ALL_TASKS_SKIPPED", 4));
    assert!(!home.path("ran").exists(), "no script of the plan ran");
    assert!(
        home.activity_rows()
            .iter()
            .all(|row| row.status.is_final() && row.skipped_tasks == 1)
    );
}

#[test]
fn a_device_that_cannot_be_reached_is_asked_once_and_skipped_with_its_address() {
    let home = Home::new()
        .absent_device("QA1")
        .plan("P", &(secure_backup("QA1", "") + &export("QA1", "D*", "")));
    let run = home.run("P", &TestClock::night());
    assert_eq!(
        run.tasks(),
        [
            "QA1/all-domains SKIPPED_DEVICE_NOT_AVAILABLE",
            "QA1/D* SKIPPED_DEVICE_NOT_AVAILABLE",
        ]
    );
    assert!(
        run.errors()[0].starts_with("QA1 (127.0.0.1:1): "),
        "{:?}",
        run.errors()
    );
}

/// Runs an export of `D*` on this one device, and gives the message of its one task.
#[track_caller]
fn one_failed_task(home: Home, status: &str) -> String {
    let home = home.setting("retries = 2").plan("P", &export("QA1", "D*", ""));
    let run = home.run("P", &TestClock::night());
    assert_eq!(run.tasks(), [format!("QA1/D* {status}")], "{:?}", run.errors());
    assert_eq!((run.status(), run.exit()), ("FAILED", 1));
    home.holds_nothing();
    run.errors().remove(0)
}

#[test]
fn a_device_with_another_certificate_is_one_failed_task() {
    let gateway = gateway_with(&["DOM1"]);
    let pin = format!("{{ pin_sha256 = \"{}\" }}", "0".repeat(64));
    let error = one_failed_task(Home::new().device_at("QA1", gateway.port(), &pin), "DEVICE_ERROR");
    assert!(error.to_lowercase().contains("certificate"), "{error}");
    assert_eq!(gateway.operations(), Vec::<String>::new(), "no password was sent");
}

#[test]
fn a_wrong_password_is_one_failed_task_and_is_tried_once_only() {
    let gateway = Gateway::start(Setup {
        users: vec![User::new("backup", "another")],
        ..Setup::default()
    });
    let home = Home::new()
        .setting("retries = 2")
        .device("QA1", &gateway)
        .plan(
            "P",
            &format!(
                "error_policy = \"ignore\"\n{}",
                export("QA1", "D*", "") + &secure_backup("*", "")
            ),
        )
        .plan("Q", &export("QA1", "D*", ""));
    let ran = home.dpbackup(&["run", "P", "Q"]).exits(1);
    assert_eq!(gateway.requests().len(), 1, "{:?}", gateway.operations());
    assert_eq!(
        ran.stderr.matches("AUTHENTICATION_FAILED").count(),
        2,
        "{}",
        ran.stderr
    );
    assert_eq!(home.recorded(), ["QA1/D* AUTHENTICATION_FAILED"]);
}

#[test]
fn a_page_for_people_is_one_failed_task() {
    let gateway = gateway_with(&["DOM1"]);
    gateway.fail_as("*=html");
    one_failed_task(Home::of(&gateway), "DEVICE_ERROR");
}

#[test]
fn something_that_speaks_no_tls_is_one_failed_task() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for stream in listener.incoming().take(8) {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"220 mail.example.com ESMTP ready\r\n");
        }
    });
    one_failed_task(
        Home::new().device_at("QA1", port, "{ verify = false }"),
        "DEVICE_ERROR",
    );
}

#[test]
fn a_failed_device_does_not_hide_the_others() {
    let (bad, good) = (gateway_with(&["DOM1"]), gateway_with(&["DOM1"]));
    bad.fail_as("*=html");
    let home = Home::new().device("BAD", &bad).device("GOOD", &good).plan(
        "P",
        &format!("error_policy = \"ignore\"\n{}", export("*", "DOM*", "")),
    );
    let (tasks, status, exit) = ran(&home);
    assert_eq!(tasks, ["BAD/DOM* DEVICE_ERROR", "GOOD/DOM1 SUCCESS"]);
    assert_eq!((status, exit), ("FAILED", 1));
}

#[test]
fn a_password_that_cannot_be_had_is_a_failed_task_and_not_a_skipped_one() {
    let gateway = gateway_with(&["DOM1"]);
    let home = Home::of(&gateway).plan("P", &export("QA1", "D*", ""));
    let mut command = home.command(&["run", "P"]);
    command.env_remove("DPBACKUP_TEST_PASSWORD");
    let ran = crate::support::Ran::of(command.output().expect("the binary starts")).exits(1);
    assert!(ran.stderr.contains("DPBACKUP_TEST_PASSWORD"), "{}", ran.stderr);
    assert_eq!(home.recorded(), ["QA1/D* DEVICE_ERROR"]);
    assert_eq!(gateway.operations(), Vec::<String>::new());
}

#[test]
fn a_domain_that_a_device_does_not_list_is_warned_of_where_a_pattern_would_match_it() {
    let setup = gateways::small(["DOM1", "DOM2", "DOM3"].map(Domain::new)).being(&["rows-for-others@DOM2"]);
    let gateway = Gateway::start(setup);
    for (pattern, is_told) in [("DOM*", true), ("DOM*, !DOM2", false), ("DOM1, DOM3", false)] {
        let home = Home::of(&gateway).plan("P", &export("*", pattern, ""));
        let run = home.run("P", &TestClock::night());
        assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS", "QA1/DOM3 SUCCESS"], "{pattern}");
        let warnings = run.warnings().join("\n");
        assert_eq!(
            warnings.contains("QA1 has DOM2, and does not list it to this account: 'DOM*' leaves it out"),
            is_told,
            "{pattern}: {warnings}"
        );
        assert_eq!(run.exit(), if is_told { 3 } else { 0 }, "{pattern}");
    }
}

#[test]
fn a_domain_in_failsafe_mode_is_backed_up_and_warned_of() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1").failsafe(), Domain::new("DOM2")],
        ..Setup::default()
    });
    for (pattern, is_told) in [("DOM*", true), ("DOM2", false)] {
        let home = Home::of(&gateway).plan("P", &export("*", pattern, ""));
        let run = home.run("P", &TestClock::night());
        let warnings = run.warnings().join("\n");
        assert_eq!(
            warnings.contains("QA1 runs in failsafe mode: DOM1 ("),
            is_told,
            "{pattern}: {warnings}"
        );
        assert_eq!(run.exit(), if is_told { 3 } else { 0 }, "{pattern}");
        // Who looks for the backup finds it there, too.
        let last = home.dpbackup(&["history", "last"]).exits(0).stdout;
        assert_eq!(last.contains("configuration of last resort"), is_told, "{last}");
        let check = home.dpbackup(&["check", "P"]).stdout;
        assert_eq!(check.contains("WARN  failsafe"), is_told, "{check}");
    }
}

#[test]
fn a_domain_that_nobody_of_ours_has_quiesced_is_backed_up_and_warned_of() {
    let gateway = Gateway::start(gateways::small(["DOM1", "DOM2"].map(Domain::new)));
    gateway.state().set_quiesced("DOM1", true);
    for (pattern, is_told) in [("DOM*", true), ("DOM2", false)] {
        let home = Home::of(&gateway).plan("P", &export("*", pattern, ""));
        let run = home.run("P", &TestClock::night());
        let warnings = run.warnings().join("\n");
        assert_eq!(
            warnings.contains("QA1: DOM1 is quiesced, by no run that this history knows"),
            is_told,
            "{pattern}: {warnings}"
        );
        let ends = if is_told { 3 } else { 0 };
        assert_eq!(run.exit(), ends, "{pattern}");
        // Nobody of ours changes it, and who only looks ends as the run did.
        assert_eq!(gateway.state().quiesced(), ["DOM1"], "{pattern}");
        let preview = home.dpbackup(&["preview", "P"]).exits(ends.into());
        assert_eq!(
            preview.stdout.contains("DOM1 is quiesced"),
            is_told,
            "{}",
            preview.stdout
        );
        let check = home.dpbackup(&["check", "P"]).stdout;
        assert_eq!(check.contains("WARN  out of service"), is_told, "{check}");
    }
}

#[test]
fn that_a_device_lists_all_of_its_domains_is_not_said_where_it_does_not_tell() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    gateway.fail_as("get-config/Domain=access-denied");
    for (pattern, is_told) in [("DOM*", true), ("DOM1", false)] {
        let home = Home::of(&gateway).plan("P", &export("*", pattern, ""));
        let run = home.run("P", &TestClock::night());
        assert_eq!(run.exit(), 0, "{pattern}: {:?}", run.errors());
        let notes = run.notes().join("\n");
        let told = "whether QA1 has domains that it does not list to this account, and that 'DOM*' leaves out, is not known:";
        assert_eq!(notes.contains(told), is_told, "{pattern}: {notes}");
        let check = home.dpbackup(&["check", "P"]).stdout;
        assert!(check.contains("SKIP  not listed"), "{check}");
    }
}
