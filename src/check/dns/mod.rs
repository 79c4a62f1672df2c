//! `dns:NAME`, `dns://SERVER[:PORT]/NAME` (RFC 4501) — the name has the records.
//!
//! Without a server, a name is looked up as an application would see it: with the search list, unless it ends
//! with a dot, and, when no `type` is given, in the hosts file first. A server is asked for the name as it is.

mod expect;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use percent_encoding::percent_decode_str;
use tokio::time::Duration;

use self::expect::{Expect, Observed, judge};
use super::{Attempt, Class, Cost, Draft, Evidence, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::dial::{self, Family};
use crate::net::resolve::{GRACE, PORT, Question, RecordType};
use crate::plan::problem::Problem;
use crate::plan::target::Host;

/// How long one family's addresses wait for the other's when all of them matter.
const LONG_GRACE: Duration = Duration::from_secs(1);

/// The records are not those that are expected.
static RECORDS: Class = Class::new("dns.records", Cost::Low, "The name has records, but not those expected.")
    .causes(&[
        "records of an earlier deployment, or from a cache before it",
        "fewer members than `min=` asks for are ready",
        "a mistake in `equals=` or `contains=`",
    ])
    .remedy("Compare what the reason shows with `type=`, `equals=`, `contains=` and `min=`.");

/// The types that can be asked for.
const TYPES: [(&str, RecordType); 11] = [
    ("A", RecordType::A),
    ("AAAA", RecordType::AAAA),
    ("CNAME", RecordType::CNAME),
    ("MX", RecordType::MX),
    ("NS", RecordType::NS),
    ("TXT", RecordType::TXT),
    ("SRV", RecordType::SRV),
    ("PTR", RecordType::PTR),
    ("CAA", RecordType::CAA),
    ("SVCB", RecordType::SVCB),
    ("HTTPS", RecordType::HTTPS),
];

static OPTIONS: &[Opt] = &[
    Opt::new("type", "TYPE", "A, AAAA, CNAME, MX, NS, TXT, SRV, PTR, CAA, SVCB or HTTPS (default A or AAAA)"),
    Opt::new(
        "equals",
        "DATA",
        "a record that must be there, others may be too: 10.0.0.1, 10 mail.example.com",
    )
    .repeated(),
    Opt::new("contains", "TEXT", "what some record must contain"),
    Opt::new("min", "N", "how many records there must be at least (default 1)"),
];

/// The kind `dns`.
pub(super) static KIND: Kind = Kind {
    name: "dns",
    schemes: &[Scheme { opaque: true, ..Scheme::url("dns", "dns:NAME") }],
    flag: Some("dns"),
    summary: "the name has the records",
    options: &[OPTIONS],
    opposite: &[&class::DNS_NXDOMAIN, &class::DNS_NODATA],
    classes: &[&RECORDS],
    build,
};

struct Dns {
    name: String,
    /// None for addresses of either family.
    kind: Option<RecordType>,
    server: Option<(Host, u16)>,
    expect: Expect,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    draft.no_userinfo();
    let kind = kind(draft);
    let server = match &draft.target.host {
        None | Some(Host::This) => None,
        Some(host) => Some((host.clone(), draft.target.port.unwrap_or(PORT))),
    };
    let path = match draft.target.plain_path() {
        Ok(path) => path,
        Err(problem) => {
            draft.problem(problem);
            return None;
        }
    };
    let given = if draft.target.host.is_some() { path.strip_prefix('/').unwrap_or(&path) } else { &path };
    let name = match name(given, kind, draft.target.host.as_ref()) {
        Ok(name) => name,
        Err(problem) => {
            draft.problem(problem);
            return None;
        }
    };
    let expect = Expect::read(draft, kind);
    Some(Box::new(Dns { name, kind, server, expect }))
}

/// The type of record, from the option or from RFC 4501's `?type=TXT;class=IN`.
fn kind(draft: &mut Draft<'_>) -> Option<RecordType> {
    let mut given: Vec<String> = draft.text("type").map(str::to_owned).into_iter().collect();
    for pair in draft.target.query.as_deref().unwrap_or_default().split([';', '&']) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(value).decode_utf8_lossy();
        match key.to_ascii_lowercase().as_str() {
            "" => {}
            "type" => given.push(value.into_owned()),
            "class" if value.eq_ignore_ascii_case("IN") || value == "1" => {}
            "class" => draft.problem(Problem::new("only class IN is known")),
            _ => draft.problem(
                Problem::new("a dns target has only type and class behind '?'").hint("options follow a '#'"),
            ),
        }
    }
    let mut kinds = Vec::new();
    for word in given {
        let upper = word.to_ascii_uppercase();
        if let Some((_, kind)) = TYPES.iter().find(|(name, _)| *name == upper) {
            kinds.push(*kind);
            continue;
        }
        let names = TYPES.map(|(name, _)| name);
        let what = format!("option type: '{word}' is not one of {}", names.join(", "));
        draft.problem(Problem::new(what).nearest(&upper, names));
    }
    if kinds.iter().any(|kind| *kind != kinds[0]) {
        draft.problem(Problem::new("two different types are asked for").hint("give the type once"));
    }
    kinds.first().copied()
}

