//! The wall clock is set while it waits, by libfaketime: nothing but the date of a line follows.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::net::Net;
use crate::program::{Outcome, Waiting, start_by_clock};

const LINES: [&str; 4] = ["--log-format", "json", "--heartbeat", "200ms"];
const JUMPS: [(&str, i64); 2] = [("+1h", 3_600), ("-1h", -3_600)];
/// Starting a program, on a busy machine.
const SLACK: Duration = Duration::from_millis(800);

/// Starts it by the right time; when it waits, the clock jumps.
fn jumped<'a>(net: &'a Net, jump: &str, words: &[&str]) -> Waiting<'a> {
    net.write("clock", "+0");
    let words: Vec<&str> = LINES.iter().chain(words).copied().collect();
    let mut waiting = start_by_clock(net, &words);
    waiting.until_it_says("\"heartbeat\"");
    net.write("clock", jump);
    waiting
}

/// The milliseconds of its lines since it began, once by its own account and once by the dates.
fn times(outcome: &Outcome) -> Vec<(i64, i64)> {
    let line = |line: &str| serde_json::from_str::<Value>(line).expect(&outcome.output);
    let lines: Vec<Value> = outcome.output.lines().map(line).collect();
    let date = |line: &Value| {
        let text = line["ts"].as_str().expect("a date");
        text.parse::<jiff::Timestamp>().expect(text).as_millisecond()
    };
    let begun = date(&lines[0]);
    lines.iter().map(|line| (line["elapsed_ms"].as_i64().expect("a number"), date(line) - begun)).collect()
}

/// The dates show the jump, and nothing else does: a heartbeat comes when it is due.
fn has_jumped(outcome: &Outcome, seconds: i64) {
    let times = times(outcome);
    let jumps = |(elapsed, dated): &(i64, i64)| (dated - elapsed - seconds * 1_000).abs() < 1_000;
    assert!(
        times.last().is_some_and(jumps) && !times.first().is_some_and(jumps),
        "no jump: {}",
        outcome.output
    );
    let slack = i64::try_from(SLACK.as_millis()).expect("a short time");
    for two in times.windows(2) {
        assert!((0..200 + slack).contains(&(two[1].0 - two[0].0)), "{times:?}");
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_deadline_is_kept_when_the_clock_jumps() {
    for (jump, seconds) in JUMPS {
        let net = Net::new();
        let message = net.path("message");
        let words = ["--timeout", "2s", "--termination-log", &message, "tcp://127.0.0.1:9"];
        let outcome = jumped(&net, jump, &words).finish(Duration::from_secs(20));
        assert_eq!(outcome.status, Some(124), "{}", outcome.output);
        let due = Duration::from_secs(2);
        assert!((due..due + SLACK).contains(&outcome.took), "{:?}", outcome.took);
        has_jumped(&outcome, seconds);
        let told = times(&outcome).last().expect("lines").0;
        assert!((2_000..2_300).contains(&told), "{told}");
        assert!(net.read("message").contains("timed out after 2.0s"), "{}", net.read("message"));
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn what_becomes_ready_after_a_jump_is_ready_at_once() {
    for (jump, seconds) in JUMPS {
        let net = Net::new();
        // It must have held for a while, which is measured, too.
        let stable = Duration::from_millis(500);
        let waiting = jumped(&net, jump, &["--timeout", "20s", "tcp://127.0.0.1:7000#stable=500ms"]);
        let begun = Instant::now();
        let _listener = net.inside(|| TcpListener::bind("127.0.0.1:7000").expect("a port of its own"));
        let outcome = waiting.ends_ready();
        let took = begun.elapsed();
        assert!((stable..stable + SLACK).contains(&took), "{took:?}: {}", outcome.output);
        has_jumped(&outcome, seconds);
    }
}
