//! Secrets from everywhere, and what is refused.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use secrecy::ExposeSecret;
use std::ffi::OsString;

fn no_env(_: &str) -> Option<OsString> {
    None
}

fn resolve(source: &SecretSource, folder: &Path) -> Result<SecretString, SecretError> {
    source.resolve(&context(folder))
}

fn context(folder: &Path) -> SecretContext<'_> {
    SecretContext {
        folder,
        environment: &no_env,
        variables: &Vec::new,
        cancelled: &|| false,
    }
}

#[test]
fn a_command_whose_secret_is_not_wanted_any_more_is_ended_at_once() {
    let dir = folder();
    let source = shell("touch begun; exec sleep 600");
    let begun = dir.path().join("begun");
    let secret = source.resolve(&SecretContext {
        cancelled: &|| begun.exists(),
        ..context(dir.path())
    });
    let error = secret.expect_err("no secret");
    assert!(matches!(error, SecretError::Cancelled(_)), "{error}");
    // Also where it has ended, and something that it left behind holds its output.
    let source = shell("(touch begun-too; exec sleep 600) & exit 0");
    let begun = dir.path().join("begun-too");
    let secret = source.resolve(&SecretContext {
        cancelled: &|| begun.exists(),
        ..context(dir.path())
    });
    let error = secret.expect_err("no secret");
    assert!(matches!(error, SecretError::Cancelled(_)), "{error}");
}

#[test]
fn of_a_command_that_gave_its_secret_and_goes_on_it_is_not_said_that_it_gave_none() {
    let dir = folder();
    for script in ["echo s3cret; exec sleep 600", "echo s3cret; exec >&-; sleep 600"] {
        let SecretSource::Command(argv) = shell(script) else {
            panic!("a command");
        };
        let source = shell(script);
        let secret = source.run_command(&argv, &context(dir.path()), Duration::from_secs(1));
        let said = secret.expect_err("it did not end").to_string();
        assert!(
            said.starts_with("sh gave a secret, but did not end within 1 s"),
            "{said}"
        );
    }
}

#[test]
fn of_a_command_that_is_there_and_does_not_start_it_is_said_what_it_needs() {
    let dir = folder();
    for (name, text, words) in [
        (
            "absent",
            "#!/no/such/interpreter\necho s3cret\n",
            "/no/such/interpreter",
        ),
        ("bare", "echo s3cret\n", "no first line"),
    ] {
        // Written by a shell of its own: what this process has open for writing, another thread may hand to a program.
        let write = format!("printf '%s' '{text}' > {name} && chmod 700 {name}; echo written");
        assert_eq!(exposed(resolve(&shell(&write), dir.path())), "written");
        let source = SecretSource::Command(vec![format!("./{name}")]);
        let said = resolve(&source, dir.path())
            .expect_err("it does not start")
            .with_advice();
        assert!(
            said.contains(words) && said.contains("correct its first line"),
            "{said}"
        );
    }
}

#[test]
fn a_program_whose_interpreter_others_may_write_is_refused() {
    let dir = folder();
    let open = dir.path().join("sh");
    std::fs::copy("/bin/sh", &open).expect("a shell");
    let set = |mode| std::fs::set_permissions(&open, std::fs::Permissions::from_mode(mode)).expect("a mode");
    let shell = open.display().to_string();
    write(
        &dir.path().join("give"),
        format!("#!{shell}\necho s3cret\n").as_bytes(),
        0o700,
    );
    write(
        &dir.path().join("by-env"),
        format!("#!/usr/bin/env -S {shell} -e\n").as_bytes(),
        0o700,
    );
    for command in [
        vec!["./give"],
        vec!["/usr/bin/env", "A=b", &shell, "-c", "echo s3cret"],
        vec!["./by-env"],
    ] {
        let source = SecretSource::Command(command.iter().map(|word| (*word).to_owned()).collect());
        set(0o777);
        let error = resolve(&source, dir.path()).expect_err("it is refused");
        assert!(matches!(error, SecretError::Untrusted(_)), "{command:?}: {error}");
        assert!(source.owners(&context(dir.path())).is_err(), "{command:?}");
        set(0o755);
        assert!(source.owners(&context(dir.path())).is_ok(), "{command:?}");
    }
}

