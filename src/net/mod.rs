//! What the kinds share on the network: names, connections, TLS. Each stage is noted in the attempt's trace.

mod connect;
pub mod dial;
pub mod http;
pub mod resolve;
pub mod tls;
pub mod trace;
mod tries;
pub mod watch;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use crate::check::{Class, class};
use crate::plan::env::Env;

pub use tries::{OWN, Spare};

/// What is shared between the attempts of a run. Nothing in it is made before it is needed.
pub struct Net {
    /// The environment.
    pub env: Env,
    /// Whether the stages of attempts are kept.
    pub record: bool,
    /// Where the resolver's files are.
    pub files: ResolverFiles,
    resolver: resolve::Shared,
    pub(crate) tls: tls::Shared,
    /// The proxy for those preconditions that do not say.
    pub proxy: http::ProxyMode,
    /// Watched folders.
    pub watcher: watch::Watcher,
    /// Descriptors for tries beyond [`OWN`].
    pub spare: Spare,
}

/// The files that name resolution reads.
#[derive(Debug, Clone)]
pub struct ResolverFiles {
    /// Name servers and search list.
    pub resolv_conf: PathBuf,
    /// Static names.
    pub hosts: PathBuf,
}

impl Default for ResolverFiles {
    fn default() -> Self {
        Self { resolv_conf: "/etc/resolv.conf".into(), hosts: "/etc/hosts".into() }
    }
}

impl Net {
    /// The network as this process sees it.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self {
            env,
            record: false,
            files: ResolverFiles::default(),
            resolver: resolve::Shared::default(),
            tls: tls::Shared::default(),
            proxy: http::ProxyMode::default(),
            watcher: watch::Watcher::default(),
            spare: Spare::default(),
        }
    }
}

impl std::fmt::Debug for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Net").field("files", &self.files).finish_non_exhaustive()
    }
}

/// What an error of the operating system says, without its number: `permission denied`.
#[must_use]
pub fn io_words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// The class of an error of a connection, by its number: connect(2), accept on a full table, netfilter.
#[must_use]
pub fn io_class(error: &io::Error) -> &'static Class {
    use io::ErrorKind as Kind;
    use rustix::io::Errno;
    match error.kind() {
        Kind::ConnectionRefused => return &class::TCP_REFUSED,
        Kind::TimedOut => return &class::TCP_TIMEOUT,
        Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::UnexpectedEof
        | Kind::NotConnected => {
            return &class::TCP_CLOSED;
        }
        _ => {}
    }
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS | Errno::ADDRINUSE) => {
            &class::LOCAL_RESOURCES
        }
        _ => &class::TCP_UNREACHABLE,
    }
}
