use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::*;
use crate::values::timeouts::RequestLimit;

fn envelope(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <env:Body><dp:response xmlns:dp=\"{NAMESPACE}\"><dp:timestamp>2026-11-22T08:30:00+01:00</dp:timestamp>{inner}\
         </dp:response></env:Body></env:Envelope>"
    )
}

/// Gives at most `step` bytes at a time.
struct Trickle<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = self.step.min(self.bytes.len()).min(buffer.len());
        let (now, later) = self.bytes.split_at(amount);
        buffer[..amount].copy_from_slice(now);
        self.bytes = later;
        Ok(amount)
    }
}

fn download(text: &str, step: usize) -> Result<Vec<u8>> {
    received(text, step).map(|(bytes, _)| bytes)
}

fn received(text: &str, step: usize) -> Result<(Vec<u8>, AroundFile)> {
    let mut out = Vec::new();
    let ReceivedFile { length, around } = read_file(
        Trickle {
            bytes: text.as_bytes(),
            step,
        },
        &Deadline::never(),
        &mut out,
        &mut |_| {},
    )?;
    assert_eq!(length, out.len() as u64);
    Ok((out, around))
}

fn failure(text: &str) -> (SomaErrorKind, String) {
    let error = download(text, usize::MAX).expect_err("no file");
    (error.kind, error.message)
}

