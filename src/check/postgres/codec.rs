//! Messages of protocol 3.0, without I/O: <https://www.postgresql.org/docs/current/protocol-message-formats.html>.

use crate::check::cursor::Cursor;
use crate::check::service::{Decoded, Malformed};
use crate::check::sql::Row;
use crate::plan::secret::Secret;

/// A message of the server is not longer than that, so far as it concerns us.
const LONGEST: usize = 1024 * 1024;
/// An `ErrorResponse` longer than that is text of a server that could not even begin to speak the protocol (`libpq` draws the same line).
const LONGEST_ERROR: usize = 30_000;

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// It asks for authentication, or is content with it.
    Authentication(Authentication),
    /// It tells of one of its parameters: `server_version`.
    Status(String, String),
    /// It refuses.
    Error(ServerError),
    /// It is ready for a question.
    Ready,
    /// A row.
    Row(Row),
    /// All rows that were asked for have been sent.
    Complete,
    /// Something that concerns nobody here.
    Other,
}

/// What the server wants by way of authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authentication {
    /// Nothing (more).
    Ok,
    /// The password, as it is.
    Cleartext,
    /// The password, hashed with the user's name and this salt.
    Md5([u8; 4]),
    /// One of these SASL mechanisms.
    Sasl(Vec<String>),
    /// The next step of the mechanism.
    SaslContinue(String),
    /// The last step of the mechanism.
    SaslFinal(String),
    /// Something that is not spoken here.
    Unsupported(&'static str),
}

/// An `ErrorResponse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerError {
    /// The SQLSTATE: five digits or letters.
    pub(super) code: String,
    /// What it says in words, for who asked for it.
    pub(super) message: String,
}

/// What the server answers to [`ssl_request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Offer {
    /// TLS may begin.
    Tls,
    /// There is none.
    Plain,
    /// It did not get so far.
    Error(ServerError),
}

/// Reads the answer to [`ssl_request`].
pub(super) fn offer(heard: &[u8]) -> Decoded<Offer> {
    match heard.first() {
        None => Ok(None),
        Some(b'S') => Ok(Some((Offer::Tls, 1))),
        Some(b'N') => Ok(Some((Offer::Plain, 1))),
        Some(b'E') => match message(heard)? {
            Some((Message::Error(error), taken)) => Ok(Some((Offer::Error(error), taken))),
            _ => Ok(None),
        },
        Some(_) => Err(Malformed("neither yes nor no to the question for TLS")),
    }
}

/// Reads one message.
pub(super) fn message(heard: &[u8]) -> Decoded<Message> {
    let Some(kind) = heard.first() else { return Ok(None) };
    if !b"RSKEZNDCsITnt123Av".contains(kind) {
        return Err(Malformed("a message of an unknown type"));
    }
    let Some(length) = heard.get(1..5) else { return Ok(None) };
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    match length {
        8..=LONGEST_ERROR => {}
        // «E» and bare text: so a server of old ends, and a new one that cannot start a process.
        _ if *kind == b'E' => {
            let error = ServerError { code: String::new(), message: String::new() };
            return Ok(Some((Message::Error(error), heard.len())));
        }
        4..=LONGEST => {}
        _ => return Err(Malformed("a message longer than 1 MiB")),
    }
    let Some(body) = heard.get(5..=length) else { return Ok(None) };
    let mut body = Cursor(body);
    let message = match kind {
        b'R' => Message::Authentication(authentication(&mut body)?),
        b'S' => Message::Status(text(&mut body)?, text(&mut body)?),
        b'E' => Message::Error(error(&mut body)?),
        b'Z' => Message::Ready,
        b'D' => Message::Row(row(&mut body)?),
        b'C' | b's' | b'I' => Message::Complete,
        _ => Message::Other,
    };
    Ok(Some((message, length + 1)))
}

fn authentication(body: &mut Cursor<'_>) -> Result<Authentication, Malformed> {
    Ok(match u32::from_be_bytes(body.array()?) {
        0 => Authentication::Ok,
        3 => Authentication::Cleartext,
        5 => Authentication::Md5(body.array()?),
        10 => {
            let mut mechanisms = Vec::new();
            loop {
                match text(body)? {
                    end if end.is_empty() => break Authentication::Sasl(mechanisms),
                    mechanism => mechanisms.push(mechanism),
                }
            }
        }
        11 => Authentication::SaslContinue(String::from_utf8_lossy(body.0).into_owned()),
        12 => Authentication::SaslFinal(String::from_utf8_lossy(body.0).into_owned()),
        2 => Authentication::Unsupported("Kerberos"),
        7..=8 => Authentication::Unsupported("GSSAPI"),
        9 => Authentication::Unsupported("SSPI"),
        _ => Authentication::Unsupported("an unknown method"),
    })
}

