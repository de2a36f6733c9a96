//! The mistakes that newcomers make: each message names the cause and the next step.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::shown::shown;
use crate::simulator::{BackupMode, CryptoCertificate, Fault, FaultKind, Gateway, Identity, Setup, User};
use crate::support::{Home, Ran, until};

const EXPORT: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA*\"\ndomains = \"DOM1\"\n";
const SECURE: &str =
    "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"QA*\"\ncertificate = \"backup-cert\"\n";

/// What several mistakes lead to, each under a heading.
#[derive(Default)]
pub(crate) struct Said(pub(crate) String);

impl Said {
    /// Runs plan `P` and adds what is said.
    #[track_caller]
    fn add(&mut self, mistake: &str, home: &Home, code: i32) {
        self.add_of(mistake, home, code, &["run", "P"]);
    }

    /// The same with other arguments.
    #[track_caller]
    pub(crate) fn add_of(&mut self, mistake: &str, home: &Home, code: i32, arguments: &[&str]) {
        let ran = home.dpbackup(arguments).exits(code);
        self.0.push_str(&format!(
            "=== {mistake}: exit code {code}\n{}\n",
            shown(&ran, home)
        ));
    }
}

fn with(setup: Setup, activity: &str) -> (Gateway, Home) {
    let gateway = Gateway::start(setup);
    let home = Home::of(&gateway).plan("P", activity);
    (gateway, home)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
}

/// Answers every connection with these bytes, without TLS.
fn plain_server(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn a_wrong_port_or_another_server_is_told_by_what_answers() {
    let mut said = Said::default();
    said.add("nobody", &Home::new().absent_device("QA1").plan("P", EXPORT), 4);

    let port = plain_server("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let tls = "{ verify = false }";
    said.add(
        "plain http",
        &Home::new().device_at("QA1", port, tls).plan("P", EXPORT),
        1,
    );

    // The alert `protocol_version`, which a device without TLS 1.2 answers with.
    let port = plain_server("\x15\x03\x01\x00\x02\x02\x46");
    let home = Home::new().device_at("QA1", port, tls).plan("P", EXPORT);
    said.add("old TLS only", &home, 1);

    let (gateway, home) = with(Setup::default(), EXPORT);
    gateway.fail(Fault::every("*", FaultKind::Html));
    said.add("web gui", &home, 1);

    let (gateway, home) = with(Setup::default(), EXPORT);
    gateway.fail(Fault::every(
        "*",
        FaultKind::ContentType("application/json".to_owned()),
    ));
    said.add("rest", &home, 1);

    for status in [401, 403, 503] {
        let (gateway, home) = with(Setup::default(), EXPORT);
        gateway.fail(Fault::every("*", FaultKind::Html));
        gateway.fail(Fault::every("*", FaultKind::Status(status)));
        said.add(&format!("a page under {status}"), &home, 1);
    }
    assert_shown!(said.0);
}

#[test]
fn the_words_of_a_device_that_refuses_a_login_are_told() {
    let (gateway, home) = with(Setup::default(), EXPORT);
    gateway.fail(Fault::every("*", FaultKind::ServerFault));
    gateway.fail(Fault::every("*", FaultKind::Status(401)));
    for arguments in [&["run", "P"][..], &["check", "QA1"], &["preview", "P"]] {
        let ran = home.dpbackup(arguments).exits(1);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            told.contains("the device answered HTTP 401 (not authorized): \"Internal Error (from client)\""),
            "{arguments:?}: {told}"
        );
    }
}

#[test]
fn a_device_that_says_nothing_is_told_by_how_far_one_came() {
    let mut said = Said::default();
    let quick = |port| {
        Home::new()
            .timeouts("connect = 300ms")
            .device_at("QA1", port, "{ verify = false }")
            .plan("P", EXPORT)
    };
    // Its queue is full: the kernel drops what comes, as a firewall does.
    let (port, _held) = deaf();
    said.add("nobody answers", &quick(port), 4);
    said.add_of("nobody shows a certificate", &quick(port), 1, &["trust", "QA1"]);
    // Connections are taken by the kernel, and nobody says anything on them.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    said.add("a port that is silent", &quick(port), 4);
    said.add_of(
        "a silent port shows no certificate",
        &quick(port),
        1,
        &["trust", "QA1"],
    );
    assert_shown!(said.0);
}

/// A port that takes no more connections and refuses none, as long as the rest is held.
fn deaf() -> (u16, impl Sized) {
    use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().expect("an address");
    bind(&socket, &any).expect("a port");
    listen(&socket, 0).expect("it listens");
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().expect("an address");
    let mut held = Vec::new();
    // The kernel takes one more than it is told; then it is silent.
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        held.push(stream);
    }
    (address.port(), (listener, held))
}

