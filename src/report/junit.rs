//! The run as a `JUnit` report, as CI servers show it: one test case for each precondition.

use std::fmt::Write as _;
use std::time::Duration;

use super::object::{outcome_name, timestamp};
use super::summary::{state, summary};
use super::xml::Xml;
use super::{Ended, counted, is_missing};
use crate::cli::exit::Exit;
use crate::engine::{Leaf, Outcome, State};
use crate::explain::hints::hint;
use crate::plan::Precondition;
use crate::plan::duration::human;

/// What a precondition is as a test case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Passed,
    Failed,
    Skipped,
}

fn case(leaf: &Leaf) -> Case {
    match leaf.state {
        State::Ready => Case::Passed,
        // Not begun, because of another one.
        State::Waiting if leaf.started.is_none() => Case::Skipped,
        _ if is_missing(leaf) => Case::Failed,
        _ => Case::Skipped,
    }
}

/// The whole report, as text.
pub(super) fn document(ended: &Ended<'_>) -> String {
    let progress = ended.progress;
    let count = |which| progress.leaves().iter().filter(|leaf| case(leaf) == which).count();
    let (failures, skipped) = (count(Case::Failed), count(Case::Skipped));
    // What fails without any precondition that does, such as a confirmation that is cut short, is told on its own.
    let errors = usize::from(ended.outcome != Outcome::Satisfied && failures == 0);
    let tests = progress.leaves().len() + errors;
    let time = seconds(ended.at);
    let started = timestamp(ended.started());
    // Schemas allow neither fractions nor a zone here; it is UTC.
    let began = started.split('.').next().unwrap_or_default();

    let mut xml = Xml::new();
    xml.open(
        "testsuites",
        &[
            ("name", &"prereq"),
            ("tests", &tests),
            ("failures", &failures),
            ("errors", &errors),
            ("time", &time),
        ],
    );
    xml.open(
        "testsuite",
        &[
            ("name", &"prereq"),
            ("tests", &tests),
            ("failures", &failures),
            ("errors", &errors),
            ("skipped", &skipped),
            ("time", &time),
            ("timestamp", &began),
            ("hostname", &ended.host),
        ],
    );
    properties(&mut xml, ended, &started);
    for (precondition, leaf) in progress.plan().preconditions.iter().zip(progress.leaves()) {
        test_case(&mut xml, ended, precondition, leaf);
    }
    let lines = summary(progress, ended.outcome, ended.at, ended.surroundings, super::Palette::PLAIN);
    if errors > 0 {
        let what = lines.first().map(String::as_str).unwrap_or_default();
        xml.open("testcase", &[("name", &"the whole"), ("classname", &"prereq"), ("time", &time)]);
        xml.text("error", &[("type", &outcome_name(ended.outcome)), ("message", &what)], what);
        xml.close();
    }
    xml.text("system-out", &[], &lines.join("\n"));
    xml.finish()
}

fn properties(xml: &mut Xml, ended: &Ended<'_>, started: &str) {
    let settings = &ended.progress.plan().settings;
    xml.open("properties", &[]);
    let mut property = |name: &str, value: &dyn std::fmt::Display| {
        xml.empty("property", &[("name", &name), ("value", value)]);
    };
    property("version", &env!("CARGO_PKG_VERSION"));
    property("started", &started);
    property("timeout", &settings.timeout);
    property("outcome", &outcome_name(ended.outcome));
    property("exit", &(Exit::from(ended.outcome) as u8));
    xml.close();
}

fn test_case(xml: &mut Xml, ended: &Ended<'_>, precondition: &Precondition, leaf: &Leaf) {
    let class_name = format!("prereq.{}", precondition.kind.name);
    let time = seconds(leaf.waited(ended.at));
    xml.open("testcase", &[("name", &precondition.name), ("classname", &class_name), ("time", &time)]);
    let found = state(leaf, ended.at, super::Palette::PLAIN);
    match case(leaf) {
        Case::Passed => {}
        Case::Failed => {
            let (kind, message) = match &leaf.reason {
                Some(reason) if leaf.streak.count == 0 => (reason.class.code, reason.text.as_str()),
                _ => ("unsatisfied", found.as_str()),
            };
            let mut text = format!("{}: {found}", precondition.name);
            let reason = leaf.reason.as_ref().filter(|_| leaf.streak.count == 0);
            if let Some(hint) = reason.and_then(|reason| hint(precondition, reason, ended.surroundings)) {
                let _ = write!(text, "\nhint: {hint}");
            }
            xml.text("failure", &[("type", &kind), ("message", &message)], &text);
        }
        Case::Skipped => {
            let message = match leaf.state {
                State::Unneeded => "not needed".to_owned(),
                State::Passed(_) => format!("optional, not satisfied: {found}"),
                _ => found,
            };
            xml.empty("skipped", &[("message", &message)]);
        }
    }
    let history = history(leaf);
    if !history.is_empty() {
        xml.text("system-out", &[], &history);
    }
    xml.close();
}

/// What was found, in the order in which it was.
fn history(leaf: &Leaf) -> String {
    let mut lines: Vec<String> = leaf
        .spans
        .iter()
        .map(|span| {
            let last = if span.attempts > 1 { format!(" to {}", human(span.to)) } else { String::new() };
            let (from, attempts) = (human(span.from), counted(span.attempts, "attempt"));
            format!("{from}{last}: {} [{}], {attempts}", span.reason.text, span.reason.class)
        })
        .collect();
    if let (State::Ready, Some(evidence), Some(ended)) = (leaf.state, &leaf.evidence, leaf.ended) {
        lines.push(format!("{}: ready, {}", human(ended), evidence.text));
    }
    lines.join("\n")
}

/// As schemas want it: digits and a point.
fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}
