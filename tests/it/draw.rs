//! Which part of a matrix is tried: the same one each time; with `DPBACKUP_TEST_ALL=1` in the environment the
//! whole; with `DPBACKUP_TEST_ALL=2/20` the second of twenty parts of it, which together are the whole.

use std::fmt::Write as _;

use crate::simulator::{Personality, Setup, some_of};

/// How much of the matrices is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    Drawn,
    /// Of so many parts this one, counted from 0.
    Part(usize, usize),
}

impl Share {
    fn asked() -> Share {
        std::env::var("DPBACKUP_TEST_ALL").map_or(Share::Drawn, |words| {
            Share::parse(&words).unwrap_or_else(|| panic!("DPBACKUP_TEST_ALL={words}: 1 is all, 2/20 a part"))
        })
    }

    fn parse(words: &str) -> Option<Share> {
        let (part, of) = match words {
            "" | "0" => return Some(Share::Drawn),
            "1" => (1, 1),
            words => {
                let (part, of) = words.split_once('/')?;
                (part.parse::<usize>().ok()?, of.parse::<usize>().ok()?)
            }
        };
        (1..=of).contains(&part).then(|| Share::Part(part - 1, of))
    }

    fn gateways(self, seed: u64, count: usize) -> Vec<Vec<Personality>> {
        match self {
            Share::Drawn => Personality::sample(seed, count),
            Share::Part(part, of) => Personality::every().into_iter().skip(part).step_by(of).collect(),
        }
    }

    fn moments(self, all: u64, first: u64, step: usize) -> Vec<u64> {
        match self {
            Share::Drawn => (first..=all).step_by(step).collect(),
            Share::Part(..) => (1..=all).collect(),
        }
    }
}

/// Gateways that differ from each other: `count` of them, or all, or a part of all.
pub(crate) fn gateways(seed: u64, count: usize) -> Vec<Vec<Personality>> {
    Share::asked().gateways(seed, count)
}

/// `count` cases of a matrix, or all of the gateways that there are.
pub(crate) fn cases<T>(all: Vec<T>, seed: u64, count: usize) -> Vec<T> {
    match Share::asked() {
        Share::Drawn => some_of(all, seed, count),
        Share::Part(..) => all,
    }
}

/// Of a run's moments, which are much alike, each `step`-th from the `first` on, so that no stretch of it is left
/// out; or all.
pub(crate) fn moments(all: u64, first: u64, step: usize) -> Vec<u64> {
    Share::asked().moments(all, first, step)
}

/// A gateway in words that `examples/gateway` takes.
pub(crate) fn words(gateway: &[Personality]) -> String {
    let mut words = String::new();
    for personality in gateway {
        let _ = write!(words, "--personality '{personality}' ");
    }
    words.trim_end().to_owned()
}

#[test]
fn the_same_seed_draws_the_same_and_another_one_something_else() {
    let drawn = Personality::sample(1, 40);
    assert_eq!(drawn, Personality::sample(1, 40));
    assert_eq!(
        drawn[..10],
        Personality::sample(1, 10),
        "a longer sample begins with the shorter one"
    );
    assert_ne!(drawn, Personality::sample(2, 40));
    assert_eq!(
        some_of((0..1_000).collect(), 7, 50),
        some_of((0..1_000).collect(), 7, 50)
    );
    assert_ne!(
        some_of((0..1_000).collect(), 7, 50),
        some_of((0..1_000).collect(), 8, 50)
    );
    assert_eq!(some_of(vec![1, 2, 3], 7, 50), [1, 2, 3]);
    let few: Vec<i32> = some_of((0..1_000).collect(), 7, 50);
    assert!(few.len() == 50 && few.is_sorted(), "in their order");
}

#[test]
fn the_moments_that_are_tried_lie_as_far_from_each_other_from_the_first_to_the_last() {
    assert_eq!(Share::Drawn.moments(20, 3, 8), [3, 11, 19]);
    assert_eq!(Share::Part(1, 20).moments(4, 3, 8), [1, 2, 3, 4]);
}

#[test]
fn the_parts_of_a_matrix_are_together_the_whole() {
    assert_eq!(Share::parse("1"), Some(Share::Part(0, 1)));
    for wrong in ["0/3", "4/3", "yes", "1/"] {
        assert_eq!(Share::parse(wrong), None, "{wrong}");
    }
    let part = |words: &str| Share::parse(words).expect("a part").gateways(1, 24);
    let mut parts = [part("1/3"), part("2/3"), part("3/3")].concat();
    let mut all = part("1");
    assert_eq!(all, Personality::every());
    let words = |gateway: &Vec<Personality>| words(gateway);
    parts.sort_by_key(words);
    all.sort_by_key(words);
    assert_eq!(parts, all);
}

#[test]
fn every_gateway_that_is_drawn_is_another_one_and_can_be() {
    let all = Personality::every();
    assert!(all.len() > 600, "{} gateways", all.len());
    for gateways in [all.clone(), Personality::sample(3, 200)] {
        for (place, gateway) in gateways.iter().enumerate() {
            assert!(!gateways[..place].contains(gateway), "{}", words(gateway));
            let mut setup = Setup::default();
            for personality in gateway {
                assert_eq!(personality.apply(&mut setup), Ok(()), "{}", words(gateway));
            }
        }
    }
    let singles = all.iter().filter(|gateway| gateway.len() == 1).count();
    let drawn = Personality::sample(3, 200);
    let seen = |single: &Vec<Personality>| drawn.iter().any(|gateway| gateway.contains(&single[0]));
    let met = all.iter().filter(|gateway| gateway.len() == 1 && seen(gateway));
    assert_eq!(met.count(), singles, "two hundred gateways leave no way out");
}

#[test]
fn a_gateway_that_was_drawn_can_be_started_by_hand() {
    let gateway = [
        Personality::DefaultAlone,
        Personality::habit("quiesce:2=late@10s"),
    ];
    let expected = "--personality 'default-alone' --personality 'quiesce:2=late@10000ms'";
    assert_eq!(words(&gateway), expected);
}
