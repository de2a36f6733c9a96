//! Small values that a plan file holds, one file each.

pub mod pattern;
pub mod size;
pub mod timeouts;
pub mod trust;
pub mod window;
