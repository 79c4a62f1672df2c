//! From settings and targets to the file that means the same: `prereq plan --format yaml`.
//!
//! What may be a secret is never written. A variable that held it stays; anything else is replaced by a variable,
//! and the first line of the file says which ones must be set.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::emit::yaml;
use super::read::{TARGET, TARGETS, has_words, is_for_files};
use crate::check::options::{COMMON, parse_switch};
use crate::cli::settings::{Setting, settings};
use crate::cli::sources::{Source, Sources};
use crate::plan::env::Env;
use crate::plan::expand::{escape, is_variables, needed, variables};
use crate::plan::layer::Layer;
use crate::plan::mesh::Mesh;
use crate::plan::problem::Problem;
use crate::plan::target::{Host, Target};
use crate::plan::{self, Plan, Precondition, Spec, TargetSpec, has_userinfo};

/// The format of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Yaml,
    Json,
}

/// A file as it is written.
#[derive(Debug)]
pub(crate) struct Written {
    /// Its content.
    pub(crate) text: String,
    /// The variables in it that have no default.
    pub(crate) needed: Vec<String>,
}

/// Variables that stand in the place of secrets, with the secrets.
pub(super) type Hidden = Vec<(String, String)>;

/// Writes the file that means what `layer` does, out of which `plan` was made.
///
/// # Errors
/// Targets that no file can hold.
pub(crate) fn write(
    layer: &Layer,
    plan: &Plan,
    sources: &Sources,
    env: &Env,
    format: Format,
) -> Result<Written, Vec<Problem>> {
    let (document, _) = document(layer, plan, sources, env)?;
    let mut needed = Vec::new();
    document.values().for_each(|value| collect(value, &mut needed));
    let text = match format {
        Format::Yaml if needed.is_empty() => yaml(&document),
        Format::Yaml => {
            format!(
                "# Variables to set (secrets are not written): {}\n{}",
                needed.join(", "),
                yaml(&document)
            )
        }
        Format::Json => serde_json::to_string_pretty(&document).unwrap_or_default() + "\n",
    };
    Ok(Written { text, needed })
}

/// The file as a document.
pub(super) fn document(
    layer: &Layer,
    plan: &Plan,
    sources: &Sources,
    env: &Env,
) -> Result<(Map<String, Json>, Hidden), Vec<Problem>> {
    let taken = layer.targets.as_ref().map(names).unwrap_or_default();
    // The proxy of a mesh follows from the setting.
    let implied = usize::from(layer.mesh.and_then(Mesh::proxy).is_some());
    let left = plan.preconditions.get(implied..).unwrap_or_default();
    let mut writer = Writer { env, left, hidden: Vec::new(), taken, problems: Vec::new() };
    let mut document = Map::new();
    for setting in settings().iter().filter(|setting| is_for_files(setting)) {
        if let Some(value) = writer.setting(setting, layer, sources) {
            document.insert(setting.flag.to_owned(), value);
        }
    }
    let specs = match &layer.targets {
        Some(Spec::All(specs)) => specs.as_slice(),
        Some(spec) => std::slice::from_ref(spec),
        None => &[],
    };
    document.insert(TARGETS.to_owned(), writer.specs(specs));
    if !writer.problems.is_empty() {
        return Err(writer.problems);
    }
    Ok((document, writer.hidden))
}

/// The variables in the targets of `spec`.
fn names(spec: &Spec) -> BTreeSet<String> {
    match spec {
        Spec::Target(target) => {
            let values = target.options.iter().map(|option| &option.value);
            values.chain([&target.text]).flat_map(|text| variables(text)).collect()
        }
        Spec::Not(spec) => names(spec),
        Spec::All(specs) | Spec::AtLeast(_, specs) | Spec::Sequence(specs) => {
            specs.iter().flat_map(names).collect()
        }
    }
}

