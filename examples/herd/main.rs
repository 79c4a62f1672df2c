//! What many waiters do to one dependency, and how soon each notices: the program's own pacing in virtual time.
//!
//! `cargo run --example herd -- docs` renews the tables of `docs/performance.md` and draws `docs/herd.svg` and
//! `docs/lag.svg`. Nothing is random that is not seeded: the same code makes the same figures.

mod chart;
mod model;

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use prereq::plan::{Backoff, Policy};

use chart::{Chart, Line, Panel};
use model::{Herd, Noticed, Starting};

/// How waits grow, as the pictures and tables name it.
struct Pace {
    name: &'static str,
    colour: &'static str,
    policy: Policy,
}

/// The default, exponential backoff within the same bounds, and the second that others wait.
fn paces() -> [Pace; 3] {
    let second = std::time::Duration::from_secs(1);
    let with = |backoff| Policy { backoff, ..Policy::default() };
    [
        Pace { name: "adaptive", colour: "#4aa564", policy: with(Backoff::Adaptive) },
        Pace { name: "exponential", colour: "#5a8fd4", policy: with(Backoff::Exponential) },
        Pace {
            name: "every second",
            colour: "#d1524f",
            policy: Policy { interval: second, ..with(Backoff::Constant) },
        },
    ]
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: herd FOLDER")?);
    let path = folder.join("performance.md");
    let mut page = std::fs::read_to_string(&path)?;
    for (name, (table, picture)) in [("herd", herd()?), ("lag", lag()?)] {
        std::fs::write(folder.join(format!("{name}.svg")), picture)?;
        page = replaced(&page, name, &table)
            .ok_or_else(|| format!("{}: no place for {name}", path.display()))?;
    }
    std::fs::write(path, page)?;
    Ok(())
}

/// `page` with `table` between «<!-- NAME -->» and «<!-- /NAME -->».
fn replaced(page: &str, name: &str, table: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{table}{end}{after}"))
}

/// Ten thousand waiters at one dependency: the table, and the picture.
fn herd() -> Result<(String, String), std::fmt::Error> {
    let mut out = String::new();
    writeln!(
        out,
        "| while it starts | pacing | splay | attempts | most in a second | once it serves | last one through |"
    )?;
    writeln!(out, "|---|---|---|--:|--:|--:|--:|")?;
    let mut panels = Vec::new();
    for starting in [Starting::Refuses, Starting::Answers] {
        let mut lines = Vec::new();
        for pace in paces() {
            for splay in [0, 30] {
                let herd = Herd::run(&pace.policy, starting, splay);
                let (total, peak, after) = (herd.total(), herd.peak(), herd.peak_after_start());
                let shown = if splay == 0 { "off".to_owned() } else { format!("{splay} s") };
                writeln!(
                    out,
                    "| {starting} | {} | {shown} | {total} | {peak} | {after} | {:.1} s |",
                    pace.name, herd.last
                )?;
                let points = herd
                    .per_second
                    .iter()
                    .zip(0_u32..)
                    .map(|(count, second)| (f64::from(second) + 0.5, f64::from(*count)));
                let (name, colour) = (pace.name, pace.colour);
                lines.push(Line { name, colour, dashed: splay > 0, points: points.collect() });
            }
        }
        let title = format!("attempts a second; {starting} while it starts");
        panels.push(Panel { title, x: (0.0, 100.0), y: (10.0, 1e6), log_x: false, lines });
    }
    let chart = Chart {
        title: "10 000 waiters, ready after 60 s, then 500 requests a second",
        note: "dashed: with a splay of 30 s",
        x: "seconds",
        panels,
    };
    Ok((out, chart.draw()))
}

/// How soon one waiter notices, and what it spends, by how long it waited: the table, and the picture.
fn lag() -> Result<(String, String), std::fmt::Error> {
    const WAITS: [f64; 11] = [0.1, 0.3, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0];
    let mut out = String::new();
    let [adaptive, _, second] = paces();
    let rows = [
        ("adaptive, refused", adaptive.colour, &adaptive.policy, Starting::Refuses),
        ("adaptive, 503", "#c08a2e", &adaptive.policy, Starting::Answers),
        ("every second", second.colour, &second.policy, Starting::Refuses),
    ];
    writeln!(out, "| wait | {} |", rows.map(|row| format!("{}: lag | attempts", row.0)).join(" | "))?;
    writeln!(out, "|--:|{}", "--:|".repeat(2 * rows.len()))?;
    let found = rows.map(|(.., policy, starting)| WAITS.map(|wait| Noticed::after(wait, policy, starting)));
    for (at, wait) in WAITS.iter().enumerate() {
        let cells = found.map(|row| format!("{:.0} ms | {:.0}", row[at].lag * 1e3, row[at].attempts));
        writeln!(out, "| {wait} s | {} |", cells.join(" | "))?;
    }
    let lines = |value: fn(&Noticed) -> f64| {
        let line = |((name, colour, ..), row): (&(&'static str, &'static str, _, _), &[Noticed; 11])| Line {
            name,
            colour,
            dashed: false,
            points: WAITS.iter().copied().zip(row.iter().map(value)).collect(),
        };
        rows.iter().zip(&found).map(line).collect()
    };
    let panel = |title: &str, y, lines| Panel { title: title.into(), x: (0.1, 300.0), y, log_x: true, lines };
    let chart = Chart {
        title: "How soon readiness is noticed, and the attempts that it takes",
        note: "mean of 400 waiters",
        x: "seconds until it is ready",
        panels: vec![
            panel("lag in milliseconds", (10.0, 1e4), lines(|noticed| noticed.lag * 1e3)),
            panel("attempts", (1.0, 1e3), lines(|noticed| noticed.attempts)),
        ],
    };
    Ok((out, chart.draw()))
}
