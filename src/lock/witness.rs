//! Who a process is, so that others can tell whether it is still there.
//!
//! A process id alone is given out again; with the start of the process and the boot of the
//! machine it means one process for ever. The host and the space in which ids are counted say
//! whether it could be seen from here at all.

use std::fs;
use std::io::ErrorKind::NotFound;

use sha2::{Digest as _, Sha256};

use crate::clock::boot_id;
use crate::values::hex::hex;

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    pid: u32,
    /// In ticks since the boot.
    start: u64,
    /// Which boot of the machine.
    boot: String,
    /// Which host, and which space of process ids on it.
    place: String,
}

/// Whether a process is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    There,
    /// It is not, and cannot come back.
    Gone,
    /// It cannot be seen from here.
    OutOfSight,
}

impl Witness {
    /// This process, where the system tells who it is.
    pub fn own() -> Option<Self> {
        let pid = std::process::id();
        Some(Self {
            pid,
            start: start_of(pid).ok()??,
            boot: boot_id()?,
            place: place()?,
        })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// The words of a name that [`Self::parse`] reads again.
    pub fn words(&self) -> String {
        let Self {
            pid,
            start,
            boot,
            place,
        } = self;
        format!("{pid}-{start}-{boot}-{place}")
    }

    /// The process that these words mean.
    pub fn parse(words: &str) -> Option<Self> {
        let mut parts = words.split('-');
        let witness = Self {
            pid: parts.next()?.parse().ok()?,
            start: parts.next()?.parse().ok()?,
            boot: parts.next()?.to_owned(),
            place: parts.next()?.to_owned(),
        };
        parts.next().is_none().then_some(witness)
    }

    /// Whether it ran on this host, as this process sees it, before that was started anew.
    pub fn is_of_an_earlier_boot(&self) -> bool {
        let now = (place(), boot_id());
        matches!(now, (Some(place), Some(boot)) if place == self.place && boot != self.boot)
    }

    /// Whether it is there, as far as this process can see.
    pub fn presence(&self) -> Presence {
        match (place(), boot_id()) {
            (Some(place), Some(boot)) if place == self.place && boot == self.boot => {}
            // The same host, started anew.
            (Some(place), Some(_)) if place == self.place => return Presence::Gone,
            _ => return Presence::OutOfSight,
        }
        match start_of(self.pid) {
            Ok(Some(start)) if start == self.start => Presence::There,
            Ok(_) => Presence::Gone,
            Err(_) => Presence::OutOfSight,
        }
    }

    /// Whether it is there and stands still, as after `^Z`: somebody has stopped it, and it does nothing until it is let
    /// go on.
    pub fn stands_still(&self) -> bool {
        let state = || {
            let text = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
            let (_, fields) = text.rsplit_once(')')?;
            fields.trim_start().chars().next()
        };
        self.presence() == Presence::There && matches!(state(), Some('T' | 't'))
    }
}

/// When the process of this id began; `None` where there is none that lives.
fn start_of(pid: u32) -> std::io::Result<Option<u64>> {
    let text = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(text) => text,
        // Without the folder of all processes nothing is proved by one that is not in it.
        Err(error) if error.kind() == NotFound && fs::exists("/proc/self/stat")? => return Ok(None),
        Err(error) => return Err(error),
    };
    // The second field is the name, in brackets, with anything in it.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut fields = fields.split_ascii_whitespace();
    // One that is dead and was not waited for holds nothing any more.
    if matches!(fields.next(), Some("Z" | "X")) {
        return Ok(None);
    }
    let start = fields.nth(18).and_then(|start| start.parse().ok());
    start
        .map(Some)
        .ok_or_else(|| std::io::Error::other("no start of the process"))
}

fn place() -> Option<String> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    let hash = Sha256::digest(format!("{}\n{}", host.trim(), space.display()));
    Some(hex(hash.get(..6)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Witness {
        Witness::own().expect("a system that tells")
    }

    #[test]
    fn this_process_is_there_and_its_words_mean_it() {
        let own = own();
        assert_eq!(own.presence(), Presence::There);
        assert_eq!(Witness::parse(&own.words()), Some(own));
    }

    #[test]
    fn an_id_that_was_given_out_again_is_another_process() {
        let reused = Witness {
            start: own().start + 1,
            ..own()
        };
        assert_eq!(reused.presence(), Presence::Gone);
    }

    #[test]
    fn a_process_that_nobody_has_waited_for_is_gone() {
        let mut child = std::process::Command::new("/bin/sleep")
            .arg("600")
            .spawn()
            .expect("a child");
        let witness = Witness {
            pid: child.id(),
            start: start_of(child.id()).expect("read").expect("it runs"),
            ..own()
        };
        assert_eq!(witness.presence(), Presence::There);
        child.kill().expect("killed");
        // Dead, and still in the table of processes.
        while witness.presence() == Presence::There {
            std::thread::yield_now();
        }
        assert_eq!(witness.presence(), Presence::Gone);
        child.wait().expect("an end");
        assert_eq!(witness.presence(), Presence::Gone);
    }

    #[test]
    fn what_ran_before_the_machine_was_started_anew_is_gone() {
        let before = Witness {
            boot: "0123456789abcdef".to_owned(),
            ..own()
        };
        assert_eq!(before.presence(), Presence::Gone);
    }

    #[test]
    fn a_process_of_another_host_cannot_be_seen_from_here() {
        let elsewhere = Witness {
            place: "000000000000".to_owned(),
            ..own()
        };
        assert_eq!(elsewhere.presence(), Presence::OutOfSight);
    }

    #[test]
    fn other_words_mean_no_process() {
        for words in ["", "1-0", "4711", "x-1-b-p", "1-2-b-p-0"] {
            assert_eq!(Witness::parse(words), None, "{words}");
        }
    }
}
