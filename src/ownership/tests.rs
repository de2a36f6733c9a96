//! Paths as people and Kubernetes lay them out, walked by an invented caller.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::*;

struct Ground {
    folder: tempfile::TempDir,
    owner: Caller,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let owner = fs::metadata(folder.path()).expect("a folder").uid();
        Self {
            folder,
            owner: Caller { user: owner },
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, "text").expect("a file");
        set_mode(&path, mode);
        path
    }

    fn folder(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).expect("a folder");
        set_mode(&path, mode);
        path
    }

    /// What the owner of all this is told of a path that is to be believed.
    fn says(&self, path: &Path) -> Option<Objection> {
        says(path, self.owner)
    }
}

fn says(path: &Path, caller: Caller) -> Option<Objection> {
    match believed_file(path, caller) {
        Ok(_) => None,
        Err(TouchError::Untrusted(untrusted)) => Some(untrusted.objection),
        Err(TouchError::Io(error)) => panic!("{}: {error}", path.display()),
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn a_file_of_ones_own_in_a_folder_of_ones_own_is_believed() {
    let ground = Ground::new();
    ground.folder("mine", 0o755);
    let file = ground.file("mine/plans.toml", 0o644);
    assert_eq!(ground.says(&file), None);
}

#[test]
fn every_folder_on_the_way_counts_and_is_named() {
    let ground = Ground::new();
    ground.folder("open", 0o777);
    ground.folder("open/closed", 0o755);
    let file = ground.file("open/closed/plans.toml", 0o600);
    let Err(TouchError::Untrusted(untrusted)) = open_believed(&file) else {
        panic!("believed");
    };
    let named = ground.path("open").canonicalize().expect("there");
    assert!(
        untrusted.what().contains(&named.display().to_string()),
        "{}",
        untrusted.what()
    );
    assert!(
        untrusted
            .advice()
            .is_some_and(|advice| advice.starts_with("run `chmod go-w "))
    );
    set_mode(&ground.path("open"), 0o1777);
    assert_eq!(ground.says(&file), None, "nobody can replace what stands in it");
    let own = look_at_own_folder(&ground.path("open"));
    assert!(
        matches!(own, Err(TouchError::Untrusted(_))),
        "but anybody can add to it"
    );
    look_at_own_folder(&ground.path("open/closed")).expect("its own folder");
}

#[test]
fn the_links_of_a_config_map_are_followed() {
    let ground = Ground::new();
    ground.folder("config", 0o755);
    ground.folder("config/..2026_11_25", 0o755);
    ground.file("config/..2026_11_25/plans.toml", 0o644);
    symlink("..2026_11_25", ground.path("config/..data")).expect("a link");
    symlink("..data/plans.toml", ground.path("config/plans.toml")).expect("a link");
    assert_eq!(ground.says(&ground.path("config/plans.toml")), None);
    // The same for a user who owns none of it, if root does.
    if ground.owner.is_root() {
        assert_eq!(
            says(&ground.path("config/plans.toml"), Caller { user: 990 }),
            None
        );
    } else {
        not_tested_here("what root owns, for this user cannot give it to root");
    }
}

#[test]
fn a_link_leads_no_further_than_its_owner_may_be_trusted() {
    let ground = Ground::new();
    ground.folder("open", 0o777);
    ground.folder("closed", 0o755);
    ground.file("open/plans.toml", 0o600);
    symlink(ground.path("open/plans.toml"), ground.path("closed/absolute")).expect("a link");
    symlink("../open/plans.toml", ground.path("closed/relative")).expect("a link");
    for link in ["closed/absolute", "closed/relative"] {
        let objection = ground.says(&ground.path(link));
        assert!(
            matches!(objection, Some(Objection::Writable(..))),
            "{link}: {objection:?}"
        );
    }
    set_mode(&ground.path("open"), 0o1777);
    for link in ["closed/absolute", "closed/relative"] {
        assert_eq!(ground.says(&ground.path(link)), None, "{link}");
    }
    symlink("round", ground.path("closed/round")).expect("a link");
    let round = believed_file(&ground.path("closed/round"), ground.owner);
    assert!(matches!(round, Err(TouchError::Io(error)) if error.raw_os_error() == Some(40)));
}

#[test]
fn what_a_stranger_owns_is_refused_link_or_file_or_folder() {
    let ground = Ground::new();
    let (stranger, root) = (4_000_321, Caller { user: 0 });
    if !ground.owner.is_root() {
        not_tested_here("files of a stranger, for only root can make them");
        return;
    }
    let give = |path: &Path| std::os::unix::fs::lchown(path, Some(stranger), None).expect("given");
    let file = ground.file("file", 0o600);
    symlink(&file, ground.path("link")).expect("a link");
    give(&ground.path("link"));
    let through = open_folder(&ground.path("link"));
    assert!(
        matches!(through, Err(TouchError::Untrusted(_))),
        "nothing is written where a stranger leads"
    );
    assert_eq!(
        says(&ground.path("link"), root),
        Some(Objection::LinkOwner(stranger))
    );
    give(&file);
    assert_eq!(says(&file, root), Some(Objection::Owner(stranger)));
    assert_eq!(says(&file, Caller { user: stranger }), None);
    ground.folder("folder", 0o755);
    let inside = ground.file("folder/file", 0o600);
    give(&ground.path("folder"));
    assert_eq!(says(&inside, root), Some(Objection::Owner(stranger)));
    assert!(matches!(
        look_at_own_folder(&ground.path("folder")),
        Err(TouchError::Untrusted(_))
    ));
}

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let ground = Ground::new();
    let path = ground.path("pipe");
    let made = rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, rustix::fs::Mode::RUSR, 0);
    made.expect("a pipe");
    for opened in [
        open_believed(&path),
        open_secret(&path, Granted::Nobody),
        open_regular(&path),
    ] {
        let error = opened.expect_err("a pipe").to_string();
        assert!(error.contains("is not a regular file"), "{error}");
    }
    let folder = open_believed(ground.folder.path())
        .expect_err("a folder")
        .to_string();
    assert!(folder.contains("is not a regular file"), "{folder}");
}

