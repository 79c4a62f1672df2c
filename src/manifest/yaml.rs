//! YAML in the form that people write, out of JSON values.
//!
//! A string stands plain only where no reader, YAML 1.1 ones included, takes it for something else.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// `value` as one document, without a marker before it.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(&mut text, map, 0, false),
        Value::Array(items) if !items.is_empty() => sequence(&mut text, items, 0),
        scalar => {
            text.push_str(&flow(scalar));
            text.push('\n');
        }
    }
    text
}

fn pad(text: &mut String, depth: usize) {
    text.extend(std::iter::repeat_n("  ", depth));
}

/// The first key stands where the text ends if `inline`: behind the dash of a list.
fn mapping(text: &mut String, map: &Map<String, Value>, depth: usize, inline: bool) {
    for (index, (key, value)) in map.iter().enumerate() {
        if !(inline && index == 0) {
            pad(text, depth);
        }
        text.push_str(&string(key));
        text.push(':');
        match value {
            Value::Object(map) if !map.is_empty() => {
                text.push('\n');
                mapping(text, map, depth + 1, false);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                sequence(text, items, depth + 1);
            }
            scalar => {
                text.push(' ');
                text.push_str(&flow(scalar));
                text.push('\n');
            }
        }
    }
}

fn sequence(text: &mut String, items: &[Value], depth: usize) {
    for item in items {
        pad(text, depth);
        text.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => mapping(text, map, depth + 1, true),
            other => {
                text.push_str(&flow(other));
                text.push('\n');
            }
        }
    }
}

/// A scalar or something empty. Lists in lists are written as JSON, which is YAML too.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

fn string(text: &str) -> String {
    if plain(text) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // Neither what moves a cursor nor what a reader takes for the end of a line.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}') => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether `text` may stand without quotes.
fn plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let safe = |c: char| c.is_ascii_alphanumeric() || "_./@%+=-${}".contains(c);
    let inner = text
        .char_indices()
        .all(|(at, c)| safe(c) || c == ':' && text[at + 1..].starts_with(|c: char| safe(c) && c != ':'));
    // A number with a unit, as quantities have it; `0x1` and `1e3` are numbers.
    let quantity = || {
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        !text.starts_with('0') && !unit.is_empty() && unit.chars().all(|c| c.is_ascii_alphabetic())
    };
    let first = text.chars().next();
    let begins = match first {
        Some(c) if c.is_ascii_digit() => quantity(),
        Some('-') => text.starts_with("--") && text.len() > 3 && text != "---",
        Some(c) => c.is_ascii_alphabetic() || c == '/',
        None => false,
    };
    begins && inner && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_written_as_people_write_them() {
        let value = json!({
            "metadata": {"annotations": {}},
            "spec": {"initContainers": [{"name": "prereq", "args": ["--timeout=5m", "dns:db"], "count": 3}], "none": []},
        });
        let text = "\
metadata:
  annotations: {}
spec:
  initContainers:
    - name: prereq
      args:
        - --timeout=5m
        - dns:db
      count: 3
  none: []
";
        assert_eq!(document(&value), text);
        assert_eq!(document(&json!([{"a": 1}])), "- a: 1\n");
        assert_eq!(document(&json!("x")), "x\n");
    }

    #[test]
    fn what_may_be_read_as_something_else_is_quoted() {
        for text in [
            "", "yes", "No", "on", "y", "null", "~", "1", "1.5", "1e3", "0x1f", "0o7", "12:30", ".5", "-1",
            "- x", "-", "--", "---", "a: b", "a:", "a #b", "#a", "*a", "&a", "!a", "%a", "@a", "`a`", "[a]",
            "{a}", "a,b", "'a", "\"", "a\\b", "a b", "é", "a\nb", "\u{7f}", "\u{2028}", "=", "$x", "? a",
            "| a", "> a",
        ] {
            assert!(string(text).starts_with('"'), "{text}");
        }
        for text in [
            "a",
            "http://fortune/",
            "--timeout=5m",
            "dns:db",
            "5m",
            "16Mi",
            "/shared/prereq",
            "tcp://${DB}:5432",
        ] {
            assert_eq!(string(text), text);
        }
        assert_eq!(string("a\u{7f}\"\n"), "\"a\\u007f\\\"\\n\"");
    }
}
