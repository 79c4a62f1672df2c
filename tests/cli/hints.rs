//! Each condition set up for real: its class, and a hint of its own. No two causes have the same words.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use crate::program::{Ran, Server, closed_port, finish, pause, prereq, response};

fn attempt(target: &str, env: &[(&str, &str)]) -> Ran {
    finish(prereq().args(["--once", "--attempt-timeout=400ms", target]).envs(env.iter().copied()))
}

fn http(status: &'static str, headers: &'static str) -> String {
    let server = Server::http(move |_| {
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n")
    });
    format!("http://{}/", server.address)
}

#[test]
fn every_condition_has_its_class_and_its_own_hint() {
    let silent = Server::start(|_, _| pause(10_000)).address;
    let rude = Server::start(|stream, _| drop(stream)).address;
    let ssh = Server::start(|mut stream, _| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n");
        pause(1_000);
    })
    .address;
    let plain = Server::start(|mut stream, _| {
        // As nginx does when it is not spoken to in HTTP: an answer to the first bytes.
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(response("400 Bad Request", "").as_bytes());
    })
    .address;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    let file = |name: &str| format!("file:{}/{name}", folder.path().display());
    let closed = closed_port();
    let conditions: Vec<(&str, String, &str)> = vec![
        ("nothing listens", format!("tcp://127.0.0.1:{closed}"), "tcp.refused"),
        ("closed at once", format!("tcp://{rude}#hold=100ms"), "tcp.closed"),
        ("no TLS handshake", format!("https://{silent}/"), "tls.timeout"),
        ("no response", format!("http://{silent}/"), "http.timeout"),
        ("HTTP to SSH", format!("http://{ssh}/"), "http.protocol"),
        ("TLS to HTTP", format!("https://{plain}/"), "tls.protocol"),
        ("credentials wanted", http("401 Unauthorized", ""), "http.status"),
        ("forbidden", http("403 Forbidden", ""), "http.status"),
        ("no such page", http("404 Not Found", ""), "http.status"),
        ("wrong method", http("405 Method Not Allowed", ""), "http.status"),
        ("failing", http("500 Internal Server Error", ""), "http.status"),
        ("a proxy's backend", http("502 Bad Gateway", ""), "http.status"),
        ("not ready", http("503 Service Unavailable", ""), "http.status"),
        ("not ready until", http("503 Service Unavailable", "Retry-After: 7\r\n"), "http.status"),
        ("to a login page", http("302 Found", "Location: /login\r\n") + "#redirects=0", "http.status"),
        ("a loop", http("302 Found", "Location: /\r\n"), "http.redirect"),
        ("the wrong page", http("200 OK", "") + "#expect=fortune", "http.body"),
        ("no such file", file("missing"), "file.missing"),
        ("another kind", format!("file:{}#kind=file", folder.path().display()), "file.kind"),
        ("still empty", file("empty") + "#min-size=1", "file.size"),
        ("no such secret", format!("http://{plain}/#user=me&password-file=/does/not/exist"), "local.secret"),
        ("a check that fails", "exec:sh -c 'exit 3'".to_owned(), "exec.status"),
        ("other output", "exec:echo no#expect=yes".to_owned(), "exec.output"),
        ("not executable", format!("exec:{}/empty", folder.path().display()), "exec.denied"),
        ("a program that hangs", "exec:sleep 60".to_owned(), "exec.timeout"),
        ("still there", "not ".to_owned() + "file:/", "not.satisfied"),
    ];
    let mut hints: BTreeMap<String, &str> = BTreeMap::new();
    for (condition, target, class) in &conditions {
        let ran = match target.strip_prefix("not ") {
            Some(target) => finish(prereq().args(["--once", "not", target])),
            None => attempt(target, &[]),
        };
        assert_eq!(ran.status, 1, "{condition}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(&format!("[{class}]")), "{condition}: {}", ran.stdout);
        let hint = ran.last(1)[0]
            .trim()
            .strip_prefix("hint: ")
            .unwrap_or_else(|| panic!("{condition}: {}", ran.stdout));
        if let Some(other) = hints.insert(hint.to_owned(), condition) {
            panic!("'{condition}' and '{other}' have the same hint: {hint}");
        }
    }
    // A program that does not exist ends the wait, and says so in words of its own.
    for missing in ["exec:no-such-program-here", "exec:/no/such/program"] {
        let ran = attempt(missing, &[]);
        assert_eq!(ran.status, 3, "{}", ran.stdout);
        assert!(
            ran.stdout.contains("[exec.missing]") && ran.last(1)[0].contains("scratch"),
            "{}",
            ran.stdout
        );
        assert!(!hints.contains_key(ran.last(1)[0].trim().trim_start_matches("hint: ")), "{}", ran.stdout);
    }
    // In a Pod the same refusal has other causes.
    let ran = attempt(&format!("tcp://127.0.0.1:{closed}"), &[("KUBERNETES_SERVICE_HOST", "10.96.0.1")]);
    assert!(ran.stdout.contains("localhost is this Pod"), "{}", ran.stdout);
}

#[test]
fn ten_failures_fit_into_what_kubernetes_keeps_of_a_log() {
    let closed = closed_port();
    let targets: Vec<String> =
        (0..10).map(|n| format!("tcp://127.0.0.1:{closed}#name=service-{n}")).collect();
    let ran = finish(prereq().args(&targets).args(["--timeout=300ms"]));
    assert_eq!(ran.status, 124);
    let story = &ran.stdout[ran.stdout.len().saturating_sub(2048)..];
    assert!(story.lines().count() <= 80);
    for n in 0..10 {
        let line = story.lines().rev().find(|line| line.contains(&format!("service-{n}:")));
        assert!(line.is_some_and(|line| line.contains("[tcp.refused], for")), "{n}:\n{story}");
    }
    assert!(story.contains("timed out after") && story.contains("hint: "), "{story}");
}
