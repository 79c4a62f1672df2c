//! Hostile servers whose certificate is in order: what they say comes behind a handshake that succeeds.

use super::siege::{Case, Siege};
use super::stream::Entry;
use super::{AT_ONCE, HOSTILITIES, Hostility};

/// Those that come out differently behind TLS, or do not depend on what is below: each way to end, to flood, to trickle,
/// and to promise too much.
const CHOSEN: [&str; 19] = [
    "silence",
    "closed_at_once",
    "half_closed",
    "echo",
    "endless_zeros",
    "endless_lines",
    "byte_by_byte",
    "noise",
    "giant_length_unsigned",
    "giant_message",
    "giant_bulk_of_resp",
    "yes_to_all",
    "endless_headers",
    "endless_body",
    "redirects_for_ever",
    "http2_endless_resets",
    "http2_endless_pings",
    "http2_endless_continuation",
    "http2_endless_data",
];

/// Targets with TLS, and how they come to it; `CA` is the certificate to trust.
const TARGETS: [(Entry, &str); 15] = [
    (Entry::AtOnce, "https://HOST/#cacert=CA&expect=NEVER"),
    (Entry::AtOnce, "https://HOST/#cacert=CA&http2&expect=NEVER"),
    (Entry::AtOnce, "rediss://HOST#cacert=CA"),
    (Entry::AtOnce, "amqps://HOST#cacert=CA"),
    (Entry::AtOnce, "mqtts://HOST#cacert=CA"),
    (Entry::AtOnce, "grpcs://HOST#cacert=CA"),
    (Entry::AtOnce, "kafka+ssl://HOST#cacert=CA"),
    (Entry::AtOnce, "mongodb://HOST/?tls=true#cacert=CA"),
    (Entry::AtOnce, "elasticsearch://HOST#tls&cacert=CA"),
    (Entry::AtOnce, "clickhouse://HOST#tls&cacert=CA"),
    (Entry::AtOnce, "etcd://HOST#tls&cacert=CA"),
    (Entry::AtOnce, "k8s:job/never#kubeconfig=KUBECONFIG"),
    (Entry::Postgres, "postgres://HOST?sslmode=verify-full#cacert=CA"),
    (Entry::Mysql, "mysql://HOST?ssl-mode=VERIFY_IDENTITY#cacert=CA"),
    (Entry::Nats, "nats://HOST#tls&cacert=CA"),
];

/// Every scheme with TLS at each of these servers, if it is one of [`CHOSEN`].
pub(super) fn cases(servers: impl Fn(&Hostility) -> bool) -> Vec<Case> {
    let chosen: Vec<_> = HOSTILITIES
        .iter()
        .filter(|hostility| CHOSEN.contains(&hostility.name) && servers(hostility))
        .collect();
    let case = |hostility| {
        TARGETS.map(|(entry, target)| Case {
            hostility,
            target: target.into(),
            entry,
            ready: false,
            class: None,
        })
    };
    chosen.into_iter().flat_map(case).collect()
}

/// Lets every kind that speaks TLS wait for servers that it trusts, by `binary`, which may take `most` kB.
pub(crate) fn besieged_behind_tls(binary: &str, most: u64) {
    let cases = cases(|_| true);
    assert_eq!(cases.len(), CHOSEN.len() * TARGETS.len());
    Siege::of(binary, most).lay(cases, AT_ONCE);
}
