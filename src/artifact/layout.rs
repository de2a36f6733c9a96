//! Where things stand in the store. Pure: nothing here touches a disk.
//!
//! ```text
//! <store>/<device>/secure-backup/<timestamp>/
//! <store>/<device>/domain/<domain>/<domain>-export-<timestamp>-persisted.zip
//! <store>/<device>/domain/<domain>/<domain>-export-<timestamp>-nonpersisted.zip
//! ```
//!
//! The store is assumed to tell `a` from `A`, as the names on a gateway do. On one
//! that does not, two domains whose names differ in case only share a folder; their
//! files still never overwrite each other, because publishing refuses to.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::values::hex::hex;
use crate::values::percent::percent_encode;
use crate::values::text::is_unsafe;

/// The folder of a device that holds its exports.
pub(super) const DOMAIN_FOLDER: &str = "domain";
/// The folder of a device that holds its secure backups.
pub(super) const SECURE_BACKUP_FOLDER: &str = "secure-backup";
/// What the name of a file or folder ends with until it is published.
pub(super) const PARTIAL: &str = ".partial";
/// Stands between the domain and the timestamp in the name of an export.
pub(super) const EXPORT_INFIX: &str = "-export-";

/// The longest component in bytes. A file system takes 255, and an export adds 56 to
/// the name of its domain while it is staged.
const MAX_COMPONENT: usize = 190;
/// Begins the hash at the end of a shortened component. No other `%` is followed by `~`.
const HASH_MARK: &str = "%~";

/// Which configuration an export holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportKind {
    /// The saved one.
    Persisted,
    /// The running one.
    NonPersisted,
}

impl ExportKind {
    /// The word in file names.
    pub fn code(self) -> &'static str {
        match self {
            ExportKind::Persisted => "persisted",
            ExportKind::NonPersisted => "nonpersisted",
        }
    }
}

/// Turns the name of a device, a domain or a file into one safe component of a path.
///
/// Ordinary names (ASCII letters and digits, `.`, `_`, `-`, and letters and digits of
/// other scripts) stay as they are. All else is percent-encoded byte by byte, and so is
/// a leading dot. A name that would get too long keeps its beginning and ends with the
/// SHA-256 of the whole. Two different names never give the same component.
pub fn component(name: &str) -> String {
    if name.is_empty() {
        // No other name gives a lone percent sign.
        return "%".to_owned();
    }
    let mut safe = String::with_capacity(name.len());
    // Where the component may be cut without splitting a character or an escape.
    let mut cut = 0;
    let room = MAX_COMPONENT - HASH_MARK.len() - 64;
    for (index, character) in name.char_indices() {
        if is_ordinary(character) && !(index == 0 && character == '.') {
            safe.push(character);
        } else {
            percent_encode(character, &mut safe);
        }
        if safe.len() <= room {
            cut = safe.len();
        }
    }
    if safe.len() > MAX_COMPONENT {
        safe.truncate(cut);
        safe.push_str(HASH_MARK);
        safe.push_str(&hex(&Sha256::digest(name.as_bytes())));
    }
    safe
}

/// A name for a list whose parts are told apart by `,` and `~`, and in which somebody may take it for a folder's. A
/// plain name stays as it is, blanks and stars with it; any other is percent-encoded as its folder in the store is.
pub fn list_word(name: &str) -> Cow<'_, str> {
    let is_odd = |c| matches!(c, ',' | '~' | '/' | '\\' | '%') || is_unsafe(c);
    match name.is_empty() || name.starts_with('.') || name.contains(is_odd) {
        true => Cow::Owned(component(name).replace(HASH_MARK, "%-")),
        false => Cow::Borrowed(name),
    }
}

/// Whether [`component`] could have given this name.
pub(super) fn is_component(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let is_ours = |character| is_ordinary(character) || matches!(character, '%' | '~');
    !name.starts_with('.') && name.len() <= MAX_COMPONENT && name.chars().all(is_ours)
}

/// The local time of `zone`, as `yyyy-MM-dd-HH-mm-ss-SSS`.
pub fn timestamp(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d-%H-%M-%S-%3f")
        .to_string()
}

