//! The rules: what has to stand in an archive, and what may not (backup.md, section 4).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::artifact::archive::container::{Budget, Container};
use crate::artifact::archive::content::{self, Content};
use crate::artifact::archive::export_xml::{self, XmlError};
use crate::artifact::archive::item::{Detail, FileRow, Head, Item};
use crate::artifact::archive::problem::{Findings, ProblemKind, Stop, VerifyError};
use crate::artifact::archive::rows::{self, Contents, EXPORT_XML};
use crate::artifact::archive::window::Window;
use crate::artifact::archive::{DomainReport, Expected, Kind, Limits, Report, scratch};

/// The domain that a `do-backup` is asked of, and that its outer `export.xml` names.
const BACKUP_DOMAIN: &str = "default";

type Visit<'v> = dyn FnMut(&str, &Item) + 'v;
/// Domains, and what counts of each `export.xml`.
type Found = (Vec<DomainReport>, Vec<(String, Content)>);

/// Verifies an archive; see [`verify`](crate::artifact::archive::verify).
pub(super) fn check(
    file: &File,
    scratch: &Path,
    expected: &Expected,
    limits: &Limits,
    detail: Detail,
    visit: &mut Visit<'_>,
) -> Result<Report, VerifyError> {
    let window = Window::whole(file).map_err(VerifyError::Read)?;
    let mut check = Check {
        scratch,
        budget: Budget::new(limits, window.length()),
        findings: Findings::default(),
        objects: 0,
        detail,
        visit,
    };
    let report = match check.archive(window, expected) {
        Ok(report) => Some(report),
        Err(Stop::Noted) => None,
        Err(Stop::Error(error)) => return Err(error),
    };
    let problems = check.findings.problems;
    match report {
        Some(report) if problems.problems.is_empty() => Ok(report),
        _ => Err(VerifyError::Invalid(problems)),
    }
}

struct Check<'c, 'v> {
    scratch: &'c Path,
    budget: Budget<'c>,
    findings: Findings,
    /// Objects seen in all.
    objects: u64,
    detail: Detail,
    visit: &'c mut Visit<'v>,
}

/// One ZIP that has been read.
struct Level {
    contents: Contents,
    export: Export,
}

/// What its `export.xml` holds.
#[derive(Default)]
struct Export {
    head: Head,
    rows: Vec<FileRow>,
    domains: Vec<String>,
    content: Content,
    objects: u64,
    /// The names of the objects of class `Domain`.
    domain_objects: BTreeSet<String>,
}

