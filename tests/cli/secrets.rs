//! A secret never shows: in no output, at no verbosity, for no kind, whatever is wrong.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use crate::mirrors::mirror;
use crate::program::{Server, finish, prereq};

/// Where a secret may stand; `<S>` is the secret, percent-encoded where the target needs it.
const PLACES: &[&str] = &[
    "http://user:<S>@HOST/",
    "http://<S>@HOST/",
    "https://user:<S>@HOST/",
    "http://HOST/?token=<S>",
    "http://HOST/?api_key=<S>&x=1",
    "http://HOST/#header=Authorization:Bearer%20<S>",
    "http://HOST/#header=X-Anything:<S>",
    "http://HOST/#body=<S>&method=POST",
    "http://HOST/#user=me&password-file=FILE",
    "http://HOST/#user=me&password-env=SECRET",
    "http://HOST/#basic-auth-file=FILE",
    "http://HOST/#bearer-file=FILE",
    "http://HOST/#proxy=http://me:<S>@HOST",
    "tcp://HOST#send=<S>",
    "redis://user:<S>@HOST",
    "redis://:<S>@HOST/x",
    "mqtt://user:<S>@HOST#topic=t",
    "mqtt://HOST#user=me&password-file=FILE",
    "grpc://HOST#header=X-Anything:<S>",
    "grpc://HOST#bearer-file=FILE",
    "http://user:${SECRET}@HOST/",
    "http://HOST/#header=X-Token:${SECRET}",
    "redis://HOST#user=me&password-file=FILE",
    "kafka://user:<S>@HOST#mechanism=PLAIN",
    "kafka://user:<S>@HOST#topic=t",
    "kafka://HOST#user=me&password-env=SECRET&mechanism=PLAIN",
    "mongodb://user:<S>@HOST/db",
    "mongodb://HOST/db#user=me&password-file=FILE",
    "mysql://user:<S>@HOST/db",
    "mysql://HOST/db#user=me&password-env=SECRET",
    "postgres://HOST/db#user=me&password-file=FILE&table=t",
    "vault://HOST#header=X-Vault-Token:<S>",
    "consul://HOST#header=X-Consul-Token:<S>",
    "influxdb://HOST#header=Authorization:Token%20<S>",
    "elasticsearch://user:<S>@HOST",
    "etcd://HOST#user=me&password-file=FILE",
    "rabbitmq-management://me:<S>@HOST",
    "keycloak://HOST#bearer-file=FILE",
    "k8s:prod/job/migrate#kubeconfig=KUBECONFIG",
    "k8s:prod/job/migrate#kubeconfig=KUBECONFIG&context=broken",
    // What a program is given, and what it makes of it.
    "exec:/bin/echo '<RAW>' <S>#status=1",
    "exec:/bin/sh -c 'echo $SECRET; echo $SECRET >&2; exit 3'",
    "exec:/bin/sh -c 'echo $0' '<RAW>'#expect=NEVER",
    "exec:/does/not/exist --password=<S>",
    // Mistakes of every sort.
    "amqp://:<S>@HOST/%zz",
    "kafka://user:<S>@HOST#mechanism=NONE",
    "mongodb://user:<S>@HOST/db?password=<S>",
    "mysql://user:<S>@HOST/db?password=<S>",
    "vault://HOST#token=<S>",
    "exec:'/bin/echo <S>",
    "http://user:<S>@HOST:port/",
    "htp://user:<S>@HOST/",
    "user:<S>@HOST",
    "http://user:<S>@[::1/",
    "http://user:<S>@HOST/#status=2x",
    "http://user:<S>@HOST/#hedaer=a:<S>",
    "tcp://user:<S>@HOST",
    "http://HOST/#header=<S>",
    "http://HOST/#password=<S>",
    "postgres://user:<S>@HOST/db",
    "http://user:<RAW>@HOST/",
    "HTTP://user:<RAW>@HOST/x#name=y",
];

/// Where a server's refusal is told in its own words, which may repeat what it was sent.
const REPEATED: &[&str] = &[
    "nats://<S>@HOST",
    "nats://user:<S>@HOST",
    "nats://HOST#user=me&password-file=FILE",
    "amqp://user:<S>@HOST/vhost",
    "amqp://HOST#user=me&password-file=FILE&queue=q",
    "memcached://user:<S>@HOST",
    "memcached://HOST#user=me&password-file=FILE&key=k",
    "k8s:job/migrate#kubeconfig=KUBECONFIG",
];

