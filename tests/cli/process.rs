//! Faults of the process itself: signals in a storm, no descriptors, no memory, no space, nobody's rights.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::{Ran, Server, closed_port, finish, prereq};
use crate::signals::signal;

/// Runs `line` behind a shell's `setting`, such as a limit.
fn behind(setting: &str, line: &str) -> Ran {
    let mut shell = Command::new("/bin/sh");
    let script = format!("{setting} && exec \"$0\" {line}");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_prereq")]).env_clear();
    finish(shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
}

#[test]
fn a_storm_of_signals_is_one_end() {
    let line = format!("127.0.0.1:{}", closed_port());
    let mut child = prereq().arg(&line).spawn().unwrap();
    crate::program::pause(300);
    for _ in 0..20 {
        if child.try_wait().unwrap().is_none() {
            signal(&child, "TERM");
            signal(&child, "INT");
        }
    }
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).matches("ended by SIG").count();
    assert_eq!((output.status.code(), told), (Some(143), 1));
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
