use std::io::Cursor;

use super::*;
use crate::artifact::archive::export_item::{ListedFile, Object};

fn read_text(xml: &str) -> (Result<Head, XmlError>, Vec<ExportItem>) {
    let mut items = Vec::new();
    let head = read(
        Cursor::new(xml),
        &Limits::default(),
        Detail::Properties,
        &mut |item| items.push(item),
    );
    (head, items)
}

fn why(xml: &str) -> String {
    match read_text(xml).0 {
        Err(XmlError::Bad { what, .. }) => what,
        other => panic!("not found bad: {other:?}"),
    }
}

fn with(inside: &str) -> String {
    format!("<datapower-configuration version=\"3\">{inside}</datapower-configuration>")
}

#[test]
fn what_is_no_export_is_refused() {
    let cases = [
        ("", "it is empty"),
        ("<html></html>", "its root is html"),
        ("not XML", "text where only elements belong"),
        ("<datapower-configuration>", "it ends in the middle"),
        (
            "<datapower-configuration><a></datapower-configuration>",
            "expected `</a>`",
        ),
        (
            "<datapower-configuration/><datapower-configuration/>",
            "a second root element",
        ),
        (
            "<datapower-configuration/>text",
            "text where only elements belong",
        ),
        (
            "<!DOCTYPE a [<!ENTITY e 'x'>]><datapower-configuration/>",
            "a document type",
        ),
    ];
    for (xml, expected) in cases {
        let what = why(xml);
        assert!(what.contains(expected), "{xml}: {what}");
    }
    let cases = [
        (
            "<configuration><A name='a'>&e;</A></configuration>",
            "not declared",
        ),
        ("<configuration><A name='&e;'/></configuration>", "`e`"),
        (
            "<configuration><A name='a' name='b'/></configuration>",
            "a second attribute name",
        ),
        (
            "<configuration><A name='a'>\u{1}</A></configuration>",
            "a character that XML does not have",
        ),
        (
            "<configuration><A name='&#1;'/></configuration>",
            "a character that XML does not have",
        ),
        ("<files><row/></files>", "row is no row of this list"),
        (
            "<configuration xmlns:x='a' xmlns:x='b'/>",
            "a second attribute xmlns:x",
        ),
        ("<x:configuration xmlns:x='y'/>", "configuration has a prefix"),
        ("<files xmlns:x='y'><x:file/></files>", "file has a prefix"),
        (
            "<export-details/><configuration/><export-details/>",
            "a second export-details",
        ),
        ("<files/><configuration/><files/>", "a second files"),
        (
            "<export-details><domain>a</domain><domain>b</domain></export-details>",
            "a second domain",
        ),
        (
            "<configuration>text</configuration>",
            "text where only elements belong",
        ),
        (
            "<configuration domain='a'/><configuration domain='a'/>",
            "a second configuration",
        ),
        ("<files/><files/>", "a second files"),
        ("<domains/><domains/>", "a second domains"),
        ("<interface-data/><interface-data/>", "a second interface-data"),
    ];
    for (inside, expected) in cases {
        let what = why(&with(inside));
        assert!(what.contains(expected), "{inside}: {what}");
    }
}

