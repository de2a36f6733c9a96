//! Rows of `get-status`: un-namespaced, one element per entry, empty fields as empty elements.

use jiff::Timestamp;

use super::fault::FaultKind;
use super::firmware::Style;
use super::objects::ROW_SPACE;
use super::soap::{escape, time_zone};
use super::state::{DomainState, State};

/// Domain names that try to leave the store, or to write on the terminal.
const HOSTILE_NAMES: [&str; 5] = [
    "../../hostile",
    "/etc/hostile",
    "..",
    "tab\there",
    "clear\u{9b}2Jscreen",
];

/// `dp:status` with the rows of a class, asked in a domain.
pub(super) fn rows(state: &State, user: &str, domain: &str, class: &str, faults: &[FaultKind]) -> String {
    let rows: Vec<String> = match class {
        "DomainStatus" => domain_status(state, user, faults),
        "DomainSummary" => vec![format!(
            "<DomainSummary{ROW_SPACE}><Domain class=\"Domain\">{}</Domain>{}</DomainSummary>",
            escape(domain),
            field("Quiesce", quiesce_text(state, elsewhere(state, user, domain)))
        )],
        "FilesystemStatus" => vec![filesystem_status(state, faults)],
        "FirmwareVersion" | "FirmwareVersion2" | "FirmwareVersion3" => vec![firmware_version(state, class)],
        "DateTimeStatus" => vec![date_time_status(state)],
        "ObjectStatus" => object_status(state, user, domain),
        _ => Vec::new(),
    };
    if rows.is_empty() {
        "<dp:status/>".to_owned()
    } else {
        format!("<dp:status>{}</dp:status>", rows.concat())
    }
}

fn row(class: &str, fields: &[(&str, &str)]) -> String {
    let fields: String = fields.iter().map(|(tag, value)| field(tag, value)).collect();
    format!("<{class}{ROW_SPACE}>{fields}</{class}>")
}

fn field(tag: &str, value: &str) -> String {
    if value.is_empty() {
        format!("<{tag}/>")
    } else {
        format!("<{tag}>{}</{tag}>", escape(value))
    }
}

/// What a user is shown of the quiesce of a domain in other classes than `DomainStatus`.
fn elsewhere(state: &State, user: &str, domain: &str) -> &'static str {
    state
        .domain(domain)
        .map_or("", |domain| state.shown_quiesce(domain, user, false))
}

fn domain_status(state: &State, user: &str, faults: &[FaultKind]) -> Vec<String> {
    let unseen = |name: &String| {
        let mut users = state.setup.users.iter();
        users.any(|known| known.name == user && known.unseen.contains(name))
    };
    let one = |name: &str, domain: Option<&DomainState>| {
        let mut fields = vec![
            ("Domain", name),
            ("SaveNeeded", on_off(state.is_unsaved(name))),
            ("TraceEnabled", "off"),
            ("DebugEnabled", "off"),
            ("ProbeEnabled", "off"),
            ("DiagEnabled", "off"),
            ("CurrentCommand", state.current_command(name)),
            (
                "QuiesceState",
                state.setup.words_of(name).unwrap_or_else(|| {
                    let shown = domain.map_or("", |domain| state.shown_quiesce(domain, user, true));
                    quiesce_text(state, shown)
                }),
            ),
        ];
        if state.setup.firmware.after_v5 {
            let failsafe = domain.is_some_and(|domain| domain.failsafe);
            let mode = if failsafe { "management" } else { "none" };
            fields.extend([("InterfaceState", "ok"), ("FailsafeMode", mode)]);
        }
        fields.retain(|(name, _)| {
            let is_left_out = |fault: &FaultKind| matches!(fault, FaultKind::NoField(field) if field == name);
            !faults.iter().any(is_left_out)
        });
        row("DomainStatus", &fields)
    };
    let hides = |name: &String| {
        faults
            .iter()
            .any(|fault| matches!(fault, FaultKind::HidesRow(hidden) if hidden == name))
    };
    let seen = state
        .domains
        .iter()
        .filter(|domain| !unseen(&domain.name) && !hides(&domain.name));
    let twice = |name: &String| {
        faults
            .iter()
            .any(|fault| matches!(fault, FaultKind::TwoRows(twice) if twice == name))
    };
    let real = seen.flat_map(|domain| {
        let at_work = twice(&domain.name).then(|| one(&domain.name, None));
        at_work.into_iter().chain([one(&domain.name, Some(domain))])
    });
    let hostile = hostile_names(faults).into_iter().map(|name| one(&name, None));
    real.chain(hostile).collect()
}

