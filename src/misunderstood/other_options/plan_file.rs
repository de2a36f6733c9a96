//! What is answered to options of other programs, where they are given to commands about the plan file.

use crate::misunderstood::other_options::words::{
    ALL, DEVICES, DRY_RUN, FORCE, OtherOptions, PLANS, WRITTEN_FILE, to,
};

pub(super) const OPTIONS: &[OtherOptions] = &[
    to(
        &["completions"],
        &["--shell", "-s", "--bash", "--zsh", "--fish"],
        "the shell is named without an option: `{completions bash}`",
    ),
    to(&["show"], ALL, "`{list}` shows all plans and all devices"),
    to(
        &["diff"],
        ALL,
        "it compares what is named: `{diff @TAG/DOMAIN}` all devices of a group, `{diff ID ID}` two tasks; `{log}` shows \
         what changed in all of them",
    ),
    to(
        &["init"],
        ALL,
        "the file with every key is written by `{init FILE --full}`",
    ),
    to(
        &["show"],
        PLANS,
        "a plan or a device is named without an option: `{show PLAN}`",
    ),
    to(
        &["show"],
        DEVICES,
        "a plan or a device is named without an option: `{show DEVICE}`",
    ),
    to(
        &["list"],
        &[
            "--plan",
            "-p",
            "--plans",
            "--device",
            "-d",
            "--devices",
            "--all",
            "-a",
        ],
        "list shows all plans and all devices: `{list}`; `{show NAME}` shows one",
    ),
    to(
        &["validate"],
        &["--plan", "-p", "--name", "--plans", "--device", "-d", "--devices"],
        "validate checks the whole plan file; `{show NAME}` shows one plan or device, `{check NAME}` asks its devices",
    ),
    to(
        &["validate"],
        &["--strict", "--deep", "--full", "--all", "-a"],
        "validate checks the whole plan file, always; `{check}` looks at everything that a run needs, over the network",
    ),
    to(
        &["validate"],
        &["--fix", "--repair", "--write"],
        "validate changes nothing: each finding says what to write, and the plan file is changed with an editor",
    ),
    to(
        &["validate"],
        &["--format"],
        "its findings have one form, for people; a program goes by the exit code: 0 where the file is good, 2 where it is not",
    ),
    to(
        &["init"],
        FORCE,
        "a plan file that is there is left as it is: move it away, or name another one, `{init FILE}`",
    ),
    to(
        &["init"],
        &[
            "--plan",
            "-p",
            "--plans",
            "--name",
            "--device",
            "-d",
            "--devices",
            "--host",
            "--gateway",
            "--port",
            "--user",
            "--username",
            "--from-dpod",
            "--dpod",
            "--import",
        ],
        "init writes one device and one plan to start from, `{init FILE}`: an editor gives them their names",
    ),
    to(
        &["init"],
        WRITTEN_FILE,
        "the file is named without an option: `{init FILE}`",
    ),
    to(
        &["init"],
        DRY_RUN,
        "`{init -}` prints the file and writes nothing",
    ),
    to(
        &["show", "list"],
        &["--format"],
        "it prints in one form, for people. For programs: the plan file is TOML, its form is `{schema}`, and \
         `{history status --format json}` has all that is configured",
    ),
    to(
        &["show"],
        &["--secrets", "--reveal", "--password", "--passwords", "--plain"],
        "secrets are shown by where they come from, and never themselves: `{show DEVICE}`",
    ),
    to(
        &["show"],
        &["--defaults", "--effective", "--resolved", "--verbose-output"],
        "defaults are in it, and each value says whether it is written: leave it out",
    ),
    to(
        &["list"],
        &["--long", "-l", "--verbose-output", "--details"],
        "`{show}` has every value of the plan file, `{validate -v}` what each plan is about",
    ),
    to(
        &["init"],
        &["--minimal", "--simple", "--short", "--example", "--template"],
        "without an option it is short: `{init FILE}`",
    ),
];
