//! The verbs beside waiting: what the first word may be.

use std::ffi::OsString;
use std::io::Write as _;
use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

#[cfg(feature = "manual")]
use super::completion;
use super::exit::Exit;
use super::install::installed;
#[cfg(feature = "manifest")]
use super::manifest::manifested;
use super::sources::Sources;
use super::{PATIENCE, args, error, help, plan_text, prepare};
use crate::explain::hints::Surroundings;
use crate::explain::layers::explain;
use crate::plan::env::Env;
use crate::plan::layer::{Layer, LogFormat};
use crate::plan::problem::{Problem, nearest};
use crate::plan::secret::mask_unparsed;
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
    /// The options that only it has.
    pub(super) own: &'static [args::Own],
    run: fn(Vec<OsString>, Env) -> LocalBoxFuture<'static, Exit>,
}

/// All verbs, in the order in which help shows them.
pub(super) static VERBS: &[Verb] = &[
    Verb {
        name: "explain",
        form: "TARGET...",
        summary: "one attempt, layer by layer: names, addresses, TLS, request and response",
        own: &[],
        run: |argv, env| explained(argv, env).boxed_local(),
    },
    Verb {
        name: "plan",
        form: "[--format text|yaml|json] [OPTIONS] TARGET...",
        summary: "what would be waited for and how, without any network traffic",
        own: &[],
        run: |argv, env| async move { planned(argv, &env).await }.boxed_local(),
    },
    #[cfg(feature = "manifest")]
    Verb {
        name: "manifest",
        form: "[OPTIONS] TARGET... [-- COMMAND]",
        summary: "the Kubernetes manifest for these arguments: an init container, a probe, a hook, a patch",
        own: super::manifest::OPTIONS,
        run: |argv, env| async move { manifested(argv, &env).await }.boxed_local(),
    },
    Verb {
        name: "install",
        form: "PATH",
        summary: "copy this program to PATH, or into the folder PATH: a volume for other containers",
        own: &[],
        run: |argv, _| async move { installed(&argv) }.boxed_local(),
    },
    Verb {
        name: "schema",
        form: match (cfg!(feature = "reports"), cfg!(feature = "config")) {
            (true, true) => "[events|report|config]",
            (true, false) => "[events|report]",
            (false, true) => "[events|config]",
            (false, false) => "[events]",
        },
        summary: "the JSON Schema of the lines, of the report, or of the configuration file",
        own: &[],
        run: |argv, _| async move { schema(&argv) }.boxed_local(),
    },
    #[cfg(feature = "manual")]
    Verb {
        name: "completions",
        form: "bash|zsh|fish",
        summary: "a completion script for a shell",
        own: &[],
        run: |argv, _| async move { completions(&argv) }.boxed_local(),
    },
    #[cfg(feature = "manual")]
    Verb {
        name: "man",
        form: "",
        summary: "the manual page, as roff",
        own: &[],
        run: |argv, _| async move { manual(&argv) }.boxed_local(),
    },
    Verb {
        name: "help",
        form: "[VERB]",
        summary: "this help, or what follows a verb",
        own: &[],
        run: |argv, _| async move { helped(&argv) }.boxed_local(),
    },
];

/// The verbs that come with a Cargo feature.
const FEATURES: [(&str, &str); 3] = [("manifest", "manifest"), ("completions", "manual"), ("man", "manual")];

/// The verb that the command line begins with.
pub(super) fn of(argv: &[OsString]) -> Option<&'static Verb> {
    let word = argv.get(1)?.to_str()?;
    VERBS.iter().find(|verb| verb.name == word)
}

