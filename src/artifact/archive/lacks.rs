//! Finds in an `export.xml` what a restore needs that is in no export.

use std::collections::BTreeSet;

use crate::artifact::archive::export_item::{ListedFile, Object, RowForm};
use crate::values::lacks::{Lacks, NameList};

/// Where a gateway keeps what it never gives away again.
const KEY_FOLDERS: [&str; 2] = ["cert:", "sharedcert:"];

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
}
