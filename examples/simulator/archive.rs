//! The ZIP archives of `do-backup` and `do-export`.
//!
//! A backup is a ZIP of ZIPs: `export.xml`, one stored `<domain>.zip` each, and the internal files in
//! `dp-aux/`. An export is one ZIP with everything. `export.xml` lists every file with the base64 of
//! its SHA-1; private keys are listed without one and not contained. Archives are written to
//! temporary files, so that their size does not matter.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Zoned;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::content::Content;
use super::fault::FaultKind;
use super::firmware::{Firmware, Style};
use super::hostile::{BulkPlace, bulk};
use super::objects;
use super::soap::{escape, time_zone};
use super::state::{DomainState, State};

/// Files from this size on are stored, not deflated: only made-up ones are so large, and deflating
/// noise takes time and gains nothing.
const STORED_FROM_BYTES: u64 = 16 << 20;

/// What an archive is made of, taken from the state so that it can be written without holding it.
pub(super) struct Source {
    firmware: Firmware,
    device: String,
    internal_file_bytes: u64,
    now: Zoned,
    user: String,
    comment: String,
    domains: Vec<DomainPart>,
    damage: Vec<FaultKind>,
}

/// One domain in an archive.
struct DomainPart {
    name: String,
    objects: Vec<objects::Object>,
    files: Vec<Part>,
    keys: Vec<String>,
    /// The object of the domain itself.
    own: objects::Object,
}

/// A file that stands in an archive.
struct Part {
    /// `local:///app/a.xsl`
    name: String,
    /// `local/app/a.xsl`
    path: String,
    /// `local`
    location: String,
    content: Content,
}

/// What is chosen for an archive by the request.
pub(super) struct Choice<'a> {
    pub(super) user: &'a str,
    pub(super) comment: &'a str,
    pub(super) domains: &'a [String],
    pub(super) persisted: bool,
    pub(super) all_files: bool,
}

impl Source {
    /// Takes what an archive needs out of the state.
    pub(super) fn of(state: &State, choice: &Choice, faults: &[FaultKind]) -> Source {
        let mut names = choice.domains.to_vec();
        if faults.contains(&FaultKind::OtherDomain) {
            let other = state
                .domains
                .iter()
                .map(|domain| &domain.name)
                .find(|name| !names.contains(name));
            names = vec![other.cloned().unwrap_or_else(|| "default".to_owned())];
        }
        let parts = names.iter().filter_map(|name| state.domain(name));
        let domains = parts.map(|domain| domain_part(domain, choice.persisted, choice.all_files, faults));
        Source {
            now: state.now().to_zoned(time_zone()),
            user: choice.user.to_owned(),
            comment: choice.comment.to_owned(),
            domains: domains.collect(),
            damage: faults.to_vec(),
            firmware: state.setup.firmware.clone(),
            device: state.setup.name.clone(),
            internal_file_bytes: state.setup.internal_file_bytes,
        }
    }

    /// Writes the archive of a `do-backup`.
    pub(super) fn backup(&self) -> io::Result<Content> {
        let mut zip = ZipWriter::new(BufWriter::new(tempfile::tempfile()?));
        self.add(
            &mut zip,
            "export.xml",
            &Content::from(self.outer_export_xml().into_bytes()),
        )?;
        for (index, domain) in self.domains.iter().enumerate() {
            if self.has(&FaultKind::MissingDomain) && index + 1 == self.domains.len() {
                continue;
            }
            let mut inner = ZipWriter::new(BufWriter::new(tempfile::tempfile()?));
            self.write_domain(&mut inner, domain)?;
            zip.start_file(format!("{}.zip", domain.name), self.options(true, u64::MAX))?;
            io::copy(&mut finish(inner)?.reader()?, &mut zip)?;
        }
        self.write_internal_files(&mut zip)?;
        self.damaged(finish(zip)?)
    }

    /// Writes the archive of a `do-export`.
    pub(super) fn export(&self) -> io::Result<Content> {
        let mut zip = ZipWriter::new(BufWriter::new(tempfile::tempfile()?));
        self.write_internal_files(&mut zip)?;
        for domain in &self.domains {
            self.write_domain(&mut zip, domain)?;
        }
        self.damaged(finish(zip)?)
    }

