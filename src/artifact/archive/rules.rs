//! The rules: what has to stand in an archive, and what may not (backup.md, section 4).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::artifact::archive::container::{Budget, Container, ZipEntry};
use crate::artifact::archive::content::{self, Content};
use crate::artifact::archive::early_look::Ahead;
use crate::artifact::archive::export_item::{Detail, ExportItem, Head, ListedFile, RowForm};
use crate::artifact::archive::export_xml::{self, XmlError};
use crate::artifact::archive::level::{BesideDomains, Export, Level, is_inner};
use crate::artifact::archive::listed_files::{self, Contents, EXPORT_XML};
use crate::artifact::archive::lookalike::Lookalike;
use crate::artifact::archive::problem::{ProblemKind, Problems, Reading, VerifyError};
use crate::artifact::archive::repeats::{RepeatedObject, Repeats};
use crate::artifact::archive::row_places::{self, FirmwareRows};
use crate::artifact::archive::window::FileWindow;
use crate::artifact::archive::{ArchiveKind, Expected, Limits, VerifiedArchive, VerifiedDomain};

type Visit<'v> = dyn FnMut(&str, &ExportItem) + 'v;
/// Domains, and what counts of each `export.xml`.
pub(super) type Inspected = (Vec<VerifiedDomain>, Vec<(String, Content)>);

