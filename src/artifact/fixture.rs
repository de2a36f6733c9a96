//! Archives as gateways write them, in small, for tests to damage.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha1::{Digest, Sha1};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The entries of a ZIP, in order. A name that ends with `/` is a folder.
pub(super) type Entries = Vec<(String, Vec<u8>)>;

/// A row of `files` and, for most, its bytes.
#[derive(Clone)]
pub(super) struct FileFixture {
    pub(super) src: String,
    pub(super) bytes: Vec<u8>,
    pub(super) form: FixtureForm,
}

/// The form of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FixtureForm {
    Hashed,
    Key,
    Missing,
}

/// A domain.
#[derive(Clone)]
pub(super) struct DomainFixture {
    pub(super) name: String,
    pub(super) objects: String,
    pub(super) files: Vec<FileFixture>,
}

/// What changes from one export to the next.
#[derive(Clone)]
pub(super) struct Circumstances {
    pub(super) firmware: String,
    pub(super) date: String,
    pub(super) address: String,
    pub(super) aux: Vec<u8>,
}

/// A gateway that can be exported.
#[derive(Clone)]
pub(super) struct FixtureGateway {
    pub(super) domains: Vec<DomainFixture>,
    pub(super) circumstances: Circumstances,
    /// How inner ZIPs are put into the outer one.
    pub(super) inner_method: CompressionMethod,
}

const NAMESPACES: &str = "xmlns:dp=\"http://www.datapower.com/schemas/management\" \
                          xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\"";
const AUX: &str = "dp-aux/drMgmt.xml";

impl FixtureGateway {
    /// A gateway with the domains `default` and `SALES`.
    pub(super) fn new() -> FixtureGateway {
        let circumstances = Circumstances {
            firmware: "IDG.10.0.1.5".to_owned(),
            date: "2026-03-01".to_owned(),
            address: "192.0.2.10".to_owned(),
            aux: b"<management-model/>".to_vec(),
        };
        FixtureGateway {
            domains: vec![DomainFixture::new("default"), DomainFixture::new("SALES")],
            circumstances,
            inner_method: CompressionMethod::Stored,
        }
    }

    /// As firmware 3.8.2 writes it.
    pub(super) fn deflating() -> FixtureGateway {
        let mut gateway = FixtureGateway::new();
        gateway.inner_method = CompressionMethod::Deflated;
        gateway
    }

    /// The entries of the inner ZIP of a domain.
    pub(super) fn inner(&self, domain: &DomainFixture) -> Entries {
        let mut entries = vec![("config/".to_owned(), Vec::new())];
        entries.extend(domain.entries());
        entries.push(("export.xml".to_owned(), self.export_xml(domain).into_bytes()));
        entries
    }

    /// The entries of a `do-backup` around inner ZIPs as they are given.
    pub(super) fn outer(&self, inners: &[(&str, Vec<u8>)]) -> Entries {
        let mut entries = vec![("export.xml".to_owned(), self.outer_xml().into_bytes())];
        for (name, zip) in inners {
            entries.push((format!("{name}.zip"), zip.clone()));
        }
        entries.push(("dp-aux/".to_owned(), Vec::new()));
        entries.push((AUX.to_owned(), self.circumstances.aux.clone()));
        entries
    }

    /// The entries of a whole `do-backup`.
    pub(super) fn backup_entries(&self) -> Entries {
        let inners: Vec<_> = self
            .domains
            .iter()
            .map(|domain| (domain.name.as_str(), self.zip(&self.inner(domain))))
            .collect();
        self.outer(&inners)
    }

    /// A whole `do-backup`.
    pub(super) fn backup(&self) -> Vec<u8> {
        self.zip(&self.backup_entries())
    }

    /// The entries of a `do-export` of one domain.
    pub(super) fn export_entries(&self, domain: &DomainFixture) -> Entries {
        let mut entries = self.inner(domain);
        entries.insert(0, ("dp-aux/".to_owned(), Vec::new()));
        entries.insert(1, (AUX.to_owned(), self.circumstances.aux.clone()));
        entries
    }

    /// A `do-export` of the last domain.
    pub(super) fn export(&self) -> Vec<u8> {
        self.zip(&self.export_entries(self.domains.last().expect("a domain")))
    }

