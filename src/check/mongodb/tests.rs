use super::bson::Document;
use super::*;
use crate::check::cursor::Cursor;
use crate::check::scram_peer;
use crate::check::scripted::Line::{Answers, FallsSilent, Hears, HearsAnything, Says};
use crate::check::scripted::{Line, attempt, judgement, layers, probe, problems};

fn doc() -> Builder {
    Builder::default()
}

/// An `OP_MSG` that answers the command of this number.
fn answer(to: u8, document: Builder) -> Vec<u8> {
    let body = document.finish();
    let length = u32::try_from(body.len() + 21).unwrap().to_le_bytes();
    [&length[..], &[9, 9, 0, 0, to, 0, 0, 0, 0xDD, 0x07, 0, 0, 0, 0, 0, 0, 0], &body].concat()
}

fn reply(document: Builder) -> Reply {
    let bytes = answer(1, document);
    message::reply(&bytes, 1).unwrap().unwrap().0
}

fn standalone() -> Builder {
    doc().bool("isWritablePrimary", true).int("maxWireVersion", 21).int("ok", 1)
}

fn failed(code: i32) -> Builder {
    doc().int("ok", 0).text("errmsg", "why").int("code", code).text("codeName", "Name")
}

/// What the attempt finds at a server by itself that says this to what comes behind `hello`.
async fn found(target: &str, more: Builder) -> String {
    let script = vec![HearsAnything, Says(answer(1, standalone())), HearsAnything, Says(answer(2, more))];
    attempt(target, script).await
}

#[tokio::test]
async fn the_question_is_what_the_protocol_has() {
    let version = env!("CARGO_PKG_VERSION");
    let client = doc()
        .document("driver", doc().text("name", "prereq").text("version", version))
        .document("os", doc().text("type", "linux"));
    let body = doc().int("hello", 1).document("client", client).text("$db", "admin").finish();
    let length = u32::try_from(body.len() + 21).unwrap().to_le_bytes();
    let head = [&length[..], &[1, 0, 0, 0, 0, 0, 0, 0, 0xDD, 0x07, 0, 0, 0, 0, 0, 0, 0]].concat();
    assert!(body.windows(12).any(|part| part == b"\x10hello\0\x01\0\0\0\x03"));
    let script = vec![Hears([head, body].concat()), Says(answer(1, standalone()))];
    let text = attempt("mongodb://PEER", script).await;
    assert!(text.starts_with("ready ") && text.ends_with(" answers as standalone server"), "{text}");
}

#[tokio::test]
async fn servers_before_4_4_are_asked_by_the_older_name() {
    let script = vec![
        HearsAnything,
        Says(answer(1, failed(59))),
        Answers(Box::new(move |heard| {
            assert!(heard.windows(9).any(|part| part == b"isMaster\0"));
            answer(2, doc().bool("ismaster", true).int("ok", 1))
        })),
    ];
    assert!(attempt("mongodb://PEER", script).await.starts_with("ready "));
}

#[test]
fn members_are_judged_by_what_they_say_of_themselves() {
    let member = |key: &str| doc().text("setName", "rs0").bool(key, true);
    let known = |document: Builder| document.text("primary", "a:27017");
    let primary = || known(member("isWritablePrimary"));
    let secondary = || known(member("secondary"));
    let router = || doc().bool("isWritablePrimary", true).text("msg", "isdbgrid");
    let uninitiated = || doc().bool("isreplicaset", true).bool("secondary", false);
    let (any, rs0, other) = (Role::Any, Some("rs0"), Some("rs1"));
    for (found, role, set, direct, class) in [
        (standalone(), any, None, false, "ready"),
        (standalone(), Role::Primary, None, false, "ready"),
        (standalone(), Role::Secondary, None, false, "service.role"),
        (standalone(), any, rs0, false, "service.role"),
        (router(), any, None, false, "ready"),
        (router(), Role::Primary, None, false, "ready"),
        (primary(), Role::Primary, rs0, false, "ready"),
        (member("ismaster"), any, rs0, false, "ready"),
        (primary(), any, other, false, "service.role"),
        (primary(), Role::Secondary, rs0, false, "service.role"),
        (secondary(), any, rs0, false, "ready"),
        (secondary(), Role::Secondary, rs0, false, "ready"),
        (secondary(), Role::Primary, None, false, "service.role"),
        (member("secondary"), any, None, false, "ready"),
        (member("secondary"), any, rs0, false, "service.role"),
        (member("secondary"), any, rs0, true, "ready"),
        (known(member("arbiterOnly")), any, None, false, "service.role"),
        (known(member("hidden")), any, None, false, "service.starting"),
        (uninitiated(), any, None, false, "service.starting"),
        (uninitiated(), any, rs0, false, "service.starting"),
    ] {
        let found = Hello::read(&reply(found)).unwrap();
        let judged = judge::hello(&found, role, set, direct);
        let judged = judged.map_or_else(|reason| reason.class.code, |()| "ready");
        assert_eq!(judged, class, "{found:?} as {role:?} of {set:?}, direct: {direct}");
    }
    for (found, role, set, expected) in [
        (uninitiated(), any, None, "service.starting the server is not initiated into its replica set yet"),
        (
            known(member("hidden")),
            any,
            None,
            "service.starting the member is neither primary nor secondary yet",
        ),
        (primary(), any, other, "service.role the server is a member of replica set rs0, not of rs1"),
        (standalone(), any, rs0, "service.role the server is no member of replica set rs0"),
        (member("secondary"), any, rs0, "service.role replica set rs0 has no primary"),
        (standalone(), Role::Secondary, None, "service.role the server answers as standalone server"),
        (router(), Role::Secondary, None, "service.role the server answers as router of a sharded cluster"),
        (primary(), Role::Secondary, rs0, "service.role the server answers as primary of replica set rs0"),
        (secondary(), Role::Primary, rs0, "service.role the server answers as secondary of replica set rs0"),
        (member("arbiterOnly"), any, None, "service.role the server answers as arbiter of replica set rs0"),
    ] {
        let judged = judge::hello(&Hello::read(&reply(found)).unwrap(), role, set, false);
        assert_eq!(judgement(judged), expected);
    }
    assert_eq!([17.0, -1.0, 1e300].map(judge::whole), [17, -1, i32::MAX]);
    for (name, role) in [("primary", Role::Primary), ("secondary", Role::Secondary), ("any", Role::Any)] {
        assert_eq!(Role::named(name), role);
    }
}

