//! What the fuzz targets in `fuzz/` begin with: real answers, archives and plan files.
//!
//! `DPBACKUP_FUZZ_SEEDS=fuzz/corpus cargo test --test it fuzz_seeds` writes them there.

use std::fs;
use std::io::{Cursor, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dpbackup::artifact::archive::{self, Expected, Limits};
use dpbackup::artifact::manifest_list::Manifest;
use dpbackup::soma::deadline::Deadline;
use dpbackup::soma::download::read_file;
use dpbackup::soma::reply::Answer;
use dpbackup::values::timeouts::RequestLimit;
use sha1::{Digest, Sha1};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

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
            &Deadline::after(RequestLimit::of_its_own(Duration::MAX), Arc::default()),
            &mut archive,
            &mut |_| {},
        )
        .is_ok()
        {
            seeds.push(("archive", format!("{name}.zip"), archive));
        }
    }
    seeds.extend(
        archives()
            .into_iter()
            .map(|(name, bytes)| ("archive", name.to_owned(), bytes)),
    );
    seeds.extend(
        manifests()
            .into_iter()
            .map(|(name, bytes)| ("manifest", name, bytes)),
    );
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans.example.toml");
    let example = fs::read_to_string(example).expect("the example");
    for (index, part) in example.split("\n\n").enumerate() {
        seeds.push(("plan", format!("part-{index}.toml"), part.as_bytes().to_vec()));
    }
    seeds.push(("plan", "example.toml".to_owned(), example.into_bytes()));
    seeds
}

/// A ZIP of these entries.
fn zip(entries: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    fill(&mut zip, entries, options);
    zip.finish().expect("a ZIP").into_inner()
}

fn fill<W: Write + Seek>(zip: &mut ZipWriter<W>, entries: &[(&str, &[u8])], options: SimpleFileOptions) {
    for (name, bytes) in entries {
        match name.strip_suffix('/') {
            Some(folder) => zip.add_directory(folder, options).expect("a folder"),
            None => {
                zip.start_file(*name, options).expect("an entry");
                zip.write_all(bytes).expect("written");
            }
        }
    }
}

/// Archives of every form that is accepted, and of those that are named or warned of.
fn archives() -> Vec<(&'static str, Vec<u8>)> {
    let export = |rows: &str, objects: &str| {
        format!(
            "<datapower-configuration version=\"3\"><export-details><domain>DOM1</domain></export-details>\
             <configuration domain=\"DOM1\">{objects}</configuration><files>{rows}</files>\
             </datapower-configuration>"
        )
    };
    let object = "<CryptoKey name=\"k\"><Filename>cert:///k.pem</Filename></CryptoKey>";
    let row =
        |name: &str, rest: &str| format!("<file name=\"local:///{name}\" src=\"local/{name}\" {rest}/>");
    let hash = format!("hash=\"{}\"", STANDARD.encode(Sha1::digest(b"a")));
    let rows = row("a", &hash) + &row("b", "missing=\"true\"") + &row("c", "key=\"true\"");
    let xml = export(&rows, object);
    let entries: [(&str, &[u8]); 3] = [("export.xml", xml.as_bytes()), ("local/", b""), ("local/a", b"a")];
    let plain = SimpleFileOptions::default();
    let stored = plain.compression_method(CompressionMethod::Stored);
    let alike = export(&(row("a", &hash) + &row("A", &hash)), object);
    let unicode = export(&row("ü", &hash), object);
    let outer = "<datapower-configuration version=\"3\"><export-details><domain>default</domain>\
                 </export-details><configuration><Domain name=\"DOM1\"/></configuration>\
                 <domains><domain name=\"DOM1\"/></domains></datapower-configuration>";
    let inner = zip(&entries, plain);
    let backup: [(&str, &[u8]); 2] = [("export.xml", outer.as_bytes()), ("DOM1.zip", &inner)];
    let mut streamed = ZipWriter::new_stream(Vec::new());
    for (name, bytes) in entries.iter().filter(|(name, _)| !name.ends_with('/')) {
        streamed.start_file(*name, plain).expect("an entry");
        streamed.write_all(bytes).expect("written");
    }
    let streamed = streamed.finish().expect("a ZIP").into_inner();
    vec![
        ("export.zip", inner.clone()),
        ("stored.zip", zip(&entries, stored)),
        ("wide.zip", zip(&entries, plain.large_file(true))),
        ("streamed.zip", streamed),
        ("backup.zip", zip(&backup, stored)),
        ("backup-deflated.zip", zip(&backup, plain)),
        (
            "files-alone.zip",
            zip(&[("export.xml", export("", "").as_bytes())], plain),
        ),
        (
            "alike.zip",
            zip(
                &[
                    ("export.xml", alike.as_bytes()),
                    ("local/a", b"a"),
                    ("local/A", b"a"),
                ],
                plain,
            ),
        ),
        (
            "unicode.zip",
            zip(&[("export.xml", unicode.as_bytes()), ("local/ü", b"a")], plain),
        ),
        ("in-zip.zip", zip(&[("export.zip", &inner)], plain)),
        ("in-folder.zip", zip(&[("x/export.xml", xml.as_bytes())], plain)),
        ("export.xml", xml.into_bytes()),
    ]
}