fn resolve_in(
    source: &SecretSource,
    folder: &Path,
    environment: Lookup<'_>,
) -> Result<SecretString, SecretError> {
    source.resolve(&SecretContext {
        environment,
        ..context(folder)
    })
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn write(path: &Path, text: &[u8], mode: u32) {
    std::fs::write(path, text).expect("write");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

fn shell(script: &str) -> SecretSource {
    SecretSource::Command(["sh", "-c", script].map(str::to_owned).to_vec())
}

fn exposed(secret: Result<SecretString, SecretError>) -> String {
    secret.expect("a secret").expose_secret().to_owned()
}

#[test]
fn an_environment_variable_must_be_set_and_not_empty() {
    let env = |name: &str| match name {
        "FULL" => Some(OsString::from("s3cret")),
        "OF_KUBERNETES" => Some(OsString::from("s3cret\n")),
        "OF_WINDOWS" => Some(OsString::from("\u{feff}s3cret\r\n")),
        "EMPTY" => Some(OsString::new()),
        "LINE_END" => Some(OsString::from("\n")),
        _ => None,
    };
    let resolve = |name: &str| resolve_in(&SecretSource::Env(name.to_owned()), Path::new(""), &env);
    for name in ["FULL", "OF_KUBERNETES", "OF_WINDOWS"] {
        assert_eq!(exposed(resolve(name)), "s3cret", "{name}");
    }
    for name in ["EMPTY", "ABSENT"] {
        let error = resolve(name).expect_err("not set").to_string();
        assert_eq!(
            error,
            format!("environment variable {name} is not set, or is empty")
        );
    }
    let error = resolve("LINE_END").expect_err("nothing in it").to_string();
    assert_eq!(error, "environment variable LINE_END gives an empty first line");
}

#[test]
fn every_source_gives_its_first_line_by_one_rule() {
    let dir = folder();
    let path = dir.path().join("password");
    for (text, secret) in [
        ("one\ntwo\n", "one"),
        ("one", "one"),
        ("one\r\n", "one"),
        ("\u{feff}one\r\n", "one"),
        (" with blanks \n", " with blanks "),
    ] {
        write(&path, text.as_bytes(), 0o600);
        let of_env = |name: &str| (name == "HERE").then(|| OsString::from(text));
        let of_systemd = |name: &str| (name == CREDENTIALS).then(|| dir.path().into());
        let file = SecretSource::File(PathBuf::from("password"));
        let command = SecretSource::Command(["cat", "password"].map(str::to_owned).to_vec());
        let env = SecretSource::Env("HERE".to_owned());
        let credential = SecretSource::Credential("password".to_owned());
        assert_eq!(exposed(resolve(&file, dir.path())), secret);
        assert_eq!(exposed(resolve(&command, dir.path())), secret);
        assert_eq!(exposed(resolve_in(&env, dir.path(), &of_env)), secret);
        assert_eq!(exposed(resolve_in(&credential, dir.path(), &of_systemd)), secret);
    }
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_way_out() {
    let dir = folder();
    let path = dir.path().join("password");
    for (mode, command) in [
        (0o604, "chmod "),
        (0o644, "chmod "),
        (0o660, "chmod g-w"),
        (0o606, "chmod o-w"),
    ] {
        write(&path, b"s3cret", mode);
        let error = resolve(&SecretSource::File(path.clone()), dir.path()).expect_err("exposed");
        assert!(matches!(error, SecretError::Untrusted(_)), "{error}");
        assert!(error.to_string().contains(command), "{mode:o}: {error}");
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}

#[test]
fn a_file_that_is_empty_binary_endless_or_absent_is_refused() {
    let dir = folder();
    let path = dir.path().join("password");
    let resolve = || resolve(&SecretSource::File(path.clone()), dir.path());
    assert!(matches!(resolve(), Err(SecretError::Unreadable { .. })));
    for (text, expected) in [
        (b"\nsecond".to_vec(), NoLine::Empty),
        (b"caf\xe9".to_vec(), NoLine::NotText),
        (b"\xff\xfes\0".to_vec(), NoLine::Utf16),
        (vec![b'x'; 65 * 1024], NoLine::TooLong),
    ] {
        write(&path, &text, 0o600);
        let found = resolve().expect_err("no secret");
        assert!(
            matches!(found, SecretError::NoLine { what, .. } if what == expected),
            "{found}"
        );
    }
    let directory = super::tests::resolve(&SecretSource::File(dir.path().to_owned()), dir.path());
    assert!(directory.is_err_and(|error| error.to_string().contains("is not a regular file")));
}

#[test]
fn a_command_gives_the_first_line_that_it_prints() {
    let dir = folder();
    assert_eq!(exposed(resolve(&shell("echo one; echo two"), dir.path())), "one");
    let much = "echo one; head -c 1000000 /dev/zero";
    assert_eq!(exposed(resolve(&shell(much), dir.path())), "one");
    let fed = "read line; echo \"<$line>\"";
    assert_eq!(
        exposed(resolve(&shell(fed), dir.path())),
        "<>",
        "nothing on its input"
    );
}

#[test]
fn a_command_runs_without_a_shell_in_the_folder_of_the_plan_file() {
    let dir = folder();
    // Written by a child: a file that this process has open for writing could be inherited
    // by what another test starts at this moment, and could then not be executed.
    let program = r#"printf '#!/bin/sh\necho "$1"\n' > get && chmod 700 get; echo written"#;
    assert_eq!(exposed(resolve(&shell(program), dir.path())), "written");
    let source = SecretSource::Command(vec!["./get".into(), "$HOME; *".into()]);
    assert_eq!(exposed(resolve(&source, dir.path())), "$HOME; *");
}

#[test]
fn what_an_included_file_says_starts_in_the_folder_of_that_file() {
    let (plan, included) = (folder(), folder());
    write(&included.path().join("of-file"), b"of a file\n", 0o600);
    write(
        &included.path().join("give"),
        b"#!/bin/sh\nbasename \"$PWD\"\n",
        0o700,
    );
    let within = |source| SecretSource::Within {
        folder: included.path().to_owned(),
        source: Box::new(source),
    };
    let file = within(SecretSource::File("of-file".into()));
    assert_eq!(exposed(resolve(&file, plan.path())), "of a file");
    let of_file = included.path().join("of-file");
    assert_eq!(file.describe(), format!("file {}", of_file.display()));
    assert_eq!(file.variable(), None);
    let command = within(SecretSource::Command(vec!["./give".to_owned()]));
    let name = included.path().file_name().expect("a name").to_string_lossy();
    assert_eq!(exposed(resolve(&command, plan.path())), name);
    assert_eq!(command.describe(), "command ./give");

    // Whose they are is asked of the same files.
    assert!(file.owners(&context(plan.path())).is_ok());
    write(&of_file, b"of a file\n", 0o644);
    assert!(file.owners(&context(plan.path())).is_err());
    assert!(resolve(&file, plan.path()).is_err());
    assert_eq!(
        within(SecretSource::Env("NAME".to_owned())).variable(),
        Some("NAME")
    );
}

#[test]
fn a_command_sees_no_variable_that_holds_another_secret() {
    let dir = folder();
    // Variables that cargo sets for every test stand for those of passwords.
    let source = shell("echo \"<$CARGO_PKG_NAME>$CARGO_PKG_VERSION\"");
    let secret = source.resolve(&SecretContext {
        variables: &|| vec!["CARGO_PKG_NAME".to_owned()],
        ..context(dir.path())
    });
    assert_eq!(exposed(secret), format!("<>{}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_command_that_others_could_have_written_is_not_run() {
    let dir = folder();
    let program = "printf '#!/bin/sh\\necho s3cret\\n' > get && chmod 777 get; echo written";
    assert_eq!(exposed(resolve(&shell(program), dir.path())), "written");
    let source = SecretSource::Command(vec!["./get".into()]);
    let error = resolve(&source, dir.path()).expect_err("others may write it");
    assert!(error.to_string().contains("chmod go-w"), "{error}");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).expect("a mode");
    std::fs::set_permissions(dir.path().join("get"), std::fs::Permissions::from_mode(0o700)).expect("a mode");
    let error = resolve(&source, dir.path()).expect_err("others may replace it");
    assert!(error.to_string().contains("chmod go-w"), "{error}");
}

#[test]
fn a_script_that_others_could_have_written_is_given_to_no_interpreter() {
    let dir = folder();
    let script = dir.path().join("give");
    write(&script, b"touch ran\necho s3cret\n", 0o600);
    let source = SecretSource::Command(["/bin/sh", "-u", "give"].map(str::to_owned).to_vec());
    // It is read, and need not be executable.
    assert_eq!(exposed(resolve(&source, dir.path())), "s3cret");
    std::fs::remove_file(dir.path().join("ran")).expect("it ran");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o666)).expect("a mode");
    let error = resolve(&source, dir.path()).expect_err("others may write it");
    let command = format!("chmod go-w {}", script.display());
    assert!(error.to_string().contains(&command), "{error}");
    let told = source.owners(&context(dir.path())).expect_err("check tells it");
    assert_eq!(told.to_string(), error.to_string());
    assert!(!dir.path().join("ran").exists(), "it was run");
}

#[test]
fn a_command_that_is_found_by_its_name_alone_is_asked_whose_it_is_too() {
    let dir = folder();
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).expect("a folder");
    let program = bin.join("get");
    write(&program, b"#!/bin/sh\ntouch ran\necho s3cret\n", 0o700);
    let path = |name: &str| (name == "PATH").then(|| OsString::from(format!("{}:/bin", bin.display())));
    let source = SecretSource::Command(vec!["get".to_owned()]);
    assert_eq!(exposed(resolve_in(&source, dir.path(), &path)), "s3cret");
    std::fs::remove_file(dir.path().join("ran")).expect("it ran");
    let context = SecretContext {
        environment: &path,
        ..context(dir.path())
    };
    for open in [&program, &bin] {
        let set =
            |mode| std::fs::set_permissions(open, std::fs::Permissions::from_mode(mode)).expect("a mode");
        set(0o777);
        let error = source.resolve(&context).expect_err("others may write it");
        let command = format!("chmod go-w {}", open.display());
        assert!(error.to_string().contains(&command), "{error}");
        let told = source.owners(&context).expect_err("check tells it");
        assert_eq!(told.to_string(), error.to_string());
        assert!(!dir.path().join("ran").exists(), "it was run");
        set(0o755);
    }
}

#[test]
fn a_failing_command_is_named_but_its_output_is_not() {
    let dir = folder();
    let error = resolve(&shell("echo s3cret; echo s3cret >&2; exit 3"), dir.path()).expect_err("3");
    assert_eq!(error.to_string(), "sh ended with exit code 3");
    assert!(
        error.with_advice().contains("run it by hand"),
        "{}",
        error.with_advice()
    );
    assert!(!format!("{error:?}").contains("s3cret"));
    let absent = SecretSource::Command(vec!["/no/such/program".into()]);
    assert!(matches!(
        resolve(&absent, dir.path()),
        Err(SecretError::CannotRun { .. })
    ));
    assert!(matches!(
        resolve(&shell("true"), dir.path()),
        Err(SecretError::NoLine { .. })
    ));
}

#[test]
fn a_command_that_does_not_end_is_killed_with_all_that_it_started() {
    let dir = folder();
    let limit = Duration::from_millis(300);
    for script in [
        "sleep 60 & echo $! > pid; wait",
        // Ends well itself, but leaves its output open and prints no line.
        "sleep 60 & echo $! > pid",
    ] {
        let SecretSource::Command(argv) = shell(script) else {
            unreachable!("a command")
        };
        let error = shell(script)
            .run_command(&argv, &context(dir.path()), limit)
            .expect_err("too slow");
        assert!(matches!(error, SecretError::TimedOut { .. }), "{error}");
        let pid = std::fs::read_to_string(dir.path().join("pid")).expect("pid");
        let stat = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
        let gone = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "))
        });
        assert!(gone, "{script}");
    }
}

