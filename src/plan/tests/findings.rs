//! Files with mistakes: what is said about them, and where.

use super::{LEAST, QA1, check, titles};
use crate::plan::diagnostic::Style;

/// The errors of a text, rendered.
fn rendered(text: &str) -> String {
    check(text).expect_err("errors").render(Style::Plain)
}

#[test]
fn a_pattern_of_another_program_is_no_misspelt_name() {
    let text = |devices: &str| {
        format!(
            "{LEAST}{QA1}[[plan]]\nname = \"P\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"{devices}\"\n\
             domains = \"*\"\n"
        )
    };
    let said = rendered(&text("QA?"));
    assert!(
        said.contains("only `*` stands for other characters") && !said.contains("did you mean"),
        "{said}"
    );
    let said = rendered(&text("QA2"));
    assert!(said.contains("did you mean \"QA1\"?"), "{said}");
}

#[test]
fn a_domain_that_is_called_as_all_of_them_can_be_left_out() {
    let text = format!(
        "{LEAST}{QA1}[[plan]]\nname = \"P\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\n\
         domains = \"*, !all-domains\"\n"
    );
    assert_eq!(titles(&text), [""; 0]);
}

#[test]
fn names_that_are_one_folder_or_one_look_are_doubted() {
    let device = |name: &str, host: &str| {
        QA1.replace("\"QA1\"", &format!("{name:?}"))
            .replace("\"qa1\"", &format!("{host:?}"))
    };
    let plan = |name: &str| {
        format!(
            "[[plan]]\nname = \"{name}\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"*\"\n"
        )
    };
    let devices: String = ["G1", "g1", "G1.", "G10"]
        .iter()
        .enumerate()
        .map(|(at, name)| device(name, &format!("host{at}")))
        .collect();
    let plans: String = ["\u{e9}", "e\u{301}", "E"]
        .iter()
        .map(|name| plan(name))
        .collect();
    let told = titles(&format!("{LEAST}{devices}{plans}"));
    let folder = |line: u32, second: &str| {
        format!(
            "{line}:8 \"G1\" and {second:?} are one folder in a store that does not tell upper from lower case"
        )
    };
    assert_eq!(told[..2], [folder(9, "g1"), folder(14, "G1.")], "{told:#?}");
    assert!(told[2].contains(" two plans look like \"\u{e9}\""), "{told:#?}");
    assert_eq!(told.len(), 3, "{told:#?}");
}

