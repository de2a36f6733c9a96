//! Reads again, of an archive that was proved before, what its `export.xml` files hold and the
//! files that somebody is after. The rest of it is not unpacked.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::artifact::archive::container::{Budget, Container, ZipEntry};
use crate::artifact::archive::export_item::{Detail, ExportItem, ListedFile, OpenFile, RowForm};
use crate::artifact::archive::export_xml::{self, XmlError};
use crate::artifact::archive::listed_files::{EXPORT_XML, LISTS_THE_LIST};
use crate::artifact::archive::problem::{ProblemKind, Problems, Reading, VerifyError};
use crate::artifact::archive::window::FileWindow;
use crate::artifact::archive::{Limits, scratch};

type Entries<'c> = BTreeMap<&'c str, ZipEntry>;
type SeeItem<'v> = dyn FnMut(&str, &ExportItem) + 'v;

/// Reads an archive again; see [`reread`](crate::artifact::archive::reread).
pub(super) fn reread(
    file: &File,
    scratch: &Path,
    limits: &Limits,
    detail: Detail,
    visit: &mut SeeItem<'_>,
    open: Option<&mut OpenFile<'_>>,
) -> Result<(), VerifyError> {
    let window = FileWindow::whole(file).map_err(VerifyError::Read)?;
    let mut again = Again {
        scratch,
        budget: Budget::new(limits, window.length()),
        findings: Problems::default(),
        objects: 0,
        detail,
        visit,
        open,
    };
    let read = again.zip(window, None);
    let problems = again.findings.problems;
    match read {
        Err(Reading::Error(error)) => Err(error),
        _ if !problems.problems.is_empty() => Err(VerifyError::Invalid(problems)),
        // Whoever noted something has said what it is.
        Ok(()) | Err(Reading::Noted) => Ok(()),
    }
}

struct Again<'a, 'v, 'o> {
    scratch: &'a Path,
    budget: Budget<'a>,
    findings: Problems,
    objects: u64,
    detail: Detail,
    visit: &'a mut SeeItem<'v>,
    open: Option<&'a mut OpenFile<'o>>,
}

/// What one `export.xml` leads to.
#[derive(Default)]
struct Leads {
    /// The domain that it is about; empty for the outer one of a `do-backup`.
    domain: String,
    domains: Vec<String>,
    rows: Vec<ListedFile>,
}

impl Again<'_, '_, '_> {
    fn zip(&mut self, window: FileWindow<'_>, inner: Option<&str>) -> Result<(), Reading> {
        let container = Container::open(window, inner, &mut self.budget, &mut self.findings)?;
        let entries = container.unread();
        let leads = self.export_xml(&container, &entries, inner)?;
        self.files(&container, &entries, &leads)?;
        for name in leads.domains.iter().filter(|_| inner.is_none()) {
            let zip = format!("{name}.zip");
            let Some(entry) = entries.get(zip.as_str()) else {
                self.problem(None, &zip, ProblemKind::Missing);
                continue;
            };
            if let Some(window) = container.in_place(entry) {
                self.zip(window, Some(&zip))?;
                continue;
            }
            let failed = |error| Reading::Error(VerifyError::Scratch(error));
            let mut file = scratch::nameless(self.scratch).map_err(failed)?;
            container.unpack_to(entry, &zip, &mut self.budget, &mut self.findings, &mut file)?;
            let window = FileWindow::whole(&file).map_err(failed)?;
            self.zip(window, Some(&zip))?;
        }
        Ok(())
    }

    fn export_xml(
        &mut self,
        container: &Container<'_>,
        entries: &Entries<'_>,
        inner: Option<&str>,
    ) -> Result<Leads, Reading> {
        let Some(entry) = entries.get(EXPORT_XML) else {
            self.problem(inner, EXPORT_XML, ProblemKind::NoExportXml);
            return Err(Reading::Noted);
        };
        let mut leads = Leads::default();
        let wants_files = self.open.is_some();
        let (limits, detail) = (self.budget.limits, self.detail);
        let (visit, objects) = (&mut *self.visit, &mut self.objects);
        let (mut rows, is_within) = (0, |objects, rows| {
            objects <= limits.objects && rows <= limits.entries
        });
        let work = |bytes: &mut dyn Read| {
            let mut take = |item: ExportItem| {
                match &item {
                    ExportItem::Configuration(Some(name)) => leads.domain.clone_from(name),
                    ExportItem::Object(_) | ExportItem::Unknown(_) => *objects += 1,
                    ExportItem::File(_) => rows += 1,
                    ExportItem::Configuration(None) | ExportItem::Domain(_) => {}
                }
                if !is_within(*objects, rows) {
                    return;
                }
                visit(&leads.domain, &item);
                match item {
                    ExportItem::File(row) if wants_files && !row.internal => leads.rows.push(row),
                    ExportItem::Domain(name) => leads.domains.push(name),
                    _ => {}
                }
            };
            match export_xml::read(BufReader::new(bytes), limits, detail, &mut take) {
                Err(XmlError::Read(error)) => Err(error),
                other => Ok(other),
            }
        };
        let read = container.read_entry(entry, EXPORT_XML, &mut self.budget, &mut self.findings, work)?;
        let kind = match read {
            None => return Err(Reading::Noted),
            Some((_, Ok(_))) if is_within(*objects, rows) => return Ok(leads),
            Some((_, Ok(_))) => ProblemKind::OverLimit("configuration objects or rows of files"),
            Some((_, Err(XmlError::OverLimit(what)))) => ProblemKind::OverLimit(what),
            Some((_, Err(error))) => ProblemKind::BadExportXml(error.to_string()),
        };
        self.problem(inner, EXPORT_XML, kind);
        Err(Reading::Noted)
    }

    /// The files of the domain. Keys are none of them, even where somebody has put one in.
    fn files(
        &mut self,
        container: &Container<'_>,
        entries: &Entries<'_>,
        leads: &Leads,
    ) -> Result<(), Reading> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        for row in &leads.rows {
            let is_held = matches!(row.form(), RowForm::Hashed(_) | RowForm::Unproved);
            let Some(src) = row.src.as_deref().filter(|_| is_held) else {
                continue;
            };
            // It has all passwords that an export has, and nothing masks them in a text file.
            if src == EXPORT_XML {
                let (inner, kind) = (container.inner(), ProblemKind::BadRow(LISTS_THE_LIST.to_owned()));
                self.findings.problem(inner, Some(&row.name), kind);
                continue;
            }
            let Some(entry) = entries.get(src) else {
                let (inner, kind) = (container.inner(), ProblemKind::Missing);
                self.findings.problem(inner, Some(src), kind);
                continue;
            };
            let work = |bytes: &mut dyn Read| open(&leads.domain, row, bytes);
            container.read_entry(entry, src, &mut self.budget, &mut self.findings, work)?;
        }
        Ok(())
    }

    fn problem(&mut self, inner: Option<&str>, entry: &str, kind: ProblemKind) {
        self.findings.problem(inner, Some(entry), kind);
    }
}
