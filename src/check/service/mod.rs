//! What kinds have in common that ask a service in its own protocol: how it is reached, and how bytes come and go.
//!
//! A protocol's codec does no I/O: it makes bytes, and reads them from a slice that may not hold all of a message yet.
//! What only some kinds need is a file of its own, and a feature that these ask for: a build with one kind has no more.

#[cfg(feature = "_answers")]
mod answers;
#[cfg(feature = "_messages")]
mod messages;
#[cfg(feature = "_sockets")]
mod sockets;

use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};

use super::talk::broken;
use super::{Attempt, Draft, Fact, Opt, Reason, class, registry, unix};
use crate::net::Net;
use crate::net::dial::{self, Family};
use crate::net::tls::{self, TlsOptions};
use crate::net::trace::Trace;
use crate::plan::problem::Problem;
use crate::plan::target::Host;

#[cfg(feature = "_messages")]
pub(super) use messages::Decoded;

/// A stream that a protocol is spoken on.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// What is wrong with bytes that should be a message: a lower-case fragment, without the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// Where a service is and how it is spoken to.
#[derive(Debug)]
pub(super) struct Service {
    /// What the protocol is called: `Redis`.
    pub(super) protocol: &'static str,
    /// Where it is.
    pub(super) host: Host,
    /// On which port.
    pub(super) port: u16,
    /// How TLS is spoken, whether it is from the first byte on or later.
    pub(super) tls: TlsOptions,
    /// Whether TLS comes first.
    pub(super) secure: bool,
    /// The unix socket that is connected to instead. What is said there stays on this host: it needs no encryption.
    pub(super) unix: Option<PathBuf>,
}

impl Service {
    /// Reads host, port and, for a kind that has them, the TLS options out of `draft`. The scheme says which port is meant where none is given,
    /// and whether TLS comes first; `later` is whether it may come later.
    pub(super) fn read(draft: &mut Draft<'_>, protocol: &'static str, later: bool) -> Option<Self> {
        let scheme = registry::scheme(draft.target.scheme)?;
        let kind = registry::kind_of(scheme.name)?;
        let tls = if draft.has("cacert") { TlsOptions::read(draft) } else { TlsOptions::default() };
        if !scheme.tls && !later {
            let about_tls = |option: &&Opt| {
                tls::OPTIONS_BESIDE_KEY.iter().chain(tls::OPTIONS).any(|tls| *tls == **option)
            };
            let given = kind.all_options().filter(about_tls).find(|option| draft.text(option.name).is_some());
            if let Some(option) = given {
                let problem =
                    Problem::new(format!("option {} has no effect on {}://", option.name, scheme.name));
                draft.problem(match kind.schemes.iter().find(|other| other.tls) {
                    Some(secure) => problem.hint(format!("write {}://", secure.name)),
                    None => problem,
                });
            }
        }
        let host = match &draft.target.host {
            Some(host) => host.clone(),
            None => Host::This,
        };
        let Some(port) = draft.target.port.or(scheme.port) else {
            draft.problem(Problem::new("the port is missing").hint(format!("write {}", scheme.form)));
            return None;
        };
        Some(Self { protocol, host, port, tls, secure: scheme.tls, unix: None })
    }

    /// Connects, with TLS where the scheme has it, which is to agree on one of the application protocols `alpn` (RFC 7301).
    pub(super) async fn connect_for(&self, attempt: &Attempt<'_>, alpn: &[&[u8]]) -> Result<Wire, Reason> {
        let (net, trace) = (attempt.net, attempt.trace);
        if let Some(path) = &self.unix {
            let place = path.display().to_string();
            let stream = unix::connect(trace, path)
                .await
                .map_err(|reason| Reason { text: format!("socket {place}: {}", reason.text), ..reason })?;
            return Ok(Wire::new(self.protocol, Box::new(stream), place, trace.clone()));
        }
        let addresses = dial::addresses(net, trace, &self.host, self.port, Family::Any).await?;
        let stream = dial::connect(net, trace, &addresses).await?;
        let place = stream.peer_addr().unwrap_or(addresses[0]).to_string();
        let _ = stream.set_nodelay(true);
        let wire = Wire::new(self.protocol, Box::new(stream), place, trace.clone());
        if self.secure { wire.secure(net, &self.tls, &self.host, alpn).await } else { Ok(wire) }
    }
}

/// A connection on which a protocol is spoken.
pub(super) struct Wire {
    protocol: &'static str,
    stream: Box<dyn Stream>,
    /// The other end: `10.0.0.7:6379`.
    pub(super) place: String,
    trace: Trace,
    heard: Vec<u8>,
}

impl Wire {
    /// A connection to `place` that is open.
    pub(super) fn new(protocol: &'static str, stream: Box<dyn Stream>, place: String, trace: Trace) -> Self {
        Self { protocol, stream, place, trace, heard: Vec::new() }
    }

