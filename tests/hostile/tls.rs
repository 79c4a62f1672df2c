//! Hostile servers whose certificate is in order: what they say comes behind a handshake that succeeds.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;

use super::stream::{Entry, identity};
use super::{AT_ONCE, HOSTILITIES, Hostility, SERVERS, accept, judge, kubeconfig_of, next, wait};

/// Those that come out differently behind TLS, or do not depend on what is below: each way to end, to flood, to trickle,
/// and to promise too much.
const CHOSEN: [&str; 18] = [
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

/// Lets every kind that speaks TLS wait for servers that it trusts, by `binary`, which may take `most` kB.
pub(crate) fn besieged_behind_tls(binary: &str, most: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (pem, config) = identity();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, pem).unwrap();
    let chosen = |hostility: &&Hostility| CHOSEN.contains(&hostility.name);
    let pairs =
        HOSTILITIES.iter().filter(chosen).flat_map(|hostility| TARGETS.map(|target| (hostility, target)));
    let left: Mutex<Vec<_>> = Mutex::new(pairs.collect());
    assert_eq!(left.lock().unwrap().len(), CHOSEN.len() * TARGETS.len());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SERVERS * AT_ONCE {
            scope.spawn(|| {
                while let Some((hostility, (entry, target))) = next(&left) {
                    let what = withstood(hostility, entry, target, (&ca, &config), (binary, most));
                    wrong.lock().unwrap().extend(what.map(|what| format!("{}: {what}", hostility.name)));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} waits went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What went wrong with one wait, for a server of its own.
fn withstood(
    hostility: &Hostility,
    entry: Entry,
    target: &str,
    (ca, config): (&Path, &Arc<ServerConfig>),
    (binary, most): (&str, u64),
) -> Option<String> {
    let trusted = Arc::new(AtomicUsize::new(0));
    let (config, serve, count) = (Arc::clone(config), hostility.serve, Arc::clone(&trusted));
    let address = accept(move |socket| {
        if let Ok(stream) = entry.enter(socket, &config) {
            count.fetch_add(1, Ordering::SeqCst);
            serve(stream);
        }
    });
    let ca = ca.display().to_string();
    let kubeconfig = format!("{ca}-{}", address.port());
    std::fs::write(&kubeconfig, cluster(address, &ca)).unwrap();
    let text =
        target.replace("HOST", &address.to_string()).replace("KUBECONFIG", &kubeconfig).replace("CA", &ca);
    // On a busy machine, a handshake takes its time.
    for times in [1, 5] {
        let outcome = wait(binary, address, text.clone(), times);
        let found = judge(&outcome, false, most);
        if found.is_some() || trusted.load(Ordering::SeqCst) > 0 {
            return found;
        }
    }
    Some(format!("{target}: no handshake was completed"))
}

fn cluster(address: SocketAddr, ca: &str) -> String {
    kubeconfig_of(&format!("server: 'https://{address}', certificate-authority: '{ca}'"))
}
