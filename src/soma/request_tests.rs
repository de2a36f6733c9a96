use super::*;
use crate::values::restore_plan::{RestoreConfirmation, RestoreFacts, RestorePlan, SaveAfter};

/// What stands inside `dp:request`.
fn inner(request: &Request) -> String {
    let document = roxmltree::Document::parse(&request.envelope).expect("a request is XML");
    let element = document
        .descendants()
        .find(|node| node.has_tag_name((NAMESPACE, "request")))
        .expect("a request holds dp:request");
    assert_eq!(element.attribute("domain"), Some(request.domain.as_str()));
    let start = request.envelope.find("\">").map_or(0, |_| {
        element.first_child().map_or(0, |child| child.range().start)
    });
    let end = element.last_child().map_or(start, |child| child.range().end);
    request.envelope[start..end].to_owned()
}

#[test]
fn actions_and_their_parameters_are_in_no_namespace_and_in_the_order_of_the_schema() {
    assert_eq!(
        inner(&secure_backup("backup-cert", "temporary:///x")),
        "<dp:do-action><SecureBackup><cert>backup-cert</cert><destination>temporary:///x</destination>\
         <include-iscsi>off</include-iscsi><include-raid>off</include-raid></SecureBackup></dp:do-action>"
    );
    assert_eq!(
        inner(&quiesce_domain("DOM1", 60)),
        "<dp:do-action><DomainQuiesce><name>DOM1</name><timeout>60</timeout></DomainQuiesce></dp:do-action>"
    );
    assert_eq!(
        inner(&unquiesce_device()),
        "<dp:do-action><UnquiesceDP></UnquiesceDP></dp:do-action>"
    );
}

fn archive() -> File {
    let mut archive = tempfile::tempfile().expect("a file");
    io::Write::write_all(&mut archive, b"PK").expect("its bytes");
    archive
}

/// What is sent, the archive included.
fn sent(upload: &Upload<'_>) -> String {
    let mut sent = String::new();
    io::Read::read_to_string(&mut upload.body(), &mut sent).expect("the request");
    assert_eq!(sent.len() as u64, upload.length());
    sent
}

fn dry_with(name: &str, addresses: LocalAddresses) -> String {
    let archive = archive();
    let domain = RestorableDomain::named(name).expect("a domain");
    sent(&dry_restore(&archive, &domain, addresses).expect("a request"))
}

fn dry(name: &str) -> String {
    dry_with(name, LocalAddresses::Rewrite)
}

fn confirmed(name: &str, addresses: LocalAddresses) -> ConfirmedRestore {
    let facts = RestoreFacts {
        task: 1,
        archive_sha256: String::new(),
        domain: RestorableDomain::named(name).expect("a domain"),
        device: "QA1".to_owned(),
        address: "qa1:5550".to_owned(),
        trust: String::new(),
        serial: None,
        firmware: None,
        running: String::new(),
        local_addresses: addresses,
        save: SaveAfter::No,
        has_unsaved: None,
        failsafe: None,
        allows_unsaved: false,
        allows_other_firmware: false,
        open_imports: Vec::new(),
    };
    let plan = RestorePlan::new(facts, archive());
    plan.confirmed(&RestoreConfirmation::TypedName(name.to_owned()))
        .expect("confirmed")
}

#[test]
fn a_real_restore_differs_from_its_dry_run_in_one_word() {
    for addresses in [LocalAddresses::Keep, LocalAddresses::Rewrite] {
        for name in ["DOM1", "A\"<&"] {
            let confirmed = confirmed(name, addresses);
            let real = sent(&real_restore(&confirmed).expect("a request"));
            assert_eq!(
                real.replace("dry-run=\"false\"", "dry-run=\"true\""),
                dry_with(name, addresses)
            );
            assert_eq!(real.matches("dry-run=\"false\"").count(), 1);
        }
    }
}

#[test]
fn addresses_are_rewritten_only_where_that_was_said() {
    let keep = "rewrite-local-ip=\"false\"";
    assert!(dry_with("DOM1", LocalAddresses::Keep).contains(keep));
    assert!(!dry_with("DOM1", LocalAddresses::Rewrite).contains(keep));
}

#[test]
fn a_configuration_is_saved_in_the_domain_that_was_restored() {
    let request = save_config(&confirmed("DOM1", LocalAddresses::Keep));
    assert_eq!(request.domain, "DOM1");
    assert_eq!(request.effect, Effect::Change);
    assert_eq!(
        inner(&request),
        "<dp:do-action><SaveConfig></SaveConfig></dp:do-action>"
    );
}

