//! `mongodb://HOST[:PORT][/DATABASE][?replicaSet=NAME…]` — a server takes clients, in the role that is wanted, lets the
//! user in, and has a collection.
//!
//! The target is a connection string (<https://www.mongodb.com/docs/manual/reference/connection-string/>) of one host.

mod bson;
mod judge;
mod message;
#[cfg(test)]
mod tests;
mod uri;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::options::{CREDENTIALS, Credentials};
use super::scram::{Client, Mechanism};
use super::service::{Malformed, Service, Wire};
use super::{Attempt, Draft, Evidence, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::tls;
use crate::net::trace::Trace;
use crate::plan::problem::Problem;
use crate::plan::secret::Secret;
use bson::{Builder, Value};
use judge::{Hello, Role};
use message::Reply;
use uri::Parameters;

/// The kind `mongodb`.
pub(super) static KIND: Kind = Kind {
    name: "mongodb",
    schemes: &[
        Scheme::url("mongodb", "mongodb://[USER:PASSWORD@]HOST[:PORT][/DATABASE][?tls=true…]").port(27017)
    ],
    flag: None,
    summary: "the server takes clients, lets the user in, and has the collection",
    options: &[
        &[
            Opt::new("role", "ROLE", "primary, secondary or any that takes clients (default)"),
            Opt::new("collection", "NAME", "a collection that the database must have"),
        ],
        CREDENTIALS,
        tls::OPTIONS,
    ],
    opposite: &[&class::TCP_REFUSED, &class::SERVICE_MISSING],
    classes: &[],
    build,
};

struct Mongodb {
    service: Service,
    credentials: Credentials,
    parameters: Parameters,
    role: Role,
    database: Option<String>,
    collection: Option<String>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let credentials = draft.credentials();
    if credentials.user.is_some() != credentials.password.is_some() {
        draft.problem(Problem::new("user and password go together"));
    }
    let parameters = uri::parameters(draft);
    let role = draft.one_of("role", &["primary", "secondary", "any"]).map_or(Role::Any, Role::named);
    let database = database(draft);
    let collection = draft.text("collection").map(str::to_owned);
    if collection.is_some() && database.is_none() {
        draft.problem(
            Problem::new("option collection needs a database").hint("write mongodb://HOST/DATABASE"),
        );
    }
    if !parameters.tls
        && let Some(option) = tls::OPTIONS.iter().find(|option| draft.text(option.name).is_some())
    {
        let problem = Problem::new(format!("option {} has no effect without TLS", option.name));
        draft.problem(problem.hint("write ?tls=true before the '#'"));
    }
    let service = Service::read(draft, "MongoDB", true)?;
    Some(Box::new(Mongodb { service, credentials, parameters, role, database, collection }))
}

/// The database that the path names, if it names one.
fn database(draft: &mut Draft<'_>) -> Option<String> {
    let path = match draft.target.plain_path() {
        Ok(path) => path,
        Err(problem) => {
            draft.problem(problem);
            return None;
        }
    };
    let name = path.strip_prefix('/').filter(|name| !name.is_empty())?;
    if name.len() > 63 || name.contains(|c: char| c.is_control() || "/\\. \"$".contains(c)) {
        draft.problem(Problem::new(
            "a database's name has at most 63 bytes, and none of '/', '\\', '.', '$', '\"' and blanks",
        ));
        return None;
    }
    Some(name.to_owned())
}

impl Probe for Mongodb {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }
}

impl Mongodb {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let login = self.credentials.user.as_deref().zip(self.credentials.password()?);
        let mut wire = self.service.connect(attempt).await?;
        if self.parameters.tls {
            wire = wire.secure(attempt.net, &self.service.tls, &self.service.host, &[]).await?;
        }
        let mut session = Session { wire, trace: attempt.trace, id: 0 };
        let hello = session.hello().await?;
        judge::hello(&hello, self.role, self.parameters.set.as_deref(), self.parameters.direct)?;
        let mut text = format!("{} answers as {}", session.wire.place, hello.described());
        if let Some((user, password)) = login {
            let source = self.parameters.source.as_deref().or(self.database.as_deref()).unwrap_or("admin");
            session.log_in(user, &password, source).await?;
            text.extend([", lets ", user, " in"]);
        }
        if let (Some(database), Some(collection)) = (&self.database, &self.collection) {
            session.find(database, collection).await?;
            text.extend([", has collection ", collection]);
        }
        Ok(Evidence::new(text))
    }
}

/// A conversation with a server.
struct Session<'a> {
    wire: Wire,
    trace: &'a Trace,
    id: i32,
}

