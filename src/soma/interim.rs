//! Interim answers: what a server, or what stands before it, says ahead of its answer (`100 Continue`,
//! `103 Early Hints`). They mean nothing here. `ureq` passes over those without a header field, and takes
//! `100 Continue` with one for a broken answer; so they are left out before it sees them.

use memchr::memmem;

/// More than this is no interim answer, whatever it begins with.
const LONGEST: usize = 16 * 1024;

/// How the head of an interim answer begins, but for two digits; `#` stands for one.
const BEGINNING: &[u8] = b"HTTP/1.# 1##";

const SWITCHING_PROTOCOLS: &[u8] = b"101";

/// Looks at what comes after a request, until its answer begins.
#[derive(Debug, Default)]
pub(super) struct InterimAnswers {
    /// What has come and is not known yet to be of the answer; `None` where the answer has begun.
    held: Option<Vec<u8>>,
}

/// What some bytes are the beginning of.
enum Beginning {
    Answer,
    /// An interim answer, which ends here.
    Interim(usize),
    /// Of that there is not enough to tell.
    NotTold,
}

impl InterimAnswers {
    /// A request is sent: what comes next may be an interim answer.
    pub(super) fn begin(&mut self) {
        self.held = Some(Vec::new());
    }

    /// Whether the answer has not begun yet.
    pub(super) fn is_expected(&self) -> bool {
        self.held.is_some()
    }

    /// Takes in what has come. What of it, and of what came before, belongs to the answer; nothing as long as
    /// that has not begun.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Some(mut held) = self.held.take() else {
            return bytes.to_vec();
        };
        held.extend_from_slice(bytes);
        loop {
            match beginning(&held) {
                Beginning::Answer => return held,
                Beginning::Interim(end) => {
                    held.drain(..end);
                }
                Beginning::NotTold => {
                    self.held = Some(held);
                    return Vec::new();
                }
            }
        }
    }

    /// The other side has ended: what is held is all that there will be of the answer.
    pub(super) fn end(&mut self) -> Vec<u8> {
        self.held.take().unwrap_or_default()
    }
}

fn beginning(bytes: &[u8]) -> Beginning {
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'#' => byte.is_ascii_digit(),
        form => byte == form,
    };
    if !bytes.iter().zip(BEGINNING).all(fits) || bytes.len() > LONGEST {
        return Beginning::Answer;
    }
    let Some(status) = bytes.get(BEGINNING.len() - SWITCHING_PROTOCOLS.len()..BEGINNING.len()) else {
        return Beginning::NotTold;
    };
    if status == SWITCHING_PROTOCOLS {
        return Beginning::Answer;
    }
    memmem::find(bytes, b"\r\n\r\n").map_or(Beginning::NotTold, |at| Beginning::Interim(at + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 Good\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";

    /// What is passed on of bytes that come in pieces of this length.
    fn passed(bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut interim = InterimAnswers::default();
        interim.begin();
        let mut passed = Vec::new();
        for piece in bytes.chunks(piece) {
            passed.extend(interim.pass(piece));
        }
        passed.extend(interim.end());
        passed
    }

    #[test]
    fn interim_answers_are_left_out_in_whatever_pieces_they_come() {
        for before in [
            "",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 100 Continue\r\nVia: 1.1 xml-mgmt\r\n\r\n",
            "HTTP/1.0 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100\r\nA: b\r\n\r\n",
        ] {
            let bytes = [before.as_bytes(), ANSWER].concat();
            for piece in 1..bytes.len() {
                assert_eq!(passed(&bytes, piece), ANSWER, "{before:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn what_is_no_interim_answer_is_passed_on_as_it_is() {
        let endless = [b"HTTP/1.1 100 Continue\r\nA: ".as_slice(), &[b'x'; 2 * LONGEST]].concat();
        for bytes in [
            b"HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".as_slice(),
            b"HTTP/1.1 1",
            b"HTTP/1.1 100 Continue\r\nA: b",
            b"\x00\x15\x03garbage",
            b"",
            &endless,
        ] {
            for piece in [1, 7, 4096] {
                assert_eq!(passed(bytes, piece), bytes);
            }
        }
        let mut idle = InterimAnswers::default();
        assert!(!idle.is_expected());
        assert_eq!(
            idle.pass(b"HTTP/1.1 100 Continue\r\n\r\n"),
            b"HTTP/1.1 100 Continue\r\n\r\n"
        );
    }
}
