//! Firmware: what it calls itself, how it speaks, and what it does not know yet.

/// Firmware: what it calls itself and how it speaks.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// As in `FirmwareVersion3`, with the product in front: `IDG.10.0.1.5`.
    pub version: String,
    /// Build number.
    pub build: String,
    /// `YYYY/MM/DD HH:MM:SS`.
    pub build_date: String,
    /// `LTS` or `CD`.
    pub delivery_type: String,
    /// Serial number.
    pub serial: String,
    /// Machine type, `8436`.
    pub machine_type: String,
    /// Model type, `53X`.
    pub model_type: String,
    /// The form of results and errors.
    pub style: Style,
    /// Classes and operations that the schema of this firmware does not have yet.
    pub unknown_classes: Vec<String>,
    /// Quiesce actions take a `delay`, and `DomainStatus` ends with `InterfaceState` and
    /// `FailsafeMode`: both came after 5.0.
    pub after_v5: bool,
}

/// How results and errors look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Up to 7.x: `OK` padded with white space, `log-event` in no namespace, the command line echoed.
    Old,
    /// From 10 on: a bare `OK`, `dp:log-event`.
    V10,
}

impl Firmware {
    /// An appliance of 10.0.1.
    pub fn v10() -> Firmware {
        Firmware {
            version: "IDG.10.0.1.5".to_owned(),
            build: "336212".to_owned(),
            build_date: "2021/09/29 17:46:20".to_owned(),
            delivery_type: "LTS".to_owned(),
            serial: "78A0001".to_owned(),
            machine_type: "8436".to_owned(),
            model_type: "53X".to_owned(),
            style: Style::V10,
            unknown_classes: Vec::new(),
            after_v5: true,
        }
    }

    /// An appliance of 7.5: padded results, no `FirmwareVersion3`, no API Connect service.
    pub fn v7() -> Firmware {
        Firmware {
            version: "IDG.7.5.2.4".to_owned(),
            build: "290224".to_owned(),
            build_date: "2017/04/12 09:05:11".to_owned(),
            style: Style::Old,
            unknown_classes: ["FirmwareVersion3", "FirmwareStatus2", "APIConnectGatewayService"]
                .map(str::to_owned)
                .to_vec(),
            ..Firmware::v10()
        }
    }

    /// An appliance of 5.0: also without `FirmwareVersion2`, `SecureBackupMode`, quiesce delays and
    /// the details of certificates.
    pub fn v5() -> Firmware {
        let mut unknown_classes = Firmware::v7().unknown_classes;
        let more = [
            "FirmwareVersion2",
            "SecureBackupMode",
            "DateTimeStatus2",
            "do-view-certificate-details",
        ];
        unknown_classes.extend(more.map(str::to_owned));
        Firmware {
            version: "XI52.5.0.0.9".to_owned(),
            build: "231012".to_owned(),
            build_date: "2013/08/29 13:52:34".to_owned(),
            machine_type: "7199".to_owned(),
            model_type: "42X".to_owned(),
            unknown_classes,
            after_v5: false,
            ..Firmware::v7()
        }
    }

    /// Whether the schema of this firmware has the class or operation.
    pub fn knows(&self, class: &str) -> bool {
        !self.unknown_classes.iter().any(|unknown| unknown == class)
    }
}
