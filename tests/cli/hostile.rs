//! Servers that behave badly: the deadline holds, memory stays small, and the reason is told.

use std::io::Write as _;
use std::time::Duration;

use crate::besieged::{besieged, besieged_behind_tls};
use crate::program::{Ran, Server, finish, pause, prereq, read_head, run};

fn ends_in_time(ran: &Ran, class: &str) {
    assert_eq!(ran.status, 124, "{}", ran.stdout);
    let late = ran.took.abs_diff(Duration::from_secs(3));
    assert!(late < Duration::from_millis(100), "{:?}", ran.took);
    let story = ran.last(3).join("\n");
    assert!(story.contains(class) && story.contains("hint:"), "{}", ran.stdout);
}

#[test]
fn a_server_that_accepts_and_never_answers() {
    let server = Server::start(|_, _| pause(20_000));
    ends_in_time(&run(&format!("http://{}/ --timeout 3s", server.address)), "http.timeout");
    ends_in_time(&run(&format!("https://{}/ --timeout 3s", server.address)), "tls.timeout");
    ends_in_time(&run(&format!("tcp://{}#expect=hello --timeout 3s", server.address)), "tcp.data");
}

#[test]
fn attempts_that_time_out_are_told_once() {
    let server = Server::start(|_, _| pause(20_000));
    let ran = run(&format!("http://{}/ --attempt-timeout 150ms --timeout 2s", server.address));
    let told = ran.stdout.lines().filter(|line| line.contains("[http.timeout]")).count();
    assert_eq!((ran.status, told), (124, 2), "{}", ran.stdout);
    assert!(ran.stdout.contains("no response within 150ms"), "{}", ran.stdout);
}

#[test]
fn a_byte_a_second() {
    let server = Server::start(|mut stream, _| {
        for byte in b"HTTP/1.1 200 OK\r\n\r\n" {
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
            pause(1_000);
        }
    });
    ends_in_time(&run(&format!("http://{}/ --timeout 3s", server.address)), "http.timeout");
}

#[test]
fn an_endless_body_takes_neither_memory_nor_time() {
    let server = Server::start(|mut stream, _| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 16_000]).is_ok() {}
    });
    // Without an expectation the status decides.
    assert_eq!(run(&format!("http://{}/ --timeout 3s", server.address)).status, 0);
    // With one, a bounded part of the body is searched, again and again.
    let address = server.address;
    let ran = finish(prereq().args(["--timeout", "3s", &format!("http://{address}/#expect=ready")]));
    ends_in_time(&ran, "http.body");
}

#[test]
fn endless_headers() {
    let server = Server::start(|mut stream, _| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n").is_ok() {}
    });
    let ran = run(&format!("http://{}/ --timeout 3s", server.address));
    ends_in_time(&ran, "http.");
}

#[test]
fn memory_stays_small() {
    let server = Server::start(|mut stream, _| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 16_000]).is_ok() {}
    });
    let address = format!("http://{}/#expect=ready", server.address);
    let mut child = prereq().args(["--timeout", "2s", &address]).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let field = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        peak = peak.max(field.trim().trim_end_matches(" kB").parse().unwrap_or(0));
        pause(20);
    }
    assert!(peak > 0 && peak < 32_000, "{peak} kB");
}

#[test]
fn accepted_and_closed_is_not_open() {
    let server = Server::start(|stream, _| drop(stream));
    let ran = run(&format!("tcp://{}#hold=200ms --timeout 600ms", server.address));
    assert!(ran.status == 124 && ran.stdout.contains("tcp.closed"), "{}", ran.stdout);
    let ran = run(&format!("http://{}/ --timeout 600ms", server.address));
    assert!(ran.status == 124 && ran.stdout.contains("tcp.closed"), "{}", ran.stdout);
}

/// What a debug binary may take, whose code alone is several times that of the static one: that one is held to 16 MB by
/// `make real`.
const MOST: u64 = 40_000;

#[test]
fn every_kind_against_every_hostile_server() {
    besieged(env!("CARGO_BIN_EXE_prereq"), MOST);
}

#[test]
fn every_kind_against_hostile_servers_that_it_trusts() {
    besieged_behind_tls(env!("CARGO_BIN_EXE_prereq"), MOST);
}
