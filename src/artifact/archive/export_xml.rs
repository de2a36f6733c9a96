//! Reads an `export.xml` of any size in little memory (soma-wire 2.3).
//!
//! The file is streamed: each configuration object is handed out with a hash of what it
//! says as soon as its end tag is read, and each row of `files` likewise. Only this file and
//! `export_scan` know the XML library.

use std::io::{self, BufRead};

use quick_xml::errors::Error as QuickError;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use crate::artifact::archive::export_item::{Detail, ExportItem, Head};
use crate::artifact::archive::export_scan::{ExportXmlFault, NODE, Scan};
use crate::artifact::archive::limits::Limits;
use crate::artifact::archive::read_limit::{ReadLimited, is_over_limit};

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// An `export.xml` could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum XmlError {
    /// The bytes could not be read.
    #[error("read")]
    Read(#[source] io::Error),
    /// It is not what a gateway writes.
    #[error("{what} at byte {at}")]
    Bad {
        what: String,
        /// Where.
        at: u64,
    },
    /// One of the limits.
    #[error("{0}")]
    OverLimit(&'static str),
}

/// Reads an `export.xml` to its end.
pub(super) fn read<R: BufRead>(
    source: R,
    limits: &Limits,
    detail: Detail,
    visit: &mut dyn FnMut(ExportItem),
) -> Result<Head, XmlError> {
    let mut source = ReadLimited::new(source, limits.xml_node_bytes);
    let mut scan = Scan::new(limits, detail, visit);
    scan.has_mark = source.fill_buf().map_err(XmlError::Read)?.starts_with(MARK);
    let mut reader = Reader::from_reader(source);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().refill();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(error) => return Err(sort(error, reader.error_position())),
        };
        let done = matches!(event, Event::Eof);
        match scan.take(event) {
            Ok(()) if done => return Ok(scan.head),
            Ok(()) => {}
            Err(ExportXmlFault::OverLimit(what)) => return Err(XmlError::OverLimit(what)),
            Err(ExportXmlFault::Bad(what)) => {
                return Err(XmlError::Bad {
                    what,
                    at: reader.buffer_position(),
                });
            }
        }
    }
}

fn sort(error: QuickError, at: u64) -> XmlError {
    match error {
        QuickError::Io(error) if is_over_limit(&error) => XmlError::OverLimit(NODE),
        QuickError::Io(error) => XmlError::Read(match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        }),
        other => XmlError::Bad {
            what: other.to_string(),
            at,
        },
    }
}

#[cfg(test)]
#[path = "export_xml_tests.rs"]
mod tests;