/// Verifies an archive; see [`verify`](crate::artifact::archive::verify).
pub(super) fn verify(
    file: &File,
    scratch: &Path,
    expected: &Expected,
    limits: &Limits,
    ahead: &Ahead,
    (detail, visit): (Detail, &mut Visit<'_>),
) -> Result<VerifiedArchive, VerifyError> {
    let window = FileWindow::whole(file).map_err(VerifyError::Read)?;
    let mut rules = ArchiveRules {
        scratch,
        budget: Budget::new(limits, window.length()),
        findings: Problems::default(),
        objects: 0,
        firmware: FirmwareRows::default(),
        ahead,
        detail,
        visit,
    };
    let verified = match rules.archive(window, expected) {
        Ok(verified) => Some(verified),
        Err(Reading::Noted) => None,
        Err(Reading::Error(error)) => return Err(error),
    };
    let problems = rules.findings.problems;
    match verified {
        Some(verified) if problems.problems.is_empty() => Ok(verified),
        _ => Err(VerifyError::Invalid(problems)),
    }
}

pub(super) struct ArchiveRules<'c, 'v> {
    pub(super) scratch: &'c Path,
    pub(super) budget: Budget<'c>,
    pub(super) findings: Problems,
    /// Objects seen in all.
    pub(super) objects: u64,
    pub(super) firmware: FirmwareRows,
    /// What is known of the entries of the file that is checked.
    pub(super) ahead: &'c Ahead,
    pub(super) detail: Detail,
    pub(super) visit: &'c mut Visit<'v>,
}

impl ArchiveRules<'_, '_> {
    fn archive(&mut self, window: FileWindow<'_>, expected: &Expected) -> Result<VerifiedArchive, Reading> {
        let lookalike = Lookalike::of_start(window.clone());
        if let Some(lookalike) = lookalike.map_err(|error| Reading::Error(VerifyError::Read(error)))? {
            return Err(self.is_no_archive(lookalike));
        }
        let (container, outer) = self.level(window, None, self.ahead, Repeats::default())?;
        let head = outer.export.head.clone();
        let of_no_domain = !head.configurations.is_empty() && head.configurations.iter().all(Option::is_none);
        let is_backup = head.has_domains || of_no_domain;
        let kind = if is_backup {
            ArchiveKind::DoBackup
        } else {
            ArchiveKind::DoExport
        };
        let (mut domains, contents) = match kind {
            ArchiveKind::DoBackup => self.backup(&container, outer)?,
            ArchiveKind::DoExport => self.export(outer, expected)?,
        };
        self.compare_domains(kind, &domains, expected);
        domains.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(VerifiedArchive {
            kind,
            entries: self.budget.entries,
            objects: domains.iter().map(|domain| domain.objects).sum(),
            domains,
            unpacked_bytes: self.budget.unpacked,
            content: content::combine(contents),
            warnings: self.findings.take_warnings(),
            notes: self.findings.take_notes(),
            firmware_version: head.firmware_version,
            firmware_build: head.firmware_build,
            serial_number: head.serial_number,
            device_name: head.device_name,
        })
    }

    /// A `do-export`: one ZIP, one domain.
    fn export(&mut self, mut level: Level, expected: &Expected) -> Result<Inspected, Reading> {
        let head = &level.export.head;
        // Where its details name none, which is told, its sections may.
        let named = head.exported_domain.clone().filter(|name| !name.is_empty());
        let name = named.or_else(|| head.configurations.first().cloned().flatten());
        let name = name.unwrap_or_default();
        if is_inner(&level) {
            return Err(self.is_no_archive(Lookalike::InnerZip));
        }
        // Somebody may have exported files alone, and kept that; as a backup it is none.
        if level.export.objects == 0 && *expected == Expected::Any {
            let text = "it holds files alone, and no configuration object: no backup of a domain";
            self.findings.warn(text);
        } else {
            self.has_objects(&level);
        }
        let (verified, content) = self.domain(&name, &mut level, None);
        Ok((vec![verified], vec![(name, content)]))
    }

    /// Reads one ZIP: every entry to its end, and `export.xml` for what it says; `before` has the
    /// objects of the same domain that stand elsewhere.
    pub(super) fn level<'f>(
        &mut self,
        window: FileWindow<'f>,
        inner: Option<&str>,
        ahead: &Ahead,
        before: Repeats,
    ) -> Result<(Container<'f>, Level), Reading> {
        let container = Container::open(window, inner, &mut self.budget, &mut self.findings)?;
        let mut entries = container.read_all(EXPORT_XML, ahead, &mut self.budget, &mut self.findings)?;
        let Some(entry) = entries.get(EXPORT_XML) else {
            return Err(self.no_export_xml(inner, &entries));
        };
        let mut export = Export {
            repeats: before,
            beside_domains: inner.is_none().then(BesideDomains::default),
            ..Export::default()
        };
        let limits = self.budget.limits;
        let kind = match self.export_xml(&container, entry, &mut export)? {
            None => return Err(Reading::Noted),
            Some(Ok(head)) if self.objects <= limits.objects => {
                self.tell_head(inner, &head);
                export.head = head;
                self.tell_repeats(inner, std::mem::take(&mut export.repeats));
                if export.rows.len() as u64 <= limits.entries {
                    let (budget, findings) = (&mut self.budget, &mut self.findings);
                    let listed = export.rows.iter().filter_map(|row| row.src.as_deref());
                    container.hash(listed, &mut entries, budget, findings)?;
                    return Ok((
                        container,
                        Level {
                            contents: Contents::new(inner, entries),
                            export,
                        },
                    ));
                }
                ProblemKind::OverLimit("rows of files")
            }
            Some(Ok(_)) => ProblemKind::OverLimit("configuration objects"),
            Some(Err(XmlError::OverLimit(what))) => ProblemKind::OverLimit(what),
            Some(Err(error)) => ProblemKind::BadExportXml(error.to_string()),
        };
        self.problem(inner, Some(EXPORT_XML), kind);
        Err(Reading::Noted)
    }

    /// The end of an archive without the one file that each has.
    fn no_export_xml(&mut self, inner: Option<&str>, entries: &BTreeMap<String, ZipEntry>) -> Reading {
        let files = entries.iter().filter(|(_, entry)| !entry.is_folder());
        let lookalike = Lookalike::of_names(files.map(|(name, _)| name.as_str()));
        match lookalike.filter(|_| inner.is_none()) {
            Some(lookalike) => self.is_no_archive(lookalike),
            None => {
                self.problem(inner, None, ProblemKind::NoExportXml);
                Reading::Noted
            }
        }
    }

    /// Reads `export.xml` into `export`, and gives what it says of itself; none where its entry is damaged.
    fn export_xml(
        &mut self,
        container: &Container<'_>,
        entry: &ZipEntry,
        export: &mut Export,
    ) -> Result<Option<Result<Head, XmlError>>, Reading> {
        let mut domain = String::new();
        let (limits, detail) = (self.budget.limits, self.detail);
        let (visit, objects) = (&mut *self.visit, &mut self.objects);
        let work = |bytes: &mut dyn Read| {
            let mut take = |item: ExportItem| {
                match &item {
                    ExportItem::Configuration(Some(name)) => domain.clone_from(name),
                    ExportItem::Object(_) | ExportItem::Unknown(_) => *objects += 1,
                    _ => {}
                }
                // Over the limit nothing more is kept; that it was is told by whoever asked.
                if *objects <= limits.objects && export.rows.len() as u64 <= limits.entries {
                    visit(&domain, &item);
                    export.add(item);
                }
            };
            match export_xml::read(BufReader::new(bytes), limits, detail, &mut take) {
                Err(XmlError::Read(error)) => Err(error),
                other => Ok(other),
            }
        };
        let read = container.read_entry(entry, EXPORT_XML, &mut self.budget, &mut self.findings, work)?;
        Ok(read.map(|(_, read)| read))
    }

    /// Tells what programs could read differently in it.
    fn tell_head(&mut self, inner: Option<&str>, head: &Head) {
        let place = inner.map(|inner| format!("{inner}: ")).unwrap_or_default();
        if head.has_own_namespace {
            self.findings.warn(&format!(
                "{place}{EXPORT_XML} is in a namespace, and programs that go by them read it otherwise"
            ));
        }
        for what in &head.two_readings.0 {
            self.findings.warn(&format!(
                "{place}{EXPORT_XML}: {what}, which programs may read otherwise"
            ));
        }
    }

    /// Checks what the ZIP of one domain holds.
    pub(super) fn domain(
        &mut self,
        name: &str,
        level: &mut Level,
        outer: Option<&mut Contents>,
    ) -> (VerifiedDomain, Content) {
        let Level { contents, export } = level;
        let inner = contents.inner.clone();
        self.says_domain(inner.as_deref(), &export.head, name);
        let mut content = std::mem::take(&mut export.content);
        listed_files::check(&export.rows, contents, outer, &mut content, &mut self.findings);
        row_places::check(
            &export.rows,
            inner.as_deref(),
            &mut self.firmware,
            &mut self.findings,
        );
        contents.nothing_unlisted(&mut self.findings);
        if name != "default" && export.of_device.count > 0 {
            self.findings.warn(&format!(
                "domain {name} has configuration of the whole gateway in it, which no gateway is known to export so: {}",
                export.of_device
            ));
        }
        let is_held =
            |row: &&ListedFile| !row.internal && matches!(row.form(), RowForm::Hashed(_) | RowForm::Unproved);
        let verified = VerifiedDomain {
            name: name.to_owned(),
            objects: export.objects,
            files: export.rows.iter().filter(is_held).count() as u64,
            lacks: std::mem::take(&mut export.lacks).finish(&export.rows),
        };
        (verified, content)
    }

    fn tell_repeats(&mut self, inner: Option<&str>, repeats: Repeats) {
        for repeat in repeats.found {
            match (repeat, inner) {
                (RepeatedObject::Differs(what), _) => {
                    self.problem(inner, Some(EXPORT_XML), ProblemKind::Ambiguous(what));
                }
                (RepeatedObject::Same(what), None) => self.findings.warn(&format!("{EXPORT_XML}: {what}")),
                (RepeatedObject::Same(what), Some(inner)) => {
                    self.findings.warn(&format!("{inner}: {EXPORT_XML}: {what}"));
                }
            }
        }
    }

    pub(super) fn has_objects(&mut self, level: &Level) {
        if level.export.objects == 0 {
            let inner = level.contents.inner.as_deref();
            self.problem(inner, Some(EXPORT_XML), ProblemKind::NoObject);
        }
    }

    /// Both places where an `export.xml` names its domain have to name this one.
    fn says_domain(&mut self, inner: Option<&str>, head: &Head, name: &str) {
        self.exports_domain(inner, head, name);
        for domain in &head.configurations {
            if domain.as_deref() != Some(name) {
                self.wrong_domain(inner, domain.as_deref().unwrap_or_default(), name);
            }
        }
    }

    pub(super) fn exports_domain(&mut self, inner: Option<&str>, head: &Head, name: &str) {
        match head
            .exported_domain
            .as_deref()
            .filter(|exported| !exported.is_empty())
        {
            Some(exported) if exported == name => {}
            Some(exported) => self.wrong_domain(inner, exported, name),
            None => {
                let why = "its export-details name no domain".to_owned();
                self.problem(inner, Some(EXPORT_XML), ProblemKind::BadExportXml(why));
            }
        }
    }

    fn compare_domains(&mut self, kind: ArchiveKind, domains: &[VerifiedDomain], expected: &Expected) {
        let found: BTreeSet<&str> = domains.iter().map(|domain| domain.name.as_str()).collect();
        if found.is_empty() {
            self.problem(None, Some(EXPORT_XML), ProblemKind::NoDomain);
        }
        let (wanted, more_is_wrong) = match expected {
            Expected::Any => return,
            Expected::AllDomains(known) => {
                if kind != ArchiveKind::DoBackup {
                    self.problem(None, None, ProblemKind::WrongKind);
                }
                match known {
                    None => return,
                    Some(known) => (known, false),
                }
            }
            Expected::Domains(wanted) => (wanted, true),
        };
        for name in wanted.iter().filter(|name| !found.contains(name.as_str())) {
            self.problem(None, None, ProblemKind::DomainMissing(name.clone()));
        }
        for name in found.into_iter().filter(|name| !wanted.contains(*name)) {
            if more_is_wrong {
                self.problem(None, None, ProblemKind::DomainUnexpected(name.to_owned()));
            } else {
                self.findings
                    .warn(&format!("domain {name} is new since the domains were listed"));
            }
        }
    }

    fn is_no_archive(&mut self, lookalike: Lookalike) -> Reading {
        self.problem(None, None, ProblemKind::Lookalike(lookalike));
        Reading::Noted
    }

    pub(super) fn wrong_domain(&mut self, inner: Option<&str>, found: &str, expected: &str) {
        let (found, expected) = (found.to_owned(), expected.to_owned());
        let kind = ProblemKind::WrongDomain { found, expected };
        self.problem(inner, Some(EXPORT_XML), kind);
    }

    pub(super) fn problem(&mut self, inner: Option<&str>, entry: Option<&str>, kind: ProblemKind) {
        self.findings.problem(inner, entry, kind);
    }
}
