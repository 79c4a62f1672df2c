//! What is expected of a name's records, and whether it is so.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;

use super::{Draft, Evidence, RECORDS, Reason, Verdict};
use crate::net::resolve::{Candidate, RData, RecordType, presentation};
use crate::plan::problem::Problem;

/// So many records are shown.
const MOST: usize = 3;
/// So many characters of a record are shown.
const LONGEST: usize = 80;

/// What the records must be like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Expect {
    /// The least number of records.
    pub(super) min: usize,
    /// Data of records that must be there, as it was given and as it is compared.
    pub(super) equals: Vec<(String, String)>,
    /// What some record must contain.
    pub(super) contains: Option<String>,
}

/// The records that a name has, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Observed {
    /// The name that has them, if it is not the one that was given.
    through: Option<String>,
    records: Vec<Datum>,
}

/// A record's data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Datum {
    /// In presentation format.
    shown: String,
    /// As it is compared.
    key: String,
}

impl Expect {
    /// Reads `equals`, `contains` and `min`.
    pub(super) fn read(draft: &mut Draft<'_>, kind: Option<RecordType>) -> Self {
        let mut equals = Vec::new();
        for text in draft.all("equals") {
            match fault(text, kind) {
                Some(fault) => draft.problem(Problem::new(format!("option equals: '{text}' is not {fault}"))),
                None => equals.push((text.to_owned(), key(text, kind == Some(RecordType::TXT)))),
            }
        }
        Self {
            min: draft.number("min", 1).unwrap_or(1),
            equals,
            contains: draft.text("contains").map(str::to_owned),
        }
    }

    /// Whether any record will do.
    pub(super) fn is_any(&self) -> bool {
        self.min <= 1 && self.equals.is_empty() && self.contains.is_none()
    }
}

impl Observed {
    /// The records `data` of `name`, found when `given` was looked up.
    pub(super) fn new(given: &str, name: &str, data: impl Iterator<Item = String>) -> Self {
        Self::sorted(given, name, data.map(|shown| Datum { key: key(&shown, false), shown }).collect())
    }

    /// What a look-up found for `given`.
    pub(super) fn of(given: &str, found: &Candidate) -> Self {
        let records = found.records().map(|data| Datum { shown: presentation(data), key: data_key(data) });
        Self::sorted(given, &found.name, records.collect())
    }

    fn sorted(given: &str, name: &str, mut records: Vec<Datum>) -> Self {
        records.sort();
        records.dedup();
        let same = given.strip_suffix('.').unwrap_or(given).eq_ignore_ascii_case(name);
        Self { through: (!same).then(|| name.to_owned()), records }
    }

    fn text(&self) -> String {
        let mut words: Vec<String> =
            self.records.iter().take(MOST).map(|datum| short(&datum.shown)).collect();
        if self.records.len() > MOST {
            words.push(format!("{} more", self.records.len() - MOST));
        }
        match &self.through {
            Some(name) => format!("{name}: {}", words.join(", ")),
            None => words.join(", "),
        }
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.records.iter().for_each(|datum| datum.key.hash(&mut hasher));
        hasher.finish()
    }
}

/// Whether the records are as expected.
pub(super) fn judge(expect: &Expect, observed: &Observed) -> Verdict {
    let records = &observed.records;
    let missing = expect.equals.iter().find(|(_, key)| records.iter().all(|datum| datum.key != *key));
    let lacking =
        if let Some((given, _)) = missing {
            Some(format!("expected {}", short(given)))
        } else if let Some(text) = expect.contains.as_ref().filter(|text| {
            records.iter().all(|datum| !datum.shown.contains(*text) && !datum.key.contains(*text))
        }) {
            Some(format!("expected a record with '{}'", short(text)))
        } else if records.len() < expect.min {
            Some(format!("expected at least {} records", expect.min))
        } else {
            None
        };
    match lacking {
        Some(lacking) => Verdict::NotYet(Reason::new(&RECORDS, format!("{} — {lacking}", observed.text()))),
        None => Verdict::Ready(Evidence { text: observed.text(), fingerprint: Some(observed.fingerprint()) }),
    }
}

/// A record's data as it is compared: a TXT record's strings are one text.
fn data_key(data: &RData) -> String {
    match data {
        RData::TXT(txt) => String::from_utf8_lossy(&txt.txt_data.concat()).into_owned(),
        data => key(&presentation(data), false),
    }
}

