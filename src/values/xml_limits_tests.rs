use std::io::{BufReader, Read as _};

use proptest::prelude::*;
use roxmltree::{Document, Node};

use super::*;

const UNLIMITED: XmlLimits = XmlLimits {
    attributes: u64::MAX,
    declarations: u64::MAX,
    depth: u64::MAX,
    name_bytes: u64::MAX,
    value_bytes: u64::MAX,
    markup: u64::MAX,
    work_per_byte: u64::MAX,
};

/// Looks at all of `text`: what that costs, or why it is refused, and what it has cost by then.
fn scan(text: &str, limits: XmlLimits) -> (Result<(), NotPlausible>, u64) {
    let mut scan = XmlScan::new(limits);
    let outcome = scan.feed(text.as_bytes());
    (outcome, scan.work())
}

fn refusal(text: &str) -> String {
    let refused = scan(text, XmlLimits::default())
        .0
        .expect_err("it is not plausible");
    refused.to_string()
}

/// Elements inside each other, each with a declaration of its own.
fn nested_declarations(count: usize) -> String {
    let open: String = (0..count).map(|n| format!("<a xmlns:n{n}=\"u{n}\">")).collect();
    format!("{open}{}", "</a>".repeat(count))
}

/// One element with so many declarations.
fn declarations(count: usize) -> String {
    let all: String = (0..count).map(|n| format!(" xmlns:n{n}='u{n}'")).collect();
    format!("<a{all}/>")
}

/// One element with so many attributes.
fn attributes(count: usize) -> String {
    let all: String = (0..count).map(|n| format!(" a{n}=\"\"")).collect();
    format!("<a{all}/>")
}

/// Rows as devices send them, each with declarations of its own.
fn rows(count: usize) -> String {
    let row = "<Row xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:dp=\"urn:dp\"><Name class=\"A\">x</Name></Row>";
    format!(
        "<e:E xmlns:e=\"urn:e\"><dp:r xmlns:dp=\"urn:dp\">{}</dp:r></e:E>",
        row.repeat(count)
    )
}

/// As many elements as can be, each with one declaration where ninety hold already.
fn crowded(count: usize) -> String {
    let all: String = (0..90).map(|n| format!(" xmlns:n{n}='u'")).collect();
    format!("<a{all}>{}</a>", "<b xmlns:c='d'/>".repeat(count))
}

#[test]
fn each_thing_that_makes_a_parser_slow_is_refused_with_its_limit() {
    for (text, words) in [
        (
            nested_declarations(4_000),
            "more than 100 namespace declarations in force at one place",
        ),
        (declarations(101), "more than 100 attributes on one element"),
        (
            format!("<b xmlns='u'>{}", declarations(100)),
            "more than 100 namespace declarations in force at one place",
        ),
        (attributes(160_000), "more than 100 attributes on one element"),
        ("<a>".repeat(201), "more than 200 elements inside each other"),
        (
            format!("<{}/>", "a".repeat(1_001)),
            "more than 1000 bytes in one name",
        ),
        (
            format!("<a></{}>", "a".repeat(1_001)),
            "more than 1000 bytes in one name",
        ),
        (
            format!("<a {}='b'/>", "a".repeat(1_001)),
            "more than 1000 bytes in one name",
        ),
        (
            format!("<?{} ?>", "a".repeat(1_001)),
            "more than 1000 bytes in one name",
        ),
        (
            format!("<a b='{}'/>", "c".repeat((64 << 10) + 1)),
            "more than 65536 bytes in one attribute",
        ),
        (
            "<a/>".repeat(1_000_001),
            "more than 1000000 tags, comments and the like",
        ),
        (
            "<!---->".repeat(1_000_001),
            "more than 1000000 tags, comments and the like",
        ),
        (
            crowded(2_000),
            "more than 10 steps of reading for each byte, most of them for namespaces",
        ),
        (
            "<!DOCTYPE a []><a/>".to_owned(),
            "a document type, which is not read, for it may ask anything of who reads it",
        ),
    ] {
        assert_eq!(refusal(&text), words, "{}", &text[..text.len().min(60)]);
    }
}

