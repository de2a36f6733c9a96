//! What is said of a word in place of an export that names none: nothing but a file has such a
//! name, and there is no such file. What else it is, is known here, and what to type for it.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use anyhow::anyhow;

use crate::cli::{ExecutionId, Global, Since};
use crate::commands::frame::error::CommandError;
use crate::commands::frame::history_file::read_history;
use crate::commands::named::absent::listed;
use crate::commands::named::exports::trouble;
use crate::commands::named::named_export::NamedExport;
use crate::commands::named::plan_names::plan_if_sound;
use crate::history::History;
use crate::plan::model::PlanFile;
use crate::run::event::FileKind;
use crate::values::environment::Lookup;
use crate::values::invocation::Invocation;
use crate::values::nearest::nearest;

/// A word that names nothing from here, as the file that it names below the store: commands print it so, and that can
/// be given back to them. A bare name is that of the one export that has it.
pub(in crate::commands) fn below_store(word: &Path, global: &Global, env: Lookup<'_>) -> PathBuf {
    let is_missing = matches!(NamedExport::parse(word), NamedExport::File(path) if is_nothing_at(path));
    let file = is_missing.then(|| plan_if_sound(global, env)).flatten();
    let found = file.and_then(|file| {
        let is_below = word.components().all(|step| matches!(step, Component::Normal(_)));
        let below = file.settings.store.folder().join(word);
        if is_below && below.is_file() {
            return Some(below);
        }
        let name = word.to_str().filter(|name| !name.contains('/'))?;
        let history = read_history(&file.settings).ok().flatten()?;
        let mut named = history.exports_named(name).ok()?.into_iter();
        // Of two that have one name nobody knows which one is meant.
        named.next().filter(|_| named.next().is_none())
    });
    found.unwrap_or_else(|| word.to_owned())
}

/// Whether there is no file of this name; one that cannot be looked at may be there.
fn is_nothing_at(path: &Path) -> bool {
    path.symlink_metadata()
        .is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Refuses words that name neither an export nor a file that is there. What was typed before and
/// behind them goes into the command that is meant.
pub(in crate::commands) fn are_exports(
    before: &[&str],
    words: &[&Path],
    behind: &[&str],
    global: &Global,
    env: Lookup<'_>,
) -> Result<(), CommandError> {
    let is_nothing =
        |path: &&&Path| matches!(NamedExport::parse(path), NamedExport::File(path) if is_nothing_at(path));
    let Some(nothing) = words.iter().find(is_nothing) else {
        return Ok(());
    };
    let nothing = nothing.to_string_lossy();
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let error = anyhow!("there is no file '{nothing}', and it is neither the ID of a task nor DEVICE/DOMAIN");
    let hint = match plan_if_sound(global, env) {
        Some(file) => {
            let history = read_history(&file.settings).ok().flatten();
            KnownExports::of(&file, history.as_ref()).hint(&nothing, before, &words, behind)
        }
        None => WHAT_IS_TAKEN.to_owned(),
    };
    Err(trouble(error).with_hint(hint))
}

const WHAT_IS_TAKEN: &str = "name an archive by its path, the ID of a task (`last` is the newest), or DEVICE/DOMAIN: the newest good \
                             export of that domain";

/// Two IDs in one word: `1,2`.
fn two_tasks(word: &str) -> Option<(&str, &str)> {
    let (old, new) = [",", "..", ":", "-"]
        .iter()
        .find_map(|sign| word.split_once(sign))?;
    (ExecutionId::of(old).is_some() && ExecutionId::of(new).is_some()).then_some((old, new))
}

/// The three parts of `DEVICE/DOMAIN/CLASS`.
fn of_class(word: &str) -> Option<(&str, &str, &str)> {
    let (device, rest) = word.split_once('/')?;
    let (domain, class) = rest.split_once('/')?;
    (!class.is_empty() && !class.contains('/')).then_some((device, domain, class))
}

/// What there is to be named.
pub(in crate::commands) struct KnownExports<'a> {
    invocation: &'a Invocation,
    plans: Vec<&'a str>,
    devices: BTreeSet<String>,
    exports: BTreeSet<(String, String)>,
}

impl<'a> KnownExports<'a> {
    /// What the plan file and history have; advice is no place to say that history cannot be read.
    pub(in crate::commands) fn of(file: &'a PlanFile, history: Option<&History>) -> Self {
        let good = history.and_then(|history| history.good_files().ok());
        let exports: BTreeSet<(String, String)> = good
            .unwrap_or_default()
            .into_iter()
            .filter(|row| row.kind == FileKind::Persisted)
            .map(|row| (row.device_name, row.domain_name))
            .collect();
        let in_file = file.devices.iter().map(|device| device.name.clone());
        Self {
            invocation: &file.invocation,
            plans: file.plans.iter().map(|plan| plan.name.as_str()).collect(),
            devices: in_file
                .chain(exports.iter().map(|(device, _)| device.clone()))
                .collect(),
            exports,
        }
    }