/// The variables in `value` that must be set, in the order in which they stand there.
fn collect(value: &Json, found: &mut Vec<String>) {
    match value {
        Json::String(text) => {
            for name in needed(text) {
                if !found.contains(&name) {
                    found.push(name);
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Json::Object(pairs) => pairs.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

struct Writer<'a> {
    env: &'a Env,
    /// What the targets that are not written yet resolve to, in their order.
    left: &'a [Precondition],
    hidden: Hidden,
    taken: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Writer<'_> {
    fn setting(&mut self, setting: &Setting, layer: &Layer, sources: &Sources) -> Option<Json> {
        let values = (setting.get)(layer);
        let kept = match sources.of(setting.flag) {
            Some(Source::File(given)) if given.values.iter().any(|value| !variables(value).is_empty()) => {
                Some(&given.values)
            }
            _ => None,
        };
        let texts = kept.cloned().unwrap_or_else(|| values.iter().map(|value| escape(value)).collect());
        let secret = values.iter().any(|value| has_userinfo(value));
        let mut written = texts.into_iter().map(|text| match values.first() {
            Some(value) if secret && !is_variables(&text) => {
                format!("${{{}}}", self.variable(setting.flag, value)).into()
            }
            _ => typed(setting.value, text),
        });
        if setting.repeat && !setting.value.is_empty() && !values.is_empty() {
            return Some(written.collect());
        }
        written.next()
    }

    fn specs(&mut self, specs: &[Spec]) -> Json {
        specs.iter().map(|spec| self.spec(spec)).collect()
    }

    fn spec(&mut self, spec: &Spec) -> Json {
        match spec {
            Spec::Target(target) => self.target(target),
            Spec::Not(inner) => pair("not", self.spec(inner)),
            Spec::All(specs) => pair("all", self.specs(specs)),
            Spec::AtLeast(1, specs) => pair("any", self.specs(specs)),
            Spec::AtLeast(count, specs) => {
                let mut map = Map::new();
                map.insert("count".into(), (*count).into());
                map.insert("of".into(), self.specs(specs));
                pair("at-least", map.into())
            }
            Spec::Sequence(specs) => pair("sequence", self.specs(specs)),
        }
    }

    fn target(&mut self, spec: &TargetSpec) -> Json {
        let Some((one, left)) = self.left.split_first() else { return Json::Null };
        self.left = left;
        let (env, whose) = (self.env, whose(&one.target));
        let mut hide =
            |what: &str, value: &str| format!("${{{}}}", self.variable(&format!("{whose}_{what}"), value));
        let written = match plan::written(spec, &one.target, env, &mut hide) {
            Ok(written) => written,
            Err(problems) => {
                self.problems.extend(problems.into_iter().map(|problem| problem.at(&spec.source)));
                return Json::Null;
            }
        };
        self.verify(spec, one, &written);
        if written.options.is_empty() && !has_words(&written.text) {
            return written.text.into();
        }
        let mut map = Map::new();
        map.insert(TARGET.into(), written.text.into());
        for (name, value) in written.options {
            let known = one.kind.all_options().chain(COMMON).find(|option| option.name == name);
            let value = typed(known.map_or("TEXT", |option| option.value), value);
            match (map.get_mut(&name), known.is_some_and(|option| option.repeat)) {
                (Some(Json::Array(values)), _) => values.push(value),
                (_, true) => drop(map.insert(name, vec![value].into())),
                _ => drop(map.insert(name, value)),
            }
        }
        map.into()
    }

    /// Makes sure that the file means the same.
    fn verify(&mut self, spec: &TargetSpec, one: &Precondition, written: &plan::Written) {
        let hidden = self.hidden.iter().map(|(name, value)| (name.into(), value.into()));
        let given = self.env.iter().map(|(name, value)| (name.into(), value.into()));
        let env = Env::new(given.chain(hidden));
        let back = Target::parse(&written.text, None, &env);
        let same = back.is_ok_and(|back| {
            let query = |target: &Target| target.query.as_deref().map(plain);
            let options = Vec::new();
            query(&back) == query(&one.target)
                && Target { query: None, options: options.clone(), ..back }
                    == Target { query: None, options, ..one.target.clone() }
        });
        if !same {
            let problem = Problem::new("this target cannot be written into a file").at(&spec.source);
            self.problems
                .push(problem.hint("give it with its scheme, and variables for whole parts of it only"));
        }
    }

    /// The variable that stands in the place of a secret: one that is not in use.
    fn variable(&mut self, what: &str, value: &str) -> String {
        let base: String = what
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        let base = if base.starts_with(|c: char| c.is_ascii_digit()) || base.starts_with("PREREQ_") {
            format!("_{base}")
        } else {
            base
        };
        for count in 1_usize.. {
            let name = if count == 1 { base.clone() } else { format!("{base}_{count}") };
            match self.hidden.iter().find(|(known, _)| *known == name) {
                Some((_, known)) if known == value => return name,
                None if self.env.get(&name).is_none() && !self.taken.contains(&name) => {
                    self.hidden.push((name.clone(), value.to_owned()));
                    return name;
                }
                _ => {}
            }
        }
        base
    }
}

/// A query without percent-encoding, apart from what would change its meaning.
pub(super) fn plain(query: &str) -> String {
    let query = query.replace("%2B", "%252B").replace("%26", "%2526");
    percent_encoding::percent_decode_str(&query).decode_utf8_lossy().into_owned()
}

/// Whose secret it is: the target's name, its host, or its scheme.
fn whose(target: &Target) -> &str {
    match (target.option("name"), &target.host) {
        (Some(name), _) if !name.is_empty() => name,
        (_, Some(Host::Name(name))) => name,
        _ => target.scheme,
    }
}

fn pair(key: &str, value: Json) -> Json {
    Json::Object(Map::from_iter([(key.to_owned(), value)]))
}

/// A switch or number as such, if the text is one and would be read back the same.
fn typed(form: &str, text: String) -> Json {
    match form {
        "" if ["true", "false"].contains(&text.as_str()) => {
            parse_switch(&text).map_or(text.into(), Json::Bool)
        }
        "" | "N" => match text.parse::<serde_json::Number>() {
            Ok(number) if number.to_string() == text => Json::Number(number),
            _ => text.into(),
        },
        _ => text.into(),
    }
}
