use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

fn why<T: std::fmt::Debug>(outcome: Result<T, TouchError>) -> Objection {
    match outcome {
        Err(TouchError::Untrusted(untrusted)) => untrusted.objection,
        other => panic!("{other:?}"),
    }
}

#[test]
fn folders_and_files_are_made_for_their_owner_alone() {
    let above = temporary();
    let path = above.path().join("a/b");
    let folder = OwnFolder::open_or_make(&path, WrittenKind::State).expect("made");
    folder.open_or_create(OsStr::new("file")).expect("made");
    folder.open_or_create(OsStr::new("file")).expect("opened");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").mode() & 0o7777;
    assert_eq!(mode(&above.path().join("a")), 0o700);
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("file")), 0o600);
    assert!(folder.others_write().is_none());
}

#[test]
fn a_link_a_pipe_and_a_second_name_are_refused_where_a_file_of_ours_should_be() {
    let above = temporary();
    std::fs::write(above.path().join("elsewhere"), "kept").expect("a file");
    let folder = OwnFolder::open_or_make(&above.path().join("own"), WrittenKind::State).expect("made");
    let at = |name: &str| folder.path().join(name);
    symlink(above.path().join("elsewhere"), at("link")).expect("a link");
    rustix::fs::mknodat(&folder.handle, "pipe", FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    std::fs::hard_link(above.path().join("elsewhere"), at("second")).expect("a name");
    set_mode(&above.path().join("elsewhere"), 0o600);
    let open = |name: &str| why(folder.open_or_create(OsStr::new(name)));
    assert_eq!(open("link"), Objection::Link);
    assert_eq!(open("pipe"), Objection::NotAFile);
    assert_eq!(open("second"), Objection::SecondName);
    assert_eq!(
        std::fs::read_to_string(above.path().join("elsewhere")).expect("text"),
        "kept"
    );
}

#[test]
fn what_others_may_write_is_refused_and_a_group_of_a_volume_is_told() {
    let above = temporary();
    let path = above.path().join("own");
    let folder = OwnFolder::open_or_make(&path, WrittenKind::State).expect("made");
    folder.create(OsStr::new("file")).expect("made");
    for (mode, is_good) in [(0o660, false), (0o606, false), (0o644, true)] {
        set_mode(&path.join("file"), mode);
        assert_eq!(folder.look(OsStr::new("file")).is_ok(), is_good, "{mode:o}");
    }
    set_mode(&path, 0o777);
    assert!(matches!(
        why(OwnFolder::open(&path, WrittenKind::Store)),
        Objection::Writable(..)
    ));
    set_mode(&path, 0o2770);
    let volume = OwnFolder::open(&path, WrittenKind::State).expect("a volume");
    let told = volume.others_write().expect("a group").to_string();
    assert!(told.starts_with("the group "), "{told}");
    set_mode(&path.join("file"), 0o660);
    volume
        .open_file(OsStr::new("file"))
        .expect("the group is the same");
}

#[test]
fn what_belongs_to_somebody_else_is_refused() {
    let above = temporary();
    let owner = std::fs::metadata(above.path()).expect("a folder").uid();
    let stranger = Caller { user: owner + 1 };
    let path = above.path().join("own");
    OwnFolder::open_or_make(&path, WrittenKind::Store).expect("made");
    let opened = OwnFolder::open_as(&path, WrittenKind::Store, stranger);
    if owner == 0 {
        // Root may write anywhere, so its folder is nobody else's.
        opened.expect("the folder is root's");
    } else {
        assert_eq!(why(opened), Objection::NotOurs(owner, owner + 1));
    }
}

#[test]
fn what_root_makes_belongs_to_the_owner_of_the_folder() {
    let above = temporary();
    if !Caller::of_process().is_root() {
        crate::ownership::not_tested_here("that root gives its files away, for only root can");
        return;
    }
    let service = 4_000_123;
    std::os::unix::fs::chown(above.path(), Some(service), Some(service)).expect("given");
    let path = above.path().join("made/deeper");
    let folder = OwnFolder::open_or_make(&path, WrittenKind::State).expect("made");
    folder.open_or_create(OsStr::new("file")).expect("made");
    for path in [&above.path().join("made"), &path, &path.join("file")] {
        let metadata = std::fs::metadata(path).expect("there");
        assert_eq!((metadata.uid(), metadata.gid()), (service, service), "{path:?}");
    }
    // What it had left before as its own stays usable for it, and nobody else's is taken.
    std::os::unix::fs::chown(path.join("file"), Some(0), Some(0)).expect("taken back");
    folder.open_file(OsStr::new("file")).expect("root's own");
    let owner = || std::fs::metadata(path.join("file")).expect("there").uid();
    assert_eq!(owner(), service, "given again");
    std::os::unix::fs::chown(path.join("file"), Some(0), Some(0)).expect("taken back");
    folder.look(OsStr::new("file")).expect("a look");
    assert_eq!(owner(), 0, "a look changes nothing");
    folder.adopt(OsStr::new("file")).expect("root's own");
    assert_eq!(owner(), service);
    std::os::unix::fs::chown(path.join("file"), Some(service + 1), None).expect("given");
    assert_eq!(
        why(folder.open_file(OsStr::new("file"))),
        Objection::NotOurs(service + 1, service)
    );
}

#[test]
fn beside_what_root_may_have_written_no_second_folder_is_proposed() {
    let above = temporary();
    let file = above.path().join("history.db");
    let refused = || {
        TouchError::Untrusted(Untrusted {
            path: above.path().to_owned(),
            objection: Objection::RootsFolder(990),
            caller: Caller { user: 990 },
        })
    };
    let judged = |error| why(Err::<(), _>(unless_kept(error, &file)));
    assert_eq!(judged(refused()), Objection::RootsFolder(990), "nothing is there");
    std::fs::write(&file, "").expect("a file");
    assert_eq!(judged(refused()), Objection::KeptByRoot(990));
}
