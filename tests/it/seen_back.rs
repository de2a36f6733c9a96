//! What was quiesced must be seen back, domain by domain, or be gone by the device's own word; and a secure
//! backup that was asked for is not given up because of what is not shown of it yet.

use std::time::Duration;

use dpbackup::clock::Clock;
use dpbackup::run::event::Event;
use dpbackup::run::left::Left;
use dpbackup::run::sequence::Options;
use dpbackup::run::status::Status;
use dpbackup::signal::Stop;

use crate::simulator::{Domain, Gateway, Setup, When};
use crate::support::{EngineRun, Eventful, Home, TestClock, export, gateways, notes_of, secure_backup};

fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .timeouts("request = 10s, secure_backup = 10m")
        .device("QA1", gateway)
        .plan("DEVICE", &export("*", "all-domains", "quiesce = true"))
        .plan("DOMAIN", &export("*", "DOM1", "quiesce = true"))
        .plan("SECURE", &secure_backup("*", "quiesce = true"))
}

/// A run in which this happens when the task reaches a status.
fn run(home: &Home, plan: &str, clock: &dyn Clock, at: Status, mut act: impl FnMut()) -> EngineRun {
    let mut watch = |event: &Event| {
        if matches!(event, Event::TaskStatus { status, .. } if *status == at) {
            act();
        }
    };
    home.run_with(plan, clock, Options::default(), &Stop::new(), &mut watch)
}

/// The run did not call it done, nor does a recovery while nothing more is known.
#[track_caller]
fn is_not_called_done(run: &EngineRun, home: &Home, clock: &TestClock) {
    assert_eq!(run.exit(), 10, "{:?} {:?}", run.tasks(), run.errors());
    assert_eq!(home.open_entries().len(), 1);
    let recovered = home.recover(clock).expect("an end");
    assert!(recovered.left != Left::Nothing, "{recovered:?}");
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn a_device_that_lists_default_alone_after_its_domains_were_quiesced_is_not_at_work() {
    for answer in ["not-done", "error-log@Authentication failure"] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        let home = home(&gateway);
        let run = run(&home, "DEVICE", &clock, Status::BackingUp, || {
            for domain in ["DOM1", "DOM2"] {
                gateway.fail_as(&format!("DomainStatus=hides-row@{domain}"));
            }
            gateway.fail_as("unquiesce=not-done");
            gateway.fail_as(&format!("unquiesce={answer}"));
        });
        is_not_called_done(&run, &home, &clock);
        assert!(!gateway.state().is_unquiesced(), "{answer}");
        // It shows them again, and takes an unquiesce.
        gateway.clear_faults();
        let recovered = home.recover(&clock).expect("an end");
        assert_eq!(recovered.left, Left::Nothing, "{answer}");
        assert!(gateway.state().is_unquiesced(), "{answer}");
    }
}

#[test]
fn one_domain_that_is_not_listed_any_more_is_not_back_because_the_others_are() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway);
    let run = run(&home, "DEVICE", &clock, Status::BackingUp, || {
        gateway.fail_as("DomainStatus=hides-row@DOM2");
        gateway.fail_as("UnquiesceDP=only@DOM1");
        gateway.fail_as("DomainUnquiesce=not-done");
    });
    assert!(
        run.errors()[0].contains("the device does not list domain DOM2"),
        "{:?}",
        run.errors()
    );
    is_not_called_done(&run, &home, &clock);
}

#[test]
fn a_domain_that_was_removed_while_the_device_was_quiesced_is_gone_by_the_devices_own_word() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway);
    let run = run(&home, "DEVICE", &clock, Status::Unquiescing, || {
        gateway.state().remove_domain("DOM2");
    });
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_domain_that_is_hidden_from_the_account_and_may_not_be_unquiesced_by_it_is_not_gone() {
    for answer in ["error-log@Authentication failure", "not-done"] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        let home = home(&gateway);
        let run = run(&home, "DOMAIN", &clock, Status::BackingUp, || {
            gateway.fail_as("DomainStatus=hides-row@DOM1");
            gateway.fail_as("get-config/Domain=hides-row@DOM1");
            gateway.fail_as("DomainUnquiesce=not-done");
            gateway.fail_as(&format!("DomainUnquiesce={answer}"));
        });
        is_not_called_done(&run, &home, &clock);
        assert!(!gateway.state().is_unquiesced(), "{answer}");
    }
}

