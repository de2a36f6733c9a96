//! What somebody names, and what is said where there is no such thing.

pub(super) mod absent;
pub(super) mod absent_plan;
pub(super) mod exports;
pub(super) mod meant_devices;
pub(super) mod named_export;
pub(super) mod names;
pub(super) mod new_backup;
pub(super) mod new_place;
pub(super) mod newest_export;
pub(super) mod no_export;
pub(super) mod plan_names;
pub(super) mod stored_export;
