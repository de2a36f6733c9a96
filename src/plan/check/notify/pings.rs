//! Plans that ping one address: a service of pings would take one for the other.

use std::collections::HashMap;

use secrecy::ExposeSecret;

use crate::plan::diagnostic::Findings;
use crate::plan::value::At;
use crate::secret::SecretSource;
use crate::values::ping_address::{address_of, name_in_address, names_plan};

/// Refuses addresses in which plans cannot be told apart, though they have a place for the plan. What is fetched
/// only when it is used is taken to have one, and is warned of. `plans` are those that are enabled and ping.
pub(in crate::plan::check) fn find_shared_pings(
    plans: &[(At<String>, SecretSource)],
    out: &mut Findings<'_>,
) {
    let mut first_uses: HashMap<String, &At<String>> = HashMap::new();
    for (name, source) in plans {
        let address = match source {
            SecretSource::Plain(text) if !names_plan(text.expose_secret()) => continue,
            SecretSource::Plain(text) => Some(address_of(text.expose_secret(), &name.value)),
            _ => None,
        };
        let word = name_in_address(&name.value);
        let help = "the name of a plan stands there in small ASCII letters and digits, with `-` for all else: write a \
                    `ping_url` of its own, or another name";
        if word.is_empty() {
            let title = format!("nothing of {:?} is left in the address that it pings", name.value);
            let finding = match address {
                Some(_) => out.error(name.span.clone(), title, "`{plan}` is empty for this plan"),
                None => out.warning(name.span.clone(), title, "`{plan}` is empty for this plan"),
            };
            finding.help(help);
            continue;
        }
        let key = address.clone().unwrap_or(word);
        if let Some(first) = first_uses.get(&key) {
            let title = format!("{:?} and {:?} ping one address", first.value, name.value);
            let label = "that one of them does not run would be seen by nobody";
            let finding = match address {
                Some(_) => out.error(name.span.clone(), title, label),
                None => out.warning(name.span.clone(), title, label),
            };
            finding.also(first.span.clone(), "the first").help(help);
        } else {
            first_uses.insert(key, name);
        }
    }
}
