//! Which of the addresses of a device a connection goes to.
//!
//! A name may have several, and something else, or nothing that speaks TLS, may answer at one of them. A connection
//! that stands says nothing of that: only a handshake does.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the handshakes of one conversation have shown of the addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressesTried(Arc<Mutex<Tried>>);

#[derive(Clone, Debug, Default)]
struct Tried {
    /// All that the name had when the newest connection was made.
    all: Vec<SocketAddr>,
    /// Where that went.
    newest: Option<SocketAddr>,
    /// Where a handshake failed.
    failed: Vec<SocketAddr>,
    /// The only one to which connections go from now on.
    only: Option<SocketAddr>,
}

impl AddressesTried {
    /// The addresses in the order in which they are tried: that of the newest connection first, for each may lead to
    /// another gateway; where a handshake has failed, last.
    pub(crate) fn in_order(&self, addresses: &[SocketAddr]) -> Vec<SocketAddr> {
        let mut tried = self.tried();
        if let Some(only) = tried.only {
            tried.all = vec![only];
            return vec![only];
        }
        tried.all = addresses.to_vec();
        let mut order = addresses.to_vec();
        order.sort_by_key(|address| match address {
            address if tried.failed.contains(address) => 2,
            address if tried.newest == Some(*address) => 0,
            _ => 1,
        });
        order
    }

    /// Where connections go: to the only address that is asked, or to that of the newest one.
    pub(crate) fn current(&self) -> Option<SocketAddr> {
        let tried = self.tried();
        tried.only.or(tried.newest)
    }

    /// The next connection goes to this address first, where the name has it.
    pub(crate) fn begin_at(&self, address: SocketAddr) {
        *self.tried() = Tried {
            newest: Some(address),
            ..Tried::default()
        };
    }

    /// From now on connections go to this address, whatever the name leads to.
    pub(crate) fn stay_at(&self, address: SocketAddr) {
        *self.tried() = Tried {
            only: Some(address),
            ..Tried::default()
        };
    }

    /// From now on connections go to whatever the name leads to again, beginning where they went.
    pub(crate) fn stay_no_more(&self) {
        let mut tried = self.tried();
        if let Some(only) = tried.only.take() {
            tried.newest = Some(only);
        }
    }

    /// Goes on where another conversation with the same device has come to.
    pub(crate) fn go_on_from(&self, other: &AddressesTried) {
        let known = other.tried().clone();
        *self.tried() = known;
    }

    /// From now on connections go where the newest went, whatever the name leads to: another address may be that of
    /// another gateway, and nothing that it tells would show it.
    pub(crate) fn stay(&self) {
        let mut tried = self.tried();
        tried.only = tried.only.or(tried.newest);
    }

    /// Those that are known: from the newest connection, or for somebody has been sent to one of them.
    pub(crate) fn known(&self) -> Vec<SocketAddr> {
        let tried = self.tried();
        match (tried.only, tried.all.is_empty()) {
            (Some(only), _) => vec![only],
            (None, false) => tried.all.clone(),
            (None, true) => tried.newest.into_iter().collect(),
        }
    }

    /// A connection stands with this address.
    pub(crate) fn stands(&self, address: SocketAddr) {
        self.tried().newest = Some(address);
    }

    /// The handshake of the newest connection has failed. Whether there is an address at which none has; where there
    /// is not, the next connection begins with the first one again.
    pub(crate) fn another_is_left(&self) -> bool {
        let mut tried = self.tried();
        let newest = tried.newest.take();
        tried.failed.extend(newest);
        let is_left = newest.is_some() && tried.all.iter().any(|address| !tried.failed.contains(address));
        if !is_left {
            tried.failed.clear();
        }
        is_left
    }

    /// Nothing that holds the lock can panic half-way.
    fn tried(&self) -> MutexGuard<'_, Tried> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_at_which_a_handshake_failed_is_tried_last_until_all_have_failed() {
        let [first, second] = ["127.0.0.1:1", "[::1]:1"].map(|text| text.parse().expect("an address"));
        let tried = AddressesTried::default();
        assert_eq!(tried.in_order(&[first, second]), [first, second]);
        tried.stands(first);
        assert!(tried.another_is_left());
        assert_eq!(tried.in_order(&[first, second]), [second, first]);
        tried.stands(second);
        assert_eq!(
            tried.in_order(&[first, second]),
            [second, first],
            "a good one stays"
        );
        tried.stands(second);
        assert!(!tried.another_is_left());
        assert_eq!(tried.in_order(&[first, second]), [first, second]);
        // Another conversation begins where this one was answered, though it is not the first.
        tried.stands(second);
        let other = AddressesTried::default();
        other.go_on_from(&tried);
        assert_eq!(other.in_order(&[first, second]), [second, first]);
        // Without a connection no handshake can fail.
        assert!(!AddressesTried::default().another_is_left());
    }

    #[test]
    fn whoever_stays_goes_to_no_other_address_whatever_becomes_of_that_one_or_of_the_name() {
        let [first, second] = ["127.0.0.1:1", "[::1]:1"].map(|text| text.parse().expect("an address"));
        let tried = AddressesTried::default();
        assert_eq!(tried.in_order(&[first, second]), [first, second]);
        tried.stands(first);
        tried.stay();
        assert_eq!(tried.in_order(&[second]), [first]);
        let undo = AddressesTried::default();
        undo.go_on_from(&tried);
        assert_eq!(undo.in_order(&[second, first]), [first]);
        undo.stands(first);
        assert!(!undo.another_is_left());
        assert_eq!(undo.in_order(&[second, first]), [first]);
        assert_eq!(undo.current(), Some(first));
        undo.stay_no_more();
        assert_eq!(undo.in_order(&[second, first]), [first, second]);
    }

    #[test]
    fn whoever_goes_back_to_an_address_asks_it_first_or_alone() {
        let [first, second, third] =
            ["127.0.0.1:1", "[::1]:1", "127.0.0.2:1"].map(|text| text.parse().expect("an address"));
        let tried = AddressesTried::default();
        tried.begin_at(second);
        assert_eq!(tried.in_order(&[first, second]), [second, first]);
        // What the name does not lead to any more is asked by nobody who can be told by a number.
        tried.begin_at(third);
        assert_eq!(tried.in_order(&[first, second]), [first, second]);
        tried.stay_at(third);
        // Also where no name service says an address.
        assert_eq!(tried.known(), [third]);
        assert_eq!(tried.in_order(&[first, second]), [third]);
        assert_eq!(tried.known(), [third]);
        tried.begin_at(second);
        assert_eq!(tried.known(), [second]);
        assert_eq!(tried.in_order(&[first, second]), [second, first]);
        assert_eq!(tried.known(), [first, second]);
    }
}
