//! Kinds of preconditions: what each one is, how one attempt is made, and what it finds.
//!
//! A kind is one file here and one line in the list of kinds below. It says *whether* something holds now and, if not,
//! why; when to ask again, for how long, and what an opposite means is the engine's affair.

pub mod class;
#[cfg(any(fuzzing, test))]
pub mod fuzz;
pub mod options;
pub mod registry;

#[cfg(any(
    feature = "amqp",
    feature = "grpc",
    feature = "kafka",
    feature = "mongodb",
    feature = "mqtt",
    feature = "_sql"
))]
mod cursor;
mod jsonpath;
#[cfg(feature = "_scram")]
mod scram;
#[cfg(test)]
#[cfg(any(feature = "kafka", feature = "mongodb"))]
mod scram_peer;
#[cfg(test)]
#[cfg(feature = "_service")]
mod scripted;
#[cfg(feature = "_service")]
mod service;
#[cfg(feature = "_sql")]
mod sql;
mod talk;

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

pub use class::{Class, Cost};
pub use options::{Draft, Opt};

use crate::net::Net;
use crate::net::trace::Trace;
use crate::net::watch::Watch;
use crate::plan::problem::Problem;

macro_rules! kinds {
    ($($kind:ident $(if $feature:tt $schemes:tt)?,)*) => {
        $($(#[cfg(feature = $feature)])? mod $kind;)*

        /// Every kind that is compiled in, in the order in which help and documentation show them.
        pub static KINDS: &[&Kind] = &[$($(#[cfg(feature = $feature)])? &$kind::KIND,)*];

        /// The kinds that need a feature: the feature, and the schemes that come with it.
        pub static FEATURES: &[(&str, &[&str])] = &[$($(($feature, &$schemes),)?)*];
    };
}

// A new kind is one file in this folder and one line here. `if` a feature is on, the schemes behind it are known; if it
// is off, they are a mistake that names the feature.
kinds! {
    tcp,
    unix,
    tls,
    svc,
    http,
    dns,
    file,
    exec,
    delay,
    log if "log" ["log"],
    presets if "presets" [
        "elasticsearch", "opensearch", "etcd", "consul", "vault", "clickhouse", "influxdb", "minio", "prometheus",
        "keycloak", "rabbitmq-management"
    ],
    memcached if "memcached" ["memcached"],
    mysql if "mysql" ["mysql", "mariadb"],
    postgres if "postgres" ["postgres", "postgresql"],
    redis if "redis" ["redis", "rediss"],
    nats if "nats" ["nats"],
    mqtt if "mqtt" ["mqtt", "mqtts"],
    grpc if "grpc" ["grpc", "grpcs", "temporal"],
    amqp if "amqp" ["amqp", "amqps"],
    kafka if "kafka" ["kafka", "kafka+ssl"],
    mongodb if "mongodb" ["mongodb"],
    k8s if "k8s" ["k8s"],
}

/// A scheme by which targets of a kind are written.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "properties of a syntax that do not depend on one another")]
pub struct Scheme {
    /// The name before the colon.
    pub name: &'static str,
    /// How a target is written, for messages: `tcp://HOST:PORT`.
    pub form: &'static str,
    /// Whether `//HOST` follows.
    pub authority: bool,
    /// Whether the form without `//` is accepted too (`dns:NAME`).
    pub opaque: bool,
    /// Whether `?` begins a query (otherwise it is part of the path).
    pub query: bool,
    /// The port where none is given.
    pub port: Option<u16>,
    /// Whether a connection begins with a TLS handshake.
    pub tls: bool,
    /// Whether a user without a password may be a token, which is not shown.
    pub token: bool,
    /// Whether the path is a command line, of which only the first word is shown: arguments may hold secrets.
    pub command: bool,
}

impl Scheme {
    /// A scheme of the form `NAME://HOST…`, with a query.
    #[must_use]
    pub const fn url(name: &'static str, form: &'static str) -> Self {
        Self {
            name,
            form,
            authority: true,
            opaque: false,
            query: true,
            port: None,
            tls: false,
            token: false,
            command: false,
        }
    }

    /// A scheme of the form `NAME:…`, where everything is the path.
    #[must_use]
    pub const fn opaque(name: &'static str, form: &'static str) -> Self {
        Self { authority: false, opaque: true, query: false, ..Self::url(name, form) }
    }

    /// A scheme of the form `NAME:PROGRAM ARGUMENTS`.
    #[must_use]
    pub const fn command(name: &'static str, form: &'static str) -> Self {
        Self { command: true, ..Self::opaque(name, form) }
    }

    /// With a port for targets that give none.
    #[must_use]
    pub const fn port(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }

    /// With tokens in the place of users.
    #[must_use]
    pub const fn token(self) -> Self {
        Self { token: true, ..self }
    }

    /// With TLS from the first byte.
    #[must_use]
    pub const fn tls(self) -> Self {
        Self { tls: true, ..self }
    }
}

/// A kind of precondition.
pub struct Kind {
    /// Its name, which is also that of its first scheme.
    pub name: &'static str,
    /// The schemes that select it.
    pub schemes: &'static [Scheme],
    /// The typed flag that takes its targets, without dashes.
    pub flag: Option<&'static str>,
    /// When it is satisfied, in one line.
    pub summary: &'static str,
    /// Its options, in groups (own ones, TLS …).
    pub options: &'static [&'static [Opt]],
    /// The classes of failure that are a clean «no»: what `not` waits for.
    pub opposite: &'static [&'static Class],
    /// All classes that its attempts can report beside those of the network.
    pub classes: &'static [&'static Class],
    /// Makes the probe; problems are left in the draft.
    pub build: fn(&mut Draft<'_>) -> Option<Box<dyn Probe>>,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Kind {
    /// Whether it has an option of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all_options().any(|option| option.name == name)
    }

    /// All options of this kind, group by group.
    pub fn all_options(&self) -> impl Iterator<Item = &'static Opt> {
        self.options.iter().copied().flatten()
    }
}

/// What an attempt has to work with.
pub struct Attempt<'a> {
    /// The network, the resolver and what is shared between attempts.
    pub net: &'a Rc<Net>,
    /// Where the attempt notes what it is doing, so that it can be explained when it is cut short.
    pub trace: &'a Trace,
}

