use super::*;

const ROOT: Caller = Caller { user: 0 };
const SERVICE: Caller = Caller { user: 990 };
const STRANGER: u32 = 1001;

fn rights(owner: u32, mode: u32) -> Rights {
    Rights {
        owner,
        group: 2000,
        mode,
        kind: FileType::RegularFile,
        has_more_names: false,
        is_read_only: false,
    }
}

#[test]
fn what_is_believed_is_the_callers_or_roots_and_nobody_elses_to_write() {
    for caller in [ROOT, SERVICE] {
        for mode in [0o600, 0o640, 0o644, 0o755, 0o555] {
            assert_eq!(rights(0, mode).believed(caller), Ok(()), "{mode:o}");
            assert_eq!(rights(caller.user, mode).believed(caller), Ok(()), "{mode:o}");
            assert_eq!(
                rights(STRANGER, mode).believed(caller),
                Err(Objection::Owner(STRANGER))
            );
        }
        for (mode, bits) in [(0o660, 0o020), (0o602, 0o002), (0o666, 0o022)] {
            let objection = Err(Objection::Writable(bits, 2000));
            assert_eq!(rights(0, mode).believed(caller), objection, "{mode:o}");
            assert_eq!(rights(caller.user, mode).believed(caller), objection, "{mode:o}");
        }
    }
    assert_eq!(rights(0, 0o1777).believed(ROOT), Err(Objection::Shared));
    // The service user's file is not root's to believe: it may change under its hands.
    assert_eq!(rights(990, 0o600).believed(ROOT), Err(Objection::Owner(990)));
}

#[test]
fn what_is_mounted_read_only_has_no_writers() {
    let mounted = Rights {
        is_read_only: true,
        ..rights(0, 0o777)
    };
    assert_eq!(mounted.believed(SERVICE), Ok(()));
    let of_a_stranger = Rights {
        owner: STRANGER,
        ..mounted
    };
    assert_eq!(of_a_stranger.believed(SERVICE), Err(Objection::Owner(STRANGER)));
}

#[test]
fn a_sticky_folder_may_lead_to_what_is_believed_and_an_open_one_may_not() {
    assert_eq!(rights(0, 0o1777).on_the_way(SERVICE), Ok(()));
    assert_eq!(
        rights(0, 0o777).on_the_way(SERVICE),
        Err(Objection::Writable(0o022, 2000))
    );
    assert_eq!(
        rights(STRANGER, 0o1777).on_the_way(SERVICE),
        Err(Objection::Owner(STRANGER))
    );
}

#[test]
fn a_secret_is_read_by_its_owner_and_by_a_group_that_root_chose() {
    for (owner, mode) in [(990, 0o600), (990, 0o400), (0, 0o440), (0, 0o640), (0, 0o400)] {
        assert_eq!(
            rights(owner, mode).secret(SERVICE, Granted::Nobody),
            Ok(()),
            "{owner} {mode:o}"
        );
    }
    for (owner, mode, objection) in [
        (990, 0o640, Objection::Readable),
        (990, 0o604, Objection::Readable),
        (0, 0o444, Objection::ReadableByAll),
        (0, 0o604, Objection::ReadableByAll),
        (0, 0o460, Objection::Writable(0o020, 2000)),
        (990, 0o620, Objection::Writable(0o020, 2000)),
        (STRANGER, 0o600, Objection::Owner(STRANGER)),
    ] {
        assert_eq!(
            rights(owner, mode).secret(SERVICE, Granted::Nobody),
            Err(objection),
            "{owner} {mode:o}"
        );
    }
    assert_eq!(rights(990, 0o440).secret(SERVICE, Granted::GroupToo), Ok(()));
    assert!(rights(990, 0o444).secret(SERVICE, Granted::GroupToo).is_err());
}

#[test]
fn a_written_folder_is_the_callers_or_for_root_anybodys() {
    for kind in [WrittenKind::Store, WrittenKind::State] {
        for (caller, owner) in [(SERVICE, 990), (SERVICE, 0), (ROOT, 0), (ROOT, 990)] {
            let judged = rights(owner, 0o755).written_folder(caller, kind);
            match (kind, caller, owner) {
                // Into which the service cannot write either.
                (WrittenKind::State, SERVICE, 0) => assert_eq!(judged, Err(Objection::RootsFolder(990))),
                _ => assert_eq!(judged, Ok(None)),
            }
            for mode in [0o777, 0o702] {
                assert!(rights(owner, mode).written_folder(caller, kind).is_err());
            }
        }
        assert_eq!(
            rights(STRANGER, 0o700).written_folder(SERVICE, kind),
            Err(Objection::NotOurs(STRANGER, 990))
        );
    }
}

#[test]
fn a_group_may_write_to_a_store_and_to_a_volume_that_was_given_to_it() {
    let folder = |owner, mode, caller, kind| rights(owner, mode).written_folder(caller, kind);
    let (store, state) = (WrittenKind::Store, WrittenKind::State);
    for (owner, mode, kind) in [
        (0, 0o2775, store),
        (0, 0o775, store),
        (990, 0o770, store),
        (0, 0o2775, state),
    ] {
        assert_eq!(
            folder(owner, mode, SERVICE, kind),
            Ok(Some(Writers::Group(2000))),
            "{owner} {mode:o}"
        );
    }
    assert_eq!(folder(0, 0o1777, SERVICE, store), Ok(Some(Writers::Everybody)));
    assert_eq!(folder(0, 0o1777, SERVICE, state), Err(Objection::Shared));
    assert_eq!(folder(990, 0o1777, ROOT, store), Err(Objection::Shared));
    assert!(folder(990, 0o770, SERVICE, state).is_err());
    // Root works beside the service user, whose choice of a group is not root's.
    assert!(folder(990, 0o2775, ROOT, store).is_err());
    assert!(folder(0, 0o2777, SERVICE, store).is_err());
}

#[test]
fn a_written_file_is_the_callers_has_one_name_and_no_other_writer() {
    let file = |owner, mode, caller, folder: (u32, Option<u32>)| {
        rights(owner, mode).written_file(caller, folder.0, folder.1.map(Writers::Group))
    };
    assert_eq!(file(990, 0o600, SERVICE, (990, None)), Ok(()));
    assert_eq!(file(990, 0o600, ROOT, (990, None)), Ok(()));
    assert_eq!(file(0, 0o600, ROOT, (990, None)), Ok(()));
    assert_eq!(
        file(0, 0o600, SERVICE, (990, None)),
        Err(Objection::LeftByRoot(990))
    );
    assert_eq!(
        file(0, 0o600, SERVICE, (0, Some(2000))),
        Err(Objection::NotOurs(0, 990)),
        "it stands where the group could have put it"
    );
    assert_eq!(
        file(STRANGER, 0o600, ROOT, (990, None)),
        Err(Objection::NotOurs(STRANGER, 990))
    );
    assert!(file(990, 0o660, SERVICE, (990, None)).is_err());
    assert_eq!(file(990, 0o660, SERVICE, (0, Some(2000))), Ok(()));
    assert!(file(990, 0o660, SERVICE, (0, Some(2001))).is_err());
    assert!(file(990, 0o662, SERVICE, (0, Some(2000))).is_err());
    let twice = Rights {
        has_more_names: true,
        ..rights(990, 0o600)
    };
    assert_eq!(twice.written_file(SERVICE, 990, None), Err(Objection::SecondName));
    let of_root = Rights { owner: 0, ..twice };
    assert_eq!(
        of_root.written_file(SERVICE, 990, None),
        Err(Objection::NotOurs(0, 990)),
        "he could have put it there"
    );
}
