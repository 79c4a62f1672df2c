//! `file:PATH` — something is at a path, and is as it should be.
//!
//! The file system is asked on a thread of its own, since a dead network mount blocks whoever asks it.

use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use regex_lite::Regex;

use super::{Attempt, Class, Cost, Draft, Evidence, Fact, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::aside::aside;
use crate::net::watch::Watch;
use crate::net::{Net, io_words};
use crate::plan::duration;
use crate::plan::problem::Problem;

/// At most so much of a file is searched.
const MOST: u64 = 1024 * 1024;

macro_rules! classes {
    ($($name:ident $code:literal $meaning:literal $causes:expr, $remedy:literal;)*) => {
        $(pub(super) static $name: Class = Class::new($code, Cost::Low, $meaning).causes(&$causes).remedy($remedy);)*
        static CLASSES: &[&Class] = &[$(&$name),*];
    };
}

classes! {
    MISSING "file.missing" "Nothing is at the path."
        ["what should write it has not done so yet", "a volume that is not mounted here", "a misspelt path",
         "a relative path, and another working folder than expected"],
        "Look at what should write the file, and whether the volume is mounted here.";
    KIND_DIFFERS "file.kind" "Something of another kind is at the path."
        ["a volume mounted as a folder where a file was meant", "a wrong `kind=`"],
        "Compare what is there with `kind=`.";
    DENIED "file.denied" "This process may not look at the path."
        ["a folder on the way that this user may not enter", "`runAsUser` without a fitting `fsGroup`"],
        "Check owner and mode of the file and of the folders above it.";
    UNREADABLE "file.unreadable" "The file system answers with an error."
        ["a network file system that lost its server", "a failing disk", "links that go round in a circle"],
        "Look at the mount, and at the kernel's log.";
    SIZE "file.size" "The file is smaller than it must be."
        ["it is still being written", "its writer failed half-way"],
        "Look at what writes it. One that is written aside and renamed is never seen half-written.";
    CONTENT "file.content" "The file does not contain what it must."
        ["it is still being written", "what is looked for stands behind its first MiB", "a mistake in `contains=`"],
        "Compare the file with `contains=`.";
    STALE "file.stale" "The file is older than it may be."
        ["it is left from an earlier run", "clocks that differ between its writer and this host"],
        "Look at what should renew it, and at `newer-than=`.";
    COUNT "file.count" "Fewer files match than must."
        ["some have not been written yet", "a pattern that does not fit"],
        "Compare the folder with the pattern and `min=`.";
    HANGS "file.timeout" "The file system does not answer."
        ["a network mount whose server is gone"],
        "Look at the mount.";
}

/// The kind `file`.
pub(super) static KIND: Kind = Kind {
    name: "file",
    schemes: &[Scheme::opaque("file", "file:PATH")],
    flag: Some("file"),
    summary: "a file, folder, socket or pipe exists; with *, ? or [ in PATH, as many as min= match",
    options: &[&[
        Opt::new(
            "kind",
            "file|dir|socket|fifo",
            "what must be at the path, links followed (default anything)",
        ),
        Opt::new("min-size", "SIZE", "smallest size: 1, 10k, 4Mi"),
        Opt::new("contains", "REGEX", "what must stand within the first MiB of it"),
        Opt::new(
            "newer-than",
            "DUR|start|PATH",
            "changed within DUR, since prereq started, or after PATH was",
        ),
        Opt::new("min", "N", "how many paths must match a pattern (default 1)"),
    ]],
    opposite: &[&MISSING],
    classes: CLASSES,
    build,
};

/// What must be at the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    File,
    Dir,
    Socket,
    Fifo,
}

#[derive(Debug, Clone)]
enum Newer {
    Within(Duration),
    Since(SystemTime),
    Than(PathBuf),
}

#[derive(Debug, Default)]
struct Expect {
    kind: Option<Wanted>,
    min_size: u64,
    contains: Option<Regex>,
    newer: Option<Newer>,
}

