//! `tcp://HOST:PORT` — a connection is accepted, and still open after `hold`.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, join_all};

use super::talk::{self, Talk};
use super::{Attempt, Class, Cost, Draft, Evidence, Fact, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::dial::{self, Family};
use crate::net::trace::Trace;
use crate::plan::problem::Problem;
use crate::plan::target::Host;

/// Too few addresses accept.
static ADDRESSES: Class =
    Class::new("tcp.addresses", Cost::Low, "Fewer of the name's addresses accept than must.")
        .causes(&["members that are not up yet", "a member that is gone, but still has a record"])
        .remedy("Look at the members one by one, or ask for fewer with `addresses=`.");

/// What [`Reach`] takes beside the options of [`Talk`].
pub(super) static OPTIONS: &[Opt] = &[
    Opt::new("addresses", "any|all|N", "how many of the name's addresses must accept (default any)"),
    Opt::new("family", "4|6", "keep to one address family"),
];

/// The kind `tcp`.
pub(super) static KIND: Kind = Kind {
    name: "tcp",
    schemes: &[Scheme::url("tcp", "tcp://HOST:PORT")],
    flag: Some("tcp"),
    summary: "a connection is accepted, and still open after `hold`",
    options: &[talk::OPTIONS, OPTIONS],
    opposite: &[&class::TCP_REFUSED],
    classes: &[&talk::DATA, &ADDRESSES],
    build,
};

/// How many addresses must accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quorum {
    Any,
    All,
    AtLeast(usize),
}

/// A place that must accept.
pub(super) struct Tcp {
    host: Host,
    port: u16,
    reach: Reach,
}

/// How a place is reached, and what is said there.
pub(super) struct Reach {
    family: Family,
    quorum: Quorum,
    talk: Talk,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    draft.no_path();
    draft.no_userinfo();
    let reach = Reach::read(draft);
    let host = draft.target.host.clone()?;
    let Some(port) = draft.target.port else {
        draft.problem(Problem::new("the port is missing").hint(format!("write tcp://{host}:PORT")));
        return None;
    };
    Some(Box::new(Tcp::new(host, port, reach)))
}

impl Reach {
    /// Reads [`OPTIONS`] and those of [`Talk`].
    pub(super) fn read(draft: &mut Draft<'_>) -> Self {
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
        Self { family, quorum: quorum.unwrap_or(Quorum::Any), talk: Talk::read(draft) }
    }
}

impl Probe for Tcp {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }
}

impl Tcp {
    /// A probe of `host` at `port`.
    pub(super) fn new(host: Host, port: u16, reach: Reach) -> Self {
        Self { host, port, reach }
    }

    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let addresses =
            dial::addresses(attempt.net, attempt.trace, &self.host, self.port, self.reach.family).await?;
        let needed = match self.reach.quorum {
            Quorum::Any => {
                let stream = dial::connect(attempt.net, attempt.trace, &addresses).await?;
                let peer = stream.peer_addr().unwrap_or(addresses[0]);
                self.reach
                    .talk
                    .with(attempt.trace, stream, &peer.to_string())
                    .await
                    .map_err(|reason| reason.fact(Fact::Peer(peer)))?;
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
                let end = async {
                    let stream = dial::connect(attempt.net, trace, std::slice::from_ref(address)).await?;
                    self.reach
                        .talk
                        .with(trace, stream, &address.to_string())
                        .await
                        .map_err(|reason| reason.fact(Fact::Peer(*address)))
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

#[cfg(test)]
#[path = "tcp_tests.rs"]
mod tests;
