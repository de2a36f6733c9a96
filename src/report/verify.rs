//! What `verify` found: a line for each file, and one JSON document.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::artifact::archive::{ArchiveKind, VerifiedDomain};
use crate::artifact::recheck::{FileState, FileVerdict, Recognized};
use crate::report::json;
use crate::run::event::TaskId;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::lacks::Lacks;
use crate::values::text::{hanging, printable};

/// Grows when a key goes away or changes its meaning, and not when one is added.
const SCHEMA_VERSION: u32 = 1;

/// One file that was looked at, or the folder of a secure backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Where it stands, or should.
    pub path: PathBuf,
    /// What history calls its kind, `secure-backup-folder`; none where it knows nothing of it.
    pub kind: Option<&'static str>,
    /// The task execution that stored it; `None` where history knows nothing of it, here and below.
    pub task: Option<TaskId>,
    /// The device it came from.
    pub device: Option<String>,
    /// The domain, or `all-domains`.
    pub domain: Option<String>,
    /// What came of it.
    pub verified: Verified,
    pub notes: Vec<String>,
    /// What a secure backup is encrypted for, as far as the device told.
    pub certificate: Option<CertificateFacts>,
}

impl Checked {
    /// What came of a file of which history knows nothing.
    pub fn unrecorded(path: &Path, verdict: FileVerdict) -> Self {
        Self {
            path: path.to_owned(),
            kind: None,
            task: None,
            device: None,
            domain: None,
            verified: Verified::Looked(verdict),
            notes: Vec::new(),
            certificate: None,
        }
    }

    /// Whether it is not what a task has stored, as far as it could be read.
    pub fn is_not_as_stored(&self) -> bool {
        let state = self.verified.verdict().map(|verdict| verdict.state);
        let is_it = matches!(
            state,
            Some(FileState::Changed | FileState::Bad | FileState::Missing)
        );
        is_it && self.task.is_some()
    }
}

/// What came of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It was looked at.
    Looked(FileVerdict),
    /// Nothing is to be found: history says that it was removed.
    Pruned,
    /// Nothing is to be found: an export equal to the one before was not kept.
    NotKept,
}

impl Verified {
    /// In one word.
    pub fn word(&self) -> &'static str {
        match self {
            Verified::Looked(verdict) => match verdict.state {
                FileState::Ok => "OK",
                FileState::Changed => "CHANGED",
                FileState::Unreadable => "UNREADABLE",
                FileState::Bad => "BAD",
                FileState::Missing => "MISSING",
            },
            Verified::Pruned => "PRUNED",
            Verified::NotKept => "NOT_KEPT",
        }
    }

    /// Whether it is as it should be.
    pub fn is_good(&self) -> bool {
        match self {
            Verified::Looked(verdict) => verdict.state == FileState::Ok,
            Verified::Pruned | Verified::NotKept => true,
        }
    }

    fn verdict(&self) -> Option<&FileVerdict> {
        match self {
            Verified::Looked(verdict) => Some(verdict),
            Verified::Pruned | Verified::NotKept => None,
        }
    }

    /// What somebody should look at.
    pub fn warnings(&self) -> &[String] {
        self.verdict().map_or(&[], |verdict| &verdict.warnings)
    }
}

/// The columns of the word that a line begins with.
const WORD: usize = 10;

