//! Views as tables, for people.
//!
//! Without a width, as in a pipe, every row is one line and nothing is cut. Within a
//! width, a table that is too wide gives way step by step: messages and names wrap,
//! status codes break after their underscores, times between date and time. Where even
//! that is too wide, each row is a block. A list of files that does not fit is shown so
//! at once, so that hashes and paths can be copied.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::history::{
    ActivityRow, FailedFileRow, FileRow, NoteLevel, NoteRow, PlanRow, TaskDetails, TaskRow,
};
use crate::report::View;
use crate::report::plain::hanging;
use crate::run::event::{ScriptMoment, ScriptRun};
use crate::values::size::Bytes;
use crate::values::text::printable;

/// How tables are laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The columns of the terminal; none if the text goes elsewhere.
    pub width: Option<u16>,
    /// The zone that times are shown in.
    pub zone: TimeZone,
}

/// The view as text, with a line break at its end.
pub fn render(view: &View<'_>, layout: &Layout) -> String {
    match view {
        View::PlanExecutions { rows: [], filter } if filter.narrows() => {
            "No plan execution is like that.\n".to_owned()
        }
        View::PlanExecutions { rows: [], .. } => "No plan executions recorded yet.\n".to_owned(),
        View::ActivityExecutions { rows, notes, scripts } => {
            let mut text = activities(rows, layout);
            append(&mut text, &remarks(&[], notes, scripts, "plan"));
            text
        }
        View::TaskExecutions([]) => "No tasks: the activity execution was not expanded.\n".to_owned(),
        View::PlanExecutions { rows, .. } => table(rows, PLAN_EXECUTION, layout),
        View::TaskExecutions(rows) => table(rows, TASK_EXECUTION, layout),
        View::Files(details) => files(details, layout),
    }
}

/// What a column holds decides how it gives way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CellKind {
    /// Right-aligned, never broken.
    Number,
    /// Breaks between date and time.
    Time,
    /// Breaks after underscores, into as few lines as will do.
    Code,
    /// Breaks after its underscore where a code has to.
    Word,
    /// Breaks after punctuation, and wraps if that is not enough.
    Name,
    /// Wraps.
    Message,
}

