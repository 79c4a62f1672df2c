//! `redis://HOST[:PORT][/DATABASE]`, `rediss://…` — the server answers, lets the user in, has a key, or has a role.
//!
//! The URI is that of <https://www.iana.org/assignments/uri-schemes/prov/redis>.

mod codec;
mod judge;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use regex_lite::Regex;
use tokio::time::Instant;

use super::options::{CREDENTIALS, Credentials};
use super::service::{Service, Wire, unless_repeated};
use super::{Attempt, Draft, Evidence, Kind, Opt, Probe, Reason, Scheme, Verdict, class, file, unix};
use crate::net::Net;
use crate::net::tls;
use crate::net::trace::Trace;
use crate::net::watch::Watch;
use crate::plan::problem::Problem;
use crate::plan::target::Host;
use codec::{Refusal, Reply};
use judge::{NOAUTH, Role, Step};

/// The kind `redis`.
pub(super) static KIND: Kind = Kind {
    name: "redis",
    schemes: &[
        Scheme::url("redis", "redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]").port(6379),
        Scheme::url("rediss", "rediss://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]").port(6379).tls(),
    ],
    flag: None,
    summary: "the server answers, lets the user in, and has the key or the role",
    options: &[
        &[
            Opt::new("key", "KEY", "a key that must be there"),
            Opt::new("expect", "REGEX", "what the key's value must match within its first 64 KiB"),
            Opt::new(
                "role",
                "master|replica|sentinel|any",
                "its role; a replica must be in step with its master",
            ),
            Opt::new("cluster", "", "its cluster must be sound"),
            Opt::new("sentinel", "NAME", "it is a sentinel, and knows a master of this name, which answers"),
            Opt::new("unix", "PATH", "unix socket to connect to instead of host and port"),
        ],
        CREDENTIALS,
        tls::OPTIONS_BESIDE_KEY,
    ],
    opposite: &[&class::TCP_REFUSED, &class::SERVICE_MISSING, &file::MISSING],
    classes: &[],
    build,
};

/// The last byte of a value that is looked at.
const LAST: &str = "65535";

struct Redis {
    service: Service,
    credentials: Credentials,
    database: Option<u32>,
    key: Option<String>,
    expect: Option<Regex>,
    role: Option<Role>,
    cluster: bool,
    sentinel: Option<String>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let credentials = draft.credentials();
    if credentials.user.is_some() && credentials.password.is_none() {
        draft.problem(
            Problem::new("a user needs a password")
                .hint("a password alone is written before the host, too: :PASSWORD@HOST"),
        );
    }
    if draft.target.query.is_some() {
        draft.problem(
            Problem::new(format!("a {} target has no query", draft.target.scheme))
                .hint("the database is the path, as in redis://HOST/1; options follow a '#'"),
        );
    }
    let key = draft.parsed("key", named);
    let expect = draft.regex("expect");
    if expect.is_some() && draft.text("key").is_none() {
        draft.problem(Problem::new("option expect is about the value of a key").hint("add key=KEY"));
    }
    let role = draft.one_of("role", judge::ROLES).and_then(Role::named);
    let cluster = draft.switch("cluster");
    let sentinel = draft.parsed("sentinel", named);
    let database = database(draft);
    if sentinel.is_some() {
        let beside = ["key", "role", "cluster"].into_iter().find(|option| draft.text(option).is_some());
        let beside = beside.map(|option| format!("option {option}"));
        if let Some(what) = beside.or(database.map(|_| "a database".into())) {
            draft.problem(
                Problem::new(format!("{what} does not go together with sentinel"))
                    .hint("ask the master itself with another target"),
            );
        }
    }
    let unix = unix(draft);
    let service = Service::read(draft, "Redis", false)?.at(unix);
    Some(Box::new(Redis { service, credentials, database, key, expect, role, cluster, sentinel }))
}

fn named(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("the name is empty".into()) } else { Ok(text.to_owned()) }
}

