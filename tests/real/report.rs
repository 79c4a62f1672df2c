//! The `JUnit` report against the schema that CI servers' readers follow, by a real validator.

use std::process::Command;

use crate::net::Net;
use crate::program::prereq;

#[test]
#[ignore = "needs real servers: make real"]
fn a_junit_report_is_valid() {
    let net = Net::new();
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/junit.xsd");
    for (name, targets) in [
        ("ready", ["file:/", "tcp://127.0.0.1:1#optional&timeout=200ms"]),
        ("failed", ["file:/", "tcp://127.0.0.1:1#name=%3Ca%3E%20%26%20%22b%22"]),
    ] {
        let report = net.write(&format!("{name}.xml"), "");
        prereq(&net, &["--timeout=500ms", "--report", &report, targets[0], targets[1]]);
        let lint = Command::new("xmllint").args(["--noout", "--schema", schema, &report]).output().unwrap();
        assert!(lint.status.success(), "{name}: {}", String::from_utf8_lossy(&lint.stderr));
        let text = std::fs::read_to_string(&report).unwrap();
        assert_eq!(text.contains("<failure"), name == "failed", "{text}");
    }
}