#[test]
fn what_is_not_there_is_an_error_of_the_system() {
    let ground = Ground::new();
    for path in [ground.path("absent"), ground.path("absent/deeper")] {
        let error = open_believed(&path).expect_err("absent");
        assert!(
            matches!(&error, TouchError::Io(error) if error.kind() == io::ErrorKind::NotFound),
            "{error}"
        );
    }
    let file = ground.file("file", 0o600);
    let error = open_believed(&file.join("below")).expect_err("not a folder");
    assert!(
        matches!(&error, TouchError::Io(error) if error.kind() == io::ErrorKind::NotADirectory),
        "{error}"
    );
}

#[test]
fn a_path_may_lead_up_and_start_anywhere() {
    let ground = Ground::new();
    ground.folder("a/b", 0o755);
    ground.folder("a", 0o755);
    ground.file("a/file", 0o600);
    assert_eq!(ground.says(&ground.path("a/b/../file")), None);
    assert_eq!(ground.says(&ground.path("a/./b/.././file")), None);
    look_at_own_folder(&ground.path("a/b/..")).expect("a folder");
    look_at_own_folder(Path::new("/")).expect("the root of all");
}

#[test]
fn an_interpreter_that_is_named_from_where_one_stands_is_looked_at_too() {
    let ground = Ground::new();
    ground.folder("open", 0o777);
    let interpreter = ground.file("open/sh", 0o755);
    let here = std::env::current_dir().expect("a folder");
    let up: PathBuf = here.ancestors().skip(1).map(|_| "..").collect();
    let relative = up.join(interpreter.strip_prefix("/").expect("a whole path"));
    let script = ground.file("script", 0o755);
    for named in [&interpreter, &relative] {
        fs::write(&script, format!("#!{}\n", named.display())).expect("a script");
        let looked = look_at_program(&script, &|_| None);
        assert!(
            matches!(looked, Err(TouchError::Untrusted(_))),
            "{}: {looked:?}",
            named.display()
        );
    }
}

#[test]
fn what_the_first_line_of_a_script_has_executed_is_looked_at_however_it_is_found() {
    let ground = Ground::new();
    ground.folder("open", 0o777);
    ground.file("open/odd-interpreter", 0o755);
    ground.folder("closed", 0o755);
    ground.file("closed/odd-interpreter", 0o755);
    let file = ground.path("open/odd-interpreter");
    let script = ground.file("script", 0o755);
    let looked = |line: &str, folder: &str| {
        fs::write(&script, format!("#!{line}\n")).expect("a script");
        let path = ground.path(folder).into_os_string();
        look_at_program(&script, &move |name| (name == "PATH").then(|| path.clone()))
    };
    for line in [
        "/usr/bin/env odd-interpreter",
        "/usr/bin/env -S odd-interpreter x",
        "/usr/bin/env -S A=b odd-interpreter x",
        &format!("/bin/sh {}", file.display()),
    ] {
        let refused = looked(line, "open");
        assert!(
            matches!(refused, Err(TouchError::Untrusted(_))),
            "{line}: {refused:?}"
        );
    }
    for line in [
        "/usr/bin/env odd-interpreter",
        "/usr/bin/env no-such-interpreter",
        "/bin/sh -eu",
    ] {
        looked(line, "closed").unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}