/// The final path of an export. `domain` is `all-domains` for one of everything: a
/// domain of that very name could not be told apart, on the wire as little as here.
pub fn export_path(
    store: &Path,
    device: &str,
    domain: &str,
    at: Timestamp,
    zone: &TimeZone,
    kind: ExportKind,
) -> PathBuf {
    let name = format!(
        "{}{EXPORT_INFIX}{}-{}.zip",
        component(domain),
        timestamp(at, zone),
        kind.code()
    );
    exports_dir(store, device, domain).join(name)
}

/// The final path of the folder of a secure backup.
pub fn secure_backup_dir(store: &Path, device: &str, at: Timestamp, zone: &TimeZone) -> PathBuf {
    secure_backups_dir(store, device).join(timestamp(at, zone))
}

/// The folder that holds the exports of a domain.
pub fn exports_dir(store: &Path, device: &str, domain: &str) -> PathBuf {
    domains_dir(store, device).join(component(domain))
}

/// The folder that holds those of all the exports of a device.
pub fn domains_dir(store: &Path, device: &str) -> PathBuf {
    store.join(component(device)).join(DOMAIN_FOLDER)
}

/// The folder that holds the secure backups of a device.
pub fn secure_backups_dir(store: &Path, device: &str) -> PathBuf {
    store.join(component(device)).join(SECURE_BACKUP_FOLDER)
}

/// The domain that the name of an export says it is of, as a component: `DOM1` of
/// `DOM1-export-2026-01-02-03-04-05-678-persisted.zip`. `None` of a file that has no such name.
pub(super) fn domain_in_name(path: &Path) -> Option<&str> {
    let (domain, rest) = path.file_name()?.to_str()?.rsplit_once(EXPORT_INFIX)?;
    let (at, kind) = rest.strip_suffix(".zip")?.rsplit_once('-')?;
    let is_kind = [ExportKind::Persisted, ExportKind::NonPersisted]
        .iter()
        .any(|known| known.code() == kind);
    (is_kind && looks_like_timestamp(at)).then_some(domain)
}

/// Whether `name` has the shape that [`timestamp`] gives: digits, and dashes between them.
pub(super) fn looks_like_timestamp(name: &str) -> bool {
    let shape = b"dddd-dd-dd-dd-dd-dd-ddd";
    name.len() == shape.len()
        && name.bytes().zip(shape).all(|(byte, expected)| match expected {
            b'd' => byte.is_ascii_digit(),
            _ => byte == b'-',
        })
}

