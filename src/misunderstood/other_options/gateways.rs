//! What is answered to options of other programs, where they are given to commands that ask or change gateways outside of a run.

use crate::misunderstood::other_options::words::{
    DEVICES, DOMAINS, DRY_RUN, FORCE, LIST, OtherOptions, PLANS, THOROUGH, to,
};

pub(super) const OPTIONS: &[OtherOptions] = &[
    to(
        &["check"],
        PLANS,
        "plans and devices are named without an option: `{check PLAN}`",
    ),
    to(
        &["check"],
        DEVICES,
        "plans and devices are named without an option: `{check DEVICE}`",
    ),
    to(
        &["check"],
        THOROUGH,
        "check looks at everything that a run needs, always; what is stored is read again by `{verify --all}`",
    ),
    to(
        &["check"],
        &["--fix", "--repair", "--apply"],
        "check changes nothing, and says of each thing what to do; what a run that died has left is put right by `{recover}`",
    ),
    to(
        &["trust"],
        &[
            "--device",
            "-d",
            "--devices",
            "--host",
            "--gateway",
            "--name",
            "--url",
            "--ip",
            "--address",
        ],
        "a device is named without an option: `{trust DEVICE}`",
    ),
    to(
        &["trust"],
        &["--plan", "-p", "--plans"],
        "trust is about one device: `{trust DEVICE}`; `{show NAME}` shows which devices a plan means",
    ),
    to(
        &["trust"],
        FORCE,
        "trust writes nothing: it prints the line that pins, and you paste it into the plan file",
    ),
    to(
        &["trust"],
        &["--all", "-a", "--everything"],
        "one device at a time: `{trust DEVICE}`",
    ),
    to(
        &["trust"],
        &["--insecure", "-k", "--no-verify", "--skip-verify"],
        "`{trust DEVICE}` trusts nobody, and sends no password; how a device is trusted stands in the plan file: `tls` of its \
         [[device]]",
    ),
    to(
        &["recover"],
        DRY_RUN,
        "there is no dry run of recover: `{check}` shows what is quiesced, `{history}` which runs have died",
    ),
    to(
        &["recover"],
        LIST,
        "`{check}` shows what is quiesced, `{history}` which runs have died; `{recover}` puts right whatever is left",
    ),
    to(
        &["recover"],
        FORCE,
        "recover asks nothing: `{recover}`; a device that is no more is given up by `{recover --forget DEVICE}`",
    ),
    to(
        &["recover"],
        &[
            "--all",
            "-a",
            "--device",
            "-d",
            "--devices",
            "--plan",
            "-p",
            "--plans",
            "--domain",
            "--domains",
        ],
        "recover puts right whatever is left, of all plans and devices: `{recover}`",
    ),
    to(
        &["rehearse"],
        DRY_RUN,
        "a rehearsal is a dry run: the spare device says what it would do, and does nothing: `{rehearse ID --on SPARE}`",
    ),
    to(
        &["rehearse"],
        FORCE,
        "rehearse asks nothing; a spare of another firmware is taken with --allow-other-firmware",
    ),
    to(
        &["rehearse"],
        &[
            "--to",
            "--target",
            "--dest",
            "--spare",
            "--host",
            "--gateway",
            "-d",
        ],
        "the spare device is named by --on: `{rehearse --all --on SPARE}` for all that there is, `{rehearse ID --on SPARE}` for a \
         task",
    ),
    to(
        &["rehearse"],
        &["--task", "--id", "--tasks"],
        "tasks are named without an option: `{rehearse ID --on SPARE}`",
    ),
    to(
        &["rehearse"],
        DOMAINS,
        "a domain is rehearsed by the task that exported it: `{log --domain DOMAIN}` and `{history last}` have the IDs for \
         `{rehearse ID --on SPARE}`",
    ),
    to(
        &["restore"],
        FORCE,
        "a restore is confirmed by its plan alone: `{restore ID --to DEVICE}` shows it and asks for the name of the domain, or \
         prints the word for --confirm; --over-unsaved and --allow-other-firmware are for what else stands in the way",
    ),
    to(
        &["restore"],
        DRY_RUN,
        "nothing but questions is sent before the plan is confirmed: `{restore ID --to DEVICE}` shows it; \
         `{rehearse ID --on SPARE}` tries the backup on a spare device",
    ),
    to(
        &["restore"],
        &[
            "--target",
            "--dest",
            "--destination",
            "--on",
            "--device",
            "-d",
            "--host",
            "--gateway",
        ],
        "the device is named by --to: `{restore ID --to DEVICE}`",
    ),
    to(
        &["restore"],
        DOMAINS,
        "the export of a task is laid over the domain of its name, and over no other: another domain is another task, and \
         `{history last}` has the IDs",
    ),
    to(
        &["restore"],
        &["--task", "--id", "--from", "--source"],
        "the task is named without an option: `{restore ID --to DEVICE}`",
    ),
    to(
        &["restore"],
        &["--plan", "--plans", "-p", "--name"],
        "a restore is of one task: `{history last --plan PLAN}` has their IDs, one for each domain",
    ),
    to(
        &["restore", "rehearse"],
        &["--all", "-a", "--all-domains", "--everything"],
        "one domain at a time is restored, and a whole gateway by a person only: docs/restore.md",
    ),
    to(
        &["check"],
        &["--offline", "--local", "--syntax", "--no-network"],
        "`{validate}` looks at the plan file alone, and contacts nobody",
    ),
    to(
        &["check"],
        &["--tls", "--ssl", "--cert", "--certs", "--fingerprint"],
        "check looks at that, too; `{trust DEVICE}` shows the certificate of a device, and the line that pins it",
    ),
    to(
        &["trust"],
        &[
            "--save", "--write", "--apply", "--add", "--pin", "--accept", "--fetch",
        ],
        "trust writes nothing: it prints the line that pins, and you paste it into the plan file",
    ),
    to(
        &["recover"],
        &["--status", "--verify"],
        "`{check}` shows what is quiesced, `{history}` which runs have died; `{recover}` puts right whatever is left",
    ),
    to(
        &["restore"],
        &[
            "--as",
            "--rename",
            "--into",
            "--to-domain",
            "--target-domain",
            "--map",
        ],
        "the export of a task is laid over the domain of its name, and over no other: `{restore ID --to DEVICE}`",
    ),
    to(
        &["restore"],
        &["--in-place", "--merge", "--reset", "--clean"],
        "a restore is a merge, into the domain of its name: `{restore ID --to DEVICE}` shows what would change, and what stays",
    ),
    to(
        &["restore"],
        &["--no-backup", "--skip-backup", "--no-dry-run"],
        "what is there is backed up first, and the import is tried in a dry run, always: `{restore ID --to DEVICE}`",
    ),
];
