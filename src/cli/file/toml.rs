//! TOML: its tables, with places by byte offset.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::tree::{Key, Lines, Marked, Mistake, Place, Value};

/// The document in `text`, and what is wrong with it. The parser bounds how deep tables are nested.
pub(super) fn parse(text: &str) -> (Option<Marked>, Vec<Mistake>) {
    let lines = Lines::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<Mistake> = errors
        .iter()
        .map(|error| {
            let at = error.span().map_or(Place::START, |span| lines.place(span.start));
            Mistake::new(at, format!("not TOML: {}", error.message().lines().collect::<Vec<_>>().join("; ")))
        })
        .collect();
    mistakes.dedup();
    if !mistakes.is_empty() {
        return (None, mistakes);
    }
    let empty = table.get_ref().is_empty();
    let root = Marked { at: Place::START, value: map(table.into_inner(), &lines) };
    ((!empty).then_some(root), Vec::new())
}

fn map(table: DeTable<'_>, lines: &Lines<'_>) -> Value {
    // In the order in which they are written.
    let mut pairs: Vec<_> = table.into_iter().collect();
    pairs.sort_by_key(|(key, _)| key.span().start);
    let pair = |(key, value): (Spanned<_>, Spanned<DeValue<'_>>)| {
        let at = lines.place(key.span().start);
        let name = std::borrow::Cow::<'_, str>::into_owned(key.into_inner());
        (Key { at, name }, marked(value, lines))
    };
    Value::Map(pairs.into_iter().map(pair).collect())
}

fn marked(value: Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Marked {
    let at = lines.place(value.span().start);
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => Value::Text(number.to_string()),
        DeValue::Float(number) => Value::Text(number.to_string()),
        DeValue::Boolean(truth) => Value::Text(truth.to_string()),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => Value::List(items.into_iter().map(|item| marked(item, lines)).collect()),
        DeValue::Table(table) => map(table, lines),
    };
    Marked { at, value }
}
