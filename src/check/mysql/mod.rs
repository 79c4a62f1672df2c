//! `mysql://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]` — the server takes connections; with a user, it lets it in, and what is looked for is
//! there. `MariaDB` and `MySQL` are one here.
//!
//! Sources: <https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>,
//! <https://mariadb.com/docs/server/reference/clientserver-protocol>.

mod codec;
mod judge;
mod proof;
mod session;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::options::CREDENTIALS;
use super::service::Service;
use super::sql::{self, Mode, Parameter, Parameters, Role, Row, Table, Wanted};
use super::{Attempt, Draft, Evidence, Kind, Probe, Reason, Scheme, Verdict, class, file};
use crate::net::Net;
use crate::net::tls;
use crate::net::watch::Watch;
use crate::plan::problem::Problem;
use session::Session;

/// The kind `mysql`.
pub(super) static KIND: Kind = Kind {
    name: "mysql",
    schemes: &[
        Scheme::url("mysql", "mysql://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]").port(3306),
        Scheme::url("mariadb", "mariadb://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]").port(3306),
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
const MODES: [(&str, Mode); 5] = [
    ("DISABLED", Mode::Disable),
    ("PREFERRED", Mode::Prefer),
    ("REQUIRED", Mode::Require),
    ("VERIFY_CA", Mode::VerifyCa),
    ("VERIFY_IDENTITY", Mode::VerifyFull),
];
/// The parameters of the usual drivers. `-`, `_` and capitals make no difference.
const PARAMETERS: [Parameter; 36] = [
    Parameter::Used("ssl-mode"),
    Parameter::Used("socket"),
    Parameter::Idle("charset"),
    Parameter::Idle("collation"),
    Parameter::Idle("characterEncoding"),
    Parameter::Idle("useUnicode"),
    Parameter::Idle("connect-timeout"),
    Parameter::Idle("connection-timeout"),
    Parameter::Idle("socketTimeout"),
    Parameter::Idle("timeout"),
    Parameter::Idle("readTimeout"),
    Parameter::Idle("writeTimeout"),
    Parameter::Idle("parseTime"),
    Parameter::Idle("loc"),
    Parameter::Idle("time_zone"),
    Parameter::Idle("serverTimezone"),
    Parameter::Idle("multiStatements"),
    Parameter::Idle("interpolateParams"),
    Parameter::Idle("autocommit"),
    Parameter::Idle("allowPublicKeyRetrieval"),
    Parameter::Idle("connection_limit"),
    Parameter::Idle("pool_timeout"),
    Parameter::Idle("pool_size"),
    Parameter::Idle("statement-cache-capacity"),
    Parameter::Idle("rewriteBatchedStatements"),
    Parameter::Idle("zeroDateTimeBehavior"),
    Parameter::Elsewhere("ssl-ca", "behind the target write #cacert=PATH"),
    Parameter::Elsewhere("ssl-cert", "behind the target write #cert=PATH"),
    Parameter::Elsewhere("ssl-key", "behind the target write #key=PATH"),
    Parameter::Elsewhere("ssl", "write ssl-mode=REQUIRED"),
    Parameter::Elsewhere("tls", "write ssl-mode=REQUIRED"),
    Parameter::Elsewhere("useSSL", "write ssl-mode=REQUIRED"),
    Parameter::Elsewhere("sslaccept", "write ssl-mode=VERIFY_IDENTITY or ssl-mode=REQUIRED"),
    Parameter::Elsewhere("user", "write it before the host: USER@HOST"),
    Parameter::Elsewhere("password", "behind the target write #password-file=PATH"),
    Parameter::Elsewhere("default-auth", "the server says how a user is authenticated"),
];

struct Mysql {
    service: Service,
    mode: Mode,
    wanted: Wanted,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let parameters = Parameters::read(draft, &PARAMETERS);
    let mode = parameters.word(draft, "ssl-mode", &MODES);
    let mode =
        mode.map(|mode| (mode, format!("ssl-mode={}", parameters.get("ssl-mode").unwrap_or_default())));
    let (mode, tls) = Mode::settle(draft, mode);
    let wanted = Wanted::read(draft, None);
    if wanted.database.is_none() && wanted.table.as_ref().is_some_and(|table| table.schema.is_none()) {
        draft.problem(
            Problem::new("option table needs a database").hint("write HOST/DATABASE or table=DATABASE.TABLE"),
        );
    }
    let socket = sql::socket(draft).or_else(|| parameters.get("socket").map(PathBuf::from));
    let mut service = Service::read(draft, "MySQL", true)?.at(socket);
    service.tls = tls;
    Some(Box::new(Mysql { service, mode, wanted }))
}

impl Probe for Mysql {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }

    fn watch(&self, net: &Rc<Net>) -> Option<Watch> {
        self.service.watch(net)
    }
}

impl Mysql {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let open = |mode| Session::open(&self.service, mode, &self.wanted, attempt);
        let session = match open(self.mode).await {
            Err(reason) if self.mode == Mode::Prefer && reason.class == &class::TLS_PROTOCOL => {
                open(Mode::Disable).await?
            }
            opened => opened?,
        };
        match &self.wanted.credentials.user {
            Some(user) => self.ask(session, user).await,
            None => self.knock(session).await,
        }
    }

    /// A log-in that need not succeed. A connection that ends without one would count against this host, until the server blocks it.
    async fn knock(&self, mut session: Session<'_>) -> Result<Evidence, Reason> {
        match session.log_in(NOBODY, "").await {
            Ok(Err(error)) if !judge::takes_connections(&error, &self.wanted) => {
                return Err(judge::refused(&error, &self.wanted));
            }
            Err(reason) if ![&class::AUTH_METHOD, &class::AUTH_INSECURE].contains(&reason.class) => {
                return Err(reason);
            }
            Ok(Ok(())) => session.leave().await,
            Ok(Err(_)) | Err(_) => {}
        }
        Ok(Evidence::new(format!("{} accepts connections", session.described())))
    }

    async fn ask(&self, mut session: Session<'_>, user: &str) -> Result<Evidence, Reason> {
        let password = self.wanted.credentials.password()?.unwrap_or_default();
        let entered = session.log_in(user, password.expose()).await?;
        entered.map_err(|error| judge::refused(&error, &self.wanted))?;
        session.settled(user);
        let looked = self.look(&mut session).await;
        // Whatever came of it: the server's log has a line about each connection that breaks off.
        session.leave().await;
        looked.map(|()| Evidence::new(format!("{}{}", session.described(), self.wanted.found(user))))
    }

    /// Looks for what is asked of the server that has let the user in.
    async fn look(&self, session: &mut Session<'_>) -> Result<(), Reason> {
        let wanted = &self.wanted;
        if wanted.role.is_some() {
            let row = session.row("role", "SELECT @@global.read_only").await?;
            let writable = matches!(row.and_then(|Row(value)| value).as_deref(), Some("0" | "OFF"));
            wanted.judge_role(Role::of(writable))?;
        }
        if let Some(table) = &wanted.table {
            wanted.judge_table(session.row("table", &find(table)).await?.is_some())?;
        }
        if let Some(query) = &wanted.query {
            // Whoever asks for a whole table is sent its first row.
            session.limit("SET SESSION sql_select_limit = 1").await?;
            query.judge(session.row("query", &query.sql).await?)?;
        }
        Ok(())
    }
}

/// The statement that finds a table. Names are in hexadecimal digits: there is nothing to be quoted in any mode of the server.
fn find(table: &Table) -> String {
    let text = |name: &str| format!("CONVERT(X'{}' USING utf8mb4)", hex(name.as_bytes()));
    let schema = table.schema.as_deref().map_or_else(|| "DATABASE()".to_owned(), text);
    format!(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = {schema} AND table_name = {} LIMIT 1",
        text(&table.name)
    )
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Feeds the codec with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    for read in [codec::packet, codec::first_packet] {
        if let Ok(Some((packet, taken))) = read(data) {
            assert!(taken <= data.len() && !packet.body.is_empty());
        }
    }
    if !data.is_empty() {
        let _ = (codec::greeting(data), codec::reply(data), codec::result(data), codec::row(data));
    }
}
