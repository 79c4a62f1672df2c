//! `exec:PROGRAM ARGUMENTS` — a program ends with status 0. There is no shell: the words are split as a shell would.
//!
//! The program runs in a process group of its own, which is killed when the attempt ends, however that is; so an
//! attempt leaves nothing behind, not even what the program had started.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use futures_util::future::{FutureExt as _, LocalBoxFuture};
use regex_lite::Regex;
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpgid};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::{Duration, Instant, timeout};

use super::{Attempt, Class, Cost, Draft, Evidence, Fact, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::io_words;
use crate::net::trace::Trace;
use crate::plan::problem::Problem;

/// At most so much of what the program prints is kept; the rest is read and dropped.
const MOST: usize = 64 * 1024;
/// How long its output is waited for after the program has ended: what it started may hold it open.
const DRAIN: Duration = Duration::from_millis(100);

/// The status is another one.
static STATUS: Class = Class::new(
    "exec.status",
    Cost::High,
    "The program ends with another status than expected, or by a signal.",
)
.causes(&[
    "what the program checks does not hold yet",
    "wrong arguments, or variables that the program needs and does not have",
])
.remedy("Run the program by hand, or with `prereq explain`, which shows what it prints.");
/// The output is another one.
static OUTPUT: Class =
    Class::new("exec.output", Cost::High, "The program ends well, but does not print what is expected.")
        .causes(&["what the program reports is not so yet", "a mistake in `expect=`", "output on stderr"])
        .remedy("Compare its standard output with `expect=`; `prereq explain` shows it.");
/// There is no such program. Final.
static MISSING: Class =
    Class::new("exec.missing", Cost::Low, "There is no such program here. It ends the wait.")
        .causes(&[
            "an image from scratch, which holds no other program, shell or C library",
            "a misspelt name, or a folder that is not in PATH",
            "a script whose interpreter, or a program whose loader, is not in the image",
        ])
        .remedy(
            "Put the program into the image, or use a kind that needs none: `tcp:` or `http:`, for example.",
        );
/// It cannot be executed.
static DENIED: Class = Class::new("exec.denied", Cost::Low, "The program is there, but cannot be executed.")
    .causes(&[
        "a mode without x",
        "a volume that is mounted with noexec",
        "a program for another architecture",
        "an image without `/dev/null`",
    ])
    .remedy("Check mode, owner and format of the file, and how its volume is mounted.");
/// It does not end.
static TIMEOUT: Class =
    Class::new("exec.timeout", Cost::High, "The program did not end in time, and was killed.")
        .causes(&[
            "a program that waits itself",
            "an `attempt-timeout` that is shorter than the program takes",
        ])
        .remedy("Have the program check once and end, or give it more time with `attempt-timeout`.");

/// The kind `exec`.
pub(super) static KIND: Kind = Kind {
    name: "exec",
    schemes: &[Scheme::command("exec", "exec:PROGRAM ARGUMENTS")],
    flag: Some("exec"),
    summary: "a program ends with status 0; it is run without a shell",
    options: &[&[
        Opt::new("status", "SET", "statuses that are expected: 0, 0-2, 7 (default 0)"),
        Opt::new("expect", "REGEX", "what its first 64 KiB of standard output must match"),
    ]],
    opposite: &[&STATUS],
    classes: &[&STATUS, &OUTPUT, &MISSING, &DENIED, &TIMEOUT],
    build,
};

struct Exec {
    program: String,
    arguments: Vec<String>,
    expect: Expect,
    /// Groups of earlier attempts of which something may still have to be reaped, when this process is the one to do it.
    left: RefCell<Vec<Pid>>,
}

struct Expect {
    status: Vec<std::ops::RangeInclusive<u8>>,
    output: Option<Regex>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let status = draft.parsed("status", parse_status).unwrap_or_else(|| vec![0..=0]);
    let expect = Expect { status, output: draft.regex("expect") };
    let words = draft.target.plain_path().and_then(|text| {
        let words = shlex::split(&text).ok_or_else(|| Problem::new("a quote is not closed"))?;
        if words.iter().any(|word| word.contains('\0')) {
            return Err(Problem::new("a word holds a zero byte"));
        }
        Ok(words)
    });
    let mut words = match words {
        Ok(words) => words.into_iter(),
        Err(problem) => {
            draft.problem(problem);
            return None;
        }
    };
    let Some(program) = words.next().filter(|program| !program.is_empty()) else {
        draft.problem(
            Problem::new("the program is missing").hint("write exec:pg_isready or 'exec:test -s /file'"),
        );
        return None;
    };
    Some(Box::new(Exec { program, arguments: words.collect(), expect, left: RefCell::default() }))
}

fn parse_status(text: &str) -> Result<Vec<std::ops::RangeInclusive<u8>>, String> {
    let range = |part: &str| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        (low <= high).then_some(low..=high)
    };
    text.split(',')
        .map(|part| {
            range(part).ok_or_else(|| format!("'{}' is no exit status: write 0, 0-2 or 1,7", part.trim()))
        })
        .collect()
}

