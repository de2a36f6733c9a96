//! Files: where they go, how they come to be there, and why they can be trusted.
//!
//! A file under its final name is complete and verified. [`stage`] writes it beside
//! its final name, it is proved, and only then is it
//! published.

mod folder;
pub mod layout;
pub mod mount;
pub mod space;
pub mod stage;
pub mod stage_folder;
pub mod sweep;
