//! Sizes as people read them.

/// `1.4 GiB`; bytes are exact below 1 KiB.
pub(super) fn human(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 1024_u64;
    for name in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        let tenths = tenths(bytes, unit);
        // 1023.97 KiB is 1.0 MiB, not 1024.0 KiB.
        if tenths < 10 * 1024 {
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
        unit *= 1024;
    }
    let tenths = tenths(bytes, unit);
    format!("{}.{} EiB", tenths / 10, tenths % 10)
}

/// How many tenths of the unit, rounded to the nearest.
fn tenths(bytes: u64, unit: u64) -> u128 {
    (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_and_the_unit_that_fits() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1_048_524, "1023.9 KiB"),
            (1_048_525, "1.0 MiB"),
            (1_503_238_554, "1.4 GiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(human(bytes), text, "{bytes}");
        }
    }
}