/// The number of the database in the path, unless it is the one that all connections begin with.
fn database(draft: &mut Draft<'_>) -> Option<u32> {
    let path = draft.target.path.trim_start_matches('/');
    match path.parse() {
        _ if path.is_empty() => None,
        Ok(0) => None,
        Ok(number) => Some(number),
        Err(_) => {
            draft.problem(
                Problem::new("the path is not the number of a database").hint("write redis://HOST/1"),
            );
            None
        }
    }
}

fn unix(draft: &mut Draft<'_>) -> Option<std::path::PathBuf> {
    let path = draft.parsed("unix", |path| match path.len() {
        1..=unix::LONGEST => Ok(path.into()),
        _ => Err("the path of a socket has 1 to 107 bytes".into()),
    })?;
    if draft.target.scheme == "rediss" {
        draft.problem(Problem::new("option unix has no effect on rediss://").hint("write redis://"));
    }
    if draft.target.host != Some(Host::This) || draft.target.port.is_some() {
        draft.problem(
            Problem::new("option unix takes the place of host and port").hint("write redis:///#unix=PATH"),
        );
    }
    Some(path)
}

impl Probe for Redis {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }

    fn watch(&self, net: &Rc<Net>) -> Option<Watch> {
        self.service.watch(net)
    }
}

impl Redis {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let password = self.credentials.password()?;
        let wire = self.service.connect(attempt).await?;
        let secret = password.as_ref().map_or("", |password| password.expose());
        let mut session = Session { wire, trace: attempt.trace, secret };
        if let Some(password) = &password {
            let words =
                ["AUTH"].into_iter().chain(self.credentials.user.as_deref()).chain([password.expose()]);
            session.ok(Step::LogIn, &words.collect::<Vec<_>>()).await?;
        }
        if let Some(number) = self.database {
            session.ok(Step::Select(number), &["SELECT", &number.to_string()]).await?;
        }
        match session.ask(Step::Ping, &["PING"]).await? {
            Reply::Status(text) if text == "PONG" => {}
            Reply::Error(refusal) if refusal.code == NOAUTH && self.asks_no_more() => {
                let place = &session.wire.place;
                return Ok(Evidence::new(format!(
                    "Redis at {place} takes connections, and asks for a password"
                )));
            }
            Reply::Error(refusal) => return Err(judge::refused(Step::Ping, &refusal)),
            _ => return Err(session.wire.nonsense("no answer to PING")),
        }
        let mut found = format!("Redis at {} answers", session.wire.place);
        self.look(&mut session, &mut found).await?;
        if let Some(name) = &self.sentinel {
            found = format!("{found}, {}", self.master(attempt, &mut session, name).await?);
        }
        Ok(Evidence::new(found))
    }

    /// Whether an answer, whichever, is all that is wanted.
    fn asks_no_more(&self) -> bool {
        let Self { credentials, database, key, role, cluster, sentinel, .. } = self;
        credentials.password.is_none()
            && database.is_none()
            && key.is_none()
            && role.is_none()
            && !cluster
            && sentinel.is_none()
    }

    /// Looks for what must hold, and adds it to what was found.
    async fn look(&self, session: &mut Session<'_>, found: &mut String) -> Result<(), Reason> {
        if let Some(role) = self.role {
            session.judged(Step::Role, &["ROLE"], |answer| judge::role(role, answer)).await?;
            found.push_str(match role {
                Role::Master => " as a master",
                Role::Replica => " as a replica in step with its master",
                Role::Sentinel => " as a sentinel",
            });
        }
        if self.cluster {
            session.judged(Step::Cluster, &["CLUSTER", "INFO"], judge::cluster).await?;
            found.push_str(", its cluster is sound");
        }
        if let Some(key) = &self.key {
            let step = Step::Key(key);
            session.judged(step, &["EXISTS", key], |answer| judge::exists(key, answer)).await?;
            if let Some(expect) = &self.expect {
                let words = ["GETRANGE", key, "0", LAST];
                session.judged(step, &words, |answer| judge::value(key, expect, answer)).await?;
            }
            found.push_str(", with key ");
            found.push_str(key);
        }
        Ok(())
    }

    /// Asks the sentinel where the master is, and the master whether it is one. No password is sent there: it is the
    /// sentinel's.
    async fn master(
        &self,
        attempt: &Attempt<'_>,
        session: &mut Session<'_>,
        name: &str,
    ) -> Result<String, Reason> {
        let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name];
        let answer = |answer: &Reply| judge::address(name, answer);
        let (host, port) = session.judged(Step::Sentinel(name), &words, answer).await?;
        let at = |reason: Reason| Reason { text: format!("master {name}: {}", reason.text), ..reason };
        let noted = name.to_owned();
        attempt
            .trace
            .within(move |reason| Reason { text: format!("master {noted}: {}", reason.text), ..reason });
        let host = host.parse().map_or_else(|_| Host::Name(host), Host::Ip);
        let master = Service { host, port, tls: self.service.tls.clone(), unix: None, ..self.service };
        let wire = master.connect(attempt).await.map_err(at)?;
        let mut session = Session { wire, trace: attempt.trace, secret: "" };
        let place = session.wire.place.clone();
        match session.ask(Step::Role, &["ROLE"]).await.map_err(at)? {
            Reply::Error(refusal) if refusal.code == NOAUTH => {
                Ok(format!("and master {name} at {place} takes connections"))
            }
            Reply::Error(refusal) => Err(at(judge::refused(Step::Role, &refusal))),
            answer => match judge::role(Role::Master, &answer) {
                Some(judged) => judged.map(|()| format!("and master {name} at {place} is one")).map_err(at),
                None => Err(at(session.wire.nonsense("no answer to ROLE"))),
            },
        }
    }
}

