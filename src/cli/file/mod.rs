//! The configuration file: YAML, JSON or TOML, read only where it is named.
//!
//! Each format becomes one tree in which everything knows its place ([`tree`]); what that means is decided once
//! ([`read`]). The way back is [`write`], and [`schema`] describes the format to editors.

mod emit;
mod json;
mod read;
mod schema;
mod toml;
mod tree;
mod write;
mod yaml;

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

pub(super) use schema::schema;
pub(super) use write::{Format, write};

use super::sources::FromFile;
use crate::aside::aside;
use crate::net::io_words;
use crate::plan::env::Env;
use crate::plan::problem::Problem;
use tree::{Lines, Mistake};

/// The largest file that is read, in bytes.
const MOST: u64 = 1024 * 1024;
/// How long a file may take to come: a pipe whose writer does not, a mount whose server is gone.
const PATIENCE: Duration = Duration::from_mins(1);
/// The name of standard input.
const STDIN: &str = "-";

/// Reads the file `name`.
pub(super) async fn load(name: &str, env: &Env) -> FromFile {
    let path = name.to_owned();
    let content = aside(move || content(&path));
    let why = match tokio::time::timeout(PATIENCE, content).await {
        Ok(Ok(Ok(content))) => return parse(name, &content, env),
        Ok(Ok(Err(why))) => why,
        Ok(Err(error)) => format!("cannot be read: {}", io_words(&error)),
        Err(_) => format!("nothing came within {}", crate::plan::duration::exact(PATIENCE)),
    };
    let problem = Problem::new(format!("the configuration file {why}")).at(shown(name));
    FromFile { problems: vec![problem], ..FromFile::default() }
}

/// The bytes of a file, or why there are none.
fn content(path: &str) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {}", io_words(&error));
    let mut content = Vec::new();
    let read = if path == STDIN {
        std::io::stdin().lock().take(MOST + 1).read_to_end(&mut content)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut content))
    };
    read.map_err(failed)?;
    if content.len() as u64 > MOST { Err("is larger than 1 MiB".into()) } else { Ok(content) }
}

/// What messages call the file.
fn shown(name: &str) -> &str {
    if name == STDIN { "standard input" } else { name }
}

/// Reads the content of the file `name`, whose ending tells the format: `.json`, `.toml`, and YAML otherwise.
fn parse(name: &str, content: &[u8], env: &Env) -> FromFile {
    let file = shown(name);
    let text = match std::str::from_utf8(content) {
        Ok(text) => text.strip_prefix('\u{FEFF}').unwrap_or(text),
        Err(error) => {
            let valid = String::from_utf8_lossy(&content[..error.valid_up_to()]);
            let at = Lines::new(&valid).place(valid.len());
            return read::read(file, None, vec![Mistake::new(at, "the file is not UTF-8")], env);
        }
    };
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let (root, mistakes) = match ending.to_ascii_lowercase().as_str() {
        "json" => json::parse(text),
        "toml" => toml::parse(text),
        _ => yaml::parse(text),
    };
    read::read(file, root.as_ref(), mistakes, env)
}

/// Sorts the problems of one file by their places; others stay before them.
pub(super) fn sort(problems: &mut [Problem], name: &str) {
    problems.sort_by_cached_key(|problem| {
        let place = problem.source.strip_prefix(shown(name)).and_then(|rest| rest.strip_prefix(':'));
        let (line, column) = place?.split_once(':')?;
        Some((line.parse::<usize>().ok()?, column.parse::<usize>().ok()?))
    });
}

/// Reads `data` in each format: what comes back does not matter, but that something does.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    let env = Env::from([("HOST", "db"), ("PASSWORD", "p@ss/w#rd")]);
    for name in ["f.yaml", "f.json", "f.toml"] {
        let _ = parse(name, data, &env);
    }
}

#[cfg(test)]
mod tests;
