//! An error and what caused it, in words.

use std::error::Error;
use std::io;

/// What an error says, then what its causes say, outermost first. A cause that an error
/// before it repeats in its own words is said once.
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let words = words_of(error);
        if !said.iter().any(|said| said.contains(&words)) {
            said.push(words);
        }
        next = error.source();
    }
    said
}

/// The same in one sentence.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    causes(error).join(": ")
}

/// An error of the system without its number, which says nothing to anybody; and without the word
/// "device" for a disk, which is a gateway here.
pub fn said(error: &io::Error) -> String {
    use rustix::io::Errno;
    let words = match Errno::from_io_error(error) {
        Some(Errno::NXIO) => "nothing is there that could be opened",
        Some(Errno::BUSY) => "it is in use",
        Some(Errno::XDEV) => "it is on another file system",
        Some(Errno::NODEV) => "there is nothing of that kind",
        Some(Errno::NOTTY) => "it does not know what was asked of it",
        Some(Errno::NOSPC) => "no space is left",
        Some(Errno::DQUOT) => "the quota is used up",
        Some(Errno::NOTDIR) => "something that is no folder stands in the way",
        Some(Errno::ROFS) => "the file system is mounted read-only",
        Some(Errno::MFILE) => "this process may not open any more files (see `ulimit -n`)",
        Some(Errno::NFILE) => "this machine has too many files open",
        _ => return without_numbers(error.to_string()),
    };
    words.to_owned()
}

/// The words of an error, which may hold those of an error of the system.
fn words_of(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref::<io::Error>() {
        Some(error) => said(error),
        None => without_numbers(error.to_string()),
    }
}

/// Takes ` (os error 2)` out of a text, wherever it stands.
pub fn without_numbers(mut text: String) -> String {
    const MARK: &str = " (os error ";
    let mut from = 0;
    while let Some(begin) = text.get(from..).and_then(|rest| rest.find(MARK)) {
        let begin = from + begin;
        let number = begin + MARK.len();
        let digits = text[number..].bytes().take_while(u8::is_ascii_digit).count();
        let end = number + digits;
        if digits > 0 && text[end..].starts_with(')') {
            text.replace_range(begin..=end, "");
            from = begin;
        } else {
            from = end;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{said, with_causes, without_numbers};

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Because {
        words: &'static str,
        source: io::Error,
    }

    #[test]
    fn causes_follow_their_error() {
        let error = Because {
            words: "writing the file",
            source: io::Error::other("no space"),
        };
        assert_eq!(with_causes(&error), "writing the file: no space");
    }

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        let error = Because {
            words: "writing the file (no space)",
            source: io::Error::other("no space"),
        };
        assert_eq!(with_causes(&error), "writing the file (no space)");
    }

    #[test]
    fn errors_of_the_system_have_no_number_and_call_no_disk_a_device() {
        for number in 1..134 {
            let words = said(&io::Error::from_raw_os_error(number));
            assert!(!words.contains("os error"), "{number}: {words}");
            // Nobody asks for block special files and streams here.
            let is_never_met = matches!(number, 15 | 60);
            assert!(
                is_never_met || !words.to_lowercase().contains("device"),
                "{number}: {words}"
            );
        }
        let full = Because {
            words: "write /backup/a.zip",
            source: io::Error::from_raw_os_error(28),
        };
        assert_eq!(with_causes(&full), "write /backup/a.zip: no space is left");
    }

    #[test]
    fn numbers_are_taken_out_wherever_they_stand_and_nothing_else() {
        for (text, left) in [
            ("a (os error 2)", "a"),
            ("a (os error 13): b (os error 2); c", "a: b; c"),
            ("a (os error x)", "a (os error x)"),
            ("a (os error )", "a (os error )"),
            ("a (os error 2", "a (os error 2"),
            ("ü (os error 5)(os error 6)", "ü(os error 6)"),
        ] {
            assert_eq!(without_numbers(text.to_owned()), left);
        }
    }
}
