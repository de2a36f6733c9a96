use std::io;

use super::*;

/// A server that says all it has to say at once, and what it was told.
struct Scripted {
    says: io::Cursor<Vec<u8>>,
    heard: Vec<u8>,
}

impl Read for Scripted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.says.read(buffer)
    }
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn session(says: &str) -> SmtpSession<Scripted> {
    SmtpSession::new(Scripted {
        says: io::Cursor::new(says.as_bytes().to_vec()),
        heard: Vec::new(),
    })
}

fn heard(session: &SmtpSession<Scripted>) -> String {
    String::from_utf8(session.stream.get_ref().heard.clone()).expect("text")
}

fn letter(to: &[String]) -> Letter<'_> {
    Letter {
        from: "dp@example.com",
        to,
        text: b"Subject: x\r\n\r\n.hidden\r\nlast",
    }
}

#[test]
fn answers_of_one_line_and_of_many_are_read() {
    let mut session = session("250-hello\r\n250-STARTTLS\r\n250 auth plain\r\n250\r\n");
    session.hello("a.b").expect("a greeting");
    assert_eq!(session.offers, ["STARTTLS", "AUTH PLAIN"]);
    assert_eq!(session.reply().expect("a reply").code, 250);
    assert_eq!(heard(&session), "EHLO a.b\r\n");
}

#[test]
fn what_is_no_answer_of_a_mail_server_is_said_to_be_none() {
    for says in [
        "HTTP/1.1 400 Bad Request\r\n",
        "25\r\n",
        "999 no\r\n",
        "250?\r\n",
        "no end",
    ] {
        let error = session(says).reply().expect_err(says).message;
        assert!(
            error.contains("does not answer as a mail server"),
            "{says}: {error}"
        );
    }
    let endless = format!("250 {}\r\n", "x".repeat(5000));
    assert!(session(&endless).reply().is_err());
    assert!(session(&"250-x\r\n".repeat(200)).reply().is_err());
    assert_eq!(
        session("").reply().expect_err("nothing").message,
        "the server hung up"
    );
}

#[test]
fn what_comes_before_the_encryption_is_refused() {
    let offer = "250-hello\r\n250 STARTTLS\r\n";
    for more in ["250 believe me\r\n", "x", "\0"] {
        let mut session = session(&format!("{offer}220 go ahead\r\n{more}"));
        session.hello("a.b").expect("a greeting");
        let error = session.start_tls().err().expect("refused");
        assert!(
            error.message.contains("between STARTTLS and the encryption"),
            "{}",
            error.message
        );
        assert_eq!(error.trouble, SendTrouble::Lasting);
    }
    let mut plain = session(&format!("{offer}220 go ahead\r\n"));
    plain.hello("a.b").expect("a greeting");
    assert!(plain.start_tls().is_ok());
    let mut none = session("250 hello\r\n");
    none.hello("a.b").expect("a greeting");
    assert!(
        none.start_tls()
            .is_err_and(|error| error.message.contains("does not offer STARTTLS"))
    );
}

/// Hands it over to a server that does not hang up.
fn handed_over(session: &mut SmtpSession<Scripted>, to: &[String]) -> Result<Receipt, SendError> {
    session.hand_over(&letter(to)).map(|handed| match handed {
        Handed::Over(receipt) => receipt,
        Handed::HungUpAt(index, one) => panic!("{index}: {one:?}"),
    })
}

#[test]
fn a_receiver_at_whose_name_the_server_hangs_up_is_named_and_the_others_get_theirs() {
    let to = ["one@a", "two@a", "three@a"].map(str::to_owned);
    for (last, why) in [("421 too many\r\n", "421 too many"), ("", "the server hung up")] {
        let hangs_up = format!("250 a\r\n250 one\r\n{last}");
        let takes = "250 a\r\n250 one\r\n250 three\r\n354 go\r\n250 queued\r\n221 bye\r\n";
        let mut connections = [hangs_up.as_str(), takes].into_iter();
        let receipt = without_those_it_hangs_up_at(&to, &mut |to| {
            let mut session = session(connections.next().expect("two connections"));
            session.hand_over(&letter(to))
        });
        let receipt = receipt.expect("taken for two");
        assert_eq!(receipt.answer, "250 queued");
        assert_eq!(receipt.not_taken_for(), format!("two@a ({why})"));
    }
    let always = || session("250 a\r\n421 busy\r\n");
    let nobody = without_those_it_hangs_up_at(&to, &mut |to| always().hand_over(&letter(to)));
    assert_eq!(
        nobody.expect_err("taken for nobody"),
        SendError::passing("no receiver was taken: one@a (421 busy), two@a (421 busy), three@a (421 busy)")
    );
    let mut connections = ["250 a\r\n421 busy\r\n", "550 go away\r\n"].into_iter();
    let refused = without_those_it_hangs_up_at(&to, &mut |to| {
        session(connections.next().expect("two connections")).hand_over(&letter(to))
    });
    assert_eq!(
        refused.expect_err("refused"),
        SendError::lasting("the sender was refused (550 go away); before that: one@a (421 busy)")
    );
}

