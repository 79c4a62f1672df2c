//! From times to places on a line, and from text to the room that it takes.

use std::time::Duration;

use crate::plan::duration::exact;

/// Distances between ticks that people read easily, in microseconds, up to a day.
const STEPS: [u64; 33] = [
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    15_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
    300_000_000,
    600_000_000,
    900_000_000,
    1_800_000_000,
    3_600_000_000,
    7_200_000_000,
    10_800_000_000,
    21_600_000_000,
    43_200_000_000,
    86_400_000_000,
    172_800_000_000,
    604_800_000_000,
    2_592_000_000_000,
];
/// At most so many ticks follow the first.
const TICKS: u64 = 8;

/// The time from the start to the end, laid out between two places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    whole: Duration,
    from: f64,
    width: f64,
}

impl Scale {
    pub(super) fn new(whole: Duration, from: f64, width: f64) -> Self {
        Self { whole: whole.max(Duration::from_micros(100)), from, width }
    }

    /// The place of a time; what lies outside is moved to the border.
    pub(super) fn place(&self, time: Duration) -> f64 {
        self.from + self.width * time.min(self.whole).div_duration_f64(self.whole)
    }

    /// Round times, evenly apart, from zero on.
    pub(super) fn ticks(&self) -> Vec<Duration> {
        let whole = u64::try_from(self.whole.as_micros()).unwrap_or(u64::MAX);
        let step = STEPS.into_iter().find(|step| whole / step <= TICKS).unwrap_or(whole / TICKS);
        (0..=whole / step).map(|count| Duration::from_micros(count * step)).collect()
    }
}

/// A tick in words: `500ms`, `1.5s`, `2m30s`.
pub(super) fn tick_label(tick: Duration) -> String {
    match tick.as_micros() {
        1_000..1_000_000 => format!("{}ms", tick.div_duration_f64(Duration::from_millis(1))),
        1_000_000..60_000_000 => format!("{}s", tick.as_secs_f64()),
        _ => exact(tick),
    }
}

/// How wide `text` is about, at a size of 1, in the usual fonts without serifs.
pub(super) fn text_width(text: &str) -> f64 {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.29,
        'f' | 't' | 'r' | '/' | '\\' | '(' | ')' | '[' | ']' | ' ' | '-' => 0.37,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.9,
        'A'..='Z' | '&' | '~' | '=' | '+' | '<' | '>' | '#' => 0.7,
        c if u32::from(c) >= 0x1100 => 1.0,
        _ => 0.58,
    }
}

/// `text`, if it is not wider than `room` at a size of 1; else its beginning and its end.
pub(super) fn shortened(text: &str, room: f64) -> String {
    if text_width(text) <= room {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let room = (room - char_width('…')).max(1.0);
    let fitting = |chars: &mut dyn Iterator<Item = &char>, room: f64| {
        let mut used = 0.0;
        chars
            .take_while(|c| {
                used += char_width(**c);
                used <= room
            })
            .count()
    };
    let head = fitting(&mut chars.iter(), room * 0.6);
    let tail = fitting(&mut chars[head..].iter().rev(), room * 0.4);
    let (head, tail) = (&chars[..head], &chars[chars.len() - tail..]);
    head.iter().chain(['…'].iter()).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        for (micros, count, last) in [
            (0, 2, 100),
            (2_400, 5, 2_000),
            (4_100_000, 9, 4_000_000),
            (300_000_000, 6, 300_000_000),
            (86_400_000_000 * 400, 9, 86_400_000_000 * 400),
        ] {
            let ticks = Scale::new(Duration::from_micros(micros), 0.0, 1.0).ticks();
            assert_eq!((ticks.len(), ticks.last().unwrap().as_micros()), (count, last), "{micros}");
        }
    }

    #[test]
    fn places_stay_within() {
        let scale = Scale::new(Duration::from_secs(4), 100.0, 400.0);
        for (seconds, place) in [(0, 100.0), (1, 200.0), (4, 500.0), (9, 500.0)] {
            let found: f64 = scale.place(Duration::from_secs(seconds));
            assert!((found - place).abs() < 1e-6, "{seconds} s at {found}");
        }
    }

    #[test]
    fn long_text_keeps_its_ends() {
        assert_eq!(shortened("tcp://db:5432", 20.0), "tcp://db:5432");
        let short = shortened("https://a-very-long-name.example.com/deep/path/healthz", 14.0);
        assert!(short.starts_with("https://a-v") && short.ends_with("ealthz"), "{short}");
        assert!(text_width(&short) <= 14.0);
    }
}