/// Manifests with checksums of every kind in every notation.
fn manifests() -> Vec<(String, Vec<u8>)> {
    let sha1 = Sha1::digest(b"a");
    let hex: Vec<String> = sha1.iter().map(|byte| format!("{byte:02x}")).collect();
    let forms = [
        hex.concat(),
        hex.join(":").to_uppercase(),
        format!("sha1:{}", hex.concat()),
        format!("{{SHA}}{}", STANDARD.encode(sha1)),
        format!("SHA-512={}", STANDARD.encode([7; 64])),
        "crc32:352441c2".to_owned(),
    ];
    let manifest = |checksum: &String| {
        format!(
            "<?xml version=\"1.0\"?>\n<secure-backup><backupmanifest><files><file><filename>a.tgz</filename>\
             <filesize>1</filesize><checksum type=\"SHA-1\">{checksum}</checksum></file><file>\
             <filename>backupmanifest.xml</filename></file></files></backupmanifest></secure-backup>"
        )
    };
    let bare = forms
        .iter()
        .map(|form| manifest(form).replace(" type=\"SHA-1\"", ""));
    let both = forms.iter().map(manifest).chain(bare).enumerate();
    both.map(|(index, text)| (format!("manifest-{index}.xml"), text.into_bytes()))
        .collect()
}

#[test]
fn the_seeds_of_the_fuzz_targets_are_what_they_should_be() {
    let seeds = seeds();
    let of = |target: &str| -> Vec<&Seed> { seeds.iter().filter(|seed| seed.0 == target).collect() };
    let answer = |seed: &Seed| {
        let text = String::from_utf8(seed.2.clone()).expect("UTF-8");
        Answer::new(
            text,
            Deadline::after(RequestLimit::of_its_own(Duration::MAX), Arc::default()),
        )
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
    assert_eq!((of("download").len(), of("archive").len()), (6, 4 + 12));
    let good = of("archive").into_iter().filter(|seed| {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&seed.2).expect("written");
        let folder = std::env::temp_dir();
        archive::verify(&file, &folder, &Expected::Any, &Limits::default()).is_ok()
    });
    let good: Vec<&str> = good.map(|seed| seed.1.as_str()).collect();
    assert_eq!(
        good,
        [
            "good.zip",
            "export.zip",
            "stored.zip",
            "wide.zip",
            "streamed.zip",
            "backup.zip",
            "backup-deflated.zip",
            "files-alone.zip",
            "alike.zip",
            "unicode.zip"
        ]
    );
    let read = of("manifest").into_iter().filter(|seed| {
        let text = String::from_utf8(seed.2.clone()).expect("UTF-8");
        Manifest::read(&text).is_ok()
    });
    // One says SHA-512 and SHA-1 at once.
    assert_eq!((read.count(), of("manifest").len()), (11, 12));
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
