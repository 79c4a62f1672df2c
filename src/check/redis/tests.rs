use super::codec::{Refusal, reply, request};
use super::*;
use crate::check::scripted::Line::{FallsSilent, Hears, HearsAnything, Says};
use crate::check::scripted::{Line, attempt, judgement, layers, probe, problems};
use crate::check::service::Malformed;

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.into())
}

/// A script of requests and answers.
fn script(turns: &[(&str, &str)]) -> Vec<Line> {
    let request = |words: &str| request(&words.split(' ').collect::<Vec<_>>());
    turns.iter().flat_map(|(asked, said)| [Hears(request(asked)), Says(said.as_bytes().into())]).collect()
}

#[test]
fn requests_are_arrays_of_strings() {
    assert_eq!(request(&["LLEN", "mylist"]), b"*2\r\n$4\r\nLLEN\r\n$6\r\nmylist\r\n");
    assert_eq!(request(&["AUTH", "p\r\nw"]), b"*2\r\n$4\r\nAUTH\r\n$4\r\np\r\nw\r\n");
}

#[test]
fn replies_of_both_versions_are_read() {
    let refusal = |code: &str, text: &str| Reply::Error(Refusal { code: code.into(), text: text.into() });
    for (bytes, expected) in [
        ("+OK\r\n", Reply::Status("OK".into())),
        ("-WRONGTYPE Operation against\r\n", refusal("WRONGTYPE", "WRONGTYPE Operation against")),
        (":-12\r\n", Reply::Integer(-12)),
        ("$5\r\nhello\r\n", bulk("hello")),
        ("$0\r\n\r\n", bulk("")),
        ("$-1\r\n", Reply::Null),
        ("*-1\r\n", Reply::Null),
        ("_\r\n", Reply::Null),
        ("*2\r\n$5\r\nhello\r\n:1\r\n", Reply::Array(vec![bulk("hello"), Reply::Integer(1)])),
        ("*0\r\n", Reply::Array(vec![])),
        ("#t\r\n", Reply::Other),
        (",1.23\r\n", Reply::Other),
        ("(3492890328409238509324850943850943825024385\r\n", Reply::Other),
        ("!21\r\nSYNTAX invalid syntax\r\n", refusal("SYNTAX", "SYNTAX invalid syntax")),
        ("=15\r\ntxt:Some string\r\n", bulk("Some string")),
        ("%1\r\n+first\r\n:1\r\n", Reply::Array(vec![Reply::Status("first".into()), Reply::Integer(1)])),
        ("~1\r\n:1\r\n", Reply::Array(vec![Reply::Integer(1)])),
        (">2\r\n+message\r\n+hi\r\n", Reply::Push),
        ("|1\r\n+ttl\r\n:3600\r\n:7\r\n", Reply::Integer(7)),
    ] {
        assert_eq!(reply(bytes.as_bytes()), Ok(Some((expected, bytes.len()))), "{bytes:?}");
        for end in 0..bytes.len() {
            assert_eq!(reply(&bytes.as_bytes()[..end]), Ok(None), "{:?}", &bytes[..end]);
        }
    }
}

#[test]
fn what_is_no_reply_is_told() {
    for (bytes, told) in [
        (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), "something else than a reply"),
        (b":twelve\r\n".to_vec(), "a number that is none"),
        (b"$-2\r\n".to_vec(), "a length that is none"),
        (b"$9223372036854775807\r\n".to_vec(), "a reply that is too long"),
        (b"$99999999999999999999\r\n".to_vec(), "a number that is none"),
        (b"*9223372036854775807\r\n".to_vec(), "a reply that is too long"),
        (b"$2\r\nabcd".to_vec(), "a string without an end"),
        (b"+".repeat(20_000), "a line without an end"),
        (b"*1\r\n".repeat(100), "a reply with too many parts"),
        (b"|0\r\n".repeat(100), "a reply with too many parts"),
        (
            b"*8192\r\n*8192\r\n".iter().copied().chain(b"_\r\n".repeat(9000)).collect(),
            "a reply with too many parts",
        ),
    ] {
        assert_eq!(reply(&bytes), Err(Malformed(told)));
    }
}

