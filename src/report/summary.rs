//! The closing summary: who was awaited how long or, on failure, what is missing, why, and what to look at.

use std::time::Duration;

use super::palette::{Palette, Tone};
use super::{and_more, counted};
use crate::check::Reason;
use crate::engine::{End, Leaf, Outcome, Progress, State};
use crate::explain::hints::{Surroundings, hint};
use crate::explain::together::hint_for_all;
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
    palette: Palette,
) -> Vec<String> {
    match outcome {
        Outcome::Satisfied => satisfied(progress, at, palette),
        _ => unsatisfied(progress, outcome, at, surroundings, palette),
    }
}

fn satisfied(progress: &Progress<'_>, at: Duration, palette: Palette) -> Vec<String> {
    let good = palette.paint(Tone::Good, "ready");
    let preconditions = &progress.plan().preconditions;
    if let ([precondition], [leaf]) = (preconditions.as_slice(), progress.leaves())
        && leaf.state == State::Ready
    {
        let name = &precondition.name;
        let evidence = leaf.evidence.as_ref().map(|evidence| evidence.text.as_str()).unwrap_or_default();
        return vec![format!(
            "prereq: {name} is {good} after {}, {}: {evidence}",
            human(at),
            counted(leaf.attempts, "attempt")
        )];
    }
    let ready = progress.leaves().iter().filter(|leaf| leaf.state == State::Ready).count();
    let mut lines =
        vec![format!("prereq: {good} after {}, {ready} of {} satisfied", human(at), preconditions.len())];
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
        lines.push(format!("  {}", and_more(preconditions.len() - LISTED)));
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
    palette: Palette,
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
    let how = palette.paint(Tone::Bad, how);
    let total = progress.leaves().len();
    let count =
        if total == 1 { String::new() } else { format!(", {} of {total} not satisfied", missing.len()) };
    let mut lines = vec![format!("prereq: {how} after {}{count}", human(at))];
    let mut told = Vec::new();
    for id in missing.iter().take(LISTED) {
        let (precondition, leaf) = (&progress.plan().preconditions[*id], progress.leaf(*id));
        lines.push(format!("  {}: {}", precondition.name, state(leaf, at, palette)));
        let Some(reason) = &leaf.reason else { continue };
        if let Some(hint) = hint(precondition, reason, surroundings)
            && !told.contains(&hint)
        {
            lines.push(format!("    {} {hint}", palette.paint(Tone::Hint, "hint:")));
            told.push(hint);
        }
    }
    if missing.len() > LISTED {
        lines.push(format!("  {}", and_more(missing.len() - LISTED)));
    }
    let hint = shared_hint(progress, surroundings);
    lines.extend(hint.map(|hint| format!("  {} {hint}", palette.paint(Tone::Hint, "hint:"))));
    lines
}

/// A hint for all that is missing together.
pub(super) fn shared_hint(progress: &Progress<'_>, surroundings: Surroundings) -> Option<&'static str> {
    let all = progress.plan().preconditions.iter().zip(progress.leaves());
    let missing: Vec<_> = all
        .filter(|(_, leaf)| is_missing(leaf))
        .filter_map(|(one, leaf)| Some((one, leaf.reason.as_ref()?)))
        .collect();
    hint_for_all(&missing, surroundings)
}

/// Whether what was waited for has not come.
pub(super) fn is_missing(leaf: &Leaf) -> bool {
    matches!(leaf.state, State::Waiting | State::Pending | State::Failed(_))
}

/// A reason and its class.
pub(super) fn reason(reason: &Reason, palette: Palette) -> String {
    format!("{} {}", reason.text, palette.paint(Tone::Wait, format_args!("[{}]", reason.class)))
}

/// Where a precondition that is waited for stands.
pub(super) enum Standing<'a> {
    /// It holds, but not for long enough.
    Holds(String),
    /// It does not hold.
    Not(&'a Reason),
    /// There is no result yet.
    Open(&'static str),
}

/// Where a precondition that is waited for stands, in words.
pub(super) fn standing(leaf: &Leaf, at: Duration) -> Standing<'_> {
    match &leaf.reason {
        _ if leaf.streak.count > 0 => {
            let held = human(at.saturating_sub(leaf.streak.since));
            Standing::Holds(format!("holds since {held}, not for long enough"))
        }
        Some(reason) => Standing::Not(reason),
        None => Standing::Open("no result yet"),
    }
}

/// Where a precondition stands, in words, with attempts and times.
pub(super) fn state(leaf: &Leaf, at: Duration, palette: Palette) -> String {
    if leaf.state == State::Waiting && leaf.started.is_none() {
        return "not begun: what comes before it is not satisfied".into();
    }
    let attempts = counted(leaf.attempts, "attempt");
    match standing(leaf, at) {
        Standing::Holds(what) => format!("{what}; {attempts}"),
        Standing::Not(why) => {
            let never = if leaf.state == State::Failed(End::Never) { "can never be satisfied: " } else { "" };
            let since = leaf.reason_since().unwrap_or_default();
            let since = human(leaf.ended.unwrap_or(at).saturating_sub(since));
            format!("{never}{}, for {since}, {attempts}", reason(why, palette))
        }
        Standing::Open(what) => format!("{what}, {attempts}"),
    }
}
