//! Names to addresses, and to records of any type.
//!
//! The messages and the transports are hickory's; the search list, the choice of name server and sending again
//! are done here, so that each name's own answer and time are known. Nothing is cached: every look-up asks anew.

mod ask;
mod conf;
mod files;
mod outcome;
mod present;
mod search;
#[cfg(test)]
pub(crate) mod server;
#[cfg(test)]
mod tests;

mod transport;

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use hickory_resolver::proto::rr::Name;
use tokio::time::{Duration, Instant};

pub use conf::PORT;
pub use files::Shared;
pub use hickory_resolver::proto::rr::{RData, RecordType};
pub use outcome::{Answer, Candidate, Failure, Lookup, Outcome};
pub use present::presentation;

use super::Net;
use super::dial::Family;
use super::trace::Trace;
use crate::check::{Reason, class};

/// How long one family's addresses wait for the other's answer (RFC 8305 §3, «Resolution Delay»).
pub const GRACE: Duration = Duration::from_millis(50);
/// How long to wait for answers about a name, if there are others to try.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait for answers about the only name.
const LONG_PATIENCE: Duration = Duration::from_secs(5);

/// What to look up.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The name; with a final dot it is complete.
    pub name: &'a str,
    /// The types of records. A name is good when it has records of one of them.
    pub types: &'a [RecordType],
    /// The name servers to ask instead of those in `resolv.conf`; the name is then complete.
    pub servers: Option<&'a [SocketAddr]>,
    /// How long the first type's records wait for another type's answer.
    pub grace: Duration,
}

impl Net {
    /// The addresses of `name`, looked up anew.
    ///
    /// # Errors
    /// The reason why there are none.
    pub async fn lookup_ip(&self, trace: &Trace, name: &str, family: Family) -> Result<Vec<IpAddr>, Reason> {
        if let Some(known) = self.lookup_static(trace, name, family) {
            return Ok(known);
        }
        let types: &[RecordType] = match family {
            Family::Any if self.conf().no_aaaa => &[RecordType::A],
            Family::Any => &[RecordType::AAAA, RecordType::A],
            Family::V4 => &[RecordType::A],
            Family::V6 => &[RecordType::AAAA],
        };
        let lookup = self.lookup(trace, &Question { name, types, servers: None, grace: GRACE }).await?;
        match lookup.found() {
            Some(candidate) => Ok(candidate.addresses().collect()),
            None => Err(lookup.reason()),
        }
    }

    /// The addresses of `name` that need no name server: a literal's, those in the hosts file, and the loopback
    /// ones of `localhost` and all below it (RFC 6761 §6.3).
    pub fn lookup_static(&self, trace: &Trace, name: &str, family: Family) -> Option<Vec<IpAddr>> {
        if let Ok(ip) = name.parse() {
            return Some(vec![ip]);
        }
        let since = Instant::now();
        let admitted = |ips: &[IpAddr]| -> Option<Vec<IpAddr>> {
            let ips: Vec<IpAddr> = ips.iter().copied().filter(|ip| family.admits(*ip)).collect();
            (!ips.is_empty()).then_some(ips)
        };
        let key = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if let Some(ips) = self.hosts().get(key.as_str()).and_then(|ips| admitted(ips)) {
            trace.stage("dns", since, || format!("{name} is in {}", self.files.hosts.display()));
            return Some(ips);
        }
        if key == "localhost" || key.ends_with(".localhost") {
            return admitted(&[Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]);
        }
        None
    }

    /// Looks a name up at the name servers, with all that they say.
    ///
    /// # Errors
    /// When `question.name` is no domain name. That there are no records is [`Lookup::found`]'s to tell.
    pub async fn lookup(&self, trace: &Trace, question: &Question<'_>) -> Result<Lookup, Reason> {
        let conf = self.conf();
        let own = question.servers.is_none();
        let texts = if own {
            conf.candidates(question.name)
        } else {
            vec![question.name.strip_suffix('.').unwrap_or(question.name).to_owned()]
        };
        let names: Vec<Name> = texts.iter().filter_map(|text| absolute(text)).collect();
        if names.is_empty() {
            return Err(Reason::new(&class::DNS_PROTOCOL, format!("{} is not a domain name", question.name)));
        }
        let servers = question.servers.map_or_else(|| conf.servers.clone(), <[SocketAddr]>::to_vec);
        let first = if conf.rotate { self.turn() % servers.len().max(1) } else { 0 };
        let plan = search::Plan {
            types: question.types,
            manner: ask::Manner { first, tcp: own && conf.tcp },
            patience: conf.patience.unwrap_or(if names.len() > 1 { PATIENCE } else { LONG_PATIENCE }),
            grace: question.grace,
        };
        let fault = conf.fallback.filter(|_| own);
        let board = Rc::new(RefCell::new(Lookup {
            name: question.name.to_owned(),
            search: if own && !question.name.ends_with('.') { conf.search.clone() } else { Vec::new() },
            servers,
            candidates: Vec::with_capacity(names.len()),
            fault: fault.map(|fault| format!("{} {fault}", self.files.resolv_conf.display())),
        }));
        let noted = Rc::clone(&board);
        trace.doing(move || noted.borrow().reason());
        search::search(&board, &names, plan, trace).await;
        let lookup = board.borrow().clone();
        Ok(lookup)
    }
}

/// The complete name that `text` says. Names may hold underscores; what is not ASCII is encoded (RFC 5891).
fn absolute(text: &str) -> Option<Name> {
    let mut name = if text.is_ascii() { Name::from_ascii(text) } else { Name::from_utf8(text) }.ok()?;
    name.set_fqdn(true);
    Some(name)
}
