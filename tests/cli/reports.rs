//! Reports and lines for programs: written whatever the end, of the form that is published.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{Ran, Server, closed_port, finish, pause, prereq, ran, run};
use crate::validate::problems;

fn schema(name: &str) -> Value {
    let ran = finish(prereq().args(["schema", name]));
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Every line is of the form that is published.
fn check_lines(schema: &Value, lines: &str) -> Vec<Value> {
    let mut values = Vec::new();
    for line in lines.lines() {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(problems(schema, &value), Vec::<String>::new(), "{line}");
        values.push(value);
    }
    values
}

#[test]
fn pinned_lines_and_reports_have_the_published_form() {
    let (events, report) = (schema("events"), schema("report"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/report");
    let mut seen = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        match path.extension().unwrap().to_str().unwrap() {
            "jsonl" => seen.extend(
                check_lines(&events, &text).iter().map(|line| line["event"].as_str().unwrap().to_owned()),
            ),
            "json" => {
                let value = serde_json::from_str(&text).unwrap();
                assert_eq!(problems(&report, &value), Vec::<String>::new(), "{}", path.display());
            }
            "xml" => check_junit(&text),
            _ => {}
        }
    }
    for event in ["start", "begin", "attempt", "reason", "ready", "passed", "heartbeat", "end"] {
        assert!(seen.iter().any(|name| name == event), "{event}");
    }
}

#[test]
fn the_example_in_the_documentation_has_the_published_form() {
    let page = include_str!("../../docs/events.md");
    let example = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(check_lines(&schema("events"), example).len() > 4);
    let schema = schema("events");
    for name in schema["properties"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{name}`")), "docs/events.md does not tell of {name}");
    }
    for name in schema["properties"]["event"]["enum"].as_array().unwrap() {
        assert!(page.contains(&format!("| `{}` |", name.as_str().unwrap())), "{name}");
    }
}

/// Runs `line` with all reports; what it left in the folder is checked.
fn reported(line: &str, folder: &Path) -> Ran {
    let ran = finish(&mut command(line, folder));
    check(folder, &ran);
    ran
}

fn command(line: &str, folder: &Path) -> Command {
    let mut command = prereq();
    command.current_dir(folder).args(line.split_whitespace()).args(["--log-format=json", "-v"]);
    command.args(["--report=r.svg", "--report", "r.xml", "--report", "r.json"]);
    command
}

fn check(folder: &Path, ran: &Ran) {
    check_lines(&schema("events"), &ran.stdout);
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["r.json", "r.svg", "r.xml"], "{}", ran.stdout);
    let report = serde_json::from_str(&fs::read_to_string(folder.join("r.json")).unwrap()).unwrap();
    assert_eq!(problems(&schema("report"), &report), Vec::<String>::new());
    assert_eq!(report["exit"], ran.status);
    check_junit(&fs::read_to_string(folder.join("r.xml")).unwrap());
    let picture = read(&fs::read_to_string(folder.join("r.svg")).unwrap());
    assert_eq!((picture.name.as_str(), picture.child("title").is_some()), ("svg", true));
}

#[test]
fn reports_are_written_whatever_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let closed = closed_port();
    let open = Server::start(|_, _| {}).address;
    let late = Server::http(|number| {
        let status = if number < 2 { "503 Service Unavailable" } else { "200 OK" };
        crate::program::response(status, "")
    });
    for (line, status) in [
        (format!("tcp://{open}"), 0),
        (format!("tcp://{open} then http://{}/ or 127.0.0.1:{closed}", late.address), 0),
        (format!("127.0.0.1:{closed} then tcp://{open} --timeout 300ms"), 124),
        (format!("127.0.0.1:{closed}#optional --timeout 300ms file:/"), 0),
        (format!("127.0.0.1:{closed} --once"), 1),
        (format!("127.0.0.1:{closed}#fail-on=tcp"), 3),
        ("file:/#stable=10s --timeout 300ms".to_owned(), 124),
    ] {
        let ran = reported(&line, folder.path());
        assert_eq!(ran.status, status, "{line}\n{}", ran.stdout);
    }
    let mut child = command("file:/does/not/exist", folder.path()).spawn().unwrap();
    pause(300);
    assert!(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap();
    let ran = ran(&child.wait_with_output().unwrap(), std::time::Duration::ZERO);
    assert_eq!(ran.status, 143);
    check(folder.path(), &ran);
}

#[test]
fn where_no_report_can_be_written_nothing_is_probed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("taken.svg")).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let server = Server::start(|_, _| {});
    for (report, says) in [
        ("report.txt", "ends in none of .svg (picture), .xml (JUnit), .json"),
        ("report", "ends in none of"),
        ("report.jsn", "did you mean .json?"),
        ("not/there/report.svg", "the folder 'not/there' cannot be used"),
        ("file/report.svg", "'file' is not a folder"),
        ("taken.svg", "'taken.svg' is a folder"),
    ] {
        let target = format!("tcp://{}", server.address);
        let by_flag = finish(prereq().current_dir(folder.path()).args([target.as_str(), "--report", report]));
        let by_variable =
            finish(prereq().current_dir(folder.path()).arg(&target).env("PREREQ_REPORT", report));
        for (ran, source) in [(by_flag, "--report: "), (by_variable, "PREREQ_REPORT: ")] {
            assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{report}");
            assert!(ran.stderr.contains(says) && ran.stderr.contains(source), "{report}: {}", ran.stderr);
        }
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn what_cannot_be_written_in_the_end_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let report = format!("--report={}/r.xml", inner.display());
    let child = prereq().args(["delay:600ms", &report]).spawn().unwrap();
    pause(200);
    fs::remove_dir(&inner).unwrap();
    let ran = ran(&child.wait_with_output().unwrap(), std::time::Duration::ZERO);
    assert_eq!(ran.status, 0);
    assert!(
        ran.stdout.contains("warning: the report") && ran.stdout.contains("cannot be written"),
        "{}",
        ran.stdout
    );
    assert!(ran.last(1)[0].starts_with("prereq: delay:600ms is ready"), "{}", ran.stdout);
}

#[test]
fn the_variable_holds_several_reports() {
    let folder = tempfile::tempdir().unwrap();
    let ran = finish(
        prereq()
            .current_dir(folder.path())
            .arg("file:/")
            .env("PREREQ_REPORT", "'my run.svg' run.xml run.xml"),
    );
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(folder.path().join("my run.svg").exists() && folder.path().join("run.xml").exists());
}

#[test]
fn verbs_are_listed_and_their_mistakes_are_told() {
    let help = run("help").stdout;
    assert_eq!(help, run("--help").stdout);
    assert!(
        help.contains("prereq schema [events|report|config]") && run("-h").stdout.contains("prereq schema")
    );
    assert!(run("help plan").stdout.starts_with("prereq plan "));
    assert_eq!(run("schema").stdout, run("schema events").stdout);
    for (line, says) in [
        ("schema evnts", "did you mean 'events'?"),
        ("schema nothing", "there is no 'nothing' here, but events, report"),
        ("schema events report", "one word is wanted: events, report"),
        ("help shema", "did you mean 'schema'?"),
        ("shema", "did you mean 'prereq schema'?"),
    ] {
        let ran = run(line);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{line}");
        assert!(ran.stderr.contains(says), "{line}: {}", ran.stderr);
    }
    // A verb stands first, or is none.
    assert_eq!(run("file:/ schema").status, 2);
}

/// An element as it was read.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
}

impl Element {
    fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map_or_else(|| panic!("{}: no {name}", self.name), |(_, value)| value.as_str())
    }

    fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// Reads XML of the plain sort that is written here: no comments, no CDATA.
fn read(text: &str) -> Element {
    let mut stack = vec![Element::default()];
    let mut rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap();
    while let Some((_, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let done = stack.pop().unwrap();
            assert_eq!(done.name, name);
            stack.last_mut().unwrap().children.push(done);
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let parts: Vec<&str> = attributes.split('"').collect();
        let attributes = parts
            .chunks_exact(2)
            .map(|pair| (pair[0].trim().trim_end_matches('=').to_owned(), pair[1].to_owned()))
            .collect();
        let element = Element { name: name.to_owned(), attributes, children: Vec::new() };
        if empty {
            stack.last_mut().unwrap().children.push(element);
        } else {
            stack.push(element);
        }
    }
    assert_eq!(stack.len(), 1);
    stack.pop().unwrap().children.pop().unwrap()
}

/// The constraints of `tests/data/junit.xsd`.
fn check_junit(text: &str) {
    let all = read(text);
    assert_eq!((all.name.as_str(), all.children.len()), ("testsuites", 1));
    let suite = &all.children[0];
    for name in ["name", "tests", "failures", "errors", "time"] {
        assert_eq!(all.attribute(name), suite.attribute(name));
    }
    let moment = regex_lite::Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$").unwrap();
    assert!(moment.is_match(suite.attribute("timestamp")) && !suite.attribute("hostname").is_empty());
    let order: Vec<&str> = suite.children.iter().map(|child| child.name.as_str()).collect();
    assert_eq!((order.first(), order.last()), (Some(&"properties"), Some(&"system-out")));
    let cases = &suite.children[1..suite.children.len() - 1];
    let seconds = |element: &Element| element.attribute("time").parse::<f64>().unwrap();
    assert!(seconds(suite) >= 0.0);
    let mut counts = [0; 3];
    for case in cases {
        assert_eq!(case.name, "testcase");
        assert!(!case.attribute("name").is_empty() && case.attribute("classname").starts_with("prereq"));
        assert!(seconds(case) >= 0.0);
        let mut names: Vec<&str> = case.children.iter().map(|child| child.name.as_str()).collect();
        if names.last() == Some(&"system-out") {
            names.pop();
        }
        let kinds = ["failure", "error", "skipped"];
        let Some(first) = names.first() else { continue };
        let kind = kinds.iter().position(|kind| kind == first).unwrap_or_else(|| panic!("{first}"));
        counts[kind] += 1;
        assert_eq!(names.len(), 1);
        assert!(!case.children[0].attribute("message").is_empty());
        assert!(kind == 2 || !case.children[0].attribute("type").is_empty());
    }
    let said: [usize; 4] =
        ["failures", "errors", "skipped", "tests"].map(|name| suite.attribute(name).parse().unwrap());
    assert_eq!(said, [counts[0], counts[1], counts[2], cases.len()]);
}
