//! `dpbackup find`: where a text, a class or a property stands in the newest good exports.

use std::cell::RefCell;
use std::collections::BTreeSet;

use anyhow::anyhow;

use crate::change::find::{self, FindHit, FindQuery, Needle, Searched, last_word};
use crate::cli::{FindArgs, Global, HistoryFormat};
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::frame::history_file::read_history;
use crate::commands::frame::loading::{exit_of_part, invocation, load_plan_or_part_with_store};
use crate::commands::history::named::device_names;
use crate::commands::log::is_domain_known;
use crate::commands::named::exports::{ExportDesk, outer, trouble};
use crate::commands::named::meant_devices::{MeantDevices, mean_some_device};
use crate::exit::Exit;
use crate::history::{FileRow, History, LongestNames};
use crate::plan::model::PlanFile;
use crate::report::found::{self, FoundWidths};
use crate::retention::newest::StandingExports;
use crate::run::event::ALL_DOMAINS;
use crate::ui::{Ui, Verbosity};
use crate::values::causes::with_causes;
use crate::values::environment::{Lookup, scratch_folder};
use crate::values::first_few::first_few;
use crate::values::invocation::Invocation;
use crate::values::nearest::nearest;
use crate::values::pattern::PatternList;

/// Looks for a text in the newest good export of every domain.
pub(super) fn find(global: &Global, args: &FindArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let query = query(args, &invocation(global, env))?;
    let loaded = load_plan_or_part_with_store(global, ui, env)?;
    let plan = &loaded.plan_file;
    let Some(history) = read_history(&plan.settings)? else {
        mean_some_device(args.device.as_ref(), plan, &device_names(plan, None)?)?;
        // Nothing is wrong with that, and nothing is found.
        ui.hint("nothing was recorded yet: there is no export to look in");
        return Ok(Exit::Failed);
    };
    let meant = MeantDevices::of(args.device.as_ref(), plan);
    let devices: Vec<String> = history.backed_up_devices()?;
    if !devices.iter().any(|device| meant.has(device)) {
        mean_some_device(args.device.as_ref(), plan, &device_names(plan, Some(&history))?)?;
    }
    let scratch = scratch_folder(env);
    let mut search = ExportSearch {
        desk: ExportDesk {
            plan: Some(plan),
            history: Some(&history),
            scratch: &scratch,
            ui,
        },
        history: &history,
        query,
        asked: args.domain.as_ref(),
        output: FindOutput::new(ui, args.format, history.longest_names()?),
        classes: BTreeSet::new(),
        properties: BTreeSet::new(),
        domains: BTreeSet::new(),
        is_passed_over: false,
        looked_at: 0,
    };
    // Listed device by device: the first hit does not wait for what a whole fleet has.
    for device in devices.iter().filter(|device| meant.has(device)) {
        search.device(device)?;
        if search.output.is_gone {
            break;
        }
    }
    let has_hits = search.output.count > 0;
    let is_found = has_hits && !search.is_passed_over;
    if !has_hits && !search.output.is_gone {
        search.tell_nothing(args, plan)?;
    }
    let exit = match is_found {
        true => Exit::Success,
        false => Exit::Failed,
    };
    Ok(exit_of_part(plan, exit))
}

/// A search through the newest good exports, one after another.
struct ExportSearch<'s> {
    desk: ExportDesk<'s>,
    history: &'s History,
    query: FindQuery,
    /// In which domains.
    asked: Option<&'s PatternList>,
    output: FindOutput,
    /// What was seen on the way, so that a name that was seen nowhere can be told.
    classes: BTreeSet<String>,
    properties: BTreeSet<String>,
    domains: BTreeSet<String>,
    /// Whether an export could not be read: what is not found may be in it.
    is_passed_over: bool,
    looked_at: usize,
}

