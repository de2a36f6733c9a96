//! The protocol: SOMA, XML over HTTPS.
//!
//! `request` writes what is sent, `http` carries it: to an address that `resolve` finds, over
//! a connection of `tcp` that `tls` trusts and `reuse` allows to carry another request. `reply`
//! reads small answers and `download` streams large ones, both until the `deadline` of their
//! request. `client` is the way in. `verifier` decides in a handshake, `peer` looks at a device
//! without trusting it, `certificate` reads what it shows. Nothing here knows what a backup is.

pub mod certificate;
pub mod client;
pub mod deadline;
pub mod download;
pub mod error;
pub mod http;
pub mod peer;
pub mod reply;
pub mod request;
pub(crate) mod resolve;
mod reuse;
pub(crate) mod tcp;
pub mod tls;
#[cfg(test)]
mod tls_tests;
mod verifier;
