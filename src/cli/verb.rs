//! Verbs: what else the program does, when its first word is exactly the name of one.

use std::ffi::OsString;
use std::fmt::Write as _;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::exit::Exit;
use super::signal::Signals;
use super::{complain, print};
use crate::plan::env::Env;
use crate::plan::problem::{Problem, nearest};
use crate::report::schema::SCHEMAS;

/// What a verb is given.
pub(super) struct Call {
    /// The words behind the verb.
    pub(super) words: Vec<OsString>,
    /// The environment.
    #[expect(dead_code, reason = "no verb reads it yet")]
    pub(super) env: Env,
    /// SIGINT and SIGTERM, caught already; what takes time ends when one comes.
    #[expect(dead_code, reason = "no verb takes time yet")]
    pub(super) signals: Signals,
}

/// One verb.
pub(super) struct Verb {
    /// The first word of the command line.
    pub(super) name: &'static str,
    /// What may follow it.
    pub(super) words: &'static str,
    /// What it does, in one line.
    pub(super) summary: &'static str,
    /// Does it.
    pub(super) run: fn(Call) -> LocalBoxFuture<'static, Exit>,
}

// A new verb is one line here.
/// All verbs, in the order in which help shows them.
pub(super) static VERBS: &[Verb] = &[
    Verb { name: "schema", words: "[events|report]", summary: "print a JSON Schema", run: schema },
    Verb { name: "help", words: "[VERB]", summary: "print this help, or that of a verb", run: help },
];

/// The verb that a command line begins with.
pub(super) fn find(argv: &[OsString]) -> Option<&'static Verb> {
    let first = argv.get(1)?;
    VERBS.iter().find(|verb| *first == *verb.name)
}

/// Adds to the problem with a first word what verb it was probably meant to be.
pub(super) fn suggest(argv: &[OsString], problems: &mut [Problem]) {
    let Some(first) = argv.get(1).and_then(|word| word.to_str()) else { return };
    let bare = first.chars().all(|c| c.is_ascii_alphabetic());
    if let (true, Some(near)) = (bare, nearest(first, VERBS.iter().map(|verb| verb.name))) {
        let said = problems.iter_mut().find(|problem| problem.what.starts_with(&format!("'{first}'")));
        if let Some(problem) = said {
            problem.hint = Some(format!("did you mean 'prereq {near}'?"));
        }
    }
}

/// The list of verbs, as help shows it.
pub(super) fn list() -> String {
    let form = |verb: &Verb| format!("prereq {} {}", verb.name, verb.words);
    let width = VERBS.iter().map(|verb| form(verb).chars().count()).max().unwrap_or_default();
    let mut text = String::from("Verbs:\n");
    for verb in VERBS {
        let _ = writeln!(text, "  {:width$}  {}", form(verb), verb.summary);
    }
    text
}

/// The words of a call as text, if there are not more than `most`.
fn words(call: &Call, most: usize) -> Result<Vec<String>, Exit> {
    if let Some(extra) = call.words.get(most) {
        let what = format!("'{}' is one word too many", extra.to_string_lossy());
        return Err(complain(Exit::Usage, &what));
    }
    Ok(call.words.iter().map(|word| word.to_string_lossy().into_owned()).collect())
}

/// Says that there is no `what` called `given`, and what there is.
fn unknown(what: &str, given: &str, known: &[&'static str]) -> Exit {
    let hint = match nearest(given, known.iter().copied()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("there are {}", known.join(", ")),
    };
    let given: String = given.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    complain(Exit::Usage, &format!("there is no {what} '{given}'\n  hint: {hint}"))
}

fn is_help(word: &str) -> bool {
    matches!(word, "-h" | "--help")
}

fn schema(call: Call) -> LocalBoxFuture<'static, Exit> {
    async move {
        let words = match words(&call, 1) {
            Ok(words) => words,
            Err(exit) => return exit,
        };
        let name = words.first().map_or("events", String::as_str);
        if is_help(name) {
            let mut text = String::from("prereq schema [NAME] prints a JSON Schema (draft 2020-12):\n");
            for (name, what, _) in SCHEMAS {
                let _ = writeln!(text, "  {name:8}  {what}");
            }
            text.push_str("Without a name it is that of events.\n");
            return print(&text);
        }
        match SCHEMAS.iter().find(|(known, ..)| *known == name) {
            Some((_, _, schema)) => print(schema),
            None => unknown("schema", name, &SCHEMAS.iter().map(|(name, ..)| *name).collect::<Vec<_>>()),
        }
    }
    .boxed_local()
}

fn help(call: Call) -> LocalBoxFuture<'static, Exit> {
    async move {
        let words = match words(&call, 1) {
            Ok(words) => words,
            Err(exit) => return exit,
        };
        match words.first().map(String::as_str) {
            None | Some("-h" | "--help" | "help") => print(&super::args::long_help()),
            Some(name) => match VERBS.iter().find(|verb| verb.name == name) {
                Some(verb) => (verb.run)(Call { words: vec!["--help".into()], ..call }).await,
                None => unknown("verb", name, &VERBS.iter().map(|verb| verb.name).collect::<Vec<_>>()),
            },
        }
    }
    .boxed_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_verb_is_a_word_or_looks_like_a_target() {
        for verb in VERBS {
            assert!(!super::super::words::WORDS.contains(&verb.name), "{}", verb.name);
            assert!(verb.name.chars().all(|c| c.is_ascii_lowercase()), "{}", verb.name);
            assert!(!verb.summary.is_empty() && !verb.summary.ends_with('.'), "{}", verb.name);
            assert!(list().contains(verb.summary));
        }
    }

    #[test]
    fn a_misspelt_verb_is_suggested() {
        let mut problems = [Problem::new("'shcema' is not a precondition")];
        suggest(&["prereq".into(), "shcema".into()], &mut problems);
        assert_eq!(problems[0].hint.as_deref(), Some("did you mean 'prereq schema'?"));
    }
}
