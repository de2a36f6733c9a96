//! The rules for a `do-backup`: a ZIP of ZIPs, whose outer `export.xml` names the domains.

use std::collections::BTreeSet;

use crate::artifact::archive::container::{Container, EntryBytes};
use crate::artifact::archive::export_item::Head;
use crate::artifact::archive::level::{BesideDomains, Export, Level};
use crate::artifact::archive::listed_files::{self, Contents, EXPORT_XML};
use crate::artifact::archive::problem::{ProblemKind, Reading, VerifyError};
use crate::artifact::archive::repeats::Repeats;
use crate::artifact::archive::row_places;
use crate::artifact::archive::rules::{ArchiveRules, Inspected};
use crate::artifact::archive::window::FileWindow;
use crate::artifact::archive::{Ahead, VerifiedDomain, scratch};
use crate::values::lacks::Lacks;

/// The domain that a `do-backup` is asked of, and that its outer `export.xml` names.
const BACKUP_DOMAIN: &str = "default";

impl ArchiveRules<'_, '_> {
    /// A `do-backup`: a ZIP of ZIPs.
    pub(super) fn backup(&mut self, container: &Container<'_>, outer: Level) -> Result<Inspected, Reading> {
        let Level {
            contents: mut outer,
            mut export,
        } = outer;
        let beside = export.beside_domains.take().unwrap_or_default();
        self.is_of_the_backup(&export.head, &beside);
        let mut beside = beside.repeats;
        let (mut domains, mut contents) = (Vec::new(), Vec::new());
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
            let before = match name == BACKUP_DOMAIN {
                true => std::mem::take(&mut beside),
                false => Repeats::default(),
            };
            match self.inner(container, &mut outer, &format!("{name}.zip"), before) {
                Ok(mut level) => {
                    self.has_objects(&level);
                    self.is_of_one_time(&name, &level.export, &export.head);
                    let (verified, content) = self.domain(&name, &mut level, Some(&mut outer));
                    domains.push(verified);
                    contents.push((name, content));
                }
                // The other domains are looked at all the same.
                Err(Reading::Noted) => {
                    is_complete = false;
                    domains.push(VerifiedDomain {
                        name,
                        objects: 0,
                        files: 0,
                        lacks: Lacks::default(),
                    });
                }
                Err(stop) => return Err(stop),
            }
        }
        self.note_unlisted(&export.domain_objects, &seen);
        let mut content = export.content;
        listed_files::check(&export.rows, &mut outer, None, &mut content, &mut self.findings);
        row_places::check(&export.rows, None, &mut self.firmware, &mut self.findings);
        contents.push((String::new(), content));
        // Files of the firmware are listed by the inner ZIPs only.
        if is_complete {
            outer.nothing_unlisted(&mut self.findings);
        }
        Ok((domains, contents))
    }

    /// Notes the domains that have an object and are not listed.
    fn note_unlisted(&mut self, objects: &BTreeSet<String>, listed: &BTreeSet<String>) {
        let unlisted: Vec<&str> = objects.difference(listed).map(String::as_str).collect();
        if !unlisted.is_empty() {
            let names = unlisted.iter().take(3).copied().collect::<Vec<_>>().join(", ");
            self.findings.note(&format!(
                "{EXPORT_XML} names domains that are not in the archive, {}: {names}",
                unlisted.len()
            ));
        }
    }

    /// The outer `export.xml` is that of the domain that was asked. Objects in it are objects of that
    /// domain: where its own ZIP is there too, it has to say the same of them.
    fn is_of_the_backup(&mut self, head: &Head, beside: &BesideDomains) {
        self.exports_domain(None, head, BACKUP_DOMAIN);
        for domain in head.configurations.iter().flatten() {
            if !domain.is_empty() && domain != BACKUP_DOMAIN {
                self.wrong_domain(None, domain, BACKUP_DOMAIN);
            }
        }
        if beside.count > 0 {
            let more = match beside.count - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            self.findings.warn(&format!(
                "{EXPORT_XML}: beside the domains it holds configuration of its own: {}{more}",
                beside.first
            ));
        }
    }

    /// A gateway writes all of a `do-backup` at one time: what an inner `export.xml` says of it is what
    /// the outer one says, and it is of no further domains.
    fn is_of_one_time(&mut self, name: &str, inner: &Export, outer: &Head) {
        for (what, here, there) in [
            ("firmware", &inner.head.firmware_version, &outer.firmware_version),
            ("serial number", &inner.head.serial_number, &outer.serial_number),
        ] {
            if let (Some(here), Some(there)) = (here, there)
                && here != there
            {
                let text = format!("{name}.zip is of another {what} than the archive: {here}, not {there}");
                self.findings.warn(&text);
            }
        }
        if let Some(other) = inner.domains.iter().find(|other| *other != name) {
            let text = format!("{name}.zip lists domains of its own, such as {other}");
            self.findings.warn(&text);
        }
    }

    /// Reads the inner ZIP of a domain, where it stands or unpacked.
    fn inner(
        &mut self,
        container: &Container<'_>,
        outer: &mut Contents,
        zip: &str,
        before: Repeats,
    ) -> Result<Level, Reading> {
        let Some(entry) = outer.list(zip) else {
            self.problem(None, Some(zip), ProblemKind::Missing);
            return Err(Reading::Noted);
        };
        if entry.bytes == EntryBytes::NotRead {
            return Err(Reading::Noted);
        }
        if let Some(window) = container.in_place(entry) {
            return Ok(self.level(window, Some(zip), self.ahead, before)?.1);
        }
        let failed = |error| Reading::Error(VerifyError::Scratch(error));
        let mut file = scratch::nameless(self.scratch).map_err(failed)?;
        container.unpack_to(entry, zip, &mut self.budget, &mut self.findings, &mut file)?;
        let window = FileWindow::whole(&file).map_err(failed)?;
        // Nobody has looked at that file.
        Ok(self.level(window, Some(zip), &Ahead::default(), before)?.1)
    }
}
