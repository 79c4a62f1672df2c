//! The verbs beside waiting: what the first word may be.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

#[cfg(feature = "manual")]
use super::completion;
use super::exit::Exit;
use super::{PATIENCE, args, error, plan_text, prepare};
use crate::explain::hints::Surroundings;
use crate::explain::layers::explain;
use crate::plan::env::Env;
use crate::plan::layer::{Layer, LogFormat};
use crate::plan::problem::{Problem, nearest};
use crate::plan::{Plan, Precondition};
use crate::report::output::Output;
use crate::report::schema::SCHEMAS;

/// A verb.
pub(super) struct Verb {
    /// The word.
    pub(super) name: &'static str,
    /// What follows it.
    pub(super) form: &'static str,
    /// What it does.
    pub(super) summary: &'static str,
    run: fn(Vec<OsString>, Env) -> LocalBoxFuture<'static, Exit>,
}

/// All verbs, in the order in which help shows them.
pub(super) static VERBS: &[Verb] = &[
    Verb {
        name: "explain",
        form: "TARGET...",
        summary: "one attempt, layer by layer: names, addresses, TLS, request and response",
        run: |argv, env| explained(argv, env).boxed_local(),
    },
    Verb {
        name: "plan",
        form: "[OPTIONS] TARGET...",
        summary: "what would be waited for and how, without any network traffic",
        run: |argv, env| async move { planned(argv, &env) }.boxed_local(),
    },
    Verb {
        name: "schema",
        form: "[events|report]",
        summary: "the JSON Schema of the lines, or of the report",
        run: |argv, _| async move { schema(&argv) }.boxed_local(),
    },
    #[cfg(feature = "manual")]
    Verb {
        name: "completions",
        form: "bash|zsh|fish",
        summary: "a completion script for a shell",
        run: |argv, _| async move { completions(&argv) }.boxed_local(),
    },
    #[cfg(feature = "manual")]
    Verb {
        name: "man",
        form: "",
        summary: "the manual page, as roff",
        run: |argv, _| async move { manual(&argv) }.boxed_local(),
    },
    Verb {
        name: "help",
        form: "[VERB]",
        summary: "this help, or what follows a verb",
        run: |argv, _| async move { helped(&argv) }.boxed_local(),
    },
];

/// The verb that the command line begins with.
pub(super) fn of(argv: &[OsString]) -> Option<&'static Verb> {
    let word = argv.get(1)?.to_str()?;
    VERBS.iter().find(|verb| verb.name == word)
}

/// Adds to the problem with a first word which verb it was probably meant to be.
pub(super) fn suggest(first: Option<OsString>, problems: &mut [Problem]) {
    let Some(first) = first.and_then(|word| word.into_string().ok()) else { return };
    let bare = first.chars().all(|c| c.is_ascii_alphabetic());
    if let (true, Some(near)) = (bare, nearest(&first, VERBS.iter().map(|verb| verb.name)))
        && let Some(problem) =
            problems.iter_mut().find(|problem| problem.what.starts_with(&format!("'{first}'")))
    {
        problem.hint = Some(format!("did you mean 'prereq {near}'?"));
    }
}

impl Verb {
    /// Carries it out.
    pub(super) async fn run(&self, mut argv: Vec<OsString>, env: Env) -> Exit {
        argv.remove(1);
        (self.run)(argv, env).await
    }
}

/// Writes to standard output and waits until it is written.
pub(super) fn print(text: &str) -> Exit {
    let mut output = Output::stdout();
    let _ = output.write_all(text.as_bytes());
    output.finish(PATIENCE);
    Exit::Satisfied
}

/// Reads what follows the verb as if it were to be waited for.
fn read(argv: Vec<OsString>, env: &Env) -> Result<(Layer, Plan, Vec<Given>), Exit> {
    let mut parsed = match args::parse(argv) {
        args::Request::Wait(parsed) => *parsed,
        args::Request::Print(text) => return Err(print(&text)),
    };
    if !parsed.command.is_empty() {
        parsed.problems.push(Problem::new("this verb runs no command").at("--"));
    }
    let given = std::mem::take(&mut parsed.given);
    match prepare(&mut parsed, env) {
        Ok((layer, plan)) => Ok((layer, plan, given)),
        Err(problems) => {
            error::render(&problems, &mut std::io::stderr());
            Err(Exit::Usage)
        }
    }
}

