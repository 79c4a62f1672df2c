//! The wire format of AMQP 0-9-1: protocol header, frames, field tables and the methods that are needed here.
//!
//! Source: <https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf> (§4.2) and, for the methods,
//! <https://www.rabbitmq.com/resources/specs/amqp-xml-doc0-9-1.pdf>; the types that tables hold in practice:
//! <https://www.rabbitmq.com/amqp-0-9-1-errata>.

use crate::check::cursor::Cursor;
use crate::check::service::{Decoded, Malformed};
use crate::plan::secret::Secret;

/// What a client begins with (§4.2.2).
pub(super) const PROTOCOL_HEADER: &[u8; 8] = b"AMQP\0\0\x09\x01";

/// The longest frame that is read: what `RabbitMQ` offers as frame-max.
pub(super) const LONGEST_FRAME: u32 = 131_072;

const METHOD: u8 = 1;
const CONTENT_HEADER: u8 = 2;
const CONTENT_BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
const FRAME_END: u8 = 0xCE;

/// Class and method, by which a method is known.
type Id = (u16, u16);

/// What a server sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Its own protocol header, since it does not speak this version: protocol id, major, minor, revision.
    Header([u8; 4]),
    /// A method, on a channel.
    Method(u16, Method),
    /// A frame that says nothing here, such as a heartbeat.
    Other,
}

/// A method of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Connection.Start: what the server is, and which log-ins it offers.
    Start(Start),
    /// Connection.Secure: a log-in that has more steps.
    Secure,
    /// Connection.Tune: its limits.
    Tune {
        /// The highest channel; 0 for no limit.
        channel_max: u16,
        /// The longest frame in bytes; 0 for no limit.
        frame_max: u32,
    },
    /// Connection.OpenOk: the virtual host is open.
    OpenOk,
    /// Connection.Close: the connection ends.
    Close(Closing),
    /// Connection.CloseOk.
    CloseOk,
    /// Channel.OpenOk.
    ChannelOpenOk,
    /// Channel.Close: what was asked for on the channel failed.
    ChannelClose(Closing),
    /// Exchange.DeclareOk.
    ExchangeOk,
    /// Queue.DeclareOk, with the number of consumers.
    QueueOk {
        /// How many consumers the queue has.
        consumers: u32,
    },
    /// Any other.
    Other,
}

/// What Connection.Start says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    /// Name and version of the server, as far as it gives them.
    pub(super) product: String,
    /// Names of log-ins, with blanks between.
    pub(super) mechanisms: String,
}

/// Why something is closed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closing {
    /// The reply code (§1.1 of the XML document): 403.
    pub(super) code: u16,
    /// The reply text, which often begins with the code's name.
    pub(super) text: String,
}

/// Reads what the server sends: a protocol header or a frame.
pub(super) fn message(heard: &[u8]) -> Decoded<Message> {
    const NO_FRAME: Malformed = Malformed("something else than a frame");
    match heard.first() {
        Some(b'A') => {
            let known = heard.len().min(4);
            return match (heard[..known] == b"AMQP"[..known], heard) {
                (true, [_, _, _, _, id, major, minor, revision, ..]) => {
                    Ok(Some((Message::Header([*id, *major, *minor, *revision]), 8)))
                }
                (true, _) => Ok(None),
                (false, _) => Err(NO_FRAME),
            };
        }
        Some(&(METHOD | CONTENT_HEADER | CONTENT_BODY | HEARTBEAT)) => {}
        Some(_) => return Err(NO_FRAME),
        None => return Ok(None),
    }
    let [kind, c0, c1, s0, s1, s2, s3, rest @ ..] = heard else { return Ok(None) };
    let size = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
    if size > LONGEST_FRAME {
        return Err(Malformed("a frame longer than 128 KiB"));
    }
    let size = size as usize;
    let Some(end) = rest.get(size) else { return Ok(None) };
    if *end != FRAME_END {
        return Err(Malformed("a frame without an end"));
    }
    let message = match *kind {
        METHOD => Message::Method(u16::from_be_bytes([*c0, *c1]), read(Cursor(&rest[..size]))?),
        _ => Message::Other,
    };
    Ok(Some((message, size + 8)))
}

fn read(mut from: Cursor<'_>) -> Result<Method, Malformed> {
    let id: Id = (u16(&mut from)?, u16(&mut from)?);
    Ok(match id {
        (10, 10) => {
            let _version: [u8; 2] = from.array()?;
            Method::Start(Start { product: product(long(&mut from)?)?, mechanisms: text(long(&mut from)?) })
        }
        (10, 20) => Method::Secure,
        (10, 30) => Method::Tune { channel_max: u16(&mut from)?, frame_max: u32(&mut from)? },
        (10, 41) => Method::OpenOk,
        (10, 50) => Method::Close(closing(&mut from)?),
        (10, 51) => Method::CloseOk,
        (20, 11) => Method::ChannelOpenOk,
        (20, 40) => Method::ChannelClose(closing(&mut from)?),
        (40, 11) => Method::ExchangeOk,
        (50, 11) => {
            let _name = short(&mut from)?;
            let _messages = u32(&mut from)?;
            Method::QueueOk { consumers: u32(&mut from)? }
        }
        _ => Method::Other,
    })
}

fn closing(from: &mut Cursor<'_>) -> Result<Closing, Malformed> {
    Ok(Closing { code: u16(from)?, text: text(short(from)?) })
}

fn u16(from: &mut Cursor<'_>) -> Result<u16, Malformed> {
    from.array().map(u16::from_be_bytes)
}

