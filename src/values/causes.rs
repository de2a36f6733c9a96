//! An error and what caused it, in words.

use std::error::Error;

/// What an error says, then what its causes say, outermost first. A cause that an error
/// before it repeats in its own words is said once.
pub fn causes(error: &dyn Error) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let words = error.to_string();
        if !said.iter().any(|said| said.contains(&words)) {
            said.push(words);
        }
        next = error.source();
    }
    said
}

/// The same in one sentence.
pub fn with_causes(error: &dyn Error) -> String {
    causes(error).join(": ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::with_causes;

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
}
