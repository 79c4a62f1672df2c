use super::codec::{Authentication, Message, Offer, ServerError, message, offer};
use super::*;
use crate::check::scripted::Line::{FallsSilent, Hears, Says};
use crate::check::scripted::{Line, attempt, judgement, layers, probe, problems};
use crate::plan::secret::Secret;

/// A message of the server: its type, its length with itself, its body.
fn said(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &u32::try_from(body.len() + 4).unwrap().to_be_bytes()[..], body].concat()
}

fn asked(code: u8, more: &[u8]) -> Vec<u8> {
    said(b'R', &[&[0, 0, 0, code], more].concat())
}

fn error(code: &str) -> Vec<u8> {
    said(b'E', format!("SFATAL\0VFATAL\0C{code}\0Mhunter2\0\0").as_bytes())
}

fn status(name: &str, value: &str) -> Vec<u8> {
    said(b'S', format!("{name}\0{value}\0").as_bytes())
}

fn row(value: Option<&str>) -> Vec<u8> {
    let value = value.map_or(vec![0xFF; 4], |value| {
        [&u32::try_from(value.len()).unwrap().to_be_bytes()[..], value.as_bytes()].concat()
    });
    said(b'D', &[&[0, 1], &value[..]].concat())
}

/// The `StartupMessage` of a client.
fn start(user: &str, database: Option<&str>) -> Vec<u8> {
    let database = database.map(|database| format!("database\0{database}\0")).unwrap_or_default();
    let body =
        format!("\0\x03\0\0user\0{user}\0application_name\0prereq\0client_encoding\0UTF8\0{database}\0");
    said(0, body.as_bytes())[1..].to_vec()
}

/// The script up to a server that is ready for questions.
fn inside(more: Vec<Line>) -> Vec<Line> {
    let hello = [asked(0, &[]), status("server_version", "15.18 (Debian)"), said(b'Z', b"I")].concat();
    let mut script = vec![Hears(start("me", None)), Says(hello)];
    script.extend(more);
    script
}

fn bye() -> Line {
    Hears(b"X\0\0\0\x04".to_vec())
}

#[test]
fn what_is_sent_is_what_the_specification_has() {
    assert_eq!(codec::ssl_request(), b"\0\0\0\x08\x04\xd2\x16\x2f");
    assert_eq!(codec::startup(&[("user", "me")]), b"\0\0\0\x11\0\x03\0\0user\0me\0\0");
    assert_eq!(codec::password("pw"), b"p\0\0\0\x07pw\0");
    assert_eq!(codec::sasl_initial("SCRAM-SHA-256", "n,,"), b"p\0\0\0\x19SCRAM-SHA-256\0\0\0\0\x03n,,");
    assert_eq!(codec::sasl_response("c=biws"), b"p\0\0\0\x0ac=biws");
    assert_eq!(codec::terminate(), b"X\0\0\0\x04");
    // Parse without a name and parameter types; Bind to a text and text results; Execute for one row; Sync.
    assert_eq!(
        codec::question("SELECT $1", &["a"]),
        b"P\0\0\0\x11\0SELECT $1\0\0\0B\0\0\0\x11\0\0\0\0\0\x01\0\0\0\x01a\0\0E\0\0\0\x09\0\0\0\0\x01S\0\0\0\x04"
    );
    // Computed by Python's hashlib.
    assert_eq!(codec::md5("app", &Secret::new("right"), [1, 2, 3, 4]), "md5982dd3287afb0c9eb9a051831b387409");
}