/// Ways to look at it.
const LOOKS: [&[&str]; 5] = [&[], &["-v"], &["--log-format=json", "-vv"], &["-q"], &["-vv"]];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_shows(place in 0..PLACES.len(), secret in "[a-zA-Z0-9@/#:?&%$!*()+= ]{6,20}[A-Z]{4}", look in 0..LOOKS.len(), ready: bool) {
        check(PLACES[place], &secret, look, ready)?;
    }
}

#[test]
fn no_secret_shows_anywhere() {
    let shown = shown_of(PLACES);
    assert!(shown.is_empty(), "{shown:#?}");
}

#[test]
fn no_server_can_have_a_secret_shown() {
    let shown = shown_of(REPEATED);
    assert!(shown.is_empty(), "{shown:#?}");
}

/// What shows a secret, at every look.
fn shown_of(places: &'static [&'static str]) -> Vec<TestCaseError> {
    // Most of it is waiting for the end.
    std::thread::scope(|scope| {
        let every = |look: usize| {
            let check = |place: &&str| check(place, "hunter2/p@ss#w:rd", look, look.is_multiple_of(2)).err();
            places.iter().filter_map(check).collect::<Vec<TestCaseError>>()
        };
        let each: Vec<_> = (0..LOOKS.len()).map(|look| scope.spawn(move || every(look))).collect();
        each.into_iter().flat_map(|one| one.join().unwrap()).collect()
    })
}

fn check(place: &str, secret: &str, look: usize, ready: bool) -> Result<(), TestCaseError> {
    // The server is a mirror, as a careless one would be.
    let scheme = place.split_once(':').unwrap_or_default().0.to_owned();
    let words = REPEATED.contains(&place);
    let server = Server::start(move |stream, _| mirror(&scheme, ready, words, stream));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(secret.as_bytes()).unwrap();
    let mut kubeconfig = tempfile::NamedTempFile::new().unwrap();
    write!(kubeconfig, "{}", account(&server, secret)).unwrap();
    let encoded = secret.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let target = place
        .replace("<S>", &encoded)
        .replace("<RAW>", "hunter2/p@ss#w:rd")
        .replace("KUBECONFIG", kubeconfig.path().to_str().unwrap())
        .replace("FILE", file.path().to_str().unwrap())
        .replace("HOST", &server.address.to_string());
    let message = tempfile::NamedTempFile::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let reports = ["svg", "xml", "json"].map(|end| folder.path().join(format!("report.{end}")));
    let ran = finish(
        prereq()
            .args(LOOKS[look])
            .args(["--timeout=150ms", &target])
            .args(reports.iter().map(|report| format!("--report={}", report.display())))
            .arg(format!("--termination-log={}", message.path().display()))
            .env("SECRET", secret),
    );
    prop_assert!([0, 2, 3, 124].contains(&ran.status), "{target}: {}", ran.status);
    let message = std::fs::read_to_string(message.path()).unwrap();
    let reports = reports.map(|report| std::fs::read_to_string(report).unwrap_or_default()).concat();
    prop_assert_eq!(reports.is_empty(), ran.status == 2);
    let said = format!("{}{}{message}{reports}", ran.stdout, ran.stderr);
    let as_sent =
        ["", "user:", "me:", ":", "\0user\0", "\0me\0", "Bearer "].map(|who| format!("{who}{secret}"));
    let in_base64 =
        as_sent.iter().flat_map(|sent| [STANDARD_NO_PAD.encode(sent), URL_SAFE_NO_PAD.encode(sent)]);
    let in_base64: Vec<String> = in_base64.collect();
    let shown = [secret, encoded.as_str(), &secret[secret.len() - 4..], "hunter2", "w:rd"];
    for shown in shown.into_iter().chain(in_base64.iter().map(String::as_str)) {
        let line = said.lines().find(|line| line.contains(shown));
        prop_assert!(line.is_none(), "{shown:?} of {target}: {}", line.unwrap_or_default());
    }
    Ok(())
}

/// A kubeconfig with a token, in JSON, which is YAML. The user of its other context has a password, which is not taken.
fn account(server: &Server, secret: &str) -> serde_json::Value {
    serde_json::json!({
        "current-context": "c",
        "contexts": [
            {"name": "c", "context": {"cluster": "c", "user": "u"}},
            {"name": "broken", "context": {"cluster": "c", "user": "v"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{}", server.address)}}],
        "users": [
            {"name": "u", "user": {"token": secret}},
            {"name": "v", "user": {"username": "me", "password": secret}},
        ],
    })
}