    /// Files, then `export.xml`, which needs their hashes.
    fn write_domain(&self, zip: &mut ZipWriter<impl Write + Seek>, domain: &DomainPart) -> io::Result<()> {
        let mut rows = String::new();
        let mut directories: Vec<&str> = Vec::new();
        for (index, part) in domain.files.iter().enumerate() {
            for (slash, _) in part.path.match_indices('/') {
                let directory = &part.path[..=slash];
                if !directories.contains(&directory) {
                    zip.add_directory(directory, self.options(true, 0))?;
                    directories.push(directory);
                }
            }
            let last = index + 1 == domain.files.len();
            let mut hash = if last && self.has(&FaultKind::MissingEntry) {
                part.content.sha1()?
            } else {
                self.add(zip, &part.path, &part.content)?
            };
            if last && self.has(&FaultKind::WrongHash) {
                hash[0] ^= 1;
            }
            rows.push_str(&format!(
                "<file name=\"{}\" src=\"{}\" location=\"{}\" hash=\"{}\"/>",
                escape(&part.name),
                escape(&part.path),
                escape(&part.location),
                STANDARD.encode(hash)
            ));
        }
        for key in &domain.keys {
            let location = key.split(':').next().unwrap_or_default();
            let path = key.replacen(":///", "/", 1);
            rows.push_str(&format!(
                "<file name=\"{}\" src=\"{}\" location=\"{}\" key=\"true\"/>",
                escape(key),
                escape(&path),
                escape(location)
            ));
        }
        for (file, content) in self.internal_files() {
            rows.push_str(&format!(
                "<file name=\"webgui:///{file}\" src=\"dp-aux/{file}\" location=\"dp-aux\" internal=\"true\" \
                 hash=\"{}\"/>",
                STANDARD.encode(content.sha1()?)
            ));
        }
        if self.has(&FaultKind::ExtraEntry) {
            self.add(
                zip,
                "local/unlisted.txt",
                &Content::from("No row of export.xml names this file.\n"),
            )?;
        }
        let objects: String = domain.objects.iter().map(objects::Object::in_export).collect();
        let name = escape(&domain.name);
        let xml = format!(
            "{}<configuration domain=\"{name}\">{objects}</configuration><files>{rows}</files>\
             </datapower-configuration>",
            self.export_xml_head(&domain.name)
        );
        self.add(zip, "export.xml", &Content::from(xml.into_bytes()))?;
        Ok(())
    }

    fn write_internal_files(&self, zip: &mut ZipWriter<impl Write + Seek>) -> io::Result<()> {
        zip.add_directory("dp-aux/", self.options(true, 0))?;
        for (file, content) in self.internal_files() {
            self.add(zip, &format!("dp-aux/{file}"), &content)?;
        }
        Ok(())
    }

