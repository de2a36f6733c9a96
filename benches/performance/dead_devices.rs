//! Devices that do not answer: how long it takes until the first task of one that does.

use std::fmt::Write as _;
use std::time::Duration;

use crate::bench::{Home, Place, between, seconds};
use crate::deaf::deaf_port;
use crate::limits::Limits;
use crate::simulator::{Gateway, Setup};

const DEAD: usize = 300;
/// The exit code of a run that has skipped something.
const WARNED: i32 = 3;
const CONNECT: Duration = Duration::from_secs(2);
const REQUEST: Duration = Duration::from_secs(5);

pub(crate) fn measure(limits: &mut Limits) {
    println!("\n# {DEAD} devices that do not answer\n");
    let gateway = Gateway::start(Setup::default());
    let (port, _held) = deaf_port();
    let mut dead = String::from("[settings.timeouts]\nconnect = \"2s\"\nrequest = \"5s\"\n");
    for number in 0..DEAD {
        write!(
            dead,
            "[[device]]\nname = \"dead{number:03}\"\nhost = \"127.0.0.1\"\nport = {port}\n\
             username = \"backup\"\npassword = {{ env = \"PASSWORD\" }}\ntls = {{ verify = false }}\n"
        )
        .expect("a text grows");
    }
    let activity = "action = \"export-domain\"\ndomains = \"DOM1\"\n";
    let ran = Home::with(&Place::of(&gateway), activity, &dead).run_to(WARNED);
    let skipped = ran.tasks_opened_as("SKIPPED_DEVICE_NOT_AVAILABLE");
    let first = between(ran.begun, ran.time_of("VALIDATING"));
    println!(
        "{skipped} of {DEAD} were not reached; the first task began after {}",
        seconds(first)
    );
    let limit = 6 * CONNECT + REQUEST;
    let what = format!("the first task beside {DEAD} dead devices");
    limits.hold(what, first.as_secs_f64(), limit.as_secs_f64(), " s");
}
