use super::*;

fn parse(text: &str) -> Target {
    let env = Env::from([
        ("PW", "p@ss/w#rd"),
        ("ADDR", "db:5432"),
        ("URL", "http://u:s3cret@web:8080/x?token=t0k"),
        ("DIR", "/a b"),
    ]);
    Target::parse(text, None, &env).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

fn problem(text: &str) -> String {
    let problems = Target::parse(text, None, &Env::default()).unwrap_err();
    let said = |p: &Problem| format!("{}|{}", p.what, p.hint.as_deref().unwrap_or_default());
    problems.iter().map(said).collect::<Vec<_>>().join("\n")
}

#[test]
fn shorthands_are_completed() {
    for (text, label) in [
        ("db:5432", "tcp://db:5432"),
        ("redis:6379", "tcp://redis:6379"),
        (":8080", "tcp://:8080"),
        ("[::1]:80", "tcp://[::1]:80"),
        ("10.0.0.1:80", "tcp://10.0.0.1:80"),
        ("/a/b", "file:/a/b"),
        ("./a", "file:./a"),
        ("/a%20b", "file:/a%20b"),
        ("file:/a%20b", "file:/a b"),
        ("file:///a", "file:/a"),
        ("HTTP://h", "http://h"),
        ("dns:db.test", "dns:db.test"),
        ("dns://10.0.0.1/db.test", "dns://10.0.0.1/db.test"),
        ("exec:true", "exec:true"),
        ("exec:psql -c 'select 1'", "exec:psql …"),
    ] {
        let shown = parse(text).label();
        assert_eq!(shown.replace("file:///", "file:/"), label, "{text}");
    }
}

#[test]
fn variables_stay_in_their_part() {
    let target = parse("http://u:${PW}@web/x#header=X:${PW}&name=a");
    assert_eq!(target.password.as_ref().map(Secret::expose), Some("p@ss/w#rd"));
    assert_eq!(target.host, Some(Host::Name("web".into())));
    assert_eq!(target.option("header"), Some("X:p@ss/w#rd"));
    assert_eq!(target.option("name"), Some("a"));
    assert_eq!(target.label(), "http://u:***@web/x");

    assert_eq!(parse("tcp://${ADDR}").port, Some(5432));
    assert_eq!(parse("${ADDR}").label(), "tcp://db:5432");
    assert_eq!(parse("${URL}").label(), "http://u:***@web:8080/x?token=***");
    assert_eq!(parse("file:${DIR}/c").plain_path(), Ok("/a b/c".into()));
    assert_eq!(parse("http://h/${PW}").path, "/p@ss/w%23rd");
    assert_eq!(parse("http://h/?q=${PW}&r=1").query.as_deref(), Some("q=p@ss/w%23rd&r=1"));
}

#[test]
fn options_are_decoded() {
    let target = parse("tcp://h:1#send=a%0D%0A&insecure&expect=x=y");
    assert_eq!(
        target.options,
        [("send", "a\r\n"), ("insecure", "true"), ("expect", "x=y")].map(|(a, b)| (a.into(), b.into()))
    );
}

#[test]
fn mistakes_are_explained() {
    for (text, says) in [
        ("", "the target is empty"),
        ("htp://x", "unknown scheme 'htp' in 'htp://x'|did you mean 'http'?"),
        ("db", "has neither scheme nor port"),
        ("nto", "did you mean 'not'?"),
        ("::1", "write [::1]:PORT"),
        ("tcp:db:1", "'tcp:' is not followed by '//'"),
        ("tcp://h:99999", "'99999' is not a port"),
        ("tcp://h:0", "'0' is not a port"),
        ("tcp://[::1:1", "no closing ']'"),
        ("tcp://1.2.3:1", "'1.2.3' is not an IPv4 address"),
        ("tcp://a..b:1", "'a..b' is not a host name"),
        ("tcp://a$b:1", "it holds '$'"),
        ("tcp://a:b:1", "more than one colon"),
        ("1:2:3", "'1:2:3' is not a precondition|an IPv6 address is written in brackets"),
        ("1a:x", "has neither scheme nor port|write tcp://1a:x:PORT"),
        ("tcp://[::1]1", "something other than a port behind ']'"),
        ("tcp://a:1,b:1", "more than one host is given|write tcp://A or tcp://B"),
        ("tcp://${NOPE}:1", "variable NOPE is not set"),
        ("http://h/#x=%FF", "the option value is not UTF-8"),
    ] {
        let said = problem(text);
        assert!(said.contains(says), "{text}: {said}");
    }
}

#[test]
fn no_message_repeats_a_secret() {
    for text in [
        "htp://u:hunter2@h",
        "u:hunter2@h",
        "http://u:hunter2@[::1/x",
        "http://u:hun/ter2@h",
        "http://u:hunter2,/x@h",
        "bad#password=hunter2",
    ] {
        assert!(!problem(text).contains("hunter2"), "{}", problem(text));
    }
}

#[test]
fn a_flag_gives_the_scheme_that_lacks() {
    for (flag, text, becomes) in [
        ("tcp", "db:5432", Ok("tcp://db:5432")),
        ("tcp", "tcp://db:5432", Ok("tcp://db:5432")),
        // A host may be called like a scheme.
        ("tcp", "tcp:5432", Ok("tcp://tcp:5432")),
        ("tcp", "http:80", Ok("tcp://http:80")),
        ("http", "localhost:80/x", Ok("http://localhost:80/x")),
        ("http", "HTTPS://h", Ok("https://h")),
        ("dns", "db.test", Ok("dns:db.test")),
        ("file", "/a", Ok("file:/a")),
        ("http", "tcp://a:1", Err("'tcp://a:1' is not a http target")),
        ("tcp", "htp://a:1", Err("is not a port")),
    ] {
        let found = Target::parse(text, Some(flag), &Env::default());
        let found = found.map(|target| target.label()).map_err(|problems| problems[0].what.clone());
        match becomes {
            Ok(label) => assert_eq!(found.as_deref(), Ok(label), "--{flag} {text}"),
            Err(says) => {
                assert!(found.as_ref().is_err_and(|what| what.contains(says)), "--{flag} {text}: {found:?}");
            }
        }
    }
}

#[test]
fn a_host_name_is_as_long_as_dns_can_have_it() {
    let name = |last: usize| format!("{0}.{0}.{0}.{1}", "a".repeat(63), "a".repeat(last));
    assert_eq!(Host::parse(&name(61)), Ok(Host::Name(name(61))));
    assert!(Host::parse(&format!("{}.", name(61))).is_ok());
    assert!(Host::parse(&name(62)).unwrap_err().what.ends_with("is longer than 253 characters"));
    assert!(Host::parse(&"a".repeat(64)).is_err());
}

#[test]
fn a_user_is_shown_unless_it_may_be_a_token() {
    for (text, label) in [
        ("http://t0k3n@h", "http://***@h"),
        ("postgres://me@h", "postgres://me@h"),
        ("http://:pw@h", "http://:***@h"),
        ("nats://t0k3n@h", "nats://***@h"),
        ("nats://me:pw@h", "nats://me:***@h"),
        ("tcp://h:1", "tcp://h:1"),
    ] {
        assert_eq!(parse(text).label(), label);
    }
}
