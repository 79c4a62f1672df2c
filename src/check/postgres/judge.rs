//! What the SQLSTATEs of PostgreSQL mean here: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use super::codec::ServerError;
use crate::check::sql::Wanted;
use crate::check::{Class, Fact, Reason, class};

/// Whether an error shows that the server takes connections, to a client that does not say who it is: all that is wrong is the
/// user, the password or a database that nobody asked for, as `pg_isready` has it.
pub(super) fn takes_connections(error: &ServerError, wanted: &Wanted) -> bool {
    error.code.starts_with("28") || error.code == "3D000" && wanted.database.is_none()
}

/// Why the server refuses.
pub(super) fn refused(error: &ServerError, wanted: &Wanted) -> Reason {
    let code = error.code.as_str();
    if code == "3D000" {
        return wanted.no_database().fact(Fact::Code(code.into()));
    }
    let (class, text) = meaning(code);
    let text = match text {
        Some(text) => text.to_owned(),
        None if code.is_empty() => "the server answers with an error without a code".into(),
        None => format!("the server answers with SQLSTATE {code}"),
    };
    Reason::new(class, text).fact(Fact::Code(code.into()))
}

/// The class of a SQLSTATE, and what it means in words.
fn meaning(code: &str) -> (&'static Class, Option<&'static str>) {
    match code {
        "57P03" => {
            (&class::SERVICE_STARTING, Some("the server takes no connections now: it starts or recovers"))
        }
        "57P01" | "57P02" => (&class::SERVICE_ERROR, Some("the server is shutting down")),
        "53300" => (&class::SERVICE_ERROR, Some("the server has no connection left for this user")),
        "28P01" => (&class::AUTH_DENIED, Some("the server refuses user and password")),
        "28000" => (&class::AUTH_DENIED, Some("the server does not let this user in from here")),
        "42501" => (&class::AUTH_DENIED, Some("the user may not do what is asked for")),
        // undefined_table, _schema, _column, _function, _object: what a migration creates.
        "42P01" | "3F000" | "42703" | "42883" | "42704" => {
            (&class::SERVICE_MISSING, Some("what the query names is not there"))
        }
        "57P04" => (&class::SERVICE_MISSING, Some("the database has been dropped")),
        "25006" => (&class::SERVICE_ROLE, Some("the server is read-only")),
        _ if code.starts_with("28") => (&class::AUTH_DENIED, None),
        _ => (&class::SERVICE_ERROR, None),
    }
}
