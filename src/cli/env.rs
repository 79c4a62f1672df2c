//! Settings from the environment.

use super::settings::{Setting, settings, variable};
use super::words::{WORDS, combine};
use crate::check::registry;
use crate::plan::TargetSpec;
use crate::plan::env::Env;
use crate::plan::layer::Layer;
use crate::plan::problem::Problem;

/// The variable that holds preconditions of any kind.
const TARGETS: &str = "PREREQ_TARGETS";

/// What the environment asks for. Preconditions are left alone where `with_targets` is not set: flags have
/// given some.
///
/// # Errors
/// Unknown `PREREQ_*` variables and values that cannot be read.
pub(super) fn layer(env: &Env, with_targets: bool) -> (Layer, Vec<Problem>) {
    let settings = settings();
    let mut layer = Layer::default();
    let mut problems = Vec::new();
    let mut items = Vec::new();
    let mut ours: Vec<(&str, &str)> = env.iter().filter(|(name, _)| name.starts_with("PREREQ_")).collect();
    ours.sort_unstable();
    for (name, value) in ours {
        if let Some(setting) = settings.iter().find(|setting| setting.variable() == name) {
            // An empty variable is as good as none, as in a Pod spec that fills it from an absent key.
            if value.is_empty() {
                continue;
            }
            let values = if setting.repeat {
                words(name, value, &mut problems)
            } else {
                vec![value.trim().to_owned()]
            };
            for value in values {
                if let Err(what) = (setting.set)(&mut layer, &value) {
                    problems.push(Problem::new(what).at(name));
                }
            }
        } else if let Some(flag) = typed(name) {
            items.extend(split(name, value, Some(flag), &mut problems));
        } else if name == TARGETS {
            items.extend(split(name, value, None, &mut problems));
        } else if !injected(name) {
            problems.push(unknown(name, &settings));
        }
    }
    if with_targets {
        match combine(&items) {
            Ok(spec) => layer.targets = spec,
            Err(found) => problems.extend(found),
        }
    }
    (layer, problems)
}

/// What a variable of this program holds.
#[cfg(feature = "manifest")]
pub(super) enum Holds {
    /// The value of a setting.
    Setting,
    /// Targets, of a kind if that is given.
    Targets(Option<&'static str>),
}

/// What the variable `name` holds, if it is one of this program's.
#[cfg(feature = "manifest")]
pub(super) fn holds(name: &str) -> Option<Holds> {
    if name == TARGETS {
        return Some(Holds::Targets(None));
    }
    let setting = settings().iter().any(|setting| setting.variable() == name);
    if setting { Some(Holds::Setting) } else { typed(name).map(|flag| Holds::Targets(Some(flag))) }
}

/// The kind whose targets a variable holds.
fn typed(name: &str) -> Option<&'static str> {
    registry::KINDS.iter().filter_map(|kind| kind.flag).find(|flag| variable(flag) == name)
}

/// The targets in a variable.
fn split(
    name: &str,
    value: &str,
    flag: Option<&'static str>,
    problems: &mut Vec<Problem>,
) -> Vec<TargetSpec> {
    let item = |text: String| {
        let flag = flag.filter(|_| !WORDS.contains(&text.as_str()));
        TargetSpec { text, flag, source: name.to_owned(), ..TargetSpec::default() }
    };
    words(name, value, problems).into_iter().map(item).collect()
}

/// The values of a variable that holds several, split as a shell would.
fn words(name: &str, value: &str, problems: &mut Vec<Problem>) -> Vec<String> {
    shlex::split(value).unwrap_or_else(|| {
        problems.push(Problem::new("a quote is not closed").at(name));
        Vec::new()
    })
}

