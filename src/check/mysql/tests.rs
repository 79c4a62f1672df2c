use super::codec::{Greeting, Packet, Reply, Result41, ServerError, capability};
use super::proof::Plugin;
use super::*;
use crate::check::scripted::Line::{FallsSilent, Hears, Says};
use crate::check::scripted::{Line, attempt, judgement, layers, probe, problems};
use crate::check::service::Malformed;

const CACHING_SHA2: &str = "caching_sha2_password";
const NATIVE: &str = "mysql_native_password";
/// The nonce of all greetings here.
const NONCE: &[u8; 20] = b"abcdefghijklmnopqrst";

/// A packet with its number.
fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_le_bytes()[..3], &[sequence], body].concat()
}

/// What a server of 10.11 begins with. `tls` is whether it has that.
fn greeting(plugin: &str, tls: bool) -> Vec<u8> {
    let tls = if tls { capability::SSL } else { 0 };
    let capabilities =
        (capability::PROTOCOL_41 | capability::SECURE_CONNECTION | capability::PLUGIN_AUTH | tls)
            .to_le_bytes();
    let body = [
        &b"\x0a5.5.5-10.11.14-MariaDB-0+deb12u2\0\x07\0\0\0"[..],
        &NONCE[..8],
        &[0],
        &capabilities[..2],
        &[45, 2, 0],
        &capabilities[2..],
        &[21],
        &[0; 10],
        &NONCE[8..],
        &[0],
        plugin.as_bytes(),
        &[0],
    ];
    packet(0, &body.concat())
}

fn error(sequence: u8, code: u16) -> Vec<u8> {
    packet(sequence, &[&[0xFF], &code.to_le_bytes()[..], b"#HY000hunter2"].concat())
}

fn ok(sequence: u8) -> Vec<u8> {
    packet(sequence, &[0, 0, 0, 2, 0, 0, 0])
}

fn switch(sequence: u8, plugin: &str) -> Vec<u8> {
    packet(sequence, &[&[0xFE], plugin.as_bytes(), &[0], &NONCE[..], &[0]].concat())
}

fn login(user: &str, database: Option<&str>, plugin: &str, proof: &[u8]) -> Line {
    let login = codec::Login { user, database, plugin, proof, tls: false };
    Hears(packet(1, &login.bytes()))
}

fn proof(plugin: &str, password: &str) -> Vec<u8> {
    Plugin::named(plugin).unwrap().proof(password, NONCE).unwrap()
}

/// The script up to a user without a password that is let in.
fn inside(more: Vec<Line>) -> Vec<Line> {
    let mut script = vec![Says(greeting(NATIVE, false)), login("me", None, NATIVE, b""), Says(ok(2))];
    script.extend(more);
    script
}

fn asks(sql: &str) -> Line {
    Hears(packet(0, &codec::query(sql)))
}

