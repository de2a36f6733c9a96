//! What is answered to options of other programs, where they are given to commands about what stands in configurations.

use crate::misunderstood::other_options::words::{ALL, DAYS, DRY_RUN, FORCE, OtherOptions, PLANS, SINCE, to};

pub(super) const OPTIONS: &[OtherOptions] = &[
    to(
        &["extract"],
        ALL,
        "one export at a time, by the ID of its task or by DEVICE/DOMAIN: `{extract EXPORT DIR}`",
    ),
    to(
        &["diff"],
        &["--device", "-d", "--devices", "--host", "--gateway"],
        "an export is named by its device and its domain: `{diff DEVICE/DOMAIN OTHER/DOMAIN}`; a group of devices by \
         `{diff @TAG/DOMAIN}`",
    ),
    to(
        &["diff"],
        &[
            "-u",
            "--unified",
            "-r",
            "--recursive",
            "--side-by-side",
            "--brief",
            "--stat",
            "--name-only",
            "--summary",
        ],
        "what differs is told object by object, property by property and file by file, always: leave it out",
    ),
    to(
        &["diff"],
        PLANS,
        "diff is about exports: `{history last --plan PLAN}` has the IDs of the tasks for `{diff ID ID}`",
    ),
    to(
        &["diff"],
        SINCE,
        "`{log --since 7d}` shows what changed from one export to the next since then",
    ),
    to(
        &["log"],
        &["-f"],
        "it follows nothing: it prints what is known, and ends; `{log --since 7d}` goes back as far as is wanted",
    ),
    to(
        &["log"],
        PLANS,
        "log goes by devices and domains: `{log --device DEVICE --domain DOMAIN}`",
    ),
    to(
        &["find"],
        &[
            "-n", "-name", "-iname", "--iname", "-type", "--type", "-path", "-exec", "--name", "-p", "--grep",
        ],
        "find looks into configurations, not for files: `{find TEXT}` for a text in the newest good export of every domain, \
         `{find TEXT --class CLASS}` in objects of one class",
    ),
    to(
        &["find"],
        &["--plan", "--plans"],
        "find goes by devices and domains: `{find TEXT --device DEVICE --domain DOMAIN}`",
    ),
    to(
        &["find"],
        &["-i", "--ignore-case", "--case-insensitive"],
        "upper and lower case do not count: `{find ...|TEXT}`",
    ),
    to(
        &["find"],
        &["-e", "-E", "--regexp", "-P"],
        "the option is --regex: `{find --regex ...|TEXT}`",
    ),
    to(
        &["find"],
        SINCE,
        "find looks into the newest good exports; what changed since then shows `{log --since 7d}`",
    ),
    to(
        &["find"],
        &["--all", "-a", "--all-devices", "-r", "-R", "--recursive"],
        "find looks into the newest good export of every domain: `{find ...|TEXT}`",
    ),
    to(
        &["extract"],
        &[
            "-o",
            "--output",
            "--out",
            "--dir",
            "--output-dir",
            "--target",
            "--dest",
            "--to",
            "-C",
        ],
        "the folder is the second word, without an option: `{extract EXPORT DIR}`",
    ),
    to(
        &["extract"],
        FORCE,
        "written is only into a folder that is empty, not there yet, or from extract before: name another one, \
         `{extract EXPORT DIR}`",
    ),
    to(
        &["extract"],
        DRY_RUN,
        "extract writes nothing but its folder, and contacts nobody; `{history files ID}` names the files of a task",
    ),
    to(
        &["extract"],
        &[
            "--device",
            "-d",
            "--devices",
            "--host",
            "--gateway",
            "--domain",
            "--domains",
            "--task",
            "--id",
        ],
        "an export is named without an option, by the ID of its task or by DEVICE/DOMAIN: `{extract EXPORT DIR}`",
    ),
    to(
        &["extract"],
        &["--plan", "--plans", "-p"],
        "extract is about one export: `{history last --plan PLAN}` has the IDs of the tasks for `{extract ID DIR}`",
    ),
    to(
        &["log"],
        DAYS,
        "how far back it goes says --since: `{log --since 7d}`",
    ),
    to(
        &["log"],
        &["--from", "--after", "--start"],
        "the option is --since: `{log --since 7d}`",
    ),
    to(
        &["log"],
        &["--until", "--before", "--to", "--end"],
        "there is a beginning, and the end is now: `{log --since 7d}` shows what changed since then, the newest first; each line \
         has its time",
    ),
    to(
        &["find", "log"],
        &["--tag", "--tags", "--group"],
        "a group of devices is named by its tag, behind an @: --device @TAG",
    ),
    to(
        &["diff"],
        &["--old", "--new"],
        "the two are named without an option: `{diff ...|OLD NEW}`",
    ),
    to(
        &["diff"],
        &["--last", "--latest", "--previous"],
        "`{log}` shows what changed from each export to the next, the newest first; `{diff ID ID}` compares two tasks",
    ),
    to(
        &["diff"],
        &[
            "--class",
            "--property",
            "--only",
            "--exclude",
            "--ignore",
            "-i",
            "--ignore-case",
            "-w",
            "--ignore-all-space",
        ],
        "the whole of two exports is compared, and volatile details do not count; `{log --class CLASS}` shows what changed in one class",
    ),
    to(
        &["log"],
        &[
            "--oneline",
            "--stat",
            "--patch",
            "--diff",
            "--name-only",
            "--graph",
            "--pretty",
        ],
        "each change is a line with what was and what is: `{log}`",
    ),
    to(
        &["log"],
        &["--task", "--id", "--execution"],
        "`{history files ID}` has the changes that a task found",
    ),
    to(
        &["find"],
        &["--task", "--id", "--file", "--archive", "--in"],
        "find looks into the newest good export of every domain; an older one is written as text by `{extract ID DIR}`",
    ),
];
