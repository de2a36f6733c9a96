use super::*;

#[test]
fn a_tag_is_taken_apart_as_xml_has_it() {
    let mut names = Namespaces::default();
    for tag in [
        "A",
        "A ",
        "A b='1'",
        "A b = \"1\"\tc='>'\n",
        "A b='&lt;&#60;&#x3C;'",
        "p:A xmlns:p='u' p:b='1' b='2'",
        "A xml:space='preserve'",
        "A xmlns='u' b=''",
    ] {
        assert_eq!(names.open(tag, 10), Ok(()), "{tag}");
        names.close();
    }
    for tag in [
        "",
        " A",
        "1A",
        "-A",
        "Ä",
        ":A",
        "A:",
        "a:b:c",
        "p:A",
        "A b",
        "A b=",
        "A b=1",
        "A b='1",
        "A b='1'c='2'",
        "A b='1'/",
        "A 'b'",
        "A b='<'",
        "A b='&'",
        "A b='&lt'",
        "A b='&nbsp;'",
        "A b='&#;'",
        "A b='&#+65;'",
        "A b='&#X41;'",
        "A p:b='1'",
        "A 1b='1'",
        "A xmlns:p=''",
        "A xmlns:xml='u'",
        "A xmlns:xmlns='u'",
        "A xmlns='http://www.w3.org/XML/1998/namespace'",
        "A xmlns='http://www.w3.org/2000/xmlns/'",
        "A xmlns:p='http://www.w3.org/XML/1998/namespace'",
        "A xmlns:p='http://www.w3.org/2000/xmlns/'",
        "A xmlns:p='http://www.w3.org/2000/xmlns&#x2F;'",
        "A xmlns:p='u' xmlns:q='&#117;' p:b='1' q:b='2'",
        "A xmlns:p='u\tv' xmlns:q='u v' p:b='1' q:b='2'",
        "A xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'",
    ] {
        let result = names.open(tag, 10);
        assert!(matches!(result, Err(IllFormed::Bad(_))), "{tag}: {result:?}");
    }
}

#[test]
fn a_prefix_holds_inside_its_element_and_few_are_held() {
    let mut names = Namespaces::default();
    assert_eq!(names.open("A xmlns:p='u'", 10), Ok(()));
    assert_eq!(names.open("p:B", 10), Ok(()));
    names.close();
    names.close();
    assert!(names.open("p:B", 10).is_err());
    assert_eq!(names.open("A xmlns='u' xmlns:p='v'", 10), Ok(()));
    assert_eq!(names.open("B xmlns=''", 10), Ok(()));
    assert_eq!(names.of_unprefixed(), "");
    names.close();
    assert_eq!(names.of_unprefixed(), "u");
    names.close();
    assert_eq!(names.of_unprefixed(), "");
    let many: String = (0..200).map(|index| format!(" xmlns:p{index}='u'")).collect();
    let over = Namespaces::default().open(&format!("A{many}"), 500);
    assert_eq!(
        over,
        Err(IllFormed::OverLimit("declarations of namespaces in export.xml"))
    );
    let over = Namespaces::default().open("A b='' c=''", 1);
    assert_eq!(
        over,
        Err(IllFormed::OverLimit("attributes of one element in export.xml"))
    );
}

#[test]
fn only_encodings_that_there_are_go_for_ascii() {
    for name in [
        "us-ascii",
        "iso-8859-1",
        "iso-8859-16",
        "windows-1250",
        "windows-1258",
    ] {
        assert!(is_same_in_ascii(name), "{name}");
    }
    for name in [
        "",
        "iso-8859-",
        "iso-8859-0",
        "iso-8859-01",
        "iso-8859-+1",
        "iso-8859-12",
        "iso-8859-99",
        "iso-8859-1 ",
        "iso-8859-evil stuff",
        "windows-125",
        "windows-1259",
        "windows-12500",
        "utf-7",
    ] {
        assert!(!is_same_in_ascii(name), "{name}");
    }
}

#[test]
fn a_declaration_has_a_version_and_its_parts_in_order() {
    for (text, encoding) in [
        ("xml version='1.0'", None),
        ("xml version=\"1.0\" encoding=\"UTF-8\" ", Some("UTF-8")),
        ("xml version='1.0' encoding='x' standalone='yes'", Some("x")),
    ] {
        assert_eq!(declaration(text), Ok(encoding), "{text}");
    }
    for text in [
        "xml",
        "xml version='1.1'",
        "xml version='2.0'",
        "xml version=''",
        "xml encoding='UTF-8'",
        "xml encoding='UTF-8' version='1.0'",
        "xml version='1.0'encoding='UTF-8'",
        "xml version='1.0' standalone='maybe'",
        "xml version='1.0' standalone='yes' encoding='x'",
        "xml version='1.0' more='x'",
        "XML version='1.0'",
    ] {
        assert!(declaration(text).is_err(), "{text}");
    }
}

#[test]
fn texts_comments_and_instructions_end_where_they_seem_to() {
    assert_eq!(text("a > b ]] >"), Ok(()));
    assert!(text("a]]>").is_err());
    assert_eq!(comment(" a - b "), Ok(()));
    for bad in [" a -- b ", "a-", "-"] {
        assert!(comment(bad).is_err(), "{bad}");
    }
    for good in ["xml-stylesheet href='a'", "a", "a\nb"] {
        assert_eq!(instruction(good), Ok(()), "{good}");
    }
    for bad in ["", " a", "xml version='1.0'", "XmL", "a:b", "1"] {
        assert!(instruction(bad).is_err(), "{bad}");
    }
}
