//! `tcp://HOST:PORT` — a connection is accepted, and still open after `hold`.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, join_all};
use regex_lite::Regex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout};

use super::{Attempt, Class, Cost, Draft, Evidence, Fact, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::dial::{self, Family};
use crate::net::trace::Trace;
use crate::net::{io_class, io_words};
use crate::plan::problem::Problem;
use crate::plan::target::Host;

/// At most so much of what the peer says is kept and searched.
const MOST: usize = 64 * 1024;

/// What the peer said does not match.
static DATA: Class = Class::new("tcp.data", Cost::High, "The peer did not say what is expected of it.")
    .causes(&[
        "another service than expected on the port",
        "a service that waits to be spoken to: see `send=`",
        "a service that is still starting",
    ])
    .remedy("Check port, `send=` and `expect=`.");
/// Too few addresses accept.
static ADDRESSES: Class =
    Class::new("tcp.addresses", Cost::Low, "Fewer of the name's addresses accept than must.")
        .causes(&["members that are not up yet", "a member that is gone, but still has a record"])
        .remedy("Look at the members one by one, or ask for fewer with `addresses=`.");

/// The options of everything that is a stream.
pub(super) static OPTIONS: &[Opt] = &[
    Opt::new("hold", "DUR", "the connection must still be open after DUR (default 0s)"),
    Opt::new("addresses", "any|all|N", "how many of the name's addresses must accept (default any)"),
    Opt::new("send", "TEXT", "what to send, percent-encoded: PING%0D%0A"),
    Opt::new("expect", "REGEX", "what the peer must say within its first 64 KiB"),
    Opt::new("family", "4|6", "keep to one address family"),
];

/// The kind `tcp`.
pub(super) static KIND: Kind = Kind {
    name: "tcp",
    schemes: &[Scheme { name: "tcp", form: "tcp://HOST:PORT", authority: true, opaque: false, query: true }],
    flag: Some("tcp"),
    summary: "a connection is accepted, and still open after `hold`",
    options: &[OPTIONS],
    opposite: &[&class::TCP_REFUSED],
    classes: &[&DATA, &ADDRESSES],
    build,
};

/// How many addresses must accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quorum {
    Any,
    All,
    AtLeast(usize),
}

struct Tcp {
    host: Host,
    port: u16,
    family: Family,
    quorum: Quorum,
    talk: Talk,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    draft.no_path();
    draft.no_userinfo();
    let quorum = draft.parsed("addresses", |text| match text {
        "any" => Ok(Quorum::Any),
        "all" => Ok(Quorum::All),
        _ => match text.parse() {
            Ok(count) if count > 0 => Ok(Quorum::AtLeast(count)),
            _ => Err(format!("'{text}' is neither any, all nor a number from 1 on")),
        },
    });
    let family = match draft.one_of("family", &["4", "6"]) {
        Some("4") => Family::V4,
        Some(_) => Family::V6,
        None => Family::Any,
    };
    let talk = Talk::read(draft);
    let host = draft.target.host.clone()?;
    let Some(port) = draft.target.port else {
        draft.problem(Problem::new("the port is missing").hint(format!("write tcp://{host}:PORT")));
        return None;
    };
    Some(Box::new(Tcp { host, port, family, quorum: quorum.unwrap_or(Quorum::Any), talk }))
}

impl Probe for Tcp {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        async move {
            match self.run(attempt).await {
                Ok(evidence) => Verdict::Ready(evidence),
                Err(reason) => Verdict::NotYet(reason),
            }
        }
        .boxed_local()
    }
}

