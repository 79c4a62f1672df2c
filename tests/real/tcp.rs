//! Connections: refused, lost on the way, back again.

use std::time::Duration;

use crate::faults::comes_back;
use crate::net::Net;
use crate::program::{prereq, start};
use crate::servers::{Named, Nginx, answer};

#[test]
#[ignore = "needs real servers: make real"]
fn an_open_port_is_ready_at_once() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "");
    let outcome = prereq(&net, &["tcp://127.0.0.1:8080"]);
    outcome.is_ready();
    assert!(outcome.took < Duration::from_millis(500), "took {:?}", outcome.took);
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_closed_port_is_refused() {
    let net = Net::new();
    prereq(&net, &["tcp://127.0.0.1:8080"]).is_unmet("127.0.0.1:8080", "tcp.refused");
    prereq(&net, &["not", "tcp://127.0.0.1:8080"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_that_starts_late_is_refused_until_it_is_up() {
    let net = Net::new();
    let mut waiting = start(&net, &["tcp://127.0.0.1:8080", "http://127.0.0.1:8080/"]);
    waiting.until_it_says("tcp.refused");
    let _nginx = Nginx::answering(&net, 200, "");
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_host_that_swallows_packets_times_out() {
    let net = Net::new();
    net.add_blackhole();
    prereq(&net, &["tcp://10.99.0.7:8080"]).is_unmet("10.99.0.7:8080", "tcp.timeout");
    // A time-out is not the opposite of a connection.
    prereq(&net, &["not", "tcp://10.99.0.7:8080"]).is_unmet("10.99.0.7:8080", "tcp.timeout");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_host_without_a_route_is_unreachable() {
    let net = Net::new();
    prereq(&net, &["tcp://10.99.0.7:8080"]).is_unmet("10.99.0.7:8080", "tcp.unreachable");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_host_that_comes_back_is_noticed_before_the_kernel_resends() {
    let net = Net::new();
    net.add_blackhole();
    let _nginx = Nginx::start(&net, &answer(200, "").replace("127.0.0.1:8080", "8080"));
    net.resend_late();
    let waiting = start(&net, &["--log-format", "json", "--attempt-timeout", "10s", "tcp://10.99.0.7:8080"]);
    comes_back(&net, waiting, || net.ip(&["addr", "add", "10.99.0.7/32", "dev", "lo"]));
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_live_address_is_enough_when_another_is_dead() {
    let net = Net::new();
    net.add_blackhole();
    let _named = Named::start(&net, "half A 10.99.0.7\nhalf A 127.0.0.1");
    let _nginx = Nginx::answering(&net, 200, "");
    prereq(&net, &["tcp://half.test:8080", "http://half.test:8080/"]).is_ready();
    prereq(&net, &["tcp://half.test:8080#addresses=all"]).is_unmet("half.test:8080", "tcp.timeout");
}

#[test]
#[ignore = "needs real servers: make real"]
fn both_families_of_localhost_are_tried() {
    let net = Net::new();
    let _named = Named::start(&net, "both A 127.0.0.1\nboth AAAA ::1");
    let _nginx = Nginx::start(&net, &answer(200, "").replace("127.0.0.1", "[::1]"));
    prereq(&net, &["tcp://[::1]:8080", ":8080", "tcp://both.test:8080", "http://both.test:8080/"]).is_ready();
    prereq(&net, &["tcp://both.test:8080#family=4"]).is_unmet("both.test:8080", "tcp.refused");
}

#[test]
#[ignore = "needs real servers: make real"]
fn either_of_two_is_enough_and_both_are_named_when_neither_is_there() {
    let net = Net::new();
    let nginx = Nginx::answering(&net, 200, "");
    let words = ["tcp://127.0.0.1:8081", "or", "tcp://127.0.0.1:8080"];
    prereq(&net, &words).is_ready();
    drop(nginx);
    let outcome = prereq(&net, &words);
    outcome.is_unmet("127.0.0.1:8080", "tcp.refused");
    outcome.is_unmet("127.0.0.1:8081", "tcp.refused");
}

#[test]
#[ignore = "needs real servers: make real"]
fn json_is_one_object_a_line_with_the_class_in_it() {
    let net = Net::new();
    let outcome = prereq(&net, &["--log-format", "json", "tcp://127.0.0.1:8080"]);
    assert_eq!(outcome.status, Some(124), "{}", outcome.output);
    let events: Vec<serde_json::Value> = outcome
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(events.iter().all(|event| event["event"].is_string()), "{}", outcome.output);
    assert!(events.iter().any(|event| event["class"] == "tcp.refused"), "{}", outcome.output);
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_path_that_may_not_be_looked_at_is_denied() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o700)).unwrap();
    // The build folder may be closed to others, so the program is copied to where nobody may run it.
    let binary = folder.path().join("prereq");
    std::fs::copy(crate::program::binary(), &binary).unwrap();
    let output = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&binary)
        .args(["--once", &format!("file:{}/x", closed.display())])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("[file.denied]") && said.contains("hint: ") && said.contains("runAsUser"),
        "{said}"
    );
}
