//! `OP_MSG`, the one message that servers since 3.6 take and send.
//!
//! Source: <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>.

use super::bson::{Builder, Document, Value};
use crate::check::cursor::Cursor;
use crate::check::service::{Decoded, Malformed};

const OP_MSG: i32 = 2013;
/// Header, flags and the kind of the first section.
const HEAD: usize = 21;
/// The longest answer that is read, in bytes.
const LONGEST: i32 = 1024 * 1024;

/// A command as a message.
pub(super) fn command(id: i32, command: Builder) -> Vec<u8> {
    let body = command.finish();
    let length = i32::try_from(HEAD + body.len()).unwrap_or(i32::MAX);
    let mut message = Vec::new();
    for number in [length, id, 0, OP_MSG, 0] {
        message.extend(number.to_le_bytes());
    }
    message.push(0);
    message.extend(body);
    message
}

/// The document that answers a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply(Vec<u8>);

/// Reads the answer to the command of this `id`.
pub(super) fn reply(heard: &[u8], id: i32) -> Decoded<Reply> {
    let Some((length, _)) = heard.split_first_chunk() else { return Ok(None) };
    let length = i32::from_le_bytes(*length);
    if length > LONGEST {
        return Err(Malformed("an answer longer than 1 MiB"));
    }
    let length = usize::try_from(length).map_err(|_| Malformed("an answer of negative length"))?;
    if length < HEAD {
        return Err(Malformed("an answer that is too short"));
    }
    let Some(message) = heard.get(..length) else { return Ok(None) };
    let mut from = Cursor(&message[4..]);
    let [_id, to, kind] = [int(&mut from)?, int(&mut from)?, int(&mut from)?];
    if kind != OP_MSG {
        return Err(Malformed("an answer that is no OP_MSG"));
    }
    if to != id {
        return Err(Malformed("an answer to another question"));
    }
    let _flags = int(&mut from)?;
    if from.array()? != [0] {
        return Err(Malformed("an answer without a body"));
    }
    // A checksum may follow; who would forge the one forges the other.
    let body = from.0.to_vec();
    Document::read(&mut Cursor(&body))?;
    Ok(Some((Reply(body), length)))
}

fn int(from: &mut Cursor<'_>) -> Result<i32, Malformed> {
    from.array().map(i32::from_le_bytes)
}

impl Reply {
    /// The answer's document.
    pub(super) fn document(&self) -> Result<Document<'_>, Malformed> {
        Document::read(&mut Cursor(&self.0))
    }

    /// The number of this key.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, Malformed> {
        Ok(match self.document()?.get(key)? {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        })
    }

    /// Whether the value of this key is true, or a number that stands for it.
    pub(super) fn holds(&self, key: &str) -> Result<bool, Malformed> {
        Ok(self.number(key)?.is_some_and(|number| number != 0.0))
    }

    /// The string of this key.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, Malformed> {
        Ok(match self.document()?.get(key)? {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        })
    }

    /// The binary data of this key.
    pub(super) fn binary(&self, key: &str) -> Result<Option<&[u8]>, Malformed> {
        Ok(match self.document()?.get(key)? {
            Some(Value::Binary(bytes)) => Some(bytes),
            _ => None,
        })
    }
}
