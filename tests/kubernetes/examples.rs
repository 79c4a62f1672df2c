//! The examples: every object is what Kubernetes takes, and every command line is one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{strict, yaml};

/// The command lines of the program in a container, without its name: arguments, probes and hooks.
pub(crate) fn command_lines(container: &Value) -> Vec<Vec<String>> {
    let words = |value: &Value| -> Vec<String> {
        let list = value.as_array().into_iter().flatten();
        list.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut lines = Vec::new();
    if is_image(container["image"].as_str().unwrap_or_default()) || is_program(&container["command"]) {
        let command = words(&container["command"]);
        lines.push([command.get(1..).unwrap_or_default(), &words(&container["args"])].concat());
    }
    for path in
        ["startupProbe", "readinessProbe", "livenessProbe", "lifecycle/postStart", "lifecycle/preStop"]
    {
        let command = container.pointer(&format!("/{path}/exec/command")).unwrap_or(&Value::Null);
        if is_program(command) {
            lines.push(words(command)[1..].to_vec());
        }
    }
    lines
}

fn is_image(image: &str) -> bool {
    image.rsplit('/').next().unwrap() == concat!("prereq:", env!("CARGO_PKG_VERSION"))
}

fn is_program(command: &Value) -> bool {
    command[0].as_str().is_some_and(|program| program.ends_with("/prereq"))
}

/// Why the program does not take these words, if it does not. Nothing is probed.
pub(crate) fn refused(words: &[String], variables: &[(String, String)]) -> Option<String> {
    if words.first().is_some_and(|word| word == "install") {
        return (words.len() != 2).then(|| "install takes one path".to_owned());
    }
    let words = words.iter().take_while(|word| *word != "--");
    let output = Command::new(env!("CARGO_BIN_EXE_prereq"))
        .arg("plan")
        .args(words)
        .env_clear()
        .envs(variables.iter().cloned())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The files of a folder that end so, without those below it.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(examples().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file() && path.to_string_lossy().ends_with(ending));
    files.sort();
    assert!(!files.is_empty(), "no {ending} in {folder}");
    files
}

/// Checks an object, its containers and their command lines; how many of those there are. `files` are those of the
/// container, by their paths in it.
fn check(object: &Value, files: &dyn Fn(&str) -> Option<PathBuf>) -> usize {
    assert_eq!(strict::check(object), Ok(()), "{object}");
    let mut count = 0;
    for container in strict::containers(object) {
        let own = container["image"].as_str().is_some_and(is_image);
        assert!(!own || strict::is_restricted(container), "{container}");
        assert!(!own || container["resources"]["limits"]["memory"].is_string(), "{container}");
        let image = container["image"].as_str().unwrap();
        assert!(image.contains(':') && !image.ends_with(":latest"), "{image}");
        let variables: Vec<(String, String)> = container["env"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| (entry["name"].as_str().unwrap().to_owned(), "192.0.2.1".to_owned()))
            .collect();
        for words in command_lines(container) {
            let here = |word: &String| match word.strip_prefix("--config=") {
                Some(path) => format!("--config={}", files(path).unwrap().display()),
                None => word.clone(),
            };
            let words: Vec<String> = words.iter().map(here).collect();
            assert_eq!(refused(&words, &variables), None, "{words:?}");
            count += 1;
        }
    }
    count
}

#[test]
fn every_manifest_is_what_kubernetes_takes() {
    let folder = tempfile::tempdir().unwrap();
    for path in files("kubernetes", ".yaml") {
        let documents = yaml::documents(&std::fs::read_to_string(&path).unwrap());
        // A ConfigMap is a folder in the container.
        let maps = documents.iter().filter(|document| document["kind"] == "ConfigMap");
        for (name, content) in maps.filter_map(|map| map["data"].as_object()).flatten() {
            std::fs::write(folder.path().join(name), content.as_str().unwrap()).unwrap();
        }
        let in_map = |path: &str| Path::new(path).file_name().map(|name| folder.path().join(name));
        let lines: usize = documents.iter().map(|document| check(document, &in_map)).sum();
        assert!(lines > 0, "{}: no command line", path.display());
        for document in &documents {
            waits_for_what_it_says(document);
        }
    }
}

/// The annotation names what the command lines of the Pod wait for.
fn waits_for_what_it_says(object: &Value) {
    let metadata = object.pointer("/spec/template/metadata").unwrap_or(&object["metadata"]);
    let Some(annotation) = metadata["annotations"]["prereq/waits-for"].as_str() else { return };
    let lines: Vec<Vec<String>> = strict::containers(object).into_iter().flat_map(command_lines).collect();
    let words: Vec<&str> = lines.iter().flatten().map(|word| word.split('#').next().unwrap()).collect();
    let configured = words.iter().any(|word| word.starts_with("--config="));
    for target in annotation.split(", ") {
        assert!(configured || words.contains(&target.trim_start_matches("not ")), "{target} in {words:?}");
    }
}

#[test]
fn what_is_said_to_be_printed_is_what_is_printed() {
    let mut count = 0;
    for path in files("kubernetes", ".yaml")
        .into_iter()
        .chain([examples().join("kubernetes/kustomize/component/prereq.yaml")])
    {
        let text = std::fs::read_to_string(&path).unwrap().replace("\n# ", " ").replace("    # ", "");
        for said in text.split("What `prereq ").skip(1) {
            let line = said.split('`').next().unwrap();
            let words = shlex::split(line).unwrap();
            let output =
                Command::new(env!("CARGO_BIN_EXE_prereq")).args(&words).env_clear().output().unwrap();
            assert!(output.status.success(), "{line}");
            let made = yaml::documents(&String::from_utf8(output.stdout).unwrap());
            let has = yaml::documents(&std::fs::read_to_string(&path).unwrap());
            let part = made[0].pointer("/spec/template").unwrap_or(&made[0]);
            let found = has.iter().any(|object| {
                let pod = object.pointer("/spec/template").unwrap_or(object);
                has_all(pod, part)
            });
            assert!(found, "{}: {line}\n{part:#}", path.display());
            count += 1;
        }
    }
    assert!(count >= 4, "{count} were found");
}

/// Whether all of `part` is in `whole`; items of lists are found by their names.
fn has_all(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|whole| has_all(whole, value)))
        }
        (Value::Array(whole), Value::Array(part)) if part.iter().all(Value::is_object) => {
            part.iter().all(|part| whole.iter().any(|whole| has_all(whole, part)))
        }
        (whole, part) => whole == part,
    }
}

