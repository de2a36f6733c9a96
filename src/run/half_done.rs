//! What is said of an import that nobody saw the end of, and of a dry run after which nobody has seen the domain as it was.

use crate::run::event::{TaskId, Undo};
use crate::run::ledger::{JournalEntry, Reply};
use crate::values::invocation::Invocation;

/// What is to be said of an import that nobody saw the end of, or of a dry run after which nobody has seen the domain as
/// it was, if this row is one.
pub fn half_done(entry: &JournalEntry, invocation: &Invocation) -> Option<String> {
    match &entry.undo {
        Undo::Import { domain, before } => {
            let compared = Compared::of(entry, domain, *before, invocation);
            Some(import(entry, domain, &compared))
        }
        Undo::DryRun { domain, before, .. } => {
            let compared = Compared::of(entry, domain, *before, invocation);
            Some(dry_run(entry, domain, &compared, invocation))
        }
        Undo::UnquiesceDevice | Undo::UnquiesceDomain(_) | Undo::RemoveFolder(_) | Undo::NotKnown { .. } => {
            None
        }
    }
}

/// What a person does who is to find out what an import has left, in words.
struct Compared {
    /// Which backup was taken before it.
    before: String,
    /// The command that strikes the row out.
    forget: String,
    /// All that is to be done.
    by_hand: String,
}

impl Compared {
    fn of(entry: &JournalEntry, domain: &str, before: Option<TaskId>, invocation: &Invocation) -> Self {
        let device = &entry.device;
        let place = format!("{device}/{domain}");
        let (before, compare) = match before {
            Some(TaskId(before)) => {
                let compare = invocation.command(["diff", "--running", &before.to_string(), &place]);
                (
                    format!("before it, task {before} was taken"),
                    format!("`{compare}` compares"),
                )
            }
            None => {
                let files = invocation.command(["history", "files", "--device", device]);
                (
                    "which task took what was there before is not known".to_owned(),
                    format!("`{files}` lists what there is to compare with"),
                )
            }
        };
        let forget = invocation.command(["recover", "--forget", &place]);
        let by_hand = format!(
            "back {domain} up again, and {compare}; when you have seen to it, `{forget}` strikes this out"
        );
        Self {
            before,
            forget,
            by_hand,
        }
    }
}

fn is_answered(entry: &JournalEntry) -> bool {
    entry.reply == Some(Reply::Accepted)
}

fn import(entry: &JournalEntry, domain: &str, compared: &Compared) -> String {
    let (device, task) = (&entry.device, entry.task.0);
    let Compared {
        before,
        forget,
        by_hand,
    } = compared;
    if entry.seen {
        return format!(
            "the import of {domain} on {device} (task {task}) came out as it was to, and the device was to be asked to save \
             it: nobody has seen whether it was, and whether it did; {before}; look whether {domain} has unsaved changes; when you have seen to \
             it, `{forget}` strikes this out"
        );
    }
    let seen = match is_answered(entry) {
        true => "the device has said what became of it, and nobody has looked at what came out to the end",
        false => "nobody has seen its end",
    };
    format!("an import of {domain} on {device} may be half done (task {task}): {seen}; {before}; {by_hand}")
}

/// A gateway may import at a dry run, too.
fn dry_run(entry: &JournalEntry, domain: &str, compared: &Compared, invocation: &Invocation) -> String {
    let (device, task) = (&entry.device, entry.task.0);
    let Compared { before, by_hand, .. } = compared;
    if entry.seen {
        return format!(
            "after the dry run of an import of {domain} on {device} (task {task}) it was seen not to be as before, and no \
             import was sent; {before}; {by_hand}"
        );
    }
    let recover = invocation.command(["recover"]);
    let looks = match is_answered(entry) {
        true => format!("it was answered; `{recover}` looks whether the domain is as it was"),
        false => format!(
            "nobody has seen its end, and it may come yet; when an hour has passed since it was given up, or would \
             have been, `{recover}` looks whether the domain is as it was"
        ),
    };
    format!(
        "a dry run of an import of {domain} was sent to {device} (task {task}), and no import: {looks}; {before}; or \
         {by_hand}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fixture::row;

    #[test]
    fn an_import_is_told_with_what_is_known_of_its_end_and_what_to_compare_it_with() {
        let import = row(Undo::Import {
            domain: "DOM1".to_owned(),
            before: Some(TaskId(7)),
        });
        let said = half_done(&import, &Invocation::default()).expect("it is one");
        assert!(
            said.contains("an import of DOM1 on QA1 may be half done (task 1)")
                && said.contains("diff --running 7 QA1/DOM1"),
            "{said}"
        );
        assert!(
            said.contains("nobody has seen its end") && said.contains("recover --forget QA1/DOM1"),
            "{said}"
        );
        let answered = JournalEntry {
            reply: Some(Reply::Accepted),
            ..import.clone()
        };
        let said = half_done(&answered, &Invocation::default()).expect("it is one");
        assert!(
            said.contains("the device has said what became of it")
                && !said.contains("nobody has seen its end"),
            "{said}"
        );
        let unknown = row(Undo::Import {
            domain: "DOM1".to_owned(),
            before: None,
        });
        let said = half_done(&unknown, &Invocation::default()).expect("it is one");
        assert!(
            said.contains("which task took what was there before is not known") && !said.contains("diff"),
            "{said}"
        );
        let dry_run = row(Undo::DryRun {
            domain: "DOM1".to_owned(),
            before: Some(TaskId(7)),
            content: None,
        });
        let said = half_done(&dry_run, &Invocation::default()).expect("it is one");
        assert!(
            said.contains(
                "it may come yet; when an hour has passed since it was given up, or would have been, `"
            ),
            "{said}"
        );
        assert_eq!(
            half_done(&row(Undo::UnquiesceDevice), &Invocation::default()),
            None
        );
    }
}
