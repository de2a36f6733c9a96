//! For whom files and folders are looked at.

/// The user for whom files and folders are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) user: u32,
}

impl Caller {
    /// The user of this process.
    pub(super) fn of_process() -> Self {
        Self {
            user: rustix::process::geteuid().as_raw(),
        }
    }

    pub(super) fn is_root(self) -> bool {
        self.user == 0
    }

    /// Whether `owner` is root or the caller: nobody has to be protected from these two.
    pub(super) fn is_or_root(self, owner: u32) -> bool {
        owner == 0 || owner == self.user
    }
}
