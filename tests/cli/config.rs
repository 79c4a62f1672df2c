//! The configuration file: every file under `tests/data/config` and `examples/config` is read by the program.
//!
//! `valid/NAME` has its plan in `NAME.plan`; `invalid/NAME` what is said of it in `NAME.error`. `make docs` renews
//! both, and the difference shows what changed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::program::{Ran, finish, prereq, ran, run};
use crate::validate::problems;

/// What the files may refer to.
const VARIABLES: [(&str, &str); 3] = [("HOST", "db"), ("PASSWORD", "hunter2"), ("TOKEN", "hunter2")];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The configuration files in a folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let is_config = |name: &String| [".yaml", ".json", ".toml"].iter().any(|ending| name.ends_with(ending));
    let mut names: Vec<String> = std::fs::read_dir(folder).unwrap().map(name).filter(is_config).collect();
    names.sort();
    names
}

/// Runs the program in `folder`, with the variables that files refer to.
fn within(folder: &Path, line: &str) -> Ran {
    finish(prereq().args(line.split_whitespace()).current_dir(folder).envs(VARIABLES))
}

/// Compares `path` with `made`, or renews it.
fn compare(path: &Path, made: &str) {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not of the program")]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        std::fs::write(path, made).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == made, "{} differs: make docs renews it\n{made}", path.display());
}

fn schema() -> Value {
    let ran = run("schema config");
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The plan as a file, as a document; also makes sure that that file is written the same again.
fn document(folder: &Path, name: &str) -> Value {
    let yaml = within(folder, &format!("plan --format yaml --config {name}"));
    assert_eq!(yaml.status, 0, "{name}\n{}", yaml.stderr);
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("plan.yaml"), &yaml.stdout).unwrap();
    let again = within_hidden(place.path(), &yaml.stdout, "plan --format yaml --config plan.yaml");
    assert_eq!((again.status, &again.stdout), (0, &yaml.stdout), "{name}\n{}", again.stderr);
    let json = within(folder, &format!("plan --format json --config {name}"));
    serde_json::from_str(&json.stdout).unwrap_or_else(|error| panic!("{name}: {error}\n{}", json.stdout))
}

/// The same as [`within`], with all variables set that the first line of `file` asks for.
fn within_hidden(folder: &Path, file: &str, line: &str) -> Ran {
    let asked = file.lines().next().and_then(|line| line.strip_prefix("# Variables to set"));
    let names = asked.and_then(|rest| rest.split_once(": ")).map_or("", |(_, names)| names);
    let missing = names.split(", ").filter(|name| VARIABLES.iter().all(|(known, _)| known != name));
    let missing = missing.filter(|name| !name.is_empty()).map(|name| (name, "hunter2"));
    finish(prereq().args(line.split_whitespace()).current_dir(folder).envs(VARIABLES).envs(missing))
}

#[test]
fn every_valid_file_has_its_plan() {
    let (folder, schema) = (folder("tests/data/config/valid"), schema());
    let names = files(&folder);
    assert!(names.len() >= 24, "{} files", names.len());
    for name in names {
        let ran = within(&folder, &format!("plan --config {name}"));
        assert_eq!(ran.status, 0, "{name}\n{}", ran.stderr);
        assert!(!ran.stdout.contains("hunter2"), "{name}\n{}", ran.stdout);
        compare(&folder.join(format!("{name}.plan")), &ran.stdout);
        let document = document(&folder, &name);
        let found = problems(&schema, &document);
        assert!(found.is_empty(), "{name}: {found:?}\n{document:#}");
    }
}

#[test]
fn every_mistake_of_an_invalid_file_is_told() {
    let folder = folder("tests/data/config/invalid");
    let names = files(&folder);
    assert!(names.len() >= 24, "{} files", names.len());
    for name in names {
        let ran = within(&folder, &format!("--config {name}"));
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{name}");
        assert!(!ran.stderr.contains("hunter2"), "{name}\n{}", ran.stderr);
        compare(&folder.join(format!("{name}.error")), &ran.stderr);
    }
}

