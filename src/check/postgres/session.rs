//! One connection: TLS if there is to be some, start-up, authentication, questions.

use tokio::time::Instant;

use super::codec::{self, Authentication, Message, Offer, ServerError};
use super::judge;
use crate::check::scram::{Client, Mechanism};
use crate::check::service::{Service, Wire, shown};
use crate::check::sql::{Mode, Row, Wanted};
use crate::check::{Attempt, Fact, Reason, class};
use crate::net::trace::Trace;
use crate::plan::secret::Secret;

/// Parameters of the server that say something to who asks for an explanation.
const TELLING: [&str; 4] =
    ["server_version", "in_hot_standby", "default_transaction_read_only", "server_encoding"];

/// A connection to a server.
pub(super) struct Session<'a> {
    wire: Wire,
    tls: bool,
    /// Whether nobody on the way can read along.
    private: bool,
    wanted: &'a Wanted,
    trace: &'a Trace,
    /// The version of the server, once it has told.
    pub(super) version: Option<String>,
    told: Vec<String>,
}

impl<'a> Session<'a> {
    /// Connects, and has the connection encrypted if `mode` wants it and the server can.
    pub(super) async fn open(
        service: &Service,
        mode: Mode,
        wanted: &'a Wanted,
        attempt: &'a Attempt<'a>,
    ) -> Result<Self, Reason> {
        let wire = service.connect(attempt).await?;
        let private = service.unix.is_some();
        let mut session =
            Self { wire, tls: false, private, wanted, trace: attempt.trace, version: None, told: Vec::new() };
        if private || mode == Mode::Disable {
            return Ok(session);
        }
        let since = Instant::now();
        session.wire.send(&codec::ssl_request()).await?;
        match session.wire.hear(codec::offer).await?.0 {
            Offer::Tls => {
                let Self { wire, .. } = session;
                let wire = wire.secure(attempt.net, &service.tls, &service.host, &[]).await?;
                session = Self { wire, tls: true, private: true, ..session };
                Ok(session)
            }
            Offer::Plain if mode.insists() => {
                let text = format!("the server at {} offers no TLS", session.wire.place);
                Err(Reason::new(&class::TLS_PROTOCOL, text).fact(Fact::Spoke("PostgreSQL without TLS")))
            }
            Offer::Plain => {
                attempt.trace.stage("tls", since, || "the server offers none".into());
                Ok(session)
            }
            Offer::Error(error) => Err(judge::refused(&error, wanted)),
        }
    }

    /// Whether TLS is spoken.
    pub(super) fn has_tls(&self) -> bool {
        self.tls
    }

    /// The other end.
    pub(super) fn place(&self) -> &str {
        &self.wire.place
    }

    /// Sends the `StartupMessage`; gives what the server answers.
    pub(super) async fn start(&mut self, parameters: &[(&str, &str)]) -> Result<Message, Reason> {
        let since = Instant::now();
        self.wire.send(&codec::startup(parameters)).await?;
        loop {
            match self.wire.hear(codec::message).await?.0 {
                Message::Other => {}
                first => {
                    self.trace.stage("startup", since, || self.described(&first));
                    return Ok(first);
                }
            }
        }
    }

    /// Judges the answer to a client that does not say who it is.
    pub(super) fn accepts(&self, first: &Message) -> Result<(), Reason> {
        match first {
            Message::Authentication(_) => Ok(()),
            Message::Error(error) if judge::takes_connections(error, self.wanted) => Ok(()),
            Message::Error(error) => Err(judge::refused(error, self.wanted)),
            _ => Err(self.wire.nonsense("an answer that does not belong to the start-up")),
        }
    }

    /// Does what the server asks for by way of authentication.
    pub(super) async fn authenticate(&mut self, first: Message, user: &str) -> Result<(), Reason> {
        let since = Instant::now();
        match first {
            Message::Authentication(Authentication::Ok) => return Ok(()),
            Message::Authentication(asked) => self.prove(asked, user).await?,
            Message::Error(error) => return Err(judge::refused(&error, self.wanted)),
            _ => return Err(self.wire.nonsense("an answer that does not belong to the start-up")),
        }
        match self.next().await? {
            Message::Authentication(Authentication::Ok) => {}
            _ => return Err(self.wire.nonsense("an authentication that does not end")),
        }
        self.trace.stage("auth", since, || format!("{user} is let in"));
        Ok(())
    }

