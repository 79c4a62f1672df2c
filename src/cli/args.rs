//! The command line: raw words in, a layer of settings out.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::builder::ValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

use super::help;
use super::settings::settings;
use super::sources::Sources;
use super::words::combine;
use crate::check::registry;
use crate::plan::TargetSpec;
use crate::plan::layer::Layer;
use crate::plan::problem::{Problem, nearest};

/// What the command line asks for.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// The settings.
    pub(super) layer: Layer,
    /// The program to run in the end, with its arguments.
    pub(super) command: Vec<OsString>,
    /// Where the settings came from, once all sources are read.
    pub(super) sources: Sources,
    /// Settings and targets in the order in which they stand.
    pub(super) words: Vec<Word>,
    /// The verb's own options, as they were given.
    pub(super) own: Vec<(&'static str, String)>,
    /// All that is wrong.
    pub(super) problems: Vec<Problem>,
}

/// A word of the command line: the value of a flag, or the word itself.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "manifest"), expect(dead_code, reason = "only the verb manifest reads it"))]
pub(super) struct Word {
    /// The flag without dashes.
    pub(super) flag: Option<&'static str>,
    /// Its value, or the word.
    pub(super) text: String,
    /// Whether it is a target, or a word between targets.
    pub(super) target: bool,
}

/// An option that only one verb has.
pub(super) struct Own {
    /// The flag without dashes.
    pub(super) flag: &'static str,
    /// What its value is.
    pub(super) value: &'static str,
    /// What it does, with its default.
    pub(super) help: &'static str,
}

/// What is to be done.
pub(super) enum Request {
    /// Wait.
    Wait(Box<Parsed>),
    /// Print this, and leave.
    Print(String),
}

/// The command line as clap knows it; help, manual and completions are made from it.
pub(super) fn command() -> Command {
    with_help(grammar(|_, _| true))
}

fn with_help(command: Command) -> Command {
    command.after_help(help::short()).after_long_help(help::long())
}

/// What is needed to read words: the texts below the options are made when they are asked for. Options that are not
/// `wanted`, by their long and their short name, are left out.
fn grammar(wanted: impl Fn(&str, Option<char>) -> bool) -> Command {
    let mut command = Command::new("prereq")
        .version(env!("CARGO_PKG_VERSION"))
        .about(env!("CARGO_PKG_DESCRIPTION"))
        .override_usage("prereq [OPTIONS] [not] TARGET [or TARGET] [then] [TARGET]... [-- COMMAND [ARG]...]")
        .disable_help_subcommand(true)
        .arg(
            Arg::new("target")
                .value_name("TARGET")
                .help(
                    "What to wait for: SCHEME:…#option=value, HOST:PORT, :PORT or a path, with not, or, then",
                )
                .action(ArgAction::Append),
        )
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .help("What to run once all holds; it replaces this process")
                .last(true)
                .num_args(1..)
                .value_parser(ValueParser::os_string()),
        );
    for kind in registry::KINDS {
        let Some(flag) = kind.flag.filter(|flag| wanted(flag, None)) else { continue };
        command = command.arg(
            Arg::new(flag)
                .long(flag)
                .value_name("TARGET")
                .help(format!("Wait until {}", kind.summary))
                .action(ArgAction::Append)
                .help_heading("Preconditions by kind"),
        );
    }
    for setting in settings().iter().filter(|setting| wanted(setting.flag, setting.short)) {
        let arg = Arg::new(setting.flag).long(setting.flag).help(setting.help);
        let arg =
            if setting.repeat { arg.action(ArgAction::Append) } else { arg.overrides_with(setting.flag) };
        let arg = match setting.short {
            Some(short) => arg.short(short),
            None => arg,
        };
        command = command.arg(if setting.value.is_empty() {
            arg.num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .hide_possible_values(true)
                .value_name("BOOL")
        } else {
            let is_path = ["FILE", "PATH"].contains(&setting.value);
            let hint = if is_path { ValueHint::FilePath } else { ValueHint::Unknown };
            arg.value_name(setting.value).value_hint(hint)
        });
    }
    command
}