#[test]
fn every_example_is_valid_for_the_program_and_for_editors() {
    let (folder, schema) = (folder("examples/config"), schema());
    let names = files(&folder);
    assert!(names.len() >= 6, "{} files", names.len());
    for ending in ["yaml", "json", "toml"] {
        assert!(names.iter().any(|name| name.ends_with(ending)), "an example in {ending}");
    }
    for name in names {
        let ran = within(&folder, &format!("plan --config {name}"));
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{name}");
        let mut documents = vec![document(&folder, &name)];
        if Path::new(&name).extension().is_some_and(|ending| ending == "json") {
            documents.push(serde_json::from_slice(&std::fs::read(folder.join(&name)).unwrap()).unwrap());
        }
        for document in documents {
            let found = problems(&schema, &document);
            assert!(found.is_empty(), "{name}: {found:?}");
        }
    }
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let schema = schema();
    for (text, count) in [
        (r#"{"timeout":"2m","targets":["tcp://db:1"]}"#, 0),
        (r#"["tcp://db:1",{"not":"file:/x"}]"#, 0),
        (r#"{"timout":"2m","targets":["tcp://db:1"]}"#, 1),
        (r#"{"timeout":60}"#, 1),
        (r#"{"timeout":"60"}"#, 1),
        (r#"{"timeout":"${T}"}"#, 0),
        (r#"{"targets":[]}"#, 1),
        (r#"[{"target":"tcp://db:1","timout":"3s"}]"#, 1),
        (r#"[{"target":"tcp://db:1","status":200}]"#, 1),
        (r#"[{"target":"http://db/","status":200,"header":["A: b"]}]"#, 0),
        (r#"[{"name":"x"}]"#, 1),
        (r#"[{"any":["a:1"],"all":["b:1"]}]"#, 1),
        (r#"[{"at-least":{"count":2,"of":["a:1"]}}]"#, 0),
        (r#"[{"at-least":{"count":0,"of":["a:1"]}}]"#, 1),
    ] {
        let found = problems(&schema, &serde_json::from_str(text).unwrap());
        assert_eq!(usize::from(!found.is_empty()), count, "{text}: {found:?}");
    }
}

#[test]
fn flags_win_over_variables_and_those_over_the_file() {
    let place = tempfile::tempdir().unwrap();
    let text = "timeout: 1m\ninterval: 100ms\nsuccesses: 3\ntargets: [file:/in/the/file]\n";
    std::fs::write(place.path().join("f.yaml"), text).unwrap();
    let plan = |line: &str, variables: &[(&str, &str)]| {
        let mut command = prereq();
        let line = format!("plan {line}");
        let ran = finish(
            command.args(line.split_whitespace()).envs(variables.iter().copied()).current_dir(place.path()),
        );
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        ran.stdout
    };
    let all = plan("--config f.yaml", &[]);
    for says in ["at most 1m", "from 100ms", "3 successes", "file:/in/the/file", "f.yaml:1:10: timeout: 1m"] {
        assert!(all.contains(says), "{says}\n{all}");
    }
    // An explicit default wins, and so do targets, as a whole.
    let mixed = plan("--successes 1 file:/flag", &[("PREREQ_CONFIG", "f.yaml"), ("PREREQ_TIMEOUT", "2m")]);
    for says in ["at most 2m", "from 100ms", "  file:/flag", "PREREQ_CONFIG=f.yaml", "--successes 1"] {
        assert!(mixed.contains(says), "{says}\n{mixed}");
    }
    assert!(!mixed.contains("successes in a row") && !mixed.contains("/in/the/file"), "{mixed}");
    let variable = plan("--config f.yaml", &[("PREREQ_TARGETS", "file:/variable")]);
    assert!(variable.contains("  file:/variable") && !variable.contains("/in/the/file"), "{variable}");
    // Nothing is read that is not named.
    std::fs::write(place.path().join("prereq.yaml"), text).unwrap();
    let none = finish(prereq().arg("plan").current_dir(place.path()));
    assert!(none.status == 2 && none.stderr.contains("nothing to wait for"), "{}", none.stderr);
}

#[test]
fn standard_input_and_pipes_are_files_too() {
    for name in ["-", "/dev/stdin"] {
        let mut child = prereq().args(["plan", "--config", name]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"{\"targets\": [\"file:/x\"]}").unwrap();
        let ran = ran(&child.wait_with_output().unwrap(), std::time::Duration::ZERO);
        assert!(ran.status == 0 && ran.stdout.contains("file:/x"), "{name}: {}", ran.stderr);
    }
    let place = tempfile::tempdir().unwrap();
    for (name, says) in [
        (".", "is a directory"),
        ("missing.yaml", "no such file"),
        ("/dev/zero", "larger than 1 MiB"),
        ("/dev/null", "the file is empty"),
    ] {
        let ran = within(place.path(), &format!("--config {name}"));
        assert!(ran.status == 2 && ran.stderr.contains(says), "{name}: {}", ran.stderr);
        assert!(ran.stderr.starts_with(&format!("error: {name}:")), "{name}: {}", ran.stderr);
    }
}

#[test]
fn a_pipe_that_nobody_writes_to_does_not_hold_up_a_signal() {
    let place = tempfile::tempdir().unwrap();
    let pipe = place.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let mut child = prereq().arg("--config").arg(&pipe).spawn().unwrap();
    // Both ends meet in open(2): from here on the program reads, and nothing comes.
    let writer = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    drop(writer);
}

#[test]
fn what_the_file_asks_for_is_done() {
    let place = tempfile::tempdir().unwrap();
    let text =
        "report: out.json\ntargets:\n  - {target: ./f.yaml, name: the file itself}\n  - not: ./absent\n";
    std::fs::write(place.path().join("f.yaml"), text).unwrap();
    let ran = within(place.path(), "--config f.yaml -- /bin/echo done");
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("the file itself") && ran.stdout.ends_with("done\n"), "{}", ran.stdout);
    assert!(place.path().join("out.json").exists());
    std::fs::write(place.path().join("f.yaml"), "report: no/such/folder/out.json\ntargets: ./f.yaml\n")
        .unwrap();
    let ran = within(place.path(), "--config f.yaml");
    assert!(ran.status == 2 && ran.stderr.starts_with("error: f.yaml:1:9: "), "{}", ran.stderr);
}

#[test]
fn words_become_a_file() {
    let line = "plan --format yaml not file:/a then --http u:hunter2@web/?token=hunter2 or dns:db -t 120s --report=a.svg";
    let ran = run(line);
    let wanted = "\
# Variables to set (secrets are not written): WEB_PASSWORD, WEB_TOKEN
timeout: 2m
report:
  - a.svg
targets:
  - sequence:
      - not: file:/a
      - any:
          - http://u:${WEB_PASSWORD}@web/?token=${WEB_TOKEN}
          - dns:db
";
    assert_eq!((ran.status, ran.stdout.as_str()), (0, wanted), "{}", ran.stderr);
    let ran = run("plan --format=json file:/a#header=x");
    assert!(ran.status == 2 && ran.stdout.is_empty(), "{}", ran.stdout);
    let ran = run("plan --format yml file:/a");
    assert!(ran.status == 2 && ran.stderr.contains("did you mean 'yaml'?"), "{}", ran.stderr);
}

#[test]
fn what_the_documentation_shows_is_true() {
    let place = tempfile::tempdir().unwrap();
    let mut count = 0;
    for page in ["README.md", "docs/configuration.md"] {
        let page = std::fs::read_to_string(folder(page)).unwrap();
        for ending in ["yaml", "toml"] {
            let fence = format!("```{ending}\n");
            let blocks = page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap());
            for block in blocks.filter(|block| block.contains("targets") && !block.contains("apiVersion")) {
                count += 1;
                let name = format!("{count}.{ending}");
                std::fs::write(place.path().join(&name), block).unwrap();
                let ran = within(place.path(), &format!("plan --config {name}"));
                assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{block}");
            }
        }
    }
    assert!(count >= 4, "{count} files");
    let page = std::fs::read_to_string(folder("docs/configuration.md")).unwrap();
    let shown = page.split("$ prereq ").nth(1).unwrap().split("```").next().unwrap();
    let (line, output) = shown.split_once('\n').unwrap();
    assert_eq!(run(line).stdout, output);
    // What the ConfigMap holds.
    let file = page.split("prereq.yaml: |\n").nth(1).unwrap().split("---").next().unwrap();
    std::fs::write(place.path().join("map.yaml"), file).unwrap();
    let ran = within(place.path(), "plan --config map.yaml");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{file}");
}