    /// What a word is, and the whole command as it was meant, where every word of it is understood.
    pub(in crate::commands) fn hint(
        &self,
        nothing: &str,
        before: &[&str],
        words: &[&str],
        behind: &[&str],
    ) -> String {
        if self.devices.contains(nothing) && self.domains(nothing).is_empty() {
            return format!(
                "it is a device of which there is no good export yet; `{}` shows what there is",
                self.invocation.command(["history", "status"])
            );
        }
        let is = self.what_it_is(nothing, before);
        // One export alone is compared with nothing, and with itself for nothing.
        let is_enough =
            |meant: &[String]| before != ["diff"] || (meant.len() > 1 && meant.first() != meant.get(1));
        match self
            .meant(words)
            .filter(|meant| is_enough(meant) && meant != words)
        {
            Some(meant) => {
                let words = meant.iter().map(String::as_str);
                let line = before.iter().copied().chain(words).chain(behind.iter().copied());
                format!("{is}; `{}`", self.invocation.command(line))
            }
            None => is,
        }
    }

    /// What a word is that stands where an export is to be named, behind these words.
    fn what_it_is(&self, nothing: &str, before: &[&str]) -> String {
        if self.devices.contains(nothing) {
            format!(
                "it is a device, and an export is of one domain: {nothing}/DOMAIN; of it there are: {}",
                listed(&self.domains(nothing))
            )
        } else if self.with_slash(nothing).is_some() {
            "a device and its domain have a / between them".to_owned()
        } else if let Some((device, _)) = self.exports.iter().find(|(_, domain)| domain == nothing) {
            format!("it is a domain, and has its device before it: {device}/{nothing}")
        } else if self.plans.contains(&nothing) {
            format!(
                "it is a plan; `{}` shows its newest tasks, with their IDs",
                self.invocation.command(["history", "last", "--plan", nothing])
            )
        } else if before == ["diff"] && nothing.starts_with('@') && !nothing.contains('/') {
            let domain = self.exports.iter().next().map_or("DOMAIN", |(_, domain)| domain);
            format!(
                "a group is compared in one domain: `{}`",
                self.invocation.command(["diff", &format!("{nothing}/{domain}")])
            )
        } else if let (["diff"], Some((old, new))) = (before, two_tasks(nothing)) {
            format!(
                "two stand apart: `{}`",
                self.invocation.command(["diff", old, new])
            )
        } else if nothing.starts_with("HEAD") || nothing.contains(['~', '^']) {
            format!(
                "former exports have no such names: `{}` shows what changed from one to the next, `{}` has the IDs of the \
                 newest, `{}` those of the runs before",
                self.invocation.command(["log"]),
                self.invocation.command(["history", "last"]),
                self.invocation.command(["history"])
            )
        } else if let (["log", "--blame"], Some((device, domain, class))) = (before, of_class(nothing)) {
            format!(
                "a class is named behind it: `{}`",
                self.invocation
                    .command(["log", "--blame", &format!("{device}/{domain}"), "--class", class])
            )
        } else if before == ["log", "--blame"] && ExecutionId::of(nothing).is_some() {
            format!(
                "it is about a domain as it is now, DEVICE/DOMAIN; `{}` names those of a task",
                self.invocation.command(["history", "files", nothing])
            )
        } else if Since::of(nothing).is_some() {
            format!(
                "an export is of a task, not of a time: `{}` has the IDs, and `{}` shows what changed since then",
                self.invocation.command(["history"]),
                self.invocation.command(["log", "--since", nothing])
            )
        } else {
            match nearest(nothing, self.devices.iter().map(String::as_str)) {
                Some(near) => format!("did you mean the device {near}, as in {near}/DOMAIN?"),
                None => format!(
                    "{WHAT_IS_TAKEN}; `{}` has the newest IDs",
                    self.invocation.command(["history", "last"])
                ),
            }
        }
    }

    fn domains(&self, device: &str) -> Vec<&str> {
        let of_device = self.exports.iter().filter(|(name, _)| name == device);
        of_device.map(|(_, domain)| domain.as_str()).collect()
    }

    /// The words with an export in place of each device, the same domain of all of them; none
    /// where one of the words is not understood.
    fn meant(&self, words: &[&str]) -> Option<Vec<String>> {
        let devices = || words.iter().filter(|word| self.devices.contains(**word));
        let is_of_all = |domain: &&str| devices().all(|device| self.domains(device).contains(domain));
        let first = devices().next().map(|device| self.domains(device));
        let domain = first.and_then(|domains| domains.into_iter().find(is_of_all));
        let meant = words.iter().map(|word| {
            if self.devices.contains(*word) {
                return Some(format!("{word}/{}", domain?));
            }
            let is_nothing =
                matches!(NamedExport::parse(Path::new(word)), NamedExport::File(path) if !path.exists());
            match is_nothing {
                true => self.with_slash(word),
                false => Some((*word).to_owned()),
            }
        });
        meant.collect()
    }

    /// `DEVICE/DOMAIN`, where somebody wrote another sign between them.
    pub(in crate::commands) fn with_slash(&self, word: &str) -> Option<String> {
        let mut signs = word.match_indices([':', '.', ',', '@', ' ', '\\', '-', '_']);
        signs.find_map(|(at, sign)| {
            let target = (word[..at].to_owned(), word[at + sign.len()..].to_owned());
            let is_one = self.exports.contains(&target);
            is_one.then(|| format!("{}/{}", target.0, target.1))
        })
    }
}