#[test]
fn messages_are_read_whole() {
    let mechanisms = asked(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
    for end in 0..mechanisms.len() {
        assert_eq!(message(&mechanisms[..end]), Ok(None), "{end} bytes");
    }
    let sasl = Authentication::Sasl(vec!["SCRAM-SHA-256-PLUS".into(), "SCRAM-SHA-256".into()]);
    let denied = ServerError { code: "28P01".into(), message: "hunter2".into() };
    for (bytes, read) in [
        (mechanisms, Message::Authentication(sasl)),
        (asked(0, &[]), Message::Authentication(Authentication::Ok)),
        (asked(3, &[]), Message::Authentication(Authentication::Cleartext)),
        (asked(5, &[1, 2, 3, 4]), Message::Authentication(Authentication::Md5([1, 2, 3, 4]))),
        (asked(11, b"r=x"), Message::Authentication(Authentication::SaslContinue("r=x".into()))),
        (asked(12, b"v=x"), Message::Authentication(Authentication::SaslFinal("v=x".into()))),
        (asked(7, &[]), Message::Authentication(Authentication::Unsupported("GSSAPI"))),
        (asked(77, &[]), Message::Authentication(Authentication::Unsupported("an unknown method"))),
        (error("28P01"), Message::Error(denied)),
        (status("a", "b"), Message::Status("a".into(), "b".into())),
        (row(Some("42")), Message::Row(Row(Some("42".into())))),
        (row(None), Message::Row(Row(None))),
        (said(b'D', &[0, 0]), Message::Row(Row(None))),
        (said(b'1', &[]), Message::Other),
        (said(b'C', b"SELECT 1\0"), Message::Complete),
        (said(b's', &[]), Message::Complete),
        (said(b'Z', b"I"), Message::Ready),
    ] {
        assert_eq!(message(&bytes), Ok(Some((read, bytes.len()))), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn what_is_no_message_is_told() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request"[..],
        b"R\0\0\0\x03",
        b"R\x7f\xff\xff\xff",
        b"R\0\0\0\x06\0\0",
        b"R\0\0\0\x0a\0\0\0\x05\x01\x02",
        b"R\0\0\0\x0d\0\0\0\x0aSCRAM",
        b"S\0\0\0\x06ab",
        b"D\0\0\0\x0b\0\x01\0\0\0\xffa",
        b"E\0\0\0\x0bC28P01\0",
    ] {
        assert!(message(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
    }
    // So a server says that it cannot start a process for the connection.
    let bare = b"Ecould not fork new process for connection: Cannot allocate memory\n\0";
    let Ok(Some((Message::Error(error), taken))) = message(bare) else { panic!("an error") };
    assert_eq!((error.code.as_str(), taken), ("", bare.len()));
    assert_eq!(offer(b"S"), Ok(Some((Offer::Tls, 1))));
    assert_eq!(offer(b"N"), Ok(Some((Offer::Plain, 1))));
    assert_eq!(offer(b"E\0"), Ok(None));
    assert!(matches!(offer(bare), Ok(Some((Offer::Error(_), _)))));
    assert!(offer(b"HTTP/1.1 400").is_err());
}

#[tokio::test]
async fn sqlstates_have_their_classes_with_and_without_a_user() {
    for (code, nobody, somebody) in [
        ("57P03", "service.starting", "service.starting"),
        ("57P01", "service.error", "service.error"),
        ("53300", "service.error", "service.error"),
        ("28P01", "ready", "auth.denied"),
        ("28000", "ready", "auth.denied"),
        ("3D000", "ready", "service.missing"),
        ("42501", "service.error", "auth.denied"),
        ("08P01", "service.error", "service.error"),
        ("XX000", "service.error", "service.error"),
    ] {
        for (target, user, expected) in [("", "prereq", nobody), ("me@", "me", somebody)] {
            if (code, user) == ("42501", "prereq") {
                continue;
            }
            let script = vec![Hears(start(user, None)), Says(error(code))];
            let found = attempt(&format!("postgres://{target}PEER?sslmode=disable"), script).await;
            assert!(found.starts_with(expected), "{code} for {user}: {found}");
            assert!(!found.contains("hunter2"), "{found}");
        }
    }
    // A database that was named must be there, whoever asks.
    let script = vec![Hears(start("prereq", Some("app"))), Says(error("3D000"))];
    let found = attempt("postgres://PEER/app?sslmode=disable", script).await;
    assert_eq!(found, "service.missing there is no database app");
}

#[test]
fn sqlstates_are_told_in_words() {
    const DOWN: &str = "service.error the server is shutting down";
    const MISSING: &str = "service.missing what the query names is not there";
    let (named, none) = (Wanted { database: Some("app".into()), ..Wanted::default() }, Wanted::default());
    // What is said of it, and whether it is what a server says that only wants to know who asks.
    for (code, expected, knock) in [
        ("57P03", "service.starting the server takes no connections now: it starts or recovers", false),
        ("57P01", DOWN, false),
        ("57P02", DOWN, false),
        ("57P04", "service.missing the database has been dropped", false),
        ("53300", "service.error the server has no connection left for this user", false),
        ("28P01", "auth.denied the server refuses user and password", true),
        ("28000", "auth.denied the server does not let this user in from here", true),
        ("28ABC", "auth.denied the server answers with SQLSTATE 28ABC", true),
        ("42501", "auth.denied the user may not do what is asked for", false),
        ("42P01", MISSING, false),
        ("3F000", MISSING, false),
        ("42703", MISSING, false),
        ("42883", MISSING, false),
        ("42704", MISSING, false),
        ("25006", "service.role the server is read-only", false),
        ("3D000", "service.missing there is no database app", false),
        ("XX000", "service.error the server answers with SQLSTATE XX000", false),
        ("", "service.error the server answers with an error without a code", false),
    ] {
        let error = ServerError { code: code.into(), message: "hunter2".into() };
        let reason = judge::refused(&error, &named);
        assert_eq!(reason.facts, [crate::check::Fact::Code(code.into())]);
        assert_eq!(judgement::<()>(Err(reason)), expected, "{code}");
        assert_eq!(judge::takes_connections(&error, &named), knock, "{code}");
        assert_eq!(judge::takes_connections(&error, &none), knock || code == "3D000", "{code}");
    }
}

#[tokio::test]
async fn a_server_that_asks_who_it_is_takes_connections() {
    for said in [asked(10, b"SCRAM-SHA-256\0\0"), asked(3, &[]), asked(7, &[]), asked(0, &[])] {
        let found = attempt(
            "postgresql://PEER?sslmode=disable",
            vec![Hears(start("prereq", None)), Says(said), bye()],
        )
        .await;
        assert!(
            found.starts_with("ready PostgreSQL at 127.0.0.1:") && found.ends_with(" accepts connections"),
            "{found}"
        );
    }
}

#[tokio::test]
async fn a_password_goes_out_hashed_or_not_at_all() {
    let script = |answer: Vec<Line>| {
        let mut script = vec![Hears(start("me", None))];
        script.extend(answer);
        script
    };
    let target = "postgres://me:pw@PEER?sslmode=disable";
    let hashed = codec::password(&codec::md5("me", &Secret::new("pw"), [1, 2, 3, 4]));
    let answer = vec![
        Says(asked(5, &[1, 2, 3, 4])),
        Hears(hashed),
        Says([asked(0, &[]), said(b'Z', b"I")].concat()),
        bye(),
    ];
    let found = attempt(target, script(answer)).await;
    assert!(found.ends_with(" lets me in"), "{found}");
    let found = attempt(target, script(vec![Says(asked(3, &[]))])).await;
    assert!(found.starts_with("auth.insecure"), "{found}");
    for unknown in [asked(7, &[]), asked(10, b"OAUTHBEARER\0\0")] {
        let found = attempt(target, script(vec![Says(unknown)])).await;
        assert!(found.starts_with("auth.method"), "{found}");
    }
    let found =
        attempt("postgres://me@PEER?sslmode=disable", script(vec![Says(asked(5, &[1, 2, 3, 4]))])).await;
    assert_eq!(found, "auth.denied the server asks for a password");
}

#[tokio::test]
async fn a_server_must_prove_that_it_knows_the_password() {
    // It is content too early, or begins in the middle.
    for (said, next) in [(asked(10, b"SCRAM-SHA-256\0\0"), asked(0, &[])), (asked(12, b"v="), asked(0, &[]))]
    {
        let script = vec![Hears(start("me", None)), Says([said, next].concat())];
        let found = attempt("postgres://me:pw@PEER?sslmode=disable", script).await;
        assert!(found.starts_with("service.protocol"), "{found}");
    }
}

#[tokio::test]
async fn tables_queries_and_roles_are_asked_for() {
    let answer = |rows: &[Vec<u8>]| {
        let rows = rows.concat();
        Says([said(b'1', &[]), said(b'2', &[]), rows, said(b'C', b"SELECT\0"), said(b'Z', b"I")].concat())
    };
    let table = || Hears(codec::question(TABLE, &["\"app\".\"a\"\"b\""]));
    let target = "postgres://me@PEER?sslmode=disable#table=app.a\"b";
    let found = attempt(target, inside(vec![table(), answer(&[row(Some("1"))]), bye()])).await;
    assert!(
        found.ends_with(" lets me in, table app.a\"b is there") && found.contains("PostgreSQL 15.18 at"),
        "{found}"
    );
    let found = attempt(target, inside(vec![table(), answer(&[])])).await;
    assert_eq!(found, "service.missing there is no table app.a\"b");

    let query = || Hears(codec::question("select x", &[]));
    let target = "postgres://me@PEER?sslmode=disable#query=select%20x&expect=^4";
    let found =
        attempt(target, inside(vec![query(), answer(&[row(Some("42")), row(Some("x"))]), bye()])).await;
    assert!(found.ends_with("the query returns what it must"), "{found}");
    let found = attempt(target, inside(vec![query(), answer(&[row(Some("x")), row(Some("42"))])])).await;
    assert_eq!(found, "service.missing what the query returns does not match");
    for (code, class) in [("42P01", "service.missing"), ("42601", "service.error"), ("25006", "service.role")]
    {
        let found = attempt(target, inside(vec![query(), Says(error(code))])).await;
        assert!(found.starts_with(class), "{code}: {found}");
    }

    let role = || Hears(codec::question("SELECT pg_catalog.pg_is_in_recovery()", &[]));
    for (target, value, expected) in [
        ("#role=primary", "f", "ready"),
        ("#role=primary", "t", "service.role"),
        ("#role=replica", "t", "ready"),
        ("&target_session_attrs=read-write", "t", "service.role"),
        ("&target_session_attrs=standby", "t", "ready"),
    ] {
        let script = inside(vec![role(), answer(&[row(Some(value))]), bye()]);
        let script =
            if expected == "ready" { script } else { inside(vec![role(), answer(&[row(Some(value))])]) };
        let found = attempt(&format!("postgres://me@PEER?sslmode=disable{target}"), script).await;
        assert!(found.starts_with(expected), "{target} {value}: {found}");
    }
}

#[tokio::test]
async fn tls_is_preferred_and_plain_is_taken_unless_it_is_required() {
    let plain = |more: Vec<Line>| {
        let mut script = vec![Hears(codec::ssl_request()), Says(b"N".to_vec())];
        script.extend(more);
        script
    };
    let found =
        attempt("postgres://PEER", plain(vec![Hears(start("prereq", None)), Says(asked(5, &[0; 4])), bye()]))
            .await;
    assert!(found.starts_with("ready"), "{found}");
    for required in ["?sslmode=require", "?sslmode=verify-full", "#insecure"] {
        let found = attempt(&format!("postgres://PEER{required}"), plain(vec![])).await;
        assert!(found.starts_with("tls.protocol the server at 127.0.0.1:"), "{required}: {found}");
    }
    let starting = vec![Hears(codec::ssl_request()), Says(error("57P03"))];
    assert!(attempt("postgres://PEER", starting).await.starts_with("service.starting"));
}

#[tokio::test]
async fn silence_is_told_by_where_it_begins() {
    let found = attempt("postgres://PEER", vec![FallsSilent]).await;
    assert!(found.starts_with("service.timeout connection accepted, but no PostgreSQL answer"), "{found}");
    let script = inside(vec![Hears(codec::question("select 1", &[])), FallsSilent]);
    let found = attempt("postgres://me@PEER?sslmode=disable#query=select%201", script).await;
    assert!(found.starts_with("service.timeout me is let in, but 127.0.0.1:"), "{found}");
    let found =
        attempt("postgres://PEER", vec![Hears(codec::ssl_request()), Says(b"HTTP/1.1 400".to_vec())]).await;
    assert!(found.starts_with("service.protocol no PostgreSQL at"), "{found}");
}

#[tokio::test]
async fn an_explanation_shows_each_step() {
    let row = row(Some("f"));
    let answer = [said(b'1', &[]), said(b'2', &[]), row, said(b'C', b"SELECT\0"), said(b'Z', b"I")].concat();
    let role = Hears(codec::question("SELECT pg_catalog.pg_is_in_recovery()", &[]));
    let script = inside(vec![role, Says(answer), bye()]);
    let shown = layers("postgres://me@PEER?sslmode=disable#role=primary", script).await;
    assert_eq!(
        shown,
        ["startup: no authentication is asked for", "server: server_version 15.18 (Debian)", "role: a row"]
    );
}

#[test]
fn mistakes_are_told_with_what_is_right() {
    for (target, told) in [
        ("postgres://h?sslmode=requires", "parameter sslmode is not one of"),
        ("postgres://h?sslmod=require", "did you mean 'sslmode'?"),
        ("postgres://h?sslrootcert=/ca.pem", "#cacert=PATH"),
        ("postgres://u@h?channel_binding=require", "parameter channel_binding is not one of disable, prefer"),
        ("postgres://h?target_session_attrs=primary", "a role needs a user"),
        ("postgres://h?host=db", "parameter host is not the folder of a unix socket"),
        ("postgres://h#query=select 1", "option query needs a user"),
        ("postgres://h#unix=", "option unix: the path is empty"),
    ] {
        assert!(problems(target).contains(told), "{target}: {}", problems(target));
    }
    for target in [
        "postgres://h",
        "postgresql://u:p@h:1/db?sslmode=disable&application_name=x&connect_timeout=5&channel_binding=prefer",
        "postgres:///db?host=/run/postgresql",
        "postgres://u@h/db#role=replica&table=a.b&query=select 1&expect=1",
        "postgres://h?target_session_attrs=any",
    ] {
        assert!(probe(target).is_ok(), "{target}");
    }
}