/// The line of a file, and one more for each of its warnings and notes; within the columns of a
/// terminal. Where the store is given, it was named, and paths in it begin there.
pub fn line(checked: &Checked, store: Option<&Path>, width: Option<u16>) -> String {
    let verified = &checked.verified;
    let about = verified
        .verdict()
        .and_then(|verdict| verdict.recognized.as_ref())
        .and_then(about);
    let mut remarks: Vec<&str> = Vec::new();
    if let Some(verdict) = verified.verdict() {
        if verdict.reasons.is_empty() {
            remarks.extend(about.as_deref());
        }
        remarks.extend(verdict.reasons.iter().map(String::as_str));
    }
    remarks.extend(checked.notes.iter().map(String::as_str));
    let stored = checked.task.map(|task| format!("task {} stored it", task.0));
    remarks.extend(stored.as_deref().filter(|_| checked.is_not_as_stored()));
    let path = store.and_then(|store| checked.path.strip_prefix(store).ok());
    let mut text = path.unwrap_or(&checked.path).to_string_lossy().into_owned();
    if !remarks.is_empty() {
        text.push_str(": ");
        text.push_str(&remarks.join("; "));
    }
    let behind = |word: &str, text: &str| {
        let text = hanging(&printable(text), WORD + 1, width);
        format!("{word:<WORD$} {text}\n")
    };
    let mut lines = behind(verified.word(), &text);
    for warning in verified.warnings() {
        lines.push_str(&behind("  warning:", warning));
    }
    for note in verified.verdict().map_or(&[][..], |verdict| &verdict.notes) {
        lines.push_str(&behind("  note:", note));
    }
    if let Some(certificate) = &checked.certificate {
        let text = format!("encrypted for {}", certificate.words());
        lines.push_str(&behind("  note:", &text));
    }
    lines
}

/// What a good file or folder is, in words.
fn about(recognized: &Recognized) -> Option<String> {
    let report = match recognized {
        Recognized::Archive(report) => report,
        Recognized::SecureBackup(report) => {
            let (files, bytes) = (report.files, report.bytes);
            let mut text = format!("secure backup, {files} files, {bytes} bytes");
            for (names, what) in [(&report.size_only, "size"), (&report.name_only, "name")] {
                if !names.is_empty() {
                    text.push_str(&format!(", {} of them verified by {what} only", names.len()));
                }
            }
            return Some(text);
        }
        // It is named as the reason why it is bad.
        Recognized::Lookalike(_) => return None,
    };
    let names: Vec<&str> = report.domains.iter().map(|domain| domain.name.as_str()).collect();
    let domains = match names.as_slice() {
        [only] => format!("domain {only}"),
        [first, second] => format!("domains {first}, {second}"),
        [first, second, third] => format!("domains {first}, {second}, {third}"),
        many => format!("{} domains", many.len()),
    };
    let firmware = report.firmware_version.as_deref().unwrap_or("firmware not told");
    let (entries, objects) = (report.entries, report.objects);
    Some(format!(
        "{}, {domains}, {firmware}, {entries} entries, {objects} objects",
        archive_word(report.kind)
    ))
}

fn archive_word(kind: ArchiveKind) -> &'static str {
    match kind {
        ArchiveKind::DoBackup => "do-backup",
        ArchiveKind::DoExport => "do-export",
    }
}

/// The last line.
pub fn summary(checked: &[Checked]) -> String {
    if checked.is_empty() {
        return "nothing to verify: history knows no such file in the store\n".to_owned();
    }
    let words = [
        "OK",
        "CHANGED",
        "UNREADABLE",
        "BAD",
        "MISSING",
        "PRUNED",
        "NOT_KEPT",
    ];
    let counts = words.iter().filter_map(|word| {
        let count = checked.iter().filter(|one| one.verified.word() == *word).count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    let mut text = counts.collect::<Vec<_>>().join(", ");
    let warnings: usize = checked.iter().map(|one| one.verified.warnings().len()).sum();
    match warnings {
        0 => {}
        1 => text.push_str(", 1 warning"),
        more => text.push_str(&format!(", {more} warnings")),
    }
    text.push('\n');
    text
}

/// All of it as JSON. `good` is whether everything that was asked for was looked at, and is as it should be.
pub fn document(checked: &[Checked], good: bool) -> String {
    let files = checked.iter().map(|one| {
        let verdict = one.verified.verdict();
        VerifiedFileObject {
            path: one.path.to_string_lossy().into_owned(),
            state: one.verified.word(),
            reasons: verdict.map_or(&[], |verdict| &verdict.reasons),
            warnings: one.verified.warnings(),
            notes: verdict
                .map_or(&[][..], |verdict| &verdict.notes)
                .iter()
                .chain(&one.notes)
                .map(String::as_str)
                .collect(),
            about: verdict
                .and_then(|verdict| verdict.recognized.as_ref())
                .and_then(about),
            recognized: RecognizedObject::of(verdict.and_then(|verdict| verdict.recognized.as_ref())),
            certificate: one.certificate.as_ref(),
            kind: one.kind,
            device_name: one.device.as_deref(),
            domain_name: one.domain.as_deref(),
            task_execution_id: one.task.map(|task| task.0),
        }
    });
    json::document(
        SCHEMA_VERSION,
        &VerifyDocument {
            good,
            files: files.collect(),
        },
    )
}

#[derive(Serialize)]
struct VerifyDocument<'a> {
    good: bool,
    files: Vec<VerifiedFileObject<'a>>,
}

#[derive(Serialize)]
struct VerifiedFileObject<'a> {
    path: String,
    state: &'static str,
    reasons: &'a [String],
    warnings: &'a [String],
    notes: Vec<&'a str>,
    about: Option<String>,
    #[serde(flatten)]
    recognized: RecognizedObject<'a>,
    /// What a secure backup is encrypted for, as the device told it when it was made.
    certificate: Option<&'a CertificateFacts>,
    kind: Option<&'static str>,
    device_name: Option<&'a str>,
    domain_name: Option<&'a str>,
    task_execution_id: Option<i64>,
}