/// A result with one column; NULL is `None`.
fn rows(values: &[Option<&str>]) -> Line {
    let end = [0xFE, 0, 0, 2, 0];
    let mut bodies = vec![vec![1], b"\x03def\0\0\0\x01a\0\x0c".to_vec(), end.to_vec()];
    bodies.extend(values.iter().map(|value| match value {
        Some(value) => [&[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat(),
        None => vec![0xFB],
    }));
    bodies.push(end.to_vec());
    Says((1..).zip(bodies).flat_map(|(sequence, body)| packet(sequence, &body)).collect())
}

fn bye() -> Line {
    Hears(packet(0, &[1]))
}

#[test]
fn what_is_sent_is_what_the_specification_has() {
    // Capabilities, longest packet, character set, 23 zeros; name, length of the proof, proof, database, plugin.
    let head = b"\x01\xaa\x0a\0\0\0\x10\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_eq!(codec::ssl_request(), head);
    let login =
        codec::Login { user: "me", database: Some("shop"), plugin: NATIVE, proof: b"xyz", tls: false };
    let mut expected = head.to_vec();
    (expected[0], expected[1]) = (0x09, 0xa2);
    expected.extend(b"me\0\x03xyzshop\0mysql_native_password\0");
    assert_eq!(login.bytes(), expected);
    assert_eq!(codec::framed(3, &codec::query("SELECT 1")), b"\x09\0\0\x03\x03SELECT 1");
}

#[test]
fn passwords_are_proved_as_the_plugins_have_it() {
    // Computed by Python's hashlib from the formulas in the documentation.
    assert_eq!(hex(&proof(NATIVE, "right")), "f7c0c34f7ddf026c28f840d5a3d40591171b43a6");
    assert_eq!(
        hex(&proof(CACHING_SHA2, "right")),
        "851dcfe07279fe370df7949daebeed86ec9a9da85bee101829e9b596940ea558"
    );
    assert_eq!((proof(NATIVE, ""), proof(CACHING_SHA2, "")), (vec![], vec![]));
    assert_eq!(Plugin::named("mysql_clear_password").unwrap().proof("", NONCE), None);
    assert_eq!(Plugin::named("client_ed25519"), None);
}

#[test]
fn greetings_are_read_whole() {
    let bytes = greeting(NATIVE, true);
    for end in 0..bytes.len() {
        assert_eq!(codec::first_packet(&bytes[..end]), Ok(None), "{end} bytes");
    }
    let Ok(Some((Packet { sequence: 0, body }, taken))) = codec::first_packet(&bytes) else {
        panic!("a packet")
    };
    assert_eq!(taken, bytes.len());
    let found = codec::greeting(&body).unwrap();
    assert_ne!(found.capabilities & capability::SSL, 0);
    assert_eq!(
        found,
        Greeting {
            product: "MariaDB",
            version: "10.11.14".into(),
            capabilities: found.capabilities,
            plugin: NATIVE.into(),
            nonce: NONCE.to_vec(),
        }
    );
    for end in 0..body.len() - NATIVE.len() - 2 {
        assert!(codec::greeting(&body[..end]).is_err(), "{end} bytes");
    }
    let mysql = [&b"\x0a8.0.36-0ubuntu0\0"[..], &body[34..]].concat();
    assert_eq!(
        codec::greeting(&mysql).map(|found| (found.product, found.version)),
        Ok(("MySQL", "8.0.36".into()))
    );
}

#[test]
fn answers_are_told_apart() {
    let denied = || ServerError { code: 1045, message: "hunter2".into() };
    let body = |packet: Vec<u8>| packet[4..].to_vec();
    assert_eq!(codec::reply(&body(error(2, 1045))), Ok(Reply::Error(denied())));
    assert_eq!(codec::error(b"\xff\x10\x04Too many connections").unwrap().unwrap().code, 1040);
    assert_eq!(codec::reply(&body(ok(2))), Ok(Reply::Ok));
    let asked = |plugin: &str, nonce: &[u8]| Ok(Reply::Switch { plugin: plugin.into(), nonce: nonce.into() });
    assert_eq!(codec::reply(&body(switch(2, "dialog"))), asked("dialog", NONCE));
    assert_eq!(codec::reply(&[0xFE]), asked("mysql_old_password", b""));
    assert_eq!(codec::reply(&[1, 4]), Ok(Reply::More(vec![4])));
    assert!(codec::reply(&[2]).is_err());

    assert_eq!(codec::result(&body(ok(1))), Ok(Result41::End));
    assert_eq!(codec::result(&body(error(1, 1045))), Ok(Result41::Error(denied())));
    assert_eq!(codec::result(&[0xFC, 0, 1]), Ok(Result41::Columns(256)));
    for bad in [&b"\xfb/etc/passwd"[..], &[0xFC, 0xFF, 0xFF], &[0xFE, 1], &[0xFF]] {
        assert!(codec::result(bad).is_err(), "{bad:?}");
    }
    assert_eq!(codec::row(b"\x0242\x01x"), Ok(Row(Some("42".into()))));
    assert_eq!(codec::row(b"\xfb"), Ok(Row(None)));
    assert!(codec::row(b"\xfe\xff\xff\xff\xff\xff\xff\xff\xffa").is_err());
    assert!(codec::is_end(&[0xFE, 0, 0, 2, 0]) && !codec::is_end(&[0xFE; 9]) && !codec::is_end(&[1]));
}

#[test]
fn what_is_no_packet_is_told() {
    for (bytes, what) in [
        (&b"HTTP/1.1 400 Bad Request"[..], "a packet with a number where the first one is to be"),
        (b"\0\0\0\0\x0a", "an empty packet"),
        (b"\x01\0\x10\0\x0a", "a packet longer than 1 MiB"),
        (b"\x10\0\0\0\x09", "a server older than MySQL 3.21"),
        (b"\x10\0\0\0\x0b", "no greeting"),
        (b"\x10\0\0\x01\x0a", "a packet with a number where the first one is to be"),
    ] {
        assert_eq!(codec::first_packet(bytes), Err(Malformed(what)), "{bytes:?}");
    }
}

#[tokio::test]
async fn errors_have_their_classes_with_and_without_a_user() {
    for (code, nobody, somebody) in [
        (1045, "ready", "auth.denied"),
        (1698, "ready", "auth.denied"),
        (1044, "ready", "auth.denied"),
        (1049, "ready", "service.missing"),
        (1251, "ready", "auth.method"),
        (4151, "ready", "auth.denied"),
        (1040, "service.error", "service.error"),
        (1053, "service.error", "service.error"),
        (1129, "service.error", "service.error"),
        (1130, "auth.denied", "auth.denied"),
        (1047, "service.starting", "service.starting"),
        (9999, "service.error", "service.error"),
    ] {
        for (target, user, expected) in [("", "prereq", nobody), ("me@", "me", somebody)] {
            let script =
                vec![Says(greeting(NATIVE, false)), login(user, None, NATIVE, b""), Says(error(2, code))];
            let found = attempt(&format!("mysql://{target}PEER"), script).await;
            assert!(found.starts_with(expected), "{code} for {user}: {found}");
            // Instead of a greeting; there is no SQLSTATE then, either.
            let bare = packet(0, &[&[0xFF], &u16::to_le_bytes(code)[..], b"hunter2"].concat());
            let early = attempt(&format!("mysql://{target}PEER"), vec![Says(bare)]).await;
            assert!(early.starts_with(somebody), "{code} for {user}: {early}");
            assert!(!(found + &early).contains("hunter2"));
        }
    }
    let script =
        vec![Says(greeting(NATIVE, false)), login("prereq", Some("app"), NATIVE, b""), Says(error(2, 1049))];
    assert_eq!(attempt("mariadb://PEER/app", script).await, "service.missing there is no database app");
}

#[test]
fn error_numbers_are_told_in_words() {
    const FULL: &str = "service.error the server has no connection left";
    const DOWN: &str = "service.error the server is shutting down";
    const REFUSED: &str = "auth.denied the server refuses user and password";
    const RIGHTS: &str = "auth.denied the user may not do what is asked for";
    const MISSING: &str = "service.missing what the query names is not there";
    const METHOD: &str = "auth.method the server cannot authenticate this user";
    let (named, none) = (Wanted { database: Some("app".into()), ..Wanted::default() }, Wanted::default());
    // What is said of it, and whether it is what a server says that only wants to know who asks.
    for (code, expected, knock) in [
        (1040, FULL, false),
        (1203, "service.error the server has no connection left for this user", false),
        (1226, "service.error the server has no connection left for this user", false),
        (1053, DOWN, false),
        (1077, DOWN, false),
        (1079, DOWN, false),
        (
            1129,
            "service.error the server has blocked this host: too many connections from here broke off",
            false,
        ),
        (3032, "service.error the server is in offline mode", false),
        (3159, "service.error the server takes no connections without TLS", false),
        (1045, REFUSED, true),
        (1698, REFUSED, true),
        (1044, "auth.denied the user may not use the database", true),
        (1130, "auth.denied the server lets nobody in from this host", false),
        (1142, RIGHTS, false),
        (1143, RIGHTS, false),
        (1227, RIGHTS, false),
        (1370, RIGHTS, false),
        (1820, "auth.denied the user's password has expired", true),
        (1862, "auth.denied the user's password has expired", true),
        (3118, "auth.denied the user is locked", true),
        (4151, "auth.denied the user is locked", true),
        (1251, METHOD, true),
        (1524, METHOD, true),
        (1146, MISSING, false),
        (1054, MISSING, false),
        (1305, MISSING, false),
        (1290, "service.role the server is read-only", false),
        (1836, "service.role the server is read-only", false),
        (1047, "service.starting the node has not joined its cluster", false),
        (1049, "service.missing there is no database app", false),
        (9999, "service.error the server answers with error 9999", false),
    ] {
        let error = ServerError { code, message: "hunter2".into() };
        let reason = judge::refused(&error, &named);
        assert_eq!(reason.facts, [crate::check::Fact::Code(code.to_string())]);
        assert_eq!(judgement::<()>(Err(reason)), expected, "{code}");
        assert_eq!(judge::takes_connections(&error, &named), knock, "{code}");
        assert_eq!(judge::takes_connections(&error, &none), knock || code == 1049, "{code}");
    }
}

#[tokio::test]
async fn nobody_is_let_in_and_that_is_enough() {
    let knock = |answers: Vec<Line>| {
        let mut script = vec![Says(greeting(CACHING_SHA2, false)), login("prereq", None, CACHING_SHA2, b"")];
        script.extend(answers);
        script
    };
    for answers in [
        vec![Says(ok(2)), bye()],
        vec![Says(error(2, 1045))],
        vec![Says(switch(2, NATIVE)), Hears(packet(3, b"")), Says(error(4, 1045))],
        vec![Says(switch(2, "client_ed25519"))],
        vec![Says(switch(2, "mysql_clear_password"))],
    ] {
        let found = attempt("mysql://PEER", knock(answers)).await;
        let place = found.strip_prefix("ready MariaDB 10.11.14 at 127.0.0.1:");
        assert!(place.is_some_and(|place| place.ends_with(" accepts connections")), "{found}");
    }
}

#[tokio::test]
async fn a_password_goes_out_hashed_or_not_at_all() {
    let target = "mysql://me:pw@PEER";
    let begun = |plugin: &str, used: &str, answers: Vec<Line>| {
        let mut script = vec![Says(greeting(plugin, false)), login("me", None, used, &proof(used, "pw"))];
        script.extend(answers);
        script
    };
    for script in [
        begun(NATIVE, NATIVE, vec![Says(ok(2)), bye()]),
        begun(CACHING_SHA2, CACHING_SHA2, vec![Says([packet(2, &[1, 3]), ok(3)].concat()), bye()]),
        begun(
            NATIVE,
            NATIVE,
            vec![
                Says(switch(2, CACHING_SHA2)),
                Hears(packet(3, &proof(CACHING_SHA2, "pw"))),
                Says([packet(4, &[1, 3]), ok(5)].concat()),
                bye(),
            ],
        ),
        begun("mysql_clear_password", NATIVE, vec![Says(ok(2)), bye()]),
        begun("a plugin of tomorrow", NATIVE, vec![Says(ok(2)), bye()]),
    ] {
        let found = attempt(target, script).await;
        assert!(found.starts_with("ready ") && found.ends_with(" lets me in"), "{found}");
    }
    for (answer, class) in [
        (switch(2, "mysql_clear_password"), "auth.insecure"),
        (switch(2, "sha256_password"), "auth.insecure"),
        (switch(2, "client_ed25519"), "auth.method"),
        (packet(2, &[0xFE]), "auth.method"),
        (packet(2, &[1, 4]), "service.protocol"),
        (ok(3), "service.protocol"),
    ] {
        let found = attempt(target, begun(NATIVE, NATIVE, vec![Says(answer)])).await;
        assert!(found.starts_with(class), "{class}: {found}");
    }
    let full = begun(CACHING_SHA2, CACHING_SHA2, vec![Says(packet(2, &[1, 4]))]);
    assert!(attempt(target, full).await.starts_with("auth.insecure"));
    // For ever and ever.
    let again: Vec<u8> = (2..20).flat_map(|sequence| packet(sequence, &[1, 3])).collect();
    let found = attempt(target, begun(CACHING_SHA2, CACHING_SHA2, vec![Says(again)])).await;
    assert!(found.starts_with("service.protocol"), "{found}");
}

#[tokio::test]
async fn tables_queries_and_roles_are_asked_for() {
    let table = || {
        asks(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = CONVERT(X'617070' USING utf8mb4) \
              AND table_name = CONVERT(X'6127' USING utf8mb4) LIMIT 1",
        )
    };
    let target = "mysql://me@PEER#table=app.a'";
    let found = attempt(target, inside(vec![table(), rows(&[Some("1")]), bye()])).await;
    assert!(found.ends_with(" lets me in, table app.a' is there"), "{found}");
    let found = attempt(target, inside(vec![table(), rows(&[])])).await;
    assert_eq!(found, "service.missing there is no table app.a'");

    let query = |answer: Line, more: Vec<Line>| {
        let mut script =
            vec![asks("SET SESSION sql_select_limit = 1"), Says(ok(1)), asks("select x"), answer];
        script.extend(more);
        inside(script)
    };
    let target = "mysql://me@PEER#query=select%20x&expect=^4";
    let found = attempt(target, query(rows(&[Some("42"), Some("x")]), vec![bye()])).await;
    assert!(found.ends_with(", the query returns what it must"), "{found}");
    for (answer, class) in [
        (rows(&[Some("x"), Some("42")]), "service.missing"),
        (rows(&[None]), "service.missing"),
        (rows(&[]), "service.missing"),
        (Says(ok(1)), "service.missing"),
        (Says(error(1, 1146)), "service.missing"),
        (Says(error(1, 1142)), "auth.denied"),
        (Says(error(1, 1290)), "service.role"),
        (Says(error(1, 1064)), "service.error"),
        (Says(packet(1, b"\xfb/etc/passwd")), "service.protocol"),
    ] {
        let found = attempt(target, query(answer, vec![])).await;
        assert!(found.starts_with(class) && !found.contains("hunter2"), "{class}: {found}");
    }

    for (role, value, expected) in [
        ("primary", "0", "ready"),
        ("primary", "OFF", "ready"),
        ("primary", "1", "service.role"),
        ("replica", "1", "ready"),
        ("replica", "0", "service.role"),
    ] {
        let mut script = vec![asks("SELECT @@global.read_only"), rows(&[Some(value)])];
        script.extend((expected == "ready").then(bye));
        let found = attempt(&format!("mysql://me@PEER#role={role}"), inside(script)).await;
        assert!(found.starts_with(expected), "{role} {value}: {found}");
    }
}

#[tokio::test]
async fn tls_is_required_or_not() {
    for required in ["?ssl-mode=REQUIRED", "?sslMode=verify_identity", "#insecure"] {
        let found = attempt(&format!("mysql://PEER{required}"), vec![Says(greeting(NATIVE, false))]).await;
        assert!(found.starts_with("tls.protocol the server at 127.0.0.1:"), "{required}: {found}");
    }
    let begins = Hears(packet(1, &codec::ssl_request()));
    let found = attempt("mysql://PEER?ssl-mode=REQUIRED", vec![Says(greeting(NATIVE, true)), begins]).await;
    assert!(found.starts_with("tcp.closed connection closed during the TLS handshake"), "{found}");
    let disabled = vec![Says(greeting(NATIVE, true)), login("prereq", None, NATIVE, b""), Says(ok(2)), bye()];
    assert!(attempt("mysql://PEER?ssl-mode=DISABLED", disabled).await.starts_with("ready"));
}

#[tokio::test]
async fn silence_is_told_by_where_it_begins() {
    let found = attempt("mysql://PEER", vec![FallsSilent]).await;
    assert!(found.starts_with("service.timeout connection accepted, but no MySQL answer"), "{found}");
    let found =
        attempt("mysql://me@PEER#role=primary", inside(vec![asks("SELECT @@global.read_only"), FallsSilent]))
            .await;
    assert!(found.starts_with("service.timeout me is let in, but 127.0.0.1:"), "{found}");
    let found = attempt("mysql://PEER", vec![Says(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())]).await;
    assert!(found.starts_with("service.protocol no MySQL at"), "{found}");
}

#[tokio::test]
async fn an_explanation_shows_each_step() {
    let script = inside(vec![asks("SELECT @@global.read_only"), rows(&[Some("0")]), bye()]);
    assert_eq!(
        layers("mysql://me@PEER#role=primary", script).await,
        [
            "greeting: MariaDB 10.11.14, without TLS, mysql_native_password",
            "auth: me is let in by mysql_native_password",
            "role: a row"
        ]
    );
}

#[test]
fn mistakes_are_told_with_what_is_right() {
    for (target, told) in [
        ("mysql://h?ssl-mode=VERIFY", "parameter ssl-mode is not one of"),
        ("mysql://h?charst=utf8", "did you mean 'charset'?"),
        ("mysql://h?ssl-ca=/ca.pem", "#cacert=PATH"),
        ("mysql://u@h#table=t", "write HOST/DATABASE or table=DATABASE.TABLE"),
        ("mariadb://h#query=select 1", "write mariadb://USER@HOST"),
    ] {
        assert!(problems(target).contains(told), "{target}: {}", problems(target));
    }
    for target in [
        "mysql://h",
        "mariadb://u:p@h:1/db?charset=utf8mb4&connectTimeout=5&sslMode=Preferred",
        "mysql://u@h/db?socket=/run/mysqld/mysqld.sock#role=replica&table=b&query=select 1&expect=1",
        "mysql://u@h#table=a.b&unix=/run/mysqld/mysqld.sock",
    ] {
        assert!(probe(target).is_ok(), "{target}");
    }
}
