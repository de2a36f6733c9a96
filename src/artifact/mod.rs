//! Files: where they go, how they come to be there, and why they can be trusted.
//!
//! A file under its final name is complete and verified. [`stage`] writes it beside
//! its final name, [`archive`] and [`manifest`] prove it, and only then is it
//! published.

pub mod archive;
pub mod compare;
pub mod difference;
mod digest;
pub mod error;
pub mod extracted;
#[cfg(test)]
mod fixture;
mod folder;
mod growing;
pub mod handed_file;
mod hashed_file;
pub mod layout;
pub mod manifest;
pub mod manifest_checksum;
pub mod manifest_list;
pub mod mount;
pub mod private_copy;
pub mod probe;
pub mod property_difference;
pub mod publish;
pub mod recheck;
pub mod removal;
pub mod secret_lines;
mod secret_looks;
mod secret_names;
pub mod secret_values;
pub mod space;
pub mod stage;
pub mod stage_folder;
mod stored_place;
pub mod sweep;
mod taken_name;
