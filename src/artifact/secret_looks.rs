//! Which texts look like a secret, or hold one, whatever they are called.

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::artifact::secret_names::is_secret_name;

/// A word of a secret with a value behind it: `PWD=x`, `"apiKey": "x"`, `<auth>x`, `Basic x`, `password is x`.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = "passw(or)?d|passwort|kennwort|passphrase|passcode|pwd|bindpw|secret|token|community|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|\
                 mot ?de ?passe|contrase(ñ|n)a|senha|hasło|wachtwoord|пароль|密码|パスワード|session_?id|[?&]code|\
                 credentials?|authorization|bearer|jaas|cookie|\\b(x-)?auth|\\bbasic|\\bpass|\\bpw|\\bpin|\\bpsk|\\bsig|\\bkey|_key|_pass|_pw|_auth";
    let behind = "[a-z0-9_.-]{0,40}[\"'\\\\]*(\\s*[=:>(]|\\s)\\s*\\S";
    // A quarter of what names a secret is a sentence about it: it is hidden with the rest.
    Regex::new(&format!("(?i)({words})({behind})")).ok()
});

/// Marks of keys, hashes and tokens that can be told by their form.
static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let marks = [
        "-----BEGIN",
        // Hashes of passwords.
        r"\$(1|2[abxy]?|5|6|y|apr1|argon2[a-z]*|pbkdf2[a-z0-9-]*)\$",
        r"\{(S?SHA|S?MD5|PBKDF2)[0-9A-Z_-]*\}",
        // How keys and certificates begin in base64.
        r"\bMII[A-Za-z0-9+/]{20,}",
        // Signed tokens, and those of well-known services.
        r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{2,}",
        r"\b(AKIA|ASIA)[A-Z0-9]{12,}",
        r"\bgh[opsur]_[A-Za-z0-9]{20,}",
        r"\b(github_pat_|glpat-|xox[abeoprs]-|sk_live_|sk-[A-Za-z0-9]{20}|AIza[A-Za-z0-9_-]{20}|hvs\.)",
        // Addresses that are a secret by themselves.
        r"://hooks\.",
        r"(?i)://[^\s/]*webhook",
        // A login in an address: also where the password holds signs that would end its host.
        r"//[^\s/?#]*@",
        r"//[^\s/:?#]*:[^\s]*@",
        // One without an address of its own, and those of Oracle.
        r"(^|\s)[^\s/:@]+:[^\s/:@]+@[A-Za-z0-9.-]+:[0-9]",
        r"(?i)jdbc:oracle:[a-z0-9]+:([^\s/@]+|@[^\s/@:]+)/[^\s/]",
        r"^[A-Za-z0-9_$#]+/[^\s/@:]+@[A-Za-z0-9_.-]+$",
        // A login on a command line.
        r"\bcurl\b.*\s(-u|--user)[ =]?[^\s:]+:\S",
    ];
    Regex::new(&marks.map(|mark| format!("({mark})")).join("|")).ok()
});

/// The longest part of a text that is looked at; what is longer is taken for a secret.
const LONGEST: usize = 256 << 10;

/// Whether a value looks like a secret, or holds one beside its name.
pub(super) fn looks_secret(value: &str) -> bool {
    value.len() > LONGEST
        || matches(&NAMED, value)
        || matches(&MARKS, value)
        || value.split(is_no_sign).any(is_random)
}

/// Whether a value is the name of something secret: `password`, `X-API-Key`, `{uri}db-pass`. A sentence is none.
pub(super) fn names_secret(value: &str) -> bool {
    let value = value.trim();
    value.len() <= 256 && !value.contains(char::is_whitespace) && is_secret_name(value)
}

/// What cannot be looked for is there.
fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
}

fn is_no_sign(c: char) -> bool {
    !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-'))
}