/// A title, what the column holds, and how its text is read from a row.
type Column<R> = (&'static str, CellKind, fn(&R, &TimeZone) -> String);

const PLAN_EXECUTION: &[Column<PlanRow>] = &[
    ("ID", CellKind::Number, |row, _| row.id.0.to_string()),
    ("Start Time", CellKind::Time, |row, zone| {
        time(row.start_time, zone)
    }),
    ("Plan", CellKind::Name, |row, _| shown(&row.plan)),
    ("Devices", CellKind::Number, |row, _| row.devices.to_string()),
    ("Domains", CellKind::Number, |row, _| row.domains.to_string()),
    ("Status", CellKind::Code, |row, _| row.status.to_string()),
    ("Error Message", CellKind::Message, |row, _| {
        optional(row.error_message.as_deref())
    }),
];

const ACTIVITY_EXECUTION: &[Column<ActivityRow>] = &[
    ("ID", CellKind::Number, |row, _| row.id.0.to_string()),
    ("Status Time", CellKind::Time, |row, zone| {
        time(row.status_time, zone)
    }),
    ("Device Pattern", CellKind::Name, |row, _| {
        shown(&row.device_pattern)
    }),
    ("Domain Pattern", CellKind::Name, |row, _| {
        shown(&row.domain_pattern)
    }),
    ("Action", CellKind::Word, |row, _| row.action.code().to_owned()),
    ("Status", CellKind::Code, |row, _| row.status.to_string()),
    ("Successful Tasks", CellKind::Number, |row, _| {
        row.successful_tasks.to_string()
    }),
    ("Failed Tasks", CellKind::Number, |row, _| {
        row.failed_tasks.to_string()
    }),
    ("Skipped Tasks", CellKind::Number, |row, _| {
        row.skipped_tasks.to_string()
    }),
];

const TASK_EXECUTION: &[Column<TaskRow>] = &[
    ("ID", CellKind::Number, |row, _| row.id.0.to_string()),
    ("Status Time", CellKind::Time, |row, zone| {
        time(row.status_time, zone)
    }),
    ("Device Name", CellKind::Name, |row, _| shown(&row.device_name)),
    ("Domain Name", CellKind::Name, |row, _| shown(&row.domain_name)),
    ("Files D/L", CellKind::Number, |row, _| {
        row.files_downloaded.to_string()
    }),
    ("D/L Errors", CellKind::Number, |row, _| {
        row.download_errors.to_string()
    }),
    ("Status", CellKind::Code, |row, _| row.status.to_string()),
    ("Error Message", CellKind::Message, |row, _| {
        optional(row.error_message.as_deref())
    }),
];

const FILE: &[Column<FileRow>] = &[
    ("Name", CellKind::Name, |row, _| shown(&row.name)),
    ("Kind", CellKind::Code, |row, _| row.kind.code().to_owned()),
    ("Size", CellKind::Number, |row, _| Bytes(row.size).to_string()),
    ("SHA-256", CellKind::Code, |row, _| row.sha256.clone()),
    // A file is recorded only after it was verified.
    ("Verified", CellKind::Word, |_, _| "yes".to_owned()),
    ("Unchanged Since", CellKind::Number, |row, _| {
        match row.unchanged_since {
            Some(task) => format!("task {}", task.0),
            None => "-".to_owned(),
        }
    }),
    ("Path", CellKind::Message, |row, zone| match row.pruned_time {
        _ if !row.kept => "not kept".to_owned(),
        Some(pruned) => format!("removed {}", time(pruned, zone)),
        None => shown(&row.path.to_string_lossy()),
    }),
];

fn time(time: Timestamp, zone: &TimeZone) -> String {
    let local = time.to_zoned(zone.clone());
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn shown(text: &str) -> String {
    printable(text).into_owned()
}

fn optional(text: Option<&str>) -> String {
    text.map(shown).unwrap_or_default()
}

/// How far a table gives way to the width.
#[derive(Clone, Copy)]
struct Give {
    /// Between two columns.
    gap: u16,
    /// Whether times and titles break at their blanks, and words.
    blanks: bool,
    /// The most that a status code takes before it breaks.
    code: usize,
    /// The most that a name takes before it breaks.
    name: usize,
    /// The least that a message keeps.
    message: usize,
}

impl Give {
    const fn new(gap: u16, blanks: bool, code: usize, name: usize, message: usize) -> Give {
        Give {
            gap,
            blanks,
            code,
            name,
            message,
        }
    }
}

/// From not at all to as far as it goes.
const GIVES: [Give; 5] = [
    Give::new(2, false, usize::MAX, usize::MAX, 24),
    Give::new(2, false, 24, 24, 24),
    Give::new(2, true, 24, 16, 24),
    Give::new(1, true, 16, 12, 16),
    Give::new(1, true, 13, 7, 8),
];

fn table<R>(rows: &[R], columns: &[Column<R>], layout: &Layout) -> String {
    let cells = texts(rows, columns, &layout.zone);
    let kinds: Vec<CellKind> = columns.iter().map(|(_, kind, _)| *kind).collect();
    fitted(&cells, &kinds, layout.width)
}

/// The titles and the rows within a width: as a table that gives way as far as it must, or
/// where its columns would be too narrow to read as a block a row.
pub(super) fn fitted(cells: &[Vec<String>], kinds: &[CellKind], width: Option<u16>) -> String {
    match width {
        Some(width) if natural_width(cells) > usize::from(width) => {
            let give = GIVES
                .into_iter()
                .find(|give| narrowest_width(cells, kinds, *give) <= usize::from(width));
            match give {
                Some(give) => draw(cells, kinds, give, Some(width)),
                None => blocks(cells, Some(width)),
            }
        }
        _ => draw(cells, kinds, GIVES[0], None),
    }
}

/// A block a row, each cell behind its title, and an empty line between two.
fn blocks(cells: &[Vec<String>], width: Option<u16>) -> String {
    let Some((titles, rows)) = cells.split_first() else {
        return String::new();
    };
    let blocks: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().map(|cell| hanging(cell, LABEL + 2, width));
            labelled(titles.iter().zip(cells))
        })
        .collect();
    blocks.join("\n")
}

