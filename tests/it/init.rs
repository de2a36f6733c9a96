//! The commands that need no device: a plan file to start from, its schema, what holds in
//! it, completions and manual pages.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::simulator::{Gateway, Setup};
use crate::support::Home;

#[test]
fn init_writes_a_valid_plan_file_that_only_its_owner_can_read() {
    let home = Home::new();
    let ran = home.dpbackup(&["init", "mine.toml"]).exits(0);
    assert_eq!(ran.stdout, "");
    let path = home.path("mine.toml");
    assert_eq!(
        ran.stderr.replace(&path.display().to_string(), "MINE"),
        "wrote mine.toml; change it to your gateways, then:\n  dpbackup validate --config MINE\n  \
         dpbackup trust QA1 --config MINE\n  dpbackup check --config MINE\n  \
         dpbackup preview Nightly --config MINE\n  dpbackup run Nightly --config MINE\n"
    );
    let mode = fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&path).expect("text");
    assert!(text.starts_with("#:schema "), "{text}");
    assert!(
        text.lines().count() < 32,
        "a file that is read to its end: {text}"
    );
    let _ = home.dpbackup(&["init", "--full", "full.toml"]).exits(0);
    let full = fs::read_to_string(home.path("full.toml")).expect("text");
    assert!(full.ends_with(include_str!("../../plans.example.toml")));
    let valid = home.dpbackup(&["--config", "mine.toml", "validate"]).exits(0);
    let missing = "warning: no file with a secret is at /etc/dpbackup/qa1.password yet: make it with `install -m 600 /dev/null \
                   /etc/dpbackup/qa1.password`, and write the secret into its first line\n";
    // Where the folder is there, too, it is not made.
    let warned = valid.stderr.replace("mkdir -p /etc/dpbackup && ", "");
    assert_eq!(warned, missing, "what is to be done next, and no other warning");
    // The authorities that the full one names are not on this machine.
    let shown = home.dpbackup(&["--config", "full.toml", "show"]).exits(0);
    assert_eq!(shown.stderr, "", "no warnings either");
}

#[test]
fn init_writes_the_file_that_was_named_with_config() {
    let home = Home::new();
    let _ = home.dpbackup(&["-c", "named.toml", "init"]).exits(0);
    assert!(home.path("named.toml").exists());
}

/// The names that the guide and the README use are those of the file that `init` writes.
#[test]
fn what_the_guide_and_the_readme_say_first_is_about_the_file_of_init() {
    let first: toml::Value = toml::from_str(include_str!("../../examples/plans.toml")).expect("TOML");
    let names: Vec<&str> = ["device", "plan"]
        .iter()
        .filter_map(|table| first[table][0]["name"].as_str())
        .collect();
    assert_eq!(names, ["QA1", "Nightly"]);
    for (page, text) in [
        ("README.md", include_str!("../../README.md")),
        ("docs/guide.md", include_str!("../../docs/guide.md")),
    ] {
        for (command, name) in [("trust", "QA1"), ("preview", "Nightly"), ("run", "Nightly")] {
            let lines = text.lines().filter(|line| line.starts_with("    dpbackup"));
            let named: Vec<&str> = lines
                .filter_map(|line| line.trim().strip_prefix(&format!("dpbackup {command} ")))
                .collect();
            assert!(!named.is_empty(), "{page} has {command}");
            for line in named {
                assert!(line.starts_with(name), "{page}: {command} {line}");
            }
        }
    }
    // The guide has the file itself: what it means is the same.
    let guide = include_str!("../../docs/guide.md");
    let block = guide
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let block: toml::Value = toml::from_str(block.expect("a block")).expect("TOML");
    assert_eq!(block, first);
}

