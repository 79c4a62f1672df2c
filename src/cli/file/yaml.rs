//! YAML 1.2: its events, put together to a tree. Aliases and merge keys (`<<`) are resolved within the limits of
//! the tree; tags are refused, since nothing here has a type that a file could choose.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::tree::{DEPTH, Key, Marked, Mistake, NODES, Place, Value, insert};

/// The one document in `text`, unless that has none, and all mistakes that could be told.
pub(super) fn parse(text: &str) -> (Option<Marked>, Vec<Mistake>) {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        count: 0,
        mistakes: Vec::new(),
    };
    let root = reader.document().unwrap_or_else(|mistake| {
        reader.mistakes.push(mistake);
        None
    });
    (root, reader.mistakes)
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Marked>,
    count: usize,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Option<Marked>, Mistake> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd | Event::Nothing => return Ok(root),
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                _ if root.is_some() => {
                    return Err(Mistake::new(place(&span), "a second document begins here")
                        .hint("a file holds one; a line of --- begins another"));
                }
                event => root = Some(self.node(event, &span, 0)?),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Mistake> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(syntax(&error)),
            None => Ok((Event::Nothing, Span::default())),
        }
    }

    /// The value that `event` begins, `depth` levels down.
    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Marked, Mistake> {
        let at = place(span);
        self.spend(at, 1)?;
        let (anchor, value) = match event {
            Event::Alias(anchor) => return self.alias(anchor, at, depth),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse(tag.as_deref(), at);
                (anchor, scalar(&text, style))
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse(tag.as_deref(), at);
                (anchor, Value::List(self.list(deeper(depth, at)?)?))
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse(tag.as_deref(), at);
                (anchor, Value::Map(self.map(deeper(depth, at)?)?))
            }
            _ => return Err(Mistake::new(at, "a value is missing")),
        };
        let node = Marked { at, value };
        if anchor > 0 {
            self.spend(at, node.count())?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Marked>, Mistake> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, &span, depth)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Key, Marked)>, Mistake> {
        let mut pairs = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let key = self.node(event, &span, depth)?;
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth)?;
            match key.value {
                _ if is_merge => merged.push(value),
                Value::Text(name) => insert(&mut pairs, Key { at: key.at, name }, value, &mut self.mistakes),
                other => {
                    let what = other.what();
                    self.mistakes.push(Mistake::new(key.at, format!("a key is a name, and here is {what}")));
                }
            }
        }
        for value in merged {
            self.merge(&mut pairs, value);
        }
        Ok(pairs)
    }

    /// Adds what `<<: value` brings: pairs whose keys are not there yet.
    fn merge(&mut self, pairs: &mut Vec<(Key, Marked)>, value: Marked) {
        match value.value {
            Value::Map(others) => {
                for (key, value) in others {
                    if !pairs.iter().any(|(known, _)| known.name == key.name) {
                        pairs.push((key, value));
                    }
                }
            }
            Value::List(maps) if maps.iter().all(|map| matches!(map.value, Value::Map(_))) => {
                for map in maps {
                    self.merge(pairs, map);
                }
            }
            other => {
                let what = format!("'<<' takes a map, and here is {}", other.what());
                self.mistakes.push(Mistake::new(value.at, what).hint("write <<: *NAME, with &NAME at a map"));
            }
        }
    }

    fn alias(&mut self, anchor: usize, at: Place, depth: usize) -> Result<Marked, Mistake> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(Mistake::new(at, "an alias stands within what it stands for"));
        };
        if depth + node.depth() > DEPTH {
            return Err(Mistake::too_deep(at));
        }
        self.spend(at, node.count())?;
        Ok(node)
    }

    /// Counts values, also those that an anchor keeps or an alias repeats.
    fn spend(&mut self, at: Place, count: usize) -> Result<(), Mistake> {
        self.count += count;
        if self.count > NODES { Err(Mistake::too_many(at)) } else { Ok(()) }
    }

    fn refuse(&mut self, tag: Option<&Tag>, at: Place) {
        if tag.is_some() {
            let mistake = Mistake::new(at, "tags are not understood");
            self.mistakes.push(mistake.hint("leave out the word that begins with '!'"));
        }
    }
}

fn deeper(depth: usize, at: Place) -> Result<usize, Mistake> {
    if depth < DEPTH { Ok(depth + 1) } else { Err(Mistake::too_deep(at)) }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    // The null of the core schema (YAML 1.2.2, 10.3.2).
    if style == ScalarStyle::Plain && ["", "~", "null", "Null", "NULL"].contains(&text) {
        Value::Null
    } else {
        Value::Text(text.to_owned())
    }
}

fn place(span: &Span) -> Place {
    Place { line: span.start.line().max(1), column: span.start.col() + 1 }
}

/// What the parser found wrong. Its words tell of indicators and indentation, never of values.
fn syntax(error: &ScanError) -> Mistake {
    let at = Place { line: error.marker().line().max(1), column: error.marker().col() + 1 };
    let mistake = Mistake::new(at, format!("not YAML: {}", error.info()));
    if error.info().contains("tab") {
        return mistake.hint("indent by blanks");
    }
    mistake
}
