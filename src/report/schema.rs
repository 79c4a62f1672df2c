//! The forms of what is printed and written for programs, as JSON Schema.

/// The name, what it describes, and the schema itself.
pub static SCHEMAS: &[(&str, &str, &str)] = &[
    ("events", "the lines of --log-format json", include_str!("events.schema.json")),
    #[cfg(feature = "reports")]
    ("report", "the report of --report FILE.json", include_str!("report.schema.json")),
];
