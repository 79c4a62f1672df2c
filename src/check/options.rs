//! Options of a target, and how a kind reads them.

use std::str::FromStr;
use std::time::Duration;

use regex_lite::Regex;

use super::registry;
use crate::content;
use crate::plan::OptionSpec;
use crate::plan::duration;
use crate::plan::env::Env;
use crate::plan::problem::Problem;
use crate::plan::secret::Secret;
use crate::plan::target::Target;

/// An option that a target may have behind `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opt {
    /// Its name.
    pub name: &'static str,
    /// What its value is, for help; empty for a switch.
    pub value: &'static str,
    /// What it does, as a lower-case fragment.
    pub help: &'static str,
    /// Whether it may be given more than once.
    pub repeat: bool,
    /// Whether its value may be a secret, and is therefore never shown.
    pub secret: bool,
}

impl Opt {
    /// An option that is given once.
    #[must_use]
    pub const fn new(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, value, help, repeat: false, secret: false }
    }

    /// The same option, repeatable.
    #[must_use]
    pub const fn repeated(self) -> Self {
        Self { repeat: true, ..self }
    }

    /// The same option, whose value is never shown.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

/// Options that every kind has.
pub static COMMON: &[Opt] = &[
    Opt::new("name", "TEXT", "what it is called in the output"),
    Opt::new("timeout", "DUR", "give up on this one after DUR, counted from its start"),
    Opt::new("interval", "DUR", "shortest wait between attempts"),
    Opt::new("max-interval", "DUR", "longest wait between attempts"),
    Opt::new("attempt-timeout", "DUR", "longest duration of one attempt"),
    Opt::new("successes", "N", "attempts in a row that must succeed"),
    Opt::new("stable", "DUR", "how long it must hold without interruption"),
    Opt::new("max-attempts", "N", "give up on this one after N attempts"),
    Opt::new("optional", "", "wait for it, but go on without it when its time is up"),
    Opt::new("fail-on", "CLASS,…", "classes of failure that end the wait at once").repeated(),
];

/// Options of kinds that send credentials.
pub static CREDENTIALS: &[Opt] = &[
    Opt::new("user", "NAME", "user to authenticate as"),
    Opt::new("password-env", "VAR", "environment variable that holds the password"),
    Opt::new("password-file", "PATH", "file that holds the password, read at every attempt"),
];

/// A target on its way to becoming a probe: gives out options by type and collects what is wrong with them.
pub struct Draft<'a> {
    /// The target.
    pub target: &'a Target,
    /// The environment.
    pub env: &'a Env,
    /// Where the options were given that do not stand in the target's text.
    places: &'a [OptionSpec],
    /// Whether the opposite is waited for.
    pub inverted: bool,
    problems: Vec<Problem>,
}

impl<'a> Draft<'a> {
    /// A draft of `target`, without problems so far.
    #[must_use]
    pub fn new(target: &'a Target, env: &'a Env) -> Self {
        Self { target, env, places: &[], inverted: false, problems: Vec::new() }
    }

    /// The same draft, whose target has `options` from elsewhere than its text.
    #[must_use]
    pub fn beside(self, options: &'a [OptionSpec]) -> Self {
        Self { places: options, ..self }
    }

    /// Notes a problem.
    pub fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Notes a problem with option `name`, where that was given.
    pub fn wrong(&mut self, name: &str, problem: Problem) {
        let place = self.places.iter().find(|option| option.name == name);
        let source = place.map_or("", |option| option.source.as_str());
        self.problem(problem.at(source));
    }

