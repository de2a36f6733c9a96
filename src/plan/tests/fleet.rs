//! Many devices: what they have in common, how plans find them, and which are spares.

use std::path::Path;
use std::time::Duration;

use super::{LEAST, QA1, check, env, titles, valid};
use crate::plan::diagnostic::Style;
use crate::plan::model::{Account, DeviceRole, Trust};
use crate::plan::{Readers, check_text};

/// What all devices have in common, every key of it.
const DEFAULTS: &str = "[device_defaults]\nport = 5551\nusername = \"all\"\npassword = { env = \"ALL\" }\n\
     tls = { verify = false }\ntags = [\"prod\"]\ntimeouts = { connect = \"7s\", export = \"2h\" }\n";

/// A device that says nothing of itself.
const BARE: &str = "[[device]]\nname = \"A\"\nhost = \"a\"\n";

/// A device with a name and these lines.
fn device(name: &str, lines: &str) -> String {
    let qa1 = QA1
        .replace("QA1", name)
        .replace("\"qa1\"", &format!("{:?}", name.to_lowercase()));
    format!("{qa1}{lines}\n")
}

/// An enabled plan that exports of these devices.
fn plan(devices: &str) -> String {
    format!(
        "[[plan]]\nname = \"P\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = {devices}\ndomains = \"*\"\n"
    )
}

#[test]
fn a_device_has_what_all_have_unless_it_says_otherwise() {
    let own = "[[device]]\nname = \"B\"\nhost = \"b\"\nport = 9\nusername = \"own\"\npassword = { file = \"p\" }\n\
               tls = { ca_file = \"ca.pem\" }\ntags = [\"test\", \"dmz\"]\ntimeouts = { request = \"9s\", export = \"1h\" }\n";
    let none = "[[device]]\nname = \"C\"\nhost = \"c\"\ntags = []\ntimeouts = {}\n";
    let file = valid(&format!(
        "{LEAST}timeouts = {{ request = \"5s\", idle = \"8s\" }}\n{DEFAULTS}{BARE}{own}{none}"
    ));
    let [bare, own, none] = file.devices.as_slice() else {
        panic!("three devices");
    };
    assert_eq!((bare.port, own.port, none.port), (5551, 9, 5551));
    assert_eq!(bare.username.describe(), "user all");
    assert_eq!(own.username.describe(), "user own");
    assert_eq!(bare.password.describe(), "environment variable ALL");
    assert_eq!(own.password.describe(), "file p");
    assert_eq!((&bare.tls, &none.tls), (&Trust::Off, &Trust::Off));
    assert!(matches!(&own.tls, Trust::CaFile(path) if path == Path::new("conf/ca.pem")));
    assert_eq!(bare.tags, ["prod"]);
    assert_eq!(own.tags, ["test", "dmz"], "in place of those of all");
    assert_eq!(none.tags, [""; 0]);
    // Each limit for itself: its own, that of all devices, of the settings, of the tool.
    let seconds = |limit: Duration| limit.as_secs();
    let limits = |device: &crate::plan::model::Device| {
        let limits = device.timeouts;
        [
            limits.connect,
            limits.request,
            limits.export,
            limits.secure_backup,
            limits.idle,
        ]
        .map(seconds)
    };
    assert_eq!(limits(bare), [7, 5, 7200, 3600, 8]);
    assert_eq!(limits(own), [7, 9, 3600, 3600, 8]);
    assert_eq!(limits(none), limits(bare));
    assert_eq!(
        seconds(file.settings.timeouts.connect),
        10,
        "of whom the file does not have"
    );
    assert_eq!(file.timeouts_of("A"), bare.timeouts);
    assert_eq!(file.timeouts_of("gone"), file.settings.timeouts);
}

#[test]
fn what_neither_a_device_nor_all_have_is_missing_at_the_device() {
    assert_eq!(
        titles(&format!("{LEAST}{BARE}")),
        ["3:1 `username` is missing", "3:1 `password` is missing"]
    );
    assert_eq!(
        titles(&format!("{LEAST}[device_defaults]\nusername = \"all\"\n{BARE}")),
        ["5:1 `password` is missing"]
    );
    let file = valid(&format!("{LEAST}{QA1}"));
    let device = &file.devices[0];
    assert_eq!(
        (device.port, &device.tls, device.role),
        (5550, &Trust::SystemRoots, DeviceRole::Ordinary)
    );
    assert_eq!(device.timeouts, file.settings.timeouts);
}

