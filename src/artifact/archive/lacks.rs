//! What a restore needs that is in no export: said with the backup, and never as a fault.

use std::collections::BTreeSet;

use crate::artifact::archive::export_item::{ListedFile, Object, RowForm};

/// How many names are kept of each kind, and how many a sentence has.
const KEPT: usize = 100;
const TOLD: usize = 10;

/// Where a gateway keeps what it never gives away again.
const KEY_FOLDERS: [&str; 2] = ["cert:", "sharedcert:"];

/// What a backup lacks, and why it is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameList {
    /// How many there are.
    pub count: u64,
    /// The first hundred.
    pub names: Vec<String>,
}

impl Lacks {
    /// A sentence for each kind that there is.
    pub fn notes(&self) -> Vec<String> {
        let told = |list: &NameList, one: &str, many: &str| {
            let what = if list.count == 1 { one } else { many };
            (list.count > 0).then(|| format!("{} {what}: {list}", list.count))
        };
        let sentences = [
            told(
                &self.key_files,
                "key or certificate is not in it, as in no export",
                "keys and certificates are not in it, as in no export",
            ),
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
    pub(super) fn add(&mut self, domain: &str, of_domain: &Lacks) {
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
    fn add(&mut self, name: &str) {
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

/// Collects what one `export.xml` lacks.
#[derive(Debug, Default)]
pub(super) struct LackFinder {
    named_keys: BTreeSet<String>,
    password_aliases: NameList,
    local_users: NameList,
}

impl LackFinder {
    pub(super) fn add_object(&mut self, object: &Object) {
        self.named_keys.extend(object.key_files.iter().cloned());
        match object.class.as_str() {
            "PasswordAlias" => self.password_aliases.add(&object.name),
            "User" => self.local_users.add(&object.name),
            _ => {}
        }
    }

    pub(super) fn finish(self, rows: &[ListedFile]) -> Lacks {
        let mut keys = self.named_keys;
        let mut missing = BTreeSet::new();
        for row in rows {
            let name = key_file(&row.name).unwrap_or_else(|| row.name.clone());
            match row.form() {
                RowForm::Key => drop(keys.insert(name)),
                RowForm::Missing => drop(missing.insert(name)),
                RowForm::Hashed(_) | RowForm::Unproved => drop(keys.remove(&name)),
            }
        }
        let list = |names: &BTreeSet<String>| {
            let mut list = NameList::default();
            names.iter().for_each(|name| list.add(name));
            list
        };
        Lacks {
            key_files: list(&keys),
            missing_files: list(&missing),
            password_aliases: self.password_aliases,
            local_users: self.local_users,
        }
    }
}

/// The file of keys that a value names, in the form in which rows have it.
pub(super) fn key_file(value: &str) -> Option<String> {
    let value = value.trim();
    KEY_FOLDERS.iter().find_map(|folder| {
        let name = value.strip_prefix(folder)?.trim_start_matches('/');
        (!name.is_empty()).then(|| format!("{folder}///{name}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(class: &str, name: &str, key_files: &[&str]) -> Object {
        Object {
            class: class.to_owned(),
            name: name.to_owned(),
            hash: [0; 32],
            properties: Vec::new(),
            key_files: key_files.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn row(name: &str, change: fn(&mut ListedFile)) -> ListedFile {
        let mut row = ListedFile {
            name: name.to_owned(),
            ..ListedFile::default()
        };
        change(&mut row);
        row
    }

    #[test]
    fn what_is_listed_and_what_is_named_is_lacking_once() {
        let mut finder = LackFinder::default();
        finder.add_object(&object("CryptoKey", "k", &["cert:///a.pem"]));
        finder.add_object(&object(
            "CryptoCertificate",
            "c",
            &["sharedcert:///b.pem", "cert:///there.pem"],
        ));
        finder.add_object(&object("PasswordAlias", "db", &[]));
        finder.add_object(&object("User", "admin", &[]));
        let rows = [
            row("cert:///a.pem", |row| row.key = true),
            row("cert:///z.pem", |row| row.key = true),
            row("cert:///there.pem", |row| row.hash = Some("x".to_owned())),
            row("local:///gone.xsl", |row| row.missing = true),
        ];
        let lacks = finder.finish(&rows);
        assert_eq!(
            lacks.notes(),
            [
                "3 keys and certificates are not in it, as in no export: cert:///a.pem, cert:///z.pem, \
                 sharedcert:///b.pem",
                "1 file is not in it, for the gateway did not have it: local:///gone.xsl",
                "1 password alias is in it without its value: db",
                "1 local user is in it with a hash of the password: admin",
            ]
        );
        assert!(LackFinder::default().finish(&[]).notes().is_empty());
    }

    #[test]
    fn a_value_names_a_key_file_in_any_of_its_forms() {
        for (value, name) in [
            ("cert:///a.pem", Some("cert:///a.pem")),
            (" cert:a.pem\n", Some("cert:///a.pem")),
            ("sharedcert:/d/a.pem", Some("sharedcert:///d/a.pem")),
            ("cert:///", None),
            ("pubcert:///a.pem", None),
            ("local:///cert:/a", None),
            ("certificate", None),
        ] {
            assert_eq!(key_file(value).as_deref(), name, "{value}");
        }
    }

    #[test]
    fn many_names_are_counted_and_some_told() {
        let mut finder = LackFinder::default();
        for index in 0..250 {
            finder.add_object(&object("User", &format!("u{index}"), &[]));
        }
        let one = finder.finish(&[]);
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
    }
}
