//! A strict subset of `JSONPath` (RFC 9535): names, indices, `*` and `..`. No filters, slices or unions.
//!
//! `PATH` asks whether there is such a value, `PATH==VALUE` whether one of them is VALUE, which is JSON or a bare
//! string. The leading `$` may be left out.

use serde_json::Value;

/// What is expected of a JSON document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expectation {
    /// The path, as it was written.
    pub(crate) path: String,
    steps: Vec<Step>,
    value: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// Whether all that is below is searched too.
    deep: bool,
    select: Select,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Select {
    Name(String),
    Index(i64),
    All,
}

/// How a document compares with what is expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is as expected.
    Match,
    /// There is a value at the path, but another one.
    Other,
    /// There is nothing at the path.
    Nothing,
}

impl Expectation {
    /// Reads `PATH` or `PATH==VALUE`.
    ///
    /// # Errors
    /// What is wrong with the path; the value is not repeated.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text.trim_start() };
        let steps = parser.steps()?;
        let path = text.trim_start();
        let path = path[..path.len() - parser.rest.len()].trim_end().to_owned();
        let value = match parser.rest.trim_start() {
            "" => None,
            rest => match rest.strip_prefix("==") {
                Some(value) => Some(value.trim().to_owned()),
                None => return Err(parser.unexpected()),
            },
        };
        if steps.is_empty() && value.is_none() {
            return Err("the path is empty: write $.name or name==value".into());
        }
        Ok(Self { path, steps, value })
    }

    /// Compares.
    pub(crate) fn find(&self, document: &Value) -> Found {
        let mut values = vec![document];
        for step in &self.steps {
            let mut next = Vec::new();
            for value in values {
                if step.deep {
                    descend(value, &step.select, &mut next);
                } else {
                    step.select.apply(value, &mut next);
                }
            }
            values = next;
        }
        match &self.value {
            _ if values.is_empty() => Found::Nothing,
            None => Found::Match,
            Some(wanted) if values.into_iter().any(|value| equals(value, wanted)) => Found::Match,
            Some(_) => Found::Other,
        }
    }
}

/// Whether `value` is what `wanted` says, as JSON or as a bare string.
fn equals(value: &Value, wanted: &str) -> bool {
    if value.as_str() == Some(wanted) {
        return true;
    }
    match (serde_json::from_str::<Value>(wanted), value) {
        (Ok(Value::Number(wanted)), Value::Number(value)) => {
            *value == wanted || (value.as_f64().is_some() && value.as_f64() == wanted.as_f64())
        }
        (Ok(wanted), value) => *value == wanted,
        (Err(_), _) => false,
    }
}

fn descend<'a>(value: &'a Value, select: &Select, found: &mut Vec<&'a Value>) {
    // serde_json does not read documents that are nested deeper than 128 levels.
    select.apply(value, found);
    let mut children = Vec::new();
    Select::All.apply(value, &mut children);
    for child in children {
        descend(child, select, found);
    }
}

