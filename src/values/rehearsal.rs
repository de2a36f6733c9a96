//! What came of sending a backup to a spare device for a dry run.

/// Whether the backup would come up, as far as the device said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RehearsalVerdict {
    /// The device understood it and found nothing against it.
    WouldWork,
    /// The device, or the archive itself, speaks against it.
    WouldFail,
    /// Nobody can tell: no answer, or one that was not understood.
    NotKnown,
}

impl RehearsalVerdict {
    /// Every verdict.
    pub const ALL: [Self; 3] = [Self::WouldWork, Self::WouldFail, Self::NotKnown];

    /// The word in history.
    pub fn code(self) -> &'static str {
        match self {
            Self::WouldWork => "WOULD_WORK",
            Self::WouldFail => "WOULD_FAIL",
            Self::NotKnown => "NOT_KNOWN",
        }
    }

    /// The word for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::WouldWork => "would work",
            Self::WouldFail => "would fail",
            Self::NotKnown => "not known",
        }
    }
}

/// Whether the spare is as it was before, as far as somebody looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpareProof {
    /// Nothing was sent to it.
    NotSent,
    /// It was looked at before and after, and nothing differs.
    Unchanged,
    /// It was looked at before and after, and something differs.
    Changed,
    /// It could not be looked at.
    NotKnown,
}

impl SpareProof {
    /// Every one of them.
    pub const ALL: [Self; 4] = [Self::NotSent, Self::Unchanged, Self::Changed, Self::NotKnown];

    /// The word in history.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotSent => "NOT_SENT",
            Self::Unchanged => "UNCHANGED",
            Self::Changed => "CHANGED",
            Self::NotKnown => "NOT_KNOWN",
        }
    }

    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotSent => "nothing was sent to it",
            Self::Unchanged => "it is as it was before",
            Self::Changed => "IT WAS CHANGED",
            Self::NotKnown => "not known whether it is as it was before",
        }
    }
}

/// What came of one rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RehearsalResult {
    /// Whether the backup would come up.
    pub verdict: RehearsalVerdict,
    /// Whether the spare is as it was before.
    pub proof: SpareProof,
    /// Objects and files that the device would refuse, in its words.
    pub refused: Vec<String>,
    /// Keys and certificates that the archive lists and does not hold, as the device told.
    pub missing_keys: Vec<String>,
    /// What is to be said of it: why it is not known, and what changed.
    pub message: Option<String>,
}

impl RehearsalResult {
    /// Of a backup of which nobody can tell.
    pub fn not_known(proof: SpareProof, why: impl Into<String>) -> Self {
        Self {
            verdict: RehearsalVerdict::NotKnown,
            proof,
            refused: Vec::new(),
            missing_keys: Vec::new(),
            message: Some(why.into()),
        }
    }

    /// Whether all that was to be proved was proved.
    pub fn is_good(&self) -> bool {
        self.verdict == RehearsalVerdict::WouldWork && self.proof == SpareProof::Unchanged
    }

    /// Everything that speaks against it, on one line; empty where it is good.
    pub fn against(&self) -> String {
        let mut against = Vec::new();
        if self.verdict != RehearsalVerdict::WouldWork {
            against.push(self.verdict.words().to_owned());
        }
        against.extend(self.refused.iter().cloned());
        against.extend(self.message.iter().cloned());
        if let SpareProof::Changed | SpareProof::NotKnown = self.proof {
            against.push(format!("the spare: {}", self.proof.words()));
        }
        against.join("; ")
    }
}
