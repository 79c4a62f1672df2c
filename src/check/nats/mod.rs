//! `nats://HOST[:PORT]` — a NATS server lets the client in, and has a stream.

mod codec;
mod judge;
#[cfg(test)]
mod tests;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::options::{CREDENTIALS, Credentials};
use super::service::{Service, Wire, shown, unless_repeated};
use super::{Attempt, Draft, Evidence, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::tls;
use crate::net::trace::Trace;
use crate::plan::problem::Problem;
use crate::plan::secret::Secret;
use codec::{Info, Login, Message};

/// The kind `nats`.
pub(super) static KIND: Kind = Kind {
    name: "nats",
    schemes: &[Scheme::url("nats", "nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT]").port(4222).token()],
    flag: None,
    summary: "the server answers, lets the client in, and has the stream",
    options: &[
        &[
            Opt::new("jetstream", "", "JetStream must answer"),
            Opt::new("stream", "NAME", "a stream of JetStream that must be there"),
            Opt::new(
                "tls",
                "",
                "TLS even where the server does not require it (so with every option about TLS)",
            ),
        ],
        CREDENTIALS,
        tls::OPTIONS,
    ],
    opposite: &[&class::TCP_REFUSED, &class::SERVICE_MISSING],
    classes: &[],
    build,
};

struct Nats {
    service: Service,
    credentials: Credentials,
    /// Whether TLS is spoken whatever the server says.
    tls: bool,
    jetstream: bool,
    stream: Option<String>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    draft.no_path();
    let credentials = draft.credentials();
    let jetstream = draft.switch("jetstream");
    let stream = draft.parsed("stream", |name| {
        let fits = !name.is_empty() && name.len() <= 255;
        let plain = !name.contains(|c: char| c.is_whitespace() || c.is_control() || ".*>/\\".contains(c));
        if fits && plain {
            Ok(name.to_owned())
        } else {
            Err("the name of a stream has no blanks and none of . * > / \\".into())
        }
    });
    let named = draft.text("tls").is_some();
    let switched = draft.switch("tls");
    let given = tls::OPTIONS.iter().find(|option| draft.text(option.name).is_some());
    if let (true, false, Some(option)) = (named, switched, given) {
        draft.problem(Problem::new(format!("option {} has no effect with tls=false", option.name)));
    }
    let tls = switched || given.is_some();
    let service = Service::read(draft, "NATS", true)?;
    Some(Box::new(Nats { service, credentials, tls, jetstream, stream }))
}

impl Probe for Nats {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }
}

impl Nats {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let password = self.credentials.password()?;
        let login = login(self.credentials.user.as_deref(), password.as_ref());
        let mut wire = self.service.connect(attempt).await?;
        let since = Instant::now();
        let info = match wire.receive(codec::message).await? {
            Message::Info(info) => info,
            // A server that has as many clients as it may says only that.
            Message::Error(error) => return Err(judge::refused(&error)),
            _ => return Err(wire.nonsense("no INFO at first")),
        };
        let server = format!("NATS {} at {}", shown(&info.version), wire.place);
        attempt.trace.stage("info", since, || described(&info));
        if info.ldm {
            let text = "the server is about to shut down, and rids itself of its clients";
            return Err(Reason::new(&class::SERVICE_ROLE, text));
        }
        let tls = self.tls || info.tls_required;
        if tls {
            if !info.tls_required && !info.tls_available {
                let text = format!("the server at {} offers no TLS", wire.place);
                return Err(Reason::new(&class::TLS_PROTOCOL, text));
            }
            wire = wire.secure(attempt.net, &self.service.tls, &self.service.host, &[]).await?;
        }
        if info.auth_required && matches!(login, Login::Nobody) && !self.jetstream && self.stream.is_none() {
            return Ok(Evidence::new(format!("{server} takes connections, and asks for credentials")));
        }
        let mut session = Session { wire, trace: attempt.trace, login };
        session.enter(tls).await?;
        let mut text = format!("{server} lets the client in");
        // A stream cannot be asked for without JetStream.
        match &self.stream {
            Some(stream) => {
                session.ask(Some(stream)).await?;
                text = format!("{text}, with stream {stream}");
            }
            None if self.jetstream => {
                session.ask(None).await?;
                text.push_str(", JetStream answers");
            }
            None => {}
        }
        Ok(Evidence::new(text))
    }
}

/// A user without a password is a token, and so is a password without a user.
fn login<'a>(user: Option<&'a str>, password: Option<&'a Secret>) -> Login<'a> {
    match (user, password) {
        (Some(user), Some(password)) => Login::User(user, password),
        (Some(token), None) => Login::Token(token),
        (None, Some(token)) => Login::Token(token.expose()),
        (None, None) => Login::Nobody,
    }
}

fn described(info: &Info) -> String {
    let said = [
        (info.auth_required, "asks for credentials"),
        (info.tls_required, "wants TLS"),
        (info.tls_available && !info.tls_required, "takes TLS"),
        (info.ldm, "is about to shut down"),
    ];
    let said = said.into_iter().filter(|(so, _)| *so).map(|(_, said)| said);
    [shown(&info.version)].into_iter().chain(said.map(str::to_owned)).collect::<Vec<_>>().join(", ")
}

/// A conversation with a server.
struct Session<'a> {
    wire: Wire,
    trace: &'a Trace,
    login: Login<'a>,
}

impl Session<'_> {
    /// What the server says next, past what says nothing here.
    async fn hear(&mut self) -> Result<Message, Reason> {
        loop {
            match self.wire.hear(codec::message).await?.0 {
                Message::Ping => self.wire.send(codec::PONG).await?,
                Message::Info(_) | Message::Ok => {}
                Message::Error(error) => {
                    let secret = match self.login {
                        Login::Nobody => "",
                        Login::User(_, password) => password.expose(),
                        Login::Token(token) => token,
                    };
                    return Err(judge::refused(unless_repeated(&error, secret)));
                }
                message => return Ok(message),
            }
        }
    }

    /// Says who the client is, and finds out whether it is let in.
    async fn enter(&mut self, tls: bool) -> Result<(), Reason> {
        let since = Instant::now();
        self.wire.send(&codec::connect(self.login, tls)).await?;
        match self.hear().await? {
            Message::Pong => {
                self.trace.stage("log-in", since, || "PONG".into());
                Ok(())
            }
            _ => Err(self.wire.nonsense("no PONG")),
        }
    }

    /// Asks JetStream for itself, or for a stream.
    async fn ask(&mut self, stream: Option<&str>) -> Result<(), Reason> {
        let since = Instant::now();
        let subject = match stream {
            Some(stream) => format!("$JS.API.STREAM.INFO.{stream}"),
            None => "$JS.API.INFO".to_owned(),
        };
        let inbox = format!("_INBOX.prereq.{:016x}", fastrand::u64(..));
        self.wire.send(&codec::request(&subject, &inbox)).await?;
        let Message::Delivery { status, payload } = self.hear().await? else {
            return Err(self.wire.nonsense("no answer to a request"));
        };
        self.trace.stage("jetstream", since, || format!("{subject}, {} bytes", payload.len()));
        judge::jetstream(stream, status, &payload)
            .unwrap_or_else(|| Err(self.wire.nonsense("no answer of JetStream")))
    }
}

/// Feeds the codec with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    if let Ok(Some((message, taken))) = codec::message(data) {
        assert!(taken <= data.len());
        match message {
            Message::Delivery { status, payload } => drop(judge::jetstream(Some("s"), status, &payload)),
            Message::Error(error) => drop(judge::refused(&error)),
            _ => {}
        }
    }
}
