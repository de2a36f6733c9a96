//! What a shell offers after a TAB: commands and options as the tree has them, and in their places
//! the names of plans and devices, the IDs of executions, and statuses. It reads the plan file and
//! the history, says nothing of what is wrong with them, and contacts nobody.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Command, CommandFactory as _};
use clap_complete::engine::{
    self, ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _,
};
use clap_complete::env::Shells;
use jiff::tz::TimeZone;

use crate::cli::{Cli, Global};
use crate::exit::Exit;
use crate::history::{History, PlanFilter, PlanRow, TaskRow};
use crate::plan::model::{Device, DeviceRole, PlanFile};
use crate::plan::{self, LeftOutOf};
use crate::run::event::{ActionKind, FileKind};
use crate::run::status::Status;
use crate::ui::Ui;
use crate::values::environment::Lookup;
use crate::values::restorable_domain::RestorableDomain;

mod bash;

use bash::{TypedLine, escaped};

/// The variable by which the script of a shell asks: it holds the name of the shell.
pub(super) const VARIABLE: &str = "DPBACKUP_COMPLETE";

/// So many IDs are offered, the newest.
const IDS: usize = 40;

/// The script that makes a shell ask.
pub(super) fn script(shell: &str) -> Option<String> {
    if shell == "bash" {
        return Some(bash::SCRIPT.to_owned());
    }
    let shells = Shells::builtins();
    let mut script = Vec::new();
    shells
        .completer(shell)?
        .write_registration(VARIABLE, "dpbackup", "dpbackup", "dpbackup", &mut script)
        .ok()?;
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if shell == "zsh" {
        // As a file in a folder of completions it is read at the first TAB, which wants an answer too.
        script.push_str("[[ $funcstack[1] = _dpbackup ]] && _clap_dynamic_completer_dpbackup \"$@\"\n");
    }
    Some(script)
}

/// Answers a shell: what could follow the words behind the `--`.
pub(super) fn answer(shell: &OsStr, arguments: &[OsString], env: Lookup<'_>) -> Exit {
    let words: Vec<OsString> = match arguments.iter().position(|word| word == "--") {
        Some(at) => arguments.iter().skip(at + 1).cloned().collect(),
        None => Vec::new(),
    };
    let shell = shell.to_string_lossy();
    let typed: Vec<String> = words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let text = match typed.as_slice() {
        [line, part] if shell == bash::NAME => answer_of_line(&TypedLine::of(line), part, env),
        [] => None,
        typed => answer_of_words(&shell, typed, words, env),
    };
    // Whoever presses TAB has no use for a complaint.
    match text.is_some_and(|text| Ui::new(&Global::of_words(&typed), env).data(&text).is_ok()) {
        true => Exit::Success,
        false => Exit::Failed,
    }
}

/// What could follow these words, as clap's script for the shell reads it.
fn answer_of_words(shell: &str, typed: &[String], words: Vec<OsString>, env: Lookup<'_>) -> Option<String> {
    let mut command = command_with_names(typed, shell, env);
    let mut text = Vec::new();
    Shells::builtins()
        .completer(shell)?
        .write_complete(&mut command, words, Some(Path::new(".")), &mut text)
        .ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// What could stand in place of `part`, the end of a line, one in a line.
fn answer_of_line(line: &TypedLine, part: &str, env: Lookup<'_>) -> Option<String> {
    let mut command = command_with_names(&line.words, bash::NAME, env);
    let words: Vec<OsString> = line.words.iter().map(OsString::from).collect();
    let last = words.len() - 1;
    let offered = engine::complete(&mut command, words, last, Some(Path::new("."))).ok()?;
    let mut text = String::new();
    for candidate in offered {
        if let Some(reply) = line.reply(part, &candidate.get_value().to_string_lossy()) {
            text.push_str(&reply);
            text.push('\n');
        }
    }
    Some(text)
}

/// The tree of commands with the names of the plan file that the words name.
fn command_with_names(typed: &[String], shell: &str, env: Lookup<'_>) -> Command {
    let source = Arc::new(Source::new(&Global::of_words(typed), typed, shell, env));
    with_names(Cli::command(), "", &source)
}

/// What is offered in the place of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    Plans,
    Devices,
    PlansAndDevices,
    /// Names of devices, and tags behind an `@`.
    DevicePatterns,
    Spares,
    /// Those of which something good is stored.
    Domains,
    /// Those of which changes were recorded.
    Classes,
    Statuses,
    /// Executions of plans, and what else `history` takes.
    Executions,
    PlanIds,
    ActivityIds,
    TaskIds,
    /// Those of exports of one domain.
    RestorableIds,
    /// `DEVICE/DOMAIN`
    Targets,
    /// What names an export, and files.
    Exports,
    /// The same with devices: what is stored.
    Stored,
    /// Commands, for the manual.
    Commands,
}