    /// The six internal files of every export: names as on real devices, content made up.
    fn internal_files(&self) -> [(&'static str, Content); 6] {
        let text = |name: &str, bytes: u64| {
            let line = format!("<!-- {name} of {}: nothing to see -->\n", self.firmware.version);
            let mut text = line.repeat((bytes / line.len() as u64 + 1) as usize).into_bytes();
            text.truncate(bytes as usize);
            Content::from(text)
        };
        [
            ("clixform.xsl", text("clixform", 9_000)),
            ("SchemaUtil.xsl", text("SchemaUtil", 3_000)),
            ("management.xsl", text("management", 1_000)),
            ("map-dmz.xsl", text("map-dmz", 800)),
            ("drMgmt.xml", text("drMgmt", self.internal_file_bytes)),
            ("basetypes.xml", text("basetypes", 1_500)),
        ]
    }

    /// Adds a file and gives its hash.
    fn add(
        &self,
        zip: &mut ZipWriter<impl Write + Seek>,
        path: &str,
        content: &Content,
    ) -> io::Result<[u8; 20]> {
        let size = content.size();
        zip.start_file(path, self.options(size >= STORED_FROM_BYTES, size))?;
        content.copy_to(zip)
    }

    fn options(&self, stored: bool, size: u64) -> SimpleFileOptions {
        let now = &self.now;
        let parts = [now.month(), now.day(), now.hour(), now.minute(), now.second()].map(i8::unsigned_abs);
        let year = now.year().unsigned_abs();
        let time = zip::DateTime::from_date_and_time(year, parts[0], parts[1], parts[2], parts[3], parts[4]);
        SimpleFileOptions::default()
            .compression_method(if stored {
                CompressionMethod::Stored
            } else {
                CompressionMethod::Deflated
            })
            .last_modified_time(time.unwrap_or_default())
            .large_file(size > u64::from(u32::MAX))
    }

    /// `export.xml` of a backup: the `Domain` objects, and the list of domains.
    fn outer_export_xml(&self) -> String {
        let none = self.has(&FaultKind::NoObjects);
        let objects = self
            .domains
            .iter()
            .filter(|_| !none)
            .map(|domain| domain.own.in_export());
        let objects: String = objects.collect();
        let names = self
            .domains
            .iter()
            .map(|domain| format!("<domain name=\"{}\"/>", escape(&domain.name)));
        format!(
            "{}<configuration>{objects}</configuration><domains>{}</domains></datapower-configuration>",
            self.export_xml_head("default"),
            names.collect::<String>()
        )
    }

    /// Root element, details and interfaces.
    fn export_xml_head(&self, domain: &str) -> String {
        let firmware = &self.firmware;
        let old = firmware.style == Style::Old;
        let date = self.now.strftime("%Y-%m-%d").to_string();
        let time = self.now.strftime("%H:%M:%S %Z").to_string();
        let product = firmware.version.split('.').next().unwrap_or_default();
        let fields = [
            ("description", "Exported Configuration", true),
            ("user", &self.user, true),
            ("domain", domain, true),
            ("comment", &self.comment, true),
            ("product-id", &firmware.machine_type, true),
            ("product", product, true),
            ("display-product", product, !old),
            ("model", "IBM DataPower Gateway", true),
            ("display-model", "IBM DataPower Gateway", !old),
            ("device-name", &self.device, true),
            ("serial-number", &firmware.serial, true),
            ("firmware-version", &firmware.version, true),
            ("display-firmware-version", &firmware.version, !old),
            ("firmware-build", &firmware.build, true),
            ("delivery-type", &firmware.delivery_type, !old),
            ("firmware-timestamp", &firmware.build_date, true),
            ("current-date", &date, true),
            ("current-time", &time, true),
            ("reset-date", "2024-01-16", true),
            ("reset-time", "10:24:51 EST", true),
            ("login-message", "", true),
            ("custom-ui-file", "", true),
        ];
        let mut xml = String::from("<datapower-configuration version=\"3\"><export-details>");
        for (tag, value, present) in fields {
            match (present, value) {
                (false, _) => {}
                (true, "") => xml.push_str(&format!("<{tag}/>")),
                (true, value) => xml.push_str(&format!("<{tag}>{}</{tag}>", escape(value))),
            }
        }
        xml.push_str(
            "</export-details><interface-data><interface name=\"eth0\" type=\"Ethernet\" vers=\"ipv4\" \
             ip-addr=\"192.0.2.10\"/></interface-data>",
        );
        xml.push_str(&bulk(&self.damage, BulkPlace::ExportXml));
        xml
    }

    fn has(&self, fault: &FaultKind) -> bool {
        self.damage.contains(fault)
    }

    /// Damages the finished archive where that was asked for.
    fn damaged(&self, archive: Content) -> io::Result<Content> {
        if self.has(&FaultKind::BadCrc)
            && let Content::File(file) = &archive
        {
            change_entry(file)?;
        }
        if self.has(&FaultKind::TruncatedArchive)
            && let Content::File(file) = &archive
        {
            file.set_len(archive.size() * 2 / 3)?;
        }
        Ok(archive)
    }
}

fn domain_part(domain: &DomainState, persisted: bool, all_files: bool, faults: &[FaultKind]) -> DomainPart {
    let mut locations = vec!["local:"];
    if all_files {
        locations.insert(0, "config:");
        locations.push("store:");
    }
    let files = locations
        .iter()
        .flat_map(|location| domain.files.of(location))
        .map(|(directory, file, stored)| {
            let path = format!("{directory}/{file}");
            Part {
                name: path.replacen(":/", ":///", 1),
                path: path.replacen(":/", "/", 1),
                location: path.split(':').next().unwrap_or_default().to_owned(),
                content: stored.content.clone(),
            }
        });
    let objects = if persisted { &domain.saved } else { &domain.running };
    DomainPart {
        name: domain.name.clone(),
        objects: if faults.contains(&FaultKind::NoObjects) {
            Vec::new()
        } else {
            objects.clone()
        },
        files: files.collect(),
        keys: domain.keys.clone(),
        own: match &domain.own_saved {
            Some(own) if persisted => own.clone(),
            _ => domain.own.clone(),
        },
    }
}

fn finish(zip: ZipWriter<BufWriter<File>>) -> io::Result<Content> {
    let file = zip
        .finish()?
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    Ok(Content::File(Arc::new(file)))
}

/// Changes a byte in the middle of the first entry after `export.xml` that has any.
fn change_entry(file: &File) -> io::Result<()> {
    let mut archive = ZipArchive::new(file)?;
    let mut place = None;
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        if place.is_none() && entry.compressed_size() > 0 && entry.name()? != "export.xml" {
            place = entry
                .data_start()
                .map(|start| start + entry.compressed_size() / 2);
        }
    }
    let place = place.ok_or_else(|| io::Error::other("the archive has no entry to damage"))?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, place)?;
    file.write_all_at(&[byte[0] ^ 0x55], place)
}
