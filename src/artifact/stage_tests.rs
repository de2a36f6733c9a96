use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use super::*;
use crate::artifact::folder::synced;
use crate::threads;
use crate::values::causes::with_causes;
use crate::values::size::Threshold;

fn store() -> tempfile::TempDir {
    tempfile::tempdir().expect("a store")
}

fn staged(store: &Path, path: &str, text: &str) -> Sealed {
    let mut staged = Staged::create(store, &store.join(path)).expect("staged");
    staged.write_all(text.as_bytes()).expect("written");
    staged.finish().expect("sealed")
}

/// Everything in a folder, by path from it.
fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a listing") {
        let path = entry.expect("an entry").path();
        let name = path.strip_prefix(folder).expect("inside").display().to_string();
        if path.is_dir() {
            found.extend(listing(&path).into_iter().map(|below| format!("{name}/{below}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("metadata").permissions().mode() & 0o7777
}

#[test]
fn a_file_has_its_final_name_only_once_it_is_published() {
    let store = store();
    let sealed = staged(store.path(), "d/domain/S/S.zip", "hello");
    assert_eq!(listing(store.path()), ["d/domain/S/S.zip.partial"]);
    assert_eq!(sealed.size, 5);
    assert_eq!(
        sealed.sha256,
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
    let path = sealed.publish().expect("published");
    assert_eq!(path, store.path().join("d/domain/S/S.zip"));
    assert_eq!(listing(store.path()), ["d/domain/S/S.zip"]);
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "hello");
}

#[test]
fn a_final_name_and_each_folder_on_the_way_to_it_are_on_disk() {
    let store = store();
    let sealed = staged(store.path(), "d/domain/S/S.zip", "hello");
    sealed.publish().expect("published");
    for (folder, name) in [
        ("", "d"),
        ("d", "domain"),
        ("d/domain", "S"),
        ("d/domain/S", "S.zip"),
    ] {
        let folder = store.path().join(folder);
        assert!(synced::with_name(&folder, name), "{name} in {}", folder.display());
    }
}

#[test]
fn what_is_dropped_on_the_way_is_removed() {
    let store = store();
    let mut written = Staged::create(store.path(), &store.path().join("d/a")).expect("staged");
    written.write_all(b"half").expect("written");
    drop(written);
    drop(staged(store.path(), "d/b", "whole"));
    assert_eq!(listing(store.path()), Vec::<String>::new());
}

#[test]
fn a_published_file_is_never_overwritten() {
    let store = store();
    staged(store.path(), "d/a", "first").publish().expect("published");
    let error = staged(store.path(), "d/a", "second")
        .publish()
        .expect_err("taken");
    assert_eq!(error.kind, StoreErrorKind::Exists);
    assert_eq!(listing(store.path()), ["d/a"]);
    assert_eq!(
        std::fs::read_to_string(store.path().join("d/a")).expect("read"),
        "first"
    );
}

#[test]
fn what_was_swapped_or_written_into_is_not_published() {
    let put = |path: &Path, text: &str| std::fs::write(path, text).expect("written");
    let changes: [&dyn Fn(&Path); 3] = [
        &|path| put(path, "into"),
        &|path| std::fs::remove_file(path).expect("removed"),
        &|path| {
            let aside = path.with_extension("aside");
            put(&aside, "other");
            std::fs::rename(aside, path).expect("renamed");
        },
    ];
    for change in changes {
        let store = store();
        let sealed = staged(store.path(), "d/domain/a", "text");
        change(&store.path().join("d/domain/a.partial"));
        let error = sealed.publish().expect_err("not what was written");
        assert_eq!(error.kind, StoreErrorKind::Swapped, "{error}");
        assert!(!store.path().join("d/domain/a").exists());
    }
}

#[test]
fn two_runs_cannot_stage_one_file() {
    let store = store();
    let first = staged(store.path(), "d/a", "first");
    let error = Staged::create(store.path(), &store.path().join("d/a")).expect_err("taken");
    assert_eq!(error.kind, StoreErrorKind::Exists);
    first.publish().expect("published");
}

#[test]
fn the_sealed_file_can_be_read_by_who_verifies_it() {
    let store = store();
    let sealed = staged(store.path(), "d/a", "hello");
    let mut text = String::new();
    let mut file = sealed.file();
    std::io::Seek::rewind(&mut file).expect("rewound");
    file.read_to_string(&mut text).expect("read");
    assert_eq!(text, "hello");
}

#[test]
fn a_link_in_place_of_a_folder_is_refused() {
    let (store, elsewhere) = (store(), store());
    std::fs::create_dir(store.path().join("d")).expect("made");
    for (link, path) in [("link", "link/a"), ("d/link", "d/link/a")] {
        symlink(elsewhere.path(), store.path().join(link)).expect("linked");
        let error = Staged::create(store.path(), &store.path().join(path)).expect_err("refused");
        assert_eq!(error.kind, StoreErrorKind::Link, "{error}");
    }
    assert_eq!(listing(elsewhere.path()), Vec::<String>::new());
}

#[test]
fn a_link_in_place_of_a_file_is_refused() {
    let (store, elsewhere) = (store(), store());
    let target = elsewhere.path().join("target");
    symlink(&target, store.path().join("a.partial")).expect("linked");
    let error = Staged::create(store.path(), &store.path().join("a")).expect_err("refused");
    assert_eq!(error.kind, StoreErrorKind::Exists);
    symlink(&target, store.path().join("b")).expect("linked");
    let error = staged(store.path(), "b", "text").publish().expect_err("refused");
    assert_eq!(error.kind, StoreErrorKind::Exists);
    assert!(!target.exists());
}

#[test]
fn the_store_itself_may_be_a_link() {
    let (store, elsewhere) = (store(), store());
    let link = elsewhere.path().join("store");
    symlink(store.path(), &link).expect("linked");
    staged(&link, "d/a", "text").publish().expect("published");
    assert_eq!(listing(store.path()), ["d/a"]);
}

#[test]
fn a_path_that_does_not_lie_in_the_store_is_refused() {
    let store = store();
    for path in [
        Path::new("/tmp/x"),
        &store.path().join("../x"),
        &store.path().join("a/../b"),
        store.path(),
    ] {
        let error = Staged::create(store.path(), path).expect_err("refused");
        assert_eq!(error.kind, StoreErrorKind::Outside, "{}", path.display());
    }
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let store = store();
    let gone = store.path().join("gone");
    let error = Staged::create(&gone, &gone.join("a")).expect_err("refused");
    assert_eq!(error.kind, StoreErrorKind::Missing);
    assert!(!gone.exists());
}

#[test]
fn a_file_that_grows_beyond_what_one_may_take_is_given_up_and_says_which() {
    let store = store();
    let path = store.path().join("d/domain/a");
    let allowance = Allowance::new(100, Threshold::Size(0));
    let mut staged = Staged::create(store.path(), &path)
        .expect("staged")
        .within(allowance);
    staged.write_all(&[7; 100]).expect("as much as one may take");
    assert!(staged.trouble().is_none());
    let error = staged.write_all(b"x").expect_err("one more");
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    let trouble = staged.trouble().expect("it is noted");
    assert_eq!(trouble.kind, StoreErrorKind::TooLarge);
    assert_eq!(trouble.path, store.path().join("d/domain/a.partial"));
    assert_eq!(
        with_causes(trouble),
        format!("write {}: it would grow beyond 100 B", trouble.path.display())
    );
    drop(staged);
    assert_eq!(listing(store.path()), [""; 0]);
}

#[test]
fn errors_of_the_system_have_their_kinds() {
    use rustix::io::Errno;
    let cases = [
        (Errno::NOSPC, StoreErrorKind::NoSpace),
        (Errno::DQUOT, StoreErrorKind::NoSpace),
        (Errno::ROFS, StoreErrorKind::ReadOnly),
        (Errno::ACCESS, StoreErrorKind::Denied),
        (Errno::PERM, StoreErrorKind::Denied),
        (Errno::NOENT, StoreErrorKind::Missing),
        (Errno::EXIST, StoreErrorKind::Exists),
        (Errno::IO, StoreErrorKind::Other),
    ];
    for (errno, kind) in cases {
        assert_eq!(StoreErrorKind::of(&errno.into()), kind, "{errno}");
    }
}

/// The umask belongs to the whole process, so this test runs itself once more under another.
#[test]
fn modes_are_the_same_whatever_the_umask() {
    const AGAIN: &str = "DPBACKUP_TEST_UMASK";
    // The file that the second run publishes shows that it ran.
    const SCRIPT: &str = r#"
        store=$(mktemp -d) && umask "$1" && export DPBACKUP_TEST_UMASK="$store"
        "$0" --exact "$2" > /dev/null && test -e "$store/d/domain/a"
        code=$?
        rm -rf "$store"
        exit $code
    "#;
    const NAME: &str = "artifact::stage::tests::modes_are_the_same_whatever_the_umask";
    if std::env::var_os(AGAIN).is_none() {
        let program = std::env::current_exe().expect("a path");
        for umask in ["000", "022", "777"] {
            let status = Command::new("sh")
                .args(["-c", SCRIPT])
                .args([program.as_os_str(), OsStr::new(umask), OsStr::new(NAME)])
                .status()
                .expect("run");
            assert!(status.success(), "umask {umask}");
        }
        return;
    }
    let store = PathBuf::from(std::env::var_os(AGAIN).expect("a store"));
    let path = staged(&store, "d/domain/a", "text").publish().expect("published");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&store.join("d")), 0o700);
    assert_eq!(mode(&store.join("d/domain")), 0o700);
}

/// A large file, looked at beside its writer, who gives it in pieces of this length.
fn archive_staged(store: &Path, bytes: &[u8], starter: Starter, piece: usize) -> Sealed {
    let staged = Staged::create(store, &store.join("d/a.zip")).expect("staged");
    let mut staged = staged.worked_on_beside(starter);
    for piece in bytes.chunks(piece) {
        staged.write_all(piece).expect("written");
    }
    staged.finish().expect("sealed")
}

#[test]
fn what_is_found_beside_the_writer_is_what_is_found_afterwards_and_without_a_thread_nothing() {
    // It is no archive, but a ZIP: that is all that is looked at.
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["a", "b"] {
        let options = zip::write::SimpleFileOptions::default();
        let options = options.compression_method(zip::CompressionMethod::Stored);
        zip.start_file(name, options).expect("begun");
        zip.write_all(&vec![7; 5 << 20]).expect("written");
    }
    let bytes = zip.finish().expect("finished").into_inner();
    let afterwards = Ahead::look(&mut bytes.as_slice(), &Limits::default());
    let nothing = format!("{:?}", Ahead::default());
    for piece in [70_000, 1 << 20, bytes.len()] {
        let store = self::store();
        let sealed = archive_staged(store.path(), &bytes, threads::start, piece);
        assert_eq!(format!("{:?}", sealed.ahead()), format!("{afterwards:?}"));
        sealed.publish().expect("published");
        let store = self::store();
        let alone = archive_staged(store.path(), &bytes, threads::none_left, piece);
        assert_eq!(format!("{:?}", alone.ahead()), nothing);
        alone.publish().expect("published");
    }
    let store = self::store();
    let small = archive_staged(store.path(), &bytes[..1 << 20], threads::start, 1000);
    assert_eq!(format!("{:?}", small.ahead()), nothing);
}

#[test]
fn what_was_written_into_after_it_was_looked_at_is_not_published() {
    let bytes = vec![7; 40 << 20];
    for place in [0, 20 << 20, bytes.len() as u64 - 1] {
        let store = store();
        let sealed = archive_staged(store.path(), &bytes, threads::start, 1 << 20);
        let partial = store.path().join("d/a.zip.partial");
        let other = std::fs::OpenOptions::new()
            .write(true)
            .open(partial)
            .expect("opened");
        std::os::unix::fs::FileExt::write_all_at(&other, b"!", place).expect("written");
        let error = sealed.publish().expect_err("not what was written");
        assert_eq!(error.kind, StoreErrorKind::Swapped, "{error}");
    }
}

#[test]
fn a_file_that_is_given_up_while_it_is_looked_at_is_removed_and_unlocked() {
    let store = store();
    let staged = Staged::create(store.path(), &store.path().join("d/a.zip")).expect("staged");
    let mut staged = staged.worked_on_beside(threads::start);
    staged.write_all(&vec![7; 6 << 20]).expect("written");
    let held = File::open(store.path().join("d/a.zip.partial")).expect("opened");
    assert!(held.try_lock().is_err());
    drop(staged);
    // A program that another test starts has a copy of the file until it has begun.
    let is_free = || held.try_lock().is_ok();
    let pause = || std::thread::sleep(std::time::Duration::from_millis(10));
    assert!((0..1000).any(|_| is_free() || {
        pause();
        false
    }));
    assert_eq!(listing(store.path()), Vec::<String>::new());
}

#[test]
fn a_file_of_which_a_part_could_not_be_put_on_disk_on_the_way_is_no_file() {
    let failing: fn(&mut Growing) -> io::Result<()> = |_| Err(io::Error::from_raw_os_error(5));
    let panicking: fn(&mut Growing) -> io::Result<()> = |_| panic!("a panic of the tests");
    for (sync, why) in [(failing, "Input/output error"), (panicking, "not known")] {
        let store = store();
        let mut staged = Staged::create(store.path(), &store.path().join("d/a.zip")).expect("staged");
        staged.write_all(&vec![7; 1 << 20]).expect("written");
        staged.beside = WorkBeside::Now {
            look: None,
            sync: Beside::begin(staged.stream.file.get_ref(), threads::start, sync),
        };
        let error = staged.finish().expect_err("a part is missing");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert!(format!("{error} {source:?}").contains(why), "{error} {source:?}");
        assert_eq!(listing(store.path()), Vec::<String>::new());
    }
}

#[test]
fn what_is_denied_once_is_looked_at_again_and_not_for_ever() {
    use std::cell::Cell;
    for (answers, found, looks) in [
        ([true, false, false], true, 1),
        ([false, true, false], true, 2),
        ([false, false, true], false, 2),
    ] {
        let (asked, pauses) = (Cell::new(0), Cell::new(0));
        let look = || {
            asked.set(asked.get() + 1);
            answers[asked.get() - 1]
        };
        assert_eq!(looked_again(look, || pauses.set(pauses.get() + 1)), found);
        assert_eq!((asked.get(), pauses.get()), (looks, looks - 1));
    }
}
