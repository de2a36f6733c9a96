//! Options of other programs that mean the same thing, in lists, and the form of an answer to some of them.

/// Options of other programs, and what to type instead.
#[derive(Debug)]
pub(in crate::misunderstood) struct OtherOptions {
    /// The commands that they were said to; none where it is all the same.
    pub(in crate::misunderstood) said_to: &'static [&'static str],
    /// What people type.
    pub(in crate::misunderstood) options: &'static [&'static str],
    /// What to type.
    pub(in crate::misunderstood) advice: &'static str,
}

pub(super) const fn to(
    said_to: &'static [&'static str],
    options: &'static [&'static str],
    advice: &'static str,
) -> OtherOptions {
    OtherOptions {
        said_to,
        options,
        advice,
    }
}

pub(super) const DRY_RUN: &[&str] = &[
    "--dry-run",
    "--dryrun",
    "-n",
    "--simulate",
    "--what-if",
    "--noop",
    "--test",
    "--check",
    "--validate",
    "--preview",
    "--dry",
    "--dry_run",
    "--dryRun",
    "--whatif",
    "--no-op",
    "--no-act",
    "--pretend",
    "--just-print",
    "--explain",
];

pub(super) const ALL: &[&str] = &["--all", "-a", "--all-plans", "--everything"];

pub(super) const FORCE: &[&str] = &[
    "--force",
    "-f",
    "--yes",
    "-y",
    "--assume-yes",
    "--no-confirm",
    "--overwrite",
    "--replace",
];

pub(super) const PLANS: &[&str] = &["--plan", "-p", "--name", "--plans"];

pub(super) const DEVICES: &[&str] = &["--device", "-d", "--devices", "--host", "--gateway"];

pub(super) const DOMAINS: &[&str] = &["--domain", "--domains"];

pub(super) const PLACE: &[&str] = &[
    "--store",
    "--dest",
    "--destination",
    "--target",
    "--output-dir",
    "--dir",
    "--path",
    "--to",
];

pub(super) const LIST: &[&str] = &["--list", "--ls", "-l", "--show"];

pub(super) const WRITTEN_FILE: &[&str] = &["-o", "--output", "--out", "--file"];

pub(super) const SINCE: &[&str] = &["--since", "--from", "--after", "--until", "--before"];

/// How others say how far back something goes.
pub(super) const DAYS: &[&str] = &[
    "--days",
    "--weeks",
    "--months",
    "--last-days",
    "--day",
    "--period",
];

pub(super) const THOROUGH: &[&str] = &[
    "--deep",
    "--full",
    "--read-data",
    "--read-all",
    "--thorough",
    "--quick",
    "--fast",
    "--checksum",
    "--hash",
    "--sha256",
];

pub(super) const KEPT: &[&str] = &[
    "--keep-last",
    "--keep-daily",
    "--keep-weekly",
    "--keep-monthly",
    "--keep-within",
    "--keep",
    "--older-than",
    "--days",
    "--retention",
    "--max-size",
    "--max-age",
];