#[test]
fn what_is_just_within_the_limits_is_read() {
    for text in [
        nested_declarations(100),
        declarations(100),
        attributes(100),
        "<a>".repeat(200),
        "<a><b/></a>".repeat(250_000),
        format!("<{}/>", "a".repeat(1_000)),
        format!("<a b='{}'/>", "c".repeat(64 << 10)),
        format!("<a>{}</a>", "c".repeat(10 << 20)),
        crowded(50),
    ] {
        assert_eq!(
            scan(&text, XmlLimits::default()).0,
            Ok(()),
            "{}",
            &text[..text.len().min(60)]
        );
    }
}

/// Steps, not time: for a document, one ten times as large, and one a hundred times as large.
fn steps(form: fn(usize) -> String, count: usize, limits: XmlLimits) -> [u64; 3] {
    [1, 10, 100].map(|times| scan(&form(count * times), limits).1)
}

#[test]
fn reading_what_is_plausible_costs_steps_in_proportion_to_its_size() {
    let [one, ten, hundred] = steps(rows, 100, XmlLimits::default());
    assert!(ten <= one * 10 && hundred <= one * 100, "{one}, {ten}, {hundred}");
    let flat: fn(usize) -> String = |count| format!("<a>{}</a>", "<b c='d'>e</b>".repeat(count));
    let [one, ten, hundred] = steps(flat, 100, XmlLimits::default());
    assert!(ten <= one * 10 && hundred <= one * 100, "{one}, {ten}, {hundred}");
}

#[test]
fn refusing_what_is_not_plausible_costs_no_more_for_a_larger_one() {
    for form in [nested_declarations, declarations, attributes] {
        let [one, ten, hundred] = steps(form, 1_000, XmlLimits::default());
        assert!(one == ten && ten == hundred, "{one}, {ten}, {hundred}");
    }
    let deep: fn(usize) -> String = |count| "<a>".repeat(count);
    let [one, ten, hundred] = steps(deep, 1_000, XmlLimits::default());
    assert!(one == ten && ten == hundred, "{one}, {ten}, {hundred}");
}

#[test]
fn the_steps_show_what_a_parser_would_do_without_limits() {
    for form in [nested_declarations, declarations, attributes] {
        let [one, ten, _] = steps(form, 100, UNLIMITED);
        assert!(ten > one * 30, "{one}, {ten}");
    }
}

#[test]
fn no_document_costs_more_steps_for_a_byte_than_the_limit() {
    let limits = XmlLimits::default();
    for text in [
        rows(1_000),
        crowded(50),
        crowded(2_000),
        attributes(100),
        nested_declarations(100),
    ] {
        let (_, work) = scan(&text, limits);
        // The comparisons of one tag may go beyond it before they are counted.
        let tag = 2 * limits.declarations * limits.declarations;
        let most = SPARE_WORK + (limits.work_per_byte + 1) * text.len() as u64 + tag;
        assert!(work <= most, "{work} steps for {} bytes", text.len());
    }
}

#[test]
fn what_stands_in_comments_in_text_and_in_values_is_no_markup() {
    let many = "<a b='c'>".repeat(300);
    let quoted = "&lt;a&gt; > ' <".replace('<', "&lt;").repeat(300);
    for text in [
        format!("<!-- {many} -- > --><a/>"),
        format!("<!--->{many}--->"),
        format!("<a><![CDATA[{many}]] > ]]]></a>"),
        format!("<?pi {many} ? > ??><a/>"),
        format!("<a b=\"{quoted}\" c='/>\"'/>"),
    ] {
        let limits = XmlLimits {
            markup: 4,
            depth: 1,
            attributes: 2,
            ..UNLIMITED
        };
        assert_eq!(scan(&text, limits).0, Ok(()), "{}", &text[..40]);
        assert!(
            scan(&format!("{text}<b><b><b><b>"), limits).0.is_err(),
            "{}",
            &text[..40]
        );
    }
}

#[test]
fn a_reader_gives_all_bytes_of_what_is_plausible_and_says_why_it_gives_no_more() {
    let text = rows(500);
    for capacity in [1, 7, 4096] {
        let reader = BufReader::with_capacity(capacity, text.as_bytes());
        let mut read = String::new();
        let mut scanned = ScannedXml::new(reader, XmlLimits::default());
        scanned.read_to_string(&mut read).expect("it is plausible");
        assert!(read == text, "in pieces of {capacity}");
        let hostile = nested_declarations(1_000);
        let reader = BufReader::with_capacity(capacity, hostile.as_bytes());
        let mut scanned = ScannedXml::new(reader, XmlLimits::default());
        let error = scanned
            .read_to_string(&mut read)
            .expect_err("it is not plausible");
        assert!(
            matches!(
                not_plausible(&error),
                Some(NotPlausible::TooMuch { limit: 100, .. })
            ),
            "{error}"
        );
    }
    assert_eq!(not_plausible(&io::Error::other("something else")), None);
}

