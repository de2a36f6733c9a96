//! Small answers: whatever a device says, it is read or refused, in printable words.
#![no_main]

use dpbackup::gateway::domains::QuiesceState;
use dpbackup::gateway::import_answer::{DryRunAnswer, judge_dry_run, judge_import};
use dpbackup::gateway::import_results;
use dpbackup::soma::deadline::Deadline;
use dpbackup::soma::error::SomaError;
use dpbackup::soma::reply::{self, Answer};
use dpbackup::values::backup_names::BackupNames;
use dpbackup::values::timeouts::RequestLimit;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use std::time::Duration;

fuzz_target!(|text: &str| {
    let judge = |error: SomaError| {
        assert!(!error.message.is_empty());
        // What is quoted of an answer is bounded.
        assert!(error.message.len() < 1 << 16);
    };
    let answer = || {
        Answer::new(
            text.to_owned(),
            Deadline::after(RequestLimit::of_its_own(Duration::MAX), Arc::default()),
        )
    };
    for payload in ["status", "config", "filestore", "result"] {
        let read = answer().payload(payload, |node| {
            for row in reply::rows(node, "DomainStatus") {
                let _ = QuiesceState::parse(&reply::field(row, "QuiesceState")).to_string();
                let _ = reply::text_field(row, "Domain");
                let _ = reply::number_field(row, "FreeTemporary");
            }
            Ok(())
        });
        if let Err(error) = read {
            judge(error);
        }
    }
    // A dry run of which nothing is said is never one that would work.
    match answer().payload("import", |import| Ok(import_results::read(import))) {
        Ok(all) => {
            let mut names = BackupNames::default();
            let would_work = judge_dry_run(&all, "DOM1", &names);
            assert!(!all.is_empty() || matches!(would_work, DryRunAnswer::NotKnown(_)));
            // Whatever an answer is about, it is not about what a backup of nothing has.
            assert!(!matches!(would_work, DryRunAnswer::WouldWork { .. }));
            let _ = judge_import(&all, "DOM1", &names);
            names
                .objects
                .insert(("XMLManager".to_owned(), "default".to_owned()));
            let _ = judge_dry_run(&all, "DOM1", &names);
            let _ = judge_import(&all, "DOM1", &names);
        }
        Err(error) => judge(error),
    }
    if let Err(error) = answer().ok() {
        judge(error);
    }
    judge(answer().into_refusal("file"));
});
