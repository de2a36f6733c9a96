//! What a device tells of the certificate that its secure backup is encrypted for, and what of it a person must
//! know before he needs the key.

use jiff::Timestamp;

use crate::run::event::Event;
use crate::run::failure::Trouble;
use crate::run::ledger::LedgerError;
use crate::run::status::Status;
use crate::run::task::Walk;
use crate::soma::error::SomaErrorKind;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::certificate_match::CertificateMatch;

impl Walk<'_, '_, '_> {
    /// Asks for it, writes it down, and warns where it has expired, is not valid yet, or is another one than before. No backup
    /// depends on it: where it is not told it is not known, and what else is wrong with the device is met by
    /// the next question.
    pub(super) fn look_at_certificate(&mut self, name: &str) -> Result<(), Trouble> {
        let facts = match self.session.gateway.certificate_facts(name) {
            Ok(facts) => facts,
            Err(error) if error.kind == SomaErrorKind::Interrupted => {
                return Err(self.exchange(Status::DeviceError, &error).into());
            }
            Err(_) => CertificateFacts::of(name),
        };
        self.certificate = Some(facts.clone());
        self.record.tell(&Event::BackupCertificate {
            task: self.task.id,
            certificate: facts.clone(),
        })?;
        self.warn_of_expiry(&facts)?;
        self.warn_of_another(&facts)?;
        Ok(())
    }

    fn warn_of_expiry(&mut self, facts: &CertificateFacts) -> Result<(), LedgerError> {
        if let Some(from) = facts.not_valid_before(self.engine.clock.now()) {
            return self.warn(format!(
                "the certificate '{}' is not valid before {}: the device is asked for a secure backup with it all the same; look at the clock of the device, or give the object a certificate that is valid",
                facts.object,
                from.strftime("%Y-%m-%d")
            ));
        }
        let not_after: Option<Timestamp> = facts.expiry.as_ref().and_then(|expiry| expiry.parse().ok());
        match not_after {
            Some(not_after) if not_after < self.engine.clock.now() => self.warn(format!(
                "the certificate '{}' expired on {}: the device is asked for a secure backup with it all the same; give the object a new certificate, and keep the old private key: what was backed up with it needs it",
                facts.object,
                not_after.strftime("%Y-%m-%d")
            )),
            _ => Ok(()),
        }
    }

    fn warn_of_another(&mut self, facts: &CertificateFacts) -> Result<(), LedgerError> {
        let device = &self.session.device.name;
        let Some((task, before)) = self.record.last_certificate(device, &facts.object)? else {
            return Ok(());
        };
        if CertificateMatch::of(&before, facts) != CertificateMatch::Other {
            return Ok(());
        }
        self.warn(format!(
            "the certificate '{}' of the device is another one than at its last secure backup (task {}): it was {}, and is {}; what is backed up from now on opens with the private key to this one: make sure that you have it, and keep the one before",
            facts.object,
            task.0,
            before.details(),
            facts.details()
        ))
    }
}
