//! NATS: late, killed, with users and tokens, with TLS, and JetStream with its streams.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::certs::{Authority, Validity};
use crate::net::{Net, Process};
use crate::program::{prereq, start};
use crate::servers::Nginx;

const ENDS_WITHIN: Duration = Duration::from_secs(8);

fn nats(net: &Net, config: &str) -> Process {
    let text = format!("host: 127.0.0.1\nport: 4222\n{config}\n");
    let file = net.write("nats.conf", &text);
    net.spawn("nats.log", "nats-server", &["-c", &file], &[])
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_is_awaited_through_start_kill_and_restart() {
    let net = Net::new();
    let mut waiting = start(&net, &["nats://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let mut server = nats(&net, "");
    waiting.ends_ready();
    server.signal("KILL");
    server.wait(ENDS_WITHIN);
    let mut waiting = start(&net, &["nats://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let _server = nats(&net, "");
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn users_are_let_in_or_not() {
    let net = Net::new();
    let server = nats(&net, "authorization { user: me, password: right }");
    prereq(&net, &["nats://127.0.0.1"]).is_ready();
    prereq(&net, &["nats://me:right@127.0.0.1"]).is_ready();
    prereq(&net, &["nats://me:wrong@127.0.0.1"]).is_unmet("127.0.0.1", "auth.denied");
    prereq(&net, &["nats://token@127.0.0.1"]).is_unmet("127.0.0.1", "auth.denied");
    prereq(&net, &["nats://127.0.0.1#jetstream"]).is_unmet("127.0.0.1", "auth.denied");
    let password = net.write("password", "wrong\n");
    let late = format!("nats://127.0.0.1#user=me&password-file={password}");
    let mut waiting = start(&net, &[&late]);
    waiting.until_it_says("auth.denied");
    net.write("password", "right\n");
    waiting.ends_ready();
    drop(server);
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_token_is_taken_and_never_shown() {
    let net = Net::new();
    let _server = nats(&net, "authorization { token: s3cret }");
    let outcome = prereq(&net, &["-vv", "nats://s3cret@127.0.0.1"]);
    outcome.is_ready();
    assert!(!outcome.output.contains("s3cret"), "{}", outcome.output);
    let outcome = prereq(&net, &["-vv", "nats://wr0ng@127.0.0.1"]);
    outcome.is_unmet("127.0.0.1", "auth.denied");
    assert!(!outcome.output.contains("wr0ng"), "{}", outcome.output);
}

#[test]
#[ignore = "needs real servers: make real"]
fn jetstream_and_a_stream_are_awaited() {
    let net = Net::new();
    let mut server = nats(&net, "");
    prereq(&net, &["nats://127.0.0.1"]).is_ready();
    prereq(&net, &["nats://127.0.0.1#stream=orders"]).is_unmet("127.0.0.1", "service.role");
    let mut waiting = start(&net, &["nats://127.0.0.1#jetstream"]);
    waiting.until_it_says("service.role");
    server.stop();
    let _server = nats(&net, &format!("jetstream {{ store_dir: \"{}\" }}", net.path("store")));
    waiting.finish(ENDS_WITHIN).is_ready();
    let mut waiting = start(&net, &["nats://127.0.0.1#stream=orders"]);
    waiting.until_it_says("service.missing");
    prereq(&net, &["not", "nats://127.0.0.1#stream=orders"]).is_ready();
    // As a client makes a stream: a request to JetStream.
    let stream = r#"{"name":"orders","subjects":["orders.*"],"storage":"memory"}"#;
    let request = format!("PUB $JS.API.STREAM.CREATE.orders _INBOX.a {}\r\n{stream}\r\n", stream.len());
    let said = format!("CONNECT {{\"verbose\":false}}\r\nSUB _INBOX.a 1\r\n{request}");
    let said = utf8_percent_encode(&said, NON_ALPHANUMERIC);
    prereq(&net, &[&format!("tcp://127.0.0.1:4222#send={said}&expect=stream_create_response")]).is_ready();
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn tls_is_spoken_where_the_server_wants_it() {
    let net = Net::new();
    let authority = Authority::new(&net);
    let (pair, client) =
        (authority.issue("localhost", Validity::Days(30)), authority.issue("client", Validity::Days(30)));
    let files = |pair: &crate::certs::Pair| {
        format!("cert_file: \"{}\", key_file: \"{}\"", pair.certificate, pair.key)
    };
    let mut server = nats(&net, &format!("tls {{ {} }}", files(&pair)));
    let trusted = format!("nats://localhost#cacert={}", authority.certificate);
    prereq(&net, &[&trusted]).is_ready();
    prereq(&net, &["nats://localhost#insecure"]).is_ready();
    prereq(&net, &["nats://localhost"]).is_unmet("localhost", "tls.untrusted");
    server.stop();
    let mut server = nats(
        &net,
        &format!("tls {{ {}, ca_file: \"{}\", verify: true }}", files(&pair), authority.certificate),
    );
    prereq(&net, &[&format!("{trusted}&cert={}&key={}", client.certificate, client.key)]).is_ready();
    prereq(&net, &[&trusted]).is_unmet("localhost", "tls.protocol");
    server.stop();
    let _server = nats(&net, "");
    prereq(&net, &["nats://localhost"]).is_ready();
    // A server that does not speak TLS is none to trust.
    prereq(&net, &[&trusted]).is_unmet("localhost", "tls.protocol");
}

#[test]
#[ignore = "needs real servers: make real"]
fn another_service_is_not_taken_for_it() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "");
    // It waits to be spoken to, and so does the client.
    let outcome = prereq(&net, &["--attempt-timeout=300ms", "nats://127.0.0.1:8080"]);
    outcome.is_unmet("127.0.0.1:8080", "service.timeout");
}
