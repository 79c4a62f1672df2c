//! Errors of reqwest to classes, by the types in their chain of causes.

use std::error::Error;
use std::io;

use super::{PROTOCOL, PROXY};
use crate::check::{Fact, Reason, class};
use crate::net::dial::Failure;
use crate::net::tls::{self, Seen};
use crate::net::{io_class, io_words};

/// The causes of an error. What `io::Error` wraps comes too, which its `source` leaves out.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The innermost error of the operating system, or of the connection.
fn find_io<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last()
}

/// Why there is no connection.
pub(super) fn connecting(error: &reqwest::Error, seen: &Seen, proxied: bool) -> Failure {
    if let Some(error) = find::<rustls::Error>(error) {
        return tls::failure(error, seen);
    }
    match find_io(error) {
        Some(error) if seen.began().is_some() => tls::broken(error),
        Some(error) => Failure::from(error),
        None if proxied => Failure::new(&PROXY, "no connection to the target from the proxy"),
        None => Failure::new(&PROTOCOL, "no HTTP"),
    }
}

/// Why there is no response although there is a connection.
pub(super) fn awaiting(error: &reqwest::Error, seen: &Seen, http2: bool) -> Failure {
    if let Some(error) = find::<rustls::Error>(error) {
        return tls::failure(error, seen);
    }
    if let Some(error) = find_io(error) {
        let words = match error.kind() {
            io::ErrorKind::UnexpectedEof => "connection closed without a response".into(),
            io::ErrorKind::ConnectionReset => "connection reset without a response".into(),
            _ => io_words(error),
        };
        return Failure::new(io_class(error), words);
    }
    // The outer ones say that the request was given up; the innermost, why.
    match causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>()).last() {
        Some(error) if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => {
            Failure::new(&class::TCP_CLOSED, "connection closed without a response")
        }
        _ if http2 => Failure::new(&PROTOCOL, "no HTTP/2"),
        Some(error) if error.is_parse() => Failure::new(&PROTOCOL, "malformed HTTP response"),
        // Something came before anything was asked for.
        _ => {
            let mut failure = Failure::new(&PROTOCOL, "something else, not HTTP,");
            failure.facts.push(Fact::Spoke("something other than HTTP"));
            failure
        }
    }
}

/// Why a body has no end; `text` is for the usual case.
pub(super) fn in_body(error: &reqwest::Error, text: String) -> Reason {
    match find::<hyper::Error>(error) {
        Some(error) if error.is_parse() => Reason::new(&PROTOCOL, "the body of the response is malformed"),
        _ => Reason::new(&class::TCP_CLOSED, text),
    }
}
