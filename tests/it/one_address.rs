//! Several gateways behind one address, one to a connection: none is quiesced that is not the one that is meant, and
//! none is called back at work for what another shows.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use dpbackup::run::event::Event;
use dpbackup::run::left::Left;
use dpbackup::run::sequence::Options;
use dpbackup::run::status::Status;
use dpbackup::signal::Stop;

use crate::restore::{change, has_service, setup as keyless_setup, word};
use crate::simulator::{Domain, Firmware, Gateway, HangUp, Setup};
use crate::support::relay::Relay;
use crate::support::{EngineRun, Eventful, Home, TestClock, export, gateways, secure_backup};

fn setup(clock: &TestClock, serial: &str) -> Setup {
    Setup {
        clock: clock.for_gateway(),
        firmware: Firmware {
            serial: serial.to_owned(),
            ..Firmware::v10()
        },
        ..gateways::small(["DOM1", "DOM2"].map(Domain::new))
    }
}

fn gateway(clock: &TestClock, serial: &str) -> Gateway {
    Gateway::start(setup(clock, serial))
}

fn home(relay: &Relay) -> Home {
    Home::quick()
        .timeouts("request = 4s")
        .device_at("QA1", relay.port(), "{ verify = false }")
        .plan("EXPORT", &export("*", "DOM1", "quiesce = true"))
        .plan("SECURE", &secure_backup("*", "quiesce = true"))
}

#[test]
fn whoever_is_quiesced_has_told_on_that_connection_that_it_is_the_one_that_is_meant() {
    for plan in ["EXPORT", "SECURE"] {
        // Which connections lead to the second gateway.
        let ways: [fn(usize) -> bool; 4] = [
            |number| number == 2,
            |number| number % 2 == 0,
            |number| number > 2,
            |number| number % 3 == 0,
        ];
        for (way, leads_to_second) in ways.into_iter().enumerate() {
            let clock = TestClock::night();
            let first = gateway(&clock, "78A0001");
            let second = gateway(&clock, "78B0002");
            let ports = [first.port(), second.port()];
            let relay = Relay::start(move |number| ports[usize::from(leads_to_second(number))]);
            let home = home(&relay);
            let run = home.run(plan, &clock);
            let case = format!("{plan} {way}: {} {:?}", run.exit(), run.errors());
            assert_eq!(
                second.received("DomainQuiesce") + second.received("QuiesceDP"),
                0,
                "{case}"
            );
            assert_eq!(
                second.received("DomainUnquiesce") + second.received("UnquiesceDP"),
                0,
                "{case}"
            );
            let is_open = !home.open_entries().is_empty();
            assert!(
                first.state().is_unquiesced() || (is_open && run.exit() == 10),
                "{case}"
            );
        }
    }
}

/// Where gateways end a connection after each answer, an address may come to lead to another one between any two requests, also
/// between the question who answers and the quiesce.
#[test]
fn a_gateway_that_may_have_taken_the_quiesce_of_another_is_not_forgotten() {
    let mut taken_by_other = 0;
    for plan in ["EXPORT", "SECURE"] {
        for (from, connections) in (5..=9).flat_map(|from| [(from, 2), (from, 100)]) {
            let clock = TestClock::night();
            let [first, second] = ["78A0001", "78B0002"].map(|serial| {
                Gateway::start(Setup {
                    hang_up: Some(HangUp {
                        answers: 1,
                        after: Duration::ZERO,
                        close_notify: true,
                    }),
                    ..setup(&clock, serial)
                })
            });
            let ports = [first.port(), second.port()];
            let is_over = Arc::new(AtomicBool::new(false));
            let over = Arc::clone(&is_over);
            let relay = Relay::start(move |number| {
                let leads_elsewhere = (from..from + connections).contains(&number);
                ports[usize::from(leads_elsewhere && !over.load(Ordering::SeqCst))]
            });
            let home = home(&relay);
            let run = home.run(plan, &clock);
            is_over.store(true, Ordering::SeqCst);
            let recovered = home.recover(&clock);
            let case = format!(
                "{plan}, {connections} from {from}: {} {:?} {recovered:?}",
                run.exit(),
                run.errors()
            );
            taken_by_other += second.received("DomainQuiesce") + second.received("QuiesceDP");
            let is_open = !home.open_entries().is_empty();
            assert!(
                second.state().is_unquiesced() || (is_open && run.exit() == 10),
                "{case}"
            );
            assert!(first.state().is_unquiesced() || is_open, "{case}");
            let blames_first = run
                .errors()
                .iter()
                .any(|error| error.contains("78A0001 was quiesced"));
            assert!(!blames_first, "{case}");
        }
    }
    assert!(taken_by_other > 0, "no quiesce went to the other gateway");
}