/// What is offered for a value of a command, by its path and the name of the value.
fn offer(command: &str, value: &str) -> Option<Offer> {
    Some(match (command, value) {
        ("check", "names") | ("show", "plan") => Offer::PlansAndDevices,
        ("man", "command") => Offer::Commands,
        ("history", "what") => Offer::Executions,
        ("history", "status") => Offer::Statuses,
        ("history activities", "id") => Offer::PlanIds,
        ("history tasks", "id") => Offer::ActivityIds,
        ("history files", "id") | ("verify", "tasks") => Offer::TaskIds,
        ("rehearse" | "restore", "tasks" | "task") => Offer::RestorableIds,
        ("verify", "files") => Offer::Stored,
        ("rehearse", "on") => Offer::Spares,
        ("log", "blame") => Offer::Targets,
        ("diff", "old" | "new") | ("extract", "export") => Offer::Exports,
        ("recover", "forget") | ("restore", "to") => Offer::Devices,
        ("log" | "find" | "rehearse", "device") => Offer::DevicePatterns,
        (_, "domain") => Offer::Domains,
        (_, "class") => Offer::Classes,
        (_, "plan" | "plans") => Offer::Plans,
        (_, "device" | "devices") => Offer::Devices,
        _ => return None,
    })
}

/// The tree of commands, with what is offered in the places of values.
fn with_names(command: Command, path: &str, source: &Arc<Source>) -> Command {
    let command = command.mut_args(|value| match offer(path, value.get_id().as_str()) {
        Some(offer) => {
            let source = Arc::clone(source);
            match offer {
                Offer::Exports | Offer::Stored => value.add(ArgValueCompleter::new(move |typed: &OsStr| {
                    source.with_files(offer, typed)
                })),
                _ => value.add(ArgValueCandidates::new(move || source.candidates(offer))),
            }
        }
        None => value,
    });
    command.mut_subcommands(|below| {
        let path = format!("{path} {}", below.get_name());
        with_names(below, path.trim_start(), source)
    })
}

/// Where names are from.
struct Source {
    plans: Vec<String>,
    devices: Vec<String>,
    spares: Vec<String>,
    /// Each tag with a device that has it.
    tags: BTreeSet<(String, String)>,
    /// The words before the one that is typed.
    before: Vec<String>,
    history: Option<PathBuf>,
    /// Whether the shell takes what it is offered as it is, so that a blank would end it.
    is_bare: bool,
}

impl Source {
    fn new(global: &Global, typed: &[String], shell: &str, env: Lookup<'_>) -> Self {
        let file = file(global, env);
        let names = |of: fn(&PlanFile) -> Vec<String>| file.as_ref().map(of).unwrap_or_default();
        Self {
            plans: names(|file| file.plans.iter().map(|plan| plan.name.clone()).collect()),
            devices: names(|file| file.devices.iter().map(|device| device.name.clone()).collect()),
            spares: names(|file| {
                let spares = file.devices.iter();
                let spares = spares.filter(|device| device.role == DeviceRole::Spare);
                spares.map(|device| device.name.clone()).collect()
            }),
            tags: file
                .iter()
                .flat_map(|file| &file.devices)
                .flat_map(tags)
                .collect(),
            before: typed
                .split_last()
                .map_or(Vec::new(), |(_, before)| before.to_vec()),
            history: file.as_ref().map(|file| file.settings.history.clone()),
            is_bare: shell == "bash",
        }
    }

