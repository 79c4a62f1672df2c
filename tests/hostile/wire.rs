//! Hostility below any protocol: silence, hanging up, floods, and lengths that cannot be.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use super::pause;
use super::stream::Stream;

/// Longer than any wait.
const LONG: u64 = 4_000;

/// Accepts, and never says a word.
pub(super) fn silence(_stream: Stream) {
    pause(LONG);
}

/// Hangs up at once.
pub(super) fn closed_at_once(stream: Stream) {
    drop(stream);
}

/// Waits for the first bytes, and resets the connection: they are unread when it is closed.
pub(super) fn reset(stream: Stream) {
    let _ = stream.socket().set_read_timeout(Some(Duration::from_millis(LONG)));
    let _ = stream.socket().peek(&mut [0]);
    drop(stream);
}

/// Says that nothing will come from it, and listens on.
pub(super) fn half_closed(mut stream: Stream) {
    stream.finish();
    let _ = stream.socket().set_read_timeout(Some(Duration::from_millis(LONG)));
    while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
}

/// Sends back whatever it gets.
pub(super) fn echo(mut stream: Stream) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

/// Sends `piece` for ever, some 16 MB a second or as fast as it goes.
pub(super) fn flood(mut stream: Stream, piece: &[u8]) {
    let pieces = piece.repeat((16 * 1024_usize).div_ceil(piece.len()));
    while stream.write_all(&pieces).is_ok() {
        stream.rest();
    }
}

/// Sends `bytes`, and then keeps the connection open.
pub(super) fn say(mut stream: Stream, bytes: &[u8]) {
    if stream.write_all(bytes).is_ok() {
        pause(LONG);
    }
}

/// Waits until the client has said something; what it said first.
pub(super) fn heard(stream: &mut Stream) -> Vec<u8> {
    let mut buffer = vec![0; 4096];
    let _ = stream.socket().set_read_timeout(Some(Duration::from_millis(LONG)));
    let count = stream.read(&mut buffer).unwrap_or(0);
    buffer.truncate(count);
    buffer
}

pub(super) fn endless_zeros(stream: Stream) {
    flood(stream, &[0]);
}

pub(super) fn endless_ones(stream: Stream) {
    flood(stream, &[0xFF]);
}

pub(super) fn endless_letters(stream: Stream) {
    flood(stream, b"A");
}

pub(super) fn endless_lines(stream: Stream) {
    flood(stream, b"hello\r\n");
}

pub(super) fn endless_empty_lines(stream: Stream) {
    flood(stream, b"\r\n");
}

/// The shortest arrays and attributes of RESP, each in the other.
pub(super) fn endless_nesting(stream: Stream) {
    flood(stream, b"*1\r\n");
}

/// A byte now and then, so that no read ever takes long.
pub(super) fn byte_by_byte(mut stream: Stream) {
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".iter().cycle() {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        pause(40);
    }
}

/// Anything at all, the same at every run.
pub(super) fn noise(mut stream: Stream) {
    let mut random = fastrand::Rng::with_seed(7);
    while stream.write_all(&std::iter::repeat_with(|| random.u8(..)).take(4096).collect::<Vec<_>>()).is_ok() {
        stream.rest();
    }
}

/// Lengths of 2 GiB in either order of bytes, and the content that belongs to them.
pub(super) fn giant_length_signed(mut stream: Stream) {
    let _ = stream.write_all(&[0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]);
    flood(stream, &[1]);
}

/// A length of 4 GiB less one.
pub(super) fn giant_length_unsigned(mut stream: Stream) {
    let _ = stream.write_all(&[0xFF; 8]);
    flood(stream, &[0]);
}

/// A packet of `MySQL` of 16 MiB less one, as a greeting.
pub(super) fn giant_packet(mut stream: Stream) {
    let _ = stream.write_all(&[0xFF, 0xFF, 0xFF, 0x00, 10]);
    flood(stream, b"8.0.0-");
}

/// A message of `PostgreSQL` of 2 GiB, and one of MQTT of 256 MiB, begun and never ended.
pub(super) fn giant_message(mut stream: Stream) {
    heard(&mut stream);
    let _ = stream.write_all(&[b'R', 0x7F, 0xFF, 0xFF, 0xFF]);
    flood(stream, &[0]);
}

pub(super) fn giant_packet_of_mqtt(mut stream: Stream) {
    heard(&mut stream);
    let _ = stream.write_all(&[0x20, 0xFF, 0xFF, 0xFF, 0x7F]);
    flood(stream, &[0]);
}

/// A frame of AMQP with the longest payload.
pub(super) fn giant_frame_of_amqp(mut stream: Stream) {
    heard(&mut stream);
    let _ = stream.write_all(&[1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 10, 0, 10]);
    flood(stream, &[0]);
}

/// A string of RESP of as many bytes as there can be, an array of as many elements.
pub(super) fn giant_bulk_of_resp(mut stream: Stream) {
    heard(&mut stream);
    let _ = stream.write_all(b"$9223372036854775807\r\n");
    flood(stream, b"x");
}

pub(super) fn giant_array_of_resp(mut stream: Stream) {
    heard(&mut stream);
    let _ = stream.write_all(b"*9223372036854775807\r\n");
    flood(stream, b":1\r\n");
}

/// A greeting of NATS that never ends.
pub(super) fn giant_greeting_of_nats(mut stream: Stream) {
    let _ = stream.write_all(b"INFO {\"server_id\":\"");
    flood(stream, b"[");
}

/// A handshake record of TLS with anything in it.
pub(super) fn tls_garbage(mut stream: Stream) {
    heard(&mut stream);
    let _ = stream.write_all(&[0x16, 3, 3, 0x3F, 0xFF, 2, 0xFF, 0xFF, 0xFF]);
    flood(stream, &[0x5A]);
}

/// Alerts without an end.
pub(super) fn tls_alerts(mut stream: Stream) {
    heard(&mut stream);
    // A warning that nobody has to heed: no renegotiation (RFC 5246 §7.2.2).
    flood(stream, &[0x15, 3, 3, 0, 2, 1, 100]);
}