/// The name to look up: an address is turned into its name in `in-addr.arpa` or `ip6.arpa` for PTR records.
fn name(given: &str, kind: Option<RecordType>, host: Option<&Host>) -> Result<String, Problem> {
    let plain = given.strip_prefix('[').and_then(|given| given.strip_suffix(']')).unwrap_or(given);
    if let Ok(ip) = plain.parse::<IpAddr>() {
        if kind == Some(RecordType::PTR) {
            return Ok(reverse(ip));
        }
        return Err(Problem::new("an address has no records but PTR ones").hint("add #type=PTR"));
    }
    if given.is_empty() {
        return Err(match host {
            None | Some(Host::This) => Problem::new("the name is missing").hint("write dns:NAME"),
            Some(host) => Problem::new(format!("the name to ask {host} for is missing"))
                .hint(format!("write dns:{host} or dns://SERVER/{host}")),
        });
    }
    if given.contains('/') {
        return Err(Problem::new("a domain name holds no '/'").hint("write dns://SERVER/NAME"));
    }
    if let Some((host, _)) = given.split_once(':') {
        return Err(Problem::new("a domain name holds no ':'")
            .hint(format!("write dns:{host}, or tcp://{given} for a port")));
    }
    if let Some(bad) = given.chars().find(|c| c.is_whitespace() || c.is_control() || "?#@\\\"".contains(*c)) {
        return Err(Problem::new(format!("a domain name holds no {bad:?}")));
    }
    let labels = given.strip_suffix('.').unwrap_or(given);
    let good = |label: &str| (1..=63).contains(&label.len());
    if given != "." && (labels.len() > 253 || !labels.split('.').all(good)) {
        return Err(Problem::new(format!("'{given}' is not a domain name"))
            .hint("each part between dots has 1 to 63 characters, all together at most 253"));
    }
    Ok(given.to_owned())
}

fn reverse(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(ip) => {
            let mut name = String::with_capacity(73);
            for byte in ip.octets().iter().rev() {
                let _ = write!(name, "{:x}.{:x}.", byte & 15, byte >> 4);
            }
            name + "ip6.arpa."
        }
    }
}

impl Probe for Dns {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        async move {
            match self.observe(attempt).await {
                Ok(observed) => judge(&self.expect, &observed),
                Err(reason) => Verdict::NotYet(reason),
            }
        }
        .boxed_local()
    }
}

impl Dns {
    async fn observe(&self, attempt: &Attempt<'_>) -> Result<Observed, Reason> {
        let servers = match &self.server {
            Some((host, port)) => Some(
                dial::addresses(attempt.net, attempt.trace, host, *port, Family::Any)
                    .await
                    .map_err(|reason| self.through(reason))?,
            ),
            None => None,
        };
        if self.server.is_none() && self.kind.is_none() {
            let known = attempt.net.lookup_static(attempt.trace, &self.name, Family::Any);
            if let Some(ips) = known {
                return Ok(Observed::new(&self.name, &self.name, ips.iter().map(ToString::to_string)));
            }
        }
        let types = match &self.kind {
            Some(kind) => std::slice::from_ref(kind),
            None => &[RecordType::AAAA, RecordType::A],
        };
        let grace = if self.expect.is_any() { GRACE } else { LONG_GRACE };
        let servers: Option<&[SocketAddr]> = servers.as_deref();
        let question = Question { name: &self.name, types, servers, grace };
        let lookup = attempt.net.lookup(attempt.trace, &question).await?;
        match lookup.found() {
            Some(found) => Ok(Observed::of(&self.name, found)),
            None => Err(lookup.reason()),
        }
    }

    /// That the server's own name is not known says nothing of the name asked for: it is no clean «no».
    fn through(&self, reason: Reason) -> Reason {
        let server = self.server.as_ref().map(|(host, _)| host.to_string()).unwrap_or_default();
        let text = format!("name server {server}: {}", reason.text);
        let clean = KIND.opposite.contains(&reason.class);
        Reason {
            class: if clean { &class::DNS_UNREACHABLE } else { reason.class },
            text,
            facts: reason.facts,
        }
    }
}