#[test]
fn a_receiver_that_is_refused_is_named_and_the_others_get_theirs() {
    let to = ["one@a", "two@a", "three@a"].map(str::to_owned);
    let mut some =
        session("250 a\r\n250 b\r\n550 no such box\r\n451 later\r\n354 go\r\n250 queued\r\n221 bye\r\n");
    let receipt = handed_over(&mut some, &to).expect("taken for one");
    assert_eq!(receipt.answer, "250 queued");
    assert_eq!(
        receipt.not_taken_for(),
        "two@a (550 no such box), three@a (451 later)"
    );
    assert!(heard(&some).contains("RCPT TO:<three@a>\r\nDATA\r\n"));
    for (answers, trouble) in [
        ("550 no\r\n550 no\r\n550 no\r\n", SendTrouble::Lasting),
        ("550 no\r\n451 x\r\n550 no\r\n", SendTrouble::Passing),
    ] {
        let mut none = session(&format!("250 a\r\n{answers}221 bye\r\n"));
        let error = handed_over(&mut none, &to).expect_err("taken for nobody");
        assert_eq!(error.trouble, trouble);
        assert!(
            error
                .message
                .starts_with("no receiver was taken: one@a (550 no), two@a (")
        );
        assert!(!heard(&none).contains("DATA"));
    }
}

/// An answer of 3xx has taken nothing yet, and one of 2xx waits for no message.
#[test]
fn only_what_a_server_has_done_is_taken_for_done() {
    let to = ["one@a".to_owned()];
    for (answers, what) in [
        ("354 more?\r\n", "the sender was refused (354 more?)"),
        ("250 a\r\n354 go\r\n", "no receiver was taken: one@a (354 go)"),
        ("250 a\r\n250 b\r\n250 go\r\n", "the message was refused (250 go)"),
        (
            "250 a\r\n250 b\r\n354 go\r\n354 more?\r\n",
            "the message was refused (354 more?)",
        ),
        (
            "250 a\r\n250 b\r\n354 go\r\n334 \r\n",
            "the message was refused (334)",
        ),
    ] {
        let mut session = session(&format!("{answers}221 bye\r\n"));
        let error = handed_over(&mut session, &to).expect_err(answers);
        assert_eq!(error.message, what);
        assert_eq!(error.trouble, SendTrouble::Passing);
    }
    assert!(session("354 go\r\n").greeting().is_err());
    assert!(session("334 go\r\n").hello("a.b").is_err());
}

#[test]
fn a_message_that_is_larger_than_the_server_takes_is_known_by_its_offer_or_by_its_answer() {
    let to = ["one@a".to_owned()];
    let taken = "250 a\r\n250 b\r\n354 go\r\n250 queued\r\n221 bye\r\n";
    for (offers, command) in [
        (
            "250-a\r\n250 SIZE 1000\r\n",
            "MAIL FROM:<dp@example.com> SIZE=27\r\n",
        ),
        ("250-a\r\n250 SIZE\r\n", "MAIL FROM:<dp@example.com> SIZE=27\r\n"),
        (
            "250-a\r\n250 size 0\r\n",
            "MAIL FROM:<dp@example.com> SIZE=27\r\n",
        ),
        ("250-a\r\n250 SIZES 3\r\n", "MAIL FROM:<dp@example.com>\r\n"),
    ] {
        let mut session = session(&format!("{offers}{taken}"));
        session.hello("a.b").expect("a greeting");
        handed_over(&mut session, &to).expect("taken");
        assert!(heard(&session).contains(command), "{}", heard(&session));
    }
    for (answers, trouble) in [
        ("250-a\r\n250 SIZE 26\r\n221 bye\r\n", SendTrouble::TooLarge),
        ("250 a\r\n552 5.3.4 too big\r\n", SendTrouble::TooLarge),
        (
            "250 a\r\n250 a\r\n250 b\r\n354 go\r\n552 too big\r\n",
            SendTrouble::TooLarge,
        ),
        (
            "250 a\r\n250 a\r\n250 b\r\n354 go\r\n554 5.2.3 long\r\n",
            SendTrouble::TooLarge,
        ),
        (
            "250 a\r\n250 a\r\n250 b\r\n354 go\r\n552 5.2.2 full\r\n",
            SendTrouble::Lasting,
        ),
    ] {
        let mut session = session(answers);
        session.hello("a.b").expect("a greeting");
        let error = handed_over(&mut session, &to).expect_err(answers);
        assert_eq!(error.trouble, trouble, "{answers}: {}", error.message);
    }
}