/// Who goes by namespaces finds nothing where everything is in one, and who goes by names finds all.
#[test]
fn what_is_looked_for_by_its_name_is_in_no_namespace() {
    let sections =
        "<configuration domain='a'><A name='x'><b>1</b></A></configuration><files><file name='f'/></files>";
    let sound = with(sections);
    let root = "<datapower-configuration";
    for element in ["<configuration", "<A", "<files", "<file ", root] {
        let moved = |namespace: &str| {
            let to = format!("{} xmlns='{namespace}' ", element.trim_end());
            read_text(&sound.replacen(element, &to, 1)).0
        };
        match moved("urn:other") {
            Err(XmlError::Bad { what, .. }) => assert!(what.ends_with("urn:other"), "{element}: {what}"),
            other => panic!("{element}: {other:?}"),
        }
        // No firmware is known that puts it into its own, and one that did would not be refused.
        let own = "http://www.datapower.com/schemas/management";
        assert!(moved(own).is_ok_and(|head| head.has_own_namespace), "{element}");
        assert!(moved("").is_ok_and(|head| !head.has_own_namespace), "{element}");
    }
    let later = with("<novelty xmlns='urn:later'><a>1</a></novelty>");
    assert!(read_text(&later).0.is_ok_and(|head| !head.has_own_namespace));
    // Inside of an object it is another property to some, and so it counts.
    let items = |inside: &str| {
        read_text(&with(&format!(
            "<configuration><A name='x'>{inside}</A></configuration>"
        )))
        .1
    };
    let plain = items("<b>1</b>");
    assert_eq!(plain, items("<b xmlns:p='u'>1</b>"));
    assert_eq!(plain, items("<b xmlns=''>1</b>"));
    let [_, ExportItem::Object(object)] = &items("<b xmlns='urn:other'>1</b>")[..] else {
        panic!("no object");
    };
    assert_eq!(object.properties[0].path, "b@xmlns");
    assert_ne!(plain, items("<b xmlns='urn:other'>1</b>"));
}

#[test]
fn an_export_that_others_read_in_another_encoding_is_refused() {
    let export = |encoding: &str, text: &str| {
        let inside = format!("<configuration><A name='a'>{text}</A></configuration>");
        format!("<?xml version='1.0' encoding='{encoding}'?>{}", with(&inside))
    };
    for (encoding, text) in [
        ("UTF-8", "ä"),
        ("utf-8", "ä"),
        ("ISO-8859-1", "a"),
        ("US-ASCII", "a"),
    ] {
        assert!(read_text(&export(encoding, text)).0.is_ok(), "{encoding} {text}");
    }
    for (encoding, text) in [
        ("ISO-8859-1", "ä"),
        ("US-ASCII", "<!-- ä -->"),
        ("ISO-8859-1", "<?a ä?>"),
        ("windows-1252", "<b c='ä'/>"),
        ("iso-8859-99", "a"),
        ("windows-1259", "a"),
        // Reads as a tag to whom it is in UTF-7.
        ("UTF-7", "+ADw-c/+AD4-"),
        ("UTF-16", "a"),
        ("EBCDIC-CP-US", "a"),
    ] {
        assert!(
            why(&export(encoding, text)).contains(encoding),
            "{encoding} {text}"
        );
    }
    let marked = |encoding| format!("\u{feff}{}", export(encoding, "a"));
    assert!(read_text(&marked("UTF-8")).0.is_ok());
    assert!(why(&marked("ISO-8859-1")).contains("ISO-8859-1"));
}

#[test]
fn what_readers_by_the_book_refuse_is_refused() {
    let object = |object: &str| with(&format!("<configuration>{object}</configuration>"));
    for xml in [
        object("<1A name='x'/>"),
        object("<A name='x'><b>]]></b></A>"),
        object("<A name='x'><!-- a -- b --></A>"),
        object("<A name='x'><!-- a ---></A>"),
        object("<A name='x<y'/>"),
        object("<A name='x'id='y'/>"),
        object("<A xmlns:a='u' xmlns:b='u' a:q='1' b:q='2'/>"),
        object("<A a:q='1'/>"),
        object("<a:A/>"),
        object("<A name='x'><?xml version='1.0'?></A>"),
        object("<A name='x'><?XML a?></A>"),
        object("<A name='x'><??></A>"),
        object("<A name='x'><!-- \u{1} --></A>"),
        object("<A name='x'><?a \u{1}?></A>"),
        object("<A name='&#+65;'/>"),
        object("<A>&#+65;</A>"),
        object("<A>&#xD800;</A>"),
        object("<A name=x/>"),
        object("<A name/>"),
        object("<A / >"),
        object("<A xmlns='http://www.w3.org/XML/1998/namespace'/>"),
        object("<A xmlns:q='http://www.w3.org/2000/xmlns/'/>"),
        object("< A/>"),
        format!("\n<?xml version='1.0'?>{}", with("")),
        format!("<!-- a --><?xml version='1.0'?>{}", with("")),
        format!("<?xml version='1.0' standalone='maybe'?>{}", with("")),
        format!("<?xml version='2.0'?>{}", with("")),
        format!("<?xml version='1.1'?>{}", with("")),
        format!("<?xml encoding='UTF-8'?>{}", with("")),
        format!("{}<![CDATA[]]>", with("")),
        format!("{}&#32;", with("")),
        format!("&#32;{}", with("")),
    ] {
        let _ = why(&xml);
    }
    for xml in [
        object("<A xmlns:a='u' a:q='1' q='2'><!-- a - b --><?a?><b>]] > &gt;</b></A>"),
        format!(
            "<?xml version=\"1.0\" standalone='no' ?>\n<!-- a -->{}<?a b?>\n",
            with("")
        ),
    ] {
        let read = read_text(&xml).0;
        assert!(read.is_ok(), "{xml}: {read:?}");
    }
}

