//! BSON, as much of it as questions and answers need. Documents are searched, not built: what is nested is skipped as
//! a whole until it is asked for, so that none is too deep.
//!
//! Source: <https://bsonspec.org/spec.html>.

use crate::check::cursor::Cursor;
use crate::check::service::Malformed;

/// A value in a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// A double, an int32, an int64 or a boolean, as servers use them for one another.
    Number(f64),
    /// A string.
    Text(&'a str),
    /// A document or an array.
    Document(Document<'a>),
    /// Binary data.
    Binary(&'a [u8]),
    /// Anything else.
    Other,
}

/// A document, as it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Document<'a>(&'a [u8]);

impl<'a> Document<'a> {
    /// The document that a message begins with.
    pub(super) fn read(from: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let length = length(from)?;
        let rest = length.checked_sub(4).ok_or(Malformed("a document that is too short"))?;
        match from.take(rest)?.split_last() {
            Some((0, elements)) => Ok(Self(elements)),
            _ => Err(Malformed("a document without an end")),
        }
    }

    /// The value of this key.
    pub(super) fn get(self, key: &str) -> Result<Option<Value<'a>>, Malformed> {
        let mut from = Cursor(self.0);
        while let Some((name, value)) = element(&mut from)? {
            if name == key.as_bytes() {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// The next element of a document: its key and value.
fn element<'a>(from: &mut Cursor<'a>) -> Result<Option<(&'a [u8], Value<'a>)>, Malformed> {
    if from.0.is_empty() {
        return Ok(None);
    }
    let [kind] = from.array()?;
    let name = c_string(from)?;
    let value = match kind {
        0x01 => Value::Number(f64::from_le_bytes(from.array()?)),
        0x02 => Value::Text(text(string(from)?)?),
        0x03 | 0x04 => Value::Document(Document::read(from)?),
        0x05 => {
            let length = length(from)?;
            let [_subtype] = from.array()?;
            Value::Binary(from.take(length)?)
        }
        0x08 => Value::Number(f64::from(u8::from(from.array()? != [0]))),
        0x10 => Value::Number(f64::from(i32::from_le_bytes(from.array()?))),
        // No number that is asked for here comes near to what a double cannot hold.
        #[expect(clippy::cast_precision_loss, reason = "counts and flags, all of them small")]
        0x12 => Value::Number(i64::from_le_bytes(from.array()?) as f64),
        0x06 | 0x0A | 0x7F | 0xFF => Value::Other,
        0x07 => other(from, 12)?,
        0x09 | 0x11 => other(from, 8)?,
        0x13 => other(from, 16)?,
        0x0B => {
            c_string(from)?;
            c_string(from)?;
            Value::Other
        }
        0x0C => {
            string(from)?;
            other(from, 12)?
        }
        0x0D | 0x0E => {
            string(from)?;
            Value::Other
        }
        0x0F => {
            let rest = length(from)?.checked_sub(4).ok_or(Malformed("a document that is too short"))?;
            other(from, rest)?
        }
        _ => return Err(Malformed("a document with a value of an unknown type")),
    };
    Ok(Some((name, value)))
}

fn other<'a>(from: &mut Cursor<'a>, count: usize) -> Result<Value<'a>, Malformed> {
    from.take(count).map(|_| Value::Other)
}

fn length(from: &mut Cursor<'_>) -> Result<usize, Malformed> {
    usize::try_from(i32::from_le_bytes(from.array()?)).map_err(|_| Malformed("a negative length"))
}

/// A string without its final zero.
fn string<'a>(from: &mut Cursor<'a>) -> Result<&'a [u8], Malformed> {
    let length = length(from)?;
    match from.take(length)?.split_last() {
        Some((0, text)) => Ok(text),
        _ => Err(Malformed("a string without an end")),
    }
}

fn c_string<'a>(from: &mut Cursor<'a>) -> Result<&'a [u8], Malformed> {
    let end = from.0.iter().position(|byte| *byte == 0).ok_or(Malformed("a key without an end"))?;
    let text = from.take(end)?;
    from.take(1)?;
    Ok(text)
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed("a string that is not text"))
}

/// A document that is being made.
#[derive(Debug, Default)]
pub(super) struct Builder(Vec<u8>);

impl Builder {
    /// Adds an int32.
    pub(super) fn int(self, key: &str, value: i32) -> Self {
        self.element(0x10, key, &value.to_le_bytes())
    }

    /// Adds a boolean.
    pub(super) fn bool(self, key: &str, value: bool) -> Self {
        self.element(0x08, key, &[value.into()])
    }

