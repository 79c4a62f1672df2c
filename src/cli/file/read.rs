//! What the tree of a file means: settings, and targets with what is between them.

use super::tree::{Key, Marked, Mistake, Place, Value};
use crate::check::options::COMMON;
use crate::check::registry;
use crate::cli::settings::{Setting, settings};
use crate::cli::sources::{FromFile, InFile};
use crate::cli::words::{WORDS, combine, single};
use crate::plan::env::Env;
use crate::plan::expand::expand;
use crate::plan::problem::nearest;
use crate::plan::{OptionSpec, Spec, TargetSpec};

/// The key under which targets stand.
pub(super) const TARGETS: &str = "targets";
/// The key of the text of a target that has options as further keys.
pub(super) const TARGET: &str = "target";
/// The keys that combine targets.
pub(super) const COMBINATORS: [&str; 5] = ["all", "any", "at-least", "sequence", "not"];

/// Whether a setting may stand in a file.
pub(super) fn is_for_files(setting: &Setting) -> bool {
    setting.flag != "config"
}

/// Reads the tree of the file that is called `name` in messages.
pub(super) fn read(name: &str, root: Option<&Marked>, mistakes: Vec<Mistake>, env: &Env) -> FromFile {
    let mut reader = Reader { name, env, read: FromFile::default(), mistakes };
    match root.map(|root| (&root.value, root)) {
        Some((Value::Map(pairs), _)) => reader.settings(pairs),
        Some((Value::List(_), root)) => {
            let specs = reader.specs(root);
            reader.read.layer.targets = single(specs, Spec::All);
        }
        Some((Value::Text(_), root)) => {
            let mistake = Mistake::new(root.at, "the file holds text, where a map or a list is wanted");
            reader.mistakes.push(mistake.hint("write targets: and a list of targets below it"));
        }
        Some((Value::Null, _)) | None if reader.mistakes.is_empty() => {
            let mistake = Mistake::new(Place::START, "the file is empty");
            reader.mistakes.push(mistake.hint("write targets: and a list of targets below it"));
        }
        _ => {}
    }
    reader.mistakes.sort_by_key(|mistake| mistake.at);
    let located = |mistake: Mistake| mistake.problem.at(&source(name, mistake.at));
    reader.read.problems = reader.mistakes.into_iter().map(located).collect();
    reader.read
}

/// A place of a file for messages.
pub(super) fn source(name: &str, at: Place) -> String {
    format!("{name}:{}:{}", at.line, at.column)
}

