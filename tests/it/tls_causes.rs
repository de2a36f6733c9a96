//! Why a handshake failed: each cause by its own name, against real TLS servers of `openssl`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::simulator::Identity;
use crate::support::{Home, gateways};

const EXPORT: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"DOM1\"";

/// Runs `openssl` in a folder.
#[track_caller]
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .expect("openssl");
    assert!(
        output.status.success(),
        "{arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Makes a key of this kind and a certificate for 127.0.0.1 that is signed by itself.
fn certificate(folder: &Path, name: &str, kind: &str, more: &str) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey {kind} -nodes -keyout {name}.key -out {name}.pem -days 3650 -subj /CN={name} \
             -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE{more}"
        ),
    );
}

/// Makes an authority of this name under these files, and a certificate for 127.0.0.1 that it has signed.
fn signed(folder: &Path, authority: &str, kind: &str, more: &str) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey {kind} -nodes -keyout {authority}.key -out {authority}.pem -days 3650 \
             -subj /CN=authority"
        ),
    );
    fs::write(folder.join("leaf.ext"), "subjectAltName=IP:127.0.0.1\n").expect("a file");
    openssl(
        folder,
        "req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf",
    );
    openssl(
        folder,
        &format!(
            "x509 -req -in leaf.csr -CA {authority}.pem -CAkey {authority}.key -CAcreateserial -days 3650 \
             -out leaf.pem -extfile leaf.ext{more}"
        ),
    );
}

