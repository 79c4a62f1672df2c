//! `postgres://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]` — the server takes connections; with a user, it lets it in, and what is looked for is
//! there.
//!
//! Sources: <https://www.postgresql.org/docs/current/protocol-flow.html>,
//! <https://www.postgresql.org/docs/current/libpq-connect.html>.

mod codec;
mod judge;
mod session;
#[cfg(test)]
mod tests;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use std::path::PathBuf;
use std::rc::Rc;

use super::options::CREDENTIALS;
use super::service::{Service, shown};
use super::sql::{self, Mode, Parameter, Parameters, Role, Row, Table, Wanted};
use super::{Attempt, Draft, Evidence, Fact, Kind, Probe, Reason, Scheme, Verdict, class, file};
use crate::net::Net;
use crate::net::tls;
use crate::net::watch::Watch;
use crate::plan::problem::Problem;
use codec::terminate;
use session::Session;

/// The kind `postgres`.
pub(super) static KIND: Kind = Kind {
    name: "postgres",
    schemes: &[
        Scheme::url("postgres", "postgres://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]").port(5432),
        Scheme::url("postgresql", "postgresql://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]").port(5432),
    ],
    flag: None,
    summary: "the server takes connections; with a user, it lets it in, and the database, table or row is there",
    options: &[sql::OPTIONS, CREDENTIALS, tls::OPTIONS],
    opposite: &[&class::TCP_REFUSED, &file::MISSING, &class::SERVICE_MISSING, &class::SERVICE_ROLE],
    classes: &[],
    build,
};

/// What a client that has no user calls itself. Nobody needs to have that name.
const NOBODY: &str = "prereq";
const MODES: [(&str, Mode); 6] = [
    ("disable", Mode::Disable),
    // Whether the plain or the encrypted way is tried first makes no difference here.
    ("allow", Mode::Prefer),
    ("prefer", Mode::Prefer),
    ("require", Mode::Require),
    ("verify-ca", Mode::VerifyCa),
    ("verify-full", Mode::VerifyFull),
];
const ROLES: [(&str, Option<Role>); 6] = [
    ("any", None),
    ("primary", Some(Role::Primary)),
    ("read-write", Some(Role::Primary)),
    ("standby", Some(Role::Replica)),
    ("read-only", Some(Role::Replica)),
    ("prefer-standby", None),
];
/// The parameters of libpq, and those of other drivers that are often in a URL.
const PARAMETERS: [Parameter; 37] = [
    Parameter::Used("sslmode"),
    Parameter::Used("host"),
    Parameter::Used("application_name"),
    Parameter::Used("options"),
    Parameter::Used("target_session_attrs"),
    Parameter::Used("channel_binding"),
    Parameter::Idle("connect_timeout"),
    Parameter::Idle("fallback_application_name"),
    Parameter::Idle("client_encoding"),
    Parameter::Idle("keepalives"),
    Parameter::Idle("keepalives_idle"),
    Parameter::Idle("keepalives_interval"),
    Parameter::Idle("keepalives_count"),
    Parameter::Idle("tcp_user_timeout"),
    Parameter::Idle("gssencmode"),
    Parameter::Idle("krbsrvname"),
    Parameter::Idle("sslcompression"),
    Parameter::Idle("sslsni"),
    Parameter::Idle("ssl_min_protocol_version"),
    Parameter::Idle("ssl_max_protocol_version"),
    Parameter::Idle("load_balance_hosts"),
    Parameter::Idle("schema"),
    Parameter::Idle("pgbouncer"),
    Parameter::Idle("connection_limit"),
    Parameter::Idle("pool_timeout"),
    Parameter::Idle("pool_max_conns"),
    Parameter::Idle("pool_min_conns"),
    Parameter::Elsewhere("sslrootcert", "behind the target write #cacert=PATH"),
    Parameter::Elsewhere("sslcert", "behind the target write #cert=PATH"),
    Parameter::Elsewhere("sslkey", "behind the target write #key=PATH"),
    Parameter::Elsewhere("ssl", "write sslmode=require"),
    Parameter::Elsewhere("user", "write it before the host: USER@HOST"),
    Parameter::Elsewhere("password", "behind the target write #password-file=PATH"),
    Parameter::Elsewhere("passfile", "behind the target write #password-file=PATH"),
    Parameter::Elsewhere("dbname", "write it as the path: HOST/DATABASE"),
    Parameter::Elsewhere("port", "write it behind the host: HOST:PORT"),
    Parameter::Elsewhere("hostaddr", "write the address as the host"),
];

