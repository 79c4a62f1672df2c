//! Completion scripts and the manual page, made from the command line's definition.

use super::args::command;

/// The completion script of a shell.
pub(super) fn script(shell: &str) -> String {
    use clap_complete::{Shell, generate};
    let shell = match shell {
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => Shell::Bash,
    };
    let mut script = Vec::new();
    generate(shell, &mut command(), "prereq", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The manual page.
pub(super) fn manual() -> String {
    let mut page = Vec::new();
    // Writing to memory does not fail.
    let _ = clap_mangen::Man::new(command()).render(&mut page);
    String::from_utf8_lossy(&page).into_owned()
}