#[test]
fn init_overwrites_nothing_and_asks_nothing() {
    let home = Home::new();
    let path = home.path("mine.toml");
    fs::write(&path, "precious").expect("a file");
    let ran = home.dpbackup(&["init", "mine.toml"]).exits(2);
    assert!(ran.stderr.contains("it was left as it is"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(&path).expect("text"), "precious");
    let _ = home.dpbackup(&["init", "no/such/folder/plans.toml"]).exits(2);
    // Where no shell has replaced it, as in a unit, no folder of that name is made or advised.
    for path in ["~/plans.toml", "$HOME/plans.toml"] {
        let ran = home.dpbackup(&["init", path]).exits(2);
        assert!(!ran.stderr.contains("mkdir"), "{}", ran.stderr);
    }
}

#[test]
fn init_prints_the_same_with_a_dash() {
    let home = Home::new();
    let printed = home.dpbackup(&["init", "-"]).exits(0);
    let _ = home.dpbackup(&["--quiet", "init", "mine.toml"]).exits(0);
    let written = fs::read_to_string(home.path("mine.toml")).expect("text");
    assert_eq!(printed.stdout, written);
}

#[test]
fn the_schema_names_every_key_and_refuses_others() {
    let ran = Home::new().dpbackup(&["schema"]).exits(0);
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for table in dpbackup::plan::keys::file::tables() {
        let definition = definition(&schema, table.heading);
        assert_eq!(definition["additionalProperties"], false, "{}", table.heading);
        for key in table.keys {
            let property = &definition["properties"][key.name];
            assert!(
                property["description"].is_string(),
                "{}: {}",
                table.heading,
                key.name
            );
        }
    }
    let retries = &definition(&schema, "[settings]")["properties"]["retries"];
    assert_eq!((&retries["minimum"], &retries["default"]), (&0.into(), &2.into()));
}

fn definition<'s>(schema: &'s serde_json::Value, heading: &str) -> &'s serde_json::Value {
    let name = heading.trim_matches(['[', ']']);
    let name = name.strip_prefix("a ").unwrap_or(name).replace(' ', "-");
    match heading {
        "the plan file" => schema,
        _ => &schema["$defs"][name],
    }
}

#[test]
fn the_example_satisfies_the_schema_in_types_words_and_keys() {
    let schema = dpbackup::plan::schema::schema();
    let example: toml::Value = toml::from_str(include_str!("../../plans.example.toml")).expect("TOML");
    let example = serde_json::to_value(example).expect("JSON");
    let mut problems = Vec::new();
    satisfies(&schema, &schema, &example, "", &mut problems);
    assert_eq!(problems, Vec::<String>::new());
    // The check itself can fail.
    let mut broken = example;
    broken["settings"]["stor"] = "x".into();
    broken["settings"]["retries"] = 11.into();
    broken["settings"]["require_mount"] = "perhaps".into();
    broken["device"][0]["tls"]["verify"] = true.into();
    broken["device"][1]["host"] = serde_json::Value::Null;
    satisfies(&schema, &schema, &broken, "", &mut problems);
    assert_eq!(problems.len(), 5, "{problems:#?}");
}

/// The part of JSON Schema that needs no regular expressions.
fn satisfies(
    root: &serde_json::Value,
    schema: &serde_json::Value,
    value: &serde_json::Value,
    place: &str,
    problems: &mut Vec<String>,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root
            .pointer(reference.trim_start_matches('#'))
            .expect("a definition");
        satisfies(root, target, value, place, problems);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = choices.iter().any(|choice| {
            let mut found = Vec::new();
            satisfies(root, choice, value, place, &mut found);
            found.is_empty()
        });
        if !fits {
            problems.push(format!("{place}: fits none of the forms"));
        }
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        problems.push(format!("{place}: {value} is not one of the words"));
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => {
            let within = |key: &str| schema[key].as_i64().zip(value.as_i64());
            within("minimum").is_some_and(|(least, value)| value >= least)
                && within("maximum").is_some_and(|(most, value)| value <= most)
        }
        _ => true,
    };
    if !fits {
        problems.push(format!("{place}: {value} is not of the type"));
        return;
    }
    if let Some(members) = value.as_object() {
        let known = schema["properties"].as_object().cloned().unwrap_or_default();
        let most = schema["maxProperties"].as_u64().unwrap_or(u64::MAX);
        if members.len() as u64 > most {
            problems.push(format!("{place}: too many keys"));
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            if !members.contains_key(required.as_str().expect("a name")) {
                problems.push(format!("{place}: {required} is missing"));
            }
        }
        for (name, value) in members {
            match known.get(name) {
                Some(schema) => satisfies(root, schema, value, &format!("{place}/{name}"), problems),
                None if schema["additionalProperties"] == false => {
                    problems.push(format!("{place}: {name} is unknown"));
                }
                None => {}
            }
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        satisfies(
            root,
            &schema["items"],
            item,
            &format!("{place}/{index}"),
            problems,
        );
    }
}

