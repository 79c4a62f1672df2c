//! What the error numbers of MySQL and MariaDB mean here:
//! <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>,
//! <https://mariadb.com/docs/server/reference/error-codes/mariadb-error-code-reference>.

use super::codec::ServerError;
use crate::check::sql::Wanted;
use crate::check::{Class, Fact, Reason, class};

/// Whether an error shows that the server takes connections, to a client that does not say who it is: all that is wrong is the
/// user, the password or the rights, as `mysqladmin ping` has it.
pub(super) fn takes_connections(error: &ServerError, wanted: &Wanted) -> bool {
    matches!(error.code, 1044 | 1045 | 1251 | 1524 | 1698 | 1820 | 1862 | 3118 | 4151)
        || error.code == 1049 && wanted.database.is_none()
}

/// Why the server refuses.
pub(super) fn refused(error: &ServerError, wanted: &Wanted) -> Reason {
    let code = Fact::Code(error.code.to_string());
    if error.code == 1049 {
        return wanted.no_database().fact(code);
    }
    let (class, text) = meaning(error.code);
    let text = text.map_or_else(|| format!("the server answers with error {}", error.code), str::to_owned);
    Reason::new(class, text).fact(code)
}

/// The class of an error, and what it means in words.
fn meaning(code: u16) -> (&'static Class, Option<&'static str>) {
    use class::{AUTH_DENIED, AUTH_METHOD, SERVICE_ERROR, SERVICE_MISSING, SERVICE_ROLE, SERVICE_STARTING};
    let (class, text) = match code {
        1040 => (&SERVICE_ERROR, "the server has no connection left"),
        1203 | 1226 => (&SERVICE_ERROR, "the server has no connection left for this user"),
        1053 | 1077 | 1079 => (&SERVICE_ERROR, "the server is shutting down"),
        1129 => {
            (&SERVICE_ERROR, "the server has blocked this host: too many connections from here broke off")
        }
        3032 => (&SERVICE_ERROR, "the server is in offline mode"),
        3159 => (&SERVICE_ERROR, "the server takes no connections without TLS"),
        1045 | 1698 => (&AUTH_DENIED, "the server refuses user and password"),
        1044 => (&AUTH_DENIED, "the user may not use the database"),
        1130 => (&AUTH_DENIED, "the server lets nobody in from this host"),
        1142 | 1143 | 1227 | 1370 => (&AUTH_DENIED, "the user may not do what is asked for"),
        1820 | 1862 => (&AUTH_DENIED, "the user's password has expired"),
        3118 | 4151 => (&AUTH_DENIED, "the user is locked"),
        1251 | 1524 => (&AUTH_METHOD, "the server cannot authenticate this user"),
        // no_such_table, bad_field, sp_does_not_exist: what a migration creates.
        1146 | 1054 | 1305 => (&SERVICE_MISSING, "what the query names is not there"),
        1290 | 1836 => (&SERVICE_ROLE, "the server is read-only"),
        // What a node of a Galera cluster answers until it has joined.
        1047 => (&SERVICE_STARTING, "the node has not joined its cluster"),
        _ => return (&SERVICE_ERROR, None),
    };
    (class, Some(text))
}
