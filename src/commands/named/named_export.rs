//! The words by which somebody names an export: a task, a file, or a device and a domain, of which the newest good one
//! is meant.

use std::path::Path;

use crate::cli::ExecutionId;

/// What somebody names: digits alone are a task, and so is `last`; a device and a domain have a
/// `/` between them, where no file has that name. A pattern in place of the device names a group.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) enum NamedExport<'a> {
    Task(ExecutionId),
    Target { device: &'a str, domain: &'a str },
    Group { devices: &'a str, domain: &'a str },
    File(&'a Path),
}

impl<'a> NamedExport<'a> {
    pub(in crate::commands) fn parse(text: &'a Path) -> NamedExport<'a> {
        if let Some(id) = text.to_str().and_then(ExecutionId::of) {
            return NamedExport::Task(id);
        }
        match text.to_str().and_then(target) {
            Some(_) if std::fs::symlink_metadata(text).is_ok() => NamedExport::File(text),
            // No device has such a character in its name.
            Some((devices, domain)) if devices.contains(['@', '*', ',', '!']) => {
                NamedExport::Group { devices, domain }
            }
            Some((device, domain)) => NamedExport::Target { device, domain },
            None => NamedExport::File(text),
        }
    }

    /// Whether nothing but history knows where it is.
    pub(in crate::commands) fn need(&self) -> HistoryNeed {
        match self {
            NamedExport::File(_) => HistoryNeed::NotNeeded,
            NamedExport::Task(_) | NamedExport::Target { .. } | NamedExport::Group { .. } => {
                HistoryNeed::Needed
            }
        }
    }
}

/// The device and the domain of `DEVICE/DOMAIN`.
pub(in crate::commands) fn target(text: &str) -> Option<(&str, &str)> {
    let (device, domain) = text.split_once('/')?;
    let is_name = |name: &str| !name.is_empty() && !name.contains('/') && name != "." && name != "..";
    let is_archive = domain.to_ascii_lowercase().ends_with(".zip");
    (is_name(device) && is_name(domain) && !is_archive).then_some((device, domain))
}

/// Whether history has to be asked for what somebody names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum HistoryNeed {
    /// It has.
    Needed,
    /// A file says itself what it is, on a machine that has no plan file, too.
    NotNeeded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_and_a_domain_are_told_from_files() {
        assert_eq!(target("QA1/DOM1"), Some(("QA1", "DOM1")));
        assert_eq!(target("QA1/all-domains"), Some(("QA1", "all-domains")));
        for file in [
            "a/b/c",
            "/tmp",
            "./a",
            "../a",
            "a/",
            "/a",
            "a",
            "folder/a.zip",
            "folder/A.ZIP",
        ] {
            assert_eq!(target(file), None, "{file}");
        }
    }
}
