//! Greetings that are in order and never end: a byte every few milliseconds, as the protocol has it, so that each belongs
//! to what came before. What reads them has to wait on, and to end in time all the same.

use std::io::Write as _;

use super::http::{SETTINGS, frame};
use super::pause;
use super::stream::Stream;
use super::wire::heard;

/// Says `greeting`, and goes on with its last byte: as long as any wait it stays within the length that it announces.
fn trickle(mut stream: Stream, greeting: &[u8]) {
    let on = std::iter::repeat(greeting.last());
    for byte in greeting.iter().map(Some).chain(on).flatten() {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        pause(4);
    }
}

/// The mechanisms that a user may log in by, of which there are many.
pub(super) fn greeting_of_postgres(mut stream: Stream) {
    // Whether there is TLS: there is none.
    if heard(&mut stream).len() == 8 {
        let _ = stream.write_all(b"N");
        heard(&mut stream);
    }
    trickle(stream, b"R\0\0\x40\0\0\0\0\x0aSCRAM-SHA-256\0SCRAM");
}

/// A long version.
pub(super) fn greeting_of_mysql(stream: Stream) {
    trickle(stream, b"\0\x40\0\0\x0a8.0.36");
}

/// The versions of the APIs, of which there are many.
pub(super) fn greeting_of_kafka(mut stream: Stream) {
    let asked = heard(&mut stream);
    let id = asked.get(8..12).unwrap_or_default();
    trickle(stream, &[b"\0\0\x40\0", id, b"\0\0\0\0\x08\0\0\0\0\0\0\0\x0b\0\0"].concat());
}

/// A document with a long text.
pub(super) fn greeting_of_mongodb(mut stream: Stream) {
    let asked = heard(&mut stream);
    let id = asked.get(4..8).unwrap_or_default();
    let head = [b"\0\x40\0\0\x01\0\0\0", id, b"\xdd\x07\0\0\0\0\0\0\0"].concat();
    trickle(stream, &[&head[..], b"\xeb\x3f\0\0\x02msg\0\xdd\x3f\0\0hello"].concat());
}

/// A connection that is accepted, with a reason as later versions may give it.
pub(super) fn greeting_of_mqtt(mut stream: Stream) {
    heard(&mut stream);
    trickle(stream, b"\x20\x80\x80\x01\0\0\xfc\x7f\x1f\x3f\x00all is well");
}

/// The server's properties: a long name.
pub(super) fn greeting_of_amqp(mut stream: Stream) {
    heard(&mut stream);
    trickle(stream, b"\x01\0\0\0\0\x40\0\0\x0a\0\x0a\0\x09\0\0\x3f\xe0\x07productS\0\0\x3f\xd0RabbitMQ");
}

pub(super) fn greeting_of_redis(mut stream: Stream) {
    heard(&mut stream);
    trickle(stream, b"+PONG");
}

pub(super) fn greeting_of_nats(stream: Stream) {
    trickle(stream, b"INFO {\"server_id\":\"N\",\"version\":\"2.9.10\",\"host\":\"n");
}

pub(super) fn greeting_of_memcached(mut stream: Stream) {
    heard(&mut stream);
    trickle(stream, b"VERSION 1.6.1");
}

/// A hundred settings.
pub(super) fn greeting_of_grpc(mut stream: Stream) {
    heard(&mut stream);
    trickle(stream, &frame(SETTINGS, 0, 0, &[0; 6_000])[..9]);
}

/// A `ServerHello`.
pub(super) fn greeting_of_tls(mut stream: Stream) {
    heard(&mut stream);
    trickle(stream, b"\x16\x03\x03\x3f\xf0\x02\0\x3f\xec\x03\x03abcd");
}

/// The head of a response: a long field.
pub(super) fn greeting_of_http(mut stream: Stream) {
    heard(&mut stream);
    trickle(stream, b"HTTP/1.1 200 OK\r\nServer: s");
}