/// The same for a verb that has options of its own.
#[cfg(feature = "manual")]
pub(super) fn command_with(own: &[Own]) -> Command {
    with_help(grammar_with(own, |_, _| true))
}

fn grammar_with(own: &[Own], wanted: impl Fn(&str, Option<char>) -> bool) -> Command {
    let mut command = grammar(wanted);
    for option in own {
        let arg = Arg::new(option.flag).long(option.flag).value_name(option.value).help(option.help);
        command = command.arg(arg.overrides_with(option.flag).help_heading("Options of this verb"));
    }
    command
}

/// Whether one of the words that begin with a dash may be this option, by its long or its short name.
fn mention(dashed: &[&[u8]], long: &str, short: Option<char>) -> bool {
    let short = short.and_then(|short| u8::try_from(short).ok());
    dashed.iter().any(|word| match word.strip_prefix(b"--") {
        Some(name) => name.starts_with(long.as_bytes()),
        None => short.is_some_and(|short| word.contains(&short)),
    })
}

/// What `--help` prints.
pub(super) fn long_help() -> String {
    command().render_long_help().to_string()
}

/// Reads the command line. Mistakes are collected: each is noted, repaired as it was probably meant, and the
/// rest is read.
pub(super) fn parse(argv: impl IntoIterator<Item = OsString>) -> Request {
    parse_with(argv, &[])
}

/// The same behind a verb that has options of its own.
pub(super) fn parse_with(argv: impl IntoIterator<Item = OsString>, own: &[Own]) -> Request {
    let argv: Vec<OsString> = argv.into_iter().collect();
    // To make all options takes longer than anything else at the start. Only mistakes and help need them.
    match without_mistakes(&argv, own) {
        Some(parsed) => Request::Wait(Box::new(parsed)),
        None => parse_all(argv, own),
    }
}

/// Reads what has no mistake in its words, with those options only that may be in it.
fn without_mistakes(argv: &[OsString], own: &[Own]) -> Option<Parsed> {
    // Of ten thousand words, most are targets.
    let words = argv.iter().skip(1).map(|word| word.as_encoded_bytes());
    let dashed: Vec<&[u8]> = words.filter(|word| word.starts_with(b"-")).collect();
    let few = grammar_with(own, |long, short| mention(&dashed, long, short));
    few.try_get_matches_from(argv).ok().map(|matches| read(&matches, own))
}

/// Reads anything.
fn parse_all(mut argv: Vec<OsString>, own: &[Own]) -> Request {
    let command = grammar_with(own, |_, _| true);
    let mut problems = Vec::new();
    // Each round repairs one word; there are not more mistakes than words.
    for _ in 0..=argv.len() {
        let error = match command.clone().try_get_matches_from(&argv) {
            Ok(matches) => {
                let mut parsed = read(&matches, own);
                problems.append(&mut parsed.problems);
                parsed.problems = problems;
                return Request::Wait(Box::new(parsed));
            }
            Err(error) => error,
        };
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            let error = with_help(command).try_get_matches_from(&argv).err().unwrap_or(error);
            return Request::Print(error.render().to_string());
        }
        let (problem, repaired) = repair(&error, &argv, &command);
        problems.push(problem);
        match repaired {
            Some(repaired) => argv = repaired,
            None => break,
        }
    }
    Request::Wait(Box::new(Parsed { problems, ..Parsed::default() }))
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    }
}

