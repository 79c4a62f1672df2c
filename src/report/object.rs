//! What the JSON lines and the JSON report have in common: how a precondition and its reasons are told.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::check::{Fact, Reason};
use crate::engine::{End, Outcome, Progress, State};
use crate::explain::hints::{Surroundings, hint};

/// The version of the form of lines and report; it grows when a reader would have to change.
pub(super) const VERSION: u32 = 1;

/// A JSON object; its fields keep their order.
pub(super) type Object = Map<String, Value>;

/// Adds a field, unless there is no value.
pub(super) fn put(object: &mut Object, name: &str, value: impl Into<Value>) {
    let value = value.into();
    if !value.is_null() {
        object.insert(name.to_owned(), value);
    }
}

/// Precondition `id` as it stands `at` that time.
pub(super) fn standing(
    object: &mut Object,
    id: usize,
    at: Duration,
    progress: &Progress<'_>,
    surroundings: Surroundings,
) {
    let precondition = &progress.plan().preconditions[id];
    let leaf = progress.leaf(id);
    put(object, "id", id);
    put(object, "target", precondition.name.as_str());
    put(object, "kind", precondition.kind.name);
    put(object, "state", state_name(leaf.state));
    if let State::Passed(end) | State::Failed(end) = leaf.state {
        put(object, "end", end_name(end));
    }
    put(object, "attempts", leaf.attempts);
    put(object, "waited_ms", millis(leaf.waited(at)));
    let holds = leaf.state == State::Pending && leaf.streak.count > 0;
    if holds {
        put(object, "held_ms", millis(at.saturating_sub(leaf.streak.since)));
    }
    if holds || leaf.state == State::Ready {
        put(object, "message", leaf.evidence.as_ref().map(|evidence| evidence.text.as_str()));
    } else if let Some(reason) = &leaf.reason {
        told(object, reason);
        put(object, "since_ms", leaf.reason_since().map(millis));
        if leaf.state != State::Unneeded {
            put(object, "hint", hint(precondition, reason, surroundings));
        }
    }
}

/// A reason: class, message and facts.
pub(super) fn told(object: &mut Object, reason: &Reason) {
    put(object, "class", reason.class.code);
    put(object, "message", reason.text.as_str());
    if !reason.facts.is_empty() {
        put(object, "facts", facts(&reason.facts));
    }
}

/// What an attempt learned, by name. What can be known more than once is a list.
fn facts(facts: &[Fact]) -> Object {
    let mut object = Object::new();
    for fact in facts {
        let (name, value, several) = match fact {
            Fact::Peer(peer) => ("peers", json!(peer.to_string()), true),
            Fact::Searched { name, search } => ("searched", json!({ "name": name, "search": search }), false),
            Fact::NameServers(servers) => {
                let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
                ("name_servers", json!(servers), false)
            }
            Fact::Status(status) => ("status", json!(status), false),
            Fact::Location(location) => ("locations", json!(location), true),
            Fact::RetryAfter(after) => ("retry_after", json!(after), false),
            Fact::CertificateNames(names) => ("certificate_names", json!(names), false),
            Fact::Spoke(what) => ("spoke", json!(what), false),
            Fact::Found(what) => ("found", json!(what), false),
            Fact::NotValidYet => ("not_valid_yet", json!(true), false),
            Fact::Code(code) => ("code", json!(code), false),
            Fact::Protocol(name) => ("protocol", json!(name), false),
            Fact::Rule { role, rule } => ("rule", json!({ "role": role, "rule": rule }), false),
            Fact::Cut => ("cut", json!(true), false),
        };
        if several {
            let list = object.entry(name).or_insert_with(|| json!([]));
            list.as_array_mut().into_iter().for_each(|list| list.push(value.clone()));
        } else {
            object.insert(name.to_owned(), value);
        }
    }
    object
}

/// Whole milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 3339 in UTC, always with milliseconds.
pub(super) fn timestamp(time: jiff::Timestamp) -> String {
    format!("{time:.3}")
}

pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Pending => "pending",
        State::Ready => "ready",
        State::Passed(_) => "passed",
        State::Failed(_) => "failed",
        State::Unneeded => "unneeded",
    }
}

fn end_name(end: End) -> &'static str {
    match end {
        End::Never => "never",
        End::Attempts => "attempts",
        End::TimedOut => "timed-out",
    }
}

pub(super) fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Satisfied => "satisfied",
        Outcome::Unsatisfied(End::TimedOut) => "timed-out",
        Outcome::Unsatisfied(End::Attempts) => "unsatisfied",
        Outcome::Unsatisfied(End::Never) => "never",
        Outcome::Interrupted(_) => "interrupted",
    }
}
