//! What a shell offers after a TAB, as its script asks the binary.

use crate::simulator::{Gateway, Setup};
use crate::support::{Home, Ran, export};

/// A home with two plans, of which one has a blank in its name, and one execution.
fn home(gateway: &Gateway, spare: &Gateway) -> Home {
    let home = Home::of(gateway)
        .spare("SPARE", spare)
        .plan("Nightly", &export("QA*", "DOM1, DOM2", ""))
        .plan("On demand", &export("QA*", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Nightly"]).exits(0);
    home
}

/// What a shell is offered behind these words; the last of them is being typed. Each line as it
/// comes, without what fish shows beside it.
fn offered(home: &Home, shell: &str, words: &[&str]) -> Vec<String> {
    let mut command = home.command(&[&["--", "dpbackup"], words].concat());
    command
        .env("DPBACKUP_COMPLETE", shell)
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n");
    let ran = Ran::of(command.output().expect("the binary starts")).exits(0);
    assert_eq!(ran.stderr, "", "{shell} {words:?}");
    let lines = ran.stdout.lines();
    lines
        .map(|line| {
            let word = line.split('\t').next().unwrap_or_default();
            // Zsh has the word, a colon and what it is.
            let word = match shell {
                "zsh" => word.split(':').next().unwrap_or_default(),
                _ => word,
            };
            word.to_owned()
        })
        .collect()
}

#[test]
fn plans_devices_statuses_and_ids_are_completed_for_every_shell() {
    let (gateway, spare) = (Gateway::start(Setup::default()), Gateway::start(Setup::default()));
    let home = home(&gateway, &spare);
    for shell in ["bash", "zsh", "fish"] {
        for (words, expected) in [
            (&["run", "Ni"][..], &["Nightly"][..]),
            (&["check", "Q"], &["QA1"]),
            (&["check", "N"], &["Nightly"]),
            (&["history", "--device", "Q"], &["QA1"]),
            (&["history", "--status", "SUC"], &["SUCCESS"]),
            (&["history", "files", ""], &["last", "2", "1"]),
            (&["history", "tasks", ""], &["last", "1"]),
            (&["history", "activities", ""], &["last", "1"]),
            (&["verify", "--task", ""], &["last", "2", "1"]),
            (&["trust", "QA"], &["QA1"]),
            (&["rehearse", "--on", ""], &["SPARE"]),
            (&["recover", "--forget", "Q"], &["QA1"]),
            (&["log", "--blame", "QA1/DOM2"], &["QA1/DOM2"]),
            (&["diff", "QA1/"], &["QA1/DOM1", "QA1/DOM2"]),
            (&["verify", "QA1/"], &["QA1/DOM1", "QA1/DOM2"]),
            (&["verify", "Q"], &["QA1", "QA1/DOM1", "QA1/DOM2"]),
            (&["extract", "la"], &["last"]),
            (&["extract", "plans.t"], &["plans.toml"]),
            (&["show", "Q"], &["QA1"]),
            (&["restore", ""], &["last", "2", "1"]),
            (&["man", "hist"], &["history"]),
            (&["rehe"], &["rehearse"]),
        ] {
            let found = offered(&home, shell, words);
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            let is_id = words.last() == Some(&"");
            match is_id {
                // Options are offered behind them.
                true => assert!(found.starts_with(expected), "{shell} {words:?}: {found:?}"),
                false => assert_eq!(found, expected, "{shell} {words:?}"),
            }
        }
    }
}

#[test]
fn a_name_with_a_blank_is_one_word_for_bash() {
    let (gateway, spare) = (Gateway::start(Setup::default()), Gateway::start(Setup::default()));
    let home = home(&gateway, &spare);
    assert_eq!(offered(&home, "bash", &["run", "On"]), ["On\\ demand"]);
    assert_eq!(offered(&home, "fish", &["run", "On"]), ["On demand"]);
}

#[test]
fn names_are_those_of_the_plan_file_that_the_line_names_even_if_it_has_an_error() {
    let home = Home::new()
        .absent_device("QA1")
        .plan("Nightly", &export("*", "*", ""));
    let text = std::fs::read_to_string(home.plan_file()).expect("the plan file");
    let other = text.replace("QA1", "OTHER") + "[[plan]]\nname = 5\n";
    std::fs::write(home.path("other.toml"), other).expect("a plan file");
    assert_eq!(
        offered(&home, "bash", &["--config", "other.toml", "trust", "O"]),
        ["OTHER"]
    );
    assert_eq!(
        offered(&home, "bash", &["trust", "-c", "missing.toml", "O"]),
        Vec::<String>::new()
    );
}

#[test]
fn the_script_of_a_shell_asks_the_binary() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.dpbackup(&["completions", shell]).exits(0).stdout;
        assert!(
            script.contains("DPBACKUP_COMPLETE") && script.contains("dpbackup"),
            "{shell}: {script}"
        );
    }
    // Bash itself, with the script that was printed.
    let gateways = (Gateway::start(Setup::default()), Gateway::start(Setup::default()));
    let home = self::home(&gateways.0, &gateways.1);
    let script = home.dpbackup(&["completions", "bash"]).exits(0).stdout;
    std::fs::write(home.path("completion.bash"), script).expect("a script");
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_dpbackup"))
        .parent()
        .expect("a folder");
    let line = "source ./completion.bash; COMP_WORDS=(dpbackup run Ni); COMP_CWORD=2; COMP_TYPE=9; \
                _clap_complete_dpbackup dpbackup Ni run; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = std::process::Command::new("bash");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    bash.env_clear()
        .env("PATH", path)
        .env("HOME", home.path(""))
        .env("DPBACKUP_CONFIG", home.plan_file());
    bash.args(["--norc", "-c", line]).current_dir(home.path(""));
    let ran = Ran::of(bash.output().expect("bash"));
    assert_eq!(ran.stdout.trim(), "Nightly", "{}", ran.stderr);
}
