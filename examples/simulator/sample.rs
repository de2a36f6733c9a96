//! Gateways that differ from each other in one or several ways: a part of them that is the same each time,
//! or all of them.
//!
//! What concerns a domain concerns `DOM1` or `DOM2`, which a healthy gateway has.

use super::personality::Personality;

/// The ways in which gateways differ, as scripts. A gateway has at most one of each row.
const AXES: [&[&str]; 7] = [
    // What is shown.
    &[
        "state-never-shown",
        "state-elsewhere",
        "state-shown-late@3",
        "state-shown-late@20s",
        "state-for-others",
        "rows-for-others@DOM1",
    ],
    // How a quiesce is answered.
    &[
        "quiesce=sentence",
        "quiesce=error-log",
        "quiesce=ok-and-error-log",
        "quiesce=reply-lost",
        "quiesce=stall",
    ],
    // When and where it is carried out.
    &[
        "quiesce=late@20s",
        "quiesce=late@3",
        "quiesce=queued@20s",
        "quiesce=queued@3",
        "quiesce=not-done",
        "quiesce=never-quiesces",
        "quiesce=quiesce-error",
        "quiesce=spares@DOM2",
    ],
    // How an unquiesce is answered.
    &[
        "unquiesce=sentence",
        "unquiesce=error-log",
        "unquiesce=ok-and-error-log",
        "unquiesce=reply-lost",
        "unquiesce:1=stall",
    ],
    // When and where it is carried out.
    &[
        "unquiesce=late@20s",
        "unquiesce=late@3",
        "unquiesce:1=not-done",
        "unquiesce=not-done",
        "unquiesce=never-unquiesces",
        "unquiesce=spares@DOM1",
    ],
    // What kind of domains there are.
    &[
        "default-alone",
        "disabled@DOM2",
        "failsafe@DOM1",
        "slower@DOM1:40s",
        "turns-quiesced@DOM2:9",
        "turns-normal@DOM1:12",
        "DomainStatus:4=unquiesces-alone@DOM1",
    ],
    // How a secure backup goes, and other habits of the device.
    &[
        "secure-backup-blocks",
        "SecureBackup=late@20s",
        "FirmwareVersion3:2=another-serial@78B0002",
        "content-length",
        "no-echo",
    ],
];

impl Personality {
    /// Gateways with one way of their own, and with two: each way meets each that can be beside it. They
    /// are several hundred.
    pub fn every() -> Vec<Vec<Personality>> {
        let axes = axes();
        let mut gateways = Vec::new();
        for (place, axis) in axes.iter().enumerate() {
            for one in axis {
                gateways.push(vec![one.clone()]);
                let others = axes[place + 1..].iter().flatten();
                gateways.extend(others.map(|other| vec![one.clone(), other.clone()]));
            }
        }
        gateways.retain(|gateway| go_together(gateway));
        gateways
    }

    /// `count` different gateways, the same ones for the same seed: with one, two or three ways of their
    /// own.
    pub fn sample(seed: u64, count: usize) -> Vec<Vec<Personality>> {
        let axes = axes();
        let mut dice = Dice(seed);
        let mut gateways: Vec<Vec<Personality>> = Vec::new();
        while gateways.len() < count {
            let ways = 1 + dice.below(3);
            let mut places: Vec<usize> = (0..axes.len()).collect();
            dice.shuffle(&mut places);
            places.truncate(ways);
            places.sort_unstable();
            let chosen = places.iter().map(|place| {
                let axis = &axes[*place];
                axis[dice.below(axis.len())].clone()
            });
            let gateway: Vec<Personality> = chosen.collect();
            if go_together(&gateway) && !gateways.contains(&gateway) {
                gateways.push(gateway);
            }
        }
        gateways
    }
}

/// `count` of these in their order, the same ones for the same seed; all of them where there are no more.
pub fn some_of<T>(all: Vec<T>, seed: u64, count: usize) -> Vec<T> {
    let mut places: Vec<usize> = (0..all.len()).collect();
    Dice(seed).shuffle(&mut places);
    places.truncate(count);
    let chosen = |(place, one): (usize, T)| places.contains(&place).then_some(one);
    all.into_iter().enumerate().filter_map(chosen).collect()
}

fn axes() -> Vec<Vec<Personality>> {
    let read = |script: &&str| Personality::parse(script).expect("a personality");
    AXES.iter().map(|axis| axis.iter().map(read).collect()).collect()
}

/// Where there is no domain but `default`, nothing can be said of one.
fn go_together(gateway: &[Personality]) -> bool {
    !gateway.contains(&Personality::DefaultAlone)
        || !gateway.iter().any(|one| one.to_string().contains("DOM"))
}

/// A small generator of numbers (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn shuffle(&mut self, places: &mut [usize]) {
        for last in (1..places.len()).rev() {
            places.swap(last, self.below(last + 1));
        }
    }
}
