//! The command line: from words and variables to an exit status.

mod args;
#[cfg(feature = "manual")]
mod completion;
mod display;
mod env;
mod error;
mod exec;
pub mod exit;
#[cfg(feature = "config")]
mod file;
mod help;
mod install;
#[cfg(feature = "manifest")]
mod manifest;
mod plan_text;
mod settings;
mod signal;
mod sources;
mod verb;
mod words;
mod written;

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

#[cfg(any(fuzzing, test))]
pub(crate) use self::{file::fuzz as fuzz_config, words::fuzz as fuzz_words};
use crate::engine::{self, Conditions, Event, Outcome};
use crate::explain::hints::Surroundings;
use crate::net::{Net, OWN, Spare};
use crate::plan::env::Env;
use crate::plan::layer::Layer;
use crate::plan::problem::Problem;
use crate::plan::{self, Plan};
use crate::report::output::Output;
use crate::report::{Ended, Palette, Style, Verbosity, reporter, summary, termination};

use args::Request;
use exit::Exit;
use signal::Signals;
use sources::{FromFile, Sources};

/// How long the end waits for a slow reader of standard output.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same after a signal, where every moment counts.
const HASTE: Duration = Duration::from_millis(50);
/// Descriptors that are not for attempts: standard streams, the runtime's own, files, watches, name servers.
const RESERVED: u64 = 32;

/// The whole program: reads `argv` and `env`, waits, prints to standard output, and returns the status to
/// leave with. With a COMMAND it does not return, unless that cannot be run.
pub async fn run(argv: impl IntoIterator<Item = OsString>, env: Env) -> Exit {
    let mut signals = match Signals::catch() {
        Ok(signals) => signals,
        Err(error) => return complain(Exit::Internal, &format!("signals cannot be caught: {error}")),
    };
    let argv: Vec<OsString> = argv.into_iter().collect();
    if let Some(verb) = verb::of(&argv) {
        return tokio::select! {
            biased;
            signal = signals.next() => Outcome::Interrupted(signal).into(),
            exit = verb.run(argv, env) => exit,
        };
    }
    let first = argv.get(1).cloned();
    let mut parsed = match args::parse(argv) {
        Request::Wait(parsed) => *parsed,
        Request::Print(text) => return verb::print(&text),
    };
    let prepared = tokio::select! {
        biased;
        signal = signals.next() => return Outcome::Interrupted(signal).into(),
        prepared = prepare(&mut parsed, &env) => prepared,
    };
    let (layer, plan) = match prepared {
        Ok(prepared) => prepared,
        Err(mut problems) => {
            verb::suggest(first, &mut problems);
            error::render(&problems, &mut std::io::stderr());
            return Exit::Usage;
        }
    };
    if let Some(exit) = lacking(&plan) {
        return exit;
    }
    let exit = wait(&layer, &plan, env, &mut signals).await;
    if exit != Exit::Satisfied || parsed.command.is_empty() {
        return exit;
    }
    let (exit, why) = exec::replace(&parsed.command);
    complain(exit, &why)
}

/// Lays the sources over one another and makes the plan.
async fn prepare(parsed: &mut args::Parsed, env: &Env) -> Result<(Layer, Plan), Vec<Problem>> {
    let flags = std::mem::take(&mut parsed.layer);
    let mut problems = std::mem::take(&mut parsed.problems);
    let (variables, found) = env::layer(env, flags.targets.is_none());
    problems.extend(found);
    let mut sources = Sources { flags: flags.clone(), variables: variables.clone(), ..Sources::default() };
    let mut layer = flags.over(variables);
    if let Some(name) = layer.config.clone() {
        let read = from_file(&name, env).await;
        layer = layer.over(read.layer);
        if !read.problems.is_empty() {
            // What is wrong with it is told; that nothing is left to wait for is not.
            layer.targets.get_or_insert(plan::Spec::All(Vec::new()));
        }
        problems.extend(read.problems);
        sources.file = read.given;
    }
    if let Some(proxy) = &layer.proxy
        && let Err(what) = crate::net::http::ProxyMode::parse(proxy)
    {
        problems.push(Problem::new(what).at(&sources.place("proxy")));
    }
    let refused = layer.reports.iter().flatten().filter_map(|report| report.check().err());
    problems.extend(refused.map(|what| Problem::new(what).at(&sources.place("report"))));
    parsed.sources = sources;
    match plan::resolve(&layer, env) {
        Ok(plan) if problems.is_empty() => return Ok((layer, plan)),
        Ok(_) => {}
        Err(found) => problems.extend(found),
    }
    #[cfg(feature = "config")]
    if let Some(name) = &layer.config {
        file::sort(&mut problems, name);
    }
    Err(problems)
}

#[cfg(feature = "config")]
async fn from_file(name: &str, env: &Env) -> FromFile {
    file::load(name, env).await
}

/// Without the feature, naming a file is a mistake.
#[cfg(not(feature = "config"))]
fn from_file(name: &str, _: &Env) -> std::future::Ready<FromFile> {
    let problem = Problem::lacking("reading a configuration file", "config").at(name);
    std::future::ready(FromFile { problems: vec![problem], ..FromFile::default() })
}