    /// A ZIP of these entries.
    pub(super) fn zip(&self, entries: &Entries) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            if let Some(folder) = name.strip_suffix('/') {
                zip.add_directory(folder, SimpleFileOptions::default())
                    .expect("a folder");
                continue;
            }
            let is_inner = name.ends_with(".zip");
            let method = if is_inner {
                self.inner_method
            } else {
                CompressionMethod::Deflated
            };
            let options = SimpleFileOptions::default().compression_method(method);
            zip.start_file(name.as_str(), options).expect("a file");
            zip.write_all(bytes).expect("written");
        }
        zip.finish().expect("a ZIP").into_inner()
    }

    /// The same ZIP with a ZIP64 end, as one of more than 4 GiB has.
    pub(super) fn to_zip64(zip: &[u8]) -> Vec<u8> {
        let (body, end) = zip.split_at(zip.len() - 22);
        let number = |at: usize, bytes: usize| {
            let mut wide = [0; 8];
            wide[..bytes].copy_from_slice(&end[at..at + bytes]);
            wide
        };
        let mut wide = body.to_vec();
        wide.extend(0x0606_4b50_u32.to_le_bytes());
        wide.extend(44_u64.to_le_bytes());
        wide.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for field in [number(8, 2), number(10, 2), number(12, 4), number(16, 4)] {
            wide.extend(field);
        }
        wide.extend(0x0706_4b50_u32.to_le_bytes());
        wide.extend([0; 4]);
        wide.extend((body.len() as u64).to_le_bytes());
        wide.extend(1_u32.to_le_bytes());
        wide.extend(&end[..8]);
        wide.extend([0xff; 12]);
        wide.extend(&end[20..]);
        wide
    }

    fn details(&self, domain: &str) -> String {
        let Circumstances {
            firmware,
            date,
            address,
            ..
        } = &self.circumstances;
        format!(
            "<export-details><description>Exported Configuration</description><user>backup</user>\
             <domain>{domain}</domain><comment/><device-name>gw1</device-name>\
             <serial-number>0000001</serial-number><firmware-version>{firmware}</firmware-version>\
             <firmware-build>336212</firmware-build><current-date>{date}</current-date>\
             <login-message/></export-details><interface-data><interface name=\"eth0\" \
             ip-addr=\"{address}\"/></interface-data>"
        )
    }

    fn outer_xml(&self) -> String {
        let mut xml = format!(
            "<datapower-configuration version=\"3\">{}",
            self.details("default")
        );
        xml.push_str("<configuration>");
        for domain in &self.domains {
            let name = &domain.name;
            let _infallible = write!(
                xml,
                "<Domain name=\"{name}\" {NAMESPACES}>\n<mAdminState>enabled</mAdminState>\n\
                 <ConfigFile>{name}.cfg</ConfigFile></Domain>"
            );
        }
        xml.push_str("</configuration><domains>");
        for domain in &self.domains {
            let _infallible = write!(xml, "<domain name=\"{}\"/>", domain.name);
        }
        xml + "</domains></datapower-configuration>"
    }

    pub(super) fn export_xml(&self, domain: &DomainFixture) -> String {
        let mut rows = String::new();
        for file in &domain.files {
            let src = &file.src;
            let (location, name) = src.split_once('/').expect("a location");
            let rest = match file.form {
                FixtureForm::Hashed => {
                    format!("location=\"{location}\" hash=\"{}\"", sha1_base64(&file.bytes))
                }
                FixtureForm::Key => "key=\"true\"".to_owned(),
                FixtureForm::Missing => format!("location=\"{location}\" missing=\"true\""),
            };
            let _infallible = write!(rows, "<file name=\"{location}:///{name}\" src=\"{src}\" {rest}/>");
        }
        let aux = sha1_base64(&self.circumstances.aux);
        format!(
            "<datapower-configuration version=\"3\">{}<configuration domain=\"{}\">{}\
             </configuration><files>{rows}<file name=\"webgui:///drMgmt.xml\" src=\"{AUX}\" \
             location=\"dp-aux\" internal=\"true\" hash=\"{aux}\"/></files></datapower-configuration>",
            self.details(&domain.name),
            domain.name,
            domain.objects,
        )
    }
}

impl DomainFixture {
    pub(super) fn new(name: &str) -> DomainFixture {
        let file = |src: String, text: &str| FileFixture {
            src,
            bytes: text.as_bytes().to_vec(),
            form: FixtureForm::Hashed,
        };
        let mut key = file("cert/key.pem".to_owned(), "");
        key.form = FixtureForm::Key;
        DomainFixture {
            name: name.to_owned(),
            objects: format!(
                "<DomainSettings name=\"default\" intrinsic=\"true\" {NAMESPACES}>\n\
                 <mAdminState>enabled</mAdminState>\n<ConfigDir>config:///</ConfigDir>\
                 </DomainSettings><XMLManager name=\"default\" {NAMESPACES}>\n<CacheSize>256\
                 </CacheSize>\n<UserAgent class=\"HTTPUserAgent\">default</UserAgent>\n<URLMap>\n\
                 <http>on</http>\n<https>off</https></URLMap></XMLManager>"
            ),
            files: vec![
                file(format!("config/{name}.cfg"), "top; configure terminal;"),
                file("local/transform.xsl".to_owned(), "<xsl:stylesheet/>"),
                key,
            ],
        }
    }

    fn entries(&self) -> Entries {
        let files = self.files.iter().filter(|file| file.form == FixtureForm::Hashed);
        files.map(|file| (file.src.clone(), file.bytes.clone())).collect()
    }
}

/// An open file of these bytes.
pub(super) fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    file
}

/// The hash that a row gives for these bytes.
pub(super) fn sha1_base64(bytes: &[u8]) -> String {
    BASE64.encode(Sha1::digest(bytes))
}
