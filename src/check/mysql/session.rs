//! One connection: the greeting, TLS if there is to be some, the log-in, questions.

use tokio::time::Instant;

use super::codec::{self, Greeting, Login, Packet, Reply, Result41, ServerError, capability};
use super::judge;
use super::proof::{self, Plugin};
use crate::check::service::{Malformed, Service, Wire, shown};
use crate::check::sql::{Mode, Row, Wanted};
use crate::check::{Attempt, Fact, Reason, class};
use crate::net::trace::Trace;

/// More rounds than any log-in has.
const ROUNDS: usize = 5;
/// `AuthMoreData` of `caching_sha2_password`: the server remembers the password.
const REMEMBERED: &[u8] = &[3];
/// `AuthMoreData` of `caching_sha2_password`: the server needs the password itself.
const FULL: &[u8] = &[4];

/// A connection to a server.
pub(super) struct Session<'a> {
    wire: Wire,
    tls: bool,
    /// Whether nobody on the way can read along.
    private: bool,
    /// The number of the next packet of ours.
    sequence: u8,
    greeting: Greeting,
    wanted: &'a Wanted,
    trace: &'a Trace,
}

impl<'a> Session<'a> {
    /// Connects, hears the greeting, and has the connection encrypted if `mode` wants it and the server can.
    pub(super) async fn open(
        service: &Service,
        mode: Mode,
        wanted: &'a Wanted,
        attempt: &'a Attempt<'a>,
    ) -> Result<Self, Reason> {
        let trace = attempt.trace;
        let mut wire = service.connect(attempt).await?;
        let since = Instant::now();
        let (Packet { body, .. }, _) = wire.hear(codec::first_packet).await?;
        if let Some(error) = codec::error(&body).map_err(|Malformed(what)| wire.nonsense(what))? {
            trace.stage("greeting", since, || told_error(trace, &error));
            return Err(judge::refused(&error, wanted));
        }
        let greeting = codec::greeting(&body).map_err(|Malformed(what)| wire.nonsense(what))?;
        let has_tls = greeting.capabilities & capability::SSL != 0;
        trace.stage("greeting", since, || {
            let tls = if has_tls { "with TLS" } else { "without TLS" };
            let plugin = shown(&greeting.plugin);
            format!("{} {}, {tls}, {plugin}", greeting.product, shown(&greeting.version))
        });
        let private = service.unix.is_some();
        let mut session = Self { wire, tls: false, private, sequence: 1, greeting, wanted, trace };
        if private || mode == Mode::Disable {
            return Ok(session);
        }
        if has_tls {
            session.send(&codec::ssl_request()).await?;
            let Self { wire, .. } = session;
            let wire = wire.secure(attempt.net, &service.tls, &service.host, &[]).await?;
            session = Self { wire, tls: true, private: true, ..session };
        } else if mode.insists() {
            let text = format!("the server at {} offers no TLS", session.wire.place);
            return Err(Reason::new(&class::TLS_PROTOCOL, text).fact(Fact::Spoke("MySQL without TLS")));
        }
        Ok(session)
    }

    /// What the server is called, in which version and where: `MariaDB 10.11.14 at 10.0.0.7:3306`.
    pub(super) fn described(&self) -> String {
        format!("{} {} at {}", self.greeting.product, shown(&self.greeting.version), self.wire.place)
    }

    /// Logs in. A refusal is given as it is: it may be all that was to be found out.
    pub(super) async fn log_in(
        &mut self,
        user: &str,
        password: &str,
    ) -> Result<Result<(), ServerError>, Reason> {
        let since = Instant::now();
        // Another way than the server's usual one is begun with, where that would be to send the password: the server says what it needs.
        let usual = Plugin::named(&self.greeting.plugin).filter(|plugin| !matches!(plugin, Plugin::Clear(_)));
        let mut plugin = usual.unwrap_or(Plugin::Native);
        let proof = plugin.proof(password, &self.greeting.nonce).unwrap_or_default();
        let login = Login {
            user,
            database: self.wanted.database.as_deref(),
            plugin: plugin.name(),
            proof: &proof,
            tls: self.tls,
        };
        self.send(&login.bytes()).await?;
        for _ in 0..ROUNDS {
            let body = self.receive().await?;
            match codec::reply(&body).map_err(|what| self.nonsense(what))? {
                Reply::Ok => {
                    self.trace.stage("auth", since, || format!("{user} is let in by {}", plugin.name()));
                    return Ok(Ok(()));
                }
                Reply::Error(error) => {
                    self.trace.stage("auth", since, || told_error(self.trace, &error));
                    return Ok(Err(error));
                }
                Reply::Switch { plugin: name, nonce } => {
                    plugin = Plugin::named(&name).ok_or_else(|| {
                        let text = format!("the server asks for {}", shown(&name));
                        Reason::new(&class::AUTH_METHOD, text)
                    })?;
                    let proof = plugin.proof(password, &nonce).map_or_else(|| self.clear(password), Ok)?;
                    self.send(&proof).await?;
                }
                Reply::More(more) if plugin == Plugin::CachingSha2 && more == REMEMBERED => {}
                Reply::More(more) if plugin == Plugin::CachingSha2 && more == FULL => {
                    let password = self.clear(password)?;
                    self.send(&password).await?;
                }
                Reply::More(_) => return Err(self.nonsense(Malformed("an unknown step of the log-in"))),
            }
        }
        Err(self.nonsense(Malformed("a log-in without an end")))
    }