    /// Adds a string.
    pub(super) fn text(self, key: &str, value: &str) -> Self {
        let length = int_length(value.len() + 1);
        self.element(0x02, key, &[&length[..], value.as_bytes(), &[0]].concat())
    }

    /// Adds binary data of the generic subtype.
    pub(super) fn binary(self, key: &str, value: &[u8]) -> Self {
        self.element(0x05, key, &[&int_length(value.len())[..], &[0], value].concat())
    }

    /// Adds a document.
    pub(super) fn document(self, key: &str, value: Self) -> Self {
        self.element(0x03, key, &value.finish())
    }

    fn element(mut self, kind: u8, key: &str, value: &[u8]) -> Self {
        self.0.push(kind);
        self.0.extend(key.bytes());
        self.0.push(0);
        self.0.extend(value);
        self
    }

    /// The document.
    pub(super) fn finish(self) -> Vec<u8> {
        [&int_length(self.0.len() + 5)[..], &self.0, &[0]].concat()
    }
}

fn int_length(length: usize) -> [u8; 4] {
    i32::try_from(length).unwrap_or(i32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get<'a>(bytes: &'a [u8], key: &str) -> Result<Option<Value<'a>>, Malformed> {
        Document::read(&mut Cursor(bytes))?.get(key)
    }

    #[test]
    fn the_example_of_the_specification() {
        let bytes = b"\x16\0\0\0\x02hello\0\x06\0\0\0world\0\0";
        assert_eq!(Builder::default().text("hello", "world").finish(), bytes);
        assert_eq!(get(bytes, "hello"), Ok(Some(Value::Text("world"))));
        assert_eq!(get(bytes, "hell"), Ok(None));
    }

    #[test]
    fn all_types_are_read_or_skipped() {
        let before: [&[u8]; 14] = [
            b"\x07a\0abcdefghijkl",
            b"\x09a\0\0\0\0\0\0\0\0\0",
            b"\x0Aa\0",
            b"\x0Ba\0x\0i\0",
            b"\x0Ca\0\x02\0\0\0x\0abcdefghijkl",
            b"\x0Da\0\x02\0\0\0x\0",
            b"\x0Fa\0\x0F\0\0\0\x02\0\0\0x\0\x05\0\0\0\0",
            b"\x11a\0\0\0\0\0\0\0\0\0",
            b"\x13a\0abcdefghijklmnop",
            b"\xFFa\0",
            b"\x7Fa\0",
            b"\x06a\0",
            b"\x0Ea\0\x02\0\0\0x\0",
            b"\x04a\0\x05\0\0\0\0",
        ];
        let mut elements = before.concat();
        elements.extend(b"\x01d\0\0\0\0\0\0\0\xF0\x3F\x08t\0\x01\x12l\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
        elements.extend(b"\x05b\0\x02\0\0\0\0xy");
        let bytes = Builder(elements).finish();
        for (key, value) in [
            ("d", Value::Number(1.0)),
            ("t", Value::Number(1.0)),
            ("l", Value::Number(-1.0)),
            ("b", Value::Binary(b"xy")),
            ("a", Value::Other),
        ] {
            assert_eq!(get(&bytes, key), Ok(Some(value)), "{key}");
        }
    }

    #[test]
    fn what_is_no_document_is_told() {
        for (bytes, what) in [
            (&b"\x05\0\0\0"[..], "a message that ends too early"),
            (b"\x03\0\0\0\0", "a document that is too short"),
            (b"\xFF\xFF\xFF\xFF\0", "a negative length"),
            (b"\x05\0\0\0\x01", "a document without an end"),
            (b"\x08\0\0\0\x10a\0\0", "a message that ends too early"),
            (b"\x07\0\0\0\x10a\0", "a key without an end"),
            (b"\x08\0\0\0\x20a\0\0", "a document with a value of an unknown type"),
            (b"\x0E\0\0\0\x02a\0\xFF\xFF\xFF\x7Fx\0", "a message that ends too early"),
            (b"\x0E\0\0\0\x02a\0\x02\0\0\0xx\0", "a string without an end"),
            (b"\x0E\0\0\0\x02a\0\x02\0\0\0\xFF\0\0", "a string that is not text"),
        ] {
            assert_eq!(get(bytes, "k"), Err(Malformed(what)), "{bytes:?}");
        }
    }

    #[test]
    fn depth_costs_nothing() {
        let mut deep = Builder::default();
        for _ in 0..10_000 {
            deep = Builder::default().document("d", deep);
        }
        let bytes = deep.int("k", 7).finish();
        assert_eq!(get(&bytes, "k"), Ok(Some(Value::Number(7.0))));
    }
}
