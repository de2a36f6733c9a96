//! The process environment, as a value.
//!
//! Whoever needs a variable takes a [`Lookup`]: `main` hands over [`process`], a test a
//! closure. So no test changes the environment that the others share.

use std::ffi::OsString;
use std::path::PathBuf;

/// Looks a variable up by name.
///
/// Devices are asked at the same time, and each may want a password that stands there.
pub type Lookup<'a> = &'a (dyn Fn(&str) -> Option<OsString> + Sync);

/// The environment of this process.
pub fn process(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The value of `name`, where an empty one counts as not set.
pub fn non_empty(env: Lookup<'_>, name: &str) -> Option<OsString> {
    env(name).filter(|value| !value.is_empty())
}

/// A folder for nameless files that are gone with the process.
pub fn scratch_folder(env: Lookup<'_>) -> PathBuf {
    non_empty(env, "TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}