#[test]
fn a_device_without_domains_that_refuses_the_unquiesce_may_still_be_quiesced() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["default-alone"]);
    gateway.fail_as("UnquiesceDP=not-done");
    gateway.fail_as("UnquiesceDP=error-log@Authentication failure");
    let home = home(&gateway);
    let run = run(&home, "SECURE", &clock, Status::BackingUp, || {});
    is_not_called_done(&run, &home, &clock);
    assert_ne!(gateway.state().device_quiesce_state(), "");
}

#[test]
fn a_device_of_which_one_domain_hangs_on_its_way_back_is_told_to_unquiesce_the_others() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway);
    let run = run(&home, "DEVICE", &clock, Status::BackingUp, || {
        // Somebody else has told one of them, and it never arrives.
        gateway.state().set_stuck("DOM2");
    });
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(gateway.received("UnquiesceDP"), 1, "told, and not again");
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_device_that_lists_nothing_of_its_domains_for_a_moment_is_waited_for_before_the_backup() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway);
    let run = run(&home, "DEVICE", &clock, Status::Quiescing, || {
        for domain in ["DOM1", "DOM2"] {
            gateway.fail_as(&format!("DomainStatus:1=hides-row@{domain}"));
        }
    });
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert!(
        !notes_of(&home.details(0))
            .iter()
            .any(|note| note.contains("no domain but default")),
        "{:?}",
        notes_of(&home.details(0))
    );
    let asked = gateway.operations();
    let backup = asked
        .iter()
        .position(|name| name == "do-backup")
        .expect("a backup");
    let looks = asked[..backup]
        .iter()
        .rev()
        .take_while(|name| *name == "get-status/DomainStatus");
    assert!(looks.count() > 1, "{asked:?}");
}

#[test]
fn what_a_device_is_busy_with_does_not_hold_up_a_quiesce_that_a_disabled_domain_has_no_part_in() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["disabled@DOM2"]);
    let home = home(&gateway);
    // At each look it has to be saved, or not.
    let mut unsaved = false;
    let restless = Eventful::new(&clock, |_| {
        unsaved = !unsaved;
        gateway.state().set_unsaved("default", unsaved);
    });
    let before = clock.elapsed();
    let run = run(&home, "DEVICE", &restless, Status::BackingUp, || {});
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert!(clock.elapsed() - before < Duration::from_secs(60));
}

#[test]
fn a_domain_that_cannot_be_quiesced_holds_up_nobody_whatever_the_device_says_of_it() {
    for shows in ["DOM2:Unknown quiesce state", "DOM2:error", "default:unknown"] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &["disabled@DOM2", &format!("shows@{shows}")]);
        let home = home(&gateway);
        let before = clock.elapsed();
        let run = run(&home, "DEVICE", &clock, Status::BackingUp, || {});
        assert_eq!(
            run.tasks(),
            ["QA1/all-domains SUCCESS"],
            "{shows}: {:?}",
            run.errors()
        );
        assert!(clock.elapsed() - before < Duration::from_secs(60), "{shows}");
        assert!(gateway.state().is_unquiesced(), "{shows}");
        assert_eq!(home.open_entries(), [], "{shows}");
    }
}