/// The problem behind clap's error, and the words without it.
fn repair(error: &clap::Error, argv: &[OsString], command: &Command) -> (Problem, Option<Vec<OsString>>) {
    let arg = context(error, ContextKind::InvalidArg).unwrap_or_default();
    let name = arg.split([' ', '=']).next().unwrap_or_default().to_owned();
    let place = argv.iter().position(|word| {
        let word = word.to_string_lossy();
        word == name.as_str()
            || word.starts_with(&format!("{name}="))
            || (name.len() == 2 && word.starts_with(&name))
    });
    let end = argv.iter().position(|word| word == "--").unwrap_or(argv.len());
    let place = place.filter(|place| *place > 0 && *place < end);
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let flags: Vec<String> = command
                .get_arguments()
                .filter_map(|arg| arg.get_long().map(|long| format!("--{long}")))
                .collect();
            let near = nearest(&name, flags.iter().map(String::as_str)).map(str::to_owned);
            let problem = Problem::new("unknown option").at(&name);
            let problem = match &near {
                Some(near) => problem.hint(format!("did you mean '{near}'?")),
                None => problem.hint("options are listed by prereq --help; a program to run follows --"),
            };
            let repaired = place.map(|place| {
                let mut words = argv.to_vec();
                match near {
                    Some(near) => {
                        let value = words[place]
                            .to_string_lossy()
                            .split_once('=')
                            .map(|(_, value)| format!("={value}"));
                        words[place] = format!("{near}{}", value.unwrap_or_default()).into();
                    }
                    None => {
                        words.remove(place);
                    }
                }
                words
            });
            (problem, repaired)
        }
        ErrorKind::InvalidValue
            if context(error, ContextKind::InvalidValue).is_none_or(|value| value.is_empty()) =>
        {
            let problem = Problem::new("a value is missing")
                .at(&name)
                .hint(format!("write {}", arg.replace(['<', '>'], "")));
            (problem, without(argv, place))
        }
        ErrorKind::TooManyValues | ErrorKind::NoEquals | ErrorKind::InvalidValue => {
            (Problem::new("takes no value of this form").at(&name), without(argv, place))
        }
        ErrorKind::InvalidUtf8 => (Problem::new("a word is not UTF-8").at("command line"), None),
        _ => {
            let text = error.render().to_string();
            let line = text.lines().next().unwrap_or_default();
            (Problem::new(line.trim_start_matches("error: ")).at("command line"), without(argv, place))
        }
    }
}

fn without(argv: &[OsString], place: Option<usize>) -> Option<Vec<OsString>> {
    let place = place?;
    Some(argv.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, word)| word.clone()).collect())
}

