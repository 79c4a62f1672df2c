//! The closing summary: who was awaited how long or, on failure, what is missing, why, and what to look at.

use std::time::Duration;

use super::counted;
use crate::engine::{End, Leaf, Outcome, Progress, State};
use crate::explain::hints::{Surroundings, hint};
use crate::plan::duration::human;

/// At most so many preconditions are listed one by one.
const LISTED: usize = 100;
/// The width of the bars of the waterfall, in characters.
const BAR: usize = 24;

/// The summary as lines, the first of which says how it ended.
#[must_use]
pub fn summary(
    progress: &Progress<'_>,
    outcome: Outcome,
    at: Duration,
    surroundings: Surroundings,
) -> Vec<String> {
    match outcome {
        Outcome::Satisfied => satisfied(progress, at),
        _ => unsatisfied(progress, outcome, at, surroundings),
    }
}

fn satisfied(progress: &Progress<'_>, at: Duration) -> Vec<String> {
    let preconditions = &progress.plan().preconditions;
    if let ([precondition], [leaf]) = (preconditions.as_slice(), progress.leaves())
        && leaf.state == State::Ready
    {
        let name = &precondition.name;
        let evidence = leaf.evidence.as_ref().map(|evidence| evidence.text.as_str()).unwrap_or_default();
        return vec![format!(
            "prereq: {name} is ready after {}, {}: {evidence}",
            human(at),
            counted(leaf.attempts, "attempt")
        )];
    }
    let ready = progress.leaves().iter().filter(|leaf| leaf.state == State::Ready).count();
    let mut lines =
        vec![format!("prereq: ready after {}, {ready} of {} satisfied", human(at), preconditions.len())];
    let shown = || preconditions.iter().zip(progress.leaves()).take(LISTED);
    let width = shown().map(|(one, _)| one.name.chars().count().min(48)).max().unwrap_or_default();
    let slowest =
        progress.leaves().iter().filter(|leaf| leaf.state == State::Ready).map(|leaf| leaf.waited(at)).max();
    for (precondition, leaf) in shown() {
        let waited = leaf.waited(at);
        let outcome = match leaf.state {
            State::Ready if Some(waited) == slowest && ready > 1 => "slowest",
            State::Ready => "",
            State::Passed(_) => "optional, not satisfied",
            _ => "not needed",
        };
        let name = &precondition.name;
        let line = format!(
            "  {name:width$}  {}  {:>6}  {:<12}  {outcome}",
            bar(leaf, at),
            human(waited),
            counted(leaf.attempts, "attempt"),
        );
        lines.push(line.trim_end().to_owned());
    }
    if preconditions.len() > LISTED {
        lines.push(format!("  and {} more", preconditions.len() - LISTED));
    }
    lines
}

/// When it was waited for, within the whole wait.
fn bar(leaf: &Leaf, at: Duration) -> String {
    let place = |time: Duration| {
        let share = if at.is_zero() { 0.0 } else { time.as_secs_f64() / at.as_secs_f64() };
        // Within 0..=BAR, since no time is later than `at`.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "small"
        )]
        let place = (share * BAR as f64).round() as usize;
        place.min(BAR)
    };
    let Some(started) = leaf.started else { return " ".repeat(BAR) };
    let from = place(started).min(BAR - 1);
    let to = place(leaf.ended.unwrap_or(at)).max(from + 1);
    format!("{}{}{}", "·".repeat(from), "█".repeat(to - from), "·".repeat(BAR - to))
}

fn unsatisfied(
    progress: &Progress<'_>,
    outcome: Outcome,
    at: Duration,
    surroundings: Surroundings,
) -> Vec<String> {
    let missing: Vec<usize> =
        (0..progress.leaves().len()).filter(|id| is_missing(progress.leaf(*id))).collect();
    let how = match outcome {
        Outcome::Unsatisfied(End::TimedOut) => "timed out".to_owned(),
        Outcome::Unsatisfied(End::Attempts) => "not satisfied".to_owned(),
        Outcome::Unsatisfied(End::Never) => "cannot be satisfied".to_owned(),
        Outcome::Interrupted(signal) => format!("ended by {}", signal.name()),
        Outcome::Satisfied => "ready".to_owned(),
    };
    let total = progress.leaves().len();
    let mut lines =
        vec![format!("prereq: {how} after {}, {} of {total} not satisfied", human(at), missing.len())];
    let mut told = Vec::new();
    for id in missing.iter().take(LISTED) {
        let (precondition, leaf) = (&progress.plan().preconditions[*id], progress.leaf(*id));
        lines.push(format!("  {}: {}", precondition.name, state(leaf, at)));
        let Some(reason) = &leaf.reason else { continue };
        if let Some(hint) = hint(precondition, reason, surroundings)
            && !told.contains(&hint)
        {
            lines.push(format!("    hint: {hint}"));
            told.push(hint);
        }
    }
    if missing.len() > LISTED {
        lines.push(format!("  and {} more", missing.len() - LISTED));
    }
    lines
}

/// Whether what was waited for has not come.
pub(super) fn is_missing(leaf: &Leaf) -> bool {
    matches!(leaf.state, State::Waiting | State::Pending | State::Failed(_))
}

/// Where a precondition stands, in words.
pub(super) fn state(leaf: &Leaf, at: Duration) -> String {
    let attempts = counted(leaf.attempts, "attempt");
    match &leaf.reason {
        _ if leaf.state == State::Waiting && leaf.started.is_none() => {
            "not begun: what comes before it is not satisfied".into()
        }
        _ if leaf.streak.count > 0 => {
            let held = human(at.saturating_sub(leaf.streak.since));
            format!("holds since {held}, not for long enough; {attempts}")
        }
        Some(reason) => {
            let never = if leaf.state == State::Failed(End::Never) { "can never be satisfied: " } else { "" };
            let since = leaf.reason_since().unwrap_or_default();
            let since = human(leaf.ended.unwrap_or(at).saturating_sub(since));
            format!("{never}{} [{}], for {since}, {attempts}", reason.text, reason.class)
        }
        None => format!("no result yet, {attempts}"),
    }
}
