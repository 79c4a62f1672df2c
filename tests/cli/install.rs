//! `prereq install`: the running binary, copied.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::program::{finish, prereq, run};

fn install(to: &Path) -> crate::program::Ran {
    finish(prereq().arg("install").arg(to))
}

#[test]
fn the_copy_is_the_program_and_replaces_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("prereq");
    // Into a folder, then by its name over the copy, which runs meanwhile.
    let ran = install(folder.path());
    assert_eq!(
        (ran.status, ran.stdout.lines().count(), ran.stderr.as_str()),
        (0, 1, ""),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert!(ran.stdout.contains(&format!("installed as {}", place.display())), "{}", ran.stdout);
    let first = place.metadata().unwrap();
    assert_eq!(first.permissions().mode() & 0o7777, 0o755);
    let same = std::fs::read(&place).unwrap() == std::fs::read(env!("CARGO_BIN_EXE_prereq")).unwrap();
    assert!(same, "the copy differs");
    let ran = finish(std::process::Command::new(&place).arg("install").arg(&place).env_clear());
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_ne!(place.metadata().unwrap().ino(), first.ino());
    let ran = finish(std::process::Command::new(&place).args(["-q", "file:/"]).env_clear());
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something is left behind");
}

#[test]
fn what_cannot_be_written_is_status_1_and_what_is_not_understood_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let occupied = folder.path().join("occupied");
    std::fs::create_dir_all(occupied.join("prereq/full")).unwrap();
    for (to, says) in [
        (folder.path().join("absent/prereq"), "absent does not exist"),
        (file.join("prereq"), "file"),
        (occupied.clone(), "occupied/prereq"),
    ] {
        let ran = install(&to);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{}", to.display());
        assert!(
            ran.stderr.starts_with("prereq: cannot write ") && ran.stderr.contains(says),
            "{}",
            ran.stderr
        );
    }
    for line in ["install", "install -f", "install /a /b"] {
        let ran = run(line);
        assert_eq!(ran.status, 2, "{line}");
        assert!(ran.stderr.contains("prereq install PATH"), "{}", ran.stderr);
    }
    assert_eq!(run("install --help").status, 0);
    assert!(run("help install").stdout.contains("prereq install PATH"));
}
