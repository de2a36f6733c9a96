//! The status codes of executions, the same words as DPOD's where it has one.

use std::fmt;
use std::str::FromStr;

/// How an execution of a plan, an activity or a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    // On the way.
    WaitingForPreValidation,
    ReadyForExecution,
    Running,
    Validating,
    RunningPreScript,
    Quiescing,
    BackingUp,
    Downloading,
    Verifying,
    Unquiescing,
    RunningPostScript,
    DryRun,
    Importing,
    // Ends of plans and tasks alike.
    Success,
    Interrupted,
    Abandoned,
    // Ends of plans.
    CompletedWithWarnings,
    Failed,
    PlanIsDisabled,
    BackupsAreDisabled,
    OutOfMaintenanceWindow,
    QuiesceTimeoutTooShort,
    StoreIsNotMounted,
    StoreOutOfSpace,
    AllTasksSkipped,
    PlanFailedPreScript,
    Locked,
    RestoreRefused,
    RestoreNotConfirmed,
    // Tasks that never started.
    SkippedDeviceNotAvailable,
    SkippedNoDevicesMatchingPattern,
    SkippedNoDomainsMatchingPattern,
    SkippedApicDomain,
    CanceledBecauseErrorPolicy,
    CanceledBecauseADayPassed,
    CanceledBecauseMaintenanceWindow,
    // Tasks that failed.
    NotEnoughFreeSpaceInStore,
    DomainAlreadyQuiesced,
    DeviceHasQuiescedDomains,
    DeviceNotInDrMode,
    CertDoesntExistOnDevice,
    NotEnoughFreeSpaceOnDevice,
    TaskFailedPreScript,
    QuiesceTimeout,
    UnquiesceTimeout,
    BackupFailed,
    DownloadFailed,
    VerificationFailed,
    DeviceError,
    AuthenticationFailed,
    DryRunFailed,
    ImportFailed,
}

/// What a status means for the execution that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Still on the way.
    Interim,
    /// Done as asked.
    Success,
    /// Done, but somebody should look.
    Warning,
    /// Left out on purpose.
    Skipped,
    /// Was waiting and will not run.
    Cancelled,
    /// Refused before anything was done.
    Refused,
    /// Went wrong.
    Failed,
}

impl Status {
    /// Every status, its code and its class, in the order of the documentation.
    pub const ALL: [(Status, &'static str, Class); 52] = [
        (
            Status::WaitingForPreValidation,
            "WAITING_FOR_PRE_VALIDATION",
            Class::Interim,
        ),
        (Status::ReadyForExecution, "READY_FOR_EXECUTION", Class::Interim),
        (Status::Running, "RUNNING", Class::Interim),
        (Status::Validating, "VALIDATING", Class::Interim),
        (Status::RunningPreScript, "RUNNING_PRE_SCRIPT", Class::Interim),
        (Status::Quiescing, "QUIESCING", Class::Interim),
        (Status::BackingUp, "BACKING_UP", Class::Interim),
        (Status::Downloading, "DOWNLOADING", Class::Interim),
        (Status::Verifying, "VERIFYING", Class::Interim),
        (Status::Unquiescing, "UNQUIESCING", Class::Interim),
        (Status::RunningPostScript, "RUNNING_POST_SCRIPT", Class::Interim),
        (Status::DryRun, "DRY_RUN", Class::Interim),
        (Status::Importing, "IMPORTING", Class::Interim),
        (Status::Success, "SUCCESS", Class::Success),
        (Status::Interrupted, "INTERRUPTED", Class::Failed),
        (Status::Abandoned, "ABANDONED", Class::Failed),
        (
            Status::CompletedWithWarnings,
            "COMPLETED_WITH_WARNINGS",
            Class::Warning,
        ),
        (Status::Failed, "FAILED", Class::Failed),
        (Status::PlanIsDisabled, "PLAN_IS_DISABLED", Class::Refused),
        (Status::BackupsAreDisabled, "BACKUPS_ARE_DISABLED", Class::Refused),
        (
            Status::OutOfMaintenanceWindow,
            "PRE_VALIDATION_OUT_OF_MAINTENANCE_WINDOW",
            Class::Refused,
        ),
        (
            Status::QuiesceTimeoutTooShort,
            "PRE_VALIDATION_QUIESCE_TIMEOUT_SYSPARM_TOO_SHORT",
            Class::Refused,
        ),
        (
            Status::StoreIsNotMounted,
            "PRE_VALIDATION_STORE_IS_NOT_MOUNTED",
            Class::Refused,
        ),
        (
            Status::StoreOutOfSpace,
            "PRE_VALIDATION_BACKUP_STORE_OUT_OF_SPACE",
            Class::Refused,
        ),
        (Status::AllTasksSkipped, "ALL_TASKS_SKIPPED", Class::Refused),
        (
            Status::PlanFailedPreScript,
            "PLAN_FAILED_PRE_SCRIPT",
            Class::Refused,
        ),
        (Status::Locked, "LOCKED", Class::Refused),
        (Status::RestoreRefused, "RESTORE_REFUSED", Class::Refused),
        (
            Status::RestoreNotConfirmed,
            "RESTORE_NOT_CONFIRMED",
            Class::Refused,
        ),
        (
            Status::SkippedDeviceNotAvailable,
            "SKIPPED_DEVICE_NOT_AVAILABLE",
            Class::Skipped,
        ),
        (
            Status::SkippedNoDevicesMatchingPattern,
            "SKIPPED_NO_DEVICES_MATCHING_PATTERN",
            Class::Skipped,
        ),
        (
            Status::SkippedNoDomainsMatchingPattern,
            "SKIPPED_NO_DOMAINS_MATCHING_PATTERN",
            Class::Skipped,
        ),
        (Status::SkippedApicDomain, "SKIPPED_APIC_DOMAIN", Class::Skipped),
        (
            Status::CanceledBecauseErrorPolicy,
            "EXECUTION_CANCELED_BECAUSE_ERROR_POLICY",
            Class::Cancelled,
        ),
        (
            Status::CanceledBecauseADayPassed,
            "EXECUTION_CANCELED_BECAUSE_A_DAY_PASSED",
            Class::Cancelled,
        ),
        (
            Status::CanceledBecauseMaintenanceWindow,
            "EXECUTION_CANCELED_BECAUSE_MAINTENANCE_WINDOW",
            Class::Cancelled,
        ),
        (
            Status::NotEnoughFreeSpaceInStore,
            "NOT_ENOUGH_FREE_SPACE_IN_STORE",
            Class::Failed,
        ),
        (
            Status::DomainAlreadyQuiesced,
            "DOMAIN_ALREADY_QUIESCED",
            Class::Failed,
        ),
        (
            Status::DeviceHasQuiescedDomains,
            "DEVICE_HAS_QUIESCED_DOMAINS",
            Class::Failed,
        ),
        (Status::DeviceNotInDrMode, "DEVICE_NOT_IN_DR_MODE", Class::Failed),
        (
            Status::CertDoesntExistOnDevice,
            "CERT_DOESNT_EXIST_ON_DEVICE",
            Class::Failed,
        ),
        (
            Status::NotEnoughFreeSpaceOnDevice,
            "NOT_ENOUGH_FREE_SPACE_ON_DEVICE",
            Class::Failed,
        ),
        (
            Status::TaskFailedPreScript,
            "TASK_FAILED_PRE_SCRIPT",
            Class::Failed,
        ),
        (Status::QuiesceTimeout, "QUIESCE_TIMEOUT", Class::Failed),
        (Status::UnquiesceTimeout, "UNQUIESCE_TIMEOUT", Class::Failed),
        (Status::BackupFailed, "BACKUP_FAILED", Class::Failed),
        (Status::DownloadFailed, "DOWNLOAD_FAILED", Class::Failed),
        (Status::VerificationFailed, "VERIFICATION_FAILED", Class::Failed),
        (Status::DeviceError, "DEVICE_ERROR", Class::Failed),
        (
            Status::AuthenticationFailed,
            "AUTHENTICATION_FAILED",
            Class::Failed,
        ),
        (Status::DryRunFailed, "DRY_RUN_FAILED", Class::Failed),
        (Status::ImportFailed, "IMPORT_FAILED", Class::Failed),
    ];

    /// The code, as in history and in the arguments of scripts.
    pub fn code(self) -> &'static str {
        self.entry().1
    }

