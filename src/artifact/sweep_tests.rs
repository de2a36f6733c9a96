use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::mpsc::TryRecvError;

use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use super::*;
use crate::artifact::stage::Staged;
use crate::artifact::stage_folder::StagedFolder;
use crate::ownership::not_tested_here;

const TIME: &str = "2026-03-01-23-30-05-007";

fn put(store: &Path, path: &str) {
    let path = store.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    fs::write(path, "left over").expect("written");
}

fn removed(swept: &Swept, store: &Path) -> Vec<String> {
    let name = |removed: &Removed| {
        removed
            .path
            .strip_prefix(store)
            .expect("inside")
            .display()
            .to_string()
    };
    swept.removed.iter().map(name).collect()
}

#[test]
fn what_dead_runs_left_is_removed_and_reported() {
    let store = tempfile::tempdir().expect("a store");
    let export = format!("d/domain/S/S-export-{TIME}-persisted.zip.partial");
    let folder = format!("d/secure-backup/{TIME}.partial");
    let lock = format!("d/secure-backup/{TIME}.lock.partial");
    put(store.path(), &export);
    put(store.path(), &format!("{folder}/config.tgz"));
    put(store.path(), &lock);
    put(store.path(), ".dpbackup-1-2.partial");
    put(store.path(), "d/domain/S/.dpbackup-1-2.partial");
    let swept = sweep(store.path()).expect("swept");
    assert_eq!(
        removed(&swept, store.path()),
        [
            ".dpbackup-1-2.partial",
            "d/domain/S/.dpbackup-1-2.partial",
            &export,
            &folder,
            &lock
        ]
    );
    assert!(swept.removed[3].was_folder && !swept.removed[2].was_folder);
    assert!(swept.left.is_empty() && swept.failed.is_empty());
    assert!(sweep(store.path()).expect("swept").removed.is_empty());
}

#[test]
fn what_is_not_a_leftover_of_ours_stays() {
    let store = tempfile::tempdir().expect("a store");
    let kept = [
        "a.partial".to_owned(),
        "d/a.partial".to_owned(),
        "d/domain/a.partial".to_owned(),
        format!("d/domain/S/S-export-{TIME}-persisted.zip"),
        "d/domain/S/notes.partial".to_owned(),
        format!("d/domain/S/T-export-{TIME}-persisted.zip.partial"),
        format!("d/domain/S/deep/S-export-{TIME}-persisted.zip.partial"),
        format!("d/secure-backup/{TIME}/config.tgz"),
        format!("d/secure-backup/{TIME}/config.tgz.partial"),
        "d/secure-backup/mine.partial/a".to_owned(),
        format!("d/elsewhere/{TIME}.partial/a"),
    ];
    for path in &kept {
        put(store.path(), path);
    }
    let swept = sweep(store.path()).expect("swept");
    assert_eq!(swept.removed, []);
    assert!(kept.iter().all(|path| store.path().join(path).exists()));
}

#[test]
fn what_a_live_run_is_staging_stays() {
    let store = tempfile::tempdir().expect("a store");
    let path = store
        .path()
        .join(format!("d/domain/S/S-export-{TIME}-persisted.zip"));
    let file = Staged::create(store.path(), &path).expect("staged");
    let partial = path.with_extension("zip.partial");
    let path = store.path().join(format!("d/secure-backup/{TIME}"));
    let folder = StagedFolder::create(store.path(), &path).expect("staged");
    let swept = sweep(store.path()).expect("swept");
    assert_eq!(swept.removed, []);
    assert_eq!(swept.left, [partial, folder.path().to_owned()]);
    file.finish().expect("sealed").publish().expect("published");
    folder.publish(&[]).expect("published");
}

