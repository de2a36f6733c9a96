//! What the fuzz targets in `fuzz/` begin with: real answers, archives and plan files.
//!
//! `DPBACKUP_FUZZ_SEEDS=fuzz/corpus cargo test --test it fuzz_seeds` writes them there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dpbackup::soma::deadline::Deadline;
use dpbackup::soma::download::read_file;
use dpbackup::soma::reply::Answer;

use crate::simulator::{Domain, Fault, FaultKind, Gateway, Setup};
use crate::soap_client::Client;

const BACKUP: &str = "<dp:do-backup format=\"ZIP\" persisted=\"true\"><dp:user-comment>seed</dp:user-comment>\
                      <dp:domain name=\"DOM1\"/></dp:do-backup>";

/// A seed: the target, its name, its bytes.
type Seed = (&'static str, String, Vec<u8>);

fn seeds() -> Vec<Seed> {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1")],
        internal_file_bytes: 200,
        ..Setup::default()
    });
    let client = Client::new(&gateway);
    let mut seeds: Vec<Seed> = Vec::new();
    for class in [
        "DomainStatus",
        "FilesystemStatus",
        "FirmwareVersion3",
        "NoSuchClass",
    ] {
        let answer = client.ask("default", &format!("<dp:get-status class=\"{class}\"/>"));
        seeds.push(("reply", class.to_owned(), answer.body.into_bytes()));
    }
    let answer = client.ask("default", "<dp:get-filestore location=\"temporary:\"/>");
    seeds.push(("reply", "filestore".to_owned(), answer.body.into_bytes()));
    for domain in ["DOM1", "NONE"] {
        let quiesce =
            format!("<dp:do-action><DomainUnquiesce><name>{domain}</name></DomainUnquiesce></dp:do-action>");
        let answer = client.ask("default", &quiesce);
        seeds.push(("reply", format!("unquiesce-{domain}"), answer.body.into_bytes()));
    }
    let kinds = [
        None,
        Some(FaultKind::CorruptBase64),
        Some(FaultKind::FileError),
        Some(FaultKind::BadCrc),
        Some(FaultKind::WrongHash),
        Some(FaultKind::MissingEntry),
    ];
    for kind in kinds {
        let name = kind.as_ref().map_or("good", FaultKind::name).to_owned();
        gateway.clear_faults();
        if let Some(kind) = kind {
            gateway.fail(Fault::every("do-backup", kind));
        }
        let answer = client.ask("default", BACKUP);
        let mut in_pieces = vec![7];
        in_pieces.extend_from_slice(answer.body.as_bytes());
        seeds.push(("download", name.clone(), in_pieces));
        let mut archive = Vec::new();
        if read_file(
            answer.body.as_bytes(),
            &Deadline::after(Duration::MAX, Arc::default()),
            &mut archive,
            &mut |_| {},
        )
        .is_ok()
        {
            seeds.push(("archive", format!("{name}.zip"), archive));
        }
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans.example.toml");
    let example = fs::read_to_string(example).expect("the example");
    for (index, part) in example.split("\n\n").enumerate() {
        seeds.push(("plan", format!("part-{index}.toml"), part.as_bytes().to_vec()));
    }
    seeds.push(("plan", "example.toml".to_owned(), example.into_bytes()));
    seeds
}

#[test]
fn the_seeds_of_the_fuzz_targets_are_what_they_should_be() {
    let seeds = seeds();
    let of = |target: &str| -> Vec<&Seed> { seeds.iter().filter(|seed| seed.0 == target).collect() };
    let answer = |seed: &Seed| {
        let text = String::from_utf8(seed.2.clone()).expect("UTF-8");
        Answer::new(text, Deadline::after(Duration::MAX, Arc::default()))
    };
    let read = of("reply")
        .into_iter()
        .filter(|seed| answer(seed).payload("status", |_| Ok(())).is_ok())
        .count();
    assert_eq!(read, 3, "three classes are known");
    assert_eq!(
        of("reply")
            .into_iter()
            .filter(|seed| answer(seed).ok().is_ok())
            .count(),
        1
    );
    assert_eq!((of("download").len(), of("archive").len()), (6, 4));
    assert!(of("plan").len() > 5);
    let targets: Vec<&str> = {
        let mut targets: Vec<&str> = seeds.iter().map(|seed| seed.0).collect();
        targets.dedup();
        targets
    };
    for target in targets {
        let path = format!("{}/fuzz/fuzz_targets/{target}.rs", env!("CARGO_MANIFEST_DIR"));
        assert!(Path::new(&path).is_file(), "{path}");
    }
    if let Some(folder) = std::env::var_os("DPBACKUP_FUZZ_SEEDS") {
        for (target, name, bytes) in &seeds {
            let folder = PathBuf::from(&folder).join(target);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(name), bytes).expect("a seed");
        }
    }
}
