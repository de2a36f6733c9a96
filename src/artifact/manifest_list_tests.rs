use super::*;

const ABC_SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

fn manifest(rows: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<x:signed xmlns:x=\"urn:x\"><x:head/><backupmanifest version=\"1\">\
         <firmware>IDG</firmware><files>{rows}</files></backupmanifest></x:signed>"
    )
}

fn row(name: &str, inside: &str) -> String {
    format!("<file><filename>{name}</filename>{inside}</file>")
}

fn abc(name: &str) -> String {
    row(name, &format!("<size>3</size><checksum>{ABC_SHA1}</checksum>"))
}

fn names(xml: &str) -> Vec<String> {
    let manifest = Manifest::read(xml).expect(xml);
    manifest.files.into_iter().map(|listed| listed.name).collect()
}

#[test]
fn the_list_is_found_below_the_root_and_below_a_backupmanifest() {
    let files = format!("<files>{}</files>", abc("a.tgz"));
    for xml in [
        manifest(&abc("a.tgz")),
        format!("<backupmanifest>{files}</backupmanifest>"),
        format!("<secure-backup>{files}</secure-backup>"),
        format!("<a><b><backupmanifest xmlns='urn:y'>{files}</backupmanifest></b></a>"),
        format!("\u{FEFF}<backupmanifest>\n {files}</backupmanifest>"),
    ] {
        assert_eq!(names(&xml), ["a.tgz"], "{xml}");
    }
    for xml in [format!("<a><b>{files}</b></a>"), files] {
        assert_eq!(Manifest::read(&xml), Err(ManifestError::Empty), "{xml}");
    }
}

#[test]
fn a_row_is_read_whole() {
    let inside = format!(
        "<filesize>3</filesize><checksum algorithm=\"SHA-1\">{}<!-- x -->{}</checksum>",
        &ABC_SHA1[..8],
        &ABC_SHA1[8..]
    );
    let rows = row("a<!-- b -->.<![CDATA[tgz]]>", &inside);
    let listed = &Manifest::read(&manifest(&rows)).expect("read").files[0];
    assert_eq!((listed.name.as_str(), listed.size), ("a.tgz", Some(3)));
    assert_eq!(
        listed.checksums,
        [Checksum::read(ABC_SHA1, None).expect("a checksum")]
    );
    let of_another = row("a", &format!("<checksum type=\"CRC\">{ABC_SHA1}</checksum>"));
    let listed = &Manifest::read(&manifest(&of_another)).expect("read").files[0];
    assert_eq!(listed.checksums, [Checksum::Unknown(ABC_SHA1.to_owned())]);
}

#[test]
fn manifests_that_make_no_sense_are_refused() {
    let bad = |what: &'static str, text: &str| {
        let (name, text) = ("a".to_owned(), text.to_owned());
        ManifestError::BadValue { name, what, text }
    };
    let two_sizes = |one, other| {
        let name = "a".to_owned();
        ManifestError::TwoSizes { name, one, other }
    };
    let unsafe_name = |name: &str| ManifestError::UnsafeName(name.to_owned());
    let cases = [
        (String::new(), ManifestError::Empty),
        (abc(MANIFEST), ManifestError::Empty),
        (abc("a") + &abc("a"), ManifestError::Duplicate("a".to_owned())),
        (abc(""), ManifestError::NoName),
        (abc(".."), unsafe_name("..")),
        (abc("../a"), unsafe_name("../a")),
        (abc("a\\b"), unsafe_name("a\\b")),
        (abc("a\nb"), unsafe_name("a\nb")),
        (row("a", "<size>-1</size>"), bad("size", "-1")),
        (row("a", "<filesize>3 KB</filesize>"), bad("filesize", "3 KB")),
        (row("a", "<size>3</size><size>4</size>"), bad("size", "4")),
        (row("a", "<filesize>3</filesize><size>4</size>"), two_sizes(4, 3)),
        (
            format!(
                "{}</files><files>{}</files>{}<files>",
                abc("a"),
                abc("b"),
                abc("c")
            ),
            ManifestError::Elsewhere("c".to_owned()),
        ),
        (
            format!("{}<files>{}</files>", abc("a"), abc("c")),
            ManifestError::Elsewhere("c".to_owned()),
        ),
        (row("a", "<filename>b</filename>"), bad("filename", "b")),
        (row("a", "<size>+3</size>"), bad("size", "+3")),
        // What two programs could read differently.
        (row("a", "<size>4</size><filesize>3</filesize>"), two_sizes(4, 3)),
        (row("a", "<size>1<x/>2</size>"), bad("size", "12")),
        (row("a<x>b</x>", "<size>3</size>"), bad("filename", "a")),
        (
            row("a", &format!("<checksum>{ABC_SHA1}<x/></checksum>")),
            bad("checksum", ABC_SHA1),
        ),
        (
            row("a", "<checksum>sha1:12</checksum>"),
            bad("checksum", "sha1:12"),
        ),
    ];
    for (rows, expected) in cases {
        assert_eq!(Manifest::read(&manifest(&rows)), Err(expected), "{rows}");
    }
    for xml in ["", "text", "<a>", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"] {
        assert!(
            matches!(Manifest::read(xml), Err(ManifestError::NotXml(_))),
            "{xml}"
        );
    }
}

#[test]
fn two_sizes_that_agree_are_one_and_those_of_the_manifest_itself_prove_nothing() {
    let rows = row("a", "<size>3</size><filesize>03</filesize>")
        + &row(MANIFEST, "<size>1</size><filesize>2</filesize>");
    let read = Manifest::read(&manifest(&rows)).expect("sound");
    assert_eq!(read.files[0].size, Some(3));
}

#[test]
fn every_cut_manifest_is_refused() {
    let xml = manifest(&abc("a"));
    for length in 0..xml.len() {
        assert!(Manifest::read(&xml[..length]).is_err(), "{}", &xml[..length]);
    }
}

#[test]
fn a_manifest_that_would_cost_a_parser_hours_does_not_come_to_it() {
    let nested: String = (0..20_000)
        .map(|index| format!("<a xmlns:p{index}='u'>"))
        .collect();
    let attributes: String = (0..160_000).map(|index| format!(" a{index}=''")).collect();
    for xml in [
        format!("{}{nested}", manifest(&abc("a"))),
        manifest(&format!("{nested}{}", "</a>".repeat(20_000))),
        manifest(&format!("<a{attributes}/>")),
    ] {
        match Manifest::read(&xml) {
            Err(ManifestError::NotXml(why)) => assert!(why.starts_with("more than "), "{why}"),
            other => panic!("not refused: {other:?}"),
        }
    }
}
