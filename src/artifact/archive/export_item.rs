//! What an `export.xml` holds (soma-wire 2.3).

use std::io::{self, Read};

use crate::artifact::archive::two_readings::TwoReadings;

/// What the outer `export.xml` of a `do-backup` lists are the domains of the gateway.
pub(super) const DOMAIN_CLASS: &str = "Domain";

/// Classes of which a gateway has objects in `default` alone: they are about all of it.
pub(super) const OF_DEVICE: [&str; 8] = [
    DOMAIN_CLASS,
    "EthernetInterface",
    "MgmtInterface",
    "NetworkSettings",
    "SecureBackupMode",
    "SystemSettings",
    "User",
    "UserGroup",
];

/// Is shown a file of a domain, and reads of it what it wants.
pub type OpenFile<'o> = dyn FnMut(&str, &ListedFile, &mut dyn Read) -> io::Result<()> + 'o;

/// How much is wanted of each object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Class, name and hash.
    Hashes,
    /// The properties too.
    Properties,
}

/// Something that an `export.xml` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportItem {
    /// A `configuration` begins, with its domain if it names one.
    Configuration(Option<String>),
    /// A configuration object.
    Object(Object),
    /// A row of `files`.
    File(ListedFile),
    /// A row of `domains`: the outer file of a `do-backup` has them.
    Domain(String),
    /// A section that is not known, as an object whose class is its name.
    Unknown(Object),
}

/// A configuration object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its class, `XMLManager`.
    pub class: String,
    pub name: String,
    /// SHA-256 over all it says. White space between elements and the order of attributes do
    /// not count.
    pub hash: [u8; 32],
    /// What it says, in order; empty unless asked for.
    pub properties: Vec<Property>,
    /// The files of keys and certificates that it names, `cert:///a.pem`.
    pub key_files: Vec<String>,
}

/// One value of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Names of elements, and at the end perhaps of an attribute: `URLMap/http`, `ACL@class`.
    /// Lists repeat it.
    pub path: String,
    /// The value.
    pub value: String,
}

/// A row of `files`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedFile {
    /// The path on the device, `local:///a.xsl`.
    pub name: String,
    /// The entry in the ZIP.
    pub src: Option<String>,
    /// Base64 of the SHA-1 of its bytes.
    pub hash: Option<String>,
    /// It belongs to the firmware, and stands in the outer ZIP.
    pub internal: bool,
    /// It is a key or a certificate, and was not exported.
    pub key: bool,
    /// The gateway did not have it when it exported.
    pub missing: bool,
}

/// The forms of a row of `files`: four that firmware writes, and one that proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowForm<'r> {
    /// With the hash of its bytes, which stand in the archive.
    Hashed(&'r str),
    /// A key or a certificate, which is in no export.
    Key,
    /// The gateway did not have the file when it exported.
    Missing,
    /// Without anything to hold its bytes against.
    Unproved,
}

impl ListedFile {
    /// Its form. A firmware file (`internal`) is one by its place, whatever its form.
    pub fn form(&self) -> RowForm<'_> {
        match self.hash.as_deref() {
            _ if self.missing => RowForm::Missing,
            Some("") if self.key => RowForm::Key,
            Some(hash) => RowForm::Hashed(hash),
            None if self.key => RowForm::Key,
            None => RowForm::Unproved,
        }
    }
}

/// What an `export.xml` says about itself; `None` where it does not have the element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// `export-details/domain`.
    pub(super) exported_domain: Option<String>,
    /// `export-details/firmware-version`.
    pub(super) firmware_version: Option<String>,
    /// `export-details/firmware-build`.
    pub(super) firmware_build: Option<String>,
    /// `export-details/serial-number`.
    pub(super) serial_number: Option<String>,
    /// `export-details/device-name`.
    pub(super) device_name: Option<String>,
    /// `domain` of each `configuration`, where it has one.
    pub(super) configurations: Vec<Option<String>>,
    /// Whether there is a `domains` section: the mark of a `do-backup`'s outer file.
    pub(super) has_domains: bool,
    /// Whether its elements are in a namespace of the firmware.
    pub(super) has_own_namespace: bool,
    /// What two programs could read differently.
    pub(super) two_readings: TwoReadings,
}

impl Head {
    /// Where the text of this element of `export-details` is kept: nobody reads any other.
    pub(super) fn detail(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "domain" => &mut self.exported_domain,
            "firmware-version" => &mut self.firmware_version,
            "firmware-build" => &mut self.firmware_build,
            "serial-number" => &mut self.serial_number,
            "device-name" => &mut self.device_name,
            _ => return None,
        })
    }
}