/// The values of an argument, with their places.
fn placed<'a>(matches: &'a ArgMatches, id: &str) -> impl Iterator<Item = (usize, &'a String)> + use<'a> {
    // To ask for one that the grammar was made without is an error, and errors cost more than a look.
    let given = matches.ids().any(|given| given == id);
    let values = given.then(|| matches.indices_of(id).zip(matches.get_many::<String>(id))).flatten();
    values.into_iter().flat_map(|(indices, texts)| indices.zip(texts))
}

/// The settings and targets of a command line that clap could read.
fn read(matches: &ArgMatches, own: &[Own]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut words = BTreeMap::new();
    for setting in settings() {
        for (index, text) in placed(matches, setting.flag) {
            words.insert(index, Word { flag: Some(setting.flag), text: text.clone(), target: false });
            if let Err(what) = (setting.set)(&mut parsed.layer, text) {
                parsed.problems.push(Problem::new(what).at(&format!("--{}", setting.flag)));
            }
        }
    }
    // Targets of all flags and positionals, in the order in which they stand.
    let mut items = BTreeMap::new();
    let mut collect = |id: &str, flag: Option<&'static str>| {
        for (index, text) in placed(matches, id) {
            words.insert(index, Word { flag, text: text.clone(), target: true });
            let source = flag.map_or_else(String::new, |flag| format!("--{flag}"));
            items.insert(index, TargetSpec { text: text.clone(), flag, source, ..TargetSpec::default() });
        }
    };
    collect("target", None);
    registry::KINDS.iter().filter_map(|kind| kind.flag).for_each(|flag| collect(flag, Some(flag)));
    parsed.words = words.into_values().collect();
    parsed.own = own
        .iter()
        .flat_map(|option| placed(matches, option.flag).map(|(_, text)| (option.flag, text.clone())))
        .collect();
    let items: Vec<TargetSpec> = items
        .into_values()
        .enumerate()
        .map(|(index, item)| TargetSpec {
            source: if item.flag.is_some() { item.source } else { format!("target {}", index + 1) },
            ..item
        })
        .collect();
    match combine(&items) {
        Ok(spec) => parsed.layer.targets = spec,
        Err(problems) => {
            // The targets themselves are looked at all the same.
            parsed.problems.extend(problems);
            let targets = items
                .into_iter()
                .filter(|item| item.flag.is_some() || !super::words::WORDS.contains(&item.text.as_str()));
            parsed.layer.targets =
                Some(crate::plan::Spec::All(targets.map(crate::plan::Spec::Target).collect()));
        }
    }
    parsed.command = matches.get_many::<OsString>("command").into_iter().flatten().cloned().collect();
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Spec;

    fn argv(line: &str) -> Vec<OsString> {
        std::iter::once("prereq").chain(line.split_whitespace()).map(OsString::from).collect()
    }

    fn parsed(line: &str) -> Parsed {
        match parse(argv(line)) {
            Request::Wait(parsed) => *parsed,
            Request::Print(text) => panic!("{text}"),
        }
    }

    fn said(line: &str) -> Vec<String> {
        let text = |p: Problem| format!("{}: {} ({})", p.source, p.what, p.hint.unwrap_or_default());
        parsed(line).problems.into_iter().map(text).collect()
    }

    #[test]
    fn flags_and_positionals_keep_their_order() {
        let parsed = parsed("--tcp a:1 or b:2 then --tcp=c:3 -t 3s -- run --it -x");
        assert_eq!(parsed.problems, []);
        let Some(Spec::Sequence(parts)) = parsed.layer.targets else { panic!() };
        assert!(matches!(&parts[0], Spec::AtLeast(1, either) if either.len() == 2));
        assert_eq!(parsed.command, ["run", "--it", "-x"]);
    }

    #[test]
    fn switches_can_be_turned_off() {
        assert_eq!(parsed("--once a:1").layer.once, Some(true));
        assert_eq!(parsed("--once=no a:1").layer.once, Some(false));
        assert_eq!(parsed("--timeout 1s --timeout 2s a:1").layer.timeout, parsed("-t2s a:1").layer.timeout);
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let said = said("--tiemout 3s --interval 60 --zzz a:1 or --once=maybe");
        assert_eq!(
            said,
            [
                "--tiemout: unknown option (did you mean '--timeout'?)",
                "--zzz: unknown option (options are listed by prereq --help; a program to run follows --)",
                "--interval: '60' has no unit: write 60s for seconds, 60m for minutes ()",
                "--once: 'maybe' is neither true nor false ()",
                "target 2: 'or' has no precondition behind it (a file of that name is written ./or)",
            ]
        );
    }

    #[test]
    fn a_missing_value_is_reported() {
        assert_eq!(said("a:1 --timeout"), ["--timeout: a value is missing (write --timeout DUR)"]);
    }

    #[test]
    fn options_that_are_not_named_are_not_missed() {
        let flags = settings().into_iter().flat_map(|setting| {
            let long = if setting.value.is_empty() {
                vec![format!("--{}", setting.flag), format!("--{}=no", setting.flag)]
            } else {
                vec![format!("--{} 1s", setting.flag), format!("--{}=2", setting.flag)]
            };
            let short = setting.short.map(|short| match setting.value {
                "" => format!("-{short}{short}"),
                _ => format!("-{short}3s"),
            });
            long.into_iter().chain(short)
        });
        let kinds = registry::KINDS.iter().filter_map(|kind| kind.flag).map(|flag| format!("--{flag} a:1"));
        let lines = flags.chain(kinds).chain([String::new(), "not b:2 or ./c".into()]);
        for line in
            lines.flat_map(|line| [format!("{line} a:1 then b:2 -- run --timeout x"), format!("a:1 {line}")])
        {
            let quick = without_mistakes(&argv(&line), &[]).unwrap_or_else(|| panic!("{line}"));
            let Request::Wait(whole) = parse_all(argv(&line), &[]) else { panic!("{line}") };
            assert_eq!(format!("{quick:?}"), format!("{whole:?}"), "{line}");
        }
        for line in ["a:1 --zzz", "--timeout", "a:1 --help", "-V", "-h a:1", "a:1 -x", "--time 3s a:1"] {
            assert!(without_mistakes(&argv(line), &[]).is_none(), "{line}");
        }
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }
}
