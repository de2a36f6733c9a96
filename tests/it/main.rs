//! The integration tests: one binary, a module per feature, real TLS, real SQLite, real
//! processes against the simulated gateway.

#[path = "../../examples/simulator/mod.rs"]
mod simulator;

mod gateway_forms;
mod invariants;
#[macro_use]
mod shown;
mod soap_client;
mod source;
mod support;

mod arrows;
mod check;
mod connections;
mod crash;
mod diff;
mod draw;
mod exit_codes;
mod exit_signals;
mod faults;
mod fuzz_seeds;
mod gateway_amp;
mod gateway_answers;
mod gateway_archives;
mod gateway_faults;
mod gateway_hostile;
mod gateway_http;
mod gateway_personalities;
mod gateway_requests;
mod gateway_secure_backup;
mod gateway_state;
mod history_cli;
mod history_file;
mod house;
mod init;
mod limits;
mod locks;
mod main_road;
mod mistakes;
mod mistakes_words;
mod no_threads;
mod notify_channels;
mod notify_events;
mod notify_trouble;
mod notify_web;
mod odd_answers;
mod old_certificates;
mod ownership;
mod personalities;
mod plan_expansion;
mod plan_flow;
mod plan_locks;
mod plan_refused;
mod plan_window;
mod plausible;
mod preview_cli;
mod prune;
mod receivers;
mod references;
mod script_ends;
mod scripts;
mod secrecy;
mod signals;
mod status;
mod store_trouble;
mod task_faults;
mod task_flow;
mod task_quiesce;
mod task_refused;
mod task_stored;
mod terminal;
mod trust;
mod unchanged;
mod undo;
mod verify;
