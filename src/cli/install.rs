//! `prereq install PATH`: the running binary, copied to where another container finds it.
//!
//! An init container of this image does so into a volume, for a main container whose image has no such program.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::verb::print;
use super::{complain, error, help};
use crate::net::io_words;
use crate::plan::problem::Problem;

/// What the copy is called in a folder.
const NAME: &str = "prereq";
/// Where Linux shows the program that runs (proc(5)).
const RUNNING: &str = "/proc/self/exe";

/// Carries out the verb: status 0 when the copy is in place, 1 when it is not, 2 when PATH is not understood.
pub(super) fn installed(argv: &[OsString]) -> Exit {
    let place = match place(argv.get(1..).unwrap_or_default()) {
        Ok(Some(place)) => place,
        Ok(None) => return print(&help::of_verb("install")),
        Err(problem) => {
            error::render(&[problem], &mut io::stderr());
            return Exit::Usage;
        }
    };
    let copied = running(Path::new(RUNNING), argv.first().map(OsString::as_os_str))
        .and_then(|binary| copy(binary, &place).map_err(|error| unwritten(&place, &error)));
    match copied {
        Ok(bytes) => print(&format!(
            "prereq {}: installed as {}, {bytes} bytes\n",
            env!("CARGO_PKG_VERSION"),
            place.display()
        )),
        Err(why) => complain(Exit::Unsatisfied, &why),
    }
}

/// Where the copy goes; `None` when help is wanted.
fn place(words: &[OsString]) -> Result<Option<PathBuf>, Problem> {
    let usage = "write prereq install PATH: a file, or a folder in which it is called prereq";
    match words {
        [word] if word == "-h" || word == "--help" => Ok(None),
        [word] if word.is_empty() => Err(Problem::new("the path is empty").at("install").hint(usage)),
        [word] if word.as_encoded_bytes().starts_with(b"-") => {
            Err(Problem::new("takes no options").at("install").hint(usage))
        }
        [word] => {
            let folder = Path::new(word).is_dir() || word.as_encoded_bytes().ends_with(b"/");
            Ok(Some(if folder { Path::new(word).join(NAME) } else { word.into() }))
        }
        [] => Err(Problem::new("the path is missing").at("install").hint(usage)),
        _ => Err(Problem::new("there is more than one path").at("install").hint(usage)),
    }
}

/// The binary of this process: what Linux says it is or, without a /proc, what it was started as.
fn running(link: &Path, started_as: Option<&OsStr>) -> Result<File, String> {
    let error = match File::open(link) {
        Ok(binary) => return Ok(binary),
        Err(error) => error,
    };
    let path = started_as.filter(|name| name.as_encoded_bytes().contains(&b'/'));
    path.and_then(|path| File::open(path).ok()).ok_or_else(|| {
        format!(
            "the running program cannot be read: {}: {}; where /proc is not mounted, start it by its whole path",
            link.display(),
            io_words(&error)
        )
    })
}

fn unwritten(place: &Path, error: &io::Error) -> String {
    let folder = folder_of(place);
    if error.kind() == io::ErrorKind::NotFound && !folder.exists() {
        return format!("cannot write {}: the folder {} does not exist", place.display(), folder.display());
    }
    format!("cannot write {}: {}", place.display(), io_words(error))
}

fn folder_of(place: &Path) -> &Path {
    match place.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Copies `binary` to `place`, which at no time holds a part of it; how many bytes there are. A program that runs
/// from `place` keeps its file.
fn copy(mut binary: File, place: &Path) -> io::Result<u64> {
    // The process number alone is 1 in every container that shares the volume.
    let temporary = folder_of(place).join(format!(".{NAME}-{:016x}", fastrand::u64(..)));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    let written = io::copy(&mut binary, &mut file)
        .and_then(|bytes| file.set_permissions(Permissions::from_mode(0o755)).map(|()| bytes))
        .and_then(|bytes| file.sync_all().map(|()| bytes))
        .and_then(|bytes| std::fs::rename(&temporary, place).map(|()| bytes));
    if written.is_err() {
        // What failed is told; that a part of it may be left is secondary.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> Result<Option<PathBuf>, String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        place(&words).map_err(|problem| problem.what)
    }

    #[test]
    fn a_folder_is_completed_and_mistakes_are_told() {
        assert_eq!(said(&["/"]), Ok(Some("/prereq".into())));
        assert_eq!(said(&["/no/such/folder/"]), Ok(Some("/no/such/folder/prereq".into())));
        assert_eq!(said(&["/no/such/folder/wait"]), Ok(Some("/no/such/folder/wait".into())));
        assert_eq!(said(&["--help"]), Ok(None));
        for (words, says) in [
            (vec![], "the path is missing"),
            (vec![""], "the path is empty"),
            (vec!["--force"], "takes no options"),
            (vec!["/a", "/b"], "there is more than one path"),
        ] {
            assert_eq!(said(&words), Err(says.to_owned()));
        }
    }

    #[test]
    fn without_proc_the_name_it_was_started_by_counts() {
        let none = Path::new("/does/not/exist/exe");
        let own = std::env::current_exe().unwrap();
        assert!(running(none, Some(own.as_os_str())).is_ok());
        for name in [None, Some(OsStr::new("prereq")), Some(OsStr::new("/does/not/exist/prereq"))] {
            let why = running(none, name).unwrap_err();
            assert!(why.contains("/proc is not mounted"), "{why}");
        }
    }

    #[test]
    fn a_copy_that_fails_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let occupied = folder.path().join("occupied");
        std::fs::create_dir_all(occupied.join("full")).unwrap();
        let error = copy(File::open("/proc/self/exe").unwrap(), &occupied).unwrap_err();
        assert!(!unwritten(&occupied, &error).is_empty());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