#[test]
fn errors_are_judged_by_their_prefix() {
    for (text, step, expected) in [
        ("NOAUTH Authentication required.", Step::Key("k"), "auth.denied the server asks for a password"),
        ("WRONGPASS invalid password", Step::LogIn, "auth.denied the server refuses user and password"),
        (
            "ERR AUTH <password> called without any password configured",
            Step::LogIn,
            "auth.denied the server does not take the password, or is configured without one",
        ),
        ("LOADING Redis is loading", Step::LogIn, "service.starting the server is loading its data"),
        ("MASTERDOWN hunter2", Step::LogIn, "service.role the server is a replica without its master"),
        ("CLUSTERDOWN hunter2", Step::LogIn, "service.role the cluster is down"),
        ("NOPERM hunter2", Step::LogIn, "auth.denied the user may not ask: AUTH"),
        (
            "DENIED hunter2",
            Step::LogIn,
            "auth.denied the server is in protected mode, and takes connections of its own host only",
        ),
        ("WHATEVER hunter2", Step::LogIn, "service.error the server fails to log in"),
        ("NOPERM this user has none", Step::Ping, "auth.denied the user may not ask: PING"),
        (
            "DENIED Redis is running in protected mode",
            Step::Ping,
            "auth.denied the server is in protected mode, and takes connections of its own host only",
        ),
        ("LOADING Redis is loading", Step::Ping, "service.starting the server is loading its data"),
        ("MASTERDOWN Link is down", Step::Role, "service.role the server is a replica without its master"),
        ("CLUSTERDOWN Hash slot not served", Step::Key("k"), "service.role the cluster is down"),
        (
            "MOVED 3999 127.0.0.1:6381",
            Step::Key("k"),
            "service.role key k is on another node of the cluster, 127.0.0.1:6381",
        ),
        (
            "ASK 3999 127.0.0.1:6382",
            Step::Key("k"),
            "service.role key k is on another node of the cluster, 127.0.0.1:6382",
        ),
        (
            "MOVED 3999 127.0.0.1:6381",
            Step::Ping,
            "service.error the server answers MOVED 3999 127.0.0.1:6381 to PING",
        ),
        (
            "ERR DB index is out of range",
            Step::Select(99),
            "service.missing the server has no database 99: ERR DB index is out of range",
        ),
        ("BUSY a script", Step::Select(1), "service.error the server answers BUSY a script to SELECT"),
        ("ERR cluster is disabled", Step::Cluster, "service.role the server is no node of a cluster"),
        ("BUSY a script", Step::Cluster, "service.error the server answers BUSY a script to CLUSTER INFO"),
        ("ERR unknown command `SENTINEL`", Step::Sentinel("m"), "service.role the server is no sentinel"),
        (
            "BUSY a script",
            Step::Sentinel("m"),
            "service.error the server answers BUSY a script to SENTINEL GET-MASTER-ADDR-BY-NAME",
        ),
        ("WRONGTYPE Operation against a key", Step::Key("k"), "service.error key k holds no string"),
        (
            "BUSY a script",
            Step::Key("k"),
            "service.error the server answers BUSY a script to the question for the key",
        ),
        ("BUSY a script", Step::Role, "service.error the server answers BUSY a script to ROLE"),
        (
            "ERR max number of clients reached",
            Step::Ping,
            "service.error the server answers ERR max number of clients reached to PING",
        ),
    ] {
        let code = text.split(' ').next().unwrap();
        let reason = judge::refused(step, &Refusal { code: code.into(), text: text.into() });
        assert_eq!(reason.facts, [crate::check::Fact::Code(code.into())]);
        assert_eq!(judgement::<()>(Err(reason)), expected, "{text} at {step:?}");
    }
}

#[test]
fn roles_are_what_the_server_says() {
    let answer = |parts: &[&str]| Reply::Array(parts.iter().map(|part| bulk(part)).collect());
    let replica = |state: &str| {
        Reply::Array(vec![
            bulk("slave"),
            bulk("127.0.0.1"),
            Reply::Integer(9000),
            bulk(state),
            Reply::Integer(1),
        ])
    };
    for (wanted, reply, expected) in [
        (Role::Master, answer(&["master", "1"]), Some("ready")),
        (Role::Master, replica("connected"), Some("the server is a replica, not a master")),
        (Role::Replica, answer(&["master", "1"]), Some("the server is a master, not a replica")),
        (Role::Replica, replica("connected"), Some("ready")),
        (Role::Replica, replica("sync"), Some("the replica is still copying from its master")),
        (Role::Replica, replica("connect"), Some("the replica is not connected to its master: connect")),
        (Role::Sentinel, answer(&["sentinel"]), Some("ready")),
        (Role::Replica, answer(&["sentinel"]), Some("the server is a sentinel, not a replica")),
        (Role::Sentinel, answer(&["master"]), Some("the server is a master, not a sentinel")),
        (Role::Replica, answer(&["slave"]), None),
        (Role::Master, answer(&["king"]), None),
        (Role::Master, Reply::Null, None),
    ] {
        let found = judge::role(wanted, &reply);
        let found = found.map(|judged| judged.map_or_else(|reason| reason.text, |()| "ready".into()));
        assert_eq!(found.as_deref(), expected, "{wanted:?} {reply:?}");
    }
    for name in judge::ROLES {
        let role = Role::named(name).map(|role| format!("{role:?}").to_lowercase());
        assert_eq!(role.as_deref().unwrap_or("any"), *name);
    }
}

