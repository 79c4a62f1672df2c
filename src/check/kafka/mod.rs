//! `kafka://HOST[:PORT]`, `kafka+ssl://…` — a broker answers, lets the user in, its cluster has a controller and enough
//! brokers, and a topic is there with a leader for each partition.

mod codec;
mod judge;
mod sasl;
#[cfg(test)]
mod tests;

use std::cell::Cell;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::cursor::Cursor;
use super::options::{CREDENTIALS, Credentials};
use super::service::{Malformed, Service, Wire};
use super::{Attempt, Draft, Evidence, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::tls;
use crate::net::trace::Trace;
use crate::plan::problem::Problem;
use codec::{Api, Metadata, Versions};
use sasl::{Handshake, Login};

/// The kind `kafka`.
pub(super) static KIND: Kind = Kind {
    name: "kafka",
    schemes: &[
        Scheme::url("kafka", "kafka://[USER:PASSWORD@]HOST[:PORT]").port(9092),
        Scheme::url("kafka+ssl", "kafka+ssl://[USER:PASSWORD@]HOST[:PORT]").port(9093).tls(),
    ],
    flag: None,
    summary: "the broker answers, its cluster has a controller, and the topic is there",
    options: &[
        &[
            Opt::new("topic", "NAME", "a topic that must be there, with a leader for each partition"),
            Opt::new("brokers", "N", "brokers that the cluster must have (default 1)"),
            Opt::new("mechanism", "NAME", "how to log in (default: the strongest that the broker offers)"),
        ],
        CREDENTIALS,
        tls::OPTIONS,
    ],
    opposite: &[&class::TCP_REFUSED, &class::SERVICE_MISSING],
    classes: &[],
    build,
};

struct Kafka {
    service: Service,
    credentials: Credentials,
    /// The mechanism that is asked for, or that the broker turned out to offer.
    mechanism: Cell<Option<&'static str>>,
    topic: Option<String>,
    brokers: usize,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    draft.no_path();
    let credentials = draft.credentials();
    if credentials.user.is_some() != credentials.password.is_some() {
        draft.problem(Problem::new("user and password go together"));
    }
    let mechanism = draft.one_of("mechanism", &sasl::MECHANISMS);
    if mechanism.is_some() && credentials.user.is_none() {
        draft.problem(
            Problem::new("option mechanism needs a user and a password")
                .hint("write them before the host, or add user= with password-file="),
        );
    }
    let topic = draft.parsed("topic", topic);
    let brokers = draft.number("brokers", 1).unwrap_or(1);
    let service = Service::read(draft, "Kafka", false)?;
    Some(Box::new(Kafka { service, credentials, mechanism: Cell::new(mechanism), topic, brokers }))
}

/// A name that a topic can have.
fn topic(name: &str) -> Result<String, String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let fits = !matches!(name, "" | "." | "..") && name.len() <= 249 && name.chars().all(legal);
    fits.then(|| name.to_owned())
        .ok_or_else(|| "a topic has 1 to 249 letters, digits, dots, underscores and hyphens".into())
}

impl Probe for Kafka {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }
}

