//! Plan files that include others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{QA1, env};
use crate::plan::diagnostic::{PlanFindings, Style};
use crate::plan::model::{PlanFile, Trust};
use crate::plan::{LoadError, load};

/// The least that is valid, behind what it includes.
fn main_file(include: &str) -> String {
    format!("include = [{include}]\n[settings]\nstore = \"store\"\n")
}

fn device(name: &str) -> String {
    // Two devices at one address would be doubted.
    let host = format!("{:?}", name.to_lowercase());
    QA1.replace("QA1", name).replace("\"qa1\"", &host)
}

fn plan(name: &str, devices: &str) -> String {
    plan_with(name, devices, "")
}

/// A plan with more lines of its own.
fn plan_with(name: &str, devices: &str, lines: &str) -> String {
    let end = if lines.is_empty() { "" } else { "\n" };
    format!(
        "[[plan]]\nname = \"{name}\"\n{lines}{end}[[plan.activity]]\naction = \"export-domain\"\ndevices = \"{devices}\"\ndomains = \"*\"\n"
    )
}

/// A folder with a plan file and others.
struct Folder(tempfile::TempDir);

impl Folder {
    /// Each file by its path; the first is the plan file.
    fn with(main: &str, files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.write("plans.toml", main, 0o600);
        for (path, text) in files {
            folder.write(path, text, 0o600);
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
    }

    fn valid(&self) -> PlanFile {
        match load(&self.path("plans.toml"), &env) {
            Ok(loaded) => loaded.plan_file,
            Err(LoadError::Invalid(found)) => panic!("{}", found.render(Style::Plain)),
            Err(other) => panic!("{other}"),
        }
    }

    fn findings(&self) -> PlanFindings {
        match load(&self.path("plans.toml"), &env) {
            Ok(loaded) => loaded.warnings,
            Err(LoadError::Invalid(found)) => found,
            Err(other) => panic!("{other}"),
        }
    }

    /// What is found, as people see it, without the folder of the test.
    fn shown(&self) -> String {
        let shown = self.findings().render(Style::Plain);
        shown.replace(&format!("{}/", self.0.path().display()), "")
    }

    /// The findings as "file:line:column title: help".
    fn found(&self) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        let findings = self.findings().findings;
        let found = findings.iter().map(|found| {
            let path = found.path.display();
            let help = found
                .help
                .as_deref()
                .map_or_else(String::new, |help| format!(": {help}"));
            format!("{path}:{}:{} {}{help}", found.line, found.column, found.title).replace(&folder, "")
        });
        found.collect()
    }
}

#[test]
fn tables_of_other_files_are_added_behind_those_of_the_plan_file_and_in_order() {
    let hook = "[[notify.webhook]]\nname = \"chat\"\nurl = \"https://chat.example.com/\"\n";
    let folder = Folder::with(
        &format!(
            "{}{}",
            main_file("\"devices.d/*.toml\", \"more.toml\""),
            device("MAIN")
        ),
        &[
            ("devices.d/b.toml", &device("B")),
            (
                "devices.d/a.toml",
                &format!("include = [\"deeper/*.toml\"]\n{}", device("A")),
            ),
            ("devices.d/deeper/z.toml", &device("Z")),
            ("devices.d/.hidden.toml", &device("HIDDEN")),
            ("devices.d/readme.txt", "not TOML"),
            ("more.toml", &(plan_with("P", "*", "webhook = \"chat\"") + hook)),
        ],
    );
    let file = folder.valid();
    let names: Vec<&str> = file.devices.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["MAIN", "A", "Z", "B"]);
    assert_eq!(file.plans[0].name, "P");
    assert_eq!(file.plans[0].notify.webhooks, ["chat"]);
    assert_eq!(file.notify.webhooks[0].name, "chat");
    let included: Vec<PathBuf> = [
        "devices.d/a.toml",
        "devices.d/deeper/z.toml",
        "devices.d/b.toml",
        "more.toml",
    ]
    .map(|name| folder.path(name))
    .to_vec();
    assert_eq!(file.included, included);
    assert_eq!(folder.found(), [""; 0]);
}

