//! `dpbackup` backs up IBM DataPower gateways, proves that the backup is good,
//! and never leaves a gateway down.
//!
//! The rooms, from the street inwards; `docs/architecture.md` is the map. The
//! library exists for the binary, its tests and its examples: no promise is made
//! about its Rust interface.

pub mod cli;
pub mod commands;
pub mod misunderstood;
pub mod ui;

pub mod freshness;
pub mod history;
pub mod notify;
pub mod plan;
pub mod report;
pub mod retention;
pub mod run;

pub mod artifact;
pub mod change;
pub mod gateway;
pub mod script;
pub mod soma;

pub mod clock;
pub mod exit;
pub mod lock;
pub mod ownership;
pub mod process;
pub mod secret;
pub mod signal;
pub mod threads;
pub mod values;
pub mod whole_file;