impl Check<'_, '_> {
    fn archive(&mut self, window: Window<'_>, expected: &Expected) -> Result<Report, Stop> {
        let (mut container, outer) = self.level(window, None)?;
        let head = outer.export.head.clone();
        let is_backup = head.has_domains || head.configurations.iter().all(Option::is_none);
        let kind = if is_backup { Kind::DoBackup } else { Kind::DoExport };
        let (mut domains, contents) = match kind {
            Kind::DoBackup => self.backup(&mut container, outer)?,
            Kind::DoExport => self.export(outer),
        };
        self.compare_domains(kind, &domains, expected);
        domains.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Report {
            kind,
            entries: self.budget.entries,
            objects: domains.iter().map(|domain| domain.objects).sum(),
            domains,
            unpacked_bytes: self.budget.unpacked,
            content: content::combine(contents),
            warnings: self.findings.take_warnings(),
            firmware_version: head.firmware_version,
            firmware_build: head.firmware_build,
            serial_number: head.serial_number,
            device_name: head.device_name,
        })
    }

    /// A `do-export`: one ZIP, one domain.
    fn export(&mut self, mut level: Level) -> Found {
        let name = level.export.head.exported_domain.clone().unwrap_or_default();
        let (report, content) = self.domain(&name, &mut level, None);
        (vec![report], vec![(name, content)])
    }

    /// A `do-backup`: a ZIP of ZIPs.
    fn backup(&mut self, container: &mut Container<'_>, outer: Level) -> Result<Found, Stop> {
        let Level {
            contents: mut outer,
            mut export,
        } = outer;
        let exported = export.head.exported_domain.as_deref().unwrap_or_default();
        if exported != BACKUP_DOMAIN {
            self.wrong_domain(None, exported, BACKUP_DOMAIN);
        }
        let (mut reports, mut contents) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        let mut is_complete = true;
        for name in std::mem::take(&mut export.domains) {
            if !seen.insert(name.clone()) {
                let why = format!("it lists domain {name} twice");
                self.problem(None, Some(EXPORT_XML), ProblemKind::BadExportXml(why));
                continue;
            }
            if !export.domain_objects.contains(&name) {
                let text = format!("{EXPORT_XML}: domain {name} has no Domain object");
                self.findings.warn(&text);
            }
            match self.inner(container, &mut outer, &format!("{name}.zip")) {
                Ok(mut level) => {
                    let (report, content) = self.domain(&name, &mut level, Some(&mut outer));
                    reports.push(report);
                    contents.push((name, content));
                }
                // The other domains are looked at all the same.
                Err(Stop::Noted) => {
                    is_complete = false;
                    reports.push(DomainReport {
                        name,
                        objects: 0,
                        files: 0,
                        keys: 0,
                    });
                }
                Err(stop) => return Err(stop),
            }
        }
        let mut content = export.content;
        rows::check(&export.rows, &mut outer, None, &mut content, &mut self.findings);
        contents.push((String::new(), content));
        // Files of the firmware are listed by the inner ZIPs only.
        if is_complete {
            outer.nothing_unlisted(&mut self.findings);
        }
        Ok((reports, contents))
    }

    /// Reads the inner ZIP of a domain, where it stands or unpacked.
    fn inner(
        &mut self,
        container: &mut Container<'_>,
        outer: &mut Contents,
        zip: &str,
    ) -> Result<Level, Stop> {
        let Some(entry) = outer.list(zip) else {
            self.problem(None, Some(zip), ProblemKind::Missing);
            return Err(Stop::Noted);
        };
        if entry.sha1.is_none() {
            return Err(Stop::Noted);
        }
        if let Some(window) = container.in_place(entry)? {
            return Ok(self.level(window, Some(zip))?.1);
        }
        let failed = |error| Stop::Error(VerifyError::Scratch(error));
        let mut file = scratch::nameless(self.scratch).map_err(failed)?;
        container.unpack_to(entry, zip, &mut self.budget, &mut self.findings, &mut file)?;
        let window = Window::whole(&file).map_err(failed)?;
        Ok(self.level(window, Some(zip))?.1)
    }

    /// Reads one ZIP: every entry to its end, and `export.xml` for what it says.
    fn level<'f>(&mut self, window: Window<'f>, inner: Option<&str>) -> Result<(Container<'f>, Level), Stop> {
        let mut container = Container::open(window, inner, &mut self.budget, &mut self.findings)?;
        let entries = container.read_all(EXPORT_XML, &mut self.budget, &mut self.findings)?;
        let Some(entry) = entries.get(EXPORT_XML) else {
            self.problem(inner, None, ProblemKind::NoExportXml);
            return Err(Stop::Noted);
        };
        let mut domain = String::new();
        let mut export = Export::default();
        let (limits, detail) = (self.budget.limits, self.detail);
        let (visit, objects) = (&mut *self.visit, &mut self.objects);
        let work = |bytes: &mut dyn Read| {
            let mut take = |item: Item| {
                match &item {
                    Item::Configuration(Some(name)) => domain.clone_from(name),
                    Item::Object(_) | Item::Unknown(_) => *objects += 1,
                    _ => {}
                }
                // Over the limit nothing more is kept; that it was is told below.
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
        let read = container.read_entry(
            entry.index(),
            EXPORT_XML,
            &mut self.budget,
            &mut self.findings,
            work,
        )?;
        let kind = match read {
            None => return Err(Stop::Noted),
            Some((_, Ok(head))) if self.objects <= limits.objects => {
                export.head = head;
                if export.rows.len() as u64 <= limits.entries {
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
            Some((_, Ok(_))) => ProblemKind::OverLimit("configuration objects"),
            Some((_, Err(XmlError::OverLimit(what)))) => ProblemKind::OverLimit(what),
            Some((_, Err(error))) => ProblemKind::BadExportXml(error.to_string()),
        };
        self.problem(inner, Some(EXPORT_XML), kind);
        Err(Stop::Noted)
    }

    /// Checks what the ZIP of one domain holds.
    fn domain(
        &mut self,
        name: &str,
        level: &mut Level,
        outer: Option<&mut Contents>,
    ) -> (DomainReport, Content) {
        let Level { contents, export } = level;
        let inner = contents.inner.clone();
        self.says_domain(inner.as_deref(), &export.head, name);
        if export.objects == 0 {
            self.problem(inner.as_deref(), Some(EXPORT_XML), ProblemKind::NoObject);
        }
        let mut content = std::mem::take(&mut export.content);
        rows::check(&export.rows, contents, outer, &mut content, &mut self.findings);
        contents.nothing_unlisted(&mut self.findings);
        let count = |wanted: fn(&&FileRow) -> bool| export.rows.iter().filter(wanted).count() as u64;
        let report = DomainReport {
            name: name.to_owned(),
            objects: export.objects,
            files: count(|row| !row.internal && !row.key),
            keys: count(|row| row.key),
        };
        (report, content)
    }

    /// Both places where an `export.xml` names its domain have to name this one.
    fn says_domain(&mut self, inner: Option<&str>, head: &Head, name: &str) {
        let exported = head.exported_domain.as_deref().unwrap_or_default();
        if exported != name || name.is_empty() {
            self.wrong_domain(inner, exported, name);
        }
        for domain in &head.configurations {
            if domain.as_deref() != Some(name) {
                self.wrong_domain(inner, domain.as_deref().unwrap_or_default(), name);
            }
        }
    }

    fn compare_domains(&mut self, kind: Kind, domains: &[DomainReport], expected: &Expected) {
        let found: BTreeSet<&str> = domains.iter().map(|domain| domain.name.as_str()).collect();
        if found.is_empty() {
            self.problem(None, Some(EXPORT_XML), ProblemKind::NoDomain);
        }
        let (wanted, more_is_wrong) = match expected {
            Expected::Any => return,
            Expected::AllDomains(known) => {
                if kind != Kind::DoBackup {
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

    fn wrong_domain(&mut self, inner: Option<&str>, found: &str, expected: &str) {
        let (found, expected) = (found.to_owned(), expected.to_owned());
        let kind = ProblemKind::WrongDomain { found, expected };
        self.problem(inner, Some(EXPORT_XML), kind);
    }

    fn problem(&mut self, inner: Option<&str>, entry: Option<&str>, kind: ProblemKind) {
        self.findings.problem(inner, entry, kind);
    }
}

impl Export {
    fn add(&mut self, item: Item) {
        match item {
            Item::Object(object) => {
                self.objects += 1;
                self.content.add_object(&object);
                if object.class == "Domain" {
                    self.domain_objects.insert(object.name);
                }
            }
            Item::Unknown(section) => self.content.add_object(&section),
            Item::File(row) => self.rows.push(row),
            Item::Domain(name) => self.domains.push(name),
            Item::Configuration(_) => {}
        }
    }
}
