//! The documents that must be true of the code, and the words of the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use dpbackup::plan::LoadError;
use dpbackup::plan::diagnostic::Style;
use syn::visit::{self, Visit};

use crate::source::{Source, shipped};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every page of the documents.
fn pages() -> Vec<PathBuf> {
    files_in(root().join("docs"), "md")
}

/// The files below a folder whose names end so.
fn files_in(folder: PathBuf, ending: &str) -> Vec<PathBuf> {
    let mut folders = vec![folder];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn every_room_is_on_the_map() {
    let map = fs::read_to_string(root().join("docs/architecture.md")).expect("the map");
    let rooms = map
        .split("## The rooms of `src`")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .expect("the part about the rooms");
    // The first column: what a room answers may name other rooms.
    let named: BTreeSet<&str> = rooms
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(|room| room.trim_end_matches('/').trim_end_matches(".rs"))
        .collect();
    let source = Source::read();
    let rooms: BTreeSet<&str> = source
        .modules()
        .filter_map(|module| module.path.first().map(String::as_str))
        .collect();
    assert_eq!(
        named, rooms,
        "the first column of the rooms in docs/architecture.md"
    );
}

#[test]
fn every_file_of_the_engine_is_on_the_map() {
    let map = fs::read_to_string(root().join("docs/architecture.md")).expect("the map");
    let of_engine = root().join("src/run");
    let mut files = files_in(of_engine.clone(), "rs");
    files.retain(|file| !file.ends_with("mod.rs") && !file.to_string_lossy().ends_with("tests.rs"));
    assert!(files.len() > 50, "files are found: {}", files.len());
    for file in files {
        let name = file.strip_prefix(&of_engine).expect("below it").display();
        assert!(
            map.contains(&format!("`{name}`")),
            "docs/architecture.md does not say what {name} answers"
        );
    }
}

#[test]
fn the_readme_names_the_two_commands_and_only_pages_that_exist() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    for command in ["    cargo run --example demo\n", "    cargo test\n"] {
        assert!(readme.contains(command), "{command}");
    }
    let beside = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root().join(name));
    for page in pages().into_iter().chain(beside) {
        let text = fs::read_to_string(&page).expect("text");
        check_links(&text, page.parent().expect("a folder"), &page);
    }
}

#[test]
fn what_is_promised_of_safety_names_tests_that_exist() {
    let page = fs::read_to_string(root().join("docs/security.md")).expect("the page");
    let tests: Vec<(PathBuf, String)> = [root().join("src"), root().join("tests/it")]
        .into_iter()
        .flat_map(|folder| files_in(folder, "rs"))
        .map(|path| (fs::read_to_string(&path).unwrap_or_default(), path))
        .filter(|(text, _)| {
            text.contains("#[test]") || text.contains("_tests.rs\"]") || text.contains("mod tests;")
        })
        .map(|(text, path)| (path, text))
        .collect();
    let (mut promises, mut names) = (0, 0);
    for line in page.lines() {
        let code = line.split('`').skip(1).step_by(2);
        let files: Vec<&str> = code
            .filter(|code| Path::new(code).extension().is_some_and(|ending| ending == "rs"))
            .collect();
        for file in &files {
            let mut named = tests.iter().filter(|(test, _)| test.ends_with(file));
            assert!(
                named.next().is_some(),
                "docs/security.md names {file}, in which there is no test: {line}"
            );
        }
        // A test may be named itself, by a sentence of four words or more.
        for test in line.split('`').skip(1).step_by(2) {
            let is_name = test.matches('_').count() >= 3
                && test
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            let stands = tests.iter().any(|(_, text)| {
                text.contains(&format!("    fn {test}(")) || text.contains(&format!("\nfn {test}("))
            });
            assert!(
                !is_name || stands,
                "docs/security.md names {test}, which is no test: {line}"
            );
            names += usize::from(is_name);
        }
        let is_row = line.starts_with("| ") && !line.contains("| tested by |");
        if is_row {
            promises += 1;
            assert!(
                !files.is_empty() || line.contains("`src/"),
                "no test is named for: {line}"
            );
        }
    }
    assert!(promises > 20, "{promises} promises with their tests");
    assert!(names > 20, "{names} tests are named");
}

