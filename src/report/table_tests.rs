use super::*;
use crate::history::PlanFilter;
use crate::report::fixture;
use crate::values::invocation::Invocation;

fn layout(width: Option<u16>) -> Layout {
    Layout {
        width,
        zone: fixture::zone(),
        invocation: Invocation::default(),
    }
}

fn plans(rows: &[PlanRow], width: Option<u16>) -> String {
    let filter = PlanFilter::default();
    let view = View::PlanExecutions {
        rows,
        filter: &filter,
    };
    render(&view, &layout(width))
}

/// Lines that are wider than the terminal would be broken by it.
fn assert_within(text: &str, width: usize) {
    for line in text.lines() {
        assert!(line.chars().count() <= width, "{line}");
    }
}

#[test]
fn what_fits_is_drawn_as_in_a_pipe() {
    let rows = fixture::short_plans();
    assert_eq!(plans(&rows, Some(90)), plans(&rows, None));
    insta::assert_snapshot!(plans(&rows, None), @r#"
    ID  Start Time (Europe/Rome)  Duration  Plan  Devices  Domains  Status   Error Message
     2  2024-01-17 08:30:12       1m        QA          3       12  SUCCESS
     1  2024-01-16 08:30:12       1m        QA          3       12  FAILED   boom
    "#);
}

#[test]
fn plan_executions_fit_80_columns() {
    let text = plans(&fixture::plans(), Some(80));
    assert_within(&text, 80);
    insta::assert_snapshot!(text, @r#"
    Times are in Europe/Rome.

      ID Start      Duration Plan       Devices Domains Status
         Time
       Error Message
    --------------------------------------------------------------------------------
    1042 2026-11-22 1m       BackupQA         3      12 SUCCESS
         08:30:12
    --------------------------------------------------------------------------------
    1041 2026-11-21 1m       Nightly-        14     230 PRE_VALIDATION_
         08:30:12            Production                 OUT_OF_
                                                        MAINTENANCE_
                                                        WINDOW
       now is 08:30 in Europe/Rome, the maintenance window is from 21:30 to 06:30
    --------------------------------------------------------------------------------
    1040 2026-11-20 1m       BackupQA         3      12 PRE_VALIDATION_
         08:30:12                                       QUIESCE_TIMEOUT_
                                                        SYSPARM_TOO_
                                                        SHORT
       bad\u{1b}[31m, worse\u{202e}
    "#);
}

#[test]
fn a_long_message_is_a_tower_at_no_width() {
    let mut rows = fixture::plans();
    let words = "task 20 SKIPPED_DEVICE_NOT_AVAILABLE: QA-gone (127.0.0.1:1): get-status DomainStatus: Connection refused; \
                 nothing listens there: is the XML Management Interface enabled, and is it on this port (usually 5550)?";
    for row in &mut rows {
        row.error_message = Some(words.to_owned());
    }
    for width in [80, 100, 120, 160, 200] {
        let text = plans(&rows, Some(width));
        assert_within(&text, usize::from(width));
        let rule = |line: &&str| line.len() > 10 && line.chars().all(|c| c == '-');
        let lines: Vec<&str> = text.lines().collect();
        for row in lines.split(rule).skip(1) {
            // As many as the longest status has, and those of the message.
            assert!(row.len() <= 4 + 3, "{width}: {text}");
        }
    }
    assert_eq!(
        plans(&rows, None).lines().count(),
        1 + rows.len(),
        "in a pipe a line a row"
    );
}

#[test]
fn plan_executions_have_a_line_a_row_in_a_pipe() {
    let text = plans(&fixture::plans(), None);
    assert_eq!(text.lines().count(), 4);
    insta::assert_snapshot!(text, @r#"
      ID  Start Time (Europe/Rome)  Duration  Plan                Devices  Domains  Status                                            Error Message
    1042  2026-11-22 08:30:12       1m        BackupQA                  3       12  SUCCESS
    1041  2026-11-21 08:30:12       1m        Nightly-Production       14      230  PRE_VALIDATION_OUT_OF_MAINTENANCE_WINDOW          now is 08:30 in Europe/Rome, the maintenance window is from 21:30 to 06:30
    1040  2026-11-20 08:30:12       1m        BackupQA                  3       12  PRE_VALIDATION_QUIESCE_TIMEOUT_SYSPARM_TOO_SHORT  bad\u{1b}[31m, worse\u{202e}
    "#);
}

#[test]
fn activity_executions_fit_80_columns() {
    let rows = fixture::activities();
    let text = render(&fixture::activities_view(&rows), &layout(Some(80)));
    assert_within(&text, 80);
    insta::assert_snapshot!(text, @r#"
    Times are in Europe/Rome.

    ID Status     Device  Domain   Action  Status        Successful Failed Skipped
       Time       Pattern Pattern                             Tasks  Tasks   Tasks
    ------------------------------------------------------------------------------
     7 2026-11-22 QA*     all-     SECURE_ SUCCESS                3      0       0
       08:30:19           domains  BACKUP
    ------------------------------------------------------------------------------
     8 2026-11-22 QA*     DOMAIN*, EXPORT_ COMPLETED_            11      0       1
       08:30:20           SALES    DOMAIN  WITH_WARNINGS
    "#);
    insta::assert_snapshot!(render(&fixture::activities_view(&rows), &layout(None)), @r#"
    ID  Status Time (Europe/Rome)  Device Pattern  Domain Pattern  Action         Status                   Successful Tasks  Failed Tasks  Skipped Tasks
     7  2026-11-22 08:30:19        QA*             all-domains     SECURE_BACKUP  SUCCESS                                 3             0              0
     8  2026-11-22 08:30:20        QA*             DOMAIN*, SALES  EXPORT_DOMAIN  COMPLETED_WITH_WARNINGS                11             0              1
    "#);
}

#[test]
fn titles_give_way_before_anything_else_does() {
    let rows = fixture::activities();
    let text = render(&fixture::activities_view(&rows), &layout(Some(120)));
    assert_within(&text, 120);
    insta::assert_snapshot!(text, @r#"
    Times are in Europe/Rome.

    ID  Status               Device   Domain          Action         Status                   Successful  Failed  Skipped
        Time                 Pattern  Pattern                                                      Tasks   Tasks    Tasks
    ---------------------------------------------------------------------------------------------------------------------
     7  2026-11-22 08:30:19  QA*      all-domains     SECURE_BACKUP  SUCCESS                           3       0        0
    ---------------------------------------------------------------------------------------------------------------------
     8  2026-11-22 08:30:20  QA*      DOMAIN*, SALES  EXPORT_DOMAIN  COMPLETED_WITH_WARNINGS          11       0        1
    "#);
}

#[test]
fn what_concerns_the_plan_itself_stands_below_its_activities() {
    let (rows, details) = (fixture::activities(), fixture::details());
    let view = |rows| View::ActivityExecutions {
        rows,
        notes: &details.notes,
        scripts: &details.scripts,
    };
    let below = "\nWarning: the post-task script failed: return code 3\n\
                 Post-plan script: /etc/dpbackup/scripts/post.sh: return code 3; its last line: mail: cannot send\n";
    for rows in [&rows[..], &[]] {
        let text = render(&view(rows), &layout(None));
        assert!(text.ends_with(below), "{text}");
    }
}

#[test]
fn task_executions_fit_80_columns() {
    let rows = fixture::tasks();
    let text = render(&View::TaskExecutions(&rows), &layout(Some(80)));
    assert_within(&text, 80);
    insta::assert_snapshot!(text, @r#"
    Times are in Europe/Rome.

    ID  Status      Device      Domain          Files     D/L  Status
        Time        Name        Name              D/L  Errors
       Error Message
    --------------------------------------------------------------------------------
    31  2026-11-22  QA-device1  SALES               2       1  SUCCESS
        08:30:43
    --------------------------------------------------------------------------------
    32  2026-11-22  QA-device1  HR-and-Payroll      2       1  UNQUIESCE_TIMEOUT
        08:30:44
       QA-device1 did not confirm within 4m that HR-and-Payroll runs again. STILL
       QUIESCED: run dpbackup recover
    --------------------------------------------------------------------------------
    33  2026-11-22  QA-device1  DOMAIN1             2       1  EXECUTION_CANCELED_
        08:30:45                                               BECAUSE_MAINTENANCE_
                                                               WINDOW
    "#);
    insta::assert_snapshot!(render(&View::TaskExecutions(&rows), &layout(None)), @r#"
    ID  Status Time (Europe/Rome)  Device Name  Domain Name     Files D/L  D/L Errors  Status                                         Error Message
    31  2026-11-22 08:30:43        QA-device1   SALES                   2           1  SUCCESS
    32  2026-11-22 08:30:44        QA-device1   HR-and-Payroll          2           1  UNQUIESCE_TIMEOUT                              QA-device1 did not confirm within 4m that HR-and-Payroll runs again. STILL QUIESCED: run dpbackup recover
    33  2026-11-22 08:30:45        QA-device1   DOMAIN1                 2           1  EXECUTION_CANCELED_BECAUSE_MAINTENANCE_WINDOW
    "#);
}

#[test]
fn files_that_do_not_fit_are_blocks_whose_hashes_and_paths_stay_whole_and_sentences_are_broken() {
    let details = fixture::details();
    insta::assert_snapshot!(render(&View::Files(&details), &layout(Some(80))), @r#"
    Task              31
    Status Time       2026-11-22 08:30:43 (Europe/Rome)
    Device Name       QA-device1
    Domain Name       SALES
    Status            SUCCESS
    Firmware Version  IDG.10.5.0.1
    Build             333456
    Build Date        2019/08/09 15:50:38
    Serial            0000001
    Machine Type      8441
    Model Type        -
    TLS Trust         pin
    Unsaved Changes   yes, 1 object or file
    Out Of Service    12.3 s

    Name              SALES-export-2026-11-22-08-30-12-345-persisted.zip
    Kind              persisted
    Size              1.4 MiB
    SHA-256           0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    Verified          yes
    Unchanged Since   task 12
    Path              not kept

    Name              SALES-export-2026-11-22-08-30-12-345-nonpersisted.zip
    Kind              nonpersisted
    Size              1.4 MiB
    SHA-256           0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    Verified          yes
    Unchanged Since   -
    Path              /backup/datapower/QA-device1/domain/SALES/SALES-export-2026-11-22-08-30-12-345-nonpersisted.zip

    D/L error: extra.zip: cut short
    Warning: the post-task script failed: return code 3
    Post-task script: /etc/dpbackup/scripts/post.sh: return code 3; its last line:
    mail: cannot send
    "#);
    insta::assert_snapshot!(render(&View::Files(&details), &layout(None)), @r#"
    Task              31
    Status Time       2026-11-22 08:30:43 (Europe/Rome)
    Device Name       QA-device1
    Domain Name       SALES
    Status            SUCCESS
    Firmware Version  IDG.10.5.0.1
    Build             333456
    Build Date        2019/08/09 15:50:38
    Serial            0000001
    Machine Type      8441
    Model Type        -
    TLS Trust         pin
    Unsaved Changes   yes, 1 object or file
    Out Of Service    12.3 s

    Name                                                   Kind             Size  SHA-256                                                           Verified  Unchanged Since  Path
    SALES-export-2026-11-22-08-30-12-345-persisted.zip     persisted     1.4 MiB  0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  yes               task 12  not kept
    SALES-export-2026-11-22-08-30-12-345-nonpersisted.zip  nonpersisted  1.4 MiB  0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  yes                     -  /backup/datapower/QA-device1/domain/SALES/SALES-export-2026-11-22-08-30-12-345-nonpersisted.zip

    D/L error: extra.zip: cut short
    Warning: the post-task script failed: return code 3
    Post-task script: /etc/dpbackup/scripts/post.sh: return code 3; its last line: mail: cannot send
    "#);
}

#[test]
fn nothing_found_is_said_in_words() {
    assert_eq!(plans(&[], None), "No plan executions recorded yet.\n");
    let filter = PlanFilter {
        plan: Some("QA".to_owned()),
        ..PlanFilter::default()
    };
    let view = View::PlanExecutions {
        rows: &[],
        filter: &filter,
    };
    assert_eq!(render(&view, &layout(None)), "No plan execution is like that.\n");
}

#[test]
fn times_are_those_of_the_zone() {
    let utc = Layout {
        width: None,
        zone: TimeZone::UTC,
        invocation: Invocation::default(),
    };
    let rows = fixture::short_plans();
    let filter = PlanFilter::default();
    let view = View::PlanExecutions {
        rows: &rows[..1],
        filter: &filter,
    };
    let (in_utc, in_rome) = (render(&view, &utc), plans(&rows[..1], None));
    for (text, title, time) in [
        (in_utc, "Start Time (UTC)", " 07:30:12 "),
        (in_rome, "Start Time (Europe/Rome)", " 08:30:12 "),
    ] {
        assert!(text.contains(title) && text.contains(time), "{text}");
    }
}

#[test]
fn activities_that_fit_no_table_are_a_block_each() {
    let rows = fixture::activities();
    let text = render(&fixture::activities_view(&rows), &layout(Some(60)));
    assert_within(&text, 60);
    insta::assert_snapshot!(text, @r#"
    Times are in Europe/Rome.

    ID                7
    Status Time       2026-11-22 08:30:19
    Device Pattern    QA*
    Domain Pattern    all-domains
    Action            SECURE_BACKUP
    Status            SUCCESS
    Successful Tasks  3
    Failed Tasks      0
    Skipped Tasks     0

    ID                8
    Status Time       2026-11-22 08:30:20
    Device Pattern    QA*
    Domain Pattern    DOMAIN*, SALES
    Action            EXPORT_DOMAIN
    Status            COMPLETED_WITH_WARNINGS
    Successful Tasks  11
    Failed Tasks      0
    Skipped Tasks     1
    "#);
}

#[test]
fn a_message_in_a_block_wraps_below_itself() {
    let text = plans(&fixture::plans(), Some(50));
    assert!(
        text.contains(
            "Error Message     now is 08:30 in Europe/Rome, the\n                  maintenance window"
        ),
        "{text}"
    );
}

#[test]
fn at_any_width_every_word_of_every_row_is_there() {
    for width in 20..200 {
        let text = plans(&fixture::plans(), Some(width));
        let letters: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        for id in ["1042", "1041", "1040"] {
            assert!(letters.contains(id), "{width}\n{text}");
        }
        if width >= 80 {
            assert_within(&text, usize::from(width));
        }
    }
}
