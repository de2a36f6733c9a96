//! The process environment, as a value.
//!
//! Whoever needs a variable takes a [`Lookup`]: `main` hands over [`process`], a test a
//! closure. So no test changes the environment that the others share.

use std::ffi::OsString;

/// Looks a variable up by name.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The environment of this process.
pub fn process(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The value of `name`, where an empty one counts as not set.
pub fn non_empty(env: Lookup<'_>, name: &str) -> Option<OsString> {
    env(name).filter(|value| !value.is_empty())
}
