//! `RESTORE.txt`: what stands of a device, and how a person puts it back. It serves whoever has the
//! store and nothing else, so that it is plain text and says what each step overwrites.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::history::{FileRow, TaskRow};
use crate::run::event::FileKind;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::lacks::Lacks;
use crate::values::size::Bytes;
use crate::values::text::printable;

/// So many backups are listed, the newest first.
pub const MOST_BACKUPS: usize = 200;

/// One backup that stands in the store.
#[derive(Clone, Debug)]
pub struct RestorableBackup {
    /// The task that stored it.
    pub task: TaskRow,
    /// Its files of one kind.
    pub files: Vec<FileRow>,
    /// What its task has warned of.
    pub warnings: Vec<String>,
}

const EXPORT_STEPS: &str = "\
HOW TO PUT BACK ONE DOMAIN (from a .zip)
  1. Compare the SHA-256 of the file with the one below (sha256sum FILE).
  2. Take a new export of the domain as it is now, and keep it.
  3. On the gateway, in the domain of the same name: Administration, Import Configuration, the ZIP.
     Look at what would change before you apply it. Then save the configuration.
  An import is a merge: what the backup has overwrites objects and files of the same name; what it does not
  have stays. Never import an export of default from afar: it may change the very interface you are on.
  What no export holds has to come from elsewhere: private keys and certificates of cert: and sharedcert:, the
  values of password aliases, passwords of local users (only hashes are in it). dp-aux/ in an export is the
  gateway's own, and nothing of it is put back. An all-domains file has one ZIP of each domain in it.
";

const SECURE_STEPS: &str = "\
HOW TO PUT BACK THE WHOLE GATEWAY (from secure-backup/)
  1. Find the private key to the certificate below. Without it the backup is lost.
  2. A gateway of the same firmware level, features and kind of hardware, initialized in secure-backup mode, with
     that key and certificate as an identification credential (CryptoIdentCred).
  3. Copy all files of the folder to one folder of its temporary: or local:, and let it VALIDATE the backup first
     (secure-restore with validate on). Only then restore, as the documentation of the firmware says.
  A secure restore OVERWRITES EVERYTHING: all domains, users, files, keys, and the network settings with those
  of the gateway that was backed up. The password of admin is set back, and the gateway restarts.
  Keys in an HSM and passwords of IPMI users are not in it.
";

/// The whole text.
pub fn text(
    device: &str,
    store: &Path,
    backups: &[RestorableBackup],
    left_out: usize,
    zone: &TimeZone,
) -> String {
    let mut text = format!(
        "RESTORE {}\n\nWritten by dpbackup, anew whenever backups of this device come or go. It is no backup itself.\n\n",
        printable(device)
    );
    let has = |kind: fn(FileKind) -> bool| {
        let mut files = backups.iter().flat_map(|backup| &backup.files);
        files.any(|file| kind(file.kind))
    };
    if has(|kind| kind != FileKind::SecureBackup) {
        text.push_str(EXPORT_STEPS);
        text.push('\n');
    }
    if has(|kind| kind == FileKind::SecureBackup) {
        text.push_str(SECURE_STEPS);
        text.push('\n');
    }
    if backups.is_empty() {
        text.push_str(
            "Of the backups of this device that history knows none stands in the store any more.\n",
        );
        return text;
    }
    text.push_str(
        "BACKUPS, the newest first. Paths are those below the store: the folder above that of this file.\n",
    );
    for backup in backups {
        text.push_str(&one(backup, store, zone));
    }
    if left_out > 0 {
        text.push_str(&format!(
            "\nand {left_out} older ones: dpbackup history has them\n"
        ));
    }
    text
}

/// What stands beside the backups that history knows: archives and folders with their bytes, and how many more there are.
/// That they are there is all that is known of them.
pub fn unknown(store: &Path, found: &[(PathBuf, u64)], left_out: usize) -> String {
    if found.is_empty() {
        return String::new();
    }
    let mut text = "\nBESIDE THEM, not known to the history that wrote this: it may have been lost and made anew, or be one of several\n\
                    that use this store. dpbackup verify FILE says whether such a one is whole.\n"
        .to_owned();
    for (path, size) in found {
        let size = Bytes(*size);
        text.push_str(&format!(
            "  {} ({size})\n",
            printable(&below(store, path).to_string_lossy())
        ));
    }
    if left_out > 0 {
        text.push_str(&format!("  and {left_out} more\n"));
    }
    text
}

