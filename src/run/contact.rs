//! The devices of a run: each is contacted once, and its connection kept.

use std::collections::BTreeMap;

use crate::gateway::Gateway;
use crate::gateway::domains::DomainStatus;
use crate::gateway::facts::Firmware;
use crate::plan::model::{Device, Trust};
use crate::run::Engine;
use crate::run::event::DeviceFacts;
use crate::run::failure::{Failure, words};
use crate::run::status::Status;
use crate::secret::SecretContext;
use crate::soma::client::{Client, Endpoint};
use crate::soma::error::SomaErrorKind;
use crate::values::causes::with_causes;

/// A device that answered.
#[derive(Debug)]
pub struct Session<'a> {
    /// The device.
    pub device: &'a Device,
    /// The way to it.
    pub gateway: Gateway<'a>,
    /// Its domains when it was contacted.
    pub domains: Vec<DomainStatus>,
    /// Whether asking a domain for API Connect makes sense: false once the firmware has
    /// said that it does not know the class.
    pub knows_api_connect: bool,
    facts: Option<DeviceFacts>,
}

/// How a device met us.
#[derive(Debug)]
pub enum Contact<'a> {
    /// It answered as it should.
    Up(Box<Session<'a>>),
    /// It is not available (no connection, or no answer in time): its tasks are skipped.
    Down(String),
    /// It answered, but not as it should: its tasks fail.
    Bad(Failure),
}

/// All contacts of a run.
pub struct Devices<'a> {
    engine: Engine<'a>,
    contacts: BTreeMap<&'a str, Contact<'a>>,
}

impl<'a> Devices<'a> {
    /// Nobody has been contacted yet.
    pub fn new(engine: Engine<'a>) -> Self {
        Self {
            engine,
            contacts: BTreeMap::new(),
        }
    }

    /// The contact with a device, made now if there was none.
    pub fn contact(&mut self, device: &'a Device) -> &mut Contact<'a> {
        let engine = self.engine;
        self.contacts
            .entry(&device.name)
            .or_insert_with(|| meet(engine, device))
    }

    /// Forgets devices that were not available, so that another plan tries them again.
    /// A refused login is remembered: trying it again locks accounts.
    pub fn forget_unavailable(&mut self) {
        self.contacts
            .retain(|_, contact| !matches!(contact, Contact::Down(_)));
    }

    /// From now on the device counts as one that refuses our login.
    pub fn refuses_login(&mut self, device: &'a Device, failure: Failure) {
        self.contacts.insert(&device.name, Contact::Bad(failure));
    }
}

impl Session<'_> {
    /// What the device says about itself, asked once.
    pub fn facts(&mut self) -> Result<&DeviceFacts, Failure> {
        if self.facts.is_none() {
            let firmware = self
                .gateway
                .firmware()
                .map_err(|error| Failure::of_exchange(Status::DeviceError, &self.device.name, &error))?;
            self.facts = Some(facts(firmware, &self.device.tls));
        }
        Ok(self.facts.get_or_insert_default())
    }
}

fn facts(firmware: Firmware, trust: &Trust) -> DeviceFacts {
    DeviceFacts {
        firmware_version: firmware.version,
        build: firmware.build,
        build_date: firmware.build_date,
        serial: firmware.serial,
        machine_type: firmware.machine_type,
        model_type: firmware.model_type,
        tls_trust: Some(trust.to_string()),
    }
}

/// The lock that keeps two tasks from one device, across processes. It is named after
/// the address: two plan files may have two names for one device.
pub fn lock_name(device: &Device) -> String {
    format!("device-{}-{}", device.host, device.port)
}

/// A client for a device, with its password.
pub fn client(engine: Engine<'_>, device: &Device) -> Result<Client, Failure> {
    let password = device
        .password
        .resolve(&SecretContext {
            folder: engine.plan_folder(),
            environment: engine.environment,
            variables: &|| engine.file.secret_variables(),
        })
        .map_err(|error| {
            Failure::new(
                Status::DeviceError,
                format!("{}: no password: {}", device.name, with_causes(&error)),
            )
        })?;
    Client::new(Endpoint {
        host: device.host.clone(),
        port: device.port,
        username: device.username.clone(),
        password,
        trust: device.tls.clone(),
        timeouts: engine.file.settings.timeouts,
        trust_command: engine.file.invocation.command(["trust", &device.name]),
    })
    .map_err(|error| Failure::of_exchange(Status::DeviceError, &device.name, &error))
}

/// A device with a connection to come.
pub fn gateway<'a>(engine: Engine<'a>, device: &Device) -> Result<Gateway<'a>, Failure> {
    let client = client(engine, device)?;
    Ok(Gateway::new(
        client,
        engine.clock,
        engine.stop.clone(),
        engine.file.settings.retries,
    ))
}

fn meet<'a>(engine: Engine<'a>, device: &'a Device) -> Contact<'a> {
    let gateway = match gateway(engine, device) {
        Ok(gateway) => gateway,
        Err(failure) => return Contact::Bad(failure),
    };
    match gateway.domains() {
        Ok(domains) => Contact::Up(Box::new(Session {
            device,
            gateway,
            domains,
            knows_api_connect: true,
            facts: None,
        })),
        Err(error) if matches!(error.kind, SomaErrorKind::Unreachable | SomaErrorKind::TimedOut) => {
            Contact::Down(format!(
                "{} ({}:{}): {}",
                device.name,
                device.host,
                device.port,
                words(&error)
            ))
        }
        Err(error) => Contact::Bad(Failure::of_exchange(Status::DeviceError, &device.name, &error)),
    }
}
