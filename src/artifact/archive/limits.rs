//! How much an archive may ask of this machine.

/// Limits against archives that are made to exhaust who reads them. The defaults let pass
/// whatever a gateway can sensibly send, a 1 GiB export of a full appliance included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries, those of inner ZIPs included. An empty appliance has about 300, one with a
    /// large `local:` some ten thousand. Each costs about half a kilobyte of memory.
    pub entries: u64,
    /// Bytes of one ZIP's directory, which is held in memory.
    pub directory_bytes: u64,
    /// Unpacked bytes in all. They cost time, not memory: nothing unpacked is kept.
    pub unpacked_bytes: u64,
    /// How many times larger than the file its unpacked bytes may be in all. Deflate reaches
    /// 1032; the archives seen so far stay below 10. One file alone may well be all zeros,
    /// so there is no ratio for each.
    pub ratio: u64,
    /// Unpacked bytes up to which the ratio does not count: a small archive of a small
    /// domain with one very regular file is no bomb.
    pub ratio_free_bytes: u64,
    /// Bytes of a deflated inner ZIP, which has to be unpacked to disk.
    pub scratch_bytes: u64,
    /// Configuration objects in all. Each costs about a hundred bytes of memory.
    pub objects: u64,
    /// Elements within elements of an `export.xml`. Firmware writes below ten levels.
    pub xml_depth: usize,
    /// Attributes of one element of an `export.xml`, declarations of namespaces included.
    /// Firmware writes up to six.
    pub xml_attributes: usize,
    /// Bytes of one name or path of an `export.xml`: of an element, a domain, an object, a file. Those of elements are held
    /// as long as they are open. Firmware takes up to 128 for a name, and systems 4095 for a path.
    pub xml_name_bytes: u64,
    /// Bytes of one tag or one text of an `export.xml`; held in memory.
    pub xml_node_bytes: u64,
    /// Bytes of all names and paths of one `export.xml` together, of domains, files and keys, and of all properties of
    /// one object; held in memory.
    pub xml_listing_bytes: u64,
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            entries: 200_000,
            directory_bytes: 64 * MIB,
            unpacked_bytes: 64 * GIB,
            ratio: 200,
            ratio_free_bytes: GIB,
            scratch_bytes: 8 * GIB,
            objects: 1_000_000,
            xml_depth: 256,
            xml_attributes: 500,
            xml_name_bytes: 4 * KIB,
            xml_node_bytes: 8 * MIB,
            xml_listing_bytes: 64 * MIB,
        }
    }
}