impl Select {
    fn apply<'a>(&self, value: &'a Value, found: &mut Vec<&'a Value>) {
        match (self, value) {
            (Self::Name(name), Value::Object(map)) => found.extend(map.get(name)),
            (Self::Index(index), Value::Array(list)) => {
                let at = match usize::try_from(*index) {
                    Ok(at) => Some(at),
                    Err(_) => usize::try_from(index.unsigned_abs())
                        .ok()
                        .and_then(|back| list.len().checked_sub(back)),
                };
                found.extend(at.and_then(|at| list.get(at)));
            }
            (Self::All, Value::Object(map)) => found.extend(map.values()),
            (Self::All, Value::Array(list)) => found.extend(list),
            _ => {}
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn steps(&mut self) -> Result<Vec<Step>, String> {
        if self.rest.starts_with('{') {
            return Err("the path is not written in braces: $.status, not {.status}".into());
        }
        let mut steps = Vec::new();
        if !self.eat("$") && !self.rest.starts_with(['.', '[', '=']) && !self.rest.is_empty() {
            steps.push(Step { deep: false, select: self.name_or_all()? });
        }
        loop {
            let deep = self.eat("..");
            let select = if self.rest.starts_with('[') {
                self.eat("[");
                self.bracket()?
            } else if deep || self.eat(".") {
                self.name_or_all()?
            } else {
                return Ok(steps);
            };
            steps.push(Step { deep, select });
        }
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn unexpected(&self) -> String {
        match self.rest.trim_start().chars().next() {
            Some('=') => "a value follows '==', not '='".into(),
            Some(c) => format!("'{c}' is not expected in the path (names with other characters: ['a-b c'])"),
            None => "the path ends too early".into(),
        }
    }

    fn name_or_all(&mut self) -> Result<Select, String> {
        if self.eat("*") {
            return Ok(Select::All);
        }
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-') || !c.is_ascii()))
            .unwrap_or(self.rest.len());
        if end == 0 {
            return Err(self.unexpected());
        }
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(Select::Name(name.to_owned()))
    }

    fn bracket(&mut self) -> Result<Select, String> {
        self.rest = self.rest.trim_start();
        let select = match self.rest.chars().next() {
            Some('*') => {
                self.eat("*");
                Select::All
            }
            Some(quote @ ('\'' | '"')) => Select::Name(self.quoted(quote)?),
            Some('?') => return Err("filters ([?…]) are not supported".into()),
            _ => {
                let end = self.rest.find([']', ',', ':']).unwrap_or(self.rest.len());
                let number = self.rest[..end].trim();
                let index = number.parse().map_err(|_| "brackets hold a number, '*' or a quoted name")?;
                self.rest = &self.rest[end..];
                Select::Index(index)
            }
        };
        self.rest = self.rest.trim_start();
        if self.eat("]") {
            return Ok(select);
        }
        Err(match self.rest.chars().next() {
            Some(',') => "unions ([a,b]) are not supported".into(),
            Some(':') => "slices ([a:b]) are not supported".into(),
            _ => "a ']' is missing".into(),
        })
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut name = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.rest = &self.rest[at + c.len_utf8()..];
                return Ok(name);
            }
            if c != '\\' {
                name.push(c);
                continue;
            }
            match chars.next() {
                Some((_, c @ ('\\' | '\'' | '"' | '/'))) => name.push(c),
                _ => return Err(r"in a quoted name, '\' goes before a quote or another '\' only".into()),
            }
        }
        Err("a quoted name has no end".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(expectation: &str) -> Found {
        let document = serde_json::json!({
            "status": "UP",
            "count": 3,
            "ratio": 1.0,
            "ready": true,
            "nothing": null,
            "digits": "3",
            "a b": {"it's": 1},
            "grüße": 1,
            "a_b-c": 1,
            "🎉": 1,
            "checks": [{"name": "db", "status": "UP"}, {"name": "mq", "status": "DOWN", "code": 7}],
            "nested": {"deep": [{"code": 9}]},
        });
        Expectation::parse(expectation).unwrap_or_else(|what| panic!("{expectation}: {what}")).find(&document)
    }

    #[test]
    fn values_are_found_and_compared() {
        use Found::{Match, Nothing, Other};
        for (expectation, expected) in [
            ("$.status", Match),
            ("status", Match),
            (".status", Match),
            ("$['status']", Match),
            ("[\"status\"]==UP", Match),
            ("status==UP", Match),
            ("status == UP", Match),
            ("status==\"UP\"", Match),
            ("status==DOWN", Other),
            ("status==", Other),
            ("state", Nothing),
            ("state==UP", Nothing),
            ("$.count==3", Match),
            ("$.count==3.0", Match),
            ("$.count==4", Other),
            ("$.ratio==1", Match),
            ("$.digits==3", Match),
            ("$.ready==true", Match),
            ("$.ready==false", Other),
            ("$.nothing", Match),
            ("$.nothing==null", Match),
            ("$['a b']['it\\'s']==1", Match),
            ("$.grüße==1", Match),
            ("$.a_b-c==1", Match),
            ("$.🎉==1", Match),
            ("$.checks[0].name==db", Match),
            ("$.checks[-1].name==mq", Match),
            ("$.checks[2]", Nothing),
            ("$.checks[-3]", Nothing),
            ("$.checks[*].status==DOWN", Match),
            ("$.checks.*.status==DOWN", Match),
            ("$.checks[ 0 ]", Match),
            ("$..code==9", Match),
            ("$..code==8", Other),
            ("$..[0].code", Match),
            ("$..nope", Nothing),
            ("$.checks.name", Nothing),
            ("$.nested=={\"deep\":[{\"code\":9}]}", Match),
            ("$==3", Other),
        ] {
            assert_eq!(found(expectation), expected, "{expectation}");
        }
        let names = Expectation::parse("$['x==y']==z").unwrap();
        assert_eq!(names.find(&serde_json::json!({"x==y": "z"})), Match);
        assert_eq!(names.path, "$['x==y']");
    }

    #[test]
    fn mistakes_are_named() {
        for (text, says) in [
            ("", "the path is empty"),
            ("$", "the path is empty"),
            ("{.status}", "not written in braces"),
            ("$.a=b", "'==', not '='"),
            ("$.", "ends too early"),
            ("$..", "ends too early"),
            ("$.a b", "'b' is not expected"),
            ("$.a!=b", "'!' is not expected"),
            ("$[?@.a]", "filters ([?…]) are not supported"),
            ("$[1:2]", "slices"),
            ("$[1,2]", "unions"),
            ("$['a','b']", "unions"),
            ("$[a]", "a quoted name"),
            ("$[1", "']' is missing"),
            ("$['a", "has no end"),
            ("$['\\n']", "goes before a quote"),
        ] {
            let what = Expectation::parse(text).unwrap_err();
            assert!(what.contains(says), "{text}: {what}");
        }
    }
}
