//! Webhooks, chats and pings, through the binary: what arrives there.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::receivers::{Behaviour, Identity, Request, Web, arrived};
use crate::simulator::{Gateway, Setup};
use crate::support::Home;

const EXPORT: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM*\"\n";

#[test]
fn a_webhook_receives_the_documented_event_signed() {
    let gateway = Gateway::start(Setup::default());
    let identity = Identity::new();
    let ca_pem = identity.ca_pem.clone();
    let web = Web::tls(identity);
    let table = format!(
        "[[notify.webhook]]\nname = \"ops\"\nurl = \"{}\"\nsecret = {{ env = \"DPBACKUP_TEST_PASSWORD\" }}\n\
         authorization = {{ file = \"bearer\" }}\nca_file = \"ca.pem\"\nevents = \"succeeded\"",
        web.url("/hook?key=t0ken")
    );
    let home = Home::telling(&gateway, "webhook = \"op*\"", &table);
    fs::write(home.path("ca.pem"), &ca_pem).expect("a CA file");
    fs::write(home.path("bearer"), "Bearer b34r3r").expect("a secret");
    fs::set_permissions(home.path("bearer"), fs::Permissions::from_mode(0o600)).expect("its mode");
    assert_eq!(home.dpbackup(&["run", "Night"]).exits(0).stderr, "");
    let requests = arrived(&web.seen, 1);
    assert_eq!(requests.len(), 1, "{requests:?}");
    let request = &requests[0];
    assert_eq!(request.path(), "/hook?key=t0ken");
    assert_eq!(request.header("authorization"), Some("Bearer b34r3r"));
    assert_eq!(request.header("x-dpbackup-event"), Some("succeeded"));
    // The key is the password of the tests; openssl dgst -sha256 -hmac gives the same.
    let signature = request.header("x-dpbackup-signature").expect("a signature");
    assert_eq!(
        signature.strip_prefix("sha256=").map(str::len),
        Some(64),
        "{signature}"
    );
    assert_eq!(signature, &format!("sha256={}", openssl_hmac(&request.body)));
    let event = request.json();
    for (key, value) in [
        ("event", serde_json::json!("succeeded")),
        ("plan", serde_json::json!("Night")),
        ("plan_execution_id", serde_json::json!(1)),
        ("status", serde_json::json!("SUCCESS")),
        ("test", serde_json::json!(false)),
        ("error_message", serde_json::Value::Null),
    ] {
        assert_eq!(event[key], value, "{key}");
    }
    assert_eq!(event["tasks"].as_array().map(Vec::len), Some(2));
    assert_eq!(event["tasks"][0]["device_name"], "QA1");
    assert!(event["tasks"][0]["bytes"].as_u64() > Some(0));
    assert_eq!(event["change"]["kind"], "first");
}