impl Kafka {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let login = match (&self.credentials.user, self.credentials.password()?) {
            (Some(user), Some(password)) => Some(Login { user, password }),
            _ => None,
        };
        let mut session = self.session(attempt).await?;
        if let Some(login) = &login {
            let asked = self.mechanism.get().unwrap_or(sasl::STRONGEST);
            let mechanism = match session.handshake(asked).await? {
                Handshake::Taken => asked,
                Handshake::Offers(offered) => {
                    // A broker hangs up on who asks for what it does not offer; but now it is known.
                    let other = sasl::strongest(&offered);
                    let other = other.filter(|other| self.mechanism.get().is_none() && *other != asked);
                    let other = other.ok_or_else(|| judge::no_mechanism(asked, &offered))?;
                    session = self.session(attempt).await?;
                    match session.handshake(other).await? {
                        Handshake::Taken => other,
                        Handshake::Offers(offered) => return Err(judge::no_mechanism(other, &offered)),
                    }
                }
            };
            self.mechanism.set(Some(mechanism));
            session.log_in(login, mechanism).await?;
        }
        let found = session.metadata(self.topic.as_deref(), login.is_some()).await?;
        judge::cluster(&found, self.brokers)?;
        let mut text = format!("{} answers", session.wire.place);
        text.extend([", in a cluster of ", &count(found.brokers, "broker")]);
        if let Some(name) = &self.topic {
            let partitions = judge::topic(name, found.topic.as_ref())?;
            text.extend([", with topic ", name, " of ", &count(partitions, "partition")]);
        }
        Ok(Evidence::new(text))
    }

    /// A connection whose other end has said what it can do.
    async fn session<'a>(&self, attempt: &'a Attempt<'_>) -> Result<Session<'a>, Reason> {
        let wire = self.service.connect(attempt).await?;
        let mut session = Session { wire, trace: attempt.trace, versions: None, correlation: 0 };
        let since = Instant::now();
        let (code, versions) = session.ask(&codec::API_VERSIONS, &[], codec::api_versions).await?;
        judge::code(code)?;
        session.trace.stage("broker", since, || match versions.of(&codec::METADATA) {
            Some(version) => format!("is asked for Metadata in version {version}"),
            None => "has no version of Metadata that is known here".into(),
        });
        session.versions = Some(versions);
        Ok(session)
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A conversation with a broker.
struct Session<'a> {
    wire: Wire,
    trace: &'a Trace,
    /// What the broker has, once it is known.
    versions: Option<Versions>,
    correlation: i32,
}

impl Session<'_> {
    /// Sends a request in the highest version that both sides speak, and reads the response.
    async fn ask<T>(
        &mut self,
        api: &Api,
        body: &[u8],
        read: impl Fn(&mut Cursor<'_>) -> Result<T, Malformed>,
    ) -> Result<T, Reason> {
        let version = self.version(api)?;
        self.correlation += 1;
        let correlation = self.correlation;
        let request = codec::request(api, version, correlation, body);
        self.wire.send(&request).await?;
        self.wire.receive(|heard| codec::response(heard, correlation, &read)).await
    }

    /// The version of an API that both sides speak.
    fn version(&self, api: &Api) -> Result<i16, Reason> {
        let Some(versions) = &self.versions else { return Ok(0) };
        versions.of(api).ok_or_else(|| {
            let text = format!("the broker has no version of {} that is known here", api.name);
            Reason::new(&class::SERVICE_PROTOCOL, text)
        })
    }

    async fn metadata(&mut self, topic: Option<&str>, logged_in: bool) -> Result<Metadata, Reason> {
        let since = Instant::now();
        let version = self.version(&codec::METADATA)?;
        let body = codec::metadata(version, topic);
        let found = self.ask(&codec::METADATA, &body, |from| codec::metadata_of(version, from)).await;
        let found = match found {
            // So brokers refuse who has not logged in where they ask for that.
            Err(reason) if reason.class == &class::TCP_CLOSED && !logged_in => {
                let text = format!("{} closes on who has not logged in", self.wire.place);
                return Err(Reason { class: &class::AUTH_DENIED, text, ..reason });
            }
            found => found?,
        };
        self.trace.stage("cluster", since, || {
            let brokers = count(found.brokers, "broker");
            let topic = found.topic.as_ref().map(|topic| {
                format!(
                    "; topic with {}, {} without a leader",
                    count(topic.partitions, "partition"),
                    topic.leaderless
                )
            });
            format!("{brokers}, controller {}{}", found.controller, topic.unwrap_or_default())
        });
        Ok(found)
    }
}

/// Feeds the codec with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    for version in 4..=8 {
        let _ = codec::response(data, 0, |from| codec::metadata_of(version, from));
    }
    let _ = codec::response(data, 0, codec::api_versions);
    let _ = codec::response(data, 0, codec::sasl_handshake);
    let _ = codec::response(data, 0, codec::sasl_authenticate);
}
