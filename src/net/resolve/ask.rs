//! One question to all name servers: sent again, in turn, while there is silence, since UDP loses packets.

use std::net::SocketAddr;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::time::{Duration, Instant, sleep_until};

use super::outcome::{Failure, Outcome, plain};
use super::transport::exchange;
use crate::check::class;
use crate::net::{io_class, io_words};

/// How long after a question it is sent again, to the next server if there is one; doubled once.
const AGAIN: Duration = Duration::from_millis(300);

/// How the name servers are asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// The index of the server to begin with.
    pub(super) first: usize,
    /// Whether to use TCP only.
    pub(super) tcp: bool,
}

/// Asks until one of `servers` answers or all have failed; `failed` is told of each that has. A question that
/// nobody answers stays silent until `until`.
pub(super) async fn ask(
    query: &Query,
    servers: &[SocketAddr],
    manner: Manner,
    until: Instant,
    failed: impl Fn(usize, Failure),
) -> Outcome {
    let mut alive: Vec<usize> =
        (0..servers.len()).map(|index| (index + manner.first) % servers.len()).collect();
    let mut tries = FuturesUnordered::new();
    let send = |server: usize| async move { (server, exchange(servers[server], query, manner.tcp).await) };
    let mut asked = vec![0_u32; servers.len()];
    let mut wait = AGAIN;
    let mut again = Instant::now();
    loop {
        // A timer is not for what is due already: it would take a millisecond.
        if Instant::now() >= again {
            // The next in turn is the first of those asked least.
            let Some(server) = alive.iter().copied().min_by_key(|server| asked[*server]) else {
                return Outcome::Failed;
            };
            asked[server] += 1;
            tries.push(send(server));
            again = Instant::now() + wait;
            wait = AGAIN * 2;
        }
        tokio::select! {
            biased;
            Some((server, result)) = tries.next() => {
                let failure = match answered(result, query) {
                    Ok(outcome) => return outcome,
                    Err(Some(failure)) => failure,
                    // Silence is dealt with already.
                    Err(None) => continue,
                };
                // Want of descriptors is no reason to forget a question that is under way.
                if failure.class == &class::LOCAL_RESOURCES && !tries.is_empty() {
                    continue;
                }
                let before = alive.len();
                alive.retain(|known| *known != server);
                if alive.len() < before {
                    failed(server, failure);
                }
                // Others that have been asked may still answer.
                if alive.is_empty() || alive.iter().any(|server| asked[*server] == 0) {
                    again = Instant::now();
                }
            }
            () = sleep_until(until) => return Outcome::Failed,
            () = sleep_until(again) => {}
        }
    }
}

fn answered(result: Result<Message, NetError>, query: &Query) -> Result<Outcome, Option<Failure>> {
    match result {
        Ok(answer) => read(&answer, query).map_err(Some),
        Err(error) => Err(failure(&error)),
    }
}

/// Why there is no answer; none for silence.
fn failure(error: &NetError) -> Option<Failure> {
    let (class, words) = match error {
        NetError::Timeout => return None,
        NetError::Io(error) if io_class(error) == &class::LOCAL_RESOURCES => {
            (&class::LOCAL_RESOURCES, io_words(error))
        }
        NetError::Io(error) => (&class::DNS_UNREACHABLE, io_words(error)),
        NetError::Message(words) => (&class::DNS_PROTOCOL, (*words).to_owned()),
        _ => (&class::DNS_PROTOCOL, String::from("nonsense")),
    };
    Some(Failure { class, words })
}

/// What a name server's answer says.
fn read(answer: &Message, query: &Query) -> Result<Outcome, Failure> {
    let fail = |class, words: &str| Err(Failure { class, words: words.to_owned() });
    match answer.response_code {
        ResponseCode::NoError => {}
        ResponseCode::NXDomain => return Ok(Outcome::NoName),
        ResponseCode::ServFail => return fail(&class::DNS_SERVFAIL, "SERVFAIL"),
        ResponseCode::Refused => return fail(&class::DNS_SERVFAIL, "REFUSED"),
        ResponseCode::NotImp => return fail(&class::DNS_SERVFAIL, "NOTIMP"),
        ResponseCode::FormErr => return fail(&class::DNS_SERVFAIL, "FORMERR"),
        other => return fail(&class::DNS_SERVFAIL, &format!("rcode {}", u16::from(other))),
    }
    // Aliases lead from the name asked for to the name that has the records.
    let mut owner = &query.name;
    let mut steps = 0;
    loop {
        let records: Vec<RData> = answer
            .answers
            .iter()
            .filter(|record| record.record_type() == query.query_type && record.name == *owner)
            .map(|record| record.data.clone())
            .collect();
        if !records.is_empty() {
            return Ok(Outcome::Records(records));
        }
        let alias = answer.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == *owner => Some(&target.0),
            _ => None,
        });
        match alias {
            Some(_) if steps > answer.answers.len() => {
                return fail(&class::DNS_PROTOCOL, "with an alias that leads back to itself");
            }
            Some(target) => (owner, steps) = (target, steps + 1),
            None => break,
        }
    }
    // Records of other names say nothing of this one, not even that it has none; a DNAME stands above it (RFC 6672).
    let elsewhere = answer.answers.iter().all(|record| !record.name.zone_of(&query.name));
    if elsewhere && !answer.answers.is_empty() {
        return fail(&class::DNS_PROTOCOL, "with records of other names");
    }
    // A server that is no resolver and not in charge only says who is.
    let refers = |kind| answer.authorities.iter().any(|record| record.record_type() == kind);
    let resolver = answer.authoritative || answer.recursion_available;
    if !resolver && (steps > 0 || refers(RecordType::NS) && !refers(RecordType::SOA)) {
        return fail(&class::DNS_SERVFAIL, "with a referral to other name servers");
    }
    Ok(Outcome::NoData { alias: (steps > 0).then(|| plain(owner)) })
}
