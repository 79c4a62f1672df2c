//! Mistakes: status 2, all of them at once, the nearest right thing, and not a packet.

use crate::program::{Server, finish, prereq, run};

#[test]
fn every_mistake_is_reported_at_once_and_nothing_is_probed() {
    let server = Server::start(|_, _| {});
    let address = server.address;
    let ran = finish(
        prereq()
            .args([
                "--tiemout",
                "3s",
                "--interval",
                "60",
                &format!("tcp://{address}"),
                "htp://x",
                "tcp://h:1#hodl=1s",
                "or",
            ])
            .env("PREREQ_SPLAYS", "1s")
            .env("PREREQ_FACTOR", "none"),
    );
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""));
    for says in [
        "error: --tiemout: unknown option\n  hint: did you mean '--timeout'?",
        "error: --interval: '60' has no unit",
        "error: PREREQ_SPLAYS: unknown variable\n  hint: did you mean 'PREREQ_SPLAY'?",
        "error: PREREQ_FACTOR: 'none' is not a number from 1 to 100",
        "unknown scheme 'htp' in 'htp://x'\n  hint: did you mean 'http'?",
        "tcp has no option 'hodl'\n  hint: did you mean 'hold'?",
        "'or' has no precondition behind it",
    ] {
        assert!(ran.stderr.contains(says), "{says}\n---\n{}", ran.stderr);
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn nothing_to_wait_for_is_a_mistake() {
    for line in ["", "--timeout 3s", "-- true"] {
        let ran = run(line);
        assert_eq!(ran.status, 2, "{line}");
        assert!(ran.stderr.contains("nothing to wait for"), "{}", ran.stderr);
    }
}

#[test]
fn single_mistakes_say_what_would_be_right() {
    for (line, says) in [
        ("tcp://localhost", "the port is missing"),
        ("tcp://localhost:1#timeout=60", "option timeout: '60' has no unit"),
        ("tcp://localhost:1#successes=0", "option successes: '0' is not a whole number from 1 on"),
        ("tcp://localhost:1#hold=1s&hold=2s", "option hold is given more than once"),
        ("tcp://localhost:1#fail-on=tcp.refusd", "did you mean 'tcp.refused'?"),
        ("tcp://localhost:1#interval=2s&max-interval=1s", "interval 2s is longer than max-interval 1s"),
        ("tcp://localhost:1/path", "a tcp target has no path"),
        ("tcp://u:p@localhost:1", "takes no user or password"),
        ("tcp://localhost:1#addresses=some", "neither any, all nor a number"),
        ("tcp://localhost:1#expect=(", "not a regular expression"),
        ("tcp://[::1:80", "no closing ']'"),
        ("::1", "write [::1]:PORT"),
        ("--tcp http://localhost", "is not a tcp target"),
        ("file:", "the path is missing"),
        ("file:/x#kind=folder", "is not one of file, dir, socket, fifo"),
        ("file:/x#min-size=big", "'big' is not a size"),
        ("file:/x#min=2", "the path is no pattern"),
        ("delay:5", "'5' has no unit"),
        ("not delay:5s", "'not' has no meaning for delay"),
        ("dns:x#type=AA", "option type"),
        ("http://localhost/#status=2x", "status"),
        ("http://localhost/#header=novalue", "header"),
        ("http://localhost/#json=..[", "json"),
        ("https://localhost/#cacert=/does/not/exist", "cacert"),
        ("tcp://${NOPE}:1", "variable NOPE is not set"),
        ("--splay 10s --timeout 5s tcp://localhost:1", "splay is not shorter than timeout"),
        ("--log-format xml tcp://localhost:1", "'xml' is not one of text, json"),
        ("--backoff adaptiv tcp://localhost:1", "did you mean 'adaptive'?"),
        ("--proxy ftp://x tcp://localhost:1", "--proxy"),
        ("tcp://localhost:1 --timeout", "--timeout: a value is missing"),
    ] {
        let ran = run(line);
        assert_eq!(ran.status, 2, "{line}: {}", ran.stdout);
        assert!(ran.stderr.contains(says), "{line}\n{}", ran.stderr);
    }
}

#[test]
fn what_kubernetes_injects_for_a_service_of_that_name_is_no_mistake() {
    let ran = finish(
        prereq()
            .args(["file:/", "-q"])
            .env("PREREQ_SERVICE_HOST", "10.0.0.7")
            .env("PREREQ_SERVICE_PORT", "80")
            .env("PREREQ_PORT", "tcp://10.0.0.7:80")
            .env("PREREQ_PORT_80_TCP_ADDR", "10.0.0.7"),
    );
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn an_explicit_default_beats_the_environment() {
    let ran = finish(
        prereq()
            .args(["file:/does/not/exist", "--timeout", "300ms", "--once=false"])
            .env("PREREQ_ONCE", "yes"),
    );
    assert_eq!(ran.status, 124);
    let ran = finish(prereq().args(["file:/does/not/exist", "--timeout=300ms"]).env("PREREQ_ONCE", "yes"));
    assert_eq!(ran.status, 1);
    let ran = finish(
        prereq().args(["file:/", "--successes=1", "--timeout=300ms", "-q"]).env("PREREQ_SUCCESSES", "100"),
    );
    assert_eq!(ran.status, 0);
}

#[test]
fn targets_come_from_variables_too() {
    let server = Server::start(|_, _| {});
    let ran = finish(
        prereq()
            .env("PREREQ_TARGETS", "not file:/does/not/exist then 'file:/#name=the root'")
            .env("PREREQ_TCP", format!("${{HOST}}:{}", server.address.port()))
            .env("HOST", "127.0.0.1"),
    );
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("the root") && ran.stdout.contains("3 of 3 satisfied"), "{}", ran.stdout);
    // Flags win over variables: as a whole, since they are one setting.
    let ran = finish(prereq().arg("file:/").env("PREREQ_TARGETS", "file:/does/not/exist"));
    assert_eq!(ran.status, 0);
}

#[test]
fn help_and_version_are_there() {
    let ran = run("--help");
    assert_eq!(ran.status, 0);
    // Long lines are wrapped.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let help = words(&ran.stdout);
    for kind in prereq::check::KINDS {
        assert!(help.contains(&words(kind.summary)), "{}", kind.name);
        for option in kind.all_options() {
            assert!(help.contains(&words(option.help)), "{}", option.name);
        }
    }
    assert!(run("--version").stdout.contains(env!("CARGO_PKG_VERSION")));
    assert_eq!(run("-h").status, 0);
}

#[test]
fn what_is_too_long_to_be_a_body_or_a_certificate_is_a_mistake() {
    let server = Server::start(|_, _| {});
    for option in ["body-file", "cacert"] {
        let ran = run(&format!("https://{}/#{option}=/dev/zero", server.address));
        assert_eq!(ran.status, 2, "{}", ran.stdout);
        let says = "cannot read /dev/zero: more than 16 MiB are in it";
        assert!(ran.stderr.contains(option) && ran.stderr.contains(says), "{}", ran.stderr);
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn a_password_that_never_comes_holds_up_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let server = Server::start(|_, _| {});
    for (path, says) in [(pipe.to_str().unwrap(), "nothing is in it"), ("/dev/zero", "more than 1 MiB")] {
        let ran = run(&format!("http://{}/#user=me&password-file={path} --timeout 400ms", server.address));
        assert!(ran.status == 124 && ran.took.as_millis() < 2_000, "{}: {:?}", ran.status, ran.took);
        assert!(ran.stdout.contains("[local.secret]") && ran.stdout.contains(says), "{}", ran.stdout);
    }
    let ran = run(&format!("file:/ --termination-log {}", pipe.display()));
    assert!(ran.status == 0 && ran.stdout.contains("warning: the termination message"), "{}", ran.stdout);
}
