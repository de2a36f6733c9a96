//! Views as CSV (RFC 4180), for spreadsheets: a header row of the keys of JSON, then
//! the rows. What JSON calls null is empty.
//!
//! Gateways choose some of the texts. So what nobody can see is made visible, and a text that
//! a spreadsheet would calculate is made one that it shows: an apostrophe stands in front.

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::report::View;
use crate::report::fields::{self, Field};
use crate::values::text::visible;

/// The rows of the view; of one task execution, its files; of a whole execution, its tasks. Lines end as the standard
/// has it, with CR LF.
pub fn render(view: &View<'_>, zone: &TimeZone) -> String {
    match view {
        View::PlanExecutions { rows, .. } => lines(rows, fields::PLAN_EXECUTION, zone),
        View::ActivityExecutions { rows, .. } => lines(rows, fields::ACTIVITY_EXECUTION, zone),
        View::TaskExecutions(rows) => lines(rows, fields::TASK_EXECUTION, zone),
        View::Whole(whole) => {
            let tasks: Vec<_> = whole.tasks.iter().map(|(task, _)| task.task.clone()).collect();
            lines(&tasks, fields::TASK_EXECUTION, zone)
        }
        View::Files(details) => lines(&details.files, fields::FILE, zone),
    }
}

pub(super) fn lines<R>(rows: &[R], fields: &[Field<R>], zone: &TimeZone) -> String {
    let header = fields.iter().map(|(key, _)| (*key).to_owned());
    let mut text = line(header);
    for row in rows {
        text.push_str(&line(fields.iter().map(|(_, value)| cell(&value(row, zone)))));
    }
    text
}

pub(super) fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.map(quoted).collect();
    cells.join(",") + "\r\n"
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => shown(text),
        // Names of a gateway are in these as well.
        Value::Array(_) | Value::Object(_) => shown(&value.to_string()),
        other => other.to_string(),
    }
}

/// A text as a spreadsheet shows it.
pub(super) fn shown(text: &str) -> String {
    let text = visible(text);
    match begins_formula(&text) {
        true => format!("'{text}"),
        false => text.into_owned(),
    }
}

/// Whether a spreadsheet would take a text for a formula. Some drop blanks and quotes in front
/// of one, and some read the wide forms of these characters as well.
fn begins_formula(text: &str) -> bool {
    let ignored = |c: char| c.is_whitespace() || "\"'`“”„‘’".contains(c);
    text.trim_start_matches(ignored)
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '−'])
}