    /// The password itself, where nobody can read along.
    fn clear(&self, password: &str) -> Result<Vec<u8>, Reason> {
        if self.private {
            return Ok(proof::clear(password));
        }
        let text = "the server asks for the password in clear text, and the connection has no TLS";
        Err(Reason::new(&class::AUTH_INSECURE, text))
    }

    /// Notes that what follows is done for `user`.
    pub(super) fn settled(&self, user: &str) {
        let text = format!("{user} is let in, but {} does not answer what is asked then", self.wire.place);
        self.trace.within(move |reason| Reason { text: text.clone(), ..reason });
    }

    /// The first value of the first row that a statement returns.
    pub(super) async fn row(&mut self, name: &'static str, sql: &str) -> Result<Option<Row>, Reason> {
        let since = Instant::now();
        let row = self.answer(sql).await;
        self.trace.stage(name, since, || match &row {
            Ok(Ok(Some(_))) => "a row".into(),
            Ok(Ok(None)) => "no row".into(),
            Ok(Err(error)) => told_error(self.trace, error),
            Err(_) => "no answer".into(),
        });
        row?.map_err(|error| judge::refused(&error, self.wanted))
    }

    /// Makes a statement that returns nothing.
    pub(super) async fn limit(&mut self, sql: &str) -> Result<(), Reason> {
        self.answer(sql).await?.map(drop).map_err(|error| judge::refused(&error, self.wanted))
    }

    async fn answer(&mut self, sql: &str) -> Result<Result<Option<Row>, ServerError>, Reason> {
        self.sequence = 0;
        self.send(&codec::query(sql)).await?;
        let body = self.receive().await?;
        match codec::result(&body).map_err(|what| self.nonsense(what))? {
            Result41::End => return Ok(Ok(None)),
            Result41::Error(error) => return Ok(Err(error)),
            // What the columns are called is of no interest; behind them is an EOF packet.
            Result41::Columns(columns) => {
                for _ in 0..=columns {
                    self.receive().await?;
                }
            }
        }
        let mut row = None;
        loop {
            let body = self.receive().await?;
            if let Some(error) = codec::error(&body).map_err(|what| self.nonsense(what))? {
                return Ok(Err(error));
            }
            if codec::is_end(&body) {
                return Ok(Ok(row));
            }
            if row.is_none() {
                row = Some(codec::row(&body).map_err(|what| self.nonsense(what))?);
            }
        }
    }

    /// Says farewell; a server that has gone is none the worse for it.
    pub(super) async fn leave(&mut self) {
        self.sequence = 0;
        let _ = self.send(&codec::quit()).await;
    }

    async fn send(&mut self, body: &[u8]) -> Result<(), Reason> {
        let sent = self.wire.send(&codec::framed(self.sequence, body)).await;
        self.sequence = self.sequence.wrapping_add(1);
        sent
    }

    /// The next packet, which must have the next number.
    async fn receive(&mut self) -> Result<Vec<u8>, Reason> {
        let (Packet { sequence, body }, _) = self.wire.hear(codec::packet).await?;
        if sequence != self.sequence {
            return Err(self.nonsense(Malformed("packets out of order")));
        }
        self.sequence = self.sequence.wrapping_add(1);
        Ok(body)
    }

    fn nonsense(&self, Malformed(what): Malformed) -> Reason {
        self.wire.nonsense(what)
    }
}

/// Its words may hold values, so that only who asked for an explanation gets them.
fn told_error(trace: &Trace, error: &ServerError) -> String {
    if trace.explains() {
        format!("error {}: {}", error.code, shown(&error.message))
    } else {
        format!("error {}", error.code)
    }
}
