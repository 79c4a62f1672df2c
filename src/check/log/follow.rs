//! Reading a file that grows, is truncated and is replaced: `tail -F`, without waiting.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use regex_lite::Regex;
use tokio::time::Instant;

use crate::check::file;

/// So much is read at once.
const PIECE: usize = 1024 * 1024;
/// Of a line that is longer, the beginning is searched.
const LONGEST: usize = 64 * 1024;
/// A last line without an end counts when it has stayed as it is for so long.
const SETTLED: Duration = Duration::from_secs(1);

/// What came of reading a piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// There is more to read.
    More,
    /// All that is there has been read: so many lines match, of so many.
    All { matches: u64, lines: u64 },
    /// At the path is something else than a file: what it is called.
    NoFile(&'static str),
}

/// Follows a file.
#[derive(Debug)]
pub(super) struct Follower {
    path: PathBuf,
    /// Whether the file that is there at first is read from its end on.
    from_end: bool,
    /// The file that is read; it stays open, so that its end is read after it was renamed.
    open: Option<(File, (u64, u64))>,
    lines: Lines,
}

impl Follower {
    pub(super) fn new(path: PathBuf, from_end: bool) -> Self {
        Self { path, from_end, open: None, lines: Lines::default() }
    }

    /// Reads the next piece, and counts the lines that match, until there are `min` of them.
    ///
    /// # Errors
    /// When there is no file, or it cannot be read.
    pub(super) fn read(&mut self, regex: &Regex, min: u64) -> io::Result<Read> {
        if self.lines.matches >= min {
            return Ok(self.lines.all());
        }
        let there = fs::metadata(&self.path);
        if self.open.is_none() {
            let there = match there.as_ref() {
                Ok(there) => there,
                Err(error) => {
                    // Whatever comes is new.
                    self.from_end = false;
                    return Err(io::Error::new(error.kind(), error.to_string()));
                }
            };
            if !there.is_file() {
                return Ok(Read::NoFile(file::name_of(there)));
            }
            let mut opened = File::open(&self.path)?;
            if std::mem::take(&mut self.from_end) {
                opened.seek(SeekFrom::End(0))?;
            }
            let identity = identity(&opened.metadata()?);
            self.open = Some((opened, identity));
        }
        let Some((opened, known)) = &mut self.open else { return Ok(self.lines.all()) };
        if opened.metadata()?.len() < opened.stream_position()? {
            // Truncated, as by «copytruncate»: it begins anew.
            opened.seek(SeekFrom::Start(0))?;
            self.lines.end(regex);
        }
        let mut piece = Vec::new();
        let count = opened.take(PIECE as u64).read_to_end(&mut piece)?;
        self.lines.feed(&piece, regex);
        if count == PIECE && self.lines.matches < min {
            return Ok(Read::More);
        }
        // This one is read to its end. If another has taken its place, that is read next.
        if there.is_ok_and(|there| there.is_file() && identity(&there) != *known) {
            self.lines.end(regex);
            self.open = None;
            return Ok(Read::More);
        }
        self.lines.settle(regex);
        Ok(self.lines.all())
    }
}

/// What tells one file from another.
fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Lines, out of pieces that end anywhere.
#[derive(Debug, Default)]
struct Lines {
    /// The beginning of a line whose end has not come.
    open: Vec<u8>,
    /// Since when that is as it is, unless it has been counted.
    since: Option<Instant>,
    counted: bool,
    total: u64,
    matches: u64,
}

impl Lines {
    fn all(&self) -> Read {
        Read::All { matches: self.matches, lines: self.total }
    }

    fn feed(&mut self, piece: &[u8], regex: &Regex) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            let room = LONGEST.saturating_sub(self.open.len());
            self.open.extend_from_slice(&text[..text.len().min(room)]);
            self.since = None;
            if ended {
                self.end(regex);
            }
        }
    }

    /// The line is over.
    fn end(&mut self, regex: &Regex) {
        if !self.counted {
            self.count(regex);
        }
        self.open.clear();
        (self.since, self.counted) = (None, false);
    }

    /// Counts a last line without an end, once nothing has been added to it for a while.
    fn settle(&mut self, regex: &Regex) {
        if self.open.is_empty() || self.counted {
            return;
        }
        if self.since.get_or_insert_with(Instant::now).elapsed() >= SETTLED {
            self.count(regex);
            self.counted = true;
        }
    }

    fn count(&mut self, regex: &Regex) {
        let line = self.open.strip_suffix(b"\r").unwrap_or(&self.open);
        self.total += 1;
        self.matches += u64::from(regex.is_match(&String::from_utf8_lossy(line)));
    }
}

/// The same lines come of a text however it is cut into pieces.
#[cfg(any(fuzzing, test))]
pub(super) fn fuzz(data: &[u8]) {
    let Some((at, text)) = data.split_first() else { return };
    let Ok(regex) = crate::check::options::parse_regex("a.b$") else { return };
    let (mut whole, mut cut) = (Lines::default(), Lines::default());
    whole.feed(text, &regex);
    let (left, right) = text.split_at(usize::from(*at).min(text.len()));
    cut.feed(left, &regex);
    cut.feed(right, &regex);
    assert_eq!((whole.total, whole.matches), (cut.total, cut.matches));
}
