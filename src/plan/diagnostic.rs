//! What is wrong with a plan file, and how it is shown.

use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

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
    /// The line of the first label, counted from 1.
    pub line: usize,
    /// Its column in characters, counted from 1.
    pub column: usize,
    /// Where; the first is the place itself, others explain.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place in the file and what is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The bytes of the text.
    pub span: Range<usize>,
    /// What is said.
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
    text: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
    list: Vec<Finding>,
    /// How many of the list, at its beginning, are errors of syntax.
    syntax_errors: usize,
    /// Their lines, in order. What was read from these is a guess.
    broken: Vec<usize>,
    /// Whether what is read now is in use: a plan that is not enabled is not.
    in_use: bool,
}

impl<'t> Findings<'t> {
    /// None yet, in `text`.
    pub fn new(text: &'t str) -> Self {
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            text,
            lines,
            list: Vec::new(),
            syntax_errors: 0,
            broken: Vec::new(),
            in_use: true,
        }
    }

    /// The text that is read.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Adds an error of syntax. These come before all other findings.
    pub(super) fn syntax(&mut self, error: SyntaxError) {
        self.error(error.span, error.title, error.label).help(error.help);
        self.syntax_errors += 1;
    }

    /// Remembers that a line could not be read.
    pub(super) fn broken(&mut self, offset: usize) {
        let (line, _) = self.position(offset);
        let place = self.broken.partition_point(|broken| *broken < line);
        self.broken.insert(place, line);
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

    /// Whether an error was found so far.
    pub fn has_errors(&self) -> bool {
        self.list
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// Whether the file could not be read as TOML. Then something that seems to be absent
    /// may only be unreadable, and must not be reported.
    pub fn is_incomplete(&self) -> bool {
        !self.broken.is_empty()
    }

    fn add(&mut self, severity: Severity, span: Range<usize>, title: &str, label: &str) -> &mut Finding {
        let span = self.clamp(span);
        let (line, column) = self.position(span.start);
        let mut finding = Finding {
            severity,
            title: printable(title).into_owned(),
            line,
            column,
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
            let mut offset = offset.min(self.text.len());
            while !self.text.is_char_boundary(offset) {
                offset -= 1;
            }
            offset
        };
        let start = border(span.start);
        start..border(span.end).max(start)
    }

    /// Line and column of a byte, both counted from 1.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self
            .text
            .get(start..offset)
            .map_or(0, |before| before.chars().count())
            + 1;
        (line, column)
    }

    /// The report, in the order of the file. `shown` is the text without its secrets, of
    /// the same length.
    pub fn into_report(mut self, path: &Path, shown: String) -> PlanReport {
        let list = std::mem::take(&mut self.list);
        let is_guess = |finding: &Finding| {
            finding.labels.iter().any(|label| {
                let (first, last) = (self.position(label.span.start).0, self.position(label.span.end).0);
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
        findings.sort_by_key(|finding| (finding.line, finding.column));
        PlanReport {
            path: path.to_owned(),
            text: shown,
            findings,
        }
    }
}

/// All findings of one file.
#[derive(Clone, Debug)]
pub struct PlanReport {
    /// The file.
    pub path: PathBuf,
    /// Its text, with what looks like a password hidden.
    text: String,
    /// The findings, in the order of the file.
    pub findings: Vec<Finding>,
}

/// How a report is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without escape sequences.
    Plain,
    /// With the colours of a terminal.
    Coloured,
}

impl PlanReport {
    /// So many findings are shown; a file with more is not a plan file.
    const MOST_SHOWN: usize = 200;

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
        let mut blocks: Vec<String> = self
            .findings
            .iter()
            .take(Self::MOST_SHOWN)
            .map(|finding| renderer.render(&[self.group(finding)]).trim_end().to_owned() + "\n")
            .collect();
        if let Some(more) = self
            .findings
            .len()
            .checked_sub(Self::MOST_SHOWN)
            .filter(|more| *more > 0)
        {
            blocks.push(format!("... and {more} more\n"));
        }
        blocks.join("\n")
    }

    fn group<'a>(&'a self, finding: &'a Finding) -> Group<'a> {
        // Only the lines from the first label to the last: the renderer would look at the
        // whole text each time.
        let first = finding
            .labels
            .iter()
            .map(|label| label.span.start)
            .min()
            .unwrap_or(0);
        let last = finding
            .labels
            .iter()
            .map(|label| label.span.end)
            .max()
            .unwrap_or(0);
        let begin = self.text[..first].rfind('\n').map_or(0, |at| at + 1);
        let end = self.text[last..]
            .find('\n')
            .map_or(self.text.len(), |at| last + at);
        let lines_before = self.text[..begin].matches('\n').count();
        let path = printable(&self.path.to_string_lossy()).into_owned();
        let snippet = Snippet::source(&self.text[begin..end])
            .line_start(lines_before + 1)
            .path(path)
            .annotations(finding.labels.iter().enumerate().map(|(number, label)| {
                let kind = if number == 0 {
                    AnnotationKind::Primary
                } else {
                    AnnotationKind::Context
                };
                let text = (!label.text.is_empty()).then_some(label.text.as_str());
                kind.span(label.span.start - begin..label.span.end - begin)
                    .label(text)
            }));
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let group = level.primary_title(finding.title.as_str()).element(snippet);
        match &finding.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }
}