/// Adds to the problem with a first word which verb it was probably meant to be, or that this build lacks it.
pub(super) fn suggest(first: Option<OsString>, problems: &mut [Problem]) {
    let Some(first) = first.and_then(|word| word.into_string().ok()) else { return };
    let quoted = format!("'{first}'");
    let Some(problem) = problems.iter_mut().find(|problem| problem.what.starts_with(&quoted)) else { return };
    let known = VERBS.iter().any(|verb| verb.name == first);
    if let Some((_, feature)) = FEATURES.iter().find(|(verb, _)| *verb == first).filter(|_| !known) {
        *problem = Problem::lacking(&quoted, feature).at(&problem.source);
        return;
    }
    let bare = first.chars().all(|c| c.is_ascii_alphabetic());
    if let (true, Some(near)) = (bare, nearest(&first, VERBS.iter().map(|verb| verb.name))) {
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
async fn read(argv: Vec<OsString>, env: &Env) -> Result<(Layer, Plan, Sources), Exit> {
    let mut parsed = match args::parse(argv) {
        args::Request::Wait(parsed) => *parsed,
        args::Request::Print(text) => return Err(print(&text)),
    };
    if !parsed.command.is_empty() {
        parsed.problems.push(Problem::new("this verb runs no command").at("--"));
    }
    match prepare(&mut parsed, env).await {
        Ok((layer, plan)) => Ok((layer, plan, parsed.sources)),
        Err(problems) => Err(refuse(&problems)),
    }
}

/// Tells what is wrong.
fn refuse(problems: &[Problem]) -> Exit {
    error::render(problems, &mut std::io::stderr());
    Exit::Usage
}

async fn explained(argv: Vec<OsString>, env: Env) -> Exit {
    let (layer, plan, _) = match read(argv, &env).await {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    if let Some(exit) = super::lacking(&plan) {
        return exit;
    }
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

/// The forms in which a plan is printed.
const FORMATS: [&str; 3] = ["text", "yaml", "json"];

async fn planned(mut argv: Vec<OsString>, env: &Env) -> Exit {
    let format = match take_format(&mut argv) {
        Ok(format) => format,
        Err(problem) => return refuse(&[problem]),
    };
    let (layer, plan, sources) = match read(argv, env).await {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    match format {
        "text" => print(&plan_text::text(&plan, &layer, &sources)),
        format => plan_file(format, &layer, &plan, &sources, env),
    }
}

/// Takes `--format FORMAT` out of the words before `--`: it is this verb's own.
fn take_format(argv: &mut Vec<OsString>) -> Result<&'static str, Problem> {
    const FLAG: &str = "--format";
    let end = argv.iter().position(|word| word == "--").unwrap_or(argv.len());
    let of_flag = |word: &OsString| word == FLAG || word.to_string_lossy().starts_with("--format=");
    let Some(place) = argv[..end].iter().position(of_flag) else { return Ok("text") };
    let word = argv.remove(place).to_string_lossy().into_owned();
    let value = match word.split_once('=') {
        Some((_, value)) => value.to_owned(),
        None if place + 1 < end => argv.remove(place).to_string_lossy().into_owned(),
        None => String::new(),
    };
    FORMATS.into_iter().find(|known| *known == value).ok_or_else(|| {
        let what = format!("'{}' is not one of {}", mask_unparsed(&value), FORMATS.join(", "));
        Problem::new(what).nearest(&value, FORMATS).at(FLAG)
    })
}

/// The plan as a configuration file.
#[cfg(feature = "config")]
fn plan_file(format: &str, layer: &Layer, plan: &Plan, sources: &Sources, env: &Env) -> Exit {
    use super::file::{Format, write};
    let format = if format == "json" { Format::Json } else { Format::Yaml };
    match write(layer, plan, sources, env, format) {
        Ok(written) => {
            // JSON has no comment to say so.
            if format == Format::Json && !written.needed.is_empty() {
                let names = written.needed.join(", ");
                super::complain(
                    Exit::Satisfied,
                    &format!("variables to set (secrets are not written): {names}"),
                );
            }
            print(&written.text)
        }
        Err(problems) => refuse(&problems),
    }
}

#[cfg(not(feature = "config"))]
fn plan_file(format: &str, _: &Layer, _: &Plan, _: &Sources, _: &Env) -> Exit {
    refuse(&[Problem::lacking(&format!("format {format}"), "config").at("--format")])
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
        ([word], _) if ["-h", "--help"].contains(word) => Err(print(&overview())),
        ([word], _) => {
            let word = mask_unparsed(word);
            Err(complain(
                Problem::new(format!("there is no '{word}' here, but {}", known.join(", ")))
                    .nearest(&word, known.iter().copied()),
            ))
        }
        _ => Err(complain(Problem::new(format!("one word is wanted: {}", known.join(", "))))),
    }
}

fn schema(argv: &[OsString]) -> Exit {
    let mut known: Vec<&'static str> = SCHEMAS.iter().map(|(name, ..)| *name).collect();
    known.extend(cfg!(feature = "config").then_some("config"));
    match topic(argv, &known, Some("events")) {
        #[cfg(feature = "config")]
        Ok("config") => print(&super::file::schema()),
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
        Ok(name) => print(&help::of_verb(name)),
        Err(exit) => exit,
    }
}

/// The verbs, for help.
pub(super) fn overview() -> String {
    let mut text = String::from("Verbs:\n");
    for verb in VERBS {
        help::entry(&mut text, format!("prereq {} {}", verb.name, verb.form).trim_end(), verb.summary);
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
