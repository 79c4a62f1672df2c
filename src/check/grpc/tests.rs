use super::proto::{ServingStatus, request, response};
use super::*;
use crate::check::scripted::Line::{FallsSilent, HearsAnything, Says};
use crate::check::scripted::{Line, attempt, judgement, probe, problems, told};
use crate::net::Net;
use crate::net::trace::Trace;
use crate::plan::env::Env;
use http::Response;
use hyper::body::Bytes;
use std::rc::Rc;
use tokio::net::TcpListener;

/// What a server answers: the head, the body, the trailers.
struct Answers {
    status: u16,
    head: &'static [(&'static str, &'static str)],
    body: &'static [u8],
    trailers: &'static [(&'static str, &'static str)],
}

const GRPC: &[(&str, &str)] = &[("content-type", "application/grpc")];
const OK: &[(&str, &str)] = &[("grpc-status", "0")];

/// A health service that answers with this body.
fn health(body: &'static [u8]) -> Answers {
    Answers { status: 200, head: GRPC, body, trailers: OK }
}

/// A response that is nothing but a head («Trailers-Only»).
fn head_only(status: u16, head: &'static [(&'static str, &'static str)]) -> Answers {
    Answers { status, head, body: &[], trailers: &[] }
}

fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

/// One attempt at a server that answers so, and what it was asked: the request's head and body.
async fn asked(target: &str, answers: Answers) -> (String, http::request::Parts, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let probe = probe(&target.replace("PEER", &listener.local_addr().unwrap().to_string())).unwrap();
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (request, mut respond) = connection.accept().await.unwrap().unwrap();
        let (head, mut body) = request.into_parts();
        let serve = async {
            let message = body.data().await.unwrap().unwrap();
            let mut response = Response::builder().status(answers.status).body(()).unwrap();
            *response.headers_mut() = headers(answers.head);
            let only = answers.body.is_empty() && answers.trailers.is_empty();
            let mut send = respond.send_response(response, only).unwrap();
            if !only {
                let last = answers.trailers.is_empty();
                send.send_data(Bytes::from_static(answers.body), last).unwrap();
                if !last {
                    send.send_trailers(headers(answers.trailers)).unwrap();
                }
            }
            message.to_vec()
        };
        let message = tokio::select! {
            message = serve => message,
            _ = std::future::poll_fn(|context| connection.poll_closed(context)) => unreachable!("the call goes on"),
        };
        connection.graceful_shutdown();
        let _ = std::future::poll_fn(|context| connection.poll_closed(context)).await;
        (head, message)
    };
    let (net, trace) = (Rc::new(Net::new(Env::default())), Trace::new(true));
    let context = Attempt { net: &net, trace: &trace };
    let (verdict, (head, message)) = tokio::join!(probe.attempt(&context), server);
    (told(verdict), head, message)
}

async fn found(target: &str, answers: Answers) -> String {
    asked(target, answers).await.0
}

#[test]
fn messages_are_what_the_encoding_has() {
    assert_eq!(request(""), [0, 0, 0, 0, 0]);
    assert_eq!(request("a.B"), b"\0\0\0\0\x05\x0A\x03a.B");
    let long = request(&"x".repeat(300));
    assert_eq!(long[..8], [0, 0, 0, 0x01, 0x2F, 0x0A, 0xAC, 0x02]);
    for (body, status) in [
        (&b"\0\0\0\0\0"[..], ServingStatus::Unknown),
        (b"\0\0\0\0\x02\x08\x01", ServingStatus::Serving),
        (b"\0\0\0\0\x02\x08\x02", ServingStatus::NotServing),
        (b"\0\0\0\0\x02\x08\x03", ServingStatus::ServiceUnknown),
        (b"\0\0\0\0\x03\x08\xAC\x02", ServingStatus::Other(300)),
        // Fields that may come later: a string, numbers of 64 and 32 bits, a varint.
        (b"\0\0\0\0\x16\x12\x02hi\x19\0\0\0\0\0\0\0\0\x25\0\0\0\0\x28\x05\x08\x01", ServingStatus::Serving),
    ] {
        assert_eq!(response(body), Ok(status), "{body:?}");
    }
}

