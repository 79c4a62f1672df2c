//! The few fields of a certificate that people want to know, read out of its DER (RFC 5280 §4.1).

use std::net::IpAddr;

/// What a certificate says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Whom it is for: the common name, or else the organisation.
    pub subject: String,
    /// Who issued it, likewise.
    pub issuer: String,
    /// Whether it names itself as its issuer.
    pub self_issued: bool,
    /// From when it is valid, in seconds since 1970.
    pub not_before: i64,
    /// Until when it is valid, in seconds since 1970.
    pub not_after: i64,
    /// The host names and addresses it is for.
    pub names: Vec<String>,
}

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0A];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1D, 0x11];

impl Summary {
    /// Reads a certificate; `None` if it is malformed.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let mut certificate = Der(Der(certificate).expect(SEQUENCE)?);
        let mut body = Der(certificate.expect(SEQUENCE)?);
        if body.peek() == Some(0xA0) {
            body.next()?; // version
        }
        body.next()?; // serial number
        body.expect(SEQUENCE)?; // signature algorithm
        let issuer = body.expect(SEQUENCE)?;
        let mut validity = Der(body.expect(SEQUENCE)?);
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        let subject = body.expect(SEQUENCE)?;
        body.expect(SEQUENCE)?; // public key
        let mut names = Vec::new();
        while let Some((tag, value)) = body.next() {
            if tag == 0xA3 {
                names = alternative_names(value).unwrap_or_default();
            }
        }
        Some(Self {
            subject: name(subject),
            issuer: name(issuer),
            self_issued: issuer == subject,
            not_before,
            not_after,
            names,
        })
    }
}

/// Reads tag, length and value, one after the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, length], mut rest) = self.0.split_first_chunk::<2>()?;
        let mut length = usize::from(length);
        if length & 0x80 != 0 {
            let count = length & 0x7F;
            if count == 0 || count > 4 {
                return None;
            }
            let (bytes, after) = rest.split_at_checked(count)?;
            length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            rest = after;
        }
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }

    /// `UTCTime` or `GeneralizedTime`, in seconds since 1970.
    fn time(&mut self) -> Option<i64> {
        let (tag, value) = self.next()?;
        let text = std::str::from_utf8(value).ok()?.strip_suffix('Z')?;
        let (year, rest) = match tag {
            0x17 => {
                let (year, rest) = text.split_at_checked(2)?;
                let year: i16 = year.parse().ok()?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            0x18 => {
                let (year, rest) = text.split_at_checked(4)?;
                (year.parse().ok()?, rest)
            }
            _ => return None,
        };
        let field = |index: usize| rest.get(index * 2..index * 2 + 2)?.parse::<i8>().ok();
        let moment =
            jiff::civil::DateTime::new(year, field(0)?, field(1)?, field(2)?, field(3)?, field(4)?, 0)
                .ok()?;
        Some(moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
    }
}

/// The common name in a distinguished name, or else its organisation.
fn name(mut distinguished: &[u8]) -> String {
    let mut found: Option<&[u8]> = None;
    let mut common = false;
    let mut sets = Der(std::mem::take(&mut distinguished));
    while let Some((_, set)) = sets.next() {
        let pair = || {
            let mut pair = Der(Der(set).expect(SEQUENCE)?);
            Some((pair.expect(OID)?, pair.next()?.1))
        };
        match pair() {
            Some((COMMON_NAME, value)) => (found, common) = (Some(value), true),
            Some((ORGANISATION, value)) if !common => found = Some(value),
            _ => {}
        }
    }
    found.map_or_else(|| "an unnamed issuer".into(), printable)
}

fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let mut list = Der(Der(extensions).expect(SEQUENCE)?);
    while let Some(extension) = list.expect(SEQUENCE) {
        let mut extension = Der(extension);
        if extension.expect(OID)? != ALTERNATIVE_NAMES {
            continue;
        }
        let mut value = extension.next()?;
        if value.0 == 0x01 {
            value = extension.next()?; // behind «critical»
        }
        let mut names = Der(Der(value.1).expect(SEQUENCE)?);
        let mut found = Vec::new();
        while let Some((tag, value)) = names.next() {
            match (tag, value.len()) {
                (0x82, _) => found.push(printable(value)),
                (0x87, 4) => found.extend(<[u8; 4]>::try_from(value).map(|ip| IpAddr::from(ip).to_string())),
                (0x87, 16) => {
                    found.extend(<[u8; 16]>::try_from(value).map(|ip| IpAddr::from(ip).to_string()));
                }
                _ => {}
            }
        }
        return Some(found);
    }
    None
}

/// What a stranger wrote, fit to be printed.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_certificate_are_read() {
        let authority = super::super::test::authority("Test Root");
        let mut params = super::super::test::params(&["db.local", "10.0.0.1", "::1"]);
        params.not_before = rcgen::date_time_ymd(2020, 2, 29);
        params.not_after = rcgen::date_time_ymd(2051, 1, 1);
        let (certificate, _) = super::super::test::signed(&authority, &params);
        let summary = Summary::of(&certificate).unwrap();
        assert_eq!(summary.issuer, "Test Root");
        assert_eq!(summary.names, ["db.local", "10.0.0.1", "::1"]);
        assert_eq!((summary.not_before, summary.not_after), (1_582_934_400, 2_556_144_000));
        assert!(!summary.self_issued);
        assert!(Summary::of(authority.der()).unwrap().self_issued);
    }

    #[test]
    fn anything_else_is_refused() {
        let authority = super::super::test::authority("Test Root");
        let whole: &[u8] = authority.der();
        for length in 0..whole.len() {
            assert_eq!(Summary::of(&whole[..length]), None);
        }
        let mut bent = whole.to_vec();
        for index in 0..bent.len() {
            bent[index] ^= 0xFF;
            let _ = Summary::of(&bent);
            bent[index] ^= 0xFF;
        }
    }
}
