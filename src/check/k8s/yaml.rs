//! YAML as kubeconfigs are written in it, as a JSON value: maps, lists and scalars, without anchors.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};
use serde_json::{Map, Value};

/// Nothing is nested deeper.
const DEEPEST: usize = 32;

/// Reads the first document of `text`. Scalars stay text, apart from plain `true`, `false` and `null`.
///
/// # Errors
/// What is wrong, with line and column; the content is not repeated.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut events = Parser::new_from_str(text);
    loop {
        match next(&mut events)? {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd => return Ok(Value::Null),
            event => return value(event, &mut events, 0),
        }
    }
}

type Events<'a> = Parser<'a, saphyr_parser::StrInput<'a>>;

fn next<'a>(events: &mut Events<'a>) -> Result<Event<'a>, String> {
    match events.next_event() {
        Some(Ok((event, _span))) => Ok(event),
        Some(Err(error)) => Err(described(&error)),
        None => Ok(Event::StreamEnd),
    }
}

fn described(error: &ScanError) -> String {
    let at = error.marker();
    format!("no YAML at line {}, column {}", at.line(), at.col() + 1)
}

fn value<'a>(event: Event<'a>, events: &mut Events<'a>, depth: usize) -> Result<Value, String> {
    if depth > DEEPEST {
        return Err("it is nested too deeply".into());
    }
    match event {
        Event::Scalar(text, style, ..) => Ok(match (text.as_ref(), style) {
            ("true", ScalarStyle::Plain) => Value::Bool(true),
            ("false", ScalarStyle::Plain) => Value::Bool(false),
            ("null" | "~" | "", ScalarStyle::Plain) => Value::Null,
            (text, _) => Value::String(text.to_owned()),
        }),
        Event::SequenceStart(..) => {
            let mut list = Vec::new();
            loop {
                match next(events)? {
                    Event::SequenceEnd => return Ok(Value::Array(list)),
                    event => list.push(value(event, events, depth + 1)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut map = Map::new();
            loop {
                match next(events)? {
                    Event::MappingEnd => return Ok(Value::Object(map)),
                    Event::Scalar(key, ..) => {
                        let event = next(events)?;
                        map.insert(key.into_owned(), value(event, events, depth + 1)?);
                    }
                    _ => return Err("a key is no text".into()),
                }
            }
        }
        Event::Alias(_) => Err("it has an alias, which is not supported".into()),
        _ => Err("it ends too early".into()),
    }
}
