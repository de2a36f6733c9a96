//! What is said where the certificate of a secure backup is not on the device: which ones are.

use crate::gateway::Gateway;
use crate::values::first_few::first_few;
use crate::values::nearest::nearest;

/// So many names are told.
const LISTED: usize = 10;

/// What a plan's certificate could have been, in a sentence with the next step.
pub(super) fn instead_of(gateway: &Gateway<'_>, name: &str) -> String {
    match gateway.certificate_names() {
        Ok(names) => advice(name, &names),
        Err(error) => format!(
            "create it there, or correct `certificate`; which ones there are the device did not tell: {}",
            error.message
        ),
    }
}

fn advice(name: &str, names: &[String]) -> String {
    let Some(first) = names.first() else {
        return "the account sees none there; create it, or give the account */default/crypto/cert?Access=r to see them"
            .to_owned();
    };
    let listed = first_few(names, LISTED);
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean '{near}'? There are (upper and lower case differ): {listed}"),
        None if names.len() == 1 => {
            format!("there is only '{first}': correct `certificate` in the plan, or create the other one")
        }
        None => format!(
            "correct `certificate` in the plan, or create it there; there are (upper and lower case differ): {listed}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::advice;

    fn of(names: &[&str]) -> String {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        advice("backup-cert", &names)
    }

    #[test]
    fn the_nearest_certificate_comes_first_and_then_those_that_are_there() {
        assert_eq!(
            of(&["web", "Backup-Cert", "backup"]),
            "did you mean 'Backup-Cert'? There are (upper and lower case differ): web, Backup-Cert, backup"
        );
        assert!(of(&[]).contains("sees none there"), "{}", of(&[]));
        assert!(
            of(&["web"]).starts_with("there is only 'web'"),
            "{}",
            of(&["web"])
        );
        let many: Vec<String> = (0..23).map(|n| format!("web-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(of(&many).ends_with("web-8, web-9 and 13 more"), "{}", of(&many));
    }
}