    fn candidates(&self, offer: Offer) -> Vec<CompletionCandidate> {
        let names = |names: &[String]| unnoted(names.to_vec());
        let offered = match offer {
            Offer::Plans => names(&self.plans),
            Offer::Devices => names(&self.devices),
            Offer::PlansAndDevices => [names(&self.plans), names(&self.devices)].concat(),
            Offer::DevicePatterns => [names(&self.devices), unnoted(self.groups())].concat(),
            Offer::Spares => names(&self.spares),
            Offer::Domains => unnoted(self.domains()),
            Offer::Classes => unnoted(self.classes()),
            Offer::Statuses => Status::ALL
                .iter()
                .map(|(_, code, _)| ((*code).to_owned(), String::new()))
                .collect(),
            Offer::Executions => [self.ids(offer), names(&self.plans), names(&self.devices)].concat(),
            Offer::PlanIds | Offer::ActivityIds | Offer::TaskIds | Offer::RestorableIds => self.ids(offer),
            Offer::Targets => self.targets(),
            Offer::Exports => [
                self.targets(),
                unnoted(self.groups_with_domains()),
                self.ids(Offer::TaskIds),
            ]
            .concat(),
            Offer::Stored => [names(&self.devices), self.targets(), self.ids(Offer::TaskIds)].concat(),
            Offer::Commands => commands(&self.before),
        };
        // What stands there is not wanted again.
        let offered = offered
            .into_iter()
            .filter(|(name, _)| !self.before.contains(name));
        let offered = offered.map(|(name, about)| {
            let name = match self.is_bare {
                true => escaped(&name, None),
                false => name,
            };
            CompletionCandidate::new(name).help((!about.is_empty()).then(|| about.into()))
        });
        offered.collect()
    }

    /// The same as far as they begin so, with the files that do.
    fn with_files(&self, offer: Offer, typed: &OsStr) -> Vec<CompletionCandidate> {
        let mut offered = self.candidates(offer);
        let begins = |name: &OsStr| name.as_encoded_bytes().starts_with(typed.as_encoded_bytes());
        offered.retain(|candidate| begins(candidate.get_value()));
        offered.extend(PathCompleter::any().complete(typed));
        offered
    }

    fn history(&self) -> Option<History> {
        History::open_read_only(self.history.as_deref()?).ok()
    }

    /// Each device and domain of which there is a good export.
    fn exported(&self) -> Vec<(String, String)> {
        let targets = self.history().and_then(|history| history.targets().ok());
        let targets = targets.unwrap_or_default().into_iter();
        let exports = targets.filter(|target| target.kind == FileKind::Persisted && target.good.is_some());
        exports
            .map(|target| (target.device_name, target.domain_name))
            .collect()
    }

    fn targets(&self) -> Vec<(String, String)> {
        let exported = self.exported().into_iter();
        unnoted(exported.map(|(device, domain)| format!("{device}/{domain}")))
    }

    fn domains(&self) -> BTreeSet<String> {
        self.exported().into_iter().map(|(_, domain)| domain).collect()
    }

    fn classes(&self) -> Vec<String> {
        let classes = self.history().and_then(|history| history.changed_classes().ok());
        classes.unwrap_or_default()
    }

    fn groups(&self) -> BTreeSet<String> {
        self.tags.iter().map(|(tag, _)| format!("@{tag}")).collect()
    }

    /// Each group with the domains that its devices have.
    fn groups_with_domains(&self) -> BTreeSet<String> {
        let mut groups = BTreeSet::new();
        for (device, domain) in self.exported() {
            let tags = self.tags.iter().filter(|(_, tagged)| *tagged == device);
            groups.extend(tags.map(|(tag, _)| format!("@{tag}/{domain}")));
        }
        groups
    }

