//! Every kind of precondition that talks to a host, against every hostile server: it is never ready, it ends in time,
//! it does not panic, and it stays small. Shared by the tests of the debug binary and those of the static one.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

mod http;
mod servers;
mod siege;
mod slow;
mod stream;
mod tls;
mod wire;

use std::time::Duration;

use prereq::check::KINDS;

use servers::HOSTILITIES;
use siege::{Case, Siege};
use stream::{Entry, Stream};

pub(crate) use tls::besieged_behind_tls;

/// So many waits are under way at once.
const AT_ONCE: usize = 36;
/// The same where each server sends as fast as it can.
const FLOODED_AT_ONCE: usize = 4;

/// A server that misbehaves.
struct Hostility {
    name: &'static str,
    /// What it does with a connection.
    serve: fn(Stream),
    /// The schemes that are rightly ready on it, because they ask for no more than it gives.
    enough_for: &'static [&'static str],
    /// How targets begin that hear nothing wrong from it, so that each attempt is cut short; and what is told of that.
    cut_short: &'static [(&'static str, &'static str)],
}

impl Hostility {
    /// Whether it sends without an end, so that what keeps all of it grows.
    fn floods(&self) -> bool {
        self.name.contains("endless") || self.name.starts_with("giant") || self.name == "noise"
    }
}

/// How targets of a scheme are written; `HOST` is the server's address, `NEVER` what no server says. Empty for what
/// talks to no host by TCP.
fn targets(scheme: &str) -> Vec<String> {
    match scheme {
        "tcp" => vec!["tcp://HOST#expect=NEVER".into()],
        "svc" => vec!["svc:hostile#expect=NEVER".into()],
        "http" => vec![
            "http://HOST/#expect=NEVER".into(),
            "http://HOST/#json=$.NEVER".into(),
            "http://HOST/#http2&expect=NEVER".into(),
            "http://HOST/#expect-header=NEVER:.".into(),
        ],
        "https" => vec!["https://HOST/#insecure&expect=NEVER".into()],
        "tls" => vec!["tls://HOST#insecure".into()],
        "k8s" => vec!["k8s:job/never#kubeconfig=KUBECONFIG".into()],
        "rabbitmq-management" => vec!["rabbitmq-management://me:password@HOST".into()],
        // One asks by datagrams, the others no host at all.
        "dns" | "unix" | "file" | "exec" | "delay" | "log" => Vec::new(),
        _ => vec![format!("{scheme}://HOST")],
    }
}

/// All schemes but those that only differ in name, with their targets.
fn all() -> Vec<(&'static str, String)> {
    let schemes = KINDS.iter().flat_map(|kind| kind.schemes).map(|scheme| scheme.name);
    schemes.flat_map(|scheme| targets(scheme).into_iter().map(move |target| (scheme, target))).collect()
}

/// Every kind at each of these servers.
fn cases(servers: impl Fn(&Hostility) -> bool) -> Vec<Case> {
    let servers = HOSTILITIES.iter().filter(|hostility| servers(hostility));
    let case = |hostility: &'static Hostility| {
        all().into_iter().map(move |(scheme, target)| Case {
            hostility,
            entry: Entry::Bare,
            ready: hostility.enough_for.contains(&scheme),
            class: hostility.cut_short.iter().find(|(of, _)| target.starts_with(of)).map(|(_, class)| *class),
            target,
        })
    };
    servers.flat_map(case).collect()
}

/// Lets every kind wait for each server, by `binary`, which may take `most` kB.
pub(crate) fn besieged(binary: &str, most: u64) {
    Siege::of(binary, most).lay(cases(|_| true), AT_ONCE);
}

/// The same, where those that never end send as fast as they can for a second, bare and behind TLS. Each attempt
/// may end so late.
pub(crate) fn besieged_at_full_speed(binary: &str, most: u64, late: Duration) {
    let cases = [cases(Hostility::floods), tls::cases(Hostility::floods)].concat();
    Siege::of(binary, most).at_full_speed(late).lay(cases, FLOODED_AT_ONCE);
}

/// `cargo test`, whose binary is slow, does not use it.
const _: fn(&str, u64, Duration) = besieged_at_full_speed;

fn pause(millis: u64) {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(Duration::from_millis(millis));
}
