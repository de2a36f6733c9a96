//! `dpbackup validate`: what is wrong with a plan file, without asking anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use anyhow::anyhow;

use crate::cli::{Global, ValidateArgs};
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::frame::history_file::owners_of_history;
use crate::commands::frame::loading::{load_plan_to_judge, warnings_of};
use crate::commands::named::plan_names::plan_if_sound;
use crate::exit::Exit;
use crate::ownership;
use crate::plan::model::{Plan, PlanFile, Trust};
use crate::report::validate::{ValidDetail, counted, valid};
use crate::run::examine::scripts_that_cannot_start;
use crate::run::store;
use crate::secret::making_command;
use crate::soma::tls;
use crate::ui::{Ui, Verbosity};
use crate::values::environment::Lookup;

/// Checks the plan file and says what it holds.
pub(super) fn validate(global: &Global, args: &ValidateArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let mut global = global.clone();
    if let Some(file) = &args.file {
        names_a_plan_file(file, &global, env)?;
        global.config = Some(file.clone());
    }
    let loaded = load_plan_to_judge(&global, ui, env)?;
    let file = &loaded.plan_file;
    can_trust(file, ui)?;
    let owners = [
        store::owners(&file.settings),
        owners_of_history(&file.settings.history),
    ];
    // Who validates may be another user than who runs it: what is refused for its owner alone, `check` says.
    let refused = owners.iter().filter_map(|owner| owner.as_ref().err());
    let open = refused.filter(|why| why.lets_others_write());
    let mut doubts = doubts(file, env);
    doubts.extend(open.map(|why| format!("a run refuses it: {why}")));
    for doubt in &doubts {
        ui.warning(doubt);
    }
    if ui.verbosity > Verbosity::Quiet {
        let warnings = warnings_of(&loaded, env) + doubts.len();
        let groups: Vec<_> = owners.into_iter().filter_map(Result::ok).flatten().collect();
        let detail = match ui.verbosity > Verbosity::Normal {
            true => ValidDetail::Devices,
            false => ValidDetail::Plans,
        };
        print(ui, &valid(file, warnings, &groups, detail, ui.width))?;
    }
    Ok(Exit::Success)
}

/// Refuses files of certificates that no run could use.
fn can_trust(file: &PlanFile, ui: Ui) -> Result<(), CommandError> {
    let unusable = authorities(file);
    if unusable.is_empty() {
        return Ok(());
    }
    for why in &unusable {
        ui.error(&anyhow!("{why}"), None);
    }
    let error = anyhow!(
        "the plan file {} names {} that cannot be used",
        file.path.display(),
        counted(unusable.len(), "file of certificates", "files of certificates")
    );
    let hint = "correct `ca_file`, or put the certificates there, in PEM";
    Err(CommandError::new(Exit::Usage, error).with_hint(hint))
}

/// What does not stand on this machine as the file has it. It may be there when it is needed.
fn doubts(file: &PlanFile, env: Lookup<'_>) -> Vec<String> {
    let enabled: Vec<&Plan> = file.plans.iter().filter(|plan| plan.enabled).collect();
    let mut doubts: Vec<String> = scripts_that_cannot_start(&enabled, env)
        .iter()
        .map(|why| format!("a script cannot start: {why}"))
        .collect();
    doubts.extend(no_folder(file.settings.store.folder()));
    let metrics = file.notify.metrics.as_deref().and_then(Path::parent);
    if let Some(folder) = metrics.filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        doubts.push(format!(
            "the folder {} is not there, into which [notify.metrics] writes: make it, or correct `path`",
            folder.display()
        ));
    }
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let missing: BTreeSet<_> = file
        .secrets()
        .filter_map(|secret| secret.missing_file(folder))
        .collect();
    doubts.extend(missing.iter().map(|path| {
        format!(
            "no file with a secret is at {} yet: make it with `{}`, and write the secret into its first line",
            path.display(),
            making_command(path)
        )
    }));
    doubts
}

/// Why nothing can be a folder where the store is to be.
fn no_folder(store: &Path) -> Option<String> {
    const INSTEAD: &str = "write a folder of its own, such as \"/backup/datapower\"";
    for above in store.ancestors() {
        match above.metadata() {
            Ok(found) if found.is_dir() => return None,
            Ok(_) if above == store => {
                return Some(format!("the store {} is a file: {INSTEAD}", store.display()));
            }
            Ok(_) => {
                return Some(format!(
                    "the store {} is below {}, which is a file: {INSTEAD}",
                    store.display(),
                    above.display()
                ));
            }
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return None;
            }
            Err(_) => {
                if let Ok(target) = above.read_link() {
                    let link = match above == store {
                        true => "is".to_owned(),
                        false => format!("is below {}, which is", above.display()),
                    };
                    return Some(format!(
                        "the store {} {link} a link to {}, and nothing is there: mend the link, or mount what it leads to",
                        store.display(),
                        target.display()
                    ));
                }
            }
        }
    }
    None
}