#[test]
fn what_the_row_of_default_shows_of_a_device_must_be_seen_back_too() {
    for ways in [
        &["device-in-default", "default-alone"][..],
        &["device-in-default"],
    ] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, ways);
        let home = home(&gateway);
        let good = run(&home, "SECURE", &clock, Status::BackingUp, || {});
        assert_eq!(
            good.tasks(),
            ["QA1/all-domains SUCCESS"],
            "{ways:?}: {:?}",
            good.errors()
        );
        let notes = notes_of(&home.details(0)).join("\n");
        assert!(!notes.contains("no domain but default"), "{ways:?}: {notes}");
        assert!(gateway.state().is_unquiesced(), "{ways:?}");
        assert_eq!(home.open_entries(), [], "{ways:?}");
        // The unquiesce is taken. Each domain is at work by its own row, and the device is not.
        let left = run(&home, "SECURE", &clock, Status::BackingUp, || {
            gateway.fail_as("UnquiesceDP=not-done");
            for domain in ["DOM1", "DOM2"] {
                gateway.state().set_quiesced(domain, false);
            }
        });
        is_not_called_done(&left, &home, &clock);
        assert!(!gateway.state().is_unquiesced(), "{ways:?}");
        gateway.clear_faults();
        assert_eq!(
            home.recover(&clock).expect("an end").left,
            Left::Nothing,
            "{ways:?}"
        );
        assert!(gateway.state().is_unquiesced(), "{ways:?}");
    }
}

#[test]
fn a_device_whose_row_of_default_says_that_it_is_quiesced_is_not_quiesced_again() {
    for word in ["quiesced", "quiescing"] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[&format!("shows@default:{word}")]);
        let home = home(&gateway);
        let refused = run(&home, "DEVICE", &clock, Status::BackingUp, || {});
        assert_eq!(
            refused.tasks(),
            ["QA1/all-domains DEVICE_HAS_QUIESCED_DOMAINS"],
            "{word}"
        );
        // One domain is another thing.
        let good = run(&home, "DOMAIN", &clock, Status::BackingUp, || {});
        assert_eq!(good.tasks(), ["QA1/DOM1 SUCCESS"], "{word}: {:?}", good.errors());
        assert_eq!(gateway.received("QuiesceDP"), 0, "{word}");
    }
}

#[test]
fn a_device_whose_domains_are_all_disabled_is_backed_up_and_held_up_by_nobody() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["disabled@DOM1", "disabled@DOM2"]);
    let home = home(&gateway);
    let before = clock.elapsed();
    for plan in ["DEVICE", "SECURE"] {
        let run = run(&home, plan, &clock, Status::BackingUp, || {});
        assert_eq!(
            run.tasks(),
            ["QA1/all-domains SUCCESS"],
            "{plan}: {:?}",
            run.errors()
        );
        let notes = notes_of(&home.details(0)).join("\n");
        assert!(
            notes.contains("not quiesced: DOM1 (disabled), DOM2 (disabled)"),
            "{notes}"
        );
    }
    assert!(clock.elapsed() - before < Duration::from_secs(60));
    clock.pass(Duration::from_secs(60));
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_disabled_domain_is_exported_without_a_quiesce_that_it_cannot_have() {
    for fault in [
        "DomainQuiesce:9=close",
        "DomainQuiesce=error-log@domain [DOM2] is disabled",
    ] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &["disabled@DOM2"]);
        gateway.fail_as(fault);
        let home = home(&gateway).plan("TWO", &export("*", "DOM2", "quiesce = true"));
        let before = clock.elapsed();
        let run = run(&home, "TWO", &clock, Status::BackingUp, || {});
        assert_eq!(run.tasks(), ["QA1/DOM2 SUCCESS"], "{fault}: {:?}", run.errors());
        let notes = notes_of(&home.details(0)).join("\n");
        assert!(
            notes.contains("not quiesced: DOM2 (disabled)"),
            "{fault}: {notes}"
        );
        assert!(clock.elapsed() - before < Duration::from_secs(30), "{fault}");
        assert_eq!(home.open_entries(), [], "{fault}");
    }
}