proptest! {
    #[test]
    fn any_bytes_arrive_whatever_the_chunks_and_the_white_space(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        step in 1_usize..40,
        gap in 1_usize..80,
        white in proptest::sample::select(vec!["", "\n", "\r\n", " ", "&#13;", "&#xA;\n"]),
        reference in any::<bool>(),
    ) {
        let encoded = STANDARD.encode(&bytes);
        let spaced: Vec<&str> = encoded.as_bytes().chunks(gap).map(|c| std::str::from_utf8(c).expect("ASCII")).collect();
        let mut encoded = spaced.join(white);
        if reference && let Some(first) = encoded.pop() {
            encoded.push_str(&format!("&#{};", u32::from(first)));
        }
        let text = envelope(&format!("<dp:file name=\"x\">{encoded}</dp:file>"));
        prop_assert_eq!(download(&text, step).expect("a file"), bytes);
    }

    #[test]
    fn a_cut_answer_is_never_taken_for_a_whole_one(cut in 0_usize..1000, step in 1_usize..200) {
        let text = envelope(&format!("<dp:file>{}</dp:file>", STANDARD.encode([7_u8; 300])));
        let cut = cut.min(text.len() - 1);
        assert!(download(&text[..cut], step).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_file_is_the_same_in_plain_text_in_cdata_and_around_comments() {
    let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let text = STANDARD.encode(&bytes);
    let (first, rest) = text.split_at(401);
    for inner in [
        format!("<![CDATA[{text}]]>"),
        format!("\n<![CDATA[\n{text}\n]]>\n"),
        format!("<![CDATA[{first}]]><![CDATA[{rest}]]>"),
        format!("{first}<![CDATA[{rest}]]>"),
        format!("<![CDATA[{first}]]>&#10;{rest}"),
        format!("{first}<!-- - -- a > <b> -->{rest}"),
        format!("<!---->{text}<!--->-->"),
    ] {
        for step in [1, 2, 3, 7, usize::MAX] {
            let got = download(&envelope(&format!("<dp:file>{inner}</dp:file>")), step);
            assert!(got.expect(&inner) == bytes, "{inner} by {step}");
        }
    }
}

#[test]
fn other_markup_in_a_file_is_malformed_and_nothing_is_left_out() {
    let text = "QUJD".repeat(100);
    for inner in [
        format!("{text}<x/>{text}"),
        format!("{text}<?x y?>{text}"),
        format!("{text}<![CDATA[{text}]>{text}"),
        format!("{text}<![CDATA[{text}&#10;]]>"),
        format!("{text}<![CDATA[<b>]]>"),
        format!("{text}<!ELEMENT x>"),
        format!("{text}</dp:other>"),
    ] {
        for step in [1, usize::MAX] {
            let error = download(&envelope(&format!("<dp:file>{inner}</dp:file>")), step);
            assert_eq!(error.expect_err(&inner).kind, SomaErrorKind::Malformed, "{inner}");
        }
    }
    for cut in [
        "<dp:file>QUJD<![CDATA[QUJD",
        "<dp:file>QUJD<!-- ",
        "<dp:file>QUJD<",
    ] {
        let whole = envelope(cut);
        let (before, _) = whole.split_at(whole.find(cut).expect("it is there") + cut.len());
        assert_eq!(
            download(before, 5).expect_err(cut).kind,
            SomaErrorKind::Broken,
            "{cut}"
        );
    }
}

#[test]
fn an_empty_file_has_no_bytes() {
    assert_eq!(download(&envelope("<dp:file/>"), 7).expect("empty"), b"");
    assert_eq!(download(&envelope("<dp:file></dp:file>"), 7).expect("empty"), b"");
}

#[test]
fn a_word_in_place_of_a_file_is_the_devices_own_word() {
    for inner in [
        "<dp:file>ERROR</dp:file>",
        "<dp:file>\nERROR\n</dp:file>",
        "<dp:result>ERROR</dp:result>",
    ] {
        for step in [1, 3, usize::MAX] {
            let error = download(&envelope(inner), step).expect_err("no file");
            assert_eq!(error.kind, SomaErrorKind::Refused, "{inner}");
            assert!(error.message.contains("\"ERROR\""), "{error}");
        }
    }
}

#[test]
fn a_refusal_in_place_of_a_file_is_told_in_full() {
    let (kind, message) = failure(&envelope("<dp:result>Cannot read the specified file</dp:result>"));
    assert_eq!(kind, SomaErrorKind::Refused);
    assert!(message.contains("Cannot read the specified file"), "{message}");
    let (kind, _) = failure("<html><body><p>hello</p></body></html>");
    assert_eq!(kind, SomaErrorKind::NotManagement);
}

#[test]
fn damaged_base64_is_malformed() {
    let long = "QUJD".repeat(100);
    for inner in [
        format!("{long}*{long}"),
        format!("{long}QQ=={long}"),
        format!("{long}Q"),
        format!("{long}&amp;{long}"),
        format!("{long}&#256;{long}"),
        format!("{long}&#1;{long}"),
        format!("{long}\u{1}"),
    ] {
        let (kind, _) = failure(&envelope(&format!("<dp:file>{inner}</dp:file>")));
        assert_eq!(kind, SomaErrorKind::Malformed, "{inner}");
    }
}

#[test]
fn a_document_type_is_refused() {
    let text = format!(
        "<!DOCTYPE a [<!ENTITY b \"c\">]>{}",
        envelope("<dp:file>QUJD</dp:file>")
    );
    assert_eq!(failure(&text).0, SomaErrorKind::Malformed);
}

#[test]
fn what_a_parser_would_not_end_with_is_not_plausible_before_a_file_and_behind_it() {
    let nested: String = (0..4_000).map(|n| format!("<a xmlns:n{n}=\"u\">")).collect();
    let attributes: String = (0..160_000).map(|n| format!(" a{n}=\"\"")).collect();
    for hostile in [
        format!("{nested}{}", "</a>".repeat(4_000)),
        format!("<a{attributes}/>"),
        "<a>".repeat(100_000),
        format!("<{}/>", "a".repeat(70_000)),
    ] {
        for inner in [
            format!("{hostile}<dp:file>QUJD</dp:file>"),
            format!("<dp:file>QUJD</dp:file>{hostile}"),
            format!("<dp:result>{hostile}</dp:result>"),
        ] {
            let (kind, message) = failure(&envelope(&inner));
            assert_eq!(kind, SomaErrorKind::Malformed);
            let words = "the device's answer is not plausible: more than ";
            assert!(message.starts_with(words) && message.len() < 200, "{message}");
        }
    }
}

#[test]
fn an_answer_that_goes_on_and_on_behind_its_file_is_given_up() {
    for endless in [" ".repeat(3 << 20), format!("<!--{}", "x".repeat(3 << 20))] {
        let text = envelope(&format!("<dp:file>QUJD</dp:file>{endless}"));
        let (_, message) = failure(&text);
        assert!(message.contains("goes on and on behind its file"), "{message}");
    }
}

#[test]
fn a_refusal_is_read_until_the_deadline_of_its_request_and_no_longer() {
    let text = envelope("<dp:result>Cannot read the specified file</dp:result>");
    let over = Deadline::after(
        RequestLimit::of_its_own(std::time::Duration::ZERO),
        std::sync::Arc::default(),
    );
    let error = read_file(text.as_bytes(), &over, &mut Vec::new(), &mut |_| {});
    assert_eq!(error.expect_err("too late").kind, SomaErrorKind::TimedOut);
}

#[test]
fn a_file_elsewhere_in_the_answer_is_no_file() {
    let text = envelope("<dp:result><dp:file>QUJD</dp:file></dp:result>");
    assert!(download(&text, 9).is_err());
}

#[test]
fn a_file_is_told_with_what_the_device_says_beside_it_wherever_that_stands() {
    let file = "<dp:file name=\"temporary:/x/a\">QUJD</dp:file>";
    let log =
        "<dp:result><error-log><log-event level=\"error\">Backup failed.</log-event></error-log></dp:result>";
    for (inner, said) in [
        (file.to_owned(), None),
        (format!("{file}<dp:result>\n OK\n</dp:result>"), None),
        (format!("<dp:result/>{file}"), None),
        (format!("{file}<dp:result>ERROR</dp:result>"), Some("\"ERROR\"")),
        (format!("{file}{log}"), Some("\"Backup failed.\"")),
        (format!("{log}{file}"), Some("\"Backup failed.\"")),
        (format!("{file}<new>no &amp; no</new>"), Some("\"no & no\"")),
    ] {
        for step in [1, usize::MAX] {
            let (bytes, around) = received(&envelope(&inner), step).expect(&inner);
            assert_eq!(
                (bytes.as_slice(), around.said.as_deref()),
                (&b"ABC"[..], said),
                "{inner}"
            );
            assert_eq!(around.name.as_deref(), Some("temporary:/x/a"), "{inner}");
        }
    }
    let beside = envelope(file).replace(
        "</env:Body>",
        "<env:Fault><faultstring>no</faultstring></env:Fault></env:Body>",
    );
    assert_eq!(
        received(&beside, 7).expect("a file").1.said.as_deref(),
        Some("\"no\"")
    );
    // What is behind the envelope is no part of the answer.
    for behind in ["\r\n", "\0", "junk", "<?xml version=\"1.0\"?><a/>"] {
        let text = envelope(file) + behind;
        assert_eq!(received(&text, 7).expect(behind).1.said, None, "{behind:?}");
    }
}

#[test]
fn an_answer_with_two_files_is_no_answer_to_rely_on() {
    for inner in [
        "<dp:file>QUJD</dp:file><dp:file>QUJE</dp:file>",
        "<dp:file>QUJD</dp:file><dp:file/>",
        "<dp:file/><dp:file>QUJD</dp:file>",
    ] {
        let (kind, message) = failure(&envelope(inner));
        assert_eq!(kind, SomaErrorKind::Malformed, "{inner}");
        assert!(message.contains("more than one <file>"), "{message}");
    }
}
