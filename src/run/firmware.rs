//! Whether a backup of one firmware may be laid over a domain of another.

/// How the firmware of a device stands to that of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirmwareFit {
    /// It is the same, or a newer one of the same major version.
    Fits,
    /// The device's is older.
    Older,
    /// The device's is newer, and of another major version.
    OtherMajor,
    /// One of the two is not told, or not in numbers.
    NotKnown,
}

impl FirmwareFit {
    /// Compares the firmware of an export with that of a device: `IDG.10.0.1.5`.
    pub fn of(export: Option<&str>, device: Option<&str>) -> Self {
        let (Some(export), Some(device)) = (export.and_then(numbers), device.and_then(numbers)) else {
            return Self::NotKnown;
        };
        if device < export {
            Self::Older
        } else if device.first() != export.first() {
            Self::OtherMajor
        } else {
            Self::Fits
        }
    }

    /// Why it may not fit, in words; `None` where it does.
    pub fn doubt(self, device: &str) -> Option<String> {
        match self {
            Self::Fits => None,
            Self::Older => Some(format!("{device} has an older firmware than the backup")),
            Self::OtherMajor => Some(format!("{device} has a firmware of another major version")),
            Self::NotKnown => Some("whether the firmware fits is not known".to_owned()),
        }
    }
}

/// The two versions, in words. The device is `called` so.
pub fn both_versions(export: Option<&str>, device: Option<&str>, called: &str) -> String {
    let told = |version: Option<&str>| version.unwrap_or("not told").to_owned();
    format!("the backup's is {}, {called}'s {}", told(export), told(device))
}

/// A major version from here on is the name of a year.
const FIRST_YEAR: u64 = 2000;

/// Where such versions stand among those that are counted.
const BEFORE_10: u64 = 9;

/// The numbers of a version, without the product in front of them; nothing where a step of it has none.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let mut steps: Vec<&str> = version.trim().split('.').collect();
    if steps.first()?.chars().any(char::is_alphabetic) {
        steps.remove(0);
    }
    // A step may have letters behind its number: 10.0.1.9cd.
    let number = |step: &&str| {
        let digits = step.trim_start_matches(|digit: char| digit.is_ascii_digit());
        step[..step.len() - digits.len()].parse().ok()
    };
    let numbers: Option<Vec<u64>> = steps.iter().map(number).collect();
    let mut numbers = numbers.filter(|numbers| !numbers.is_empty())?;
    // Versions that were named by their year came after 7, and before 10.
    if numbers.first()? >= &FIRST_YEAR {
        numbers.insert(0, BEFORE_10);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::FirmwareFit;

    #[test]
    fn firmware_fits_where_it_is_the_same_or_newer_within_a_major_version() {
        let fit = |export, device| FirmwareFit::of(Some(export), Some(device));
        assert_eq!(fit("IDG.10.0.1.5", "IDG.10.0.1.5"), FirmwareFit::Fits);
        assert_eq!(fit("IDG.10.0.1.5", "IDG.10.5.0.0"), FirmwareFit::Fits);
        assert_eq!(fit("IDG.10.0.1.10", "IDG.10.0.1.9"), FirmwareFit::Older);
        assert_eq!(fit("IDG.10.0.1.5", "IDG.7.5.2.4"), FirmwareFit::Older);
        assert_eq!(fit("IDG.7.5.2.4", "IDG.10.0.1.5"), FirmwareFit::OtherMajor);
        assert_eq!(fit("IDG.2018.4.1.3", "IDG.2018.4.1.9"), FirmwareFit::Fits);
        assert_eq!(fit("IDG.2018.4.1.3", "IDG.10.0.1.5"), FirmwareFit::OtherMajor);
        assert_eq!(fit("IDG.7.7.1.0", "IDG.2018.4.1.3"), FirmwareFit::OtherMajor);
        for (newer, older) in [
            ("IDG.10.0.1.5", "IDG.2018.4.1.3"),
            ("IDG.2018.4.1.3", "IDG.7.7.1.0"),
        ] {
            assert_eq!(fit(newer, older), FirmwareFit::Older);
        }
        assert_eq!(fit("XI52.5.0.0.9", "5.0.0.9"), FirmwareFit::Fits);
        assert_eq!(fit("IDG.10.0.1.5cd", "IDG.10.0.1.5"), FirmwareFit::Fits);
        assert_eq!(fit("IDG.10.0.1.9cd", "IDG.10.0.1.4"), FirmwareFit::Older);
        for told in [None, Some(""), Some("IDG"), Some("unknown"), Some("IDG.10.x.1")] {
            assert_eq!(FirmwareFit::of(told, Some("IDG.10.0.1.5")), FirmwareFit::NotKnown);
            assert_eq!(FirmwareFit::of(Some("IDG.10.0.1.5"), told), FirmwareFit::NotKnown);
        }
    }
}
