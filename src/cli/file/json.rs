//! JSON (RFC 8259), with places: a YAML parser would accept more than JSON, and not all of it (surrogate pairs).

use super::tree::{DEPTH, Key, Lines, Marked, Mistake, NODES, Place, Value, insert};

/// The value in `text`, unless that is blank, and what is wrong with it.
pub(super) fn parse(text: &str) -> (Option<Marked>, Vec<Mistake>) {
    let mut reader = Reader { text, lines: Lines::new(text), at: 0, count: 0, mistakes: Vec::new() };
    reader.blanks();
    if reader.at == text.len() {
        return (None, Vec::new());
    }
    let root = reader.value(0).and_then(|root| {
        reader.blanks();
        if reader.at < text.len() { Err(reader.wrong("something follows the value")) } else { Ok(root) }
    });
    match root {
        Ok(root) => (Some(root), reader.mistakes),
        Err(mistake) => {
            reader.mistakes.push(mistake);
            (None, reader.mistakes)
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    lines: Lines<'a>,
    at: usize,
    count: usize,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    fn place(&self) -> Place {
        self.lines.place(self.at)
    }

    fn wrong(&self, what: &str) -> Mistake {
        Mistake::new(self.place(), format!("not JSON: {what}"))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    /// Takes `token` and the blanks behind it, if it comes next.
    fn take(&mut self, token: char) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len_utf8();
            self.blanks();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<Marked, Mistake> {
        let at = self.place();
        self.count += 1;
        if self.count > NODES {
            return Err(Mistake::too_many(at));
        }
        if depth > DEPTH {
            return Err(Mistake::too_deep(at));
        }
        let value = match self.rest().bytes().next() {
            Some(b'[') => Value::List(self.list(depth)?),
            Some(b'{') => Value::Map(self.map(depth)?),
            Some(b'"') => Value::Text(self.string()?),
            _ => self.word()?,
        };
        self.blanks();
        Ok(Marked { at, value })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Marked>, Mistake> {
        let mut items = Vec::new();
        self.take('[');
        if self.take(']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(']') {
                return Ok(items);
            }
            if !self.take(',') {
                return Err(self.wrong("',' or ']' is missing"));
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Key, Marked)>, Mistake> {
        let mut pairs = Vec::new();
        self.take('{');
        if self.take('}') {
            return Ok(pairs);
        }
        loop {
            let at = self.place();
            if !self.rest().starts_with('"') {
                return Err(self.wrong("a key in quotes is missing"));
            }
            let name = self.string()?;
            self.blanks();
            if !self.take(':') {
                return Err(self.wrong("':' is missing"));
            }
            let value = self.value(depth + 1)?;
            insert(&mut pairs, Key { at, name }, value, &mut self.mistakes);
            if self.take('}') {
                return Ok(pairs);
            }
            if !self.take(',') {
                return Err(self.wrong("',' or '}' is missing"));
            }
        }
    }

    /// A string, from quote to quote. Its escapes are serde's affair.
    fn string(&mut self) -> Result<String, Mistake> {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let Some((end, _)) = end else { return Err(self.wrong("a quote is not closed")) };
        let text = serde_json::from_str(&rest[..=end]).map_err(|error| {
            // The column is that of the byte at fault, behind the opening quote.
            let at = self.lines.place(self.at + error.column().saturating_sub(1));
            Mistake::new(at, "not JSON: an escape or a control character that a string cannot have")
        })?;
        self.at += end + 1;
        Ok(text)
    }

    /// A number, `true`, `false` or `null`, as written.
    fn word(&mut self) -> Result<Value, Mistake> {
        let rest = self.rest();
        let end = rest.find([',', ']', '}', ':', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
        let word = &rest[..end];
        let value = match word {
            "null" => Value::Null,
            "true" | "false" => Value::Text(word.to_owned()),
            _ if serde_json::from_str::<serde_json::Number>(word).is_ok() => Value::Text(word.to_owned()),
            "" => return Err(self.wrong("a value is missing")),
            _ => return Err(self.wrong("neither a value nor in quotes")),
        };
        self.at += end;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as `serde_json` would have it, numbers and switches as text.
    fn plain(marked: &Marked) -> serde_json::Value {
        match &marked.value {
            Value::Null => serde_json::Value::Null,
            // A number stays as it is written; to serde this one is no integer.
            Value::Text(text) if text == "-0" => "-0.0".into(),
            Value::Text(text) => text.clone().into(),
            Value::List(items) => items.iter().map(plain).collect::<Vec<_>>().into(),
            Value::Map(pairs) => pairs
                .iter()
                .map(|(key, value)| (key.name.clone(), plain(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    fn as_text(value: serde_json::Value) -> serde_json::Value {
        use serde_json::Value as Json;
        match value {
            Json::Bool(truth) => truth.to_string().into(),
            Json::Number(number) => number.to_string().into(),
            Json::Array(items) => items.into_iter().map(as_text).collect::<Vec<_>>().into(),
            Json::Object(map) => map
                .into_iter()
                .map(|(key, value)| (key, as_text(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other,
        }
    }

    #[test]
    fn places_and_mistakes_are_told() {
        for (text, line, column, says) in [
            ("{\"a\": 1,}", 1, 9, "a key in quotes is missing"),
            ("{\"a\" 1}", 1, 6, "':' is missing"),
            ("[1 2]", 1, 4, "',' or ']' is missing"),
            ("[1,\n  x]", 2, 3, "neither a value nor in quotes"),
            ("[1,]", 1, 4, "a value is missing"),
            ("[] []", 1, 4, "something follows the value"),
            ("[\"a]", 1, 2, "a quote is not closed"),
            ("[\"ä\\q\"]", 1, 5, "an escape or a control character that a string cannot have"),
            ("[01]", 1, 2, "neither a value nor in quotes"),
            ("[\"\\ud800\"]", 1, 9, "an escape"),
        ] {
            let (root, mistakes) = parse(text);
            assert_eq!(root, None, "{text}");
            let [mistake] = mistakes.as_slice() else { panic!("{text}: {mistakes:?}") };
            assert!(mistake.problem.what.contains(says), "{text}: {mistake:?}");
            assert_eq!((mistake.at.line, mistake.at.column), (line, column), "{text}");
        }
        let (_, mistakes) = parse("{\"a\": 1,\n \"a\": 2}");
        assert_eq!(mistakes.len(), 1);
        assert_eq!(mistakes[0].at, Place { line: 2, column: 2 });
        let deep = format!("{}1{}", "[".repeat(101), "]".repeat(101));
        assert!(parse(&deep).1[0].problem.what.contains("levels"));
        assert_eq!(parse(&deep[1..202]).1, []);
    }

    proptest::proptest! {
        #[test]
        fn what_serde_reads_is_read_the_same_and_nothing_else(
            text in r#"([\[\]{},:" \n]|"[a-z\\u0-9]{0,3}"|-?[0-9.]{1,3}|true|null|"\\ud83d\\ude00"){0,9}"#
        ) {
            let (root, mistakes) = parse(&text);
            match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(value) if mistakes.is_empty() => {
                    proptest::prop_assert_eq!(root.as_ref().map(plain), Some(as_text(value)));
                }
                // A key that is there twice is a mistake here, and none for serde.
                Ok(_) => proptest::prop_assert!(mistakes.iter().all(|found| found.problem.what.contains("twice"))),
                Err(_) => proptest::prop_assert!(root.is_none()),
            }
        }
    }
}