#[test]
fn the_words_of_the_glossary_are_those_of_the_code() {
    let glossary = fs::read_to_string(root().join("docs/glossary.md")).expect("the glossary");
    let source = Source::read();
    let words: BTreeSet<&str> = source
        .modules()
        .flat_map(|module| module.words.iter().map(String::as_str))
        .collect();
    let terms: Vec<&str> = glossary
        .lines()
        .filter_map(|line| line.strip_prefix("| **")?.split("**").next())
        .collect();
    assert!(terms.len() > 30 && terms.is_sorted(), "{terms:?}");
    for term in terms {
        for word in term.split(' ') {
            assert!(words.contains(word), "the code does not say {word}");
        }
    }
    let given_up = glossary.split("\nGiven up: ").nth(1).expect("what was given up");
    let given_up: Vec<&str> = given_up.split('*').skip(1).step_by(2).collect();
    assert!(given_up.len() > 4, "{given_up:?}");
    for word in given_up {
        assert!(!words.contains(word), "{word} was given up, and the code says it");
    }
}

#[test]
fn the_workflow_of_the_forge_runs_what_is_here() {
    let workflow = fs::read_to_string(root().join(".github/workflows/ci.yml")).expect("the workflow");
    assert!(workflow.contains("run: .ci/run\n"), "{workflow}");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let oldest = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \"")?.split('"').next())
        .expect("a version");
    assert!(workflow.contains(&format!("rust:{oldest}-")), "{oldest}");
    let ci = fs::read_to_string(root().join(".ci/run")).expect("the script");
    let deny = ci
        .lines()
        .find_map(|line| line.strip_prefix("deny_version="))
        .expect("a version");
    assert!(
        workflow.contains(&format!("--version {deny} cargo-deny")),
        "{deny}"
    );
    let testing = fs::read_to_string(root().join("docs/testing.md")).expect("the page");
    let mutants = workflow
        .split(" cargo-mutants\n")
        .next()
        .and_then(|before| before.rsplit("--version ").next())
        .expect("a version");
    assert!(
        testing.contains(&format!("--version {mutants} cargo-mutants")),
        "{mutants}"
    );
}

/// One word, in one form, for whatever a machine does not let be tested: `.ci/run` counts it.
#[test]
fn what_is_not_tested_here_is_said_by_one_helper() {
    let word = ["NOT", "TESTED", "HERE"].join(" ");
    let said_in: Vec<PathBuf> = [root().join("src"), root().join("tests/it")]
        .into_iter()
        .flat_map(|folder| files_in(folder, "rs"))
        .filter(|file| {
            fs::read_to_string(file)
                .expect("text")
                .contains(&format!("\"{word}"))
        })
        .collect();
    let helpers = ["src/ownership.rs", "tests/it/support.rs"].map(|file| root().join(file));
    assert_eq!(BTreeSet::from_iter(said_in), BTreeSet::from(helpers));
    // Whatever of the scripts can leave something out is read at the end.
    let ci = fs::read_to_string(root().join(".ci/run")).expect("the script");
    let read = ci
        .split("cat target/{")
        .nth(1)
        .and_then(|rest| rest.split("}.log").next());
    let read: BTreeSet<&str> = read.expect("the logs").split(',').collect();
    for script in fs::read_dir(root().join(".ci")).expect("a folder") {
        let script = script.expect("an entry").path();
        let leaves_out = fs::read_to_string(&script).is_ok_and(|text| text.contains(&format!("{word}:")));
        let name = script.file_name().expect("a name").to_string_lossy().into_owned();
        let is_read = name == "run" || read.contains(name.as_str());
        assert!(
            is_read || !leaves_out,
            ".ci/run does not read what .ci/{name} leaves out"
        );
    }
    assert!(read.contains("tests") && read.contains("advisories"), "{read:?}");
}