#[test]
fn error_codes_have_their_classes() {
    const STARTING: &str = "service.starting the server is not initiated into its replica set yet";
    const ROLE: &str = "service.role the server is not in the role for this: Name";
    const DOWN: &str = "service.error the server is shutting down";
    for (code, expected) in [
        (18, "auth.denied the server refuses user and password"),
        (11, "auth.denied the server refuses user and password"),
        (8000, "auth.denied the server refuses user and password"),
        (13, "auth.denied the server asks for a log-in, or the user may not do this"),
        (334, "auth.denied the server offers no log-in by SCRAM-SHA-256 to this user"),
        (26, "service.missing there is no such database or collection"),
        (94, STARTING),
        (91, DOWN),
        (11600, DOWN),
        (189, ROLE),
        (10107, ROLE),
        (11602, ROLE),
        (13435, ROLE),
        (13436, ROLE),
        (0, "service.error the server answers with error 0 Name"),
        (50, "service.error the server answers with error 50 Name"),
    ] {
        let reason = judge::ok(&reply(failed(code))).unwrap().unwrap_err();
        assert_eq!(judgement::<()>(Err(reason.clone())), expected, "{code}");
        assert_eq!(reason.facts, [crate::check::Fact::Code(code.to_string())]);
    }
    for ok in [doc().int("ok", 1), doc().bool("ok", true)] {
        assert_eq!(judge::ok(&reply(ok)), Ok(Ok(())));
    }
    let bare = judge::ok(&reply(doc())).unwrap();
    assert_eq!(judgement(bare), "service.error the server answers with error 0");
}

#[tokio::test]
async fn a_collection_is_looked_for() {
    let target = "mongodb://PEER/shop#collection=orders";
    let cursor = |batch: Builder| doc().document("cursor", doc().document("firstBatch", batch)).int("ok", 1);
    let one = doc().document("0", doc().text("name", "orders"));
    let text = found(target, cursor(one)).await;
    assert!(text.starts_with("ready ") && text.ends_with(", has collection orders"), "{text}");
    let text = found(target, cursor(doc())).await;
    assert_eq!(text, "service.missing there is no collection orders in database shop");
    assert!(found(target, failed(13)).await.starts_with("auth.denied "));
    assert!(found(target, doc().int("ok", 1)).await.ends_with("a cursor that is missing"));
}

