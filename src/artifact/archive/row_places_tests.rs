use super::*;

fn row(name: &str, src: &str, hash: &str) -> ListedFile {
    ListedFile {
        name: name.to_owned(),
        src: Some(src.to_owned()),
        hash: Some(hash.to_owned()),
        ..ListedFile::default()
    }
}

fn internal(name: &str, hash: &str) -> ListedFile {
    ListedFile {
        internal: true,
        ..row(name, "dp-aux/x", hash)
    }
}

fn problems(rows: &[ListedFile]) -> Vec<String> {
    let mut findings = Problems::default();
    check(rows, Some("D.zip"), &mut FirmwareRows::default(), &mut findings);
    findings.problems.reasons()
}

fn warnings(rows: &[ListedFile]) -> Vec<String> {
    let mut findings = Problems::default();
    check(rows, Some("D.zip"), &mut FirmwareRows::default(), &mut findings);
    assert_eq!(findings.problems.reasons(), [""; 0], "{rows:?}");
    findings.take_warnings()
}

#[test]
fn rows_as_gateways_write_them_are_neither_refused_nor_warned_of() {
    let key = ListedFile {
        key: true,
        ..row("cert:///../k.pem", "local/k.pem", "")
    };
    let missing = ListedFile {
        missing: true,
        hash: None,
        ..row("local://a.xsl", "local/a.xsl", "")
    };
    let key = ListedFile { hash: None, ..key };
    let rows = [
        row("config:///D.cfg", "config/D.cfg", "1"),
        row("local:///a.xsl", "local/a.xsl", "2"),
        row("local:///A.xsl", "local/A.xsl", "3"),
        row("local:///a/b c/ü&.xsl", "local/a/b%20c/%C3%BC&.xsl", "4"),
        row("store:///policies/a.xml", "store/policies/a.xml", "5"),
        row("tasktemplates:///a.xsl", "tasktemplates/a.xsl", "6"),
        // The same file by its other path, and by the name that a domain gives to its folder.
        row("local:a.xsl", "local/a.xsl", "2"),
        row("local:///./a.xsl", "local/./a.xsl", "2"),
        row("D:///a.xsl", "local/a.xsl", "2"),
        row("D:///b.xsl", "D/b.xsl", "7"),
        // Forms that archives have without a folder.
        row("local:///blob.bin", "blob.bin", "8"),
        row("local:///odd", "A.TXT", "9"),
        row("local:///store/c.xsl", "store/c.xsl", "11"),
        key,
        missing,
        internal("webgui:///drMgmt.xml", "10"),
    ];
    assert_eq!(warnings(&rows), [""; 0]);
}

#[test]
fn one_place_on_the_gateway_has_one_content_however_its_path_is_written() {
    for other in [
        "local:/a.txt",
        "local://a.txt",
        "local:a.txt",
        "local:////a.txt",
        "local:///./a.txt",
        "local:///x/../a.txt",
        "LOCAL:///a.txt",
    ] {
        let rows = [
            row("local:///a.txt", "local/a.txt", "1"),
            row(other, "local/b", "2"),
        ];
        let found = problems(&rows);
        assert!(
            found[0].ends_with("the place of another row, local:///a.txt, and has other bytes"),
            "{other}: {found:?}"
        );
        let same = [
            row("local:///a.txt", "local/a.txt", "1"),
            row(other, "local/a.txt", "1"),
        ];
        assert_eq!(problems(&same), [""; 0], "{other}");
    }
}

#[test]
fn a_file_of_the_firmware_and_one_of_the_domain_have_not_one_name_and_two_contents() {
    let own = row("local:///a.txt", "local/a.txt", "1");
    let cases = [
        [own.clone(), internal("local:///a.txt", "2")],
        [internal("local:///a.txt", "2"), own],
        [internal("webgui:///x", "1"), internal("webgui:///x", "2")],
    ];
    for rows in cases {
        assert!(
            problems(&rows)[0].contains("and has other bytes"),
            "{:?}",
            problems(&rows)
        );
    }
    assert_eq!(
        problems(&[internal("webgui:///x", "1"), internal("webgui:///x", "1")]),
        [""; 0]
    );
}

#[test]
fn all_domains_list_one_firmware() {
    let (mut firmware, mut findings) = (FirmwareRows::default(), Problems::default());
    for (inner, hash) in [("A.zip", "1"), ("B.zip", "1"), ("C.zip", "2")] {
        let rows = [internal("webgui:///x", hash), row("local:///x", "local/x", hash)];
        check(&rows, Some(inner), &mut firmware, &mut findings);
    }
    assert_eq!(
        findings.problems.reasons(),
        [
            "C.zip: webgui:///x: its row in export.xml: a file of the firmware, and another domain lists it with other bytes"
        ]
    );
}

#[test]
fn a_file_has_a_name_and_is_no_folder_of_another() {
    for name in ["", "local:", "local:///", "local:///.", "x"] {
        let found = problems(&[row(name, "local/a", "1")]);
        let names_a_file = name == "x";
        assert_eq!(found.is_empty(), names_a_file, "{name}: {found:?}");
    }
    let below = [
        row("local:///a/b", "local/1", "1"),
        row("local:///a-", "local/2", "2"),
        row("local:///a", "local/3", "3"),
    ];
    let found = problems(&below);
    assert_eq!(
        found,
        ["D.zip: local:///a/b: its row in export.xml: it leads to a place below a file, local:///a"]
    );
}

#[test]
fn what_is_unpacked_to_the_place_of_a_file_is_that_file() {
    let swapped = [
        row("config:///D.cfg", "local/a.txt", "1"),
        row("local:///a.txt", "config/D.cfg", "2"),
    ];
    assert_eq!(
        problems(&swapped),
        [
            "D.zip: config:///D.cfg: its row in export.xml: its src is the place of another row, local:///a.txt",
            "D.zip: local:///a.txt: its row in export.xml: its src is the place of another row, config:///D.cfg",
        ]
    );
    let odd = [
        row("local:///a.txt", "config/a.txt", "1"),
        row("cert:///evil.pem", "local/b.txt", "2"),
        row("local:///b.txt", "local/b.txt", "2"),
        row("store:///../b", "store/b", "3"),
    ];
    assert_eq!(
        warnings(&odd),
        [
            "D.zip: store:///../b leads out of its folder on the gateway",
            "D.zip: local:///a.txt stands in the archive as config/a.txt, which is the place of another file",
            "D.zip: cert:///evil.pem stands in the archive as local/b.txt, which is the place of another file",
        ]
    );
}
