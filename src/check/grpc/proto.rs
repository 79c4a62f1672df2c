//! The two messages of the health service, in protocol buffers, and the frame around them.
//!
//! Sources: <https://github.com/grpc/grpc/blob/master/src/proto/grpc/health/v1/health.proto>, the
//! [encoding](https://protobuf.dev/programming-guides/encoding/), and «Length-Prefixed-Message» in
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use crate::check::cursor::Cursor;
use crate::check::service::Malformed;

/// `HealthCheckResponse.ServingStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServingStatus {
    /// 0, which is also what a message without the field says.
    Unknown,
    /// 1.
    Serving,
    /// 2.
    NotServing,
    /// 3.
    ServiceUnknown,
    /// A status that came later.
    Other(u64),
}

/// `HealthCheckRequest` for a service, or for the server as a whole if the name is empty.
pub(super) fn request(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    // string service = 1;
    if !service.is_empty() {
        message.push(0x0A);
        push_varint(&mut message, service.len());
        message.extend(service.bytes());
    }
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], &message].concat()
}

fn push_varint(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7F).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap_or_default());
}

/// `HealthCheckResponse` in the body of a response.
pub(super) fn response(body: &[u8]) -> Result<ServingStatus, Malformed> {
    let mut body = Cursor(body);
    let [compressed] = body.array()?;
    if compressed != 0 {
        return Err(Malformed("a compressed message, which was not asked for"));
    }
    let length = u32::from_be_bytes(body.array()?);
    let length = usize::try_from(length).map_err(|_| Malformed("a message that is too long"))?;
    let mut message = Cursor(body.take(length)?);
    if !body.0.is_empty() {
        return Err(Malformed("more than one message"));
    }
    let mut status = 0;
    while !message.0.is_empty() {
        let tag = varint(&mut message)?;
        match (tag >> 3, tag & 7) {
            // ServingStatus status = 1; the last one counts.
            (1, 0) => status = varint(&mut message)?,
            (_, 0) => drop(varint(&mut message)?),
            (_, 1) => drop(message.array::<8>()?),
            (_, 2) => {
                let length = usize::try_from(varint(&mut message)?);
                message.take(length.map_err(|_| Malformed("a field that is too long"))?)?;
            }
            (_, 5) => drop(message.array::<4>()?),
            _ => return Err(Malformed("a field of an unknown type")),
        }
    }
    Ok(match status {
        0 => ServingStatus::Unknown,
        1 => ServingStatus::Serving,
        2 => ServingStatus::NotServing,
        3 => ServingStatus::ServiceUnknown,
        other => ServingStatus::Other(other),
    })
}

fn varint(message: &mut Cursor<'_>) -> Result<u64, Malformed> {
    let mut value = 0;
    for at in 0..10 {
        let [byte] = message.array()?;
        value |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed("a number that is too long"))
}