/// A run of an export whose new connections lead to the second gateway from the moment at which it backs up.
fn led_elsewhere_at_the_backup(clock: &TestClock, gateways: [&Gateway; 2]) -> EngineRun {
    let ports = gateways.map(Gateway::port);
    let asked = Arc::new(AtomicBool::new(false));
    let relay = Relay::start({
        let asked = Arc::clone(&asked);
        move |_| ports[usize::from(asked.load(Ordering::SeqCst))]
    });
    let home = home(&relay).plan("AT_WORK", &export("*", "DOM1", ""));
    let mut watch = |event: &Event| {
        let begins = matches!(
            event,
            Event::TaskStatus {
                status: Status::BackingUp,
                ..
            }
        );
        asked.fetch_or(begins, Ordering::SeqCst);
    };
    home.run_with("AT_WORK", clock, Options::default(), &Stop::new(), &mut watch)
}

#[test]
fn an_export_that_is_of_another_gateway_by_its_own_words_is_warned_of() {
    let clock = TestClock::night();
    // Gateways that end a connection after each answer meet us on one after another.
    let [first, second] = ["78A0001", "78B0002"].map(|serial| {
        let setup = Setup {
            hang_up: Some(HangUp {
                answers: 1,
                after: Duration::ZERO,
                close_notify: true,
            }),
            ..setup(&clock, serial)
        };
        Gateway::start(setup)
    });
    let run = led_elsewhere_at_the_backup(&clock, [&first, &second]);
    assert_eq!(second.received("do-backup"), 1, "{:?}", run.errors());
    let warnings = run.warnings();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("serial number 78B0002 by its own words, and QA1 told 78A0001")),
        "{warnings:?}"
    );
    assert_eq!(run.exit(), 3);
}

#[test]
fn an_export_is_asked_for_once_more_of_the_gateway_alone_that_was_asked_first() {
    let clock = TestClock::night();
    let first = gateway(&clock, "78A0001");
    let second = gateway(&clock, "78B0002");
    first.fail_as("do-backup=close");
    let run = led_elsewhere_at_the_backup(&clock, [&first, &second]);
    assert_eq!(first.received("do-backup"), 1, "{:?}", run.errors());
    assert_eq!(second.received("do-backup"), 0, "{:?}", run.errors());
    assert!(
        run.errors()[0].contains("the device with serial number 78B0002 answers now, and 78A0001 is meant"),
        "{:?}",
        run.errors()
    );
}

#[test]
fn a_gateway_that_stands_in_for_another_for_a_moment_does_not_keep_that_from_being_unquiesced() {
    let clock = TestClock::night();
    let first = gateway(&clock, "78A0001");
    let second = gateway(&clock, "78B0002");
    let ports = [first.port(), second.port()];
    // From the unquiesce on, ten connections lead to the second one.
    let until = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&until);
    let relay = Relay::start(move |_| {
        let left = counted.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        ports[usize::from(left.is_ok())]
    });
    let home = home(&relay).setting("unquiesce_timeout = \"60s\"");
    let mut watch = |event: &Event| {
        if matches!(
            event,
            Event::TaskStatus {
                status: Status::Unquiescing,
                ..
            }
        ) {
            until.store(10, Ordering::SeqCst);
        }
    };
    let run = home.run_with("EXPORT", &clock, Options::default(), &Stop::new(), &mut watch);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
    assert_eq!(second.received("DomainUnquiesce"), 0);
    assert!(first.state().is_unquiesced() && home.open_entries().is_empty());
}

