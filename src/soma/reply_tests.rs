use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;
use crate::values::timeouts::RequestLimit;

fn envelope(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <env:Body><dp:response xmlns:dp=\"{NAMESPACE}\">{inner}</dp:response></env:Body></env:Envelope>"
    )
}

fn answer(text: &str) -> Answer {
    Answer::new(text.to_owned(), Deadline::never())
}

const STAMP: &str = "<dp:timestamp>2026-11-22T08:30:00+01:00</dp:timestamp>";

fn kind_of(text: &str) -> (SomaErrorKind, String) {
    let error = answer(text).ok().expect_err("no OK");
    (error.kind, error.message)
}

#[test]
fn an_ok_may_be_padded_and_repeated() {
    for result in [
        "OK",
        "\n                        OK\n  ",
        "OK</dp:result><dp:result>OK",
    ] {
        let text = envelope(&format!("{STAMP}<dp:result>{result}</dp:result>"));
        assert!(answer(&text).ok().is_ok(), "{result:?}");
    }
    let half = envelope(&format!(
        "{STAMP}<dp:result>OK</dp:result><dp:result>ERROR</dp:result>"
    ));
    assert!(answer(&half).ok().is_err(), "one of two failed");
}

#[test]
fn a_payload_that_comes_twice_is_no_answer_to_rely_on() {
    let status = "<dp:status><DomainStatus/></dp:status>";
    let read = |inner: &str| answer(&envelope(inner)).payload("status", |_| Ok(()));
    assert!(read(status).is_ok());
    let error = read(&format!("{status}{STAMP}{status}")).expect_err("which of the two");
    assert_eq!(error.kind, SomaErrorKind::Malformed);
    assert!(error.message.contains("more than one <status>"), "{error}");
}

#[test]
fn an_authentication_failure_without_a_timestamp_is_a_wrong_password() {
    let text = envelope("<dp:result>Authentication failure</dp:result>");
    assert_eq!(kind_of(&text).0, SomaErrorKind::Authentication);
}

#[test]
fn an_authentication_failure_with_a_timestamp_is_a_missing_right() {
    let text = envelope(&format!("{STAMP}<dp:result>Authentication failure</dp:result>"));
    assert_eq!(kind_of(&text).0, SomaErrorKind::NotAllowed);
}

#[test]
fn log_events_are_found_in_either_namespace() {
    for event in [
        "<log-event level=\"error\">no such domain</log-event>",
        "<dp:log-event level=\"error\">no such domain</dp:log-event>",
    ] {
        let text = envelope(&format!(
            "{STAMP}<dp:result><error-log>{event}</error-log></dp:result>"
        ));
        let (kind, message) = kind_of(&text);
        assert_eq!(kind, SomaErrorKind::Refused);
        assert!(message.contains("no such domain"), "{message}");
    }
}

#[test]
fn the_words_of_a_fault_reach_the_message() {
    let text = "<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body><env:Fault>\
                <faultcode>env:Client</faultcode><faultstring>Internal Error (from client)</faultstring>\
                </env:Fault></env:Body></env:Envelope>";
    let (kind, message) = kind_of(text);
    assert_eq!(kind, SomaErrorKind::Fault);
    assert!(message.contains("Internal Error (from client)"), "{message}");
}

#[test]
fn a_fault_of_the_schema_alone_says_that_nothing_was_begun() {
    let kind = |code: &str, said: &str| {
        kind_of(&format!(
            "<Fault><faultcode>{code}</faultcode><faultstring>{said}</faultstring></Fault>"
        ))
        .0
    };
    for (code, said) in [
        ("env:Client", "Internal Error (from client)"),
        ("Client", "the request is not valid"),
        ("s:Client", "Schema validation failed"),
    ] {
        assert_eq!(kind(code, said), SomaErrorKind::Fault, "{code} {said}");
    }
    for (code, said) in [
        ("env:Server", "Internal Error (from client)"),
        ("env:Server", "Internal Error"),
        ("env:Client", "Request timed out"),
        ("env:Client", "Invalid state: quiesce in progress"),
        ("env:Client", "Timeout waiting for the backend (from client)"),
        ("env:Client", "Rejected (from client)"),
        ("env:Client", "Validation timed out"),
        ("", "Internal Error"),
    ] {
        assert_eq!(kind(code, said), SomaErrorKind::OtherFault, "{code} {said}");
    }
    let newer = "<Fault><Code><Value>env:Sender</Value></Code><Reason><Text>Internal Error (from client)</Text></Reason></Fault>";
    assert_eq!(kind_of(newer).0, SomaErrorKind::Fault);
}

#[test]
fn what_a_row_tells_twice_and_differently_or_by_attributes_it_does_not_tell() {
    let document = Document::parse(
        "<row xmlns:x='urn:x'><A/><A>quiesced</A><B>quiesced</B><B/><C value='quiesced'/><D x:nil='true'/>\
         <E>on</E><E> on </E><F unit='ms'>1</F><G/></row>",
    )
    .expect("a row");
    let told = |name| told_field(document.root_element(), name);
    for unclear in ["A", "B", "C", "D"] {
        assert_eq!(told(unclear), None, "{unclear}");
    }
    assert_eq!(told("E").as_deref(), Some("on"));
    assert_eq!(told("F").as_deref(), Some("1"));
    assert_eq!(told("G").as_deref(), Some(""));
}

