//! Small values that a plan file holds, one file each.

pub mod pattern;
pub mod size;
pub mod window;