fn u32(from: &mut Cursor<'_>) -> Result<u32, Malformed> {
    from.array().map(u32::from_be_bytes)
}

/// A short string: at most 255 bytes.
fn short<'a>(from: &mut Cursor<'a>) -> Result<&'a [u8], Malformed> {
    let [length] = from.array()?;
    from.take(length.into())
}

/// A long string, or whatever else has a length of four bytes: tables, arrays, byte arrays.
fn long<'a>(from: &mut Cursor<'a>) -> Result<&'a [u8], Malformed> {
    let length = u32(from)? as usize;
    from.take(length)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `product` and `version` out of a table. Tables within it are skipped as a whole, so that none is too deep.
fn product(table: &[u8]) -> Result<String, Malformed> {
    let (mut from, mut product, mut version) = (Cursor(table), String::new(), String::new());
    while !from.0.is_empty() {
        let key = short(&mut from)?;
        let [kind] = from.array()?;
        let value = match kind {
            b't' | b'b' | b'B' => from.take(1)?,
            b's' | b'u' | b'U' => from.take(2)?,
            b'I' | b'i' | b'f' => from.take(4)?,
            b'D' => from.take(5)?,
            b'L' | b'l' | b'd' | b'T' => from.take(8)?,
            b'S' | b'A' | b'F' | b'x' => long(&mut from)?,
            b'V' => &[],
            _ => return Err(Malformed("a table with a value of an unknown type")),
        };
        match (key, kind) {
            (b"product", b'S') => product = text(value),
            (b"version", b'S') => version = text(value),
            _ => {}
        }
    }
    Ok(format!("{product} {version}").trim().to_owned())
}

/// A frame with a method.
fn method(channel: u16, (class, method): Id, arguments: &[&[u8]]) -> Vec<u8> {
    let size: usize = arguments.iter().map(|argument| argument.len()).sum();
    let size = u32::try_from(size + 4).unwrap_or(u32::MAX);
    let mut frame = vec![METHOD];
    frame.extend(channel.to_be_bytes());
    frame.extend(size.to_be_bytes());
    frame.extend(class.to_be_bytes());
    frame.extend(method.to_be_bytes());
    for argument in arguments {
        frame.extend(*argument);
    }
    frame.push(FRAME_END);
    frame
}

/// A short string; whoever calls has seen to it that it is one.
fn short_of(text: &str) -> Vec<u8> {
    let mut string = vec![u8::try_from(text.len()).unwrap_or(u8::MAX)];
    string.extend(text.bytes().take(255));
    string
}

fn long_of(bytes: &[u8]) -> Vec<u8> {
    let mut string = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    string.extend(bytes);
    string
}

/// Connection.StartOk: the log-in by PLAIN (RFC 4616). The capability makes the server tell why it refuses
/// (<https://www.rabbitmq.com/docs/auth-notification>).
pub(super) fn start_ok(user: &str, password: &Secret) -> Vec<u8> {
    let capabilities = [&short_of("authentication_failure_close")[..], b"t\x01"].concat();
    let properties = [
        &short_of("product")[..],
        b"S",
        &long_of(b"prereq"),
        &short_of("version"),
        b"S",
        &long_of(env!("CARGO_PKG_VERSION").as_bytes()),
        &short_of("capabilities"),
        b"F",
        &long_of(&capabilities),
    ]
    .concat();
    let response = format!("\0{user}\0{}", password.expose());
    let arguments =
        [long_of(&properties), short_of("PLAIN"), long_of(response.as_bytes()), short_of("en_US")];
    method(0, (10, 11), &arguments.each_ref().map(Vec::as_slice))
}

/// Connection.TuneOk: the server's limits, or lower ones; no heartbeats.
pub(super) fn tune_ok(channel_max: u16, frame_max: u32) -> Vec<u8> {
    let frame_max = if frame_max == 0 { LONGEST_FRAME } else { frame_max.min(LONGEST_FRAME) };
    method(0, (10, 31), &[&channel_max.to_be_bytes(), &frame_max.to_be_bytes(), &[0, 0]])
}

/// Connection.Open of a virtual host.
pub(super) fn open(vhost: &str) -> Vec<u8> {
    method(0, (10, 40), &[&short_of(vhost), &[0, 0]])
}

/// Connection.Close: all is well.
pub(super) fn close() -> Vec<u8> {
    method(0, (10, 50), &[&200_u16.to_be_bytes(), &short_of("bye"), &[0; 4]])
}

/// Connection.CloseOk.
pub(super) fn close_ok() -> Vec<u8> {
    method(0, (10, 51), &[])
}

/// Channel.Open.
pub(super) fn channel_open(channel: u16) -> Vec<u8> {
    method(channel, (20, 10), &[&[0]])
}

/// Channel.CloseOk.
pub(super) fn channel_close_ok(channel: u16) -> Vec<u8> {
    method(channel, (20, 41), &[])
}

/// The bit `passive`: only look whether it is there.
const PASSIVE: u8 = 1;

/// Queue.Declare, passive.
pub(super) fn queue(channel: u16, name: &str) -> Vec<u8> {
    method(channel, (50, 10), &[&[0, 0], &short_of(name), &[PASSIVE], &[0; 4]])
}

/// Exchange.Declare, passive; the type does not matter then.
pub(super) fn exchange(channel: u16, name: &str) -> Vec<u8> {
    method(channel, (40, 10), &[&[0, 0], &short_of(name), &short_of("direct"), &[PASSIVE], &[0; 4]])
}
