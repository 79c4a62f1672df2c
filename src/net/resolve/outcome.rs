//! What came of a look-up: each name tried, with each answer; and the one reason for all when nothing did.

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time::Duration;

use super::conf::PORT;
use super::present::presentation;
use crate::check::{Class, Fact, Reason, class};

/// A look-up, finished or not.
#[derive(Debug, Clone, Default)]
pub struct Lookup {
    /// The name as it was given.
    pub name: String,
    /// The search list that applied.
    pub search: Vec<String>,
    /// The name servers.
    pub servers: Vec<SocketAddr>,
    /// The names that were asked for so far, in order of preference.
    pub candidates: Vec<Candidate>,
    /// What is wrong with the configuration, if `servers` is only a guess.
    pub fault: Option<String>,
}

/// A complete name that was asked for.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The name, without the final dot.
    pub name: String,
    /// One answer for each type of record.
    pub answers: Vec<Answer>,
    /// How long it took, once it has ended.
    pub took: Option<Duration>,
}

/// What was answered for one type of record.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The type.
    pub kind: RecordType,
    /// The answer; none so far while there is silence.
    pub outcome: Option<Outcome>,
    /// How long it took, if it was answered.
    pub took: Duration,
    /// How each name server failed that did.
    pub failures: Vec<(SocketAddr, Failure)>,
}

/// An answer.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// There are records.
    Records(Vec<RData>),
    /// The name exists without such records.
    NoData {
        /// The name that it is an alias of.
        alias: Option<String>,
    },
    /// The name does not exist.
    NoName,
    /// Every name server failed, or stayed silent.
    Failed,
}

/// How a name server failed to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class.
    pub class: &'static Class,
    /// What is known: an rcode's name, or what the operating system says.
    pub words: String,
}

impl Lookup {
    /// The name that has records, once that is decided: no name before it may still have some.
    #[must_use]
    pub fn found(&self) -> Option<&Candidate> {
        let first =
            self.candidates.iter().find(|candidate| candidate.took.is_none() || candidate.has_records());
        first.filter(|candidate| candidate.took.is_some())
    }

    /// Why there are no records. What has not been answered so far counts as silence.
    ///
    /// Only when every name was answered for is the reason a clean «no».
    #[must_use]
    pub fn reason(&self) -> Reason {
        let failed = self.candidates.iter().find_map(|candidate| self.failed(candidate));
        let mut reason = match failed {
            Some(failed) => self.beside(failed),
            None => self.clean_no(),
        };
        if !self.servers.is_empty() {
            reason.facts.push(Fact::NameServers(self.servers.clone()));
        }
        reason.fact(Fact::Searched { name: self.name.clone(), search: self.search.clone() })
    }

    /// A failure, with the names that are known not to exist: behind a failing upstream server, these are
    /// often the ones that matter.
    fn beside(&self, mut failed: Reason) -> Reason {
        let absent = |answer: &Answer| matches!(answer.outcome, Some(Outcome::NoName));
        let names: Vec<&str> = self
            .candidates
            .iter()
            .filter(|candidate| candidate.answers.iter().all(absent))
            .map(|candidate| candidate.name.as_str())
            .collect();
        if !names.is_empty() {
            failed.text = format!("{}; no such name: {}", failed.text, listed(names.into_iter()));
        }
        failed
    }

    fn clean_no(&self) -> Reason {
        for candidate in &self.candidates {
            for answer in &candidate.answers {
                if let Some(Outcome::NoData { alias }) = &answer.outcome {
                    let what = wanted(&candidate.answers);
                    let text = match alias {
                        Some(alias) => {
                            format!("{} is an alias of {alias}, which has no {what}", candidate.name)
                        }
                        None => format!("{} has no {what}", candidate.name),
                    };
                    return Reason::new(&class::DNS_NODATA, text);
                }
            }
        }
        let searched = match self.search.as_slice() {
            [] => String::new(),
            domains => format!(" (searched {})", listed(domains.iter())),
        };
        let name = self.name.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(&self.name);
        Reason::new(&class::DNS_NXDOMAIN, format!("no such name: {name}{searched}"))
    }

