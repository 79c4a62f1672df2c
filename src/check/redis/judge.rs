//! What a server's replies mean. Errors are told by their prefix, which is the protocol's code for them.
//!
//! Sources: <https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors>, and the shared errors of
//! <https://github.com/redis/redis/blob/7.0.15/src/server.c>.

use regex_lite::Regex;

use super::codec::{Refusal, Reply};
use crate::check::service::shown;
use crate::check::{Class, Fact, Reason, class};

/// What a server was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// To let the user in: AUTH.
    LogIn,
    /// To take a database: SELECT.
    Select(u32),
    /// Whether it is there: PING.
    Ping,
    /// For a key: EXISTS, GETRANGE.
    Key(&'a str),
    /// For its role: ROLE.
    Role,
    /// For the state of its cluster: CLUSTER INFO.
    Cluster,
    /// For the address of a master: SENTINEL GET-MASTER-ADDR-BY-NAME.
    Sentinel(&'a str),
}

impl Step<'_> {
    /// What it is called in an explanation.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LogIn => "log-in",
            Self::Select(_) => "database",
            Self::Ping => "ping",
            Self::Key(_) => "key",
            Self::Role => "role",
            Self::Cluster => "cluster",
            Self::Sentinel(_) => "sentinel",
        }
    }

    fn command(self) -> &'static str {
        match self {
            Self::LogIn => "AUTH",
            Self::Select(_) => "SELECT",
            Self::Ping => "PING",
            Self::Key(_) => "the question for the key",
            Self::Role => "ROLE",
            Self::Cluster => "CLUSTER INFO",
            Self::Sentinel(_) => "SENTINEL GET-MASTER-ADDR-BY-NAME",
        }
    }
}

/// The server takes connections, but wants to know from whom.
pub(super) const NOAUTH: &str = "NOAUTH";

/// Why an error answers what was asked at `step`.
pub(super) fn refused(step: Step<'_>, refusal: &Refusal) -> Reason {
    let says = |class, text: &str| (class, text.to_owned());
    let (class, text): (&'static Class, String) = match (refusal.code.as_str(), step) {
        (NOAUTH, _) => says(&class::AUTH_DENIED, "the server asks for a password"),
        ("WRONGPASS", _) => says(&class::AUTH_DENIED, "the server refuses user and password"),
        // Its message may repeat what was sent. Servers before 6.0 say so of a wrong password, all of a password where
        // none is configured.
        ("ERR", Step::LogIn) => {
            says(&class::AUTH_DENIED, "the server does not take the password, or is configured without one")
        }
        (_, Step::LogIn) if !known(&refusal.code) => {
            says(&class::SERVICE_ERROR, "the server fails to log in")
        }
        ("NOPERM", step) => (&class::AUTH_DENIED, format!("the user may not ask: {}", step.command())),
        ("DENIED", _) => says(
            &class::AUTH_DENIED,
            "the server is in protected mode, and takes connections of its own host only",
        ),
        ("LOADING", _) => says(&class::SERVICE_STARTING, "the server is loading its data"),
        ("MASTERDOWN", _) => says(&class::SERVICE_ROLE, "the server is a replica without its master"),
        ("CLUSTERDOWN", _) => says(&class::SERVICE_ROLE, "the cluster is down"),
        ("MOVED" | "ASK", Step::Key(key)) => {
            let node = refusal.text.split(' ').nth(2).unwrap_or_default();
            (&class::SERVICE_ROLE, format!("key {key} is on another node of the cluster, {}", shown(node)))
        }
        ("ERR", Step::Select(number)) => (
            &class::SERVICE_MISSING,
            format!("the server has no database {number}: {}", shown(&refusal.text)),
        ),
        ("ERR", Step::Cluster) => says(&class::SERVICE_ROLE, "the server is no node of a cluster"),
        ("ERR", Step::Sentinel(_)) => says(&class::SERVICE_ROLE, "the server is no sentinel"),
        ("WRONGTYPE", Step::Key(key)) => (&class::SERVICE_ERROR, format!("key {key} holds no string")),
        (_, step) => (
            &class::SERVICE_ERROR,
            format!("the server answers {} to {}", shown(&refusal.text), step.command()),
        ),
    };
    Reason::new(class, text).fact(Fact::Code(shown(&refusal.code)))
}

