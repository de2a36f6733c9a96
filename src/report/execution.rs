//! One execution with everything below it, for people: whoever asks what became of the night
//! finds it on one page.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::history::{FailedFileRow, FileRow, NoteLevel, NoteRow, TaskDetails};
use crate::report::changed::{changed, unsaved};
use crate::report::written::{Layout, duration, folded, remarks, shown, zone_name};
use crate::report::{WholeExecution, store_line};
use crate::values::clock_time::on_clock;
use crate::values::size::Bytes;
use crate::values::text::hanging;

/// What belongs to a task stands so far in.
const INDENT: usize = 4;

/// The page.
pub(super) fn whole(whole: &WholeExecution<'_>, layout: &Layout) -> String {
    let mut text = folded(&heading(whole, &layout.zone), layout.width);
    let mut tasks = whole.tasks.iter().peekable();
    while let Some((first, began)) = tasks.next() {
        let mut last = first;
        let mut count = 1;
        // Those of one cause that have nothing of their own to tell.
        while let Some((next, _)) = tasks.next_if(|(next, _)| is_same(first, next)) {
            last = next;
            count += 1;
        }
        let took = duration(first.task.took(*began));
        let which = match count {
            1 => format!("Task {}  {}", first.task.id.0, target(first)),
            _ => format!(
                "Tasks {} to {}  {} to {}",
                first.task.id.0,
                last.task.id.0,
                target(first),
                target(last)
            ),
        };
        let line = format!("{which}  {}  {took}", first.task.status);
        text.push_str(&format!("\n{}\n", hanging(&line, 0, layout.width)));
        for line in below(first, whole, layout) {
            let own = line.len() - line.trim_start().len();
            let indent = INDENT + own;
            let line = hanging(line.trim_start(), indent, layout.width);
            text.push_str(&format!("{:indent$}{line}\n", ""));
        }
    }
    if whole.tasks.is_empty() && whole.left_out == 0 {
        text.push_str(match whole.plan.end_time {
            Some(_) => "\nNo tasks: it ended before they were known.\n",
            None => "\nNo tasks: they are not known yet.\n",
        });
    }
    text
}

/// What stands below the line of a task: its error, its files, and what is to be said of it.
fn below(details: &TaskDetails, whole: &WholeExecution<'_>, layout: &Layout) -> Vec<String> {
    let mut below = Vec::new();
    if let Some(error) = &details.task.error_message {
        below.push(shown(error));
    }
    for file in &details.files {
        below.push(file_line(file, whole.store, &layout.zone));
        let changed = changed(details, file, &layout.invocation);
        below.extend(changed.into_iter().map(|line| format!("  {line}")));
    }
    // For whom nothing was stored says nothing to anybody.
    if let Some(certificate) = details
        .task
        .certificate
        .as_ref()
        .filter(|_| !details.files.is_empty())
    {
        below.push(format!("Encrypted for {}", shown(&certificate.words())));
    }
    if let Some(unsaved) = unsaved(details) {
        let differs = match details.task.unsaved_objects {
            Some(0) => "",
            _ => ": what runs is not what is saved",
        };
        below.push(format!("Unsaved changes: {unsaved}{differs}"));
    }
    let (failed, notes) = not_said_by_its_error(details);
    let own = remarks(&failed, &notes, &details.scripts, "task");
    below.extend(own.lines().map(str::to_owned));
    below
}

fn heading(whole: &WholeExecution<'_>, zone: &TimeZone) -> String {
    let plan = whole.plan;
    let ignored = if plan.window_ignored {
        ", the window ignored"
    } else {
        ""
    };
    // Of one whose process died nobody knows it, and one that goes on has no end yet.
    let took = match plan.took() {
        None => String::new(),
        took => format!(", took {}", duration(took)),
    };
    let mut text = format!(
        "Plan {}, execution {}: {}\nStarted {} ({}){took}{ignored}\n",
        shown(&plan.plan),
        plan.id.0,
        plan.status,
        on_clock(plan.start_time, zone),
        zone_name(zone),
    );
    if let Some(store) = whole.store {
        text.push_str(&store_line(store));
    }
    let error = plan.error_message.as_deref().unwrap_or_default();
    let mut words = error.to_owned();
    for (details, _) in whole.tasks {
        // Which task it is says enough: it stands below, with its error.
        if let Some(why) = &details.task.error_message {
            for sign in [':', ';'] {
                words = words.replace(&format!("{sign} {why}"), "");
            }
        }
    }
    if !words.is_empty() {
        text.push_str(&format!("{}\n", shown(&words)));
    }
    let notes: Vec<NoteRow> = whole
        .notes
        .iter()
        .filter(|note| !is_said(error, note))
        .cloned()
        .collect();
    text.push_str(&remarks(&[], &notes, whole.scripts, "plan"));
    text
}

