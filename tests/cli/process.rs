//! Faults of the process itself: signals in a storm, no descriptors, no memory, no space, nobody's rights.

use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Ran, Server, closed_port, finish, pause, prereq};

/// Runs `line` behind a shell's `setting`, such as a limit.
fn behind(setting: &str, line: &str) -> Ran {
    let mut shell = Command::new("/bin/sh");
    let script = format!("{setting} && exec \"$0\" {line}");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_prereq")]).env_clear();
    finish(shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
}

/// So many signals at least come before the end.
const STORM: usize = 20;

/// A pipe that can take nothing more, and how much is in it.
fn full_pipe() -> (PipeReader, PipeWriter, usize) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    let mut held = 0;
    while let Ok(more) = writer.write(b".") {
        held += more;
    }
    fcntl_setfl(&writer, flags).unwrap();
    (reader, writer, held)
}

/// Sends the two in turns from when it waits until it is gone; its status, and what it said. Standard output takes
/// nothing at first, which the end waits for: the reader comes when there was a [`STORM`].
fn storm(pair: [Signal; 2]) -> (Option<i32>, String) {
    let silent = Server::start(|_, _| pause(20_000));
    let folder = tempfile::tempdir().unwrap();
    let [message, report] = ["message", "report.json"].map(|name| folder.path().join(name));
    let (reader, writer, held) = full_pipe();
    let mut child = prereq()
        .arg(format!("http://{}/", silent.address))
        .arg(format!("--termination-log={}", message.display()))
        .arg(format!("--report={}", report.display()))
        .stdout(writer)
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    while silent.count() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it does not wait");
        pause(5);
    }
    let began = SystemTime::now();
    let (mut sent, mut reading) = (0, None);
    let status = loop {
        kill_process(pid, pair[sent % 2]).unwrap();
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => sent += 1,
        }
        // Faster than they can be taken they would leave it no time for anything else.
        pause(u64::from(sent >= STORM));
        if sent == STORM {
            let mut reader = reader.try_clone().unwrap();
            reading = Some(std::thread::spawn(move || {
                let mut said = Vec::new();
                reader.read_to_end(&mut said).map(|_| said)
            }));
        }
    };
    let took = began.elapsed().unwrap();
    assert!(sent >= STORM, "only {sent} signals came before the end");
    assert!(took < Duration::from_millis(200), "{took:?} after {sent} signals");
    let said = reading.unwrap().join().unwrap().unwrap();
    let said = String::from_utf8(said[held..].to_vec()).unwrap();
    // The end of what is printed is the message, which is whole, and so is the report.
    let message = std::fs::read_to_string(message).unwrap();
    assert!(message.contains("hint:") && said.ends_with(&message), "{said}\n{message}");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!(report["exit"].as_i64(), status.code().map(i64::from), "{report}");
    (status.code(), said)
}

#[test]
fn a_storm_of_signals_is_one_end() {
    let (status, said) = storm([Signal::TERM, Signal::INT]);
    assert_eq!((status, said.matches("ended by SIG").count()), (Some(143), 1), "{said}");
    assert!(said.contains("ended by SIGTERM after"), "{said}");
    // Both may have come before it looks: then it is told of SIGTERM.
    let (status, said) = storm([Signal::INT, Signal::TERM]);
    let told = [(130, "ended by SIGINT after"), (143, "ended by SIGTERM after")];
    assert!(told.iter().any(|(code, how)| status == Some(*code) && said.contains(how)), "{status:?}: {said}");
    assert_eq!(said.matches("ended by SIG").count(), 1, "{said}");
}

#[test]
fn with_few_descriptors_targets_take_turns() {
    let server = Server::start(|_, _| {});
    for limit in [16, 24] {
        let targets: Vec<String> =
            (0..100).map(|number| format!("'tcp://{}#name=t{number}'", server.address)).collect();
        let ran = behind(&format!("ulimit -n {limit}"), &format!("--timeout 10s {}", targets.join(" ")));
        assert_eq!(ran.status, 0, "{limit}: {}{}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.contains("local.resources"), "{limit}: {}", ran.stdout);
    }
}

#[test]
fn with_few_descriptors_what_is_unmet_is_told_by_its_own_reason() {
    let closed = closed_port();
    let targets: Vec<String> =
        (0..100).map(|number| format!("'tcp://127.0.0.1:{closed}#name=t{number}'")).collect();
    let ran = behind("ulimit -n 16", &format!("--timeout 2s {}", targets.join(" ")));
    assert!(ran.status == 124 && ran.took < Duration::from_secs(4), "{:?}: {}", ran.took, ran.stdout);
    assert!(ran.stdout.contains("tcp.refused") && !ran.stdout.contains("local.resources"), "{}", ran.stdout);
}

/// What the kernel gives for data, which is where the heap is; `ulimit -v` would count the debug binary's 60 MB of code.
#[test]
fn sixteen_megabytes_of_data_are_enough() {
    let server = Server::http(|_| crate::program::response("200 OK", &"x".repeat(900_000)));
    let line = format!("--timeout 5s 'http://{}/#expect=xxx'", server.address);
    let ran = behind("ulimit -d 16384", &line);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn no_space_for_the_message_is_a_warning() {
    for (target, status) in [("file:/".to_owned(), 0), (format!("127.0.0.1:{}", closed_port()), 124)] {
        let ran = finish(prereq().args([&target, "--timeout=300ms", "--termination-log=/dev/full"]));
        let told = ran.stdout.contains("warning: the termination message cannot be written");
        assert!(ran.status == status && told, "{}: {}", ran.status, ran.stdout);
    }
}

#[test]
fn the_longest_durations_overflow_nothing() {
    let longest = "213503d23h34m33s";
    for flag in ["--timeout", "--attempt-timeout", "--interval", "--max-interval", "--heartbeat"] {
        let ran = finish(prereq().args(["plan", flag, longest, "file:/"]));
        assert!(ran.status == 0, "{flag}: {}{}", ran.stdout, ran.stderr);
    }
    for flag in ["--timeout", "--attempt-timeout", "--max-interval", "--heartbeat"] {
        let ran = finish(prereq().args([flag, longest, "file:/"]));
        assert_eq!(ran.status, 0, "{flag}: {}{}", ran.stdout, ran.stderr);
    }
    for option in ["timeout", "attempt-timeout", "max-interval", "interval"] {
        let target = format!("file:/does/not/exist#{option}={longest}");
        let ran = finish(prereq().args([&target, "--timeout=300ms"]));
        assert_eq!(ran.status, 124, "{option}: {}{}", ran.stdout, ran.stderr);
    }
    let ran = finish(prereq().args([&format!("file:/#stable={longest}"), "--timeout=300ms"]));
    assert_eq!(ran.status, 124, "{}{}", ran.stdout, ran.stderr);
}