#[test]
fn a_domain_that_begins_late_to_quiesce_does_not_hold_up_the_others_and_is_brought_back() {
    let clock = TestClock::night();
    let mut setup = gateways::on_clock(
        &clock,
        Duration::from_secs(1),
        gateways::small(["DOM1", "DOM2"].map(Domain::new)),
    );
    // Long after the other one, and within the time that the device was given.
    let late = When::After(Duration::from_secs(40));
    setup.turns.push(("DOM2".to_owned(), true, late));
    let gateway = Gateway::start(setup.being(&["QuiesceDP=only@DOM1"]));
    let home = home(&gateway);
    let run = run(&home, "DEVICE", &clock, Status::BackingUp, || {
        assert_eq!(gateway.state().quiesced(), ["the device", "DOM1"]);
    });
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    let notes = notes_of(&home.details(0)).join("\n");
    assert!(
        notes.contains("DOM2 (enabled, and did not begin while all others were)"),
        "{notes}"
    );
    clock.pass(Duration::from_secs(600));
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
}

/// A run that somebody ends when DOM1 is quiesced, of which DOM2 begins 20 s later.
fn run_ended_between_two_domains(home: &Home, gateway: &Gateway, clock: &TestClock) -> EngineRun {
    let stop = Stop::new();
    let clock = Eventful::new(clock, |_| {
        if gateway.state().quiesce_state("DOM1") == "quiesced" && !stop.is_requested() {
            let later = When::After(Duration::from_secs(20));
            gateway.state().turn_later("DOM2", true, later);
            stop.request(15);
        }
    });
    home.run_with("DEVICE", &clock, Options::default(), &stop, &mut |_| {})
}

#[test]
fn a_domain_that_had_not_begun_when_somebody_asked_to_stop_is_waited_for_and_seen_back() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["QuiesceDP=only@DOM1"]);
    let home = home(&gateway);
    let run = run_ended_between_two_domains(&home, &gateway, &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains INTERRUPTED"], "{:?}", run.errors());
    assert_eq!(run.exit(), 143);
    clock.pass(Duration::from_secs(60));
    assert_eq!(gateway.state().quiesced(), [""; 0]);
    assert_eq!(home.open_entries(), []);
    assert!(
        run.errors()[0].ends_with("unquiesced and confirmed"),
        "{:?}",
        run.errors()
    );
}

#[test]
fn a_domain_that_had_not_begun_when_somebody_asked_to_stop_and_does_not_come_back_stays_in_the_journal() {
    let clock = TestClock::night();
    let ways = [
        "QuiesceDP=only@DOM1",
        "UnquiesceDP=spares@DOM2",
        "DomainUnquiesce=not-done",
    ];
    let gateway = gateways::pair_on_clock(&clock, 1, &ways);
    let home = home(&gateway);
    let run = run_ended_between_two_domains(&home, &gateway, &clock);
    assert_eq!(run.exit(), 10, "{:?} {:?}", run.tasks(), run.errors());
    assert_eq!(home.open_entries().len(), 1);
    assert!(run.errors()[0].contains("STILL QUIESCED"), "{:?}", run.errors());
}

#[test]
fn a_disabled_domain_does_not_hold_up_whoever_asks_to_stop() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["disabled@DOM2"]);
    let home = home(&gateway);
    let stop = Stop::new();
    let before = clock.elapsed();
    let stopping = Eventful::new(&clock, |_| {
        if gateway.state().quiesce_state("DOM1") == "quiesced" {
            stop.request(15);
        }
    });
    let run = home.run_with("DEVICE", &stopping, Options::default(), &stop, &mut |_| {});
    assert_eq!(run.tasks(), ["QA1/all-domains INTERRUPTED"], "{:?}", run.errors());
    assert_eq!(home.open_entries(), []);
    let passed = clock.elapsed() - before;
    assert!(passed < Duration::from_secs(30), "{passed:?} on the clock");
}

