//! Which files a command executes, by its words.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::values::environment::{Lookup, non_empty};

/// Where the system looks where `$PATH` is not set.
const USUAL_PATH: &str = "/bin:/usr/bin";

/// The file that is executed for `name`: a path starts in `folder`, and a bare name is looked up in
/// `$PATH`, as the system does it. It is found before it is started, so that whose it is can be asked
/// of the very file that is executed.
///
/// # Errors
///
/// No folder has a program of that name.
pub fn file_of(name: &str, folder: &Path, environment: Lookup<'_>) -> io::Result<PathBuf> {
    if name.contains('/') {
        return Ok(folder.join(name));
    }
    let path = non_empty(environment, "PATH").unwrap_or_else(|| OsString::from(USUAL_PATH));
    let mut why = Errno::NOENT;
    for place in std::env::split_paths(&path) {
        // An empty or a relative one starts where the command runs.
        let file = folder.join(place).join(name);
        match std::fs::metadata(&file) {
            Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => return Ok(file),
            Ok(found) if found.is_file() => why = Errno::ACCESS,
            _ => {}
        }
    }
    Err(why.into())
}

/// Programs that execute a file that is named to them, by the beginnings of their names: a version may
/// follow.
const INTERPRETERS: [&str; 9] = [
    "sh", "bash", "dash", "ksh", "zsh", "python", "perl", "ruby", "node",
];

/// Options of these programs behind which stands what they execute, or the name of a module.
const INLINE: [&str; 8] = ["-c", "-e", "-E", "-m", "-p", "--eval", "--print", "--command"];

/// The script that a program executes, where it is known to execute one: the first of its arguments
/// that is no option and a file, as seen from the folder in which it runs.
pub(super) fn script_of(program: &Path, arguments: &[String], folder: &Path) -> Option<PathBuf> {
    let name = program.file_name()?.to_str()?;
    let is_interpreter = |begin: &&&str| {
        let version = name.strip_prefix(**begin);
        version.is_some_and(|version| {
            version
                .chars()
                .all(|c| c.is_ascii_digit() || c == '.' || c == '-')
        })
    };
    INTERPRETERS.iter().find(is_interpreter)?;
    for argument in arguments {
        let is_option = argument.starts_with('-') && argument.len() > 1;
        // `sh -euc TEXT`: the letters of a shell's options may stand together.
        let is_inline = is_option && !argument.starts_with("--") && argument.ends_with('c');
        if is_inline || INLINE.contains(&argument.as_str()) {
            return None;
        }
        let file = folder.join(argument);
        // What belongs to an option (`-o pipefail`) is no file.
        if !is_option && file.is_file() {
            return Some(file);
        }
    }
    None
}

/// What the first line of a script names: its interpreter, and the words behind it. The kernel makes one word of
/// them, which `env -S` takes apart again; a shell could not make anything of more than one.
pub(super) fn first_line(start: &[u8]) -> Option<(PathBuf, Vec<String>)> {
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_whitespace().map(str::to_owned);
    Some((PathBuf::from(words.next()?), words.collect()))
}

/// The file that `env` executes, found as `env` finds it, and the words behind it.
pub(super) fn behind_env(
    program: &Path,
    arguments: &[String],
    folder: &Path,
    environment: Lookup<'_>,
) -> Option<(PathBuf, Vec<String>)> {
    if program.file_name()? != "env" {
        return None;
    }
    let mut words: VecDeque<String> = arguments.iter().cloned().collect();
    let (mut folder, mut path) = (folder.to_owned(), environment("PATH"));
    while let Some(word) = words.pop_front() {
        match EnvWord::of(&word) {
            EnvWord::Flags(flags) => {
                if flags.is_empty() || flags.contains('i') {
                    path = None;
                }
            }
            EnvWord::Valued(option, value) => {
                let value = value.map_or_else(|| words.pop_front(), |value| Some(value.to_owned()))?;
                match option {
                    "S" | "split-string" => {
                        let split = value
                            .split_whitespace()
                            .map(|word| word.trim_matches(['"', '\'']));
                        split.rev().for_each(|word| words.push_front(word.to_owned()));
                    }
                    "C" | "chdir" => folder.push(value),
                    // Of a variable that is taken away, or another name for the program.
                    _ => {}
                }
            }
            EnvWord::Variable("PATH", value) => path = Some(value.into()),
            EnvWord::Variable(..) => {}
            EnvWord::Command => {
                let file = file_of(&word, &folder, &|_| path.clone()).ok()?;
                return Some((file, words.into()));
            }
        }
    }
    None
}

/// A word in front of what `env` executes, or that itself.
enum EnvWord<'w> {
    /// The letters of options without a value; none for a lone `-`, which is `-i`.
    Flags(&'w str),
    /// An option with its value, where that does not stand in the next word.
    Valued(&'w str, Option<&'w str>),
    Variable(&'w str, &'w str),
    Command,
}

