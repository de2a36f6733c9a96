//! `dpbackup check`: whether a run would find all that it needs, before it is started.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::anyhow;

use crate::artifact::mount;
use crate::cli::{CheckArgs, Global, OutputFormat};
use crate::commands::dead::at_work::at_work;
use crate::commands::dead::dead_executions::open_quiesces;
use crate::commands::dead::left_behind::{UnseenImports, left_folders, untold};
use crate::commands::frame::error::{CommandError, Outcome, print, print_states};
use crate::commands::frame::history_file::{
    HistoryFile, files_in_store, look_at_history, owners_of_history, read_history,
};
use crate::commands::frame::loading::{load_plan_to_judge, with_open_rows};
use crate::commands::frame::opening::{EngineBase, ScriptsDue, limits};
use crate::commands::history::named::devices_of_domain;
use crate::commands::named::names;
use crate::commands::restore_note::unknown_backups;
use crate::exit::Exit;
use crate::lock::Locks;
use crate::plan::model::{Device, Plan, PlanFile, Settings};
use crate::report::check_items;
use crate::run::Engine;
use crate::run::at_work::AtWorkLook;
use crate::run::event::{Progress, Sink as _};
use crate::run::examine::{
    CheckItem, CheckVerdict, KnownBeside, NOT_SEEN, THIS_MACHINE, devices_of, examine_devices,
    examine_machine, makes_secure_backups,
};
use crate::run::store;
use crate::soma::certificate::{Certificate, NoCertificate};
use crate::ui::{Screen, Ui, Verbosity};
use crate::values::environment::Lookup;

/// Looks at all that the plans need. Nothing is changed on a device; the store is tried for a moment.
pub(super) fn check(global: &Global, args: &CheckArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan_to_judge(global, ui, env).map_err(|error| with_open_rows(error, global, env))?;
    let file = &loaded.plan_file;
    let mut plans: Vec<String> = Vec::new();
    let mut devices: Vec<&Device> = Vec::new();
    for name in &args.names {
        match (file.plan(name), names::device(file, &["check"], name)) {
            (None, Ok(device)) if devices.iter().any(|named| named.name == device.name) => {}
            (None, Ok(device)) => devices.push(device),
            _ => plans.push(name.clone()),
        }
    }
    let plans = match (plans.as_slice(), devices.as_slice()) {
        ([], []) => names::enabled(file)?,
        ([], _) => Vec::new(),
        (plans, _) => {
            names::chosen(file, &["check"], plans, env).map_err(|error| of_a_domain(error, file, plans))?
        }
    };
    let in_hand = args.certificate.as_deref().map(certificate).transpose()?;
    let base = EngineBase::looking_on(file, "check")?;
    let engine = base.engine(file, env);
    let screen = Screen::new(ui, file.invocation.clone());
    let (_answer, _answering) = base.answering(&screen, limits(file, ScriptsDue::Never, None));
    let mut told = FoundSoFar::new(ui, args.format, screen, in_hand);
    let open = open_quiesces(file);
    if !plans.is_empty() {
        told.take(on_this_machine(engine, &plans, open.as_deref()));
        // One that is named beside its plan is looked at once, with all that it is there for.
        let mut of_plans = devices_of(file, &plans);
        of_plans.retain(|device| !devices.iter().any(|named| named.name == device.name));
        told.examine(engine, &plans, &of_plans);
    } else {
        told.take(journal(file, open.as_deref()));
    }
    // Who names a device asks about it alone, whatever plan would back it up.
    let is_due = |plan: &&Plan| plan.enabled || plans.iter().any(|named| named.name == plan.name);
    let enabled: Vec<&Plan> = file.plans.iter().filter(is_due).collect();
    told.examine(engine, &enabled, &devices);
    let is_held =
        makes_secure_backups(&plans, &devices_of(file, &plans)) || makes_secure_backups(&enabled, &devices);
    if let Some(path) = args.certificate.as_deref().filter(|_| !is_held) {
        told.take(vec![held_against_nothing(path)]);
    }
    let found = told.end().map_err(|error| untold(error, file))?;
    if let Some(signal) = base.stop.signal() {
        return Ok(Exit::Interrupted(signal));
    }
    let exit = match check_items::worst(&found) {
        CheckVerdict::Ok | CheckVerdict::Skip => Exit::Success,
        CheckVerdict::Warn => Exit::Warned,
        CheckVerdict::Fail => Exit::Failed,
    };
    Ok(match open {
        Some(_) => exit.or_graver(Exit::StillQuiesced),
        None => exit,
    })
}

