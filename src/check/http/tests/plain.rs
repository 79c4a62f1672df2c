//! What is sent, and how answers are judged.

use super::*;
use crate::check::Fact;
use crate::check::class;
use crate::check::http::{BODY, SLOW, STATUS};

#[tokio::test]
async fn a_get_is_sent_once_and_says_who_it_is() {
    let server = Server::answering(|_| response("204 No Content", "")).await;
    let text = evidence(attempt(&server.url("/a%20b?x=1")).await);
    assert_eq!(text, format!("status 204 No Content from {}", server.place()));
    let agent = concat!("prereq/", env!("CARGO_PKG_VERSION"));
    let [request] = &server.asked()[..] else { panic!("{:?}", server.asked()) };
    assert!(request.starts_with("GET /a%20b?x=1 HTTP/1.1\r\n"), "{request}");
    for line in [format!("user-agent: {agent}"), "accept: */*".into(), format!("host: {}", server.place())] {
        assert!(request.contains(&format!("\r\n{line}\r\n")), "{request}");
    }
    assert!(!request.contains("accept-encoding") && !request.contains("referer"), "{request}");
}

#[tokio::test]
async fn another_status_is_told_with_what_helps() {
    let server = Server::answering(|path| {
        let status =
            if path == "/busy" { "503 Service Unavailable\r\nRetry-After: 7" } else { "404 Not Found" };
        response(status, "secret body")
    })
    .await;
    let reason = fails(attempt(&server.url("/busy")).await, &STATUS, "status 503 Service Unavailable");
    assert_eq!(reason.facts, [Fact::Status(503), Fact::RetryAfter("7".into())]);
    evidence(attempt(&server.url("/gone#status=404")).await);
    fails(attempt(&server.url("/gone#status=200-299,5xx")).await, &STATUS, "status 404 Not Found");
}

#[tokio::test]
async fn a_refusal_names_the_address() {
    let port = closed().await;
    let verdict = attempt(&format!("http://127.0.0.1:{port}/")).await;
    fails(verdict, &class::TCP_REFUSED, &format!("connection refused by 127.0.0.1:{port}"));
}

