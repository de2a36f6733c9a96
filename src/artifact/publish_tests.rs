use std::io::Write as _;

use super::*;
use crate::artifact::digest::sha256;

/// A file system without links, as rclone mounts and some of FUSE and SMB are; each answers
/// otherwise.
const NO_LINKS: [Requests; 4] = [
    Requests {
        link: |_, _, _| Err(Errno::PERM),
        ..SYSTEM
    },
    Requests {
        link: |_, _, _| Err(Errno::IO),
        ..SYSTEM
    },
    Requests {
        link: |_, _, _| Err(Errno::OPNOTSUPP),
        ..SYSTEM
    },
    Requests {
        link: |_, _, _| Err(Errno::NOSYS),
        ..SYSTEM
    },
];

/// One without renames that do not overwrite, either.
const PLAIN: [Requests; 4] = [
    Requests {
        rename_new: |_, _, _| Err(Errno::INVAL),
        ..NO_LINKS[0]
    },
    Requests {
        rename_new: |_, _, _| Err(Errno::INVAL),
        ..NO_LINKS[1]
    },
    Requests {
        rename_new: |_, _, _| Err(Errno::OPNOTSUPP),
        ..NO_LINKS[2]
    },
    Requests {
        rename_new: |_, _, _| Err(Errno::NOSYS),
        ..NO_LINKS[3]
    },
];

/// Everything that gives a file its name.
fn all() -> Vec<(Requests, Manner)> {
    let mut all = vec![(SYSTEM, Manner::Link)];
    all.extend(NO_LINKS.map(|requests| (requests, Manner::RenameNew)));
    all.extend(PLAIN.map(|requests| (requests, Manner::Rename)));
    all
}

struct Scene {
    store: tempfile::TempDir,
    folder: Folder,
    file: File,
    hash: String,
}

const FROM: &str = "a.partial";
const TO: &str = "a";

fn scene() -> Scene {
    let store = tempfile::tempdir().expect("a store");
    let folder = Folder::open_store(store.path()).expect("opened");
    let mut file = folder.create(OsStr::new(FROM)).expect("created");
    file.write_all(b"text").expect("written");
    let hash = sha256(&file).expect("read");
    Scene {
        store,
        folder,
        file,
        hash,
    }
}

impl Scene {
    fn publish(&self, requests: &Requests) -> Result<Manner, StoreError> {
        let ours = (&self.file, self.hash.as_str());
        requests.publish_file(&self.folder, ours, OsStr::new(FROM), OsStr::new(TO))
    }

    fn put(&self, name: &str, text: &str) {
        // A new file with the name, as `mv` gives it.
        let aside = self.store.path().join("aside");
        std::fs::write(&aside, text).expect("written");
        std::fs::rename(aside, self.store.path().join(name)).expect("renamed");
    }

    /// Every file with its text.
    fn files(&self) -> Vec<(String, String)> {
        let entries = self.folder.entries().expect("a listing");
        let names = entries
            .iter()
            .map(|(name, _)| name.to_string_lossy().into_owned());
        names
            .map(|name| {
                let text = std::fs::read_to_string(self.store.path().join(&name)).expect("text");
                (name, text)
            })
            .collect()
    }
}

