//! The simulated gateway can be as different as real ones are from each other.

use std::time::Duration;

use crate::gateway_forms::{Hands, action};
use crate::simulator::{
    Domain, Fault, FaultKind, Firmware, Gateway, PERSONALITIES, Personality, Setup, Shown, User, When,
};
use crate::soap_client::Client;

const STATUS: &str = "<dp:get-status class=\"DomainStatus\"/>";

/// A gateway whose clock is moved by hand, and somebody who asks it.
struct Bench {
    hands: Hands,
    gateway: Gateway,
    client: Client,
}

impl Bench {
    fn of(setup: Setup) -> Bench {
        let hands = Hands::at_noon();
        let gateway = Gateway::start(Setup {
            clock: hands.clock(),
            ..setup
        });
        let client = Client::new(&gateway);
        Bench {
            hands,
            gateway,
            client,
        }
    }

    fn being(personalities: &[&str]) -> Bench {
        Bench::of(Setup::default().being(personalities))
    }

    /// Sends an action and gives what stands in the results.
    fn act(&self, xml: &str) -> String {
        let answer = self.client.ask("default", &action(xml)).body;
        let begin = answer.find("<dp:result>").expect("a result");
        answer[begin..answer.find("</dp:response>").expect("its end")].to_owned()
    }

    fn quiesce(&self, domain: &str) -> String {
        self.act(&format!(
            "<DomainQuiesce><name>{domain}</name><timeout>60</timeout></DomainQuiesce>"
        ))
    }

    fn unquiesce(&self, domain: &str) -> String {
        self.act(&format!(
            "<DomainUnquiesce><name>{domain}</name></DomainUnquiesce>"
        ))
    }

    fn quiesce_all(&self) -> String {
        self.act("<QuiesceDP><timeout>60</timeout></QuiesceDP>")
    }

    fn unquiesce_all(&self) -> String {
        self.act("<UnquiesceDP/>")
    }

    /// `DOM1=quiesced` for each row of `DomainStatus` whose state is not empty.
    fn shown(&self) -> Vec<String> {
        let body = self.client.ask("default", STATUS).body;
        let rows = body.split("<Domain>").skip(1);
        let shown = rows.filter_map(|row| {
            let (name, rest) = row.split_once("</Domain>")?;
            let (_, state) = rest.split_once("<QuiesceState>")?;
            Some(format!("{name}={}", state.split_once("</QuiesceState>")?.0))
        });
        shown.collect()
    }

    /// What is quiesced, whatever is shown.
    fn quiesced(&self) -> Vec<String> {
        self.gateway.state().quiesced()
    }
}

const OK: &str = "<dp:result>OK</dp:result>";

#[test]
fn every_personality_reads_back_from_its_script_and_fits() {
    let all = Personality::samples();
    assert_eq!(all.len(), PERSONALITIES.len());
    for (personality, (name, argument, _)) in all.into_iter().zip(PERSONALITIES) {
        let script = personality.to_string();
        assert_eq!(script.split('@').next(), Some(name));
        assert_eq!(script.contains('@'), !argument.is_empty(), "{script}");
        assert_eq!(Personality::parse(&script), Ok(personality.clone()), "{script}");
        let mut setup = Setup::default();
        assert_eq!(personality.apply(&mut setup), Ok(()), "{script}");
    }
    for kind in FaultKind::samples().into_iter().chain(FaultKind::habits()) {
        let script = format!("quiesce:2+={kind}");
        let habit = Personality::parse(&script).expect("a habit");
        assert_eq!(habit.to_string(), script);
    }
}

#[test]
fn a_personality_that_makes_no_sense_is_refused_with_the_reason() {
    let reason = |script: &str| Personality::parse(script).expect_err(script);
    assert_eq!(reason("nonsense"), "there is no personality 'nonsense'");
    assert_eq!(reason("default-alone@DOM1"), "'default-alone' takes no argument");
    assert_eq!(reason("disabled"), "'disabled' needs @DOMAIN");
    assert_eq!(reason("slower@DOM1"), "'slower' needs @DOMAIN:TIME");
    assert_eq!(reason("slower@DOM1:soon"), "'soon' is not a time: 500ms, 5s, 2m");
    assert_eq!(reason("quiesce=nonsense"), "there is no fault 'nonsense'");
    let nowhere = Personality::Disabled("DOM9".to_owned()).apply(&mut Setup::default());
    assert_eq!(
        nowhere,
        Err("there is no domain 'DOM9' that could be so".to_owned())
    );
}

