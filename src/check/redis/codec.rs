//! The protocol of Redis, RESP: requests, and replies of its second and third version.
//!
//! Source: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

use crate::check::service::{Decoded, Malformed, shown};

/// A line longer than this is not waited for.
const LONGEST_LINE: usize = 16 * 1024;
/// A string that is longer than a message may be is not waited for.
const LONGEST_STRING: usize = 512 * 1024;
/// No reply that is asked for has more parts, or parts within parts within parts.
const MOST_PARTS: usize = 8192;
const DEEPEST: usize = 8;

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// A status: `+PONG`.
    Status(String),
    /// An error.
    Error(Refusal),
    /// A number.
    Integer(i64),
    /// A string.
    Bulk(Vec<u8>),
    /// Nothing, whichever way it is written.
    Null,
    /// A sequence, of which RESP3 has several sorts.
    Array(Vec<Reply>),
    /// A value that no question is answered with: a boolean, a floating-point number, a big number.
    Other,
    /// Something that was not asked for.
    Push,
}

/// An error that the server answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Its prefix, the first word: `NOAUTH`.
    pub(super) code: String,
    /// All of it.
    pub(super) text: String,
}

impl Reply {
    /// The text of a string or status.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Status(text) => Some(text),
            Self::Bulk(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// What it is, for an explanation: of a value only how long it is, of a sequence the texts in it.
    pub(super) fn described(&self) -> String {
        match self {
            Self::Status(text) => shown(text),
            Self::Error(refusal) => shown(&refusal.code),
            Self::Integer(number) => number.to_string(),
            Self::Bulk(bytes) => format!("{} bytes", bytes.len()),
            Self::Null => "nothing".into(),
            Self::Array(parts) => {
                parts.iter().filter_map(Self::text).map(shown).collect::<Vec<_>>().join(", ")
            }
            Self::Other | Self::Push => "something else".into(),
        }
    }
}

/// A request: an array of strings.
pub(super) fn request(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).bytes());
    }
    bytes
}

/// Reads a reply.
pub(super) fn reply(heard: &[u8]) -> Decoded<Reply> {
    let mut reader = Reader { bytes: heard, at: 0, parts: 0 };
    Ok(reader.value(0)?.map(|reply| (reply, reader.at)))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    parts: usize,
}

impl<'a> Reader<'a> {
    /// The next value, unless more is needed.
    fn value(&mut self, depth: usize) -> Result<Option<Reply>, Malformed> {
        self.parts += 1;
        if depth > DEEPEST || self.parts > MOST_PARTS {
            return Err(Malformed("a reply with too many parts"));
        }
        let Some(sort) = self.bytes.get(self.at).copied() else { return Ok(None) };
        if !b"+-:$*_#,(!=%~>|".contains(&sort) {
            return Err(Malformed("something else than a reply"));
        }
        self.at += 1;
        let Some(line) = self.line()? else { return Ok(None) };
        Ok(Some(match sort {
            b'+' => Reply::Status(words(line)),
            b'-' => Reply::Error(refusal(line)),
            b':' => Reply::Integer(number(line)?),
            b'_' => Reply::Null,
            b'#' | b',' | b'(' => Reply::Other,
            b'$' | b'*' if line == b"-1" => Reply::Null,
            b'$' | b'!' | b'=' => {
                let Some(bytes) = self.string(length(line, LONGEST_STRING)?)? else { return Ok(None) };
                match sort {
                    b'!' => Reply::Error(refusal(bytes)),
                    // A verbatim string begins with its format: `txt:`.
                    b'=' => Reply::Bulk(bytes.get(4..).unwrap_or_default().to_vec()),
                    _ => Reply::Bulk(bytes.to_vec()),
                }
            }
            _ => {
                let pairs = matches!(sort, b'%' | b'|');
                let count = length(line, MOST_PARTS)? * if pairs { 2 } else { 1 };
                let mut parts = Vec::new();
                for _ in 0..count {
                    let Some(part) = self.value(depth + 1)? else { return Ok(None) };
                    parts.push(part);
                }
                match sort {
                    // Attributes precede what they are about.
                    b'|' => return self.value(depth + 1),
                    b'>' => Reply::Push,
                    _ => Reply::Array(parts),
                }
            }
        }))
    }

    /// What is left of the line.
    fn line(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let rest = &self.bytes[self.at..];
        match rest.windows(2).take(LONGEST_LINE).position(|end| end == b"\r\n") {
            Some(end) => {
                self.at += end + 2;
                Ok(Some(&rest[..end]))
            }
            None if rest.len() > LONGEST_LINE => Err(Malformed("a line without an end")),
            None => Ok(None),
        }
    }

    /// A string of this length and the line end behind it.
    fn string(&mut self, length: usize) -> Result<Option<&'a [u8]>, Malformed> {
        let Some(bytes) = self.bytes.get(self.at..self.at + length + 2) else { return Ok(None) };
        self.at += bytes.len();
        bytes.strip_suffix(b"\r\n").map(Some).ok_or(Malformed("a string without an end"))
    }
}

fn words(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

fn refusal(line: &[u8]) -> Refusal {
    let text = words(line);
    let code = text.split([' ', '\n']).next().unwrap_or_default().to_owned();
    Refusal { code, text }
}

fn number(line: &[u8]) -> Result<i64, Malformed> {
    let text = std::str::from_utf8(line).ok();
    text.and_then(|text| text.parse().ok()).ok_or(Malformed("a number that is none"))
}

fn length(line: &[u8], most: usize) -> Result<usize, Malformed> {
    let length = usize::try_from(number(line)?).map_err(|_| Malformed("a length that is none"))?;
    if length > most { Err(Malformed("a reply that is too long")) } else { Ok(length) }
}