#[test]
fn what_all_devices_have_holds_in_every_file() {
    let defaults =
        "[device_defaults]\nusername = \"all\"\npassword = { file = \"all\" }\ntags = [\"prod\"]\n";
    let folder = Folder::with(
        &format!("{}{defaults}{}", main_file("\"d/*\""), plan("P", "@prod")),
        &[("d/a.toml", "[[device]]\nname = \"A\"\nhost = \"a\"\n")],
    );
    let file = folder.valid();
    assert!(file.plans[0].concerns(&file.devices[0]));
    assert_eq!(
        file.devices[0].password.describe(),
        "file all",
        "beside the plan file, which says it"
    );
}

#[test]
fn a_finding_shows_the_line_of_the_file_in_which_it_is() {
    let folder = Folder::with(
        &format!("{}{}", main_file("\"d/*.toml\""), device("A")),
        &[
            (
                "d/one.toml",
                &format!("# one\n\n{}", device("B").replace("host", "hostname")),
            ),
            ("d/two.toml", &device("A")),
        ],
    );
    insta::assert_snapshot!(folder.shown(), @r#"
    error: unknown key `hostname`
     --> d/one.toml:5:1
      |
    5 | hostname = "b"
      | ^^^^^^^^ not a key of [[device]]
      |
      = help: did you mean "host"?

    error: two devices are named "A"
     --> d/two.toml:2:8
      |
    2 | name = "A"
      |        ^^^ the second
      |
     ::: plans.toml:5:8
      |
    5 | name = "A"
      |        --- the first
      |
      = help: give one of them another name, or take it out
    "#);
}

#[test]
fn a_volume_of_kubernetes_is_a_folder_of_links_and_each_file_of_it_is_read_once() {
    let folder = Folder::with(
        &format!("{}{}", main_file("\"d/*\""), plan("P", "*")),
        &[
            ("d/..2026_11_26/a.toml", &device("A")),
            ("d/..2026_11_26/b.toml", &device("B")),
        ],
    );
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.path(name)).expect("a link");
    link("..2026_11_26", "d/..data");
    link("..data/a.toml", "d/a.toml");
    link("..data/b.toml", "d/b.toml");
    assert_eq!(folder.found(), [""; 0]);
    assert_eq!(folder.valid().devices.len(), 2);
}

#[test]
fn names_that_stand_in_two_files_are_found_with_both() {
    let hook = "[[notify.webhook]]\nname = \"w\"\nurl = \"https://a.example.com/\"\n";
    let all = format!("{}{}{hook}", device("A"), plan("P", "A"));
    let folder = Folder::with(
        &format!("{}{all}", main_file("\"d/*.toml\"")),
        &[("d/a.toml", &all), ("d/b.toml", &device("B"))],
    );
    let findings = folder.findings();
    let titles: Vec<&str> = findings
        .findings
        .iter()
        .map(|found| found.title.as_str())
        .collect();
    assert_eq!(
        titles[..3],
        [
            "two devices are named \"A\"",
            "two plans are named \"P\"",
            "two webhooks are named \"w\""
        ]
    );
    for found in &findings.findings[..3] {
        assert_eq!(found.path, folder.path("d/a.toml"));
        assert_eq!(found.labels.len(), 2);
    }
    let shown = folder.shown();
    assert!(
        shown.contains("--> d/a.toml:2:8") && shown.contains("::: plans.toml:5:8"),
        "{shown}"
    );
}

#[test]
fn files_that_include_each_other_in_a_circle_are_found_where_it_closes() {
    let itself = Folder::with(&main_file("\"*.toml\""), &[]);
    assert_eq!(
        itself.found(),
        [
            "plans.toml:1:12 plans.toml includes itself: put the others into a folder of their own: `include = \
          [\"devices.d/*.toml\"]`"
        ]
    );
    let by_name = Folder::with(&main_file("\"./plans.toml\""), &[]);
    assert_eq!(
        by_name.found(),
        ["plans.toml:1:12 plans.toml includes itself: leave this one out"]
    );
    let long = Folder::with(
        &main_file("\"d/a.toml\""),
        &[
            ("d/a.toml", "include = [\n  \"b.toml\",\n]\n"),
            ("d/b.toml", "include = [\"../d/a.toml\"]\n"),
        ],
    );
    assert_eq!(
        long.found(),
        [
            "d/b.toml:1:12 files include each other in a circle: d/a.toml → d/b.toml → d/../d/a.toml: leave this one out"
        ]
    );
    // A link is the file to which it leads.
    std::os::unix::fs::symlink("plans.toml", itself.path("link.toml")).expect("a link");
    itself.write("plans.toml", &main_file("\"link.toml\""), 0o600);
    assert_eq!(itself.found().len(), 1, "{:?}", itself.found());
}

