use super::*;
use crate::clock::SystemClock;
use crate::values::names_in::names_in;

/// Locks in a folder that goes away with the first of these.
fn locks() -> (tempfile::TempDir, Locks, SystemClock) {
    let folder = tempfile::tempdir().expect("a folder");
    let locks = Locks::beside(&folder.path().join("history.db"));
    (folder, locks, SystemClock::new())
}

fn held(asked: Asked) -> Option<Lock> {
    match asked {
        Asked::Held(lock) => Some(lock),
        Asked::Busy(_) => None,
    }
}

#[test]
fn a_lock_is_held_once_and_names_its_holder() {
    let (_folder, locks, clock) = locks();
    let first = held(locks.ask("plan-a/b c", "plan a", &clock).expect("asked"));
    assert!(first.is_some());
    match locks.ask("plan-a/b c", "plan a", &clock).expect("asked") {
        Asked::Busy(Some(holder)) => {
            assert_eq!(
                (holder.pid, holder.purpose.as_str()),
                (std::process::id(), "plan a")
            );
        }
        other => panic!("{other:?}"),
    }
    drop(first);
    assert!(held(locks.ask("plan-a/b c", "plan a", &clock).expect("asked")).is_some());
}

/// A process that is gone: this one, had it begun a tick later.
fn gone() -> Witness {
    let words = Witness::own().expect("a system that tells").words();
    let mut parts: Vec<String> = words.split('-').map(str::to_owned).collect();
    let start: u64 = parts[1].parse().expect("a number");
    parts[1] = (start + 1).to_string();
    Witness::parse(&parts.join("-")).expect("a witness")
}

#[test]
fn a_process_is_dead_when_its_lock_is_free_and_it_is_not_there() {
    let (_folder, locks, clock) = locks();
    let (lock, name) = locks.process(&clock, Some(&gone())).expect("a lock");
    assert_eq!(locks.life(&name), Life::Alive, "its lock is held");
    drop(lock);
    assert_eq!(locks.life(&name), Life::Dead);
}

#[test]
fn a_process_that_is_there_is_alive_though_its_lock_was_taken_away() {
    let (_folder, locks, clock) = locks();
    let (lock, name) = locks.process(&clock, Witness::own().as_ref()).expect("a lock");
    fs::remove_dir_all(locks.folder()).expect("removed");
    assert_eq!(locks.life(&name), Life::Alive);
    fs::create_dir(locks.folder()).expect("a folder");
    fs::write(locks.path(&name), "").expect("a free lock");
    assert_eq!(locks.life(&name), Life::Alive);
    drop(lock);
}

#[test]
fn a_missing_lock_of_a_process_that_cannot_be_seen_proves_nothing() {
    let (_folder, locks, _clock) = locks();
    for name in ["run-1-1-0", "run-never", "run-1-0-4711-1-aa-bb"] {
        assert!(matches!(locks.life(name), Life::NotKnown(_)), "{name}");
        fs::create_dir_all(locks.folder()).expect("a folder");
        fs::write(locks.path(name), "").expect("a free lock");
        assert_eq!(locks.life(name), Life::Dead, "{name}");
    }
}

#[test]
fn one_history_has_one_set_of_locks_whatever_path_leads_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let link = folder.path().join("link.db");
    let elsewhere = folder.path().join("elsewhere");
    std::os::unix::fs::symlink("history.db", &link).expect("a link");
    std::os::unix::fs::symlink(".", &elsewhere).expect("a link");
    fs::write(&file, "").expect("a file");
    let locks = Locks::beside(&file);
    assert_eq!(Locks::beside(&link).folder(), locks.folder());
    assert_eq!(
        Locks::beside(&elsewhere.join("history.db")).folder(),
        locks.folder()
    );
    fs::remove_file(&file).expect("removed");
    assert_eq!(
        Locks::beside(&elsewhere.join("history.db")).folder(),
        locks.folder()
    );
}

#[test]
fn a_lock_that_leads_to_another_file_is_refused() {
    let (_folder, locks, clock) = locks();
    let first = held(locks.ask("first", "one", &clock).expect("asked"));
    drop(first);
    let (file, other) = (locks.path("first"), locks.path("other"));
    std::os::unix::fs::symlink(&file, &other).expect("a link");
    let error = locks.ask("other", "two", &clock).expect_err("a link");
    assert!(error.to_string().contains("is a symbolic link"), "{error}");
    fs::remove_file(&other).expect("removed");
    fs::hard_link(&file, &other).expect("a second name");
    let error = locks.ask("other", "two", &clock).expect_err("a second name");
    assert!(error.to_string().contains("second name"), "{error}");
}

#[test]
fn what_the_dead_left_is_removed_and_what_the_living_hold_is_not() {
    let (_folder, locks, clock) = locks();
    let (living, name) = locks.process(&clock, Some(&gone())).expect("a lock");
    let plan = held(locks.ask("plan-P", "plan P", &clock).expect("asked"));
    let left = |name: &str| fs::write(locks.folder().join(name), "").expect("a file");
    for name in [
        "run-1-2-0.lock",
        "run-1-2-0-PRE.json",
        &format!("{name}-PRE.json"),
    ] {
        left(name);
    }
    drop(plan);
    locks.forget_the_dead();
    assert_eq!(
        names_in(locks.folder()),
        [
            "plan-P.lock".to_owned(),
            format!("{name}-PRE.json"),
            format!("{name}.lock")
        ]
    );
    assert_eq!(locks.life(&name), Life::Alive);
    drop(living);
}

#[test]
fn a_lock_whose_file_was_taken_away_is_not_in_place() {
    let (_folder, locks, clock) = locks();
    let lock = held(locks.ask("run-1", "a run", &clock).expect("asked")).expect("a lock");
    assert!(lock.is_in_place());
    fs::remove_file(&lock.path).expect("removed");
    assert!(!lock.is_in_place());
    fs::write(&lock.path, "").expect("another file");
    assert!(!lock.is_in_place());
}

#[test]
fn two_names_never_share_a_lock() {
    let locks = Locks::beside(Path::new("/x/history.db"));
    let long = "ä".repeat(300);
    let names = ["a", "a/", "a%2F", "a b", "A", long.as_str(), &long[2..]];
    let mut paths: Vec<PathBuf> = names.iter().map(|name| locks.path(name)).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), names.len());
}

const UNWRITTEN: &str = "DPBACKUP_TEST_UNWRITTEN_LOCKS";

#[test]
fn a_lock_is_held_where_nothing_can_be_written_of_who_holds_it() {
    let name = "lock::tests::a_lock_is_held_where_nothing_can_be_written_of_who_holds_it";
    if let Some(history) = std::env::var_os(UNWRITTEN) {
        let (locks, clock) = (Locks::beside(Path::new(&history)), SystemClock::new());
        let first = held(locks.ask("plan-a", "plan a", &clock).expect("asked"));
        assert!(first.is_some());
        let second = locks.ask("plan-a", "plan a", &clock).expect("asked");
        assert!(matches!(second, Asked::Busy(None)), "{second:?}");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // No file may grow, as on a disk that is full.
    let child = std::process::Command::new("/bin/sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 0; exec \"$0\" --exact \"$1\" --test-threads=1 --nocapture",
        ])
        .arg(std::env::current_exe().expect("this program"))
        .arg(name)
        .env(UNWRITTEN, folder.path().join("history.db"))
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}