/// One attempt at a precondition; no policy.
pub trait Probe {
    /// Finds out whether the precondition holds now. The future may be dropped at any await.
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict>;

    /// Whether the attempt time-out applies. (The deadline always does.)
    fn bounded(&self) -> bool {
        true
    }

    /// What keeps every attempt from being made here, however long it is waited: a mistake in the surroundings. It is
    /// asked for before a wait, not when a plan is only looked at.
    fn lacks(&self) -> Option<Problem> {
        None
    }

    /// What an account must be allowed for attempts to succeed.
    fn access(&self) -> Vec<Access> {
        Vec::new()
    }

    /// Something that tells when another attempt is worth making before its time, if there is such a thing.
    fn watch(&self, net: &Rc<Net>) -> Option<Watch> {
        let _ = net;
        None
    }
}

/// What an account must be allowed to get, list and watch, for a precondition to be looked at in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource, in the plural: `deployments`.
    pub resource: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// The namespace, if it is not the Pod's own.
    pub namespace: Option<String>,
}

/// What an attempt found.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It holds.
    Ready(Evidence),
    /// It does not hold, and may later.
    NotYet(Reason),
    /// It will never hold.
    Never(Reason),
}

impl From<Result<Evidence, Reason>> for Verdict {
    fn from(found: Result<Evidence, Reason>) -> Self {
        match found {
            Ok(evidence) => Self::Ready(evidence),
            Err(reason) => Self::NotYet(reason),
        }
    }
}

/// What shows that a precondition holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// A lower-case fragment without secrets: `connected to 10.0.0.5:5432`.
    pub text: String,
    /// Identity of what was seen: `stable=` starts over when it changes.
    pub fingerprint: Option<u64>,
}

impl Evidence {
    /// Evidence in words.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), fingerprint: None }
    }
}

/// Why a precondition does not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The class of the failure.
    pub class: &'static Class,
    /// A lower-case fragment without secrets and without figures that change from attempt to attempt.
    pub text: String,
    /// What else is known, for hints and for machine-readable output.
    pub facts: Vec<Fact>,
}

impl Reason {
    /// A reason without further facts.
    pub fn new(class: &'static Class, text: impl Into<String>) -> Self {
        Self { class, text: text.into(), facts: Vec::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, fact: Fact) -> Self {
        self.facts.push(fact);
        self
    }

    /// Whether this says the same as `other`, apart from facts.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.class == other.class && self.text == other.text
    }
}

/// Something that an attempt learned, by which hints are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// The address that was talked to.
    Peer(std::net::SocketAddr),
    /// The name that was looked up, with the search domains that were tried.
    Searched {
        /// The name as given.
        name: String,
        /// The search list.
        search: Vec<String>,
    },
    /// The name servers that were asked.
    NameServers(Vec<std::net::SocketAddr>),
    /// An HTTP status.
    Status(u16),
    /// Where a redirect leads.
    Location(String),
    /// The `Retry-After` header.
    RetryAfter(String),
    /// The names in the peer's certificate.
    CertificateNames(Vec<String>),
    /// What the peer spoke instead of what was asked of it.
    Spoke(&'static str),
    /// What is at a path instead of what was asked for.
    Found(&'static str),
    /// The certificate's time has not begun.
    NotValidYet,
    /// The service's own code for what is wrong: a SQLSTATE, an error number, the prefix of an error.
    Code(String),
    /// What the service's protocol is called.
    Protocol(&'static str),
    /// What an account must be granted.
    Rule {
        /// Where the rule belongs: `a Role in namespace shop`.
        role: String,
        /// The rule, as an entry of `rules`.
        rule: String,
    },
    /// The attempt ended because its time was up.
    Cut,
}
