//! `SecantusDB`, a database that speaks MongoDB's protocol over MongoDB's storage engine: late, killed and started again,
//! as a member of a replica set or by itself, its users and collections, with TLS, and when it fails.

use std::time::Duration;

use crate::certs::{Authority, Validity};
use crate::net::{Net, Process, eventually};
use crate::program::{prereq, start};
use crate::servers::Nginx;

/// Brought by `tests/real/setup.sh`.
const BIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/python/bin");
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// Returns when it is up.
fn server(net: &Net, more: &[&str]) -> Process {
    let data = net.path("data");
    let args = [&["--host", "127.0.0.1", "--port", "27017", "--storage-path", &data], more].concat();
    let mut server = net.spawn("secantus.log", &format!("{BIN}/secantusd-py"), &args, &[]);
    eventually("the server is up", STARTS_WITHIN, || {
        let log = net.read("secantus.log");
        assert!(server.is_running(), "SecantusDB (tests/real/setup.sh brings it): {log}");
        log.contains("listening on")
    });
    server
}

/// What a client of MongoDB does with its connection `c`.
fn client(net: &Net, script: &str) {
    let script = format!("import pymongo; c = pymongo.MongoClient('127.0.0.1'); {script}");
    let mut client = net.spawn("client.log", &format!("{BIN}/python"), &["-c", &script], &[]);
    assert_eq!(client.wait(STARTS_WITHIN), Some(0), "{}", net.read("client.log"));
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_is_awaited_through_start_and_restart_in_its_role() {
    let net = Net::new();
    let mut waiting = start(&net, &["mongodb://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let mut primary = server(&net, &[]);
    waiting.ends_ready();
    prereq(&net, &["mongodb://127.0.0.1/?replicaSet=secantus#role=primary"]).is_ready();
    prereq(&net, &["mongodb://127.0.0.1/?replicaSet=other"]).is_unmet("127.0.0.1", "service.role");
    prereq(&net, &["mongodb://127.0.0.1#role=secondary"]).is_unmet("127.0.0.1", "service.role");
    primary.stop();
    let mut waiting = start(&net, &["mongodb://127.0.0.1#role=primary"]);
    waiting.until_it_says("tcp.refused");
    let _alone = server(&net, &["--standalone"]);
    waiting.ends_ready();
    prereq(&net, &["mongodb://127.0.0.1/?replicaSet=secantus"]).is_unmet("127.0.0.1", "service.role");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_collection_is_awaited() {
    let net = Net::new();
    let _server = server(&net, &[]);
    let mut waiting = start(&net, &["mongodb://127.0.0.1/shop#collection=orders"]);
    waiting.until_it_says("service.missing");
    prereq(&net, &["not", "mongodb://127.0.0.1/shop#collection=orders"]).is_ready();
    client(&net, "c.shop.create_collection('orders')");
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn users_are_let_in_or_not() {
    let net = Net::new();
    let mut open = server(&net, &[]);
    client(
        &net,
        "c.shop.command('createUser', 'me', pwd='right', roles=['readWrite']); c.shop.orders.insert_one({})",
    );
    open.stop();
    let _server = server(&net, &["--auth"]);
    prereq(&net, &["mongodb://127.0.0.1"]).is_ready();
    prereq(&net, &["mongodb://me:right@127.0.0.1/shop#collection=orders"]).is_ready();
    prereq(&net, &["mongodb://me:right@127.0.0.1/?authSource=shop"]).is_ready();
    for denied in [
        "mongodb://me:wrong@127.0.0.1/shop",
        "mongodb://other:right@127.0.0.1/shop",
        "mongodb://me:right@127.0.0.1/",
        "mongodb://127.0.0.1/shop#collection=orders",
    ] {
        prereq(&net, &[denied]).is_unmet("127.0.0.1", "auth.denied");
    }
    let password = net.write("password", "wrong\n");
    let mut late = start(&net, &[&format!("mongodb://127.0.0.1/shop#user=me&password-file={password}")]);
    late.until_it_says("auth.denied");
    net.write("password", "right\n");
    late.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn tls_comes_first_where_the_query_says_so() {
    let net = Net::new();
    let authority = Authority::new(&net);
    let pair = authority.issue("localhost", Validity::Days(30));
    let _server = server(&net, &["--tls-cert-file", &pair.certificate, "--tls-key-file", &pair.key]);
    prereq(&net, &[&format!("mongodb://localhost/?tls=true#cacert={}", authority.certificate)]).is_ready();
    prereq(&net, &["mongodb://localhost/?tls=true"]).is_unmet("localhost", "tls.untrusted");
    prereq(&net, &["mongodb://localhost"])
        .is_unmet_by_one_of("localhost", &["tcp.closed", "service.protocol"]);
}

#[test]
#[ignore = "needs real servers: make real"]
fn errors_are_judged_by_their_codes() {
    let net = Net::new();
    let _server = server(&net, &["--enable-test-commands"]);
    for (code, class) in [(91, "service.error"), (13436, "service.role"), (18, "auth.denied")] {
        client(
            &net,
            &format!(
                "c.admin.command('configureFailPoint', 'failCommand', mode='alwaysOn', \
                 data={{'errorCode': {code}, 'failCommands': ['listCollections']}})"
            ),
        );
        prereq(&net, &["mongodb://127.0.0.1/shop#collection=orders"]).is_unmet("127.0.0.1", class);
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn another_service_is_not_taken_for_a_database() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "");
    prereq(&net, &["mongodb://127.0.0.1:8080"]).is_unmet("127.0.0.1:8080", "service.protocol");
}
