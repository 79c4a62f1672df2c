//! The examples: every object is what Kubernetes takes, and every command line is one.

use std::process::{Command, Stdio};

use serde_json::Value;

/// The command lines of the program in a container, without its name: arguments, probes and hooks.
pub(crate) fn command_lines(container: &Value) -> Vec<Vec<String>> {
    let words = |value: &Value| -> Vec<String> {
        let list = value.as_array().into_iter().flatten();
        list.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let image = container["image"].as_str().unwrap_or_default();
    let own = image.rsplit('/').next().unwrap().starts_with("prereq:");
    let mut lines = Vec::new();
    if own || is_program(&container["command"]) {
        lines.push(
            [words(&container["command"]).get(1..).unwrap_or_default().to_vec(), words(&container["args"])]
                .concat(),
        );
    }
    for path in
        ["/startupProbe", "/readinessProbe", "/livenessProbe", "/lifecycle/postStart", "/lifecycle/preStop"]
    {
        let command = container.pointer(&format!("{path}/exec/command")).unwrap_or(&Value::Null);
        if is_program(command) {
            lines.push(words(command)[1..].to_vec());
        }
    }
    lines
}

fn is_program(command: &Value) -> bool {
    command[0].as_str().is_some_and(|program| program.ends_with("/prereq"))
}

/// Why the program does not take these words, if it does not. Nothing is probed.
pub(crate) fn refused(words: &[String], variables: &[(String, String)]) -> Option<String> {
    if words.first().is_some_and(|word| word == "install") {
        return (words.len() != 2).then(|| "install takes a path".to_owned());
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