/// Whether a prefix has a meaning whatever is asked.
fn known(code: &str) -> bool {
    matches!(code, "NOPERM" | "DENIED" | "LOADING" | "MASTERDOWN" | "CLUSTERDOWN")
}

/// A role that a server can be asked to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Where data is written.
    Master,
    /// A copy, in step with its master.
    Replica,
    /// One that watches over masters.
    Sentinel,
}

/// The names of the roles. (ROLE says «slave» for a replica.)
pub(super) const ROLES: &[&str] = &["master", "replica", "sentinel", "any"];

impl Role {
    /// The role of this name; none for `any`.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "master" => Some(Self::Master),
            "replica" => Some(Self::Replica),
            "sentinel" => Some(Self::Sentinel),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Replica => "replica",
            Self::Sentinel => "sentinel",
        }
    }
}

/// Whether the answer to ROLE shows this role: <https://redis.io/docs/latest/commands/role/>. `None` if it is no such
/// answer.
pub(super) fn role(wanted: Role, answer: &Reply) -> Option<Result<(), Reason>> {
    let Reply::Array(parts) = answer else { return None };
    let found = match parts.first()?.text()? {
        "master" => Role::Master,
        "slave" => Role::Replica,
        "sentinel" => Role::Sentinel,
        _ => return None,
    };
    let other = |text| Some(Err(Reason::new(&class::SERVICE_ROLE, text)));
    if found != wanted {
        return other(format!("the server is a {}, not a {}", found.name(), wanted.name()));
    }
    if found == Role::Replica {
        // The fourth part is the state of its link.
        return match parts.get(3)?.text()? {
            "connected" => Some(Ok(())),
            "sync" => other("the replica is still copying from its master".into()),
            state => other(format!("the replica is not connected to its master: {}", shown(state))),
        };
    }
    Some(Ok(()))
}

/// Whether the answer to CLUSTER INFO shows a sound cluster: <https://redis.io/docs/latest/commands/cluster-info/>.
pub(super) fn cluster(answer: &Reply) -> Option<Result<(), Reason>> {
    let state = answer.text()?.lines().find_map(|line| line.strip_prefix("cluster_state:"))?;
    Some(match state {
        "ok" => Ok(()),
        state => Err(Reason::new(&class::SERVICE_ROLE, format!("the cluster's state is {}", shown(state)))),
    })
}

/// Whether the answer to EXISTS shows that the key is there.
pub(super) fn exists(key: &str, answer: &Reply) -> Option<Result<(), Reason>> {
    match answer {
        Reply::Integer(0) => {
            Some(Err(Reason::new(&class::SERVICE_MISSING, format!("there is no key {key}"))))
        }
        Reply::Integer(_) => Some(Ok(())),
        _ => None,
    }
}

/// Whether the beginning of a value matches.
pub(super) fn value(key: &str, expect: &Regex, answer: &Reply) -> Option<Result<(), Reason>> {
    let Reply::Bulk(bytes) = answer else { return None };
    let text = format!("the value of key {key} does not match");
    let matches = expect.is_match(&String::from_utf8_lossy(bytes));
    Some(if matches { Ok(()) } else { Err(Reason::new(&class::SERVICE_MISSING, text)) })
}

/// The address that a sentinel gives for a master: host and port.
pub(super) fn address(name: &str, answer: &Reply) -> Option<Result<(String, u16), Reason>> {
    match answer {
        Reply::Null => {
            let text = format!("the sentinel knows no master {name}");
            Some(Err(Reason::new(&class::SERVICE_MISSING, text)))
        }
        Reply::Array(parts) => match &parts[..] {
            [host, port] => Some(Ok((host.text()?.to_owned(), port.text()?.parse().ok()?))),
            _ => None,
        },
        _ => None,
    }
}