struct File {
    path: PathBuf,
    pattern: Option<glob::Pattern>,
    min: usize,
    expect: Arc<Expect>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let path = match draft.target.plain_path() {
        Ok(path) => path,
        Err(problem) => {
            draft.problem(problem);
            return None;
        }
    };
    if draft.target.host.is_some() {
        draft.problem(Problem::new("a file target has no host").hint("write file:/path or file:///path"));
    }
    if path.is_empty() || path.contains('\0') {
        draft.problem(Problem::new("the path is missing").hint("write file:/path"));
        return None;
    }
    let kind = draft.one_of("kind", &["file", "dir", "socket", "fifo"]).map(|kind| match kind {
        "file" => Wanted::File,
        "dir" => Wanted::Dir,
        "socket" => Wanted::Socket,
        _ => Wanted::Fifo,
    });
    let pattern = if path.contains(['*', '?', '[']) {
        match glob::Pattern::new(&path) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                draft.problem(
                    Problem::new(format!("not a pattern: {}", error.msg)).hint("a plain [ is written [[]"),
                );
                None
            }
        }
    } else {
        None
    };
    let min = draft.number("min", 1);
    if min.is_some() && pattern.is_none() {
        draft.problem(Problem::new("option min: the path is no pattern").hint("patterns hold *, ? or [a-z]"));
    }
    let expect = Expect {
        kind,
        min_size: draft.parsed("min-size", parse_size).unwrap_or_default(),
        contains: draft.regex("contains"),
        newer: draft.parsed("newer-than", parse_newer),
    };
    Some(Box::new(File { path: path.into(), pattern, min: min.unwrap_or(1), expect: Arc::new(expect) }))
}

fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" | "B" => 1,
        "k" | "kB" | "K" => 1000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "Ki" | "KiB" => 1024,
        "Mi" | "MiB" => 1024 * 1024,
        "Gi" | "GiB" => 1024 * 1024 * 1024,
        _ => 0,
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor).filter(|_| factor > 0))
        .ok_or_else(|| format!("'{text}' is not a size: write 1, 10k or 4Mi"))
}

fn parse_newer(text: &str) -> Result<Newer, String> {
    if text == "start" {
        return Ok(Newer::Since(SystemTime::now()));
    }
    if text.contains('/') {
        return Ok(Newer::Than(text.into()));
    }
    duration::parse(text)
        .map(Newer::Within)
        .map_err(|_| format!("'{text}' is neither a duration, 'start' nor a path with a '/' in it"))
}

impl Probe for File {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        async move {
            attempt.trace.doing(|| Reason::new(&HANGS, "the file system does not answer"));
            let (path, pattern, min) = (self.path.clone(), self.pattern.clone(), self.min);
            let expect = Arc::clone(&self.expect);
            let looked = aside(move || match pattern {
                Some(_) => several(&path, min, &expect),
                None => look(&path, &expect),
            });
            match looked.await {
                Ok(Ok(evidence)) => Verdict::Ready(evidence),
                Ok(Err(reason)) => Verdict::NotYet(reason),
                Err(error) => Verdict::NotYet(no_thread(&error)),
            }
        }
        .boxed_local()
    }

    fn watch(&self, net: &Rc<Net>) -> Option<Watch> {
        // The folder above the first part that is a pattern, or above the file itself.
        let parts = self.path.components();
        let plain: PathBuf = match self.pattern {
            Some(_) => parts
                .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
                .collect(),
            None => self.path.parent()?.to_owned(),
        };
        net.watcher.folder(if plain.as_os_str().is_empty() { Path::new(".") } else { &plain })
    }
}

/// The reason why nothing could be looked at.
pub(super) fn no_thread(error: &std::io::Error) -> Reason {
    Reason::new(&class::LOCAL_RESOURCES, format!("no thread can be started: {}", io_words(error)))
}

/// One path.
fn look(path: &Path, expect: &Expect) -> Result<Evidence, Reason> {
    let found = fs::metadata(path).map_err(|error| absent(path, &error))?;
    judge(&found, expect, SystemTime::now())?;
    if let Some(contains) = &expect.contains {
        search(path, &found, contains)?;
    }
    let evidence = Evidence::new(format!("{} is there", name_of(&found)));
    Ok(Evidence { fingerprint: Some(identity(&found)), ..evidence })
}

/// All paths that match a pattern.
fn several(pattern: &Path, min: usize, expect: &Expect) -> Result<Evidence, Reason> {
    let paths =
        glob::glob(&pattern.to_string_lossy()).map_err(|error| Reason::new(&UNREADABLE, error.msg))?;
    let mut fingerprint = 0_u64;
    let (mut matching, mut fitting) = (0, 0);
    let mut why = None;
    for path in paths.flatten() {
        matching += 1;
        match look(&path, expect) {
            Ok(evidence) => {
                fitting += 1;
                fingerprint =
                    fingerprint.wrapping_mul(31).wrapping_add(evidence.fingerprint.unwrap_or_default());
            }
            Err(reason) => why = why.or(Some(reason)),
        }
    }
    if fitting >= min {
        return Ok(Evidence { text: format!("{fitting} paths match"), fingerprint: Some(fingerprint) });
    }
    Err(match why {
        // Something matches, but is not as it should be.
        Some(reason) => Reason { text: format!("{fitting} of {min} paths fit; {}", reason.text), ..reason },
        None if matching == 0 => Reason::new(&MISSING, "no path matches"),
        None => Reason::new(&COUNT, format!("{matching} of {min} paths match")),
    })
}

