use super::*;
use crate::artifact::error::StoreErrorKind;
use crate::artifact::folder::synced;
use crate::values::names_in::names_in;
use crate::values::size::Threshold;

fn fill(store: &Path, names: &[&str]) -> StagedFolder {
    filled(store, names).0
}

/// The same, with what was written.
fn filled(store: &Path, names: &[&str]) -> (StagedFolder, Vec<SealedPart>) {
    let folder = StagedFolder::create(store, &store.join("d/secure-backup/t")).expect("staged");
    let mut parts = Vec::new();
    for name in names {
        let mut part = folder.part(name).expect("a part");
        part.write_all(name.as_bytes()).expect("written");
        let sealed = part.finish().expect("sealed");
        assert_eq!(sealed.size, name.len() as u64);
        parts.push(sealed);
    }
    (folder, parts)
}

/// A file system with neither links nor renames that do not overwrite.
const PLAIN: Requests = Requests {
    link: |_, _, _| Err(rustix::io::Errno::PERM),
    rename_new: |_, _, _| Err(rustix::io::Errno::INVAL),
    ..SYSTEM
};

#[test]
fn a_part_that_somebody_changed_or_took_away_is_not_published() {
    let put = |path: &Path, text: &str| std::fs::write(path, text).expect("written");
    let changes: [&dyn Fn(&Path); 4] = [
        &|folder| put(&folder.join("a"), "b"),
        &|folder| std::fs::remove_file(folder.join("a")).expect("removed"),
        &|folder| {
            put(&folder.join("aside"), "b");
            std::fs::rename(folder.join("aside"), folder.join("a")).expect("renamed");
        },
        &|folder| {
            std::fs::rename(folder, folder.with_file_name("away")).expect("moved");
            std::fs::create_dir(folder).expect("made");
            put(&folder.join("a"), "other");
        },
    ];
    for change in changes {
        for requests in [SYSTEM, PLAIN] {
            let store = tempfile::tempdir().expect("a store");
            let (folder, parts) = filled(store.path(), &["a"]);
            change(folder.path());
            let error = folder.publish_by(&requests, &parts).expect_err("swapped");
            assert_eq!(error.kind, StoreErrorKind::Swapped);
            assert!(!store.path().join("d/secure-backup/t").exists());
        }
    }
}

#[test]
fn a_folder_is_published_by_a_plain_rename_where_nothing_else_is_to_be_had() {
    let store = tempfile::tempdir().expect("a store");
    let (folder, parts) = filled(store.path(), &["a"]);
    let path = folder.publish_by(&PLAIN, &parts).expect("published");
    assert_eq!(names_in(&path), ["a"]);
    let (folder, parts) = filled(store.path(), &["b"]);
    let error = folder.publish_by(&PLAIN, &parts).expect_err("taken");
    assert_eq!(error.kind, StoreErrorKind::Exists);
    assert_eq!(names_in(&path), ["a"]);
}

#[test]
fn a_folder_is_on_disk_with_what_is_in_it_before_it_has_its_name_and_then_with_that() {
    let store = tempfile::tempdir().expect("a store");
    let (folder, parts) = filled(store.path(), &["a"]);
    let partial = folder.folder.path().to_owned();
    let path = folder.publish(&parts).expect("published");
    assert!(synced::with_name(&partial, "a"));
    assert!(synced::with_name(path.parent().expect("a folder"), "t"));
}

#[test]
fn a_folder_is_published_as_a_whole() {
    let store = tempfile::tempdir().expect("a store");
    let backups = store.path().join("d/secure-backup");
    let (folder, parts) = filled(store.path(), &["config.tgz", "backupmanifest.xml"]);
    assert_eq!(folder.path(), backups.join("t.partial"));
    assert_eq!(names_in(&backups), ["t.lock.partial", "t.partial"]);
    let path = folder.publish(&parts).expect("published");
    assert_eq!(path, backups.join("t"));
    assert_eq!(names_in(&backups), ["t"]);
    assert_eq!(names_in(&path), ["backupmanifest.xml", "config.tgz"]);
}

#[test]
fn a_part_that_could_not_be_written_says_so_when_it_is_given_up() {
    let store = tempfile::tempdir().expect("a store");
    let folder = StagedFolder::create(store.path(), &store.path().join("d/secure-backup/t")).expect("staged");
    let folder = folder.within(Allowance::new(10, Threshold::Size(0)));
    let mut part = folder.part("config.tgz").expect("a part");
    part.write_all(&[7; 10]).expect("as much as a file may take");
    part.write_all(b"x").expect_err("one more");
    let error = folder.discard(part).expect_err("it was no use");
    assert_eq!(error.kind, StoreErrorKind::TooLarge);
    assert_eq!(error.path.file_name(), Some(OsStr::new("config.tgz")));
    let part = folder.part("config.tgz").expect("the name is free again");
    folder.discard(part).expect("a part that only broke off");
}

#[test]
fn a_folder_that_is_dropped_is_removed_with_its_files() {
    let store = tempfile::tempdir().expect("a store");
    drop(fill(store.path(), &["a", "b"]));
    assert_eq!(
        names_in(&store.path().join("d/secure-backup")),
        Vec::<String>::new()
    );
}

#[test]
fn a_published_folder_is_never_overwritten() {
    let store = tempfile::tempdir().expect("a store");
    let path = fill(store.path(), &["a"]).publish(&[]).expect("published");
    let error = fill(store.path(), &["b"]).publish(&[]).expect_err("taken");
    assert_eq!(error.kind, StoreErrorKind::Exists);
    assert_eq!(names_in(&path), ["a"]);
    assert_eq!(names_in(&store.path().join("d/secure-backup")), ["t"]);
}

#[test]
fn names_from_the_device_stay_in_the_folder() {
    let store = tempfile::tempdir().expect("a store");
    let folder = fill(store.path(), &[]);
    let part = folder.part("../../evil\n").expect("a part");
    let sealed = part.finish().expect("sealed");
    assert_eq!(sealed.name, "../../evil\n");
    assert_eq!(sealed.file_name, "%2E.%2F..%2Fevil%0A");
    assert_eq!(names_in(folder.path()), [sealed.file_name]);
}

#[test]
fn one_name_is_not_written_twice() {
    let store = tempfile::tempdir().expect("a store");
    let folder = fill(store.path(), &["a"]);
    assert_eq!(folder.part("a").expect_err("taken").kind, StoreErrorKind::Exists);
}
