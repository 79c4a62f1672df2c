//! The lines for people, and below them a row for each precondition that is pending.
//!
//! After each drawing the cursor is back at the beginning of the first row: whatever the terminal does to its
//! lines when it is resized, the rows are from the cursor on, and are overwritten or erased from there. The
//! cursor is never hidden, and so never lost.

use std::cell::RefCell;
use std::io::Write as _;
use std::time::Duration;

use super::output::Output;
use super::palette::Tone;
use super::rows::{Row, lines};
use super::screen::{Rows, Size};
use super::summary::{Standing, standing};
use super::text::Text;
use super::{Reporter, Style};
use crate::engine::{Event, Leaf, Progress, State};

/// How often the rows are drawn.
const EVERY: Duration = Duration::from_millis(100);
/// A screen with fewer lines has no room for rows.
const LEAST: u16 = 4;

/// To the beginning of the line.
const HOME: &str = "\r";
/// Erases from the cursor to the end of the line.
const ERASE_LINE: &str = "\x1b[K";
/// Erases from the cursor to the end of the screen.
const ERASE_BELOW: &str = "\x1b[J";
/// Characters beyond the margin do not begin a new line: not all terminals agree on how wide a character is.
const CUT: &str = "\x1b[?7l";
/// They do again.
const WRAP: &str = "\x1b[?7h";

/// The reporter for people in front of a terminal.
pub(super) struct Live<'w> {
    style: Style,
    /// Writes the lines, which wait here for the next drawing.
    text: Text<Vec<u8>>,
    rows: Rows,
    /// The rows that are on the screen.
    shown: Vec<String>,
    size: fn() -> Option<Size>,
    output: &'w RefCell<Output>,
}

/// Makes a panic erase the rows before it is reported: where it ends the program, nothing else will.
pub(super) fn erase_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // At once: the thread that writes is about to end as well.
        let _ = rustix::io::write(std::io::stdout(), format!("{HOME}{ERASE_BELOW}{WRAP}").as_bytes());
        report(panic);
    }));
}

impl<'w> Live<'w> {
    pub(super) fn new(style: Style, output: &'w RefCell<Output>, size: fn() -> Option<Size>) -> Self {
        let text = Text::new(style.clone(), Vec::new());
        Self { style, text, rows: Rows::new(), shown: Vec::new(), size, output }
    }

    fn tick(&mut self, at: Duration, progress: &Progress<'_>) {
        let Some(size) = (self.size)() else {
            // The rows are not ours any more: somebody else writes where they were.
            self.shown.clear();
            self.write(Vec::new());
            return;
        };
        let most = usize::from(if size.lines < LEAST { 0 } else { (size.lines / 2).max(LEAST - 1) });
        let pending = progress.pending();
        let fit = if pending > most { most.saturating_sub(1) } else { pending };
        let rows: Vec<Row<'_>> = progress
            .leaves()
            .iter()
            .enumerate()
            .filter(|(_, leaf)| leaf.state == State::Pending)
            .take(fit)
            .map(|(id, leaf)| row(&progress.plan().preconditions[id].name, leaf, at))
            .collect();
        let lines = match rows.len() {
            0 => Vec::new(),
            some => lines(&rows, pending - some, size.columns.into(), self.style.palette),
        };
        self.write(if lines.is_empty() { lines } else { self.rows.draw(&lines, size) });
    }

    /// Writes the lines that wait, and `rows` below them in place of those that are shown.
    fn write(&mut self, rows: Vec<String>) {
        let text = std::mem::take(&mut self.text.to);
        // A terminal that does not keep up is spared what it would show for a moment only.
        if text.is_empty() && (rows == self.shown || !self.output.borrow().is_idle()) {
            return;
        }
        let mut frame = Vec::new();
        if !self.shown.is_empty() {
            frame.extend_from_slice(HOME.as_bytes());
            // Otherwise the new rows overwrite the old ones, which does not flicker.
            if rows.is_empty() || !text.is_empty() {
                frame.extend_from_slice(ERASE_BELOW.as_bytes());
            }
        }
        frame.extend_from_slice(&text);
        if !rows.is_empty() {
            frame.extend_from_slice(CUT.as_bytes());
            frame.extend_from_slice(rows.join(&format!("{ERASE_LINE}\r\n")).as_bytes());
            let up = rows.len() - 1;
            let back = if up > 0 { format!("\x1b[{up}A") } else { String::new() };
            frame.extend_from_slice(format!("{ERASE_BELOW}{back}{HOME}{WRAP}").as_bytes());
        }
        // Output that cannot be written does not change what is waited for.
        let _ = self.output.borrow_mut().write_all(&frame);
        self.shown = rows;
    }
}