#[test]
fn show_tells_what_is_written_from_what_is_a_default_and_no_secret() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .setting("scripts_dir = \"scripts\"")
        .device("QA1", &gateway)
        .device_at("OTHER", 5550, "{ verify = false }")
        .plan(
            "P",
            "pre_script = \"pre.sh\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"*\"\n",
        );
    let ran = home.dpbackup(&["show", "P"]).exits(0);
    insta::with_settings!({filters => vec![
        (home.path("").to_string_lossy().trim_end_matches('/'), "[HOME]"),
        (r"pin [0-9a-f]{64}", "pin [PIN]"),
        (r"port = \d+ ", "port = [PORT] "),
        (r" +#", " #"),
    ]}, {
        insta::assert_snapshot!(ran.stdout);
    });
}

#[test]
fn show_says_where_a_value_stands_that_a_plan_does_not_have_itself() {
    let home = Home::new()
        .setting("scripts_dir = \"own scripts\"\nretention = { keep_last = 3 }")
        .setting("default_window = { start = \"21:30\", end = \"06:30\", time_zone = \"Europe/Rome\" }")
        .absent_device("QA1")
        .plan(
            "Inherits",
            "pre_script = \"pre.sh\"\nerror_policy = \"ignore\"\n[[plan.activity]]\naction = \"export-domain\"\n\
             devices = \"QA1\"\ndomains = \"*\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\n\
             domains = \"A\"\nerror_policy = \"plan-default\"\n",
        )
        .plan(
            "Has its own",
            "retention = { keep_daily = 2 }\nmaintenance_window = \"default\"\n[[plan.activity]]\naction = \"export-domain\"\n\
             devices = \"QA1\"\ndomains = \"*\"\n",
        );
    let shown = |plan: &str| {
        let ran = home.dpbackup(&["show", plan]).exits(0);
        let at = ran.stdout.find("[[plan]]").expect("a plan");
        let lines = ran.stdout[at..].lines();
        lines
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    let folder = home.path("");
    let lines = shown("Inherits");
    for line in [
        "maintenance_window = <21:30-06:30 Europe/Rome> # default of the file: `default_window` of [settings]".to_owned(),
        format!("pre_script = \"{}own scripts/pre.sh\" # written as \"pre.sh\"", folder.display()),
        "retention.keep_last = 3 # default of the file: `retention` of [settings]".to_owned(),
        "# retention.keep_daily is not set # no such rule".to_owned(),
        "error_policy = \"ignore\" # written".to_owned(),
        "error_policy = \"ignore\" # default of the file: its plan".to_owned(),
        "error_policy = \"ignore\" # written as \"plan-default\"".to_owned(),
        "syslog.events = \"*, !changed, !unsaved\" # default of the tool".to_owned(),
    ] {
        assert!(lines.contains(&line), "{line}\n{lines:#?}");
    }
    let lines = shown("Has its own");
    for line in [
        "maintenance_window = <21:30-06:30 Europe/Rome> # written as \"default\"",
        "# retention.keep_last is not set # no such rule",
        "retention.keep_daily = 2 # written",
        "error_policy = \"halt\" # default of the tool",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line}\n{lines:#?}");
    }
}

#[test]
fn show_hides_a_password_that_stands_in_the_file() {
    let home = Home::new();
    let text = fs::read_to_string(home.plan_file()).expect("text")
        + "[[device]]\nname = \"A\"\nhost = \"h\"\nusername = \"u\"\npassword = \"hunter2\"\n\
           [[device]]\nname = \"B\"\nhost = \"h\"\nusername = \"u\"\npassword = { command = [\"pass\", \"hunter2\"] }\n";
    let path = home.path("own.toml");
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
    let ran = home.dpbackup(&["--config", "own.toml", "show"]).exits(0);
    assert!(
        !ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains("password = <the plan file>"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("password = <command pass>"), "{}", ran.stdout);
}

#[test]
fn show_hides_addresses_and_keys_of_notifications() {
    let home = Home::new();
    let text = fs::read_to_string(home.plan_file()).expect("text")
        + "[[plan]]\nname = \"P\"\nenabled = false\nping_url = \"https://a.example.com/hunter2\"\n\
           [[notify.webhook]]\nname = \"w\"\nurl = \"https://b.example.com/hunter2\"\nsecret = \"hunter2\"\n\
           authorization = { command = [\"pass\", \"hunter2\"] }\n\
           [notify.ping]\nurl = \"https://c.example.com/hunter2\"\n\
           [notify.email]\nhost = \"m\"\nfrom = \"a@example.com\"\nto = \"a@example.com\"\n\
           username = \"u\"\npassword = \"hunter2\"\n";
    let path = home.path("own.toml");
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
    let ran = home.dpbackup(&["--config", "own.toml", "show"]).exits(0);
    assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
    for line in [
        "ping_url = <the plan file>",
        "url = <the plan file>",
        "authorization = <command pass>",
        "email.password = <the plan file>",
        "tries = 2",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = Home::new().dpbackup(&["completions", shell]).exits(0);
        assert!(ran.stdout.contains("DPBACKUP_COMPLETE"), "{shell}");
    }
    let _ = Home::new().dpbackup(&["completions", "tcsh"]).exits(2);
}

#[test]
fn manual_pages_are_roff_for_every_command() {
    let home = Home::new();
    let main = home.dpbackup(&["man"]).exits(0).stdout;
    assert!(main.contains(".TH dpbackup 1"), "{main}");
    assert!(main.contains("Exit codes"), "{main}");
    let below = home.dpbackup(&["man", "history", "status"]).exits(0).stdout;
    assert!(below.contains(".TH dpbackup-history-status 1"), "{below}");
    let unknown = home.dpbackup(&["man", "histroy"]).exits(2);
    assert!(
        unknown.stderr.contains("it has: run, preview"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn help_and_manual_page_have_the_exit_codes_of_a_command_that_has_its_own() {
    let home = Home::new();
    for (command, words) in [
        (
            "verify",
            "Exit code 1 if one is not OK, 3 if there are only warnings",
        ),
        ("prune", "Exit code 1 if something was left that should have gone"),
        (
            "diff",
            "Exit code 0: the same, 1: they differ, 2: they could not be compared",
        ),
    ] {
        let help = home.dpbackup(&[command, "--help"]).exits(0).stdout;
        let page = home.dpbackup(&["man", command]).exits(0).stdout;
        for text in [help, page] {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(words), "{command}: {text}");
        }
    }
}

#[test]
fn a_file_that_init_writes_where_others_may_write_is_told_to_be_taken_by_nobody() {
    let home = Home::new();
    let shared = home.path("shared");
    fs::create_dir(&shared).expect("a folder");
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o775)).expect("a mode");
    let ran = home.dpbackup(&["init", "shared/plans.toml"]).exits(3);
    assert!(
        ran.stderr.contains("no command takes a plan file from there") && ran.stderr.contains("chmod g-w"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("dpbackup validate"), "{}", ran.stderr);
    // It is there all the same, and taken once that is mended.
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).expect("a mode");
    let _ = home.dpbackup(&["validate", "shared/plans.toml"]).exits(0);
}
