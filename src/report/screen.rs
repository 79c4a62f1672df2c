//! The terminal: its size, and the rows that indicatif draws on it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use rustix::process::getpgrp;
use rustix::termios::{tcgetpgrp, tcgetwinsize};

/// Columns and lines of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: u16,
    pub(super) lines: u16,
}

/// The size of the terminal at standard output, asked anew each time since it may change. None where rows do not
/// belong: nobody has told the terminal its size, or another program is in the foreground.
pub(super) fn size() -> Option<Size> {
    let output = io::stdout();
    let size = tcgetwinsize(&output).ok()?;
    // Where it is not this session's terminal there is no foreground to be in.
    let foreground = tcgetpgrp(&output).map_or(true, |group| group == getpgrp());
    (size.ws_col > 0 && size.ws_row > 0 && foreground)
        .then_some(Size { columns: size.ws_col, lines: size.ws_row })
}

/// What indicatif draws, kept instead of being written: writing may block.
///
/// indicatif assumes that the rows of the last drawing are where it left them, which is not so after the terminal
/// was resized, and fills rows up to the margin, so that terminals take them for one long line. Only the rows are
/// taken from it; the cursor is moved by [`Live`](super::live::Live).
#[derive(Debug)]
struct Canvas {
    size: Size,
    rows: Vec<String>,
}

#[derive(Debug)]
struct Shared(Arc<Mutex<Canvas>>);

/// The rows of the screen, drawn by indicatif.
pub(super) struct Rows {
    bar: ProgressBar,
    canvas: Arc<Mutex<Canvas>>,
}

impl Rows {
    pub(super) fn new() -> Self {
        let canvas = Arc::new(Mutex::new(Canvas { size: Size { columns: 80, lines: 24 }, rows: Vec::new() }));
        let target = ProgressDrawTarget::term_like(Box::new(Shared(Arc::clone(&canvas))));
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self { bar, canvas }
    }

    /// `lines` as they are to be seen on a screen of `size`.
    pub(super) fn draw(&self, lines: &[String], size: Size) -> Vec<String> {
        let canvas = || self.canvas.lock().unwrap_or_else(PoisonError::into_inner);
        *canvas() = Canvas { size, rows: Vec::new() };
        // All in one, so that each drawing is whole.
        self.bar.set_message(lines.join("\n"));
        std::mem::take(&mut canvas().rows)
    }
}

impl Shared {
    fn with<T>(&self, use_it: impl FnOnce(&mut Canvas) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl TermLike for Shared {
    fn width(&self) -> u16 {
        self.with(|canvas| canvas.size.columns)
    }

    fn height(&self) -> u16 {
        self.with(|canvas| canvas.size.lines)
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // Blanks alone fill a row up to the margin.
        if !text.trim_matches(' ').is_empty() {
            self.with(|canvas| canvas.rows.push(text.to_owned()));
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_kept_as_they_are_up_to_the_height() {
        let rows = Rows::new();
        let lines: Vec<String> = (0..9).map(|n| format!(" \x1b[33m○\x1b[0m row {n}")).collect();
        assert_eq!(rows.draw(&lines, Size { columns: 40, lines: 24 }), lines);
        assert_eq!(rows.draw(&lines[..2], Size { columns: 40, lines: 24 }), lines[..2]);
        assert_eq!(rows.draw(&lines, Size { columns: 12, lines: 5 }), lines[..5]);
    }
}
