//! What stands around every command: what it loads and opens, how signals are answered, and how it ends.

pub(super) mod error;
pub(super) mod heeding;
pub(super) mod history_file;
pub(super) mod loading;
pub(super) mod net;
pub(super) mod opening;