fn is_ordinary(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => true,
        other => !other.is_ascii() && other.is_alphanumeric(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in [
            "default",
            "QA-device1",
            "a.b_c-9",
            "Zürich",
            "東京",
            "x..y",
            "a.partial",
        ] {
            assert_eq!(component(name), name);
        }
    }

    #[test]
    fn odd_names_are_contained() {
        let cases = [
            ("", "%"),
            (".", "%2E"),
            ("..", "%2E."),
            (".hidden", "%2Ehidden"),
            ("a/b", "a%2Fb"),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
            ("a\\b", "a%5Cb"),
            ("a b", "a%20b"),
            ("a\0b\n", "a%00b%0A"),
            ("100%", "100%25"),
            ("a%2Fb", "a%252Fb"),
            ("\u{202E}cod", "%E2%80%AEcod"),
            ("\u{FFFD}", "%EF%BF%BD"),
        ];
        for (name, expected) in cases {
            assert_eq!(component(name), expected, "of {name:?}");
        }
    }

    #[test]
    fn in_a_list_a_plain_name_stays_and_none_is_two_or_leads_elsewhere() {
        for name in ["default", "QA-1.x", "a b", "Zürich", "DOM*", "-x", "!x"] {
            assert_eq!(list_word(name), name);
        }
        for (name, word) in [
            ("", "%"),
            ("..", "%2E."),
            (".git", "%2Egit"),
            ("a,b", "a%2Cb"),
            ("x,FAILED~1,exportDomain", "x%2CFAILED%7E1%2CexportDomain"),
            ("../../evil", "%2E.%2F..%2Fevil"),
            ("a\nb c", "a%0Ab%20c"),
            ("a\u{202e}b", "a%E2%80%AEb"),
            ("a%2Cb", "a%252Cb"),
        ] {
            assert_eq!(list_word(name), word, "of {name:?}");
        }
        let long = list_word(&"a,".repeat(300)).into_owned();
        assert!(!long.contains(['~', ',']) && long.len() < 200, "{long}");
    }

    #[test]
    fn the_name_of_an_export_says_which_domain_it_is_of_and_no_other_name_does() {
        for kind in [ExportKind::Persisted, ExportKind::NonPersisted] {
            for domain in ["DOM1", "a b", "x-export-y"] {
                let path = export_path(
                    Path::new("/s"),
                    "QA1",
                    domain,
                    Timestamp::UNIX_EPOCH,
                    &TimeZone::UTC,
                    kind,
                );
                assert_eq!(domain_in_name(&path), Some(component(domain).as_str()));
            }
        }
        let others = [
            "DOM1.zip",
            "DOM1-export-yesterday-persisted.zip",
            "DOM1-export-1970-01-01-00-00-00-000-kept.zip",
            "DOM1-export-1970-01-01-00-00-00-000-persisted.tgz",
        ];
        for other in others {
            assert_eq!(domain_in_name(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn names_that_others_give_their_folders_are_no_components() {
        for name in [
            "lost+found",
            ".snapshot",
            ".zfs",
            "@eaDir",
            "#recycle",
            "$RECYCLE.BIN",
            "System Volume Information",
        ] {
            assert!(!is_component(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn over_long_names_keep_their_beginning_and_end_with_a_hash() {
        let long = "ü".repeat(300);
        let short = component(&long);
        assert_eq!(short.len(), MAX_COMPONENT);
        assert!(short.starts_with("üüü"));
        assert_ne!(short, component(&"ü".repeat(301)));
        assert_eq!(component(&"a".repeat(MAX_COMPONENT)).len(), MAX_COMPONENT);
        assert!(!component(&"a".repeat(MAX_COMPONENT)).contains('%'));
    }

    #[test]
    fn a_shortened_component_cannot_be_the_name_of_something_else() {
        let short = component(&"a".repeat(300));
        assert_ne!(component(&short), short);
    }

    proptest! {
        #[test]
        fn a_component_is_one_safe_step_of_a_path(name in any::<String>()) {
            let safe = component(&name);
            prop_assert!(!safe.is_empty() && safe.len() <= MAX_COMPONENT);
            prop_assert!(!safe.starts_with('.'));
            prop_assert!(!safe.contains(|c: char| c == '/' || c == '\\' || c.is_control()));
            prop_assert!(is_component(OsStr::new(&safe)));
        }

        #[test]
        fn different_names_give_different_components(a in "[.%/a]{0,6}", b in "[.%/a2F]{0,6}") {
            prop_assert_eq!(a == b, component(&a) == component(&b));
        }
    }

    #[test]
    fn paths_are_those_of_the_store() {
        let at: Timestamp = "2026-03-01T22:30:05.007Z".parse().expect("a time");
        let zone = TimeZone::get("Europe/Rome").expect("a zone");
        let store = Path::new("/backup");
        assert_eq!(
            export_path(store, "QA1", "SALES", at, &zone, ExportKind::Persisted),
            Path::new("/backup/QA1/domain/SALES/SALES-export-2026-03-01-23-30-05-007-persisted.zip")
        );
        assert_eq!(
            export_path(store, "QA1", "all-domains", at, &zone, ExportKind::NonPersisted),
            Path::new(
                "/backup/QA1/domain/all-domains/all-domains-export-2026-03-01-23-30-05-007-nonpersisted.zip"
            )
        );
        let folder = secure_backup_dir(store, "QA1", at, &zone);
        assert_eq!(
            folder,
            Path::new("/backup/QA1/secure-backup/2026-03-01-23-30-05-007")
        );
        assert!(looks_like_timestamp("2026-03-01-23-30-05-007"));
        assert!(!looks_like_timestamp("2026-03-01-23-30-05-07x"));
    }

    #[test]
    fn the_longest_staged_name_fits_into_a_file_system() {
        let at = Timestamp::UNIX_EPOCH;
        let path = export_path(
            Path::new("/s"),
            "d",
            &"/".repeat(500),
            at,
            &TimeZone::UTC,
            ExportKind::NonPersisted,
        );
        let name = path.file_name().expect("a name");
        assert!(name.len() + PARTIAL.len() <= 255);
    }
}
