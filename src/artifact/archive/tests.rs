use std::fmt::Write as _;

use super::damage::verify_both_ways;
use super::*;
use crate::artifact::fixture::{FixtureForm, FixtureGateway, file_of};
use crate::values::lacks::{Lacks, NameList};

fn run(bytes: &[u8], expected: &Expected, limits: &Limits) -> Result<VerifiedArchive, VerifyError> {
    verify_both_ways(bytes, expected, limits)
}

fn good(bytes: &[u8], expected: &Expected) -> VerifiedArchive {
    run(bytes, expected, &Limits::default()).expect("a good archive")
}

fn problems(bytes: &[u8], expected: &Expected, limits: &Limits) -> Vec<Problem> {
    match run(bytes, expected, limits) {
        Err(VerifyError::Invalid(invalid)) => invalid.problems,
        other => panic!("not found invalid: {other:?}"),
    }
}

fn domains(names: &[&str]) -> Expected {
    Expected::Domains(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn a_backup_with_stored_or_deflated_inner_zips_is_good() {
    for gateway in [FixtureGateway::new(), FixtureGateway::deflating()] {
        let verified = good(&gateway.backup(), &domains(&["SALES", "default"]));
        assert_eq!(verified.kind, ArchiveKind::DoBackup);
        assert_eq!(verified.warnings, Vec::<String>::new());
        assert_eq!((verified.objects, verified.entries), (4, 13));
        let key_files = NameList {
            count: 1,
            names: vec!["cert:///key.pem".to_owned()],
        };
        let domain = |name: &str| VerifiedDomain {
            name: name.to_owned(),
            objects: 2,
            files: 2,
            lacks: Lacks {
                key_files: key_files.clone(),
                ..Lacks::default()
            },
        };
        assert_eq!(verified.domains, [domain("SALES"), domain("default")]);
        assert_eq!(verified.firmware_version.as_deref(), Some("IDG.10.0.1.5"));
        assert_eq!(verified.firmware_build.as_deref(), Some("336212"));
        assert_eq!(verified.device_name.as_deref(), Some("gw1"));
        assert_eq!(verified.serial_number.as_deref(), Some("0000001"));
    }
}

#[test]
fn a_backup_with_a_zip64_end_is_good() {
    let backup = FixtureGateway::new().backup();
    let verified = good(&FixtureGateway::to_zip64(&backup), &Expected::Any);
    assert_eq!(verified, good(&backup, &Expected::Any));
}

#[test]
fn an_export_of_one_domain_is_good() {
    let verified = good(&FixtureGateway::new().export(), &Expected::domain("SALES"));
    assert_eq!(verified.kind, ArchiveKind::DoExport);
    assert_eq!(verified.domains.len(), 1);
    assert_eq!(verified.domains[0].name, "SALES");
}

#[test]
fn the_domains_have_to_be_those_asked_for() {
    let backup = FixtureGateway::new().backup();
    let kinds = |expected: &Expected| -> Vec<ProblemKind> {
        let found = problems(&backup, expected, &Limits::default());
        found.into_iter().map(|problem| problem.kind).collect()
    };
    let missing = |name: &str| ProblemKind::DomainMissing(name.to_owned());
    let unexpected = |name: &str| ProblemKind::DomainUnexpected(name.to_owned());
    assert_eq!(kinds(&domains(&["SALES"])), [unexpected("default")]);
    assert_eq!(kinds(&domains(&["SALES", "default", "X"])), [missing("X")]);
    assert_eq!(
        kinds(&domains(&["sales", "default"])),
        [missing("sales"), unexpected("SALES")]
    );
    let all = |names: &[&str]| match domains(names) {
        Expected::Domains(names) => Expected::AllDomains(Some(names)),
        other => other,
    };
    assert_eq!(kinds(&all(&["X"])), [missing("X")]);
    assert_eq!(good(&backup, &all(&["SALES"])).warnings.len(), 1);
    assert_eq!(good(&backup, &Expected::AllDomains(None)).warnings.len(), 0);
    assert_eq!(good(&backup, &Expected::Any).domains.len(), 2);
}

#[test]
fn an_export_of_one_domain_is_not_one_of_all() {
    let found = problems(
        &FixtureGateway::new().export(),
        &Expected::AllDomains(None),
        &Limits::default(),
    );
    assert_eq!(found[0].kind, ProblemKind::WrongKind);
}

#[test]
fn an_archive_without_domains_or_objects_is_no_backup() {
    let mut gateway = FixtureGateway::new();
    gateway.domains.clear();
    let found = problems(&gateway.backup(), &Expected::AllDomains(None), &Limits::default());
    assert!(
        found.iter().any(|problem| problem.kind == ProblemKind::NoDomain),
        "{found:?}"
    );
    let mut gateway = FixtureGateway::new();
    gateway.domains[1].objects.clear();
    let found = problems(&gateway.backup(), &Expected::Any, &Limits::default());
    assert_eq!(found[0].kind, ProblemKind::NoObject);
    assert_eq!(found[0].inner.as_deref(), Some("SALES.zip"));
}

/// A `do-backup` whose outer `export.xml` is changed.
fn with_outer(gateway: &FixtureGateway, change: impl FnOnce(String) -> String) -> Vec<u8> {
    let mut entries = gateway.backup_entries();
    let xml = String::from_utf8(entries[0].1.clone()).expect("text");
    entries[0].1 = change(xml).into_bytes();
    gateway.zip(&entries)
}

#[test]
fn the_outer_export_xml_of_a_backup_is_of_the_domain_that_was_asked_alone() {
    let gateway = FixtureGateway::new();
    let with_section = |section: &str| {
        let behind = format!("</configuration>{section}<domains>");
        with_outer(&gateway, |xml| {
            xml.replacen("</configuration><domains>", &behind, 1)
        })
    };
    for domain in ["SALES", "EVIL"] {
        let section = format!("<configuration domain=\"{domain}\"><A name=\"x\"/></configuration>");
        let empty = format!("<configuration domain=\"{domain}\"/>");
        for bytes in [with_section(&section), with_section(&empty)] {
            let found = problems(&bytes, &Expected::Any, &Limits::default());
            let (found, expected) = (&found[0].kind, "default".to_owned());
            let wrong = ProblemKind::WrongDomain {
                found: domain.to_owned(),
                expected,
            };
            assert_eq!(*found, wrong);
        }
    }
    let renamed = with_outer(&gateway, |xml| {
        xml.replacen("<configuration>", "<configuration domain=\"EVIL\">", 1)
    });
    assert_eq!(problems(&renamed, &Expected::Any, &Limits::default()).len(), 1);
    // Firmware writes the section without a name; with that of the domain it says the same.
    let named = with_outer(&gateway, |xml| {
        xml.replacen("<configuration>", "<configuration domain=\"default\">", 1)
    });
    for bytes in [named, with_section("<configuration domain=\"default\"/>")] {
        assert_eq!(good(&bytes, &Expected::Any).warnings, [""; 0]);
    }
}

#[test]
fn objects_of_the_outer_export_xml_are_those_of_default_and_say_the_same() {
    let gateway = FixtureGateway::new();
    let with_object = |gateway: &FixtureGateway, object: &str| {
        let inside = format!("{object}</configuration><domains>");
        with_outer(gateway, |xml| {
            xml.replacen("</configuration><domains>", &inside, 1)
        })
    };
    let manager =
        |size: u32| format!("<XMLManager name=\"default\"><CacheSize>{size}</CacheSize></XMLManager>");
    let found = problems(
        &with_object(&gateway, &manager(1)),
        &Expected::Any,
        &Limits::default(),
    );
    assert_eq!(found[0].inner.as_deref(), Some("default.zip"));
    let why = "XMLManager default stands twice, with different content".to_owned();
    assert_eq!(found[0].kind, ProblemKind::Ambiguous(why));
    // Where nothing contradicts it, it is told: no gateway is known to write it.
    let mut without_default = gateway.clone();
    without_default.domains.remove(0);
    let more = manager(1) + "<User name=\"root\"/>";
    for bytes in [
        with_object(&gateway, "<User name=\"other\"/>"),
        with_object(&without_default, &more),
    ] {
        let verified = good(&bytes, &Expected::Any);
        assert_eq!(verified.warnings.len(), 1, "{:?}", verified.warnings);
        assert!(
            verified.warnings[0].contains("beside the domains it holds configuration of its own"),
            "{:?}",
            verified.warnings
        );
    }
}

/// What no gateway is known to write, and nobody is harmed by.
#[test]
fn an_inner_zip_of_another_gateway_is_told() {
    let gateway = FixtureGateway::new();
    let with_inner = |change: &dyn Fn(String) -> String| {
        let inners: Vec<_> = gateway
            .domains
            .iter()
            .map(|domain| {
                let mut entries = gateway.inner(domain);
                let xml = entries.last_mut().expect("export.xml");
                let text = String::from_utf8(xml.1.clone()).expect("text");
                if domain.name == "SALES" {
                    xml.1 = change(text).into_bytes();
                }
                (domain.name.as_str(), gateway.zip(&entries))
            })
            .collect();
        good(&gateway.zip(&gateway.outer(&inners)), &Expected::Any).warnings
    };
    assert_eq!(with_inner(&|xml| xml), [""; 0]);
    assert_eq!(
        with_inner(&|xml| xml.replace("IDG.10.0.1.5", "IDG.7.0.0.0")),
        ["SALES.zip is of another firmware than the archive: IDG.7.0.0.0, not IDG.10.0.1.5"]
    );
    assert_eq!(
        with_inner(&|xml| xml.replace("<serial-number>0000001", "<serial-number>2")),
        ["SALES.zip is of another serial number than the archive: 2, not 0000001"]
    );
    let listing = |name: &str| {
        let domains = format!("</files><domains><domain name=\"{name}\"/></domains>");
        with_inner(&|xml| xml.replace("</files>", &domains))
    };
    assert_eq!(listing("SALES"), [""; 0]);
    assert_eq!(listing("X"), ["SALES.zip lists domains of its own, such as X"]);
    let bytes = with_outer(&gateway, |xml| {
        xml.replacen("</configuration>", "<Domain name=\"X\"/></configuration>", 1)
    });
    let verified = good(&bytes, &Expected::Any);
    assert_eq!(verified.warnings, [""; 0]);
    assert_eq!(
        verified.notes,
        ["export.xml names domains that are not in the archive, 1: X"]
    );
}

#[test]
fn an_export_xml_that_names_no_domain_is_told_as_that() {
    let gateway = FixtureGateway::new();
    let mut entries = gateway.export_entries(&gateway.domains[1]);
    let export = entries.last_mut().expect("export.xml");
    let xml = String::from_utf8(export.1.clone()).expect("text");
    let end = xml.find("</export-details>").expect("details") + 17;
    let start = xml.find("<export-details>").expect("details");
    export.1 = format!("{}{}", &xml[..start], &xml[end..]).into_bytes();
    let found = problems(
        &gateway.zip(&entries),
        &Expected::domain("SALES"),
        &Limits::default(),
    );
    let words: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        ["export.xml: not an export: its export-details name no domain"]
    );
}

#[test]
fn configuration_of_the_whole_gateway_is_told_where_it_stands_in_another_domain_than_default() {
    let gateway = FixtureGateway::new();
    let warned = |domain: usize| {
        let mut entries = gateway.export_entries(&gateway.domains[domain]);
        let export = entries.last_mut().expect("export.xml");
        let xml = String::from_utf8(export.1.clone()).expect("text");
        let user = "<User name=\"evil\"/></configuration>";
        export.1 = xml.replacen("</configuration>", user, 1).into_bytes();
        good(&gateway.zip(&entries), &Expected::Any).warnings
    };
    assert_eq!(gateway.domains[1].name, "SALES");
    assert_eq!(
        warned(1),
        [
            "domain SALES has configuration of the whole gateway in it, which no gateway is known to export so: User evil"
        ]
    );
    assert_eq!(gateway.domains[0].name, "default");
    assert_eq!(warned(0), [""; 0]);
}

#[test]
fn a_file_that_nothing_proves_is_damage_whether_it_is_there_or_not() {
    let gateway = FixtureGateway::new();
    let domain = &gateway.domains[1];
    let strip = |entries: &mut crate::artifact::fixture::Entries| {
        let xml = String::from_utf8(entries.pop().expect("export.xml").1).expect("text");
        let start = xml.find(" hash=\"").expect("a hash");
        let end = start + 8 + xml[start + 7..].find('"').expect("its end");
        let xml = format!("{}{}", &xml[..start], &xml[end..]);
        entries.push(("export.xml".to_owned(), xml.into_bytes()));
    };
    let mut entries = gateway.export_entries(domain);
    strip(&mut entries);
    let found = problems(&gateway.zip(&entries), &Expected::Any, &Limits::default());
    assert!(
        matches!(&found[0].kind, ProblemKind::BadRow(why) if why.starts_with("it has no hash")),
        "{found:?}"
    );
    entries.retain(|(name, _)| name != "config/SALES.cfg");
    let found = problems(&gateway.zip(&entries), &Expected::Any, &Limits::default());
    assert_eq!(found[0].kind, ProblemKind::Missing);
}

#[test]
fn a_file_that_the_gateway_did_not_have_is_lacking_and_no_damage() {
    let mut gateway = FixtureGateway::new();
    gateway.domains[1].files[1].form = FixtureForm::Missing;
    for bytes in [gateway.backup(), gateway.export()] {
        let verified = good(&bytes, &Expected::Any);
        assert_eq!(verified.warnings, Vec::<String>::new());
        let domain = verified
            .domains
            .iter()
            .find(|domain| domain.name == "SALES")
            .expect("SALES");
        assert_eq!((domain.files, domain.lacks.missing_files.count), (1, 1));
        let notes = verified.lacks().notes();
        assert!(notes[1].contains("local:///transform.xsl"), "{notes:?}");
    }
}

#[test]
fn rows_that_need_no_entry_make_no_other_thing_of_an_archive() {
    let gateway = FixtureGateway::new();
    let domain = &gateway.domains[1];
    let with_row = |flags: &str| {
        let mut entries = gateway.inner(domain);
        let xml = entries.last_mut().expect("export.xml");
        let text = String::from_utf8(xml.1.clone()).expect("text");
        let start = text.find("<file name=\"webgui").expect("the row of the firmware");
        let end = text.find("</files>").expect("its end");
        let row = format!("<file name=\"webgui:///x\" src=\"dp-aux/x\" {flags}/>");
        xml.1 = format!("{}{row}{}", &text[..start], &text[end..]).into_bytes();
        gateway.zip(&entries)
    };
    for flags in [
        "internal=\"true\" missing=\"true\"",
        "internal=\"true\" key=\"true\"",
        "key=\"true\" hash=\"\"",
        "missing=\"true\" hash=\"\"",
    ] {
        assert_eq!(
            good(&with_row(flags), &Expected::Any).kind,
            ArchiveKind::DoExport,
            "{flags}"
        );
    }
    let unproved = problems(&with_row("hash=\"\""), &Expected::Any, &Limits::default());
    assert_eq!(unproved[0].kind, ProblemKind::Missing);
}

#[test]
fn what_a_backup_lacks_is_told_with_it() {
    let mut gateway = FixtureGateway::new();
    // A `do-backup` has no row for keys: its objects name them.
    gateway.domains[1].files.pop();
    gateway.domains[1].objects.push_str(
        "<CryptoKey name=\"k\"><Filename>cert:///own.pem</Filename></CryptoKey>\
         <CryptoCertificate name=\"c\"><Filename>sharedcert:///all.pem</Filename></CryptoCertificate>\
         <PasswordAlias name=\"db\"><Password>x</Password></PasswordAlias>\
         <User name=\"operator\"><HashedPassword>$1$x</HashedPassword></User>",
    );
    let verified = good(&gateway.export(), &Expected::domain("SALES"));
    let lacks = verified.lacks();
    assert_eq!(
        lacks.key_files.names,
        ["cert:///own.pem", "sharedcert:///all.pem"]
    );
    assert_eq!(lacks.password_aliases.names, ["db"]);
    assert_eq!(lacks.local_users.names, ["operator"]);
    assert_eq!(lacks.missing_files.count, 0);
    let lacks = good(&gateway.backup(), &Expected::Any).lacks();
    assert_eq!(
        lacks.key_files.names,
        [
            "SALES: cert:///own.pem",
            "SALES: sharedcert:///all.pem",
            "default: cert:///key.pem"
        ]
    );
}

#[test]
fn an_export_of_files_alone_is_good_where_nobody_asked_for_a_backup() {
    let mut gateway = FixtureGateway::new();
    gateway.domains[1].objects.clear();
    let verified = good(&gateway.export(), &Expected::Any);
    assert_eq!((verified.kind, verified.objects), (ArchiveKind::DoExport, 0));
    assert!(
        verified.warnings[0].contains("files alone"),
        "{:?}",
        verified.warnings
    );
    let found = problems(&gateway.export(), &Expected::domain("SALES"), &Limits::default());
    assert_eq!(found[0].kind, ProblemKind::NoObject);
    let whole = gateway.export_xml(&gateway.domains[1]);
    let start = whole.find("<configuration").expect("a section");
    let end = whole.find("</configuration>").expect("its end") + 16;
    let mut entries = gateway.export_entries(&gateway.domains[1]);
    let xml = entries.last_mut().expect("export.xml");
    xml.1 = format!("{}{}", &whole[..start], &whole[end..]).into_bytes();
    assert_eq!(
        good(&gateway.zip(&entries), &Expected::Any).kind,
        ArchiveKind::DoExport
    );
}

type Tighten = fn(&mut Limits);

#[test]
fn each_limit_holds() {
    let backup = FixtureGateway::deflating().backup();
    let tight = |change: Tighten| {
        let mut limits = Limits::default();
        change(&mut limits);
        problems(&backup, &Expected::Any, &limits)
    };
    let cases: [(Tighten, &str); 11] = [
        (|limits| limits.entries = 12, "entries"),
        (|limits| limits.directory_bytes = 100, "bytes of the directory"),
        (|limits| limits.unpacked_bytes = 100, "unpacked bytes"),
        (
            |limits| (limits.ratio, limits.ratio_free_bytes) = (0, 100),
            "unpacked bytes",
        ),
        (
            |limits| limits.scratch_bytes = 100,
            "bytes of a deflated inner ZIP",
        ),
        (|limits| limits.objects = 3, "configuration objects"),
        (
            |limits| limits.xml_depth = 2,
            "elements within elements in export.xml",
        ),
        (
            |limits| limits.xml_attributes = 2,
            "attributes of one element in export.xml",
        ),
        (
            |limits| limits.xml_name_bytes = 10,
            "bytes of one name in export.xml",
        ),
        (
            |limits| limits.xml_node_bytes = 20,
            "bytes of one tag or text in export.xml",
        ),
        (|limits| limits.xml_listing_bytes = 100, "names in export.xml"),
    ];
    for (change, what) in cases {
        let found = tight(change);
        let kind = ProblemKind::OverLimit(what);
        assert!(
            found.iter().any(|problem| problem.kind == kind),
            "{what}: {found:?}"
        );
    }
}

#[test]
fn nothing_is_visited_that_is_over_the_limit() {
    let file = file_of(&FixtureGateway::new().backup());
    let limits = Limits {
        objects: 3,
        ..Limits::default()
    };
    let mut visited = 0;
    let inspected = inspect(
        &file,
        &std::env::temp_dir(),
        &Expected::Any,
        &limits,
        Detail::Properties,
        &mut |_, item| visited += usize::from(matches!(item, ExportItem::Object(_))),
    );
    assert!(inspected.is_err(), "there are more");
    assert_eq!(visited, 3);
}

#[test]
fn what_is_no_archive_is_named_for_what_it_is() {
    let gateway = FixtureGateway::new();
    let named = |bytes: &[u8]| {
        let found = problems(bytes, &Expected::Any, &Limits::default());
        match found.as_slice() {
            [only] if only.inner.is_none() && only.entry.is_none() => match &only.kind {
                ProblemKind::Lookalike(lookalike) => lookalike.clone(),
                other => panic!("another problem: {other:?}"),
            },
            more => panic!("not one problem: {more:?}"),
        }
    };
    let xml = gateway.export_xml(&gateway.domains[1]);
    assert_eq!(named(xml.as_bytes()), Lookalike::XmlExport);
    let soma = "<?xml version=\"1.0\"?>\n<env:Envelope xmlns:env=\"x\"><env:Body/></env:Envelope>";
    assert_eq!(named(soma.as_bytes()), Lookalike::SomaResponse);
    for domain in &gateway.domains {
        assert_eq!(named(&gateway.zip(&gateway.inner(domain))), Lookalike::InnerZip);
    }
    let in_folder = |entries: crate::artifact::fixture::Entries| {
        let inside = entries
            .into_iter()
            .map(|(name, bytes)| (format!("monday/{name}"), bytes));
        gateway.zip(&inside.collect())
    };
    let folder = Lookalike::InFolder("monday".to_owned());
    assert_eq!(named(&in_folder(gateway.backup_entries())), folder);
    assert_eq!(
        named(&in_folder(gateway.export_entries(&gateway.domains[0]))),
        folder
    );
    let in_zip = gateway.zip(&vec![("monday.zip".to_owned(), gateway.backup())]);
    assert_eq!(named(&in_zip), Lookalike::InZip("monday.zip".to_owned()));
    let found = problems(b"something else", &Expected::Any, &Limits::default());
    assert!(matches!(found[0].kind, ProblemKind::BrokenZip(_)), "{found:?}");
}

#[test]
fn problems_and_warnings_are_told_up_to_a_bound() {
    let gateway = FixtureGateway::new();
    let mut entries = gateway.export_entries(&gateway.domains[0]);
    entries.extend((0..99).map(|index| (format!("local/extra{index}"), Vec::new())));
    let error = run(&gateway.zip(&entries), &Expected::Any, &Limits::default());
    let Err(VerifyError::Invalid(invalid)) = error else {
        panic!("not found invalid: {error:?}");
    };
    assert_eq!((invalid.problems.len(), invalid.untold), (50, 49));
    assert!(invalid.to_string().ends_with("; and 49 more"));
}

#[test]
fn names_from_a_device_reach_no_message_as_they_are() {
    let gateway = FixtureGateway::new();
    let mut entries = gateway.export_entries(&gateway.domains[0]);
    entries.push(("local/\u{1b}[2J".to_owned(), Vec::new()));
    let error = run(&gateway.zip(&entries), &Expected::Any, &Limits::default()).expect_err("invalid");
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
    let long = format!("local/{}", "a".repeat(60_000));
    entries.push((long, Vec::new()));
    let error = run(&gateway.zip(&entries), &Expected::Any, &Limits::default()).expect_err("invalid");
    assert!(error.to_string().len() < 1_000, "{error}");
}

#[test]
fn everything_in_an_archive_can_be_visited() {
    let mut told = String::new();
    let file = file_of(&FixtureGateway::new().backup());
    inspect(
        &file,
        &std::env::temp_dir(),
        &Expected::Any,
        &Limits::default(),
        Detail::Properties,
        &mut |domain, item| {
            if let ExportItem::Object(object) = item {
                let _infallible = writeln!(told, "{domain}: {} {}", object.class, object.name);
                for Property { path, value } in &object.properties {
                    let _infallible = writeln!(told, "  {path} = {value}");
                }
            }
        },
    )
    .expect("a good archive");
    let expected = "\
: Domain default
  mAdminState = enabled
  ConfigFile = default.cfg
: Domain SALES
  mAdminState = enabled
  ConfigFile = SALES.cfg
default: DomainSettings default
  @intrinsic = true
  mAdminState = enabled
  ConfigDir = config:///
default: XMLManager default
  CacheSize = 256
  UserAgent@class = HTTPUserAgent
  UserAgent = default
  URLMap/http = on
  URLMap/https = off
SALES: DomainSettings default
";
    assert!(told.starts_with(expected), "{told}");
}