    /// The same connection with TLS from here on. What was heard and not read is dropped: it was not protected.
    pub(super) async fn secure(
        mut self,
        net: &Net,
        options: &TlsOptions,
        host: &Host,
        alpn: &[&[u8]],
    ) -> Result<Self, Reason> {
        let (stream, _seen) =
            tls::handshake(net, &self.trace, options, self.stream, (host, &self.place), alpn).await?;
        self.stream = Box::new(stream);
        self.heard.clear();
        Ok(self)
    }

    /// The stream itself, for who speaks on it otherwise; what is left tells what is wrong with it.
    #[cfg(feature = "grpc")]
    pub(super) fn apart(mut self) -> (Box<dyn Stream>, Self) {
        let stream = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
        (stream, self)
    }

    /// The reason when what was heard is no message of the protocol.
    pub(super) fn nonsense(&self, what: &str) -> Reason {
        let text = format!("no {} at {}: {what}", self.protocol, self.place);
        let reason = Reason::new(&class::SERVICE_PROTOCOL, text).fact(Fact::Protocol(self.protocol));
        match spoken(&self.heard) {
            Some(other) if other != self.protocol => reason.fact(Fact::Spoke(other)),
            _ => reason,
        }
    }

    /// The reason when the connection breaks.
    pub(super) fn closed(&self, error: &std::io::Error) -> Reason {
        let reason = match tls::find(error) {
            // With TLS 1.3 the client is done before the server has looked at its certificate.
            Some(error) => tls::failure(error, &tls::Seen::default()).at(&self.place),
            None => broken(error, &self.place),
        };
        reason.fact(Fact::Protocol(self.protocol))
    }
}

/// What protocol these first bytes of a server belong to, if that is plain to see.
fn spoken(heard: &[u8]) -> Option<&'static str> {
    Some(match heard {
        // Of a request line without a version, an HTTP server's answer has no head (RFC 1945 §6).
        _ if heard.starts_with(b"HTTP/") || heard.starts_with(b"<html") => "HTTP",
        _ if heard.starts_with(b"SSH-") => "SSH",
        // A greeting: the first packet, shorter than 64 KiB, of protocol 10.
        [_, _, 0, 0, 10, ..] => "MySQL",
        // An alert or a handshake record of TLS 1.x (RFC 8446 §5.1).
        [0x15 | 0x16, 3, 0..=4, ..] => "TLS",
        _ if heard.starts_with(b"220 ") || heard.starts_with(b"220-") => "SMTP or FTP",
        _ if heard.starts_with(b"AMQP") => "AMQP",
        _ if heard.starts_with(b"INFO {") => "NATS",
        _ if heard.starts_with(b"-ERR ") || heard.starts_with(b"-NOAUTH") => "Redis",
        _ => return None,
    })
}

/// The text that a peer sent, as it may be shown: one line, at most 200 characters.
pub(super) fn shown(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    line.chars().take(200).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// What a peer says, unless it repeats the secret that it was sent, whole or broken off at its end, as it is or as JSON
/// has it. An empty one is none.
#[cfg(any(feature = "amqp", feature = "memcached", feature = "nats", feature = "redis"))]
pub(super) fn unless_repeated<'a>(text: &'a str, secret: &str) -> &'a str {
    let escaped = serde_json::Value::from(secret).to_string();
    let repeats = |secret: &str| {
        let begins = |length| secret.get(..length).is_some_and(|part| text.ends_with(part));
        !secret.is_empty() && (text.contains(secret) || (4..secret.len()).any(begins))
    };
    if repeats(secret) || repeats(escaped.trim_matches('"')) { "what it was sent" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(any(feature = "amqp", feature = "memcached", feature = "nats", feature = "redis"))]
    fn what_was_sent_is_not_shown() {
        for (text, secret) in [
            ("you said hunter2!", "hunter2"),
            ("cut off: hunt", "hunter2"),
            (r#"{"pass":"pa\"ss"}"#, "pa\"ss"),
            (r#"pa"ss"#, "pa\"ss"),
        ] {
            assert_eq!(unless_repeated(text, secret), "what it was sent", "{text}");
        }
        for (text, secret) in ["too many clients", "on the hun", ""]
            .into_iter()
            .flat_map(|text| [(text, ""), (text, "hunter2"), (text, "pa\"ss")])
        {
            assert_eq!(unless_repeated(text, secret), text);
        }
    }

    #[test]
    fn other_protocols_are_recognised() {
        assert_eq!(spoken(b"HTTP/1.1 400 Bad Request"), Some("HTTP"));
        assert_eq!(spoken(&[0x15, 3, 1, 0, 2, 2, 70]), Some("TLS"));
        assert_eq!(spoken(b"\x5b\0\0\0\x0a8.0.36\0"), Some("MySQL"));
        assert_eq!(spoken(b"hello"), None);
    }
}
