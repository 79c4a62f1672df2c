//! The format as JSON Schema (draft 2020-12), made from the same tables as flags and options.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::read::{TARGET, TARGETS, is_for_files};
use crate::check::options::{COMMON, Opt};
use crate::check::{Kind, registry};
use crate::cli::settings::settings;

/// The schema, as a document.
pub(crate) fn schema() -> String {
    let mut properties: serde_json::Map<String, Json> = settings()
        .iter()
        .filter(|setting| is_for_files(setting))
        .map(|setting| {
            let form = form(setting.value, setting.repeat);
            (setting.flag.to_owned(), described(form, setting.help))
        })
        .collect();
    let targets = described(json!({ "$ref": "#/$defs/targets" }), "What to wait for; all of it, together.");
    properties.insert(TARGETS.to_owned(), targets);
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:prereq:config:{}", env!("CARGO_PKG_VERSION")),
        "title": "A configuration file of prereq",
        "description": "Settings are called as the options of the command line. A list alone is a list of targets. ${VAR}, ${VAR:-default} and $$ are expanded in every value.",
        "anyOf": [
            { "type": "object", "properties": properties, "additionalProperties": false },
            { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/item" } },
        ],
        "$defs": definitions(),
    });
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

fn definitions() -> Json {
    let targets = json!({ "$ref": "#/$defs/targets" });
    json!({
        "targets": {
            "anyOf": [
                { "$ref": "#/$defs/item" },
                { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/item" } },
            ],
        },
        "item": {
            "anyOf": [
                { "type": "string", "minLength": 1, "description": "A target, or several with not, or, and, then between them." },
                { "$ref": "#/$defs/target" },
                combination("all", &targets, "All of them, together."),
                combination("any", &targets, "One of them."),
                combination("at-least", &at_least(), "So many of them."),
                combination("sequence", &targets, "One after the other."),
                combination("not", &json!({ "$ref": "#/$defs/item" }), "The opposite."),
            ],
        },
        "target": target(),
        "text": { "type": ["string", "number", "boolean"] },
        "switch": {
            "anyOf": [
                { "type": "boolean" },
                { "enum": [0, 1] },
                { "type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff]|0|1)$|[$][{]" },
            ],
        },
        "number": {
            "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "pattern": "^[0-9.]+$|[$][{]" }],
        },
        "duration": {
            "description": "A number and a unit: 500ms, 5s, 2m, 1h30m, 7d; 0 for none.",
            "anyOf": [
                { "const": 0 },
                { "type": "string", "pattern": "^ *(0|never|none|forever|([0-9]*[.]?[0-9]+[a-zµ]+ *)+)$|[$][{]" },
            ],
        },
    })
}

fn combination(name: &str, value: &Json, description: &str) -> Json {
    json!({
        "type": "object",
        "description": description,
        "required": [name],
        "properties": { (name): value },
        "additionalProperties": false,
    })
}

fn at_least() -> Json {
    json!({
        "type": "object",
        "required": ["count", "of"],
        "properties": {
            "count": { "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^[0-9]+$|[$][{]" }] },
            "of": { "$ref": "#/$defs/targets" },
        },
        "additionalProperties": false,
    })
}

/// A target with its options: those of all kinds, and per scheme which of them it has.
fn target() -> Json {
    let mut uses: BTreeMap<&str, Vec<(&Opt, String)>> = BTreeMap::new();
    for kind in registry::KINDS {
        for option in kind.all_options() {
            uses.entry(option.name).or_default().push((option, format!("{}: {}", kind.name, option.help)));
        }
    }
    let mut properties = serde_json::Map::new();
    let text =
        json!({ "type": "string", "minLength": 1, "description": "SCHEME:…, HOST:PORT, :PORT or a path." });
    properties.insert(TARGET.to_owned(), text);
    for option in COMMON {
        properties.insert(option.name.to_owned(), described(form(option.value, option.repeat), option.help));
    }
    for (name, uses) in uses {
        let mut forms: Vec<Json> = uses.iter().map(|(option, _)| form(option.value, option.repeat)).collect();
        forms.dedup();
        let form = if forms.len() == 1 { forms.remove(0) } else { json!({ "anyOf": forms }) };
        let help: Vec<&str> = uses.iter().map(|(_, help)| help.as_str()).collect();
        properties.insert(name.to_owned(), described(form, &help.join("; ")));
    }
    json!({
        "type": "object",
        "required": [TARGET],
        "properties": properties,
        "additionalProperties": false,
        "allOf": registry::KINDS.iter().map(|kind| of_kind(kind)).collect::<Vec<_>>(),
    })
}

/// Which options a target has whose scheme is one of the kind's.
fn of_kind(kind: &Kind) -> Json {
    let schemes: Vec<&str> = kind.schemes.iter().map(|scheme| scheme.name).collect();
    let mut names: Vec<&str> = vec![TARGET];
    names.extend(COMMON.iter().chain(kind.all_options()).map(|option| option.name));
    // `redis:6379` is a host and its port.
    let pattern = format!("^({}):[^0-9]", schemes.join("|"));
    json!({
        "if": { "properties": { (TARGET): { "pattern": pattern } } },
        "then": { "propertyNames": { "enum": names } },
    })
}

/// What a value may be, by how it is described in help.
fn form(value: &str, repeat: bool) -> Json {
    let one = match value {
        "DUR" => json!({ "$ref": "#/$defs/duration" }),
        "N" => json!({ "$ref": "#/$defs/number" }),
        "" if repeat => {
            json!({ "anyOf": [{ "$ref": "#/$defs/switch" }, { "type": "integer", "minimum": 0 }] })
        }
        "" => json!({ "$ref": "#/$defs/switch" }),
        _ => json!({ "$ref": "#/$defs/text" }),
    };
    if repeat { json!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] }) } else { one }
}

fn described(mut form: Json, text: &str) -> Json {
    if let Some(form) = form.as_object_mut() {
        form.insert("description".to_owned(), text.into());
    }
    form
}
