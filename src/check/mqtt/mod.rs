//! `mqtt://HOST[:PORT]`, `mqtts://…` — a broker of MQTT lets the client in, lets it subscribe, and has a message.

mod codec;
mod judge;
#[cfg(test)]
mod tests;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use regex_lite::Regex;
use tokio::time::{Duration, Instant, timeout};

use super::options::{CREDENTIALS, Credentials};
use super::service::{Service, Wire, shown};
use super::{Attempt, Draft, Evidence, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::tls;
use crate::net::trace::Trace;
use crate::plan::problem::Problem;
use crate::plan::secret::Secret;
use codec::{Packet, Version};
use judge::Entry;

/// The kind `mqtt`.
pub(super) static KIND: Kind = Kind {
    name: "mqtt",
    schemes: &[
        Scheme::url("mqtt", "mqtt://[USER:PASSWORD@]HOST[:PORT]").port(1883),
        Scheme::url("mqtts", "mqtts://[USER:PASSWORD@]HOST[:PORT]").port(8883).tls(),
    ],
    flag: None,
    summary: "the broker lets the client in, lets it subscribe, and has a retained message",
    options: &[
        &[
            Opt::new("topic", "FILTER", "a topic, or a filter with + and #, that can be subscribed to"),
            Opt::new("retained", "", "a retained message must be there for the topic"),
            Opt::new("expect", "REGEX", "what a retained message for the topic must match"),
            Opt::new("protocol", "3.1.1|5", "version of MQTT (default 3.1.1)"),
            Opt::new("client-id", "TEXT", "identifier of the client (default: a random one)"),
        ],
        CREDENTIALS,
        tls::OPTIONS,
    ],
    opposite: &[&class::TCP_REFUSED, &class::SERVICE_MISSING],
    classes: &[],
    build,
};

/// How long a broker may take for a retained message once it has answered all that was asked of it.
const GRACE: Duration = Duration::from_millis(200);

struct Mqtt {
    service: Service,
    credentials: Credentials,
    version: Version,
    client: Option<String>,
    topic: Option<String>,
    retained: bool,
    expect: Option<Regex>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    draft.no_path();
    let credentials = draft.credentials();
    let version = match draft.one_of("protocol", &["3.1.1", "5"]) {
        Some("5") => Version::V5,
        _ => Version::V3,
    };
    if version == Version::V3 && credentials.password.is_some() && credentials.user.is_none() {
        draft.problem(
            Problem::new("a password needs a user")
                .hint("add user=NAME, or protocol=5, which has no such rule"),
        );
    }
    let client = draft.parsed("client-id", |text| string(text, "an identifier"));
    let topic = draft.parsed("topic", |text| string(text, "a topic").and_then(filter));
    let (expect, retained) = (draft.regex("expect"), draft.switch("retained"));
    if draft.text("topic").is_none() {
        let given = ["expect", "retained"].into_iter().find(|option| draft.text(option).is_some());
        if let Some(option) = given {
            let what = format!("option {option} is about the messages of a topic");
            draft.problem(Problem::new(what).hint("add topic=FILTER"));
        }
    }
    let service = Service::read(draft, "MQTT", false)?;
    let retained = retained || expect.is_some();
    Some(Box::new(Mqtt { service, credentials, version, client, topic, retained, expect }))
}

/// A string of the protocol (§1.5.3).
fn string(text: &str, what: &str) -> Result<String, String> {
    let fits = !text.is_empty() && u16::try_from(text.len()).is_ok() && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| format!("{what} has 1 to 65535 bytes and no control characters"))
}

/// A topic filter: wildcards stand for whole levels, `#` for all that are left (§4.7.1).
fn filter(text: String) -> Result<String, String> {
    let mut levels = text.split('/').rev();
    let last = levels.next().is_some_and(|level| level == "#" || level == "+" || !level.contains(['#', '+']));
    if last && levels.all(|level| level == "+" || !level.contains(['#', '+'])) {
        Ok(text)
    } else {
        Err("in a filter, + stands for a whole level, and # for all that are left".into())
    }
}

impl Probe for Mqtt {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }
}

