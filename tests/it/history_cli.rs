//! `dpbackup history` through the binary: four levels, three formats, filters.

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{Home, TestClock, export, secure_backup};

/// A home with one execution: a secure backup, an export with a failed task, a skipped one.
fn one_execution() -> Home {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1").unsaved(), Domain::new("DOM2")],
        secure_backup_parts: vec![("config.tgz".to_owned(), 40_000)],
        ..Setup::default()
    });
    gateway.fail_as("do-backup@DOM2=file-error");
    let home = Home::of(&gateway).absent_device("QA2").plan(
        "Backup QA",
        &(secure_backup("QA1", "") + &export("QA*", "DOM*", "error_policy = \"ignore\"")),
    );
    assert_eq!(home.run("Backup QA", &TestClock::odd_night()).status(), "FAILED");
    home
}

/// The text with what differs from run to run replaced: hashes, sizes and paths.
fn redacted(home: &Home, text: &str) -> String {
    let root = home.path("").to_string_lossy().into_owned();
    let text = text.replace(&root, "HOME/");
    let words = text.split('\n').map(|line| {
        let words = line.split(' ').map(|word| {
            if word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit()) {
                "[SHA-256]".to_owned()
            } else {
                word.to_owned()
            }
        });
        words.collect::<Vec<_>>().join(" ")
    });
    words.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn shown(home: &Home, arguments: &[&str]) -> String {
    let ran = home.dpbackup(arguments).exits(0);
    assert_eq!(ran.stderr, "");
    redacted(home, &ran.stdout)
}

#[test]
fn before_the_first_run_a_list_is_empty_and_what_is_asked_for_is_not_there() {
    for (arguments, code) in [
        (&["history"][..], 0),
        (&["log"], 0),
        (&["prune"], 0),
        (&["report", "page.html"], 0),
        (&["recover"], 0),
        (&["find", "x"], 1),
        (&["last"], 2),
        (&["history", "last"], 2),
        (&["history", "1"], 2),
        (&["history", "files", "last"], 2),
        (&["diff", "1"], 2),
        (&["diff", "QA1/DOM1", "QA1/DOM2"], 2),
        (&["extract", "last", "out"], 2),
        (&["log", "--blame", "QA1/DOM1"], 2),
    ] {
        let home = Home::new()
            .absent_device("QA1")
            .plan("P", &export("QA1", "DOM1", ""));
        let ran = home.dpbackup(arguments).exits(code);
        if code == 2 {
            let run = "dpbackup run PLAN";
            assert!(ran.stderr.contains(run), "{arguments:?}: {}", ran.stderr);
        }
    }
}

