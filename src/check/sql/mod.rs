//! What the kinds of SQL databases have in common: what may be asked of one, and how it is told.

mod mode;
mod parameters;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use regex_lite::Regex;

use super::options::Credentials;
use super::{Draft, Opt, Reason, class, unix};
use crate::plan::problem::Problem;

pub(super) use mode::Mode;
pub(super) use parameters::{Parameter, Parameters};

/// What may be asked of a database, and where else it may be.
pub(super) static OPTIONS: &[Opt] = &[
    Opt::new("query", "SQL", "a statement that must return a row"),
    Opt::new("expect", "REGEX", "what the first value of that row must match"),
    Opt::new("table", "NAME", "a table or view that must be there: [SCHEMA.]TABLE"),
    Opt::new("role", "WORD", "what the server must be: primary, replica or any"),
    Opt::new("unix", "PATH", "unix socket to connect to instead of the host"),
];

/// What a server is to the others of its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It takes changes.
    Primary,
    /// It follows another.
    Replica,
}

impl Role {
    /// The role of a server that does or does not take changes.
    pub(super) fn of(writable: bool) -> Self {
        if writable { Self::Primary } else { Self::Replica }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Primary => "the primary",
            Self::Replica => "a replica",
        }
    }
}

/// The first row of a result, of which the first value is kept; NULL is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row(pub(super) Option<String>);

/// A statement of the user's.
#[derive(Debug)]
pub(super) struct Query {
    /// The statement; never shown.
    pub(super) sql: String,
    expect: Option<Regex>,
}

impl Query {
    /// Judges the first row, if there is one.
    pub(super) fn judge(&self, row: Option<Row>) -> Result<(), Reason> {
        let Some(Row(value)) = row else {
            return Err(Reason::new(&class::SERVICE_MISSING, "the query returns no row"));
        };
        match &self.expect {
            Some(expect) if !value.is_some_and(|value| expect.is_match(&value)) => {
                Err(Reason::new(&class::SERVICE_MISSING, "what the query returns does not match"))
            }
            _ => Ok(()),
        }
    }
}

/// What a target asks of a database.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// User and password; without a user nothing is asked but whether the server takes connections.
    pub(super) credentials: Credentials,
    /// The database in the path.
    pub(super) database: Option<String>,
    /// What the server must be.
    pub(super) role: Option<Role>,
    /// What must be there.
    pub(super) table: Option<Table>,
    /// What must return a row.
    pub(super) query: Option<Query>,
}

/// A table by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// The schema, if one is given.
    pub(super) schema: Option<String>,
    /// Its own name.
    pub(super) name: String,
}

impl Table {
    fn parse(text: &str) -> Result<Self, String> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        // Longer names than either kind of server has; both refuse control characters or never have them.
        let fits = |part: &str| !part.is_empty() && part.len() <= 255 && !part.contains(char::is_control);
        if name.contains('.') || !fits(name) || !schema.is_none_or(fits) {
            return Err("write [SCHEMA.]TABLE".into());
        }
        Ok(Self { schema: schema.map(str::to_owned), name: name.to_owned() })
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let schema = self.schema.iter().flat_map(|schema| [schema.as_str(), "."]);
        schema.chain([self.name.as_str()]).try_for_each(|part| f.write_str(part))
    }
}

impl Wanted {
    /// Reads what is asked out of `draft`; `role` is what a parameter of the query says about it.
    pub(super) fn read(draft: &mut Draft<'_>, role: Option<Role>) -> Self {
        let credentials = draft.credentials();
        let database = database(draft);
        let given = draft.one_of("role", &["primary", "replica", "any"]);
        let role = given.map_or(role, |word| match word {
            "primary" => Some(Role::Primary),
            "replica" => Some(Role::Replica),
            _ => None,
        });
        let expect = draft.regex("expect");
        if draft.text("expect").is_some() && draft.text("query").is_none() {
            draft.problem(Problem::new("option expect is about what a query returns").hint("add query=SQL"));
        }
        let query = draft.parsed("query", statement).map(|sql| Query { sql, expect });
        let table = draft.parsed("table", Table::parse);
        if credentials.user.is_none() {
            without_user(draft, credentials.password.is_some(), role.is_some());
        }
        let texts = [&credentials.user, &database];
        if texts.into_iter().flatten().any(|text| text.contains('\0')) {
            draft.problem(Problem::new("user and database have no zero bytes in their names"));
        }
        Self { credentials, database, role, table, query }
    }

