//! Tells people and programs what became of a plan: syslog, e-mail, webhooks, pings, and a
//! file for Prometheus. It never changes an outcome.
//!
//! The way of a message: `collect` gathers the facts of a run from its events; [`notice`]
//! is what is told; [`standing`] says whether it is news, with what [`past`] knows; [`words`],
//! [`json`], [`rfc5424`] and [`metrics`] put it into form; [`receiver`] knows who is told,
//! and [`send`] how they are reached. [`Notifier`] holds it together: a sink of the run.

mod collect;
mod deliver;
pub mod json;
pub mod made_up;
pub mod metrics;
pub mod notice;
mod notifier;
pub mod past;
pub mod receiver;
pub mod rfc5424;
pub mod send;
pub mod standing;
mod steady;
pub mod words;

pub use deliver::Delivery;
pub use notifier::{Notifier, longest_telling};

#[cfg(test)]
mod message_tests;
