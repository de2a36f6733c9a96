use rustix::io::Errno;

use super::*;
use crate::values::names_in::names_in;

const NO_LINKS: Requests = Requests {
    link: |_, _, _| Err(Errno::PERM),
    ..SYSTEM
};
const PLAIN: Requests = Requests {
    rename_new: |_, _, _| Err(Errno::INVAL),
    ..NO_LINKS
};

#[test]
fn a_store_says_how_names_are_given_in_it_and_nothing_is_left_behind() {
    for (requests, file, folder) in [
        (SYSTEM, Manner::Link, Manner::RenameNew),
        (NO_LINKS, Manner::RenameNew, Manner::RenameNew),
        (PLAIN, Manner::Rename, Manner::Rename),
    ] {
        let store = tempfile::tempdir().expect("a store");
        let probed = probe_by(store.path(), &requests).expect("it serves");
        assert_eq!(probed, Probed { file, folder });
        assert_eq!(names_in(store.path()), [""; 0]);
    }
}

#[test]
fn a_store_that_lacks_what_a_publication_needs_is_found_out_and_left_clean() {
    for errno in [Errno::PERM, Errno::IO, Errno::NOSYS] {
        let requests = match errno {
            Errno::PERM => Requests {
                rename: |_, _, _| Err(Errno::PERM),
                ..PLAIN
            },
            Errno::IO => Requests {
                rename: |_, _, _| Err(Errno::IO),
                ..PLAIN
            },
            _ => Requests {
                rename: |_, _, _| Err(Errno::NOSYS),
                ..PLAIN
            },
        };
        let store = tempfile::tempdir().expect("a store");
        let error = probe_by(store.path(), &requests).expect_err("it does not serve");
        assert_eq!(error.action, "publish as");
        assert_eq!(error.source.raw_os_error(), Some(errno.raw_os_error()));
        assert_eq!(names_in(store.path()), [""; 0]);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_noticed() {
    assert!(probe(Path::new("/proc")).is_err());
    assert!(probe(Path::new("/not/there")).is_err());
}

#[test]
fn the_nearest_folder_that_is_there_is_tried_and_none_is_made() {
    let store = tempfile::tempdir().expect("a store");
    let root = store.path();
    let deep = root.join("QA1/domain/DOM1");
    assert_eq!(probe_below(root, &deep).expect("nothing is there"), None);
    assert_eq!(names_in(root), [""; 0]);
    std::fs::create_dir_all(root.join("QA1/domain")).expect("folders");
    assert!(probe_below(root, &deep).expect("it serves").is_some());
    assert_eq!(names_in(&root.join("QA1/domain")), [""; 0]);
    std::fs::write(&deep, "").expect("a file in its place");
    assert_eq!(probe_below(root, &deep).expect_err("no folder").path, deep);
    std::fs::remove_file(&deep).expect("removed");
    std::os::unix::fs::symlink(root, &deep).expect("a link in its place");
    let error = probe_below(root, &deep).expect_err("a link");
    assert_eq!(error.kind, StoreErrorKind::Link);
    let outside = probe_below(root, Path::new("/elsewhere")).expect_err("outside");
    assert_eq!(outside.kind, StoreErrorKind::Outside);
}

#[test]
fn a_sweep_beside_it_takes_nothing_of_it_and_afterwards_what_a_dead_one_left() {
    let store = tempfile::tempdir().expect("a store");
    let root = store.path();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // Ends with its sender, also where that panics.
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                let swept = crate::artifact::sweep::sweep(root).expect("swept");
                assert!(swept.failed.is_empty(), "{:?}", swept.failed);
            }
        });
        let _held = stop;
        for _ in 0..100 {
            probe(root).expect("it serves");
        }
    });
    for tried in ["", "QA1", "QA1/domain", "QA1/domain/DOM1", "QA1/secure-backup"] {
        let base = momentary_base();
        let tried = root.join(tried);
        std::fs::create_dir_all(&tried).expect("made");
        for what in ["-folder", "-moved"] {
            let folder = tried.join(momentary_name(&base, what));
            std::fs::create_dir(&folder).expect("made");
            std::fs::write(folder.join("file"), "").expect("written");
        }
        std::fs::write(tried.join(momentary_name(&base, "")), "").expect("written");
        let before = names_in(&tried).len();
        // A child that another test has just made holds what is open here until it executes: it is in use for a moment.
        let mut removed = 0;
        for _ in 0..1_000 {
            removed += crate::artifact::sweep::sweep(root).expect("swept").removed.len();
            if removed == 3 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(removed, 3);
        assert_eq!(names_in(&tried).len(), before - 3, "{}", tried.display());
    }
}