/// What a file is. Keys that do not concern it are null.
#[derive(Default, Serialize)]
struct RecognizedObject<'a> {
    /// `do-backup`, `do-export`, `secure-backup`, or the code of something else.
    what: Option<&'static str>,
    firmware_version: Option<&'a str>,
    build: Option<&'a str>,
    serial: Option<&'a str>,
    gateway_name: Option<&'a str>,
    domains: Option<Vec<VerifiedDomainObject<'a>>>,
    entries: Option<u64>,
    objects: Option<u64>,
    /// Without those of the firmware, and without the manifest of a secure backup.
    files: Option<u64>,
    bytes: Option<u64>,
    lacks: Option<Lacks>,
    /// Parts of a secure backup of which nothing but the size could be compared.
    size_only: Option<&'a [String]>,
    /// Those of which not even that could be.
    name_only: Option<&'a [String]>,
}

#[derive(Serialize)]
struct VerifiedDomainObject<'a> {
    domain_name: &'a str,
    objects: u64,
    files: u64,
    lacks: Lacks,
}

impl<'a> RecognizedObject<'a> {
    fn of(recognized: Option<&'a Recognized>) -> RecognizedObject<'a> {
        match recognized {
            None => RecognizedObject::default(),
            Some(Recognized::Lookalike(lookalike)) => RecognizedObject {
                what: Some(lookalike.code()),
                ..RecognizedObject::default()
            },
            Some(Recognized::SecureBackup(report)) => RecognizedObject {
                what: Some("secure-backup"),
                files: Some(report.files),
                bytes: Some(report.bytes),
                size_only: Some(&report.size_only),
                name_only: Some(&report.name_only),
                ..RecognizedObject::default()
            },
            Some(Recognized::Archive(report)) => RecognizedObject {
                what: Some(archive_word(report.kind)),
                firmware_version: report.firmware_version.as_deref(),
                build: report.firmware_build.as_deref(),
                serial: report.serial_number.as_deref(),
                gateway_name: report.device_name.as_deref(),
                domains: Some(report.domains.iter().map(VerifiedDomainObject::of).collect()),
                entries: Some(report.entries),
                objects: Some(report.objects),
                files: Some(report.domains.iter().map(|domain| domain.files).sum()),
                bytes: Some(report.unpacked_bytes),
                lacks: Some(report.lacks()),
                size_only: None,
                name_only: None,
            },
        }
    }
}

impl VerifiedDomainObject<'_> {
    fn of(domain: &VerifiedDomain) -> VerifiedDomainObject<'_> {
        VerifiedDomainObject {
            domain_name: &domain.name,
            objects: domain.objects,
            files: domain.files,
            lacks: domain.lacks.clone(),
        }
    }
}
