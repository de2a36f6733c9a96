//! The devices of the file, as plans refer to them.

use crate::plan::model::{DeviceMarks, DeviceRole};
use crate::plan::value::At;
use crate::values::address::Address;

/// What plans may say of a device, even if the rest of it is not valid.
pub(super) struct KnownDevice {
    pub(super) name: At<String>,
    pub(super) tags: Vec<String>,
    pub(super) role: DeviceRole,
    /// Its host and port, as far as they are valid.
    pub(super) address: Option<Address>,
}

impl KnownDevice {
    pub(super) fn marks(&self) -> DeviceMarks<'_> {
        DeviceMarks {
            name: &self.name.value,
            tags: &self.tags,
            role: self.role,
        }
    }

    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(String::as_str)
    }
}
