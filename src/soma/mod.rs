//! The protocol: SOMA, XML over HTTPS.
//!
//! `request` writes what is sent, `http` carries it: to an address that `resolve` finds and `addresses` chooses, over
//! a connection of `tcp` that `tls` trusts and `reuse` allows to carry another request (`spare_socket` holds one back for
//! the way back of a device); `interim` leaves out what is
//! said ahead of the answer, `early` keeps one that begins before all of the request was sent. `exchange` says what that failed of,
//! `answer_body` whether what came can be an answer. `reply`
//! reads small answers and `download` streams large ones (`base64_text` decodes them), both until the `deadline` of their
//! request. `upload` carries an archive the other way. `client` is the way in. `verifier` decides in a handshake, `handshake`
//! watches it, `distrust` says why it was refused and `tls_words` in which words; `peer` looks at a device
//! without trusting it, `certificate` reads what it shows; `unreachable` says what it means that
//! nobody was reached. Nothing here knows what a backup is.

mod addresses;
pub mod answer_body;
mod base64_text;
mod ca_file;
pub mod certificate;
mod certificate_form;
pub mod client;
pub mod deadline;
mod distrust;
pub mod download;
mod early;
pub mod error;
mod exchange;
mod handshake;
pub mod http;
mod interim;
mod own_secrets;
mod page;
pub mod peer;
pub mod reply;
pub mod request;
pub(crate) mod resolve;
mod reuse;
mod spare_socket;
pub(crate) mod tcp;
pub mod tls;
pub(crate) mod tls_words;
pub(crate) mod unreachable;
pub mod upload;
mod verifier;