#[test]
fn a_file_full_of_mistakes_gives_all_of_them_in_one_run() {
    insta::assert_snapshot!(rendered(FULL_OF_MISTAKES), @r##"
    error: unknown key `stroe`
     --> conf/plans.toml:3:1
      |
    3 | stroe = "/x"
      | ^^^^^ not a key of [settings]
      |
      = help: did you mean "store"?

    error: unknown value "mountd" of `require_mount`
     --> conf/plans.toml:4:17
      |
    4 | require_mount = "mountd"
      |                 ^^^^^^^^ expected "no", "mounted" or "remote"
      |
      = help: did you mean "mounted"?

    error: `min_free_store` is not a share or a size
     --> conf/plans.toml:5:18
      |
    5 | min_free_store = "110%"
      |                  ^^^^^^ a share lies between 0% and 100%
      |
      = help: write `min_free_store = "10%"`, say

    warning: `quiesce_timeout` is too short
      --> conf/plans.toml:6:19
       |
     6 | quiesce_timeout = "30s"
       |                   ^^^^^ a device asks for at least 60s
    ...
    40 | quiesce = true
       | ------- a plan with this does not run
       |
       = help: write `quiesce_timeout = "60s"` or more

    error: `script_timeout` is not a duration
     --> conf/plans.toml:7:18
      |
    7 | script_timeout = "10"
      |                  ^^^^ 10 has no unit: write "10s" for seconds or "10m" for minutes

    error: `task_expiry` has the wrong type
     --> conf/plans.toml:8:15
      |
    8 | task_expiry = 24
      |               ^^ expected a duration such as "60s", found a whole number
      |
      = help: with its unit, in quotes: `task_expiry = "24s"` is seconds, "24m" minutes

    error: `retries` is out of range
     --> conf/plans.toml:9:11
      |
    9 | retries = 99
      |           ^^ expected a whole number from 0 to 10
      |
      = help: leave it out, and it is 2; or write a number of that range

    error: `end` is missing
      --> conf/plans.toml:10:18
       |
    10 | default_window = { start = "21:30" }
       |                  ^^^^^^^^^^^^^^^^^^^ a maintenance window needs the key `end`
       |
       = help: add `end = "06:30"`, say

    error: "https://qa1" is not a host
      --> conf/plans.toml:14:8
       |
    14 | host = "https://qa1"
       |        ^^^^^^^^^^^^^ expected a host name or an IP address, and nothing else
       |
       = help: write `host = "qa1"`; it is always https

    error: unknown key `prot`
      --> conf/plans.toml:15:1
       |
    15 | prot = 5550
       | ^^^^ not a key of [[device]]
       |
       = help: did you mean "port"?

    error: `port` is out of range
      --> conf/plans.toml:16:8
       |
    16 | port = 70000
       |        ^^^^^ expected a whole number from 1 to 65535
       |
       = help: leave it out, or write a number of that range

    error: a user's name cannot hold a colon
      --> conf/plans.toml:17:12
       |
    17 | username = "a:b"
       |            ^^^^^ the login would be cut here
       |
       = help: write the password under its own key, `password = { file = "…" }`

    error: a password stands in a file that others can read
      --> conf/plans.toml:18:12
       |
    18 | password = "*******"
       |            ^^^^^^^^^ others than the owner can read the plan file
       |
       = help: run `chmod 600 conf/plans.toml`; better write where it comes from: { env = "…" }, { file = "…" }, { command = ["…"] } or { credential = "…" }

    error: `ca_file` and `verify` exclude each other
      --> conf/plans.toml:19:24
       |
    19 | tls = { ca_file = "x", verify = false }
       |         -------        ^^^^^^ only one key is allowed in `tls`
       |         |
       |         this is the other
       |
       = help: take `verify` out: certificates that one of the file has signed are trusted then, and no others

    error: two devices are named "QA1"
      --> conf/plans.toml:22:8
       |
    13 | name = "QA1"
       |        ----- the first
    ...
    22 | name = "QA1"
       |        ^^^^^ the second
       |
       = help: give one of them another name, or take it out

    error: unknown key `pin`
      --> conf/plans.toml:25:25
       |
    25 | password = { env = "A", pin = "*" }
       |                         ^^^ not a key of a password table
       |
       = help: the keys are: env, file, command, credential

    error: `pin_sha256` is not a SHA-256
      --> conf/plans.toml:26:22
       |
    26 | tls = { pin_sha256 = "abc" }
       |                      ^^^^^ expected 64 hexadecimal digits, found 3
       |
       = help: `dpbackup trust QA1` prints the line to paste

    error: an enabled plan has nothing to do
      --> conf/plans.toml:28:1
       |
    28 | [[plan]]
       | ^^^^^^^^ this plan has no activity
       |
       = help: add a [[plan.activity]], or set `enabled = false`

    error: "P/x " cannot be the name of a plan
      --> conf/plans.toml:32:8
       |
    32 | name = "P/x "
       |        ^^^^^^ begins or ends with a blank
       |
       = help: write `name = "P-x"`, say

    error: a window of no length
      --> conf/plans.toml:33:41
       |
    33 | maintenance_window = { start = "09:00", end = "09:00", time_zone = "Europe/Rom" }
       |                                         ^^^ the window starts when it ends
       |
       = help: to back up at any time, leave out `start` and `end`, or write maintenance_window = "none"

    error: unknown time zone "Europe/Rom"
      --> conf/plans.toml:33:68
       |
    33 | maintenance_window = { start = "09:00", end = "09:00", time_zone = "Europe/Rom" }
       |                                                                    ^^^^^^^^^^^^ no such zone
       |
       = help: did you mean "Europe/Rome"?

    error: unknown value "hlat" of `error_policy`
      --> conf/plans.toml:34:16
       |
    34 | error_policy = "hlat"
       |                ^^^^^^ expected "halt" or "ignore"
       |
       = help: did you mean "halt"?

    error: `certificate` is missing
      --> conf/plans.toml:36:1
       |
    36 | [[plan.activity]]
       | ^^^^^^^^^^^^^^^^^ [[plan.activity]] needs the key `certificate`
       |
       = help: add `certificate = "backup-cert"`, the name of a Crypto Certificate object in the domain `default`; with any name there, `dpbackup check` says which there are

    error: unknown device "QA"
      --> conf/plans.toml:38:12
       |
    38 | devices = "QA, QA1, *"
       |            ^^ no [[device]] has this name
       |
       = help: did you mean "QA1"?

    error: `domains` does not belong to "secure-backup"
      --> conf/plans.toml:39:1
       |
    37 | action = "secure-backup"
       | ------ because of this action
    38 | devices = "QA, QA1, *"
    39 | domains = "*"
       | ^^^^^^^ has no meaning here
       |
       = help: take it out: a secure backup is one of the whole device; domains are of `action = "export-domain"`

    error: `devices` is not a list of patterns
      --> conf/plans.toml:44:11
       |
    44 | devices = ["!QA1"]
       |           ^^^^^^^^ every pattern begins with `!`, so nothing can match
       |
       = help: say first what they are taken from: `devices = "*, !QA1"`

    error: "all-domains" stands beside other patterns
      --> conf/plans.toml:45:12
       |
    45 | domains = "all-domains, X"
       |            ^^^^^^^^^^^ one export of everything: it stands alone
       |
       = help: for one export of each domain, write `domains = "*"`

    error: `certificate` does not belong to "export-domain"
      --> conf/plans.toml:46:1
       |
    43 | action = "export-domain"
       | ------ because of this action
    ...
    46 | certificate = "c"
       | ^^^^^^^^^^^ has no meaning here
       |
       = help: take it out: an export is not encrypted; a certificate is of `action = "secure-backup"`
    "##);
}

#[test]
fn errors_of_syntax_do_not_hide_the_others_and_nothing_is_guessed() {
    let text = "[settings]\nstore = # nothing\nretries = -1\n[[device]]\nname = \"x\npassword = hunter2\n[plan]\nx = 1\n";
    insta::assert_snapshot!(rendered(text), @r##"
    error: a key needs a value
     --> conf/plans.toml:2:1
      |
    2 | store = # nothing
      | ^^^^^^^^
      |
      = help: it takes a path: `store = "…"`; or leave the line out

    error: `retries` is out of range
     --> conf/plans.toml:3:11
      |
    3 | retries = -1
      |           ^^ expected a whole number from 0 to 10
      |
      = help: leave it out, and it is 2; or write a number of that range

    error: a quote is not closed
     --> conf/plans.toml:5:8
      |
    5 | name = "x
      |        ^^
      |
      = help: write `name = "x"`

    error: a text stands in quotes
     --> conf/plans.toml:6:12
      |
    6 | password = *******
      |            ^^^^^^^
      |
      = help: write `password = "…"`, or better where it comes from: `password = { env = "QA1_PASSWORD" }`

    error: `plan` has the wrong type
     --> conf/plans.toml:7:1
      |
    7 | [plan]
      | ^^^^^^ expected [[plan]] tables, found a table
      |
      = help: two brackets on each side, above what belongs to it: [[plan]]
    "##);
}

#[test]
fn a_key_that_is_there_twice_hides_nothing() {
    let text = format!("{LEAST}store = \"twice\"\n[[plan]]\nname = \"P\"\n");
    assert_eq!(
        titles(&text),
        [
            "3:1 `store` stands twice",
            "4:1 an enabled plan has nothing to do"
        ]
    );
}

#[test]
fn a_bottomless_file_is_refused_in_words() {
    for (open, close) in [("[", "1"), ("{a=", "1"), ("{a=[", ""), ("", "")] {
        let value = format!("x = {}{close}\n", open.repeat(100_000));
        assert!(check(&value).is_err(), "{open}");
    }
    let dotted = format!("{}a = 1\n[{}b]\n", "a.".repeat(100_000), "a.".repeat(100_000));
    assert!(check(&dotted).is_err());
}

#[test]
fn each_mistake_is_found_where_it_is() {
    let settings = |line: &str| format!("{LEAST}{line}\n");
    let device = |line: &str| {
        let key = line.split(' ').next().unwrap_or_default();
        let kept: Vec<&str> = QA1
            .lines()
            .filter(|old| !old.starts_with(&format!("{key} ")))
            .collect();
        format!("{LEAST}{}\n{line}\n", kept.join("\n"))
    };
    let plan = |line: &str| format!("{LEAST}{QA1}[[plan]]\nenabled = false\n{line}\n");
    let activity = |lines: &str| {
        format!(
            "{LEAST}{QA1}[[plan]]\nname = \"P\"\n[[plan.activity]]\naction = \"export-domain\"\n{lines}\n"
        )
    };
    for (text, expected) in [
        (
            settings("quiesce_timeout = \"60.5s\""),
            "3:19 `quiesce_timeout` cannot be sent to a device",
        ),
        (
            settings("quiesce_timeout = \"20h\""),
            "3:19 `quiesce_timeout` cannot be sent to a device",
        ),
        (
            settings("quiesce_timeout = \"0s\""),
            "3:19 `quiesce_timeout` is not a duration",
        ),
        (
            settings("timeouts = { idle = \"1M\" }"),
            "3:21 `idle` is not a duration",
        ),
        (
            settings("timeouts = { idel = \"1m\" }"),
            "3:14 unknown key `idel`",
        ),
        (
            settings("min_free_device = \"5 G\""),
            "3:19 `min_free_device` is not a share or a size",
        ),
        (
            settings("history = \"~/history.db\""),
            "3:11 `~` is not the home folder here",
        ),
        (settings("history = \"\""), "3:11 `history` is empty"),
        (
            settings("on_unchanged = true"),
            "3:16 `on_unchanged` has the wrong type",
        ),
        (settings("retention = {}"), "3:13 a retention that keeps nothing"),
        (
            settings("retention = { keep_last = 0 }"),
            "3:27 `keep_last` is out of range",
        ),
        (
            settings("retention = { keep_within = \"6m\" }"),
            "3:29 `keep_within` is not a duration",
        ),
        (settings("max_file = \"0\""), "3:12 `max_file` is not a size"),
        (settings("max_file = \"10\""), "3:12 `max_file` is not a size"),
        (
            settings("min_free_store = \"10\""),
            "3:18 `min_free_store` is not a share or a size",
        ),
        (settings("max_file = \"10%\""), "3:12 `max_file` is not a size"),
        (settings("max_file = 5"), "3:12 `max_file` has the wrong type"),
        (
            settings("retention = { keep_yearly = 1 }"),
            "3:15 unknown key `keep_yearly`",
        ),
        (
            settings("default_window = { start = \"9:00\", end = \"10:00\" }"),
            "3:28 `start` is not a time of day",
        ),
        (
            settings("default_window = { start = 09:00:00, end = \"10:00\" }"),
            "3:28 `start` has the wrong type",
        ),
        (settings("store = \"twice\""), "3:1 `store` stands twice"),
        (
            device("name = \"a b\""),
            "7:8 \"a b\" cannot be the name of a device",
        ),
        (
            device("name = \"-x\""),
            "7:8 \"-x\" cannot be the name of a device",
        ),
        (
            device("name = \"..\""),
            "7:8 \"..\" cannot be the name of a device",
        ),
        (
            device("name = \"a\\u001bb\""),
            "7:8 `name` must be plain text on one line",
        ),
        (device("host = \"qa1:5550\""), "7:8 \"qa1:5550\" is not a host"),
        (
            device("host = \"192.168.1\""),
            "7:8 \"192.168.1\" is not an address",
        ),
        (
            device("host = \"10.0.0.999\""),
            "7:8 \"10.0.0.999\" is not an address",
        ),
        (device("port = 0"), "8:8 `port` is out of range"),
        (device("port = \"5550\""), "8:8 `port` has the wrong type"),
        (device("password = { }"), "7:12 `password` is empty"),
        (
            device("password = { env = \"A\", file = \"b\" }"),
            "7:25 `env` and `file` exclude each other",
        ),
        (device("password = { command = [] }"), "7:24 `command` is empty"),
        (
            device("password = { command = [\"~/x\"] }"),
            "7:25 `~` is not the home folder here",
        ),
        (
            device("password = { command = [\"$HOME/x\", \"y\"] }"),
            "7:25 `$HOME` is not replaced here",
        ),
        (
            device("password = { command = \"pass x\" }"),
            "7:24 `command` has the wrong type",
        ),
        (
            device("password = { credential = \"../x\" }"),
            "7:27 this is not the name of a credential",
        ),
        (
            device("password = { env = \"$P\" }"),
            "7:20 \"$P\" is not the name of an environment variable",
        ),
        (device("pasword = \"x\"\n#"), "8:1 unknown key `pasword`"),
        (device("tls = { }"), "8:7 `tls` is empty"),
        (
            device("tls = { pin_sha256 = \"zz\" }"),
            "8:22 `pin_sha256` is not a SHA-256",
        ),
        (device("username = 7"), "7:12 `username` has the wrong type"),
        (plan("description = 1"), "8:1 `name` is missing"),
        (
            plan("name = \"a/b\""),
            "10:8 \"a/b\" cannot be the name of a plan",
        ),
        (
            plan("name = \"--all\""),
            "10:8 \"--all\" cannot be the name of a plan",
        ),
        (
            plan("name = \"a\\u202eb\""),
            "10:8 \"a\\u{202e}b\" cannot be the name of a plan",
        ),
        (
            plan("name = \"P\"\nmaintenance_window = \"never\""),
            "11:22 unknown value \"never\" of `maintenance_window`",
        ),
        (
            plan("name = \"P\"\nmaintenance_window = 7"),
            "11:22 `maintenance_window` has the wrong type",
        ),
        (activity("devices = \"QA1\""), "10:1 `domains` is missing"),
        (activity("domains = \"*\""), "10:1 `devices` is missing"),
        (
            activity("devices = \"QA2\"\ndomains = \"*\""),
            "12:12 unknown device \"QA2\"",
        ),
        (
            activity("devices = [\"*\", \"!QA2\"]\ndomains = \"*\""),
            "12:19 unknown device \"QA2\"",
        ),
        (
            activity("devices = [\"*\", 7]\ndomains = \"*\""),
            "12:17 `devices` has the wrong type",
        ),
        (
            activity("devices = \"*\"\ndomains = \"a,,b\""),
            "13:11 `domains` is not a list of patterns",
        ),
        (
            activity("devices = \"*\"\ndomains = \"*, all-domains\""),
            "13:15 \"all-domains\" stands beside other patterns",
        ),
    ] {
        assert!(
            titles(&text).iter().any(|title| title == expected),
            "{expected}\n{text}\n{:#?}",
            titles(&text)
        );
    }
}

#[test]
fn a_misspelt_key_is_not_reported_as_missing_too() {
    let text = format!("{LEAST}{}", QA1.replace("password", "pasword"));
    assert_eq!(titles(&text), ["7:1 unknown key `pasword`"]);
}

const FULL_OF_MISTAKES: &str = r#"[settings]
store = "/backup"
stroe = "/x"
require_mount = "mountd"
min_free_store = "110%"
quiesce_timeout = "30s"
script_timeout = "10"
task_expiry = 24
retries = 99
default_window = { start = "21:30" }

[[device]]
name = "QA1"
host = "https://qa1"
prot = 5550
port = 70000
username = "a:b"
password = "hunter2"
tls = { ca_file = "x", verify = false }

[[device]]
name = "QA1"
host = "h"
username = "u"
password = { env = "A", pin = "3" }
tls = { pin_sha256 = "abc" }

[[plan]]
name = "P"

[[plan]]
name = "P/x "
maintenance_window = { start = "09:00", end = "09:00", time_zone = "Europe/Rom" }
error_policy = "hlat"

[[plan.activity]]
action = "secure-backup"
devices = "QA, QA1, *"
domains = "*"
quiesce = true

[[plan.activity]]
action = "export-domain"
devices = ["!QA1"]
domains = "all-domains, X"
certificate = "c"
"#;
