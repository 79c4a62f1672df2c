//! The protocol of NATS: lines of text, of which some announce a payload.
//!
//! Sources: <https://docs.nats.io/reference/reference-protocols/nats-protocol>, for headers
//! <https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-4.md>.

use serde::{Deserialize, Serialize};

use crate::check::service::{Decoded, Malformed};
use crate::plan::secret::Secret;

/// A line longer than this is not waited for: INFO names all servers of a cluster.
const LONGEST_LINE: usize = 64 * 1024;
/// A payload that is longer than a message may be is not waited for.
const LONGEST_PAYLOAD: usize = 512 * 1024;

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// About itself.
    Info(Box<Info>),
    /// A message: the status line of its headers, if it has any, and its payload.
    Delivery {
        /// The code in `NATS/1.0 503`.
        status: Option<u16>,
        /// What is in it.
        payload: Vec<u8>,
    },
    /// A question whether the client is there.
    Ping,
    /// The answer to such a question.
    Pong,
    /// All is well.
    Ok,
    /// An error, without the quotes around it.
    Error(String),
}

/// What INFO says, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the names of the protocol")]
pub(super) struct Info {
    /// The server's version.
    pub(super) version: String,
    /// Whether it asks for credentials.
    pub(super) auth_required: bool,
    /// Whether it wants TLS from here on.
    pub(super) tls_required: bool,
    /// Whether it takes TLS from here on.
    pub(super) tls_available: bool,
    /// Whether it is in lame duck mode: about to shut down, and rid of its clients.
    pub(super) ldm: bool,
}

/// Who the client is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Login<'a> {
    /// Nobody in particular.
    Nobody,
    /// User and password.
    User(&'a str, &'a Secret),
    /// A token.
    Token(&'a str),
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the names of the protocol")]
struct Connect<'a> {
    verbose: bool,
    pedantic: bool,
    tls_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<&'a str>,
    name: &'a str,
    lang: &'a str,
    version: &'a str,
    protocol: u8,
    echo: bool,
    headers: bool,
    no_responders: bool,
}

/// CONNECT, and the PING whose PONG shows that the client was let in.
pub(super) fn connect(login: Login<'_>, tls: bool) -> Vec<u8> {
    let (auth_token, user, pass) = match login {
        Login::Nobody => (None, None, None),
        Login::User(user, password) => (None, Some(user), Some(password.expose())),
        Login::Token(token) => (Some(token), None, None),
    };
    let connect = Connect {
        verbose: false,
        pedantic: false,
        tls_required: tls,
        auth_token,
        user,
        pass,
        name: "prereq",
        lang: "rust",
        version: env!("CARGO_PKG_VERSION"),
        protocol: 1,
        echo: false,
        headers: true,
        no_responders: true,
    };
    let json = serde_json::to_string(&connect).unwrap_or_else(|_| unreachable!("plain fields become JSON"));
    format!("CONNECT {json}\r\nPING\r\n").into_bytes()
}

/// A request without content, whose answer comes to `inbox`.
pub(super) fn request(subject: &str, inbox: &str) -> Vec<u8> {
    format!("SUB {inbox} 1\r\nPUB {subject} {inbox} 0\r\n\r\n").into_bytes()
}

/// The answer to a PING.
pub(super) const PONG: &[u8] = b"PONG\r\n";

/// Reads a message of the server.
pub(super) fn message(heard: &[u8]) -> Decoded<Message> {
    let first = heard.iter().take(8).take_while(|byte| !byte.is_ascii_whitespace());
    if !first.clone().all(|byte| byte.is_ascii_alphabetic() || b"+-".contains(byte)) || first.count() > 5 {
        return Err(Malformed("something else than a line of text"));
    }
    let Some(end) = heard.windows(2).take(LONGEST_LINE).position(|end| end == b"\r\n") else {
        let endless = heard.len() > LONGEST_LINE;
        return if endless { Err(Malformed("a line without an end")) } else { Ok(None) };
    };
    let line = std::str::from_utf8(&heard[..end]).map_err(|_| Malformed("a line that is not text"))?;
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let rest = rest.trim();
    let at = end + 2;
    let message = match word.to_ascii_uppercase().as_str() {
        "INFO" => {
            let info = serde_json::from_str(rest).map_err(|_| Malformed("an INFO that is not JSON"))?;
            Message::Info(Box::new(info))
        }
        "PING" => Message::Ping,
        "PONG" => Message::Pong,
        "+OK" => Message::Ok,
        "-ERR" => Message::Error(rest.trim_matches('\'').to_owned()),
        "MSG" => return announced(heard, at, rest, false),
        "HMSG" => return announced(heard, at, rest, true),
        _ => return Err(Malformed("a line that begins with an unknown word")),
    };
    Ok(Some((message, at)))
}

/// A message whose length stands at the end of its line, and before it the length of its headers, if it has some.
fn announced(heard: &[u8], at: usize, line: &str, headers: bool) -> Decoded<Message> {
    let wrong = Malformed("a message whose length is no length");
    let mut words = line.split_ascii_whitespace().rev();
    let mut length = || words.next().and_then(|word| word.parse::<usize>().ok()).ok_or(wrong);
    let total = length()?;
    let before = if headers { length()? } else { 0 };
    if before > total {
        return Err(wrong);
    }
    if total > LONGEST_PAYLOAD {
        return Err(Malformed("a message that is too long"));
    }
    let Some(content) = heard.get(at..at + total + 2) else { return Ok(None) };
    let content = content.strip_suffix(b"\r\n").ok_or(Malformed("a message without an end"))?;
    let (before, payload) = content.split_at(before);
    Ok(Some((Message::Delivery { status: status(before), payload: payload.to_vec() }, at + total + 2)))
}

/// The code in the first line of headers.
fn status(headers: &[u8]) -> Option<u16> {
    let headers = std::str::from_utf8(headers).ok()?;
    headers.lines().next()?.strip_prefix("NATS/1.0")?.split_ascii_whitespace().next()?.parse().ok()
}
