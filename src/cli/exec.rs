//! COMMAND: it replaces this process, and so keeps stdin, environment, PID and signals.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::exit::Exit;
use crate::net::io_words;

/// Becomes `command`. Returns only if that fails: with the status to leave with, and why.
pub(super) fn replace(command: &[OsString]) -> (Exit, String) {
    let Some((program, arguments)) = command.split_first() else {
        return (Exit::Internal, "there is no command".into());
    };
    let error = Command::new(program).args(arguments).exec();
    let exit = if error.kind() == ErrorKind::NotFound { Exit::NotFound } else { Exit::CannotExecute };
    (exit, format!("cannot run {}: {}", program.to_string_lossy(), io_words(&error)))
}