#[test]
fn a_field_is_all_of_its_text_and_one_that_is_not_there_is_told_from_an_empty_one() {
    let row = "<row><a><!--x-->quie<!-- y -->sced\n</a><b/><c> <![CDATA[off]]></c></row>";
    let document = Document::parse(row).expect("XML");
    let told = |name| told_field(document.root_element(), name);
    assert_eq!(told("a").as_deref(), Some("quiesced"));
    assert_eq!(told("b").as_deref(), Some(""));
    assert_eq!(told("c").as_deref(), Some("off"));
    assert_eq!(told("d"), None);
}

#[test]
fn responses_and_faults_are_recognized_and_nothing_else() {
    let fault = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><e:Fault>\
                 <faultstring>no</faultstring></e:Fault></e:Body></e:Envelope>";
    for text in [envelope(STAMP).as_str(), fault] {
        assert!(answer(text).recognize().is_ok(), "{text}");
    }
    for text in ["", "nonsense", "<html><body/></html>"] {
        assert!(answer(text).recognize().is_err(), "{text}");
    }
}

#[test]
fn html_garbage_entities_and_silence_are_malformed_or_no_management() {
    assert_eq!(
        kind_of("<html><body>login</body></html>").0,
        SomaErrorKind::NotManagement
    );
    assert_eq!(kind_of("nonsense").0, SomaErrorKind::Malformed);
    assert_eq!(kind_of("").0, SomaErrorKind::Malformed);
    assert_eq!(
        kind_of("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>").0,
        SomaErrorKind::Malformed
    );
    assert_eq!(kind_of(&envelope(STAMP)).0, SomaErrorKind::Malformed);
}

#[test]
fn what_a_parser_would_not_end_with_is_not_plausible_wherever_it_stands() {
    let nested: String = (0..4_000).map(|n| format!("<a xmlns:n{n}=\"u\">")).collect();
    let attributes: String = (0..160_000).map(|n| format!(" a{n}=\"\"")).collect();
    for hostile in [
        format!("{nested}{}", "</a>".repeat(4_000)),
        format!("<a{attributes}/>"),
        format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000)),
        format!("<{}/>", "a".repeat(70_000)),
    ] {
        for text in [
            envelope(&format!("{STAMP}{hostile}<dp:result>OK</dp:result>")),
            envelope(&format!(
                "{STAMP}<dp:result><error-log>{hostile}</error-log></dp:result>"
            )),
            format!("<env:Fault xmlns:env=\"e\"><faultstring>{hostile}</faultstring></env:Fault>"),
            hostile.clone(),
        ] {
            let (kind, message) = kind_of(&text);
            assert_eq!(kind, SomaErrorKind::Malformed);
            let words = "the device's answer is not plausible: more than ";
            assert!(message.starts_with(words) && message.len() < 200, "{message}");
            let refused = answer(&text).into_refusal("file");
            assert_eq!((refused.kind, refused.message), (kind, message));
        }
    }
}

#[test]
fn an_answer_is_read_until_the_deadline_of_its_request_and_no_longer() {
    let text = envelope(&format!("{STAMP}<dp:result>OK</dp:result>"));
    let until = |deadline| {
        Answer::new(text.clone(), deadline)
            .ok()
            .map_err(|error| error.kind)
    };
    let interrupted = Arc::new(AtomicBool::new(true));
    let hour = Duration::from_secs(3600);
    assert_eq!(
        until(Deadline::after(RequestLimit::of_its_own(hour), Arc::default())),
        Ok(())
    );
    assert_eq!(
        until(Deadline::after(
            RequestLimit::of_its_own(Duration::ZERO),
            Arc::default()
        )),
        Err(SomaErrorKind::TimedOut)
    );
    assert_eq!(
        until(Deadline::after(RequestLimit::of_its_own(hour), interrupted)),
        Err(SomaErrorKind::Interrupted)
    );
}

#[test]
fn no_message_is_longer_than_what_is_quoted_whatever_a_device_says() {
    let long = "x".repeat(1 << 20);
    let events = format!("<log-event>{long}</log-event>").repeat(10);
    let nested = format!(
        "{}{long}{}",
        "<log-event>".repeat(150),
        "</log-event>".repeat(150)
    );
    for inner in [
        format!("<dp:result><error-log>{events}</error-log></dp:result>"),
        format!("<dp:result><error-log>{nested}</error-log></dp:result>"),
        format!("<dp:result>{long}</dp:result>").repeat(10),
        "<a/><b/>".repeat(100_000),
        format!("&{long};"),
        "</never-opened>".to_owned(),
    ] {
        let (_, message) = kind_of(&envelope(&format!("{STAMP}{inner}")));
        assert!(message.chars().count() < 800, "{}", message.len());
    }
    let (_, message) = kind_of(&format!("<Fault><faultstring>{long}</faultstring></Fault>"));
    assert!(message.chars().count() < 800, "{}", message.len());
    let (_, message) = kind_of(&envelope(STAMP));
    assert!(
        message.contains("with nothing where <result> belongs"),
        "{message}"
    );
    let (_, message) = kind_of(&envelope(&"<a/>".repeat(7)));
    assert!(
        message.contains("<a>, <a>, <a>, <a>, <a> and 2 more where <result> belongs"),
        "{message}"
    );
    let status = envelope(&format!("<dp:status><Row><N>{long}</N></Row></dp:status>"));
    let read = answer(&status).payload("status", |status| {
        let row = rows(status, "Row").next().expect("a row");
        let told = text_field(row, "N").expect("a text");
        assert!(told.chars().count() < 800);
        number_field(row, "N")
    });
    assert!(read.expect_err("no number").message.chars().count() < 800);
}