#[test]
fn a_credential_is_a_file_that_systemd_provides() {
    let dir = folder();
    write(&dir.path().join("qa1"), b"s3cret\n", 0o440);
    let path = dir.path().as_os_str().to_owned();
    let env = move |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| path.clone());
    let of_systemd = |name: &str| resolve_in(&SecretSource::Credential(name.to_owned()), Path::new(""), &env);
    assert_eq!(exposed(of_systemd("qa1")), "s3cret");
    assert!(matches!(
        of_systemd("absent"),
        Err(SecretError::NoCredential { .. })
    ));
    for name in ["", ".", "..", "../qa1", "/etc/shadow"] {
        assert!(
            matches!(of_systemd(name), Err(SecretError::BadCredentialName(_))),
            "{name}"
        );
    }
    let outside = resolve(&SecretSource::Credential("qa1".into()), Path::new(""));
    assert!(matches!(outside, Err(SecretError::NoCredentials(_))));
}

#[test]
fn the_source_is_described_without_its_secret() {
    let plain = SecretSource::Plain("s3cret".into());
    let command = SecretSource::Command(vec!["vault".into(), "s3cret".into()]);
    assert_eq!(exposed(resolve(&plain, Path::new(""))), "s3cret");
    for (source, words) in [
        (plain, "the plan file"),
        (
            SecretSource::Env("QA1_PASSWORD".into()),
            "environment variable QA1_PASSWORD",
        ),
        (SecretSource::File("qa1.txt".into()), "file qa1.txt"),
        (command, "command vault"),
        (SecretSource::Credential("qa1".into()), "credential qa1"),
    ] {
        assert_eq!(source.describe(), words);
        assert_eq!(format!("{source:?}"), format!("SecretSource({words})"));
    }
}

