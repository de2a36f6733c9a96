//! The files that a plan file includes: which they are, and why one is not taken.
//!
//! They are found before anything in them is checked, so that a name may be used in one file and
//! given in another. Places count from the beginning of the plan file through all that it
//! includes, one file behind the other.

mod pattern;

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::plan::check::{Readers, StoreNeed};
use crate::plan::diagnostic::{Findings, Severity};
use crate::plan::error::LoadError;
use crate::plan::file::{LARGEST_FILE, PlanFileId, PlanText, read};
use crate::plan::include::pattern::{Matched, NoMatch, matching};
use crate::values::environment::Lookup;
use crate::values::written_path::{path_pattern_slip, single_stars};

/// So deep may files include each other. Nobody reads more.
const DEEPEST: usize = 16;

/// A file whose text is known.
#[derive(Debug)]
pub(super) struct PlanSource {
    /// Where it is, as it is shown.
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) readers: Readers,
    /// Where its text begins among those of all files.
    pub(super) base: usize,
}

/// What is wrong with something that is included.
#[derive(Debug)]
pub(super) struct IncludeFinding {
    pub(super) severity: Severity,
    pub(super) span: Range<usize>,
    pub(super) title: String,
    pub(super) label: String,
    /// Another place that has to do with it.
    pub(super) also: Option<(Range<usize>, &'static str)>,
    pub(super) help: Option<String>,
}

/// A plan file with all that it includes.
#[derive(Debug)]
pub(super) struct Gathered {
    /// The plan file, and behind each file those that it includes.
    pub(super) sources: Vec<PlanSource>,
    pub(super) findings: Vec<IncludeFinding>,
    /// Whether they must say where the store is.
    pub(super) store: StoreNeed,
}

/// A file that is included, and where that stands.
struct Link {
    id: PlanFileId,
    path: PathBuf,
    /// Nothing for the plan file itself.
    span: Option<Range<usize>>,
}

/// Reads what a plan file includes.
pub(super) fn gather(path: &Path, text: PlanText, env: Lookup<'_>) -> Gathered {
    let mut reader = IncludeReader {
        env,
        seen: Vec::new(),
        way: Vec::new(),
        gathered: Gathered {
            sources: Vec::new(),
            findings: Vec::new(),
            store: StoreNeed::Needed,
        },
    };
    reader.file(path, text, None);
    reader.gathered
}

/// Adds one of the findings to those of the whole.
pub(super) fn tell(finding: &IncludeFinding, out: &mut Findings<'_>) {
    if finding.severity == Severity::Error {
        out.lost_file();
    }
    let told = out.add(
        finding.severity,
        finding.span.clone(),
        &finding.title,
        &finding.label,
    );
    if let Some((span, label)) = &finding.also {
        told.also(span.clone(), label);
    }
    if let Some(help) = &finding.help {
        told.help(help);
    }
}

struct IncludeReader<'r> {
    env: Lookup<'r>,
    /// Every file that was read.
    seen: Vec<Link>,
    /// The numbers of those among them that lead to the one that is read now.
    way: Vec<usize>,
    gathered: Gathered,
}