/// The titles, then the rows.
fn texts<R>(rows: &[R], columns: &[Column<R>], zone: &TimeZone) -> Vec<Vec<String>> {
    let titles = columns.iter().map(|(title, _, _)| (*title).to_owned()).collect();
    let rows = rows
        .iter()
        .map(|row| columns.iter().map(|(_, _, text)| text(row, zone)).collect());
    std::iter::once(titles).chain(rows).collect()
}

/// The width in which nothing has to wrap.
fn natural_width(cells: &[Vec<String>]) -> usize {
    let widths = widths(cells);
    widths.iter().sum::<usize>() + gaps(widths.len(), GIVES[0])
}

/// The width below which the columns that may wrap would be too narrow to read.
fn narrowest_width(cells: &[Vec<String>], kinds: &[CellKind], give: Give) -> usize {
    let widths = widths(&broken(cells, kinds, give));
    let columns = widths.into_iter().zip(kinds).map(|(width, kind)| match kind {
        CellKind::Number | CellKind::Time | CellKind::Code | CellKind::Word => width,
        CellKind::Name => width.min(give.name),
        CellKind::Message => width.min(give.message),
    });
    columns.sum::<usize>() + gaps(kinds.len(), give)
}

fn gaps(columns: usize, give: Give) -> usize {
    usize::from(give.gap) * columns.saturating_sub(1)
}

/// The longest line of each column, as a terminal counts.
fn widths(cells: &[Vec<String>]) -> Vec<usize> {
    let mut table = Table::new();
    table.add_rows(cells.iter().cloned());
    let widths = table.column_max_content_widths();
    widths.into_iter().map(usize::from).collect()
}

/// The cells with the line breaks that they give.
fn broken(cells: &[Vec<String>], kinds: &[CellKind], give: Give) -> Vec<Vec<String>> {
    let mut cells = cells.to_vec();
    for (index, row) in cells.iter_mut().enumerate() {
        for (cell, kind) in row.iter_mut().zip(kinds) {
            let is_title = index == 0;
            *cell = match kind {
                _ if is_title && give.blanks => cell.replace(' ', "\n"),
                _ if is_title => continue,
                CellKind::Time if give.blanks => cell.replace(' ', "\n"),
                CellKind::Word if give.blanks => broken_after(cell, &['_'], 0),
                CellKind::Code => broken_after(cell, &['_'], give.code),
                CellKind::Name => broken_after(cell, &['_', '-', '.', ',', ' '], give.name),
                CellKind::Number | CellKind::Time | CellKind::Word | CellKind::Message => continue,
            };
        }
    }
    cells
}

