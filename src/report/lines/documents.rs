//! The lines as JSON has them.

use std::borrow::Cow;

use serde::Serialize;

use crate::run::event::{DeviceFacts, FileProof};
use crate::values::certificate_facts::CertificateFacts;
use crate::values::change::ConfigChangeObject;
use crate::values::lacks::Lacks;

/// One line. Keys that do not concern an event are left out.
#[derive(Debug, Default, Serialize)]
pub(super) struct EventLine<'e> {
    pub(super) schema_version: u32,
    pub(super) event: &'static str,
    pub(super) time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan_execution_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) activity_execution_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) task_execution_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device_pattern: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) domain_pattern: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device_name: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) domain_name: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_message: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) certificate: Option<&'e CertificateFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unsaved_changes: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quiesced: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) out_of_service_seconds: Option<Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device: Option<&'e DeviceFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<File<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) script: Option<ScriptLine<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) change_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) changes: Option<Vec<ConfigChangeObject<'e>>>,
}

#[derive(Debug, Serialize)]
pub(super) struct File<'e> {
    pub(super) name: &'e str,
    pub(super) kind: Option<&'static str>,
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<&'e str>,
    pub(super) kept: Option<bool>,
    pub(super) unchanged_since: Option<i64>,
    pub(super) path: Option<String>,
    pub(super) verified: Option<FileProof>,
    pub(super) lacks: Option<&'e Lacks>,
}

#[derive(Debug, Serialize)]
pub(super) struct ScriptLine<'e> {
    pub(super) moment: &'static str,
    pub(super) path: String,
    pub(super) end: String,
    pub(super) duration_ms: u64,
    pub(super) output: &'e str,
    pub(super) output_bytes: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Summary<'e> {
    pub(super) schema_version: u32,
    pub(super) event: &'static str,
    pub(super) time: String,
    pub(super) exit_code: u8,
    pub(super) error_message: Option<String>,
    pub(super) plans: Vec<PlanSummary<'e>>,
}

#[derive(Debug, Serialize)]
pub(super) struct ErrorLine<'e> {
    pub(super) schema_version: u32,
    pub(super) event: &'static str,
    pub(super) time: String,
    pub(super) exit_code: u8,
    pub(super) error_message: &'e str,
    pub(super) causes: &'e [String],
    pub(super) hint: Option<&'e str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) findings: &'e [FindingObject<'e>],
}

/// Something that is wrong with the plan file.
#[derive(Clone, Debug, Serialize)]
pub struct FindingObject<'e> {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// What is wrong, in one line.
    pub message: &'e str,
    /// The file in which it is: the plan file, or one that it includes.
    pub file: Cow<'e, str>,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What to do about it.
    pub hint: Option<&'e str>,
}

#[derive(Debug, Serialize)]
pub(super) struct PlanSummary<'e> {
    pub(super) plan_execution_id: i64,
    pub(super) status: &'static str,
    pub(super) error_message: Option<&'e str>,
    pub(super) exit_code: u8,
}
