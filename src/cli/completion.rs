//! Completion scripts and the manual page, made from the command line's definition.

use clap::Command;

use super::args::{command, command_with};
use super::verb::VERBS;

/// The completion script of a shell.
pub(super) fn script(shell: &str) -> String {
    use clap_complete::{Shell, generate};
    let shell = match shell {
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => Shell::Bash,
    };
    let mut script = Vec::new();
    generate(shell, &mut with_verbs(), "prereq", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The command line with its verbs, which take the same options and their own.
fn with_verbs() -> Command {
    VERBS.iter().fold(command(), |whole, verb| {
        let takes_targets = verb.form.contains("TARGET");
        let one = if takes_targets { command_with(verb.own) } else { Command::new(verb.name) };
        whole.subcommand(one.name(verb.name).about(verb.summary))
    })
}

/// The manual page.
pub(super) fn manual() -> String {
    let mut page = Vec::new();
    // Writing to memory does not fail.
    let _ = clap_mangen::Man::new(command()).render(&mut page);
    String::from_utf8_lossy(&page).into_owned()
}