#[test]
fn the_first_level_lists_plan_executions() {
    let home = one_execution();
    insta::assert_snapshot!(shown(&home, &["history"]), @r#"
    ID  Start Time (UTC)     Duration  Plan       Devices  Domains  Status  Error Message
     1  2026-11-22 01:02:03  250ms     Backup QA        2        2  FAILED  task 3 BACKUP_FAILED: QA1: do-backup DOM2: the device answered "ERROR" in place of a file; device untouched
    "#);
}

#[test]
fn the_second_level_lists_the_activities_of_a_plan_execution() {
    let home = one_execution();
    insta::assert_snapshot!(shown(&home, &["history", "activities", "1"]), @r#"
    ID  Status Time (UTC)    Device Pattern  Domain Pattern  Action         Status   Successful Tasks  Failed Tasks  Skipped Tasks
     1  2026-11-22 01:02:03  QA1             all-domains     SECURE_BACKUP  SUCCESS                 1             0              0
     2  2026-11-22 01:02:03  QA*             DOM*            EXPORT_DOMAIN  FAILED                  1             1              1
    "#);
}

#[test]
fn what_a_plan_itself_noted_and_ran_stands_with_its_activities() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .setting("scripts_dir = \"scripts\"")
        .script("pre.sh", "#!/bin/sh\necho mounted\n")
        .script("post.sh", "#!/bin/sh\necho cannot copy\nexit 7\n")
        .plan(
            "P",
            &format!(
                "pre_script = \"pre.sh\"\npost_script = \"post.sh\"\n{}",
                export("*", "DOM1", "")
            ),
        );
    let _ = home.dpbackup(&["run", "P"]).exits(3);
    let table = shown(&home, &["history", "activities", "1"]);
    for line in [
        "Warning: the post-plan script HOME/scripts/post.sh: return code 7; its last line: cannot copy\n",
        "Pre-plan script: HOME/scripts/pre.sh: return code 0\n",
        "Post-plan script: HOME/scripts/post.sh: return code 7; its last line: cannot copy\n",
    ] {
        assert!(table.contains(line), "{line}: {table}");
    }
    let json = shown(&home, &["history", "activities", "1", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["notes"][0]["level"], "WARNING");
    assert_eq!(json["scripts"][0]["output"], "mounted\n");
    assert_eq!(json["scripts"][1]["output"], "cannot copy\n");
}

#[test]
fn the_third_level_lists_the_tasks_of_an_activity_execution() {
    let home = one_execution();
    insta::assert_snapshot!(shown(&home, &["history", "tasks", "1"]), @r#"
    ID  Status Time (UTC)    Device Name  Domain Name  Files D/L  D/L Errors  Status   Error Message
     1  2026-11-22 01:02:03  QA1          all-domains          2           0  SUCCESS
    "#);
    insta::assert_snapshot!(shown(&home, &["history", "tasks", "2"]), @r#"
    ID  Status Time (UTC)    Device Name  Domain Name  Files D/L  D/L Errors  Status                        Error Message
     2  2026-11-22 01:02:03  QA1          DOM1                 2           0  SUCCESS
     3  2026-11-22 01:02:03  QA1          DOM2                 0           1  BACKUP_FAILED                 QA1: do-backup DOM2: the device answered "ERROR" in place of a file; device untouched
     4  2026-11-22 01:02:03  QA2          DOM*                 0           0  SKIPPED_DEVICE_NOT_AVAILABLE  QA2 (127.0.0.1:2): get-status DomainStatus: Connection refused; nothing listens there: is the XML Management Interface enabled, and is it on this port (usually 5550)?
    "#);
}

#[test]
fn the_fourth_level_shows_the_device_and_the_files_of_a_task_execution() {
    let home = one_execution();
    let text = shown(&home, &["history", "files", "2"]);
    for words in [
        "IDG.10.0.1.5",
        "336212",
        "2021/09/29 17:46:20",
        "78A0001",
        "8436",
        "53X",
        "pin",
    ] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    let head = text
        .lines()
        .find(|line| line.trim_start().starts_with("Name "))
        .expect("a head");
    let columns: Vec<&str> = head
        .split("  ")
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect();
    assert_eq!(
        columns,
        [
            "Name",
            "Kind",
            "Size",
            "SHA-256",
            "Verified",
            "Unchanged Since",
            "Path"
        ]
    );
    for kind in ["persisted", "nonpersisted"] {
        let name = format!("DOM1-export-2026-11-22-01-02-03-254-{kind}.zip");
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(&name))
            .expect("its row");
        for words in [
            kind,
            "KiB",
            "[SHA-256]",
            "yes",
            "-",
            &format!("HOME/store/QA1/domain/DOM1/{name}"),
        ] {
            assert!(line.contains(words), "{words}: {line}");
        }
    }
}

#[test]
fn a_file_that_could_not_be_had_stands_with_its_reason_at_the_fourth_level() {
    let home = one_execution();
    let text = shown(&home, &["history", "files", "3"]);
    assert!(
        text.contains("DOM2-export-2026-11-22-01-02-03-254-persisted.zip"),
        "{text}"
    );
    assert!(text.contains("\"ERROR\" in place of a file"), "{text}");
}

/// The keys of each object, in the order in which they stand in the text.
fn keys(json: &str, under: &str) -> Vec<String> {
    let from = json
        .find(&format!("\"{under}\""))
        .unwrap_or_else(|| panic!("{under}: {json}"));
    let lines = json[from..].lines().skip(1);
    let lines = lines.map(str::trim).skip_while(|line| *line == "{");
    let object = lines.take_while(|line| !line.starts_with('}') && !line.starts_with(']'));
    let key = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    object.map(key).collect()
}

#[test]
fn json_has_the_version_first_and_the_documented_keys_in_their_order() {
    let home = one_execution();
    for (arguments, under, expected) in [
        (
            vec!["history", "--format", "json"],
            "plan_executions",
            "id start_time plan devices domains status error_message",
        ),
        (
            vec!["history", "activities", "1", "--format", "json"],
            "activity_executions",
            "id status_time device_pattern domain_pattern action status successful_tasks failed_tasks \
             skipped_tasks plan_execution_id",
        ),
        (
            vec!["history", "tasks", "2", "--format", "json"],
            "task_executions",
            "id status_time device_name domain_name files_downloaded download_errors status error_message",
        ),
        (
            vec!["history", "files", "2", "--format", "json"],
            "task_execution",
            "id status_time device_name domain_name files_downloaded download_errors status error_message \
             firmware_version build build_date serial machine_type model_type tls_trust unsaved_changes \
             activity_execution_id",
        ),
        (
            vec!["history", "files", "2", "--format", "json"],
            "files",
            "name kind size sha256 verified unchanged_since path task_execution_id",
        ),
    ] {
        let ran = home.dpbackup(&arguments).exits(0);
        let _: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one document");
        assert!(
            ran.stdout.starts_with("{\n  \"schema_version\": 1,\n"),
            "{}",
            ran.stdout
        );
        let keys = keys(&ran.stdout, under).join(" ");
        assert!(keys.starts_with(expected), "{under}: {keys}");
    }
}

#[test]
fn json_tells_what_the_tables_tell() {
    let home = one_execution();
    let json = |arguments: &[&str]| -> serde_json::Value {
        let ran = home
            .dpbackup(&[arguments, &["--format", "json"]].concat())
            .exits(0);
        serde_json::from_str(&ran.stdout).expect("a document")
    };
    let plan = &json(&["history"])["plan_executions"][0];
    assert_eq!(plan["start_time"], "2026-11-22T01:02:03.004+00:00");
    assert_eq!((&plan["devices"], &plan["domains"]), (&2.into(), &2.into()));
    assert_eq!(plan["status"], "FAILED");
    let tasks = &json(&["history", "tasks", "2"])["task_executions"];
    let statuses: Vec<&str> = tasks
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|task| task["status"].as_str())
        .collect();
    assert_eq!(
        statuses,
        ["SUCCESS", "BACKUP_FAILED", "SKIPPED_DEVICE_NOT_AVAILABLE"]
    );
    assert_eq!(tasks[0]["error_message"], serde_json::Value::Null);
    assert_eq!(
        (&tasks[0]["files_downloaded"], &tasks[1]["download_errors"]),
        (&2.into(), &1.into())
    );
    let details = json(&["history", "files", "2"]);
    assert_eq!(details["task_execution"]["unsaved_changes"], true);
    let file = &details["files"][0];
    let bytes = std::fs::read(file["path"].as_str().expect("a path")).expect("the file");
    assert_eq!(file["size"], bytes.len());
    assert_eq!(
        (&file["verified"], &file["unchanged_since"]),
        (&true.into(), &serde_json::Value::Null)
    );
}

#[test]
fn csv_has_the_same_keys_as_json_in_its_first_line() {
    let home = one_execution();
    let csv = home.dpbackup(&["history", "--format", "csv"]).exits(0).stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(
        lines[0].starts_with("id,start_time,plan,devices,domains,status,error_message,"),
        "{csv}"
    );
    assert!(
        lines[1].starts_with("1,2026-11-22T01:02:03.004+00:00,Backup QA,2,2,FAILED,"),
        "{csv}"
    );
    assert_eq!(lines.len(), 2, "{csv}");
    let csv = home
        .dpbackup(&["history", "tasks", "2", "--format", "csv"])
        .exits(0)
        .stdout;
    assert_eq!(csv.lines().count(), 4, "{csv}");
}

#[test]
fn times_are_those_of_the_machine_unless_utc_is_asked_for() {
    let home = one_execution();
    let first = |arguments: &[&str], zone: &str| {
        let mut command = home.command(arguments);
        command.env("TZ", zone);
        let ran = crate::support::Ran::of(command.output().expect("the binary starts")).exits(0);
        ran.stdout.lines().nth(1).unwrap_or_default().to_owned()
    };
    assert!(first(&["history"], "Asia/Tokyo").contains("2026-11-22 10:02:03"));
    assert!(first(&["history", "--utc"], "Asia/Tokyo").contains("2026-11-22 01:02:03"));
    assert!(first(&["history", "--format", "csv"], "Asia/Tokyo").contains("2026-11-22T10:02:03.004+09:00"));
}

#[test]
fn a_time_to_begin_with_is_read_in_the_zone_in_which_times_are_shown() {
    let home = several_executions();
    let count = |arguments: &[&str]| {
        let mut command = home.command(&[&["history", "--format", "csv"], arguments].concat());
        command.env("TZ", "Asia/Tokyo");
        let ran = crate::support::Ran::of(command.output().expect("the binary starts")).exits(0);
        ran.stdout.lines().count() - 1
    };
    // The first of that day is at 01:00 in UTC, which is 10:00 in Tokyo.
    assert_eq!(count(&["--since", "2026-11-23T09:30"]), 2);
    assert_eq!(count(&["--since", "2026-11-23T09:30", "--utc"]), 0);
    assert_eq!(count(&["--since", "2026-11-23T01:30", "--utc"]), 1);
}

/// A home with executions of two plans on two days, without any device.
fn several_executions() -> Home {
    let home = Home::new()
        .plan("P", &format!("enabled = false\n{}", export("*", "DOM1", "")))
        .plan("Q", &export("GONE*", "DOM1", ""));
    for day in 20..24 {
        home.run("P", &TestClock::at(&format!("2026-11-{day}T01:00:00Z")));
        home.run("Q", &TestClock::at(&format!("2026-11-{day}T02:00:00Z")));
    }
    home
}

fn ids(home: &Home, arguments: &[&str]) -> Vec<i64> {
    let ran = home
        .dpbackup(&[&["history", "--format", "json"], arguments].concat())
        .exits(0);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a document");
    let rows = document["plan_executions"].as_array().expect("rows");
    rows.iter().filter_map(|row| row["id"].as_i64()).collect()
}

#[test]
fn executions_are_narrowed_by_plan_status_device_time_and_count() {
    let home = several_executions();
    assert_eq!(ids(&home, &[]), [8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(ids(&home, &["--plan", "P"]), [7, 5, 3, 1]);
    assert_eq!(ids(&home, &["--status", "PLAN_IS_DISABLED"]), [7, 5, 3, 1]);
    assert_eq!(ids(&home, &["--status", "all_tasks_skipped"]), [8, 6, 4, 2]);
    assert_eq!(ids(&home, &["--since", "2026-11-22"]), [8, 7, 6, 5]);
    assert_eq!(ids(&home, &["--since", "2026-11-22T01:30"]), [8, 7, 6]);
    assert_eq!(ids(&home, &["--since", "2026-11-23T01:00:00Z"]), [8, 7]);
    assert_eq!(ids(&home, &["--limit", "3"]), [8, 7, 6]);
    assert_eq!(
        ids(&home, &["--plan", "Q", "--since", "2026-11-21", "--limit", "2"]),
        [8, 6]
    );
}

#[test]
fn executions_are_narrowed_by_a_device_whether_it_could_be_backed_up_or_not() {
    let home = one_execution();
    assert_eq!(ids(&home, &["--device", "QA1"]), [1]);
    assert_eq!(ids(&home, &["--device", "QA2"]), [1]);
}

#[test]
fn a_name_that_neither_plan_file_nor_history_has_is_2_and_not_an_empty_table() {
    let home = one_execution();
    for (arguments, near) in [
        (["--device", "qa1"], "did you mean 'QA1'?"),
        (["--device", "QA*"], "such as `dpbackup history --device QA1 "),
        (["--plan", "backup qa"], "did you mean 'Backup QA'?"),
        (
            ["--plan", "Weekly"],
            "there are (upper and lower case differ): 'Backup QA'",
        ),
    ] {
        let ran = home.dpbackup(&["history", arguments[0], arguments[1]]).exits(2);
        assert_eq!(ran.stdout, "");
        assert!(ran.stderr.contains(near), "{arguments:?}: {}", ran.stderr);
    }
    // A plan that the file has no more is known as long as history has it.
    let renamed = home.plan_file();
    let text = std::fs::read_to_string(&renamed).expect("text");
    std::fs::write(home.path("renamed.toml"), text.replace("Backup QA", "Q")).expect("a file");
    let ran = home
        .dpbackup(&["history", "--plan", "Backup QA", "-c", "renamed.toml"])
        .exits(0);
    assert!(ran.stdout.contains("  Backup QA  "), "{}", ran.stdout);
}

#[test]
fn last_and_names_are_taken_where_an_id_is() {
    let home = one_execution();
    let shown = |arguments: &[&str]| {
        let mut all = vec!["history"];
        all.extend_from_slice(arguments);
        home.dpbackup(&all).exits(0).stdout
    };
    let activities = shown(&["activities", "1"]);
    for same in [&["activities", "last"], &["activity", "last"]] {
        assert_eq!(shown(same), activities, "{same:?}");
    }
    for same in [&["1"][..], &["last", "--plan", "Backup QA"]] {
        assert_eq!(shown(same), shown(&["last"]), "{same:?}");
    }
    assert_eq!(shown(&["Backup QA"]), shown(&["--plan", "Backup QA"]));
    assert_eq!(shown(&["QA1"]), shown(&["--device", "QA1"]));
    let history = home.history();
    let newest = history
        .newest_task()
        .expect("read")
        .expect("a task")
        .0
        .to_string();
    assert_eq!(shown(&["files", "last"]), shown(&["files", &newest]));
    let newest = history
        .newest_activity()
        .expect("read")
        .expect("one")
        .0
        .to_string();
    assert_eq!(shown(&["tasks", "latest"]), shown(&["tasks", &newest]));
    let ran = home.dpbackup(&["history", "Q1"]).exits(2);
    assert!(ran.stderr.contains("'Q1' is no ID"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean 'QA1'?"), "{}", ran.stderr);
}

#[test]
fn before_the_first_run_there_is_no_last_execution() {
    let home = Home::new().plan("P", "enabled = false");
    for arguments in [
        &["history", "last"][..],
        &["history", "files", "last"],
        &["diff", "last"],
    ] {
        let ran = home.dpbackup(arguments);
        assert!(
            !ran.stderr.is_empty() && ran.code != Some(0),
            "{arguments:?}: {ran:?}"
        );
    }
}

#[test]
fn forty_executions_are_listed_unless_more_are_asked_for() {
    let home = Home::new().plan("P", &format!("enabled = false\n{}", export("*", "DOM1", "")));
    let clock = TestClock::odd_night();
    for _ in 0..45 {
        home.run("P", &clock);
    }
    let listed = ids(&home, &[]);
    assert_eq!((listed.len(), listed[0], listed[39]), (40, 45, 6));
    assert_eq!(ids(&home, &["--limit", "100"]).len(), 45);
}

#[test]
fn an_id_that_is_not_there_is_2_and_says_where_the_others_are() {
    let home = one_execution();
    for (level, what) in [
        ("activities", "plan execution"),
        ("tasks", "activity execution"),
        ("files", "task execution"),
    ] {
        let ran = home.dpbackup(&["history", level, "99"]).exits(2);
        assert_eq!(ran.stdout, "");
        assert!(
            ran.stderr.contains(&format!("there is no {what} 99")),
            "{}",
            ran.stderr
        );
    }
    let ran = home.dpbackup(&["history", "tasks", "one"]).exits(2);
    assert!(ran.stderr.contains("give an ID"), "{}", ran.stderr);
}

#[test]
fn before_the_first_run_there_is_nothing_to_show_and_nothing_is_made() {
    let home = Home::new();
    let ran = home.dpbackup(&["history"]).exits(0);
    assert_eq!(ran.stdout, "No plan executions recorded yet.\n");
    let ran = home.dpbackup(&["history", "--format", "json"]).exits(0);
    assert_eq!(
        ran.stdout,
        "{\n  \"schema_version\": 1,\n  \"plan_executions\": []\n}\n"
    );
    assert!(!home.path("state").exists());
}

#[test]
fn a_password_is_nowhere_in_history() {
    let home = one_execution();
    for name in ["history.db", "history.db-wal"] {
        let bytes = std::fs::read(home.path("state").join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(crate::support::PASSWORD), "{name}");
    }
}

#[test]
fn history_last_is_one_page_of_the_newest_execution() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup@DOM2=file-error");
    let home = Home::new()
        .device("QA1", &gateway)
        .absent_device("QA2")
        .plan("Other", &export("QA1", "DOM1", ""))
        .plan("Night", &export("QA*", "DOM1, DOM2", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(1);
    let page = home.dpbackup(&["history", "last"]).exits(0).stdout;
    let store = home.store().to_string_lossy().into_owned();
    for words in [
        "Plan Night, execution 1: FAILED\n",
        " (UTC), took ",
        "\nTask 1  QA1/DOM1 export  SUCCESS  ",
        " KiB  QA1/domain/DOM1/DOM1-export-",
        "\nTask 2  QA1/DOM2 export  BACKUP_FAILED  ",
        "\n    QA1: do-backup DOM2: ",
        "\n    Note: ",
        "\nTask 3  QA2/DOM1, DOM2 export  SKIPPED_DEVICE_NOT_AVAILABLE  ",
    ] {
        assert!(page.contains(words), "{words:?}: {page}");
    }
    assert_eq!(page.matches(&store).count(), 1, "the store is named once: {page}");
    let _ = home.dpbackup(&["run", "Other"]).exits(0);
    let newest = home.dpbackup(&["history", "last"]).exits(0).stdout;
    assert!(
        newest.starts_with("Plan Other, execution 2: SUCCESS\n"),
        "{newest}"
    );
    assert_eq!(
        home.dpbackup(&["history", "last", "--plan", "Night"])
            .exits(0)
            .stdout,
        page
    );
    let json = home
        .dpbackup(&["history", "last", "--plan", "Night", "--format", "json"])
        .exits(0)
        .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["plan_execution"]["plan"], "Night");
    assert!(json["plan_execution"]["duration_seconds"].is_f64());
    assert_eq!(json["task_executions"][0]["status"], "SUCCESS");
    assert_eq!(json["task_executions"][0]["files"][0]["kind"], "persisted");
    assert!(json["task_executions"][0]["duration_seconds"].is_f64());
    assert!(
        json["task_executions"][2]["duration_seconds"].is_null(),
        "it never began"
    );
    let csv = home
        .dpbackup(&["history", "last", "--plan", "Night", "--format", "csv"])
        .exits(0)
        .stdout;
    assert_eq!(csv.lines().count(), 4, "{csv}");
}

#[test]
fn states_have_colour_at_a_terminal_alone_and_where_nobody_has_forbidden_it() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", ""));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let green = "\u{1b}[32mSUCCESS\u{1b}[0m";
    for arguments in [
        &["history"][..],
        &["history", "last"],
        &["history", "tasks", "last"],
    ] {
        let at_terminal =
            |environment: &[(&str, &str)]| home.at_terminal(100, environment, arguments).exits(0).stdout;
        assert!(at_terminal(&[]).contains(green), "{arguments:?}");
        assert!(
            !at_terminal(&[("NO_COLOR", "1")]).contains('\u{1b}'),
            "{arguments:?}"
        );
        assert!(
            !home.dpbackup(arguments).exits(0).stdout.contains('\u{1b}'),
            "{arguments:?}"
        );
    }
    let checked = home.at_terminal(100, &[], &["history", "status"]).exits(0).stdout;
    assert!(checked.contains("\u{1b}[32mOK\u{1b}[0m"), "{checked:?}");
}