#[test]
fn a_device_with_default_alone_is_quiesced_as_a_device_though_no_row_says_so() {
    let bench = Bench::being(&["default-alone"]);
    assert_eq!(bench.gateway.state().domains(), ["default"]);
    assert_eq!(bench.quiesce_all(), OK);
    assert_eq!(bench.shown(), [""; 0]);
    assert_eq!(bench.quiesced(), ["the device"]);
    assert!(!bench.gateway.state().is_unquiesced());
    assert_eq!(bench.unquiesce_all(), OK);
    assert!(bench.gateway.state().is_unquiesced());
}

#[test]
fn the_device_itself_comes_back_by_an_unquiesce_of_the_device_alone() {
    let bench = Bench::being(&[]);
    bench.quiesce_all();
    assert_eq!(bench.quiesced(), ["the device", "DOM1", "DOM2"]);
    bench.unquiesce("DOM1");
    bench.unquiesce("DOM2");
    assert_eq!(bench.quiesced(), ["the device"]);
    bench.gateway.state().restart();
    assert!(bench.gateway.state().is_unquiesced());
}

#[test]
fn a_state_is_shown_at_once_or_never_or_elsewhere() {
    let summary = "<dp:get-status class=\"DomainSummary\"/>";
    let objects = "<dp:get-status class=\"ObjectStatus\"/>";
    let seen = |personalities: &[&str]| {
        let bench = Bench::being(personalities);
        assert_eq!(bench.quiesce("DOM1"), OK);
        assert_eq!(bench.quiesced(), ["DOM1"], "it is so whatever is shown");
        let elsewhere = |class: &str, word: &str| bench.client.ask("DOM1", class).body.contains(word);
        (
            bench.shown(),
            elsewhere(summary, "<Quiesce>quiesced</Quiesce>"),
            elsewhere(objects, "in quiescence"),
        )
    };
    assert_eq!(seen(&[]), (vec!["DOM1=quiesced".to_owned()], true, true));
    assert_eq!(seen(&["state-never-shown"]), (Vec::new(), false, false));
    assert_eq!(seen(&["state-elsewhere"]), (Vec::new(), true, true));
    assert_eq!(seen(&["state-for-others"]), (Vec::new(), false, false));
}

#[test]
fn a_state_is_shown_so_many_looks_late() {
    let bench = Bench::being(&["state-shown-late@2"]);
    bench.quiesce("DOM1");
    assert_eq!(bench.shown(), [""; 0]);
    assert_eq!(bench.shown(), [""; 0]);
    assert_eq!(bench.shown(), ["DOM1=quiesced"]);
    bench.unquiesce("DOM1");
    assert!(bench.gateway.state().is_unquiesced());
    assert_eq!(bench.shown(), ["DOM1=quiesced"]);
    assert_eq!(bench.shown(), ["DOM1=quiesced"]);
    assert_eq!(bench.shown(), [""; 0]);
}

#[test]
fn a_state_is_shown_so_much_time_late() {
    let late = Setup {
        quiesce_time: Duration::from_secs(5),
        ..Setup::default()
    };
    let bench = Bench::of(late.with(&Personality::Shows(Shown::After(Duration::from_secs(10)))));
    bench.quiesce("DOM1");
    bench.hands.advance(9);
    assert_eq!(bench.shown(), [""; 0]);
    assert_eq!(bench.quiesced(), ["DOM1"]);
    bench.hands.advance(2);
    assert_eq!(bench.shown(), ["DOM1=quiescing"]);
    bench.hands.advance(4);
    assert_eq!(bench.shown(), ["DOM1=quiesced"]);
}

#[test]
fn others_see_what_the_account_may_not_see() {
    let bench = Bench::of(
        Setup::default()
            .being(&["rows-for-others@DOM1", "state-for-others"])
            .with(&Personality::Failsafe("DOM2".to_owned())),
    );
    bench.gateway.state().setup.users.push(User::new("admin", "all"));
    bench.quiesce_all();
    let mine = bench.client.ask("default", STATUS).body;
    assert_eq!(mine.matches("<DomainStatus").count(), 2, "default and DOM2");
    assert!(!mine.contains("DOM1") && !mine.contains("quiesced"));
    assert_eq!(mine.matches("<FailsafeMode>management<").count(), 1);
    let mut admin = Client::new(&bench.gateway);
    (admin.user, admin.password) = ("admin", "all");
    let theirs = admin.ask("default", STATUS).body;
    assert_eq!(theirs.matches("<QuiesceState>quiesced<").count(), 2);
}

