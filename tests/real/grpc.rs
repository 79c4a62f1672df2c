//! The health service of a server made with Google's gRPC library.

use std::time::Duration;

use crate::certs::{Authority, Validity};
use crate::net::{Net, Process};
use crate::program::{prereq, start};
use crate::servers::Nginx;

const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// A health service whose statuses are in a file, as `SERVICE NUMBER` lines; `-` is the server as a whole. With a token, it
/// wants it. Messages are handled as bytes: the library is Google's, the protocol buffers are spelt out.
const SERVER: &str = r#"
import concurrent.futures, sys, threading
import grpc

port, statuses, token = sys.argv[1:4]
chain, key, authority = (sys.argv[4:7] + [None] * 3)[:3]

def check(request, context):
    if token and dict(context.invocation_metadata()).get("authorization") != "Bearer " + token:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "wrong token")
    service = request[2:].decode() or "-"
    for line in open(statuses):
        name, status = line.split()
        if name == service:
            return bytes([8, int(status)])
    context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")

server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
if statuses != "none":
    methods = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    handlers = grpc.method_handlers_generic_handler("grpc.health.v1.Health", methods)
    server.add_generic_rpc_handlers((handlers,))
if chain:
    read = lambda path: open(path, "rb").read()
    roots = read(authority) if authority else None
    pairs = [(read(key), read(chain))]
    credentials = grpc.ssl_server_credentials(pairs, roots, require_client_auth=bool(roots))
    server.add_secure_port("127.0.0.1:" + port, credentials)
else:
    server.add_insecure_port("127.0.0.1:" + port)
server.start()
threading.Event().wait()
"#;

fn grpc(net: &Net, args: &[&str]) -> Process {
    let program = net.write("server.py", SERVER);
    // Debian's own Python has Debian's packages.
    net.spawn("grpc.log", "/usr/bin/python3", &[&[program.as_str(), "50051"], args].concat(), &[])
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_is_awaited_until_it_serves_and_when_it_is_killed() {
    let net = Net::new();
    let statuses = net.write("statuses", "- 2\nshop.Orders 0\n");
    let mut server = start(&net, &["grpc://127.0.0.1:50051"]);
    let mut service = start(&net, &["grpc://127.0.0.1:50051/shop.Orders"]);
    let mut late = start(&net, &["grpc://127.0.0.1:50051/shop.Carts"]);
    server.until_it_says("tcp.refused");
    let mut running = grpc(&net, &[&statuses, ""]);
    server.until_it_says("grpc.status");
    service.until_it_says("grpc.status");
    late.until_it_says("service.missing");
    prereq(&net, &["not", "grpc://127.0.0.1:50051"]).is_ready();
    net.write("statuses", "- 1\nshop.Orders 1\nshop.Carts 1\n");
    server.ends_ready();
    service.ends_ready();
    late.ends_ready();
    running.signal("KILL");
    running.wait(ENDS_WITHIN);
    let mut again = start(&net, &["grpc://127.0.0.1:50051"]);
    again.until_it_says("tcp.refused");
    let _running = grpc(&net, &[&statuses, ""]);
    again.finish(ENDS_WITHIN).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_without_a_health_service_is_told() {
    let net = Net::new();
    let _server = grpc(&net, &["none", ""]);
    start(&net, &["tcp://127.0.0.1:50051"]).finish(ENDS_WITHIN).is_ready();
    let outcome = prereq(&net, &["grpc://127.0.0.1:50051"]);
    outcome.is_unmet("127.0.0.1:50051", "service.error");
    assert!(outcome.output.contains("grpc.health.v1.Health"), "{}", outcome.output);
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_token_lets_the_client_in() {
    let net = Net::new();
    let statuses = net.write("statuses", "- 1\n");
    let token = net.write("token", "wrong\n");
    let _server = grpc(&net, &[&statuses, "r1ght"]);
    let mut waiting = start(&net, &[&format!("grpc://127.0.0.1:50051#bearer-file={token}")]);
    waiting.until_it_says("auth.denied");
    prereq(&net, &["grpc://127.0.0.1:50051"]).is_unmet("127.0.0.1:50051", "auth.denied");
    prereq(&net, &["-vv", "grpc://127.0.0.1:50051#header=authorization:Bearer%20r1ght"]).is_ready();
    net.write("token", "r1ght\n");
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn tls_is_spoken_with_a_server_of_a_private_authority() {
    let net = Net::new();
    let statuses = net.write("statuses", "- 1\n");
    let authority = Authority::new(&net);
    let (pair, client) =
        (authority.issue("localhost", Validity::Days(30)), authority.issue("client", Validity::Days(30)));
    let trusted = format!("grpcs://localhost:50051#cacert={}", authority.certificate);
    let mut waiting = start(&net, &[&trusted]);
    waiting.until_it_says("tcp.refused");
    let mut server = grpc(&net, &[&statuses, "", &pair.certificate, &pair.key]);
    waiting.finish(ENDS_WITHIN).is_ready();
    prereq(&net, &["grpcs://localhost:50051"]).is_unmet("localhost:50051", "tls.untrusted");
    prereq(&net, &["grpc://localhost:50051"])
        .is_unmet_by_one_of("localhost:50051", &["service.protocol", "tcp.closed"]);
    server.stop();
    let _server = grpc(&net, &[&statuses, "", &pair.certificate, &pair.key, &authority.certificate]);
    let known = format!("{trusted}&cert={}&key={}", client.certificate, client.key);
    start(&net, &[&known]).finish(ENDS_WITHIN).is_ready();
    // It ends the connection, in most cases without a word.
    prereq(&net, &[&trusted]).is_unmet_by_one_of("localhost:50051", &["tls.protocol", "tcp.closed"]);
}

#[test]
#[ignore = "needs real servers: make real"]
fn another_service_is_not_taken_for_it() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "");
    prereq(&net, &["grpc://127.0.0.1:8080"]).is_unmet("127.0.0.1:8080", "service.protocol");
}
