//! TOML: its tables, with places by byte offset.

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

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
    mistakes.sort_by_key(|mistake| mistake.at);
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
        DeValue::Integer(number) => Value::Text(decimal(&number)),
        DeValue::Float(number) => Value::Text(number.to_string()),
        DeValue::Boolean(truth) => Value::Text(truth.to_string()),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => Value::List(items.into_iter().map(|item| marked(item, lines)).collect()),
        DeValue::Table(table) => map(table, lines),
    };
    Marked { at, value }
}

/// A whole number in base 10, as options expect it; one that does not fit as it is written.
fn decimal(number: &DeInteger<'_>) -> String {
    match i64::from_str_radix(number.as_str(), number.radix()) {
        Ok(value) if number.radix() != 10 => value.to_string(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let (root, mistakes) = parse(text);
        assert_eq!(mistakes, [], "{text}");
        let Some(Marked { value: Value::Map(pairs), .. }) = root else { panic!("{text}") };
        pairs
            .into_iter()
            .map(|(key, value)| match value.value {
                Value::Text(text) => format!("{}:{} {}={text}", key.at.line, key.at.column, key.name),
                other => format!("{}:{} {} is {}", key.at.line, key.at.column, key.name, other.what()),
            })
            .collect()
    }

    #[test]
    fn keys_keep_their_order_and_values_their_text() {
        let text = "z = 0x10\na = 1_000\nn = 1.10\nd = 1979-05-27\nb = true\nt.u = 'x'\n[c]\nv = 1\n";
        let wanted = [
            "1:1 z=16",
            "2:1 a=1000",
            "3:1 n=1.10",
            "4:1 d=1979-05-27",
            "5:1 b=true",
            "6:1 t is a map",
            "7:2 c is a map",
        ];
        assert_eq!(texts(text), wanted);
        assert_eq!(parse("# nothing\n"), (None, vec![]));
    }

    #[test]
    fn mistakes_are_told_once_each_with_their_places() {
        let (root, mistakes) = parse("a = 3s\nb = [1\n");
        assert_eq!(root, None);
        let places: Vec<(usize, usize)> =
            mistakes.iter().map(|found| (found.at.line, found.at.column)).collect();
        assert_eq!(places, [(1, 5), (2, 7)]);
        let (root, mistakes) = parse(&format!("a = {}", "[".repeat(100_000)));
        assert!(root.is_none() && mistakes.len() < 4, "{mistakes:?}");
        let (root, mistakes) = parse(&format!("{} = 1", vec!["a"; 100_000].join(".")));
        assert!(root.is_none() && mistakes.len() < 4, "{mistakes:?}");
    }
}