/// Whether Kubernetes puts this variable into Pods for a Service that is called `prereq`, or begins so
/// (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>).
fn injected(name: &str) -> bool {
    let rest = name.strip_prefix("PREREQ_").unwrap_or_default();
    // PREREQ_PORT, PREREQ_PORT_80_TCP, PREREQ_SERVICE_PORT_HTTP, and the same of a Service `prereq-x`.
    let is_port = |rest: &str| {
        rest.strip_prefix("PORT").is_some_and(|rest| {
            let mut parts = rest.strip_prefix('_').unwrap_or(rest).split('_');
            rest.is_empty()
                || parts
                    .next()
                    .is_some_and(|port| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()))
                    && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
                    && matches!(parts.next(), None | Some("ADDR" | "PORT" | "PROTO"))
                    && parts.next().is_none()
        })
    };
    let is_service =
        |rest: &str| rest == "SERVICE_HOST" || rest == "SERVICE_PORT" || rest.starts_with("SERVICE_PORT_");
    let after_parts = |test: &dyn Fn(&str) -> bool| {
        test(rest) || rest.match_indices('_').any(|(at, _)| test(&rest[at + 1..]))
    };
    after_parts(&is_service) || after_parts(&is_port)
}

fn unknown(name: &str, settings: &[Setting]) -> Problem {
    let mut known: Vec<String> = settings.iter().map(Setting::variable).collect();
    known.extend(registry::KINDS.iter().filter_map(|kind| kind.flag).map(variable));
    known.push(TARGETS.to_owned());
    let problem = Problem::new("unknown variable").at(name);
    // The common prefix would make all names alike.
    let rest = name.strip_prefix("PREREQ_").unwrap_or(name);
    let near =
        crate::plan::problem::nearest(rest, known.iter().filter_map(|name| name.strip_prefix("PREREQ_")));
    match near {
        Some(near) => problem.hint(format!("did you mean 'PREREQ_{near}'?")),
        None => problem.hint("variables that begin with PREREQ_ are settings; see prereq --help"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Spec;

    #[test]
    fn settings_and_targets_are_read() {
        let env = Env::from([
            ("PREREQ_TIMEOUT", "3s"),
            ("PREREQ_ONCE", "Yes"),
            ("PREREQ_SPLAY", ""),
            ("PREREQ_TARGETS", "not 'tcp://a:1#name=x y' then tcp://b:2"),
        ]);
        let (layer, problems) = layer(&env, true);
        assert_eq!(problems, []);
        assert_eq!((layer.once, layer.splay), (Some(true), None));
        assert!(matches!(layer.targets, Some(Spec::Sequence(parts)) if parts.len() == 2));
    }

    #[test]
    fn what_kubernetes_injects_is_left_alone_and_nothing_else() {
        for name in [
            "PREREQ_SERVICE_HOST",
            "PREREQ_SERVICE_PORT",
            "PREREQ_SERVICE_PORT_HTTP",
            "PREREQ_PORT",
            "PREREQ_PORT_80_TCP",
            "PREREQ_PORT_80_TCP_ADDR",
            "PREREQ_PORT_53_UDP_PROTO",
            "PREREQ_WEB_SERVICE_HOST",
            "PREREQ_WEB_PORT_80_TCP",
        ] {
            assert!(injected(name), "{name}");
        }
        for name in
            ["PREREQ_PORTS", "PREREQ_PORT_X", "PREREQ_SERVICE", "PREREQ_SERVICE_HOSTS", "PREREQ_PORT_80"]
        {
            assert!(!injected(name), "{name}");
        }
    }

    #[test]
    fn unknown_variables_and_bad_values_are_all_reported() {
        let env = Env::from([("PREREQ_TIEMOUT", "3s"), ("PREREQ_INTERVAL", "60"), ("PREREQ_TCP", "'a:1")]);
        let (_, problems) = layer(&env, true);
        let said: Vec<String> = problems.into_iter().map(|p| format!("{}: {}", p.source, p.what)).collect();
        assert_eq!(
            said,
            [
                "PREREQ_INTERVAL: '60' has no unit: write 60s for seconds, 60m for minutes",
                "PREREQ_TCP: a quote is not closed",
                "PREREQ_TIEMOUT: unknown variable",
            ]
        );
    }
}
