//! `dpbackup report`: one page that says whether everything is backed up.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::Home;
use crate::support::export;

fn fleet() -> Gateway {
    Gateway::start(Setup {
        domains: vec![Domain::new("DOM1").unsaved(), Domain::new("DOM2")],
        ..Setup::default()
    })
}

#[test]
fn a_page_says_what_is_backed_up_and_leads_down_to_the_files() {
    let gateway = fleet();
    let home = Home::of(&gateway).plan("P", &export("*", "DOM*", ""));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let ran = home.dpbackup(&["report", "page.html"]).exits(0);
    assert_eq!(ran.stdout, "");
    let page = fs::read_to_string(home.path("page.html")).expect("the page");
    assert!(
        page.contains("<h1>All 2 targets have a good backup younger than 26 h; 1 has unsaved changes.</h1>"),
        "{page}"
    );
    let file = home.details(0).files.remove(0);
    for wanted in [
        "href=\"#execution-1\"",
        "id=\"execution-1\"",
        "href=\"#task-1\"",
        "id=\"task-1\"",
        &file.sha256,
        &file.path.to_string_lossy(),
        "<dt>Firmware Version</dt>",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
}

#[test]
fn only_a_page_of_ours_is_replaced_and_its_rights_stay() {
    let gateway = fleet();
    let home = Home::of(&gateway).plan("P", &export("*", "DOM*", ""));
    let page = home.path("page.html");
    fs::write(&page, "<html>my own</html>").expect("a file");
    let ran = home.dpbackup(&["report", "page.html"]).exits(2);
    assert!(
        ran.stderr.contains("is there already, and is no report"),
        "{}",
        ran.stderr
    );
    assert_eq!(fs::read_to_string(&page).expect("text"), "<html>my own</html>");

    fs::remove_file(&page).expect("it goes");
    let _ = home.dpbackup(&["report", "page.html"]).exits(0);
    fs::set_permissions(&page, fs::Permissions::from_mode(0o604)).expect("rights");
    let _ = home.dpbackup(&["report", "page.html"]).exits(0);
    assert_eq!(fs::metadata(&page).expect("there").mode() & 0o7777, 0o604);

    symlink(&page, home.path("link.html")).expect("a link");
    let ran = home.dpbackup(&["report", "link.html"]).exits(2);
    assert!(ran.stderr.contains("is no plain file"), "{}", ran.stderr);
    let ran = home.dpbackup(&["report", "no/page.html"]).exits(1);
    assert!(ran.stderr.contains("no/page.html"), "{}", ran.stderr);
}

#[test]
fn before_the_first_run_a_page_says_that_nothing_has_a_backup() {
    let home = Home::new()
        .absent_device("QA1")
        .plan("P", &export("*", "DOM1", ""));
    let ran = home.dpbackup(&["report", "-"]).exits(0);
    assert!(ran.stdout.starts_with("<!DOCTYPE html>"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("<h1>The one target has no good backup younger than 26 h.</h1>")
    );
    assert!(ran.stdout.contains("Nothing was run in this time."));
    assert!(!home.path("state").exists(), "reading creates nothing");
}

#[test]
fn a_history_that_cannot_be_read_is_an_error_and_leaves_the_page_as_it_was() {
    let gateway = fleet();
    let home = Home::of(&gateway).plan("P", &export("*", "DOM*", ""));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let _ = home.dpbackup(&["report", "page.html"]).exits(0);
    let before = fs::read_to_string(home.path("page.html")).expect("the page");
    fs::write(home.path("state/history.db"), "no history").expect("damaged");
    let _ = home.dpbackup(&["report", "page.html"]).exits(6);
    assert_eq!(
        fs::read_to_string(home.path("page.html")).expect("the page"),
        before
    );
}

#[test]
fn a_page_about_one_plan_is_about_that_plan() {
    let gateway = fleet();
    let home = Home::of(&gateway)
        .plan("P", &export("*", "DOM1", ""))
        .plan("Q", &export("*", "DOM2", ""));
    let _ = home.dpbackup(&["run", "P", "Q"]).exits(0);
    let ran = home.dpbackup(&["report", "-", "--plan", "Q"]).exits(0);
    assert!(
        ran.stdout
            .contains("<h1>The one target has a good backup younger than 26 h.</h1>")
    );
    assert!(ran.stdout.contains("id=\"execution-2\"") && !ran.stdout.contains("id=\"execution-1\""));
    let ran = home.dpbackup(&["report", "-", "--plan", "R"]).exits(2);
    assert!(
        ran.stderr
            .contains("neither the plan file nor history has a plan 'R'"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_page_about_one_plan_has_nothing_of_what_only_others_take_of_its_devices() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1"), Domain::new("DOM2")],
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "")).plan(
        "Q",
        &format!("retention = {{ keep_last = 1 }}\n{}", export("*", "DOM2", "")),
    );
    let set = |domain: &str, value: &str| {
        let mut state = gateway.state();
        state.set_property(domain, "HTTPUserAgent", "default", "Timeout", value);
        state.set_unsaved(domain, false);
    };
    let _ = home.dpbackup(&["run", "P", "Q"]).exits(0);
    set("DOM1", "61");
    set("DOM2", "62");
    let _ = home.dpbackup(&["run", "P", "Q"]).exits(0);
    let _ = home.dpbackup(&["prune"]).exits(0);
    let page = |arguments: &[&str]| home.dpbackup(arguments).exits(0).stdout;
    let all = page(&["report", "-"]);
    assert!(
        all.contains("300 → 61") && all.contains("300 → 62") && all.contains("1 files,"),
        "{all}"
    );
    let of_p = page(&["report", "-", "--plan", "P"]);
    let in_all = |page: &str| {
        let (_, size) = page.split_once("Last good backups, in all").expect("the figure");
        let (_, size) = size.split_once("<dd>").expect("its value");
        size.split('<').next().unwrap_or_default().to_owned()
    };
    assert_ne!(in_all(&all), in_all(&of_p));
    assert!(
        of_p.contains("300 → 61") && !of_p.contains("DOM2") && !of_p.contains("Kept and removed"),
        "{of_p}"
    );
    let of_q = page(&["report", "-", "--plan", "Q"]);
    assert!(
        of_q.contains("300 → 62") && !of_q.contains("DOM1") && of_q.contains("1 files,"),
        "{of_q}"
    );
}

#[test]
fn what_only_runs_is_marked_among_the_changes_of_a_page() {
    let gateway = fleet();
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    for value in ["60", "90"] {
        let change = |value| {
            gateway
                .state()
                .set_property("DOM1", "HTTPUserAgent", "default", "Timeout", value);
        };
        change(value);
        let _ = home.dpbackup(&["run", "P"]).exits(0);
    }
    let page = home.dpbackup(&["report", "-"]).exits(0).stdout;
    assert!(page.contains("(what runs) Timeout: 60 → 90"), "{page}");
}

#[test]
fn a_name_that_promises_another_kind_of_file_is_refused() {
    let home = Home::new().absent_device("QA1");
    for name in ["page.pdf", "page.CSV", "folder/page.json"] {
        let ran = home.dpbackup(&["report", name]).exits(2);
        assert!(
            ran.stderr.contains("the page is HTML") && ran.stderr.contains("page.html"),
            "{}",
            ran.stderr
        );
        assert!(!home.path(name).exists());
    }
    let _ = home.dpbackup(&["report", "page"]).exits(0);
}

#[test]
fn a_plan_a_device_or_an_id_in_place_of_the_page_writes_no_file_of_that_name() {
    let gateway = fleet();
    let home = Home::of(&gateway).plan("P", &export("*", "DOM*", ""));
    for (word, hint) in [
        ("P", "`dpbackup report report.html --plan P`"),
        (
            "QA1",
            "the page is about everything: `dpbackup report report.html`",
        ),
        ("5", "`dpbackup report report.html`"),
        ("last", "`dpbackup report report.html`"),
    ] {
        let ran = home.dpbackup(&["report", word]).exits(2);
        let told = ran
            .stderr
            .replace(&format!(" --config {}", home.plan_file().display()), "");
        assert!(told.contains(hint), "{word}: {told}");
        assert!(!home.path(word).exists(), "{word}");
    }
    let _ = home.dpbackup(&["report", "page"]).exits(0);
}
