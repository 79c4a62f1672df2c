//! SIGTERM and SIGINT end it at once, with what is known, in every phase.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::program::{Ran, Server, closed_port, pause, prereq, ran};

pub(crate) fn signal(child: &Child, name: &str) {
    signal_pid(&child.id().to_string(), name);
}

/// By the shell's own `kill`: a bare Debian has no program of that name.
fn signal_pid(pid: &str, name: &str) {
    let sent = Command::new("/bin/sh").args(["-c", "kill -s \"$0\" \"$1\"", name, pid]).status().unwrap();
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

/// As PID 1 the kernel ignores signals that are not caught. Needs leave to make a PID namespace, which root has;
/// elsewhere it goes by a user namespace.
#[test]
fn as_pid_1_it_ends_at_once_too() {
    let unshare = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child"]).args(arguments);
        command
    };
    let as_root = unshare(&["true"]).stderr(Stdio::null()).status().unwrap().success();
    let how: &[&str] = if as_root { &[] } else { &["--user", "--map-root-user"] };
    let silent = Server::start(|_, _| pause(20_000)).address;
    for target in
        [format!("127.0.0.1:{}", closed_port()), format!("http://{silent}/"), "delay:20s".to_owned()]
    {
        let mut command = unshare(how);
        command.args([env!("CARGO_BIN_EXE_prereq"), &target]).env_clear();
        command.env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn().unwrap();
        pause(500);
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let prereq = std::fs::read_to_string(children).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{}/status", prereq.trim())).unwrap();
        let inner = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap();
        assert_eq!(inner.split_whitespace().last(), Some("1"), "it is PID 1 there");
        signal_pid(prereq.trim(), "TERM");
        let began = SystemTime::now();
        let output = child.wait_with_output().unwrap();
        let ran = ran(&output, began.elapsed().unwrap());
        assert_eq!(ran.status, 143, "{target}");
        assert!(ran.took < Duration::from_millis(100), "{target}: {:?}", ran.took);
        assert!(ran.stdout.contains("ended by SIGTERM"), "{}", ran.stdout);
    }
}
