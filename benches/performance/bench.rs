//! What the measurements share: a home for the binary, its peak of memory, medians.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::simulator::Gateway;

/// A folder with a plan file, a store and a history.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

/// Where a gateway is reached.
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) pin: String,
}

impl Place {
    pub(crate) fn of(gateway: &Gateway) -> Place {
        Place {
            host: gateway.host().to_string(),
            port: gateway.port(),
            pin: gateway.pin().to_string(),
        }
    }
}

/// A run of the binary.
pub(crate) struct Ran {
    pub(crate) begun: jiff::Timestamp,
    pub(crate) wall: Duration,
    /// Peak of memory, in KiB (`VmHWM`).
    pub(crate) peak_kib: u64,
    /// What it had of the processors, in user mode and in the system, to ten milliseconds.
    pub(crate) processor: Duration,
    /// Its JSON lines.
    pub(crate) events: Vec<Value>,
}

impl Home {
    /// One plan `P` that exports the domains of one gateway.
    pub(crate) fn exporting(gateway: &Gateway, domains: &str) -> Home {
        let activity = format!("action = \"export-domain\"\ndomains = \"{domains}\"\n");
        Home::new(&Place::of(gateway), &activity)
    }

    /// One plan `P` with one activity, of all devices: this one.
    pub(crate) fn new(place: &Place, activity: &str) -> Home {
        Home::with(place, activity, "")
    }

    /// The same with more settings and devices.
    pub(crate) fn with(place: &Place, activity: &str, more: &str) -> Home {
        let folder = tempfile::tempdir().expect("a folder");
        let text = format!(
            "[settings]\nstore = \"store\"\nhistory = \"history.db\"\nmin_free_store = \"1 MiB\"\n\n\
             [[device]]\nname = \"gateway\"\nhost = \"{}\"\nport = {}\nusername = \"backup\"\n\
             password = {{ env = \"PASSWORD\" }}\ntls = {{ pin_sha256 = \"{}\" }}\n\n\
             [[plan]]\nname = \"P\"\n\n[[plan.activity]]\n\
             devices = \"*\"\n{activity}\n{more}",
            place.host, place.port, place.pin
        );
        let path = folder.path().join("plans.toml");
        fs::write(&path, text).expect("a plan file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
        Home { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Removes what was stored, so that the disk does not fill up.
    pub(crate) fn clear_store(&self) {
        fs::remove_dir_all(self.path("store")).expect("a store");
        // What history knows of a store that is away is warned of.
        fs::remove_file(self.path("history.db")).expect("a history");
    }

    /// Runs the plan to its successful end.
    pub(crate) fn run(&self) -> Ran {
        self.run_to(0)
    }

    /// Runs the plan to the end with this exit code.
    pub(crate) fn run_to(&self, code: i32) -> Ran {
        let events = self.path("events");
        let (begun, started) = (jiff::Timestamp::now(), Instant::now());
        let mut child = Command::new(env!("CARGO_BIN_EXE_dpbackup"))
            .args(["run", "P", "--format", "json", "--config"])
            .arg(self.path("plans.toml"))
            .env("PASSWORD", "secret")
            .stdout(fs::File::create(&events).expect("a file"))
            .stdin(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let (status_file, stat_file) = (
            format!("/proc/{}/status", child.id()),
            format!("/proc/{}/stat", child.id()),
        );
        let (mut peak_kib, mut used) = (0, Duration::ZERO);
        // Neither ever falls: the last look before the end is the one that counts.
        let status = loop {
            peak_kib = peak(&status_file).unwrap_or(peak_kib);
            used = processor(&stat_file).unwrap_or(used);
            match child.try_wait().expect("a child") {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let wall = started.elapsed();
        let text = fs::read_to_string(events).expect("JSON lines");
        assert_eq!(status.code(), Some(code), "{text}");
        let events = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        Ran {
            begun,
            wall,
            peak_kib,
            processor: used,
            events: events.collect(),
        }
    }
}

impl Ran {
    /// When a task first came to a status.
    pub(crate) fn time_of(&self, status: &str) -> jiff::Timestamp {
        self.time_where(|event| event["event"] == "task_status" && event["status"] == status)
    }

    /// When the first file was stored.
    pub(crate) fn time_of_file(&self) -> jiff::Timestamp {
        self.time_where(|event| event["event"] == "file_stored")
    }

    /// How long the device of the first task was out of service.
    pub(crate) fn out_of_service(&self) -> Duration {
        let mut events = self.events.iter();
        let event = events
            .find(|event| event["event"] == "out_of_service")
            .expect("it was");
        Duration::from_secs_f64(event["out_of_service_seconds"].as_f64().expect("seconds"))
    }

    /// How many tasks never began, with this status.
    pub(crate) fn tasks_opened_as(&self, status: &str) -> usize {
        let is_one = |event: &&Value| event["event"] == "task_opened" && event["status"] == status;
        self.events.iter().filter(is_one).count()
    }

    fn time_where(&self, wanted: impl Fn(&&Value) -> bool) -> jiff::Timestamp {
        let event = self.events.iter().find(wanted).expect("such an event");
        let time = event["time"].as_str().expect("a time");
        time.parse().expect("RFC 3339")
    }
}

fn peak(status_file: &str) -> Option<u64> {
    let text = fs::read_to_string(status_file).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The clock ticks of a process, of which there are a hundred a second.
fn processor(stat_file: &str) -> Option<Duration> {
    let text = fs::read_to_string(stat_file).ok()?;
    // The name of the program, in brackets, may hold anything.
    let fields: Vec<&str> = text.rsplit(") ").next()?.split(' ').collect();
    let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

/// From one moment to a later one.
pub(crate) fn between(from: jiff::Timestamp, to: jiff::Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// The one in the middle.
pub(crate) fn median<T: Copy + PartialOrd>(values: &[T]) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    sorted[sorted.len() / 2]
}

/// How often each measurement is repeated.
pub(crate) fn runs(usual: usize) -> usize {
    let told = std::env::var("DPBACKUP_BENCH_RUNS").ok();
    told.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Seconds, to the millisecond.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}
