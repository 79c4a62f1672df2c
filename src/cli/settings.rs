//! The settings: one table from which flags, variables and help are made.

use super::written::Written;
use crate::check::options::parse_switch;
use crate::plan::Backoff;
use crate::plan::duration::{parse, parse_limit};
use crate::plan::layer::{Color, Layer, LogFormat};
use crate::plan::mesh::Mesh;
use crate::plan::problem::nearest;
use crate::report::file::ReportFile;

/// A setting that can be given by a flag and by a variable.
pub(super) struct Setting {
    /// The flag without dashes; the variable is `PREREQ_` and this in capitals, with `_` for `-`.
    pub(super) flag: &'static str,
    /// The one-letter flag, if there is one.
    pub(super) short: Option<char>,
    /// What the value is; empty for a switch.
    pub(super) value: &'static str,
    /// What it does, with its default.
    pub(super) help: &'static str,
    /// Whether it may be given more than once; the variable then holds several, separated as a shell would.
    pub(super) repeat: bool,
    /// Reads a value into the layer.
    pub(super) set: fn(&mut Layer, &str) -> Result<(), String>,
    /// The values in the layer, as `set` reads them.
    pub(super) get: fn(&Layer) -> Vec<String>,
}

impl Setting {
    /// The variable of this setting.
    pub(super) fn variable(&self) -> String {
        variable(self.flag)
    }
}

/// The variable that belongs to a flag.
pub(super) fn variable(flag: &str) -> String {
    format!("PREREQ_{}", flag.to_ascii_uppercase().replace('-', "_"))
}

macro_rules! setting {
    ($flag:literal $(-$short:literal)?, $value:literal, $help:literal, $field:ident = $parse:expr) => {
        Setting {
            flag: $flag,
            short: [$($short,)? '\0'].first().copied().filter(|short| *short != '\0'),
            value: $value,
            help: $help,
            repeat: false,
            set: |layer, text| {
                layer.$field = Some($parse(text)?);
                Ok(())
            },
            get: |layer| layer.$field.as_ref().map(Written::written).into_iter().collect(),
        }
    };
}

/// All settings, in the order in which help shows them.
pub(super) fn settings() -> Vec<Setting> {
    let mut all = waiting();
    all.extend(showing());
    all.push(setting!(
        "config",
        "FILE",
        "Read settings and targets from FILE: YAML, or JSON or TOML by its ending; - for standard input",
        config = parse_text
    ));
    all
}

/// How to wait.
fn waiting() -> Vec<Setting> {
    vec![
        setting!(
            "timeout" - 't',
            "DUR",
            "Give up after DUR; 0 waits for ever [default: 5m]",
            timeout = parse_limit
        ),
        setting!(
            "attempt-timeout",
            "DUR",
            "Longest duration of one attempt; 0 for none [default: 5s]",
            attempt_timeout = parse_limit
        ),
        setting!("interval", "DUR", "Shortest wait between attempts [default: 50ms]", interval = parse),
        setting!("max-interval", "DUR", "Longest wait between attempts [default: 1s]", max_interval = parse),
        setting!(
            "backoff",
            "RULE",
            "How waits grow: adaptive, exponential or constant [default: adaptive]",
            backoff = parse_backoff
        ),
        setting!("factor", "N", "Factor of exponential backoff [default: 2]", factor = parse_factor),
        setting!("splay", "DUR", "Spread first attempts over DUR, by host name [default: 0s]", splay = parse),
        setting!(
            "successes",
            "N",
            "Attempts in a row that must succeed [default: 1]",
            successes = parse_count
        ),
        setting!(
            "stable",
            "DUR",
            "How long each must hold without interruption [default: 0s]",
            stable = parse
        ),
        setting!(
            "max-attempts",
            "N",
            "Give up on a precondition after N attempts, with status 1 [default: no limit]",
            max_attempts = parse_count
        ),
        setting!(
            "confirm",
            "",
            "When the last one is satisfied, probe all once more together",
            confirm = parse_switch
        ),
        setting!("once", "", "Make one attempt each; status 1 if not satisfied", once = parse_switch),
        setting!(
            "proxy",
            "MODE",
            "Proxy of HTTP preconditions: none, env or a URL [default: none]",
            proxy = parse_text
        ),
        setting!(
            "mesh",
            "NAME",
            "Wait for the proxy of a service mesh first: istio, linkerd, auto (only tells) or off [default: auto]",
            mesh = parse_mesh
        ),
    ]
}

