//! What a file holds, whatever its format: one tree in which everything knows its place.

use crate::plan::problem::Problem;

/// So many levels of lists and maps within one another are read.
pub(super) const DEPTH: usize = 100;
/// So many values are read, those that an alias repeats included.
pub(super) const NODES: usize = 200_000;

/// A place in a file: line and column in characters, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    /// The first one.
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) at: Place,
    pub(super) problem: Problem,
}

impl Mistake {
    pub(super) fn new(at: Place, what: impl Into<String>) -> Self {
        Self { at, problem: Problem::new(what) }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { problem: self.problem.hint(hint), ..self }
    }

    /// More levels than [`DEPTH`].
    pub(super) fn too_deep(at: Place) -> Self {
        Self::new(at, format!("more than {DEPTH} levels of lists and maps"))
    }

    /// More values than [`NODES`].
    pub(super) fn too_many(at: Place) -> Self {
        Self::new(at, format!("more than {NODES} values"))
    }
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) at: Place,
    pub(super) value: Value,
}

/// A value. Numbers, switches and dates are text, as they are written: what they mean depends on what they are
/// for, and `name: no` or `name: 1.10` are names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Text(String),
    List(Vec<Marked>),
    Map(Vec<(Key, Marked)>),
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) at: Place,
    pub(super) name: String,
}

impl Key {
    /// The key for messages. Anything but a name may be a value that landed in the wrong place.
    pub(super) fn shown(&self) -> String {
        let is_name = (1..32).contains(&self.name.len())
            && self.name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c));
        if is_name { format!("key '{}'", self.name) } else { "key".to_owned() }
    }
}

impl Value {
    /// What it is, for messages.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Marked {
    /// How many values it consists of.
    pub(super) fn count(&self) -> usize {
        match &self.value {
            Value::Null | Value::Text(_) => 1,
            Value::List(items) => 1 + items.iter().map(Self::count).sum::<usize>(),
            Value::Map(pairs) => 1 + pairs.iter().map(|(_, value)| value.count()).sum::<usize>(),
        }
    }

    /// How many levels of lists and maps it has.
    pub(super) fn depth(&self) -> usize {
        match &self.value {
            Value::Null | Value::Text(_) => 0,
            Value::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or_default(),
            Value::Map(pairs) => 1 + pairs.iter().map(|(_, value)| value.depth()).max().unwrap_or_default(),
        }
    }
}

/// Adds a pair to a map, unless it has the key already.
pub(super) fn insert(pairs: &mut Vec<(Key, Marked)>, key: Key, value: Marked, mistakes: &mut Vec<Mistake>) {
    match pairs.iter().find(|(known, _)| known.name == key.name) {
        Some((first, _)) => mistakes.push(Mistake::new(
            key.at,
            format!("{} is there twice, first on line {}", key.shown(), first.at.line),
        )),
        None => pairs.push((key, value)),
    }
}

/// Places by byte offset.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// The place of the byte at `offset`.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let before = self.text.get(self.starts[line - 1]..offset).unwrap_or_default();
        Place { line, column: before.chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_from_one() {
        let lines = Lines::new("ä: b\r\nc\n");
        for (offset, line, column) in [(0, 1, 1), (2, 1, 2), (7, 2, 1), (8, 2, 2), (9, 3, 1), (99, 3, 1)] {
            assert_eq!(lines.place(offset), Place { line, column }, "{offset}");
        }
    }
}
