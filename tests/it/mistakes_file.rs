//! The mistakes that people make in a plan file: what means nothing here is refused with what
//! would be right, and what is valid and most likely not meant is warned of.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use dpbackup::plan::LoadError;
use dpbackup::plan::diagnostic::{Finding, Severity};

use crate::mistakes::Said;
use crate::shown::shown;
use crate::support::Home;

/// A file in which nothing is wrong.
const RIGHT: &str = r#"[settings]
store = "store"
history = "state/history.db"

[[device]]
name = "QA1"
host = "qa1.example.com"
username = "backup"
password = { env = "QA1_PASSWORD" }
tls = { verify = false }

[[device]]
name = "QA2"
host = "qa2.example.com"
username = "backup"
password = { env = "QA2_PASSWORD" }
tls = { verify = false }

[[plan]]
name = "Nightly"
error_policy = "ignore"

[[plan.activity]]
action = "export-domain"
devices = "QA*"
domains = "DOM*"
"#;

/// Its activity.
const EXPORTS: &str = "action = \"export-domain\"\ndevices = \"QA*\"\ndomains = \"DOM*\"";

/// Each pair replaces the first by the second, and `validate` says what it thinks of that.
#[track_caller]
fn said(home: &Home, code: i32, mistakes: &[(&str, &str)]) -> String {
    let mut said = Said::default();
    for (right, wrong) in mistakes {
        assert!(RIGHT.contains(right), "{right}");
        write(home, &RIGHT.replacen(right, wrong, 1));
        said.add_of(
            &wrong.replace('\n', " / "),
            home,
            code,
            &["validate", "plan.toml"],
        );
        paste_what_is_offered(home, &RIGHT.replacen(right, wrong, 1));
    }
    said.0
}

/// Pastes the first line that a finding offers in the place of what is wrong: nothing is wrong with it then, but for what
/// stands elsewhere.
#[track_caller]
fn paste_what_is_offered(home: &Home, text: &str) {
    // Of several lines, or of one that belongs elsewhere, one pasted here is no answer.
    let is_of_more = |help: &str| {
        let elsewhere = ["add ", "take it out", "what ", "each key has"];
        elsewhere.iter().any(|begin| help.starts_with(begin))
    };
    let offered = |finding: Finding| {
        let help = finding.help.clone().filter(|help| !is_of_more(help))?;
        let mut lines = help.split('`').skip(1).step_by(2).peekable();
        lines.peek().filter(|first| !first.starts_with('['))?;
        let line = lines.find(|line| line.contains(" = ") && !line.contains('…'))?;
        Some((finding, line.to_owned()))
    };
    let Some((finding, line)) = findings(home).into_iter().find_map(offered) else {
        return;
    };
    let (key, value) = line.split_once(" = ").expect("a key and a value");
    let span = finding.labels[0].span.clone();
    let begin = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at);
    let (before, typed) = (text[begin..span.start].trim(), text[begin..end].trim_start());
    let is_value = before
        .strip_suffix('=')
        .is_some_and(|before| before.trim_end().ends_with(key));
    let pasted = if is_value {
        format!("{}{value}{}", &text[..span.start], &text[span.end..])
    } else if before.is_empty() || typed.starts_with(key) {
        format!("{}{line}{}", &text[..begin], &text[end..])
    } else {
        return;
    };
    write(home, &pasted);
    let is_there = |other: &Finding| {
        other.line == finding.line
            && (other.column == finding.column || !is_value)
            && (other.severity == Severity::Error || other.title == finding.title)
            && !other.title.starts_with("there is no ")
    };
    let found = findings(home).into_iter().find(is_there);
    assert!(
        found.is_none(),
        "{line}, where {finding:?} says so, gives {found:?} in\n{pasted}"
    );
}

fn findings(home: &Home) -> Vec<Finding> {
    match dpbackup::plan::load(&home.path("plan.toml"), &|_| None) {
        Ok(loaded) => loaded.warnings.findings,
        Err(LoadError::Invalid(found)) => found.findings,
        Err(_) => Vec::new(),
    }
}

fn write(home: &Home, text: &str) {
    let path = home.path("plan.toml");
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
}

#[test]
fn a_file_in_which_nothing_is_wrong_says_where_its_folders_are() {
    let home = Home::new();
    write(&home, RIGHT);
    let ran = home.dpbackup(&["validate", "plan.toml"]).exits(0);
    assert_shown!(shown(&ran, &home));
    let ran = home.dpbackup(&["validate", "plan.toml", "-q"]).exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
}

