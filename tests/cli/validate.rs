//! Checks JSON against a published schema: as much of JSON Schema as those use, and nothing beside what they name.

use serde_json::Value;

/// What is wrong with `value`; empty when nothing is.
pub(crate) fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut checker = Checker { root: schema, problems: Vec::new() };
    checker.check(schema, value, "");
    checker.problems
}

/// All words that [`Checker::check`] understands, or may pass over.
const UNDERSTOOD: [&str; 25] = [
    "$schema",
    "$id",
    "$defs",
    "$ref",
    "title",
    "description",
    "type",
    "enum",
    "const",
    "required",
    "properties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "additionalProperties",
    "propertyNames",
    "minimum",
    "maximum",
    "pattern",
    "anyOf",
    "allOf",
    "if",
    "then",
    "else",
];

struct Checker<'a> {
    root: &'a Value,
    problems: Vec<String>,
}

impl Checker<'_> {
    fn check(&mut self, schema: &Value, value: &Value, at: &str) {
        let Some(schema) = schema.as_object() else { return };
        for word in schema.keys() {
            assert!(UNDERSTOOD.contains(&word.as_str()), "the checker does not know '{word}'");
        }
        if let Some(place) = schema.get("$ref").and_then(Value::as_str) {
            let root = self.root;
            let target = root.pointer(place.trim_start_matches('#')).expect("the reference leads somewhere");
            self.check(target, value, at);
        }
        if let Some(kinds) = schema.get("type") {
            let kinds: Vec<&str> = match kinds {
                Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
                kind => kind.as_str().into_iter().collect(),
            };
            let fits = kinds.iter().any(|kind| is_of(value, kind));
            self.demand(fits, at, &format!("{value} is no {}", kinds.join(" or ")));
        }
        if let Some(constant) = schema.get("const") {
            self.demand(constant == value, at, &format!("{value} is not {constant}"));
        }
        if let Some(known) = schema.get("enum").and_then(Value::as_array) {
            self.demand(known.contains(value), at, &format!("{value} is not one of {known:?}"));
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            let fits =
                value.as_str().is_none_or(|text| regex_lite::Regex::new(pattern).unwrap().is_match(text));
            self.demand(fits, at, &format!("{value} does not match {pattern}"));
        }
        if let (Some(least), Some(number)) = (schema.get("minimum").and_then(Value::as_i64), value.as_i64()) {
            self.demand(number >= least, at, &format!("{number} is less than {least}"));
        }
        if let (Some(most), Some(number)) = (schema.get("maximum").and_then(Value::as_i64), value.as_i64()) {
            self.demand(number <= most, at, &format!("{number} is more than {most}"));
        }
        if let Some(list) = value.as_array() {
            let most = schema.get("maxItems").and_then(Value::as_u64).unwrap_or(u64::MAX);
            let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or_default();
            self.demand(list.len() as u64 <= most, at, "too many items");
            self.demand(list.len() as u64 >= least, at, "too few items");
            for (index, item) in list.iter().enumerate() {
                self.check(schema.get("items").unwrap_or(&Value::Null), item, &format!("{at}/{index}"));
            }
        }
        if let (Some(least), Some(text)) = (schema.get("minLength").and_then(Value::as_u64), value.as_str()) {
            self.demand(text.chars().count() as u64 >= least, at, "the text is too short");
        }
        if let (Some(names), Some(fields)) = (schema.get("propertyNames"), value.as_object()) {
            for name in fields.keys() {
                self.check(names, &Value::from(name.as_str()), &format!("{at}/{name}"));
            }
        }
        let required = schema.get("required").filter(|_| value.is_object()).and_then(Value::as_array);
        for name in required.into_iter().flatten() {
            let there = value.get(name.as_str().unwrap()).is_some();
            self.demand(there, at, &format!("{name} is missing"));
        }
        if let (Some(fields), Some(properties)) = (value.as_object(), schema.get("properties")) {
            // What is named in an `if` alone says nothing of the other fields.
            let whole = schema.contains_key("type");
            for (name, field) in fields {
                match properties.get(name) {
                    Some(schema) => self.check(schema, field, &format!("{at}/{name}")),
                    None => self.demand(!whole, at, &format!("the schema does not name '{name}'")),
                }
            }
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.check(part, value, at);
        }
        if let Some(parts) = schema.get("anyOf").and_then(Value::as_array) {
            let fits = parts.iter().any(|part| self.fits(part, value));
            self.demand(fits, at, &format!("{value} has none of the forms allowed"));
        }
        if let Some(condition) = schema.get("if") {
            let branch = if self.fits(condition, value) { "then" } else { "else" };
            self.check(schema.get(branch).unwrap_or(&Value::Null), value, at);
        }
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut checker = Checker { root: self.root, problems: Vec::new() };
        checker.check(schema, value, "");
        checker.problems.is_empty()
    }

    fn demand(&mut self, holds: bool, at: &str, otherwise: &str) {
        if !holds {
            self.problems.push(format!("{at}: {otherwise}"));
        }
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        other => panic!("the checker does not know the type '{other}'"),
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": { "enum": ["x", "y"] },
            "b": { "type": "array", "maxItems": 1, "items": { "$ref": "#/$defs/n" } },
            "c": { "type": "string", "pattern": "^z$" }
        },
        "allOf": [{ "if": { "properties": { "a": { "const": "x" } } }, "then": { "required": ["c"] } }],
        "$defs": { "n": { "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 3 }, { "type": "boolean" }] } }
    });
    for (value, count) in [
        (r#"{"a":"y"}"#, 0),
        (r#"{"a":"x","c":"z","b":[true]}"#, 0),
        (r#"{"b":[]}"#, 2),
        (r#"{"a":"x"}"#, 1),
        (r#"{"a":"z"}"#, 1),
        (r#"{"a":"y","d":1}"#, 1),
        (r#"{"a":"y","b":[4]}"#, 1),
        (r#"{"a":"y","b":[2,"x"]}"#, 2),
        (r#"{"a":"y","c":"zz"}"#, 1),
        ("[]", 1),
    ] {
        let found = problems(&schema, &serde_json::from_str(value).unwrap());
        assert_eq!(found.len(), count, "{value}: {found:?}");
    }
}