impl<'w> EnvWord<'w> {
    fn of(word: &'w str) -> Self {
        const VALUED: [&str; 4] = ["split-string", "chdir", "unset", "argv0"];
        if let Some(long) = word.strip_prefix("--") {
            return match long.split_once('=') {
                Some((option, value)) => Self::Valued(option, Some(value)),
                None if VALUED.contains(&long) => Self::Valued(long, None),
                None if long == "ignore-environment" => Self::Flags("i"),
                // `--` alone only ends the options.
                None => Self::Flags("-"),
            };
        }
        match (word.strip_prefix('-'), word.split_once('=')) {
            (Some(short), _) => match short.find(['S', 'C', 'u', 'a']) {
                Some(at) => {
                    let (option, value) = short.split_at(at).1.split_at(1);
                    Self::Valued(option, Some(value).filter(|value| !value.is_empty()))
                }
                None => Self::Flags(short),
            },
            (None, Some((name, value))) => Self::Variable(name, value),
            (None, None) => Self::Command,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_env_executes_is_its_first_word_that_is_neither_option_nor_variable_found_as_env_finds_it() {
        let ground = tempfile::tempdir().expect("a folder");
        let folder = ground.path();
        for name in ["bin/odd-interpreter", "other/odd-interpreter"] {
            let file = folder.join(name);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::fs::write(&file, "#!/bin/sh\n").expect("a program");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("its mode");
        }
        let path = |name: &str| (name == "PATH").then(|| "bin:/bin:/usr/bin".into());
        let behind = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let (file, rest) = behind_env(Path::new("/usr/bin/env"), &words, folder, &path)?;
            let file = file.strip_prefix(folder).unwrap_or(&file);
            Some(format!("{} {}", file.display(), rest.join(" ")))
        };
        let odd = "odd-interpreter";
        for (words, found) in [
            (&["/w/sh", "give"][..], "/w/sh give"),
            (&["-i", "A=/x", "/w/sh", "give"], "/w/sh give"),
            (&[odd], "bin/odd-interpreter "),
            (&["-u", "HOME", "A=b", odd, "x"], "bin/odd-interpreter x"),
            (&["-S", "odd-interpreter -e", "x"], "bin/odd-interpreter -e x"),
            (&["-vSodd-interpreter"], "bin/odd-interpreter "),
            (&["--split-string=A=b 'odd-interpreter'"], "bin/odd-interpreter "),
            (&["PATH=other", odd], "other/odd-interpreter "),
            (&["--", odd], "bin/odd-interpreter "),
            (&["-C", "other", "./odd-interpreter"], "other/./odd-interpreter "),
        ] {
            assert_eq!(behind(words).as_deref(), Some(found), "{words:?}");
        }
        for words in [&["-i", odd][..], &["-", odd], &["no-such-program"], &["-u"], &[]] {
            assert_eq!(behind(words), None, "{words:?}");
        }
        let other = behind_env(Path::new("/bin/sh"), &[odd.to_owned()], folder, &path);
        assert_eq!(other, None);
    }

    #[test]
    fn the_script_of_an_interpreter_is_its_first_argument_that_is_a_file() {
        let ground = tempfile::tempdir().expect("a folder");
        let folder = ground.path();
        for name in ["give.sh", "-c", "other"] {
            std::fs::write(folder.join(name), "echo x\n").expect("a file");
        }
        let script = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            script_of(Path::new(&words[0]), &words[1..], folder)
        };
        let whole = folder.join("give.sh");
        for line in [
            "/bin/sh give.sh",
            "/bin/bash -eu give.sh other",
            "/usr/bin/bash -o pipefail -- give.sh",
            "/usr/bin/python3.13 -I give.sh",
            "/usr/bin/perl ./give.sh",
            &format!("/usr/bin/node {}", whole.display()),
        ] {
            let found = script(line).unwrap_or_else(|| panic!("none: {line}"));
            assert!(found.ends_with("give.sh"), "{line}: {}", found.display());
        }
        for line in [
            "/bin/sh -c give.sh",
            "/bin/sh -euc give.sh",
            "/usr/bin/python3 -m give.sh",
            "/usr/bin/perl -e give.sh",
            "/bin/sh not-there",
            "/bin/sh",
            "/usr/bin/show give.sh",
            "/usr/bin/pass give.sh",
            "/usr/bin/shasum give.sh",
        ] {
            assert_eq!(script(line), None, "{line}");
        }
    }

    #[test]
    fn a_bare_name_is_the_first_program_of_that_name_and_a_path_starts_in_the_folder() {
        let ground = tempfile::tempdir().expect("a folder");
        let folder = ground.path();
        let write = |path: &str, mode: u32| {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(&path, "#!/bin/sh\n").expect("a program");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
            path
        };
        write("plain/give", 0o600);
        std::fs::create_dir_all(folder.join("folder/give")).expect("a folder of its name");
        let program = write("bin/give", 0o700);
        write("later/give", 0o700);
        let path = format!("/not/there:plain:folder:{}:later", folder.join("bin").display());
        let found = |path: Option<&str>, name| {
            let path = path.map(OsString::from);
            file_of(name, folder, &move |_| path.clone())
        };
        assert_eq!(found(Some(&path), "give").expect("a program"), program);
        assert_eq!(
            found(Some(":bin"), "give").expect("relative"),
            folder.join("bin/give")
        );
        assert_eq!(
            found(Some(&path), "./give").expect("a path"),
            folder.join("./give")
        );
        for unset in [None, Some("")] {
            let found = found(unset, "sh").expect("the shell");
            assert!(found.ends_with("bin/sh"), "{}", found.display());
        }
        let why = |path| found(Some(path), "give").expect_err("no program").kind();
        assert_eq!(why("plain"), io::ErrorKind::PermissionDenied);
        assert_eq!(why("folder:/not/there"), io::ErrorKind::NotFound);
    }
}
