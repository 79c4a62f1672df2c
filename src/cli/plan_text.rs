//! A plan as text: what would be waited for, how long at most, and what would be read from where.

use std::fmt::Write as _;

use super::settings::settings;
use super::sources::{Source, Sources};
use super::verb::files_of;
use crate::plan::duration::{Limit, exact};
use crate::plan::layer::Layer;
use crate::plan::target::Host;
use crate::plan::{Backoff, Node, Plan, Precondition};

/// The plan for people.
pub(super) fn text(plan: &Plan, layer: &Layer, from: &Sources) -> String {
    let mut text = String::new();
    let worst = match plan.worst_case() {
        Limit::Never => "it may wait for ever".to_owned(),
        Limit::After(longest) => format!("at most {}", exact(longest)),
    };
    let count = plan.preconditions.len();
    let _ = writeln!(
        text,
        "prereq would wait for {count} precondition{}, {worst}",
        if count == 1 { "" } else { "s" }
    );
    node(&mut text, plan, &plan.tree, 1);
    sources(&mut text, layer, from);
    reads(&mut text, plan);
    text
}

fn node(text: &mut String, plan: &Plan, tree: &Node, depth: usize) {
    let indent = "  ".repeat(depth);
    let (head, nodes) = match tree {
        Node::Leaf(id) => {
            let one = &plan.preconditions[*id];
            let _ = writeln!(text, "{indent}{}", one.name);
            let _ = writeln!(text, "{indent}    {}", policy(one));
            return;
        }
        Node::All(nodes) => ("all, together:".to_owned(), nodes),
        Node::AtLeast(1, nodes) => ("either:".to_owned(), nodes),
        Node::AtLeast(needed, nodes) => (format!("at least {needed} of:"), nodes),
        Node::Sequence(nodes) => ("one after the other:".to_owned(), nodes),
    };
    let _ = writeln!(text, "{indent}{head}");
    for child in nodes {
        node(text, plan, child, depth + 1);
    }
}

fn policy(one: &Precondition) -> String {
    let policy = &one.policy;
    let rule = match policy.backoff {
        Backoff::Adaptive => "adaptive".to_owned(),
        Backoff::Exponential => format!("exponential, factor {}", policy.factor),
        Backoff::Constant => "constant".to_owned(),
    };
    let mut parts = vec![format!("{rule} from {} to {}", exact(policy.interval), exact(policy.max_interval))];
    match policy.attempt_timeout {
        Limit::Never => parts.push("attempts without a time-out".into()),
        Limit::After(limit) => parts.push(format!("attempts of {} at most", exact(limit))),
    }
    if let Limit::After(limit) = policy.timeout {
        parts.push(format!("given up after {}", exact(limit)));
    }
    if policy.successes > 1 {
        parts.push(format!("{} successes in a row", policy.successes));
    }
    if !policy.stable.is_zero() {
        parts.push(format!("stable for {}", exact(policy.stable)));
    }
    if let Some(most) = policy.max_attempts {
        parts.push(format!("{most} attempts at most"));
    }
    if policy.optional {
        parts.push("optional".into());
    }
    if !policy.fail_on.is_empty() {
        parts.push(format!("ends at {}", policy.fail_on.join(", ")));
    }
    parts.join("; ")
}

/// Where each setting comes from.
fn sources(text: &mut String, layer: &Layer, from: &Sources) {
    let mut lines = Vec::new();
    for setting in settings() {
        let Some(source) = from.of(setting.flag) else { continue };
        let values = (setting.get)(layer);
        let shown =
            |values: &[String]| if setting.flag == "proxy" { "…".to_owned() } else { values.join(" ") };
        let value = shown(&values);
        lines.push(match source {
            Source::Flag => format!("  --{} {value}", setting.flag),
            Source::Variable => format!("  {}={value}", setting.variable()),
            Source::File(given) => format!("  {}: {}: {}", given.place, setting.flag, shown(&given.values)),
        });
    }
    if !lines.is_empty() {
        let _ = writeln!(text, "settings:\n{}", lines.join("\n"));
    }
}

/// What is read, beside the command line and the environment.
fn reads(text: &mut String, plan: &Plan) {
    let mut lines = Vec::new();
    let looks_up =
        |one: &Precondition| one.kind.name == "dns" || matches!(one.target.host, Some(Host::Name(_)));
    if plan.preconditions.iter().any(looks_up) {
        lines.push("/etc/resolv.conf and /etc/hosts, for names".to_owned());
    }
    for one in &plan.preconditions {
        lines.extend(files_of(one).into_iter().map(|file| format!("{file}, for {}", one.name)));
    }
    if !lines.is_empty() {
        let _ = writeln!(text, "reads:\n  {}", lines.join("\n  "));
    }
}
