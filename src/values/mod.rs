//! Small values that a plan file holds, one file each, and small helpers on text.

pub mod backup_names;
pub mod boot_time;
pub mod causes;
pub mod certificate_facts;
pub mod certificate_match;
pub mod change;
pub mod closed_window;
pub mod device_pattern;
pub mod duration;
pub mod environment;
pub mod event_name;
pub mod first_few;
pub mod hex;
pub mod host_name;
pub mod internal_error;
pub mod invocation;
pub mod lacks;
pub mod machine;
#[cfg(test)]
pub(crate) mod names_in;
pub mod nearest;
pub mod pattern;
pub mod ping_address;
pub mod rehearsal;
pub mod restorable_domain;
pub mod restore_plan;
pub mod retention;
pub mod size;
pub mod text;
pub mod timeouts;
pub mod trust;
pub mod web_url;
pub mod window;
pub mod written_path;
pub mod xml;
pub mod xml_limits;
mod zone_words;
