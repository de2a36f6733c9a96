//! The first hour: what the guide, the README and the page on restoring tell people to type is
//! typed, in that order, against a simulated gateway.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::simulator::{Gateway, Setup};
use crate::soap_client::Client;
use crate::support::{PASSWORD, Ran};

const GUIDE: &str = include_str!("../../docs/guide.md");
const README: &str = include_str!("../../README.md");
const RESTORE: &str = include_str!("../../docs/restore.md");

/// A newcomer's account on a machine: a shell, the binary, and nothing of anybody else's.
struct Newcomer {
    home: tempfile::TempDir,
}

impl Newcomer {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        fs::create_dir(home.path().join("bin")).expect("a folder");
        let binary = home.path().join("bin/dpbackup");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_dpbackup"), binary).expect("a link");
        Self { home }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    fn types(&self, line: &str) -> Ran {
        let bin = self.path().join("bin");
        let output = Command::new("/bin/sh")
            .args(["-c", line])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("HOME", self.path())
            .env("TZ", "UTC")
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output();
        Ran::of(output.expect("a shell"))
    }

    /// Puts in what `init` asks for.
    fn fills_in(&self, gateway: &Gateway) {
        let file = self.path().join("plans.toml");
        let mut text = fs::read_to_string(&file).expect("the file of init");
        let password = self.path().join("qa1.password");
        fs::write(&password, format!("{PASSWORD}\n")).expect("a file");
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).expect("its mode");
        for (invented, real) in [
            (
                "store = \"/backup/datapower\"",
                format!(
                    "store = \"{}\"\nmin_free_store = \"1 MiB\"",
                    self.path().join("store").display()
                ),
            ),
            (
                "host = \"qa1.example.com\"",
                format!("host = \"127.0.0.1\"\nport = {}", gateway.port()),
            ),
            ("/etc/dpbackup/qa1.password", password.display().to_string()),
        ] {
            assert!(text.contains(invented), "init writes {invented}");
            text = text.replace(invented, &real);
        }
        fs::write(&file, text).expect("the plan file");
    }

    /// Pastes the line that `trust` prints where it says.
    fn pastes(&self, printed: &str) {
        let file = self.path().join("plans.toml");
        let text = fs::read_to_string(&file).expect("the plan file");
        let line = printed.lines().find(|line| line.starts_with("tls = "));
        let heading = "[[device]]\n";
        let pasted = format!("{heading}{}\n", line.expect("a line to paste"));
        fs::write(&file, text.replacen(heading, &pasted, 1)).expect("the plan file");
    }
}

/// The commands of a page, in its order, without what is said of them.
fn commands(page: &str) -> Vec<&str> {
    let lines = page.lines().filter_map(|line| line.strip_prefix("    "));
    lines
        .filter(|line| line.starts_with("dpbackup ") || line.starts_with("echo "))
        .map(|line| line.split(" #").next().unwrap_or(line).trim_end())
        .collect()
}

fn walks(page: &str) -> Vec<&str> {
    let gateway = Gateway::start(Setup::default());
    let newcomer = Newcomer::new();
    let commands = commands(page);
    assert_eq!(commands.first(), Some(&"dpbackup init"));
    for line in &commands {
        let ran = newcomer.types(line);
        // Nobody trusts the certificate before it is pinned.
        let code = if *line == "dpbackup trust QA1" { 3 } else { 0 };
        assert_eq!(ran.code, Some(code), "{line}: {ran:?}");
        match *line {
            "dpbackup init" => newcomer.fills_in(&gateway),
            "dpbackup trust QA1" => newcomer.pastes(&ran.stdout),
            _ => {}
        }
        // A newcomer reads all of it; but a run says nothing in a mail of cron where all is well.
        let said = !ran.stdout.is_empty() || !ran.stderr.is_empty();
        assert!(said || *line == "dpbackup run Nightly", "{line} says nothing");
    }
    commands
}

#[test]
fn every_command_of_the_guide_does_what_it_says_on_the_file_of_init() {
    let walked = walks(GUIDE);
    for command in [
        "history", "verify", "prune", "recover", "check", "preview", "trust",
    ] {
        let begins = format!("dpbackup {command}");
        assert!(walked.iter().any(|line| line.starts_with(&begins)), "{command}");
    }
}

#[test]
fn every_command_of_the_readme_does_what_it_says_on_the_file_of_init() {
    let (_, real) = README
        .split_once("## Start with a real gateway")
        .expect("the chapter");
    let (real, _) = real.split_once("\n## ").expect("its end");
    assert!(walks(real).len() > 8);
}

#[test]
fn the_guide_goes_on_to_a_schedule_and_to_a_restore() {
    for words in [
        "systemctl enable --now dpbackup@Nightly.timer",
        "systemctl enable --now dpbackup-prune.timer dpbackup-verify.timer",
        "(../examples/cron/dpbackup)",
        "(../examples/kubernetes/maintenance.yaml)",
        "(../examples/ansible/playbook.yml)",
        "(restore.md)",
    ] {
        assert!(GUIDE.contains(words), "{words}");
    }
}

/// A shell makes the requests of the page out of a real export; a gateway takes them.
#[test]
fn the_requests_of_the_page_on_restoring_are_taken_by_a_gateway() {
    let gateway = Gateway::start(Setup::default());
    let newcomer = Newcomer::new();
    let _ = newcomer.types("dpbackup init");
    newcomer.fills_in(&gateway);
    newcomer.pastes(&newcomer.types("dpbackup trust QA1").stdout);
    let ran = newcomer.types("dpbackup run Nightly");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let export = newcomer.types("ls store/QA1/domain/DOM1/*-persisted.zip").stdout;

    // It asks for a password and sends a file: here the file is kept, to be sent below.
    let _ = newcomer.types("printf '#!/bin/sh\\nexit 0\\n' > bin/curl; chmod 700 bin/curl");
    let mut script = String::from("set -e\n");
    for block in RESTORE.split("```sh\n").skip(1) {
        script.push_str(block.split("```").next().expect("its end"));
    }
    let example = script
        .lines()
        .find_map(|line| line.strip_prefix("export="))
        .expect("an export is named")
        .to_owned();
    let ran = newcomer.types(&script.replace(&example, export.trim()));
    assert_eq!(ran.code, Some(0), "{ran:?}");

    let client = Client::new(&gateway);
    for (file, dry_run, taken) in [
        ("dry-run.xml", Some("true"), "import-results"),
        ("restore.xml", Some("false"), "status=\"SUCCESS\""),
        ("save.xml", None, "<dp:result>OK</dp:result>"),
    ] {
        let request = fs::read_to_string(newcomer.path().join(file)).expect(file);
        let document = roxmltree::Document::parse(&request).expect(file);
        let restore = document
            .descendants()
            .find(|node| node.tag_name().name() == "do-restore");
        assert_eq!(
            restore.and_then(|node| node.attribute("dry-run")),
            dry_run,
            "{file}"
        );
        let answer = client.send(&request);
        let body: String = answer.body.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(body.contains(taken), "{file}: {body}");
    }
}

#[test]
fn the_page_on_restoring_says_what_each_way_overwrites_and_what_was_never_seen() {
    let page = RESTORE.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "password of `admin` is reset",
        "Network settings come back",
        "The gateway reboots",
        "the same firmware level and the same licensed features",
        "not from a physical to a virtual one",
        "(ECDSA) cannot be used",
        "Private keys and certificates of `cert:`, values of password aliases and passwords of local users are in no export",
        "not captured",
    ] {
        assert!(page.contains(words), "{words}");
    }
}