/// Whether letters and digits change as they do in a key in base64, or there are so many digits of a number in hexadecimal.
/// Paths and names of many words change seldom.
fn is_random(run: &str) -> bool {
    const SHORTEST: usize = 28;
    if run.len() < SHORTEST {
        return false;
    }
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    if run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return digits > 0;
    }
    let kind = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let kinds: Vec<u8> = run.bytes().map(kind).collect();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    // No word is so long, and paths have signs.
    let is_one_word = run.len() >= 48 && !kinds.contains(&3);
    [0, 1, 2].iter().all(|kind| kinds.contains(kind)) && (is_one_word || changes * 100 >= run.len() * 48)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_secret_is_known_by_what_stands_before_it_and_by_its_form() {
        for value in [
            "UID=u;PWD=x;Host=h",
            "org.apache.X required username=\"u\" password=\"x\";",
            "https://h/x?access_token=x",
            "https://h/x?apikey=x&a=b",
            "https://h/x?sv=1&sig=x",
            "dpmq://QM/?RequestQueue=A;Password=x",
            "(userPassword=x)",
            "{\"client_secret\":\"x\"}",
            "{ \"apiKey\" : \"x\" }",
            "the password is x",
            "password: x",
            "<password>x</password>",
            "<auth>x</auth>",
            "Authorization: x",
            "Bearer abc",
            "Basic abc",
            "-----BEGIN PRIVATE KEY-----",
            "x $6$salt$hash",
            "{SSHA}abc",
            "a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
            "AKIAABCDEFGHIJKLMNOP",
            "ghp_abcdefghijklmnopqrstuvwxyz012345",
            "https://hooks.slack.com/services/T/B/x",
            "https://user:pass@host/path",
            "ftp://user@host",
            "ftp://u:pa/ss@h",
            "ftp://u:pa?ss#@h",
            "//u:pw@h/x",
            "jdbc:db2://u:pw@h/x",
            "jdbc:oracle:thin:scott/t1ger@//h:1521/x",
            "jdbc:oracle:thin:scott/t1ger@h:1521:X",
            "jdbc:oracle:oci:@scott/t1ger",
            "scott/t1ger@ORCL",
            "ALTER CHANNEL(X) USER(a) PASSWORD(x)",
            "SSLKEYRPWD(x)",
            "ldap://h/dc=x?bindpw=x",
            "curl -s -u a:x https://h/",
            "a:x@h:25",
            "motdepasse=x",
            "contraseña: x",
            "пароль: x",
            "https://h/cb?code=x",
            "JSESSIONID=x",
            "MIIEowIBAAKCAQEAzT3vQ1kJ8cPp2yq0b9LrN4dWmXs7",
            "MIIEowIBAAKCAQEAabcdefghijklmnopqrstuvwxyzABCDEFG",
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ012345",
            "0123456789abcdef0123456789abcdef",
        ] {
            assert!(looks_secret(value), "{value}");
        }
        assert!(looks_secret(&"a ".repeat(LONGEST)));
    }

    #[test]
    fn what_holds_none_is_shown() {
        for value in [
            "https://host/a@b",
            "https://host:9443/service/v1/transform",
            "local:///MyService/v1/TransformRequestToBackend.xsl",
            "store:///policies/templates/CustomerServiceProxyV2Configuration.xml",
            "urn:oid:1.2.3",
            "jdbc:oracle:thin:@//h:1521/x",
            "jdbc:oracle:thin:@h:1521:X",
            "mailto:operator@example.com",
            "curl -s https://h/",
            "status code=200",
            "Customers of the north",
            "password",
            "X-API-Key",
            "2026-01-01T00:00:00Z",
            "/^[A-Za-z0-9]+$/",
            "c7a5dd2b-4d34-4b9b-9f5e-0f5f2a1c0001",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        ] {
            assert!(!looks_secret(value), "{value}");
        }
    }

    #[test]
    fn a_name_of_a_secret_is_one_word() {
        for value in [
            "password",
            " X-API-Key ",
            "Authorization",
            "{urn:x}basicAuth",
            "var://context/x/password",
        ] {
            assert!(names_secret(value), "{value}");
        }
        for value in ["the password", "user", "", "bypass"] {
            assert!(!names_secret(value), "{value}");
        }
    }
}
