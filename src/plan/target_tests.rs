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