/// A quiesce state as the gateway words it.
fn quiesce_text(state: &State, value: &'static str) -> &'static str {
    match value {
        _ if !state.setup.quiesce_texts => value,
        "" => "Quiesce not in progress",
        "quiescing" => "Waiting for services to stop",
        "quiesced" => "Quiesced",
        "unquiescing" => "Unquiesce started",
        _ => "Error",
    }
}

/// The names that a hostile device adds to its list of domains.
pub(super) fn hostile_names(faults: &[FaultKind]) -> Vec<String> {
    let mut names = Vec::new();
    for fault in faults {
        match fault {
            FaultKind::HostileName(Some(name)) => names.push(name.clone()),
            FaultKind::HostileName(None) => names.extend(HOSTILE_NAMES.map(str::to_owned)),
            _ => {}
        }
    }
    names
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn filesystem_status(state: &State, faults: &[FaultKind]) -> String {
    let space = &state.setup.space;
    let free = if faults.contains(&FaultKind::NoSpace) {
        0
    } else {
        state.free_temporary() >> 20
    };
    let numbers = [
        ("FreeEncrypted", space.encrypted.0),
        ("TotalEncrypted", space.encrypted.1),
        ("FreeTemporary", free),
        ("TotalTemporary", space.temporary.1),
        ("FreeInternal", space.internal.0),
        ("TotalInternal", space.internal.1),
    ]
    .map(|(tag, number)| match faults.contains(&FaultKind::NoNumbers) {
        true => (tag, String::new()),
        false => (tag, number.to_string()),
    });
    row(
        "FilesystemStatus",
        &numbers.each_ref().map(|(tag, number)| (*tag, number.as_str())),
    )
}

fn firmware_version(state: &State, class: &str) -> String {
    let firmware = &state.setup.firmware;
    let mut fields = vec![
        ("Serial", firmware.serial.as_str()),
        ("Version", &firmware.version),
        ("Build", &firmware.build),
        ("BuildDate", &firmware.build_date),
    ];
    if class == "FirmwareVersion3" {
        fields.push(("DeliveryType", &firmware.delivery_type));
    }
    fields.extend([
        ("WatchdogBuild", firmware.version.as_str()),
        ("InstalledDPOS", &firmware.version),
        ("RunningDPOS", &firmware.version),
        ("XMLAccelerator", "embedded"),
        ("MachineType", &firmware.machine_type),
        ("ModelType", &firmware.model_type),
    ]);
    if class != "FirmwareVersion" || firmware.style == Style::V10 {
        fields.push(("Tenant", ""));
    }
    row(class, &fields)
}

fn date_time_status(state: &State) -> String {
    let now = state.now().to_zoned(time_zone());
    let up = state.now().duration_since(state.started).as_secs().max(0);
    let (hours, minutes, seconds) = (up / 3600 % 24, up / 60 % 60, up % 60);
    let uptime = format!("{} days {hours:02}:{minutes:02}:{seconds:02}", up / 86_400);
    row(
        "DateTimeStatus",
        &[
            ("time", &now.strftime("%a %b %e %H:%M:%S %Y").to_string()),
            ("timezone", &now.strftime("%Z").to_string()),
            ("tzspec", "EST5EDT,M3.2.0/2:00,M11.1.0/2:00"),
            ("uptime2", &uptime),
            ("bootuptime2", &uptime),
        ],
    )
}

fn object_status(state: &State, user: &str, domain: &str) -> Vec<String> {
    let Some(domain) = state.domain(domain) else {
        return Vec::new();
    };
    let quiesced = !state.shown_quiesce(domain, user, false).is_empty();
    let one = |object: &super::objects::Object| {
        let enabled = object.class != "APIConnectGatewayService" || domain.api_connect;
        let service = object.class == "MultiProtocolGateway";
        let (state_of, code, error) = match (enabled, quiesced && service) {
            (false, _) => ("down", "0x0034000d", "Object is disabled"),
            (true, true) => ("down", "0x0036003d", "in quiescence"),
            (true, false) => ("up", "0x00000000", ""),
        };
        let mut fields = vec![
            ("Class", &*object.class),
            ("OpState", state_of),
            ("AdminState", if enabled { "enabled" } else { "disabled" }),
            ("Name", &object.name),
            ("EventCode", code),
            ("ErrorCode", error),
            (
                "ConfigState",
                if domain.saved.contains(object) {
                    "saved"
                } else {
                    "new"
                },
            ),
        ];
        if state.setup.firmware.style == Style::V10 {
            fields.extend([("LastModified", ""), ("LastSaved", ""), ("LastDeleted", "")]);
        }
        row("ObjectStatus", &fields)
    };
    domain.running.iter().map(one).collect()
}

/// `YYYY-MM-DD HH:MM:SS` in the gateway's own time zone, as file stores show it.
pub(super) fn local_time(time: Timestamp) -> String {
    time.to_zoned(time_zone())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}