fn row<'a>(name: &'a str, leaf: &Leaf, at: Duration) -> Row<'a> {
    let (glyph, tone, what, class) = match standing(leaf, at) {
        Standing::Open(what) => ('·', Tone::Dim, what.to_owned(), None),
        Standing::Not(reason) => ('○', Tone::Wait, reason.text.clone(), Some(reason.class.code)),
        Standing::Holds(what) => ('●', Tone::Good, what, None),
    };
    Row { glyph, tone, name, what, class, attempts: leaf.attempts, waited: leaf.waited(at) }
}

impl Reporter for Live<'_> {
    fn on(&mut self, at: Duration, event: &Event, progress: &Progress<'_>) {
        match event {
            Event::Tick => self.tick(at, progress),
            // The rows say it all the time.
            Event::Heartbeat if !self.shown.is_empty() => {}
            _ => self.text.on(at, event, progress),
        }
        // Other lines wait for the next drawing: a hundred may come at once.
        if matches!(event, Event::Start | Event::End(_)) {
            self.write(Vec::new());
        }
    }

    fn every(&self) -> Option<Duration> {
        Some(EVERY)
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.write(Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Outcome;
    use crate::plan::env::Env;
    use crate::plan::layer::Layer;
    use crate::plan::{Plan, Spec, TargetSpec, resolve};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn plan(count: usize) -> Plan {
        let target = |n| Spec::Target(TargetSpec { text: format!("file:/n/{n}"), ..TargetSpec::default() });
        let layer = Layer { targets: Some(Spec::All((0..count).map(target).collect())), ..Layer::default() };
        resolve(&layer, &Env::default()).unwrap()
    }

    /// What is written when a run of `count` preconditions is followed for two ticks.
    fn written(count: usize, size: fn() -> Option<Size>) -> String {
        let plan = plan(count);
        let mut progress = Progress::new(&plan, Duration::ZERO, 1);
        progress.begin();
        let kept = Kept::default();
        let copy = kept.clone();
        let output = RefCell::new(Output::new(move || Box::new(copy)));
        let mut live = Live::new(Style::default(), &output, size);
        for event in progress.take_events() {
            live.on(Duration::ZERO, &event, &progress);
        }
        for second in 1..3 {
            live.on(Duration::from_secs(second), &Event::Warning("so so".into()), &progress);
            live.on(Duration::from_secs(second), &Event::Heartbeat, &progress);
            live.on(Duration::from_secs(second), &Event::Tick, &progress);
        }
        live.on(Duration::from_secs(3), &Event::End(Outcome::Satisfied), &progress);
        drop(live);
        output.borrow_mut().finish(Duration::from_secs(5));
        let bytes = kept.0.lock().unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    }

    #[test]
    fn rows_are_drawn_below_the_lines_and_erased() {
        let written = written(2, || Some(Size { columns: 50, lines: 24 }));
        let row = |n: u8, time: &str| format!(" · file:/n/{n}  no result yet{time:>22}");
        let rows =
            |time: &str| format!("\x1b[?7l{}\x1b[K\r\n{}\x1b[J\x1b[1A\r\x1b[?7h", row(0, time), row(1, time));
        let body = written.split_once("  file:/n/1\n").unwrap().1;
        assert_eq!(
            body.split_once("prereq: ").unwrap().0,
            format!(
                "   1.0s  warning: so so\n   1.0s  waiting for 2 of 2\n{list}{}\r\x1b[J   2.0s  warning: so so\n{}\r\x1b[J",
                rows("1.0s"),
                rows("2.0s"),
                list = "           file:/n/0: no result yet, 0 attempts\n           file:/n/1: no result yet, 0 attempts\n",
            )
        );
    }

    #[test]
    fn there_are_never_more_rows_than_half_the_screen() {
        let count = |written: &str| {
            let frame = written.split("\x1b[?7l").nth(1).unwrap_or_default();
            frame.split("\x1b[?7h").next().unwrap_or_default().matches("\r\n").count() + 1
        };
        let written_ = written(500, || Some(Size { columns: 80, lines: 24 }));
        assert!(written_.contains("   and 489 more"), "{written_}");
        assert_eq!(count(&written_), 12);
        assert_eq!(count(&written(12, || Some(Size { columns: 80, lines: 24 }))), 12);
        assert_eq!(count(&written(500, || Some(Size { columns: 80, lines: 4 }))), 3);
    }

    #[test]
    fn without_room_or_in_the_background_there_are_only_lines() {
        for size in [|| None, || Some(Size { columns: 80, lines: 3 })] as [fn() -> Option<Size>; 2] {
            let written = written(3, size);
            assert!(!written.contains('\x1b') && written.contains("waiting for 3 of 3"), "{written:?}");
        }
    }
}
