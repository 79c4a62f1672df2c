//! What the codes of a server mean.
//!
//! Sources: for version 3.1.1 tables 3.1 and §3.9.3 of
//! <https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html>, for version 5 §2.4 of
//! <https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html>.

use super::codec::Version;
use crate::check::{Class, Fact, Reason, class};

/// What CONNACK says.
#[derive(Debug, PartialEq)]
pub(super) enum Entry {
    /// The client is in.
    In,
    /// The server wants to know who the client is.
    Asks,
    /// It is not in.
    Out(Reason),
}

/// What the code of CONNACK means for a client that said who it is (`known`), or did not.
pub(super) fn connected(version: Version, code: u8, known: bool) -> Entry {
    use Version::{V3, V5};
    let (class, text): (&'static Class, &str) = match (version, code) {
        (_, 0) => return Entry::In,
        (V3, 4 | 5) | (V5, 0x86 | 0x87 | 0x8C) if !known => return Entry::Asks,
        (V3, 4) | (V5, 0x86) => (&class::AUTH_DENIED, "the broker refuses user and password"),
        (V3, 5) | (V5, 0x87) => {
            (&class::AUTH_DENIED, "the broker does not let the client in: not authorized")
        }
        (V5, 0x8C) => (&class::AUTH_DENIED, "the broker wants another way of authentication"),
        (V5, 0x8A) => (&class::AUTH_DENIED, "the broker has banned the client"),
        (V3, 1) => (&class::SERVICE_ERROR, "the broker does not speak MQTT 3.1.1: try protocol=5"),
        (V5, 0x84) => (&class::SERVICE_ERROR, "the broker does not speak MQTT 5: leave out protocol=5"),
        (V3, 2) | (V5, 0x85) => {
            (&class::SERVICE_ERROR, "the broker does not take the client's identifier: see client-id=")
        }
        (V3, 3) | (V5, 0x88) => (&class::SERVICE_STARTING, "the broker says that its service is unavailable"),
        (V5, 0x89) => (&class::SERVICE_STARTING, "the broker says that it is busy"),
        (V5, 0x9C | 0x9D) => (&class::SERVICE_ROLE, "the broker sends its clients to another one"),
        _ => return Entry::Out(other("the broker refuses the connection", code)),
    };
    Entry::Out(Reason::new(class, text).fact(number(code)))
}

/// Whether the code of SUBACK grants a subscription to `filter`.
pub(super) fn subscribed(version: Version, code: u8, filter: &str) -> Result<(), Reason> {
    match (version, code) {
        (_, 0..=2) => Ok(()),
        // The only failure there is; it is about permission, as a filter that makes no sense ends the connection.
        (Version::V3, 0x80) | (Version::V5, 0x87) => {
            Err(Reason::new(&class::AUTH_DENIED, format!("the client may not subscribe to {filter}"))
                .fact(number(code)))
        }
        _ => Err(other(&format!("the broker refuses a subscription to {filter}"), code)),
    }
}

/// Why the server parts.
pub(super) fn parted(code: u8) -> Reason {
    match code {
        0x87 => Reason::new(&class::AUTH_DENIED, "the broker parts: not authorized").fact(number(code)),
        0x8B => {
            Reason::new(&class::SERVICE_STARTING, "the broker parts: it is shutting down").fact(number(code))
        }
        _ => other("the broker parts", code),
    }
}

fn other(what: &str, code: u8) -> Reason {
    Reason::new(&class::SERVICE_ERROR, format!("{what} with code {code:#04x}")).fact(number(code))
}

fn number(code: u8) -> Fact {
    Fact::Code(format!("{code:#04x}"))
}