/// Why there is nothing at `path`.
pub(super) fn absent(path: &Path, error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            if let Ok(link) = fs::read_link(path) {
                return Reason::new(
                    &MISSING,
                    format!("is a link to {}, which does not exist", link.display()),
                )
                .fact(Fact::Found("a dangling link"));
            }
            let missing = path
                .ancestors()
                .skip(1)
                .take_while(|above| !above.as_os_str().is_empty() && !above.exists())
                .last();
            match missing {
                Some(folder) => {
                    Reason::new(&MISSING, format!("does not exist, nor does {}", folder.display()))
                }
                None => Reason::new(&MISSING, "does not exist"),
            }
        }
        io::ErrorKind::PermissionDenied => Reason::new(&DENIED, "permission denied"),
        _ => Reason::new(&UNREADABLE, io_words(error)),
    }
}

/// Whether what was found is as it should be, its content apart.
fn judge(found: &Metadata, expect: &Expect, now: SystemTime) -> Result<(), Reason> {
    let kind = found.file_type();
    let fits = match expect.kind {
        None => true,
        Some(Wanted::File) => kind.is_file(),
        Some(Wanted::Dir) => kind.is_dir(),
        Some(Wanted::Socket) => kind.is_socket(),
        Some(Wanted::Fifo) => kind.is_fifo(),
    };
    if !fits {
        return Err(
            Reason::new(&KIND_DIFFERS, format!("is {}", name_of(found))).fact(Fact::Found(name_of(found)))
        );
    }
    if found.len() < expect.min_size {
        let text = if found.len() == 0 {
            "is empty".to_owned()
        } else {
            format!("is smaller than {} bytes", expect.min_size)
        };
        return Err(Reason::new(&SIZE, text));
    }
    let Some(newer) = &expect.newer else { return Ok(()) };
    let changed = found.modified().map_err(|error| Reason::new(&UNREADABLE, io_words(&error)))?;
    let (fits, than) = match newer {
        Newer::Within(age) => {
            (now.duration_since(changed).is_ok_and(|old| old <= *age) || changed > now, duration::exact(*age))
        }
        // A file system may keep times in steps of the kernel's clock tick.
        Newer::Since(start) => {
            (changed + Duration::from_millis(10) >= *start, "the start of prereq".to_owned())
        }
        Newer::Than(path) => match fs::metadata(path).and_then(|other| other.modified()) {
            Ok(other) => (changed > other, path.display().to_string()),
            Err(error) => {
                let reason = absent(path, &error);
                return Err(Reason {
                    text: format!("{} {}", path.display(), reason.text),
                    class: &STALE,
                    ..reason
                });
            }
        },
    };
    if fits { Ok(()) } else { Err(Reason::new(&STALE, format!("is older than {than}"))) }
}

/// Whether the beginning of a regular file has what it must.
fn search(path: &Path, found: &Metadata, contains: &Regex) -> Result<(), Reason> {
    // To open a pipe blocks, and may take from whoever it is for.
    if !found.is_file() {
        return Err(Reason::new(
            &KIND_DIFFERS,
            format!("is {}, and has no content to search", name_of(found)),
        )
        .fact(Fact::Found(name_of(found))));
    }
    let mut content = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MOST).read_to_end(&mut content))
        .map_err(|error| absent(path, &error))?;
    if contains.is_match(&String::from_utf8_lossy(&content)) {
        return Ok(());
    }
    Err(Reason::new(&CONTENT, "does not contain what it must"))
}

pub(super) fn name_of(found: &Metadata) -> &'static str {
    let kind = found.file_type();
    match () {
        () if kind.is_file() && found.len() == 0 => "an empty file",
        () if kind.is_file() => "a file",
        () if kind.is_dir() => "a folder",
        () if kind.is_socket() => "a socket",
        () if kind.is_fifo() => "a pipe",
        () => "a device",
    }
}

/// What changes when a file is written or replaced.
fn identity(found: &Metadata) -> u64 {
    [found.ino(), found.len(), found.mtime().cast_unsigned(), found.mtime_nsec().cast_unsigned()]
        .into_iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, part| (hash ^ part).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
