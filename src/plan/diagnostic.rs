//! What is wrong with a plan file, and how it is shown.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use crate::plan::joined::JoinedText;
use crate::plan::syntax::SyntaxError;
use crate::values::text::printable;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but should not stay so.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub title: String,
    /// The file of the first label.
    pub path: PathBuf,
    /// The line of the first label in it, counted from 1.
    pub line: usize,
    /// Its column in characters, counted from 1.
    pub column: usize,
    /// Where; the first is the place itself, others explain.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place in one of the files and what is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The bytes, counted through all files.
    pub span: Range<usize>,
    pub text: String,
}

impl Finding {
    /// With a hint.
    pub fn help(&mut self, help: impl AsRef<str>) -> &mut Self {
        self.help = Some(printable(help.as_ref()).into_owned());
        self
    }

    /// With another place.
    pub fn also(&mut self, span: Range<usize>, label: &str) -> &mut Self {
        self.labels.push(Label {
            span,
            text: printable(label).into_owned(),
        });
        self
    }
}

/// Collects findings while a file is read.
#[derive(Debug)]
pub struct Findings<'t> {
    joined: &'t JoinedText,
    list: Vec<Finding>,
    /// How many of the list, at its beginning, are errors of syntax.
    syntax_errors: usize,
    /// Their lines, in order. What was read from these is a guess.
    broken: Vec<usize>,
    /// Whether a file is not known that should have been read.
    is_incomplete: bool,
    /// Whether what is read now is in use: a plan that is not enabled is not.
    in_use: bool,
}

impl<'t> Findings<'t> {
    /// None yet, in these texts.
    pub fn new(joined: &'t JoinedText) -> Self {
        Self {
            joined,
            list: Vec::new(),
            syntax_errors: 0,
            broken: Vec::new(),
            is_incomplete: false,
            in_use: true,
        }
    }

