//! Many devices: what they have in common, tags, spares, and files that are included.

use std::fs;
use std::os::unix::fs::PermissionsExt;

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

/// A home whose plan file `fleet.toml` includes what stands in `devices.d`.
fn including(main: &str, files: &[(&str, &str)]) -> Home {
    let home = Home::new();
    fs::create_dir(home.path("devices.d")).expect("a folder");
    let text = format!(
        "include = [\"devices.d/*.toml\"]\n[settings]\nstore = \"store\"\nhistory = \"state/history.db\"\n\
         min_free_store = \"1 MiB\"\nretries = 0\n{main}"
    );
    fs::write(home.path("fleet.toml"), text).expect("a plan file");
    for (name, text) in files {
        fs::write(home.path("devices.d").join(name), text).expect("a file");
    }
    home
}

#[test]
fn devices_of_included_files_are_backed_up_and_paths_start_where_they_stand() {
    let gateway = Gateway::start(Setup::default());
    let secret = device(
        "A",
        &gateway,
        "username = \"backup\"\npassword = { file = \"a.password\" }",
    );
    let home = including(&night("*"), &[("a.toml", &secret)]);
    let password = home.path("devices.d/a.password");
    fs::write(&password, PASSWORD).expect("a password");
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).expect("its mode");
    let _ = home.dpbackup(&["run", "Night", "-c", "fleet.toml"]).exits(0);
    assert_eq!(stored(&home), ["A"]);
    // From wherever it is started.
    let mut command = home.command(&["check", "A", "--config"]);
    command.arg(home.path("fleet.toml")).current_dir("/");
    let _ = Ran::of(command.output().expect("the binary starts")).exits(0);
    // What others could have written is not believed, whichever file it is.
    fs::set_permissions(home.path("devices.d/a.toml"), fs::Permissions::from_mode(0o666)).expect("its mode");
    let ran = home.dpbackup(&["run", "Night", "-c", "fleet.toml"]).exits(2);
    assert!(
        ran.stderr.contains("devices.d/a.toml is not taken"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("chmod go-w "), "{}", ran.stderr);
}

#[test]
fn show_says_of_each_value_in_which_file_it_stands_or_whose_default_it_is() {
    let home = including(
        "timeouts = { request = \"5s\" }\n[device_defaults]\nusername = \"all\"\npassword = { env = \"P\" }\n\
         tags = [\"prod\"]\ntimeouts = { connect = \"7s\" }\n",
        &[(
            "a.toml",
            "[[device]]\nname = \"A\"\nhost = \"a\"\nport = 5551\ntimeouts = { export = \"2h\" }\n[[plan]]\nname = \"P\"\n\
             [[plan.activity]]\naction = \"export-domain\"\ndevices = \"@prod\"\ndomains = \"*\"\n\
             [[notify.webhook]]\nname = \"w\"\nurl = \"https://example.com/hunter2\"\n",
        )],
    );
    let ran = home.dpbackup(&["show", "-c", "fleet.toml"]).exits(0);
    assert!(!ran.stdout.contains("hunter2"));
    let shown = shown(&ran, &home);
    insta::with_settings!({filters => vec![(r"  +", " ")]}, {
        insta::assert_snapshot!(shown);
    });
    // Of one device, and of a plan.
    for name in ["A", "P"] {
        let ran = home.dpbackup(&["show", name, "-c", "fleet.toml"]).exits(0);
        assert!(ran.stdout.contains("username = \"all\""), "{}", ran.stdout);
    }
}

#[test]
fn a_finding_of_an_included_file_names_it_to_people_and_programs() {
    let home = including(
        "",
        &[(
            "a.toml",
            "[[device]]\nname = \"A\"\nhost = \"a\"\nprot = 1\nusername = \"u\"\npassword = { env = \"P\" }\n",
        )],
    );
    let ran = home.dpbackup(&["validate", "fleet.toml"]).exits(2);
    assert!(ran.stderr.contains("--> devices.d/a.toml:4:1"), "{}", ran.stderr);
    let ran = home
        .dpbackup(&["run", "--all", "--format", "json", "-c", "fleet.toml"])
        .exits(2);
    assert!(
        ran.stdout
            .contains("\"file\":\"devices.d/a.toml\",\"line\":4,\"column\":1"),
        "{}",
        ran.stdout
    );
    // An empty folder is a warning of whoever looks, and nothing is backed up.
    fs::remove_file(home.path("devices.d/a.toml")).expect("removed");
    let ran = home.dpbackup(&["validate", "fleet.toml", "-v"]).exits(0);
    assert!(
        ran.stderr.contains("no file matches \"devices.d/*.toml\""),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_error_in_one_file_does_not_hide_the_devices_of_the_others() {
    let gateway = Gateway::start(Setup::default());
    let good = device(
        "A",
        &gateway,
        "username = \"backup\"\npassword = { env = \"DPBACKUP_TEST_PASSWORD\" }",
    );
    let home = including(&night("A"), &[("a.toml", &good)]);
    let _ = home.dpbackup(&["run", "Night", "-c", "fleet.toml"]).exits(0);
    fs::write(home.path("devices.d/bad.toml"), "[[plan]]\nname = 5\n").expect("a file");
    let looks = |words: &str| {
        for look in [
            ["history", "-c", "fleet.toml"].as_slice(),
            &["trust", "A", "-c", "fleet.toml"],
        ] {
            let ran = home.dpbackup(look).exits(3);
            assert!(ran.stderr.contains(words), "{look:?}: {}", ran.stderr);
        }
    };
    looks("left out: [[plan]] of line 1 of devices.d/bad.toml");
    fs::remove_file(home.path("devices.d/bad.toml")).expect("removed");
    let text = fs::read_to_string(home.path("fleet.toml")).expect("the plan file");
    let text = text.replace("*.toml\"]", "*.toml\", \"gone.toml\"]");
    fs::write(home.path("fleet.toml"), text).expect("a plan file");
    looks("left out: what is included there (there is no file gone.toml)");
}

#[test]
fn a_file_of_certificates_that_many_devices_share_is_refused_once() {
    let bare = |name: &str| format!("[[device]]\nname = \"{name}\"\nhost = \"{name}\"\n");
    let defaults =
        "[device_defaults]\nusername = \"u\"\npassword = { env = \"P\" }\ntls = { ca_file = \"ca.pem\" }\n";
    let own = bare("D") + "tls = { ca_file = \"own.pem\" }\n";
    let home = including(
        &format!("{defaults}{}", night("*")),
        &[("a.toml", &(bare("A") + &bare("B") + &bare("C") + &own))],
    );
    let ran = home.dpbackup(&["validate", "fleet.toml"]).exits(2);
    assert!(
        ran.stderr.contains("device A and 2 more: CA file ca.pem: "),
        "{}",
        ran.stderr
    );
    // One that an included file names is looked for beside it.
    assert!(
        ran.stderr.contains("device D: CA file devices.d/own.pem: "),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("names 2 files of certificates"),
        "{}",
        ran.stderr
    );
}