/// Refuses a word that names no plan file, or another one than `--config`: of two only one would be checked.
fn names_a_plan_file(file: &Path, global: &Global, env: Lookup<'_>) -> Result<(), CommandError> {
    let usage = |error| CommandError::new(Exit::Usage, error);
    if let Some(config) = global.config.as_ref().filter(|config| *config != file) {
        let (file, config) = (file.display(), config.display());
        return Err(usage(anyhow!(
            "two plan files are named: {file}, and {config} by --config"
        ))
        .with_hint("one at a time is checked: leave one of them out"));
    }
    let name = file.to_string_lossy();
    if name == "-" {
        return Err(
            usage(anyhow!("validate reads a file, and nothing from standard input"))
                .with_hint("write it into a file, and name that"),
        );
    }
    let is_missing = file
        .symlink_metadata()
        .is_err_and(|error| error.kind() == ErrorKind::NotFound);
    let Some(plan_file) = plan_if_sound(global, env).filter(|_| is_missing) else {
        return Ok(());
    };
    let what = match (plan_file.plan(&name), plan_file.device(&name)) {
        (Some(_), _) => "plan",
        (None, Some(_)) => "device",
        (None, None) => return Ok(()),
    };
    let command = |word| plan_file.invocation.command([word, &*name]);
    Err(usage(anyhow!("there is no file '{name}'")).with_hint(format!(
        "it is a {what}, and validate checks a whole plan file; `{}` shows what holds for it, `{}` looks at it over the network",
        command("show"),
        command("check")
    )))
}

/// The files of certificates that cannot be read or hold none, each once and with who names it. A
/// run fails only where one is needed.
fn authorities(file: &PlanFile) -> Vec<String> {
    let mut named: BTreeMap<&Path, Vec<String>> = BTreeMap::new();
    let mut name = |path, who: String| named.entry(path).or_default().push(who);
    for device in &file.devices {
        if let Trust::CaFile(path) = &device.tls {
            name(path.as_path(), format!("device {}", device.name));
        }
    }
    let notify = &file.notify;
    let receivers = [
        ("notify.syslog", notify.syslog.ca_file.as_ref()),
        (
            "notify.email",
            notify.email.as_ref().and_then(|email| email.ca_file.as_ref()),
        ),
        (
            "notify.ping",
            notify.ping.as_ref().and_then(|ping| ping.ca_file.as_ref()),
        ),
    ];
    for (who, path) in receivers {
        if let Some(path) = path {
            name(path.as_path(), who.to_owned());
        }
    }
    for webhook in &notify.webhooks {
        if let Some(path) = &webhook.ca_file {
            name(path.as_path(), format!("webhook {}", webhook.name));
        }
    }
    named
        .into_iter()
        .filter_map(|(path, who)| {
            let mut first = who.first().cloned().unwrap_or_default();
            if let Some(more) = who.len().checked_sub(1).filter(|more| *more > 0) {
                first.push_str(&format!(" and {more} more"));
            }
            let error = tls::verifier(&Trust::CaFile(path.to_owned())).err()?;
            let hint = error.hint.map_or_else(String::new, |hint| format!("; {hint}"));
            let place = place_of(path, file).map_or_else(String::new, |place| format!("{place}: "));
            Some(format!("{place}{first}: {}{hint}", error.message))
        })
        .collect()
}

/// Where a file of certificates is named first: file, line and column.
fn place_of(named: &Path, file: &PlanFile) -> Option<String> {
    [&file.path]
        .into_iter()
        .chain(&file.included)
        .find_map(|plan_file| {
            let mut text = String::new();
            let mut opened = ownership::open_regular(plan_file).ok()?;
            opened.read_to_string(&mut text).ok()?;
            text.lines().enumerate().find_map(|(number, line)| {
                let key = line
                    .find("ca_file")
                    .filter(|_| !line.trim_start().starts_with('#'))?;
                let quote = key + line[key..].find(['"', '\''])?;
                let value = line[quote + 1..].split(['"', '\'']).next()?;
                let column = line[..quote].chars().count() + 1;
                let is_it = !value.is_empty() && named.ends_with(value);
                is_it.then(|| format!("{}:{}:{column}", plan_file.display(), number + 1))
            })
        })
}
