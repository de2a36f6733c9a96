//! What an entry says that it is: by its name, and by the attributes that the system of its
//! writer gave it.

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Folder,
}

/// Why an entry is neither a plain file nor a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OddKind {
    /// It is something else.
    Else(&'static str),
    /// Its name says one thing, and its attributes another.
    Contradiction(&'static str),
}

/// Bits of DOS: in the lower half of the attributes, whatever system wrote them.
const DOS_VOLUME: u32 = 0x08;
const DOS_FOLDER: u32 = 0x10;
const DOS_DEVICE: u32 = 0x40;
const DOS_LINK: u32 = 0x400;

/// What an entry is. A name that ends with a separator is that of a folder, to every program;
/// attributes are looked at by some only, and so may not say anything else. Which system they
/// are said to come from does not matter here, for it does not to every program.
pub(super) fn of(name: &[u8], attributes: u32) -> Result<EntryKind, OddKind> {
    if attributes & DOS_VOLUME != 0 {
        return Err(OddKind::Else("the name of a volume"));
    }
    if attributes & DOS_DEVICE != 0 {
        return Err(OddKind::Else("a device"));
    }
    if attributes & DOS_LINK != 0 {
        return Err(OddKind::Else("a link of Windows"));
    }
    let marked = match attributes >> 28 {
        // Without a type in its mode: most programs give none.
        0 => None,
        0o01 => return Err(OddKind::Else("a pipe")),
        0o02 => return Err(OddKind::Else("a character device")),
        0o04 => Some(EntryKind::Folder),
        0o06 => return Err(OddKind::Else("a block device")),
        0o10 => Some(EntryKind::File),
        0o12 => return Err(OddKind::Else("a symbolic link")),
        0o14 => return Err(OddKind::Else("a socket")),
        _ => return Err(OddKind::Else("of no known type")),
    };
    let is_marked_folder = attributes & DOS_FOLDER != 0 || marked == Some(EntryKind::Folder);
    if !name.ends_with(b"/") {
        return match is_marked_folder {
            true => Err(OddKind::Contradiction(
                "it is named as a file, and marked as a folder",
            )),
            false => Ok(EntryKind::File),
        };
    }
    match marked {
        Some(EntryKind::File) => Err(OddKind::Contradiction(
            "it is named as a folder, and marked as a file",
        )),
        Some(EntryKind::Folder) | None => Ok(EntryKind::Folder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_pass_as_the_usual_programs_mark_them() {
        for attributes in [0, 0x20, 0x8180_0000, 0x81b4_8020, 0x8180_8020, 0x0180_0000] {
            assert_eq!(of(b"a/b", attributes), Ok(EntryKind::File), "{attributes:#x}");
        }
        for attributes in [0, 0x10, 0x41ed_0010, 0x41ed_0000, 0x01ed_0010] {
            assert_eq!(of(b"a/", attributes), Ok(EntryKind::Folder), "{attributes:#x}");
        }
    }

    #[test]
    fn what_is_neither_file_nor_folder_is_named() {
        let odd = |attributes| match of(b"a", attributes) {
            Err(OddKind::Else(what)) => what,
            other => panic!("{attributes:#x}: {other:?}"),
        };
        assert_eq!(odd(0o010_644 << 16), "a pipe");
        assert_eq!(odd(0o020_644 << 16), "a character device");
        assert_eq!(odd(0o060_644 << 16), "a block device");
        assert_eq!(odd(0o120_777 << 16), "a symbolic link");
        assert_eq!(odd(0o140_755 << 16), "a socket");
        assert_eq!(odd(0x08), "the name of a volume");
        assert_eq!(odd(0x40), "a device");
        assert_eq!(odd(0x420), "a link of Windows");
        let known = [0, 0o01, 0o02, 0o04, 0o06, 0o10, 0o12, 0o14];
        for unknown in (0..16_u32).filter(|kind| !known.contains(kind)) {
            assert_eq!(odd(unknown << 28), "of no known type", "{unknown:o}");
        }
    }

    #[test]
    fn a_name_and_a_mark_that_contradict_each_other_are_refused() {
        for (name, attributes) in [
            (&b"a"[..], 0x10),
            (b"a", 0o040_755 << 16),
            (b"a", 0x8180_0010),
            (b"a/", 0o100_644 << 16),
        ] {
            let found = of(name, attributes);
            assert!(
                matches!(found, Err(OddKind::Contradiction(_))),
                "{attributes:#x}: {found:?}"
            );
        }
    }
}
