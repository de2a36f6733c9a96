//! The other side: the same request, sent by `curl`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::simulator::Gateway;

pub(crate) fn is_there() -> bool {
    let asked = Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

/// The request for an export of one domain, as `dpbackup` sends it.
pub(crate) fn request(domain: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body>\
         <dp:request domain=\"default\" xmlns:dp=\"http://www.datapower.com/schemas/management\">\
         <dp:do-backup format=\"ZIP\" persisted=\"true\"><dp:domain name=\"{domain}\"/></dp:do-backup>\
         </dp:request></env:Body></env:Envelope>"
    )
}

/// `curl -k -u … -d @request`.
fn posting(request: &Path) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["-k", "-s", "-S", "--fail", "-u", "backup:secret"])
        .args(["-H", "Content-Type: text/xml", "-d"])
        .arg(format!("@{}", request.display()));
    curl
}

/// The same, into a file.
pub(crate) fn download(gateway: &Gateway, request: &Path, answer: &Path) -> Duration {
    let started = Instant::now();
    let status = posting(request)
        .arg("-o")
        .arg(answer)
        .arg(gateway.url())
        .status()
        .expect("curl starts");
    assert!(status.success(), "curl: {status}");
    started.elapsed()
}

/// When the first byte of an answer comes: what the gateway takes to make it.
pub(crate) fn first_byte(gateway: &Gateway, request: &Path) -> Duration {
    let output = posting(request)
        .args(["-o", "/dev/null", "-w", "%{time_starttransfer}"])
        .arg(gateway.url())
        .output()
        .expect("curl starts");
    assert!(output.status.success(), "curl: {}", output.status);
    let seconds = String::from_utf8_lossy(&output.stdout).parse();
    Duration::from_secs_f64(seconds.expect("seconds"))
}

/// What a script would do: `curl | sed | base64 -d`, kept and hashed.
pub(crate) fn pipe(gateway: &Gateway, request: &Path, file: &Path) -> Duration {
    // One line holds the whole file; sed takes what is not of it away.
    let script = format!(
        "set -o pipefail; curl -k -s -S --fail -u backup:secret -H 'Content-Type: text/xml' -d @'{}' '{}' \
         | sed -e 's/.*<dp:file[^>]*>//' -e 's/<.*//' | base64 -d | tee '{}' | sha256sum >/dev/null",
        request.display(),
        gateway.url(),
        file.display()
    );
    let started = Instant::now();
    let status = Command::new("bash")
        .args(["-c", &script])
        .status()
        .expect("bash starts");
    assert!(status.success(), "the pipe: {status}");
    started.elapsed()
}