#[test]
fn domains_are_disabled_or_slower_than_others() {
    let setup = Setup {
        domains: ["A", "B", "C"].map(Domain::new).to_vec(),
        quiesce_time: Duration::from_secs(5),
        unquiesce_time: Duration::from_secs(1),
        ..Setup::default()
    };
    let bench = Bench::of(setup.being(&["disabled@A", "slower@B:90s"]));
    let domains = bench
        .client
        .ask("default", "<dp:get-config class=\"Domain\"/>")
        .body;
    assert_eq!(domains.matches("<mAdminState>disabled<").count(), 1);
    assert_eq!(bench.quiesce("A"), OK);
    assert_eq!(bench.quiesced(), [""; 0]);
    bench.quiesce_all();
    bench.hands.advance(94);
    assert_eq!(bench.shown(), ["B=quiescing", "C=quiesced"], "no timeout cuts it");
    bench.hands.advance(1);
    assert_eq!(bench.shown(), ["B=quiesced", "C=quiesced"]);
    bench.unquiesce_all();
    bench.hands.advance(90);
    assert_eq!(bench.shown(), ["B=unquiescing"]);
    bench.hands.advance(1);
    assert!(bench.gateway.state().is_unquiesced());
}

#[test]
fn an_action_is_answered_by_a_sentence_an_error_log_or_both_and_done_all_the_same() {
    let quiesced = |habit: &str, whole: bool| {
        let bench = Bench::being(&[habit]);
        let answer = if whole {
            bench.quiesce_all()
        } else {
            bench.quiesce("DOM1")
        };
        (answer, bench.quiesced().last().cloned().unwrap_or_default())
    };
    let log = |text: &str| {
        format!(
            "<dp:result><error-log><dp:log-event level=\"error\">{text}</dp:log-event></error-log></dp:result>"
        )
    };
    let result = |text: &str| format!("<dp:result>{text}</dp:result>");
    let (one, two) = ("DOM1".to_owned(), "DOM2".to_owned());
    assert_eq!(
        quiesced("quiesce=sentence", false),
        (result("Quiesce of domain [DOM1] scheduled."), one.clone())
    );
    assert_eq!(
        quiesced("quiesce=sentence", true),
        (result("Quiesce of DataPower Gateway scheduled."), two)
    );
    assert_eq!(
        quiesced("quiesce=error-log@Not now.", false),
        (log("Not now."), one.clone())
    );
    assert_eq!(
        quiesced("quiesce=ok-and-error-log", false),
        (format!("{OK}{}", log("Action failed.")), one)
    );
    let bench = Bench::being(&["unquiesce=sentence"]);
    assert_eq!(
        bench.unquiesce("DOM1"),
        result("Unquiesce of domain [DOM1] scheduled.")
    );
    assert_eq!(
        bench.quiesce("nowhere"),
        log("invalid or non-existent domain [nowhere]")
    );
}

#[test]
fn a_part_of_the_domains_is_quiesced_and_an_error_log_names_another() {
    let bench = Bench::being(&["QuiesceDP=spares@DOM2", "QuiesceDP=error-log"]);
    assert!(bench.quiesce_all().contains(">Action failed for domain [DOM2].<"));
    assert_eq!(bench.quiesced(), ["the device", "DOM1"]);
    let bench = Bench::being(&["unquiesce=only@DOM1"]);
    bench.quiesce_all();
    bench.unquiesce_all();
    assert_eq!(bench.quiesced(), ["DOM2"]);
}

#[test]
fn an_action_is_carried_out_later_by_the_clock_and_what_comes_meanwhile_overtakes_it() {
    let bench = Bench::being(&["quiesce=late@10s"]);
    assert_eq!(bench.quiesce("DOM1"), OK);
    assert_eq!(bench.unquiesce("DOM1"), OK);
    bench.hands.advance(9);
    assert!(bench.gateway.state().is_unquiesced() && bench.gateway.state().is_expecting());
    bench.hands.advance(1);
    assert_eq!(bench.quiesced(), ["DOM1"], "the unquiesce came too early");
    assert!(!bench.gateway.state().is_expecting());
}

#[test]
fn an_action_is_carried_out_later_and_what_comes_meanwhile_waits_for_it() {
    let bench = Bench::being(&["quiesce=queued@10s"]);
    bench.quiesce("DOM1");
    bench.unquiesce("DOM1");
    bench.hands.advance(10);
    assert!(bench.gateway.state().is_unquiesced() && !bench.gateway.state().is_expecting());
}

#[test]
fn an_action_is_carried_out_when_more_requests_have_come_or_never() {
    let bench = Bench::being(&["QuiesceDP=late@2", "unquiesce=not-done"]);
    bench.quiesce_all();
    assert_eq!(bench.shown(), [""; 0]);
    assert_eq!(bench.shown(), ["DOM1=quiesced", "DOM2=quiesced"]);
    assert_eq!(bench.unquiesce_all(), OK);
    assert_eq!(bench.quiesced(), ["the device", "DOM1", "DOM2"]);
    assert!(!bench.gateway.state().is_expecting());
}

