//! What a file is that should hold certificates in PEM and holds none, and the command that makes of it what was
//! asked for. Never what stands in it, for that may be a key.

use std::path::Path;

use crate::values::invocation::quoted;

/// What Windows puts before text, which PEM does not know.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What begins each part of PEM.
const BEGIN: &str = "-----BEGIN ";

/// What the file `path` is by its bytes, and what to do about it; `wanted` is what should stand in it, "the
/// certificate of the authority". `None` where it is nothing that is known.
pub(super) fn other_form(bytes: &[u8], path: &Path, wanted: &str) -> Option<String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Some("it is empty: copy it once more".to_owned());
    }
    let convert = Conversion::of(path);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let Conversion { file, pem } = convert;
        return Some(format!(
            "it is text in UTF-16, as some Windows programs write it: `iconv -f UTF-16 -t UTF-8 {file} > {pem}` writes it as \
             UTF-8: name {pem} then"
        ));
    }
    match Der::of(bytes) {
        Some(der) => Some(of_der(der, &convert, wanted)),
        None => of_pem(&String::from_utf8_lossy(bytes), &convert, wanted),
    }
}

/// The file, and the name that it has as PEM, both as a shell takes them.
struct Conversion {
    file: String,
    pem: String,
}

impl Conversion {
    fn of(path: &Path) -> Self {
        Self {
            file: quoted(&path.to_string_lossy()).into_owned(),
            pem: quoted(&free_name(path)).into_owned(),
        }
    }

    /// What a command of `openssl` makes of it.
    fn by(&self, command: &str) -> String {
        let Self { file, pem } = self;
        format!("`openssl {command} -in {file} -out {pem}` writes it as PEM: name {pem} then")
    }
}

fn of_der(der: Der, convert: &Conversion, wanted: &str) -> String {
    match der {
        Der::Certificate => format!("it is in DER: {}", convert.by("x509 -inform der")),
        Der::Pkcs12 => format!(
            "it is PKCS #12, which holds a private key as well: {}",
            convert.by("pkcs12 -nokeys")
        ),
        Der::Pkcs7 => format!(
            "it is PKCS #7 in DER: {}",
            convert.by("pkcs7 -inform der -print_certs")
        ),
        Der::Request => of_request(wanted),
        Der::Key => of_key(wanted),
    }
}

fn of_request(wanted: &str) -> String {
    format!(
        "it is a request for a certificate, and no certificate: name {wanted}, which whoever signed it gave back"
    )
}

fn of_key(wanted: &str) -> String {
    format!("it is a private key: name {wanted}, and keep the key to yourself")
}

fn of_pem(text: &str, convert: &Conversion, wanted: &str) -> Option<String> {
    let begun = text.lines().find(|line| line.contains(BEGIN))?;
    let (before, kind) = begun.split_once(BEGIN)?;
    if kind
        .split("-----")
        .nth(1)
        .is_some_and(|rest| !rest.trim().is_empty())
    {
        let one_line = "it stands on one line: its line ends are missing, or are written as \\n, as they come out of JSON or of a \
                   variable";
        return Some(one_line.to_owned());
    }
    let before = before.trim_start_matches('\u{feff}');
    if !before.is_empty() && before.trim().is_empty() {
        return Some("its lines are indented: each -----BEGIN has to begin its line".to_owned());
    }
    match kind.split("-----").next().unwrap_or_default() {
        "TRUSTED CERTIFICATE" => Some(format!(
            "it is in the form of OpenSSL's own trust: {}",
            convert.by("x509")
        )),
        "PKCS7" | "CMS" => Some(format!("it is PKCS #7: {}", convert.by("pkcs7 -print_certs"))),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Some(of_request(wanted)),
        kind if kind.ends_with("PRIVATE KEY") => Some(of_key(wanted)),
        kind if kind.ends_with("PUBLIC KEY") => Some(format!("it is a public key alone: name {wanted}")),
        _ => None,
    }
}

/// A name beside it that nothing has: a command that is pasted writes over nobody's key.
pub(super) fn free_name(path: &Path) -> String {
    let name = path.to_string_lossy();
    let names = [
        path.with_extension("pem").to_string_lossy().into_owned(),
        format!("{name}.pem"),
    ];
    let more = (2..100).map(|number| format!("{name}.{number}.pem"));
    let mut names = names.into_iter().chain(more);
    let free = names.find(|name| Path::new(name).symlink_metadata().is_err());
    free.unwrap_or_else(|| format!("{name}.new.pem"))
}

/// What bytes in the form DER are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Der {
    Certificate,
    Request,
    Key,
    Pkcs7,
    Pkcs12,
}

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const NAME: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