#[test]
fn a_mistake_in_what_all_have_is_found_once_and_where_it_stands() {
    let devices = BARE.to_owned() + &BARE.replace('A', "B") + &BARE.replace('A', "C");
    for (line, found) in [
        ("port = 70000", "4:8 `port` is out of range"),
        ("username = \"a:b\"", "4:12 a user's name cannot hold a colon"),
        ("username = \"$USER\"", "4:12 \"$USER\" is not replaced here"),
        (
            "password = { file = \"~/secret\" }",
            "4:21 `~` is not the home folder here",
        ),
        (
            "password = \"hunter2\"",
            "4:12 a password stands in a file that others can read",
        ),
        (
            "tls = { ca_file = \"%h/ca.pem\" }",
            "4:19 `%h` is not replaced here",
        ),
        (
            "tls = { ca_file = \"a\", verify = true }",
            "4:24 `ca_file` and `verify` exclude each other",
        ),
        ("tags = [\"a b\"]", "4:9 \"a b\" cannot stand in `tags`"),
        ("tags = \"prod\"", "4:8 `tags` has the wrong type"),
        (
            "timeouts = { connect = \"10\" }",
            "4:24 `connect` is not a duration",
        ),
        ("timeouts = \"10s\"", "4:12 `timeouts` has the wrong type"),
        ("host = \"x\"", "4:1 unknown key `host`"),
        ("role = \"spare\"", "4:1 unknown key `role`"),
        ("user = \"x\"", "4:1 unknown key `user`"),
    ] {
        // The other of the two that every device needs.
        let rest = match line.starts_with("user") {
            true => "password = { env = \"P\" }\n",
            false if line.starts_with("pass") => "username = \"u\"\n",
            false => "username = \"u\"\npassword = { env = \"P\" }\n",
        };
        let text = format!("{LEAST}[device_defaults]\n{line}\n{rest}{devices}");
        assert_eq!(titles(&text), [found], "{line}");
    }
    assert_eq!(
        titles(&format!("{LEAST}[[device_defaults]]\nport = 1\n{QA1}")),
        ["3:1 `device_defaults` has the wrong type"]
    );
}

#[test]
fn a_plain_password_of_all_devices_is_warned_of_once_and_never_shown() {
    let devices = BARE.to_owned() + &BARE.replace('A', "B").replace("\"a\"", "\"b\"");
    let text = format!("{LEAST}[device_defaults]\nusername = \"u\"\npassword = \"hunter2\"\n{devices}");
    let loaded = check_text(&text, Path::new("plans.toml"), Readers::OwnerOnly, &env).expect("accepted");
    // The other one is that no plan backs them up.
    assert_eq!(loaded.warnings.summary(), "2 warnings");
    assert!(!loaded.warnings.render(Style::Plain).contains("hunter2"));
    assert!(!format!("{loaded:?}").contains("hunter2"));
    for (password, title) in [
        ("$GATEWAYS", "looks like a variable"),
        ("hun\\ter2", "holds a control character"),
    ] {
        let text = text.replace("hunter2", password);
        let loaded = check_text(&text, Path::new("plans.toml"), Readers::OwnerOnly, &env).expect("accepted");
        assert_eq!(loaded.warnings.summary(), "2 warnings");
        let found = &loaded.warnings.findings[0].title;
        assert!(found.contains(title), "{found}");
    }
}

#[test]
fn a_user_name_comes_from_where_a_password_can() {
    for (written, shown) in [
        ("\"backup\"", "user backup"),
        ("{ env = \"U\" }", "user from environment variable U"),
        ("{ file = \"u\" }", "user from file u"),
        ("{ command = [\"pass\", \"u\"] }", "user from command pass"),
        ("{ credential = \"u\" }", "user from credential u"),
    ] {
        let text = format!("{LEAST}{}", QA1.replace("\"u\"", written));
        let file = valid(&text);
        assert_eq!(file.devices[0].username.describe(), shown);
        let is_secret = matches!(file.devices[0].username, Account::From(_));
        assert_eq!(file.secrets().count(), 1 + usize::from(is_secret), "{written}");
    }
    for (written, found) in [
        ("{}", "6:12 `username` is empty"),
        (
            "{ env = \"$U\" }",
            "6:20 \"$U\" is not the name of an environment variable",
        ),
        ("{ text = \"u\" }", "6:14 unknown key `text`"),
        ("7", "6:12 `username` has the wrong type"),
    ] {
        let text = format!("{LEAST}{}", QA1.replace("\"u\"", written));
        assert_eq!(titles(&text), [found], "{written}");
    }
}

#[test]
fn a_tag_finds_devices_beside_names_and_exclusions() {
    let devices =
        device("A", "tags = [\"prod\", \"dmz\"]") + &device("B", "tags = [\"prod\"]") + &device("C", "");
    for (patterns, names) in [
        ("\"@prod\"", vec!["A", "B"]),
        ("\"@prod, !@dmz\"", vec!["B"]),
        ("[\"C\", \"@dmz\"]", vec!["A", "C"]),
        ("\"*, !@prod\"", vec!["C"]),
    ] {
        let file = valid(&format!("{LEAST}{devices}{}", plan(patterns)));
        let concerned: Vec<&str> = file
            .devices
            .iter()
            .filter(|device| file.plans[0].concerns(device))
            .map(|device| device.name.as_str())
            .collect();
        assert_eq!(concerned, names, "{patterns}");
    }
}

