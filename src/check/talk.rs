//! What is said on a connection once it is open: `send`, `expect` and `hold`, for every kind that has a stream.

use regex_lite::Regex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Duration, Instant, timeout};

use super::{Class, Cost, Draft, Opt, Reason, class};
use crate::net::trace::Trace;
use crate::net::{io_class, io_words};

/// At most so much of what the peer says is kept and searched.
const MOST: usize = 64 * 1024;

/// What the peer said does not match.
pub(super) static DATA: Class =
    Class::new("tcp.data", Cost::High, "The peer did not say what is expected of it.")
        .causes(&[
            "another service than expected on the port",
            "a service that waits to be spoken to: see `send=`",
            "a service that is still starting",
        ])
        .remedy("Check port, `send=` and `expect=`.");
/// The options that [`Talk`] reads.
pub(super) static OPTIONS: &[Opt] = &[
    Opt::new("hold", "DUR", "the connection must still be open after DUR (default 0s)"),
    Opt::new("send", "TEXT", "what to send, percent-encoded: PING%0D%0A").secret(),
    Opt::new("expect", "REGEX", "what the peer must say within its first 64 KiB"),
];

/// What is said on a connection once it is open.
pub(super) struct Talk {
    hold: Duration,
    send: Option<String>,
    expect: Option<Regex>,
}

impl Talk {
    /// Reads `hold`, `send` and `expect`.
    pub(super) fn read(draft: &mut Draft<'_>) -> Self {
        Self {
            hold: draft.duration("hold").unwrap_or_default(),
            send: draft.text("send").map(str::to_owned),
            expect: draft.regex("expect"),
        }
    }

    /// Sends, listens and holds.
    pub(super) async fn with(
        &self,
        trace: &Trace,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        peer: &str,
    ) -> Result<(), Reason> {
        let since = Instant::now();
        if let Some(text) = &self.send {
            stream.write_all(text.as_bytes()).await.map_err(|error| broken(&error, peer))?;
        }
        if let Some(expect) = &self.expect {
            let noted = peer.to_owned();
            trace.doing(move || Reason::new(&DATA, format!("{noted} has not said what is expected")));
            listen(&mut stream, expect, peer).await?;
            trace.stage("talk", since, || "the peer said what is expected".into());
        }
        if !self.hold.is_zero() {
            let hold = self.hold;
            trace.doing(move || {
                let hold = crate::plan::duration::exact(hold);
                Reason::new(&class::ATTEMPT_TIMEOUT, format!("connected, but hold={hold} has not passed"))
            });
            // Whatever the peer says meanwhile is of no interest; only that it does not hang up is.
            if let Ok(error) = timeout(hold.saturating_sub(since.elapsed()), until_closed(&mut stream)).await
            {
                return Err(broken(&error, peer));
            }
            trace.stage("hold", since, || "still open".into());
        }
        Ok(())
    }
}

async fn listen(stream: &mut (impl AsyncRead + Unpin), expect: &Regex, peer: &str) -> Result<(), Reason> {
    let mut heard = Vec::new();
    // On the heap: in the future itself it would weigh on every attempt, whether it listens or not.
    let mut buffer = vec![0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.map_err(|error| broken(&error, peer))?;
        heard.extend_from_slice(&buffer[..count]);
        if expect.is_match(&String::from_utf8_lossy(&heard)) {
            return Ok(());
        }
        if count == 0 && heard.is_empty() {
            let text = format!("{peer} closed the connection without a word");
            return Err(Reason::new(&class::TCP_CLOSED, text));
        }
        if count == 0 || heard.len() >= MOST {
            return Err(Reason::new(&DATA, format!("what {peer} says does not match")));
        }
    }
}

async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Error {
    // On the heap: in the future itself it would weigh on every attempt, whether it listens or not.
    let mut buffer = vec![0; 4096];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => return std::io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => return error,
        }
    }
}

pub(super) fn broken(error: &std::io::Error, peer: &str) -> Reason {
    let text = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => format!("{peer} accepted the connection and closed it"),
        std::io::ErrorKind::ConnectionReset => format!("{peer} accepted the connection and reset it"),
        _ => format!("connection to {peer} broke: {}", io_words(error)),
    };
    Reason::new(io_class(error), text)
}
