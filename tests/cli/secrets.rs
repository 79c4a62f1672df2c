//! A secret never shows: in no output, at no verbosity, for no kind, whatever is wrong.

use std::io::Write as _;

use proptest::prelude::*;

use crate::program::{Server, finish, prereq, read_head, response};

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
    "nats://<S>@HOST",
    "mqtt://user:<S>@HOST#topic=t",
    "mqtt://HOST#user=me&password-file=FILE",
    "grpc://HOST#header=X-Anything:<S>",
    "grpc://HOST#bearer-file=FILE",
    "http://user:${SECRET}@HOST/",
    "http://HOST/#header=X-Token:${SECRET}",
    // Mistakes of every sort.
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
    for place in PLACES {
        for look in 0..LOOKS.len() {
            check(place, "hunter2/p@ss#w:rd", look, look % 2 == 0).unwrap();
        }
    }
}

fn check(place: &str, secret: &str, look: usize, ready: bool) -> Result<(), TestCaseError> {
    let status = if ready { "200 OK" } else { "401 Unauthorized" };
    // The server is a mirror, as a careless one would be.
    let server = Server::start(move |mut stream, _| {
        let head = read_head(&mut stream);
        let _ = stream.write_all(response(status, &head).as_bytes());
    });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(secret.as_bytes()).unwrap();
    let encoded = secret.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let target = place
        .replace("<S>", &encoded)
        .replace("<RAW>", "hunter2/p@ss#w:rd")
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
    prop_assert!([0, 2, 124].contains(&ran.status), "{target}: {}", ran.status);
    let message = std::fs::read_to_string(message.path()).unwrap();
    let reports = reports.map(|report| std::fs::read_to_string(report).unwrap_or_default()).concat();
    prop_assert_eq!(reports.is_empty(), ran.status == 2);
    let said = format!("{}{}{message}{reports}", ran.stdout, ran.stderr);
    for shown in [secret, encoded.as_str(), &secret[secret.len() - 4..], "hunter2", "w:rd"] {
        prop_assert!(!said.contains(shown), "{shown:?} of {target}:\n{said}");
    }
    Ok(())
}