    /// The newest IDs, `last` before them, each with what it is.
    fn ids(&self, offer: Offer) -> Vec<(String, String)> {
        let Some(history) = self.history() else {
            return Vec::new();
        };
        let plans = history.plans(&PlanFilter::default()).unwrap_or_default();
        let mut ids = vec![("last".to_owned(), "the newest".to_owned())];
        match offer {
            Offer::ActivityIds => {
                for plan in &plans {
                    let rows = history.activities(plan.id).unwrap_or_default().into_iter();
                    ids.extend(rows.rev().map(|row| {
                        let about = format!("{} {} {}", row.action.code(), row.device_pattern, row.status);
                        (row.id.0.to_string(), about)
                    }));
                    if ids.len() > IDS {
                        break;
                    }
                }
            }
            Offer::TaskIds | Offer::RestorableIds => {
                for plan in &plans {
                    let mut rows = history.tasks_of_plan(plan.id).unwrap_or_default();
                    rows.retain(|row| offer == Offer::TaskIds || is_restorable(row));
                    let rows = rows.into_iter();
                    ids.extend(rows.rev().map(|row| {
                        let about = format!("{} {} {}", row.device_name, row.domain_name, row.status);
                        (row.id.0.to_string(), about)
                    }));
                    if ids.len() > IDS {
                        break;
                    }
                }
            }
            _ => ids.extend(plans.iter().map(|row| (row.id.0.to_string(), about_plan(row)))),
        }
        ids.truncate(IDS + 1);
        ids
    }
}

/// Whether a task stored what can be laid over a domain.
fn is_restorable(row: &TaskRow) -> bool {
    row.action == ActionKind::ExportDomain
        && row.files_downloaded > 0
        && RestorableDomain::named(&row.domain_name).is_ok()
}

/// Names of which nothing is said beside them.
fn unnoted(names: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
    names.into_iter().map(|name| (name, String::new())).collect()
}

fn tags(device: &Device) -> Vec<(String, String)> {
    let tags = device.tags.iter();
    tags.map(|tag| (tag.clone(), device.name.clone())).collect()
}

/// The commands that have a page, below those that are typed.
fn commands(typed: &[String]) -> Vec<(String, String)> {
    let mut at = Cli::command();
    for word in typed.iter().skip_while(|word| *word != "man").skip(1) {
        if let Some(below) = at.find_subcommand(word).cloned() {
            at = below;
        }
    }
    let shown = at.get_subcommands().filter(|below| !below.is_hide_set());
    unnoted(shown.map(|below| below.get_name().to_owned()))
}

fn about_plan(row: &PlanRow) -> String {
    let began = row.start_time.to_zoned(TimeZone::system());
    format!("{} {} {}", began.strftime("%Y-%m-%d %H:%M"), row.plan, row.status)
}

/// The plan file that the words name, or what can be read of it.
fn file(global: &Global, env: Lookup<'_>) -> Option<PlanFile> {
    let path = plan::find::find(global.config.as_deref(), Path::new(""), env).ok()?;
    let whole = plan::load(&path, env).ok().map(|loaded| loaded.plan_file);
    whole.or_else(|| plan::load_part(&path, env, LeftOutOf::Table).map(|part| part.plan_file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_plan_a_device_a_status_or_an_id_is_offered_something() {
        fn look(command: &Command, path: &str, missing: &mut Vec<String>) {
            let names = [
                "PLAN",
                "DEVICE",
                "PLAN|DEVICE",
                "STATUS",
                "ID",
                "TASK",
                "CLASS",
                "PATTERN",
            ];
            for value in command.get_arguments() {
                let is_named = value
                    .get_value_names()
                    .is_some_and(|of| of.iter().any(|name| names.contains(&name.as_str())));
                if is_named && offer(path, value.get_id().as_str()).is_none() {
                    missing.push(format!("{path} {}", value.get_id()));
                }
            }
            for below in command.get_subcommands() {
                look(
                    below,
                    format!("{path} {}", below.get_name()).trim_start(),
                    missing,
                );
            }
        }
        let mut missing = Vec::new();
        look(&Cli::command(), "", &mut missing);
        assert_eq!(missing, Vec::<String>::new());
    }
}