#[test]
fn a_gateway_that_has_come_to_the_address_while_logins_were_refused_is_told_nothing_before_it_says_who_it_is()
{
    // The other one may refuse its login from then on as well.
    for looks in ["DomainStatus=stall@1s", "DomainStatus=account-locked"] {
        comes_while_logins_are_refused(looks);
    }
}

fn comes_while_logins_are_refused(looks_of_second: &str) {
    let clock = TestClock::night();
    let first = gateway(&clock, "78A0001");
    let second = gateway(&clock, "78B0002");
    // By its own administrator.
    second.state().set_quiesced("DOM1", true);
    second.fail_as(looks_of_second);
    first.fail_as("DomainUnquiesce:1=account-locked");
    let ports = [first.port(), second.port()];
    let has_moved = Arc::new(AtomicBool::new(false));
    let moved = Arc::clone(&has_moved);
    let relay = Relay::start(move |_| ports[usize::from(moved.load(Ordering::SeqCst))]);
    let home = home(&relay);
    let mut refused_at = None;
    let moves = Eventful::new(&clock, |now| {
        if first.received("DomainUnquiesce") > 0 && now > *refused_at.get_or_insert(now) {
            has_moved.store(true, Ordering::SeqCst);
        }
    });
    let run = home.run("EXPORT", &moves);
    drop(moves);
    assert_eq!(run.exit(), 10, "{:?}", run.errors());
    assert!(has_moved.load(Ordering::SeqCst) && second.received("FirmwareVersion3") > 0);
    assert_eq!(second.received("unquiesce"), 0, "{:?}", second.operations());
    assert_eq!(second.state().quiesced(), ["DOM1"]);
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn a_device_that_does_not_tell_for_a_moment_who_it_is_is_asked_again() {
    for silent in ["no-payload", "http-503", "error-log@Authentication failure"] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, "78A0001");
        // Asked for the plan, before the quiesce, before the unquiesce, and when it is at work again.
        for nth in 4..=5 {
            gateway.fail_as(&format!("FirmwareVersion3:{nth}={silent}"));
        }
        for class in ["FirmwareVersion2", "FirmwareVersion"] {
            gateway.fail_as(&format!("{class}=no-payload"));
        }
        let home = Home::quick()
            .timeouts("request = 4s")
            .setting("unquiesce_timeout = \"10m\"")
            .device("QA1", &gateway)
            .plan("EXPORT", &export("*", "DOM1", "quiesce = true"));
        let run = home.run("EXPORT", &clock);
        assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{silent}: {:?}", run.errors());
        assert!(gateway.received("FirmwareVersion3") >= 6, "{silent}");
        assert!(home.open_entries().is_empty(), "{silent}");
    }
}

#[test]
fn a_device_that_does_not_tell_any_more_who_it_is_is_unquiesced_and_not_called_so() {
    for silent in [
        "FirmwareVersion3:4+=no-payload",
        "FirmwareVersion3:4+=error-log@Authentication failure",
    ] {
        let clock = TestClock::night();
        let setup = Setup {
            clock: clock.for_gateway(),
            ..gateways::small(["DOM1", "DOM2"].map(Domain::new))
        };
        let gateway = Gateway::start(setup);
        for fault in [
            silent,
            "FirmwareVersion2=no-payload",
            "FirmwareVersion=no-payload",
        ] {
            gateway.fail_as(fault);
        }
        let home = Home::quick()
            .timeouts("request = 4s")
            .device("QA1", &gateway)
            .plan("EXPORT", &export("*", "DOM1", "quiesce = true"));
        let run = home.run("EXPORT", &clock);
        let case = format!("{silent}: {:?}", run.errors());
        assert_eq!(run.exit(), 10, "{case}");
        assert_eq!(gateway.received("DomainUnquiesce"), 1, "{case}");
        assert!(gateway.state().is_unquiesced(), "{case}");
        assert_eq!(home.open_entries().len(), 1, "{case}");
        assert!(
            run.errors()[0].contains("serial number 78A0001, which was quiesced, is not known"),
            "{case}"
        );
        // Told again, it is the one, and the row is closed.
        gateway.clear_faults();
        assert_eq!(
            home.recover(&clock).expect("an end").left,
            Left::Nothing,
            "{case}"
        );
        assert_eq!(home.open_entries().len(), 0, "{case}");
    }
}