#[test]
fn a_domain_that_begins_after_another_one_has_failed_is_waited_for_and_seen_back() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["QuiesceDP=only@DOM1", "QuiesceDP=quiesce-error"]);
    let home = home(&gateway);
    let run = run(&home, "DEVICE", &clock, Status::Quiescing, || {
        let later = When::After(Duration::from_secs(20));
        gateway.state().turn_later("DOM2", true, later);
    });
    assert_eq!(
        run.tasks(),
        ["QA1/all-domains DEVICE_ERROR"],
        "{:?}",
        run.errors()
    );
    clock.pass(Duration::from_secs(60));
    assert_eq!(gateway.state().quiesced(), [""; 0]);
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_domain_that_does_not_begin_while_all_others_are_quiesced_is_named_and_does_not_hold_them_up() {
    for (way, words) in [
        ("disabled@DOM2", "DOM2 (disabled)"),
        (
            "QuiesceDP=only@DOM1",
            "DOM2 (enabled, and did not begin while all others were)",
        ),
        (
            "get-config/Domain=access-denied",
            "DOM2 (the device does not tell whether it is enabled)",
        ),
    ] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &["QuiesceDP=only@DOM1", way]);
        let home = home(&gateway);
        let run = run(&home, "DEVICE", &clock, Status::BackingUp, || {
            let longest = match way.starts_with("disabled") {
                true => 15,
                false => 30,
            };
            assert!(clock.elapsed() < Duration::from_secs(longest), "{way}");
        });
        assert_eq!(
            run.tasks(),
            ["QA1/all-domains SUCCESS"],
            "{way}: {:?}",
            run.errors()
        );
        let notes = notes_of(&home.details(0)).join("\n");
        assert!(notes.contains(words), "{way}: {notes}");
        assert!(gateway.state().is_unquiesced(), "{way}");
    }
}

#[test]
fn a_quiesce_that_was_accepted_needs_an_unquiesce_that_is_answered_however_old_it_is() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["state-never-shown"]);
    gateway.fail_as("DomainUnquiesce=reset");
    let home = home(&gateway);
    let run = run(&home, "DOMAIN", &clock, Status::BackingUp, || {});
    assert_eq!(run.exit(), 10, "{:?} {:?}", run.tasks(), run.errors());
    clock.pass(Duration::from_secs(3 * 3600));
    is_not_called_done(&run, &home, &clock);
    assert_eq!(gateway.state().quiesce_state("DOM1"), "quiesced");
    gateway.clear_faults();
    assert_eq!(home.recover(&clock).expect("an end").left, Left::Nothing);
    clock.pass(Duration::from_secs(2));
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_serial_number_that_every_container_has_does_not_make_two_devices_one() {
    let clock = TestClock::night();
    let (there, elsewhere) = (
        gateways::pair_on_clock(&clock, 1, &[]),
        gateways::pair_on_clock(&clock, 1, &[]),
    );
    for device in [&there, &elsewhere] {
        device.state().set_serial("0000001");
    }
    let home = home(&there);
    there.fail_as("unquiesce=not-done");
    let run = run(&home, "DOMAIN", &clock, Status::BackingUp, || {});
    assert_eq!(run.exit(), 10, "{:?}", run.errors());
    let moved = home.without_devices().device("QA1", &elsewhere);
    let recovered = moved.recover(&clock).expect("an end");
    let told = recovered.done.lines().join("\n");
    assert!(told.contains("for every container has it"), "{told}");
    assert_eq!(elsewhere.received("unquiesce"), 0);
    assert_eq!(moved.open_entries().len(), 1);
    // Where its address is the same, it is the same for all that is known.
    there.clear_faults();
    let back = moved.without_devices().device("QA1", &there);
    assert_eq!(back.recover(&clock).expect("an end").left, Left::Nothing);
    assert!(there.state().is_unquiesced());
}

#[test]
fn a_host_that_is_written_in_other_capitals_has_not_moved() {
    let clock = TestClock::night();
    let there = gateways::pair_on_clock(&clock, 1, &[]);
    there.state().set_serial("0000001");
    let pin = format!("{{ pin_sha256 = \"{}\" }}", there.pin());
    let at = |home: Home, host| home.without_devices().device_on("QA1", host, there.port(), &pin);
    let home = at(home(&there), "localhost");
    there.fail_as("unquiesce=not-done");
    let run = run(&home, "DOMAIN", &clock, Status::BackingUp, || {});
    assert_eq!(run.exit(), 10, "{:?}", run.errors());
    there.clear_faults();
    let again = at(home, "LOCALHOST");
    assert_eq!(again.recover(&clock).expect("an end").left, Left::Nothing);
    assert!(there.state().is_unquiesced());
}

