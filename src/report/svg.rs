//! The waterfall as a picture: who was waited for from when to when, and why.
//!
//! No fonts, scripts or other resources; colours that can be read on white and on black, and better ones where the
//! viewer says which it is.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use super::object::timestamp;
use super::scale::{Scale, shortened, text_width, tick_label};
use super::summary::{state, summary};
use super::xml::Xml;
use super::{Ended, counted, is_missing};
use crate::check::Class;
use crate::engine::{Leaf, State};
use crate::plan::Precondition;
use crate::plan::duration::{Limit, exact, human};

/// At most so many preconditions are drawn.
const ROWS: usize = 40;
/// Places from left to right.
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 16.0;
const PLOT: f64 = 280.0;
const PLOT_WIDTH: f64 = 480.0;
const TIME: f64 = 826.0;
const ATTEMPTS: f64 = 836.0;
const NOTE: f64 = 920.0;
/// Places from top to bottom.
const AXIS: f64 = 80.0;
const ROW: f64 = 26.0;
const REASON: f64 = 18.0;
const BAR: f64 = 12.0;
/// Sizes of text.
const NORMAL: f64 = 12.5;
const SMALL: f64 = 11.0;

const STYLE: &str = "
  text { font: 12.5px system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif; fill: #737c86 }
  .title { font-size: 17px; font-weight: 600 }
  .small { font-size: 11px }
  .strong { font-weight: 600 }
  .end { text-anchor: end }
  .middle { text-anchor: middle }
  .grid { fill: none; stroke: #8b949e; stroke-opacity: .25 }
  .phase { stroke: #8b949e; stroke-opacity: .8; stroke-dasharray: 2 3 }
  .track { fill: #8b949e; fill-opacity: .1 }
  .bad { fill: #d1524f }
  .mark { fill: none; stroke: #fff; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round }
  .ready { fill: #4aa564 } .failed { fill: #d1524f } .passed { fill: #c08a2e } .idle { fill: #8b949e }
  .dns { fill: #8f7cc9 } .tcp { fill: #5a8fd4 } .tls { fill: #35a0ab } .http { fill: #d39a3f }
  .file { fill: #a5875a } .service { fill: #c56f9e } .other { fill: #87909a }
  @media (prefers-color-scheme: light) { text { fill: #57606a } .bad { fill: #b93a37 } }
  @media (prefers-color-scheme: dark) { text { fill: #9da7b3 } .bad { fill: #e5716e } }
";

/// A coordinate.
struct N(f64);

impl Display for N {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", (self.0 * 10.0).round() / 10.0)
    }
}

/// The whole picture, as text.
pub(super) fn picture(ended: &Ended<'_>) -> String {
    let rows = rows(ended);
    let plan = ended.progress.plan();
    let hidden = plan.preconditions.len() - rows.len();
    let body: f64 = rows.iter().map(|id| row_height(ended.progress.leaf(*id))).sum();
    let bottom = AXIS + 8.0 + body;
    let height = bottom + if hidden > 0 { ROW } else { 0.0 } + 44.0;
    let lines = summary(ended.progress, ended.outcome, ended.at, ended.surroundings, super::Palette::PLAIN);
    let title = lines.first().map(String::as_str).unwrap_or_default();

    let mut picture = Picture { xml: Xml::new(), families: Vec::new(), bars: false };
    let view = format!("0 0 {} {}", N(WIDTH), N(height));
    picture.xml.open(
        "svg",
        &[
            ("xmlns", &"http://www.w3.org/2000/svg"),
            ("width", &N(WIDTH)),
            ("height", &N(height)),
            ("viewBox", &view),
            ("role", &"img"),
        ],
    );
    picture.xml.text("title", &[], title);
    picture.xml.text("style", &[], STYLE);
    picture.label("title", LEFT, 30.0, title, (WIDTH - 2.0 * LEFT) / 17.5);
    let limit = match plan.settings.timeout {
        Limit::Never => "no time-out".to_owned(),
        Limit::After(timeout) => format!("time-out {}", exact(timeout)),
    };
    let second = timestamp(ended.started());
    let second = second.split('.').next().unwrap_or_default().replace('T', " ");
    let line = format!("{second} UTC · {} · {limit} · prereq {}", ended.host, env!("CARGO_PKG_VERSION"));
    picture.label("small", LEFT, 50.0, &line, (WIDTH - 2.0 * LEFT) / SMALL);

    let scale = Scale::new(ended.at, PLOT, PLOT_WIDTH);
    picture.axis(ended, &scale, &bands(ended, &rows));
    let slowest = slowest(ended);
    let mut y = AXIS + 8.0;
    for id in &rows {
        picture.row(ended, &scale, *id, y, slowest == Some(*id));
        y += row_height(ended.progress.leaf(*id));
    }
    if hidden > 0 {
        picture.xml.text("text", &[("x", &N(LEFT)), ("y", &N(y + 17.0))], &and_more(ended, &rows));
        y += ROW;
    }
    picture.legend(y + 26.0);
    picture.xml.finish()
}

/// Which preconditions are drawn: where there are too many, those that are missing, then the slowest.
fn rows(ended: &Ended<'_>) -> Vec<usize> {
    let mut ids: Vec<usize> = (0..ended.progress.leaves().len()).collect();
    if ids.len() > ROWS {
        let leaf = |id: &usize| ended.progress.leaf(*id);
        ids.sort_by_key(|id| (!is_missing(leaf(id)), std::cmp::Reverse(leaf(id).waited(ended.at))));
        ids.truncate(ROWS);
        ids.sort_unstable();
    }
    ids
}

/// Where lines may be drawn from top to bottom: not through the reasons.
fn bands(ended: &Ended<'_>, rows: &[usize]) -> Vec<(f64, f64)> {
    let mut bands = Vec::new();
    let (mut from, mut y) = (AXIS, AXIS + 8.0);
    for id in rows {
        let leaf = ended.progress.leaf(*id);
        if tells(leaf) {
            bands.push((from, y + ROW - 4.0));
            from = y + row_height(leaf) - 4.0;
        }
        y += row_height(leaf);
    }
    if y - from > REASON {
        bands.push((from, y));
    }
    bands
}

/// What is not drawn, counted.
fn and_more(ended: &Ended<'_>, rows: &[usize]) -> String {
    let leaves = || {
        let leaves = ended.progress.leaves().iter().enumerate();
        leaves.filter(|(id, _)| rows.binary_search(id).is_err()).map(|(_, leaf)| leaf)
    };
    let count = |what: &str, test: &dyn Fn(&Leaf) -> bool| {
        let count = leaves().filter(|leaf| test(leaf)).count();
        (count > 0).then(|| format!("{count} {what}"))
    };
    let parts = [
        count("ready", &|leaf| leaf.state == State::Ready),
        count("not satisfied", &is_missing),
        count("without which it goes on", &|leaf| matches!(leaf.state, State::Passed(_) | State::Unneeded)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("and {} more: {}", leaves().count(), parts.join(", "))
}

fn slowest(ended: &Ended<'_>) -> Option<usize> {
    let leaves = ended.progress.leaves();
    let ready = || (0..leaves.len()).filter(|id| leaves[*id].state == State::Ready);
    // Of several, the first.
    ready().rev().max_by_key(|id| leaves[*id].waited(ended.at)).filter(|_| ready().count() > 1)
}

/// Whether the reason stands below the bar.
fn tells(leaf: &Leaf) -> bool {
    is_missing(leaf) || matches!(leaf.state, State::Passed(_))
}

fn row_height(leaf: &Leaf) -> f64 {
    if tells(leaf) { ROW + REASON } else { ROW }
}

/// The family that a class is drawn as.
fn family(class: &Class) -> &'static str {
    match class.family() {
        "dns" => "dns",
        "tcp" => "tcp",
        "tls" => "tls",
        "http" => "http",
        "file" => "file",
        "service" | "auth" => "service",
        _ => "other",
    }
}

struct Picture {
    xml: Xml,
    /// Those that were drawn.
    families: Vec<&'static str>,
    /// Whether time without a reason was drawn.
    bars: bool,
}

impl Picture {
    /// Text that is shortened to `room`; the whole is shown where the pointer rests on it.
    fn label(&mut self, class: &'static str, x: f64, y: f64, text: &str, room: f64) {
        let short = shortened(text, room);
        let attributes: [(&str, &dyn Display); 3] = [("class", &class), ("x", &N(x)), ("y", &N(y))];
        if short == text {
            self.xml.text("text", &attributes, text);
            return;
        }
        self.xml.open("g", &[]);
        self.xml.text("title", &[], text);
        self.xml.text("text", &attributes, &short);
        self.xml.close();
    }

    fn line(&mut self, class: &'static str, x: f64, from: f64, to: f64) {
        let (x, from, to) = (N(x), N(from), N(to));
        self.xml.empty("line", &[("class", &class), ("x1", &x), ("x2", &x), ("y1", &from), ("y2", &to)]);
    }

    /// Times at the top, and lines through all rows: for round times, and for where a phase begins.
    fn axis(&mut self, ended: &Ended<'_>, scale: &Scale, bands: &[(f64, f64)]) {
        let mut grid = String::new();
        for tick in scale.ticks() {
            let x = scale.place(tick);
            for (from, to) in bands {
                let _ = write!(grid, "M{} {}V{}", N(x), N(*from), N(*to));
            }
            let attributes: [(&str, &dyn Display); 3] =
                [("class", &"small middle"), ("x", &N(x)), ("y", &N(AXIS - 6.0))];
            self.xml.text("text", &attributes, &tick_label(tick));
        }
        self.xml.empty("path", &[("class", &"grid"), ("d", &grid)]);
        let mut starts: Vec<Duration> =
            ended.progress.leaves().iter().filter_map(|leaf| leaf.started).collect();
        starts.sort_unstable();
        starts.dedup();
        for start in starts.into_iter().filter(|start| !start.is_zero()).take(ROWS) {
            for (from, to) in bands {
                self.line("phase", scale.place(start), *from, *to);
            }
        }
    }

    fn row(&mut self, ended: &Ended<'_>, scale: &Scale, id: usize, y: f64, slowest: bool) {
        let precondition = &ended.progress.plan().preconditions[id];
        let leaf = ended.progress.leaf(id);
        let (middle, base) = (y + ROW / 2.0, y + ROW / 2.0 + 4.5);
        self.label("name", LEFT, base, &precondition.name, (PLOT - LEFT - 18.0) / NORMAL);
        self.rect("track", PLOT, middle, PLOT_WIDTH, 3.0);
        if let Some(started) = leaf.started {
            self.bar(ended, scale, precondition, leaf, started, middle);
            let waited = human(leaf.waited(ended.at));
            let weight = if slowest { "end strong" } else { "end" };
            self.xml.text("text", &[("class", &weight), ("x", &N(TIME)), ("y", &N(base))], &waited);
            let attempts = counted(leaf.attempts, "attempt");
            self.xml.text("text", &[("class", &"small"), ("x", &N(ATTEMPTS)), ("y", &N(base))], &attempts);
        }
        let note = match leaf.state {
            State::Ready if slowest => "slowest",
            State::Passed(_) => "optional",
            State::Unneeded => "not needed",
            State::Waiting if leaf.started.is_none() => "not begun",
            _ => "",
        };
        if !note.is_empty() {
            let class = if slowest { "small strong" } else { "small" };
            self.xml.text("text", &[("class", &class), ("x", &N(NOTE)), ("y", &N(base))], note);
        }
        if tells(leaf) {
            let class = if is_missing(leaf) && leaf.started.is_some() { "small bad" } else { "small" };
            let room = (WIDTH - PLOT - LEFT) / SMALL;
            self.label(class, PLOT, y + ROW + 7.0, &state(leaf, ended.at, super::Palette::PLAIN), room);
        }
    }

    /// The time that was waited, by reasons, and how it ended.
    fn bar(
        &mut self,
        ended: &Ended<'_>,
        scale: &Scale,
        precondition: &Precondition,
        leaf: &Leaf,
        started: Duration,
        middle: f64,
    ) {
        let end = leaf.ended.unwrap_or(ended.at);
        let ready = leaf.state == State::Ready;
        self.xml.open("g", &[]);
        let all = format!("{}: {}", precondition.name, told(leaf, ended.at));
        self.xml.text("title", &[], &all);
        // A reason lasts until the next is seen, or until it holds; the first was there from the beginning, as
        // far as is known.
        let until = if ready { leaf.streak.since.clamp(started, end.max(started)) } else { end };
        let mut from = started;
        for (index, span) in leaf.spans.iter().enumerate() {
            let to = leaf.spans.get(index + 1).map_or(until, |next| next.from);
            let family = family(span.reason.class);
            if !self.families.contains(&family) {
                self.families.push(family);
            }
            let (begins, ends) = (human(from), human(to));
            let attempts = counted(span.attempts, "attempt");
            let tip = format!("{begins} to {ends}: {} [{}], {attempts}", span.reason.text, span.reason.class);
            self.part(family, scale, from, to, middle, &tip);
            from = to.max(from);
        }
        if from < end || leaf.spans.is_empty() {
            let (class, what) = match (&leaf.evidence, ready) {
                (Some(evidence), true) => ("ready", evidence.text.as_str()),
                _ => ("idle", "no result yet"),
            };
            self.bars |= ready;
            let tip = format!("{} to {}: {what}", human(from), human(end));
            self.part(class, scale, from, end, middle, &tip);
        }
        self.xml.close();
        self.marker(leaf.state, scale.place(end), middle);
    }

    fn part(
        &mut self,
        class: &'static str,
        scale: &Scale,
        from: Duration,
        to: Duration,
        middle: f64,
        tip: &str,
    ) {
        let x = scale.place(from);
        // A gap of a hair between parts; none so narrow that it is not seen.
        let width = (scale.place(to) - x - 0.6).max(1.0);
        self.xml.open("g", &[]);
        self.xml.text("title", &[], tip);
        self.rect(class, x, middle, width, 2.0);
        self.xml.close();
    }

    fn rect(&mut self, class: &'static str, x: f64, middle: f64, width: f64, round: f64) {
        let (y, round) = (N(middle - BAR / 2.0), N(round.min(width / 2.0)));
        self.xml.empty(
            "rect",
            &[
                ("class", &class),
                ("x", &N(x)),
                ("y", &y),
                ("width", &N(width)),
                ("height", &N(BAR)),
                ("rx", &round),
            ],
        );
    }

    /// A tick, a cross or a dash.
    fn marker(&mut self, state: State, x: f64, y: f64) {
        let (class, sign) = match state {
            State::Ready => ("ready", "M-3.2 .2 -.9 2.6 3.4 -2.4"),
            State::Passed(_) => ("passed", "M-3 0H3"),
            State::Unneeded => ("idle", "M-3 0H3"),
            _ => ("failed", "M-2.6 -2.6 2.6 2.6M2.6 -2.6 -2.6 2.6"),
        };
        let place = format!("translate({} {})", N(x), N(y));
        self.xml.open("g", &[("transform", &place)]);
        self.xml.empty("circle", &[("class", &class), ("r", &7.5)]);
        self.xml.empty("path", &[("class", &"mark"), ("d", &sign)]);
        self.xml.close();
    }

    /// What the colours and markers mean, as far as they occur.
    fn legend(&mut self, y: f64) {
        let mut x = PLOT;
        let families = std::mem::take(&mut self.families);
        let mut entries: Vec<(&str, String)> =
            families.iter().map(|family| (*family, named(family).to_owned())).collect();
        if self.bars {
            entries.push(("ready", "answered".to_owned()));
        }
        for (class, what) in entries {
            let (top, text) = (N(y - 9.0), N(x + 15.0));
            self.xml.empty(
                "rect",
                &[
                    ("class", &class),
                    ("x", &N(x)),
                    ("y", &top),
                    ("width", &10.0),
                    ("height", &10.0),
                    ("rx", &2.0),
                ],
            );
            self.xml.text("text", &[("class", &"small"), ("x", &text), ("y", &N(y))], &what);
            x += 15.0 + text_width(&what) * SMALL + 20.0;
        }
    }
}

fn named(family: &str) -> &'static str {
    match family {
        "dns" => "name (dns)",
        "tcp" => "connection (tcp)",
        "tls" => "TLS",
        "http" => "HTTP answer",
        "file" => "file",
        "service" => "service, credentials",
        _ => "other",
    }
}

/// Where a precondition stands, for its bar as a whole.
fn told(leaf: &Leaf, at: Duration) -> String {
    match (leaf.state, &leaf.evidence) {
        (State::Ready, Some(evidence)) => {
            let attempts = counted(leaf.attempts, "attempt");
            format!("ready after {}, {attempts}: {}", human(leaf.waited(at)), evidence.text)
        }
        (State::Unneeded, _) => "not needed any more".to_owned(),
        _ => state(leaf, at, super::Palette::PLAIN),
    }
}