#[test]
fn a_dry_run_says_so_writes_every_attribute_and_resets_nothing() {
    let sent = dry("DOM1");
    let wanted = "<dp:do-restore source-type=\"ZIP\" dry-run=\"true\" overwrite-files=\"true\" \
                  overwrite-objects=\"true\" rewrite-local-ip=\"true\"><dp:input-file>UEs=</dp:input-file>\
                  <dp:domain name=\"DOM1\" import-domain=\"true\" reset-domain=\"false\"/></dp:do-restore>";
    assert!(sent.contains(wanted), "{sent}");
    assert!(
        sent.contains("domain=\"default\""),
        "do-restore is sent in default"
    );
}

#[test]
fn whatever_a_domain_is_called_a_dry_run_stays_one() {
    let hostile = "A\" reset-domain=\"true\"/><dp:domain name=\"default";
    let sent = dry(hostile);
    let document = roxmltree::Document::parse(&sent).expect("a request is XML");
    let named = |name: &'static str| {
        let mut nodes = document
            .descendants()
            .filter(move |node| node.has_tag_name((NAMESPACE, name)));
        let one = nodes.next().expect(name);
        assert!(nodes.next().is_none(), "one {name}");
        one
    };
    assert_eq!(named("domain").attribute("name"), Some(hostile));
    assert_eq!(named("domain").attribute("reset-domain"), Some("false"));
    assert_eq!(named("do-restore").attribute("dry-run"), Some("true"));
}

#[test]
fn no_request_restores_a_whole_gateway() {
    let all = [
        get_status("default", "DomainStatus"),
        get_config("default", "Domain", None),
        view_certificate("c"),
        get_filestore("temporary:"),
        get_file("temporary:///x"),
        do_backup(&["DOM1"], ExportedConfiguration::Persisted),
        quiesce_device(60),
        unquiesce_device(),
        quiesce_domain("DOM1", 60),
        unquiesce_domain("DOM1"),
        secure_backup("c", "temporary:///x"),
        delete_file("temporary:///x"),
        remove_dir("temporary:///x"),
    ];
    for request in &all {
        assert!(!request.envelope.contains("SecureRestore"), "{}", request.name);
        assert!(!request.envelope.contains("do-import"), "{}", request.name);
        assert!(!request.envelope.contains("do-restore"), "{}", request.name);
    }
    let real = confirmed("DOM1", LocalAddresses::Keep);
    assert!(!dry("DOM1").contains("SecureRestore"));
    assert!(!save_config(&real).envelope.contains("estore"));
    assert!(!sent(&real_restore(&real).expect("a request")).contains("SecureRestore"));
}

#[test]
fn only_questions_may_be_asked_again() {
    let questions = [
        get_status("default", "DomainStatus"),
        get_config("default", "CryptoCertificate", Some("backup-cert")),
        get_filestore("temporary:"),
        get_file("temporary:///x/cert.tgz"),
    ];
    let all_are = |requests: &[Request], effect| requests.iter().all(|request| request.effect == effect);
    assert!(all_are(&questions, Effect::Question));
    assert!(all_are(
        &[do_backup(&["DOM1"], ExportedConfiguration::Persisted)],
        Effect::Export
    ));
    let changes = [
        quiesce_device(60),
        unquiesce_domain("DOM1"),
        secure_backup("backup-cert", "temporary:///x"),
        delete_file("temporary:///x/cert.tgz"),
    ];
    assert!(all_are(&changes, Effect::Change));
}

#[test]
fn a_backup_always_says_which_configuration_it_wants() {
    assert_eq!(
        inner(&do_backup(&["DOM1"], ExportedConfiguration::Persisted)),
        "<dp:do-backup format=\"ZIP\" persisted=\"true\"><dp:domain name=\"DOM1\"/></dp:do-backup>"
    );
}

#[test]
fn a_hostile_name_stays_inside_its_attribute_or_element() {
    let name = "a\"/><x>&\n";
    let request = unquiesce_domain(name);
    let document = roxmltree::Document::parse(&request.envelope).expect("still XML");
    let element = document
        .descendants()
        .find(|node| node.has_tag_name("name"))
        .expect("the name");
    assert_eq!(element.text(), Some(name));
    let request = get_file(name);
    let document = roxmltree::Document::parse(&request.envelope).expect("still XML");
    let element = document
        .descendants()
        .find(|node| node.has_tag_name((NAMESPACE, "get-file")))
        .expect("the request");
    assert_eq!(element.attribute("name"), Some(name));
}
