//! The JSON report: everything that is known at the end. The form is that of `report.schema.json`.

use serde_json::{Value, json};

use super::Ended;
use super::object::{Object, VERSION, millis, outcome_name, put, standing, timestamp, told};
use crate::cli::exit::Exit;
use crate::engine::{Span, State};
use crate::plan::Node;

/// The whole report, as text.
pub(super) fn document(ended: &Ended<'_>) -> String {
    format!("{:#}\n", Value::from(report(ended)))
}

fn report(ended: &Ended<'_>) -> Object {
    let progress = ended.progress;
    let plan = progress.plan();
    let mut report = Object::new();
    put(&mut report, "v", VERSION);
    put(&mut report, "version", env!("CARGO_PKG_VERSION"));
    put(&mut report, "host", ended.host.as_str());
    put(&mut report, "started", timestamp(ended.started()));
    put(&mut report, "ended", timestamp(ended.time));
    put(&mut report, "elapsed_ms", millis(ended.at));
    put(&mut report, "timeout_ms", plan.settings.timeout.duration().map(millis));
    put(&mut report, "outcome", outcome_name(ended.outcome));
    put(&mut report, "exit", Exit::from(ended.outcome) as u8);
    put(&mut report, "ready", progress.leaves().iter().filter(|leaf| leaf.state == State::Ready).count());
    put(&mut report, "total", progress.leaves().len());
    put(&mut report, "tree", tree(&plan.tree));
    let entries: Vec<Value> = (0..progress.leaves().len()).map(|id| precondition(ended, id).into()).collect();
    put(&mut report, "preconditions", entries);
    report
}

fn precondition(ended: &Ended<'_>, id: usize) -> Object {
    let leaf = ended.progress.leaf(id);
    let plan = &ended.progress.plan().preconditions[id];
    let mut entry = Object::new();
    standing(&mut entry, id, ended.at, ended.progress, ended.surroundings);
    put(&mut entry, "uri", plan.target.label());
    put(&mut entry, "inverted", plan.inverted);
    put(&mut entry, "optional", plan.policy.optional);
    put(&mut entry, "started_ms", leaf.started.map(millis));
    put(&mut entry, "ended_ms", leaf.ended.map(millis));
    put(&mut entry, "spans", leaf.spans.iter().map(span).collect::<Vec<_>>());
    entry
}

fn span(span: &Span) -> Value {
    let mut entry = Object::new();
    put(&mut entry, "from_ms", millis(span.from));
    put(&mut entry, "to_ms", millis(span.to));
    put(&mut entry, "attempts", span.attempts);
    told(&mut entry, &span.reason);
    entry.into()
}

/// How the preconditions are combined; a number is the `id` of one.
fn tree(node: &Node) -> Value {
    let several = |nodes: &[Node]| nodes.iter().map(tree).collect::<Vec<_>>();
    match node {
        Node::Leaf(id) => json!(id),
        Node::All(nodes) => json!({ "all": several(nodes) }),
        Node::AtLeast(count, nodes) => json!({ "at_least": count, "of": several(nodes) }),
        Node::Sequence(nodes) => json!({ "sequence": several(nodes) }),
    }
}