fn check_links(text: &str, folder: &Path, page: &Path) {
    for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if link.contains("://") {
            continue;
        }
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = if file.is_empty() {
            page.to_owned()
        } else {
            folder.join(file)
        };
        assert!(target.exists(), "{}: {link} does not exist", page.display());
        if !anchor.is_empty() {
            let there = fs::read_to_string(&target).expect("text");
            let headings = there.lines().filter(|line| line.starts_with('#')).map(anchor_of);
            let mut headings = headings.chain(there.split("<a id=\"").skip(1).map(until_quote));
            assert!(
                headings.any(|heading| heading == anchor),
                "{}: {link} names a heading that is not there",
                page.display()
            );
        }
    }
}

fn until_quote(text: &str) -> String {
    text.split('"').next().unwrap_or_default().to_owned()
}

/// What a forge makes of a heading, so that a link can name it.
fn anchor_of(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().chars();
    kept.filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
        .map(|letter| {
            if letter == ' ' {
                '-'
            } else {
                letter.to_ascii_lowercase()
            }
        })
        .collect()
}

#[test]
fn the_exit_codes_of_the_documents_are_those_of_the_code() {
    let page = fs::read_to_string(root().join("docs/operations.md")).expect("the page");
    for (exit, meaning) in dpbackup::exit::Exit::ALL {
        if exit.code() < 100 {
            let row = format!("| {} | {meaning} |", exit.code());
            assert!(page.contains(&row), "{row}");
        } else {
            assert!(page.contains(&exit.code().to_string()), "{exit:?}");
        }
    }
}

#[test]
fn every_toml_block_in_the_documents_is_a_valid_plan_file() {
    let environment = |name: &str| (name == "HOME").then(|| "/home/operator".into());
    for page in pages() {
        let text = fs::read_to_string(&page).expect("text");
        for block in text
            .split("```toml\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next())
        {
            let folder = tempfile::tempdir().expect("a folder");
            // What an example includes.
            fs::create_dir(folder.path().join("devices.d")).expect("a folder");
            let file = folder.path().join("plans.toml");
            fs::write(&file, block).expect("a plan file");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("rights");
            match dpbackup::plan::load(&file, &environment) {
                Ok(_) => {}
                Err(LoadError::Invalid(found)) => {
                    panic!("{}:\n{}", page.display(), found.render(Style::Plain))
                }
                Err(error) => panic!("{}: {error}", page.display()),
            }
        }
    }
}

/// A file that is opened by its path may be a pipe, for whose other end one would wait for ever:
/// `ownership` has the openers that do not. What the kernel shows under `/proc` is none.
#[test]
fn files_are_opened_by_openers_that_wait_for_nobody() {
    const BY_PATH: [&str; 6] = [
        "File::open(",
        "File::options(",
        "File::create(",
        "fs::read(",
        "fs::read_to_string(",
        "fs::copy(",
    ];
    let mut looked_at = 0;
    for module in Source::read().modules() {
        let text = fs::read_to_string(&module.file).expect("a source file");
        let shipped = shipped(&text);
        // Files that hold tests, or serve them, are modules for tests alone.
        for line in shipped
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            let is_of_the_kernel = line.contains("/proc/") || line.contains("fs::read(MOUNTS)");
            // These flags are those that wait for nobody.
            let has_flags = line.contains(".custom_flags(flags)");
            let opens = BY_PATH.iter().any(|way| line.contains(way));
            assert!(
                !opens || is_of_the_kernel || has_flags,
                "{}: {line}",
                module.file.display()
            );
            looked_at += usize::from(opens);
        }
    }
    assert!(looked_at > 3, "those of the kernel are found: {looked_at}");
}