#[tokio::test]
async fn every_attempt_sends_the_whole_request_on_a_connection_of_its_own() {
    let server = Server::answering(|_| response("200 OK", "ok")).await;
    let target = server.url("/#method=POST&body=hello%20world&header=X-Key:s3cret&host=inner.example");
    let probe = probe(&target, &Env::default()).unwrap();
    let (net, trace) = (Rc::new(Net::new(Env::default())), Trace::new(false));
    for _ in 0..2 {
        evidence(probe.attempt(&Attempt { net: &net, trace: &trace }).await);
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    for request in &asked {
        assert!(
            request.starts_with("POST / HTTP/1.1\r\n") && request.ends_with("\r\n\r\nhello world"),
            "{request}"
        );
        assert!(
            request.contains("x-key: s3cret\r\n") && request.contains("host: inner.example\r\n"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn the_body_is_read_when_something_is_expected_of_it() {
    let server = Server::answering(|_| response("200 OK", r#"{"status":"UP","db":{"ok":true}}"#)).await;
    for (options, result) in [
        ("expect=UP", None),
        ("json=status==UP&json=$.db.ok==true&expect=status", None),
        ("expect=DOWN", Some("the body does not match")),
        ("json=status==DOWN", Some("json status has another value")),
    ] {
        let verdict = attempt(&server.url(&format!("/#{options}"))).await;
        match result {
            None => drop(evidence(verdict)),
            Some(text) => drop(fails(verdict, &BODY, text)),
        }
    }
}

#[tokio::test]
async fn headers_and_round_trips_are_judged() {
    let server = Server::start(|server, mut stream| async move {
        server.request(&mut stream).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        let _ = stream.write_all(response("200 OK\r\nX-Ready: yes", "").as_bytes()).await;
    })
    .await;
    evidence(attempt(&server.url("/#expect-header=x-ready:^yes$&max-rtt=2s")).await);
    fails(attempt(&server.url("/#max-rtt=20ms")).await, &SLOW, "response took longer than 20ms");
}

async fn request_with(options: &str, userinfo: &str) -> (Verdict, String) {
    let server = Server::answering(|_| response("401 Unauthorized", "")).await;
    let verdict = attempt(&format!("http://{userinfo}127.0.0.1:{}/{options}", server.port)).await;
    let request = server.asked().first().cloned().unwrap_or_default();
    (verdict, request)
}

#[tokio::test]
async fn credentials_are_sent_as_basic_or_bearer_and_never_in_the_url() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let (pair, token) = (path("pair", "user:p@ss\n"), path("token", "t0k\n"));
    for (options, userinfo, header) in [
        (String::new(), "user:p%40ss@", "Basic dXNlcjpwQHNz"),
        (format!("#basic-auth-file={pair}"), "", "Basic dXNlcjpwQHNz"),
        (format!("#bearer-file={token}"), "", "Bearer t0k"),
        ("#header=Authorization:Basic%20dXNlcjpwQHNz".into(), "", "Basic dXNlcjpwQHNz"),
    ] {
        let (verdict, request) = request_with(&options, userinfo).await;
        assert!(request.contains(&format!("authorization: {header}\r\n")), "{request}");
        assert!(request.starts_with("GET / HTTP/1.1\r\n") && !request.contains("p%40ss"), "{request}");
        fails(verdict, &class::AUTH_DENIED, "credentials are refused with status 401 Unauthorized");
    }
    let (verdict, _) = request_with("", "").await;
    fails(verdict, &STATUS, "status 401 Unauthorized");
}

#[tokio::test]
async fn files_with_credentials_are_read_at_every_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let server = Server::answering(|_| response("200 OK", "")).await;
    let target = server.url(&format!("/#bearer-file={}", path.display()));
    let probe = probe(&target, &Env::default()).unwrap();
    let (net, trace) = (Rc::new(Net::new(Env::default())), Trace::new(false));
    let attempt = Attempt { net: &net, trace: &trace };
    let reason = reason(probe.attempt(&attempt).await);
    assert_eq!(reason.class, &class::LOCAL_SECRET);
    std::fs::write(&path, "a\u{7}b").unwrap();
    let said = super::reason(probe.attempt(&attempt).await).text;
    assert!(said.ends_with("token holds characters that a header cannot have"), "{said}");
    std::fs::write(&path, "good").unwrap();
    evidence(probe.attempt(&attempt).await);
    assert!(server.asked()[0].contains("authorization: Bearer good\r\n"));
}

#[tokio::test]
async fn http_is_spoken_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let target = format!("http://docker/_ping#unix={}&expect=OK", path.display());
    let said = reason(attempt(&target).await);
    assert_eq!(said.class, &class::TCP_REFUSED);
    assert!(said.text.starts_with("no socket at /"), "{}", said.text);

    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let server = Server { port: 0, asked: Arc::default() };
    let own = server.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            own.request(&mut stream).await;
            let _ = stream.write_all(response("200 OK", "OK").as_bytes()).await;
        }
    });
    let text = evidence(attempt(&target).await);
    assert_eq!(text, format!("status 200 OK from {}", path.display()));
    assert!(server.asked()[0].contains("host: docker\r\n"), "{:?}", server.asked());
}

#[tokio::test]
async fn http_2_is_spoken_without_asking_first() {
    // A server of HTTP/2 sends its settings first; the client its preface.
    let server = Server::start(|server, mut stream| async move {
        let mut preface = [0; 24];
        let _ = stream.read_exact(&mut preface).await;
        server.asked.lock().unwrap().push(String::from_utf8_lossy(&preface).into_owned());
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        // HEADERS of stream 1, END_STREAM and END_HEADERS, with «:status: 204» out of the static table.
        let headers = [0, 0, 1, 1, 5, 0, 0, 0, 1, 0x89];
        let _ = stream.write_all(&settings).await;
        let _ = stream.write_all(&headers).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    })
    .await;
    let text = evidence(attempt(&server.url("/#http2&host=inner.example")).await);
    assert_eq!(text, format!("status 204 No Content from {}", server.place()));
    assert_eq!(server.asked(), ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]);
}