#[test]
fn a_file_that_is_included_twice_is_read_once_and_found() {
    let folder = Folder::with(
        &format!("{}{}", main_file("\"d/*.toml\", \"d/a.toml\""), plan("P", "A")),
        &[("d/a.toml", &device("A"))],
    );
    let again = "include each file once; what is in it would stand twice";
    assert_eq!(
        folder.found(),
        [format!("plans.toml:1:24 d/a.toml is included twice: {again}")]
    );
    assert!(folder.shown().contains("the first time"), "{}", folder.shown());
    // Two files may include a third, and a file may have two names.
    let folder = Folder::with(
        &main_file("\"a.toml\", \"b.toml\", \"c/*\""),
        &[
            ("a.toml", "include = [\"c/x.toml\"]\n"),
            ("b.toml", "include = [\"c/x.toml\"]\n"),
            ("c/x.toml", &device("A")),
        ],
    );
    fs::hard_link(folder.path("c/x.toml"), folder.path("c/y.toml")).expect("a second name");
    let found = folder.found();
    let twice: Vec<&String> = found
        .iter()
        .filter(|found| found.contains("is included twice"))
        .collect();
    assert_eq!(twice.len(), 3, "{found:?}");
    assert!(
        twice
            .iter()
            .any(|found| found.starts_with("b.toml:1:12 c/x.toml")),
        "{found:?}"
    );
}

#[test]
fn what_is_not_there_is_found_and_what_it_would_have_brought_is_not_missed() {
    let folder = Folder::with(
        &format!(
            "{}{}",
            main_file("\"gone.toml\", \"gone.d/*.toml\", \"empty.d/*.toml\", \"odd.d/*.toml\""),
            plan("P", "A, @prod, Q*")
        ),
        &[("odd.d/a.tml", ""), ("odd.d/b.txt", "")],
    );
    fs::create_dir(folder.path("empty.d")).expect("a folder");
    let starts = "a path starts in the folder of the file in which it stands";
    assert_eq!(
        folder.found(),
        [
            format!("plans.toml:1:12 there is no file gone.toml: {starts}"),
            format!("plans.toml:1:25 nothing of gone.d is included: {starts}"),
            "plans.toml:1:42 no file matches \"empty.d/*.toml\": the folder is empty".to_owned(),
            "plans.toml:1:60 no file matches \"odd.d/*.toml\": there are: a.tml, b.txt; only `*` stands for other \
             characters"
                .to_owned(),
        ],
        "and not that there is no device A"
    );
    // A pattern that matches nothing is no error.
    let folder = Folder::with(&main_file("\"empty.d/*.toml\""), &[("empty.d/.keep", "")]);
    let loaded = load(&folder.path("plans.toml"), &env).expect("valid");
    assert_eq!(loaded.warnings.summary(), "1 warning");
    assert_eq!(loaded.warnings.errors(), 0);
}

