use super::*;

/// The text and the options as they are written, where `<what>` stands for a secret.
fn of(flag: Option<&'static str>, text: &str) -> String {
    let env = Env::from([("T", "hunter2"), ("H", "db:5432"), ("EMPTY", "")]);
    let target = Target::parse(text, flag, &env).unwrap();
    let spec = TargetSpec { text: text.into(), flag, ..TargetSpec::default() };
    let mut hide = |what: &str, _: &str| format!("<{what}>");
    let written = written(&spec, &target, &env, &mut hide).unwrap();
    let options = written.options.iter().map(|(name, value)| format!(" {name}={value}"));
    written.text + &options.collect::<String>()
}

#[test]
fn what_is_written_is_what_was_given() {
    for (flag, text, becomes) in [
        (None, "db:5432", "db:5432"),
        (Some("tcp"), "db:5432", "tcp://db:5432"),
        (Some("tcp"), "${H}", "tcp://${H}"),
        // A path is one, whatever is in it.
        (Some("file"), "/a%20b?token=hunter2", "/a%20b?token=hunter2"),
        (None, "file:/a?token=1", "file:/a?token=1"),
        (None, "file:///a//b@c", "file:///a//b@c"),
        (None, "http://h/a//b@c?d@e", "http://h/a//b@c?d@e"),
        (None, "http://h/$$x?y=$$$${z}", "http://h/$x?y=$$$${z}"),
        (None, "tcp://h:1#insecure=&name=a%20b&optional", "tcp://h:1 insecure= name=a b optional=true"),
    ] {
        assert_eq!(of(flag, text), becomes, "{flag:?} {text}");
    }
}

#[test]
fn secrets_are_handed_over_and_variables_stay() {
    for (text, becomes) in [
        ("http://me:hunter2@h/x", "http://me:<password>@h/x"),
        ("http://me:${T}@h/x", "http://me:${T}@h/x"),
        ("http://me:${T:-hunter2}@h/x", "http://me:${T}@h/x"),
        ("http://me:${T:-}@h/x", "http://me:${T:-}@h/x"),
        ("http://me:@h/x", "http://me:@h/x"),
        ("http://hunter2@h", "http://<login>@h"),
        ("postgres://me@h", "postgres://me@h"),
        ("http://h?token=hunter2&a=1&b", "http://h?token=<token>&a=1&b"),
        ("http://h/?q=1&token=x+${T}", "http://h/?q=1&token=<token>+${T}"),
        ("http://h/?sixteen--letters&fifteen-letters", "http://h/?<query>&fifteen-letters"),
        ("http://h/?sixteen--letters+${T}", "http://h/?<query>+${T}"),
        ("http://h#header=Accept:%20text/html", "http://h header=Accept: text/html"),
        ("http://h#header=X-Key:%20hunter2", "http://h header=X-Key: <X-Key>"),
        (
            "http://h#header=authorization:Bearer%20hunter2",
            "http://h header=authorization:Bearer <authorization>",
        ),
        ("http://h#header=authorization:Bearer%20${T}", "http://h header=authorization:Bearer ${T}"),
        ("http://h#header=hunter2", "http://h header=<header>"),
        ("http://h#proxy=http://u:hunter2@p:1", "http://h proxy=<proxy>"),
        ("http://h#proxy=http://p:1/@", "http://h proxy=http://p:1/@"),
    ] {
        assert_eq!(of(None, text), becomes, "{text}");
    }
}
