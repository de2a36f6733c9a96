//! The name under which a restore stands in history, among the plans.

/// `restore DEVICE/DOMAIN`.
pub fn restore_name(device: &str, domain: &str) -> String {
    format!("restore {device}/{domain}")
}

/// What `LIKE` finds the names of restores by.
pub const RESTORE_NAMES: &str = "restore %/%";

/// Whether a name in history is that of a restore. No plan of a file has one: none may have a slash in its name.
pub fn is_restore_name(plan: &str) -> bool {
    plan.strip_prefix("restore ")
        .is_some_and(|target| target.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_restore_is_known_again_and_no_other_is() {
        assert!(is_restore_name(&restore_name("QA1", "DOM1")));
        assert!(!is_restore_name("restore"));
        assert!(!is_restore_name("restore-QA1"));
        assert!(!is_restore_name("Nightly"));
    }
}
