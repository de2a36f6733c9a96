//! Where a device is reached.

use std::fmt;

/// Host and port of a device. Two are one where the name differs in capitals, or in a dot at its end: for DNS that is the
/// same name.
#[derive(Clone, Debug)]
pub struct Address {
    /// Host name or address.
    pub host: String,
    /// Port of the XML Management Interface.
    pub port: u16,
}

impl Address {
    /// The host in one spelling, whichever it was written in.
    pub fn plain_host(&self) -> String {
        self.host
            .strip_suffix('.')
            .unwrap_or(&self.host)
            .to_ascii_lowercase()
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.port == other.port && self.plain_host() == other.plain_host()
    }
}

impl Eq for Address {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of an IPv6 address nobody could tell where the port begins.
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn the_port_behind_an_ipv6_address_can_be_told_from_it() {
        let address = Address {
            host: "::1".to_owned(),
            port: 5550,
        };
        assert_eq!(address.to_string(), "[::1]:5550");
    }

    #[test]
    fn two_spellings_of_a_name_are_one_address() {
        let at = |host: &str, port| Address {
            host: host.to_owned(),
            port,
        };
        assert_eq!(at("QA1.example.com", 5550), at("qa1.Example.COM.", 5550));
        assert_ne!(at("qa1.example.com", 5550), at("qa1.example.com", 5551));
        assert_ne!(at("qa1.example.com", 5550), at("qa2.example.com", 5550));
        assert_eq!(at("QA1.", 5550).to_string(), "QA1.:5550");
    }
}
