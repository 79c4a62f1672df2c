//! What a server's error codes and its answer to `hello` mean.
//!
//! Source: <https://www.mongodb.com/docs/manual/reference/error-codes/>,
//! <https://www.mongodb.com/docs/manual/reference/command/hello/>.

use super::message::Reply;
use crate::check::service::{Malformed, shown};
use crate::check::{Class, Fact, Reason, class};

/// The server does not know the command, as those before 4.4 do not know `hello`.
pub(super) const COMMAND_NOT_FOUND: i32 = 59;

const NOT_INITIATED: &str = "the server is not initiated into its replica set yet";

/// Which member of a deployment is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// One that takes writes: a primary, a server by itself, a router.
    Primary,
    /// A secondary.
    Secondary,
    /// Any that takes clients.
    Any,
}

impl Role {
    /// By its name in `role=`.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "primary" => Self::Primary,
            "secondary" => Self::Secondary,
            _ => Self::Any,
        }
    }
}

/// What a server is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is to become a member of a replica set, and has no configuration yet.
    Uninitiated,
    /// A server by itself.
    Standalone,
    /// A router of a sharded cluster.
    Router,
    /// The member of a replica set that takes writes.
    Primary,
    /// A member that follows it.
    Secondary,
    /// A member that only votes.
    Arbiter,
    /// A member that is none of these: starting, recovering, rolled back.
    Joining,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hello {
    /// What it is.
    pub(super) state: State,
    /// Its replica set.
    pub(super) set: Option<String>,
    /// Whether it knows a primary of it.
    pub(super) primary: bool,
    /// The highest version of the wire protocol.
    pub(super) wire: i32,
}

impl Hello {
    /// Reads the answer to `hello`, or to `isMaster`, its older name.
    pub(super) fn read(reply: &Reply) -> Result<Self, Malformed> {
        let set = reply.text("setName")?;
        let state = if reply.text("msg")? == Some("isdbgrid") {
            State::Router
        } else if set.is_none() {
            if reply.holds("isreplicaset")? { State::Uninitiated } else { State::Standalone }
        } else if reply.holds("isWritablePrimary")? || reply.holds("ismaster")? {
            State::Primary
        } else if reply.holds("secondary")? {
            State::Secondary
        } else if reply.holds("arbiterOnly")? {
            State::Arbiter
        } else {
            State::Joining
        };
        Ok(Self {
            state,
            set: set.map(str::to_owned),
            primary: state == State::Primary || reply.text("primary")?.is_some(),
            wire: reply.number("maxWireVersion")?.map_or(0, whole),
        })
    }

    /// What the server is, in words.
    pub(super) fn described(&self) -> String {
        let what = match self.state {
            State::Uninitiated => "member of no replica set yet",
            State::Standalone => "standalone server",
            State::Router => "router of a sharded cluster",
            State::Primary => "primary",
            State::Secondary => "secondary",
            State::Arbiter => "arbiter",
            State::Joining => "member",
        };
        match &self.set {
            Some(set) => format!("{what} of replica set {}", shown(set)),
            None => what.into(),
        }
    }
}

/// Judges what a server says of itself; with `set`, it must be of this replica set, which has a primary unless only this
/// server counts (`direct`).
pub(super) fn hello(found: &Hello, role: Role, set: Option<&str>, direct: bool) -> Result<(), Reason> {
    let starting = |text: &str| Err(Reason::new(&class::SERVICE_STARTING, text));
    let another = |text: String| Err(Reason::new(&class::SERVICE_ROLE, text));
    if found.state == State::Uninitiated {
        return starting(NOT_INITIATED);
    }
    match (set, found.set.as_deref()) {
        (Some(wanted), Some(is)) if wanted != is => {
            return another(format!("the server is a member of replica set {}, not of {wanted}", shown(is)));
        }
        (Some(wanted), None) => return another(format!("the server is no member of replica set {wanted}")),
        _ => {}
    }
    let wanted = match (role, found.state) {
        (_, State::Joining) => return starting("the member is neither primary nor secondary yet"),
        (Role::Any, state) => state != State::Arbiter,
        (Role::Primary, state) => matches!(state, State::Primary | State::Standalone | State::Router),
        (Role::Secondary, state) => state == State::Secondary,
    };
    if !wanted {
        return another(format!("the server answers as {}", found.described()));
    }
    match set {
        Some(set) if !direct && !found.primary => another(format!("replica set {set} has no primary")),
        _ => Ok(()),
    }
}

/// Judges whether a command succeeded.
pub(super) fn ok(reply: &Reply) -> Result<Result<(), Reason>, Malformed> {
    if reply.holds("ok")? {
        return Ok(Ok(()));
    }
    let name = reply.text("codeName")?.map(shown).unwrap_or_default();
    Ok(Err(code(code_of(reply)?, &name)))
}

/// The code of a command that failed; 0 when there is none.
pub(super) fn code_of(reply: &Reply) -> Result<i32, Malformed> {
    Ok(reply.number("code")?.map_or(0, whole))
}

/// What an error code means; `name` is the server's name for it.
pub(super) fn code(code: i32, name: &str) -> Reason {
    let (class, text): (&'static Class, String) = match code {
        // UserNotFound, AuthenticationFailed, and what a hosted server makes of them.
        11 | 18 | 8000 => (&class::AUTH_DENIED, "the server refuses user and password".into()),
        // Unauthorized.
        13 => (&class::AUTH_DENIED, "the server asks for a log-in, or the user may not do this".into()),
        // MechanismUnavailable.
        334 => (&class::AUTH_DENIED, "the server offers no log-in by SCRAM-SHA-256 to this user".into()),
        // NamespaceNotFound.
        26 => (&class::SERVICE_MISSING, "there is no such database or collection".into()),
        // NotYetInitialized.
        94 => (&class::SERVICE_STARTING, NOT_INITIATED.into()),
        // ShutdownInProgress, InterruptedAtShutdown.
        91 | 11600 => (&class::SERVICE_ERROR, "the server is shutting down".into()),
        // PrimarySteppedDown, NotWritablePrimary, InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk,
        // NotPrimaryOrSecondary.
        189 | 10107 | 11602 | 13435 | 13436 => {
            (&class::SERVICE_ROLE, format!("the server is not in the role for this: {name}"))
        }
        _ => {
            (&class::SERVICE_ERROR, format!("the server answers with error {code} {name}").trim_end().into())
        }
    };
    Reason::new(class, text).fact(Fact::Code(code.to_string()))
}

/// A number as an int32.
#[expect(clippy::cast_possible_truncation, reason = "a double that is no int32 becomes the nearest one")]
pub(super) fn whole(number: f64) -> i32 {
    number as i32
}
