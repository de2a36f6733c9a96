//! Which part of a matrix is tried: the same one each time, or, with `DPBACKUP_TEST_ALL=1` in the
//! environment, the whole.

use std::fmt::Write as _;

use crate::simulator::{Personality, Setup, some_of};

/// Gateways that differ from each other: `count` of them, or all.
pub(crate) fn gateways(seed: u64, count: usize) -> Vec<Vec<Personality>> {
    if is_everything_asked_for() {
        Personality::every()
    } else {
        Personality::sample(seed, count)
    }
}

/// `count` cases of a matrix, or all.
pub(crate) fn cases<T>(all: Vec<T>, seed: u64, count: usize) -> Vec<T> {
    if is_everything_asked_for() {
        all
    } else {
        some_of(all, seed, count)
    }
}

/// A gateway in words that `examples/gateway` takes.
pub(crate) fn words(gateway: &[Personality]) -> String {
    let mut words = String::new();
    for personality in gateway {
        let _ = write!(words, "--personality '{personality}' ");
    }
    words.trim_end().to_owned()
}

fn is_everything_asked_for() -> bool {
    std::env::var_os("DPBACKUP_TEST_ALL").is_some_and(|value| value == "1")
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