impl ExportSearch<'_> {
    /// Looks in the exports of a device.
    fn device(&mut self, device: &str) -> Result<(), CommandError> {
        let standing = StandingExports::of(self.history, device)?;
        let exports = &standing.rows;
        // What has an export of its own is not looked for in those of all domains again.
        let own: BTreeSet<&str> = exports.iter().map(|row| row.domain_name.as_str()).collect();
        for row in exports {
            if row.domain_name != ALL_DOMAINS {
                self.domains.insert(row.domain_name.clone());
                if !is_asked(self.asked, &row.domain_name) {
                    continue;
                }
            }
            if let Some(passed_over) = standing.passed_over(row) {
                self.output.ui.decisive_warning(&passed_over);
            }
            self.export(device, row, &own)?;
            if self.output.is_gone {
                break;
            }
        }
        Ok(())
    }

    /// Looks in one export. One that cannot be read is told, and passed over.
    fn export(&mut self, device: &str, row: &FileRow, own: &BTreeSet<&str>) -> Result<(), CommandError> {
        self.looked_at += 1;
        let is_of_all = row.domain_name == ALL_DOMAINS;
        let found = match self.desk.stored(self.history, row)? {
            Err(why) => Err(why),
            Ok(stored) => {
                // What is in an export of all domains is known when it is read.
                let domains = RefCell::new(&mut self.domains);
                find::find(
                    &stored.file,
                    self.desk.scratch,
                    &self.query,
                    &outer(&row.domain_name),
                    &|domain: &str| {
                        if is_of_all {
                            remember(&mut domains.borrow_mut(), domain);
                        }
                        is_asked(self.asked, domain) && !(is_of_all && own.contains(domain))
                    },
                    &mut |searched| match searched {
                        Searched::Class(class) => remember(&mut self.classes, class),
                        Searched::Property(path) => remember(&mut self.properties, last_word(path)),
                    },
                    &mut |hit| self.output.tell(device, &hit),
                )
                .map_err(|error| format!("{}: {}", stored.row.path.display(), with_causes(&error)))
            }
        };
        if let Err(why) = found {
            self.is_passed_over = true;
            self.output
                .ui
                .decisive_warning(&format!("{device}, {}: passed over: {why}", row.domain_name));
        }
        self.output.trouble.take().map_or(Ok(()), Err)
    }

    /// Says why nothing may have been found.
    fn tell_nothing(self, args: &FindArgs, plan: &PlanFile) -> Result<(), CommandError> {
        let ui = self.output.ui;
        // An archive that could not be read may have it.
        if let Some(pattern) = self.asked
            && !self.is_passed_over
            && !self.domains.iter().any(|name| pattern.matches(name))
        {
            is_domain_known(pattern, plan, Some(self.history), self.domains)?;
            ui.warning(&format!(
                "there is no good export of a domain that matches '{pattern}'"
            ));
        }
        let is_told = tell_unknown(args, &self.classes, &self.properties, ui);
        if !is_told && !self.is_passed_over && ui.verbosity > Verbosity::Quiet {
            ui.hint(&nothing_found(
                args.text.as_deref(),
                self.looked_at,
                &plan.invocation,
            ));
        }
        if args.format == HistoryFormat::Csv {
            print(ui, &found::csv_header())?;
        }
        Ok(())
    }
}

/// Whether a domain is one of those that were asked for.
fn is_asked(asked: Option<&PatternList>, domain: &str) -> bool {
    asked.is_none_or(|pattern| pattern.matches(domain))
}

fn remember(known: &mut BTreeSet<String>, name: &str) {
    if !known.contains(name) {
        known.insert(name.to_owned());
    }
}

/// Says that no export that was looked at has the class or the property. Whether it did: then nothing could be found.
fn tell_unknown(args: &FindArgs, classes: &BTreeSet<String>, properties: &BTreeSet<String>, ui: Ui) -> bool {
    let near = |name: &str, known: &BTreeSet<String>| {
        let same = |other: &&String| other.eq_ignore_ascii_case(name);
        let near = known.iter().find(same).map(String::as_str);
        match near.or_else(|| nearest(name, known.iter().map(String::as_str))) {
            Some(near) => format!("; did you mean '{near}'?"),
            None if known.is_empty() => String::new(),
            None => format!("; there are: {}", first_few(known, LISTED)),
        }
    };
    if let Some(class) = args.class.as_ref().filter(|class| !classes.contains(*class)) {
        ui.hint(&format!(
            "no export that was looked at has an object of the class '{class}'{}",
            near(class, classes)
        ));
        return true;
    }
    let is_known = |named: &str| {
        properties
            .iter()
            .any(|known| known.eq_ignore_ascii_case(last_word(named)))
    };
    if let Some(property) = args.property.as_ref().filter(|property| !is_known(property)) {
        let of_class = args
            .class
            .as_ref()
            .map_or_else(String::new, |class| format!(" of the class '{class}'"));
        ui.hint(&format!(
            "no object{of_class} that was looked at has a property '{property}'{}",
            near(last_word(property), properties)
        ));
        return true;
    }
    false
}