/// The path of a file from the store on, which may stand elsewhere for whoever reads this.
fn below<'p>(store: &Path, path: &'p Path) -> &'p Path {
    path.strip_prefix(store).unwrap_or(path)
}

fn one(backup: &RestorableBackup, store: &Path, zone: &TimeZone) -> String {
    let task = &backup.task;
    let known = |what: &Option<String>| what.as_deref().map_or("not known".into(), printable).into_owned();
    let kind = backup.files.first().map_or(FileKind::Persisted, |file| file.kind);
    let what = match kind {
        FileKind::SecureBackup => "secure backup of the whole gateway".to_owned(),
        FileKind::Persisted => format!("export of {}, as it was saved", printable(&task.domain_name)),
        FileKind::NonPersisted => format!("export of {}, as it was running", printable(&task.domain_name)),
    };
    let end = task.end_time.unwrap_or(task.status_time).to_zoned(zone.clone());
    let mut text = format!(
        "\n{} {what}\n  task {} ({}), firmware {}, build {}, serial number {}\n",
        end.strftime("%Y-%m-%d %H:%M:%S %:z"),
        task.id.0,
        task.status,
        known(&task.facts.firmware_version),
        known(&task.facts.build),
        known(&task.facts.serial)
    );
    if kind == FileKind::SecureBackup {
        let certificate = task.certificate.as_ref();
        let words = certificate.map_or("certificate not known".to_owned(), CertificateFacts::words);
        text.push_str(&format!(
            "  opens with the private key to {}\n",
            printable(&words)
        ));
    }
    for file in &backup.files {
        let verified = file
            .proof
            .limit()
            .map_or(String::new(), |limit| format!(", verified by {limit}"));
        text.push_str(&format!(
            "  {} ({}{verified})\n    SHA-256 {}\n",
            printable(&below(store, &file.path).to_string_lossy()),
            Bytes(file.size),
            file.sha256
        ));
        // Such as that it is of another gateway by its own words; what else the task met is no matter of the file.
        let is_own = |why: &&String| {
            why.strip_prefix(&file.name)
                .is_some_and(|rest| rest.starts_with([' ', ':']))
        };
        let own = backup.warnings.iter().filter(is_own);
        for warning in own {
            text.push_str(&format!("    warned of: {}\n", printable(warning)));
        }
        let lacks = file.lacks.as_ref().map(Lacks::notes).unwrap_or_default();
        for lack in lacks {
            text.push_str(&format!("    lacks: {}\n", printable(&lack)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn each_kind_has_its_steps_its_key_and_what_it_lacks() {
        let mut details = fixture::details();
        details.task.device_name = "QA\u{1b}1".to_owned();
        details.task.certificate = Some(CertificateFacts {
            object: "backup-cert".to_owned(),
            serial: Some("4096".to_owned()),
            ..CertificateFacts::default()
        });
        let mut secure = details.files[0].clone();
        secure.kind = FileKind::SecureBackup;
        let mut export = details.files[1].clone();
        let mut lacks = Lacks::default();
        lacks.key_files.add("cert:///a.pem");
        export.lacks = Some(lacks);
        let backup = |file: &FileRow| RestorableBackup {
            task: details.task.clone(),
            files: vec![file.clone()],
            warnings: vec![
                format!("{} is of the gateway with serial number 2", file.name),
                "the folder on the device could not be removed".to_owned(),
                format!("{}2 is that of another file", file.name),
            ],
        };
        let told =
            |backups: &[RestorableBackup]| text("QA\u{1b}1", Path::new("/s"), backups, 3, &fixture::zone());
        let both = told(&[backup(&secure), backup(&export)]);
        for words in [
            "RESTORE QA\\u{1b}1",
            "OVERWRITES EVERYTHING",
            "An import is a merge",
            "opens with the private key to backup-cert: subject not known, serial number 4096",
            "lacks: 1 key or certificate is not in it, as in no export: cert:///a.pem",
            "firmware IDG.10.5.0.1, build 333456, serial number 0000001",
            "    warned of: ",
            "is of the gateway with serial number 2\n",
            "and 3 older ones",
            &secure.sha256,
        ] {
            assert!(both.contains(words), "{words:?} is missing:\n{both}");
        }
        assert!(!both.contains("could not be removed"), "{both}");
        assert!(!both.contains("that of another file"), "{both}");
        assert!(!told(&[backup(&export)]).contains("OVERWRITES EVERYTHING"));
        assert!(!told(&[backup(&secure)]).contains("An import is a merge"));
        assert!(
            text("QA1", Path::new("/s"), &[], 0, &fixture::zone())
                .contains("none stands in the store any more")
        );
    }
}
