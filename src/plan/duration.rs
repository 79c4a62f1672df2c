//! Durations as people write them: `300ms`, `5s`, `1h30m`, `7d`.

use std::fmt::Write as _;
use std::time::Duration;

/// Units, longest first, with their length in nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A bound that may be absent: «for ever» is a value of its own, never a very large number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// No bound.
    Never,
    /// Not longer than this.
    After(Duration),
}

impl Limit {
    /// The bound, if there is one.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::After(duration) => Some(duration),
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Never => f.write_str("none"),
            Self::After(duration) => f.write_str(&exact(*duration)),
        }
    }
}

/// Parses a duration: one or more `NUMBER UNIT` pairs (`1h30m`, `1.5s`), or `0`.
///
/// # Errors
/// A fragment that says what is wrong, and how to write what was probably meant.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a duration is missing: write 500ms, 5s, 2m, 1h30m or 7d".into());
    }
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.starts_with('-') {
        return Err(format!("'{text}' is negative"));
    }
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let unit_len = tail.find(|c: char| !c.is_alphabetic() && c != 'µ').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        if number.is_empty() {
            return Err(format!("'{text}' is not a duration: write 500ms, 5s, 2m, 1h30m or 7d"));
        }
        if unit.is_empty() {
            return Err(format!("'{text}' has no unit: write {number}s for seconds, {number}m for minutes"));
        }
        let unit_nanos = unit_nanos(unit)
            .ok_or_else(|| format!("'{unit}' in '{text}' is not a unit of time: use ms, s, m, h or d"))?;
        total = scaled(number, unit_nanos)
            .ok_or_else(|| format!("'{number}' in '{text}' is not a number that fits"))?
            .checked_add(total)
            .ok_or_else(|| format!("'{text}' is longer than 500 years"))?;
        rest = tail.trim_start();
    }
    Ok(Duration::from_nanos(total))
}

/// Parses a [`Limit`]: a duration, or `0`, `never`, `none` or `forever` for no bound.
///
/// # Errors
/// As [`parse`].
pub fn parse_limit(text: &str) -> Result<Limit, String> {
    if ["never", "none", "forever"].contains(&text.trim()) {
        return Ok(Limit::Never);
    }
    match parse(text)? {
        Duration::ZERO => Ok(Limit::Never),
        duration => Ok(Limit::After(duration)),
    }
}

fn unit_nanos(unit: &str) -> Option<u64> {
    let unit = match unit {
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hour" | "hours" | "hr" => "h",
        "day" | "days" => "d",
        "µs" => "us",
        other => other,
    };
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, nanos)| *nanos)
}

/// `number` (digits with at most one point) times `unit`, in whole nanoseconds.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut nanos = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.checked_mul(unit)? };
    let mut place = unit;
    if fraction.is_empty() && number.contains('.') {
        return None;
    }
    for digit in fraction.chars() {
        place /= 10;
        nanos = nanos.checked_add(u64::from(digit.to_digit(10)?) * place)?;
    }
    Some(nanos)
}

/// A duration written exactly, as [`parse`] reads it: `1m30s`, `250ms`.
#[must_use]
pub fn exact(duration: Duration) -> String {
    let mut nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    if nanos == 0 {
        return "0s".into();
    }
    let mut text = String::new();
    for (unit, length) in UNITS {
        let count = nanos / length;
        nanos %= length;
        if count > 0 {
            let _ = write!(text, "{count}{unit}");
        }
    }
    text
}

/// A duration for people, in at most three significant parts: `12ms`, `4.2s`, `3m05s`, `2h10m`.
#[must_use]
pub fn human(duration: Duration) -> String {
    let millis = duration.as_millis();
    let seconds = duration.as_secs();
    match millis {
        0 => "0ms".into(),
        1..1000 => format!("{millis}ms"),
        1000..59_950 => format!("{:.1}s", duration.as_secs_f64()),
        59_950..3_600_000 => {
            let seconds = seconds.max(60);
            format!("{}m{:02}s", seconds / 60, seconds % 60)
        }
        _ if seconds < 86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_written() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("300ms", 300),
            ("5s", 5_000),
            ("1.5s", 1_500),
            (".5s", 500),
            ("2m", 120_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("7d", 604_800_000),
            ("2min", 120_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn malformed_durations_say_what_is_wrong() {
        for (text, says) in [
            ("60", "'60' has no unit: write 60s for seconds, 60m for minutes"),
            ("", "a duration is missing"),
            ("-3s", "'-3s' is negative"),
            ("3x", "'x' in '3x' is not a unit of time"),
            ("s", "'s' is not a duration"),
            ("1.s", "'1.' in '1.s' is not a number that fits"),
            ("1.2.3s", "is not a number"),
            ("99999999999999999999s", "is not a number that fits"),
            ("500000d", "is not a number that fits"),
            ("soon", "'soon' is not a duration"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn no_limit_is_a_value_of_its_own() {
        assert_eq!(parse_limit("0"), Ok(Limit::Never));
        assert_eq!(parse_limit("0s"), Ok(Limit::Never));
        assert_eq!(parse_limit("never"), Ok(Limit::Never));
        assert_eq!(parse_limit("3s"), Ok(Limit::After(Duration::from_secs(3))));
        assert!(parse_limit("nver").is_err());
        assert_eq!(Limit::Never.duration(), None);
        assert_eq!(Limit::After(Duration::from_secs(3)).duration(), Some(Duration::from_secs(3)));
    }

    #[test]
    fn durations_are_shown_briefly() {
        for (millis, text) in [
            (0, "0ms"),
            (12, "12ms"),
            (4_230, "4.2s"),
            (59_940, "59.9s"),
            (59_990, "1m00s"),
            (185_000, "3m05s"),
            (7_800_000, "2h10m"),
            (86_399_999, "23h59m"),
            (86_400_000, "1d00h"),
            (90_000_000, "1d01h"),
        ] {
            assert_eq!(human(Duration::from_millis(millis)), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn exact_form_reads_back(nanos: u64) {
            let duration = Duration::from_nanos(nanos);
            proptest::prop_assert_eq!(parse(&exact(duration)), Ok(duration));
        }
    }
}