#[test]
fn what_stands_in_a_log_event_is_told_once() {
    let event = "<log-event>one <log-event>two</log-event></log-event><log-event>three</log-event>";
    let text = envelope(&format!(
        "{STAMP}<dp:result><error-log>{event}</error-log></dp:result>"
    ));
    assert_eq!(kind_of(&text).1, "the device answered: \"one two; three\"");
}

#[test]
fn a_payload_is_found_whatever_the_prefix() {
    let text = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><response xmlns=\"{NAMESPACE}\">\
         <status><Row xmlns=\"\"><Name> x </Name><Size> 12 </Size><Empty/></Row></status></response></s:Body></s:Envelope>"
    );
    let read = answer(&text).payload("status", |status| {
        let row = rows(status, "Row").next().expect("a row");
        Ok((
            field(row, "Name").to_owned(),
            number_field(row, "Size")?,
            text_field(row, "Empty"),
            field(row, "Absent").to_owned(),
        ))
    });
    assert_eq!(read.expect("a status"), ("x".to_owned(), 12, None, String::new()));
}

#[test]
fn the_time_of_an_answer_is_that_of_the_device_with_its_offset() {
    let stamped = |stamp: &str| {
        let text = envelope(&format!("{stamp}<dp:status><Row/></dp:status>"));
        let read = answer(&text).payload("status", |payload| Ok(timestamp(payload)));
        read.expect("a payload")
    };
    let told: Timestamp = "2026-11-22T07:30:00Z".parse().expect("a time");
    assert_eq!(stamped(STAMP), Some(told));
    for without in [
        "",
        "<dp:timestamp/>",
        "<dp:timestamp>some time ago</dp:timestamp>",
    ] {
        assert_eq!(stamped(without), None, "{without:?}");
    }
}

#[test]
fn an_answer_that_lists_a_hundred_thousand_files_is_not_too_large() {
    let file = "<file name=\"local:///a/folder/with/a/file/whose/name/is/rather/long.xsl\"><size>12345678</size>\
                <modified>Nov 22, 2026 8:30:00 AM</modified></file>";
    assert!(100_000 * file.len() as u64 <= MAX_BYTES);
}

#[test]
fn no_more_is_gathered_of_what_a_device_says_than_is_quoted_of_it() {
    let gathered = |texts: &[usize]| {
        let results = texts
            .iter()
            .map(|length| format!("<dp:result>{}</dp:result>", "x".repeat(*length)));
        let text = envelope(&results.collect::<String>());
        let document = Document::parse(&text).expect("XML");
        let response = response(&document).expect("a response");
        told(children(response, "result")).len()
    };
    assert_eq!(gathered(&[MAX_QUOTE, 1, 1]), 2, "the second goes beyond");
    assert_eq!(gathered(&[MAX_QUOTE + 1, 1, 1]), 1, "the first does");
    assert_eq!(gathered(&[MAX_QUOTE / 2, MAX_QUOTE / 2, 1, 1]), 3);
    assert_eq!(gathered(&[1, 1, 1]), 3);
}

#[test]
fn an_answer_of_few_elements_is_told_by_all_of_their_names() {
    let (_, message) = kind_of(&envelope("<a/><b/>"));
    assert!(
        message.contains("answered with <a>, <b> where <result> belongs"),
        "{message}"
    );
}

#[test]
fn a_list_beside_which_an_error_is_reported_may_have_broken_off() {
    let log = "<dp:error-log><log-event>out of memory</log-event></dp:error-log>";
    let read = |inner: &str| answer(&envelope(inner)).list("status", |status| Ok(status.children().count()));
    assert_eq!(read("<dp:status><a/></dp:status>").expect("a list"), 1);
    assert_eq!(
        read("<dp:status><a/></dp:status><dp:error-log/>").expect("a list"),
        1
    );
    let error = read(&format!("<dp:status><a/></dp:status>{log}")).expect_err("nobody knows");
    assert_eq!(error.kind, SomaErrorKind::Malformed);
    assert!(
        error
            .message
            .contains("the list may have broken off: \"out of memory\""),
        "{}",
        error.message
    );
    // Alone it is what the device refuses with.
    let error = read(log).expect_err("no list");
    assert_eq!(error.kind, SomaErrorKind::Refused);
}
