//! Sets of HTTP statuses: `200,204,2xx,300-399`.

/// A set of statuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatusSet(Vec<(u16, u16)>);

impl Default for StatusSet {
    fn default() -> Self {
        Self(vec![(200, 299)])
    }
}

impl StatusSet {
    /// Reads a set.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| range(part.trim())).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn holds(&self, status: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }
}

fn range(part: &str) -> Result<(u16, u16), String> {
    let wrong = || format!("'{part}' is not a set of statuses: write 204, 2xx or 300-399");
    let status = |text: &str| {
        let digits = text.len() == 3 && text.bytes().all(|c| c.is_ascii_digit());
        text.parse::<u16>().ok().filter(|status| digits && (100..=599).contains(status)).ok_or_else(wrong)
    };
    if let Some(hundreds) = part.strip_suffix("xx").or_else(|| part.strip_suffix("XX")) {
        let first = status(&format!("{hundreds}00"))?;
        return Ok((first, first + 99));
    }
    match part.split_once('-') {
        Some((first, last)) => {
            let (first, last) = (status(first.trim())?, status(last.trim())?);
            if first > last {
                Err(format!("'{part}' is empty: {first} is above {last}"))
            } else {
                Ok((first, last))
            }
        }
        None => status(part).map(|status| (status, status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_they_say() {
        let set = StatusSet::parse("200-200, 204,3XX,400-404").unwrap();
        let held: Vec<u16> = (100..600).filter(|status| set.holds(*status)).collect();
        let expected: Vec<u16> = [200, 204].into_iter().chain(300..400).chain(400..405).collect();
        assert_eq!(held, expected);
        let default: Vec<u16> = (100..600).filter(|status| StatusSet::default().holds(*status)).collect();
        assert_eq!(default, (200..300).collect::<Vec<_>>());
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "", "2x", "x", "20", "2000", "0xx", "9xx", "xxx", "200-", "-200", "300-200", "200,,201", "+20",
            "0200", "ok",
        ] {
            assert!(StatusSet::parse(text).is_err(), "{text}");
        }
    }
}