/// In quotes where it holds what ends a cell, also for spreadsheets that have another separator.
fn quoted(text: String) -> String {
    if text.contains(['"', ',', ';', '\t', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::PlanFilter;
    use crate::report::fixture;

    #[test]
    fn every_level_has_a_header_of_its_keys_and_a_line_a_row() {
        let zone = fixture::zone();
        let plans = fixture::plans();
        let filter = PlanFilter::default();
        let view = View::PlanExecutions {
            rows: &plans[1..2],
            filter: &filter,
        };
        insta::assert_snapshot!(render(&view, &zone), @r#"
        id,start_time,plan,devices,domains,status,error_message,status_time,end_time,plan_file,window_ignored,dpbackup_version,duration_seconds
        1041,2026-11-21T08:30:12.345+01:00,Nightly-Production,14,230,PRE_VALIDATION_OUT_OF_MAINTENANCE_WINDOW,"now is 08:30 in Europe/Rome, the maintenance window is from 21:30 to 06:30",2026-11-21T08:31:12.345+01:00,2026-11-21T08:31:12.345+01:00,/etc/dpbackup/plans.toml,false,0.1.0,60.0
        "#);
        let activities = fixture::activities();
        insta::assert_snapshot!(render(&fixture::activities_view(&activities), &zone), @r#"
        id,status_time,device_pattern,domain_pattern,action,status,successful_tasks,failed_tasks,skipped_tasks,plan_execution_id,quiesce,start_time,end_time
        7,2026-11-22T08:30:19.345+01:00,QA*,all-domains,SECURE_BACKUP,SUCCESS,3,0,0,1042,true,2026-11-22T08:30:12.345+01:00,
        8,2026-11-22T08:30:20.345+01:00,QA*,"DOMAIN*, SALES",EXPORT_DOMAIN,COMPLETED_WITH_WARNINGS,11,0,1,1042,true,2026-11-22T08:30:12.345+01:00,
        "#);
        let details = fixture::details();
        insta::assert_snapshot!(render(&View::TaskExecutions(std::slice::from_ref(&details.task)), &zone), @r#"
        id,status_time,device_name,domain_name,files_downloaded,download_errors,status,error_message,firmware_version,build,build_date,serial,machine_type,model_type,tls_trust,unsaved_changes,activity_execution_id,plan_execution_id,action,start_time,end_time,quiesced,out_of_service_seconds,certificate,unsaved_objects
        31,2026-11-22T08:30:43.345+01:00,QA-device1,SALES,2,1,SUCCESS,,IDG.10.5.0.1,333456,2019/08/09 15:50:38,0000001,8441,,pin,true,8,1042,EXPORT_DOMAIN,2026-11-22T08:30:12.345+01:00,2026-11-22T08:30:43.345+01:00,true,12.3,,1
        "#);
        insta::assert_snapshot!(render(&View::Files(&details), &zone), @r#"
        name,kind,size,sha256,verified,unchanged_since,path,task_execution_id,id,kept,pruned_time,entries,objects,content,time,lacks,changes,damage,damage_time
        SALES-export-2026-11-22-08-30-12-345-persisted.zip,persisted,1503239,0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,true,12,,31,1,false,,14,120,c0ffee,2026-11-22T08:30:32.345+01:00,,0,,
        SALES-export-2026-11-22-08-30-12-345-nonpersisted.zip,nonpersisted,1503239,0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,true,,/backup/datapower/QA-device1/domain/SALES/SALES-export-2026-11-22-08-30-12-345-nonpersisted.zip,31,2,true,,14,120,c0ffee,2026-11-22T08:30:32.345+01:00,,,,
        "#);
    }

    #[test]
    fn nothing_found_is_a_header_only() {
        let text = render(&fixture::activities_view(&[]), &fixture::zone());
        assert_eq!(text.matches("\r\n").count(), 1);
        assert!(text.starts_with("id,status_time,"));
    }

    #[test]
    fn quotes_commas_and_line_breaks_are_quoted_and_nothing_else() {
        let cells = ["a", "b,c", "say \"hi\"", "two\nlines", "b;c", " "];
        assert_eq!(
            line(cells.iter().map(|cell| (*cell).to_owned())),
            "a,\"b,c\",\"say \"\"hi\"\"\",\"two\nlines\",\"b;c\", \r\n"
        );
    }

    #[test]
    fn what_a_spreadsheet_would_calculate_is_text_and_what_nobody_sees_is_visible() {
        for (text, cell) in [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+1", "'+1"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", r"\u{9}=1"),
            ("\r=1", r"\u{d}=1"),
            ("a\nb\r\n", r"a\u{a}b\u{d}\u{a}"),
            ("\"=1\"", "'\"=1\""),
            ("'=1", "''=1"),
            ("  =1", "'  =1"),
            ("＝1", "'＝1"),
            ("\u{feff}=1", r"\u{feff}=1"),
            ("\u{1b}[31mred", r"\u{1b}[31mred"),
            ("\u{9b}2J\u{202e}x", r"\u{9b}2J\u{202e}x"),
            ("plain - text = this", "plain - text = this"),
            ("2026-11-25T01:02:03+01:00", "2026-11-25T01:02:03+01:00"),
        ] {
            assert_eq!(super::cell(&Value::from(text)), cell, "{text:?}");
        }
        assert_eq!(super::cell(&Value::from(-5)), "-5", "numbers are ours");
    }
}
