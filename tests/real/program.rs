//! `prereq` itself, run to its end or watched while it waits.

use std::time::Duration;

use tokio::time::Instant;

use crate::net::{Net, Process, eventually};

/// Long enough that what is unmet has been looked at, short enough that a suite of such waits is quick.
pub(crate) const SHORT: Duration = Duration::from_millis(1500);
/// Above it a wait has hung, whatever its time-out.
const SLACK: Duration = Duration::from_secs(1);

pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) output: String,
    pub(crate) took: Duration,
}

/// A run that is not over.
pub(crate) struct Waiting<'a> {
    net: &'a Net,
    process: Process,
    log: String,
    begun: Instant,
}

/// Runs to the end, with a time-out of [`SHORT`].
pub(crate) fn prereq(net: &Net, words: &[&str]) -> Outcome {
    start_for(net, SHORT, words, &[]).finish(SHORT + SLACK)
}

pub(crate) fn prereq_with_env(net: &Net, words: &[&str], env: &[(&str, &str)]) -> Outcome {
    start_for(net, SHORT, words, env).finish(SHORT + SLACK)
}

/// Starts it with a time-out that no test is meant to reach.
pub(crate) fn start<'a>(net: &'a Net, words: &[&str]) -> Waiting<'a> {
    start_for(net, Duration::from_secs(20), words, &[])
}

/// The same for what takes its time to come up.
pub(crate) fn start_patiently<'a>(net: &'a Net, words: &[&str]) -> Waiting<'a> {
    start_for(net, Duration::from_secs(90), words, &[])
}

/// The same with a time-out of [`SHORT`], which it is meant to reach.
pub(crate) fn start_briefly<'a>(net: &'a Net, words: &[&str]) -> Waiting<'a> {
    start_for(net, SHORT, words, &[])
}

fn start_for<'a>(net: &'a Net, timeout: Duration, words: &[&str], env: &[(&str, &str)]) -> Waiting<'a> {
    let timeout = format!("{}ms", timeout.as_millis());
    let args: Vec<&str> = ["--timeout", &timeout].into_iter().chain(words.iter().copied()).collect();
    launch(net, &binary(), &args, env)
}

/// Runs to the end with a time-out of [`SHORT`], behind a shell's `script`, which becomes `"$0" "$@"` in the end. What it
/// mounts is seen by nobody else, and is gone afterwards.
pub(crate) fn prereq_behind(net: &Net, script: &str, words: &[&str]) -> Outcome {
    let (binary, timeout) = (binary(), format!("{}ms", SHORT.as_millis()));
    let own = ["-c", script, &binary, "--timeout", &timeout];
    let args: Vec<&str> = own.into_iter().chain(words.iter().copied()).collect();
    launch(net, "/bin/sh", &args, &[]).finish(SHORT + SLACK)
}

/// The debug binary, which is linked dynamically, by a clock of its own: what `clock` in the namespace's folder says
/// (`+1h`), anew whenever it is asked. The monotonic clock is the real one.
pub(crate) fn start_by_clock<'a>(net: &'a Net, words: &[&str]) -> Waiting<'a> {
    let settings = [
        "LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1".to_owned(),
        format!("FAKETIME_TIMESTAMP_FILE={}", net.path("clock")),
        "FAKETIME_NO_CACHE=1".to_owned(),
        "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
        env!("CARGO_BIN_EXE_prereq").to_owned(),
    ];
    let args: Vec<&str> = settings.iter().map(String::as_str).chain(words.iter().copied()).collect();
    launch(net, "env", &args, &[])
}

/// Runs to the end with a time-out of [`SHORT`]; also all paths that it looked at or opened.
pub(crate) fn prereq_traced(net: &Net, words: &[&str]) -> (Outcome, Vec<String>) {
    let (binary, trace, timeout) = (binary(), net.path("trace"), format!("{}ms", SHORT.as_millis()));
    let own =
        ["-f", "-qq", "-e", "trace=%file", "-e", "signal=none", "-o", &trace, &binary, "--timeout", &timeout];
    let args: Vec<&str> = own.into_iter().chain(words.iter().copied()).collect();
    let outcome = launch(net, "strace", &args, &[]).finish(SHORT + SLACK);
    let trace = net.read("trace");
    let paths: Vec<String> =
        trace.lines().filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect();
    assert!(paths.first() == Some(&binary), "not traced: {}", outcome.output);
    (outcome, paths)
}

fn launch<'a>(net: &'a Net, program: &str, args: &[&str], env: &[(&str, &str)]) -> Waiting<'a> {
    let log = format!("prereq-{}.log", fastrand::u64(..));
    // Before it starts: it cannot have ended early by this clock.
    let begun = Instant::now();
    let process = net.spawn(&log, program, args, env);
    Waiting { net, process, log, begun }
}

#[expect(clippy::disallowed_methods, reason = "says which binary is put to the test")]
pub(crate) fn binary() -> String {
    std::env::var("PREREQ").unwrap_or_else(|_| env!("CARGO_BIN_EXE_prereq").to_owned())
}

impl Waiting<'_> {
    fn output(&self) -> String {
        self.net.read(&self.log)
    }

    /// It is still waiting, and for this reason.
    pub(crate) fn until_it_says(&mut self, class: &str) {
        eventually(&format!("prereq says {class}"), Duration::from_secs(8), || {
            let output = self.output();
            let said = output.contains(class);
            assert!(said || self.process.is_running(), "ended without {class}:\n{output}");
            said
        });
        assert!(self.process.is_running(), "did not wait:\n{}", self.output());
    }

    /// It ends within `limit` from now.
    pub(crate) fn finish(mut self, limit: Duration) -> Outcome {
        let status = self.process.wait(limit);
        Outcome { status, output: self.output(), took: self.begun.elapsed() }
    }

    /// What it waited for has come: it ends at once, and well.
    pub(crate) fn ends_ready(self) -> Outcome {
        let outcome = self.finish(Duration::from_millis(2500));
        outcome.is_ready();
        outcome
    }
}

impl Outcome {
    pub(crate) fn is_ready(&self) {
        assert_eq!(self.status, Some(0), "not ready:\n{}", self.output);
    }

    /// It timed out, and said which target, why, and what to look at.
    pub(crate) fn is_unmet(&self, target: &str, class: &str) {
        self.is_unmet_by_one_of(target, &[class]);
    }

    pub(crate) fn is_unmet_by_one_of(&self, target: &str, classes: &[&str]) {
        let output = &self.output;
        assert_eq!(self.status, Some(124), "not the status of a time-out:\n{output}");
        assert!(self.took >= SHORT, "gave up early, after {:?}:\n{output}", self.took);
        assert!(classes.iter().any(|class| output.contains(class)), "none of {classes:?}:\n{output}");
        assert!(output.contains(target), "{target} is not named:\n{output}");
        assert!(output.lines().any(|line| line.contains("hint:")), "no hint:\n{output}");
    }
}