impl Probe for Exec {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        async move {
            match self.run(attempt.trace).await {
                Err(reason) if reason.class == &MISSING => Verdict::Never(reason),
                ended => ended.into(),
            }
        }
        .boxed_local()
    }
}

impl Exec {
    async fn run(&self, trace: &Trace) -> Result<Evidence, Reason> {
        reap(&mut self.left.borrow_mut());
        let since = Instant::now();
        trace.doing(|| Reason::new(&TIMEOUT, "the program does not end"));
        let errors = if trace.explains() { Stdio::piped() } else { Stdio::null() };
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .process_group(0)
            .spawn();
        let mut group = Group::new(child.map_err(|error| self.not_run(&error))?, &self.left);
        let ended = group.ended().await;
        let (status, output, errors) = ended.map_err(|error| {
            Reason::new(
                &class::LOCAL_RESOURCES,
                format!("the program cannot be waited for: {}", io_words(&error)),
            )
        })?;
        trace.stage("program", since, || words(status));
        for (name, text) in [("stdout", &output), ("stderr", &errors)] {
            if trace.explains() && !text.is_empty() {
                let shown: String = String::from_utf8_lossy(text).chars().take(200).collect();
                trace.stage(name, since, || format!("{} bytes: {shown:?}", text.len()));
            }
        }
        self.expect.judge(status, &output)
    }

    /// The reason why the program could not be started.
    fn not_run(&self, error: &io::Error) -> Reason {
        let program = self.program.replace(char::is_control, "\u{FFFD}");
        let path = self.program.contains('/');
        match error.kind() {
            ErrorKind::NotFound if path && !Path::new(&self.program).exists() => {
                Reason::new(&MISSING, format!("there is no program {program}"))
            }
            ErrorKind::NotFound if !Path::new("/dev/null").exists() => Reason::new(
                &DENIED,
                format!("{program} cannot be executed: its input is /dev/null, which is not there"),
            ),
            // The file is there, so what is missing is what runs it.
            ErrorKind::NotFound if path => Reason::new(
                &MISSING,
                format!("{program} is there, but not the interpreter or loader that it needs"),
            ),
            ErrorKind::NotFound => Reason::new(&MISSING, format!("there is no program {program} in PATH")),
            ErrorKind::PermissionDenied => {
                Reason::new(&DENIED, format!("{program} cannot be executed: permission denied"))
            }
            _ if rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::NOEXEC) => {
                let what = "it has another format than programs here";
                Reason::new(&DENIED, format!("{program} cannot be executed: {what}"))
            }
            _ => {
                let why = io_words(error);
                Reason::new(&class::LOCAL_RESOURCES, format!("{program} cannot be started: {why}"))
            }
        }
    }
}

impl Expect {
    fn judge(&self, status: ExitStatus, output: &[u8]) -> Result<Evidence, Reason> {
        let expected = status.code().and_then(|code| u8::try_from(code).ok());
        if !expected.is_some_and(|code| self.status.iter().any(|range| range.contains(&code))) {
            let reason = Reason::new(&STATUS, words(status));
            return Err(match status.code() {
                Some(code) => reason.fact(Fact::Code(code.to_string())),
                None => reason,
            });
        }
        match &self.output {
            Some(expect) if !expect.is_match(&String::from_utf8_lossy(output)) => {
                let what =
                    if output.is_empty() { "prints nothing" } else { "does not print what is expected" };
                Err(Reason::new(&OUTPUT, format!("the program {what}")))
            }
            _ => Ok(Evidence::new(words(status))),
        }
    }
}

/// How a program ended, in words.
fn words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, signal) => format!("ended by signal {}", signal.unwrap_or_default()),
    }
}

/// A running program with all that it starts; killed when dropped.
struct Group<'a> {
    child: Child,
    id: Option<Pid>,
    left: &'a RefCell<Vec<Pid>>,
}

impl<'a> Group<'a> {
    fn new(child: Child, left: &'a RefCell<Vec<Pid>>) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { child, id, left }
    }

    /// Waits for its end; what it printed on standard output and, where that is kept, standard error.
    async fn ended(&mut self) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let status = {
            let read = async {
                futures_util::join!(keep(stdout, &mut output), keep(stderr, &mut errors));
            };
            let mut read = std::pin::pin!(read);
            tokio::select! {
                biased;
                () = &mut read => self.child.wait().await?,
                status = self.child.wait() => {
                    let _ = timeout(DRAIN, read).await;
                    status?
                }
            }
        };
        Ok((status, output, errors))
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // It has gone by itself if this fails.
            let _ = kill_process_group(id, Signal::KILL);
            self.left.borrow_mut().push(id);
        }
    }
}

/// Reaps what has ended of `groups`, and forgets those of which nothing is left. As PID 1 of a container, this process
/// inherits whatever its children leave behind.
fn reap(groups: &mut Vec<Pid>) {
    groups.retain(|group| {
        loop {
            match waitpgid(*group, WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    });
}

/// Reads to the end, and keeps the beginning.
async fn keep(stream: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let room = MOST.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
}

#[cfg(test)]
#[path = "exec_tests.rs"]
mod tests;