/// What is said of these patterns where one device is of `prod`, one of `prod-dmz` and one a spare.
fn said(patterns: &str) -> String {
    let devices = device("A", "tags = [\"prod\"]")
        + &device("B", "tags = [\"prod-dmz\"]")
        + &device("S1", "role = \"spare\"\ntags = [\"lab\"]");
    let text = format!("{LEAST}{devices}{}", plan(patterns));
    let found = match check(&text) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    found
        .findings
        .iter()
        .map(|found| format!("{}: {}", found.title, found.help.as_deref().unwrap_or_default()))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_tag_that_nobody_has_is_told_with_the_nearest() {
    for (patterns, expected) in [
        (
            "\"*, @pord\"",
            "no device has the tag \"pord\": did you mean \"@prod\"?",
        ),
        (
            "\"*, @PROD\"",
            "no device has the tag \"PROD\": did you mean \"@prod\"?",
        ),
        (
            "\"*, !@pord\"",
            "no device has the tag \"pord\": did you mean \"@prod\"?",
        ),
        (
            "\"*, @elsewhere\"",
            "no device has the tag \"elsewhere\": the tags are: lab, prod, prod-dmz",
        ),
        (
            "\"*, @x*\"",
            "no device has the tag \"x*\": the tags are: lab, prod, prod-dmz",
        ),
        (
            "\"*, @A\"",
            "no device has the tag \"A\": it is a device: write \"A\"",
        ),
        (
            "\"*, prod\"",
            "unknown device \"prod\": it is a tag: write \"@prod\"",
        ),
        ("\"*, @prod*\"", ""),
        (
            "\"*, @lab\"",
            "no device that is backed up has the tag \"lab\": spares alone have it: those are backed up where they are \
             named in full",
        ),
    ] {
        assert_eq!(said(patterns), expected, "{patterns}");
    }
    let untagged = format!("{LEAST}{}{}", device("A", ""), plan("\"A, @x\""));
    let loaded = check(&untagged).expect("valid");
    assert_eq!(
        loaded.warnings.findings[0].help.as_deref(),
        Some("no device has tags: write `tags = […]` under a [[device]]")
    );
    // In an array and with blanks the place is that of the tag alone.
    let text = format!("{LEAST}{}{}", device("A", ""), plan("[\"A\", \"! @x\"]"));
    assert_eq!(titles(&text), ["13:20 no device has the tag \"x\""]);
}

#[test]
fn a_tag_is_written_with_an_at_sign_in_patterns_and_without_one_at_a_device() {
    for (tags, help) in [
        (
            "[\"@prod\"]",
            "the `@` stands in the `devices` of a plan alone: \"prod\" here",
        ),
        (
            "[\"prod, dmz\"]",
            "each in quotes of its own: `tags = [\"prod\", \"dmz\"]`",
        ),
        ("\"prod, @dmz\"", "write `tags = [\"prod\", \"dmz\"]`"),
    ] {
        let found =
            check(&format!("{LEAST}{}", device("A", &format!("tags = {tags}")))).expect_err("refused");
        assert_eq!(found.findings[0].help.as_deref(), Some(help), "{tags}");
        assert_eq!(found.errors(), 1);
    }
    let found = check(&format!("{LEAST}{}{}", device("A", ""), plan("\"A, @\""))).expect_err("refused");
    assert_eq!(found.findings[0].labels[0].text, "no tag follows the `@`");
}

#[test]
fn a_spare_is_backed_up_only_where_it_is_named_in_full() {
    for (patterns, is_meant, expected) in [
        ("\"*\"", false, ""),
        (
            "\"*, @lab\"",
            false,
            "no device that is backed up has the tag \"lab\"",
        ),
        (
            "\"*, S*\"",
            false,
            "no device matches \"S*\": it matches spares alone",
        ),
        ("\"*, S1\"", true, ""),
    ] {
        let found = said(patterns);
        assert!(
            found.starts_with(expected) && found.is_empty() == expected.is_empty(),
            "{patterns}: {found}"
        );
        let devices = device("A", "") + &device("S1", "role = \"spare\"\ntags = [\"lab\"]");
        let file = valid(&format!("{LEAST}{devices}{}", plan(patterns)));
        let spare = file.device("S1").expect("the spare");
        assert_eq!(file.plans[0].concerns(spare), is_meant, "{patterns}");
    }
    let text = format!("{LEAST}{}", device("A", "role = \"standby\""));
    assert_eq!(titles(&text), ["8:8 unknown value \"standby\" of `role`"]);
    let text = format!("{LEAST}{}", device("A", "spare = true"));
    let found = check(&text).expect_err("no key");
    assert_eq!(
        found.findings[0].help.as_deref(),
        Some("write `role = \"spare\"`")
    );
}