/// A setting as it was given on the command line: flag and text.
pub(super) type Given = (&'static str, String);

async fn explained(argv: Vec<OsString>, env: Env) -> Exit {
    let (layer, plan, _) = match read(argv, &env) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let surroundings = Surroundings { kubernetes: env.in_kubernetes() };
    let net = Rc::new(super::net(&layer, env));
    let mut output = Output::stdout();
    let mut all = true;
    for one in &plan.preconditions {
        let explanation = explain(one, &net, surroundings).await;
        all &= explanation.ready != one.inverted;
        let text = match layer.log_format.unwrap_or_default() {
            LogFormat::Text => explanation.text(),
            LogFormat::Json => serde_json::to_string(&explanation).unwrap_or_default() + "\n",
        };
        let _ = output.write_all(text.as_bytes());
    }
    output.finish(PATIENCE);
    if all { Exit::Satisfied } else { Exit::Unsatisfied }
}

fn planned(argv: Vec<OsString>, env: &Env) -> Exit {
    match read(argv, env) {
        Ok((_, plan, given)) => print(&plan_text::text(&plan, &given, env)),
        Err(exit) => exit,
    }
}

/// One word out of `known` behind a verb; without one, `default`.
fn topic(
    argv: &[OsString],
    known: &[&'static str],
    default: Option<&'static str>,
) -> Result<&'static str, Exit> {
    let complain = |problem: Problem| {
        error::render(&[problem], &mut std::io::stderr());
        Exit::Usage
    };
    let words: Vec<&str> = argv.iter().skip(1).filter_map(|word| word.to_str()).collect();
    match (words.as_slice(), default) {
        ([], Some(default)) => Ok(default),
        ([word], _) if known.contains(word) => Ok(known.iter().find(|name| *name == word).unwrap_or(&"")),
        ([word], _) if ["-h", "--help"].contains(word) => Err(print(&help())),
        ([word], _) => {
            let word = crate::plan::secret::mask_unparsed(word);
            Err(complain(
                Problem::new(format!("there is no '{word}' here, but {}", known.join(", ")))
                    .nearest(&word, known.iter().copied()),
            ))
        }
        _ => Err(complain(Problem::new(format!("one word is wanted: {}", known.join(", "))))),
    }
}

fn schema(argv: &[OsString]) -> Exit {
    let known: Vec<&'static str> = SCHEMAS.iter().map(|(name, ..)| *name).collect();
    match topic(argv, &known, Some("events")) {
        Ok(name) => SCHEMAS
            .iter()
            .find(|(known, ..)| *known == name)
            .map_or(Exit::Internal, |(_, _, text)| print(text)),
        Err(exit) => exit,
    }
}

#[cfg(feature = "manual")]
fn completions(argv: &[OsString]) -> Exit {
    match topic(argv, &["bash", "zsh", "fish"], None) {
        Ok(shell) => print(&completion::script(shell)),
        Err(exit) => exit,
    }
}

#[cfg(feature = "manual")]
fn manual(argv: &[OsString]) -> Exit {
    match topic(argv, &["prereq"], Some("prereq")) {
        Ok(_) => print(&completion::manual()),
        Err(exit) => exit,
    }
}

fn helped(argv: &[OsString]) -> Exit {
    let known: Vec<&'static str> = VERBS.iter().map(|verb| verb.name).collect();
    match topic(argv, &known, Some("help")) {
        Ok("help") => print(&args::long_help()),
        Ok(name) => VERBS.iter().find(|verb| verb.name == name).map_or(Exit::Internal, |verb| {
            print(&format!("prereq {} {}\n  {}\n", verb.name, verb.form, verb.summary))
        }),
        Err(exit) => exit,
    }
}

/// The verbs, for help.
pub(super) fn help() -> String {
    let mut text = String::from("Verbs:\n");
    for verb in VERBS {
        let _ = writeln!(text, "  prereq {:30} {}", format!("{} {}", verb.name, verb.form), verb.summary);
    }
    text
}

/// What a precondition reads beside the network, by the options that name files.
pub(super) fn files_of(one: &Precondition) -> Vec<String> {
    let is_path =
        |name: &str| one.kind.all_options().any(|option| option.name == name && option.value == "PATH");
    one.target
        .options
        .iter()
        .filter(|(name, _)| is_path(name))
        .map(|(name, path)| format!("{path} ({name})"))
        .collect()
}
