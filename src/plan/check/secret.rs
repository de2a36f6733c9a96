//! Where secrets come from, and other tables whose keys exclude each other.

use std::ops::Range;
use std::path::PathBuf;

use toml::de::DeValue;

use crate::plan::check::context::{Context, Readers};
use crate::plan::check::settings::path_text;
use crate::plan::diagnostic::Findings;
use crate::plan::keys::Key;
use crate::plan::section::{PlanSection, section};
use crate::plan::value::{At, Value};
use crate::secret::{SecretContext, SecretSource, is_credential_name};
use crate::values::environment::{Lookup, non_empty};
use crate::values::invocation::quoted;
use crate::values::odd_password::looks_like_a_reference;
use crate::values::written_path::variable_alone;

/// Where a password comes from; text is the password itself.
pub(super) fn password(
    key: &'static Key,
    value: &Value<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<SecretSource> {
    match value.get_ref() {
        DeValue::String(text) => plain_password(key, text, value, context, out),
        _ => secret_form(key, value, context, out),
    }
}

/// Where a secret comes from that is not written in the file.
pub(super) fn secret_form(
    key: &'static Key,
    value: &Value<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<SecretSource> {
    let form = section(key, value, out)?;
    let what = format!("a source of the {}", key.name);
    match only_form(&form, key.name, &what, out)? {
        "env" => form
            .text("env", out)
            .filter(|name| is_variable(name, context.env, out))
            .map(|name| SecretSource::Env(name.value)),
        "file" => {
            // Relative to the plan file too, but `SecretSource::resolve` sees to that.
            let file = form
                .text("file", out)
                .and_then(|file| path_text(file, context, out));
            let span = form.value_span("file").unwrap_or(form.span.clone());
            let file = file.map(|file| context.secret_from_here(SecretSource::File(PathBuf::from(file))))?;
            doubt_owners(&file, span, context, out);
            Some(file)
        }
        "command" => {
            let command = form.texts("command", out)?;
            let program = form.value("command", out).and_then(first_of)?;
            in_one_text(&command, &program, out);
            // The program is a path, or a name that is looked up as it stands.
            path_text(program, context, out)?;
            Some(context.secret_from_here(SecretSource::Command(command)))
        }
        _ => credential(&form, out),
    }
}

/// Doubts a file of a secret that is there, and will be refused for what others may do to it.
fn doubt_owners(source: &SecretSource, span: Range<usize>, context: &Context<'_>, out: &mut Findings<'_>) {
    let folder = context.path_of("");
    let place = SecretContext {
        folder: &folder,
        environment: context.env,
        variables: &|| Vec::new(),
        cancelled: &|| false,
    };
    if let Err(why) = source.owners(&place) {
        let help = why
            .advice()
            .unwrap_or_else(|| "put it into a file of your own".to_owned());
        out.doubt(
            span,
            &why.what(),
            "a secret that others can read or choose is not used",
            &help,
        );
    }
}

/// Doubts a program whose arguments stand in the same text: no shell takes it apart.
fn in_one_text(command: &[String], program: &At<String>, out: &mut Findings<'_>) {
    let words: Vec<String> = program
        .value
        .split_whitespace()
        .map(|word| format!("{word:?}"))
        .collect();
    if command.len() == 1 && words.len() > 1 && !program.value.starts_with('/') {
        out.doubt(
            program.span.clone(),
            "a program and its arguments stand in one text",
            "no shell takes it apart",
            &format!("write `command = [{}]`", words.join(", ")),
        );
    }
}

/// The first text of an array.
fn first_of(value: &Value<'_>) -> Option<At<String>> {
    let DeValue::Array(items) = value.get_ref() else {
        return None;
    };
    let first = items.first()?;
    let DeValue::String(text) = first.get_ref() else {
        return None;
    };
    let value = text.to_string();
    let span = first.span();
    Some(At { value, span })
}

const BETTER: &str = "better write where it comes from: { env = \"…\" }, { file = \"…\" }, { command = [\"…\"] } \
                      or { credential = \"…\" }";

/// A password in the file itself is accepted when nobody else can read the file.
fn plain_password(
    key: &'static Key,
    text: &str,
    value: &Value<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<SecretSource> {
    if text.is_empty() {
        out.error(
            value.span(),
            format!("`{}` is empty", key.name),
            "expected a source of the password",
        )
        .help(BETTER);
        return None;
    }
    match context.readers {
        Readers::Others => {
            let label = "others than the owner can read the plan file";
            let help = format!(
                "run `chmod 600 {}`; {BETTER}",
                quoted(&context.path.to_string_lossy())
            );
            out.error(
                value.span(),
                "a password stands in a file that others can read",
                label,
            )
            .help(help);
            None
        }
        Readers::OwnerOnly => {
            warn_of_plain(key, text, value, context, out);
            Some(SecretSource::Plain(text.into()))
        }
    }
}

/// What is said of a password that stands in the file, and of what may be none.
fn warn_of_plain(
    key: &'static Key,
    text: &str,
    value: &Value<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) {
    match variable_alone(text) {
        Some(name) => out
            .warning(
                value.span(),
                format!(
                    "`{}` looks like a variable, and is taken for the password itself",
                    key.name
                ),
                "no shell replaces it",
            )
            .help(match non_empty(context.env, name) {
                Some(_) => format!("write `{} = {{ env = {name:?} }}`", key.name),
                // Where there is no such variable, it may be a password after all.
                None => format!("write `{} = {{ env = \"…\" }}` with its bare name", key.name),
            }),
        None if looks_like_a_reference(text) => out
            .warning(
                value.span(),
                format!(
                    "`{}` looks like a place or a command for it, and is taken for the password itself",
                    key.name
                ),
                "nothing is read or run for this text",
            )
            .help(BETTER),
        None if text.contains(char::is_control) => out
            .warning(
                value.span(),
                format!("`{}` holds a control character", key.name),
                "a backslash begins an escape in double quotes",
            )
            .help(format!("in single quotes it is a letter: `{} = '…'`", key.name)),
        None => out
            .warning(
                value.span(),
                "a password stands in the plan file",
                "readable as it is",
            )
            .help(BETTER),
    };
}

fn credential(form: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<SecretSource> {
    let name = form.text("credential", out)?;
    if !is_credential_name(&name.value) {
        out.error(
            name.span,
            // Not quoted: it may be the secret itself, written in the wrong place.
            "this is not the name of a credential",
            "expected a plain name",
        )
        .help("write the name that LoadCredential= of systemd gives it, such as `credential = \"qa1\"`; a path stands behind `file`");
        return None;
    }
    Some(SecretSource::Credential(name.value))
}

/// Whether a variable can have this name.
fn is_variable(name: &At<String>, env: Lookup<'_>, out: &mut Findings<'_>) -> bool {
    let good = !name.value.contains(['=', '$', ' ', '%', '{', '}']);
    if !good {
        let bare = variable_alone(&name.value);
        let title = match bare {
            Some(_) => format!("{:?} is not the name of an environment variable", name.value),
            // It may be the secret itself, written in the wrong place.
            None => "this is not the name of an environment variable".to_owned(),
        };
        let finding = out.error(name.span.clone(), title, "expected the bare name");
        finding.help(match bare {
            Some(bare) => format!("write `env = {bare:?}`"),
            None => "write the name of the variable, such as `env = \"QA1_PASSWORD\"`, and put the password into it".to_owned(),
        });
    }
    let is_of_a_shell = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_settable =
        name.value.chars().all(is_of_a_shell) && !name.value.starts_with(|c: char| c.is_ascii_digit());
    if good && !is_settable && non_empty(env, &name.value).is_none() {
        out.doubt(
            name.span.clone(),
            "no shell can set a variable of this name",
            "it has letters, digits and `_`, and no digit first",
            // Not quoted: it may be the secret itself, written in the wrong place.
            "write `env = \"QA1_PASSWORD\"`, say, and call the variable so",
        );
    }
    good
}

/// The one key that is written, of a table whose keys exclude each other.
pub(super) fn only_form(
    section: &PlanSection<'_>,
    name: &str,
    what: &str,
    out: &mut Findings<'_>,
) -> Option<&'static str> {
    match section.written().as_slice() {
        [only] => Some(only),
        [] => {
            // An unknown key has its finding already.
            if section.is_empty() {
                out.error(
                    section.span.clone(),
                    format!("`{name}` is empty"),
                    format!("expected {what}"),
                )
                .help(match section.example() {
                    Some(example) => format!("write `{name} = {example}`"),
                    None => "leave it out".to_owned(),
                });
            }
            None
        }
        [first, second, ..] => {
            let span = |key| section.key_span(key).unwrap_or(section.span.clone());
            let label = format!("only one key is allowed in `{name}`");
            let also = (span(first), "this is the other");
            out.error(
                span(second),
                format!("`{first}` and `{second}` exclude each other"),
                label,
            )
            .also(also.0, also.1)
            .help(match section.written().as_slice() {
                ["pin_sha256", "verify"] | ["verify", "pin_sha256"] => {
                    "take `verify` out: this certificate is trusted then, and no other"
                }
                ["ca_file", "verify"] | ["verify", "ca_file"] => {
                    "take `verify` out: certificates that one of the file has signed are trusted then, and no others"
                }
                _ => "take one of them out",
            });
            None
        }
    }
}
