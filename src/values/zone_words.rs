//! Time zones as people call them: by an abbreviation, or by a city that has given no zone its name.

/// What people write, in lower case, and the zone that has those hours.
const ZONES: &[(&[&str], &str)] = &[
    (&["z", "zulu"], "UTC"),
    (
        &["bst", "edinburgh", "manchester", "birmingham", "england"],
        "Europe/London",
    ),
    (
        &[
            "cest",
            "mesz",
            "mez",
            "munich",
            "muenchen",
            "frankfurt",
            "hamburg",
            "cologne",
            "germany",
        ],
        "Europe/Berlin",
    ),
    (
        &["milan", "milano", "roma", "turin", "naples", "italy"],
        "Europe/Rome",
    ),
    (
        &["geneva", "bern", "basel", "lausanne", "switzerland"],
        "Europe/Zurich",
    ),
    (&["lyon", "marseille", "toulouse", "france"], "Europe/Paris"),
    (&["barcelona", "valencia", "spain"], "Europe/Madrid"),
    (&["rotterdam", "the hague", "netherlands"], "Europe/Amsterdam"),
    (&["west", "porto", "portugal"], "Europe/Lisbon"),
    (&["eest", "finland"], "Europe/Helsinki"),
    (&["msk", "st petersburg", "saint petersburg"], "Europe/Moscow"),
    (&["trt", "ankara"], "Europe/Istanbul"),
    (
        &[
            "ist",
            "mumbai",
            "delhi",
            "new delhi",
            "bangalore",
            "bengaluru",
            "chennai",
            "hyderabad",
            "pune",
            "india",
        ],
        "Asia/Kolkata",
    ),
    (&["beijing", "shenzhen", "guangzhou", "china"], "Asia/Shanghai"),
    (&["jst", "osaka", "kyoto", "yokohama"], "Asia/Tokyo"),
    (&["kst", "busan", "korea"], "Asia/Seoul"),
    (&["sgt"], "Asia/Singapore"),
    (&["hkt"], "Asia/Hong_Kong"),
    (&["gst", "abu dhabi"], "Asia/Dubai"),
    (
        &["edt", "washington", "boston", "miami", "atlanta", "philadelphia"],
        "America/New_York",
    ),
    (&["cst", "cdt", "houston", "dallas", "austin"], "America/Chicago"),
    (&["mdt", "salt lake city"], "America/Denver"),
    (
        &["pst", "pdt", "san francisco", "seattle", "san jose", "san diego"],
        "America/Los_Angeles",
    ),
    (&["montreal", "ottawa"], "America/Toronto"),
    (&["brt", "rio", "rio de janeiro", "brasilia"], "America/Sao_Paulo"),
    (&["aest", "aedt", "canberra"], "Australia/Sydney"),
    (&["nzst", "nzdt", "wellington"], "Pacific/Auckland"),
];

/// What is most likely not meant by a zone that there is, and what to write: one that is named by no place.
pub fn doubt(name: &str) -> Option<(String, &'static str)> {
    const PLACE: &str = "write a place, such as \"Europe/Rome\", or \"UTC\"";
    let lower = name.to_ascii_lowercase();
    let shift = lower
        .strip_prefix("etc/")
        .and_then(|rest| rest.strip_prefix("gmt"));
    if let Some((sign, hours)) = shift.and_then(|shift| shift.split_at_checked(1))
        && hours.parse::<u8>().is_ok_and(|hours| hours > 0)
    {
        let other = match sign {
            "+" => '-',
            _ => '+',
        };
        return Some((
            format!("{name:?} is UTC{other}{hours}: its sign goes the other way, and it has no summer time"),
            PLACE,
        ));
    }
    let title = match lower.as_str() {
        "est" | "mst" | "hst" => format!("{name:?} has no summer time"),
        "posixrules" | "factory" | "localtime" => format!("{name:?} is not the zone of anything"),
        _ => return None,
    };
    Some((title, PLACE))
}

/// The zone that is most likely meant by what is none.
pub(super) fn zone_of(name: &str) -> Option<&'static str> {
    let place = name.rsplit('/').next().unwrap_or(name);
    let place = place.trim().to_lowercase().replace('_', " ");
    let found = ZONES.iter().find(|(words, _)| words.contains(&place.as_str()));
    found.map(|(_, zone)| *zone)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::ZONES;

    #[test]
    fn every_zone_that_is_advised_is_one() {
        for (words, zone) in ZONES {
            assert!(TimeZone::get(zone).is_ok(), "{zone}");
            assert!(
                words.iter().all(|word| word.to_lowercase() == **word),
                "{words:?}"
            );
        }
    }
}