/// The files that a task did not get and its notes, without the sentences that its error has said.
fn not_said_by_its_error(details: &TaskDetails) -> (Vec<FailedFileRow>, Vec<NoteRow>) {
    let error = details.task.error_message.as_deref().unwrap_or_default();
    let failed = details.failed_files.iter().cloned().map(|mut file| {
        if error.contains(&file.error_message) {
            file.error_message.clear();
        }
        file
    });
    let notes = details.notes.iter().filter(|note| !is_said(error, note));
    (failed.collect(), notes.cloned().collect())
}

/// Whether an error says what a note does. An alarm says it behind the word for how certain it is.
fn is_said(error: &str, note: &NoteRow) -> bool {
    let words = match note.level {
        NoteLevel::Note | NoteLevel::Warning => note.message.as_str(),
        NoteLevel::StillQuiesced => note
            .message
            .split_once(": ")
            .filter(|(certainty, _)| error.contains(certainty))
            .map_or(note.message.as_str(), |(_, words)| words),
    };
    !words.is_empty() && error.contains(words)
}

/// Whether two tasks ended for one cause, and have nothing else to tell.
fn is_same(one: &TaskDetails, other: &TaskDetails) -> bool {
    let says_nothing = |details: &TaskDetails| {
        details.files.is_empty()
            && details.failed_files.is_empty()
            && details.notes.is_empty()
            && details.scripts.is_empty()
    };
    one.task.status == other.task.status
        && one.task.error_message == other.task.error_message
        && says_nothing(one)
        && says_nothing(other)
}

fn target(details: &TaskDetails) -> String {
    let task = &details.task;
    task.action.of(&task.device_name, &task.domain_name)
}