impl Tcp {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let addresses =
            dial::addresses(attempt.net, attempt.trace, &self.host, self.port, self.family).await?;
        let needed = match self.quorum {
            Quorum::Any => {
                let stream = dial::connect(attempt.trace, &addresses).await?;
                let peer = stream.peer_addr().unwrap_or(addresses[0]);
                self.talk.with(attempt, stream, peer).await?;
                return Ok(Evidence::new(format!("connected to {peer}")));
            }
            Quorum::All => addresses.len(),
            Quorum::AtLeast(count) => count,
        };
        self.several(attempt, &addresses, needed).await
    }

    /// Each address on its own; `needed` of them must accept.
    async fn several(
        &self,
        attempt: &Attempt<'_>,
        addresses: &[SocketAddr],
        needed: usize,
    ) -> Result<Evidence, Reason> {
        if addresses.len() < needed {
            let text = format!("{} has {} of {needed} addresses", self.host, addresses.len());
            return Err(Reason::new(&ADDRESSES, text));
        }
        // Each address has a trace of its own; the attempt's names those that have not ended.
        let traces: Rc<[Trace]> = addresses.iter().map(|_| Trace::new(false)).collect();
        let open = Rc::new(RefCell::new(vec![true; addresses.len()]));
        let (noted, still) = (Rc::clone(&traces), Rc::clone(&open));
        attempt.trace.doing(move || several_cut(&noted, &still.borrow(), needed));
        let tries = addresses.iter().enumerate().map(|(index, address)| {
            let (trace, open) = (&traces[index], &open);
            async move {
                let attempt = Attempt { net: attempt.net, trace };
                let end = async {
                    let stream = dial::connect(trace, std::slice::from_ref(address)).await?;
                    self.talk.with(&attempt, stream, *address).await
                };
                let end = end.await;
                open.borrow_mut()[index] = false;
                end
            }
        });
        let ended = join_all(tries).await;
        let accepted = ended.iter().filter(|end| end.is_ok()).count();
        if accepted >= needed {
            return Ok(Evidence::new(format!("{accepted} of {} addresses accept", addresses.len())));
        }
        let mut failures = ended.into_iter().filter_map(Result::err);
        let first = failures.next().unwrap_or_else(|| Reason::new(&ADDRESSES, "too few addresses accept"));
        // `not` is satisfied only by a refusal of every address.
        let class = if accepted > 0 {
            &ADDRESSES
        } else {
            failures.fold(first.class, |a, b| if a == b.class { a } else { &ADDRESSES })
        };
        let text = format!("{accepted} of {needed} addresses accept; {}", first.text);
        Err(Reason { class, text, facts: first.facts })
    }
}

/// The reason of an attempt at several addresses that is cut short: what those do that have not ended.
fn several_cut(traces: &[Trace], open: &[bool], needed: usize) -> Reason {
    let pending: Vec<Reason> =
        traces.iter().zip(open).filter(|(_, open)| **open).filter_map(|(trace, _)| trace.cut()).collect();
    let words: Vec<&str> = pending.iter().take(3).map(|reason| reason.text.as_str()).collect();
    let class = pending.first().map_or(&ADDRESSES, |reason| reason.class);
    Reason::new(class, format!("{needed} addresses must accept; {}", words.join("; ")))
}

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
    async fn with(
        &self,
        attempt: &Attempt<'_>,
        mut stream: TcpStream,
        peer: SocketAddr,
    ) -> Result<(), Reason> {
        let since = Instant::now();
        if let Some(text) = &self.send {
            stream.write_all(text.as_bytes()).await.map_err(|error| broken(&error, peer))?;
        }
        if let Some(expect) = &self.expect {
            attempt.trace.doing(move || {
                Reason::new(&DATA, format!("{peer} has not said what is expected")).fact(Fact::Peer(peer))
            });
            listen(&mut stream, expect, peer).await?;
            attempt.trace.stage("talk", since, || "the peer said what is expected".into());
        }
        if !self.hold.is_zero() {
            let hold = self.hold;
            attempt.trace.doing(move || {
                Reason::new(
                    &class::ATTEMPT_TIMEOUT,
                    format!(
                        "the attempt time-out is shorter than hold={}",
                        crate::plan::duration::exact(hold)
                    ),
                )
            });
            // Whatever the peer says meanwhile is of no interest; only that it does not hang up is.
            if let Ok(error) = timeout(hold.saturating_sub(since.elapsed()), until_closed(&mut stream)).await
            {
                return Err(broken(&error, peer));
            }
            attempt.trace.stage("hold", since, || "still open".into());
        }
        Ok(())
    }
}

async fn listen(stream: &mut TcpStream, expect: &Regex, peer: SocketAddr) -> Result<(), Reason> {
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.map_err(|error| broken(&error, peer))?;
        heard.extend_from_slice(&buffer[..count]);
        if expect.is_match(&String::from_utf8_lossy(&heard)) {
            return Ok(());
        }
        if count == 0 && heard.is_empty() {
            return Err(Reason::new(
                &class::TCP_CLOSED,
                format!("{peer} closed the connection without a word"),
            )
            .fact(Fact::Peer(peer)));
        }
        if count == 0 || heard.len() >= MOST {
            return Err(Reason::new(&DATA, format!("what {peer} says does not match")).fact(Fact::Peer(peer)));
        }
    }
}

async fn until_closed(stream: &mut TcpStream) -> std::io::Error {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => return std::io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => return error,
        }
    }
}

fn broken(error: &std::io::Error, peer: SocketAddr) -> Reason {
    let text = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => format!("{peer} accepted the connection and closed it"),
        std::io::ErrorKind::ConnectionReset => format!("{peer} accepted the connection and reset it"),
        _ => format!("connection to {peer} broke: {}", io_words(error)),
    };
    Reason::new(io_class(error), text).fact(Fact::Peer(peer))
}
