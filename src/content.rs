//! The content of files, of which never more is read than their purpose can need: a path may lead to `/dev/zero`, or to
//! a pipe that nobody writes to.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// Bodies of requests, certificates, hosts files, kubeconfigs: at most 16 MiB.
pub const LONG: u64 = 16 * 1024 * 1024;
/// Passwords, tokens, name server settings: at most 1 MiB, as large as a Secret of Kubernetes can be.
pub const SHORT: u64 = 1024 * 1024;

/// All of a file or pipe. To be called before anything is waited for: a pipe is read until its writer ends.
///
/// # Errors
/// When it cannot be read, or has more than `most` bytes.
pub fn whole(path: impl AsRef<Path>, most: u64) -> io::Result<Vec<u8>> {
    bounded(File::open(path)?, most)
}

/// The same while something is waited for: what a pipe does not have now is an error, not a wait.
///
/// # Errors
/// As [`whole`], and when a pipe is empty.
pub fn now(path: impl AsRef<Path>, most: u64) -> io::Result<Vec<u8>> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let regular = file.metadata()?.is_file();
    let content = bounded(file, most)?;
    if content.is_empty() && !regular {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "nothing is in it"));
    }
    Ok(content)
}

/// The content as text.
///
/// # Errors
/// When it is none.
pub fn text(content: Vec<u8>) -> io::Result<String> {
    String::from_utf8(content).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

fn bounded(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(most + 1).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        let what = format!("more than {} MiB are in it", most / (1024 * 1024));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (size, fits) in [(0, true), (100, true), (101, false)] {
            std::fs::write(file.path(), vec![b'x'; size]).unwrap();
            for read in [whole(file.path(), 100), now(file.path(), 100)] {
                assert_eq!(read.ok().map(|content| content.len()), fits.then_some(size), "{size}");
            }
        }
        let error = whole("/dev/zero", SHORT).unwrap_err();
        assert_eq!(error.to_string(), "more than 1 MiB are in it");
    }

    #[test]
    fn a_pipe_is_never_waited_for_while_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(now(&pipe, SHORT).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let mut both = File::options().read(true).write(true).open(&pipe).unwrap();
        assert_eq!(now(&pipe, SHORT).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        io::Write::write_all(&mut both, b"complete").unwrap();
        // With its writer gone, what is in it is all there will be.
        let reader = OpenOptions::new().read(true).open(&pipe).unwrap();
        drop(both);
        assert_eq!(now(&pipe, SHORT).unwrap(), b"complete");
        drop(reader);
    }
}