impl Der {
    /// By the tags with which it begins: each of these is a sequence that begins in a way of its own.
    fn of(bytes: &[u8]) -> Option<Self> {
        let whole = DerElement::first(bytes).filter(|whole| whole.tag == SEQUENCE)?;
        let first = DerElement::first(whole.content)?;
        let second = DerElement::first(first.after);
        let (within, beside) = (DerElement::first(first.content), second.map(|second| second.tag));
        match (first.tag, beside) {
            (NAME, _) => Some(Self::Pkcs7),
            (INTEGER, Some(SEQUENCE)) if first.content == [3] => Some(Self::Pkcs12),
            (INTEGER, Some(INTEGER | SEQUENCE | OCTETS)) => Some(Self::Key),
            (SEQUENCE, Some(OCTETS)) => Some(Self::Key),
            (SEQUENCE, Some(SEQUENCE)) => match within {
                // A certificate of the first version begins with its number, a request with a zero.
                Some(within) if within.tag == INTEGER && within.content == [0] => Some(Self::Request),
                Some(within) if within.tag == INTEGER || within.tag == VERSION => Some(Self::Certificate),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A tag with what belongs to it, as far as it is there.
#[derive(Clone, Copy)]
struct DerElement<'b> {
    tag: u8,
    content: &'b [u8],
    after: &'b [u8],
}

impl<'b> DerElement<'b> {
    fn first(bytes: &'b [u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        let (length, rest) = rest.split_first()?;
        let (length, rest) = match length {
            // The end is told behind it.
            0x80 => (rest.len(), rest),
            0..0x80 => (usize::from(*length), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(*length & 0x7f))?;
                let add = |length: usize, digit: &u8| length << 8 | usize::from(*digit);
                (digits.iter().fold(0, add), rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at(length.min(rest.len()));
        Some(Self {
            tag: *tag,
            content,
            after,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(pem: &str) -> Vec<u8> {
        use base64::Engine as _;
        let body: String = pem.lines().filter(|line| !line.contains("-----")).collect();
        base64::engine::general_purpose::STANDARD
            .decode(body)
            .expect("base64")
    }

    fn words(bytes: &[u8]) -> String {
        other_form(bytes, Path::new("my certs/backup.cer"), "the certificate").unwrap_or_default()
    }

    #[test]
    fn each_form_has_a_sentence_and_the_command_that_converts() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(vec!["ca".to_owned()]).expect("parameters");
        let request = parameters
            .serialize_request(&key)
            .expect("a request")
            .pem()
            .expect("PEM");
        let certificate = parameters.self_signed(&key).expect("a certificate").pem();
        let utf16: Vec<u8> = format!("\u{feff}{certificate}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let key = key.serialize_pem();
        let as_kind = |kind: &str| certificate.replace("CERTIFICATE", kind).into_bytes();
        let signed = b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x82";
        let bag = b"\x30\x82\x01\x00\x02\x01\x03\x30\x82\x00\xf0";
        let endless_bag = b"\x30\x80\x02\x01\x03\x30\x80";
        let (ours, theirs) = ("'my certs/backup.cer'", "'my certs/backup.pem'");
        for (bytes, what, command) in [
            (
                der(&certificate),
                "it is in DER",
                "`openssl x509 -inform der -in ",
            ),
            (utf16, "UTF-16", "`iconv -f UTF-16 -t UTF-8 "),
            (bag.to_vec(), "PKCS #12", "`openssl pkcs12 -nokeys -in "),
            (endless_bag.to_vec(), "PKCS #12", "`openssl pkcs12 "),
            (
                signed.to_vec(),
                "PKCS #7 in DER",
                "`openssl pkcs7 -inform der -print_certs -in ",
            ),
            (
                as_kind("PKCS7"),
                "it is PKCS #7:",
                "`openssl pkcs7 -print_certs -in ",
            ),
            (
                as_kind("TRUSTED CERTIFICATE"),
                "OpenSSL's own trust",
                "`openssl x509 -in ",
            ),
        ] {
            let words = words(&bytes);
            assert!(words.contains(what) && words.contains(command), "{what}: {words}");
            assert!(words.contains(ours) && words.contains(theirs), "{words}");
        }
        for (bytes, what) in [
            (der(&key), "it is a private key"),
            (key.clone().into_bytes(), "it is a private key"),
            (der(&request), "it is a request for a certificate"),
            (request.into_bytes(), "it is a request for a certificate"),
            (as_kind("PUBLIC KEY"), "it is a public key alone"),
            (b" \r\n".to_vec(), "it is empty"),
            (Vec::new(), "it is empty"),
        ] {
            let words = words(&bytes);
            assert!(words.contains(what), "{what}: {words}");
        }
        assert_eq!(words(certificate.as_bytes()), "");
        assert_eq!(words(b"text"), "");
    }

    #[test]
    fn what_is_written_does_not_lie_over_anything() {
        let folder = tempfile::tempdir().expect("a folder");
        let (bag, key) = (folder.path().join("a.p12"), folder.path().join("a.pem"));
        let bytes = b"\x30\x82\x01\x00\x02\x01\x03\x30\x82\x00\xf0";
        let words = || other_form(bytes, &bag, "the certificate").expect("words");
        assert!(
            words().contains(&format!("-out {}`", key.display())),
            "{}",
            words()
        );
        std::fs::write(&key, "a key").expect("a file");
        assert!(words().contains("/a.p12.pem`"), "{}", words());
        std::fs::write(folder.path().join("a.p12.pem"), "another").expect("a file");
        assert!(words().contains("/a.p12.2.pem`"), "{}", words());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = Der::of(&bytes);
            let _ = words(&bytes);
        }
    }
}