    /// What has been found: ` lets app into shop, it is the primary, table users is there`.
    pub(super) fn found(&self, user: &str) -> String {
        let into = match &self.database {
            Some(database) => format!(" lets {user} into {database}"),
            None => format!(" lets {user} in"),
        };
        let role = self.role.map(|role| format!(", it is {}", role.words()));
        let table = self.table.as_ref().map(|table| format!(", table {table} is there"));
        let query = self.query.as_ref().map(|query| match query.expect {
            Some(_) => ", the query returns what it must".to_owned(),
            None => ", the query returns a row".to_owned(),
        });
        [Some(into), role, table, query].into_iter().flatten().collect()
    }

    /// Judges what the server is.
    pub(super) fn judge_role(&self, found: Role) -> Result<(), Reason> {
        match self.role {
            Some(wanted) if wanted != found => {
                let text = format!("the server is {}, not {}", found.words(), wanted.words());
                Err(Reason::new(&class::SERVICE_ROLE, text))
            }
            _ => Ok(()),
        }
    }

    /// Judges whether the table is there.
    pub(super) fn judge_table(&self, there: bool) -> Result<(), Reason> {
        match &self.table {
            Some(table) if !there => {
                Err(Reason::new(&class::SERVICE_MISSING, format!("there is no table {table}")))
            }
            _ => Ok(()),
        }
    }

    /// That there is no such database.
    pub(super) fn no_database(&self) -> Reason {
        let text = match &self.database {
            Some(database) => format!("there is no database {database}"),
            None => "there is no database of the user's name".into(),
        };
        Reason::new(&class::SERVICE_MISSING, text)
    }
}

/// The socket that the option `unix` names.
pub(super) fn socket(draft: &mut Draft<'_>) -> Option<PathBuf> {
    draft.parsed("unix", |path| match path.len() {
        0 => Err("the path is empty".into()),
        1..=unix::LONGEST if !path.contains('\0') => Ok(path.into()),
        _ => Err(format!("the path of a socket has at most {} bytes", unix::LONGEST)),
    })
}

fn statement(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the statement is empty".into()),
        sql if sql.contains('\0') => Err("a statement has no zero bytes".into()),
        sql => Ok(sql.to_owned()),
    }
}

/// The database that the path names.
fn database(draft: &mut Draft<'_>) -> Option<String> {
    let path = draft.target.path.strip_prefix('/').filter(|path| !path.is_empty())?;
    if path.contains('/') {
        draft.problem(
            Problem::new("a database is one part of a path").hint("write %2F for a '/' in its name"),
        );
        return None;
    }
    match draft.target.plain_path() {
        Ok(path) => path.strip_prefix('/').map(str::to_owned),
        Err(problem) => {
            draft.problem(problem);
            None
        }
    }
}

/// Notes what needs a user, where there is none.
fn without_user(draft: &mut Draft<'_>, password: bool, role: bool) {
    let options = ["query", "table"].into_iter().filter(|option| draft.text(option).is_some());
    let mut needy: Vec<String> = options.map(|option| format!("option {option}")).collect();
    needy.extend(role.then(|| "a role".to_owned()));
    needy.extend(password.then(|| "a password".to_owned()));
    let scheme = draft.target.scheme;
    for what in needy {
        draft.problem(
            Problem::new(format!("{what} needs a user"))
                .hint(format!("write {scheme}://USER@HOST, or add user=NAME")),
        );
    }
}