#[test]
fn a_certificate_that_cannot_be_trusted_says_why_and_what_would_do() {
    let mut said = Said::default();
    let roots = |identity| {
        let gateway = Gateway::start(Setup {
            identity,
            ..Setup::default()
        });
        let home = Home::new()
            .device_at("QA1", gateway.port(), "{ ca_file = \"ca.pem\" }")
            .plan("P", EXPORT);
        fs::write(home.path("ca.pem"), gateway.ca_pem()).expect("a CA file");
        (gateway, home)
    };
    let (_gateway, home) = roots(Identity::SelfSigned);
    let other = Gateway::start(Setup {
        name: "another".to_owned(),
        ..Setup::default()
    });
    fs::write(home.path("ca.pem"), other.ca_pem()).expect("a CA file");
    said.add("not signed by the CA", &home, 1);
    let (_gateway, home) = roots(Identity::SelfSignedCommonName);
    said.add("no names", &home, 1);
    let (_gateway, home) = roots(Identity::SelfSignedAuthority);
    fs::write(home.path("ca.pem"), other.ca_pem()).expect("a CA file");
    said.add("an authority", &home, 1);
    let (_gateway, home) = roots(Identity::Expired);
    said.add("expired", &home, 1);
    let (_gateway, home) = roots(Identity::SignedByAuthority);
    let text = fs::read_to_string(home.plan_file()).expect("text");
    fs::write(home.path("localhost.toml"), text.replace("127.0.0.1", "0.0.0.0")).expect("a file");
    said.add_of("another name", &home, 1, &["-c", "localhost.toml", "run", "P"]);

    let gateway = Gateway::start(Setup::default());
    let pin = format!("{{ pin_sha256 = \"{}\" }}", "ab".repeat(32));
    said.add(
        "wrong pin",
        &Home::new()
            .device_at("QA1", gateway.port(), &pin)
            .plan("P", EXPORT),
        1,
    );
    let absent = "{ ca_file = \"absent.pem\" }";
    said.add(
        "no CA file",
        &Home::new()
            .device_at("QA1", gateway.port(), absent)
            .plan("P", EXPORT),
        1,
    );
    assert_shown!(said.0);
}

#[test]
fn an_account_that_may_not_says_whether_login_or_right_is_the_trouble() {
    let mut said = Said::default();
    let users = |user| Setup {
        users: vec![user],
        ..Setup::default()
    };
    let (_gateway, home) = with(users(User::new("backup", "another")), EXPORT);
    said.add("wrong password", &home, 1);
    for (what, password) in [
        ("a line of a file of variables", "QA1_PASSWORD=secret"),
        ("a blank behind it", "secret "),
        ("quotes around it", "\"secret\""),
        ("a file that is encrypted", "$ANSIBLE_VAULT;1.1;AES256"),
    ] {
        let mut command = home.command(&["run", "P"]);
        command.env("DPBACKUP_TEST_PASSWORD", password);
        let ran = Ran::of(command.output().expect("it starts")).exits(1);
        said.0.push_str(&format!("=== {what}\n{}\n", shown(&ran, &home)));
    }
    let mut locked = User::new("backup", "secret");
    locked.locked = true;
    let (_gateway, home) = with(users(locked), EXPORT);
    said.add("locked account", &home, 1);
    let (_gateway, home) = with(users(User::new("backup", "secret").without("get-status")), EXPORT);
    said.add("no right to look", &home, 1);
    let (_gateway, home) = with(users(User::new("backup", "secret").without("do-backup")), EXPORT);
    said.add("no right to back up", &home, 1);
    assert_shown!(said.0);
}