    /// Whether no plan is ever in this status: what tasks alone end in.
    pub fn is_of_tasks_alone(self) -> bool {
        match self.class() {
            Class::Skipped | Class::Cancelled => true,
            Class::Failed => !matches!(self, Status::Failed | Status::Interrupted | Status::Abandoned),
            Class::Interim | Class::Success | Class::Warning | Class::Refused => false,
        }
    }

    /// What it means for the execution that has it.
    pub fn class(self) -> Class {
        self.entry().2
    }

    /// Whether nothing more will change it.
    pub fn is_final(self) -> bool {
        self.class() != Class::Interim
    }

    fn entry(self) -> (Status, &'static str, Class) {
        // The table is in the order of the enum; a test holds it to that.
        Self::ALL[self as usize]
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text is no status code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a status code")]
pub struct UnknownStatus(String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .find(|entry| entry.1 == text)
            .map(|entry| entry.0)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, entry) in Status::ALL.iter().enumerate() {
            assert_eq!(entry.0 as usize, index, "{}", entry.1);
        }
    }

    #[test]
    fn a_plan_ends_in_few_of_the_statuses_in_which_a_task_does() {
        for status in [
            Status::Failed,
            Status::Interrupted,
            Status::Abandoned,
            Status::Success,
            Status::Running,
        ] {
            assert!(!status.is_of_tasks_alone(), "{status}");
        }
        for status in [Status::DownloadFailed, Status::UnquiesceTimeout] {
            assert!(status.is_of_tasks_alone(), "{status}");
        }
        for (status, _, class) in Status::ALL {
            assert_eq!(status.is_final(), class != Class::Interim, "{status}");
            if matches!(class, Class::Skipped | Class::Cancelled) {
                assert!(status.is_of_tasks_alone(), "{status}");
            }
        }
    }

    #[test]
    fn every_code_reads_back_as_its_status() {
        for (status, code, _) in Status::ALL {
            assert_eq!(code.parse(), Ok(status));
            assert_eq!(status.to_string(), code);
        }
    }

    #[test]
    fn the_documentation_lists_every_code_with_what_it_means() {
        let page = include_str!("../../docs/history.md");
        let (_, table) = page.split_once("## Status codes").expect("the chapter");
        let (table, _) = table.split_once("\n## ").expect("its end");
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
        let listed: Vec<(&str, &str)> = rows
            .filter_map(|row| {
                let (code, rest) = row.split_once("` | ")?;
                Some((code, rest.split_once(" | ")?.0))
            })
            .collect();
        let expected: Vec<(&str, &str)> = Status::ALL
            .iter()
            .map(|(_, code, class)| {
                let word = match class {
                    Class::Interim => "on the way",
                    Class::Success => "good",
                    Class::Warning => "warning",
                    Class::Skipped => "skipped",
                    Class::Cancelled => "cancelled",
                    Class::Refused => "refused",
                    Class::Failed => "failed",
                };
                (*code, word)
            })
            .collect();
        assert_eq!(listed, expected);
    }
}