impl IncludeReader<'_> {
    fn file(&mut self, path: &Path, text: PlanText, span: Option<Range<usize>>) {
        let sources = &self.gathered.sources;
        let base = sources.last().map_or(0, |last| last.base + last.text.len() + 1);
        self.way.push(self.seen.len());
        self.seen.push(Link {
            id: text.id,
            path: path.to_owned(),
            span,
        });
        let items = items(&text.text, base);
        self.gathered.sources.push(PlanSource {
            path: path.to_owned(),
            text: text.text,
            readers: text.readers,
            base,
        });
        for (pattern, span) in items {
            // Said where the key is read.
            if path_pattern_slip(&pattern, self.env).is_none() {
                self.item(path, &pattern, span);
            }
        }
        self.way.pop();
    }

    fn item(&mut self, file: &Path, pattern: &str, span: Range<usize>) {
        let folder = file.parent().unwrap_or(Path::new(""));
        match matching(folder, pattern) {
            Ok(Matched::Files(paths)) => {
                let is_folder = |path: &PathBuf| pattern.contains('*') && path.is_dir();
                let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(is_folder);
                self.folders(&folders, pattern, span.clone());
                for path in &files {
                    self.included(path, pattern, span.clone());
                }
            }
            Ok(Matched::Nothing { there }) => {
                let help = match there.as_str() {
                    "" => "the folder is empty".to_owned(),
                    there => format!("there are: {there}; only `*` stands for other characters"),
                };
                self.add(Severity::Warning, span, format!("no file matches {pattern:?}"))
                    .label("nothing is included by this")
                    .help(help);
            }
            Err(NoMatch { path, why, help }) => {
                let finding = self.add(
                    Severity::Error,
                    span,
                    format!("nothing of {} is included", path.display()),
                );
                finding.label(why);
                finding.help = help;
            }
        }
    }

    /// What a pattern matches beside files, said once for all of them.
    fn folders(&mut self, folders: &[PathBuf], pattern: &str, span: Range<usize>) {
        let title = match folders {
            [] => return,
            [one] => format!("{} is a folder", one.display()),
            [first, others @ ..] => format!("{} and {} more are folders", first.display(), others.len()),
        };
        let help = match pattern.strip_suffix('*') {
            Some(bare) => format!(
                "write which files are meant: `include = [{:?}]`",
                format!("{bare}*.toml")
            ),
            None => "move it away, or write a pattern that does not match it".to_owned(),
        };
        self.add(Severity::Error, span, title)
            .label("files are included")
            .help(help);
    }

    fn included(&mut self, path: &Path, pattern: &str, span: Range<usize>) {
        let text = match read(path) {
            Ok(text) => text,
            Err(error) => {
                let (title, label, help) = not_taken(path, pattern, &error);
                let finding = self.add(Severity::Error, span, title);
                finding.label(label);
                finding.help = help;
                return;
            }
        };
        if let Some(number) = self.seen.iter().position(|link| link.id == text.id) {
            self.seen_before(number, path, pattern, span);
            return;
        }
        let together: usize = self.gathered.sources.iter().map(|source| source.text.len()).sum();
        if (together + text.text.len()) as u64 > LARGEST_FILE {
            let title = format!("{} is too much", path.display());
            self.add(Severity::Error, span, title)
                .label("with it the plan file and what it includes are larger than 16 MiB")
                .help("make several plan files of it, each with its own `--config`");
            return;
        }
        if self.way.len() > DEEPEST {
            let title = format!("{} is included too deep", path.display());
            self.add(Severity::Error, span, title)
                .label(format!("{DEEPEST} files lead to it already"))
                .help("let the plan file itself include it");
            return;
        }
        self.file(path, text, Some(span));
    }

    /// A file that was read before: it is read still, or it is included twice.
    fn seen_before(&mut self, number: usize, path: &Path, pattern: &str, span: Range<usize>) {
        let shown = path.display();
        let Some(begin) = self.way.iter().position(|on_the_way| *on_the_way == number) else {
            let first = self.seen.get(number).and_then(|link| link.span.clone());
            let is_same_place = first.as_ref() == Some(&span);
            let finding = self.add(Severity::Error, span, format!("{shown} is included twice"));
            finding.label(match is_same_place {
                true => "by two of its names",
                false => "the second time",
            });
            finding.also = first
                .filter(|_| !is_same_place)
                .map(|first| (first, "the first time"));
            finding.help("include each file once; what is in it would stand twice");
            return;
        };
        let circle: Vec<String> = self.way[begin..]
            .iter()
            .filter_map(|number| self.seen.get(*number))
            .map(|link| link.path.display().to_string())
            .chain([shown.to_string()])
            .collect();
        let help = match (circle.len(), pattern.contains('*')) {
            (2, true) => {
                "put the others into a folder of their own: `include = [\"devices.d/*.toml\"]`".to_owned()
            }
            _ => "leave this one out".to_owned(),
        };
        let title = match circle.as_slice() {
            [one, _] => format!("{one} includes itself"),
            more => format!("files include each other in a circle: {}", more.join(" → ")),
        };
        self.add(Severity::Error, span, title)
            .label("leads back to a file that is being read")
            .help(help);
    }

    fn add(&mut self, severity: Severity, span: Range<usize>, title: String) -> &mut IncludeFinding {
        let findings = &mut self.gathered.findings;
        findings.push(IncludeFinding {
            severity,
            span,
            title,
            label: String::new(),
            also: None,
            help: None,
        });
        let last = findings.len() - 1;
        &mut findings[last]
    }
}

impl IncludeFinding {
    fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}

/// What stands in `include`, as far as it can be followed. The rest is found where the key is
/// read.
fn items(text: &str, base: usize) -> Vec<(String, Range<usize>)> {
    // Most files include nothing, and need not be parsed twice for that.
    if !text.contains("include") {
        return Vec::new();
    }
    let (root, _) = DeTable::parse_recoverable(text);
    let items = root
        .get_ref()
        .get("include")
        .and_then(|value| value.get_ref().as_array());
    let items = items.into_iter().flat_map(|items| items.iter());
    let texts = items.filter_map(|item| match item.get_ref() {
        DeValue::String(text) => Some((text.to_string(), item.span())),
        _ => None,
    });
    texts
        .filter(|(text, _)| !text.trim().is_empty() && !text.contains(char::is_control))
        .map(|(text, span)| (text, span.start + base..span.end + base))
        .collect()
}

/// Title, label and help for a file that cannot be had.
fn not_taken(path: &Path, pattern: &str, error: &LoadError) -> (String, String, Option<String>) {
    let shown = path.display();
    match error {
        LoadError::Untrusted { source, .. } => {
            let help = match source.advice() {
                Some(advice) => Some(advice),
                None if path.is_dir() => Some(format!(
                    "write which files of it: `include = [{:?}]`",
                    format!("{}/*.toml", pattern.trim_end_matches('/'))
                )),
                None => None,
            };
            (format!("{shown} is not taken"), source.what(), help)
        }
        LoadError::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound => (
            format!("there is no file {shown}"),
            "is included here".to_owned(),
            Some(match pattern.contains('?') {
                _ if pattern.contains(", ") => {
                    let paths: Vec<&str> = pattern.split(',').map(str::trim).collect();
                    format!("each path in quotes of its own: `include = {paths:?}`")
                }
                true => format!(
                    "only `*` stands for other characters: {:?}; a path starts in the folder of the file in which it stands",
                    single_stars(&pattern.replace('?', "*"))
                ),
                false => "a path starts in the folder of the file in which it stands".to_owned(),
            }),
        ),
        LoadError::Unreadable { source, .. } => (format!("{shown} cannot be read"), source.to_string(), None),
        LoadError::NotText { why, .. } => (format!("{shown} is not UTF-8 text"), why.to_string(), None),
        LoadError::TooLarge { .. } | LoadError::Invalid(_) => (
            format!("{shown} is too much"),
            "it is larger than 16 MiB".to_owned(),
            None,
        ),
    }
}