/// What to print, and where.
fn showing() -> Vec<Setting> {
    vec![
        setting!(
            "heartbeat",
            "DUR",
            "How often all that is pending is reported; 0 for never [default: 10s]",
            heartbeat = parse_limit
        ),
        setting!(
            "log-format",
            "FORMAT",
            "Form of the output: text or json [default: text]",
            log_format = parse_format
        ),
        setting!(
            "color",
            "WHEN",
            "Colour in text: auto (on a terminal; NO_COLOR, CLICOLOR_FORCE), always or never [default: auto]",
            color = parse_color
        ),
        setting!("no-progress", "", "No live rows below the lines on a terminal", no_progress = parse_switch),
        setting!(
            "termination-log",
            "PATH",
            "Where the summary goes as termination message; empty for nowhere [default: /dev/termination-log on Kubernetes]",
            termination_log = parse_text
        ),
        Setting {
            flag: "report",
            short: None,
            value: "FILE",
            help: "Write a report when the run ends: .svg (picture), .xml (JUnit) or .json; repeatable",
            repeat: true,
            set: |layer, text| {
                let file = ReportFile::new(text)?;
                let reports = layer.reports.get_or_insert_default();
                if !reports.contains(&file) {
                    reports.push(file);
                }
                Ok(())
            },
            get: |layer| {
                let path = |report: &ReportFile| report.path().to_string_lossy().into_owned();
                layer.reports.iter().flatten().map(path).collect()
            },
        },
        setting!("quiet" - 'q', "", "Print only the closing summary", quiet = parse_switch),
        Setting {
            flag: "verbose",
            short: Some('v'),
            value: "",
            help: "Print every attempt; twice (-vv), with its stages",
            repeat: true,
            set: |layer, text| {
                let more = layer.verbose.unwrap_or_default().saturating_add(1);
                layer.verbose = Some(match text.parse() {
                    Ok(level) => level,
                    Err(_) => {
                        if parse_switch(text)? {
                            more
                        } else {
                            0
                        }
                    }
                });
                Ok(())
            },
            get: |layer| layer.verbose.iter().map(ToString::to_string).collect(),
        },
    ]
}

fn parse_backoff(text: &str) -> Result<Backoff, String> {
    match text {
        "adaptive" => Ok(Backoff::Adaptive),
        "exponential" => Ok(Backoff::Exponential),
        "constant" => Ok(Backoff::Constant),
        _ => Err(one_of(text, &["adaptive", "exponential", "constant"])),
    }
}

fn parse_mesh(text: &str) -> Result<Mesh, String> {
    let known = [Mesh::Auto, Mesh::Off, Mesh::Istio, Mesh::Linkerd];
    let found = known.into_iter().find(|mesh| mesh.name() == text);
    found.ok_or_else(|| one_of(text, &known.map(Mesh::name)))
}

fn parse_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(one_of(text, &["text", "json"])),
    }
}

fn parse_color(text: &str) -> Result<Color, String> {
    match text {
        "auto" => Ok(Color::Auto),
        "always" => Ok(Color::Always),
        "never" => Ok(Color::Never),
        _ => Err(one_of(text, &["auto", "always", "never"])),
    }
}

fn parse_factor(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(factor) if (1.0..=100.0).contains(&factor) => Ok(factor),
        _ => Err(format!("'{text}' is not a number from 1 to 100")),
    }
}

fn parse_count(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("'{text}' is not a whole number from 1 on")),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "has the form of the other parsers")]
fn parse_text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// What to say of a word that is none of those known.
pub(super) fn one_of(text: &str, known: &[&str]) -> String {
    let near = nearest(text, known.iter().copied()).map(|near| format!("; did you mean '{near}'?"));
    format!("'{text}' is not one of {}{}", known.join(", "), near.unwrap_or_default())
}
