//! What a restore needs that is in no backup: said with the backup, and never as a fault.

use serde::{Deserialize, Serialize};

/// How many names are kept of each kind, and how many a sentence has.
const KEPT: usize = 100;
const TOLD: usize = 10;

/// What no export ever holds.
const OF_EVERY_EXPORT: &str = "as in no export";

/// Whether a note says no more than can be said of every export that has keys.
pub fn is_of_every_export(note: &str) -> bool {
    note.contains(&format!("in it, {OF_EVERY_EXPORT}: "))
}

/// What is said in place of so many of these notes.
pub fn usual_lacks(exports: usize) -> String {
    let word = if exports == 1 { "export" } else { "exports" };
    format!(
        "keys and certificates are in no export, and {exports} {word} would need some: history names them"
    )
}

/// What a backup lacks, and why it is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacks {
    /// Keys and certificates, which no gateway exports: those that it lists, and those that an
    /// object of it names (a `do-backup` lists none).
    pub key_files: NameList,
    /// Files that the gateway did not have when it exported.
    pub missing_files: NameList,
    /// Password aliases, whose values are in no export.
    pub password_aliases: NameList,
    /// Users of the gateway, of whose passwords it has hashes only.
    pub local_users: NameList,
}

/// Some names, of which the first are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameList {
    /// How many there are.
    pub count: u64,
    /// The first hundred.
    pub names: Vec<String>,
}

impl Lacks {
    /// A sentence for each kind that there is.
    pub fn notes(&self) -> Vec<String> {
        let keys = ["key or certificate is", "keys and certificates are"]
            .map(|keys| format!("{keys} not in it, {OF_EVERY_EXPORT}"));
        let told = |list: &NameList, one: &str, many: &str| {
            let what = if list.count == 1 { one } else { many };
            (list.count > 0).then(|| format!("{} {what}: {list}", list.count))
        };
        let sentences = [
            told(&self.key_files, &keys[0], &keys[1]),
            told(
                &self.missing_files,
                "file is not in it, for the gateway did not have it",
                "files are not in it, for the gateway did not have them",
            ),
            told(
                &self.password_aliases,
                "password alias is in it without its value",
                "password aliases are in it without their values",
            ),
            told(
                &self.local_users,
                "local user is in it with a hash of the password",
                "local users are in it with hashes of their passwords",
            ),
        ];
        sentences.into_iter().flatten().collect()
    }

    /// Adds what a domain lacks to what all of them do.
    pub(crate) fn add(&mut self, domain: &str, of_domain: &Lacks) {
        for (all, one) in [
            (&mut self.key_files, &of_domain.key_files),
            (&mut self.missing_files, &of_domain.missing_files),
            (&mut self.password_aliases, &of_domain.password_aliases),
            (&mut self.local_users, &of_domain.local_users),
        ] {
            all.count += one.count;
            let room = KEPT.saturating_sub(all.names.len());
            let names = one.names.iter().take(room);
            all.names.extend(names.map(|name| format!("{domain}: {name}")));
        }
    }
}

impl NameList {
    /// Adds a name.
    pub(crate) fn add(&mut self, name: &str) {
        self.count += 1;
        if self.names.len() < KEPT {
            self.names.push(name.to_owned());
        }
    }
}

impl std::fmt::Display for NameList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let told: Vec<&str> = self.names.iter().take(TOLD).map(String::as_str).collect();
        f.write_str(&told.join(", "))?;
        match self.count.saturating_sub(told.len() as u64) {
            0 => Ok(()),
            more => write!(f, ", and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_counted_and_some_told() {
        let mut one = Lacks::default();
        (0..250).for_each(|index| one.local_users.add(&format!("u{index}")));
        let mut all = Lacks::default();
        all.add("A", &one);
        all.add("B", &one);
        assert_eq!((all.local_users.count, all.local_users.names.len()), (500, 100));
        let [note] = &all.notes()[..] else {
            panic!("not one note");
        };
        assert!(
            note.starts_with("500 local users") && note.contains(": A: u0, A: u1,"),
            "{note}"
        );
        assert!(note.ends_with("A: u9, and 490 more"), "{note}");
        assert!(!is_of_every_export(note));
        one.key_files.add("cert:///a.pem");
        assert!(is_of_every_export(&one.notes()[0]));
    }
}