    async fn prove(&mut self, asked: Authentication, user: &str) -> Result<(), Reason> {
        let asks_for = |what: &str| format!("the server asks for {what}");
        if let Authentication::Unsupported(method) = asked {
            return Err(Reason::new(&class::AUTH_METHOD, asks_for(method)));
        }
        let Some(password) = self.wanted.credentials.password()? else {
            return Err(Reason::new(&class::AUTH_DENIED, asks_for("a password")));
        };
        match asked {
            Authentication::Cleartext if !self.private => {
                let text = asks_for("the password in clear text, and the connection has no TLS");
                Err(Reason::new(&class::AUTH_INSECURE, text))
            }
            Authentication::Cleartext => self.wire.send(&codec::password(password.expose())).await,
            Authentication::Md5(salt) => {
                self.wire.send(&codec::password(&codec::md5(user, &password, salt))).await
            }
            Authentication::Sasl(offered) => match Mechanism::strongest(offered.iter().map(String::as_str)) {
                Some(mechanism) => self.scram(mechanism, &password).await,
                None => Err(Reason::new(&class::AUTH_METHOD, asks_for(&shown(&offered.join(", "))))),
            },
            _ => Err(self.wire.nonsense("an authentication that begins in the middle")),
        }
    }

    async fn scram(&mut self, mechanism: &'static Mechanism, password: &Secret) -> Result<(), Reason> {
        // The user has been named by the start-up.
        let client = Client::new(mechanism, "")?;
        self.wire.send(&codec::sasl_initial(mechanism.name, &client.first())).await?;
        let Message::Authentication(Authentication::SaslContinue(challenge)) = self.next().await? else {
            return Err(self.wire.nonsense("an authentication without a challenge"));
        };
        let answer = client.answer(&challenge, password).await?;
        self.wire.send(&codec::sasl_response(&answer.message)).await?;
        let Message::Authentication(Authentication::SaslFinal(outcome)) = self.next().await? else {
            return Err(self.wire.nonsense("an authentication that the server has not proved its part in"));
        };
        answer.verify(&outcome)
    }

    /// Waits until the server is ready for questions.
    pub(super) async fn settle(&mut self, user: &str) -> Result<(), Reason> {
        let since = Instant::now();
        let text = format!("{user} is let in, but {} does not answer what is asked then", self.wire.place);
        self.trace.within(move |reason| Reason { text: text.clone(), ..reason });
        match self.next().await? {
            Message::Ready => {}
            _ => return Err(self.wire.nonsense("an answer to what was not asked")),
        }
        self.trace.stage("server", since, || self.told.join(", "));
        Ok(())
    }

    /// The first value of the first row that a statement returns.
    pub(super) async fn row(
        &mut self,
        name: &'static str,
        sql: &str,
        parameters: &[&str],
    ) -> Result<Option<Row>, Reason> {
        let since = Instant::now();
        self.wire.send(&codec::question(sql, parameters)).await?;
        let mut row = None;
        loop {
            match self.next().await? {
                Message::Row(first) if row.is_none() => row = Some(first),
                Message::Row(_) | Message::Complete => {}
                Message::Ready => break,
                _ => return Err(self.wire.nonsense("an answer to what was not asked")),
            }
        }
        self.trace.stage(name, since, || if row.is_some() { "a row".into() } else { "no row".into() });
        Ok(row)
    }

    /// The next message that is an answer.
    async fn next(&mut self) -> Result<Message, Reason> {
        let since = Instant::now();
        loop {
            match self.wire.hear(codec::message).await?.0 {
                Message::Other => {}
                Message::Status(name, value) => {
                    if let Some(name) = TELLING.into_iter().find(|known| *known == name) {
                        self.note(name, &value);
                    }
                }
                Message::Error(error) => {
                    self.trace.stage("answer", since, || self.told_error(&error));
                    return Err(judge::refused(&error, self.wanted));
                }
                message => return Ok(message),
            }
        }
    }

    fn note(&mut self, name: &str, value: &str) {
        if name == "server_version" {
            self.version = value.split_whitespace().next().map(str::to_owned);
        }
        if self.told.len() < TELLING.len() {
            self.told.push(format!("{name} {}", shown(value)));
        }
    }

    /// Says farewell; a server that has gone is none the worse for it.
    pub(super) async fn leave(&mut self, farewell: &[u8]) {
        let _ = self.wire.send(farewell).await;
    }

    /// A message for who asked for an explanation.
    fn described(&self, message: &Message) -> String {
        match message {
            Message::Authentication(asked) => match asked {
                Authentication::Ok => "no authentication is asked for".into(),
                Authentication::Cleartext => "the password is asked for in clear text".into(),
                Authentication::Md5(_) => "the password is asked for, hashed by MD5".into(),
                Authentication::Sasl(offered) => {
                    format!("authentication by {}", shown(&offered.join(" or ")))
                }
                _ => "authentication of another kind is asked for".into(),
            },
            Message::Error(error) => self.told_error(error),
            _ => "an answer".into(),
        }
    }

    /// Its words may hold values, so that only who asked for an explanation gets them.
    fn told_error(&self, error: &ServerError) -> String {
        if self.trace.explains() {
            format!("SQLSTATE {}: {}", error.code, shown(&error.message))
        } else {
            format!("SQLSTATE {}", error.code)
        }
    }
}