/// HMAC-SHA256 with the password of the tests as key, computed by other means.
fn openssl_hmac(text: &str) -> String {
    use std::io::Write;
    let mut child = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", crate::support::PASSWORD])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("openssl");
    child
        .stdin
        .take()
        .expect("its input")
        .write_all(text.as_bytes())
        .expect("written");
    let output = child.wait_with_output().expect("its end");
    let text = String::from_utf8(output.stdout).expect("text");
    text.trim().rsplit(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn chats_receive_text_in_which_nothing_is_markup() {
    let gateway = Gateway::start(Setup::default());
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let table = format!(
        "[[notify.webhook]]\nname = \"chat\"\nurl = \"{}\"\nformat = \"slack\"\n\
         [[notify.webhook]]\nname = \"ntfy\"\nurl = \"{}\"\nformat = \"text\"",
        web.url("/slack"),
        web.url("/ntfy")
    );
    let home = Home::of(&gateway).plan(
        "<!channel> & Größe",
        &format!("webhook = \"*\"\nnotify_events = \"succeeded\"\n{EXPORT}\n{table}"),
    );
    assert_eq!(home.dpbackup(&["run", "<!channel> & Größe"]).exits(0).stderr, "");
    let requests = arrived(&web.seen, 2);
    let of = |path: &str| {
        requests
            .iter()
            .find(|request| request.path() == path)
            .expect(path)
    };
    let text = of("/slack").json()["text"].as_str().expect("text").to_owned();
    assert!(
        text.starts_with(
            "```\n&lt;!channel&gt; &amp; Größe succeeded: 2 tasks\n\nplan      &lt;!channel&gt;"
        ) && text.ends_with("\n```"),
        "{text}"
    );
    let ntfy = of("/ntfy");
    assert!(
        ntfy.header("title")
            .is_some_and(|title| title.starts_with("=?UTF-8?B?")),
        "{ntfy:?}"
    );
    assert_eq!(ntfy.header("priority"), Some("2"));
    assert!(
        ntfy.body.starts_with("plan      <!channel> & Größe\n"),
        "{}",
        ntfy.body
    );
}

#[test]
fn pings_tell_start_success_and_failure_with_the_summary() {
    let gateway = Gateway::start(Setup::default());
    let web = Web::start(&[Behaviour::Status(200, "OK")]);
    let table = format!("[notify.ping]\nurl = \"{}\"", web.url("/ping/{plan}"));
    let good = Home::telling(&gateway, "ping = true", &table);
    assert_eq!(good.dpbackup(&["run", "Night"]).exits(0).stderr, "");
    let own = format!("ping_url = \"{}\"", web.url("/own?id=7"));
    let bad = Home::telling(
        &gateway,
        &own,
        "[notify.ping]\nstart = \"?state=run\"\nfail = \"?state=fail\"",
    )
    .absent_device("QA2");
    let _ = bad.dpbackup(&["run", "Night"]).exits(3);
    let requests = arrived(&web.seen, 4);
    let paths: Vec<&str> = requests.iter().map(Request::path).collect();
    assert_eq!(
        paths,
        [
            "/ping/night/start",
            "/ping/night",
            "/own?id=7&state=run",
            "/own?id=7&state=fail"
        ]
    );
    assert!(
        requests[1].body.starts_with("Night succeeded: 2 tasks\n"),
        "{}",
        requests[1].body
    );
    assert!(
        requests[3].body.starts_with("Night ended with warnings"),
        "{}",
        requests[3].body
    );
}

#[test]
fn plans_that_would_ping_one_address_are_refused() {
    let plan = |name: &str| {
        let export = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"A\"\n";
        format!("[[plan]]\nname = \"{name}\"\nping = true\n{export}")
    };
    let validated = |names: &[&str], url: &str, code: i32| {
        let plans: String = names.iter().map(|name| plan(name)).collect();
        let home = Home::new().absent_device("QA1").plan(
            "Other",
            &format!("enabled = false\n{plans}[notify.ping]\nurl = {url}\n"),
        );
        home.dpbackup(&["validate"]).exits(code).stderr
    };
    let url = "\"https://hc.example/{plan}\"";
    let said = validated(&["Prod A", "prod-a", "PROD_A"], url, 2);
    assert!(
        said.contains("\"Prod A\" and \"prod-a\" ping one address"),
        "{said}"
    );
    assert!(
        said.contains("\"Prod A\" and \"PROD_A\" ping one address"),
        "{said}"
    );
    let said = validated(&["夜間"], url, 2);
    assert!(
        said.contains("nothing of \"夜間\" is left in the address that it pings"),
        "{said}"
    );
    let _different = validated(&["Prod A", "Prod B"], url, 0);
    // One address for all that says nothing of plans is what somebody wrote.
    let _one = validated(&["夜間", "毎日"], "\"https://hc.example/all\"", 0);
    // What an address holds that comes from elsewhere is not known yet.
    let said = validated(&["Prod A", "prod-a"], "{ env = \"PING\" }", 0);
    assert!(said.contains("ping one address"), "{said}");
    let own = |name: &str| plan(name).replace("ping = true", "ping_url = { env = \"OWN\" }");
    let home = Home::new().absent_device("QA1").plan(
        "Other",
        &format!("enabled = false\n{}{}", own("夜間"), own("毎日")),
    );
    let said = home.dpbackup(&["validate"]).exits(0).stderr;
    assert!(!said.contains("ping"), "{said}");
}
