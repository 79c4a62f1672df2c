//! From settings to a plan, without any network traffic.

use std::collections::HashMap;
use std::fmt;

use super::duration::{self, Limit};
use super::env::Env;
use super::expand::expand;
use super::layer::Layer;
use super::mesh::Mesh;
use super::policy::{Policy, Settings};
use super::problem::Problem;
use super::target::Target;
use super::tree::{Node, Spec, TargetSpec};
use crate::check::options::{self, COMMON};
use crate::check::{Draft, Kind, Probe, registry};

/// One precondition, ready to be probed.
pub struct Precondition {
    /// What it is called in the output; unique within the plan, without secrets.
    pub name: String,
    /// Its kind.
    pub kind: &'static Kind,
    /// Its target.
    pub target: Target,
    /// Whether the opposite is waited for.
    pub inverted: bool,
    /// How it is waited for.
    pub policy: Policy,
    /// What makes the attempts.
    pub probe: Box<dyn Probe>,
}

impl fmt::Debug for Precondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Precondition")
            .field("name", &self.name)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// What is waited for and how.
#[derive(Debug)]
pub struct Plan {
    /// The preconditions, in the order given.
    pub preconditions: Vec<Precondition>,
    /// How they are combined.
    pub tree: Node,
    /// How the run is conducted.
    pub settings: Settings,
}

/// Makes a plan out of `layer`.
///
/// # Errors
/// All that is wrong, not just the first.
pub fn resolve(layer: &Layer, env: &Env) -> Result<Plan, Vec<Problem>> {
    let mut resolver = Resolver { layer, env, preconditions: Vec::new(), problems: Vec::new() };
    let proxy = layer.mesh.and_then(Mesh::proxy).and_then(|target| resolver.proxy(target));
    let tree = if let Some(spec) = &layer.targets {
        let tree = resolver.node(spec, false);
        // What goes through the proxy is worth asking only when that is up.
        tree.map(|tree| match proxy {
            Some(proxy) => Node::Sequence(vec![proxy, tree]),
            None => tree,
        })
    } else {
        let problem = Problem::new("nothing to wait for: no precondition is given");
        resolver.problems.push(problem.hint("for example: prereq tcp://localhost:5432"));
        None
    };
    let settings = resolver.settings();
    if let (Some(tree), true) = (tree, resolver.problems.is_empty()) {
        let mut preconditions = resolver.preconditions;
        name_apart(&mut preconditions);
        return Ok(Plan { preconditions, tree, settings });
    }
    Err(resolver.problems)
}

struct Resolver<'a> {
    layer: &'a Layer,
    env: &'a Env,
    preconditions: Vec<Precondition>,
    problems: Vec<Problem>,
}

