//! The protocol of MQTT, versions 3.1.1 and 5: control packets.
//!
//! Sources: <https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html>,
//! <https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html>.

use crate::check::cursor::Cursor;
use crate::check::service::{Decoded, Malformed};

/// A packet that is longer than a message may be is not waited for.
const LONGEST: usize = 1024 * 1024 - 8;
/// How long the server keeps the connection without hearing anything, in seconds.
const KEEP_ALIVE: u16 = 60;
/// The only subscription there is.
const PACKET_ID: [u8; 2] = [0, 1];

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// 3.1.1.
    V3,
    /// 5.
    V5,
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// CONNACK with its return code or reason code (§3.2).
    ConnAck(u8),
    /// PUBLISH (§3.3).
    Publish {
        /// Whether it was kept from before the subscription.
        retained: bool,
        /// Where it was published.
        topic: String,
        /// What is in it.
        payload: Vec<u8>,
    },
    /// SUBACK with its return code or reason code (§3.9).
    SubAck(u8),
    /// PINGRESP (§3.13).
    PingResp,
    /// DISCONNECT with its reason code, which servers send in version 5 only (§3.14).
    Disconnect(u8),
}

/// PINGREQ (§3.12).
pub(super) const PING: &[u8] = &[0xC0, 0];
/// DISCONNECT for a good reason (§3.14).
pub(super) const DISCONNECT: &[u8] = &[0xE0, 0];

/// CONNECT (§3.1) with a clean session.
pub(super) fn connect(version: Version, client: &str, user: Option<&str>, password: Option<&str>) -> Vec<u8> {
    let flags = 0x02 | if user.is_some() { 0x80 } else { 0 } | if password.is_some() { 0x40 } else { 0 };
    let level = if version == Version::V5 { 5 } else { 4 };
    let mut body = string("MQTT");
    body.extend([level, flags]);
    body.extend(KEEP_ALIVE.to_be_bytes());
    body.extend(properties(version));
    body.extend(string(client));
    for part in user.into_iter().chain(password) {
        body.extend(string(part));
    }
    packet(0x10, &body)
}

/// SUBSCRIBE (§3.8) to one filter, at quality of service 0.
pub(super) fn subscribe(version: Version, filter: &str) -> Vec<u8> {
    let body = [&PACKET_ID[..], properties(version), &string(filter), &[0]].concat();
    packet(0x82, &body)
}

/// No properties, where there can be some (§2.2.2 of version 5).
fn properties(version: Version) -> &'static [u8] {
    if version == Version::V5 { &[0] } else { &[] }
}

/// A string with its length (§1.5.3); all of them were found short enough.
fn string(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend(text.bytes().take(length.into()));
    bytes
}

/// A packet with its fixed header (§2.2).
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut rest = body.len();
    loop {
        let seven = u8::try_from(rest % 128).unwrap_or_default();
        rest /= 128;
        bytes.push(if rest > 0 { seven | 0x80 } else { seven });
        if rest == 0 {
            break;
        }
    }
    bytes.extend(body);
    bytes
}

/// Reads a packet of the server.
pub(super) fn read(version: Version, heard: &[u8]) -> Decoded<Packet> {
    let Some((first, rest)) = heard.split_first() else { return Ok(None) };
    // Flags that are reserved are zero, except those of PUBLISH (§2.2.2).
    if !matches!(first, 0x20 | 0x30..=0x3F | 0x90 | 0xD0 | 0xE0) {
        return Err(Malformed("something else than a packet of a server"));
    }
    let Some((length, size)) = variable(rest)? else { return Ok(None) };
    if length > LONGEST {
        return Err(Malformed("a packet longer than 1 MiB"));
    }
    let Some(body) = rest.get(size..size + length) else { return Ok(None) };
    Ok(Some((parse(version, *first, Cursor(body))?, 1 + size + length)))
}

/// A variable byte integer (§2.2.3), and how many bytes it took.
fn variable(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
    }
    if bytes.len() < 4 { Ok(None) } else { Err(Malformed("a length that is none")) }
}

fn parse(version: Version, first: u8, mut body: Cursor<'_>) -> Result<Packet, Malformed> {
    match first {
        0x20 => {
            let [_flags, code] = body.array()?;
            Ok(Packet::ConnAck(code))
        }
        0x90 => {
            if body.array()? != PACKET_ID {
                return Err(Malformed("an answer to another subscription"));
            }
            skip_properties(version, &mut body)?;
            let [code] = body.array()?;
            Ok(Packet::SubAck(code))
        }
        0xD0 => Ok(Packet::PingResp),
        // Without a reason code it is 0, normal disconnection (§3.14.2.1).
        0xE0 => Ok(Packet::Disconnect(body.0.first().copied().unwrap_or_default())),
        _ => {
            let length = usize::from(u16::from_be_bytes(body.array()?));
            let topic =
                std::str::from_utf8(body.take(length)?).map_err(|_| Malformed("a topic that is not text"))?;
            if first & 0x06 != 0 {
                let _packet_id: [u8; 2] = body.array()?;
            }
            skip_properties(version, &mut body)?;
            Ok(Packet::Publish {
                retained: first & 1 == 1,
                topic: topic.to_owned(),
                payload: body.0.to_vec(),
            })
        }
    }
}

fn skip_properties(version: Version, body: &mut Cursor<'_>) -> Result<(), Malformed> {
    if version == Version::V5 {
        let (length, size) = variable(body.0)?.ok_or(Malformed("a packet that ends too early"))?;
        body.take(size)?;
        body.take(length)?;
    }
    Ok(())
}