#[test]
fn a_path_that_means_something_elsewhere_is_refused_with_what_would_be_right() {
    let store = "store = \"store\"";
    let said = said(
        &Home::new(),
        2,
        &[
            (store, "store = \"~/backup\""),
            (store, "store = \"$HOME/backup\""),
            (store, "store = \"${SITE}/backup\""),
            (store, "store = \"%h/backup\""),
            (store, "store = \"nfs:/export\""),
            (store, "store = \"smb://nas/share\""),
            (store, "store = \"file:///backup\""),
            (store, "store = \"s3://bucket/dp\""),
            (store, "store = \"/backup/`hostname`\""),
            (store, "store = \"/backup/$(date +%F)\""),
            (store, r#"store = "C:\\backup""#),
            (store, r#"store = "C:\backup""#),
            (store, "store = \" /backup\""),
            (store, "store = \"/backup/{device}\""),
            (store, "store = \"rclone:remote:dp\""),
            (store, "store = \"gdrive:dp\""),
            (store, "store = \"/\""),
            ("history = \"state/history.db\"", "history = \"~/history.db\""),
            ("history = \"state/history.db\"", "history = \":memory:\""),
            ("history = \"state/history.db\"", "history = \"store\""),
            ("history = \"state/history.db\"", "history = \"state/\""),
            ("history = \"state/history.db\"", "history = \".\""),
            ("history = \"state/history.db\"", "history = \"file:h.db\""),
            ("history = \"state/history.db\"", "history = \"postgres://db/dp\""),
            ("[settings]", "include = [\"dev.d/{a,b}.toml\"]\n[settings]"),
            ("[settings]", "include = [\"dev.d/?.toml\"]\n[settings]"),
            (
                "history = \"state/history.db\"",
                "history = \"sqlite:///var/history.db\"",
            ),
            ("error_policy = \"ignore\"", "pre_script = \"$HOME/pre.sh\""),
            ("{ env = \"QA1_PASSWORD\" }", "{ file = \"~/secret\" }"),
            ("tls = { verify = false }", "tls = { ca_file = \"%h/ca.pem\" }"),
        ],
    );
    assert_shown!(said);
}

#[test]
fn a_key_that_others_have_is_answered_with_the_one_that_is_meant() {
    let policy = "error_policy = \"ignore\"";
    let said = said(
        &Home::new(),
        2,
        &[
            (policy, "retention = { keep_days = 7 }"),
            (policy, "retention = { keep_yearly = 7 }"),
            (policy, "schedule = \"0 3 * * *\""),
            (policy, "devices = \"QA1\""),
            (policy, "on_error = \"ignore\""),
            ("username", "user"),
            ("host = \"qa1", "hostname = \"qa1"),
            ("tls = {", "cacert = \"ca.pem\"\ntls = {"),
            ("store =", "destination ="),
            ("[settings]", "[settings]\nkeep_last = 3"),
            ("[settings]", "[settings]\nrequest = \"60s\""),
            ("[[device]]", "[[devices]]"),
            ("domains", "domain"),
            ("{ verify = false }", "{ insecure = true }"),
            ("domains", "unquiesce = true\ndomains"),
            ("domains", "on_failure = \"mail.sh\"\ndomains"),
            ("domains", "exclude_devices = \"QA2\"\ndomains"),
            ("domains", "persisted = true\ndomains"),
            ("[[plan.activity]]", "[[plan-activity]]"),
            (policy, "disabled = true"),
            (policy, "timeout = \"5m\""),
            (policy, "post_script_when = \"on-failure\""),
            (policy, "host = \"qa1\""),
            ("{ verify = false }", "{ cert = \"client.pem\" }"),
            ("[[plan]]", "[plan.weekly]\nenabled = true\n[[plan]]"),
            ("[[device]]", "[QA3]\nhost = \"x\"\n[[device]]"),
        ],
    );
    assert_shown!(said);
}

#[test]
fn a_value_in_another_form_is_answered_with_the_form_it_has_here() {
    let policy = "error_policy = \"ignore\"";
    let said = said(
        &Home::new(),
        2,
        &[
            (policy, "maintenance_window = \"22:00-06:00\""),
            (policy, "maintenance_window = \"always\""),
            (
                policy,
                "maintenance_window = { start = \"9:30pm\", end = \"06:30\" }",
            ),
            (policy, "maintenance_window = { start = 21:30, end = 06:30 }"),
            (
                policy,
                "maintenance_window = { start = \"21:30\", end = \"06:30\", time_zone = \"Rome\" }",
            ),
            (
                policy,
                "maintenance_window = { start = \"21:30\", end = \"06:30\", time_zone = \"UTC+2\" }",
            ),
            (
                policy,
                "maintenance_window = { start = \"21:30\", end = \"06:30\", time_zone = \"BST\" }",
            ),
            (
                policy,
                "maintenance_window = { start = \"21:30\", end = \"06:30\", time_zone = \"IST\" }",
            ),
            (
                policy,
                "maintenance_window = { start = \"21:30\", end = \"06:30\", time_zone = \"Asia/Beijing\" }",
            ),
            (
                policy,
                "maintenance_window = { start = \"21:30\", end = \"06:30\", time_zone = \"GMT+2\" }",
            ),
            (
                policy,
                "maintenance_window = { start = \"21:30\", end = \"06:30\", time_zone = \"Europe/Rom\" }",
            ),
            (policy, "error_policy = true"),
            ("[settings]", "[settings]\nquiesce_timeout = \"0\""),
            ("[settings]", "[settings]\nquiesce_timeout = 0"),
            ("[settings]", "[settings]\non_unchanged = true"),
            ("devices = \"QA*\"", "devices = \"not QA1\""),
            ("devices = \"QA*\"", "devices = \"-QA1\""),
            ("devices = \"QA*\"", "devices = \"QA1/DOM1\""),
            (
                EXPORTS,
                "action = \"secure-backup\"\ndevices = \"QA*\"\ncertificate = \"/etc/cert.pem\"",
            ),
            (
                EXPORTS,
                "action = \"secure-backup\"\ndevices = \"QA*\"\ncertificate = \"*\"",
            ),
            (
                "[[plan]]",
                "[notify.email]\nhost = \"smtp://mail.example.com\"\nfrom = \"a@example.com\"\nto = \"b@example.com\"\n[[plan]]",
            ),
            (
                "[[plan]]",
                "[notify.email]\nhost = \"mail.example.com:25\"\nfrom = \"a@example.com\"\nto = \"b\"\n[[plan]]",
            ),
            (
                "[[plan]]",
                "[notify.syslog]\naddress = \"logs.example.com:514\"\n[[plan]]",
            ),
            (
                "[settings]",
                "webhook = \"https://hooks.example.com/services/TOKEN\"\n[settings]",
            ),
            (policy, "error_policy = \"continue\""),
            (policy, "enabled = \"yes\""),
            (policy, "retention = 7"),
            ("host = \"qa1.example.com\"", "host = \"https://qa1:9090/\""),
            ("host = \"qa1.example.com\"", "host = \"qa1:5551\""),
            (
                "host = \"qa1.example.com\"",
                "host = \"qa1.example.com\"\nport = \"5550\"",
            ),
            (
                "host = \"qa1.example.com\"",
                "host = \"qa1.example.com\"\nport = 70000",
            ),
            ("{ env = \"QA1_PASSWORD\" }", "{ env = \"$QA1_PASSWORD\" }"),
            ("{ env = \"QA1_PASSWORD\" }", "{ command = \"pass show qa1\" }"),
            ("tls = { verify = false }", "tls = false"),
            ("devices = \"QA*\"", "devices = \"QA1 QA2\""),
            ("devices = \"QA*\"", "devices = \"all\""),
            ("devices = \"QA*\"", "devices = \"QA?\""),
            ("devices = \"QA*\"", "devices = \"QA[12]\""),
            ("devices = \"QA*\"", "devices = \"QA1 and QA2\""),
            ("export-domain", "export"),
            ("[settings]", "[settings]\nquiesce_timeout = 60"),
            ("[settings]", "[settings]\nrequire_mount = true"),
            ("[settings]", "[settings]\nscript_timeout = \"PT10M\""),
            ("[settings]", "[settings]\nscript_timeout = \"-10m\""),
            ("[settings]", "[settings]\nscript_timeout = 00:10:00"),
            ("[settings]", "[settings]\nmin_free_store = \"10 percent\""),
            ("[settings]", "[settings]\nmin_free_store = \"5G\""),
            (policy, "retention = { keep_within = 30 }"),
            (policy, "retention = { keep_daily = \"7d\" }"),
            (policy, "retention = [7, 4, 12]"),
            (policy, "maintenance_window = none"),
            (policy, "error_policy = \"\"ignore\"\""),
            (policy, "maintenance_window = off"),
            ("[settings]", "[settings]\nrequire_mount = yes"),
            ("[settings]", "[settings]\nmin_free_store = none"),
            ("[settings]", "# [settings]"),
            ("[[plan]]", "[[Plan]]"),
            ("[[plan]]", "[plan.Nightly]"),
            ("{ env = \"QA1_PASSWORD\" }", "{ command = [\"cat\", 1] }"),
            (
                "host = \"qa1.example.com\"",
                "host = \"qa1.example.com\"\nport = \"web\"",
            ),
            ("tls = { verify = false }", "tls_verify = false"),
            (
                policy,
                "maintenance_window = { start = \"00:00\", end = \"24:00\" }",
            ),
            (
                policy,
                "maintenance_window = { start = \"21:30\", end = \"06:30\", time_zone = 2 }",
            ),
            (policy, "maintenance_window = { start = 2130, end = 630 }"),
            (
                "username = \"backup\"",
                "username = \"backup\"\nport = \"5550/tcp\"",
            ),
            ("username = \"backup\"", "username = \"backup\"\nport = 5550.0"),
            ("tls = { verify = false }", "tls = {}"),
            ("tls = { verify = false }", "tls = \"verify=false\""),
            ("{ env = \"QA1_PASSWORD\" }", "{}"),
            ("{ env = \"QA1_PASSWORD\" }", "{ env = \"MY PASS\" }"),
            ("{ env = \"QA1_PASSWORD\" }", "{ credential = \"/run/qa1\" }"),
        ],
    );
    assert_shown!(said);
}

#[test]
fn a_host_that_cannot_be_one_is_refused_with_what_would_be_right() {
    let host = "host = \"qa1.example.com\"";
    let said = said(
        &Home::new(),
        2,
        &[
            (host, "host = \"[::1]:5550\""),
            (host, "host = \"fe80::1%eth0\""),
            (host, "host = \"-qa1\""),
            (host, "host = \"qa1..example.com\""),
            (host, "host = \"$QA1\""),
            (host, "host = \"münchen.example\""),
            (host, "host = \"qa1, qa2\""),
            (host, "host = \"QA*\""),
            (host, "host = \"2130706433\""),
            (host, "host = \"0x7f.1\""),
            (host, "host = \"10.1.2\""),
            (host, "host = \"224.0.0.1\""),
            (host, "host = \"ff02::1\""),
        ],
    );
    assert_shown!(said);
}

#[test]
fn a_word_or_a_kind_of_value_that_others_have_is_answered_with_what_is_written_here() {
    let policy = "error_policy = \"ignore\"";
    let settings = "[settings]";
    let notify = "[[plan]]";
    let said = said(
        &Home::new(),
        2,
        &[
            (policy, "email = \"team@example.com\""),
            (policy, "syslog = \"local0\""),
            (policy, "ping = \"https://example.com/x\""),
            (policy, "webhook = \"https://example.com/x\""),
            (policy, "webhook = \"chat\""),
            (policy, "notify_events = \"fail\""),
            (policy, "notify_events = \"error\""),
            (policy, "retention = { keep_within = \"0d\" }"),
            (
                policy,
                "maintenance_window = { start = \"22:00Z\", end = \"06:00\" }",
            ),
            ("[settings]", "[settings]\nmin_free_store = \"none\""),
            ("store = \"store\"", "store = \"env:STORE\""),
            ("history = \"state/history.db\"", "history = \"/dev/null\""),
            ("devices = \"QA*\"", "devices = \"QA1 # main\""),
            (
                "username = \"backup\"",
                "validate_certs = false\nusername = \"backup\"",
            ),
            ("username = \"backup\"", "use_ssl = true\nusername = \"backup\""),
            ("{ verify = false }", "{ pin_sha256 = [\"ab\"] }"),
            (
                notify,
                "[notify.syslog]\naddress = \"udp:192.0.2.1:514\"\n[[plan]]",
            ),
            (policy, "maintenance_window = true"),
            (policy, "maintenance_window = false"),
            (policy, "maintenance_window = { start = 22, end = 6 }"),
            (policy, "maintenance_window = { start = 930, end = 360 }"),
            (settings, "[settings]\ndefault_window = \"none\""),
            (settings, "[settings]\ndefault_window = \"nightly\""),
            (settings, "[[settings]]"),
            (notify, "[[notify]]\n[[plan]]"),
            (notify, "[notify.syslog]\nfacility = 16\n[[plan]]"),
            (
                notify,
                "[notify.email]\nhost = \"mail.example.com\"\nfrom = \"a@example.com\"\nto = \"b@example.com\"\nverify = \
                 false\n[[plan]]",
            ),
            (
                notify,
                "[[notify.webhook]]\nname = \"chat\"\nurl = \"https://example.com/x\"\nformat = \"teams\"\n[[plan]]",
            ),
            (
                "username = \"backup\"",
                "role = \"standby\"\nusername = \"backup\"",
            ),
            ("username = \"backup\"", "role = \"prod\"\nusername = \"backup\""),
            ("username = \"backup\"", "role = true\nusername = \"backup\""),
            ("username = \"backup\"", "username = [\"backup\"]"),
            ("{ env = \"QA1_PASSWORD\" }", "[\"pass\", \"show\"]"),
            ("devices = \"QA*\"", "devices = \"!QA1\""),
            ("domains = \"DOM*\"", "domains = []"),
            (
                "domains = \"DOM*\"",
                "domains = \"DOM*\"\ncertificate = \"backup-cert\"",
            ),
            ("\"export-domain\"", "\"secure-backup\""),
            (policy, "maintenance_window = { start = \"22:00\" }"),
            (policy, "retention = { keep_last = 0 }"),
            (policy, "webhook = true"),
            (settings, "[settings]\nretries = 100"),
            (settings, "[settings]\non_unchanged = \"hardlink\""),
            ("username = \"backup\"", "port = 99999\nusername = \"backup\""),
            ("name = \"QA1\"", "name = \"QA 1\""),
            (
                notify,
                "[notify.email]\nhost = \"mail.example.com\"\nport = \"smtp\"\nfrom = \"me\"\nto = \"a@example.com; \
                 b@example.com\"\n[[plan]]",
            ),
            (
                notify,
                "[notify.email]\nhost = \"mail.example.com\"\nfrom = \"a@example.com\"\nto = [\"a@example.com\", \
                 \"b@example.com\"]\n[[plan]]",
            ),
            (policy, "retries = 2\nquiesce = true"),
            (policy, "error_policy = \"Ignore Errors\""),
            (policy, "notify_events = \"!*\""),
            (policy, "ping_url = \"hc.example/x\""),
            ("domains = \"DOM*\"", "domains = \"DOM1,\""),
            ("{ env = \"QA1_PASSWORD\" }", "{ env = \"A\", file = \"b\" }"),
            ("{ verify = false }", "{ verify = false, pin_sha256 = \"ab\" }"),
        ],
    );
    assert_shown!(said);
}

#[test]
fn a_line_that_cannot_be_read_says_how_it_is_written() {
    let name = "name = \"Nightly\"";
    let said = said(
        &Home::new(),
        2,
        &[
            (name, "name = Nightly"),
            (name, "name: Nightly"),
            (name, "name \"Nightly\""),
            (name, "name = \"Nightly"),
            (name, "name = “Nightly”"),
            (name, "name = \"Nightly\"; // the plan"),
            (name, "name = \"Nightly\"\nenabled = yes"),
            (name, "name = \"Nightly\"\npre_script = null"),
            (name, "name = \"Nightly\"\nname = \"Weekly\""),
            (name, "; every night\nname = \"Nightly\""),
            (name, "name = \"Night\tly\""),
            ("store = \"store\"", "store = /backup"),
            ("store = \"store\"", r#"store = "C:\Users\op""#),
            ("[[device]]", "[[device]"),
            ("[[device]]", "[device"),
            ("[[plan.activity]]", "[plan.activity]]"),
            ("[[plan]]", "[plan]"),
            ("devices = \"QA*\"", "devices = [QA1, QA2]"),
            ("devices = \"QA*\"", "devices = [\"QA1\", \"QA2\""),
            ("{ env = \"QA1_PASSWORD\" }", "{ env: \"QA1_PASSWORD\" }"),
            ("{ env = \"QA1_PASSWORD\" }", "{ env = \"QA1_PASSWORD\""),
            ("\"qa1.example.com\"", "{{ qa1_host }}"),
            ("host = \"qa1.example.com\"", "host = 192.168.1.1"),
            (name, "name == \"Nightly\""),
            (name, "\"name\": \"Nightly\","),
            (name, "name = “Nightly”, enabled = true"),
            (name, "name = \"Nightly\", enabled = true"),
            (name, "name = \"Nightly\"\n* weekly"),
            (name, "name = \"Nightly\"\n```"),
            (name, "export name=\"Nightly\""),
            (name, "имя = \"Nightly\""),
            (name, "name =\n  \"Nightly\""),
            (name, "name = \"Nightly\"\ndescription = \"\"\"every night"),
            (name, "name = \"Nightly\"\ndescription = \"every\nnight\""),
            (name, "name = \"Nightly\"\ndescription = \"the \"big\" one\""),
            (name, "name = \"Nightly\"\nretention = { keep_last = 7d }"),
            (
                name,
                "name = \"Nightly\"\nmaintenance_window = { start: 21:30; end: 6:30 }",
            ),
            ("[settings]", "---\n[settings]"),
            ("[[plan]]", "plan \"Nightly\" {"),
            ("[[plan]]", "[[plan \"Nightly\"]]"),
            ("[[plan]]", "<plan>"),
            ("devices = \"QA*\"", "devices =\n  - QA1\n  - QA2"),
            ("devices = \"QA*\"", "devices = (\"QA1\"; \"QA2\")"),
            ("devices = \"QA*\"", "devices = `QA*`"),
            ("tls = { verify = false }", "tls = [ verify = False ]"),
            ("tls = { verify = false }", "tls = verify = false"),
            ("username = \"backup\"", "username = \"backup\"\nport = 5550/tcp"),
            ("{ env = \"QA1_PASSWORD\" }", "$QA1_PASSWORD"),
            (name, "name = \"Nightly\"\na = "),
            (
                "[settings]\nstore = \"store\"\nhistory = \"state/history.db\"\n",
                "# no settings\n",
            ),
        ],
    );
    assert_shown!(said);
}

#[test]
fn a_device_whose_name_is_refused_is_not_proposed_by_that_name() {
    let home = Home::new();
    let wrong = RIGHT.replacen("name = \"QA1\"", "name = \"QA 1\"", 1);
    write(
        &home,
        &wrong.replacen("devices = \"QA*\"", "devices = \"QA1\"", 1),
    );
    let ran = home.dpbackup(&["validate", "plan.toml"]).exits(2);
    let help = "it is there once \"QA 1\" is called so, which no device can be";
    assert!(
        ran.stderr.contains(help) && !ran.stderr.contains("did you mean"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_password_without_quotes_is_not_shown_with_its_line() {
    let home = Home::new();
    for wrong in ["hunter2", "hunter2;", "\"hunter2", "“hunter2”"] {
        write(&home, &RIGHT.replacen("{ env = \"QA1_PASSWORD\" }", wrong, 1));
        let ran = home.dpbackup(&["validate", "plan.toml"]).exits(2);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
        assert!(ran.stderr.contains("help:"), "{}", ran.stderr);
    }
}

#[test]
fn a_file_of_another_format_or_encoding_says_which() {
    let home = Home::new();
    let mut said = Said::default();
    let utf16: Vec<u8> = RIGHT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (what, bytes) in [
        (
            "YAML",
            b"settings:\n  store: /backup\ndevice:\n  - name: QA1\n".to_vec(),
        ),
        (
            "JSON",
            b"{\n  \"settings\": { \"store\": \"/backup\" }\n}\n".to_vec(),
        ),
        ("XML", b"<settings><store>/backup</store></settings>\n".to_vec()),
        (
            "a merge",
            format!("<<<<<<< HEAD\n{RIGHT}=======\n>>>>>>> mine\n").into_bytes(),
        ),
        ("UTF-16 with a mark", [&[0xff, 0xfe], utf16.as_slice()].concat()),
        ("UTF-16 without one", utf16),
        ("Latin-1", b"[settings]\nstore = \"M\xe4rz\"\n".to_vec()),
        ("packed", vec![0x1f, 0x8b, 8, 0, 0]),
        ("zeros", vec![0; 600]),
        (
            "a mail that quotes it",
            RIGHT.lines().flat_map(|line| format!("> {line}\n").into_bytes()).collect(),
        ),
        ("columns", b"name,host,port\nQA1,192.0.2.1,5550\n".to_vec()),
        (
            "a certificate",
            b"-----BEGIN CERTIFICATE-----\nMIIB\nabc=\n-----END CERTIFICATE-----\n".to_vec(),
        ),
        ("cron", b"0 22 * * * root dpbackup run Nightly\n".to_vec()),
        ("PowerShell", b"$store = \"x\"\nGet-ChildItem -Path $store\n".to_vec()),
        ("a script", b"#!/bin/sh\nset -e\ndpbackup run Nightly\n".to_vec()),
        ("a page", RIGHT.replace('"', "&quot;").into_bytes()),
        ("a program", [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 40], &[0xff, 0xfe, 7]].concat()),
        ("a picture", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0; 9]].concat()),
        (
            "a template",
            format!("{{% for device in devices %}}\n{RIGHT}").into_bytes(),
        ),
        (
            "a difference",
            RIGHT
                .lines()
                .flat_map(|line| format!("+{line}\n").into_bytes())
                .collect(),
        ),
        (
            "a difference that shows a change",
            format!("diff --git a/plans.toml b/plans.toml\n--- a/plans.toml\n+++ b/plans.toml\n@@ -1,2 +1,2 @@\n-[settings]\n+{RIGHT}")
                .into_bytes(),
        ),
        (
            "numbers of lines",
            (1..)
                .zip(RIGHT.lines())
                .flat_map(|(number, line)| format!("{number:4}  {line}\n").into_bytes())
                .collect(),
        ),
        (
            "variables",
            b"# for systemd\nexport STORE=/backup\nHOST=qa1\nPORT=5550\n".to_vec(),
        ),
        (
            "a line of a shell",
            format!("cat > plans.toml <<'EOF'\n{RIGHT}").into_bytes(),
        ),
        ("a last byte of old", format!("{RIGHT}\u{1a}").into_bytes()),
        (
            "a list of users",
            b"root:x:0:0::/root:/bin/sh\nbin:x:2:2::/bin:/bin/sh\nsys:x:3:3::/dev:/bin/sh\ngames:x:5:60::/x:/bin/sh\n".to_vec(),
        ),
        ("nothing", Vec::new()),
        ("comments", b"# to do\n".to_vec()),
    ] {
        fs::write(home.path("plan.toml"), bytes).expect("a file");
        said.add_of(what, &home, 2, &["validate", "plan.toml"]);
    }
    said.add_of("a folder", &home, 2, &["validate", "scripts"]);
    assert_shown!(said.0);
}

#[test]
fn a_mark_at_the_beginning_and_the_line_ends_of_windows_do_no_harm() {
    let home = Home::new();
    for text in [format!("\u{feff}{RIGHT}"), RIGHT.replace('\n', "\r\n")] {
        write(&home, &text);
        let ran = home.dpbackup(&["validate", "plan.toml"]).exits(0);
        assert_eq!(ran.stderr, "");
    }
}

#[test]
fn a_pin_is_taken_as_other_programs_print_it() {
    let home = Home::new();
    let pairs = vec!["BB"; 32];
    for pin in [
        pairs.concat(),
        pairs.join(":"),
        pairs.join(" "),
        format!("SHA256 Fingerprint={}", pairs.join(":")),
        format!("sha256 Fingerprint={}", pairs.join(":")),
    ] {
        write(
            &home,
            &RIGHT.replacen("{ verify = false }", &format!("{{ pin_sha256 = {pin:?} }}"), 1),
        );
        let ran = home.dpbackup(&["validate", "plan.toml"]).exits(0);
        assert_eq!(ran.stderr, "", "{pin}");
    }
}

#[test]
fn what_is_valid_and_most_likely_not_meant_is_warned_of() {
    let policy = "error_policy = \"ignore\"";
    let said = said(
        &Home::new(),
        0,
        &[
            ("devices = \"QA*\"", "devices = \"QA1, qa-*\""),
            ("devices = \"QA*\"", "devices = \"QA1\""),
            ("domains = \"DOM*\"", "domains = \"A B\""),
            ("domains = \"DOM*\"", "domains = \"QA1/DOM1\""),
            ("history = \"state/history.db\"", "history = \"store/history.db\""),
            ("store = \"store\"", "store = \"/dev/sdb1\""),
            ("history = \"state/history.db\"", "history = \"plan.toml\""),
            ("domains = \"DOM*\"", "domains = \"DOM.*\""),
            ("domains = \"DOM*\"", "domains = \"DÖM\""),
            ("domains = \"DOM*\"", "domains = \"DOM.*|X\""),
            ("domains = \"DOM*\"", "domains = \"all\""),
            ("domains = \"DOM*\"", "domains = \"all domains\""),
            ("domains = \"DOM*\"", "domains = \"ALL-DOMAINS\""),
            ("domains = \"DOM*\"", "domains = \"Default\""),
            ("domains = \"DOM*\"", "domains = \"*, !*\""),
            ("domains = \"DOM*\"", "domains = \"DOM*, !DOM*\""),
            ("domains = \"DOM*\"", "domains = \"-DOM1\""),
            ("domains = \"DOM*\"", "domains = \"not DOM1\""),
            ("domains = \"DOM*\"", "domains = \"* except default\""),
            ("devices = \"QA*\"", "devices = \"QA*, !QA*\""),
            ("devices = \"QA*\"", "devices = \"* !QA2\""),
            ("devices = \"QA*\"", "devices = \"* - QA2\""),
            ("domains = \"DOM*\"", "domains = \"DOM1 # main\""),
            (
                "devices = \"QA*\"",
                "devices = \"QA*\"\npost_script_when = \"on-failure\"",
            ),
            (policy, "notify_events = \"failed\""),
            ("[settings]", "[settings]\nmin_free_store = \"100%\""),
            ("store = \"store\"", "store = \".\""),
            ("store = \"store\"", "store = \"/proc\""),
            (policy, "retention = { keep_within = \"6h\" }"),
            ("qa2.example.com", "QA1.example.com"),
            ("qa2.example.com", "0.0.0.0"),
            ("qa2.example.com", "::"),
            (
                policy,
                "maintenance_window = { start = \"22:00\", end = \"06:00\", time_zone = \"Etc/GMT+1\" }",
            ),
            (
                policy,
                "maintenance_window = { start = \"22:00\", end = \"06:00\", time_zone = \"EST\" }",
            ),
            (
                policy,
                "maintenance_window = { start = \"22:00\", end = \"06:00\", time_zone = \"Factory\" }",
            ),
            (policy, "ping_url = \"https://hc-ping.com/x/fail\""),
            (
                "[[plan]]",
                "[notify.email]\nhost = \"mail.example.com\"\nport = 465\nfrom = \"a@example.com\"\nto = \"b@example.com\"\n[[plan]]",
            ),
            (
                "[[plan]]",
                "[[notify.webhook]]\nname = \"chat\"\nurl = \"https://hooks.slack.com/services/T0/B0/x\"\n[[plan]]\nwebhook = \
                 \"chat\"",
            ),
            (&RIGHT[RIGHT.find("[[device]]").expect("a device")..], "# nothing"),
            ("{ env = \"QA1_PASSWORD\" }", "\"$QA1_PASSWORD\""),
            ("{ env = \"QA1_PASSWORD\" }", "\"$(cat pw/qa1)\""),
            ("{ env = \"QA1_PASSWORD\" }", "\"file:pw/qa1\""),
            ("{ env = \"QA1_PASSWORD\" }", "\"/etc/dpbackup/qa1.password\""),
            ("{ env = \"QA1_PASSWORD\" }", "\"<password>\""),
            ("{ env = \"QA1_PASSWORD\" }", "\"@pw/qa1\""),
            ("{ env = \"QA1_PASSWORD\" }", "\"pw/qa1\""),
            ("{ env = \"QA1_PASSWORD\" }", "\"ENC[AES256,x]\""),
            ("{ env = \"QA1_PASSWORD\" }", "\"${file:/x}\""),
            (
                "[[plan]]",
                "[[notify.webhook]]\nname = \"chat\"\nurl = \"https://example.com/x\"\n[notify.ping]\nurl = \
                 \"https://example.com/y\"\n[notify.syslog]\n[[plan]]",
            ),
            ("{ env = \"QA1_PASSWORD\" }", "{ command = [\"pass show qa1\"] }"),
            (policy, "pre_script = \"pre.sh arg1\""),
            (policy, "post_script = \"scripts/gone.sh\""),
            ("devices = \"QA*\"", "devices = \"QA*\"\npre_script = \"gone.sh\""),
            ("{ env = \"QA1_PASSWORD\" }", "{ file = \"gone\" }"),
            (policy, "maintenance_window = \"default\""),
            ("devices = \"QA*\"", "devices = \"QA1, !QA*\""),
            ("domains = \"DOM*\"", "domains = \"DOM1, DOM2, !DOM1\""),
            ("{ env = \"QA1_PASSWORD\" }", "{ file = \"no/gone\" }"),
            ("domains = \"DOM*\"", "domains = \"'DOM1'\""),
            (&RIGHT[RIGHT.find("[[plan]]").expect("a plan")..], "# no plan"),
        ],
    );
    assert_shown!(said);
}

#[test]
fn a_script_of_a_plan_that_is_turned_off_need_not_be_there_and_one_that_is_there_is_no_doubt() {
    let home = Home::new().script("pre.sh", "#!/bin/sh\n");
    for keys in [
        "enabled = false\npre_script = \"gone.sh\"",
        "pre_script = \"pre.sh\"",
    ] {
        write(&home, &RIGHT.replacen("error_policy = \"ignore\"", keys, 1));
        let ran = home.dpbackup(&["--quiet", "validate", "plan.toml"]).exits(0);
        assert_eq!(ran.stderr, "", "{keys}");
    }
}

#[test]
fn a_window_that_clocks_go_over_is_warned_of_wherever_somebody_looks() {
    let home = Home::new();
    let window = "{ start = \"02:10\", end = \"02:50\", time_zone = \"Europe/Rome\" }";
    for (right, wrong) in [
        (
            "error_policy = \"ignore\"",
            format!("maintenance_window = {window}"),
        ),
        ("[settings]", format!("[settings]\ndefault_window = {window}")),
    ] {
        write(&home, &RIGHT.replacen(right, &wrong, 1));
        let ran = home.dpbackup(&["validate", "plan.toml"]).exits(0);
        assert!(
            ran.stderr.contains("this window does not open on 20")
                && ran.stderr.contains("time_zone = \"UTC\""),
            "{}",
            ran.stderr
        );
    }
    // `check` and `preview` say it as well, and a plan that is turned off is not doubted.
    for command in [["check", "Nightly"], ["preview", "Nightly"]] {
        let ran = home.dpbackup(&[command[0], command[1], "-c", "plan.toml"]);
        assert!(ran.stderr.contains("this window does not open"), "{}", ran.stderr);
    }
    let off = RIGHT
        .replace(
            "error_policy = \"ignore\"",
            &format!("enabled = false\nmaintenance_window = {window}"),
        )
        .replace("DOM*", "A B");
    write(&home, &off);
    let ran = home.dpbackup(&["validate", "plan.toml"]).exits(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_token_in_a_file_that_others_may_read_is_warned_of() {
    let home = Home::new();
    let token = "ping_url = \"https://hc-ping.com/4f1c9a3e-0b1d-4c55-9a59-3f2f3a1f7c11\"";
    write(&home, &RIGHT.replace("error_policy = \"ignore\"", token));
    let ran = home.dpbackup(&["validate", "plan.toml"]).exits(0);
    assert_eq!(ran.stderr, "", "nobody else can read it");
    fs::set_permissions(home.path("plan.toml"), fs::Permissions::from_mode(0o644)).expect("its mode");
    let ran = home.dpbackup(&["validate", "plan.toml"]).exits(0);
    assert!(
        ran.stderr
            .contains("an address with a token stands in a file that others can read")
            && ran.stderr.contains("run `chmod 600 plan.toml`"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("4f1c9a3e"), "{}", ran.stderr);
}

#[test]
fn what_a_whole_fleet_is_warned_of_is_shown_three_times_and_counted() {
    let home = Home::new();
    let device = |n: usize| {
        format!(
            "[[device]]\nname = \"QX{n}\"\nhost = \"qx{n}.example.com\"\nusername = \"u\"\npassword = \"p{n}\"\n\
             tls = {{ verify = false }}\n\n"
        )
    };
    let fleet: String = (0..12).map(device).collect();
    write(
        &home,
        &RIGHT
            .replace("[[plan]]", &format!("{fleet}[[plan]]"))
            .replace("\"QA*\"", "\"*\""),
    );
    let ran = home.dpbackup(&["validate", "plan.toml"]).exits(0);
    let words = "a password stands in the plan file";
    assert_eq!(ran.stderr.matches(words).count(), 4, "{}", ran.stderr);
    let counted = format!("... and 9 more like this: {words}\n");
    assert!(ran.stderr.contains(&counted), "{}", ran.stderr);
}

#[test]
fn a_file_of_certificates_that_cannot_be_used_is_refused_by_validate_alone() {
    let home = Home::new();
    let mut said = Said::default();
    write(
        &home,
        &RIGHT.replacen("tls = { verify = false }", "tls = { ca_file = \"ca.pem\" }", 1),
    );
    said.add_of("not there", &home, 2, &["validate", "plan.toml"]);
    fs::write(home.path("ca.pem"), "nothing of the kind\n").expect("a file");
    said.add_of("no certificate in it", &home, 2, &["validate", "plan.toml"]);
    let _ = home.dpbackup(&["show", "-c", "plan.toml"]).exits(0);
    assert_shown!(said.0);
}

#[test]
fn a_zone_of_the_machine_that_is_none_is_warned_of() {
    let home = Home::new();
    write(&home, RIGHT);
    let mut command = home.command(&["validate", "plan.toml"]);
    command.env("TZ", "Europe/Rom");
    let ran = crate::support::Ran::of(command.output().expect("it starts")).exits(0);
    assert!(
        ran.stderr
            .contains("$TZ is \"Europe/Rom\", which is no time zone")
            && ran.stderr.contains("Europe/Rome"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains(", 1 warning"), "{}", ran.stdout);
}

#[test]
fn a_store_is_looked_at_by_whoever_needs_it_alone() {
    let home = Home::quick();
    write(&home, RIGHT);
    fs::write(home.path("store"), "no folder").expect("a file");
    let validated = home.dpbackup(&["validate", "--config", "plan.toml"]);
    let warning = format!("the store {} is a file", home.path("store").display());
    assert!(validated.stderr.contains(&warning), "{}", validated.stderr);
    // A store on a server that is gone would hold up whoever looks, and these need none.
    for command in [&["history"][..], &["list"]] {
        let ran = home.dpbackup(&[command, &["--config", "plan.toml"]].concat());
        assert!(!ran.stderr.contains("is a file"), "{}", ran.stderr);
    }
}

#[test]
fn a_history_in_the_store_is_seen_by_whatever_path_both_are_named() {
    let home = Home::new();
    fs::create_dir_all(home.path("hs/sub")).expect("folders");
    fs::create_dir_all(home.path("far/below")).expect("folders");
    symlink(home.path("far/below"), home.path("hs/link")).expect("a link");
    let plan_file = home.path("hs/plan.toml");
    let said = |store: &str, history: &str| {
        let text = RIGHT.replacen("\"store\"", &format!("{store:?}"), 1).replacen(
            "\"state/history.db\"",
            &format!("{history:?}"),
            1,
        );
        fs::write(&plan_file, text).expect("a plan file");
        fs::set_permissions(&plan_file, Permissions::from_mode(0o600)).expect("its mode");
        home.dpbackup(&["validate", "hs/plan.toml"]).exits(0)
    };
    for (store, history, shown) in [
        ("..", "history.db", ""),
        ("../hs", "history.db", "hs"),
        ("sub/..", "history.db", "hs"),
        ("absent/..", "history.db", "hs"),
        (".", "../hs/history.db", "hs"),
        ("link/..", "../far/history.db", "hs/link/.."),
    ] {
        let ran = said(store, history);
        let warning = "warning: the history is in the store";
        assert!(ran.stderr.contains(warning), "{store}: {}", ran.stderr);
        let shown = home.path(shown);
        let line = format!("  store: {}\n", shown.to_string_lossy().trim_end_matches('/'));
        assert!(ran.stdout.contains(&line), "{store}: {}", ran.stdout);
    }
    for (store, history) in [
        ("../store", "history.db"),
        ("link/..", "history.db"),
        ("sub/../store", "sub/../history.db"),
    ] {
        let ran = said(store, history);
        assert!(!ran.stderr.contains("in the store"), "{store}: {}", ran.stderr);
    }
}

#[test]
fn a_store_that_can_be_no_folder_is_warned_of() {
    let home = Home::new();
    fs::write(home.path("s3"), "no folder").expect("a file");
    symlink(home.path("nowhere"), home.path("link")).expect("a link");
    let path = |name: &str| home.path(name).display().to_string();
    for (store, said) in [
        ("s3", format!("the store {} is a file", path("s3"))),
        (
            "s3/sub",
            format!(
                "the store {} is below {}, which is a file",
                path("s3/sub"),
                path("s3")
            ),
        ),
        (
            "link",
            format!(
                "the store {} is a link to {}, and nothing is there",
                path("link"),
                path("nowhere")
            ),
        ),
        (
            "link/sub",
            format!(
                "the store {} is below {}, which is a link to {}, and nothing is there",
                path("link/sub"),
                path("link"),
                path("nowhere")
            ),
        ),
    ] {
        write(&home, &RIGHT.replacen("\"store\"", &format!("{store:?}"), 1));
        let ran = home.dpbackup(&["validate", "plan.toml"]);
        assert!(ran.stderr.contains(&said), "{store}: {}", ran.stderr);
    }
    write(&home, &RIGHT.replacen("\"store\"", "\"not/yet/there\"", 1));
    let ran = home.dpbackup(&["validate", "plan.toml"]).exits(0);
    assert!(!ran.stderr.contains("the store"), "{}", ran.stderr);
}

#[test]
fn a_plan_file_in_utf_16_is_turned_by_the_command_that_is_offered() {
    let home = Home::new();
    let little: Vec<u8> = RIGHT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = RIGHT.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [
        [&[0xff, 0xfe], little.as_slice()].concat(),
        [&[0xfe, 0xff], big.as_slice()].concat(),
        little,
        big,
    ] {
        fs::write(home.path("plan.toml"), bytes).expect("a plan file");
        let said = home.dpbackup(&["validate", "plan.toml"]).exits(2).stderr;
        let line = said
            .split('`')
            .find(|words| words.starts_with("iconv "))
            .expect("a command");
        let mut shell = std::process::Command::new("/bin/sh");
        let turned = shell.args(["-c", line]).current_dir(home.path("")).status();
        assert!(turned.expect("a shell").success(), "{line}");
        assert_eq!(home.text("plan.utf8.toml"), RIGHT, "{line}");
    }
}

#[test]
fn all_that_is_wrong_with_a_window_is_said_at_once() {
    let home = Home::new();
    let titles = |window: &str| {
        write(
            &home,
            &RIGHT.replacen("[settings]", &format!("[settings]\ndefault_window = {window}"), 1),
        );
        let found = findings(&home).into_iter();
        found
            .map(|finding| (finding.title, finding.help.unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    for (window, expected) in [
        (
            "{ start = \"bad\" }",
            ["`end` is missing", "`start` is not a time of day"],
        ),
        (
            "{ end = \"bad\" }",
            ["`start` is missing", "`end` is not a time of day"],
        ),
    ] {
        let found: Vec<String> = titles(window).into_iter().map(|(title, _)| title).collect();
        assert_eq!(found, expected, "{window}");
    }
    let found = titles("{ start = 22 }");
    assert!(found.len() == 2 && found[0].0 == "`end` is missing", "{found:?}");
    // Of one text with both times the two keys are made.
    for window in ["{ start = \"22:00-06:00\" }", "{ end = \"22:00 - 06:00\" }"] {
        let found = titles(window);
        assert_eq!(found.len(), 1, "{window}: {found:?}");
        let help = "a window stands in two keys: `start = \"22:00\"` and `end = \"06:00\"`";
        assert_eq!(found[0].1, help, "{window}");
    }
}

#[test]
fn who_may_want_nothing_to_be_removed_is_shown_no_rule_that_removes_but_a_large_one() {
    let policy = "error_policy = \"ignore\"";
    let forever = [
        "\"forever\"",
        "false",
        "true",
        "\"none\"",
        "0",
        "-1",
        "{ keep_last = \"all\" }",
        "{ keep_last = true }",
        "{ keep_last = \"-1\" }",
    ];
    for value in forever {
        let said = said(&Home::new(), 2, &[(policy, &format!("retention = {value}"))]);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains("leave `retention` out, and nothing is ever removed"),
            "{value}: {said}"
        );
        let rules: Vec<&str> = said
            .match_indices("`retention = {")
            .map(|(at, _)| &said[at..])
            .collect();
        assert!(
            rules.len() == 1 && rules[0].starts_with("`retention = { keep_last = 365 }`"),
            "{value}: {said}"
        );
    }
    let said = said(&Home::new(), 2, &[(policy, "retention = { keep_last = 7.5 }")]);
    assert!(said.contains("`keep_last = 8`"), "{said}");
}

#[test]
fn a_character_that_cannot_be_seen_is_refused_where_it_would_be_compared_and_taken_where_people_read_it() {
    for (right, wrong) in [
        ("username = \"backup\"", "username = \"backup\u{200b}\""),
        ("env = \"QA1_PASSWORD\"", "env = \"QA1\u{ad}_PASSWORD\""),
        (
            "action = \"export-domain\"",
            "action = \"secure-backup\"\ncertificate = \"backup\u{feff}-cert\"",
        ),
    ] {
        let said = said(&Home::new(), 2, &[(right, wrong)]);
        assert!(said.contains("holds a character that cannot be seen"), "{said}");
        assert!(said.contains("type it anew"), "{said}");
    }
    let policy = "error_policy = \"ignore\"";
    let described = format!("{policy}\ndescription = \"each night \u{2764}\u{fe0f}\"");
    let _ = said(&Home::new(), 0, &[(policy, &described)]);
}

#[test]
fn a_line_is_offered_that_is_not_refused_in_its_turn() {
    let (policy, name, settings) = ("error_policy = \"ignore\"", "name = \"Nightly\"", "[settings]");
    let said = said(
        &Home::new(),
        2,
        &[
            (policy, "maintenance_window = 22:00"),
            (policy, "maintenance_window = \"22:00\""),
            (policy, "maintenance_window = \"10pm\""),
            ("host = \"qa1.example.com\"", "host = \"192.0.2.0/24\""),
            (settings, "include = \"a.toml, b.toml\"\n[settings]"),
            (settings, "include = [\"a.toml, b.toml\"]\n[settings]"),
            (name, "name = \"Night\u{200b}ly\""),
            (name, "name = \"- Nightly\""),
            ("username = \"backup\"", "username = \"\""),
            ("{ env = \"QA1_PASSWORD\" }", "{ file = \"\" }"),
            ("store = \"store\"", "store ＝ \"store\""),
            ("store = \"store\"", "store = ＂store＂"),
            (settings, "settings]"),
            (settings, "(settings)"),
            ("[[device]]", "{{device}}"),
            ("devices = \"QA*\"", "devices = \"QA1, \\\nQA2\""),
            ("store = \"store\"", "store = &quot;store&quot;"),
            ("[[plan]]\nname = \"Nightly\"", "[plan.Nightly]"),
            ("tls = { verify = false }", "secure_backup = true"),
            ("tls = { verify = false }", "description = \"the first\""),
            ("tls = { verify = false }", "tls = { pin_sha256 = \"ae70\" }"),
            (
                settings,
                "[webhook]\nurl = \"https://chat.example.com/\"\n[settings]",
            ),
            (
                "[[plan]]",
                "[notify.ping]\nurl = \"https://ping.example.com/{name}\"\n[[plan]]",
            ),
            ("[[plan]]", "[notify.syslog]\naddress = 514\n[[plan]]"),
            (policy, "notify_events = \"!*\""),
            (settings, "[settings]\nscript_timeout = \"00:30:00\""),
            (settings, "[settings]\nscript_timeout = \"5mn\""),
            (
                policy,
                "maintenance_window = { start = \"22:00 CET\", end = \"06:00\" }",
            ),
            (
                policy,
                "maintenance_window = [{ start = \"22:00\", end = \"06:00\" }, { start = \"12:00\", end = \"13:00\" }]",
            ),
            (
                settings,
                "[settings.notify.email]\nhost = \"mail.example.com\"\n[settings]",
            ),
        ],
    );
    assert_shown!(said);
}

#[test]
fn what_is_valid_and_takes_away_what_is_meant_is_warned_of() {
    let again = "domains = \"DOM*\"\n\n[[plan.activity]]\naction = \"export-domain\"\ndevices";
    let said = said(
        &Home::new(),
        0,
        &[
            ("domains = \"DOM*\"", "domains = \"/DOM.*/\""),
            ("domains = \"DOM*\"", "domains = \"^(DOM1|DOM2)$\""),
            ("domains = \"DOM*\"", "domains = \"DOM%\""),
            ("store = \"store\"", "store = \"/etc\""),
            ("store = \"store\"", "store = \"/root\""),
            ("[settings]", "[settings]\ntimeouts = { connect = \"1ms\" }"),
            ("[settings]", "[settings]\ntask_expiry = \"5µs\""),
            ("{ env = \"QA1_PASSWORD\" }", "{ env = \"qa1-password\" }"),
            (
                "error_policy = \"ignore\"",
                "syslog = true\nnotify_events = \"*, !*\"",
            ),
            (
                "[[plan]]",
                "[notify.syslog]\naddress = \"514\"\n[[plan]]\nsyslog = true",
            ),
            (
                "domains = \"DOM*\"",
                &format!("{again} = \"QA*\"\ndomains = \"DOM*\""),
            ),
            (
                "domains = \"DOM*\"",
                &format!("{again} = \"QA2\"\ndomains = \"DOM1\""),
            ),
        ],
    );
    assert_shown!(said);
}

#[test]
fn two_activities_that_share_nothing_are_no_doubt() {
    let home = Home::new();
    let again =
        "domains = \"DOM1\"\n\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA*\"\ndomains";
    for other in ["\"DOM2\"", "\"*, !DOM1\"", "\"all-domains\""] {
        write(
            &home,
            &RIGHT.replacen("domains = \"DOM*\"", &format!("{again} = {other}"), 1),
        );
        let ran = home.dpbackup(&["--quiet", "validate", "plan.toml"]).exits(0);
        assert_eq!(ran.stderr, "", "{other}");
    }
}

#[test]
fn the_number_of_what_is_kept_is_proposed_as_it_was_typed() {
    let home = Home::new();
    for (right, wrong, meant) in [
        (
            "[settings]",
            "[settings]\nkeep = 365",
            "`retention = { keep_last = 365 }`",
        ),
        (
            "[settings]",
            "[settings]\nkeep_days = 365",
            "`retention = { keep_daily = 365 }`",
        ),
        (
            "[settings]",
            "[settings]\nmax_age = \"365d\"",
            "`retention = { keep_within = \"365d\" }`",
        ),
        (
            "[settings]",
            "[settings]\nversions = 365",
            "`retention = { keep_last = 365 }`",
        ),
        (
            "[settings]",
            "[settings.prune]\nkeep_last = 365\n[settings]",
            "`retention = { keep_last = 365 }`",
        ),
        (
            "error_policy = \"ignore\"",
            "keep_last = 365",
            "`retention = { keep_last = 365 }`",
        ),
        (
            "error_policy = \"ignore\"",
            "keep_within = 365",
            "`retention = { keep_within = \"365d\" }`",
        ),
        (
            "error_policy = \"ignore\"",
            "retention = [365]",
            "`retention = { keep_last = 365 }`",
        ),
        (
            "error_policy = \"ignore\"",
            "retention = [{ keep_last = 365 }]",
            "`retention = { keep_last = 365 }`",
        ),
        (
            "error_policy = \"ignore\"",
            "retention = \"keep_last=365\"",
            "`retention = { keep_last = 365 }`",
        ),
        (
            "domains = \"DOM*\"",
            "domains = \"DOM*\"\nkeep_last = 365",
            "`retention = { keep_last = 365 }` under the [[plan]]",
        ),
        (
            "domains = \"DOM*\"",
            "domains = \"DOM*\"\nretention = { keep_last = 365 }",
            "`retention = { keep_last = 365 }` under the [[plan]]",
        ),
        (
            "[settings]",
            "[settings]\nkeep = true",
            "without it nothing is ever removed",
        ),
    ] {
        write(&home, &RIGHT.replacen(right, wrong, 1));
        let helps: Vec<String> = findings(&home)
            .into_iter()
            .filter_map(|finding| finding.help)
            .collect();
        assert!(
            helps.iter().any(|help| help.contains(meant)),
            "{wrong}: {helps:?}"
        );
    }
}
