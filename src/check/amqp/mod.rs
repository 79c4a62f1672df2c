//! `amqp://HOST[:PORT][/VHOST]`, `amqps://…` — a broker of AMQP 0-9-1 (`RabbitMQ`) answers, lets the user in, and has a
//! queue or an exchange.
//!
//! The URI is that of <https://www.rabbitmq.com/docs/uri-spec>.

mod codec;
mod judge;
#[cfg(test)]
mod tests;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::{Duration, Instant, timeout};

use super::options::{CREDENTIALS, Credentials};
use super::service::{Service, Wire, shown, unless_repeated};
use super::{Attempt, Draft, Evidence, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::tls;
use crate::net::trace::Trace;
use crate::plan::problem::Problem;
use crate::plan::secret::Secret;
use codec::{Closing, Message, Method, Start};
use judge::Step;

/// The kind `amqp`.
pub(super) static KIND: Kind = Kind {
    name: "amqp",
    schemes: &[
        Scheme::url("amqp", "amqp://[USER:PASSWORD@]HOST[:PORT][/VHOST]").port(5672),
        Scheme::url("amqps", "amqps://[USER:PASSWORD@]HOST[:PORT][/VHOST]").port(5671).tls(),
    ],
    flag: None,
    summary: "the broker answers, lets the user in, and has the queue or exchange",
    options: &[
        &[
            Opt::new("queue", "NAME", "a queue that must be there"),
            Opt::new("exchange", "NAME", "an exchange that must be there"),
            Opt::new("min-consumers", "N", "consumers that the queue must have"),
        ],
        CREDENTIALS,
        tls::OPTIONS,
    ],
    opposite: &[&class::TCP_REFUSED, &class::SERVICE_MISSING],
    classes: &[&judge::VHOST],
    build,
};

/// The channel on which queues and exchanges are looked for.
const CHANNEL: u16 = 1;
/// How long a broker may take to part; it has answered all questions by then.
const PARTING: Duration = Duration::from_millis(500);

struct Amqp {
    service: Service,
    credentials: Credentials,
    vhost: String,
    queue: Option<String>,
    exchange: Option<String>,
    consumers: Option<u32>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let credentials = draft.credentials();
    if credentials.user.is_some() != credentials.password.is_some() {
        draft.problem(Problem::new("user and password go together"));
    }
    let vhost = vhost(draft);
    let (queue, exchange) = (draft.parsed("queue", name), draft.parsed("exchange", name));
    let consumers = draft.number("min-consumers", 1);
    if consumers.is_some() && draft.text("queue").is_none() {
        draft.problem(Problem::new("option min-consumers counts those of a queue").hint("add queue=NAME"));
    }
    if credentials.user.is_none() {
        let wanted = ["queue", "exchange"].into_iter().find(|option| draft.text(option).is_some());
        let wanted = wanted.map(|option| format!("option {option}"));
        if let Some(what) = wanted.or(vhost.as_ref().map(|_| "a virtual host".into())) {
            draft.problem(
                Problem::new(format!("{what} needs a user and a password"))
                    .hint("write them before the host, or add user= with password-file="),
            );
        }
    }
    parameters(draft);
    let service = Service::read(draft, "AMQP", false)?;
    let vhost = vhost.unwrap_or_else(|| "/".into());
    Some(Box::new(Amqp { service, credentials, vhost, queue, exchange, consumers }))
}

/// The virtual host, if the path names one. A path of `/` alone names none, as most clients have it.
fn vhost(draft: &mut Draft<'_>) -> Option<String> {
    let path = draft.target.path.strip_prefix('/').filter(|path| !path.is_empty())?;
    if path.contains('/') {
        draft.problem(
            Problem::new("a virtual host is one part of a path").hint("write %2F for a '/' in its name"),
        );
        return None;
    }
    match draft.target.plain_path() {
        Ok(path) if path.len() <= 256 => path.strip_prefix('/').map(str::to_owned),
        Ok(_) => {
            draft.problem(Problem::new("a virtual host's name has at most 255 bytes"));
            None
        }
        Err(problem) => {
            draft.problem(problem);
            None
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.len() <= 255 && !text.contains(char::is_control);
    fits.then(|| text.to_owned()).ok_or_else(|| "a name has 1 to 255 bytes and no control characters".into())
}

/// Parameters of `RabbitMQ`'s clients that change nothing in a probe: <https://www.rabbitmq.com/docs/uri-query-parameters>.
const IDLE_PARAMETERS: [&str; 5] =
    ["heartbeat", "connection_timeout", "channel_max", "frame_max", "connection_attempts"];
/// Those that do, and the option that says the same.
const PARAMETERS: [(&str, &str); 7] = [
    ("cacertfile", "cacert=PATH"),
    ("certfile", "cert=PATH"),
    ("keyfile", "key=PATH"),
    ("verify", "insecure"),
    ("server_name_indication", "sni=NAME"),
    ("password", "password-file=PATH"),
    ("auth_mechanism", "user=NAME: the log-in is always by PLAIN"),
];

/// Notes a problem for each parameter of the query that would change the meaning of an URI that a client has.
fn parameters(draft: &mut Draft<'_>) {
    let query = draft.target.query.as_deref().unwrap_or_default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let key = pair.split('=').next().unwrap_or_default();
        if IDLE_PARAMETERS.contains(&key) {
            continue;
        }
        let problem = Problem::new(format!("{}:// takes no parameter '{key}'", draft.target.scheme));
        draft.problem(match PARAMETERS.iter().find(|(name, _)| *name == key) {
            Some((_, option)) => problem.hint(format!("behind the target write #{option}")),
            None => problem.nearest(key, IDLE_PARAMETERS),
        });
    }
}

impl Probe for Amqp {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }
}

impl Amqp {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let login = self.credentials.user.as_deref().zip(self.credentials.password()?);
        let wire = self.service.connect(attempt).await?;
        let secret = login.as_ref().map_or("", |(_, password)| password.expose());
        let mut session = Session { wire, trace: attempt.trace, secret, channel: false };
        let start = session.start().await?;
        let broker = match shown(&start.product) {
            product if product.is_empty() => "a broker".into(),
            product => product,
        };
        let broker = format!("{broker} at {}", session.wire.place);
        let Some((user, password)) = &login else {
            return Ok(Evidence::new(format!("{broker} answers")));
        };
        session.log_in(&start, user, password).await?;
        session.open(&self.vhost).await?;
        let found = self.look(&mut session).await;
        session.part().await;
        found?;
        let mut text = format!("{broker} lets {user} into virtual host {}", self.vhost);
        for (what, name) in [("queue", &self.queue), ("exchange", &self.exchange)] {
            text.extend(name.iter().map(|name| format!(", with {what} {name}")));
        }
        Ok(Evidence::new(text))
    }

    async fn look(&self, session: &mut Session<'_>) -> Result<(), Reason> {
        if let Some(queue) = &self.queue {
            let what = format!("queue {queue}");
            match (session.find(&what, &codec::queue(CHANNEL, queue)).await?, self.consumers) {
                (Found::Queue { consumers }, Some(least)) => judge::enough(queue, consumers, least)?,
                (Found::Locked, Some(_)) => {
                    let text = format!("{what} belongs to another connection, and hides its consumers");
                    return Err(Reason::new(&class::SERVICE_ROLE, text));
                }
                _ => {}
            }
        }
        if let Some(exchange) = &self.exchange {
            session.find(&format!("exchange {exchange}"), &codec::exchange(CHANNEL, exchange)).await?;
        }
        Ok(())
    }
}