/// Data as it is compared: TXT to the letter; otherwise apart from case, quotes, final dots and blanks.
fn key(text: &str, exact: bool) -> String {
    if exact {
        return text.to_owned();
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return ip.to_string();
    }
    let words = text.split_ascii_whitespace().map(|word| {
        let word = word.trim_matches('"').to_ascii_lowercase();
        word.strip_suffix('.').filter(|word| !word.is_empty()).unwrap_or(&word).to_owned()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What `text` should be and is not, if no record of this kind can ever equal it.
fn fault(text: &str, kind: Option<RecordType>) -> Option<&'static str> {
    let numbers = |count: usize| {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        words.len() == count + 1 && words.iter().take(count).all(|word| word.parse::<u16>().is_ok())
    };
    let (right, what) = match kind {
        None => (text.parse::<IpAddr>().is_ok(), "an IP address"),
        Some(RecordType::A) => (text.parse::<std::net::Ipv4Addr>().is_ok(), "an IPv4 address"),
        Some(RecordType::AAAA) => (text.parse::<std::net::Ipv6Addr>().is_ok(), "an IPv6 address"),
        Some(RecordType::MX) => (numbers(1), "PREFERENCE NAME"),
        Some(RecordType::SRV) => (numbers(3), "PRIORITY WEIGHT PORT NAME"),
        Some(_) => return None,
    };
    (!right).then_some(what)
}

/// `text` on one line, cut where it is long.
fn short(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c });
    let mut shown: String = chars.by_ref().take(LONGEST).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(data: &[&str]) -> Observed {
        Observed::new("db", "db", data.iter().map(|text| (*text).to_owned()))
    }

    fn expect(min: usize, equals: &[&str], contains: Option<&str>) -> Expect {
        Expect {
            min,
            equals: equals.iter().map(|text| ((*text).to_owned(), key(text, false))).collect(),
            contains: contains.map(str::to_owned),
        }
    }

    #[test]
    fn records_are_judged() {
        let two = ["10.0.0.2", "10.0.0.1"];
        for (data, expected, says) in [
            (&two[..], expect(1, &[], None), "ready 10.0.0.1, 10.0.0.2"),
            (&two, expect(2, &["10.0.0.1"], None), "ready 10.0.0.1, 10.0.0.2"),
            (&two, expect(3, &[], None), "10.0.0.1, 10.0.0.2 — expected at least 3 records"),
            (&two, expect(1, &["10.0.0.1", "10.0.0.3"], None), "10.0.0.1, 10.0.0.2 — expected 10.0.0.3"),
            (&two, expect(1, &[], Some(".2")), "ready 10.0.0.1, 10.0.0.2"),
            (&two, expect(1, &[], Some(".3")), "10.0.0.1, 10.0.0.2 — expected a record with '.3'"),
            (&["fd00::1"], expect(1, &["FD00:0::0001"], None), "ready fd00::1"),
            (&["10 Mail.test."], expect(1, &["10  mail.TEST"], None), "ready 10 Mail.test."),
            (&["0 issue \"ca.test\""], expect(1, &["0 issue ca.test"], None), "ready 0 issue \"ca.test\""),
            (&["10 Mail.test."], expect(1, &[], Some("mail.test")), "ready 10 Mail.test."),
            (&["10 Mail.test."], expect(1, &[], Some("Mail")), "ready 10 Mail.test."),
            (&["1", "1", "2", "3", "4", "5"], expect(5, &[], None), "ready 1, 2, 3, 2 more"),
        ] {
            let said = match judge(&expected, &observed(data)) {
                Verdict::Ready(evidence) => format!("ready {}", evidence.text),
                Verdict::NotYet(reason) if reason.class == &RECORDS => reason.text,
                other => panic!("{other:?}"),
            };
            assert_eq!(said, says, "{data:?}");
        }
    }

    #[test]
    fn any_record_will_do_unless_more_is_asked_for() {
        for (expected, any) in [
            (expect(1, &[], None), true),
            (expect(2, &[], None), false),
            (expect(1, &["10.0.0.1"], None), false),
            (expect(1, &[], Some("x")), false),
        ] {
            assert_eq!(expected.is_any(), any, "{expected:?}");
        }
    }

    #[test]
    fn the_fingerprint_is_that_of_the_set() {
        let print = |data: &[&str]| observed(data).fingerprint();
        assert_eq!(print(&["10.0.0.1", "10.0.0.2"]), print(&["10.0.0.2", "10.0.0.1", "10.0.0.1"]));
        assert_ne!(print(&["10.0.0.1"]), print(&["10.0.0.1", "10.0.0.2"]));
    }

    #[test]
    fn long_records_are_cut_and_the_found_name_is_shown() {
        let long = Observed::new("db.", "db", std::iter::once("x".repeat(200)));
        assert_eq!(long.text().chars().count(), LONGEST + 1);
        let other = Observed::new("db", "db.a.test", std::iter::once("10.0.0.1".into()));
        assert_eq!(other.text(), "db.a.test: 10.0.0.1");
    }

    #[test]
    fn data_that_no_record_can_equal_is_found_out() {
        for (text, kind, right) in [
            ("10.0.0.1", None, true),
            ("db", None, false),
            ("::1", Some(RecordType::A), false),
            ("10 mail", Some(RecordType::MX), true),
            ("mail", Some(RecordType::MX), false),
            ("ten mail", Some(RecordType::MX), false),
            ("10 20 mail", Some(RecordType::MX), false),
            ("0 5 5060 sip.test.", Some(RecordType::SRV), true),
            ("5060 sip.test.", Some(RecordType::SRV), false),
            ("anything", Some(RecordType::TXT), true),
        ] {
            assert_eq!(fault(text, kind).is_none(), right, "{text} {kind:?}");
        }
    }
}