#[test]
fn answers_are_judged_by_what_was_asked_or_are_none() {
    let array = |parts: &[&str]| Reply::Array(parts.iter().map(|part| bulk(part)).collect());
    let regex = Regex::new("^ok").unwrap();
    let said = |judged: Option<Result<(), Reason>>| judged.map_or_else(|| "no answer".into(), judgement);
    for (found, expected) in [
        (judge::cluster(&bulk("cluster_enabled:1\r\ncluster_state:ok\r\n")), "ready"),
        (judge::cluster(&bulk("cluster_state:fail\r\n")), "service.role the cluster's state is fail"),
        (judge::cluster(&bulk("hello")), "no answer"),
        (judge::cluster(&Reply::Integer(1)), "no answer"),
        (judge::exists("k", &Reply::Integer(1)), "ready"),
        (judge::exists("k", &Reply::Integer(0)), "service.missing there is no key k"),
        (judge::exists("k", &bulk("1")), "no answer"),
        (judge::value("k", &regex, &bulk("ok then")), "ready"),
        (judge::value("k", &regex, &bulk("not ok")), "service.missing the value of key k does not match"),
        (judge::value("k", &regex, &Reply::Integer(1)), "no answer"),
    ] {
        assert_eq!(said(found), expected);
    }
    let address = |answer: &Reply| judge::address("m", answer);
    assert_eq!(address(&array(&["10.0.0.1", "6379"])), Some(Ok(("10.0.0.1".into(), 6379))));
    let unknown = address(&Reply::Null).map(judgement);
    assert_eq!(unknown.as_deref(), Some("service.missing the sentinel knows no master m"));
    for none in [array(&["10.0.0.1"]), array(&["10.0.0.1", "port"]), bulk("10.0.0.1")] {
        assert_eq!(address(&none), None, "{none:?}");
    }
}

#[tokio::test]
async fn a_server_that_answers_is_ready_and_one_with_a_user_lets_it_in() {
    let found = attempt("redis://PEER", script(&[("PING", "+PONG\r\n")])).await;
    assert!(found.starts_with("ready Redis at 127.0.0.1:") && found.ends_with(" answers"), "{found}");
    let found = attempt("redis://PEER", script(&[("PING", "-NOAUTH Authentication required.\r\n")])).await;
    assert!(found.starts_with("ready ") && found.ends_with("asks for a password"), "{found}");
    let turns = [("AUTH pw", "+OK\r\n"), ("SELECT 2", "+OK\r\n"), ("PING", "+PONG\r\n")];
    assert!(attempt("redis://:pw@PEER/2", script(&turns)).await.starts_with("ready "));
    let turns = [("AUTH me pw", "+OK\r\n"), ("PING", ">1\r\n+hi\r\n+PONG\r\n")];
    assert!(attempt("redis://me:pw@PEER/0", script(&turns)).await.starts_with("ready "));
}

