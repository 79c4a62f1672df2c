//! YAML as it is written: block style, and quotes only where a reader could take a text for something else.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

/// The document `map`.
pub(super) fn yaml(map: &Map<String, Json>) -> String {
    let mut text = String::new();
    block_map(map, 0, &mut text);
    text
}

fn block_map(map: &Map<String, Json>, indent: usize, text: &mut String) {
    for (key, value) in map {
        let _ = write!(text, "{:indent$}{}:", "", scalar(key));
        behind(value, indent + 2, text);
    }
}

/// A value behind a key.
fn behind(value: &Json, indent: usize, text: &mut String) {
    match value {
        Json::Object(map) if !map.is_empty() => {
            text.push('\n');
            block_map(map, indent, text);
        }
        Json::Array(items) if !items.is_empty() => {
            text.push('\n');
            for item in items {
                block_item(item, indent, text);
            }
        }
        value => {
            let _ = writeln!(text, " {}", flow(value));
        }
    }
}

/// An item of a list. The first pair of a map stands behind the dash.
fn block_item(item: &Json, indent: usize, text: &mut String) {
    let _ = write!(text, "{:indent$}- ", "");
    match item {
        Json::Object(map) if !map.is_empty() => {
            let mut inner = String::new();
            block_map(map, indent + 2, &mut inner);
            text.push_str(inner.trim_start());
        }
        item => {
            let _ = writeln!(text, "{}", flow(item));
        }
    }
}

fn flow(value: &Json) -> String {
    match value {
        Json::String(text) => scalar(text),
        // Empty ones, numbers and switches: as in JSON.
        other => other.to_string(),
    }
}

/// A text, plain if every reader takes it for that, also one of YAML 1.1.
fn scalar(text: &str) -> String {
    let first = text.chars().next().unwrap_or(' ');
    let starts = first.is_ascii_alphabetic() || first.is_ascii_digit() || "/.$_^".contains(first);
    let lower = text.to_ascii_lowercase();
    let word = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"].contains(&lower.as_str());
    let number = !text.contains(|c: char| c.is_ascii_alphabetic() && !"eExXoO".contains(c))
        && !text.starts_with(['/', '$'])
        || lower.starts_with("0x")
        || [".inf", ".nan"].contains(&lower.as_str());
    let breaks = text.contains(": ") || text.ends_with(':') || text.contains(" #") || text.ends_with(' ');
    let printable = text.chars().all(|c| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric());
    if starts && printable && !word && !number && !breaks { text.to_owned() } else { quoted(text) }
}

/// In double quotes, with escapes that JSON has too.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}') => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::file::tree::{Marked, Value};
    use crate::cli::file::yaml as reader;

    #[test]
    fn texts_are_plain_where_that_is_safe() {
        for (text, written) in [
            ("tcp://db:5432", "tcp://db:5432"),
            ("$.state==ready", "$.state==ready"),
            ("${HOST}:1", "${HOST}:1"),
            ("/a b", "/a b"),
            ("5m", "5m"),
            ("no", "\"no\""),
            ("1.10", "\"1.10\""),
            ("12:30", "\"12:30\""),
            ("1e3", "\"1e3\""),
            ("0xdef", "\"0xdef\""),
            ("", "\"\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("*x", "\"*x\""),
            ("a\r\n\u{7f}\"", "\"a\\r\\n\\u007f\\\"\""),
        ] {
            assert_eq!(scalar(text), written, "{text:?}");
        }
    }

    fn plain(marked: Marked) -> Json {
        match marked.value {
            Value::Null => Json::Null,
            Value::Text(text) => text.into(),
            Value::List(items) => items.into_iter().map(plain).collect(),
            Value::Map(pairs) => pairs.into_iter().map(|(key, value)| (key.name, plain(value))).collect(),
        }
    }

    fn documents() -> impl proptest::strategy::Strategy<Value = Json> {
        use proptest::prelude::*;
        let text = prop_oneof![any::<String>(), "[a-z:#${} -]{0,9}", "[0-9.:eE+_-]{1,6}"];
        let leaf = text.prop_map(Json::String);
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
                proptest::collection::btree_map("[a-z-]{1,6}", inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(document in documents()) {
            let map = Map::from_iter([("root".to_owned(), document)]);
            let (root, mistakes) = reader::parse(&yaml(&map));
            proptest::prop_assert_eq!(mistakes, vec![]);
            proptest::prop_assert_eq!(root.map(plain), Some(Json::Object(map)));
        }
    }
}
