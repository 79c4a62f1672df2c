//! What help says beyond the options: made from the registry.

use std::fmt::Write as _;

use crate::check::options::COMMON;
use crate::check::registry;

/// Exit statuses and what they mean.
const STATUSES: &str = "\
Exit status:
  0        satisfied (or COMMAND's own, which replaces this process)
  1        not satisfied within the attempts allowed (--once, --max-attempts)
  2        usage or configuration
  3        can never be satisfied
  70       internal error
  124      timed out
  126 127  COMMAND cannot be executed, or is not found
  130 143  SIGINT, SIGTERM
";

/// Behind `prereq help VERB`.
pub(super) fn of_verb(name: &str) -> String {
    let Some(verb) = super::verb::VERBS.iter().find(|verb| verb.name == name) else { return String::new() };
    let mut text = format!("prereq {} {}\n  {}\n", verb.name, verb.form, verb.summary);
    if !verb.own.is_empty() {
        text.push_str("\nOptions of this verb; those of prereq itself go into what is made:\n");
    }
    for option in verb.own {
        let form = format!("--{} {}", option.flag, option.value);
        let _ = writeln!(text, "  {form:24} {}", option.help);
    }
    text
}

/// Behind `-h`.
pub(super) fn short() -> String {
    let mut text = super::verb::overview();
    text.push_str("\nSchemes:\n");
    for (form, summary) in schemes() {
        entry(&mut text, &form, summary);
    }
    text.push_str(
        "\nEvery option has a variable: --attempt-timeout is PREREQ_ATTEMPT_TIMEOUT. More: prereq --help",
    );
    text
}

/// Behind `--help`.
pub(super) fn long() -> String {
    let mut text = super::verb::overview();
    text.push_str("\nTargets: SCHEME:…#option=value&option=value, values percent-encoded.\n");
    for kind in registry::KINDS {
        let forms: Vec<&str> = kind.schemes.iter().map(|scheme| scheme.form).collect();
        let _ = write!(text, "\n  {}\n      {}\n", forms.join(", "), kind.summary);
        for option in kind.all_options() {
            describe(&mut text, option);
        }
    }
    text.push_str("\n  Every target also takes:\n");
    for option in COMMON {
        describe(&mut text, option);
    }
    text.push_str(
        "\nWords between targets: 'A B' waits for both, 'A or B' for either, 'not A' for the opposite,
'A then B' begins B when A holds. 'not' binds first, then 'or', then 'and' (implied), then 'then'.

Variables: every option has one (--attempt-timeout is PREREQ_ATTEMPT_TIMEOUT), and so have targets:
PREREQ_TARGETS (with words), PREREQ_TCP, PREREQ_HTTP and so on, split as a shell would. Flags win over variables.
In targets ${VAR}, ${VAR:-default} and $$ are expanded.

File (--config): settings are called as the options here, and targets: is a list of targets, or of maps with
target: and its options; all:, any:, at-least:, sequence: and not: combine them. Flags and variables win over the
file. 'prereq schema config' describes it to editors; 'prereq plan --format yaml' writes it for a command line.

",
    );
    text.push_str(
        "Reports (--report) are written when the run ends, on signals too: to a temporary file in the same folder, which
then takes the name. A folder that is missing or cannot be written to is a mistake, before anything is probed;
what fails at the end is a warning, and the exit status stays as it is.

",
    );
    text.push_str(STATUSES);
    text
}

/// A line with what is meant on the left and what it is on the right; on lines of its own, where it is too long.
pub(super) fn entry(text: &mut String, left: &str, right: &str) {
    const COLUMN: usize = 38;
    const WIDTH: usize = 98;
    let mut line = "  ".to_owned();
    fill(text, &mut line, left, 4, WIDTH);
    if line.chars().count() + 2 > COLUMN {
        text.push_str(&line);
        text.push('\n');
        line.clear();
    }
    line = format!("{line:COLUMN$}");
    fill(text, &mut line, right, COLUMN, WIDTH);
    text.push_str(&line);
    text.push('\n');
}

/// Adds words to the line; where that is full, it goes into the text, and another begins that is indented.
fn fill(text: &mut String, line: &mut String, words: &str, indent: usize, width: usize) {
    for word in words.split(' ') {
        let empty = line.trim().is_empty() || line.ends_with("  ");
        if line.chars().count() + usize::from(!empty) + word.chars().count() > width
            && !line.trim().is_empty()
        {
            text.push_str(line.trim_end());
            text.push('\n');
            *line = " ".repeat(indent);
        } else if !empty {
            line.push(' ');
        }
        line.push_str(word);
    }
}

fn describe(text: &mut String, option: &crate::check::Opt) {
    let value = if option.value.is_empty() { String::new() } else { format!("={}", option.value) };
    let repeat = if option.repeat { " (repeatable)" } else { "" };
    let name = format!("{}{value}", option.name);
    let _ = writeln!(text, "        {name:28} {}{repeat}", option.help);
}

fn schemes() -> impl Iterator<Item = (String, &'static str)> {
    registry::KINDS.iter().map(|kind| {
        let forms: Vec<&str> = kind.schemes.iter().map(|scheme| scheme.form).collect();
        (forms.join(", "), kind.summary)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_to_their_columns() {
        let shown = |left: &str, right: &str| {
            let mut text = String::new();
            entry(&mut text, left, right);
            text
        };
        assert_eq!(shown("tcp://HOST:PORT", "accepts"), format!("  {:36}accepts\n", "tcp://HOST:PORT"));
        let long = shown(&"x".repeat(40), "right");
        assert_eq!(long, format!("  {}\n{:38}right\n", "x".repeat(40), ""));
        let text = short();
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        assert!(text.lines().filter(|line| line.starts_with(&" ".repeat(38))).count() > 3);
    }
}
