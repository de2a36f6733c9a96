//! What is found out of an archive while the rest of it still arrives.
//!
//! What counts is the directory of a ZIP, which stands at its end. But a header stands in front of
//! each entry too, and by that alone the bytes behind it can be unpacked and hashed as soon as they
//! are there, those of an entry in an inner ZIP together with those of the inner ZIP itself. Nothing
//! is judged here. Whoever verifies the archive goes by the directory, asks for what came of the
//! bytes at just this place, and reads them where nothing is known of them: where the headers do
//! not agree, where something could not be unpacked, where nobody has looked ahead.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Take};

use crate::artifact::archive::entry_digest::{Digested, Digesting, EntryDigest, drain};
use crate::artifact::archive::inflate::Unpacking;
use crate::artifact::archive::limits::Limits;
use crate::artifact::archive::zip_header::{LocalHeader, PackedPlace, Packing};

const BUFFER_BYTES: usize = 64 * 1024;

/// What is known of entries before anybody has asked.
#[derive(Debug, Default)]
pub struct Ahead {
    found: BTreeMap<PackedPlace, EntryDigest>,
}

impl Ahead {
    /// Reads an archive from its beginning as far as it can be read so.
    pub fn look(archive: &mut dyn Read, limits: &Limits) -> Ahead {
        let mut looking = Looking {
            ahead: Ahead::default(),
            limits,
            unpacked: 0,
        };
        let mut archive = BufReader::with_capacity(BUFFER_BYTES, archive);
        // Whoever verifies it meets the same again, and tells of it.
        let _told_later = looking.zip(&mut archive, 0, ZipLevel::Outer);
        looking.ahead
    }

    /// What came of the bytes at a place, where somebody has looked.
    pub(super) fn of(&self, place: &PackedPlace) -> Option<&EntryDigest> {
        self.found.get(place)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ZipLevel {
    Outer,
    Inner,
}

struct Looking<'l> {
    ahead: Ahead,
    limits: &'l Limits,
    /// Bytes so far.
    unpacked: u64,
}

impl Looking<'_> {
    /// Looks at the entries of a ZIP that begins at `position` of the file, up to its directory.
    fn zip(&mut self, zip: &mut dyn BufRead, mut position: u64, level: ZipLevel) -> io::Result<()> {
        while let Some(local) = LocalHeader::take(zip, position)? {
            let Some(place) = local.place() else { return Ok(()) };
            let mut packed = zip.take(place.bytes);
            let is_inner =
                level == ZipLevel::Outer && place.packing == Packing::Stored && local.is_named_zip();
            let digest = match is_inner {
                true => self.inner(&mut packed, place.start)?,
                false => self.entry(&mut packed, place.packing, place.start)?,
            };
            let is_whole = packed.limit() == 0;
            if !is_whole || self.ahead.found.len() as u64 >= self.limits.entries {
                return Ok(());
            }
            self.ahead.found.insert(place, digest);
            position = place.start + place.bytes;
        }
        Ok(())
    }

    /// An inner ZIP that is stored as it is, with what stands in it. The SHA-1 of its entries is asked
    /// for, and hardly ever its own: no gateway lists it.
    fn inner(&mut self, packed: &mut dyn BufRead, start: u64) -> io::Result<EntryDigest> {
        let mut zip = Digested {
            source: packed,
            digesting: Digesting::without_sha1(),
        };
        // It is an entry like any other all the same.
        let _told_later = self.zip(&mut zip, start, ZipLevel::Inner);
        drain(&mut zip)?;
        Ok(zip.digesting.finish(true))
    }