#[tokio::test]
async fn what_is_asked_for_decides() {
    let pong = ("PING", "+PONG\r\n");
    for (options, turns, expected) in [
        ("#key=k", vec![("PING", "-NOAUTH no\r\n")], "auth.denied the server asks for a password"),
        ("#key=k", vec![pong, ("EXISTS k", ":0\r\n")], "service.missing there is no key k"),
        ("#key=k", vec![pong, ("EXISTS k", ":1\r\n")], "ready "),
        ("#key=k", vec![pong, ("EXISTS k", "+OK\r\n")], "service.protocol no Redis at"),
        (
            "#key=k&expect=^up$",
            vec![pong, ("EXISTS k", ":1\r\n"), ("GETRANGE k 0 65535", "$4\r\ndown\r\n")],
            "service.missing the value of key k does not match",
        ),
        (
            "#key=k&expect=^up$",
            vec![pong, ("EXISTS k", ":1\r\n"), ("GETRANGE k 0 65535", "$2\r\nup\r\n")],
            "ready ",
        ),
        (
            "#cluster",
            vec![pong, ("CLUSTER INFO", "$22\r\ncluster_state:fail\r\nx:\r\n")],
            "service.role the cluster's state is fail",
        ),
        ("#cluster", vec![pong, ("CLUSTER INFO", "$16\r\ncluster_state:ok\r\n")], "ready "),
        ("#role=master", vec![pong, ("ROLE", "*1\r\n$6\r\nmaster\r\n")], "ready "),
        ("#role=any", vec![pong], "ready "),
        (
            "#sentinel=m",
            vec![pong, ("SENTINEL GET-MASTER-ADDR-BY-NAME m", "*-1\r\n")],
            "service.missing the sentinel knows no master m",
        ),
        (
            "#sentinel=m",
            vec![pong, ("SENTINEL GET-MASTER-ADDR-BY-NAME m", "*2\r\n$9\r\n127.0.0.1\r\n$1\r\n1\r\n")],
            "tcp.refused master m: connection refused by 127.0.0.1:1",
        ),
        (
            "#sentinel=m",
            vec![pong, ("SENTINEL GET-MASTER-ADDR-BY-NAME m", "*2\r\n$1\r\nh\r\n$5\r\n99999\r\n")],
            "service.protocol no Redis at",
        ),
    ] {
        let found = attempt(&format!("redis://PEER{options}"), script(&turns)).await;
        assert!(found.starts_with(expected), "{options}: {found}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_password_does_not_repeat_it() {
    let turns = [("AUTH hunter2", "-ERR unknown command `AUTH`, with args beginning with: `hunter2`\r\n")];
    let found = attempt("redis://:hunter2@PEER", script(&turns)).await;
    assert!(found.starts_with("auth.denied") && !found.contains("hunter2"), "{found}");
    let turns = [("AUTH hunter2", "+OK\r\n"), ("PING", "-BUSY with hunter2\r\n")];
    let found = attempt("redis://:hunter2@PEER", script(&turns)).await;
    assert_eq!(found, "service.error the server answers what it was sent to PING");
}

#[tokio::test]
async fn what_is_no_redis_is_told() {
    for (said, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "service.protocol no Redis at"),
        (b"\x15\x03\x03\0\x02\x02\x50", "service.protocol no Redis at"),
        (b"+OK\r\n", "service.protocol no Redis at"),
        (b"$1000000000000\r\n", "service.protocol no Redis at"),
        (b"$4\r\nPO", "service.protocol no Redis at"),
        (b"", "tcp.closed"),
    ] {
        let found = attempt("redis://PEER", vec![HearsAnything, Says(said.to_vec())]).await;
        assert!(found.starts_with(expected), "{found}");
    }
    let found = attempt("redis://PEER", vec![HearsAnything, Says(b"+PON".to_vec()), FallsSilent]).await;
    assert!(found.starts_with("service.timeout connection accepted, but no Redis answer"), "{found}");
}

#[tokio::test]
async fn an_explanation_shows_each_step() {
    let turns = [
        ("AUTH pw", "+OK\r\n"),
        ("SELECT 2", "+OK\r\n"),
        ("PING", "+PONG\r\n"),
        ("ROLE", "*1\r\n$6\r\nmaster\r\n"),
        ("CLUSTER INFO", "$16\r\ncluster_state:ok\r\n"),
        ("EXISTS k", ":1\r\n"),
    ];
    let shown = layers("redis://:pw@PEER/2#key=k&role=master&cluster", script(&turns)).await;
    assert_eq!(
        shown,
        ["log-in: OK", "database: OK", "ping: PONG", "role: master", "cluster: 16 bytes", "key: 1"]
    );
    let turns = [("PING", "+PONG\r\n"), ("SENTINEL GET-MASTER-ADDR-BY-NAME m", "*-1\r\n")];
    assert_eq!(layers("redis://PEER#sentinel=m", script(&turns)).await, ["ping: PONG", "sentinel: nothing"]);
}

#[test]
fn mistakes_are_told_with_what_is_right() {
    for (target, told) in [
        ("redis://me@h", "a user needs a password"),
        ("redis://h/one", "redis://HOST/1"),
        ("redis://h?db=1", "redis://HOST/1"),
        ("redis://h#expect=x", "add key=KEY"),
        ("redis://h#key=", "the name is empty"),
        ("redis://h#role=mastre", "did you mean 'master'?"),
        ("redis://h/1#sentinel=m", "a database does not go together with sentinel"),
        ("redis://h#sentinel=m&role=master", "option role does not go together with sentinel"),
        ("redis://h#insecure", "write rediss://"),
        ("redis://h#client-key=/k", "write rediss://"),
        ("redis://h#unix=/s", "redis:///#unix=PATH"),
        ("rediss:///#unix=/s", "write redis://"),
    ] {
        let problems = problems(target);
        assert!(problems.contains(told), "{target}: {problems}");
    }
    for target in
        ["redis://h", "rediss://:pw@h:6380/3#insecure", "redis:///1#unix=/s", "redis://h#sentinel=m"]
    {
        assert!(probe(target).is_ok(), "{target}");
    }
}
