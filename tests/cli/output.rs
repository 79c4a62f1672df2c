//! What is printed, and what happens when it cannot be.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::Duration;

use crate::program::{closed_port, finish, pause, prereq, run};

#[test]
fn a_full_or_closed_output_changes_nothing() {
    let closed = closed_port();
    let unsatisfied = format!("127.0.0.1:{closed}");
    for full in [true, false] {
        for (target, status) in [("file:/", 0), (unsatisfied.as_str(), 124)] {
            let mut command = prereq();
            command.args([target, "--timeout", "400ms"]);
            if full {
                command.stdout(File::options().write(true).open("/dev/full").unwrap());
            } else {
                let (reader, writer) = std::io::pipe().unwrap();
                drop(reader);
                command.stdout(Stdio::from(writer));
            }
            let ran = finish(&mut command);
            assert_eq!(ran.status, status);
            assert!(ran.took < Duration::from_millis(900), "{:?}", ran.took);
        }
    }
}

#[test]
fn a_pipe_that_is_full_for_a_while_gets_every_line_whole() {
    const CAPACITY: usize = 65_536;
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    // Room for the first line only.
    let before = vec![b'x'; CAPACITY - 100];
    writer.write_all(&before).unwrap();
    let target = format!("127.0.0.1:{}", closed_port());
    let mut child = prereq().args([&target, "--timeout=600ms"]).stdout(Stdio::from(writer)).spawn().unwrap();
    // The second line comes right after the first, and finds no room.
    pause(300);
    assert!(rustix::io::ioctl_fionread(&reader).unwrap() > before.len() as u64);
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(124));
    let text = String::from_utf8(all.split_off(before.len())).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let beginnings = ["prereq 0.", "    0ms  tcp://", "prereq: timed out after ", "  tcp://", "    hint: "];
    assert_eq!(lines.len(), beginnings.len(), "{text}");
    assert!(lines.iter().zip(beginnings).all(|(line, beginning)| line.starts_with(beginning)), "{text}");
}

#[test]
fn a_refused_port_prints_few_lines_and_ends_with_the_cause() {
    let ran = run(&format!("127.0.0.1:{} --timeout 4s --heartbeat 1s", closed_port()));
    assert_eq!(ran.status, 124);
    assert_eq!(ran.stdout.lines().count(), 8, "{}", ran.stdout);
    assert!(ran.last(2)[0].contains("[tcp.refused]") && ran.last(1)[0].contains("hint: "), "{}", ran.stdout);
}

#[test]
fn json_is_one_object_a_line() {
    let ran = run(&format!(
        "file:/ 127.0.0.1:{} --timeout 1200ms --heartbeat 500ms --log-format json",
        closed_port()
    ));
    let lines: Vec<serde_json::Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events.first(), Some(&"start"));
    assert_eq!(events.last(), Some(&"end"));
    for event in ["ready", "reason", "heartbeat"] {
        assert!(events.contains(&event), "{event}: {events:?}");
    }
    let end = lines.last().unwrap();
    assert_eq!((end["exit"].as_u64(), end["outcome"].as_str()), (Some(124), Some("timed-out")));
    assert_eq!(end["preconditions"][1]["class"], "tcp.refused");
    assert!(end["preconditions"][1]["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
    assert!(lines.iter().all(|line| line["ts"].as_str().is_some_and(|ts| ts.ends_with('Z'))));
}

#[test]
fn the_termination_message_is_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("message");
    let log = format!("--termination-log={}", path.display());
    assert_eq!(finish(prereq().args(["file:/", &log])).status, 0);
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("prereq: file:/ is ready after"));
    let targets: Vec<String> = (0..500).map(|n| format!("file:/does/not/exist/{n}")).collect();
    assert_eq!(finish(prereq().args(targets).args([&log, "--timeout=1s"])).status, 124);
    let message = std::fs::read_to_string(&path).unwrap();
    assert!(message.len() <= 4096 && message.contains("500 of 500 not satisfied"), "{message}");
    // What cannot be written is a warning.
    let ran = run("file:/ --termination-log /does/not/exist");
    assert!(
        ran.status == 0 && ran.stdout.contains("warning: the termination message cannot be written"),
        "{}",
        ran.stdout
    );
}

#[test]
fn quiet_and_verbose() {
    let ran = run("file:/ -q");
    assert_eq!(ran.stdout.lines().count(), 1);
    let ran = run(&format!("127.0.0.1:{} -v --timeout 500ms", closed_port()));
    assert!(ran.stdout.contains(": attempt 3, "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("connect "), "{}", ran.stdout);
    let server = crate::program::Server::start(|_, _| {});
    let ran = run(&format!("tcp://{} -vv", server.address));
    assert!(ran.stdout.contains("  connect ") && ran.status == 0, "{}", ran.stdout);
}

#[test]
fn unused_proxy_variables_are_mentioned() {
    let ran = finish(
        prereq().args(["http://127.0.0.1:1/", "--timeout=200ms"]).env("http_proxy", "http://127.0.0.1:2"),
    );
    assert!(ran.stdout.contains("note: http_proxy is set and not used"), "{}", ran.stdout);
    assert!(ran.stdout.contains("tcp.refused"), "{}", ran.stdout);
}
