//! Lists that come in pages, and those that are too long.

use serde_json::{Value, json};

use super::judged::recorded;
use super::server::{Server, attempt};
use crate::check::Verdict;

/// A page with these objects, and the token of the next if there is one, filled up with white space.
fn page(items: &[Value], next: &str, blank: usize) -> String {
    let list =
        json!({ "metadata": { "resourceVersion": "9", "continue": next }, "items": items }).to_string();
    let length = list.len() + blank;
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{list}{}", " ".repeat(blank))
}

async fn told(server: &Server) -> String {
    match attempt(&server.target("shop/deploy/web", "")).await {
        Verdict::Ready(evidence) => format!("ready {}", evidence.text),
        Verdict::NotYet(reason) | Verdict::Never(reason) => format!("{} {}", reason.class, reason.text),
    }
}

#[tokio::test]
async fn the_object_may_be_on_a_later_page() {
    let server = Server::start().await;
    let web = recorded("deployment.jsonl").swap_remove(5)["object"].take();
    server.script(move |line| {
        Some(match line {
            _ if line.contains("watch=true") => return None,
            _ if line.contains("continue=second") => page(std::slice::from_ref(&web), "", 0),
            _ => page(&[], "second", 0),
        })
    });
    let found = told(&server).await;
    assert_eq!(found, "ready rolled out, 2 replicas");
    let asked = server.asked();
    let pages: Vec<bool> = asked.iter().map(|line| line.contains("continue=second")).collect();
    assert_eq!(pages[..2], [false, true], "{asked:?}");
    assert!(asked[..2].iter().all(|line| line.contains("limit=100")), "{asked:?}");
}

#[tokio::test]
async fn pages_that_are_too_long_are_asked_for_with_fewer_objects() {
    let server = Server::start().await;
    let web = recorded("deployment.jsonl").swap_remove(5)["object"].take();
    server.script(move |line| {
        Some(match line {
            _ if line.contains("watch=true") => return None,
            _ if line.contains("limit=100") => page(&[], "", 5 << 20),
            _ if line.contains("continue=second") => page(std::slice::from_ref(&web), "", 0),
            _ => page(&[], "second", 0),
        })
    });
    assert_eq!(told(&server).await, "ready rolled out, 2 replicas");
    let limits = ["limit=100", "limit=10&", "limit=10&"];
    let asked = server.asked();
    let matching = asked.iter().zip(limits).all(|(line, limit)| line.replace(' ', "&").contains(limit));
    assert!(matching && asked.len() >= 3, "{asked:?}");
}

#[tokio::test]
async fn lists_that_are_too_long_are_told() {
    let server = Server::start().await;
    server.script(|_| Some(page(&[], "more", 0)));
    assert_eq!(told(&server).await, "k8s.api the list has no end");
    assert_eq!(server.asked().len(), 200);
    for (blank, expected, asked) in [
        (4_000_000, "k8s.api the list is longer than 64 MiB: select fewer objects", 17),
        (4 << 20, "k8s.api the API server's answer is longer than 4 MiB", 3),
    ] {
        let server = Server::start().await;
        server.script(move |_| Some(page(&[], "more", blank)));
        assert_eq!(told(&server).await, expected);
        assert_eq!(server.asked().len(), asked);
    }
}
