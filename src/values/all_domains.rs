//! The word for the whole device where a domain is named: on the wire, in history, and in the names of files.

/// The word.
pub const ALL_DOMAINS: &str = "all-domains";