/// A relay to the first of two gateways, but for one connection: the one with the number that the count holds, of those
/// that are still to come.
fn one_leads_elsewhere(ports: [u16; 2]) -> (Relay, Arc<AtomicUsize>) {
    let until = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&until);
    let relay = Relay::start(move |_| {
        let left = counted.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        ports[usize::from(left == Ok(1))]
    });
    (relay, until)
}

/// How many connections a restore or a rehearsal needs at most: behind them nothing is sent elsewhere.
const CONNECTIONS: usize = 14;

#[test]
fn what_was_confirmed_for_one_gateway_is_sent_to_no_other() {
    for number in 1..=CONNECTIONS {
        let first = Gateway::start(keyless_setup());
        let second = Gateway::start(Setup {
            firmware: Firmware {
                serial: "78B0002".to_owned(),
                ..Firmware::v10()
            },
            ..keyless_setup()
        });
        let (relay, until) = one_leads_elsewhere([first.port(), second.port()]);
        let home = Home::quick()
            .device_at("QA1", relay.port(), "{ verify = false }")
            .plan("Night", &export("QA1", "DOM*", ""));
        let _ = home.dpbackup(&["run", "Night"]).exits(0);
        change(&first);
        let word = word(&home, &["--save"]);
        until.store(number, Ordering::SeqCst);
        let ran = home.dpbackup(&["restore", "1", "--to", "QA1", "--save", "--confirm", &word]);
        let case = format!("connection {number}: {:?} {}", ran.code, ran.stderr);
        assert_eq!(second.received("do-restore"), 0, "{case}");
        assert_eq!(second.received("SaveConfig"), 0, "{case}");
        assert!(ran.code != Some(0) || has_service(&first), "{case}");
        assert!(
            number < CONNECTIONS || ran.code == Some(0),
            "the last one is needed by nobody: {case}"
        );
    }
}

#[test]
fn a_dry_run_for_a_spare_is_sent_to_no_other_gateway() {
    for number in 1..=CONNECTIONS {
        let clock = TestClock::night();
        let served = gateway(&clock, "78A0001");
        let spare = gateway(&clock, "78B0002");
        let (relay, until) = one_leads_elsewhere([spare.port(), served.port()]);
        let home = Home::quick()
            .device("QA1", &served)
            .device_at("SPARE1", relay.port(), "{ verify = false }")
            .being_spare()
            .plan("Night", &export("QA1", "DOM1", ""));
        let _ = home.dpbackup(&["run", "Night"]).exits(0);
        until.store(number, Ordering::SeqCst);
        let ran = home.dpbackup(&["rehearse", "1", "--on", "SPARE1"]);
        let case = format!("connection {number}: {} {}", ran.stdout, ran.stderr);
        assert_eq!(served.received("do-restore"), 0, "{case}");
        assert!(
            number < CONNECTIONS || spare.received("do-restore") == 1,
            "the last one is needed by nobody: {case}"
        );
    }
}