/// What a passive declaration finds.
enum Found {
    Queue {
        consumers: u32,
    },
    Exchange,
    /// A queue that is there, but exclusive to another connection: reply code 405.
    Locked,
}

/// A conversation with a broker.
struct Session<'a> {
    wire: Wire,
    trace: &'a Trace,
    /// What it must not be told to have said.
    secret: &'a str,
    /// Whether the channel is open; it does not survive a «no».
    channel: bool,
}

impl Session<'_> {
    fn closed(&self, step: Step<'_>, closing: &Closing) -> Reason {
        let text = unless_repeated(&closing.text, self.secret).to_owned();
        judge::closed(step, &Closing { text, ..*closing })
    }

    /// The next method of the server, past what says nothing. The end of the connection is judged by `step`.
    async fn hear(&mut self, step: Step<'_>) -> Result<Method, Reason> {
        loop {
            match self.wire.receive(codec::message).await? {
                Message::Header(version) => return Err(judge::other_version(version)),
                Message::Method(0, Method::Close(closing)) => {
                    // The broker has its say; whether it still listens does not matter.
                    let _ = self.wire.send(&codec::close_ok()).await;
                    return Err(self.closed(step, &closing));
                }
                Message::Method(_, method) => return Ok(method),
                Message::Other => {}
            }
        }
    }

    async fn start(&mut self) -> Result<Start, Reason> {
        let since = Instant::now();
        self.wire.send(codec::PROTOCOL_HEADER).await?;
        match self.hear(Step::Other).await? {
            Method::Start(start) => {
                self.trace.stage("broker", since, || {
                    format!("{}, log-in by {}", shown(&start.product), shown(&start.mechanisms))
                });
                Ok(start)
            }
            _ => Err(self.wire.nonsense("no Connection.Start")),
        }
    }

    async fn log_in(&mut self, start: &Start, user: &str, password: &Secret) -> Result<(), Reason> {
        if !start.mechanisms.split(' ').any(|mechanism| mechanism == "PLAIN") {
            let text = format!("the broker offers no log-in by PLAIN, only {}", shown(&start.mechanisms));
            return Err(Reason::new(&class::AUTH_DENIED, text));
        }
        let since = Instant::now();
        self.wire.send(&codec::start_ok(user, password)).await?;
        match self.hear(Step::LogIn).await {
            Ok(Method::Tune { channel_max, frame_max }) => {
                self.trace.stage("log-in", since, || format!("as {user}"));
                self.wire.send(&codec::tune_ok(channel_max, frame_max)).await
            }
            Ok(Method::Secure) => {
                Err(Reason::new(&class::AUTH_DENIED, "the broker asks for more than user and password"))
            }
            Ok(_) => Err(self.wire.nonsense("no Connection.Tune")),
            // So refuses a broker that does not know the capability.
            Err(reason) if reason.class == &class::TCP_CLOSED => {
                let text = format!("{} closes the connection on user and password", self.wire.place);
                Err(Reason { class: &class::AUTH_DENIED, text, ..reason })
            }
            Err(reason) => Err(reason),
        }
    }

    async fn open(&mut self, vhost: &str) -> Result<(), Reason> {
        let since = Instant::now();
        self.wire.send(&codec::open(vhost)).await?;
        match self.hear(Step::Open(vhost)).await? {
            Method::OpenOk => {
                self.trace.stage("vhost", since, || format!("{vhost} is open"));
                Ok(())
            }
            _ => Err(self.wire.nonsense("no Connection.OpenOk")),
        }
    }

    /// Asks whether something is there.
    async fn find(&mut self, what: &str, question: &[u8]) -> Result<Found, Reason> {
        let since = Instant::now();
        if !self.channel {
            self.wire.send(&codec::channel_open(CHANNEL)).await?;
            if self.hear(Step::Other).await? != Method::ChannelOpenOk {
                return Err(self.wire.nonsense("no Channel.OpenOk"));
            }
            self.channel = true;
        }
        self.wire.send(question).await?;
        let found = match self.hear(Step::Find(what)).await? {
            Method::QueueOk { consumers } => Found::Queue { consumers },
            Method::ExchangeOk => Found::Exchange,
            Method::ChannelClose(closing) => {
                self.channel = false;
                self.wire.send(&codec::channel_close_ok(CHANNEL)).await?;
                if closing.code != judge::RESOURCE_LOCKED {
                    return Err(self.closed(Step::Find(what), &closing));
                }
                Found::Locked
            }
            _ => return Err(self.wire.nonsense("no answer to a passive declaration")),
        };
        self.trace.stage("find", since, || match found {
            Found::Queue { consumers } => format!("{what}, with {consumers} consumers"),
            Found::Exchange => what.to_owned(),
            Found::Locked => format!("{what}, exclusive to another connection"),
        });
        Ok(found)
    }

    /// Parts as the protocol has it, so that the broker's log has nothing to complain of.
    async fn part(&mut self) {
        let goodbye = async {
            self.wire.send(&codec::close()).await?;
            while self.hear(Step::Other).await? != Method::CloseOk {}
            Ok::<(), Reason>(())
        };
        // All that was asked has been answered: how the end goes does not change it.
        let _ = timeout(PARTING, goodbye).await;
    }
}

/// Feeds the codec with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    if let Ok(Some((_, taken))) = codec::message(data) {
        assert!(taken <= data.len());
    }
}