#[test]
fn in_a_folder_that_a_group_may_read_root_makes_a_file_that_it_may_read() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    // Nobody else may give a folder to a group that he is not in.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = folder();
    let secret = dir.path().join("qa1.password");
    let made = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(dir.path(), mode).expect("rights");
        making_command(&secret)
    };
    chown(dir.path(), None, Some(4001)).expect("a group");
    assert!(
        made(0o750).starts_with("install -m 640 -g 4001 "),
        "{}",
        made(0o750)
    );
    assert!(made(0o700).starts_with("install -m 600 "), "{}", made(0o700));
}

#[test]
fn whatever_is_missing_has_its_cause_and_its_next_step() {
    let dir = folder();
    let here = |name: &str| dir.path().join(name);
    let of_systemd = |name: &str| (name == CREDENTIALS).then(|| dir.path().into());
    let said = |source: SecretSource| {
        let error = resolve_in(&source, dir.path(), &of_systemd).expect_err("nothing there");
        error.with_advice()
    };
    write(&here("empty"), b"\n", 0o600);
    write(&here("plain"), b"#!/bin/sh\n", 0o600);
    let command = |name: &str| SecretSource::Command(vec![name.to_owned()]);
    let file = |name: &str| SecretSource::File(PathBuf::from(name));
    let whole = here("absent").to_string_lossy().into_owned();
    for (source, cause, step) in [
        (
            file("absent"),
            "No such file or directory",
            format!("`install -m 600 /dev/null {whole}`"),
        ),
        (
            file("no/absent"),
            "No such file or directory",
            "is not there either".to_owned(),
        ),
        (
            file("empty"),
            "gives an empty first line",
            "the secret is the first line".to_owned(),
        ),
        (
            SecretSource::Env("ABSENT".to_owned()),
            "ABSENT is not set",
            "sudo and cron".to_owned(),
        ),
        (
            command("no-such-program-at-all"),
            "No such file or directory",
            "$PATH".to_owned(),
        ),
        (
            command("./absent"),
            "No such file or directory",
            "a relative one starts".to_owned(),
        ),
        (
            command("./plain"),
            "Permission denied",
            "`ls -l ./plain`".to_owned(),
        ),
        (
            SecretSource::Credential("qa1".to_owned()),
            "credential qa1 is not there",
            "`LoadCredential=qa1:FILE`".to_owned(),
        ),
    ] {
        let words = said(source);
        assert!(words.contains(cause) && words.contains(&step), "{words}");
    }
    let without = resolve(&SecretSource::Credential("qa1".to_owned()), dir.path()).expect_err("no systemd");
    assert!(
        without.with_advice().contains("`systemctl start"),
        "{}",
        without.with_advice()
    );
}
