use std::fs::{self, OpenOptions};
use std::io::Write as _;

use super::*;
use crate::net::trace::Trace;
use crate::plan::env::Env;
use crate::plan::target::Target;

fn probe(path: &Path, options: &str) -> Box<dyn Probe> {
    let env = Env::default();
    let target = Target::parse(&format!("log:{}#{options}", path.display()), None, &env).unwrap();
    let mut draft = Draft::new(&target, &env);
    let probe = build(&mut draft);
    assert_eq!(draft.into_problems(), []);
    probe.unwrap()
}

async fn found(probe: &dyn Probe) -> String {
    let (net, trace) = (Rc::new(Net::new(Env::default())), Trace::new(false));
    match probe.attempt(&Attempt { net: &net, trace: &trace }).await {
        Verdict::Ready(_) => "ready".into(),
        Verdict::NotYet(reason) | Verdict::Never(reason) => reason.class.code.into(),
    }
}

fn append(path: &Path, text: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_ref()).unwrap();
}

#[tokio::test]
async fn a_line_is_found_when_it_has_come_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    let probe = probe(&path, "match=^ready$");
    assert_eq!(found(&*probe).await, "file.missing");
    append(&path, "starting\nrea");
    assert_eq!(found(&*probe).await, "log.match");
    append(&path, "dy, almost\r\nready\r");
    assert_eq!(found(&*probe).await, "log.match");
    append(&path, "\n");
    assert_eq!(found(&*probe).await, "ready");
    // What was found stays found, whatever becomes of the file.
    fs::remove_file(&path).unwrap();
    assert_eq!(found(&*probe).await, "ready");
}

#[tokio::test]
async fn a_last_line_without_an_end_counts_after_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    append(&path, "ready");
    let probe = probe(&path, "match=^ready$");
    let since = Instant::now();
    while found(&*probe).await != "ready" {
        assert!(since.elapsed().as_secs() < 10);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(since.elapsed().as_millis() >= 1000);
}

#[tokio::test]
async fn rotation_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    append(&path, "one match\n");
    let probe = probe(&path, "match=match&min=4");
    assert_eq!(found(&*probe).await, "log.match");
    // Written to the old file before and after it was renamed, then to a new one.
    append(&path, "two match\n");
    let old = folder.path().join("app.log.1");
    fs::rename(&path, &old).unwrap();
    append(&old, "three match\n");
    append(&path, "four match\n");
    assert_eq!(found(&*probe).await, "ready");
}

#[tokio::test]
async fn a_truncated_file_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    append(&path, "a long line that does not fit what is looked for\n");
    let probe = probe(&path, "match=^up");
    assert_eq!(found(&*probe).await, "log.match");
    fs::write(&path, "").unwrap();
    assert_eq!(found(&*probe).await, "log.match");
    append(&path, "up\n");
    assert_eq!(found(&*probe).await, "ready");
}

#[tokio::test]
async fn from_the_end_only_what_is_new_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    append(&path, "ready, said the last run\n");
    let from_end = probe(&path, "match=ready&from=end");
    assert_eq!(found(&*from_end).await, "log.match");
    append(&path, "ready\n");
    assert_eq!(found(&*from_end).await, "ready");
    // A file that comes later is new from its beginning on.
    let late = folder.path().join("late.log");
    let from_end = probe(&late, "match=ready&from=end");
    assert_eq!(found(&*from_end).await, "file.missing");
    append(&late, "ready\n");
    assert_eq!(found(&*from_end).await, "ready");
}

#[tokio::test]
async fn long_files_and_long_lines_are_read_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    append(&path, vec![b'x'; 3_000_000]);
    append(&path, "\n");
    append(&path, "filler\n".repeat(200_000));
    append(&path, "ready\n");
    assert_eq!(found(&*probe(&path, "match=^ready$")).await, "ready");
    assert_eq!(found(&*probe(&path, "match=^filler$&min=200000")).await, "ready");
    assert_eq!(found(&*probe(&path, "match=^filler$&min=200001")).await, "log.match");
}

#[tokio::test]
async fn something_else_than_a_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(found(&*probe(folder.path(), "match=x")).await, "file.kind");
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("s")).unwrap();
    assert_eq!(found(&*probe(&folder.path().join("s"), "match=x")).await, "file.kind");
}

#[test]
fn mistakes_are_explained() {
    let env = Env::default();
    for (text, says) in [
        ("log:/a", "option match is missing"),
        ("log:#match=a", "the path is missing"),
        ("log:/a#match=(", "not a regular expression"),
        ("log:/a#match=a&from=middle", "'middle' is not one of start, end"),
    ] {
        let target = Target::parse(text, None, &env).unwrap();
        let mut draft = Draft::new(&target, &env);
        let _ = build(&mut draft);
        let problems = draft.into_problems();
        assert!(problems.iter().any(|problem| problem.what.contains(says)), "{text}: {problems:?}");
    }
}
