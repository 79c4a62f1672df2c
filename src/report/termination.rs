//! The termination message of a container: the summary, where `kubectl describe pod` shows it
//! (<https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/>).

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::plan::env::Env;

/// What Kubernetes keeps of a message, in bytes.
const MOST: usize = 4096;
/// Where Kubernetes looks for it unless the Pod says otherwise.
const DEFAULT: &str = "/dev/termination-log";

/// Where the message goes: as asked for, or to the default place in a Pod. An empty path is nowhere.
#[must_use]
pub fn place(asked: Option<&str>, env: &Env) -> Option<PathBuf> {
    match asked {
        Some("") => None,
        Some(path) => Some(path.into()),
        None => (env.in_kubernetes() && Path::new(DEFAULT).exists()).then(|| DEFAULT.into()),
    }
}

/// Writes `lines`, whole ones only, as far as they fit.
///
/// # Errors
/// When the file cannot be written.
pub fn write(place: &Path, lines: &[String]) -> io::Result<()> {
    // A pipe that nobody reads is an error, not a wait.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).custom_flags(flags).open(place)?;
    file.write_all(fitted(lines, MOST).as_bytes())
}

/// As many of `lines` as fit into `most` bytes, and how many do not.
fn fitted(lines: &[String], most: usize) -> String {
    let whole: usize = lines.iter().map(|line| line.len() + 1).sum();
    let reserve = if whole <= most { 0 } else { 40 };
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        if text.len() + line.len() + 1 > most - reserve {
            if index == 0 {
                let end = line.floor_char_boundary(most - reserve);
                text.push_str(&line[..end]);
                text.push('\n');
            }
            let _ = writeln!(text, "({} more lines)", lines.len() - index);
            break;
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_kept_in_whole_lines() {
        let lines: Vec<String> = (0..500).map(|n| format!("precondition {n} ü")).collect();
        let text = fitted(&lines, MOST);
        assert!(text.len() <= MOST && text.len() > MOST - 100, "{}", text.len());
        assert!(text.ends_with(" more lines)\n"));
        assert_eq!(fitted(&lines[..3], MOST).lines().count(), 3);
        let long = ["ü".repeat(5000)];
        assert!(fitted(&long, MOST).len() <= MOST);
    }

    #[test]
    fn the_place_is_the_default_only_in_a_pod() {
        let pod = Env::from([("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
        assert_eq!(place(None, &Env::default()), None);
        assert_eq!(place(Some("/x"), &Env::default()), Some("/x".into()));
        assert_eq!(place(Some(""), &pod), None);
    }
}
