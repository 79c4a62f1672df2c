//! Options: what is refused before anything is probed.

use super::*;

fn problems(target: &str) -> String {
    probe(target, &Env::from([("PW", "hunter2")])).map(|_| ()).unwrap_err().join("; ")
}

#[test]
fn every_bad_option_is_told_and_no_secret() {
    for (options, says) in [
        ("status=2x", "option status: '2x' is not a set of statuses: write 204, 2xx or 300-399"),
        ("expect=(hunter2", "option expect: not a regular expression"),
        ("method=a hunter2", "option method: not a request method"),
        ("method=CONNECT", "option method: not a request method"),
        ("header=hunter2", "option header: there is no colon"),
        ("header=a b:hunter2", "option header: what is before the colon is not the name of a header"),
        (
            "header=X-Key:hunter2%0Ax",
            "option header: the value of x-key holds characters that it cannot have",
        ),
        ("header=Content-Length:5", "option header: content-length follows from the body"),
        ("expect-header=X", "option expect-header: there is no colon"),
        ("expect-header=X:(", "option expect-header: x: not a regular expression"),
        ("body=hunter2&body-file=/x", "options body and body-file are both given"),
        ("body-file=/nonexistent", "option body-file: cannot read /nonexistent: no such file or directory"),
        ("json=$[?a]", "option json: filters ([?…]) are not supported"),
        ("redirects=-1", "option redirects: '-1' is not a whole number from 0 on"),
        ("max-rtt=fast", "option max-rtt:"),
        ("host=a/b", "option host: 'a/b' is not a host"),
        ("proxy=ftp://u:hunter2@p", "option proxy: the URL of a proxy begins with http://"),
        ("unix=/s&proxy=env", "options unix and proxy do not go together"),
        ("user=u&password-env=PW&bearer-file=/x", "more than one kind of credentials is given"),
        ("bearer-file=/x&header=Authorization:hunter2", "bearer-file, header=Authorization"),
        ("password-env=NOPE", "option password-env: variable NOPE is not set"),
        ("cacert=/nonexistent", "option cacert: cannot read /nonexistent"),
        ("redirects=0&insecure", "option insecure has no effect on http://"),
    ] {
        let said = problems(&format!("http://h/#{options}"));
        assert!(said.contains(says), "{options}: {said}");
        assert!(!said.contains("hunter2"), "{options}: {said}");
    }
    let all = problems("http://h/#status=2x&json=&body=a&body-file=b&header=x");
    assert_eq!(all.matches("; ").count(), 3, "{all}");
    assert!(problems("https://h/#http2&host=x").contains("do not go together"));
    assert!(problems("http:///x").contains("the host is missing"));
}

#[test]
fn what_is_right_is_accepted() {
    for target in [
        "http://h",
        "http://my_svc.ns:81/a|b{c}^`?d=[e]|f",
        "http://:8080/healthz",
        "https://[::1]:8443/x?a=b",
        "http://bücher.example/",
        "http://h/#status=200,204,2xx,300-399&header=A:b&header=A:c&expect=x&json=a==b&json=c",
        "http://h/#body=x&method=put&host=inner:81&max-rtt=100ms&proxy=none&http2&redirects=0",
        "http://u:p@h/",
    ] {
        assert!(probe(target, &Env::default()).is_ok(), "{target}");
    }
}