impl Session<'_> {
    /// Runs a command on a database; an answer of «not ok» is an answer.
    async fn ask(&mut self, database: &str, command: Builder) -> Result<Reply, Reason> {
        self.id += 1;
        let id = self.id;
        let message = message::command(id, command.text("$db", database));
        self.wire.send(&message).await?;
        self.wire.receive(|heard| message::reply(heard, id)).await
    }

    /// Runs a command that must succeed.
    async fn run(&mut self, database: &str, command: Builder) -> Result<Reply, Reason> {
        let reply = self.ask(database, command).await?;
        self.read(judge::ok(&reply))??;
        Ok(reply)
    }

    /// What a document says, or why it is none.
    fn read<T>(&self, found: Result<T, Malformed>) -> Result<T, Reason> {
        found.map_err(|Malformed(what)| self.wire.nonsense(what))
    }

    async fn hello(&mut self) -> Result<Hello, Reason> {
        let since = Instant::now();
        let mut reply = self.ask("admin", hello("hello")).await?;
        if self.read(judge::code_of(&reply))? == judge::COMMAND_NOT_FOUND {
            reply = self.ask("admin", hello("isMaster")).await?;
        }
        self.read(judge::ok(&reply))??;
        let found = self.read(Hello::read(&reply))?;
        self.trace.stage("hello", since, || format!("{}, wire version {}", found.described(), found.wire));
        Ok(found)
    }

    async fn log_in(&mut self, user: &str, password: &Secret, source: &str) -> Result<(), Reason> {
        let since = Instant::now();
        let mechanism = Mechanism::strongest(["SCRAM-SHA-256"])
            .ok_or_else(|| Reason::new(&class::AUTH_DENIED, "log-in by SCRAM-SHA-256 is not known"))?;
        let client = Client::new(mechanism, user)?;
        let start = Builder::default()
            .int("saslStart", 1)
            .text("mechanism", mechanism.name)
            .binary("payload", client.first().as_bytes())
            .document("options", Builder::default().bool("skipEmptyExchange", true));
        let reply = self.run(source, start).await?;
        let conversation = self.read(reply.number("conversationId"))?.map_or(1, judge::whole);
        let answer = client.answer(&self.payload(&reply)?, password).await?;
        let go_on = |payload: &[u8]| {
            Builder::default()
                .int("saslContinue", 1)
                .int("conversationId", conversation)
                .binary("payload", payload)
        };
        let reply = self.run(source, go_on(answer.message.as_bytes())).await?;
        answer.verify(&self.payload(&reply)?)?;
        if !self.read(reply.holds("done"))? {
            // A server that does not know skipEmptyExchange.
            self.run(source, go_on(&[])).await?;
        }
        self.trace.stage("log-in", since, || format!("as {user} of database {source}"));
        Ok(())
    }

    /// What the log-in says in `reply`.
    fn payload(&self, reply: &Reply) -> Result<String, Reason> {
        let payload = self.read(reply.binary("payload"))?.map(<[u8]>::to_vec);
        payload
            .and_then(|payload| String::from_utf8(payload).ok())
            .ok_or_else(|| self.wire.nonsense("a log-in without a payload"))
    }

    async fn find(&mut self, database: &str, collection: &str) -> Result<(), Reason> {
        let since = Instant::now();
        let command = Builder::default()
            .int("listCollections", 1)
            .document("filter", Builder::default().text("name", collection))
            .bool("nameOnly", true);
        let reply = self.run(database, command).await?;
        let found = self.read(found_any(&reply))?;
        self.trace.stage("find", since, || {
            format!("collection {collection} is {}there", if found { "" } else { "not " })
        });
        if found {
            return Ok(());
        }
        let text = format!("there is no collection {collection} in database {database}");
        Err(Reason::new(&class::SERVICE_MISSING, text))
    }
}

/// The question what a server is, by this name, and who asks.
fn hello(name: &str) -> Builder {
    let driver = Builder::default().text("name", "prereq").text("version", env!("CARGO_PKG_VERSION"));
    let client = Builder::default()
        .document("driver", driver)
        .document("os", Builder::default().text("type", std::env::consts::OS));
    Builder::default().int(name, 1).document("client", client)
}

/// Whether the first batch of a cursor has anything in it.
fn found_any(reply: &Reply) -> Result<bool, Malformed> {
    let Some(Value::Document(cursor)) = reply.document()?.get("cursor")? else {
        return Err(Malformed("a cursor that is missing"));
    };
    match cursor.get("firstBatch")? {
        Some(Value::Document(batch)) => Ok(!batch.is_empty()),
        _ => Err(Malformed("a cursor without a batch")),
    }
}

/// Feeds the codec with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    if let Ok(Some((reply, taken))) = message::reply(data, 0) {
        assert!(taken <= data.len());
        let _ = (judge::ok(&reply), Hello::read(&reply), found_any(&reply), reply.binary("payload"));
    }
}