/// Whoever refuses a document for its form is right, so that a slip in one byte anywhere is refused
/// wherever a strict reader refuses it.
#[test]
fn no_slip_is_taken_that_a_strict_reader_refuses() {
    let sound = "<?xml version='1.0'?><datapower-configuration><!-- a --><configuration>\
                 <A xmlns:p='u' p:q='1' q='&lt;'><?t i?>&#65;<![CDATA[c]]>\u{e4}</A ></configuration>\
                 </datapower-configuration>";
    assert!(roxmltree::Document::parse(sound).is_ok() && read_text(sound).0.is_ok());
    let characters = sound.char_indices().map(|(at, c)| (at, at + c.len_utf8()));
    let mut refused = 0;
    for (from, to) in characters {
        for instead in [
            "", "<", ">", "&", ";", "'", "\"", "=", " ", "/", "?", "!", "-", ":", "#", "x", "1", "]", "[",
            "--", "\u{1}", "\u{ffff}",
        ] {
            for behind in [from, to] {
                let slip = format!("{}{instead}{}", &sound[..from], &sound[behind..]);
                if roxmltree::Document::parse(&slip).is_err() {
                    refused += 1;
                    assert!(read_text(&slip).0.is_err(), "{slip}");
                }
            }
        }
    }
    assert!(refused > 1_000, "{refused}");
}

#[test]
fn a_declaration_that_only_some_programs_take_is_refused() {
    let inside = with("<configuration><A name='a'/></configuration>");
    for good in [
        "<?xml version=\"1.0\"?>",
        "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n",
        "<?xml version = \"1.0\"\n standalone='no' ?>",
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>",
        "",
        "\n",
    ] {
        assert!(read_text(&format!("{good}{inside}")).0.is_ok(), "{good}");
    }
    for bad in [
        " <?xml version=\"1.0\"?>",
        "<!-- a --><?xml version=\"1.0\"?>",
        "<?xml version=\"1.0\"?><?xml version=\"1.0\"?>",
        "<?xml version=\"1.0\" encoding=\"UTF-8\" encoding=\"UTF-8\"?>",
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" encoding=\"UTF-8\"?>",
        "<?xml encoding=\"UTF-8\" version=\"1.0\"?>",
        "<?xml encoding=\"UTF-8\"?>",
        "<?xml version=\"1.1\"?>",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
        "<?xml version=\"1.0\" encoding=\"IBM037\"?>",
        "<?xml version=\"1.0\"encoding=\"UTF-8\"?>",
        "<?xml version=1.0?>",
        "<?xml version=\"1.0\" x=\"y\"?>",
    ] {
        why(&format!("{bad}{inside}"));
    }
}

/// Gives pieces for ever, and counts the bytes that were asked for.
struct Endless<'c> {
    head: &'static [u8],
    piece: Vec<u8>,
    at: usize,
    given: &'c std::cell::Cell<u64>,
}

impl io::Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let source = if self.head.is_empty() {
            &self.piece[self.at..]
        } else {
            self.head
        };
        let length = source.len().min(buffer.len());
        buffer[..length].copy_from_slice(&source[..length]);
        if self.head.is_empty() {
            self.at = (self.at + length) % self.piece.len();
        } else {
            self.head = &self.head[length..];
        }
        self.given.set(self.given.get() + length as u64);
        Ok(length)
    }
}