#[test]
fn links_are_never_followed() {
    let (store, elsewhere) = (
        tempfile::tempdir().expect("a store"),
        tempfile::tempdir().expect("a folder"),
    );
    let export = format!("S-export-{TIME}-persisted.zip.partial");
    put(elsewhere.path(), &format!("domain/S/{export}"));
    put(elsewhere.path(), "S/a");
    put(elsewhere.path(), &export);
    fs::create_dir_all(store.path().join("d/domain/S")).expect("made");
    fs::create_dir_all(store.path().join("d/secure-backup")).expect("made");
    let link =
        |to: &str, at: &str| symlink(elsewhere.path().join(to), store.path().join(at)).expect("linked");
    link("", "device");
    link("S", "d/domain/T");
    link(&export, &format!("d/domain/S/{export}"));
    link("S", &format!("d/secure-backup/{TIME}.partial"));
    let swept = sweep(store.path()).expect("swept");
    assert_eq!(swept.removed, []);
    assert!(elsewhere.path().join(export).exists());
    assert!(elsewhere.path().join("S/a").exists());
}

#[test]
fn folders_in_a_leftover_are_not_ours_and_stay_without_a_word() {
    let store = tempfile::tempdir().expect("a store");
    let folder = format!("d/secure-backup/{TIME}.partial");
    let lock = format!("d/secure-backup/{TIME}.lock.partial");
    put(store.path(), &format!("{folder}/@eaDir/a"));
    put(store.path(), &format!("{folder}/config.tgz"));
    put(store.path(), &lock);
    let swept = sweep(store.path()).expect("swept");
    assert_eq!(removed(&swept, store.path()), [folder.as_str(), lock.as_str()]);
    assert!(swept.failed.is_empty(), "{swept:?}");
    let listing: Vec<_> = fs::read_dir(store.path().join(&folder))
        .expect("it stays")
        .collect();
    assert_eq!(listing.len(), 1, "{listing:?}");
    assert!(store.path().join(folder).join("@eaDir/a").exists());
    let again = sweep(store.path()).expect("swept");
    assert!(
        again.removed.is_empty() && again.left.is_empty() && again.failed.is_empty(),
        "{again:?}"
    );
}

/// Whether this process may do whatever it likes, as root may.
fn is_almighty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok()
}

#[test]
fn a_folder_that_is_not_ours_costs_no_warning() {
    let store = tempfile::tempdir().expect("a store");
    for path in [
        "lost+found",
        ".snapshot",
        "#recycle",
        "System Volume Information",
        "somebody",
        "d/domain/S",
    ] {
        put(
            store.path(),
            &format!("{path}/domain/S/S-export-{TIME}-persisted.zip.partial"),
        );
        fs::set_permissions(store.path().join(path), fs::Permissions::from_mode(0o0)).expect("its mode");
    }
    // Whoever is not root cannot enter them; whoever is leaves the names that are none of ours.
    let swept = sweep(store.path()).expect("swept");
    assert!(swept.failed.is_empty() && swept.left.is_empty(), "{swept:?}");
    let ours = format!("somebody/domain/S/S-export-{TIME}-persisted.zip.partial");
    match is_almighty(&store.path().join("somebody")) {
        true => assert_eq!(removed(&swept, store.path()), [ours.as_str()]),
        false => assert_eq!(swept.removed, []),
    }
    for path in [
        "somebody",
        "lost+found",
        ".snapshot",
        "#recycle",
        "System Volume Information",
        "d/domain/S",
    ] {
        fs::set_permissions(store.path().join(path), fs::Permissions::from_mode(0o700)).expect("its mode");
    }
}

#[test]
fn a_store_that_is_not_there_is_an_error() {
    let error = sweep(Path::new("/not/there")).expect_err("no store");
    assert_eq!(error.kind, StoreErrorKind::Missing);
}

#[test]
fn a_name_that_belongs_to_another_file_by_now_is_left_alone() {
    let store = tempfile::tempdir().expect("a store");
    let folder = Folder::open_store(store.path()).expect("opened");
    let name = OsStr::new("a.partial");
    let old = folder.create(name).expect("created");
    folder.remove_file(name).expect("removed");
    let new = folder.create(name).expect("created");
    assert!(matches!(take_lock(&folder, old, name), Taken::Gone));
    assert!(matches!(take_lock(&folder, new, name), Taken::Ours(_)));
}