impl Resolver<'_> {
    /// The node of `spec`; `not` is pushed down to the targets by De Morgan's laws.
    fn node(&mut self, spec: &Spec, inverted: bool) -> Option<Node> {
        match spec {
            Spec::Target(target) => self.leaf(target, inverted),
            Spec::Not(inner) => self.node(inner, !inverted),
            Spec::All(specs) if inverted => Some(Node::AtLeast(1, self.nodes(specs, true)?)),
            Spec::All(specs) => Some(Node::All(self.nodes(specs, false)?)),
            Spec::AtLeast(count, specs) => {
                let count = if inverted { (specs.len() + 1).saturating_sub(*count) } else { *count };
                Some(Node::AtLeast(count, self.nodes(specs, inverted)?))
            }
            Spec::Sequence(specs) => {
                if inverted {
                    let problem = Problem::new("a sequence has no opposite").at(spec.source());
                    self.problems.push(problem.hint("put 'not' before its parts"));
                }
                Some(Node::Sequence(self.nodes(specs, inverted)?))
            }
        }
    }

    /// The nodes of all `specs`; problems of every one are collected.
    fn nodes(&mut self, specs: &[Spec], inverted: bool) -> Option<Vec<Node>> {
        let nodes: Vec<Option<Node>> = specs.iter().map(|spec| self.node(spec, inverted)).collect();
        nodes.into_iter().collect()
    }

    /// The proxy of a mesh.
    fn proxy(&mut self, target: &str) -> Option<Node> {
        let (text, source) = (target.to_owned(), "--mesh".to_owned());
        self.leaf(&TargetSpec { text, flag: None, source, options: Vec::new() }, false)
    }

    fn leaf(&mut self, spec: &TargetSpec, inverted: bool) -> Option<Node> {
        match self.precondition(spec, inverted) {
            Ok(precondition) => {
                self.preconditions.push(precondition);
                Some(Node::Leaf(self.preconditions.len() - 1))
            }
            Err(problems) => {
                self.problems.extend(problems.into_iter().map(|problem| problem.at(&spec.source)));
                None
            }
        }
    }

    fn precondition(&self, spec: &TargetSpec, inverted: bool) -> Result<Precondition, Vec<Problem>> {
        let target = self.target(spec)?;
        let Some(kind) = registry::kind_of(target.scheme) else {
            return Err(vec![Problem::new(format!("unknown scheme '{}'", target.scheme))]);
        };
        let label = target.label();
        let mut draft = Draft::new(&target, self.env).beside(&spec.options);
        draft.inverted = inverted;
        unknown_options(&mut draft, kind);
        if inverted && kind.opposite.is_empty() {
            draft.problem(Problem::new(format!("'not' has no meaning for {}", kind.name)));
        }
        let policy = self.policy(&mut draft);
        let name = match draft.text("name") {
            Some(name) if !name.is_empty() => name.chars().filter(|c| !c.is_control()).collect(),
            _ if inverted => format!("not {label}"),
            _ => label.clone(),
        };
        let probe = (kind.build)(&mut draft);
        let problems = draft.into_problems();
        match probe {
            Some(probe) if problems.is_empty() => {
                Ok(Precondition { name, kind, target, inverted, policy, probe })
            }
            _ => Err(problems
                .into_iter()
                .map(|problem| Problem { what: format!("{label}: {}", problem.what), ..problem })
                .collect()),
        }
    }

    /// The target, with the options given beside its text.
    fn target(&self, spec: &TargetSpec) -> Result<Target, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut options = Vec::with_capacity(spec.options.len());
        for option in &spec.options {
            match expand(&option.value, self.env) {
                Ok(value) => options.push((option.name.clone(), value)),
                Err(found) => problems.extend(found.into_iter().map(|problem| problem.at(&option.source))),
            }
        }
        match Target::parse(&spec.text, spec.flag, self.env) {
            Ok(mut target) if problems.is_empty() => {
                target.options.extend(options);
                Ok(target)
            }
            Ok(_) => Err(problems),
            Err(found) => Err([found, problems].concat()),
        }
    }

    /// The policy of a target: its own options over the settings for all.
    fn policy(&self, draft: &mut Draft<'_>) -> Policy {
        let (layer, base) = (self.layer, Policy::default());
        let once = layer.once == Some(true);
        let mut policy = Policy {
            timeout: draft.parsed("timeout", duration::parse_limit).unwrap_or(base.timeout),
            attempt_timeout: draft
                .parsed("attempt-timeout", duration::parse_limit)
                .or(layer.attempt_timeout)
                .unwrap_or(base.attempt_timeout),
            interval: draft.duration("interval").or(layer.interval).unwrap_or(base.interval),
            max_interval: draft.duration("max-interval").or(layer.max_interval).unwrap_or(base.max_interval),
            backoff: layer.backoff.unwrap_or(base.backoff),
            factor: layer.factor.unwrap_or(base.factor),
            successes: draft.number("successes", 1).or(layer.successes).unwrap_or(base.successes),
            stable: draft.duration("stable").or(layer.stable).unwrap_or(base.stable),
            max_attempts: draft.number("max-attempts", 1).or(layer.max_attempts),
            optional: draft.switch("optional"),
            fail_on: fail_on(draft),
        };
        if once {
            policy.max_attempts = Some(1);
            policy.successes = 1;
            policy.stable = std::time::Duration::ZERO;
        }
        // An interval above the default maximum moves the maximum, unless that was given as well.
        let explicit = draft.text("max-interval").is_some() || layer.max_interval.is_some();
        if policy.interval > policy.max_interval {
            if explicit {
                let (low, high) = (duration::exact(policy.interval), duration::exact(policy.max_interval));
                draft.problem(Problem::new(format!("interval {low} is longer than max-interval {high}")));
            }
            policy.max_interval = policy.interval;
        }
        if policy.interval < std::time::Duration::from_millis(1) {
            draft.problem(Problem::new("interval is shorter than 1ms").hint("a wait of 1ms is the shortest"));
        }
        policy
    }

    fn settings(&mut self) -> Settings {
        let base = Settings::default();
        let settings = Settings {
            timeout: self.layer.timeout.unwrap_or(base.timeout),
            splay: self.layer.splay.unwrap_or(base.splay),
            confirm: self.layer.confirm.unwrap_or(base.confirm),
            heartbeat: self.layer.heartbeat.unwrap_or(base.heartbeat),
        };
        if let Limit::After(timeout) = settings.timeout
            && settings.splay >= timeout
        {
            self.problems.push(Problem::new(
                "splay is not shorter than timeout: some hosts would never make an attempt",
            ));
        }
        settings
    }
}

/// Reports options that neither all kinds nor this one have, and options given too often.
fn unknown_options(draft: &mut Draft<'_>, kind: &'static Kind) {
    let known: Vec<&options::Opt> = kind.all_options().chain(COMMON).collect();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let target = draft.target;
    for (name, _) in &target.options {
        *seen.entry(name).or_default() += 1;
        match known.iter().find(|option| option.name == name) {
            None => {
                // Anything but a name may be the rest of a password that is not encoded.
                let is_name = name.len() < 32 && name.bytes().all(|c| c.is_ascii_lowercase() || c == b'-');
                let shown = if is_name { format!("option '{name}'") } else { "such option".to_owned() };
                let problem = Problem::new(format!("{} has no {shown}", kind.name));
                draft.wrong(name, problem.nearest(name, known.iter().map(|option| option.name)));
            }
            Some(option) if !option.repeat && seen[name.as_str()] == 2 => {
                draft.wrong(name, Problem::new(format!("option {name} is given more than once")));
            }
            Some(_) => {}
        }
    }
}

/// The classes, or families of classes (`tls`), that end the wait at once.
fn fail_on(draft: &mut Draft<'_>) -> Vec<String> {
    let mut codes = Vec::new();
    let given: Vec<&str> = draft.all("fail-on").flat_map(|list| list.split(',')).map(str::trim).collect();
    for code in given {
        let known = registry::classes().any(|class| {
            class.code == code || class.code.split_once('.').is_some_and(|(family, _)| family == code)
        });
        if known {
            codes.push(code.to_owned());
        } else {
            let problem = Problem::new(format!("option fail-on: there is no class '{code}'"));
            draft.wrong("fail-on", problem.nearest(code, registry::classes().map(|class| class.code)));
        }
    }
    codes
}

/// Numbers preconditions that would be called the same.
fn name_apart(preconditions: &mut [Precondition]) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for precondition in preconditions {
        let count = counts.entry(precondition.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            precondition.name = format!("{} ({count})", precondition.name);
        }
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
