//! On a terminal: live rows below the lines, and nothing left of them in the end.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::program::{closed_port, pause, prereq};
use crate::signals::signal;

/// The end of a drawing.
const DRAWN: &str = "\x1b[?7h";

/// The program on a pseudo-terminal, whose other end is read all the time.
struct Session {
    child: Child,
    master: OwnedFd,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

fn size(columns: u16, lines: u16) -> Winsize {
    Winsize { ws_col: columns, ws_row: lines, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Session {
    fn start(command: &mut Command, columns: u16, lines: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, size(columns, lines)).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let child = command.stdout(Stdio::from(slave)).spawn().unwrap();
        // The terminal ends with the last that has it open.
        command.stdout(Stdio::null());
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let (mut from, to) = (File::from(master.try_clone().unwrap()), Arc::clone(&seen));
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                to.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { child, master, seen, reader }
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    /// The status, and all that was written.
    fn finish(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap().code();
        self.reader.join().unwrap();
        (status, String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned())
    }
}

fn terminal() -> Command {
    let mut command = prereq();
    command.env("TERM", "xterm");
    command
}

fn is_row(line: &str) -> bool {
    [" ○ ", " · ", " ● ", "   and "].iter().any(|begin| line.starts_with(begin))
}

/// Follows `written` on a screen and looks at the rows after each drawing; the largest number of them, and the
/// screen in the end.
fn follow(written: &str, columns: u16, lines: u16) -> (usize, vt100::Parser) {
    let mut parser = vt100::Parser::new(lines, columns, 10_000);
    let mut most = 0;
    let mut frames: Vec<&str> = written.split_inclusive(DRAWN).collect();
    let end = frames.pop().unwrap();
    for frame in frames {
        parser.process(frame.as_bytes());
        let screen = parser.screen();
        let rows: Vec<String> = screen.rows(0, columns).collect();
        let first = usize::from(screen.cursor_position().0);
        assert_eq!(screen.cursor_position().1, 0);
        let end = rows.iter().rposition(|row| !row.is_empty()).unwrap();
        for (number, row) in rows.iter().enumerate().take(end + 1).skip(first) {
            assert!(is_row(row), "{number}: {}", screen.contents());
            assert!(!screen.row_wrapped(number.try_into().unwrap()), "{row}");
        }
        most = most.max(end + 1 - first);
        // None is left above.
        assert!(rows[..first].iter().all(|row| !is_row(row)), "{}", screen.contents());
    }
    parser.process(end.as_bytes());
    let screen = parser.screen();
    assert!(!screen.hide_cursor());
    assert!(!screen.rows(0, columns).any(|row| is_row(&row)), "{}", screen.contents());
    (most, parser)
}

fn missing(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("file:/does/not/exist/{number}")).collect()
}

#[test]
fn rows_fit_the_screen_and_are_gone_after_a_time_out() {
    for (columns, count) in [(80, 3), (40, 3), (80, 200), (40, 200), (10, 3)] {
        let session = Session::start(terminal().args(missing(count)).arg("--timeout=1s"), columns, 24);
        let (status, written) = session.finish();
        assert_eq!(status, Some(124));
        let (most, _) = follow(&written, columns, 24);
        assert_eq!(most, count.min(12), "{written}");
        let summary = written.rsplit_once("\r\x1b[J").unwrap().1;
        let plain = summary.replace("\x1b[31m", "").replace("\x1b[0m", "");
        assert!(plain.starts_with("prereq: timed out after 1.0s, "), "{summary}");
    }
}

#[test]
fn rows_are_gone_after_success_before_the_command_runs() {
    for columns in [80, 40] {
        let command = ["delay:700ms", "delay:200ms", "file:/", "--", "echo", "over and out"];
        let (status, written) =
            Session::start(terminal().args(command).env("PATH", "/usr/bin:/bin"), columns, 24).finish();
        assert_eq!(status, Some(0));
        let (most, parser) = follow(&written, columns, 24);
        assert_eq!(most, 2, "{written}");
        let contents = parser.screen().contents();
        let summary = contents.find("prereq: ready after").unwrap();
        assert!(contents[summary..].ends_with("over and out"), "{contents}");
    }
}

#[test]
fn rows_are_gone_after_a_signal() {
    for (name, status) in [("INT", 130), ("TERM", 143)] {
        let session = Session::start(terminal().args(missing(30)), 40, 24);
        pause(500);
        signal(&session.child, name);
        let (ended, written) = session.finish();
        assert_eq!(ended, Some(status));
        let (most, _) = follow(&written, 40, 24);
        assert_eq!(most, 12);
        assert!(written.contains(&format!("ended by SIG{name}")), "{written}");
    }
}

#[test]
fn times_tick_and_drawings_are_few() {
    let (_, written) = Session::start(terminal().args(["delay:9s", "-t2s"]), 80, 24).finish();
    let drawings = written.matches(DRAWN).count();
    assert!((8..=21).contains(&drawings), "{drawings}");
    assert!(written.contains(" 1.0s") || written.contains(" 1.1s"), "{written}");
    // The rows are the heartbeat.
    let beats = ["delay:9s", "-t1s", "--heartbeat=300ms"];
    assert!(!Session::start(terminal().args(beats), 80, 24).finish().1.contains("waiting for delay:9s: "));
}

#[test]
fn a_screen_that_shrinks_or_grows_is_followed() {
    let session = Session::start(terminal().args(missing(50)).arg("--timeout=2s"), 80, 24);
    let mut sizes = Vec::new();
    for (columns, lines) in [(40, 24), (30, 10), (120, 40)] {
        pause(400);
        tcsetwinsize(&session.master, size(columns, lines)).unwrap();
        pause(150);
        let end = session.seen().rfind(DRAWN).unwrap();
        let written = session.seen()[..end].to_owned();
        let frame = written.rsplit_once("\x1b[?7l").unwrap().1.to_owned();
        sizes.push(frame.matches("\r\n").count() + 1);
        assert!(frame.contains(&format!("and {} more", 50 - sizes[sizes.len() - 1] + 1)), "{frame}");
    }
    assert_eq!(sizes, [12, 5, 20]);
    assert_eq!(session.finish().0, Some(124));
}

/// Whether there is a sequence that sets colour.
fn coloured(written: &str) -> bool {
    written
        .split("\x1b[")
        .skip(1)
        .any(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'))
}

#[test]
fn colour_follows_flags_and_variables() {
    let port = closed_port();
    let run = |set: &dyn Fn(&mut Command) -> &mut Command| {
        let mut command = terminal();
        command.args(["file:/", &format!("127.0.0.1:{port}"), "--timeout=400ms"]);
        set(&mut command);
        Session::start(&mut command, 80, 24).finish().1
    };
    let plain = |written: String| {
        assert!(!coloured(&written), "{written:?}");
        written
    };
    assert!(coloured(&run(&|command| command)));
    plain(run(&|command| command.env("NO_COLOR", "1")));
    plain(run(&|command| command.arg("--color=never")));
    assert!(coloured(&run(&|command| command.arg("--color=always").env("NO_COLOR", "1"))));
    // Nothing but text, and the lines are the same as elsewhere.
    for dumb in [
        run(&|command| command.env("TERM", "dumb")),
        run(&|command| command.args(["--log-format=json", "--color=always"])),
        run(&|command| command.args(["--no-progress", "--color=never"])),
        run(&|command| command.args(["-q", "--color=never"])),
    ] {
        assert!(!dumb.contains('\x1b'), "{dumb:?}");
    }
    assert!(coloured(&run(&|command| command.env("PREREQ_NO_PROGRESS", "true"))));
    // Where there is no terminal, there is none unless it is asked for.
    let piped = |value: &str| {
        let output = terminal().args(["file:/", "--color", value]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(!piped("auto").contains('\x1b'));
    assert!(coloured(&piped("always")));
}