#[test]
fn an_action_without_an_answer_is_carried_out_later() {
    let bench = Bench::being(&["quiesce=reply-lost", "quiesce=late@10s"]);
    let quiesce = action("<DomainQuiesce><name>DOM1</name><timeout>60</timeout></DomainQuiesce>");
    assert!(bench.client.try_ask("default", &quiesce).is_err());
    assert!(bench.gateway.state().is_unquiesced());
    bench.hands.advance(10);
    assert_eq!(bench.quiesced(), ["DOM1"]);
}

#[test]
fn a_domain_changes_its_state_alone() {
    let bench = Bench::being(&["turns-quiesced@DOM1:30s", "DomainStatus:3=unquiesces-alone@DOM1"]);
    assert_eq!(bench.shown(), [""; 0]);
    bench.hands.advance(30);
    assert_eq!(bench.shown(), ["DOM1=quiesced"]);
    assert_eq!(bench.shown(), [""; 0]);
    let bench = Bench::of(
        Setup {
            domains: vec![Domain::new("DOM1").quiesced()],
            ..Setup::default()
        }
        .with(&Personality::Turns {
            domain: "DOM1".to_owned(),
            quiesced: false,
            when: When::Requests(2),
        }),
    );
    assert_eq!(bench.shown(), ["DOM1=quiesced"]);
    assert_eq!(bench.shown(), [""; 0]);
    bench.gateway.fail_as("DomainStatus:1=quiesces-alone@DOM1");
    assert_eq!(bench.shown(), ["DOM1=quiesced"]);
}

#[test]
fn a_habit_stays_when_faults_are_taken_away() {
    let bench = Bench::being(&["unquiesce=not-done"]);
    bench.gateway.fail_as("quiesce=http-503");
    bench.gateway.clear_faults();
    bench.quiesce("DOM1");
    bench.unquiesce("DOM1");
    assert_eq!(bench.quiesced(), ["DOM1"]);
}

#[test]
fn another_device_stands_behind_the_same_address() {
    let bench = Bench::being(&["quiesce=sentence"]);
    let serial = || {
        let status = "<dp:get-status class=\"FirmwareVersion3\"/>";
        let settings = "<dp:get-config class=\"SystemSettings\"/>";
        let told = bench.client.ask("default", status);
        let told = told.between("<Serial>", "</Serial>");
        let body = bench.client.ask("default", settings).body;
        assert!(body.contains(&format!("<SerialNumber>{told}</SerialNumber>")));
        told.to_owned()
    };
    bench.quiesce("DOM1");
    assert_eq!(serial(), "78A0001");
    bench.gateway.state().set_serial("78B0002");
    assert_eq!(serial(), "78B0002");
    assert_eq!(bench.quiesced(), ["DOM1"], "the same gateway otherwise");
    bench.gateway.fail_as("FirmwareVersion3:1=another-serial@78C0003");
    assert_eq!(serial(), "78C0003");
    let old = bench.gateway.replace(Setup {
        firmware: Firmware {
            serial: "78D0004".to_owned(),
            ..Firmware::v7()
        },
        ..Setup::default()
    });
    assert_eq!(old.quiesced(), ["DOM1"]);
    assert!(bench.gateway.state().is_unquiesced());
    assert!(bench.quiesce("DOM2").contains("OK"), "no habit of the other one");
}

#[test]
fn the_facts_of_the_firmware_change() {
    let bench = Bench::being(&[]);
    let status = "<dp:get-status class=\"FirmwareVersion3\"/>";
    let version = || {
        bench
            .client
            .ask("default", status)
            .between("<Version>", "<")
            .to_owned()
    };
    bench.gateway.fail(Fault::nth(
        "FirmwareVersion3",
        2,
        FaultKind::AnotherFirmware("IDG.10.5.0.2".to_owned()),
    ));
    assert_eq!(version(), "IDG.10.0.1.5");
    assert_eq!(version(), "IDG.10.5.0.2");
    bench.gateway.state().set_firmware(Firmware::v7());
    assert_eq!(bench.client.ask("default", status).status, 500, "not known to it");
}

#[test]
fn the_log_tells_what_came_in_which_order_and_how_often() {
    let bench = Bench::being(&[]);
    bench.quiesce("DOM1");
    bench.hands.advance(5);
    bench.unquiesce("DOM1");
    bench.unquiesce_all();
    let gateway = &bench.gateway;
    let counts = ["unquiesce", "UnquiesceDP", "DomainUnquiesce", "quiesce", "*"];
    assert_eq!(counts.map(|selector| gateway.received(selector)), [2, 1, 1, 1, 3]);
    let log = gateway.requests();
    assert!(log.is_sorted_by_key(|request| (request.number, request.at)));
    assert_eq!(log[1].at.duration_since(log[0].at).as_secs(), 5);
    assert_eq!(log[1].domains, ["DOM1"]);
    gateway.forget_requests();
    bench.unquiesce_all();
    assert_eq!(gateway.requests()[0].number, 4, "counted over its life");
}
