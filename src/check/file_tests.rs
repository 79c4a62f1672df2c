use super::*;
use std::os::unix::fs::symlink;

fn class_of(path: &Path, expect: &Expect) -> (&'static str, String) {
    match look(path, expect) {
        Ok(evidence) => ("ready", evidence.text),
        Err(reason) => (reason.class.code, reason.text),
    }
}

#[test]
fn what_is_there_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("full"), "state: ready\n").unwrap();
    fs::write(at("empty"), "").unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    symlink(at("full"), at("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let none = Expect::default;
    let kind = |kind| Expect { kind: Some(kind), ..none() };
    let contains =
        |regex: &str| Expect { contains: crate::check::options::parse_regex(regex).ok(), ..none() };
    let size = |min_size| Expect { min_size, ..none() };
    let newer = |newer| Expect { newer: Some(newer), ..none() };
    for (name, expect, class, says) in [
        ("full", none(), "ready", "a file is there"),
        ("link", kind(Wanted::File), "ready", "a file is there"),
        (".", none(), "ready", "a folder is there"),
        (".", kind(Wanted::File), "file.kind", "is a folder"),
        ("socket", kind(Wanted::Socket), "ready", "a socket is there"),
        ("socket", contains("x"), "file.kind", "has no content"),
        ("missing", none(), "file.missing", "does not exist"),
        ("a/b/c", none(), "file.missing", "nor does"),
        ("full/x", none(), "file.missing", "does not exist"),
        ("dangling", none(), "file.missing", "is a link to"),
        ("empty", none(), "ready", "an empty file is there"),
        ("empty", size(1), "file.size", "is empty"),
        ("full", size(100), "file.size", "is smaller than 100 bytes"),
        ("full", size(13), "ready", ""),
        ("full", contains("^state: ready$"), "ready", ""),
        ("full", contains("^ready"), "file.content", ""),
        ("full", newer(Newer::Within(Duration::from_mins(1))), "ready", ""),
        (
            "full",
            newer(Newer::Since(SystemTime::now() + Duration::from_mins(1))),
            "file.stale",
            "start of prereq",
        ),
        ("full", newer(Newer::Than(at("full"))), "file.stale", "is older than"),
        ("full", newer(Newer::Than(at("missing"))), "file.stale", "does not exist"),
    ] {
        let (found, text) = class_of(&at(name), &expect);
        assert_eq!(found, class, "{name}: {text}");
        assert!(text.contains(says), "{name}: {text}");
    }
}

#[test]
fn patterns_count_what_fits() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "1").unwrap();
    fs::write(folder.path().join("b.csv"), "").unwrap();
    let pattern = folder.path().join("*.csv");
    let count = |min, expect: &Expect| several(&pattern, min, expect).map_err(|reason| reason.class.code);
    assert!(count(2, &Expect::default()).is_ok());
    assert_eq!(count(3, &Expect::default()), Err("file.count"));
    assert_eq!(count(2, &Expect { min_size: 1, ..Expect::default() }), Err("file.size"));
    assert_eq!(several(&folder.path().join("*.x"), 1, &Expect::default()).unwrap_err().class, &MISSING);
}

#[test]
fn a_rewritten_file_has_another_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "1").unwrap();
    let first = look(&path, &Expect::default()).unwrap().fingerprint;
    assert_eq!(look(&path, &Expect::default()).unwrap().fingerprint, first);
    fs::write(&path, "12").unwrap();
    assert_ne!(look(&path, &Expect::default()).unwrap().fingerprint, first);
}

#[test]
fn sizes_and_ages_are_read() {
    assert_eq!(parse_size("10k"), Ok(10_000));
    assert_eq!(parse_size("4Mi"), Ok(4 * 1024 * 1024));
    assert!(parse_size("4x").is_err() && parse_size("").is_err() && parse_size("-1").is_err());
    assert!(matches!(parse_newer("5m"), Ok(Newer::Within(_))));
    assert!(matches!(parse_newer("./x"), Ok(Newer::Than(_))));
    assert!(parse_newer("yesterday").is_err());
}
