//! Documentation that is made from the program is up to date. `UPDATE_DOCS=1 cargo test --test docs` renews it.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

use std::path::Path;

use prereq::check::registry;
use prereq::explain::failures::failures_markdown;

#[test]
fn every_class_says_what_is_behind_it_and_what_to_do() {
    for class in registry::classes() {
        assert!(!class.causes.is_empty(), "{}: no causes", class.code);
        assert!(class.remedy.ends_with('.'), "{}: no remedy", class.code);
        for cause in class.causes {
            assert!(!cause.ends_with('.') && !cause.is_empty(), "{}: {cause}", class.code);
        }
    }
}

#[test]
fn the_page_about_failures_is_up_to_date() {
    compare("docs/failures.md", &failures_markdown());
}

#[test]
fn workflows_use_pinned_actions_and_say_what_they_may() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows");
    let mut actions = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(text.lines().any(|line| line.starts_with("permissions:")), "{text}");
        assert!(!text.contains("write-all"), "{text}");
        for action in text.lines().filter_map(|line| line.split_once("uses: ").map(|(_, action)| action)) {
            let (commit, version) = action.split_once('@').unwrap().1.split_once(" # v").unwrap();
            assert!(commit.len() == 40 && commit.bytes().all(|c| c.is_ascii_hexdigit()), "{action}");
            assert_eq!(version.split('.').count(), 3, "{action}");
            actions += 1;
        }
    }
    assert!(actions > 0);
}

/// Compares `path` in this repository with `made`, or renews it.
fn compare(path: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not of the program")]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        std::fs::write(&path, made).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "{} is not up to date: run make docs", path.display());
}