#[test]
fn compose_and_ci_files_call_the_program_as_it_is() {
    let compose =
        &yaml::documents(&std::fs::read_to_string(examples().join("compose/compose.yaml")).unwrap())[0];
    let services = compose["services"].as_object().unwrap();
    let wait = &services["wait"];
    assert!(
        is_image(wait["image"].as_str().unwrap())
            && wait["read_only"] == true
            && wait["cap_drop"][0] == "ALL"
    );
    let words: Vec<String> = serde_json::from_value(wait["command"].clone()).unwrap();
    assert_eq!(refused(&words, &[]), None, "{words:?}");
    assert_eq!(services["app"]["depends_on"]["wait"]["condition"], "service_completed_successfully");
    let mut lines = 0;
    for path in files("ci", ".yml") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(yaml::documents(&text).len(), 1, "{}", path.display());
        for line in text.lines().filter_map(|line| line.split_once("prereq --").map(|(_, words)| words)) {
            let words = shlex::split(&format!("--{line}")).unwrap();
            assert_eq!(refused(&words, &[]), None, "{words:?}");
            lines += 1;
        }
    }
    assert_eq!(lines, 2);
}

/// What a program prints, which must succeed.
fn printed(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).current_dir(examples().join("kubernetes")).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; see tests/kubernetes/setup.sh"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The init container that the examples of kustomize and jsonnet add, and the annotation.
fn fortune_client(object: &Value, args: &Value) {
    assert_eq!(object["kind"], "Deployment");
    assert_eq!(check(object, &|_| None), 1);
    let template = &object["spec"]["template"];
    assert_eq!(template["metadata"]["annotations"]["prereq/waits-for"], "dns:fortune, http://fortune/");
    assert_eq!(strict::containers(object)[0]["args"], *args);
    assert_eq!(template["spec"]["containers"][0]["name"], "client");
}