#[test]
fn a_device_that_is_not_ready_says_what_it_lacks() {
    let mut said = Said::default();
    let (gateway, home) = with(Setup::default(), EXPORT);
    gateway.fail(Fault::every("do-backup", FaultKind::EmptyFile));
    said.add("no space for an export", &home, 1);

    let (gateway, _) = with(Setup::default(), SECURE);
    gateway.fail(Fault::every("*", FaultKind::NoSpace));
    let home = Home::of(&gateway).plan("P", SECURE);
    said.add("no space for a secure backup", &home, 1);

    let normal = Setup {
        backup_mode: BackupMode::Normal,
        ..Setup::default()
    };
    let (_gateway, home) = with(normal, SECURE);
    said.add("not in secure-backup mode", &home, 1);

    let none = Setup {
        certificates: Vec::new(),
        ..Setup::default()
    };
    let (_gateway, home) = with(none, SECURE);
    said.add("no certificate object", &home, 1);

    let others = Setup {
        certificates: vec![
            CryptoCertificate::new("web"),
            CryptoCertificate::new("Backup-Cert"),
        ],
        ..Setup::default()
    };
    let (_gateway, home) = with(others, SECURE);
    said.add("another certificate", &home, 1);
    assert_shown!(said.0);
}

#[test]
fn patterns_that_match_nothing_say_so() {
    let mut said = Said::default();
    let misspelt = EXPORT.replace("DOM1", "DOMM1");
    let (_gateway, home) = with(Setup::default(), &misspelt);
    said.add("no domain", &home, 4);
    let (_gateway, home) = with(Setup::default(), &EXPORT.replace("QA*", "qa*"));
    said.add("no device", &home, 4);
    let (_gateway, home) = with(Setup::default(), &EXPORT.replace("QA*", "QA2"));
    said.add("unknown device", &home, 2);
    assert_shown!(said.0);
}

#[test]
fn a_script_that_cannot_start_says_why() {
    let mut said = Said::default();
    let (gateway, _) = with(Setup::default(), EXPORT);
    let plan = |script: &str| Home::of(&gateway).plan("P", &format!("pre_script = \"{script}\"\n{EXPORT}"));
    said.add("missing", &plan("absent.sh"), 4);
    let home = plan("plain.sh").script("plain.sh", "#!/bin/sh\n");
    mode(&home.path("scripts/plain.sh"), 0o600);
    said.add("not executable", &home, 4);
    said.add(
        "without a first line",
        &plan("bare.sh").script("bare.sh", "echo hello\n"),
        4,
    );
    said.add(
        "failed",
        &plan("fails.sh").script("fails.sh", "#!/bin/sh\necho no tape in the drive\nexit 3\n"),
        4,
    );
    assert_shown!(said.0);
}

#[test]
fn a_machine_that_is_not_ready_says_what_it_lacks() {
    let mut said = Said::default();
    let (gateway, _) = with(Setup::default(), EXPORT);
    let home = || Home::of(&gateway).plan("P", EXPORT);
    let blocked = home().setting("store = \"plans.toml/store\"");
    said.add("a file where the store should be", &blocked, 4);
    said.add(
        "store not mounted",
        &home().setting("require_mount = \"remote\""),
        4,
    );
    said.add("store full", &home().setting("min_free_store = \"100%\""), 4);

    let older = home();
    fs::create_dir(older.path("state")).expect("a folder");
    fs::write(older.path("state/history.db"), "a diary\n".repeat(200)).expect("a file");
    said.add("history is something else", &older, 6);

    let newer = home();
    let _ = newer.dpbackup(&["run", "P"]).exits(0);
    let file = newer.path("state/history.db");
    let database = rusqlite::Connection::open(&file).expect("a database");
    database
        .pragma_update(None, "user_version", 999)
        .expect("a version");
    drop(database);
    said.add("history is newer", &newer, 6);
    assert_shown!(said.0);
}