#[test]
fn an_address_that_leads_to_another_gateway_than_the_run_before_is_told_once() {
    let first = Gateway::start(crate::restore::setup());
    let home = Home::quick()
        .device("QA1", &first)
        .plan("Night", &crate::support::export("QA1", "DOM*", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let history = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    let other = "UPDATE task_execution SET serial = '78C0009'";
    assert_eq!(history.execute(other, ()).expect("changed"), 2);
    drop(history);
    let check = home.dpbackup(&["check", "QA1"]).exits(3).stdout;
    assert!(
        check.contains("it tells the serial number 78A0001, and told 78C0009 before:"),
        "{check}"
    );
    let ran = home.dpbackup(&["-v", "run", "Night"]).exits(0);
    assert!(
        ran.stderr.contains("another gateway answers for it"),
        "{}",
        ran.stderr
    );
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let history = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    let told = "QA1 tells the serial number 78A0001, and told 78C0009 before: another gateway answers for it";
    let count: i64 = history
        .query_row("SELECT count(*) FROM note WHERE message = ?1", [told], |row| {
            row.get(0)
        })
        .expect("counted");
    assert_eq!(count, 1);
}

#[test]
fn two_names_that_lead_to_one_gateway_are_told() {
    let gateway = Gateway::start(crate::restore::setup());
    let tls = format!("{{ pin_sha256 = \"{}\" }}", gateway.pin());
    let home = Home::quick()
        .device("QA1", &gateway)
        .device_on("QA2", "localhost", gateway.port(), &tls)
        .plan("Night", &crate::support::export("*", "DOM*", ""));
    let check = home.dpbackup(&["check", "Night"]).exits(3).stdout;
    let told = "tells the serial number 78A0001, as QA1 (127.0.0.1:";
    assert!(
        check.contains("firmware     QA2 (localhost:") && check.contains(told),
        "{check}"
    );
    let ran = home.dpbackup(&["-v", "run", "Night"]).exits(0);
    assert_eq!(ran.stderr.matches(told).count(), 1, "{}", ran.stderr);
    gateway.state().set_serial("0000001");
    let check = home.dpbackup(&["check", "Night"]).exits(0).stdout;
    assert!(!check.contains(told), "{check}");
}

/// A port that is free at all these addresses of this machine.
fn free_at<const N: usize>(hosts: [&str; N]) -> [TcpListener; N] {
    let all = || {
        let first = TcpListener::bind((hosts[0], 0)).ok()?;
        let port = first.local_addr().ok()?.port();
        let rest = hosts[1..]
            .iter()
            .map(|host| TcpListener::bind((*host, port)).ok());
        let all: Option<Vec<_>> = std::iter::once(Some(first)).chain(rest).collect();
        all?.try_into().ok()
    };
    (0..20).find_map(|_| all()).expect("a port that is free at each")
}

#[test]
fn where_a_serial_number_tells_nobody_apart_a_recovery_asks_the_address_that_was_quiesced_and_no_other() {
    let clock = TestClock::night();
    // Every container has this number.
    let [first, second] = [(); 2].map(|()| gateway(&clock, "0000001"));
    first.fail_as("DomainUnquiesce=access-denied");
    // The first one was met at one address of its name, to which another one comes; it goes on at another.
    let [one, other] = free_at(["127.0.0.1", "127.0.0.2"]);
    let is_moved = Arc::new(AtomicBool::new(false));
    let (ports, moved) = ([first.port(), second.port()], Arc::clone(&is_moved));
    let one = Relay::at(one, move |_| ports[usize::from(moved.load(Ordering::SeqCst))]);
    let _other = Relay::at(other, move |_| ports[0]);
    let home = Home::quick()
        .timeouts("request = 4s")
        .setting("unquiesce_timeout = \"60s\"\nquiesce_grace = \"0s\"")
        .device_on("QA1", "localhost", one.port(), "{ verify = false }")
        .plan("EXPORT", &export("*", "DOM1", "quiesce = true"));
    let run = home.run("EXPORT", &clock);
    assert_eq!(run.exit(), 10, "{:?}", run.errors());
    let met_at = home.open_entries().remove(0).peer.map(|peer| peer.to_string());
    assert_eq!(met_at, Some(format!("127.0.0.1:{}", one.port())));
    first.clear_faults();
    is_moved.store(true, Ordering::SeqCst);
    let history = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    let is_at = |host: &str| {
        let peer = format!("{host}:{}", one.port());
        let changed = history.execute("UPDATE journal SET peer = ?1", [&peer]);
        assert_eq!(changed.expect("changed"), 1);
    };
    // Nothing listens there.
    is_at("127.0.0.3");
    let recovered = home.recover(&clock).expect("an end");
    assert!(matches!(recovered.left, Left::MayBeQuiesced(_)), "{recovered:?}");
    let said = recovered.done.lines().join("\n");
    assert!(said.contains("no other address of that name is asked"), "{said}");
    is_at("127.0.0.2");
    let recovered = home.recover(&clock).expect("an end");
    assert_eq!(recovered.left, Left::Nothing, "{:?}", recovered.done.lines());
    assert!(first.state().is_unquiesced() && home.open_entries().is_empty());
    assert_eq!(second.operations(), Vec::<String>::new());
}