/// A text in lines no longer than `most`, as far as these characters allow.
fn broken_after(text: &str, breaks: &[char], most: usize) -> String {
    let length = |text: &str| text.chars().count();
    let mut lines = vec![String::new()];
    for piece in text.split_inclusive(breaks) {
        match lines.last_mut() {
            Some(line) if line.is_empty() || length(line) + length(piece.trim_end()) <= most => {
                line.push_str(piece);
            }
            _ => lines.push(piece.to_owned()),
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join("\n")
}

fn draw(cells: &[Vec<String>], kinds: &[CellKind], give: Give, width: Option<u16>) -> String {
    let mut style = TableStyle::new();
    let mut table = Table::new();
    if let Some(width) = width {
        // Rows of several lines need something between them.
        let line = LineStyle::none().fill('-');
        style = style.header_separator(line).row_separator(line);
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    table.load_style(style);
    let mut rows = broken(cells, kinds, give).into_iter();
    table.set_header(rows.next().unwrap_or_default());
    table.add_rows(rows);
    for (index, kind) in kinds.iter().enumerate() {
        let Some(column) = table.column_mut(index) else {
            continue;
        };
        let last = index + 1 == kinds.len();
        column.set_padding((0, if last { 0 } else { give.gap }));
        match kind {
            CellKind::Number => {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            CellKind::Time | CellKind::Code | CellKind::Word => {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            CellKind::Name | CellKind::Message => {}
        }
    }
    table.trim_fmt() + "\n"
}

fn activities(rows: &[ActivityRow], layout: &Layout) -> String {
    match rows {
        [] => "No activities: the plan execution ended before they were expanded.\n".to_owned(),
        rows => table(rows, ACTIVITY_EXECUTION, layout),
    }
}

fn files(details: &TaskDetails, layout: &Layout) -> String {
    let mut text = facts(details, &layout.zone);
    if details.files.is_empty() {
        text.push_str("\nNo files.\n");
    } else {
        let cells = texts(&details.files, FILE, &layout.zone);
        match layout.width.map(usize::from) {
            Some(width) if natural_width(&cells) > width => {
                text.push('\n');
                // Hashes and paths stay whole, to be copied.
                text.push_str(&blocks(&cells, None));
            }
            _ => {
                text.push('\n');
                text.push_str(&table(&details.files, FILE, layout));
            }
        }
    }
    let (failed, notes, scripts) = (&details.failed_files, &details.notes, &details.scripts);
    append(&mut text, &remarks(failed, notes, scripts, "task"));
    text
}

/// Sets remarks, if there are any, below a text.
fn append(text: &mut String, remarks: &str) {
    if !remarks.is_empty() {
        text.push('\n');
        text.push_str(remarks);
    }
}

/// Whose files they are, and what the device said about itself.
fn facts(details: &TaskDetails, zone: &TimeZone) -> String {
    let task = &details.task;
    let facts = &task.facts;
    let fact = |fact: &Option<String>| fact.as_deref().map_or("-".to_owned(), shown);
    let unsaved = match task.unsaved_changes {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    };
    let mut lines = vec![
        ("Task", task.id.0.to_string()),
        ("Status Time", time(task.status_time, zone)),
        ("Device Name", shown(&task.device_name)),
        ("Domain Name", shown(&task.domain_name)),
        ("Status", task.status.to_string()),
    ];
    if let Some(error) = &task.error_message {
        lines.push(("Error Message", shown(error)));
    }
    lines.extend([
        ("Firmware Version", fact(&facts.firmware_version)),
        ("Build", fact(&facts.build)),
        ("Build Date", fact(&facts.build_date)),
        ("Serial", fact(&facts.serial)),
        ("Machine Type", fact(&facts.machine_type)),
        ("Model Type", fact(&facts.model_type)),
        ("TLS Trust", fact(&facts.tls_trust)),
        ("Unsaved Changes", unsaved.to_owned()),
    ]);
    labelled(lines)
}

/// The columns of a label.
const LABEL: usize = 16;

/// A line for each label and its text, the texts below each other.
fn labelled(lines: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) -> String {
    lines
        .into_iter()
        .map(|(label, text)| {
            let line = format!("{:<LABEL$}  {}", label.as_ref(), text.as_ref());
            line.trim_end().to_owned() + "\n"
        })
        .collect()
}

/// What went wrong with files, notes, and how the scripts of this plan or task ended.
fn remarks(failed: &[FailedFileRow], notes: &[NoteRow], scripts: &[ScriptRun], owner: &str) -> String {
    let failed = failed.iter().map(|file| {
        let (name, error) = (shown(&file.name), shown(&file.error_message));
        format!("D/L error: {name}: {error}\n")
    });
    let notes = notes.iter().map(|note| {
        let level = match note.level {
            NoteLevel::Note => "Note",
            NoteLevel::Warning => "Warning",
            NoteLevel::StillQuiesced => "STILL QUIESCED",
        };
        format!("{level}: {}\n", shown(&note.message))
    });
    let scripts = scripts.iter().map(|script| {
        let moment = match script.moment {
            ScriptMoment::Pre => "Pre",
            ScriptMoment::Post => "Post",
        };
        let (path, end) = (script.path.to_string_lossy(), script.end.to_string());
        format!("{moment}-{owner} script: {}: {}\n", shown(&path), shown(&end))
    });
    failed.chain(notes).chain(scripts).collect()
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
