use super::codec::{connect, message, request};
use super::*;
use crate::check::scripted::Line::{FallsSilent, Hears, HearsAnything, Says};
use crate::check::scripted::{Line, attempt, judgement, layers, probe, problems};
use crate::check::service::Malformed;
use crate::plan::env::Env;
use crate::plan::target::Target;

const INFO: &str = r#"INFO {"server_id":"NA","version":"2.9.10","go":"go1.19","host":"0.0.0.0","port":4222,"headers":true,"max_payload":1048576,"proto":1}"#;

fn info(more: &str) -> Line {
    Says(format!("{}{more}}}\r\n", INFO.strip_suffix('}').unwrap()).into_bytes())
}

fn says(text: &str) -> Line {
    Says(text.as_bytes().into())
}

/// A server that lets the client in.
fn opened(login: Login<'_>, more: Vec<Line>) -> Vec<Line> {
    let mut script = vec![info(""), Hears(connect(login, false)), says("PONG\r\n")];
    script.extend(more);
    script
}

#[test]
fn what_is_sent_is_what_the_protocol_has() {
    let text = String::from_utf8(connect(Login::User("me", &Secret::new("p\"w")), true)).unwrap();
    let json = text.strip_prefix("CONNECT ").unwrap().strip_suffix("\r\nPING\r\n").unwrap();
    let fields: serde_json::Value = serde_json::from_str(json).unwrap();
    for (name, value) in [
        ("verbose", false.into()),
        ("pedantic", false.into()),
        ("tls_required", true.into()),
        ("user", "me".into()),
        ("pass", "p\"w".into()),
        ("protocol", 1.into()),
        ("headers", true.into()),
        ("no_responders", true.into()),
        ("auth_token", serde_json::Value::Null),
    ] {
        assert_eq!(fields[name], value, "{name}");
    }
    let text = String::from_utf8(connect(Login::Token("t"), false)).unwrap();
    assert!(text.contains(r#""auth_token":"t""#) && !text.contains("user"), "{text}");
    assert_eq!(request("$JS.API.INFO", "_INBOX.x"), b"SUB _INBOX.x 1\r\nPUB $JS.API.INFO _INBOX.x 0\r\n\r\n");
}

#[test]
fn messages_are_read_whole() {
    let with = |status, payload: &str| Message::Delivery { status, payload: payload.into() };
    let known = Info { version: "2.9.10".into(), ..Info::default() };
    for (bytes, expected) in [
        (format!("{INFO}\r\n"), Message::Info(Box::new(known))),
        ("PING\r\n".into(), Message::Ping),
        ("pong\r\n".into(), Message::Pong),
        ("+OK\r\n".into(), Message::Ok),
        ("-ERR 'Authorization Violation'\r\n".into(), Message::Error("Authorization Violation".into())),
        ("MSG FOO.BAR 9 11\r\nHello World\r\n".into(), with(None, "Hello World")),
        ("MSG FOO.BAR 9 GREETING.34 0\r\n\r\n".into(), with(None, "")),
        ("HMSG FOO 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n".into(), with(Some(503), "")),
        ("HMSG FOO 9 22 33\r\nNATS/1.0\r\nBar: Baz\r\n\r\nHello World\r\n".into(), with(None, "Hello World")),
    ] {
        assert_eq!(message(bytes.as_bytes()), Ok(Some((expected, bytes.len()))), "{bytes:?}");
        for end in 1..bytes.len() {
            assert_eq!(message(&bytes.as_bytes()[..end]), Ok(None), "{:?}", &bytes[..end]);
        }
    }
}

#[test]
fn what_is_no_message_is_told() {
    for (bytes, told) in [
        (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), "something else than a line of text"),
        (b"\x15\x03\x03\0\x02".to_vec(), "something else than a line of text"),
        (b"WHAT\r\n".to_vec(), "a line that begins with an unknown word"),
        (b"INFO {\r\n".to_vec(), "an INFO that is not JSON"),
        (b"MSG a 1 many\r\n".to_vec(), "a message whose length is no length"),
        (b"MSG a 1 18446744073709551615\r\n".to_vec(), "a message that is too long"),
        (b"HMSG a 1 9 8\r\n".to_vec(), "a message whose length is no length"),
        (b"MSG a 1 2\r\nabcd".to_vec(), "a message without an end"),
        (b"INFO ".repeat(20_000), "a line without an end"),
    ] {
        assert_eq!(message(&bytes), Err(Malformed(told)));
    }
}

#[test]
fn errors_are_the_constants_of_the_protocol() {
    const REFUSED: &str = "auth.denied the server refuses the credentials, or asks for some";
    const MISUNDERSTOOD: &str = "service.protocol the server does not understand the client";
    for (error, expected) in [
        ("Authorization Violation", REFUSED),
        ("authorization violation", REFUSED),
        ("User Authentication Expired", "auth.denied the user's credentials have expired"),
        ("User Authentication Revoked", "auth.denied the user's credentials were revoked"),
        ("Account Authentication Expired", "auth.denied the account's credentials have expired"),
        (
            "Permissions Violation for Publish to \"$JS.API.INFO\"",
            "auth.denied the user may not publish the request",
        ),
        (
            "Permissions Violation for Subscription to \"_INBOX.1\"",
            "auth.denied the user may not subscribe to the answer",
        ),
        ("Secure Connection - TLS Required", "tls.protocol the server wants TLS, without having said so"),
        (
            "Attempted To Connect To Route Port",
            "service.protocol the port is for other servers, not for clients",
        ),
        ("Unknown Protocol Operation", MISUNDERSTOOD),
        ("Parser Error", MISUNDERSTOOD),
        ("maximum connections exceeded", "service.error the server answers maximum connections exceeded"),
        (
            "Authorization Violation of another sort",
            "service.error the server answers Authorization Violation of another sort",
        ),
    ] {
        assert_eq!(judgement::<()>(Err(judge::refused(error))), expected);
    }
}

#[test]
fn jetstream_is_judged_by_its_codes() {
    let answer =
        |kind: &str, more: &str| format!(r#"{{"type":"io.nats.jetstream.api.v1.{kind}_response"{more}}}"#);
    let error = |code: u32, number: u32| {
        answer(
            "stream_info",
            &format!(r#","error":{{"code":{code},"err_code":{number},"description":"why"}}"#),
        )
    };
    let missing = Some("service.missing there is no stream s");
    let off = Some("service.role JetStream is not enabled for this account");
    for (status, payload, expected) in [
        (None, answer("stream_info", ""), Some("ready")),
        (None, answer("account_info", ""), Some("ready")),
        (
            Some(503),
            String::new(),
            Some("service.role no JetStream answers: it is not enabled, or has no leader yet"),
        ),
        (Some(404), String::new(), None),
        (None, error(404, 10059), missing),
        (None, error(503, 10039), off),
        (None, error(400, 10076), off),
        (None, error(503, 10008), Some("service.starting JetStream answers: why")),
        (None, error(401, 1), Some("auth.denied JetStream answers: why")),
        (None, error(403, 1), Some("auth.denied JetStream answers: why")),
        (None, error(400, 10003), Some("service.error JetStream answers with error 10003: why")),
        (None, "{}".into(), None),
        (None, "hello".into(), None),
        (None, r#"{"type":"other"}"#.into(), None),
    ] {
        let judged = judge::jetstream(Some("s"), status, payload.as_bytes());
        assert_eq!(judged.map(judgement).as_deref(), expected, "{payload}");
    }
}

#[tokio::test]
async fn a_server_lets_the_client_in_or_asks_for_credentials() {
    let found = attempt("nats://PEER", opened(Login::Nobody, vec![])).await;
    assert!(found.starts_with("ready NATS 2.9.10 at 127.0.0.1:") && found.ends_with("in"), "{found}");
    let found = attempt("nats://PEER", vec![info(r#","auth_required":true"#)]).await;
    assert!(found.starts_with("ready ") && found.ends_with("asks for credentials"), "{found}");
    for (target, login) in [
        ("nats://me:pw@PEER", Login::User("me", &Secret::new("pw"))),
        ("nats://token@PEER", Login::Token("token")),
        ("nats://:token@PEER", Login::Token("token")),
    ] {
        let found = attempt(target, opened(login, vec![])).await;
        assert!(found.starts_with("ready "), "{found}");
        let refused =
            vec![info(r#","auth_required":true"#), HearsAnything, says("-ERR 'Authorization Violation'\r\n")];
        let found = attempt(target, refused).await;
        assert_eq!(found, "auth.denied the server refuses the credentials, or asks for some");
    }
    // What may come at any time.
    let chatty = vec![
        info(""),
        HearsAnything,
        says("+OK\r\nPING\r\n"),
        Hears(b"PONG\r\n".to_vec()),
        info(r#","connect_urls":["h:1"]"#),
        says("PONG\r\n"),
    ];
    assert!(attempt("nats://PEER", chatty).await.starts_with("ready "));
}

#[tokio::test]
async fn jetstream_and_its_streams_are_asked_for() {
    let answered = |said: &str| {
        let payload = format!("MSG _INBOX.x 1 {}\r\n{said}\r\n", said.len());
        opened(Login::Nobody, vec![HearsAnything, says(&payload)])
    };
    let info = r#"{"type":"io.nats.jetstream.api.v1.account_info_response"}"#;
    let found = attempt("nats://PEER#jetstream", answered(info)).await;
    assert!(found.starts_with("ready ") && found.ends_with("JetStream answers"), "{found}");
    let missing =
        r#"{"type":"io.nats.jetstream.api.v1.stream_info_response","error":{"code":404,"err_code":10059}}"#;
    let found = attempt("nats://PEER#stream=orders", answered(missing)).await;
    assert_eq!(found, "service.missing there is no stream orders");
    let found = attempt("nats://PEER#stream=orders", answered("hello")).await;
    assert!(found.starts_with("service.protocol no NATS at"), "{found}");
    let nobody = "HMSG _INBOX.x 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n";
    let found =
        attempt("nats://PEER#jetstream", opened(Login::Nobody, vec![HearsAnything, says(nobody)])).await;
    assert!(found.starts_with("service.role "), "{found}");
    // Credentials that are asked for are needed here.
    let refused = vec![
        self::info(r#","auth_required":true"#),
        HearsAnything,
        says("-ERR 'Authorization Violation'\r\n"),
    ];
    assert!(attempt("nats://PEER#jetstream", refused).await.starts_with("auth.denied "));
}

#[tokio::test]
async fn what_is_no_nats_server_is_told() {
    for (script, expected) in [
        (vec![says("HTTP/1.1 400 Bad Request\r\n\r\n")], "service.protocol no NATS at"),
        (vec![says("PONG\r\n")], "service.protocol no NATS at"),
        (vec![says("INFO {\"version\":")], "service.protocol no NATS at"),
        (vec![says("-ERR 'maximum connections exceeded'\r\n")], "service.error the server answers maximum"),
        (vec![], "tcp.closed"),
        (vec![info(r#","ldm":true"#)], "service.role the server is about to shut down"),
        (vec![FallsSilent], "service.timeout connection accepted, but no NATS answer"),
        (
            vec![info(""), HearsAnything, FallsSilent],
            "service.timeout connection accepted, but no NATS answer",
        ),
    ] {
        let found = attempt("nats://PEER", script).await;
        assert!(found.starts_with(expected), "{found}");
    }
    let found = attempt("nats://PEER#tls", vec![info("")]).await;
    assert!(found.starts_with("tls.protocol") && found.ends_with("offers no TLS"), "{found}");
}

#[tokio::test]
async fn an_explanation_shows_each_step() {
    let info = r#"{"type":"io.nats.jetstream.api.v1.account_info_response"}"#;
    let answer = format!("MSG _INBOX.x 1 {}\r\n{info}\r\n", info.len());
    let script = opened(Login::Nobody, vec![HearsAnything, says(&answer)]);
    assert_eq!(
        layers("nats://PEER#jetstream", script).await,
        ["answer: NATS, 134 bytes", "info: 2.9.10", "log-in: PONG", "jetstream: $JS.API.INFO, 57 bytes"]
    );
}

#[test]
fn mistakes_are_told_with_what_is_right() {
    for (target, told) in [
        ("nats://h/path", "a nats target has no path"),
        ("nats://h#stream=a.b", "none of . * > / \\"),
        ("nats://h#stream=", "none of . * > / \\"),
        ("nats://h#tls=false&insecure", "option insecure has no effect with tls=false"),
    ] {
        let problems = problems(target);
        assert!(problems.contains(told), "{target}: {problems}");
    }
    assert!(probe("nats://me:pw@h:4223#stream=orders&insecure").is_ok());
    let shown = Target::parse("nats://s3cret@h", None, &Env::default()).unwrap().label();
    assert_eq!(shown, "nats://***@h");
}
