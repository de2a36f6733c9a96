//! The way to a device, with its account and its password.

use secrecy::{ExposeSecret as _, SecretString};

use crate::gateway::Gateway;
use crate::plan::model::{Account, Device};
use crate::run::Engine;
use crate::run::failure::{Failure, words};
use crate::run::status::Status;
use crate::secret::{SecretContext, SecretSource};
use crate::soma::client::{Client, Endpoint};

/// A client for a device, with its password. A wish to stop ends the command that fetches that.
fn client(engine: Engine<'_>, device: &Device) -> Result<Client, Failure> {
    client_unless(engine, device, &|| engine.stop.is_requested())
}

/// The account of a device and its password, wherever they come from; `cancelled` ends the command that fetches one.
pub fn login(
    engine: Engine<'_>,
    device: &Device,
    cancelled: &dyn Fn() -> bool,
) -> Result<(String, SecretString), Failure> {
    let context = SecretContext {
        folder: engine.plan_folder(),
        environment: engine.environment,
        variables: &|| engine.file.secret_variables(),
        cancelled,
    };
    let resolve = |source: &SecretSource, what: &str| {
        source.resolve(&context).map_err(|error| {
            Failure::new(
                Status::DeviceError,
                format!("{}: no {what}: {}", device.name, error.with_advice()),
            )
        })
    };
    let username = match &device.username {
        Account::Named(name) => name.clone(),
        Account::From(source) => resolve(source, "user name")?.expose_secret().to_owned(),
    };
    if username.contains(':') {
        return Err(Failure::new(
            Status::DeviceError,
            format!(
                "{}: the {} holds a colon, at which the login would be cut",
                device.name,
                device.username.describe()
            ),
        ));
    }
    Ok((username, resolve(&device.password, "password")?))
}

fn client_unless(
    engine: Engine<'_>,
    device: &Device,
    cancelled: &dyn Fn() -> bool,
) -> Result<Client, Failure> {
    let (username, password) = login(engine, device, cancelled)?;
    Client::new(Endpoint {
        host: device.host.clone(),
        port: device.port,
        username,
        password,
        account: format!(
            "{} and the password from {}",
            device.username.describe(),
            device.password.describe()
        ),
        trust: device.tls.clone(),
        timeouts: device.timeouts,
        trust_command: engine.file.invocation.command(["trust", &device.name]),
    })
    .map_err(|error| Failure::of_exchange(Status::DeviceError, &device.name, &error))
}

/// A device with a connection to come.
pub fn gateway<'a>(engine: Engine<'a>, device: &Device) -> Result<Gateway<'a>, Failure> {
    Ok(with_client(engine, client(engine, device)?))
}

fn with_client(engine: Engine<'_>, client: Client) -> Gateway<'_> {
    Gateway::new(
        client,
        engine.clock,
        engine.stop.clone(),
        engine.file.settings.retries,
    )
}

/// The same, deaf to the wish to stop: for what must be undone.
pub(super) fn shielded<'a>(engine: Engine<'a>, device: &Device) -> Result<Gateway<'a>, Failure> {
    with_client(engine, client_unless(engine, device, &|| false)?)
        .shielded()
        .map_err(|error| Failure::new(Status::DeviceError, words(&error)))
}
