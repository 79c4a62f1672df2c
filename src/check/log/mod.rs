//! `log:PATH#match=REGEX` — a line of a file matches; the file may be written to, truncated and rotated meanwhile.
//!
//! What has been read is not read again: the place is kept from attempt to attempt.

mod follow;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use regex_lite::Regex;
use tokio::time::Instant;

use self::follow::{Follower, Read};
use super::{Attempt, Class, Cost, Draft, Evidence, Kind, Opt, Probe, Reason, Scheme, Verdict, file};
use crate::aside::aside;
use crate::net::Net;
use crate::net::watch::Watch;
use crate::plan::problem::Problem;

/// No line matches.
static NO_MATCH: Class = Class::new("log.match", Cost::Low, "Too few lines of the file match so far.")
    .causes(&[
        "what writes the file has not come to that point",
        "output that is buffered and not written yet",
        "a mistake in `match=`, or a line that was written before `from=end`",
    ])
    .remedy("Look at the end of the file; compare its lines with `match=`.");

/// The kind `log`.
pub(super) static KIND: Kind = Kind {
    name: "log",
    schemes: &[Scheme::opaque("log", "log:PATH#match=REGEX")],
    flag: None,
    summary: "a line of the file matches `match`; the file may be rotated",
    options: &[&[
        Opt::new("match", "REGEX", "what a line must match"),
        Opt::new("from", "start|end", "where the file that is there at first is read from (default start)"),
        Opt::new("min", "N", "how many lines must match (default 1)"),
    ]],
    opposite: &[&NO_MATCH],
    classes: &[&NO_MATCH],
    build,
};

struct Log {
    path: PathBuf,
    regex: Arc<Regex>,
    min: u64,
    follower: Arc<Mutex<Follower>>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let regex = draft.regex("match");
    if draft.text("match").is_none() {
        draft.problem(Problem::new("option match is missing").hint("write log:/path#match=REGEX"));
    }
    let from_end = draft.one_of("from", &["start", "end"]) == Some("end");
    let min = draft.number("min", 1).unwrap_or(1);
    let path = match draft.target.plain_path() {
        Ok(path) if path.is_empty() || path.contains('\0') || draft.target.host.is_some() => {
            draft.problem(Problem::new("the path is missing").hint("write log:/path or log:///path"));
            return None;
        }
        Ok(path) => PathBuf::from(path),
        Err(problem) => {
            draft.problem(problem);
            return None;
        }
    };
    let follower = Arc::new(Mutex::new(Follower::new(path.clone(), from_end)));
    Some(Box::new(Log { path, regex: Arc::new(regex?), min, follower }))
}

impl Probe for Log {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }

    fn watch(&self, net: &Rc<Net>) -> Option<Watch> {
        let folder = self.path.parent()?;
        net.watcher.folder(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
    }
}

impl Log {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let since = Instant::now();
        attempt.trace.doing(|| Reason::new(&NO_MATCH, "the file is still being read"));
        // A piece at a time, so that an attempt can be cut short and the next one goes on.
        let (matches, lines) = loop {
            let (follower, regex, min) = (Arc::clone(&self.follower), Arc::clone(&self.regex), self.min);
            let piece = aside(move || {
                let mut follower = follower.lock().unwrap_or_else(PoisonError::into_inner);
                follower.read(&regex, min)
            });
            let read = match piece.await {
                Ok(read) => read.map_err(|error| self.not_read(&error))?,
                Err(error) => return Err(file::no_thread(&error)),
            };
            match read {
                Read::More => {}
                Read::All { matches, lines } => break (matches, lines),
                Read::NoFile(name) => {
                    return Err(Reason::new(&file::KIND_DIFFERS, format!("is {name}, not a file")));
                }
            }
        };
        attempt.trace.stage("read", since, || format!("{lines} lines so far, {matches} match"));
        if matches >= self.min {
            let what = if matches == 1 { "a line matches".into() } else { format!("{matches} lines match") };
            return Ok(Evidence::new(what));
        }
        Err(Reason::new(
            &NO_MATCH,
            match (lines, self.min) {
                (0, _) => "the file holds no line yet".to_owned(),
                (_, 1) => "no line matches".to_owned(),
                (_, min) => format!("{matches} of {min} lines match"),
            },
        ))
    }

    fn not_read(&self, error: &std::io::Error) -> Reason {
        file::absent(&self.path, error)
    }
}

/// Feeds the reader of lines with anything, in pieces.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    follow::fuzz(data);
}

#[cfg(test)]
mod tests;