#[test]
fn a_copy_of_the_lock_that_outlives_ours_keeps_nothing_in_the_store() {
    // What a process that is just being started holds until its program begins: a copy of
    // every descriptor that was open, and with each the lock that is taken through it.
    let ourselves = pidfd_open(getpid(), PidfdFlags::empty()).expect("a handle of this process");
    let store = tempfile::tempdir().expect("a store");
    let folder = format!("d/secure-backup/{TIME}.partial");
    let lock = format!("d/secure-backup/{TIME}.lock.partial");
    let path_of_lock = store.path().canonicalize().expect("a path").join(&lock);
    let mut caught = Vec::new();
    while caught.is_empty() {
        put(store.path(), &lock);
        // So many files that the lock is held for a while.
        for number in 0..1000 {
            put(store.path(), &format!("{folder}/{number}"));
        }
        let (swept, copies) = std::thread::scope(|scope| {
            let (stop, stopped) = std::sync::mpsc::channel::<()>();
            let copying = scope.spawn({
                let (ourselves, lock) = (&ourselves, &path_of_lock);
                move || {
                    let mut copies = Vec::new();
                    while copies.is_empty() && stopped.try_recv() == Err(TryRecvError::Empty) {
                        copies.extend(
                            descriptors_of(lock)
                                .into_iter()
                                .map(|number| pidfd_getfd(ourselves, number, PidfdGetfdFlags::empty())),
                        );
                    }
                    copies
                }
            });
            let swept = sweep(store.path()).expect("swept");
            drop(stop);
            (swept, copying.join().expect("no panic"))
        });
        assert_eq!(removed(&swept, store.path()), [folder.as_str(), lock.as_str()]);
        assert!(swept.left.is_empty() && swept.failed.is_empty(), "{swept:?}");
        match copies.iter().find_map(|copy| copy.as_ref().err()) {
            // The descriptor was closed between the look and the copy.
            Some(&Errno::BADF) | None => {}
            Some(error) => {
                not_tested_here(&format!(
                    "a copy of a lock, for this sandbox does not let a process copy its own descriptors ({error})"
                ));
                return;
            }
        }
        caught.extend(copies.into_iter().flatten());
    }
}

/// The descriptors through which this process has the file open.
fn descriptors_of(path: &Path) -> Vec<i32> {
    let entries = fs::read_dir("/proc/self/fd").expect("the descriptors of this process");
    let entries = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let number = entry.file_name().to_str()?.parse().ok()?;
        (fs::read_link(entry.path()).ok()? == path).then_some(number)
    });
    entries.collect()
}

#[test]
fn a_sweep_never_takes_what_is_just_being_made() {
    let store = tempfile::tempdir().expect("a store");
    let root = store.path();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // Ends with its sender, also where that panics.
            while stopped.try_recv() == Err(TryRecvError::Empty) {
                let swept = sweep(root).expect("swept");
                assert!(swept.failed.is_empty(), "{:?}", swept.failed);
            }
        });
        let _held = stop;
        for round in 100..200 {
            let path = store
                .path()
                .join(format!("d/domain/S/S-export-{TIME}-persisted.zip"));
            let file = Staged::create(store.path(), &path).expect("staged");
            fs::remove_file(file.finish().expect("sealed").publish().expect("published")).expect("removed");
            let path = store
                .path()
                .join(format!("d/secure-backup/2026-03-01-23-30-05-{round}"));
            let folder = StagedFolder::create(store.path(), &path).expect("staged");
            fs::remove_dir(folder.publish(&[]).expect("published")).expect("removed");
        }
    });
}

/// Root's, say, who has brought the store back: nobody can say whether it is a live run's, and no run
/// of the store's owner is the worse for it.
#[test]
fn what_may_not_be_opened_or_removed_is_told_apart_from_what_went_wrong() {
    let mut swept = Swept::default();
    for errno in [Errno::ACCESS, Errno::PERM, Errno::IO, Errno::NOENT] {
        let error = StoreError::new("open the file", Path::new("/store/d x/a.partial"), errno.into());
        assert_eq!(swept.done::<()>(Err(error)), None);
    }
    assert_eq!((swept.denied.len(), swept.failed.len()), (2, 1));
    let words = stays(&swept.denied[0]);
    assert!(
        words.starts_with("a leftover stays: open the file /store/d x/a.partial: "),
        "{words}"
    );
    assert!(
        words.ends_with("removes it with `rm -r -- '/store/d x/a.partial'`"),
        "{words}"
    );
}