#[test]
fn what_makes_other_readers_slow_ends_after_a_few_bytes() {
    const OBJECT: &[u8] = b"<datapower-configuration><configuration><A name='a' ";
    let cases: [(&'static [u8], &str, u64); 3] = [
        (
            b"<datapower-configuration>",
            "<a xmlns:p='u' xmlns='v'>",
            64 * 1024,
        ),
        (
            b"<datapower-configuration><configuration><A>",
            "<p:a xmlns:p='u'>",
            64 * 1024,
        ),
        (
            OBJECT,
            "xmlns:p='u' ",
            Limits::default().xml_node_bytes + 64 * 1024,
        ),
    ];
    for (head, piece, most) in cases {
        let given = std::cell::Cell::new(0);
        let source = Endless {
            head,
            piece: piece.as_bytes().to_vec(),
            at: 0,
            given: &given,
        };
        let result = read(
            io::BufReader::new(source),
            &Limits::default(),
            Detail::Hashes,
            &mut |_| {},
        );
        assert!(
            matches!(result, Err(XmlError::OverLimit(_))),
            "{piece}: {result:?}"
        );
        assert!(given.get() <= most, "{piece}: {} bytes", given.get());
    }
    // In one tag of the size that is read, none of them is looked at beyond the limit.
    let attributes: String = (0..100_000).map(|index| format!("a{index}='' ")).collect();
    let (result, _) = read_text(&with(&format!(
        "<configuration><A {attributes}/></configuration>"
    )));
    assert!(
        matches!(
            result,
            Err(XmlError::OverLimit("attributes of one element in export.xml"))
        ),
        "{result:?}"
    );
}

#[test]
fn no_name_is_longer_than_anybody_has() {
    let long = "n".repeat(5000);
    for inside in [
        format!("<configuration><{long}/></configuration>"),
        format!("<configuration><A><{long}/></A></configuration>"),
        format!("<configuration><Domain name='{long}'/></configuration>"),
        format!("<configuration><A><Filename>cert:///{long}</Filename></A></configuration>"),
        format!("<domains><domain name='{long}'/></domains>"),
        format!("<files><file name='local:///{long}' src='a'/></files>"),
    ] {
        let (result, _) = read_text(&with(&inside));
        let what = "bytes of one name in export.xml";
        assert!(
            matches!(result, Err(XmlError::OverLimit(told)) if told == what),
            "{inside:.60}: {result:?}"
        );
    }
    let note = with(&format!(
        "<configuration><A name='a'><Note>{long}</Note></A></configuration>"
    ));
    assert!(read_text(&note).0.is_ok(), "what is no name may be long");
}

#[test]
fn the_keys_that_objects_name_are_counted_together() {
    let object = |number: u32| format!("<A name='a{number}'><Filename>cert:///{number:0>40}</Filename></A>");
    let xml = with(&format!(
        "<configuration>{}</configuration>",
        (0..30).map(object).collect::<String>()
    ));
    let limits = Limits {
        xml_listing_bytes: 1000,
        ..Limits::default()
    };
    let read = read(Cursor::new(&xml), &limits, Detail::Hashes, &mut |_| {});
    assert!(
        matches!(read, Err(XmlError::OverLimit("names in export.xml"))),
        "{read:?}"
    );
}

#[test]
fn every_cut_export_is_refused() {
    let xml = with(
        "<export-details><domain>a</domain></export-details><configuration domain='a'>\
                    <A name='x'>y</A></configuration><files><file name='a' src='b'/></files>",
    );
    for length in 0..xml.len() {
        assert!(read_text(&xml[..length]).0.is_err(), "{}", &xml[..length]);
    }
    assert!(read_text(&xml).0.is_ok());
}

#[test]
fn bytes_that_are_no_utf8_are_refused() {
    let xml =
        b"<datapower-configuration><configuration><A>\xff</A></configuration></datapower-configuration>";
    let result = read(&xml[..], &Limits::default(), Detail::Hashes, &mut |_| {});
    assert!(matches!(result, Err(XmlError::Bad { .. })), "{result:?}");
}

#[test]
fn the_head_is_read_wherever_it_stands() {
    let xml = with(
        "<configuration domain=\"a&amp;b\"/><export-details><firmware-version> V1 </firmware-version>\
         <domain>a&amp;<![CDATA[b]]></domain></export-details><domains/>",
    );
    let head = read_text(&xml).0.expect("a head");
    assert_eq!(head.exported_domain.as_deref(), Some("a&b"));
    assert_eq!(head.firmware_version.as_deref(), Some("V1"));
    assert_eq!(head.configurations, [Some("a&b".to_owned())]);
    assert!(head.has_domains);
    assert_eq!(head.serial_number, None);
}

#[test]
fn rows_are_read_with_their_flags() {
    let xml = with(
        "<files><file name='cert:///k' src='cert/k' key='true'/><file name='webgui:///a' \
         src='dp-aux/a' internal='true' hash='x='/><file name='local:///b'/><file name='local:///c' \
         src='local/c' location='local' missing='true'/></files>",
    );
    let row = |name: &str| ListedFile {
        name: name.to_owned(),
        ..ListedFile::default()
    };
    let src = |src: &str| Some(src.to_owned());
    let expected = [
        ListedFile {
            src: src("cert/k"),
            key: true,
            ..row("cert:///k")
        },
        ListedFile {
            src: src("dp-aux/a"),
            hash: src("x="),
            internal: true,
            ..row("webgui:///a")
        },
        row("local:///b"),
        ListedFile {
            src: src("local/c"),
            missing: true,
            ..row("local:///c")
        },
    ];
    assert_eq!(read_text(&xml).1, expected.map(ExportItem::File));
}

#[test]
fn sections_of_later_firmware_are_handed_out_whole() {
    let items = read_text(&with("<novelty><a>1</a></novelty>")).1;
    let [
        ExportItem::Unknown(Object {
            class, properties, ..
        }),
    ] = items.as_slice()
    else {
        panic!("not one unknown section: {items:?}");
    };
    assert_eq!((class.as_str(), properties.len()), ("novelty", 1));
    assert_ne!(items, read_text(&with("<novelty><a>2</a></novelty>")).1);
}

#[test]
fn texts_do_not_run_together_in_a_hash() {
    let hash =
        |inside: &str| match &read_text(&with(&format!("<configuration>{inside}</configuration>"))).1[1] {
            ExportItem::Object(object) => object.hash,
            other => panic!("not an object: {other:?}"),
        };
    let forms = [
        "<A><b>1</b><c>2</c></A>",
        "<A><b>12</b><c/></A>",
        "<A><b>1</b><c>2</c><d/></A>",
        "<A><b><c>2</c>1</b></A>",
        "<A>1<b/>2</A>",
        "<A>12<b/></A>",
        "<A b='1'/>",
        "<A><b/></A>",
        "<A/>",
        "<A> </A>",
    ];
    let hashes: std::collections::BTreeSet<_> = forms.iter().map(|form| hash(form)).collect();
    assert_eq!(hashes.len(), forms.len());
    assert_eq!(hash("<A/>"), hash("<A></A>"));
}

#[test]
fn a_giant_text_is_refused_before_it_is_held() {
    struct Endless;
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(b'a');
            Ok(buffer.len())
        }
    }
    let start = "<datapower-configuration><configuration><A>";
    for start in [start.to_owned(), format!("{start}<b c='"), format!("{start}<!--")] {
        let source = io::BufReader::new(std::io::Read::chain(start.as_bytes(), Endless));
        let result = read(source, &Limits::default(), Detail::Hashes, &mut |_| {});
        assert!(matches!(result, Err(XmlError::OverLimit(_))), "{result:?}");
    }
}

#[test]
fn a_text_cut_into_many_pieces_is_refused_as_well() {
    let pieces = "aaaa&amp;".repeat(40);
    let xml = with(&format!("<configuration><A>{pieces}</A></configuration>"));
    let limits = Limits {
        xml_node_bytes: 100,
        ..Limits::default()
    };
    let result = read(Cursor::new(xml), &limits, Detail::Hashes, &mut |_| {});
    assert!(matches!(result, Err(XmlError::OverLimit(_))), "{result:?}");
}
