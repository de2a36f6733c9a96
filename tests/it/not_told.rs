//! What a device does not tell, hides or contradicts is not known; and a name that leads to another
//! device is found out before anything is asked of it.

use std::time::Duration;

use dpbackup::run::left::Left;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{Home, TestClock, export, gateways, notes_of};

/// A gateway with two domains, on this clock.
fn gateway(clock: &TestClock, ways: &[&str]) -> Gateway {
    let setup = Setup {
        clock: clock.for_gateway(),
        ..gateways::small(["DOM1", "DOM2"].map(Domain::new))
    };
    Gateway::start(setup.being(ways))
}

fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .timeouts("request = 4s")
        .device("QA1", gateway)
        .plan("QUIESCED", &export("*", "DOM1", "quiesce = true"))
        .plan("AT_WORK", &export("*", "DOM1", ""))
}

/// Ways of a device that shows the quiesce and then nothing of it any more.
const THEN_SILENT: [&str; 4] = [
    "DomainStatus:6+=no-field@QuiesceState",
    "DomainStatus:6+=hides-row@DOM1",
    "DomainStatus:6+=two-rows@DOM1",
    "DomainStatus:6+=hides-row@DOM2",
];

#[test]
fn a_quiesce_of_which_the_device_stops_to_tell_stays_in_the_journal() {
    for silent in &THEN_SILENT[..3] {
        for answer in [
            "unquiesce=not-done",
            "unquiesce=error-log@Authentication failure",
            "unquiesce=error-log@invalid or non-existent domain [DOM1]",
        ] {
            let clock = TestClock::night();
            let gateway = gateway(&clock, &[silent, "unquiesce=not-done", answer]);
            let home = home(&gateway);
            let run = home.run("QUIESCED", &clock);
            let case = format!("{silent} {answer}: {:?}", run.errors());
            assert_eq!(run.exit(), 10, "{case}");
            assert!(!gateway.state().is_unquiesced(), "{case}");
            assert!(gateway.received("DomainUnquiesce") >= 1, "{case}");
            assert_eq!(home.open_entries().len(), 1, "{case}");
            gateway.clear_faults();
        }
    }
}

#[test]
fn what_the_device_tells_again_is_believed_by_the_next_look() {
    // Two rows that agree are no contradiction.
    for silent in &THEN_SILENT[..2] {
        let clock = TestClock::night();
        let told = gateway(&clock, &[]);
        let home = home(&told);
        told.fail(silent.parse().expect("a fault"));
        let run = home.run("QUIESCED", &clock);
        assert_eq!(run.exit(), 10, "{silent}: {:?}", run.errors());
        assert!(told.state().is_unquiesced(), "{silent}: it was told to");
        told.clear_faults();
        let recovered = home.recover(&clock).expect("an end");
        assert_eq!(recovered.left, Left::Nothing, "{silent}");
        assert_eq!(home.open_entries(), [], "{silent}");
    }
}

#[test]
fn what_is_hidden_of_other_domains_does_not_matter_to_one() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &[THEN_SILENT[3]]);
    let home = home(&gateway);
    let run = home.run("QUIESCED", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn nothing_is_quiesced_where_the_device_does_not_tell_whether_somebody_else_has() {
    for silent in ["DomainStatus=no-field@QuiesceState", "DomainStatus=two-rows@DOM1"] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &[silent]);
        gateway.state().set_quiesced("DOM1", true);
        let home = home(&gateway);
        let run = home.run("QUIESCED", &clock);
        assert_eq!(run.tasks(), ["QA1/DOM1 DEVICE_ERROR"], "{silent}");
        assert!(
            run.errors()[0].contains("is quiesced is not known"),
            "{:?}",
            run.errors()
        );
        assert_eq!(
            gateway.received("DomainQuiesce") + gateway.received("DomainUnquiesce"),
            0
        );
        let run = home.run("AT_WORK", &clock);
        assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{silent}: {:?}", run.errors());
    }
}

#[test]
fn a_fault_that_blames_the_server_proves_nothing() {
    for text in ["", "@Request timed out"] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &[&format!("quiesce=fault-after{text}")]);
        let home = home(&gateway);
        let run = home.run("QUIESCED", &clock);
        clock.pass(Duration::from_secs(600));
        assert!(gateway.received("DomainUnquiesce") >= 1, "{:?}", run.errors());
        assert!(gateway.state().is_unquiesced(), "{:?}", run.errors());
        assert_eq!(home.open_entries(), []);
    }
}

#[test]
fn unsaved_changes_that_the_device_does_not_tell_are_exported_all_the_same() {
    let clock = TestClock::night();
    let setup = Setup {
        clock: clock.for_gateway(),
        ..gateways::small([Domain::new("DOM1").unsaved()])
    };
    let gateway = Gateway::start(setup.being(&["DomainStatus=no-field@SaveNeeded"]));
    let home = home(&gateway);
    let run = home.run("AT_WORK", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
    let details = home.details(0);
    let task = &details.task;
    assert_eq!((task.files_downloaded, task.unsaved_changes), (2, Some(true)));
    let notes = notes_of(&details);
    assert!(
        notes
            .iter()
            .any(|note| note.contains("does not say whether there are unsaved changes")),
        "{notes:?}"
    );
}

#[test]
fn a_name_that_leads_to_another_device_is_found_out_before_anything_is_asked_of_it() {
    // Asked when the plan begins, with the quiesce, with the unquiesce, and after it.
    for (asked, quiesces, unquiesces) in [(2, 0, 0), (3, 1, 0), (4, 1, 1)] {
        let clock = TestClock::night();
        let gateway = gateway(
            &clock,
            &[&format!("FirmwareVersion3:{asked}=another-serial@78B0002")],
        );
        let home = home(&gateway);
        let run = home.run("QUIESCED", &clock);
        let case = format!("{asked}: {:?}", run.errors());
        assert!(run.errors()[0].contains("serial number 78B0002"), "{case}");
        assert_eq!(gateway.received("DomainQuiesce"), quiesces, "{case}");
        assert_eq!(gateway.received("DomainUnquiesce"), unquiesces, "{case}");
        let (exit, open) = if quiesces == 0 { (1, 0) } else { (10, 1) };
        assert_eq!((run.exit(), home.open_entries().len()), (exit, open), "{case}");
    }
}