    /// The problems noted so far.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Whether the target's kind has an option of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let kind = registry::kind_of(self.target.scheme);
        kind.is_some_and(|kind| kind.has(name))
    }

    /// The value of an option, as it is written.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.target.option(name)
    }

    /// All values of a repeatable option.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.target.options.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A value read by `parse`, whose error says what is wrong with it.
    pub fn parsed<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match parse(self.text(name)?) {
            Ok(value) => Some(value),
            Err(what) => {
                self.wrong(name, Problem::new(format!("option {name}: {what}")));
                None
            }
        }
    }

    /// A duration.
    pub fn duration(&mut self, name: &str) -> Option<Duration> {
        self.parsed(name, duration::parse)
    }

    /// A whole number not below `least`.
    pub fn number<T: FromStr + PartialOrd + Copy + std::fmt::Display>(
        &mut self,
        name: &str,
        least: T,
    ) -> Option<T> {
        self.parsed(name, |text| {
            text.parse()
                .ok()
                .filter(|number| *number >= least)
                .ok_or_else(|| format!("'{text}' is not a whole number from {least} on"))
        })
    }

    /// A switch: `true` when given without a value.
    pub fn switch(&mut self, name: &str) -> bool {
        self.parsed(name, parse_switch).unwrap_or(false)
    }

    /// A regular expression. `^` and `$` match at line ends too.
    pub fn regex(&mut self, name: &str) -> Option<Regex> {
        self.parsed(name, parse_regex)
    }

    /// One word out of `known`.
    pub fn one_of(&mut self, name: &str, known: &[&'static str]) -> Option<&'static str> {
        let given = self.text(name)?;
        if let Some(word) = known.iter().find(|word| **word == given) {
            return Some(word);
        }
        let problem = Problem::new(format!("option {name}: '{given}' is not one of {}", known.join(", ")));
        self.wrong(name, problem.nearest(given, known.iter().copied()));
        None
    }

    /// Notes a problem when the target has a part that its kind has no use for.
    pub fn no_path(&mut self) {
        if !matches!(self.target.path.as_str(), "" | "/") || self.target.query.is_some() {
            let what = format!("a {} target has no path or query", self.target.scheme);
            self.problem(Problem::new(what).hint("options follow a '#'"));
        }
    }

    /// Notes a problem when the target has userinfo that its kind has no use for.
    pub fn no_userinfo(&mut self) {
        if self.target.user.is_some() || self.target.password.is_some() {
            self.problem(Problem::new(format!("a {} target takes no user or password", self.target.scheme)));
        }
    }

    /// User and password, from the target itself or from the options `user`, `password-env`, `password-file`.
    pub fn credentials(&mut self) -> Credentials {
        let user = self.text("user").map(str::to_owned).or_else(|| self.target.user.clone());
        let mut sources = Vec::new();
        if let Some(password) = &self.target.password {
            sources.push(Password::Given(password.clone()));
        }
        if let Some(name) = self.text("password-env") {
            match self.env.get(name) {
                Some(value) => sources.push(Password::Given(Secret::new(value))),
                None => self.wrong(
                    "password-env",
                    Problem::new(format!("option password-env: variable {name} is not set"))
                        .nearest(name, self.env.iter().map(|(name, _)| name)),
                ),
            }
        }
        if let Some(path) = self.text("password-file") {
            sources.push(Password::File(path.to_owned()));
        }
        if sources.len() > 1 {
            self.problem(Problem::new("more than one password is given").hint("keep one of them"));
        }
        Credentials { user, password: sources.pop() }
    }
}

/// Where a password comes from.
#[derive(Debug, Clone)]
pub enum Password {
    /// Given in the target or by a variable.
    Given(Secret),
    /// In a file, which is read again at every attempt.
    File(String),
}

/// User and password, either of which may be absent.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The user.
    pub user: Option<String>,
    /// The password's source.
    pub password: Option<Password>,
}

impl Credentials {
    /// The password now.
    ///
    /// # Errors
    /// The reason why its file cannot be read.
    pub fn password(&self) -> Result<Option<Secret>, super::Reason> {
        match &self.password {
            None => Ok(None),
            Some(Password::Given(secret)) => Ok(Some(secret.clone())),
            Some(Password::File(path)) => read_secret(path).map(Some),
        }
    }
}

/// The content of a file that holds a secret, without the line end at its end.
///
/// # Errors
/// The reason why it cannot be read.
pub fn read_secret(path: &str) -> Result<Secret, super::Reason> {
    let content = content::now(path, content::SHORT).and_then(content::text).map_err(|error| {
        let why = crate::net::io_words(&error);
        super::Reason::new(&super::class::LOCAL_SECRET, format!("cannot read {path}: {why}"))
    })?;
    let content = content.strip_suffix('\n').unwrap_or(&content);
    Ok(Secret::new(content.strip_suffix('\r').unwrap_or(content)))
}

/// Reads a switch: true/false, yes/no, on/off, 1/0.
///
/// # Errors
/// When it is none of these.
pub fn parse_switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("'{text}' is neither true nor false")),
    }
}

/// Compiles a regular expression with `^` and `$` at line ends.
///
/// # Errors
/// What is wrong with it; the message does not repeat the expression.
pub fn parse_regex(text: &str) -> Result<Regex, String> {
    regex_lite::RegexBuilder::new(text)
        .multi_line(true)
        .build()
        .map_err(|error| format!("not a regular expression: {error}"))
}