impl Mqtt {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let password = self.credentials.password()?;
        let wire = self.service.connect(attempt).await?;
        let place = wire.place.clone();
        let mut session = Session { wire, version: self.version, trace: attempt.trace };
        let client = match &self.client {
            Some(client) => client.clone(),
            None => format!("prereq{:016x}", fastrand::u64(..)),
        };
        let user = self.credentials.user.as_deref();
        let password = password.as_ref().map(Secret::expose);
        let known = user.is_some() || password.is_some();
        match session.enter(&codec::connect(self.version, &client, user, password), known).await? {
            Entry::In => {}
            Entry::Asks if self.topic.is_none() => {
                return Ok(Evidence::new(format!(
                    "MQTT broker at {place} takes connections, and asks for credentials"
                )));
            }
            Entry::Asks => return Err(Reason::new(&class::AUTH_DENIED, "the broker asks for credentials")),
            Entry::Out(reason) => return Err(reason),
        }
        let looked = self.look(&mut session).await;
        // Without it, a broker takes the end of the connection for a failure. Whether it comes does not matter.
        let _ = session.wire.send(codec::DISCONNECT).await;
        Ok(Evidence::new(format!("MQTT broker at {place} lets the client in{}", looked?)))
    }

    async fn look(&self, session: &mut Session<'_>) -> Result<String, Reason> {
        let Some(filter) = &self.topic else { return Ok(String::new()) };
        let wanted = Wanted { filter, retained: self.retained, expect: self.expect.as_ref() };
        Ok(match session.subscribe(&wanted).await? {
            Some(topic) => format!(", with a retained message for {}", shown(&topic)),
            None => format!(", and subscribe to {filter}"),
        })
    }
}

/// What a subscription is for.
struct Wanted<'a> {
    filter: &'a str,
    /// Whether a retained message must be there.
    retained: bool,
    /// What it must match.
    expect: Option<&'a Regex>,
}

impl Wanted<'_> {
    fn missing(&self) -> Reason {
        let filter = self.filter;
        let matching = if self.expect.is_some() { " that matches" } else { "" };
        Reason::new(&class::SERVICE_MISSING, format!("there is no retained message{matching} for {filter}"))
    }

    fn fits(&self, payload: &[u8]) -> bool {
        self.expect.is_none_or(|expect| expect.is_match(&String::from_utf8_lossy(payload)))
    }
}

/// A conversation with a broker.
struct Session<'a> {
    wire: Wire,
    version: Version,
    trace: &'a Trace,
}

impl Session<'_> {
    async fn hear(&mut self) -> Result<Packet, Reason> {
        let version = self.version;
        match self.wire.hear(|heard| codec::read(version, heard)).await?.0 {
            Packet::Disconnect(code) => Err(judge::parted(code)),
            packet => Ok(packet),
        }
    }

    async fn enter(&mut self, connect: &[u8], known: bool) -> Result<Entry, Reason> {
        let since = Instant::now();
        self.wire.send(connect).await?;
        match self.hear().await? {
            Packet::ConnAck(code) => {
                self.trace.stage("log-in", since, || format!("CONNACK {code:#04x}"));
                Ok(judge::connected(self.version, code, known))
            }
            _ => Err(self.wire.nonsense("no CONNACK")),
        }
    }

    /// Subscribes, and finds the topic of a retained message if one is wanted.
    ///
    /// Retained messages follow a subscription at once (§3.3.1.3). A ping is answered behind those that are on their
    /// way; brokers that look for them meanwhile have a little more time.
    async fn subscribe(&mut self, wanted: &Wanted<'_>) -> Result<Option<String>, Reason> {
        let since = Instant::now();
        let mut said = codec::subscribe(self.version, wanted.filter);
        if wanted.retained {
            said.extend(codec::PING);
        }
        self.wire.send(&said).await?;
        let (mut granted, mut found, mut answered) = (false, None, false);
        while !granted || (wanted.retained && found.is_none() && !answered) {
            match self.hear().await? {
                Packet::SubAck(code) => {
                    judge::subscribed(self.version, code, wanted.filter)?;
                    self.trace.stage("subscribe", since, || format!("{}, granted", wanted.filter));
                    granted = true;
                }
                Packet::PingResp => answered = true,
                packet => found = found.or(self.retained(wanted, packet)?),
            }
        }
        if wanted.retained && found.is_none() {
            let late = async {
                loop {
                    let packet = self.hear().await?;
                    if let Some(topic) = self.retained(wanted, packet)? {
                        return Ok(topic);
                    }
                }
            };
            found = Some(timeout(GRACE, late).await.unwrap_or_else(|_| Err(wanted.missing()))?);
        }
        if let Some(topic) = &found {
            self.trace.stage("retained", since, || shown(topic));
        }
        Ok(found)
    }

    /// The topic of a message, if it is one that is wanted.
    fn retained(&self, wanted: &Wanted<'_>, packet: Packet) -> Result<Option<String>, Reason> {
        match packet {
            Packet::Publish { retained, topic, payload } => {
                Ok((wanted.retained && retained && wanted.fits(&payload)).then_some(topic))
            }
            Packet::PingResp => Ok(None),
            _ => Err(self.wire.nonsense("a packet out of turn")),
        }
    }
}

/// Feeds the codec with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    for version in [Version::V3, Version::V5] {
        if let Ok(Some((_, taken))) = codec::read(version, data) {
            assert!(taken <= data.len());
        }
    }
}
