//! The lines of a watch: one JSON document each, cut anywhere by the transport. No I/O.
//! (<https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>)

use serde_json::Value;

/// A line longer than this is not waited for: no object may be so large.
const LONGEST: usize = 4 * 1024 * 1024;

/// What a watch tells.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    /// An object is there, new or changed.
    Is(Value),
    /// An object is no longer there, or no longer selected.
    Was(Value),
    /// Nothing has changed so far.
    Bookmark,
    /// The watch cannot go on; most often because its version is too old (410).
    End,
}

/// Bytes on their way to becoming lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    heard: Vec<u8>,
    /// How much of it holds no line end for certain.
    searched: usize,
}

impl Lines {
    /// Takes what the transport delivers.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.heard.extend_from_slice(bytes);
    }

    /// What the next line tells, if it is whole.
    pub(super) fn next(&mut self) -> Option<Told> {
        loop {
            let end = self.heard[self.searched..].iter().position(|byte| *byte == b'\n');
            let Some(end) = end else {
                self.searched = self.heard.len();
                return (self.heard.len() > LONGEST).then_some(Told::End);
            };
            let line: Vec<u8> = self.heard.drain(..=self.searched + end).collect();
            self.searched = 0;
            if !line.trim_ascii().is_empty() {
                return Some(decode(&line));
            }
        }
    }
}

/// What a line tells. One that cannot be read ends the watch: whatever it was, it would be missed.
fn decode(line: &[u8]) -> Told {
    let Ok(Value::Object(mut event)) = serde_json::from_slice::<Value>(line) else { return Told::End };
    let object = event.remove("object").filter(Value::is_object);
    match (event.get("type").and_then(Value::as_str), object) {
        (Some("ADDED" | "MODIFIED"), Some(object)) => Told::Is(object),
        (Some("DELETED"), Some(object)) => Told::Was(object),
        (Some("BOOKMARK"), _) => Told::Bookmark,
        _ => Told::End,
    }
}

/// The version of an object.
pub(super) fn version(object: &Value) -> Option<&str> {
    object.pointer("/metadata/resourceVersion")?.as_str().filter(|version| !version.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(bytes: &[u8], piece: usize) -> Vec<Told> {
        let mut lines = Lines::default();
        let mut told = Vec::new();
        for bytes in bytes.chunks(piece) {
            lines.push(bytes);
            told.extend(std::iter::from_fn(|| lines.next()));
        }
        told
    }

    #[test]
    fn lines_are_read_however_they_are_cut() {
        let object = json!({ "metadata": { "name": "grüße", "resourceVersion": "7" } });
        let event = |kind: &str| json!({ "type": kind, "object": object });
        let text = format!(
            "{}\n\r\n{}\n{}\n{}\n{}\n{{half",
            event("ADDED"),
            event("MODIFIED"),
            event("BOOKMARK"),
            event("DELETED"),
            json!({ "type": "ERROR", "object": { "code": 410 } })
        );
        let (is, was) = (Told::Is(object.clone()), Told::Was(object.clone()));
        let expected = [is.clone(), is, Told::Bookmark, was, Told::End];
        for piece in [1, 2, 3, 64, 4096] {
            assert_eq!(told(text.as_bytes(), piece), expected, "{piece}");
        }
    }

    #[test]
    fn what_is_no_event_ends_the_watch() {
        for line in [
            "hello",
            "[]",
            "{}",
            "{\"type\":\"ADDED\"}",
            "{\"type\":\"ADDED\",\"object\":3}",
            "{\"type\":\"NEW\"}",
        ] {
            assert_eq!(told(format!("{line}\n").as_bytes(), 4096), [Told::End], "{line}");
        }
        let mut lines = Lines::default();
        lines.push(&vec![b'x'; LONGEST]);
        assert_eq!(lines.next(), None);
        lines.push(b"x");
        assert_eq!(lines.next(), Some(Told::End));
    }
}
