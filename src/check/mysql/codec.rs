//! Packets of the client/server protocol, without I/O:
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>,
//! <https://mariadb.com/docs/server/reference/clientserver-protocol>.

use crate::check::cursor::Cursor;
use crate::check::service::{Decoded, Malformed};
use crate::check::sql::Row;

/// A packet of the server is not longer than that, so far as it concerns us.
const LONGEST: usize = 1024 * 1024;

/// Capability flags, of which each side has its own.
pub(super) mod capability {
    pub(in crate::check::mysql) const LONG_PASSWORD: u32 = 1;
    pub(in crate::check::mysql) const CONNECT_WITH_DB: u32 = 1 << 3;
    pub(in crate::check::mysql) const PROTOCOL_41: u32 = 1 << 9;
    pub(in crate::check::mysql) const SSL: u32 = 1 << 11;
    pub(in crate::check::mysql) const TRANSACTIONS: u32 = 1 << 13;
    pub(in crate::check::mysql) const SECURE_CONNECTION: u32 = 1 << 15;
    pub(in crate::check::mysql) const MULTI_RESULTS: u32 = 1 << 17;
    pub(in crate::check::mysql) const PLUGIN_AUTH: u32 = 1 << 19;
}

/// What every connection of ours can do.
const OURS: u32 = capability::LONG_PASSWORD
    | capability::PROTOCOL_41
    | capability::TRANSACTIONS
    | capability::SECURE_CONNECTION
    | capability::MULTI_RESULTS
    | capability::PLUGIN_AUTH;
/// `utf8mb4_general_ci`, which every server has that has four-byte characters.
const CHARSET: u8 = 45;

/// A packet: its number within the exchange, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    /// One more than that of the packet before.
    pub(super) sequence: u8,
    /// What is in it; never empty.
    pub(super) body: Vec<u8>,
}

/// Reads one packet.
pub(super) fn packet(heard: &[u8]) -> Decoded<Packet> {
    let Some([low, middle, high, sequence]) = heard.first_chunk::<4>() else { return Ok(None) };
    let length = usize::from(*low) | usize::from(*middle) << 8 | usize::from(*high) << 16;
    match length {
        0 => return Err(Malformed("an empty packet")),
        1..=LONGEST => {}
        _ => return Err(Malformed("a packet longer than 1 MiB")),
    }
    let body = heard.get(4..4 + length);
    Ok(body.map(|body| (Packet { sequence: *sequence, body: body.to_vec() }, 4 + length)))
}

/// Reads the packet that a server begins with, which is the first of its exchange.
pub(super) fn first_packet(heard: &[u8]) -> Decoded<Packet> {
    if heard.get(3).is_some_and(|sequence| *sequence != 0) {
        return Err(Malformed("a packet with a number where the first one is to be"));
    }
    match heard.get(4) {
        None | Some(10 | 0xFF) => packet(heard),
        Some(9) => Err(Malformed("a server older than MySQL 3.21")),
        Some(_) => Err(Malformed("no greeting")),
    }
}

/// What a server begins with (`HandshakeV10`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Greeting {
    /// `MariaDB` or `MySQL`.
    pub(super) product: &'static str,
    /// Its version, without what is added behind it.
    pub(super) version: String,
    /// What it can do.
    pub(super) capabilities: u32,
    /// How it has the password proved, unless the user has another plugin.
    pub(super) plugin: String,
    /// What the password is hashed with.
    pub(super) nonce: Vec<u8>,
}

/// An ERR packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerError {
    /// The error's number.
    pub(super) code: u16,
    /// What it says in words, for who asked for it.
    pub(super) message: String,
}

/// What the server says to a client that logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// It lets it in.
    Ok,
    /// It refuses.
    Error(ServerError),
    /// It wants the password proved in another way (`AuthSwitchRequest`).
    Switch {
        /// The way.
        plugin: String,
        /// What the password is hashed with.
        nonce: Vec<u8>,
    },
    /// It has something to say within the present way (`AuthMoreData`).
    More(Vec<u8>),
}

/// What a query brings next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Result41 {
    /// There are no rows, or no more.
    End,
    /// It went wrong.
    Error(ServerError),
    /// So many columns.
    Columns(u64),
}

/// Reads a greeting.
pub(super) fn greeting(body: &[u8]) -> Result<Greeting, Malformed> {
    let mut body = Cursor(body);
    body.take(1)?;
    let version = text(&mut body)?;
    body.take(4)?;
    let mut nonce = body.take(8)?.to_vec();
    body.take(1)?;
    let low = u16::from_le_bytes(body.array()?);
    body.take(3)?;
    let high = u16::from_le_bytes(body.array()?);
    let capabilities = u32::from(low) | u32::from(high) << 16;
    let [length] = body.array()?;
    body.take(10)?;
    nonce.extend(body.take(usize::from(length).saturating_sub(8).max(13))?);
    let plugin = if capabilities & capability::PLUGIN_AUTH == 0 { String::new() } else { text(&mut body)? };
    let (product, version) = product(&version);
    Ok(Greeting { product, version, capabilities, plugin, nonce: trimmed(nonce) })
}

/// `5.5.5-10.11.14-MariaDB-0+deb12u2` is `MariaDB` 10.11.14: the prefix is for replicas of old.
fn product(version: &str) -> (&'static str, String) {
    let product = if version.contains("MariaDB") { "MariaDB" } else { "MySQL" };
    let plain = version.strip_prefix("5.5.5-").filter(|_| product == "MariaDB").unwrap_or(version);
    (product, plain.split('-').next().unwrap_or_default().to_owned())
}

/// A nonce without the zero byte at its end.
fn trimmed(mut nonce: Vec<u8>) -> Vec<u8> {
    if nonce.last() == Some(&0) {
        nonce.pop();
    }
    nonce
}

