//! What signals are called.

use rustix::process::Signal;

/// A signal by the name that `kill` and `trap` have for it.
pub fn signal_name(signal: i32) -> String {
    match signal_hook::low_level::signal_name(signal) {
        Some(name) => name.to_owned(),
        None if signal == Signal::POWER.as_raw() => "SIGPWR".to_owned(),
        None => format!("signal {signal}"),
    }
}
