//! Errors of rustls to classes, by type.

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use super::{Seen, Summary};
use crate::check::{Fact, class};
use crate::net::dial::Failure;

/// What an error of a handshake means. `seen` is the handshake's record.
pub(crate) fn failure(error: &Error, seen: &Seen) -> Failure {
    match error {
        Error::InvalidCertificate(error) => certificate(error, seen.leaf()),
        Error::InvalidMessage(_) => {
            let mut failure = Failure::new(&class::TLS_PROTOCOL, "no TLS");
            failure.facts.push(Fact::Spoke("something other than TLS"));
            failure
        }
        Error::AlertReceived(alert) => Failure::new(&class::TLS_PROTOCOL, alert_words(*alert)),
        Error::PeerIncompatible(why) => Failure::new(&class::TLS_PROTOCOL, incompatible(why)),
        Error::NoApplicationProtocol => {
            Failure::new(&class::TLS_PROTOCOL, "none of the application protocols asked for (ALPN)")
        }
        _ => Failure::new(&class::TLS_PROTOCOL, "TLS handshake broken off for a protocol error"),
    }
}

fn certificate(error: &CertificateError, leaf: Option<Summary>) -> Failure {
    let until = leaf.as_ref().map(|leaf| leaf.not_after);
    let from = leaf.as_ref().map(|leaf| leaf.not_before);
    let mut facts = Vec::new();
    let (class, words) = match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            (&class::TLS_EXPIRED, format!("certificate expired on {}", unix(*not_after)))
        }
        CertificateError::Expired => (
            &class::TLS_EXPIRED,
            until.map_or("certificate expired".into(), |time| {
                format!("certificate expired on {}", moment(time))
            }),
        ),
        CertificateError::NotValidYetContext { not_before, .. } => {
            (&class::TLS_EXPIRED, format!("certificate not valid before {}", unix(*not_before)))
        }
        CertificateError::NotValidYet => (
            &class::TLS_EXPIRED,
            from.map_or("certificate not valid yet".into(), |time| {
                format!("certificate not valid before {}", moment(time))
            }),
        ),
        CertificateError::NotValidForNameContext { expected, .. } => {
            let names = leaf.map(|leaf| leaf.names).unwrap_or_default();
            let words = format!("certificate is for {}, not for {}", listed(&names), expected.to_str());
            facts.push(Fact::CertificateNames(names));
            (&class::TLS_NAME, words)
        }
        CertificateError::NotValidForName => (&class::TLS_NAME, "certificate is for another name".into()),
        _ => (&class::TLS_UNTRUSTED, untrusted(error, leaf)),
    };
    if matches!(error, CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) {
        facts.push(Fact::NotValidYet);
    }
    Failure { class, words, facts }
}

fn untrusted(error: &CertificateError, leaf: Option<Summary>) -> String {
    match (error, leaf) {
        (CertificateError::UnknownIssuer | CertificateError::Other(_), Some(leaf)) if leaf.self_issued => {
            "self-signed certificate that is not trusted".into()
        }
        (CertificateError::UnknownIssuer, Some(leaf)) => {
            format!("certificate issued by '{}', who is not trusted,", leaf.issuer)
        }
        (CertificateError::UnknownIssuer, None) => "certificate that is not trusted".into(),
        (CertificateError::BadEncoding, _) => "malformed certificate".into(),
        (CertificateError::BadSignature, _) => "certificate with a wrong signature".into(),
        (CertificateError::Revoked, _) => "revoked certificate".into(),
        (CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. }, _) => {
            "certificate that is not meant for servers".into()
        }
        _ => "certificate that cannot be verified".into(),
    }
}

fn incompatible(why: &PeerIncompatible) -> String {
    match why {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => "neither TLS 1.2 nor 1.3".into(),
        _ => "no common TLS version or cipher".into(),
    }
}

fn alert_words(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => "a client certificate is asked for".into(),
        AlertDescription::BadCertificate
        | AlertDescription::UnknownCA
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => {
            format!("client certificate refused (TLS alert: {})", spaced(&format!("{alert:?}")))
        }
        AlertDescription::ProtocolVersion => "neither TLS 1.2 nor 1.3".into(),
        AlertDescription::UnrecognisedName => "no such name known (TLS alert: unrecognised name)".into(),
        AlertDescription::NoApplicationProtocol => {
            "none of the application protocols asked for (ALPN)".into()
        }
        _ => format!("TLS alert: {},", spaced(&format!("{alert:?}"))),
    }
}

/// `HandshakeFailure` as words.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    let mut lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower {
            words.push(' ');
        }
        lower = c.is_ascii_lowercase();
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// At most three names.
fn listed(names: &[String]) -> String {
    match names {
        [] => "no host name".into(),
        [_, _, _, _, ..] => format!("{} and {} more", names[..3].join(", "), names.len() - 3),
        _ => names.join(", "),
    }
}

/// A moment in seconds since 1970, as `2024-01-31T12:00:00Z`.
pub(crate) fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| "an unknown date".into(), |time| time.to_string())
}

fn unix(time: rustls::pki_types::UnixTime) -> String {
    moment(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_alerts_are_words() {
        assert_eq!(spaced("HandshakeFailure"), "handshake failure");
        assert_eq!(spaced("UnknownCA"), "unknown ca");
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        let names = |count: usize| (1..=count).map(|n| format!("n{n}")).collect::<Vec<_>>();
        assert_eq!(listed(&names(0)), "no host name");
        assert_eq!(listed(&names(3)), "n1, n2, n3");
        assert_eq!(listed(&names(5)), "n1, n2, n3 and 2 more");
    }
}