#[test]
fn a_secure_backup_that_begins_after_a_sentence_or_a_warning_is_waited_for() {
    for answer in ["sentence", "error-log@Raid volume not included"] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        gateway.fail_as(&format!("SecureBackup={answer}"));
        gateway.fail_as("SecureBackup=late@2s");
        let home = home(&gateway);
        let run = run(&home, "SECURE", &clock, Status::BackingUp, || {});
        assert_eq!(
            run.tasks(),
            ["QA1/all-domains SUCCESS"],
            "{answer}: {:?}",
            run.errors()
        );
        assert!(gateway.state().is_unquiesced(), "{answer}");
        assert_eq!(home.open_entries(), [], "{answer}");
    }
}

#[test]
fn a_secure_backup_that_begins_long_after_a_warning_leaves_no_folder() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    gateway.fail_as("SecureBackup=error-log@Raid volume not included");
    gateway.fail_as("SecureBackup=late@15s");
    let home = home(&gateway);
    let run = run(&home, "SECURE", &clock, Status::BackingUp, || {});
    assert_eq!(
        run.tasks(),
        ["QA1/all-domains BACKUP_FAILED"],
        "{:?}",
        run.errors()
    );
    clock.pass(Duration::from_secs(600));
    let left = gateway.state().files("default", "temporary:");
    assert!(!left.iter().any(|file| file.contains("dpbackup-")), "{left:?}");
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_device_whose_status_cannot_be_read_any_more_is_told_to_unquiesce_all_the_same() {
    for trouble in ["access-denied", "http-500", "garbage", "no-payload"] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        let home = home(&gateway);
        let run = run(&home, "DOMAIN", &clock, Status::BackingUp, || {
            gateway.fail_as(&format!("DomainStatus={trouble}"));
        });
        assert_eq!(run.exit(), 10, "{trouble}: {:?}", run.errors());
        clock.pass(Duration::from_secs(60));
        assert!(gateway.state().is_unquiesced(), "{trouble}: {:?}", run.errors());
        // So does a recovery; and what it cannot see it does not call done.
        gateway.state().set_quiesced("DOM1", true);
        assert!(
            home.recover(&clock).expect("an end").left != Left::Nothing,
            "{trouble}"
        );
        clock.pass(Duration::from_secs(60));
        assert!(gateway.state().is_unquiesced(), "{trouble}");
        gateway.clear_faults();
        assert_eq!(
            home.recover(&clock).expect("an end").left,
            Left::Nothing,
            "{trouble}"
        );
    }
}

#[test]
fn a_quiesce_that_was_answered_by_no_device_may_arrive_later() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    gateway.fail_as("DomainQuiesce=late@30s");
    gateway.fail_as("DomainQuiesce=fault-after@Gateway Timeout");
    let home = home(&gateway);
    let run = run(&home, "DOMAIN", &clock, Status::BackingUp, || {});
    assert_eq!(run.exit(), 10, "{:?} {:?}", run.tasks(), run.errors());
    assert_eq!(home.open_entries().len(), 1);
    clock.pass(Duration::from_secs(60));
    assert!(!gateway.state().is_unquiesced(), "it arrived");
    assert_eq!(home.recover(&clock).expect("an end").left, Left::Nothing);
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_domain_that_is_not_listed_for_a_moment_does_not_end_its_task() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway);
    let run = run(&home, "DOMAIN", &clock, Status::Quiescing, || {
        gateway.fail_as("DomainStatus:1=hides-row@DOM1");
    });
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
}