    /// How the name servers failed `candidate`, if they did for some type of record.
    fn failed(&self, candidate: &Candidate) -> Option<Reason> {
        let open = |answer: &&Answer| matches!(answer.outcome, None | Some(Outcome::Failed));
        let reasons = candidate.answers.iter().filter(open).map(|answer| {
            let silent: Vec<SocketAddr> = self
                .servers
                .iter()
                .copied()
                .filter(|server| answer.failures.iter().all(|(failed, _)| failed != server))
                .collect();
            self.failure(&candidate.name, &answer.failures, &silent)
        });
        reasons.min_by_key(|reason| rank(reason.class))
    }

    fn failure(&self, name: &str, failures: &[(SocketAddr, Failure)], silent: &[SocketAddr]) -> Reason {
        let silence = (!silent.is_empty()).then(|| {
            let servers = listed(silent.iter().map(|server| shown(*server)));
            (&class::DNS_TIMEOUT, format!("no answer from {servers} for {name}"))
        });
        let mut words: Vec<(&'static Class, String)> = failures
            .iter()
            .map(|(server, failure)| {
                let (server, words) = (shown(*server), &failure.words);
                let text = match failure.class.code {
                    "dns.servfail" | "dns.protocol" => format!("{server} answers {words} for {name}"),
                    "local.resources" => format!("cannot ask {server}: {words}"),
                    _ => format!("name server {server}: {words}"),
                };
                (failure.class, text)
            })
            .chain(silence)
            .collect();
        words.sort_by_key(|(class, _)| rank(class));
        let class = words.first().map_or(&class::DNS_TIMEOUT, |(class, _)| class);
        let mut text = words.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("; ");
        if let Some(fault) = &self.fault {
            text = format!("{fault}; {text}");
        }
        Reason::new(class, text)
    }
}

impl Candidate {
    /// The records of all types.
    pub fn records(&self) -> impl Iterator<Item = &RData> {
        self.answers
            .iter()
            .filter_map(|answer| match &answer.outcome {
                Some(Outcome::Records(records)) => Some(records),
                _ => None,
            })
            .flatten()
    }

    /// The addresses among the records.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.records().filter_map(|data| match data {
            RData::A(ip) => Some(ip.0.into()),
            RData::AAAA(ip) => Some(ip.0.into()),
            _ => None,
        })
    }

    pub(super) fn has_records(&self) -> bool {
        self.records().next().is_some()
    }

    /// One line for a trace: `db.example.com A 10.0.0.1; AAAA NODATA`.
    #[must_use]
    pub fn summary(&self) -> String {
        let answers: Vec<String> = self
            .answers
            .iter()
            .map(|answer| {
                let said = match &answer.outcome {
                    None => "no answer".into(),
                    Some(Outcome::Records(records)) => listed(records.iter().map(presentation)),
                    Some(Outcome::NoData { alias: None }) => "NODATA".into(),
                    Some(Outcome::NoData { alias: Some(alias) }) => format!("NODATA (alias of {alias})"),
                    Some(Outcome::NoName) => "NXDOMAIN".into(),
                    Some(Outcome::Failed) => {
                        let words = answer.failures.iter().map(|(_, failure)| failure.words.as_str());
                        if answer.failures.is_empty() { "no answer".into() } else { listed(words) }
                    }
                };
                format!("{} {said}", answer.kind)
            })
            .collect();
        format!("{} {}", self.name, answers.join("; "))
    }
}

/// Which failure says most.
fn rank(class: &Class) -> usize {
    const RANK: [&str; 4] = ["dns.servfail", "dns.protocol", "dns.timeout", "local.resources"];
    RANK.iter().position(|code| *code == class.code).unwrap_or(RANK.len())
}

fn wanted(answers: &[Answer]) -> String {
    match answers {
        [_, _, ..] => "address".into(),
        [one] => match one.kind {
            RecordType::A => "IPv4 address".into(),
            RecordType::AAAA => "IPv6 address".into(),
            kind => format!("{kind} record"),
        },
        [] => "record".into(),
    }
}

/// A name server for people: without its port, if that is the usual one.
fn shown(server: SocketAddr) -> String {
    if server.port() == PORT { server.ip().to_string() } else { server.to_string() }
}

/// A name without its final dot, as it goes over the wire.
pub(super) fn plain(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').filter(|text| !text.is_empty()).unwrap_or(&text).to_owned()
}

/// The first four of `items`, and how many more there are.
fn listed<T: ToString>(items: impl Iterator<Item = T>) -> String {
    let mut items = items.map(|item| item.to_string());
    let mut text: Vec<String> = items.by_ref().take(4).collect();
    match items.count() {
        0 => {}
        more => text.push(format!("{more} more")),
    }
    text.join(", ")
}
