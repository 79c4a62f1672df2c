//! Every command line of the README is run. Its fixed ports are replaced by free ones, on which small servers
//! stand in for what a reader would have there.

use std::process::{Command, Stdio};
use std::time::SystemTime;

use crate::program::{Ran, Server, ran, response};

const README: &str = include_str!("../../README.md");

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn shell(line: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yaml"), "a: 1\n").unwrap();
    let migrate = folder.path().join("migrate");
    std::fs::write(&migrate, "#!/bin/sh\necho migrated\n").unwrap();
    std::fs::set_permissions(&migrate, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_prereq"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    let began = SystemTime::now();
    let output = Command::new("/bin/sh")
        .args(["-c", line])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    ran(&output, began.elapsed().unwrap())
}

#[test]
fn every_example_does_what_it_says() {
    let database = Server::start(|_, _| {});
    let web = Server::http(|_| response("200 OK", r#"{"state": "ready"}"#));
    let mut lines = 0;
    for line in
        blocks("console").iter().flat_map(|block| block.lines()).filter_map(|line| line.strip_prefix("$ "))
    {
        if !line.contains("prereq") || line.starts_with("cargo ") {
            continue;
        }
        lines += 1;
        let line = line
            .replace("5432", &database.address.port().to_string())
            .replace("8080", &web.address.port().to_string());
        let ran = shell(&line);
        assert_eq!(ran.status, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
        assert!(!line.contains("./migrate") || ran.stdout.ends_with("migrated\n"), "{}", ran.stdout);
    }
    assert!(lines >= 6, "{lines} examples were found");
}

#[test]
fn the_commands_of_a_newcomer_exist() {
    let commands: Vec<&str> = blocks("sh").iter().flat_map(|block| block.lines()).collect();
    assert!(commands.iter().any(|line| line.starts_with("cargo run --example fortune")));
    assert!(commands.iter().any(|line| line.starts_with("cargo test")));
    // The example itself: what `cargo run --example fortune` starts.
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_prereq"));
    let fortune = binary.with_file_name("examples").join("fortune");
    let output = Command::new(fortune).stdin(Stdio::null()).output().expect("cargo test builds the examples");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("4 of 4 satisfied") && said.contains("fortune-client: "),
        "{said}"
    );
}

#[test]
fn the_manifest_and_the_image_commands_are_understood() {
    let manifest = blocks("yaml").concat();
    let arguments = manifest.lines().find_map(|line| line.trim().strip_prefix("args: ")).unwrap();
    let arguments: Vec<String> = serde_json::from_str(arguments).unwrap();
    // Nobody's name servers are asked: the whole wait is put off behind a file that does not come.
    let docker = blocks("sh").concat();
    let docker = docker.lines().find_map(|line| line.split_once("prereq:0.1.0 tcp:")).unwrap().1;
    let docker: Vec<String> = format!("tcp:{docker}").split_whitespace().map(str::to_owned).collect();
    for arguments in [arguments, docker] {
        let mut command = crate::program::prereq();
        command.args(["file:/does/not/exist", "then"]).args(&arguments).arg("--timeout=100ms");
        assert_eq!(crate::program::finish(&mut command).status, 124, "{arguments:?}");
    }
}

#[test]
fn the_exit_statuses_are_all_listed() {
    for status in ["| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 70 |", "| 124 |", "| 126, 127 |", "| 130, 143 |"] {
        assert!(README.contains(status), "{status}");
    }
    for kind in prereq::check::KINDS {
        assert!(README.contains(&format!("`{}:", kind.name)), "{} is not in the README", kind.name);
    }
}