/// A conversation with a server.
struct Session<'a> {
    wire: Wire,
    trace: &'a Trace,
    /// What it must not be told to have said.
    secret: &'a str,
}

impl Session<'_> {
    /// The answer to a request, past what was not asked for.
    async fn ask(&mut self, step: Step<'_>, words: &[&str]) -> Result<Reply, Reason> {
        let since = Instant::now();
        self.wire.send(&codec::request(words)).await?;
        loop {
            match self.wire.hear(codec::reply).await?.0 {
                Reply::Push => {}
                reply => {
                    let reply = match reply {
                        Reply::Error(Refusal { code, text }) => {
                            let said = |text: &str| unless_repeated(text, self.secret).to_owned();
                            Reply::Error(Refusal { code: said(&code), text: said(&text) })
                        }
                        reply => reply,
                    };
                    self.trace.stage(step.name(), since, || reply.described());
                    return Ok(reply);
                }
            }
        }
    }

    /// The answer to a request, as `judge` has it; `None` is for what is no such answer.
    async fn judged<T>(
        &mut self,
        step: Step<'_>,
        words: &[&str],
        judge: impl Fn(&Reply) -> Option<Result<T, Reason>>,
    ) -> Result<T, Reason> {
        match self.ask(step, words).await? {
            Reply::Error(refusal) => Err(judge::refused(step, &refusal)),
            reply => judge(&reply)
                .unwrap_or_else(|| Err(self.wire.nonsense(&format!("no answer to {}", words[0])))),
        }
    }

    /// A request that is answered with OK.
    async fn ok(&mut self, step: Step<'_>, words: &[&str]) -> Result<(), Reason> {
        self.judged(step, words, |answer| (answer.text() == Some("OK")).then_some(Ok(()))).await
    }
}

/// Feeds the codec with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    if let Ok(Some((reply, taken))) = codec::reply(data) {
        assert!(taken <= data.len());
        let _ = (judge::role(Role::Replica, &reply), judge::cluster(&reply), judge::address("m", &reply));
        if let Reply::Error(refusal) = reply {
            let _ = judge::refused(Step::Key("k"), &refusal);
        }
    }
}
