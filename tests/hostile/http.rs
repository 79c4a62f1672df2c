//! Hostility in HTTP, of either version.

use std::io::Write as _;

use super::stream::Stream;
use super::wire::{flood, heard, say};

/// Answers a request with `head` and goes on with `piece` for ever.
fn answer_and_flood(mut stream: Stream, head: &str, piece: &[u8]) {
    heard(&mut stream);
    if stream.write_all(head.as_bytes()).is_ok() {
        flood(stream, piece);
    }
}

fn answer(mut stream: Stream, text: &str) {
    heard(&mut stream);
    say(stream, text.as_bytes());
}

/// The answer of a careless front end: all is well, whatever was asked.
pub(super) fn yes_to_all(stream: Stream) {
    answer(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK");
}

pub(super) fn no_to_all(stream: Stream) {
    answer(stream, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nNO");
}

pub(super) fn endless_headers(stream: Stream) {
    answer_and_flood(stream, "HTTP/1.1 200 OK\r\n", b"X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
}

pub(super) fn one_endless_header(stream: Stream) {
    answer_and_flood(stream, "HTTP/1.1 200 OK\r\nX-Filler: ", b"x");
}

pub(super) fn endless_status_line(stream: Stream) {
    answer_and_flood(stream, "HTTP/1.1 200 ", b"OK");
}

pub(super) fn endless_body(stream: Stream) {
    answer_and_flood(stream, "HTTP/1.1 200 OK\r\n\r\n", b"x");
}

/// A chunk that is announced as longer than can be counted.
pub(super) fn giant_chunk(stream: Stream) {
    answer_and_flood(
        stream,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFF0\r\n",
        b"x",
    );
}

pub(super) fn giant_content_length(stream: Stream) {
    answer_and_flood(stream, "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", b"x");
}

pub(super) fn endless_chunk_extension(stream: Stream) {
    answer_and_flood(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=", b"x");
}

pub(super) fn endless_trailers(stream: Stream) {
    answer_and_flood(
        stream,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n",
        b"X-Trailer: x\r\n",
    );
}

/// Interim responses for ever, as a rule no faster than a debug build can read them.
pub(super) fn endless_continue(mut stream: Stream) {
    heard(&mut stream);
    while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_ok() {
        stream.rest();
    }
}

/// Sends the client on to another page of its own, at every request.
pub(super) fn redirects_for_ever(mut stream: Stream) {
    let asked = String::from_utf8_lossy(&heard(&mut stream)).into_owned();
    let page = asked.split_whitespace().nth(1).unwrap_or("/").trim_end_matches('/').to_owned();
    say(stream, format!("HTTP/1.1 302 Found\r\nLocation: {page}/x\r\nContent-Length: 0\r\n\r\n").as_bytes());
}

pub(super) fn redirects_in_a_circle(stream: Stream) {
    answer(stream, "HTTP/1.1 307 Temporary Redirect\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
}

/// 16 MiB of zeros behind the word that is looked for, packed as gzip: nothing may unpack it.
pub(super) fn compressed_bomb(mut stream: Stream) {
    heard(&mut stream);
    let bomb = include_bytes!("../data/bomb.gz");
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    );
    let _ = stream.write_all(head.as_bytes());
    say(stream, bomb);
}

/// JSON that is nested as deeply as a body can be long.
pub(super) fn deep_json(mut stream: Stream) {
    heard(&mut stream);
    let body = "[".repeat(900_000);
    let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
    say(stream, body.as_bytes());
}

/// A frame (RFC 9113 §4.1).
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

pub(super) const SETTINGS: u8 = 4;

/// Greets as a server does, says `first`, and goes on with `piece` for ever.
fn speak_http2(mut stream: Stream, first: &[u8], piece: &[u8]) {
    heard(&mut stream);
    let greeting = [frame(SETTINGS, 0, 0, &[]), frame(SETTINGS, 1, 0, &[]), first.to_vec()].concat();
    if stream.write_all(&greeting).is_err() {
    } else if piece.is_empty() {
        say(stream, &[]);
    } else {
        flood(stream, piece);
    }
}

/// GOAWAY, before anything was answered.
pub(super) fn http2_goaway(stream: Stream) {
    speak_http2(stream, &frame(7, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0]), &[]);
}

/// The stream is refused (`REFUSED_STREAM`, which invites to try again at once).
pub(super) fn http2_reset(stream: Stream) {
    speak_http2(stream, &frame(3, 0, 1, &[0, 0, 0, 7]), &[]);
}

/// … and refused again, for ever.
pub(super) fn http2_endless_resets(stream: Stream) {
    speak_http2(stream, &[], &frame(3, 0, 1, &[0, 0, 0, 7]));
}

pub(super) fn http2_endless_pings(stream: Stream) {
    speak_http2(stream, &[], &frame(6, 0, 0, &[0; 8]));
}

pub(super) fn http2_endless_settings(stream: Stream) {
    speak_http2(stream, &[], &frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]));
}

/// Headers that are continued without an end.
pub(super) fn http2_endless_continuation(stream: Stream) {
    speak_http2(stream, &frame(1, 0, 1, &[0x88]), &frame(9, 0, 1, &[0x88; 64]));
}

/// Status 200 and data, more than any window allows.
pub(super) fn http2_endless_data(stream: Stream) {
    speak_http2(stream, &frame(1, 4, 1, &[0x88]), &frame(0, 0, 1, &[b'x'; 1024]));
}

/// A frame of 16 MiB.
pub(super) fn http2_giant_frame(stream: Stream) {
    speak_http2(stream, &[0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1], b"x");
}

/// Empty frames of a stream that nobody opened.
pub(super) fn http2_wrong_stream(stream: Stream) {
    speak_http2(stream, &[], &frame(0, 0, 2, &[]));
}
