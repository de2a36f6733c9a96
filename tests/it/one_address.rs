//! Several gateways behind one address, one to a connection: none is quiesced that is not the one that is meant, and
//! none is called back at work for what another shows.

use dpbackup::run::left::Left;

use crate::simulator::{Domain, Firmware, Gateway, Setup};
use crate::support::relay::Relay;
use crate::support::{Home, TestClock, export, gateways, secure_backup};

fn gateway(clock: &TestClock, serial: &str) -> Gateway {
    let setup = Setup {
        clock: clock.for_gateway(),
        firmware: Firmware {
            serial: serial.to_owned(),
            ..Firmware::v10()
        },
        ..gateways::small(["DOM1", "DOM2"].map(Domain::new))
    };
    Gateway::start(setup)
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