#[test]
fn a_secret_that_is_not_there_says_where_it_was_looked_for() {
    let mut said = Said::default();
    let (gateway, _) = with(Setup::default(), EXPORT);
    let from = |source: &str| {
        let home = Home::of(&gateway).plan("P", EXPORT);
        let text = fs::read_to_string(home.plan_file()).expect("text");
        let text = text.replace("{ env = \"DPBACKUP_TEST_PASSWORD\" }", source);
        fs::write(home.path("own.toml"), text).expect("a file");
        mode(&home.path("own.toml"), 0o600);
        home
    };
    let run: &[&str] = &["-c", "own.toml", "run", "P"];
    said.add_of("no variable", &from("{ env = \"QA1_PASSWORD\" }"), 1, run);
    said.add_of("no file", &from("{ file = \"secret\" }"), 1, run);
    let home = from("{ file = \"secret\" }");
    fs::write(home.path("secret"), "secret\n").expect("a file");
    mode(&home.path("secret"), 0o644);
    said.add_of("file readable by others", &home, 1, run);
    said.add_of("command fails", &from("{ command = [\"false\"] }"), 1, run);
    said.add_of("no credential", &from("{ credential = \"qa1\" }"), 1, run);
    said.add_of(
        "no such command",
        &from("{ command = [\"no-such-program\"] }"),
        1,
        run,
    );
    said.add_of("no folder", &from("{ file = \"/no/such/folder/qa1\" }"), 1, run);
    let home = from("{ file = \"secret\" }");
    fs::write(home.path("secret"), "\n").expect("a file");
    mode(&home.path("secret"), 0o600);
    said.add_of("an empty file", &home, 1, run);
    let home = from("\"secret\"");
    mode(&home.path("own.toml"), 0o644);
    said.add_of("password in a file readable by others", &home, 2, run);
    assert_shown!(said.0);
}

#[test]
fn a_plan_that_cannot_run_says_why() {
    let mut said = Said::default();
    let (gateway, _) = with(Setup::default(), EXPORT);
    let home = |keys: &str| {
        Home::of(&gateway)
            .plan("P", &format!("{keys}\n{EXPORT}"))
            .plan("Weekly", "enabled = false")
    };
    said.add_of("turned off", &home(""), 4, &["run", "Weekly"]);
    said.add_of("misspelt", &home(""), 2, &["run", "Wekly"]);
    said.add(
        "backups turned off",
        &home("").setting("backups_enabled = false"),
        4,
    );
    said.add(
        "window typed wrong",
        &home("maintenance_window = { start = \"9:30pm\", end = \"06:30\" }"),
        2,
    );
    said.add(
        "half a window",
        &home("maintenance_window = { start = \"21:30\" }"),
        2,
    );
    said.add("a key misspelt", &home("error_polciy = \"halt\""), 2);
    let closed =
        "maintenance_window = { start = \"00:00\", end = \"00:01\", time_zone = \"Pacific/Kiritimati\" }";
    if jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::get("Pacific/Kiritimati").expect("a zone"))
        .hour()
        != 0
    {
        let ran = home(closed).dpbackup(&["run", "P"]).exits(4);
        assert!(ran.stderr.contains("maintenance window"), "{}", ran.stderr);
    }
    assert_shown!(said.0);
}

#[test]
fn no_plan_file_says_where_it_was_looked_for() {
    let mut said = Said::default();
    let home = Home::new();
    let mut command = home.command(&["validate"]);
    command
        .env_remove("DPBACKUP_CONFIG")
        .current_dir(home.path("scripts"));
    let ran = crate::support::Ran::of(command.output().expect("it starts")).exits(2);
    said.0.push_str(&shown(&ran, &home));
    said.add_of(
        "a file that is not there",
        &home,
        2,
        &["-c", "absent.toml", "validate"],
    );
    assert_shown!(said.0);
}

#[test]
fn a_plan_that_runs_already_says_who_holds_it() {
    let (gateway, home) = with(Setup::default(), EXPORT);
    gateway.fail(Fault::every("do-backup", FaultKind::StallBeforeHead(None)));
    let mut first = home.start(&["run", "P"]);
    until(&mut [&mut first], || {
        gateway
            .operations()
            .iter()
            .any(|operation| operation.starts_with("do-backup"))
    });
    let ran = home.dpbackup(&["run", "P"]).exits(5);
    first.kill().expect("it can be killed");
    first.wait().expect("it ended");
    let said = shown(&ran, &home).replace(&first.id().to_string(), "[PID]");
    assert_shown!(said);
}

#[test]
fn a_word_in_the_wrong_place_is_answered_with_what_history_knows_of_it() {
    let mut said = Said::default();
    let (_gateway, home) = with(Setup::default(), EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    for (code, line) in [
        (2, "check DOM1"),
        (2, "verify DOM1"),
        (2, "restore 1"),
        (2, "extract 1 ."),
        (2, "extract 1 absent/folder"),
        (0, "log --class xmlmanager"),
        (0, "log --name nope"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        said.add_of(line, &home, code, &words);
    }
    assert_shown!(said.0);
}