/// The serial number that each of these devices told last. Of a history that cannot be read its own line says why.
fn last_serials(settings: &Settings, devices: &[&Device]) -> BTreeMap<String, String> {
    let history = read_history(settings).ok().flatten();
    let last = |device: &&Device| {
        let serial = history.as_ref()?.last_serial(&device.name).ok().flatten()?;
        Some((device.name.clone(), serial))
    };
    devices.iter().filter_map(last).collect()
}

/// What is said of a certificate in a file that was compared with none.
fn held_against_nothing(path: &Path) -> CheckItem {
    CheckItem {
        subject: THIS_MACHINE.to_owned(),
        item: "certificate",
        verdict: CheckVerdict::Warn,
        text: format!(
            "{} was held against nothing: no secure backup is among what was checked",
            path.display()
        ),
        hint: Some("name the plan that makes the secure backups, or their device".to_owned()),
    }
}

/// The same error, where one of the names is a domain that history knows.
fn of_a_domain(error: CommandError, file: &PlanFile, names: &[String]) -> CommandError {
    let history = read_history(&file.settings).ok().flatten();
    let known = names.iter().map(|name| devices_of_domain(history.as_ref(), name));
    let Some(devices) = known.into_iter().find(|devices| !devices.is_empty()) else {
        return error;
    };
    let words = ["check"].into_iter().chain(devices.iter().map(String::as_str));
    error.with_hint(format!(
        "it is a domain, and a device is looked at with all its domains: `{}`",
        file.invocation.command(words)
    ))
}

/// What is found on this machine: the history and its journal among the rest.
fn on_this_machine(engine: Engine<'_>, plans: &[&Plan], open: Option<&str>) -> Vec<CheckItem> {
    let file = engine.file;
    // Of a history that cannot be read its own line says why.
    let stored = store::bare(&file.settings).map_or(Some(0), |_| files_in_store(&file.settings));
    let mut found = examine_machine(engine, plans, stored);
    let local = found
        .iter()
        .take_while(|look| look.subject == THIS_MACHINE)
        .count();
    let own = [history(&file.settings)]
        .into_iter()
        .chain(beside(engine))
        .chain(journal(file, open));
    found.splice(local..local, own);
    found
}

/// How many archives and secure backups stand in the store that the history knows nothing of, with one of them. They are
/// nobody's fault: a history may have been made anew, or be one of several.
fn beside(engine: Engine<'_>) -> Option<CheckItem> {
    let file = engine.file;
    let is_over = || engine.stop.is_requested();
    let store = file.settings.store.folder();
    let history = read_history(&file.settings).ok()??;
    let found = store
        .is_dir()
        .then(|| unknown_backups(&history, store, &is_over))?
        .ok()?;
    // What was seen until then is no count.
    if is_over() {
        return None;
    }
    let text = match found.as_slice() {
        [] => return None,
        [one] => format!("{} is in it, and the history does not know it", one.display()),
        [one, ..] => format!(
            "{} backups are in it that the history does not know, such as {}",
            found.len(),
            one.display()
        ),
    };
    let verify = file.invocation.command(["verify", &store.display().to_string()]);
    Some(CheckItem {
        subject: THIS_MACHINE.to_owned(),
        item: "store",
        verdict: CheckVerdict::Ok,
        text: format!("{text}: no prune takes them; `{verify}` reads them too"),
        hint: None,
    })
}

/// What may still be quiesced, in words, the imports whose end nobody has seen, and what may be left on a device.
fn journal(file: &PlanFile, open: Option<&str>) -> Vec<CheckItem> {
    let quiesces = open.into_iter().map(|text| ("journal", text.to_owned()));
    let imports = UnseenImports::of(file, &Locks::beside(&file.settings.history));
    let imports = imports.all().map(|text| ("imports", text));
    let open = quiesces
        .chain(imports)
        .map(|(item, text)| (item, CheckVerdict::Fail, text));
    let folders = left_folders(file, &Locks::beside(&file.settings.history));
    let folders = folders.map(|text| ("folders", CheckVerdict::Warn, text));
    let open = open.chain(folders).map(|(item, verdict, text)| CheckItem {
        subject: THIS_MACHINE.to_owned(),
        item,
        verdict,
        text,
        hint: None,
    });
    open.collect()
}

/// What was found so far. Lines for people are printed as they come: whoever looks at hundreds of
/// devices does not wait for the slowest to read of the first.
struct FoundSoFar {
    ui: Ui,
    format: OutputFormat,
    screen: Screen,
    /// A certificate to compare with those of secure backups.
    in_hand: Option<Certificate>,
    found: Vec<CheckItem>,
    /// The subject of the last line that was printed.
    subject: Option<String>,
    /// The first line that could not be printed says why.
    trouble: Option<CommandError>,
}

impl FoundSoFar {
    fn new(ui: Ui, format: OutputFormat, screen: Screen, in_hand: Option<Certificate>) -> Self {
        Self {
            ui,
            format,
            screen,
            in_hand,
            found: Vec::new(),
            subject: None,
            trouble: None,
        }
    }

