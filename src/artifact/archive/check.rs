//! The rules: what has to stand in an archive, and what may not (backup.md, section 4).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::artifact::archive::container::{Budget, Container, Entry};
use crate::artifact::archive::content::{self, Content};
use crate::artifact::archive::export_xml::{self, Detail, FileRow, Head, Item, XmlError};
use crate::artifact::archive::problem::{Invalid, ProblemKind, Stop, VerifyError};
use crate::artifact::archive::window::Window;
use crate::artifact::archive::{DomainReport, Expected, Kind, Limits, Report, scratch};

const EXPORT_XML: &str = "export.xml";
/// The domain that a `do-backup` is asked of, and that its outer `export.xml` names.
const BACKUP_DOMAIN: &str = "default";
/// How many warnings of one sort are told one by one.
const TOLD: usize = 20;

type Visit<'v> = dyn FnMut(&str, &Item) + 'v;

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
        problems: Invalid::default(),
        warnings: Vec::new(),
        objects: 0,
        detail,
        visit,
    };
    let report = match check.archive(window, expected) {
        Ok(report) => Some(report),
        Err(Stop::Noted) => None,
        Err(Stop::Error(error)) => return Err(error),
    };
    match report {
        Some(report) if check.problems.is_empty() => Ok(report),
        _ => Err(VerifyError::Invalid(check.problems)),
    }
}

struct Check<'c, 'v> {
    scratch: &'c Path,
    budget: Budget<'c>,
    problems: Invalid,
    warnings: Vec<String>,
    /// Objects seen in all.
    objects: u64,
    detail: Detail,
    visit: &'c mut Visit<'v>,
}

