//! A simulated gateway to try `dpbackup` on by hand: `cargo run --example gateway -- --help`.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

#[path = "../simulator/mod.rs"]
mod simulator;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use simulator::{
    BackupMode, Content, CryptoCertificate, Domain, Fault, Firmware, Gateway, HangUp, Identity, KINDS,
    PERSONALITIES, Personality, Setup, User,
};

/// A simulated DataPower gateway on 127.0.0.1. It runs until it is stopped (Ctrl-C) and keeps nothing.
#[derive(Parser)]
#[command(after_long_help = fault_help())]
struct Arguments {
    /// Name of the device.
    #[arg(long, default_value = "gateway")]
    name: String,
    /// Port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Application domains. Add :unsaved, :apic, :quiesced, :disabled or :failsafe to a name for one in
    /// that state.
    #[arg(long, value_delimiter = ',', default_value = "DOM1,DOM2")]
    domains: Vec<String>,
    /// User name.
    #[arg(long, default_value = "backup")]
    user: String,
    /// Password.
    #[arg(long, default_value = "secret")]
    password: String,
    /// How the firmware speaks.
    #[arg(long, value_enum, default_value_t = FirmwareStyle::V10)]
    firmware: FirmwareStyle,
    /// Certificate objects, for secure backup.
    #[arg(long, value_delimiter = ',', default_value = "backup-cert")]
    certificates: Vec<String>,
    /// The device was not installed for secure backup.
    #[arg(long)]
    no_secure_backup: bool,
    /// How long a quiesce takes: 500ms, 5s, 2m.
    #[arg(long, value_parser = simulator::parse_time, default_value = "3s")]
    quiesce_time: Duration,
    /// How long an unquiesce takes.
    #[arg(long, value_parser = simulator::parse_time, default_value = "2s")]
    unquiesce_time: Duration,
    /// How long a secure backup takes.
    #[arg(long, value_parser = simulator::parse_time, default_value = "5s")]
    secure_backup_time: Duration,
    /// Adds a file of this many megabytes to the first of the domains.
    #[arg(long, value_name = "MEGABYTES")]
    large_file: Option<u64>,
    /// Serves one connection at a time, to its end.
    #[arg(long)]
    serves_one: bool,
    /// Closes the connection so long after an answer, which does not say so: 0ms, 50ms, 5s.
    #[arg(long, value_name = "TIME", value_parser = simulator::parse_time)]
    hang_up: Option<Duration>,
    /// After so many answers of a connection.
    #[arg(long, value_name = "ANSWERS", default_value_t = 1, requires = "hang_up")]
    hang_up_every: u32,
    /// Ends TCP alone then, without the close_notify of TLS.
    #[arg(long, requires = "hang_up")]
    no_close_notify: bool,
    /// Which certificate the TLS server shows.
    #[arg(long, value_enum, default_value_t = Certificate::Signed)]
    tls: Certificate,
    /// Speaks TLS 1.2 and nothing newer.
    #[arg(long)]
    tls_12_only: bool,
    /// Writes the certificate of the authority to this file.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// A way in which it differs from other gateways, as NAME[@ARGUMENT], or a fault that stays as long as
    /// it runs; see below (--help).
    #[arg(long = "personality", value_name = "SCRIPT", value_parser = Personality::parse)]
    personalities: Vec<Personality>,
    /// Its serial number.
    #[arg(long, default_value = "78A0001")]
    serial: String,
    /// Something that goes wrong, as OPERATION[@DOMAIN][:TIMES]=KIND[@ARGUMENT]; see below (--help).
    #[arg(long = "fault", value_name = "SCRIPT", value_parser = Fault::parse)]
    faults: Vec<Fault>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FirmwareStyle {
    V10,
    V7,
    V5,
}

#[derive(Clone, Copy, ValueEnum)]
enum Certificate {
    /// By an authority of its own.
    Signed,
    /// By itself.
    SelfSigned,
    /// By itself, without names to check.
    CommonName,
    /// By itself, marked as an authority.
    SelfSignedAuthority,
    /// By an authority, and expired.
    Expired,
    /// By itself, X.509 version 1.
    VersionOne,
    /// By itself, with an RSA key of 1024 bits.
    ShortKey,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let mut setup = setup(&arguments);
    for personality in &arguments.personalities {
        personality.apply(&mut setup)?;
    }
    let gateway = Gateway::try_start(setup)?;
    if let Some(path) = &arguments.ca_file {
        std::fs::write(path, gateway.ca_pem())?;
    }
    print_device(&arguments, &gateway);
    for personality in &arguments.personalities {
        println!("# personality: {personality}");
    }
    for fault in arguments.faults {
        println!("# fault: {fault}");
        gateway.fail(fault);
    }
    let mut told = 0;
    loop {
        std::thread::sleep(Duration::from_millis(200));
        for request in gateway.requests().into_iter().skip(told) {
            told += 1;
            let (number, connection) = (request.number, request.connection);
            let faults: String = request
                .faults
                .iter()
                .map(|fault| format!("  ! {fault}"))
                .collect();
            println!(
                "# {number} (connection {connection}) {} {}{faults}",
                request.operation, request.domain
            );
        }
    }
}

fn setup(arguments: &Arguments) -> Setup {
    let mut domains: Vec<Domain> = arguments.domains.iter().map(|text| domain(text)).collect();
    if let (Some(megabytes), Some(first)) = (arguments.large_file, domains.first_mut()) {
        first.files.push((
            "local:///large.bin".to_owned(),
            Content::synthetic(megabytes << 20, 1),
        ));
    }
    Setup {
        name: arguments.name.clone(),
        port: arguments.port,
        users: vec![User::new(&arguments.user, &arguments.password)],
        domains,
        firmware: Firmware {
            serial: arguments.serial.clone(),
            ..match arguments.firmware {
                FirmwareStyle::V10 => Firmware::v10(),
                FirmwareStyle::V7 => Firmware::v7(),
                FirmwareStyle::V5 => Firmware::v5(),
            }
        },
        backup_mode: if arguments.no_secure_backup {
            BackupMode::Normal
        } else {
            BackupMode::Secure
        },
        certificates: arguments
            .certificates
            .iter()
            .map(|name| CryptoCertificate::new(name))
            .collect(),
        quiesce_time: arguments.quiesce_time,
        unquiesce_time: arguments.unquiesce_time,
        secure_backup_time: arguments.secure_backup_time,
        serves_one: arguments.serves_one,
        hang_up: arguments.hang_up.map(|after| HangUp {
            answers: arguments.hang_up_every,
            after,
            close_notify: !arguments.no_close_notify,
        }),
        identity: match arguments.tls {
            Certificate::Signed => Identity::SignedByAuthority,
            Certificate::SelfSigned => Identity::SelfSigned,
            Certificate::CommonName => Identity::SelfSignedCommonName,
            Certificate::SelfSignedAuthority => Identity::SelfSignedAuthority,
            Certificate::Expired => Identity::Expired,
            Certificate::VersionOne => Identity::VersionOne,
            Certificate::ShortKey => Identity::ShortKey,
        },
        tls_12_only: arguments.tls_12_only,
        ..Setup::default()
    }
}

/// `DOM1`, `DOM1:unsaved`.
fn domain(text: &str) -> Domain {
    let mut words = text.split(':');
    let mut domain = Domain::new(words.next().unwrap_or_default());
    for word in words {
        match word {
            "unsaved" => domain.unsaved = true,
            "apic" => domain.api_connect = true,
            "quiesced" => domain.quiesced = true,
            "disabled" => domain.disabled = true,
            "failsafe" => domain.failsafe = true,
            _ => println!(
                "# '{word}' means nothing; a domain is :unsaved, :apic, :quiesced, :disabled or :failsafe"
            ),
        }
    }
    domain
}

/// A table for the plan file, ready to paste.
fn print_device(arguments: &Arguments, gateway: &Gateway) {
    println!("[[device]]");
    println!("name = {:?}", arguments.name);
    println!("host = {:?}", gateway.host());
    println!("port = {}", gateway.port());
    println!("username = {:?}", arguments.user);
    println!(
        "password = {{ env = \"GATEWAY_PASSWORD\" }}   # {}",
        arguments.password
    );
    println!("tls = {{ pin_sha256 = {:?} }}", gateway.pin());
    if let Some(path) = &arguments.ca_file {
        println!("# or: tls = {{ ca_file = {:?} }}", path.display());
    }
}

/// The script language of faults and personalities, with every kind.
fn fault_help() -> String {
    let mut help = String::from(
        "Faults: OPERATION[@DOMAIN][:TIMES]=KIND[@ARGUMENT]\n\n\
         OPERATION  do-backup, do-export, get-status/DomainStatus, get-config/Domain, get-filestore,\n           \
         get-file/cert.tgz, do-action/SecureBackup, ...; either half alone (SecureBackup),\n           \
 * for every request, connect for a new connection,\n           \
         quiesce or unquiesce for these actions of a domain and of the device\n\
         TIMES      2 (the second), 2+ (the second and all after it), -2 (the first two)\n\
         TIME       500ms, 5s, 2m\n\
         WHEN       a TIME by the gateway's clock, or a number: when so many more requests have come\n\n\
         Example: --fault do-backup:2=close-in-body@1000 --fault DomainQuiesce@DOM1=never-quiesces\n\n",
    );
    for (name, argument, meaning) in KINDS {
        help.push_str(&format!("  {:<26} {meaning}\n", format!("{name}{argument}")));
    }
    help.push_str(
        "\nPersonalities: NAME[@ARGUMENT], or a fault that stays as long as the gateway runs. They combine.\n\n\
         Example: --personality state-shown-late@3 --personality quiesce=sentence --personality quiesce=late@10s\n\n",
    );
    for (name, argument, meaning) in PERSONALITIES {
        help.push_str(&format!("  {:<32} {meaning}\n", format!("{name}{argument}")));
    }
    help
}