    fn examine(&mut self, engine: Engine<'_>, plans: &[&Plan], devices: &[&Device]) {
        let in_hand = self.in_hand.clone();
        let told = RefCell::new(self);
        let show = &mut |progress: &Progress| told.borrow_mut().screen.progress(progress);
        let tell = &mut |found| told.borrow_mut().take(found);
        let now = || at_work(engine.file);
        let look = AtWorkLook::new(&now);
        let known = KnownBeside {
            in_hand: in_hand.as_ref(),
            at_work: &look,
            last_serials: &last_serials(&engine.file.settings, devices),
        };
        examine_devices(engine, plans, devices, &known, show, tell);
    }

    fn take(&mut self, found: Vec<CheckItem>) {
        if self.format == OutputFormat::Table && self.trouble.is_none() {
            let shown = self.shown(&found);
            let text = check_items::lines(self.subject.as_deref(), &shown, self.ui.width);
            if let Some(last) = shown.last() {
                self.subject = Some(last.subject.clone());
                // What moves at the terminal makes room; it comes back by itself.
                self.screen.progress(&Progress::AskingEnded);
                self.trouble = print_states(self.ui, &text).err();
            }
        }
        self.found.extend(found);
    }

    /// Those that are shown: only what is not good, where nothing else is asked for. Devices that nobody looked
    /// at stand in one line at the end.
    fn shown(&self, found: &[CheckItem]) -> Vec<CheckItem> {
        let mut shown = found.to_vec();
        shown.retain(|look| look.item != NOT_SEEN);
        if self.ui.verbosity == Verbosity::Quiet {
            shown.retain(|look| look.verdict != CheckVerdict::Ok);
        }
        shown
    }

    /// Prints what comes at the end: also, where somebody wanted to stop, which devices nobody looked at.
    fn end(self) -> Result<Vec<CheckItem>, CommandError> {
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        let not_seen = check_items::not_seen(&self.found, self.ui.width);
        let text = match self.format {
            OutputFormat::Json => check_items::document(&self.found),
            OutputFormat::Table if not_seen.is_empty() && self.shown(&self.found).is_empty() => String::new(),
            OutputFormat::Table => not_seen + &check_items::counts(&self.found),
        };
        print(self.ui, &text)?;
        Ok(self.found)
    }
}

/// The certificate in a file, in the form PEM.
fn certificate(path: &Path) -> Result<Certificate, CommandError> {
    Certificate::of_pem_file(path).map_err(|NoCertificate { what, hint }| {
        let error = anyhow!("reading the certificate {}: {what}", path.display());
        let is_name = !path.exists() && path.components().count() == 1 && path.extension().is_none();
        let hint = hint.or_else(|| {
            is_name.then(|| {
                "a file of this machine is expected, such as `backup-cert.pem`: the certificate as it was uploaded; by which name \
                 a device has it, the plan says: `certificate` of its activity"
                    .to_owned()
            })
        });
        CommandError::new(Exit::Usage, error).with_hint(hint.unwrap_or_else(|| {
            "it is the certificate alone, as PEM (-----BEGIN CERTIFICATE-----), not its private key"
                .to_owned()
        }))
    })
}

/// Whether history can be used, as far as looking at it tells.
fn history(settings: &Settings) -> CheckItem {
    let path = &settings.history;
    let shown = path.display();
    let item = |verdict, text: String, hint: Option<&str>| CheckItem {
        subject: THIS_MACHINE.to_owned(),
        item: "history",
        verdict,
        text,
        hint: hint.map(str::to_owned),
    };
    let text = match look_at_history(path) {
        Ok(HistoryFile::Current) => {
            let group = owners_of_history(path).ok().flatten();
            let group = group.map_or_else(String::new, |group| format!("; {group}"));
            format!("{shown} can be read and written{group}")
        }
        Ok(HistoryFile::Absent) => format!("{shown} is not there yet; the first run makes it"),
        Ok(HistoryFile::Older) => {
            format!("{shown} is of an older version; the next run brings it up to date")
        }
        // The message says what to do.
        Err(why) => return item(CheckVerdict::Fail, why, None),
    };
    // Where they are cannot be told everywhere; then nothing is said.
    let mounts = mount::kind(path).and_then(|history| Ok((history, mount::kind(settings.store.folder())?)));
    let against = mounts.map(|(history, store)| mount::against_memory(&history, &store));
    match against.ok().flatten() {
        None => item(CheckVerdict::Ok, text, None),
        Some(against) => item(
            CheckVerdict::Warn,
            format!("{text}; {against}"),
            Some("put it on a disk (`history` in the settings)"),
        ),
    }
}