/// One ZIP that has been read.
struct Level {
    entries: BTreeMap<String, Entry>,
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
        let is_backup =
            outer.export.head.has_domains || outer.export.head.configurations.iter().all(Option::is_none);
        let mut report = Report {
            kind: if is_backup { Kind::DoBackup } else { Kind::DoExport },
            domains: Vec::new(),
            entries: 0,
            objects: 0,
            unpacked_bytes: 0,
            content: String::new(),
            warnings: Vec::new(),
            firmware_version: outer.export.head.firmware_version.clone(),
            firmware_build: outer.export.head.firmware_build.clone(),
            serial_number: outer.export.head.serial_number.clone(),
            device_name: outer.export.head.device_name.clone(),
        };
        let contents = match report.kind {
            Kind::DoBackup => self.backup(&mut container, outer, &mut report.domains)?,
            Kind::DoExport => self.export(outer, &mut report.domains),
        };
        self.compare_domains(report.kind, &report.domains, expected);
        report.domains.sort_by(|a, b| a.name.cmp(&b.name));
        report.entries = self.budget.entries;
        report.objects = report.domains.iter().map(|domain| domain.objects).sum();
        report.unpacked_bytes = self.budget.unpacked;
        report.content = content::combine(contents);
        report.warnings = std::mem::take(&mut self.warnings);
        Ok(report)
    }

    /// A `do-export`: one ZIP, one domain.
    fn export(&mut self, level: Level, domains: &mut Vec<DomainReport>) -> Vec<(String, Content)> {
        let name = level.export.head.exported_domain.clone().unwrap_or_default();
        self.says_domain(None, &level.export.head, &name);
        let mut listed = BTreeSet::new();
        let (report, content) = self.domain(&name, None, level.export, &level.entries, None, &mut listed);
        self.nothing_unlisted(None, &level.entries, &listed);
        domains.push(report);
        vec![(name, content)]
    }

    /// A `do-backup`: a ZIP of ZIPs.
    fn backup(
        &mut self,
        container: &mut Container<'_>,
        outer: Level,
        domains: &mut Vec<DomainReport>,
    ) -> Result<Vec<(String, Content)>, Stop> {
        let Level { entries, mut export } = outer;
        let exported = export.head.exported_domain.clone().unwrap_or_default();
        if exported != BACKUP_DOMAIN {
            self.wrong_domain(None, exported, BACKUP_DOMAIN);
        }
        let names = std::mem::take(&mut export.domains);
        let mut seen = BTreeSet::new();
        let mut listed = BTreeSet::new();
        let mut contents = Vec::new();
        let mut is_complete = true;
        for name in names {
            if !seen.insert(name.clone()) {
                let why = format!("it lists domain {name} twice");
                self.problem(None, Some(EXPORT_XML), ProblemKind::BadExportXml(why));
                continue;
            }
            if !export.domain_objects.contains(&name) {
                self.warn(&format!("{EXPORT_XML}: domain {name} has no Domain object"));
            }
            let zip = format!("{name}.zip");
            listed.insert(zip.clone());
            match self.inner(container, &entries, &zip) {
                Ok(level) => {
                    self.says_domain(Some(&zip), &level.export.head, &name);
                    let mut inner_listed = BTreeSet::new();
                    let outer = Some((&entries, &mut listed));
                    let (report, content) = self.domain(
                        &name,
                        Some(&zip),
                        level.export,
                        &level.entries,
                        outer,
                        &mut inner_listed,
                    );
                    self.nothing_unlisted(Some(&zip), &level.entries, &inner_listed);
                    domains.push(report);
                    contents.push((name, content));
                }
                // The other domains are looked at all the same.
                Err(Stop::Noted) => {
                    is_complete = false;
                    domains.push(DomainReport {
                        name,
                        objects: 0,
                        files: 0,
                        keys: 0,
                    });
                }
                Err(stop) => return Err(stop),
            }
        }
        let rows = std::mem::take(&mut export.rows);
        let mut outer_content = export.content;
        self.rows(None, &rows, &entries, None, &mut listed, &mut outer_content);
        contents.push((String::new(), outer_content));
        // Files of the firmware are listed by the inner ZIPs only.
        if is_complete {
            self.nothing_unlisted(None, &entries, &listed);
        }
        Ok(contents)
    }

    /// Reads the inner ZIP of a domain, where it stands or unpacked.
    fn inner(
        &mut self,
        container: &mut Container<'_>,
        entries: &BTreeMap<String, Entry>,
        zip: &str,
    ) -> Result<Level, Stop> {
        let Some(entry) = entries.get(zip).filter(|entry| !entry.is_folder()) else {
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
        container.unpack_to(entry, zip, &mut self.budget, &mut self.problems, &mut file)?;
        let window = Window::whole(&file).map_err(failed)?;
        Ok(self.level(window, Some(zip))?.1)
    }

    /// Reads one ZIP: every entry to its end, and `export.xml` for what it says.
    fn level<'f>(&mut self, window: Window<'f>, inner: Option<&str>) -> Result<(Container<'f>, Level), Stop> {
        let mut container = Container::open(window, inner, &mut self.budget, &mut self.problems)?;
        let entries = container.read_all(EXPORT_XML, &mut self.budget, &mut self.problems)?;
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
            &mut self.problems,
            work,
        )?;
        let kind = match read {
            None => return Err(Stop::Noted),
            Some((_, Ok(head))) if self.objects <= limits.objects => {
                export.head = head;
                if export.rows.len() as u64 <= limits.entries {
                    return Ok((container, Level { entries, export }));
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

    /// Checks the `export.xml` of one domain.
    fn domain(
        &mut self,
        name: &str,
        inner: Option<&str>,
        export: Export,
        entries: &BTreeMap<String, Entry>,
        outer: Option<(&BTreeMap<String, Entry>, &mut BTreeSet<String>)>,
        listed: &mut BTreeSet<String>,
    ) -> (DomainReport, Content) {
        if export.objects == 0 {
            self.problem(inner, Some(EXPORT_XML), ProblemKind::NoObject);
        }
        let mut content = export.content;
        self.rows(inner, &export.rows, entries, outer, listed, &mut content);
        let count = |wanted: fn(&&FileRow) -> bool| export.rows.iter().filter(wanted).count() as u64;
        let report = DomainReport {
            name: name.to_owned(),
            objects: export.objects,
            files: count(|row| !row.internal && !row.key),
            keys: count(|row| row.key),
        };
        (report, content)
    }

    /// Holds the rows of `files` against the entries.
    fn rows(
        &mut self,
        inner: Option<&str>,
        rows: &[FileRow],
        entries: &BTreeMap<String, Entry>,
        mut outer: Option<(&BTreeMap<String, Entry>, &mut BTreeSet<String>)>,
        listed: &mut BTreeSet<String>,
        content: &mut Content,
    ) {
        let mut unhashed = Vec::new();
        for row in rows {
            let is_bare_key = row.key && row.hash.is_none();
            let Some(src) = row.src.as_deref().filter(|src| !src.is_empty()) else {
                if is_bare_key {
                    content.add_file(row, None);
                } else {
                    let why = ProblemKind::BadRow("it has no src".to_owned());
                    self.problem(inner, Some(&row.name), why);
                }
                continue;
            };
            // Files of the firmware stand once, in the outer ZIP, for all domains.
            let (inner, entries, listed) = match &mut outer {
                Some((entries, listed)) if row.internal => (None, *entries, &mut **listed),
                _ => (inner, entries, &mut *listed),
            };
            listed.insert(src.to_owned());
            let entry = entries.get(src).filter(|entry| !entry.is_folder());
            if is_bare_key {
                if entry.is_some() {
                    self.warn(&format!("{src}: a key, and in the archive all the same"));
                }
                content.add_file(row, entry.and_then(|entry| entry.sha1));
                continue;
            }
            let Some(entry) = entry else {
                self.problem(inner, Some(src), ProblemKind::Missing);
                continue;
            };
            match row.hash.as_deref().map(decode) {
                None => unhashed.push(src),
                Some(None) => {
                    let why = ProblemKind::BadRow("its hash is no SHA-1 in base64".to_owned());
                    self.problem(inner, Some(src), why);
                }
                // Without one of its own it is damaged, which has been noted.
                Some(hash) if entry.sha1.is_some() && entry.sha1 != hash => {
                    self.problem(inner, Some(src), ProblemKind::WrongHash);
                }
                Some(_) => {}
            }
            if !row.internal {
                content.add_file(row, entry.sha1);
            }
        }
        for src in unhashed.iter().take(TOLD) {
            self.warn(&format!("{src}: listed without a hash"));
        }
        if unhashed.len() > TOLD {
            self.warn(&format!(
                "{} more files are listed without a hash",
                unhashed.len() - TOLD
            ));
        }
    }

    /// Every entry has to be listed, but for folders and `export.xml`.
    fn nothing_unlisted(
        &mut self,
        inner: Option<&str>,
        entries: &BTreeMap<String, Entry>,
        listed: &BTreeSet<String>,
    ) {
        for (name, entry) in entries {
            if !entry.is_folder() && name != EXPORT_XML && !listed.contains(name) {
                self.problem(inner, Some(name), ProblemKind::Unlisted);
            }
        }
    }

    /// Both places where an `export.xml` names its domain have to name this one.
    fn says_domain(&mut self, inner: Option<&str>, head: &Head, name: &str) {
        let exported = head.exported_domain.clone().unwrap_or_default();
        if exported != name || name.is_empty() {
            self.wrong_domain(inner, exported, name);
        }
        for domain in &head.configurations {
            if domain.as_deref() != Some(name) {
                self.wrong_domain(inner, domain.clone().unwrap_or_default(), name);
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
                self.warn(&format!("domain {name} is new since the domains were listed"));
            }
        }
    }

    fn wrong_domain(&mut self, inner: Option<&str>, found: String, expected: &str) {
        let expected = expected.to_owned();
        self.problem(
            inner,
            Some(EXPORT_XML),
            ProblemKind::WrongDomain { found, expected },
        );
    }

    fn problem(&mut self, inner: Option<&str>, entry: Option<&str>, kind: ProblemKind) {
        self.problems.push(inner, entry, kind);
    }

    /// Names in a warning come from a device: nothing in them may reach a terminal as it is.
    fn warn(&mut self, text: &str) {
        self.warnings.push(text.escape_debug().to_string());
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

/// The SHA-1 that a row gives.
fn decode(hash: &str) -> Option<[u8; 20]> {
    let bytes = BASE64.decode(hash.trim()).ok()?;
    bytes.try_into().ok()
}
