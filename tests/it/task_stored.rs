//! What a task leaves behind: in the store, in history, and on the device.

use std::time::Duration;

use dpbackup::run::event::Event;
use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;

use crate::simulator::{Domain, Fault, FaultKind};
use crate::support::{Home, TestClock, export, gateways, names, secure_backup};

#[test]
fn a_secure_backup_is_stored_as_it_was_on_the_device_and_recorded_file_by_file() {
    let gateway = gateways::with_domains([Domain::new("DOM1")]);
    let home = Home::of(&gateway).plan("P", &secure_backup("*", ""));
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    let names: Vec<String> = home
        .stored()
        .iter()
        .filter_map(|path| {
            path.strip_prefix("QA1/secure-backup/2026-11-22-01-02-03-254/")
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(names.len(), home.stored().len(), "{:?}", home.stored());
    let mut recorded: Vec<String> = home
        .details(0)
        .files
        .iter()
        .map(|file| file.name.clone())
        .collect();
    recorded.sort();
    assert_eq!(recorded, names);
    assert!(names.iter().any(|name| name == "backupmanifest.xml"), "{names:?}");
    assert!(names.iter().any(|name| name == "root.tgz"), "{names:?}");
    for file in &home.details(0).files {
        let bytes = std::fs::read(&file.path).expect("it stands where history says");
        assert_eq!(bytes.len() as u64, file.size, "{}", file.name);
    }
}

#[test]
fn the_folder_on_the_device_is_removed_only_after_the_backup_was_verified() {
    let gateway = gateways::with_domains([Domain::new("DOM1")]);
    let home = Home::of(&gateway).plan("P", &secure_backup("*", ""));
    let mut seen = Vec::new();
    let mut watch = |event: &Event| {
        let left = gateway.state().files("default", "temporary:").len();
        match event {
            Event::TaskStatus { status, .. } => seen.push(format!("{status} {left}")),
            Event::TaskEnded { status, .. } => seen.push(format!("{status} {left}")),
            _ => {}
        }
    };
    let run = home.run_with(
        "P",
        &TestClock::odd_night(),
        Options::default(),
        &Stop::new(),
        &mut watch,
    );
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    assert_eq!(
        seen,
        [
            "VALIDATING 0",
            "BACKING_UP 0",
            "DOWNLOADING 7",
            "VERIFYING 7",
            "SUCCESS 0"
        ]
    );
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_folder_that_cannot_be_removed_is_a_warning_and_recover_removes_it() {
    let gateway = gateways::with_domains([Domain::new("DOM1")]);
    gateway.fail_as("DeleteFile=access-denied");
    gateway.fail_as("RemoveDir=access-denied");
    let home = Home::of(&gateway).plan("P", &secure_backup("*", ""));
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!((run.status(), run.exit()), ("COMPLETED_WITH_WARNINGS", 3));
    assert!(
        run.warnings()[0].contains("is still on the device; dpbackup recover, or the next run, removes it"),
        "{:?}",
        run.warnings()
    );
    assert_eq!(home.open_entries().len(), 1);
    gateway.clear_faults();
    let ran = home.dpbackup(&["recover"]).exits(0);
    assert!(ran.stdout.contains("removed and confirmed"), "{}", ran.stdout);
    assert_eq!(
        gateway.state().files("default", "temporary:"),
        Vec::<String>::new()
    );
    assert_eq!(home.open_entries(), []);
}

#[test]
fn an_unchanged_export_is_recorded_and_kept_or_not_as_the_settings_say() {
    for (setting, files) in [("store", 2), ("skip", 1)] {
        let gateway = gateways::with_domains([Domain::new("DOM1")]);
        let home = Home::of(&gateway)
            .plan("P", &export("*", "DOM1", ""))
            .setting(&format!("on_unchanged = \"{setting}\""));
        let clock = TestClock::odd_night();
        assert_eq!(home.run("P", &clock).status(), "SUCCESS");
        let first = home.task_rows()[0].id;
        clock.pass(Duration::from_secs(86_400));
        let run = home.run("P", &clock);
        assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
        assert_eq!(run.files()[0].unchanged_since, Some(first), "{setting}");
        assert_eq!(home.stored().len(), files, "{setting}: {:?}", home.stored());
        assert_eq!(home.task_rows()[0].files_downloaded, 1, "{setting}");
        // A change, and it is new.
        gateway.state().put_file("DOM1", "local:///new.txt", "new");
        clock.pass(Duration::from_secs(86_400));
        assert_eq!(
            home.run("P", &clock).files()[0].unchanged_since,
            None,
            "{setting}"
        );
        assert_eq!(home.stored().len(), files + 1, "{setting}");
    }
}

#[test]
fn a_domain_whose_name_would_escape_the_store_stays_within_it() {
    let gateway = gateways::with_domains([Domain::new("DOM1")]);
    gateway.fail(Fault::every("DomainStatus", FaultKind::HostileName(None)));
    let home = Home::of(&gateway).plan(
        "P",
        &format!("error_policy = \"ignore\"\n{}", export("*", "*", "")),
    );
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(run.status(), "FAILED", "{:?}", run.tasks());
    assert!(
        run.tasks().contains(&"QA1/DOM1 SUCCESS".to_owned()),
        "{:?}",
        run.tasks()
    );
    assert_eq!(names(&home.path("")), ["plans.toml", "scripts", "state", "store"]);
    assert!(
        home.stored()
            .iter()
            .all(|path| !path.contains("..") && path.starts_with("QA1/domain/"))
    );
}