struct Postgres {
    service: Service,
    mode: Mode,
    wanted: Wanted,
    application: String,
    options: Option<String>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let parameters = Parameters::read(draft, &PARAMETERS);
    let mode = parameters.word(draft, "sslmode", &MODES);
    let mode = mode.map(|mode| (mode, format!("sslmode={}", parameters.get("sslmode").unwrap_or_default())));
    let (mode, tls) = Mode::settle(draft, mode);
    parameters.word(draft, "channel_binding", &[("disable", ()), ("prefer", ())]);
    let role = parameters.word(draft, "target_session_attrs", &ROLES).flatten();
    let wanted = Wanted::read(draft, role);
    let socket = socket(draft, &parameters);
    let mut service = Service::read(draft, "PostgreSQL", true)?.at(socket);
    service.tls = tls;
    let application = parameters.get("application_name").unwrap_or(NOBODY).to_owned();
    let options = parameters.get("options").map(str::to_owned);
    Some(Box::new(Postgres { service, mode, wanted, application, options }))
}

/// The unix socket of the option `unix`, or that of the port in the folder of the parameter `host`.
fn socket(draft: &mut Draft<'_>, parameters: &Parameters) -> Option<PathBuf> {
    let given = sql::socket(draft);
    match parameters.get("host") {
        None => given,
        Some(folder) if !folder.starts_with('/') => {
            draft.problem(
                Problem::new("parameter host is not the folder of a unix socket")
                    .hint("write a host before the path: postgres://HOST/DATABASE"),
            );
            None
        }
        Some(folder) => Some(format!("{folder}/.s.PGSQL.{}", draft.target.port.unwrap_or(5432)).into()),
    }
}

impl Probe for Postgres {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }

    fn watch(&self, net: &Rc<Net>) -> Option<Watch> {
        self.service.watch(net)
    }
}

impl Postgres {
    /// As libpq does where TLS is preferred, another connection without it is tried when TLS is what is in the way.
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let open = |mode| Session::open(&self.service, mode, &self.wanted, attempt);
        let session = match open(self.mode).await {
            Err(reason) if self.mode == Mode::Prefer && reason.class == &class::TLS_PROTOCOL => {
                open(Mode::Disable).await?
            }
            opened => opened?,
        };
        let in_the_way = self.mode == Mode::Prefer && session.has_tls();
        match self.ask(session).await {
            Err(reason) if in_the_way && reason.facts.contains(&Fact::Code("28000".into())) => {
                self.ask(open(Mode::Disable).await?).await
            }
            asked => asked,
        }
    }

    async fn ask(&self, mut session: Session<'_>) -> Result<Evidence, Reason> {
        let first = session.start(&self.parameters()).await?;
        let Some(user) = &self.wanted.credentials.user else {
            session.accepts(&first)?;
            session.leave(&terminate()).await;
            return Ok(Evidence::new(format!("PostgreSQL at {} accepts connections", session.place())));
        };
        session.authenticate(first, user).await?;
        session.settle(user).await?;
        let looked = self.look(&mut session).await;
        session.leave(&terminate()).await;
        let version = session.version.as_deref().map(|version| format!(" {}", shown(version)));
        let (version, place) = (version.unwrap_or_default(), session.place());
        looked.map(|()| Evidence::new(format!("PostgreSQL{version} at {place}{}", self.wanted.found(user))))
    }

    /// Looks for what is asked of the server that has let the user in.
    async fn look(&self, session: &mut Session<'_>) -> Result<(), Reason> {
        if self.wanted.role.is_some() {
            let row = session.row("role", "SELECT pg_catalog.pg_is_in_recovery()", &[]).await?;
            let writable = row.and_then(|Row(value)| value).as_deref() == Some("f");
            self.wanted.judge_role(Role::of(writable))?;
        }
        if let Some(table) = &self.wanted.table {
            self.wanted.judge_table(session.row("table", TABLE, &[&quoted(table)]).await?.is_some())?;
        }
        if let Some(query) = &self.wanted.query {
            query.judge(session.row("query", &query.sql, &[]).await?)?;
        }
        Ok(())
    }

    /// What the connection begins with.
    fn parameters(&self) -> Vec<(&str, &str)> {
        let wanted = &self.wanted;
        let mut parameters = vec![
            ("user", wanted.credentials.user.as_deref().unwrap_or(NOBODY)),
            ("application_name", self.application.as_str()),
            ("client_encoding", "UTF8"),
        ];
        parameters.extend(wanted.database.as_deref().map(|database| ("database", database)));
        parameters.extend(self.options.as_deref().map(|options| ("options", options)));
        parameters
    }
}

/// Tables, views and the like, as `search_path` finds them; not indexes, sequences or types.
const TABLE: &str = "SELECT 1 FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1) \
                     AND relkind IN ('r', 'p', 'v', 'm', 'f')";

/// The table's name as an identifier that is taken literally.
fn quoted(table: &Table) -> String {
    let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let schema = table.schema.as_deref().map(|schema| quote(schema) + ".");
    schema.unwrap_or_default() + &quote(&table.name)
}

/// Feeds the codec and the judge with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    let _ = codec::offer(data);
    if let Ok(Some((message, taken))) = codec::message(data) {
        assert!(taken <= data.len());
        if let codec::Message::Error(error) = message {
            assert!(error.code.len() <= 5);
        }
    }
}