#[test]
fn libraries_are_used_where_the_map_says_and_nowhere_else() {
    let map = fs::read_to_string(root().join("docs/architecture.md")).expect("the map");
    let table = map
        .split("| library | where it is used |")
        .nth(1)
        .expect("a table");
    let in_code =
        |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let rows: Vec<(Vec<String>, Vec<String>)> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .map(|(libraries, places)| (in_code(libraries), in_code(places)))
        .collect();
    assert!(rows.len() > 10, "{rows:?}");
    let source = Source::read();
    let src = root().join("src");
    for (libraries, places) in rows {
        let mut used = BTreeSet::new();
        for module in source.modules() {
            let file = module
                .file
                .strip_prefix(&src)
                .expect("below it")
                .to_string_lossy();
            let text = shipped(&fs::read_to_string(&module.file).expect("a source file"));
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            if code
                .into_iter()
                .any(|line| libraries.iter().any(|library| names_library(line, library)))
            {
                let place = places.iter().find(|place| match place.strip_suffix('/') {
                    Some(room) => file.starts_with(&format!("{room}/")),
                    None => file == **place,
                });
                used.insert(
                    place
                        .unwrap_or_else(|| panic!("{file} uses {libraries:?}"))
                        .clone(),
                );
            }
        }
        assert_eq!(used, BTreeSet::from_iter(places), "{libraries:?}");
    }
}

/// Whether a line of code names a library by a path that begins there. A word alone is none: `toml` is an ending of files, too.
fn names_library(line: &str, library: &str) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(library).any(|(at, _)| {
        let begins = !line[..at].ends_with(|letter| is_name(letter) || letter == ':');
        let after = &line[at + library.len()..];
        begins && (after.starts_with("::") || library.contains("::") && !after.starts_with(is_name))
    })
}

#[test]
fn a_type_name_means_one_thing() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for module in Source::read().modules() {
        for name in &module.types {
            let place = module.file.display().to_string();
            places.entry(name.clone()).or_default().push(place);
        }
    }
    assert!(places.len() > 200, "types are found: {}", places.len());
    places.retain(|_, places| places.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}

/// Finds what has no doc of what others may name: types, functions, constants. A field or a variant says by its name
/// what it is, and has a line only where there is more to say.
#[derive(Default)]
struct Undocumented(Vec<String>);

impl Undocumented {
    fn look(&mut self, visibility: &syn::Visibility, attributes: &[syn::Attribute], name: &syn::Ident) {
        let is_seen = matches!(visibility, syn::Visibility::Public(_));
        if is_seen
            && !attributes
                .iter()
                .any(|attribute| attribute.path().is_ident("doc"))
        {
            self.0.push(name.to_string());
        }
    }
}

impl<'a> Visit<'a> for Undocumented {
    fn visit_item(&mut self, item: &'a syn::Item) {
        match item {
            syn::Item::Const(item) => self.look(&item.vis, &item.attrs, &item.ident),
            syn::Item::Enum(item) => self.look(&item.vis, &item.attrs, &item.ident),
            syn::Item::Fn(item) => self.look(&item.vis, &item.attrs, &item.sig.ident),
            syn::Item::Static(item) => self.look(&item.vis, &item.attrs, &item.ident),
            syn::Item::Struct(item) => self.look(&item.vis, &item.attrs, &item.ident),
            syn::Item::Trait(item) => self.look(&item.vis, &item.attrs, &item.ident),
            syn::Item::Type(item) => self.look(&item.vis, &item.attrs, &item.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, method: &'a syn::ImplItemFn) {
        self.look(&method.vis, &method.attrs, &method.sig.ident);
    }
}

#[test]
fn types_and_functions_that_others_see_say_what_they_are() {
    let mut missing = Vec::new();
    for module in Source::read().modules() {
        let text = fs::read_to_string(&module.file).expect("a source file");
        let file = syn::parse_file(&text).expect("it is Rust");
        let mut undocumented = Undocumented::default();
        if !file
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("doc"))
        {
            undocumented.0.push("the module".to_owned());
        }
        undocumented.visit_file(&file);
        let place = module.file.display();
        missing.extend(undocumented.0.iter().map(|name| format!("{place}: {name}")));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
