//! A panic, as an error like any other.
//!
//! A mistake of ours must not keep a device from being put back, nor anybody from being told.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A mistake of ours, in the words of the panic that it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("internal error (please report it): {0}")]
pub struct InternalError(String);

/// Does `work`; a panic in it becomes an error. What it was at work with may be half done: the
/// caller looks at it anew, or leaves it alone.
///
/// # Errors
///
/// It panicked.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, InternalError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| InternalError(panic_words(panic.as_ref())))
}

/// What a panic says.
pub fn panic_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_words_and_what_goes_well_stays() {
        let caught = |work: fn() -> u8| caught(work).map_err(|error| error.to_string());
        assert_eq!(caught(|| 7), Ok(7));
        let words = |said: &str| Err(format!("internal error (please report it): {said}"));
        assert_eq!(
            caught(|| panic!("a panic of the tests")),
            words("a panic of the tests")
        );
        assert_eq!(caught(|| panic!("{} of the tests", 7)), words("7 of the tests"));
        assert_eq!(caught(|| panic_any(7)), words("no message"));
    }
}