/// Its size, and where it stands in the store.
fn file_line(file: &FileRow, store: Option<&Path>, zone: &TimeZone) -> String {
    let size = Bytes(file.size);
    let unchanged = file
        .unchanged_since
        .map_or_else(String::new, |task| format!(", unchanged since task {}", task.0));
    let place = match file.pruned_time {
        _ if !file.kept => format!("{}: not kept", shown(&file.name)),
        Some(pruned) => format!("{}: removed {}", shown(&file.name), on_clock(pruned, zone)),
        None => {
            let below = store.and_then(|store| file.path.strip_prefix(store).ok());
            let below = below.unwrap_or(&file.path);
            shown(&below.to_string_lossy())
        }
    };
    let damage = match file.damage_time {
        Some(found) => format!(
            ", not any more as it was stored (found {})",
            on_clock(found, zone)
        ),
        None => String::new(),
    };
    format!("{size}  {place}{unchanged}{damage}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::TaskDetails;
    use crate::report::fixture;
    use crate::run::status::Status;
    use crate::values::invocation::Invocation;

    fn page(tasks: &[TaskDetails], width: Option<u16>) -> String {
        let tasks: Vec<_> = tasks
            .iter()
            .map(|details| (details.clone(), Some(details.task.start_time)))
            .collect();
        let plans = fixture::plans();
        let page = WholeExecution {
            plan: &plans[1],
            notes: &[],
            scripts: &[],
            tasks: &tasks,
            left_out: 0,
            store: Some(Path::new("/backup/datapower")),
        };
        let layout = Layout {
            width,
            zone: fixture::zone(),
            invocation: Invocation::default(),
        };
        whole(&page, &layout)
    }

    /// A task of which nothing is known but how it ended.
    fn bare(id: i64, domain: &str) -> TaskDetails {
        let mut details = fixture::details();
        details.task.id.0 = id;
        details.task.domain_name = domain.to_owned();
        details.task.status = Status::CanceledBecauseErrorPolicy;
        details.task.error_message = Some("task 31 ended".to_owned());
        details.task.unsaved_changes = None;
        details.files.clear();
        details.failed_files.clear();
        details.notes.clear();
        details.scripts.clear();
        details
    }

    #[test]
    fn everything_of_an_execution_stands_on_one_page_with_paths_below_the_store() {
        let tasks = [fixture::details(), bare(32, "A"), bare(33, "B"), bare(34, "C")];
        insta::assert_snapshot!(page(&tasks, None));
        let narrow = page(&tasks, Some(80));
        for line in narrow.lines().filter(|line| !line.contains(".zip")) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn no_sentence_stands_twice_on_the_page() {
        let note = |level, message: &str| NoteRow {
            level,
            message: message.to_owned(),
            ..fixture::details().notes[0].clone()
        };
        let mut failed = bare(2, "SALES");
        failed.task.error_message = Some(
            "QA1: SALES.zip is not good: cut short; it hangs; STILL QUIESCED: run dpbackup recover"
                .to_owned(),
        );
        failed.failed_files = vec![FailedFileRow {
            name: "SALES.zip".to_owned(),
            error_message: "QA1: SALES.zip is not good: cut short".to_owned(),
            ..fixture::details().failed_files[0].clone()
        }];
        failed.notes = vec![
            note(NoteLevel::StillQuiesced, "STILL QUIESCED: it hangs"),
            note(NoteLevel::StillQuiesced, "MAY BE QUIESCED: it hangs"),
            note(NoteLevel::Warning, "the clock is wrong"),
        ];
        let mut plan = fixture::plans()[1].clone();
        let error = failed.task.error_message.clone().unwrap_or_default();
        plan.error_message = Some(format!("task 2 VERIFICATION_FAILED: {error} (and 1 more failed)"));
        let tasks = [(failed, None)];
        let page = |plan: &crate::history::PlanRow, notes: &[NoteRow]| {
            let page = WholeExecution {
                plan,
                notes,
                scripts: &[],
                tasks: &tasks,
                left_out: 0,
                store: Some(Path::new("/backup/datapower")),
            };
            let layout = Layout {
                width: None,
                zone: fixture::zone(),
                invocation: Invocation::default(),
            };
            whole(&page, &layout)
        };
        let text = page(&plan, &[]);
        let count = |words: &str| text.matches(words).count();
        assert_eq!(
            (count("cut short"), count("the clock is wrong")),
            (1, 1),
            "{text}"
        );
        assert!(
            text.contains("\ntask 2 VERIFICATION_FAILED (and 1 more failed)\n"),
            "{text}"
        );
        assert!(text.contains("D/L error: SALES.zip\n"), "{text}");
        // Another certainty is another thing to know.
        assert_eq!(
            (count("STILL QUIESCED"), count("MAY BE QUIESCED")),
            (1, 1),
            "{text}"
        );
        plan.error_message = Some("a folder may be left (and 1 more warning)".to_owned());
        let notes = ["a folder may be left", "the post-plan script failed"];
        let text = page(&plan, &notes.map(|words| note(NoteLevel::Warning, words)));
        for words in notes {
            assert_eq!(text.matches(words).count(), 1, "{text}");
        }
    }

    #[test]
    fn an_execution_without_tasks_says_so_and_of_one_that_goes_on_no_end() {
        let mut going_on = fixture::plans().remove(1);
        going_on.end_time = None;
        let whole_page = WholeExecution {
            plan: &going_on,
            notes: &[],
            scripts: &[],
            tasks: &[],
            left_out: 0,
            store: Some(Path::new("/backup/datapower")),
        };
        let layout = Layout {
            width: None,
            zone: fixture::zone(),
            invocation: Invocation::default(),
        };
        assert!(whole(&whole_page, &layout).ends_with("\nNo tasks: they are not known yet.\n"));
        assert!(page(&[], None).ends_with("\nNo tasks: it ended before they were known.\n"));
    }
}
