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
    assert!(
        home.dpbackup(&["completions", "bash"])
            .stdout
            .contains("COMP_LINE")
    );
}

/// The script that was printed is asked as bash asks it, which hands over the line and the end of it that it replaces.
#[test]
fn what_bash_writes_behind_a_line_can_be_run() {
    let (gateway, spare) = (Gateway::start(Setup::default()), Gateway::start(Setup::default()));
    let home = home(&gateway, &spare);
    let text = std::fs::read_to_string(home.plan_file()).expect("the plan file");
    let tagged = text.replacen("name = \"QA1\"", "name = \"QA1\"\ntags = [\"prod\"]", 1);
    std::fs::write(home.path("tagged.toml"), tagged).expect("a plan file");
    std::fs::write(home.path("a b.zip"), "").expect("a file");
    let script = home.dpbackup(&["completions", "bash"]).exits(0).stdout;
    std::fs::write(home.path("completion.bash"), script).expect("a script");
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_dpbackup"))
        .parent()
        .expect("a folder");
    let cases = [
        ("run Ni", "Ni", "Nightly"),
        ("run O", "O", "On\\ demand"),
        ("run \"O", "O", "On demand"),
        ("run 'On d", "On d", "On demand"),
        ("run Nightly ", "", "On\\ demand"),
        ("run Nightly N", "N", ""),
        ("verify ./a", "./a", "./a\\ b.zip"),
        ("--config=pla", "pla", "plans.toml"),
        ("history --format=j", "j", "json"),
        ("man history st", "st", "status"),
        ("diff @", "@", "@prod/DOM1 @prod/DOM2"),
        ("log --device @", "@", "@prod"),
        ("log --domain=", "", "DOM1 DOM2"),
        ("stat", "stat", "status"),
    ];
    let mut lines = String::from("source ./completion.bash; compopt() { :; }\n");
    for (line, part, _) in cases {
        let line = format!("dpbackup {line}").replace('\'', "'\\''");
        lines.push_str(&format!(
            "COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; _dpbackup dpbackup '{part}' x; echo \"${{COMPREPLY[*]}}\"\n"
        ));
    }
    let mut bash = std::process::Command::new("bash");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    bash.env_clear()
        .env("PATH", path)
        .env("HOME", home.path(""))
        .env("DPBACKUP_CONFIG", home.path("tagged.toml"));
    bash.args(["--norc", "-c", &lines]).current_dir(home.path(""));
    let ran = Ran::of(bash.output().expect("bash"));
    let found: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(found.len(), cases.len(), "{}", ran.stderr);
    for ((line, _, expected), found) in cases.into_iter().zip(found) {
        // Options are offered where nothing is typed.
        let found = found.split(" --").next().unwrap_or_default();
        assert_eq!(found, expected, "{line}: {}", ran.stderr);
    }
}