/// So many names are listed.
const LISTED: usize = 8;

/// What was looked at in vain.
fn nothing_found(text: Option<&str>, exports: usize, invocation: &Invocation) -> String {
    let star = match text {
        Some(text) if text.contains('*') => {
            let bare = text
                .split('*')
                .max_by_key(|part| part.len())
                .filter(|part| !part.is_empty());
            format!(
                "; a `*` stands for itself here, and a part of a word is found, too: `{}`",
                invocation.command(["find", bare.unwrap_or("TEXT")])
            )
        }
        Some(text) if text.contains(['|', '[', '^', '$', '?']) => format!(
            "; each sign stands for itself, unless an expression is asked for: `{}`",
            invocation.command(["find", "--regex", text])
        ),
        _ => String::new(),
    };
    match exports {
        0 => format!(
            "there is no good export to look in; `{}` says of what there is one",
            invocation.command(["history", "status"])
        ),
        exports => format!(
            "it is in none of the {exports} newest good exports that were looked at, not in names, properties or text files{star}"
        ),
    }
}

fn query(args: &FindArgs, invocation: &Invocation) -> Result<FindQuery, CommandError> {
    let needle = match &args.text {
        None => None,
        Some(text) if text.is_empty() => {
            let all = [
                "find",
                "--class",
                "HTTPSSourceProtocolHandler",
                "--property",
                "LocalPort",
            ];
            let hint = format!(
                "a class and a property without a text list all there is: `{}`",
                invocation.command(all)
            );
            return Err(trouble(anyhow!("an empty text is everywhere")).with_hint(hint));
        }
        Some(text) => Some(match args.regex {
            false => Needle::plain(text),
            true => Needle::expression(text),
        }),
    };
    let needle = needle.transpose().map_err(|why| {
        let text = args.text.as_deref().unwrap_or_default();
        trouble(anyhow!(why).context(format!("'{text}' is no regular expression")))
            .with_hint("without --regex the text is looked for as it is")
    })?;
    Ok(FindQuery {
        needle,
        class: args.class.clone(),
        property: args.property.clone(),
    })
}

/// Prints hits as they come.
struct FindOutput {
    ui: Ui,
    format: HistoryFormat,
    widths: FoundWidths,
    count: u64,
    trouble: Option<CommandError>,
    /// Whether the reader of stdout has gone away.
    is_gone: bool,
}

impl FindOutput {
    fn new(ui: Ui, format: HistoryFormat, longest: LongestNames) -> Self {
        let width = |longest: u64, heading: &str| {
            let longest = usize::try_from(longest).unwrap_or(usize::MAX);
            longest.clamp(heading.len(), 40)
        };
        Self {
            ui,
            format,
            widths: FoundWidths {
                device: width(longest.device, "Device"),
                domain: width(longest.domain, "Domain"),
            },
            count: 0,
            trouble: None,
            is_gone: false,
        }
    }

    /// Prints a hit, and says whether more can be.
    fn tell(&mut self, device: &str, hit: &FindHit) -> bool {
        let (first, line) = match self.format {
            HistoryFormat::Table => (
                found::title(self.widths),
                found::columns_of(self.widths, device, hit),
            ),
            HistoryFormat::Json => (String::new(), found::json_line(device, hit)),
            HistoryFormat::Csv => (found::csv_header(), found::csv_line(device, hit)),
        };
        let text = if self.count == 0 { first + &line } else { line };
        self.count += 1;
        match self.ui.stream(&text) {
            Ok(is_read) => self.is_gone = !is_read,
            Err(error) => {
                let error = anyhow::Error::new(error).context("writing to stdout");
                self.trouble = Some(CommandError::new(Exit::Failed, error));
            }
        }
        !self.is_gone && self.trouble.is_none()
    }
}
