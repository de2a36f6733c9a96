//! Why nobody was reached: what it means, and what to look at. A run, `check` and `trust` say
//! it in the same words.

use std::io;
use std::time::Duration;

use rustix::io::Errno;

use crate::soma::error::{SomaError, SomaErrorKind};
use crate::soma::tls;
use crate::values::duration::HumanDuration;
use crate::values::invocation::quoted;

/// The name of a host leads nowhere, as the resolver of this machine says.
pub(crate) fn unknown_host(host: &str, why: &io::Error) -> SomaError {
    let told = why.to_string();
    let told = told
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&told);
    SomaError::new(
        SomaErrorKind::Unreachable,
        format!("the host name '{host}' is not known ({told})"),
    )
    .with_hint(format!(
        "correct `host`, or write the address there; this machine looks names up in /etc/hosts, then asks the name \
         servers of /etc/resolv.conf, as `getent hosts {}` does",
        quoted(host)
    ))
}

/// The resolver of this machine has not answered.
pub(crate) fn silent_name_service(host: &str, limit: Duration) -> SomaError {
    SomaError::new(
        SomaErrorKind::Unreachable,
        format!(
            "the name servers of this machine have not answered for '{host}' within {}",
            HumanDuration(limit)
        ),
    )
    .with_hint("look at /etc/resolv.conf and at the way to the servers that it names, or write the address as `host`")
}

/// A connection could not be made, and somebody said so at once.
pub(crate) fn not_connected(error: &io::Error) -> SomaError {
    if is_of_descriptors(error) {
        return SomaError::new(SomaErrorKind::Unreachable, "this machine opens nothing more (too many open files)").with_hint(
            "look at the limit of open files (`ulimit -n`, `LimitNOFILE=` of a unit), and at who holds so many \
             (`lsof`, /proc/sys/fs/file-nr)",
        );
    }
    let hint = match error.kind() {
        io::ErrorKind::HostUnreachable => {
            "a router on the way, or this machine, says that nobody is at that address: is it right (`host`), is the \
             device up, and does the way lead there (routes, VPN)?"
        }
        io::ErrorKind::NetworkUnreachable => {
            "this machine has no route to that network: look at its interfaces, routes and VPN, and at `host`"
        }
        io::ErrorKind::PermissionDenied => {
            "this machine itself forbids it: look at its firewall, its SELinux policy, and what a service unit or a \
             network policy allows"
        }
        io::ErrorKind::AddrNotAvailable => {
            "is `host` the address of a device? else this machine has no free port of its own left"
        }
        _ => return tls::unreachable(error),
    };
    SomaError::new(SomaErrorKind::Unreachable, error).with_hint(hint)
}

/// Whether this process, or this machine, has no descriptor left.
pub(crate) fn is_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// Nobody answered, not even with a refusal, within the limit of a connection.
pub(crate) fn no_connection(limit: Duration) -> SomaError {
    nobody_answered(limit).with_hint(
        "nobody answers at that address and port, not even with a refusal: most often a firewall on the way that \
         drops, a wrong `host`, or a device that is down; a slow way wants a longer `timeouts.connect`",
    )
}

/// The same within the limit of the whole request, where that is shorter.
pub(crate) fn no_connection_for_request(limit: Duration) -> SomaError {
    nobody_answered(limit).with_hint(
        "nobody answers at that address and port, not even with a refusal: most often a firewall on the way that \
         drops, a wrong `host`, or a device that is down; a slow way wants a longer `timeouts.request`, which is \
         shorter than `timeouts.connect`",
    )
}

fn nobody_answered(limit: Duration) -> SomaError {
    SomaError::new(
        SomaErrorKind::Unreachable,
        format!("no connection within {}", HumanDuration(limit)),
    )
}

/// Whoever took the connection has not said a word of TLS.
pub(crate) fn no_handshake(limit: Duration) -> SomaError {
    SomaError::new(
        SomaErrorKind::Unreachable,
        format!(
            "the connection was taken, and no TLS handshake followed within {}",
            HumanDuration(limit)
        ),
    )
    .with_hint(
        "is this the port of the XML Management Interface (usually 5550), and not one that waits for something else? \
         a device under heavy load, or something in between, may also take connections and say nothing",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_not_being_reached_has_advice_of_its_own() {
        let limit = Duration::from_secs(10);
        let mut said: Vec<SomaError> = [
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::NetworkUnreachable,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::AddrNotAvailable,
        ]
        .map(|kind| not_connected(&kind.into()))
        .into();
        said.push(not_connected(&Errno::MFILE.into()));
        said.push(no_connection(limit));
        said.push(no_connection_for_request(limit));
        said.push(no_handshake(limit));
        said.push(silent_name_service("qa1", limit));
        said.push(unknown_host("qa1", &io::Error::other("no such name")));
        let mut hints: Vec<String> = said
            .into_iter()
            .map(|error| {
                assert_eq!(error.kind, SomaErrorKind::Unreachable, "{error}");
                error.hint.expect("advice").into_owned()
            })
            .collect();
        let all = hints.len();
        hints.sort();
        hints.dedup();
        assert_eq!(hints.len(), all, "{hints:#?}");
    }

    #[test]
    fn a_name_that_is_not_known_is_said_once_with_the_words_of_the_resolver() {
        let why = io::Error::other("failed to lookup address information: Name or service not known");
        let error = unknown_host("qa1.example.com", &why);
        assert_eq!(
            error.message,
            "the host name 'qa1.example.com' is not known (Name or service not known)"
        );
        let hint = error.hint.expect("advice");
        assert!(hint.contains("`getent hosts qa1.example.com`"), "{hint}");
    }
}
