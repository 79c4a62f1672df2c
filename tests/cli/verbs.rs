//! The verbs beside waiting.

use serde_json::Value;

use crate::program::{Server, closed_port, finish, prereq, response, run};
use crate::validate::problems;

#[test]
fn explain_shows_each_layer_the_verdict_and_a_hint() {
    let web = Server::http(|_| response("503 Service Unavailable", "the database is starting"));
    let ran = run(&format!("explain http://{}/healthz", web.address));
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    for says in [
        "address ",
        "IPv4: connected",
        "response ",
        "503",
        "the database is starting",
        "content-length: 24",
        "proxy ",
        "[http.status]",
        "hint ",
    ] {
        assert!(ran.stdout.contains(says), "{says}\n{}", ran.stdout);
    }
    let ran = run(&format!("explain 127.0.0.1:{} --log-format json", closed_port()));
    let explained: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.status, explained["class"].as_str()), (1, Some("tcp.refused")));
    assert_eq!(explained["ready"], false);
    assert_eq!(run("explain file:/").status, 0);
    assert_eq!(run("explain not file:/does/not/exist").status, 0);
    assert_eq!(run("explain").status, 2);
    assert_eq!(run("explain file:/ -- true").status, 2);
}

#[test]
fn plan_sends_nothing_and_shows_what_would_be_done() {
    let server = Server::start(|_, _| {});
    let line =
        format!("plan file:/x then tcp://{0} or tcp://db:1#timeout=10s&successes=3 -t 2m", server.address);
    let ran = finish(prereq().args(line.split_whitespace()).env("PREREQ_INTERVAL", "100ms"));
    assert_eq!((ran.status, server.count()), (0, 0), "{}", ran.stderr);
    for says in [
        "3 preconditions, at most 2m",
        "one after the other:",
        "either:",
        "3 successes in a row",
        "given up after 10s",
        "PREREQ_INTERVAL=100ms",
        "--timeout 2m",
        "/etc/resolv.conf",
        "from 100ms",
    ] {
        assert!(ran.stdout.contains(says), "{says}\n{}", ran.stdout);
    }
}

#[test]
fn every_json_line_is_as_published() {
    let schema = run("schema");
    assert_eq!(schema.status, 0);
    let schema: Value = serde_json::from_str(&schema.stdout).unwrap();
    let closed = closed_port();
    for line in [
        format!("file:/ 127.0.0.1:{closed} --timeout 900ms --heartbeat 300ms -v"),
        format!("127.0.0.1:{closed}#optional&timeout=200ms file:/#successes=2 --confirm -v"),
        format!("127.0.0.1:{closed}#fail-on=tcp"),
        "dns:localhost tcp://localhost:1 --timeout 200ms -vv".to_owned(),
        "file:/ --termination-log /does/not/exist".to_owned(),
    ] {
        let ran = run(&format!("{line} --log-format json"));
        assert!(ran.stdout.lines().count() > 2, "{line}: {}", ran.stdout);
        for text in ran.stdout.lines() {
            let found = problems(&schema, &serde_json::from_str(text).unwrap());
            assert!(found.is_empty(), "{text}\n{found:?}");
        }
    }
}

#[test]
fn every_report_is_as_published() {
    let schema: Value = serde_json::from_str(&run("schema report").stdout).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let ran = run(&format!(
        "file:/ 127.0.0.1:{} --timeout 500ms --report {} --report {} --report {}",
        closed_port(),
        place("out.json").display(),
        place("out.svg").display(),
        place("out.xml").display(),
    ));
    assert_eq!(ran.status, 124, "{}{}", ran.stdout, ran.stderr);
    let report: Value = serde_json::from_slice(&std::fs::read(place("out.json")).unwrap()).unwrap();
    let found = problems(&schema, &report);
    assert!(found.is_empty(), "{found:?}");
    assert!(std::fs::read_to_string(place("out.svg")).unwrap().contains("tcp.refused"));
    assert!(std::fs::read_to_string(place("out.xml")).unwrap().contains("<failure"));
    assert_eq!(run("file:/ --report /does/not/exist/out.svg").status, 2);
    assert_eq!(run("file:/ --report out.txt").status, 2);
}

#[test]
fn the_manual_and_the_completions_know_every_option() {
    let manual = run("man");
    assert!(manual.status == 0 && manual.stdout.contains(".TH prereq"), "{}", manual.stdout);
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(&format!("completions {shell}"));
        assert!(ran.status == 0 && ran.stdout.contains("attempt-timeout"), "{shell}");
        assert!(ran.stdout.contains("manifest") && ran.stdout.contains("service-account"), "{shell}");
    }
    let ran = run("completions bahs");
    assert!(ran.status == 2 && ran.stderr.contains("did you mean 'bash'?"), "{}", ran.stderr);
    assert_eq!(run("schema evnts").status, 2);
}