/// Says what keeps preconditions of `plan` from being looked at here, if anything does.
fn lacking(plan: &Plan) -> Option<Exit> {
    let problems: Vec<Problem> =
        plan.preconditions.iter().filter_map(|one| Some(one.probe.lacks()?.at(&one.name))).collect();
    if problems.is_empty() {
        return None;
    }
    error::render(&problems, &mut std::io::stderr());
    Some(Exit::Usage)
}

/// Waits and reports.
async fn wait(layer: &Layer, plan: &Plan, env: Env, signals: &mut Signals) -> Exit {
    let surroundings = Surroundings { kubernetes: env.in_kubernetes() };
    let verbosity = match (layer.quiet, layer.verbose.unwrap_or_default()) {
        (_, 2..) => Verbosity::Stages,
        (_, 1) => Verbosity::Verbose,
        (Some(true), _) => Verbosity::Quiet,
        _ => Verbosity::Normal,
    };
    let message = termination::place(layer.termination_log.as_deref(), &env);
    let terminal = std::io::stdout().is_terminal();
    let palette = display::palette(layer, &env, terminal);
    let style = Style { verbosity, surroundings, palette, notes: notes(layer, plan, &env) };
    let output = RefCell::new(Output::stdout());
    let mut reporter = match display::live(layer, &env, verbosity, terminal) {
        #[cfg(feature = "live")]
        true => crate::report::live(style, &output),
        _ => reporter(layer.log_format.unwrap_or_default(), style, Shared(&output)),
    };
    let room = room();
    let at_once = (room / OWN).max(1);
    let mut net = net(layer, env);
    net.record = verbosity == Verbosity::Stages;
    net.spare = Spare::new(room.saturating_sub(at_once.min(plan.preconditions.len()) * OWN));
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    let conditions = Conditions {
        first_wait: engine::pacing::splay(plan.settings.splay, &host),
        seed: fastrand::u64(..),
        at_once,
        tick: reporter.every(),
    };
    let net = Rc::new(net);
    let tell = |at: Duration, event: &Event, progress: &engine::Progress<'_>| {
        if let Event::End(outcome) = event {
            net.watcher.rest();
            let lost = output.borrow().lost();
            if lost > 0 {
                let text = format!("{lost} lines were lost: the reader was too slow");
                reporter.on(at, &Event::Warning(text), progress);
            }
            let ended = Ended {
                progress,
                outcome: *outcome,
                at,
                time: jiff::Timestamp::now(),
                host: host.clone(),
                surroundings,
            };
            for text in leave_behind(layer, message.as_deref(), &ended) {
                reporter.on(at, &Event::Warning(text), progress);
            }
        }
        reporter.on(at, event, progress);
    };
    let progress = engine::run(plan, &net, conditions, signals.next(), tell).await;
    // What is open goes with the process, and sooner than what is closed before (`Watcher::rest`).
    std::mem::forget(net);
    let outcome = progress.outcome().unwrap_or(Outcome::Satisfied);
    let haste = matches!(outcome, Outcome::Interrupted(_));
    output.borrow_mut().finish(if haste { HASTE } else { PATIENCE });
    outcome.into()
}

/// The network, with the settings that concern it.
fn net(layer: &Layer, env: Env) -> Net {
    let mut net = Net::new(env);
    let mode = layer.proxy.as_deref().and_then(|proxy| crate::net::http::ProxyMode::parse(proxy).ok());
    net.proxy = mode.unwrap_or_default();
    net
}

/// Writes the termination message and the reports; what could not be written.
fn leave_behind(layer: &Layer, message: Option<&Path>, ended: &Ended<'_>) -> Vec<String> {
    let mut failures = Vec::new();
    if let Some(place) = message
        && let Err(error) = termination::write(
            place,
            &summary(ended.progress, ended.outcome, ended.at, ended.surroundings, Palette::PLAIN),
        )
    {
        let (place, why) = (place.display(), crate::net::io_words(&error));
        failures.push(format!("the termination message cannot be written to {place}: {why}"));
    }
    for report in layer.reports.iter().flatten() {
        if let Err(error) = report.write(ended) {
            let (place, why) = (report.path().display(), crate::net::io_words(&error));
            failures.push(format!("the report {place} cannot be written: {why}"));
        }
    }
    failures
}

/// What should be known from the start.
fn notes(layer: &Layer, plan: &Plan, env: &Env) -> Vec<String> {
    let speaks_http = plan.preconditions.iter().any(|one| one.kind.has("proxy"));
    let variable = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        .into_iter()
        .find(|name| env.non_empty(name).is_some());
    let variable = variable.filter(|_| speaks_http && layer.proxy.is_none());
    let proxy = variable.map(|name| format!("{name} is set and not used; --proxy env uses it"));
    let mesh = if env.in_kubernetes() { layer.mesh.unwrap_or_default().note() } else { None };
    proxy.into_iter().chain(mesh).collect()
}

/// How many descriptors attempts may have at once.
fn room() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(1024);
    usize::try_from(limit.saturating_sub(RESERVED)).unwrap_or(usize::MAX).min(usize::MAX >> 4)
}

fn complain(exit: Exit, what: &str) -> Exit {
    // If nobody reads it, the exit status still tells.
    let _ = writeln!(std::io::stderr(), "prereq: {what}");
    exit
}

/// The output, shared between the reporter and the end.
struct Shared<'a>(&'a RefCell<Output>);

impl std::io::Write for Shared<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