/// A server of `openssl`, which ends with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts one that shows this certificate.
    fn start(folder: &Path, name: &str, more: &str) -> Server {
        let mut arguments = vec!["s_server", "-accept", "127.0.0.1:0", "-www"];
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        arguments.extend(["-cert", &certificate, "-key", &key]);
        arguments.extend(more.split(' ').filter(|word| !word.is_empty()));
        let mut child = Command::new("openssl")
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        while !line.starts_with("ACCEPT") {
            line.clear();
            assert!(
                lines.read_line(&mut line).expect("a line") > 0,
                "the server of openssl ended"
            );
        }
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        // Its output goes on, and must go somewhere.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Server {
            child,
            port: port.expect("a port"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with the test whether it hears this or not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run and `check` say of whoever listens at this port.
fn said(home: Home, port: u16, tls: &str) -> (String, String) {
    let home = home.device_at("QA1", port, tls).plan("P", EXPORT);
    let run = home.dpbackup(&["run", "P"]).exits(1).stderr;
    let check = home.dpbackup(&["check", "P"]).exits(1).stdout;
    // Lines are broken to the width of a terminal.
    let flat = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    (flat(run), flat(check))
}

/// That both say each of these.
#[track_caller]
fn says((run, check): &(String, String), words: &[&str]) {
    for word in words {
        assert!(run.contains(word), "a run does not say {word:?}: {run}");
        assert!(check.contains(word), "check does not say {word:?}: {check}");
    }
}

const CA: &str = "{ ca_file = \"ca.pem\" }";

/// What is said of a server with this certificate, which the `ca_file` holds.
fn of_known(kind: &str, server: &str) -> (String, String) {
    let home = Home::new();
    let folder = home.path(".");
    certificate(&folder, "server", kind, "");
    fs::copy(folder.join("server.pem"), home.path("ca.pem")).expect("copied");
    let server = Server::start(&folder, "server", server);
    let port = server.port;
    said(home, port, CA)
}

#[test]
fn a_key_whose_signatures_cannot_be_verified_is_named() {
    for (kind, name) in [
        ("ec -pkeyopt ec_paramgen_curve:secp521r1", "(EC P-521)"),
        ("rsa-pss -pkeyopt rsa_keygen_bits:2048", "(RSA-PSS)"),
        ("ed448", "(Ed448)"),
    ] {
        let text = of_known(kind, "");
        says(
            &text,
            &["the key in the certificate of the device", name, "EC P-256"],
        );
    }
}

/// What would help it already is so.
#[test]
fn a_pinned_key_of_1024_bits_that_signs_otherwise_in_tls_1_2_is_not_told_to_offer_tls_1_2() {
    let home = Home::new();
    let folder = home.path(".");
    certificate(&folder, "server", "rsa:1024", "");
    let fingerprint = Command::new("openssl")
        .args(["x509", "-in", "server.pem", "-noout", "-fingerprint", "-sha256"])
        .current_dir(&folder)
        .output()
        .expect("openssl");
    let fingerprint = String::from_utf8(fingerprint.stdout).expect("text");
    let server = "-tls1_2 -sigalgs rsa_pss_rsae_sha256 -cipher ALL@SECLEVEL=0";
    let server = Server::start(&folder, "server", server);
    let pin = format!("{{ pin_sha256 = \"{}\" }}", fingerprint.trim());
    let said = said(home, server.port, &pin);
    says(
        &said,
        &["only 1024 bits, and it signs in a way (RSA-PSS) that cannot be verified"],
    );
    assert!(!said.0.contains("offer only TLS 1.2"), "{}", said.0);
}

#[test]
fn a_certificate_that_is_signed_in_an_unknown_way_is_told_as_that() {
    for (kind, more, name) in [
        (
            "ec -pkeyopt ec_paramgen_curve:secp521r1",
            " -sha512",
            "SHA-512 with ECDSA",
        ),
        ("rsa:2048", " -sha1", "SHA-1 with RSA"),
    ] {
        let home = Home::new();
        let folder = home.path(".");
        signed(&folder, "ca", kind, more);
        let server = Server::start(&folder, "leaf", "-cipher DEFAULT@SECLEVEL=0");
        let text = said(home, server.port, CA);
        says(
            &text,
            &[
                "is signed in a way that cannot be verified",
                name,
                "prints the pin_sha256 line",
            ],
        );
    }
}

#[test]
fn an_authority_that_was_renewed_under_its_name_is_told_as_that() {
    let home = Home::new();
    let folder = home.path(".");
    signed(&folder, "new", "rsa:2048", "");
    // The same name, and the key of before.
    openssl(
        &folder,
        "req -x509 -newkey rsa:2048 -nodes -keyout old.key -out ca.pem -days 3650 -subj /CN=authority",
    );
    let server = Server::start(&folder, "leaf", "");
    let text = said(home, server.port, CA);
    says(
        &text,
        &[
            "of the name CN=authority, but not with the key",
            "add its new certificate to the `ca_file`",
        ],
    );
    assert!(!text.0.contains("BadSignature"), "{}", text.0);
}

#[test]
fn a_certificate_that_was_renewed_under_its_name_is_told_as_that() {
    let home = Home::new();
    let folder = home.path(".");
    certificate(&folder, "server", "rsa:2048", "");
    fs::rename(folder.join("server.pem"), home.path("ca.pem")).expect("renamed");
    certificate(&folder, "server", "rsa:2048", "");
    let server = Server::start(&folder, "server", "");
    let text = said(home, server.port, CA);
    says(
        &text,
        &[
            "bears the name of one in the ca_file, but has another key",
            "put the new certificate",
        ],
    );
}

#[test]
fn whoever_wants_a_client_certificate_is_told_as_that_in_tls_1_2_and_1_3() {
    for version in ["-tls1_2", "-tls1_3"] {
        let text = of_known("rsa:2048", &format!("-Verify 1 -verify_return_error {version}"));
        says(
            &text,
            &["the device wants a client certificate", "not request one"],
        );
    }
}

#[test]
fn a_device_that_is_too_old_is_told_from_one_with_other_ciphers() {
    let text = of_known("rsa:2048", "-tls1_1 -cipher ALL:@SECLEVEL=0");
    says(
        &text,
        &["speaks no TLS 1.2 or 1.3", "TLS server profile with TLS 1.2"],
    );
    let text = of_known("rsa:2048", "-tls1_2 -cipher AES128-SHA256");
    says(&text, &["it found no cipher in common", "RSA key exchange"]);
}

#[test]
fn a_certificate_that_is_not_valid_yet_is_told_with_the_clock_of_the_machine() {
    let home = Home::new();
    let folder = home.path(".");
    certificate(&folder, "server", "rsa:2048", "");
    openssl(
        &folder,
        "x509 -x509toreq -in server.pem -signkey server.key -out server.csr",
    );
    fs::write(folder.join("db"), "").expect("a file");
    fs::write(folder.join("serial"), "01\n").expect("a file");
    fs::write(
        folder.join("ca.cnf"),
        "[ca]\ndefault_ca=c\n[c]\ndatabase=db\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n\
         x509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=IP:127.0.0.1\n",
    )
    .expect("a file");
    openssl(
        &folder,
        "ca -batch -config ca.cnf -selfsign -in server.csr -keyfile server.key -out server.pem -notext \
         -startdate 20900101000000Z -enddate 20990101000000Z",
    );
    fs::copy(folder.join("server.pem"), home.path("ca.pem")).expect("copied");
    let server = Server::start(&folder, "server", "");
    let text = said(home, server.port, CA);
    says(
        &text,
        &[
            "is not valid before 2090-01-01",
            "this machine says that it is 20",
            "clock of this machine",
        ],
    );
}

#[test]
fn one_that_has_expired_is_told_with_the_clock_of_the_machine() {
    let gateway = gateways::showing(Identity::Expired);
    let home = Home::new();
    fs::write(home.path("ca.pem"), gateway.ca_pem()).expect("a CA file");
    let text = said(home, gateway.port(), CA);
    says(
        &text,
        &[
            "expired on 2016-01-01 (this machine says that it is 20",
            "unless the clock of this machine is wrong",
        ],
    );
}

#[test]
fn one_that_vouches_for_itself_is_told_from_one_of_an_unknown_authority() {
    for (identity, words) in [
        (
            Identity::SelfSigned,
            [
                "is signed by itself, and is not in the ca_file",
                "compare it with the console",
            ],
        ),
        (
            Identity::SignedByAuthority,
            [
                "CN=authority of",
                "add the certificate of that authority to the `ca_file`",
            ],
        ),
    ] {
        let gateway = gateways::showing(identity);
        let home = Home::new();
        certificate(&home.path("."), "ca", "rsa:2048", "");
        says(&said(home, gateway.port(), CA), &words);
    }
}

/// A listener that answers each connection with these words, and takes no notice of what it is told.
fn plain(words: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut hello = [0; 16];
            // Whoever went away needs no answer.
            let _ = stream
                .read(&mut hello)
                .and_then(|_| stream.write_all(words.as_bytes()));
        }
    });
    port
}

#[test]
fn what_speaks_in_plain_text_on_the_port_is_named() {
    for (words, name) in [
        (
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            "plain HTTP answers on this port",
        ),
        ("SSH-2.0-OpenSSH_9.6\r\n", "SSH answers on this port"),
        (
            "220 mail.example.com ESMTP\r\n",
            "a mail or FTP server answers in plain text on this port",
        ),
        ("nonsense of some other sort\r\n", "does not answer with TLS"),
    ] {
        says(
            &said(Home::new(), plain(words), "{ verify = false }"),
            &[name, "(5550)"],
        );
    }
}
