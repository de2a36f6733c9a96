//! One task from end to end: what is asked of the device and in what order, what is
//! stored, and what history says about it.

use dpbackup::run::event::FileKind;

use crate::simulator::{Domain, Firmware, Gateway, Setup};
use crate::support::{Home, TestClock, export, gateways, notes_of, secure_backup};

#[test]
fn a_quiesced_export_asks_for_no_more_than_it_needs_and_in_this_order() {
    let gateway = gateways::with_domains([Domain::new("DOM1")]);
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
    insta::assert_snapshot!(gateway.operations().join("\n"), @r"
    get-status/DomainStatus
    get-config/APIConnectGatewayService
    get-status/FirmwareVersion3
    get-status/DomainStatus
    get-status/DomainStatus
    get-status/FirmwareVersion3
    do-action/DomainQuiesce
    get-status/DomainStatus
    get-status/DomainStatus
    do-backup
    get-status/DomainStatus
    get-status/FirmwareVersion3
    do-action/DomainUnquiesce
    get-status/DomainStatus
    get-status/FirmwareVersion3
    ");
}

#[test]
fn a_quiesced_secure_backup_asks_for_no_more_than_it_needs_and_in_this_order() {
    let gateway = gateways::with_domains([Domain::new("DOM1")]);
    let home = Home::of(&gateway).plan("P", &secure_backup("*", "quiesce = true"));
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    insta::assert_snapshot!(gateway.operations().join("\n"), @r"
    get-status/DomainStatus
    get-status/FirmwareVersion3
    get-status/DomainStatus
    get-config/Domain
    get-config/SystemSettings
    get-config/CryptoCertificate
    do-view-certificate-details
    get-status/FilesystemStatus
    get-status/DomainStatus
    get-status/FirmwareVersion3
    do-action/QuiesceDP
    get-status/DomainStatus
    get-status/FirmwareVersion3
    do-action/SecureBackup
    get-status/DomainStatus
    get-filestore
    get-status/DomainStatus
    get-filestore
    get-status/FirmwareVersion3
    do-action/UnquiesceDP
    get-status/DomainStatus
    get-status/FirmwareVersion3
    get-file/backupmanifest.xml
    get-file/cert.tgz
    get-file/config.tgz
    get-file/local.tgz
    get-file/password-map.tgz
    get-file/root.tgz
    get-file/sharedcert.tgz
    get-status/FirmwareVersion3
    get-status/DomainStatus
    get-filestore
    do-action/DeleteFile
    do-action/DeleteFile
    do-action/DeleteFile
    do-action/DeleteFile
    do-action/DeleteFile
    do-action/DeleteFile
    do-action/DeleteFile
    do-action/RemoveDir
    get-filestore
    ");
}

#[test]
fn a_task_goes_through_its_interim_statuses_in_order() {
    let gateway = gateways::with_domains([Domain::new("DOM1").unsaved()]);
    let more = "quiesce = true\npre_script = \"s.sh\"\npost_script = \"s.sh\"";
    let home = Home::of(&gateway)
        .plan("P", &(export("*", "DOM1", more) + &secure_backup("*", more)))
        .script("s.sh", "#!/bin/sh\n");
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    insta::assert_snapshot!(run.statuses().join("\n"), @r"
    READY_FOR_EXECUTION
    READY_FOR_EXECUTION
    VALIDATING
    RUNNING_PRE_SCRIPT
    QUIESCING
    BACKING_UP
    DOWNLOADING
    BACKING_UP
    DOWNLOADING
    UNQUIESCING
    VERIFYING
    VERIFYING
    RUNNING_POST_SCRIPT
    SUCCESS
    VALIDATING
    RUNNING_PRE_SCRIPT
    QUIESCING
    BACKING_UP
    UNQUIESCING
    DOWNLOADING
    VERIFYING
    RUNNING_POST_SCRIPT
    SUCCESS
    ");
}

#[test]
fn one_connection_is_used_for_all_exports_of_a_device() {
    let gateway = gateways::with_domains(["DOM1", "DOM2", "DOM3"].map(Domain::new));
    // What changes a device has connections of its own: tests/it/connections.rs.
    let home = Home::of(&gateway).plan("P", &export("*", "DOM*", ""));
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    assert_eq!((gateway.connections(), gateway.handshakes()), (1, 1));
    let connections: Vec<u64> = gateway
        .requests()
        .iter()
        .map(|request| request.connection)
        .collect();
    assert!(connections.is_sorted(), "{connections:?}");
}

#[test]
fn a_saved_configuration_that_holds_nothing_does_not_keep_the_running_one_from_the_store() {
    let gateway = gateways::with_domains([Domain::new("DOM1").unsaved()]);
    gateway.fail_as("do-backup:1=no-objects");
    let home = Home::of(&gateway).plan("P", &export("*", "DOM*", ""));
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(
        run.tasks(),
        ["QA1/DOM1 VERIFICATION_FAILED"],
        "{:?}",
        run.errors()
    );
    let details = home.details(0);
    assert_eq!((details.files.len(), details.failed_files.len()), (1, 1));
    assert!(
        details.files[0].name.ends_with("-nonpersisted.zip"),
        "{:?}",
        details.files
    );
    assert_eq!(home.stored().len(), 1);
}

#[test]
fn an_export_is_one_file_and_two_where_changes_are_not_saved() {
    let gateway = gateways::with_domains([Domain::new("DOM1"), Domain::new("DOM2").unsaved()]);
    let home = Home::of(&gateway).plan("P", &export("*", "DOM*", ""));
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    assert_eq!(
        home.stored(),
        [
            "QA1/domain/DOM1/DOM1-export-2026-11-22-01-02-03-004-persisted.zip",
            "QA1/domain/DOM2/DOM2-export-2026-11-22-01-02-03-004-nonpersisted.zip",
            "QA1/domain/DOM2/DOM2-export-2026-11-22-01-02-03-004-persisted.zip",
        ]
    );
    let unsaved: Vec<Option<bool>> = home.task_rows().iter().map(|row| row.unsaved_changes).collect();
    assert_eq!(unsaved, [Some(false), Some(true)]);
    let kinds: Vec<FileKind> = run.files().iter().map(|file| file.kind).collect();
    assert_eq!(
        kinds,
        [FileKind::Persisted, FileKind::Persisted, FileKind::NonPersisted]
    );
    let (saved, running) = (run.files()[1], run.files()[2]);
    assert_ne!(saved.content, running.content, "they are two configurations");
    assert!(gateway.state().is_unsaved("DOM2"), "it is never saved");
}

#[test]
fn all_domains_are_one_export_and_two_where_any_domain_has_unsaved_changes() {
    for (unsaved, files) in [(false, 1), (true, 2)] {
        let gateway = gateways::with_domains([Domain::new("DOM1"), Domain::new("DOM2")]);
        gateway.state().set_unsaved("DOM2", unsaved);
        let home = Home::of(&gateway).plan("P", &export("*", "all-domains", "quiesce = true"));
        let run = home.run("P", &TestClock::odd_night());
        assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
        assert_eq!(home.stored().len(), files);
        assert_eq!(
            home.stored().last().map(String::as_str),
            Some("QA1/domain/all-domains/all-domains-export-2026-11-22-01-02-03-004-persisted.zip")
        );
        let operations = gateway.operations();
        assert_eq!(
            operations
                .iter()
                .filter(|name| *name == "do-action/QuiesceDP")
                .count(),
            1
        );
        assert!(gateway.state().is_unquiesced());
        assert_eq!((home.last_plan().devices, home.last_plan().domains), (1, 0));
    }
}

#[test]
fn the_default_domain_is_exported_without_quiesce_and_a_note_says_so() {
    let gateway = gateways::with_domains([Domain::new("DOM1")]);
    let home = Home::of(&gateway).plan("P", &export("*", "default", "quiesce = true"));
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(run.tasks(), ["QA1/default SUCCESS"], "{:?}", run.errors());
    assert!(
        !gateway
            .operations()
            .iter()
            .any(|name| name.starts_with("do-action/"))
    );
    let notes = notes_of(&home.details(0));
    assert_eq!(
        notes[0],
        "NOTE the default domain cannot be quiesced: it is exported without"
    );
    // What the backup lacks, as every other does.
    let lacks = "not in it, as in no export: cert:///backup-cert.pem, cert:///default-key.pem";
    assert!(notes.len() == 2 && notes[1].ends_with(lacks), "{notes:?}");
    assert_eq!((run.status(), run.warnings().len()), ("SUCCESS", 0));
}

#[test]
fn old_firmware_is_backed_up_just_the_same() {
    for firmware in [Firmware::v7(), Firmware::v5()] {
        let version = firmware.version.clone();
        let gateway = Gateway::start(Setup {
            domains: vec![Domain::new("DOM1").unsaved()],
            firmware,
            quiesce_texts: true,
            wrapped_base64: true,
            chunked: true,
            ..Setup::default()
        });
        let quiesce = "quiesce = true";
        let home = Home::of(&gateway).plan(
            "P",
            &(export("*", "DOM1", quiesce) + &secure_backup("*", quiesce)),
        );
        let run = home.run("P", &TestClock::odd_night());
        assert_eq!(
            run.tasks(),
            ["QA1/DOM1 SUCCESS", "QA1/all-domains SUCCESS"],
            "{version}: {:?}",
            run.errors()
        );
        assert!(gateway.state().is_unquiesced());
        let told = home.task_rows()[0]
            .facts
            .firmware_version
            .clone()
            .unwrap_or_default();
        assert!(version.ends_with(&told) && !told.is_empty(), "{version}: {told}");
    }
}

#[test]
fn history_keeps_what_the_device_says_about_itself() {
    let gateway = gateways::with_domains([Domain::new("DOM1")]);
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    assert_eq!(home.run("P", &TestClock::odd_night()).status(), "SUCCESS");
    let facts = home.task_rows()[0].facts.clone();
    let firmware = Firmware::v10();
    assert_eq!(facts.build.as_deref(), Some(firmware.build.as_str()));
    assert_eq!(facts.build_date.as_deref(), Some(firmware.build_date.as_str()));
    assert_eq!(facts.serial.as_deref(), Some(firmware.serial.as_str()));
    assert_eq!(
        facts.machine_type.as_deref(),
        Some(firmware.machine_type.as_str())
    );
    assert_eq!(facts.model_type.as_deref(), Some(firmware.model_type.as_str()));
    assert!(
        facts.tls_trust.is_some_and(|trust| trust.contains("pin")),
        "how it was trusted"
    );
}