#[test]
#[ignore = "needs kubectl: tests/kubernetes/setup.sh"]
fn the_component_adds_the_init_container() {
    let args = serde_json::json!(["--timeout=5m", "dns:fortune", "http://fortune/"]);
    // Components came with kubectl 1.21; the patch itself is what older ones take too.
    let version: Value =
        serde_json::from_str(&printed("kubectl", &["version", "--client", "-o", "json"])).unwrap();
    let minor: String =
        version["clientVersion"]["minor"].as_str().unwrap().chars().filter(char::is_ascii_digit).collect();
    let made = if minor.parse::<u32>().unwrap() >= 21 {
        printed("kubectl", &["kustomize", "kustomize/overlay"])
    } else {
        let folder = tempfile::tempdir().unwrap();
        let copy = |from: &str, to: &str| {
            let text = std::fs::read_to_string(examples().join("kubernetes/kustomize").join(from)).unwrap();
            std::fs::write(folder.path().join(to), text.replace("name: any", "name: fortune-client"))
                .unwrap();
        };
        copy("overlay/client.yaml", "client.yaml");
        copy("component/prereq.yaml", "prereq.yaml");
        let overlay = "resources: [client.yaml]\npatchesStrategicMerge: [prereq.yaml]\n";
        std::fs::write(folder.path().join("kustomization.yaml"), overlay).unwrap();
        printed("kubectl", &["kustomize", &folder.path().to_string_lossy()])
    };
    fortune_client(&yaml::documents(&made)[0], &args);
}

#[test]
#[ignore = "needs jsonnet: tests/kubernetes/setup.sh"]
fn the_function_adds_the_init_container() {
    let made = serde_json::from_str(&printed("jsonnet", &["jsonnet/client.jsonnet"])).unwrap();
    let args = serde_json::json!(["--timeout=2m", "dns:fortune", "http://fortune/#json=$.state==ready"]);
    fortune_client(&made, &args);
    // Dollars arrive as by the program itself.
    let words = "tcp://db:1#expect=$(a)$$$$(b)$";
    let call = format!("(import 'jsonnet/prereq.libsonnet').container(['{words}'])");
    let container: Value = serde_json::from_str(&printed("jsonnet", &["-e", &call])).unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_prereq")).args(["manifest", words]).env_clear().output().unwrap();
    let pod = &yaml::documents(&String::from_utf8(output.stdout).unwrap())[0];
    assert_eq!(container["args"][1], strict::containers(pod)[0]["args"][0]);
}

#[test]
#[ignore = "needs kubectl: tests/kubernetes/setup.sh"]
fn a_patch_is_applied_as_meant() {
    let folder = tempfile::tempdir().unwrap();
    let patch = folder.path().join("patch.yaml");
    for kind in ["init", "sidecar", "readiness", "poststart", "prestop"] {
        let words = ["manifest", "--format=patch", "--kind", kind, "--container=client", "http://fortune/"];
        let output = Command::new(env!("CARGO_BIN_EXE_prereq")).args(words).env_clear().output().unwrap();
        std::fs::write(&patch, output.stdout).unwrap();
        let patch = patch.to_string_lossy();
        let words =
            ["patch", "--local", "-o", "json", "-f", "kustomize/overlay/client.yaml", "--patch-file", &patch];
        let made: Value = serde_json::from_str(&printed("kubectl", &words)).unwrap();
        // An older kubectl does not know native sidecars.
        assert_eq!(strict::check(&made), Ok(()), "{kind}");
        let containers = strict::containers(&made);
        let client = containers.last().unwrap();
        assert_eq!(
            (&client["name"], &client["image"]),
            (&"client".into(), &"fortune-client:1.0".into()),
            "{kind}"
        );
        let added = match kind {
            "init" | "sidecar" => &containers[0]["args"],
            "readiness" => &client["readinessProbe"],
            "poststart" => &client["lifecycle"]["postStart"],
            _ => &client["lifecycle"]["preStop"],
        };
        assert!(added.to_string().contains("http://fortune/"), "{kind}: {made}");
    }
}
