//! HTTP, answered by nginx.

use crate::net::Net;
use crate::program::{prereq, start};
use crate::servers::{Nginx, answer};

#[test]
#[ignore = "needs real servers: make real"]
fn two_hundred_is_ready_and_the_answer_is_looked_at() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, r#"{"state":"up","version":7}"#);
    prereq(&net, &["http://127.0.0.1:8080/"]).is_ready();
    prereq(&net, &["http://127.0.0.1:8080/#expect=\"up\""]).is_ready();
    prereq(&net, &["http://127.0.0.1:8080/#json=$.state==up"]).is_ready();
    prereq(&net, &["http://127.0.0.1:8080/#expect-header=Server:nginx"]).is_ready();
    prereq(&net, &["http://127.0.0.1:8080/#expect=down"]).is_unmet("127.0.0.1:8080", "http.body");
}

#[test]
#[ignore = "needs real servers: make real"]
fn unavailable_until_it_is_not() {
    let net = Net::new();
    let nginx = Nginx::answering(&net, 503, "starting");
    prereq(&net, &["http://127.0.0.1:8080/"]).is_unmet("127.0.0.1:8080", "http.status");
    prereq(&net, &["not", "http://127.0.0.1:8080/"]).is_ready();
    prereq(&net, &["http://127.0.0.1:8080/#status=503"]).is_ready();

    let before = nginx.requests().len();
    let mut waiting = start(&net, &["http://127.0.0.1:8080/"]);
    waiting.until_it_says("http.status");
    nginx.reload(&answer(200, "up"));
    waiting.ends_ready();
    let requests = nginx.requests().len() - before;
    assert!((2..=60).contains(&requests), "{requests} requests");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_path_that_is_missing() {
    let net = Net::new();
    let _nginx = Nginx::start(
        &net,
        "server { listen 127.0.0.1:8080; location /here { return 204; } location / { return 404; } }",
    );
    prereq(&net, &["http://127.0.0.1:8080/here"]).is_ready();
    prereq(&net, &["http://127.0.0.1:8080/there"]).is_unmet("127.0.0.1:8080/there", "http.status");
    prereq(&net, &["http://127.0.0.1:8080/there#status=400-499"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn redirects_are_followed_as_far_as_allowed() {
    let net = Net::new();
    let _nginx = Nginx::start(
        &net,
        "server { listen 127.0.0.1:8080;
           location = /old { return 302 /new; }
           location = /new { return 200 'here'; }
           location = /round { return 302 /round; } }",
    );
    prereq(&net, &["http://127.0.0.1:8080/old#expect=here"]).is_ready();
    prereq(&net, &["http://127.0.0.1:8080/old#redirects=0&status=302"]).is_ready();
    prereq(&net, &["http://127.0.0.1:8080/old#redirects=0"]).is_unmet("127.0.0.1:8080/old", "http.");
    prereq(&net, &["http://127.0.0.1:8080/round"]).is_unmet("127.0.0.1:8080/round", "http.");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_password_lets_in_and_is_never_shown() {
    const SECRET: &str = "correct-horse";
    let net = Net::new();
    let users = net.write("users", &format!("anna:{{PLAIN}}{SECRET}\n"));
    let nginx = Nginx::start(
        &net,
        &format!(
            "server {{ listen 127.0.0.1:8080; auth_basic private; auth_basic_user_file {users};
               location / {{ try_files /none @in; }} location @in {{ return 200 'in'; }} }}"
        ),
    );
    let file = net.write("credentials", &format!("anna:{SECRET}\n"));
    let url = "http://127.0.0.1:8080/";
    let denied = ["http.status", "auth.denied"];
    prereq(&net, &[url]).is_unmet_by_one_of("127.0.0.1:8080", &denied);
    prereq(&net, &["http://anna:wrong-horse@127.0.0.1:8080/"]).is_unmet_by_one_of("127.0.0.1:8080", &denied);
    prereq(&net, &[&format!("{url}#status=401")]).is_ready();
    for words in [
        vec![format!("http://anna:{SECRET}@127.0.0.1:8080/")],
        vec![format!("{url}#basic-auth-file={file}")],
        vec!["--log-format".into(), "json".into(), format!("http://anna:{SECRET}@127.0.0.1:8080/")],
    ] {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let outcome = prereq(&net, &words);
        outcome.is_ready();
        assert!(!outcome.output.contains(SECRET), "shown: {}", outcome.output);
    }
    assert!(nginx.requests().iter().any(|line| line.contains(" anna ")), "{:?}", nginx.requests());
}

#[test]
#[ignore = "needs real servers: make real"]
fn headers_and_methods_arrive() {
    let net = Net::new();
    let _nginx = Nginx::start(
        &net,
        "server { listen 127.0.0.1:8080;
           location = /probe { if ($request_method != POST) { return 405; }
                               if ($http_x_probe != yes) { return 400; } return 200; } }
         server { listen 127.0.0.1:8080; server_name inner.test; location / { return 200 'inner'; } }",
    );
    prereq(&net, &["http://127.0.0.1:8080/probe#method=POST&header=X-Probe:yes"]).is_ready();
    prereq(&net, &["http://127.0.0.1:8080/probe#method=POST"])
        .is_unmet("127.0.0.1:8080/probe", "http.status");
    prereq(&net, &["http://127.0.0.1:8080/probe"]).is_unmet("127.0.0.1:8080/probe", "http.status");
    prereq(&net, &["http://127.0.0.1:8080/#host=inner.test&expect=inner"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn over_a_unix_socket() {
    let net = Net::new();
    let socket = net.path("web.sock");
    let target = format!("http://app/#unix={socket}&expect=up");
    let mut waiting = start(&net, &[&target, &format!("unix:{socket}")]);
    waiting.until_it_says("app");
    let _nginx = Nginx::start(&net, &answer(200, "up").replace("127.0.0.1:8080", &format!("unix:{socket}")));
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_proxy_in_the_environment_is_not_used_unasked() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "I answer for the dead");
    let env = [("http_proxy", "http://127.0.0.1:8080"), ("HTTP_PROXY", "http://127.0.0.1:8080")];
    let outcome = crate::program::prereq_with_env(&net, &["http://127.0.0.1:9999/"], &env);
    outcome.is_unmet("127.0.0.1:9999", "tcp.refused");
}

#[test]
#[ignore = "needs real servers: make real"]
fn both_versions_of_the_protocol() {
    let net = Net::new();
    let _nginx =
        Nginx::start(&net, "server { listen 127.0.0.1:8080; location / { return 200 $server_protocol; } }");
    prereq(&net, &["http://127.0.0.1:8080/#expect=^HTTP/1.1$"]).is_ready();
}