/// The fields of an error: a letter, a text, until a zero.
fn error(body: &mut Cursor<'_>) -> Result<ServerError, Malformed> {
    let mut found = ServerError { code: String::new(), message: String::new() };
    loop {
        match body.array()? {
            [0] => return Ok(found),
            [b'C'] => found.code = text(body)?.chars().filter(char::is_ascii_alphanumeric).take(5).collect(),
            [b'M'] => found.message = text(body)?,
            _ => drop(text(body)?),
        }
    }
}

fn row(body: &mut Cursor<'_>) -> Result<Row, Malformed> {
    if body.array()? == [0, 0] {
        return Ok(Row(None));
    }
    let Ok(length) = usize::try_from(i32::from_be_bytes(body.array()?)) else { return Ok(Row(None)) };
    Ok(Row(Some(String::from_utf8_lossy(body.take(length)?).into_owned())))
}

/// A text that ends with a zero byte.
fn text(body: &mut Cursor<'_>) -> Result<String, Malformed> {
    let end = body.0.iter().position(|byte| *byte == 0).ok_or(Malformed("a text without an end"))?;
    let text = String::from_utf8_lossy(body.take(end)?).into_owned();
    body.take(1)?;
    Ok(text)
}

/// A message of the client. The first one has no type.
fn framed(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    kind.into_iter().chain(length.to_be_bytes()).chain(body.iter().copied()).collect()
}

/// Texts, each with a zero byte at its end.
fn texts(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| text.bytes().chain([0])).collect()
}

/// `SSLRequest`: whether the server has TLS.
pub(super) fn ssl_request() -> Vec<u8> {
    framed(None, &80_877_103_u32.to_be_bytes())
}

/// `StartupMessage` of protocol 3.0, with names and values.
pub(super) fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = 0x0003_0000_u32.to_be_bytes().to_vec();
    body.extend(parameters.iter().flat_map(|(name, value)| texts(&[name, value])));
    body.push(0);
    framed(None, &body)
}

/// `PasswordMessage`, with what is asked for.
pub(super) fn password(password: &str) -> Vec<u8> {
    framed(Some(b'p'), &texts(&[password]))
}

/// The password as `AuthenticationMD5Password` wants it: `md5` and MD5 of (MD5 of password and user) and salt, in hexadecimal digits.
pub(super) fn md5(user: &str, password: &Secret, salt: [u8; 4]) -> String {
    let inner = format!("{:x}", md5::compute([password.expose(), user].concat()));
    format!("md5{:x}", md5::compute([inner.as_bytes(), &salt[..]].concat()))
}

/// `SASLInitialResponse`.
pub(super) fn sasl_initial(mechanism: &str, data: &str) -> Vec<u8> {
    let mut body = texts(&[mechanism]);
    body.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    body.extend(data.bytes());
    framed(Some(b'p'), &body)
}

/// `SASLResponse`.
pub(super) fn sasl_response(data: &str) -> Vec<u8> {
    framed(Some(b'p'), data.as_bytes())
}

/// A statement with text parameters, of whose result at most one row is sent, as text: Parse, Bind, Execute, Sync.
pub(super) fn question(sql: &str, parameters: &[&str]) -> Vec<u8> {
    let count = u16::try_from(parameters.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut parse = texts(&["", sql]);
    parse.extend([0, 0]);
    let mut bind = texts(&["", ""]);
    bind.extend([0, 0]);
    bind.extend(count);
    for parameter in parameters {
        bind.extend(u32::try_from(parameter.len()).unwrap_or(u32::MAX).to_be_bytes());
        bind.extend(parameter.bytes());
    }
    bind.extend([0, 0]);
    let mut execute = texts(&[""]);
    execute.extend(1_u32.to_be_bytes());
    let messages = [(b'P', parse), (b'B', bind), (b'E', execute), (b'S', Vec::new())];
    messages.into_iter().flat_map(|(kind, body)| framed(Some(kind), &body)).collect()
}

/// `Terminate`.
pub(super) fn terminate() -> Vec<u8> {
    framed(Some(b'X'), &[])
}
