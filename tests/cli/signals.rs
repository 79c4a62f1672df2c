//! SIGTERM and SIGINT end it at once, with what is known, in every phase.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::program::{Ran, Server, closed_port, pause, prereq, ran};

pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Starts it, waits, sends the signal; what came of it, timed from the signal on.
fn signalled(line: &str, name: &str) -> Ran {
    let child = prereq().args(line.split_whitespace()).spawn().unwrap();
    pause(400);
    signal(&child, name);
    let began = SystemTime::now();
    let output = child.wait_with_output().unwrap();
    ran(&output, began.elapsed().unwrap())
}

#[test]
fn every_phase_ends_at_once() {
    let silent = Server::start(|_, _| pause(20_000)).address;
    let closed = closed_port();
    for line in [
        format!("127.0.0.1:{closed}"),
        format!("127.0.0.1:{closed} --interval 30s --max-interval 30s"),
        format!("http://{silent}/"),
        format!("https://{silent}/"),
        format!("tcp://{silent}#hold=20s --attempt-timeout 0"),
        "file:/does/not/exist".to_owned(),
        "delay:20s".to_owned(),
        format!("127.0.0.1:{closed} --splay 100s --timeout 200s"),
    ] {
        for (name, status) in [("TERM", 143), ("INT", 130)] {
            let ran = signalled(&line, name);
            assert_eq!(ran.status, status, "{line}");
            assert!(ran.took < Duration::from_millis(100), "{line}: {:?}", ran.took);
            assert!(
                ran.stdout.contains(&format!("prereq: ended by SIG{name} after")),
                "{line}: {}",
                ran.stdout
            );
        }
    }
}

#[test]
fn the_reason_is_told_when_it_is_ended() {
    let ran = signalled(&format!("127.0.0.1:{}", closed_port()), "TERM");
    assert!(ran.last(2).join("\n").contains("tcp.refused"), "{}", ran.stdout);
}

#[test]
fn a_reader_that_does_not_read_delays_nothing() {
    // The pipe is full after 64 KiB; nobody reads it.
    let line = format!("127.0.0.1:{} -v --interval 1ms --max-interval 1ms", closed_port());
    let mut child = prereq().args(line.split_whitespace()).stdout(Stdio::piped()).spawn().unwrap();
    pause(1_500);
    signal(&child, "TERM");
    let began = SystemTime::now();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(began.elapsed().unwrap() < Duration::from_millis(200));
}