    fn entry<R: BufRead>(
        &mut self,
        packed: &mut Take<R>,
        packing: Packing,
        start: u64,
    ) -> io::Result<EntryDigest> {
        let mut digesting = Digesting::default();
        let whole = packed.limit();
        let mut unpacking = Unpacking::new(packed, packing);
        let mut buffer = vec![0; BUFFER_BYTES / 2];
        loop {
            let read = unpacking.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            digesting.update(&buffer[..read]);
            self.unpacked += read as u64;
            // By what has come so far, whatever the header says of the rest.
            let arrived = start + (whole - unpacking.source().limit());
            let allowed = arrived.saturating_mul(self.limits.ratio);
            if self.unpacked > allowed.max(self.limits.ratio_free_bytes) {
                return Err(io::Error::other("over the limit"));
            }
        }
        let is_spent = drain(&mut unpacking.into_source())? == 0;
        Ok(digesting.finish(is_spent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::archive::damage::verify_any;
    use crate::artifact::archive::forge::{Descriptor, ForgedEntry, zip};
    use crate::artifact::archive::{Expected, verify_knowing};
    use crate::artifact::fixture::{Entries, FileFixture, FixtureForm, FixtureGateway, file_of, sha1_base64};

    fn look(mut bytes: &[u8]) -> Ahead {
        Ahead::look(&mut bytes, &Limits::default())
    }

    #[test]
    fn every_entry_of_both_levels_is_found_where_it_can_be_read_from_the_front() {
        let gateway = FixtureGateway::new();
        for bytes in [gateway.backup(), gateway.export()] {
            let entries = verify_any(&bytes).expect("a good archive").entries;
            assert_eq!(look(&bytes).found.len() as u64, entries);
        }
        // One that is packed has to be unpacked to a file of its own, of which nothing is known.
        let packed = look(&FixtureGateway::deflating().backup());
        assert_eq!(packed.found.len(), 5);
    }

    #[test]
    fn what_was_found_is_not_read_again() {
        let bytes = FixtureGateway::new().backup();
        let ahead = look(&bytes);
        let text = b"SALES.cfg";
        let end = bytes
            .windows(text.len())
            .position(|seen| seen == text)
            .expect("a name")
            + text.len();
        let mut other = bytes.clone();
        // A byte of the entry behind its name and what more its header has.
        let place = ahead.found.keys().find(|place| place.start >= end as u64);
        other[place.expect("an entry").start as usize] ^= 1;
        assert!(verify_any(&other).is_err());
        let (file, scratch) = (file_of(&other), std::env::temp_dir());
        let limits = Limits::default();
        assert!(verify_knowing(&ahead, &file, &scratch, &Expected::Any, &limits).is_ok());
    }

    #[test]
    fn a_file_that_is_a_zip_is_hashed_when_a_row_lists_it_though_its_hash_was_not_taken_ahead() {
        let mut gateway = FixtureGateway::new();
        let tool = zip(&[ForgedEntry::new("inside", b"text")]);
        let domain = gateway.domains.last_mut().expect("a domain");
        domain.files.push(FileFixture {
            src: "local/tool.zip".to_owned(),
            bytes: tool.clone(),
            form: FixtureForm::Hashed,
        });
        let verified = |entries: &Entries| {
            let bytes = gateway.zip(entries);
            let ahead = look(&bytes);
            assert!(ahead.found.values().any(|digest| digest.sha1.is_none()));
            let (file, scratch) = (file_of(&bytes), std::env::temp_dir());
            verify_knowing(&ahead, &file, &scratch, &Expected::Any, &Limits::default()).is_ok()
        };
        let mut entries = gateway.export_entries(gateway.domains.last().expect("a domain"));
        assert!(verified(&entries));
        let (_, xml) = entries
            .iter_mut()
            .find(|(name, _)| name == "export.xml")
            .expect("it");
        let listed = sha1_base64(&tool);
        let other = String::from_utf8(xml.clone())
            .expect("text")
            .replace(&listed, &sha1_base64(b"other"));
        *xml = other.into_bytes();
        assert!(!verified(&entries));
    }

    #[test]
    fn nothing_is_known_of_an_entry_that_is_cut_or_tells_its_length_afterwards() {
        let entry = |name: &str| ForgedEntry::new(name, &[7; 1000]);
        let whole = zip(&[entry("a"), entry("b")]);
        assert_eq!(look(&whole).found.len(), 2);
        let second = whole
            .windows(4)
            .rposition(|seen| seen == b"PK\x03\x04")
            .expect("a header");
        assert_eq!(look(&whole[..second + 34]).found.len(), 1);
        let mut streamed = entry("b");
        (streamed.flags, streamed.descriptor) = (8, Descriptor::Marked);
        assert_eq!(look(&zip(&[entry("a"), streamed, entry("c")])).found.len(), 1);
        assert_eq!(look(b"no ZIP at all").found.len(), 0);
    }

    #[test]
    fn an_archive_that_unpacks_to_too_much_is_given_up() {
        let entries = ["a", "b", "c"].map(|name| ForgedEntry::new(name, &[0; 100_000]));
        let limits = Limits {
            ratio: 1,
            ratio_free_bytes: 150_000,
            ..Limits::default()
        };
        let bytes = zip(&entries);
        assert_eq!(Ahead::look(&mut bytes.as_slice(), &limits).found.len(), 1);
        let limits = Limits {
            entries: 2,
            ..Limits::default()
        };
        assert_eq!(Ahead::look(&mut bytes.as_slice(), &limits).found.len(), 2);
    }

    #[test]
    fn a_large_entry_at_the_beginning_is_held_against_what_has_come_of_it() {
        let large = ForgedEntry::new("a", &[7; 400_000]).stored();
        let limits = Limits {
            ratio: 1,
            ratio_free_bytes: 150_000,
            ..Limits::default()
        };
        let bytes = zip(&[large, ForgedEntry::new("b", b"more")]);
        assert!(bytes.len() > 400_000, "it is stored as it is");
        assert_eq!(Ahead::look(&mut bytes.as_slice(), &limits).found.len(), 2);
    }
}
