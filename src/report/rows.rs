//! How the live rows are laid out: columns that fit the screen, text that is cut between characters.

use std::time::Duration;

use unicode_width::UnicodeWidthChar as _;

use super::palette::{Palette, Tone};
use super::{and_more, counted};
use crate::plan::duration::human;

/// The glyph and the blanks around it.
const LEAD: usize = 3;
/// Between columns.
const GAP: usize = 2;
/// Rows are not spread over more than this, unless they need it.
const WIDE: usize = 100;
/// Where the screen is narrower, attempts are left out.
const ROOMY: usize = 60;
/// Where the screen is narrower, times are left out too.
const NARROW: usize = 36;
/// A reason that is cut shorter than this beside its class is left out.
const TELLING: usize = 8;

/// One precondition that is waited for.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    pub(super) glyph: char,
    pub(super) tone: Tone,
    pub(super) name: &'a str,
    /// Why it does not hold, or what else there is to say.
    pub(super) what: String,
    pub(super) class: Option<&'static str>,
    pub(super) attempts: u32,
    pub(super) waited: Duration,
}

/// The lines for `rows` and `more` that are not among them, each narrower than `columns`: the last column stays
/// free, since terminals differ in what follows a character there. Every line begins with a blank, on which the
/// cursor rests.
pub(super) fn lines(rows: &[Row<'_>], more: usize, columns: usize, palette: Palette) -> Vec<String> {
    let full = columns.saturating_sub(1);
    let tails: Vec<String> = rows.iter().map(|row| tail(row, full)).collect();
    let longest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or_default();
    let tail_width = longest(&mut tails.iter().map(|tail| width(tail)));
    let wanted = longest(&mut rows.iter().map(Row::width));
    let names = longest(&mut rows.iter().map(|row| width(row.name)));
    let behind = if tail_width > 0 { GAP + tail_width } else { 0 };
    // On a wide screen, times stay near what they are of.
    let full = full.min((LEAD + names + GAP + wanted + behind).max(WIDE));
    let rest = full.saturating_sub(LEAD + behind);
    // A name is more than a label: what the reasons do not need is for the names.
    let most = (rest * 2 / 5).max(rest.saturating_sub(wanted + GAP));
    let name_width = names.min(most);
    let what_width = rest.saturating_sub(name_width + GAP);
    let mut lines: Vec<String> = rows
        .iter()
        .zip(&tails)
        .map(|(row, tail)| {
            let glyph = palette.paint(row.tone, row.glyph);
            let name = padded(&shortened(row.name, name_width), name_width);
            let (what, what_taken) = row.what(what_width, palette);
            if tail_width == 0 {
                return format!(" {glyph} {name}{:GAP$}{what}", "").trim_end().to_owned();
            }
            let pad = what_width.saturating_sub(what_taken) + GAP + tail_width - width(tail);
            format!(" {glyph} {name}{:GAP$}{what}{:pad$}{}", "", "", palette.paint(Tone::Dim, tail))
        })
        .collect();
    if more > 0 {
        let note = fitted(&and_more(more), full.saturating_sub(LEAD));
        lines.push(format!("{:LEAD$}{}", "", palette.paint(Tone::Dim, note)));
    }
    lines
}

impl Row<'_> {
    /// The width of all that is to be said.
    fn width(&self) -> usize {
        width(&self.what) + self.class.map_or(0, |class| class.len() + 3)
    }

    /// What is said within `most` columns, and how many it takes. The class is kept for longest.
    fn what(&self, most: usize, palette: Palette) -> (String, usize) {
        let Some(class) = self.class.map(|class| format!("[{class}]")) else {
            let what = fitted(&self.what, most);
            let taken = width(&what);
            return (what, taken);
        };
        let left = most.saturating_sub(class.len() + 1);
        if self.what.is_empty() || left < TELLING.min(width(&self.what)) {
            let class = fitted(&class, most);
            let taken = width(&class);
            return (palette.paint(Tone::Wait, class), taken);
        }
        let what = fitted(&self.what, left);
        let taken = width(&what) + 1 + class.len();
        (format!("{what} {}", palette.paint(Tone::Wait, class)), taken)
    }
}

/// What stands at the right: attempts and time.
fn tail(row: &Row<'_>, full: usize) -> String {
    let waited = human(row.waited);
    match full {
        ..NARROW => String::new(),
        NARROW..ROOMY => format!("{waited:>6}"),
        _ => format!("{}{:GAP$}{waited:>6}", counted(row.attempts, "attempt"), ""),
    }
}

/// How many columns `text` takes.
fn width(text: &str) -> usize {
    text.chars().map(|c| printable(c).width().unwrap_or_default()).sum()
}

/// `text` with its middle left out so that it takes no more than `most` columns: the ends of names tell them
/// apart.
fn shortened(text: &str, most: usize) -> String {
    if width(text) <= most {
        return fitted(text, most);
    }
    let mut left = most.saturating_sub(1) / 2;
    let end = text
        .char_indices()
        .rev()
        .take_while(|(_, c)| {
            let wide = printable(*c).width().unwrap_or_default();
            let fits = wide <= left;
            left = left.saturating_sub(wide);
            fits
        })
        .filter(|(_, c)| printable(*c).width().is_some_and(|wide| wide > 0))
        .last();
    let end: String = end.map_or("", |(at, _)| &text[at..]).chars().map(printable).collect();
    format!("{}{end}", fitted(text, most.saturating_sub(width(&end))))
}