struct Reader<'a> {
    name: &'a str,
    env: &'a Env,
    read: FromFile,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn wrong(&mut self, at: Place, what: impl Into<String>) {
        self.mistakes.push(Mistake::new(at, what));
    }

    fn advise(&mut self, at: Place, what: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.push(Mistake::new(at, what).hint(hint));
    }

    fn settings(&mut self, pairs: &[(Key, Marked)]) {
        let settings = settings();
        for (key, value) in pairs {
            if key.name == TARGETS {
                let specs = self.specs(value);
                self.read.layer.targets = single(specs, Spec::All);
            } else if let Some(setting) = settings.iter().find(|setting| setting.flag == key.name) {
                self.setting(setting, key, value);
            } else {
                self.unknown_setting(key, &settings);
            }
        }
    }

    fn unknown_setting(&mut self, key: &Key, settings: &[Setting]) {
        let what = format!("unknown {}", key.shown());
        let names = settings.iter().filter(|setting| is_for_files(setting)).map(|setting| setting.flag);
        let is_target = |name: &&str| **name == key.name;
        let mut targets = COMBINATORS.iter().chain([&TARGET]).copied();
        let hint = if targets.any(|name| is_target(&name)) {
            Some(format!("write it below {TARGETS}:, as an item of the list"))
        } else if registry::KINDS.iter().filter_map(|kind| kind.flag).any(|flag| flag == key.name) {
            Some(format!("targets of every kind stand in the list {TARGETS}:"))
        } else {
            nearest(&key.name, names.chain([TARGETS])).map(|near| format!("did you mean '{near}'?"))
        };
        self.advise(
            key.at,
            what,
            hint.unwrap_or_else(|| {
                format!("settings are called as the options of prereq --help; targets stand below {TARGETS}:")
            }),
        );
    }

    fn setting(&mut self, setting: &Setting, key: &Key, value: &Marked) {
        if !is_for_files(setting) {
            self.wrong(key.at, "a file does not name another file");
            return;
        }
        let mut given = InFile { flag: setting.flag, values: Vec::new(), place: source(self.name, value.at) };
        for (text, at) in self.texts(setting.flag, value, setting.repeat) {
            match expand(text, self.env) {
                Ok(value) => {
                    if let Err(what) = (setting.set)(&mut self.read.layer, &value) {
                        self.wrong(at, format!("{}: {what}", setting.flag));
                    }
                }
                Err(problems) => {
                    self.mistakes.extend(problems.into_iter().map(|problem| Mistake { at, problem }));
                }
            }
            given.values.push(text.to_owned());
        }
        self.read.given.push(given);
    }

    /// The texts of a value; several only where `repeat` is set.
    fn texts<'m>(&mut self, name: &str, value: &'m Marked, repeat: bool) -> Vec<(&'m str, Place)> {
        match &value.value {
            Value::Text(text) => vec![(text, value.at)],
            Value::Null => {
                self.advise(
                    value.at,
                    format!("{name} has no value"),
                    "leave it out, or give it one; empty text is written ''",
                );
                Vec::new()
            }
            Value::List(items) if repeat => {
                if items.is_empty() {
                    self.wrong(value.at, format!("{name} is an empty list"));
                }
                items.iter().flat_map(|item| self.texts(name, item, false)).collect()
            }
            other => {
                let wanted = if repeat { "text or a list of texts" } else { "one value" };
                self.wrong(value.at, format!("{name} takes {wanted}, and here is {}", other.what()));
                Vec::new()
            }
        }
    }

    /// The items of a list of targets. One alone needs no list.
    fn specs(&mut self, value: &Marked) -> Vec<Spec> {
        match &value.value {
            Value::List(items) if items.is_empty() => {
                self.wrong(value.at, "the list of targets is empty");
                Vec::new()
            }
            Value::List(items) => items.iter().filter_map(|item| self.spec(item)).collect(),
            _ => self.spec(value).into_iter().collect(),
        }
    }

    fn spec(&mut self, item: &Marked) -> Option<Spec> {
        match &item.value {
            Value::Text(text) => self.words(text, item.at),
            Value::Map(pairs) => match pairs.iter().find(|(key, _)| COMBINATORS.contains(&key.name.as_str()))
            {
                Some((key, value)) => {
                    for (other, _) in pairs.iter().filter(|(other, _)| other.name != key.name) {
                        let what = format!("{} does not go together with '{}'", other.shown(), key.name);
                        self.advise(
                            other.at,
                            what,
                            "options belong to the targets; each combination is an item of its own",
                        );
                    }
                    self.combination(key, value)
                }
                None => self.target(item.at, pairs).map(Spec::Target),
            },
            Value::List(_) => {
                self.advise(item.at, "a list within a list", "say what it means: all:, any: or sequence:");
                None
            }
            Value::Null => {
                self.advise(item.at, "a target is missing", "write it behind the dash: - tcp://HOST:PORT");
                None
            }
        }
    }

    fn combination(&mut self, key: &Key, value: &Marked) -> Option<Spec> {
        match key.name.as_str() {
            "all" => single(self.specs(value), Spec::All),
            "any" => single(self.specs(value), |specs| Spec::AtLeast(1, specs)),
            "sequence" => single(self.specs(value), Spec::Sequence),
            "not" if matches!(value.value, Value::List(_)) => {
                self.advise(
                    value.at,
                    "not takes one target, and here is a list",
                    "say which: not: {any: […]} waits until none holds, not: {all: […]} until one does not",
                );
                None
            }
            "not" => self.spec(value).map(|spec| Spec::Not(Box::new(spec))),
            _ => self.at_least(value),
        }
    }

    /// `{count: N, of: […]}`.
    fn at_least(&mut self, value: &Marked) -> Option<Spec> {
        let Value::Map(pairs) = &value.value else {
            let what = format!("at-least takes a map, and here is {}", value.value.what());
            self.advise(value.at, what, "write at-least: {count: 2, of: […]}");
            return None;
        };
        let (mut count, mut specs) = (None, None);
        for (key, value) in pairs {
            match key.name.as_str() {
                "count" => count = self.count(value).map(|count| (count, value.at)),
                "of" => specs = Some(self.specs(value)),
                name => {
                    let mistake = Mistake::new(key.at, format!("unknown {} in at-least", key.shown()));
                    let problem = mistake.problem.hint("it has count and of").nearest(name, ["count", "of"]);
                    self.mistakes.push(Mistake { problem, ..mistake });
                }
            }
        }
        for name in ["count", "of"] {
            if !pairs.iter().any(|(key, _)| key.name == name) {
                self.advise(
                    value.at,
                    format!("at-least has no {name}"),
                    "write at-least: {count: 2, of: […]}",
                );
            }
        }
        let ((count, at), specs) = (count?, specs?);
        if count > specs.len() {
            self.wrong(at, format!("count is {count}, but there are only {} targets", specs.len()));
        }
        single(specs, |specs| Spec::AtLeast(count, specs))
    }

    fn count(&mut self, value: &Marked) -> Option<usize> {
        let (text, at) = self.texts("count", value, false).pop()?;
        let count = expand(text, self.env).map_err(|problems| {
            self.mistakes.extend(problems.into_iter().map(|problem| Mistake { at, problem }));
        });
        let count = count.ok()?.parse().ok().filter(|count| *count > 0);
        if count.is_none() {
            self.wrong(at, "count is not a whole number from 1 on");
        }
        count
    }

    /// A text in the place of a target: words in it are understood as they are in `PREREQ_TARGETS`.
    fn words(&mut self, text: &str, at: Place) -> Option<Spec> {
        let source = source(self.name, at);
        let target = |text: String| TargetSpec { text, source: source.clone(), ..TargetSpec::default() };
        if !has_words(text) {
            return Some(Spec::Target(target(text.to_owned())));
        }
        let Some(words) = shlex::split(text) else {
            self.wrong(at, "a quote is not closed");
            return None;
        };
        let items: Vec<TargetSpec> = words.into_iter().map(target).collect();
        match combine(&items) {
            Ok(spec) => spec,
            Err(problems) => {
                self.mistakes.extend(problems.into_iter().map(|problem| Mistake { at, problem }));
                None
            }
        }
    }

    /// A target with its options as keys. Whether its kind has them is found out when it is resolved.
    fn target(&mut self, at: Place, pairs: &[(Key, Marked)]) -> Option<TargetSpec> {
        let mut spec = TargetSpec { source: source(self.name, at), ..TargetSpec::default() };
        let mut found = false;
        for (key, value) in pairs {
            if key.name == TARGET {
                found = true;
                let (text, at) = self.texts(TARGET, value, false).pop()?;
                (spec.text, spec.source) = (text.to_owned(), source(self.name, at));
                continue;
            }
            let source = source(self.name, key.at);
            for (text, _) in self.texts(&key.name, value, may_repeat(&key.name)) {
                let option =
                    OptionSpec { name: key.name.clone(), value: text.to_owned(), source: source.clone() };
                spec.options.push(option);
            }
        }
        if found {
            return Some(spec);
        }
        let near =
            pairs.iter().find_map(|(key, _)| nearest(&key.name, COMBINATORS.into_iter().chain([TARGET])));
        let what = format!("this map has neither {TARGET} nor {}", COMBINATORS.join(", "));
        let hint = near.map_or_else(
            || {
                let scheme = pairs.iter().find_map(|(key, _)| registry::scheme(&key.name));
                format!("write {TARGET}: {}", scheme.map_or("SCHEME:…", |scheme| scheme.form))
            },
            |near| format!("did you mean '{near}'?"),
        );
        self.advise(at, what, hint);
        None
    }
}

/// Whether one of the words stands alone in a text, as a shell would split it.
pub(super) fn has_words(text: &str) -> bool {
    let is_word = |word: &str| WORDS.contains(&word);
    text.split_whitespace().any(is_word)
        && shlex::split(text).is_none_or(|words| words.iter().any(|word| is_word(word)))
}

/// Whether an option of this name may be given more than once, for some kind. Unknown ones are told of later.
fn may_repeat(name: &str) -> bool {
    let options = registry::KINDS.iter().flat_map(|kind| kind.all_options()).chain(COMMON);
    let mut named = options.filter(|option| option.name == name).peekable();
    named.peek().is_none() || named.any(|option| option.repeat)
}