/// Something that stands between tags, or an element with such things in it.
fn piece() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("text > with 'quotes\"".to_owned()),
        Just("<!-- <a b='c'> - -->".to_owned()),
        Just("<![CDATA[ <a b='c'> ]] ]]>".to_owned()),
        Just("<?target <a b='c'> ? >?>".to_owned()),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        let attributes = proptest::collection::btree_set(0_usize..9, 0..6);
        (
            attributes,
            proptest::collection::vec(inner, 0..5),
            any::<(bool, bool)>(),
        )
            .prop_map(|(attributes, inner, (empty, spaced))| {
                let attributes: String = attributes
                    .iter()
                    .map(|n| match n {
                        0 => " xmlns:x0='u0'".to_owned(),
                        1 => "\n xmlns:x1\t=\n\"u'1\"".to_owned(),
                        2 => " xmlns=\"u>2\"".to_owned(),
                        n => format!(" a{n} = '/>{n}'"),
                    })
                    .collect();
                let space = if spaced { " " } else { "" };
                match empty && inner.is_empty() {
                    true => format!("<e{attributes}{space}/>"),
                    false => format!("<e{attributes}{space}>{}</e{space}>", inner.concat()),
                }
            })
    })
}

/// Declarations that an element has written itself.
fn own_declarations(node: Node<'_, '_>, text: &str) -> u64 {
    let tag = text[node.range()].split_inclusive('>').next().unwrap_or_default();
    tag.matches("xmlns").count() as u64
}

proptest! {
    #[test]
    fn what_is_counted_is_what_a_parser_finds(pieces in proptest::collection::vec(piece(), 0..4)) {
        let text = format!("<root>{}</root>", pieces.concat());
        let document = Document::parse(&text).expect("it is XML");
        let elements = || document.descendants().filter(Node::is_element);
        let depth = elements()
            // An element that is empty holds nothing: it may stand one deeper.
            .filter(|node| !text[node.range()].ends_with("/>"))
            .map(|node| node.ancestors().filter(Node::is_element).count() as u64)
            .max()
            .unwrap_or_default();
        let attributes = elements()
            .map(|node| node.attributes().len() as u64 + own_declarations(node, &text))
            .max()
            .unwrap_or_default();
        let declarations = elements()
            .map(|node| node.ancestors().filter(Node::is_element).map(|node| own_declarations(node, &text)).sum())
            .max()
            .unwrap_or(0_u64);
        let exact = XmlLimits { depth, attributes, declarations, ..UNLIMITED };
        prop_assert_eq!(scan(&text, exact).0, Ok(()));
        for less in [
            XmlLimits { depth: depth - 1, ..UNLIMITED },
            XmlLimits { attributes: attributes.wrapping_sub(1), ..UNLIMITED },
            XmlLimits { declarations: declarations.wrapping_sub(1), ..UNLIMITED },
        ] {
            let is_limit = less.depth != u64::MAX || less.attributes != u64::MAX || less.declarations != u64::MAX;
            prop_assert_eq!(scan(&text, less).0.is_err(), is_limit);
        }
    }

    #[test]
    fn the_pieces_in_which_a_document_comes_make_no_difference(
        pieces in proptest::collection::vec(piece(), 0..4),
        step in 1_usize..9,
        depth in 0_u64..5,
    ) {
        let text = pieces.concat();
        let limits = XmlLimits { depth, ..UNLIMITED };
        let whole = scan(&text, limits);
        let mut scan = XmlScan::new(limits);
        let outcome = text.as_bytes().chunks(step).try_for_each(|piece| scan.feed(piece));
        prop_assert_eq!((outcome, scan.work()), whole);
    }

    #[test]
    fn any_text_is_looked_at_to_its_end_or_refused(text in any::<String>()) {
        let (outcome, work) = scan(&text, UNLIMITED);
        prop_assert!(work >= text.len() as u64 || outcome == Err(NotPlausible::DocumentType));
    }
}