#[test]
fn what_is_no_message_is_told() {
    for (body, told) in [
        (&b""[..], "a message that ends too early"),
        (b"\0\xFF\xFF\xFF\xFF\x08\x01", "a message that ends too early"),
        (b"\x01\0\0\0\x02\x08\x01", "a compressed message, which was not asked for"),
        (b"\0\0\0\0\x02\x08\x01\0\0\0\0\0", "more than one message"),
        (b"\0\0\0\0\x01\x08", "a message that ends too early"),
        (b"\0\0\0\0\x02\x0F\x01", "a field of an unknown type"),
        (b"\0\0\0\0\x03\x12\x7Fa", "a message that ends too early"),
        (b"\0\0\0\0\x0B\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "a number that is too long"),
    ] {
        assert_eq!(response(body), Err(Malformed(told)), "{body:?}");
    }
}

#[test]
fn statuses_have_their_classes() {
    const STARTING: &str = "service.starting the server says that it is unavailable";
    const REFUSED: &str = "auth.denied the server refuses the credentials, or asks for some";
    const DENIED: &str = "auth.denied the client may not ask for the server's health";
    const NONE: &str = "service.error the server has no health service (grpc.health.v1.Health)";
    for (code, expected) in [
        (1, "service.error the server answers CANCELLED: why"),
        (4, "service.error the server answers DEADLINE_EXCEEDED: why"),
        (5, "service.missing the server does not know service s"),
        (7, DENIED),
        (8, "service.error the server answers RESOURCE_EXHAUSTED: why"),
        (12, NONE),
        (14, &format!("{STARTING}: why")),
        (16, REFUSED),
        (99, "service.error the server answers 99: why"),
    ] {
        assert_eq!(judgement::<()>(Err(judge::failed("s", code, "why"))), expected, "{code}");
    }
    let silent = judgement::<()>(Err(judge::failed("", 5, "")));
    assert_eq!(silent, "service.missing the server does not know the server");
    assert_eq!(judgement::<()>(Err(judge::failed("", 2, ""))), "service.error the server answers UNKNOWN");
    for (status, expected) in [
        (400, "service.error the server answers INTERNAL"),
        (401, REFUSED),
        (403, DENIED),
        (404, NONE),
        (429, STARTING),
        (502, STARTING),
        (503, STARTING),
        (504, STARTING),
        (418, "service.error the server answers UNKNOWN"),
        (500, "service.error the server answers UNKNOWN"),
    ] {
        let reason = judge::http("s", status);
        assert!(reason.facts.contains(&crate::check::Fact::Status(status)), "{reason:?}");
        assert_eq!(judgement::<()>(Err(reason)), format!("{expected} (HTTP status {status})"));
    }
    for (status, expected, code) in [
        (ServingStatus::Unknown, "grpc.status the status of service s is UNKNOWN", "UNKNOWN"),
        (ServingStatus::NotServing, "grpc.status service s is NOT_SERVING", "NOT_SERVING"),
        (
            ServingStatus::ServiceUnknown,
            "service.missing the server does not know service s",
            "SERVICE_UNKNOWN",
        ),
        (
            ServingStatus::Other(9),
            "grpc.status the status of service s is 9, which is none that is known",
            "9",
        ),
    ] {
        let reason = judge::serving("s", status).unwrap_err();
        assert_eq!(reason.facts, [crate::check::Fact::Code(code.into())]);
        assert_eq!(judgement::<()>(Err(reason)), expected);
    }
}

#[tokio::test]
async fn a_server_is_asked_as_the_protocol_has_it() {
    let target = "grpc://PEER/shop.Orders#authority=orders.example&header=x-team:a";
    let (found, head, body) = asked(target, health(b"\0\0\0\0\x02\x08\x01")).await;
    assert!(
        found.starts_with("ready service shop.Orders at 127.0.0.1:") && found.ends_with("SERVING"),
        "{found}"
    );
    assert_eq!((head.method.as_str(), head.uri.path()), ("POST", METHOD));
    assert_eq!(head.uri.authority().unwrap(), "orders.example");
    for (name, value) in [("te", "trailers"), ("content-type", "application/grpc"), ("x-team", "a")] {
        assert_eq!(head.headers[name], value);
    }
    assert_eq!(body, b"\0\0\0\0\x0D\x0A\x0Bshop.Orders");
}

#[tokio::test]
async fn temporal_is_asked_for_the_health_of_its_front_end() {
    let (found, _, body) = asked("temporal://PEER", health(b"\0\0\0\0\x02\x08\x01")).await;
    assert!(found.starts_with("ready service temporal.api.workflowservice"), "{found}");
    assert!(body.ends_with(b"temporal.api.workflowservice.v1.WorkflowService"));
    let (_, _, body) = asked("temporal://PEER/other.Service", health(b"\0\0\0\0\x02\x08\x01")).await;
    assert!(body.ends_with(b"\x0Dother.Service"));
}

#[tokio::test]
async fn answers_are_judged_by_body_trailers_and_head() {
    const LONG: &[u8] = &[0; 70_000];
    for (answers, expected) in [
        (health(b"\0\0\0\0\x02\x08\x01"), "ready the server at 127.0.0.1:"),
        (health(b"\0\0\0\0\x02\x08\x02"), "grpc.status the server is NOT_SERVING"),
        (health(b"\0\0\0\0\0"), "grpc.status the status of the server is UNKNOWN"),
        (health(b"hello"), "service.protocol no gRPC at"),
        (health(LONG), "service.protocol no gRPC at"),
        (health(b""), "service.protocol no gRPC at"),
        (
            head_only(200, &[("content-type", "application/grpc"), ("grpc-status", "12")]),
            "service.error the server has no health service",
        ),
        (
            head_only(200, &[("grpc-status", "14"), ("grpc-message", "no%20backend")]),
            "service.starting the server says that it is unavailable: no backend",
        ),
        (
            Answers { status: 200, head: GRPC, body: b"\0\0\0\0\0", trailers: &[("grpc-status", "5")] },
            "service.missing the server does not know the server",
        ),
        (head_only(200, GRPC), "service.protocol no gRPC at"),
        (head_only(200, &[("content-type", "text/html")]), "service.protocol no gRPC at"),
        (head_only(200, &[("grpc-status", "many")]), "service.protocol no gRPC at"),
        (head_only(503, &[]), "service.starting the server says that it is unavailable (HTTP status 503)"),
        (head_only(404, &[]), "service.error the server has no health service"),
    ] {
        let found = found("grpc://PEER", answers).await;
        assert!(found.starts_with(expected), "{found}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_repeat_what_was_sent() {
    let answers = head_only(200, &[("grpc-status", "13"), ("grpc-message", "bad token hunter2")]);
    let found = found("grpc://PEER#header=authorization:hunter2", answers).await;
    assert!(found.starts_with("service.error") && !found.contains("hunter2"), "{found}");
}

#[tokio::test]
async fn what_is_no_grpc_server_is_told() {
    // An empty SETTINGS frame, and GOAWAY or RST_STREAM behind it (RFC 9113 §6).
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let away = |code: u8| [settings, &b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0"[..], &[code]].concat();
    let reset = |code: u8| [settings, &b"\0\0\x04\x03\0\0\0\0\x01\0\0\0"[..], &[code]].concat();
    for (said, expected) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "service.protocol no gRPC at"),
        (b"\x15\x03\x03\0\x02\x02\x50".to_vec(), "service.protocol no gRPC at"),
        (b"\xFF\xFF\xFF\0\0\0\0\0\0\0\0".to_vec(), "service.protocol no gRPC at"),
        (vec![], "tcp.closed"),
        (settings.to_vec(), "tcp.closed"),
        (away(11), "service.error the server ends the call with ENHANCE_YOUR_CALM"),
        (reset(7), "service.starting the server does not take the call now"),
        (reset(2), "service.error the server ends the call with INTERNAL_ERROR"),
    ] {
        let found = attempt("grpc://PEER", vec![HearsAnything, Says(said.clone())]).await;
        assert!(found.starts_with(expected), "{said:?}: {found}");
    }
    let silent: Vec<Line> = vec![HearsAnything, Says(settings.to_vec()), FallsSilent];
    let found = attempt("grpc://PEER", silent).await;
    assert!(found.starts_with("service.timeout connection accepted, but no gRPC answer"), "{found}");
}

#[test]
fn mistakes_are_told_with_what_is_right() {
    for (target, told) in [
        ("grpc://h", "the port is missing"),
        ("grpc://me:pw@h:1", "takes no user or password"),
        ("grpc://h:1/s?x=1", "options follow a '#'"),
        ("grpc://h:1#header=x", "write header=NAME:VALUE"),
        ("grpc://h:1#header=te:x", "te is the protocol's own"),
        ("grpc://h:1#header=grpc-timeout:1S", "grpc-timeout is the protocol's own"),
        ("grpc://h:1#header=authorization:x&bearer-file=/t", "keep one of them"),
        ("grpc://h:1#authority=me@h", "not a host"),
        ("grpc://h:1#insecure", "write grpcs://"),
    ] {
        let problems = problems(target);
        assert!(problems.contains(told), "{target}: {problems}");
    }
    assert!(probe("grpcs://h:1/a.b.C#insecure&header=x-a:b&header=x-a:c&authority=h").is_ok());
}