#[test]
fn no_device_is_left_out_by_a_pattern_that_goes_through_all_folders_elsewhere() {
    let files = [
        ("deep/one.toml", device("D1")),
        ("deep/x/two.toml", device("D2")),
        ("deep/x/y/three.toml", device("D3")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let found = |include: &str| Folder::with(&(main_file(include) + &plan("P", "*")), &files).found();
    let help = "write a pattern for each level that has files: \"deep/*.toml\", \"deep/*/*.toml\"";
    for include in ["deep/**/*.toml", "deep/**", "deep/**.toml"] {
        let told = format!("plans.toml:1:12 nothing is put in place of `**`: {help}");
        assert_eq!(found(&format!("{include:?}")), [told], "{include}");
    }
    // A folder among the files of a pattern is an error, so each level says what its files are called.
    let levels = "\"deep/*.toml\", \"deep/*/*.toml\", \"deep/*/*/*.toml\"";
    let folder = Folder::with(&(main_file(levels) + &plan("P", "*")), &files);
    let names: Vec<String> = folder
        .valid()
        .devices
        .iter()
        .map(|device| device.name.to_string())
        .collect();
    assert_eq!(names, ["D1", "D2", "D3"]);
    // Neither does a help name such a pattern.
    let unseen = found("\"deep/???.toml\"");
    assert!(unseen[0].contains("\"deep/*.toml\""), "{unseen:?}");
}

#[test]
fn what_is_no_list_of_paths_is_found_where_it_stands() {
    for (include, found) in [
        (
            "\"d/*.toml\"",
            "plans.toml:1:11 `include` has the wrong type: in brackets: `include = [\"d/*.toml\"]`",
        ),
        ("[7]", "plans.toml:1:12 `include` has the wrong type"),
        ("[\"\"]", "plans.toml:1:12 `include` is empty"),
        (
            "[\"~/d/*.toml\"]",
            "plans.toml:1:12 `~` is not the home folder here: write the whole path: \"/home/op/d/*.toml\"",
        ),
        (
            "[\"d.{a,b}/*.toml\"]",
            "plans.toml:1:12 nothing is put in place of `{a,b}`",
        ),
        (
            "[\"$SITE/*.toml\"]",
            "plans.toml:1:12 `$SITE` is not replaced here",
        ),
        (
            "[\"nas1:/d/*.toml\"]",
            "plans.toml:1:12 `nas1:` does not lead to another machine here",
        ),
        (
            "[\" d/*.toml\"]",
            "plans.toml:1:12 a blank stands at the edge of \" d/*.toml\"",
        ),
        (
            "[\"d\"]",
            "plans.toml:1:12 d is not taken: write which files of it: `include = [\"d/*.toml\"]`",
        ),
    ] {
        let text = format!(
            "include = {include}\n[settings]\nstore = \"store\"\n{}",
            plan("P", "A")
        );
        let folder = Folder::with(&text, &[("d/a.toml", &device("A"))]);
        let all = folder.found();
        assert!(all.len() == 1 && all[0].starts_with(found), "{include}: {all:?}");
    }
    // Behind a table it would be a key of that table.
    let folder = Folder::with("[settings]\nstore = \"store\"\ninclude = [\"d/*.toml\"]\n", &[]);
    assert_eq!(
        folder.found(),
        [
            "plans.toml:3:1 unknown key `include`: it stands above the first [table] of a file, for it is a key of the \
          file itself"
        ]
    );
}

#[test]
fn an_included_file_holds_devices_plans_and_webhooks_and_nothing_else() {
    let there = "write it into the plan file itself: it is there once, for all";
    for (text, found) in [
        (
            "[settings]\nstore = \"x\"\n",
            format!("d/a.toml:1:2 `settings` cannot be included: {there}"),
        ),
        (
            "[device_defaults]\nport = 1\n",
            format!("d/a.toml:1:2 `device_defaults` cannot be included: {there}"),
        ),
        (
            "[notify.email]\nhost = \"m\"\n",
            format!("d/a.toml:1:9 `email` cannot be included: {there}"),
        ),
        (
            "[notify]\ntimeout = \"1s\"\n",
            format!("d/a.toml:2:1 `timeout` cannot be included: {there}"),
        ),
        (
            "[[devices]]\nname = \"A\"\n",
            "d/a.toml:1:3 unknown key `devices`: write [[device]], once for each".to_owned(),
        ),
        (
            "store = \"x\"\n",
            "d/a.toml:1:1 unknown key `store`: it is a key of [settings]".to_owned(),
        ),
        (
            "# nothing\n",
            "d/a.toml:1:1 d/a.toml is empty: write [[device]] or [[plan]] tables into it, or leave it out of `include`"
                .to_owned(),
        ),
    ] {
        let folder = Folder::with(&main_file("\"d/*\""), &[("d/a.toml", text)]);
        assert_eq!(folder.found(), [found], "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_read_as_toml_is_told_in_that_file() {
    let folder = Folder::with(
        &format!("{}{}", main_file("\"d/*\""), plan("P", "A, B, C")),
        &[
            ("d/a.toml", &device("A")),
            ("d/b.toml", &device("B").replace("host = \"b\"", "host = b")),
            ("d/c.toml", "all:\n  hosts:\n    C:\n      host: c\n"),
        ],
    );
    let found = folder.found();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("d/b.toml:3:8 "), "{found:?}");
    assert!(found[1].starts_with("d/c.toml:1:1 "), "{found:?}");
}

#[test]
fn every_file_is_asked_whose_it_is_and_who_may_read_and_write_it() {
    let secret = device("A").replace("{ env = \"P\" }", "\"hunter2\"");
    let main = format!("{}{}", main_file("\"d/*.toml\""), plan("P", "*"));
    let folder = Folder::with(&main, &[("d/a.toml", &secret)]);
    assert_eq!(
        folder.found(),
        [
            "d/a.toml:5:12 a password stands in the plan file: better write where it comes from: \
                                 { env = \"…\" }, { file = \"…\" }, { command = [\"…\"] } or { credential = \"…\" }"
        ]
    );
    // The plan file is its owner's alone, and this one is not.
    folder.write("d/a.toml", &secret, 0o640);
    let found = folder.found();
    assert!(
        found[0].starts_with("d/a.toml:5:12 a password stands in a file that others can read"),
        "{found:?}"
    );
    assert!(found[0].contains("run `chmod 600 d/a.toml`"), "{found:?}");
    assert!(!folder.shown().contains("hunter2"));

    let set = |name: &str, mode| {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).expect("its mode");
    };
    set("d/a.toml", 0o660);
    let found = folder.found();
    assert!(
        found[0].starts_with("plans.toml:1:12 d/a.toml is not taken: run `chmod g-w "),
        "{found:?}"
    );
    set("d/a.toml", 0o600);
    set("d", 0o777);
    let found = folder.found();
    assert!(
        found[0].starts_with("plans.toml:1:12 nothing of d is included: run `chmod go-w "),
        "{found:?}"
    );
    // Named in full it is no better.
    folder.write("plans.toml", &main_file("\"d/a.toml\""), 0o600);
    assert!(
        folder.found()[0].starts_with("plans.toml:1:12 d/a.toml is not taken"),
        "{:?}",
        folder.found()
    );
    set("d", 0o755);
    assert_eq!(folder.findings().errors(), 0);
}

#[test]
fn paths_in_an_included_file_start_in_its_own_folder() {
    let own = device("A").replace("{ env = \"P\" }", "{ file = \"secrets/a\" }")
        + "tls = { ca_file = \"ca.pem\" }\n"
        + &device("B").replace("{ env = \"P\" }", "{ command = [\"./give\"] }");
    let scripts = plan_with("P", "*", "pre_script = \"scripts/pre\"\npost_script = \"post\"");
    let hook = "[[notify.webhook]]\nname = \"w\"\nurl = { file = \"hook\" }\nca_file = \"hook.pem\"\n";
    let folder = Folder::with(
        &main_file("\"sites/rome/*.toml\""),
        &[("sites/rome/a.toml", &format!("{own}{scripts}{hook}"))],
    );
    let file = folder.valid();
    let rome = |name: &str| folder.path("sites/rome").join(name);
    assert!(matches!(&file.devices[0].tls, Trust::CaFile(path) if *path == rome("ca.pem")));
    assert_eq!(
        file.devices[0].password.describe(),
        format!("file {}", rome("secrets/a").display())
    );
    assert_eq!(file.plans[0].pre_script, Some(rome("scripts/pre")));
    assert_eq!(
        file.plans[0].post_script,
        Some(folder.path("scripts/post")),
        "where scripts are"
    );
    assert_eq!(file.notify.webhooks[0].ca_file, Some(rome("hook.pem")));
    assert_eq!(
        file.notify.webhooks[0].url.describe(),
        format!("file {}", rome("hook").display())
    );

    // The command starts there too.
    folder.write("sites/rome/give", "#!/bin/sh\nbasename \"$PWD\"\n", 0o700);
    let secret = file.devices[1].password.resolve(&crate::secret::SecretContext {
        folder: Path::new("/"),
        environment: &env,
        variables: &Vec::new,
        cancelled: &|| false,
    });
    assert_eq!(
        secrecy::ExposeSecret::expose_secret(&secret.expect("a secret")),
        "rome"
    );
}

#[test]
fn slips_that_end_in_silence_are_found_in_included_files_too() {
    let window = "{ start = \"02:10\", end = \"02:50\", time_zone = \"Europe/Rome\" }";
    let with_plan = |lines: &str| plan_with("P", "A", lines);
    let used = plan("P", "A");
    for (text, found) in [
        (
            device("A").replace("{ env = \"P\" }", "{ file = \"~/p\" }") + &used,
            "d/a.toml:5:21 `~` is not the home folder",
        ),
        (
            device("A") + "tls = { ca_file = \"%h/ca.pem\" }\n" + &used,
            "d/a.toml:6:19 `%h` is not replaced here",
        ),
        (
            with_plan("pre_script = \"$HOME/pre.sh\"") + &device("A"),
            "d/a.toml:3:14 `$HOME` is not replaced here",
        ),
        (
            with_plan("post_script = \"s3://bucket/x\"") + &device("A"),
            "d/a.toml:3:15 `s3:` does not lead",
        ),
        (
            with_plan("retention = { keep_within = \"6h\" }") + &device("A"),
            "d/a.toml:3:29 `keep_within` is less than a day",
        ),
        (
            with_plan(&format!("maintenance_window = {window}")) + &device("A"),
            "d/a.toml:3:22 this window does not open on",
        ),
        (
            device("A") + &plan("P", "A, Q*"),
            "d/a.toml:10:15 no device matches \"Q*\"",
        ),
        (
            device("A") + &plan("P", "A, @x"),
            "d/a.toml:10:15 no device has the tag \"x\"",
        ),
        (
            device("A") + &plan("P", "A, B C*"),
            "d/a.toml:10:15 no device matches \"B C*\"",
        ),
        (
            device("A") + &device("B") + &used,
            "d/a.toml:7:8 no plan backs up the device \"B\"",
        ),
        (
            device("A").replace("{ env = \"P\" }", "\"$P\"") + &used,
            "d/a.toml:5:12 `password` looks like a variable",
        ),
    ] {
        let folder = Folder::with(&main_file("\"d/*.toml\""), &[("d/a.toml", &text)]);
        let all = folder.found();
        assert!(all.len() == 1 && all[0].starts_with(found), "{found}: {all:?}");
        // A plan that is not enabled is not doubted there either.
        if folder.findings().errors() == 0
            && text.contains("[[plan]]")
            && !found.contains("looks like")
            && !found.contains("no plan")
        {
            let off = text.replace("[[plan]]\n", "[[plan]]\nenabled = false\n");
            folder.write("d/a.toml", &off, 0o600);
            assert_eq!(folder.found(), [""; 0], "{off}");
        }
    }
    // A token that others may read, in a file of its own mode.
    let token =
        with_plan("ping_url = \"https://hc-ping.com/4f1c9a3e-0b1d-4c55-9a59-3f2f3a1f7c11\"") + &device("A");
    let folder = Folder::with(&main_file("\"d/*.toml\""), &[("d/a.toml", &token)]);
    assert_eq!(folder.found(), [""; 0]);
    folder.write("d/a.toml", &token, 0o644);
    let found = folder.found();
    assert!(
        found[0].contains("a token stands in a file that others can read: run `chmod 600 d/a.toml`"),
        "{found:?}"
    );
}

#[test]
fn files_that_are_too_deep_or_too_large_together_are_not_read() {
    let folder = Folder::with(&main_file("\"1.toml\""), &[]);
    for number in 1..40 {
        folder.write(
            &format!("{number}.toml"),
            &format!("include = [\"{}.toml\"]\n", number + 1),
            0o600,
        );
    }
    assert_eq!(
        folder.found(),
        ["16.toml:1:12 17.toml is included too deep: let the plan file itself include it"]
    );

    let folder = Folder::with(&main_file("\"d/*\""), &[]);
    let large = format!("#{}\n", "-".repeat(9 << 20));
    for name in ["d/a", "d/b"] {
        folder.write(name, &large, 0o600);
    }
    let found = folder.found();
    assert!(
        found[0].starts_with("plans.toml:1:12 d/b is too much"),
        "{found:?}"
    );
}
