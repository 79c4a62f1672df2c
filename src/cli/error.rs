//! How mistakes are shown. This is the only place that does.

use std::io::Write;

use crate::plan::problem::Problem;

/// Writes `problems` for people.
pub(super) fn render(problems: &[Problem], to: &mut impl Write) {
    for problem in problems {
        let place = if problem.source.is_empty() { String::new() } else { format!("{}: ", problem.source) };
        // If nobody reads it, the exit status still tells.
        let _ = writeln!(to, "error: {}", printable(&format!("{place}{}", problem.what)));
        if let Some(hint) = &problem.hint {
            let _ = writeln!(to, "  hint: {}", printable(hint));
        }
    }
    let _ = writeln!(to, "Nothing was probed. See 'prereq --help'.");
}

/// `text` without characters that move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}