/// The payload of a command.
fn payload(command: &[u8]) -> String {
    match Document::read(&mut Cursor(&command[21..])).unwrap().get("payload").unwrap() {
        Some(Value::Binary(payload)) => String::from_utf8(payload.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// A server that knows the password, and whether it has more to say when all is said.
fn scram(more: bool) -> Vec<Line> {
    let step = |payload: String| doc().int("conversationId", 7).binary("payload", payload.as_bytes());
    vec![
        HearsAnything,
        Says(answer(1, standalone())),
        Answers(Box::new(move |heard| {
            let challenge = scram_peer::challenge(&payload(heard));
            answer(2, step(challenge).bool("done", false).int("ok", 1))
        })),
        Answers(Box::new(move |heard| match scram_peer::outcome(&payload(heard), false) {
            Some(proof) => answer(3, step(proof).bool("done", !more).int("ok", 1)),
            None => answer(3, failed(18)),
        })),
    ]
}

#[tokio::test]
async fn users_prove_that_they_know_the_password_and_so_do_servers() {
    let text = attempt("mongodb://me:pw@PEER/shop", scram(false)).await;
    assert!(text.starts_with("ready ") && text.ends_with(", lets me in"), "{text}");
    let mut script = scram(true);
    script.push(Answers(Box::new(|heard| {
        assert_eq!(payload(heard), "");
        answer(4, doc().bool("done", true).int("ok", 1))
    })));
    assert!(attempt("mongodb://me:pw@PEER", script).await.starts_with("ready "));
    let text = attempt("mongodb://me:wrong@PEER", scram(false)).await;
    assert_eq!(text, "auth.denied the server refuses user and password");
    let text = found("mongodb://me:pw@PEER", failed(334)).await;
    assert!(text.starts_with("auth.denied "), "{text}");
    // One that lets in whoever comes may be another's.
    let mut script = scram(false);
    script.truncate(3);
    let proof = doc().int("conversationId", 7).binary("payload", b"v=AAAA").bool("done", true).int("ok", 1);
    script.extend([HearsAnything, Says(answer(3, proof))]);
    let text = attempt("mongodb://me:pw@PEER", script).await;
    assert!(text.starts_with("auth.denied the server does not prove"), "{text}");
    let text = found("mongodb://me:pw@PEER", doc().int("ok", 1)).await;
    assert!(text.ends_with("a log-in without a payload"), "{text}");
}

#[tokio::test]
async fn what_is_no_server_is_told() {
    let mut other = answer(1, standalone());
    other[12..16].copy_from_slice(&1_i32.to_le_bytes());
    let mut sections = answer(1, standalone());
    sections[20] = 1;
    let mut cut = answer(1, standalone());
    cut.truncate(30);
    for (said, expected) in [
        (&b"HTTP/1.1 400 Bad Request"[..], "an answer longer than 1 MiB"),
        (&[0xFF; 16], "an answer of negative length"),
        (&[5, 0, 0, 0, 0], "an answer that is too short"),
        (&other, "an answer that is no OP_MSG"),
        (&answer(2, standalone()), "an answer to another question"),
        (&sections, "an answer without a body"),
        (&cut, "an answer that ends in the middle"),
    ] {
        let text = attempt("mongodb://PEER", vec![HearsAnything, Says(said.to_vec())]).await;
        assert!(text.starts_with("service.protocol no MongoDB at ") && text.ends_with(expected), "{text}");
    }
    let text = attempt("mongodb://PEER", vec![HearsAnything, FallsSilent]).await;
    assert!(text.starts_with("service.timeout connection accepted, but no MongoDB answer"), "{text}");
    let text = attempt("mongodb://PEER", vec![HearsAnything]).await;
    assert!(text.starts_with("tcp.closed "), "{text}");
}

#[tokio::test]
async fn an_explanation_shows_each_step() {
    let batch = doc().document("0", doc().text("name", "orders"));
    let found = doc().document("cursor", doc().document("firstBatch", batch)).int("ok", 1);
    let mut script = scram(false);
    script.extend([HearsAnything, Says(answer(4, found))]);
    let shown = layers("mongodb://me:pw@PEER/shop#collection=orders", script).await;
    assert_eq!(
        shown,
        [
            "answer: MongoDB, 74 bytes",
            "hello: standalone server, wire version 21",
            "answer: MongoDB, 137 bytes",
            "answer: MongoDB, 121 bytes",
            "log-in: as me of database shop",
            "answer: MongoDB, 89 bytes",
            "find: collection orders is there"
        ]
    );
}

#[test]
fn mistakes_are_told_with_what_is_right() {
    for (target, told) in [
        ("mongodb://a,b,c/", "write mongodb://A or mongodb://B"),
        ("mongodb+srv://a.test/", "dns:_mongodb._tcp.NAME#type=SRV"),
        ("mongodb://me@h", "user and password go together"),
        ("mongodb://h#collection=c", "write mongodb://HOST/DATABASE"),
        ("mongodb://h/a.b", "a database's name"),
        ("mongodb://h/?replicaset", "parameter replicaset has no value"),
        ("mongodb://h/?replicSet=x", "did you mean 'replicaSet'?"),
        ("mongodb://h/?tls=maybe", "neither true nor false"),
        ("mongodb://h/?authMechanism=MONGODB-X509", "SCRAM-SHA-256"),
        ("mongodb://h/?tlsCAFile=/ca.pem", "#cacert=PATH"),
        ("mongodb://h/#insecure", "write ?tls=true"),
        ("mongodb://h/#role=leader", "is not one of primary, secondary, any"),
    ] {
        let problems = problems(target);
        assert!(problems.contains(told), "{target}: {problems}");
    }
    for target in [
        "mongodb://h",
        "mongodb://me:p%40w@h:27018/shop?authSource=admin&replicaSet=rs0&retryWrites=true&w=majority#role=primary",
        "mongodb://h/?ssl=true&directConnection=true&READPREFERENCE=nearest#insecure",
    ] {
        assert!(probe(target).is_ok(), "{target}");
    }
}
