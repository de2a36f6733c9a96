//! Random digits, for names that nobody else gives or guesses.

use std::io;

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::values::hex::hex;

/// Two hexadecimal digits for each of so many bytes.
///
/// # Errors
///
/// The system gives no random number.
pub fn random_digits<const BYTES: usize>() -> io::Result<String> {
    let mut random = [0; BYTES];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| io::Error::other("the system gives no random number"))?;
    Ok(hex(&random))
}