    /// The text that is read: that of all files.
    pub fn text(&self) -> &'t str {
        self.joined.text()
    }

    /// Adds an error of syntax. These come before all other findings.
    pub(super) fn syntax(&mut self, error: SyntaxError) {
        self.error(error.span, error.title, error.label).help(error.help);
        self.syntax_errors += 1;
    }

    /// Remembers that a line could not be read.
    pub(super) fn broken(&mut self, offset: usize) {
        let line = self.joined.line(offset);
        let place = self.broken.partition_point(|broken| *broken < line);
        self.broken.insert(place, line);
    }

    /// Remembers that a file could not be read.
    pub(super) fn lost_file(&mut self) {
        self.is_incomplete = true;
    }

    /// Adds an error at `span`.
    pub fn error(
        &mut self,
        span: Range<usize>,
        title: impl AsRef<str>,
        label: impl AsRef<str>,
    ) -> &mut Finding {
        self.add(Severity::Error, span, title.as_ref(), label.as_ref())
    }

    /// Adds a warning at `span`.
    pub fn warning(
        &mut self,
        span: Range<usize>,
        title: impl AsRef<str>,
        label: impl AsRef<str>,
    ) -> &mut Finding {
        self.add(Severity::Warning, span, title.as_ref(), label.as_ref())
    }

    /// Adds a warning that something is most likely not meant, unless what is read is not in
    /// use.
    pub fn doubt(&mut self, span: Range<usize>, title: &str, label: &str, help: &str) {
        if self.in_use {
            self.warning(span, title, label).help(help);
        }
    }

    /// Reads a part of the file; without doubts if it is not in use.
    pub fn reading<T>(&mut self, in_use: bool, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.in_use, in_use);
        let outcome = read(self);
        self.in_use = before;
        outcome
    }

    /// Says in advice about `DEVICE` which device it is: the one that stands there, by `name_at`.
    pub(super) fn name_devices<'n>(&mut self, name_at: impl Fn(usize) -> Option<&'n str>) {
        for finding in &mut self.list {
            let at = finding.labels.first().map_or(0, |label| label.span.start);
            if let (Some(help), Some(name)) = (&mut finding.help, name_at(at)) {
                *help = help.replace("trust DEVICE`", &format!("trust {name}`"));
            }
        }
    }

    /// Whether an error was found so far.
    pub fn has_errors(&self) -> bool {
        self.list
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// Whether a file, or a line of one, could not be read. Then something that seems to be
    /// absent may only be unreadable, and must not be reported.
    pub fn is_incomplete(&self) -> bool {
        self.is_incomplete || !self.broken.is_empty()
    }

    pub(super) fn add(
        &mut self,
        severity: Severity,
        span: Range<usize>,
        title: &str,
        label: &str,
    ) -> &mut Finding {
        let span = self.clamp(span);
        let place = self.joined.position(span.start);
        let mut finding = Finding {
            severity,
            title: printable(title).into_owned(),
            path: place.path,
            line: place.line,
            column: place.column,
            labels: Vec::new(),
            help: None,
        };
        finding.also(span, label);
        self.list.push(finding);
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    /// The same span, inside the text and on borders of characters.
    fn clamp(&self, span: Range<usize>) -> Range<usize> {
        let border = |offset: usize| {
            let mut offset = offset.min(self.text().len());
            while !self.text().is_char_boundary(offset) {
                offset -= 1;
            }
            offset
        };
        let start = border(span.start);
        start..border(span.end).max(start)
    }

    /// The findings as texts, in the order of the files. `mask` hides secrets in the text of a file, and
    /// keeps its length.
    pub fn into_plan_findings(mut self, path: &Path, mask: impl Fn(&str) -> String) -> PlanFindings {
        let list = std::mem::take(&mut self.list);
        let is_incomplete = self.is_incomplete();
        let is_guess = |finding: &Finding| {
            // What the parser put in the place of a value that it could not read stands nowhere.
            let is_nowhere = finding.labels.first().is_some_and(|label| label.span.is_empty());
            if is_nowhere && is_incomplete {
                return true;
            }
            finding.labels.iter().any(|label| {
                let (first, last) = (
                    self.joined.line(label.span.start),
                    self.joined.line(label.span.end),
                );
                let from_first = self.broken.partition_point(|line| *line < first);
                self.broken.get(from_first).is_some_and(|line| *line <= last)
            })
        };
        let mut findings: Vec<Finding> = list
            .into_iter()
            .enumerate()
            .filter(|(number, finding)| *number < self.syntax_errors || !is_guess(finding))
            .map(|(_, finding)| finding)
            .collect();
        findings.dedup();
        findings.sort_by_key(|finding| finding.labels.first().map(|label| label.span.start));
        let shown = match findings.is_empty() {
            // Nothing of it will be shown.
            true => JoinedText::default(),
            false => self.joined.changed(mask),
        };
        PlanFindings {
            path: path.to_owned(),
            shown,
            findings,
        }
    }
}

/// All findings of a plan file and of what it includes.
#[derive(Clone, Debug)]
pub struct PlanFindings {
    pub path: PathBuf,
    /// The text of all files, with what looks like a password hidden.
    shown: JoinedText,
    /// The findings, in the order of the files.
    pub findings: Vec<Finding>,
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without escape sequences.
    Plain,
    /// With the colours of a terminal.
    Coloured,
}

impl PlanFindings {
    /// So many findings are shown; a file with more is not a plan file.
    const MOST_SHOWN: usize = 200;

    /// So many warnings of one kind are shown each; a fleet has one of a kind for each device.
    const MOST_OF_ONE_KIND: usize = 10;

    /// So many of them, where there are more.
    const SHOWN_OF_ONE_KIND: usize = 3;

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .count()
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.findings.len() - self.errors()
    }

    /// "2 errors and 1 warning".
    pub fn summary(&self) -> String {
        let count = |number: usize, word: &str| match number {
            1 => format!("1 {word}"),
            _ => format!("{number} {word}s"),
        };
        match (self.errors(), self.warnings()) {
            (errors, 0) => count(errors, "error"),
            (0, warnings) => count(warnings, "warning"),
            (errors, warnings) => format!("{} and {}", count(errors, "error"), count(warnings, "warning")),
        }
    }

    /// Each finding with its lines of the file, as compilers show them, and an empty line
    /// between two. Passwords in these lines are hidden.
    pub fn render(&self, style: Style) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        };
        let mut of_one_kind: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in self
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Warning)
        {
            *of_one_kind.entry(finding.title.as_str()).or_default() += 1;
        }
        of_one_kind.retain(|_, count| *count > Self::MOST_OF_ONE_KIND);
        let mut met: BTreeMap<&str, usize> = BTreeMap::new();
        let shown: Vec<&Finding> = self
            .findings
            .iter()
            .filter(|finding| {
                let is_warning = finding.severity == Severity::Warning;
                if !is_warning || !of_one_kind.contains_key(finding.title.as_str()) {
                    return true;
                }
                let nth = met.entry(finding.title.as_str()).or_default();
                *nth += 1;
                *nth <= Self::SHOWN_OF_ONE_KIND
            })
            .collect();
        let mut blocks: Vec<String> = shown
            .iter()
            .take(Self::MOST_SHOWN)
            .map(|finding| renderer.render(&[self.group(finding)]).trim_end().to_owned() + "\n")
            .collect();
        for (title, count) in of_one_kind {
            let more = count - Self::SHOWN_OF_ONE_KIND;
            blocks.push(format!("... and {more} more like this: {title}\n"));
        }
        if let Some(more) = shown.len().checked_sub(Self::MOST_SHOWN).filter(|more| *more > 0) {
            blocks.push(format!("... and {more} more\n"));
        }
        blocks.join("\n")
    }

    fn group<'a>(&'a self, finding: &'a Finding) -> Group<'a> {
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        // Each file has its own lines, that of the first label before the others.
        let mut files: Vec<usize> = Vec::new();
        for label in &finding.labels {
            let file = self.shown.position(label.span.start).file;
            if !files.contains(&file) {
                files.push(file);
            }
        }
        let snippets = files.into_iter().map(|file| self.snippet(finding, file));
        let group = level.primary_title(finding.title.as_str()).elements(snippets);
        match &finding.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }

    /// The lines of one file from the first label in it to the last: the renderer would look at
    /// the whole text each time.
    fn snippet<'a>(&'a self, finding: &'a Finding, file: usize) -> Snippet<'a, Annotation<'a>> {
        let text = self.shown.text();
        let labels = || {
            let all = finding.labels.iter().enumerate();
            all.filter(|(_, label)| self.shown.position(label.span.start).file == file)
        };
        let first = labels().map(|(_, label)| label.span.start).min().unwrap_or(0);
        let last = labels().map(|(_, label)| label.span.end).max().unwrap_or(0);
        let begin = text[..first].rfind('\n').map_or(0, |at| at + 1);
        let end = text[last..].find('\n').map_or(text.len(), |at| last + at);
        let place = self.shown.position(begin);
        let path = printable(&place.path.to_string_lossy()).into_owned();
        let annotations = labels().map(|(number, label)| {
            let kind = match number {
                0 => AnnotationKind::Primary,
                _ => AnnotationKind::Context,
            };
            let said = (!label.text.is_empty()).then_some(label.text.as_str());
            kind.span(label.span.start - begin..label.span.end - begin)
                .label(said)
        });
        Snippet::source(&text[begin..end])
            .line_start(place.line)
            .path(path)
            .annotations(annotations)
    }
}