/// Reads an ERR packet, if it is one.
pub(super) fn error(body: &[u8]) -> Result<Option<ServerError>, Malformed> {
    let Some(rest) = body.strip_prefix(&[0xFF]) else { return Ok(None) };
    let mut rest = Cursor(rest);
    let code = u16::from_le_bytes(rest.array()?);
    // «#» and a SQLSTATE, which is not there before the capabilities are known.
    let words = if rest.0.first() == Some(&b'#') { rest.0.get(6..).unwrap_or_default() } else { rest.0 };
    Ok(Some(ServerError { code, message: String::from_utf8_lossy(words).into_owned() }))
}

/// Reads what the server says to a log-in.
pub(super) fn reply(body: &[u8]) -> Result<Reply, Malformed> {
    if let Some(error) = error(body)? {
        return Ok(Reply::Error(error));
    }
    match body.split_first() {
        Some((0, _)) => Ok(Reply::Ok),
        Some((1, more)) => Ok(Reply::More(more.to_vec())),
        // A lone 0xFE is how a server of old asks for its old way.
        Some((0xFE, [])) => Ok(Reply::Switch { plugin: "mysql_old_password".into(), nonce: Vec::new() }),
        Some((0xFE, rest)) => {
            let mut rest = Cursor(rest);
            Ok(Reply::Switch { plugin: text(&mut rest)?, nonce: trimmed(rest.0.to_vec()) })
        }
        _ => Err(Malformed("an answer that does not belong to the log-in")),
    }
}

/// Reads what a query is answered with first.
pub(super) fn result(body: &[u8]) -> Result<Result41, Malformed> {
    if let Some(error) = error(body)? {
        return Ok(Result41::Error(error));
    }
    match body.first() {
        Some(0) => Ok(Result41::End),
        Some(0xFB) => Err(Malformed("a server that asks for a file of this host")),
        _ => match length(&mut Cursor(body))? {
            Some(columns @ 1..=4096) => Ok(Result41::Columns(columns)),
            _ => Err(Malformed("a result without columns, or with too many")),
        },
    }
}

/// Whether this is the EOF packet that ends columns and rows.
pub(super) fn is_end(body: &[u8]) -> bool {
    body.first() == Some(&0xFE) && body.len() < 9
}

/// Reads the first value of a row.
pub(super) fn row(body: &[u8]) -> Result<Row, Malformed> {
    let mut body = Cursor(body);
    let Some(length) = length(&mut body)? else { return Ok(Row(None)) };
    let value = body.take(usize::try_from(length).unwrap_or(usize::MAX))?;
    Ok(Row(Some(String::from_utf8_lossy(value).into_owned())))
}

/// A length-encoded integer; `None` is NULL.
fn length(body: &mut Cursor<'_>) -> Result<Option<u64>, Malformed> {
    let mut little = [0; 8];
    let count = match body.array()? {
        [small @ ..=0xFA] => return Ok(Some(small.into())),
        [0xFB] => return Ok(None),
        [0xFC] => 2,
        [0xFD] => 3,
        [0xFE] => 8,
        _ => return Err(Malformed("a length that is none")),
    };
    little[..count].copy_from_slice(body.take(count)?);
    Ok(Some(u64::from_le_bytes(little)))
}

/// A text that ends with a zero byte, or with the packet.
fn text(body: &mut Cursor<'_>) -> Result<String, Malformed> {
    let end = body.0.iter().position(|byte| *byte == 0).unwrap_or(body.0.len());
    let text = String::from_utf8_lossy(body.take(end)?).into_owned();
    body.take(1.min(body.0.len()))?;
    Ok(text)
}

/// A packet of ours.
pub(super) fn framed(sequence: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&length[..3], &[sequence], body].concat()
}

/// What a client begins with, and before TLS is all there is.
fn head(capabilities: u32) -> Vec<u8> {
    let most = u32::try_from(LONGEST).unwrap_or(u32::MAX);
    [&capabilities.to_le_bytes()[..], &most.to_le_bytes(), &[CHARSET], &[0; 23]].concat()
}

/// `SSLRequest`: TLS begins now.
pub(super) fn ssl_request() -> Vec<u8> {
    head(OURS | capability::SSL)
}

/// A client that logs in (`HandshakeResponse41`).
#[derive(Debug)]
pub(super) struct Login<'a> {
    /// Who it is.
    pub(super) user: &'a str,
    /// Where to.
    pub(super) database: Option<&'a str>,
    /// The way in which it proves that it knows the password.
    pub(super) plugin: &'a str,
    /// The proof.
    pub(super) proof: &'a [u8],
    /// Whether TLS has begun.
    pub(super) tls: bool,
}

impl Login<'_> {
    /// The packet's body. A proof is 32 bytes long at most: what is longer is sent when the server has asked for it.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut capabilities = OURS;
        if self.tls {
            capabilities |= capability::SSL;
        }
        if self.database.is_some() {
            capabilities |= capability::CONNECT_WITH_DB;
        }
        let mut body = head(capabilities);
        body.extend(self.user.bytes().chain([0]));
        body.push(u8::try_from(self.proof.len()).unwrap_or(u8::MAX));
        body.extend(self.proof);
        body.extend(self.database.iter().flat_map(|database| database.bytes().chain([0])));
        body.extend(self.plugin.bytes().chain([0]));
        body
    }
}

/// `COM_QUERY`.
pub(super) fn query(sql: &str) -> Vec<u8> {
    [&[3], sql.as_bytes()].concat()
}

/// `COM_QUIT`.
pub(super) fn quit() -> Vec<u8> {
    vec![1]
}