#[test]
fn a_refused_unquiesce_of_a_device_at_work_and_a_domain_that_was_removed_are_noted_with_the_task() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway);
    gateway.fail_as("DomainUnquiesce=error-log@Domain is busy.");
    let refused = home.run("DOMAIN", &clock);
    assert_eq!(refused.tasks(), ["QA1/DOM1 SUCCESS"]);
    let notes = notes_of(&home.details(0)).join("\n");
    assert!(
        notes.contains("at work, and did not answer OK to an unquiesce"),
        "{notes}"
    );
    gateway.clear_faults();
    let _removed = run(&home, "DOMAIN", &clock, Status::Unquiescing, || {
        gateway.state().remove_domain("DOM1");
    });
    let notes = notes_of(&home.details(0)).join("\n");
    assert!(notes.contains("does not list the domain"), "{notes}");
}

/// Where the secure backup was asked to go.
fn destination(gateway: &Gateway) -> String {
    let requests = gateway.requests();
    let asked = requests
        .iter()
        .find(|asked| asked.operation.ends_with("SecureBackup"));
    let body = &asked.expect("it was asked for").body;
    let from = body.find("temporary:").expect("a destination");
    let length = body[from..].find('<').expect("its end");
    body[from..from + length].to_owned()
}

#[test]
fn a_manifest_that_is_listed_some_seconds_after_the_work_is_waited_for() {
    let clock = TestClock::night();
    let setup = Setup {
        secure_backup_time: Duration::from_secs(10),
        ..gateways::on_clock(
            &clock,
            Duration::from_secs(1),
            gateways::small([Domain::new("DOM1")]),
        )
    };
    let gateway = Gateway::start(setup.being(&["SecureBackup=gives-up"]));
    let home = home(&gateway);
    let begun = clock.elapsed();
    let mut is_listed = false;
    let lagging = Eventful::new(&clock, |_| {
        if !is_listed && clock.elapsed() - begun >= Duration::from_secs(25) {
            is_listed = true;
            let manifest = format!("{}/backupmanifest.xml", destination(&gateway));
            gateway
                .state()
                .put_file("default", &manifest, "<a manifest of this test/>");
        }
    });
    let run = run(&home, "SECURE", &lagging, Status::BackingUp, || {});
    // It was fetched, and found to be none.
    assert_eq!(
        run.tasks(),
        ["QA1/all-domains VERIFICATION_FAILED"],
        "{:?}",
        run.errors()
    );
}

#[test]
fn a_manifest_of_a_device_that_shows_no_work_is_looked_at_a_second_time() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["SecureBackup=not-done"]);
    let home = home(&gateway);
    let mut pauses = 0;
    let making = Eventful::new(&clock, |_| {
        if gateway.received("SecureBackup") == 0 {
            return;
        }
        let put = |name: &str| {
            let path = format!("{}/{name}", destination(&gateway));
            gateway
                .state()
                .put_file("default", &path, "<a manifest of this test/>");
        };
        pauses += 1;
        match pauses {
            1 => put("backupmanifest.xml"),
            2 => put("root.tgz"),
            _ => {}
        }
    });
    let run = run(&home, "SECURE", &making, Status::BackingUp, || {});
    // Both were fetched, and found to be no secure backup.
    assert_eq!(
        run.tasks(),
        ["QA1/all-domains VERIFICATION_FAILED"],
        "{:?}",
        run.errors()
    );
    assert_eq!(gateway.received("get-file"), 2);
}

#[test]
fn a_file_that_has_grown_since_it_was_listed_is_fetched_as_it_is_now() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["SecureBackup=not-done"]);
    let home = home(&gateway).setting("retries = 1");
    let mut is_made = false;
    let put = |name: &str, text: &str| {
        let path = format!("{}/{name}", destination(&gateway));
        gateway.state().put_file("default", &path, text);
    };
    let making = Eventful::new(&clock, |_| {
        let is_asked = gateway.received("SecureBackup") > 0;
        if is_asked && !is_made {
            is_made = true;
            put("backupmanifest.xml", "<a manifest of this test/>");
            put("root.tgz", "some");
        }
    });
    let run = run(&home, "SECURE", &making, Status::Downloading, || {
        put("root.tgz", "some, and more of it");
    });
    assert_eq!(
        run.tasks(),
        ["QA1/all-domains VERIFICATION_FAILED"],
        "{:?}",
        run.errors()
    );
}