/// `text`, cut so that it takes no more than `most` columns; nothing in it moves the cursor.
fn fitted(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.chars().map(printable).collect();
    }
    let mut taken = 0;
    let mut cut: String = text
        .chars()
        .map(printable)
        .take_while(|c| {
            taken += c.width().unwrap_or_default();
            taken < most
        })
        .collect();
    // A joiner would draw the ellipsis into the character before it.
    cut.truncate(cut.trim_end_matches('\u{200D}').len());
    if most > 0 {
        cut.push('…');
    }
    cut
}

fn padded(text: &str, to: usize) -> String {
    format!("{text}{:1$}", "", to.saturating_sub(width(text)))
}

fn printable(c: char) -> char {
    if c.is_control() { '\u{FFFD}' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(name: &'a str, what: &str, class: Option<&'static str>) -> Row<'a> {
        let waited = Duration::from_millis(4_200);
        Row { glyph: '○', tone: Tone::Wait, name, what: what.into(), class, attempts: 12, waited }
    }

    fn some() -> Vec<Row<'static>> {
        vec![
            row("db", "10.0.0.5:5432 refused the connection", Some("tcp.refused")),
            row("tcp://cache.internal:6379", "no answer from 10.0.0.6:6379", Some("tcp.timeout")),
            row("delay:20s", "no result yet", None),
        ]
    }

    #[test]
    fn a_wide_screen_shows_all() {
        assert_eq!(
            lines(&some(), 0, 200, Palette::PLAIN),
            [
                " ○ db                         10.0.0.5:5432 refused the connection [tcp.refused]  12 attempts    4.2s",
                " ○ tcp://cache.internal:6379  no answer from 10.0.0.6:6379 [tcp.timeout]          12 attempts    4.2s",
                " ○ delay:20s                  no result yet                                       12 attempts    4.2s",
            ]
        );
    }

    #[test]
    fn a_narrow_one_keeps_what_tells_most() {
        assert_eq!(
            lines(&some(), 7, 80, Palette::PLAIN),
            [
                " ○ db                      10.0.0.5:5432 re… [tcp.refused]  12 attempts    4.2s",
                " ○ tcp://cache…ernal:6379  no answer from 1… [tcp.timeout]  12 attempts    4.2s",
                " ○ delay:20s               no result yet                    12 attempts    4.2s",
                "   and 7 more",
            ]
        );
        assert_eq!(
            lines(&some(), 7, 40, Palette::PLAIN),
            [
                " ○ db           [tcp.refused]      4.2s",
                " ○ tcp:/…:6379  [tcp.timeout]      4.2s",
                " ○ delay:20s    no result yet      4.2s",
                "   and 7 more",
            ]
        );
    }

    #[test]
    fn no_line_reaches_the_last_column() {
        let long = "x".repeat(500);
        let hostile = [
            row("数据库数据库数据库数据库数据库", "接続が拒否されました", Some("tcp.refused")),
            row("e\u{301}e\u{301}e\u{301}e\u{301}👩\u{200D}💻👩\u{200D}💻", "\x1b[2J\r\nboo\u{7}", None),
            row("", "", Some("tcp.unreachable")),
            row(&long, &"y".repeat(500), Some("tls.untrusted")),
        ];
        for columns in 0..200 {
            for most in 1..=hostile.len() {
                let lines = lines(&hostile[..most], 12_345, columns, Palette::PLAIN);
                assert_eq!(lines.len(), most + 1);
                for line in lines {
                    assert!(width(&line) < columns.max(LEAD + GAP + 1), "{columns}: {line}");
                    assert!(line.starts_with(' ') && !line.chars().any(char::is_control), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(fitted("ready", 5), "ready");
        assert_eq!(fitted("ready", 4), "rea…");
        assert_eq!(fitted("数据库", 6), "数据库");
        // A wide character that does not fit whole is left out.
        assert_eq!(fitted("数据库", 4), "数…");
        assert_eq!(fitted("数据库", 5), "数据…");
        // A mark stays with its letter.
        assert_eq!(fitted("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(fitted("ready", 1), "…");
        assert_eq!(fitted("ready", 0), "");
        assert_eq!(fitted("a\nb", 9), "a\u{FFFD}b");
    }

    #[test]
    fn names_keep_both_ends() {
        assert_eq!(shortened("tcp://cache.internal:6379", 15), "tcp://c…al:6379");
        assert_eq!(shortened("数据库数据库", 6), "数…库");
        assert_eq!(shortened("tcp://cache.internal:6379", 2), "t…");
        assert_eq!(shortened("tcp://cache.internal:6379", 1), "…");
        assert_eq!(shortened("tcp://cache.internal:6379", 0), "");
        assert_eq!(shortened("数据库数据库", 7), "数据…库");
        // A mark does not come loose from its letter.
        assert_eq!(shortened("e\u{301}e\u{301}e\u{301}e\u{301}", 3), "e\u{301}…e\u{301}");
    }

    #[test]
    fn colour_takes_no_width() {
        let strip = |text: &str| {
            let mut plain = String::new();
            for (index, part) in text.split("\x1b[").enumerate() {
                plain.push_str(if index == 0 { part } else { part.split_once('m').unwrap().1 });
            }
            plain
        };
        let plain = lines(&some(), 3, 70, Palette::PLAIN);
        let coloured = lines(&some(), 3, 70, Palette::new(true));
        assert_eq!(coloured.iter().map(|line| strip(line)).collect::<Vec<_>>(), plain);
        assert_ne!(coloured, plain);
    }
}
