//! Words that others have for a value, and what it is called here.

/// What a device that is no spare is called elsewhere.
pub(super) const ORDINARY: [&str; 7] = [
    "prod",
    "production",
    "primary",
    "active",
    "master",
    "normal",
    "live",
];

/// Words of others for the words of a key.
pub(super) const OTHER_WORDS: &[(&str, &[&str], &str)] = &[
    (
        "error_policy",
        &[
            "continue", "skip", "go-on", "none", "resume", "warn", "never", "no", "proceed", "retry", "log",
        ],
        "ignore",
    ),
    (
        "error_policy",
        &["stop", "abort", "fail", "cancel", "exit", "break"],
        "halt",
    ),
    (
        "action",
        &[
            "export",
            "domain",
            "domains",
            "do-backup",
            "do-export",
            "backup",
            "domain-export",
        ],
        "export-domain",
    ),
    (
        "action",
        &["secure", "device", "appliance", "full", "securebackup"],
        "secure-backup",
    ),
    (
        "require_mount",
        &["yes", "true", "mount", "local", "any"],
        "mounted",
    ),
    (
        "require_mount",
        &["nfs", "nfs4", "cifs", "smb", "network", "net"],
        "remote",
    ),
    ("require_mount", &["false", "none", "off"], "no"),
    ("on_unchanged", &["keep", "always", "save", "copy"], "store"),
    (
        "on_unchanged",
        &[
            "ignore", "no", "none", "drop", "discard", "dedup", "hash", "link", "hardlink",
        ],
        "skip",
    ),
    (
        "post_script_when",
        &["failure", "failed", "error", "on-error"],
        "on-failure",
    ),
    ("post_script_when", &["yes", "true", "both"], "always"),
    (
        "role",
        &[
            "standby",
            "backup",
            "secondary",
            "dr",
            "test",
            "rehearsal",
            "cold",
            "passive",
        ],
        "spare",
    ),
    ("facility", &["16"], "local0"),
    ("facility", &["17"], "local1"),
    ("facility", &["18"], "local2"),
    ("facility", &["19"], "local3"),
    ("facility", &["20"], "local4"),
    ("facility", &["21"], "local5"),
    ("facility", &["22"], "local6"),
    ("facility", &["23"], "local7"),
    ("facility", &["1", "log_user"], "user"),
    (
        "facility",
        &["3", "syslog", "log_daemon", "cron", "auth"],
        "daemon",
    ),
    (
        "format",
        &["mattermost", "rocketchat", "rocket.chat", "teams", "google"],
        "slack",
    ),
    ("security", &["ssl", "smtps"], "tls"),
    ("security", &["no", "off", "plain", "false"], "none"),
];

#[cfg(test)]
mod tests {
    use super::OTHER_WORDS;
    use crate::plan::keys::KeyKind;
    use crate::plan::keys::file::tables;

    #[test]
    fn every_word_that_is_advised_is_one_of_its_key() {
        for (name, others, word) in OTHER_WORDS {
            let keys = tables().into_iter().filter_map(|table| table.key(name));
            let mut found = false;
            for key in keys {
                if let KeyKind::Choice(words) = &key.kind {
                    found |= words.contains(word);
                    assert!(
                        !others.iter().any(|other| words.contains(other)),
                        "{name}: {others:?}"
                    );
                }
            }
            assert!(found, "{name} takes {word}");
        }
    }
}
