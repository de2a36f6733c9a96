//! What keeps the secrets in the memory of this process from others.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// From now on this process leaves no core file, and no other process of the same user can
/// trace it or read its memory or its environment; root still can.
///
/// # Errors
///
/// The system refuses it, as some sandboxes do.
pub fn keep_from_others() -> io::Result<()> {
    // Both: the first alone leaves it to the system what becomes of a core that is piped into a
    // program. Programs that are started inherit the limit, and may raise it again.
    let limit = getrlimit(Resource::Core);
    let none = Rlimit {
        current: Some(0),
        ..limit
    };
    setrlimit(Resource::Core, none)?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}