#[test]
fn a_server_that_knows_only_the_greeting_of_old_gets_that_one() {
    for code in ["500", "502"] {
        let mut old = session(&format!("{code} what?\r\n250 hello\r\n"));
        old.hello("a.b").expect("a greeting");
        assert_eq!(heard(&old), "EHLO a.b\r\nHELO a.b\r\n");
        assert_eq!(old.offers, [""; 0]);
    }
    let mut refusing = session("502 what?\r\n550 go away\r\n");
    let error = refusing.hello("a.b").expect_err("refused");
    assert_eq!(error.message, "the greeting was refused (550 go away)");
    let mut other = session("550 go away\r\n250 hello\r\n");
    assert!(other.hello("a.b").is_err());
}

#[test]
fn an_offer_is_known_by_its_first_word() {
    for offer in ["STARTTLS", "STARTTLS ", "starttls\t", "STARTTLS now"] {
        let mut session = session(&format!("250-hello\r\n250 {offer}\r\n220 go\r\n"));
        session.hello("a.b").expect("a greeting");
        assert!(session.start_tls().is_ok(), "{offer:?}");
    }
}

#[test]
fn a_login_goes_by_what_the_server_offers() {
    let password = SecretString::from("pass\"word");
    let server = MailHost {
        host: "",
        port: 0,
        security: MailSecurity::Tls,
        login: Some(("dp", &password)),
        ca_file: None,
        own_name: "",
    };
    let mut plain = session("250-a\r\n250 AUTH LOGIN PLAIN\r\n235 welcome\r\n");
    plain.log_in(&server, "a.b").expect("welcome");
    let word = STANDARD.encode("\0dp\0pass\"word");
    assert!(heard(&plain).ends_with(&format!("AUTH PLAIN {word}\r\n")));
    let mut login = session("250-a\r\n250 AUTH LOGIN\r\n334 VXNlcg==\r\n334 UGFzcw==\r\n235 welcome\r\n");
    login.log_in(&server, "a.b").expect("welcome");
    assert!(heard(&login).ends_with("AUTH LOGIN\r\nZHA=\r\ncGFzcyJ3b3Jk\r\n"));
    let mut wrong = session("250-a\r\n250 AUTH PLAIN\r\n535 wrong\r\n");
    let error = wrong.log_in(&server, "a.b").expect_err("refused");
    assert_eq!(
        (error.message.as_str(), error.trouble),
        ("the login was refused (535 wrong)", SendTrouble::Lasting)
    );
    for answers in [
        "250-a\r\n250 AUTH PLAIN\r\n334 \r\n",
        "250-a\r\n250 AUTH LOGIN\r\n235 in\r\n",
        "250-a\r\n250 AUTH LOGIN\r\n334 a\r\n334 b\r\n334 c\r\n",
    ] {
        assert!(session(answers).log_in(&server, "a.b").is_err(), "{answers}");
    }
    for (offer, words) in [
        ("250 a\r\n", "offers no login"),
        ("250-a\r\n250 AUTH GSSAPI\r\n", "but GSSAPI"),
    ] {
        let error = session(offer).log_in(&server, "a.b").expect_err(offer);
        assert!(error.message.contains(words), "{}", error.message);
    }
}

#[test]
fn the_machine_gives_its_full_name_or_its_address() {
    let at = |text: &str| Some(text.parse::<SocketAddr>().expect("an address"));
    assert_eq!(
        greeting_name("backup1.example.com", at("192.0.2.1:9")),
        "backup1.example.com"
    );
    assert_eq!(greeting_name("vm", at("192.0.2.1:9")), "[192.0.2.1]");
    assert_eq!(greeting_name("vm", at("[2001:db8::1]:9")), "[IPv6:2001:db8::1]");
    assert_eq!(greeting_name("vm", at("[::ffff:192.0.2.1]:9")), "[192.0.2.1]");
    assert_eq!(greeting_name("", None), "[127.0.0.1]");
}

#[test]
fn no_line_of_a_message_ends_it() {
    for (text, sent) in [
        (".\r\n..a\r\nb", "..\r\n...a\r\nb\r\n.\r\n"),
        ("a\nb\n", "a\r\nb\r\n.\r\n"),
        ("", "\r\n.\r\n"),
    ] {
        assert_eq!(stuffed(text.as_bytes()), sent.as_bytes(), "{text:?}");
    }
}