fn file(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

#[test]
fn every_file_system_gives_a_file_its_name_as_it_can() {
    for (requests, manner) in all() {
        let scene = scene();
        assert_eq!(scene.publish(&requests).expect("published"), manner);
        assert_eq!(scene.files(), [file(TO, "text")], "{manner:?}");
    }
}

#[test]
fn a_name_that_is_taken_is_never_overwritten() {
    for (requests, manner) in all() {
        let scene = scene();
        scene.put(TO, "other");
        let error = scene.publish(&requests).expect_err("taken");
        assert_eq!(error.kind, StoreErrorKind::Exists, "{manner:?}");
        assert_eq!(
            scene.files(),
            [file(TO, "other"), file(FROM, "text")],
            "{manner:?}"
        );
    }
}

#[test]
fn another_file_under_the_name_is_never_published() {
    for (requests, manner) in all() {
        let scene = scene();
        scene.put(FROM, "other");
        let published = scene.publish(&requests);
        assert_eq!(
            published.expect_err("swapped").kind,
            StoreErrorKind::Swapped,
            "{manner:?}"
        );
        assert_eq!(scene.files(), [file(FROM, "other")], "{manner:?}");
    }
}

#[test]
fn a_file_of_two_names_is_published_by_its_handle_though_one_name_is_anothers() {
    let scene = scene();
    std::fs::hard_link(scene.store.path().join(FROM), scene.store.path().join("kept")).expect("linked");
    scene.put(FROM, "other");
    assert_eq!(scene.publish(&SYSTEM).expect("published"), Manner::Link);
    assert_eq!(
        scene.files(),
        [file(TO, "text"), file(FROM, "other"), file("kept", "text")]
    );
}

#[test]
fn a_file_that_nobody_has_any_more_is_not_published() {
    for (requests, manner) in all() {
        let scene = scene();
        scene.folder.remove_file(OsStr::new(FROM)).expect("removed");
        let error = scene.publish(&requests).expect_err("gone");
        assert_eq!(error.kind, StoreErrorKind::Swapped, "{manner:?}");
        assert_eq!(scene.files(), []);
    }
}

#[test]
fn what_is_put_in_its_place_at_the_last_instant_does_not_keep_the_name() {
    /// Puts another file there, between the look and the rename.
    fn swapping(folder: &OwnedFd, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
        let aside = rustix::fs::openat(
            folder,
            "aside",
            rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY,
            rustix::fs::Mode::RUSR,
        )?;
        rustix::io::write(&aside, b"other")?;
        rustix::fs::renameat(folder, "aside", folder, from)?;
        rustix::fs::renameat(folder, from, folder, to)
    }
    for requests in [
        Requests {
            rename_new: swapping,
            ..NO_LINKS[0]
        },
        Requests {
            rename: |folder, from, to| match to == TO {
                true => swapping(folder, from, to),
                false => (SYSTEM.rename)(folder, from, to),
            },
            ..PLAIN[0]
        },
    ] {
        let scene = scene();
        let error = scene.publish(&requests).expect_err("swapped");
        assert_eq!(error.kind, StoreErrorKind::Swapped);
        assert_eq!(
            scene.files(),
            [file(FROM, "other")],
            "no such thing bears a final name"
        );
    }
}

#[test]
fn a_request_whose_reply_was_lost_counts_as_carried_out() {
    let link = Requests {
        link: |file, folder, name| (SYSTEM.link)(file, folder, name).and(Err(Errno::EXIST)),
        ..SYSTEM
    };
    let rename = Requests {
        rename: |folder, from, to| (SYSTEM.rename)(folder, from, to).and(Err(Errno::NOENT)),
        ..PLAIN[0]
    };
    for requests in [link, rename] {
        let scene = scene();
        scene.publish(&requests).expect("published");
        assert_eq!(scene.files(), [file(TO, "text")]);
    }
}

#[test]
fn a_file_that_cannot_be_renamed_yet_is_renamed_when_it_can() {
    thread_local! {
        static TRIED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }
    let late = Requests {
        rename: |folder, from, to| {
            TRIED.set(TRIED.get() + 1);
            match TRIED.get() {
                ..3 => Err(Errno::NOENT),
                _ => (SYSTEM.rename)(folder, from, to),
            }
        },
        pause: |_| {},
        ..PLAIN[0]
    };
    let scene = scene();
    scene.publish(&late).expect("published");
    assert_eq!(scene.files(), [file(TO, "text")]);
    assert_eq!(TRIED.get(), 3);
}

#[test]
fn an_error_that_is_no_lack_is_told_as_it_is() {
    for errno in [Errno::NOSPC, Errno::ROFS, Errno::ACCESS, Errno::IO] {
        let requests = match errno {
            Errno::NOSPC => Requests {
                rename_new: |_, _, _| Err(Errno::NOSPC),
                ..NO_LINKS[0]
            },
            Errno::ROFS => Requests {
                rename_new: |_, _, _| Err(Errno::ROFS),
                ..NO_LINKS[0]
            },
            Errno::ACCESS => Requests {
                rename_new: |_, _, _| Err(Errno::ACCESS),
                ..NO_LINKS[0]
            },
            _ => Requests {
                rename: |_, _, _| Err(Errno::IO),
                ..PLAIN[0]
            },
        };
        let scene = scene();
        let error = scene.publish(&requests).expect_err("refused");
        assert_eq!(error.source.raw_os_error(), Some(errno.raw_os_error()));
        assert_eq!(scene.files(), [file(FROM, "text")]);
    }
}

#[test]
fn a_folder_is_published_by_its_name_and_never_over_another() {
    for (requests, _) in all() {
        for empty in [false, true] {
            let store = tempfile::tempdir().expect("a store");
            let root = Folder::open_store(store.path()).expect("opened");
            let [from, to] = [FROM, TO].map(OsStr::new);
            let folder = root.make(from).expect("made");
            folder.create(OsStr::new("file")).expect("created");
            let is_whole = |name: &OsStr| Ok(root.is_same_folder(&folder, name));
            let is_same = |_: &OsStr| false;
            let what = Renamed {
                is_same: &is_same,
                is_whole: &is_whole,
            };
            let other = root.make(to).expect("made");
            if !empty {
                other.create(OsStr::new("theirs")).expect("created");
            }
            let error = requests.rename_to(&root, &what, from, to).expect_err("taken");
            assert_eq!(error.kind, StoreErrorKind::Exists);
            std::fs::rename(store.path().join(TO), store.path().join("away")).expect("moved");
            requests.rename_to(&root, &what, from, to).expect("published");
            assert!(store.path().join(TO).join("file").exists());
            let error = requests.rename_to(&root, &what, OsStr::new("away"), from);
            assert_eq!(error.expect_err("another folder").kind, StoreErrorKind::Swapped);
        }
    }
}

#[test]
fn what_cannot_be_read_yet_is_asked_again_and_what_never_can_has_no_final_name() {
    use std::cell::Cell;
    let requests = Requests {
        pause: |_| {},
        ..PLAIN[0]
    };
    for (readable_after, published) in [(5, true), (u32::MAX, false)] {
        let scene = scene();
        let asked = Cell::new(0);
        let is_whole = |name: &OsStr| {
            if name == TO {
                asked.set(asked.get() + 1);
                if asked.get() < readable_after {
                    return Err(StoreError::new("read back", Path::new(TO), Errno::IO.into()));
                }
            }
            Ok(true)
        };
        let what = Renamed {
            is_same: &|_| true,
            is_whole: &is_whole,
        };
        let outcome = requests.rename_to(&scene.folder, &what, OsStr::new(FROM), OsStr::new(TO));
        match published {
            true => assert_eq!(scene.files(), [file(TO, "text")]),
            false => {
                assert_eq!(outcome.expect_err("unreadable").action, "read back");
                assert_eq!(scene.files(), [file(FROM, "text")]);
                assert_eq!(asked.get(), TRIES);
            }
        }
    }
}
