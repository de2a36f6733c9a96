//! Which logins were refused on a way back, and what may be tried next for that.

use crate::soma::error::{Result, SomaErrorKind};

/// How the login fares on a way back: each that is refused brings the account nearer to being locked.
pub(super) struct Logins {
    look: LookLogin,
    word: WordLogin,
    /// Whether an unquiesce, or the login to one, was tried just now: since the last pause, and the look after it.
    is_just_tried: bool,
    /// Whether an unquiesce was taken since the last pause.
    is_taken: bool,
}

/// How the last look was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LookLogin {
    /// There was none.
    None,
    Refused,
    /// Otherwise than by a refused login.
    NotRefused,
}

/// How the last unquiesce was answered, or what was asked for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WordLogin {
    /// Otherwise than by a refused login; or there was none.
    NotRefused,
    Refused,
    /// There was none; but a question just before the first look was refused.
    QuestionRefused,
    /// It was not sent, for another gateway answered.
    Another,
}

impl Logins {
    /// Before anything was asked.
    pub(super) fn new() -> Self {
        Self {
            look: LookLogin::None,
            word: WordLogin::NotRefused,
            is_just_tried: false,
            is_taken: false,
        }
    }

    /// A question was refused just before the first look.
    pub(super) fn question_was_refused(&mut self) {
        self.word = WordLogin::QuestionRefused;
    }

    /// A question was refused, and takes the place of a look.
    pub(super) fn look_was_refused(&mut self) {
        self.look = LookLogin::Refused;
    }

    /// Whether there was a look.
    pub(super) fn has_looked(&self) -> bool {
        self.look != LookLogin::None
    }

    /// Whether the login was refused to the last look.
    pub(super) fn is_look_refused(&self) -> bool {
        self.look == LookLogin::Refused
    }

    /// Whether it was refused to the last unquiesce.
    pub(super) fn is_word_refused(&self) -> bool {
        self.word == WordLogin::Refused
    }

    /// Whether it was refused to both.
    pub(super) fn are_both_refused(&self) -> bool {
        self.is_look_refused() && self.is_word_refused()
    }

    /// Whether an unquiesce was tried since the last pause, or just before it.
    pub(super) fn is_just_tried(&self) -> bool {
        self.is_just_tried
    }

    /// A look follows; what was tried before it was not just now any more.
    pub(super) fn looks(&mut self) {
        self.is_just_tried = false;
    }

    /// Takes in a look. Whether its refusal stands for one of an unquiesce too: that would be the third in a row, or
    /// go to whoever answers now.
    pub(super) fn looked<T>(&mut self, looked: &Result<T>) -> bool {
        let is_refused = looked.as_ref().is_err_and(|error| error.kind.is_of_login());
        self.look = match is_refused {
            true => LookLogin::Refused,
            false => LookLogin::NotRefused,
        };
        match (self.word, is_refused) {
            (WordLogin::QuestionRefused | WordLogin::Another, true) => {
                self.word = WordLogin::Refused;
                self.is_just_tried = true;
                return true;
            }
            (WordLogin::QuestionRefused, false) => self.word = WordLogin::NotRefused,
            (WordLogin::NotRefused | WordLogin::Refused, _) | (WordLogin::Another, false) => {}
        }
        false
    }

    /// A login that was refused was tried again, and was refused again.
    pub(super) fn is_refused_again(&mut self) {
        self.is_just_tried = true;
    }

    /// It was tried again, and another gateway answered: what is sent next asks again who does.
    pub(super) fn another_answers(&mut self) {
        (self.look, self.word) = (LookLogin::NotRefused, WordLogin::Another);
    }

    /// Takes in how an unquiesce was answered.
    pub(super) fn told(&mut self, answer: &Result<()>) {
        self.word = match answer {
            Err(error) if error.kind.is_of_login() => WordLogin::Refused,
            Err(error) if error.kind == SomaErrorKind::OtherDevice => WordLogin::Another,
            Ok(()) | Err(_) => WordLogin::NotRefused,
        };
        self.is_taken = answer.is_ok();
        self.is_just_tried = true;
    }

    /// A pause follows. Whether an unquiesce was taken since the last one.
    pub(super) fn pauses(&mut self) -> bool {
        self.is_just_tried = false;
        std::mem::take(&mut self.is_taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soma::error::SomaError;

    fn ended(kind: SomaErrorKind) -> Result<()> {
        Err(SomaError::new(kind, "so it ended"))
    }

    #[test]
    fn a_look_that_is_refused_just_behind_a_refused_question_takes_the_place_of_an_unquiesce() {
        let mut logins = Logins::new();
        logins.question_was_refused();
        assert!(logins.looked(&ended(SomaErrorKind::LoginRefused)));
        assert!(logins.are_both_refused() && logins.is_just_tried());
    }

    #[test]
    fn a_question_that_was_refused_before_a_look_that_is_answered_refuses_no_later_look() {
        let mut logins = Logins::new();
        logins.question_was_refused();
        assert!(!logins.looked(&Ok(())));
        assert!(!logins.looked(&ended(SomaErrorKind::LoginRefused)));
        assert!(logins.is_look_refused() && !logins.is_word_refused());
    }

    #[test]
    fn where_another_gateway_answered_no_refused_look_is_followed_by_an_unquiesce() {
        let mut logins = Logins::new();
        logins.told(&ended(SomaErrorKind::OtherDevice));
        assert!(!logins.looked(&ended(SomaErrorKind::Broken)));
        assert!(logins.looked(&ended(SomaErrorKind::Authentication)));
        assert!(logins.are_both_refused());
        logins.another_answers();
        assert!(!logins.is_look_refused() && !logins.is_word_refused());
    }

    #[test]
    fn an_unquiesce_that_was_taken_shortens_one_pause() {
        let mut logins = Logins::new();
        logins.told(&Ok(()));
        logins.looks();
        assert!(logins.pauses());
        assert!(!logins.pauses());
    }
}
