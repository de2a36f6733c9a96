//! Many devices: what they have in common, tags, spares, and files that are included.

use crate::shown::shown;
use crate::simulator::{Gateway, Setup};
use crate::support::{Home, PASSWORD, Ran, export};

/// The names of the devices with a folder in the store.
fn stored(home: &Home) -> Vec<String> {
    crate::support::names(&home.store())
}

/// The lines that a gateway needs and others need not share.
fn device(name: &str, gateway: &Gateway, lines: &str) -> String {
    format!(
        "[[device]]\nname = \"{name}\"\nhost = \"127.0.0.1\"\nport = {}\ntls = {{ pin_sha256 = \"{}\" }}\n{lines}\n",
        gateway.port(),
        gateway.pin()
    )
}

/// An export of all domains of the devices that these patterns mean.
fn night(devices: &str) -> String {
    format!("[[plan]]\nname = \"Night\"\n{}\n", export(devices, "DOM*", ""))
}

/// A home with this text behind its settings.
fn home(text: &str) -> Home {
    Home::new().setting(text)
}

fn with_secrets(home: &Home, arguments: &[&str]) -> Ran {
    let mut command = home.command(arguments);
    command
        .env("FLEET_USER", "backup")
        .env("FLEET_PASSWORD", PASSWORD);
    Ran::of(command.output().expect("the binary starts"))
}

const DEFAULTS: &str = "[device_defaults]\nusername = { env = \"FLEET_USER\" }\npassword = { env = \"FLEET_PASSWORD\" }\ntags = [\"prod\"]\n";

#[test]
fn devices_are_found_by_their_tags_and_log_in_by_what_they_have_in_common() {
    let gateways = [(); 3].map(|()| Gateway::start(Setup::default()));
    let [a, b, c] = &gateways;
    let text = format!(
        "{DEFAULTS}{}{}{}{}",
        device("A", a, ""),
        device("B", b, "tags = [\"prod\", \"dmz\"]"),
        device("C", c, "tags = [\"test\"]"),
        night("@prod, !@dmz")
    );
    let home = home(&text);
    let _ = with_secrets(&home, &["run", "Night"]).exits(0);
    assert_eq!(stored(&home), ["A"]);
    assert_eq!(
        (b.requests().len(), c.requests().len()),
        (0, 0),
        "nobody else is asked"
    );
    let check = with_secrets(&home, &["check", "A"]).exits(0);
    assert!(
        check.stdout.contains("user from environment variable FLEET_USER"),
        "{}",
        check.stdout
    );
    // Scripts see neither of the two.
    let unset = home.dpbackup(&["run", "Night"]).exits(1);
    assert!(
        unset
            .stderr
            .contains("no user name: environment variable FLEET_USER is not set"),
        "{}",
        unset.stderr
    );
}

#[test]
fn a_user_name_that_would_be_cut_is_not_sent() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&format!("{DEFAULTS}{}{}", device("A", &gateway, ""), night("A")));
    let mut command = home.command(&["run", "Night"]);
    command
        .env("FLEET_USER", "back:up")
        .env("FLEET_PASSWORD", PASSWORD);
    let ran = Ran::of(command.output().expect("the binary starts")).exits(1);
    assert!(
        ran.stderr
            .contains("A: the user from environment variable FLEET_USER holds a colon"),
        "{}",
        ran.stderr
    );
    assert_eq!(gateway.requests().len(), 0);
}

#[test]
fn a_spare_is_left_alone_by_everything_that_does_not_name_it() {
    let gateways = [(); 2].map(|()| Gateway::start(Setup::default()));
    let [a, spare] = &gateways;
    let devices = format!(
        "{DEFAULTS}{}{}",
        device("A", a, ""),
        device("SPARE", spare, "role = \"spare\"")
    );
    let by_pattern = home(&format!("{devices}{}", night("*, @prod")));
    let _ = with_secrets(&by_pattern, &["run", "Night"]).exits(0);
    assert_eq!(stored(&by_pattern), ["A"]);
    let status = with_secrets(&by_pattern, &["history", "status"]).exits(0);
    assert!(!status.stdout.contains("SPARE"), "{}", status.stdout);
    let _ = with_secrets(&by_pattern, &["check"]).exits(0);
    assert_eq!(spare.requests().len(), 0);

    let by_name = home(&format!("{devices}{}", night("SPARE")));
    let _ = with_secrets(&by_name, &["run", "Night"]).exits(0);
    assert_eq!(stored(&by_name), ["SPARE"]);
    let status = with_secrets(&by_name, &["history", "status"]);
    assert!(status.stdout.contains("SPARE"), "{}", status.stdout);
}

#[test]
fn a_device_waits_as_long_as_its_own_limits_say() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("get-status=stall");
    let devices = device("A", &gateway, "timeouts = { request = \"1s\" }");
    let home = home(&format!("{DEFAULTS}{devices}{}", night("A"))).timeouts("request = 5m");
    let ran = with_secrets(&home, &["run", "Night"]).exits(4);
    assert!(ran.stderr.contains("within 1s"), "{}", ran.stderr);
}

#[test]
fn validate_lists_devices_with_their_tags_and_plans_where_it_is_asked_to() {
    let bare =
        |name: &str, lines: &str| format!("[[device]]\nname = \"{name}\"\nhost = \"{name}\"\n{lines}\n");
    let home = home(&format!(
        "{DEFAULTS}{}{}{}{}[[plan]]\nname = \"Whole\"\n[[plan.activity]]\naction = \"secure-backup\"\n\
         devices = [\"B*\", \"SPARE\"]\ncertificate = \"c\"\n",
        bare("A", "tags = [\"prod\", \"dmz\"]"),
        bare("B", ""),
        bare("SPARE", "role = \"spare\"\ntags = []"),
        night("@prod, !@dmz")
    ));
    let ran = home.dpbackup(&["validate", "-v"]).exits(0);
    assert_shown!(shown(&ran, &home));
}
