//! Redis: late, killed, loading, with users, databases and keys, as replica, sentinel and cluster, and with TLS.

use std::time::Duration;

use crate::certs::{Authority, Validity};
use crate::net::{Net, Process, eventually};
use crate::program::{prereq, start};
use crate::servers::Nginx;

const STARTS_WITHIN: Duration = Duration::from_secs(8);
const HERE: &str = "127.0.0.1:6379";

/// Starts a server on this port with these settings, and does not wait for it.
fn redis(net: &Net, port: u16, settings: &str) -> Process {
    let text = format!("port {port}\nbind 127.0.0.1\ndir {}\nsave \"\"\n{settings}\n", net.path(""));
    let file = net.write(&format!("redis-{port}.conf"), &text);
    net.spawn(&format!("redis-{port}.log"), "redis-server", &[&file], &[])
}

/// What the server at `port` answers to a command, as `redis-cli` shows it.
fn cli(net: &Net, port: u16, words: &[&str]) -> String {
    let log = format!("cli-{port}.log");
    let port = port.to_string();
    let args = [&["-p", &port], words].concat();
    net.spawn(&log, "redis-cli", &args, &[]).wait(STARTS_WITHIN);
    net.read(&log)
}

fn up(net: &Net, port: u16) {
    eventually("Redis is up", STARTS_WITHIN, || cli(net, port, &["PING"]).contains("PONG"));
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_is_awaited_through_start_kill_and_restart() {
    let net = Net::new();
    let mut waiting = start(&net, &["redis://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let mut server = redis(&net, 6379, "");
    waiting.ends_ready();
    server.signal("KILL");
    server.wait(STARTS_WITHIN);
    let mut waiting = start(&net, &["redis://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let _server = redis(&net, 6379, "");
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn users_are_let_in_or_not() {
    let net = Net::new();
    let acl = "requirepass right\nuser me on >mine ~app:* +ping +exists +select\nuser idle on >mine";
    let _server = redis(&net, 6379, acl);
    prereq(&net, &["redis://127.0.0.1"]).is_ready();
    prereq(&net, &["redis://:right@127.0.0.1"]).is_ready();
    prereq(&net, &["redis://me:mine@127.0.0.1/3"]).is_ready();
    prereq(&net, &["not", "redis://me:mine@127.0.0.1/3#key=app:a"]).is_ready();
    for refused in [
        "redis://:wrong@127.0.0.1",
        "redis://nobody:right@127.0.0.1",
        "redis://idle:mine@127.0.0.1",
        "redis://127.0.0.1#key=k",
        "redis://me:mine@127.0.0.1#key=other",
        "redis://me:mine@127.0.0.1#role=master",
    ] {
        prereq(&net, &[refused]).is_unmet("127.0.0.1", "auth.denied");
    }
    let password = net.write("password", "wrong\n");
    let late = format!("redis://127.0.0.1#password-file={password}");
    let mut waiting = start(&net, &[&late]);
    waiting.until_it_says("auth.denied");
    net.write("password", "right\n");
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_without_a_password_takes_none() {
    let net = Net::new();
    let _server = redis(&net, 6379, "");
    prereq(&net, &["redis://127.0.0.1"]).is_ready();
    prereq(&net, &["redis://:pw@127.0.0.1"]).is_unmet("127.0.0.1", "auth.denied");
    prereq(&net, &["redis://127.0.0.1/16"]).is_unmet("127.0.0.1/16", "service.missing");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_key_is_awaited_with_its_value() {
    let net = Net::new();
    let _server = redis(&net, 6379, "");
    up(&net, 6379);
    let mut there = start(&net, &["redis://127.0.0.1/1#key=state"]);
    let mut right = start(&net, &["redis://127.0.0.1/1#key=state&expect=^migrated"]);
    there.until_it_says("service.missing");
    right.until_it_says("service.missing");
    cli(&net, 6379, &["-n", "1", "SET", "state", "running"]);
    there.ends_ready();
    cli(&net, 6379, &["-n", "1", "SET", "state", "migrated 7"]);
    right.ends_ready();
    prereq(&net, &["not", "redis://127.0.0.1#key=state"]).is_ready();
    cli(&net, 6379, &["RPUSH", "list", "1"]);
    prereq(&net, &["redis://127.0.0.1#key=list"]).is_ready();
    prereq(&net, &["redis://127.0.0.1#key=list&expect=1"]).is_unmet("127.0.0.1", "service.error");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_that_loads_its_data_is_starting() {
    let net = Net::new();
    let mut server = redis(&net, 6379, "enable-debug-command yes");
    up(&net, 6379);
    cli(&net, 6379, &["DEBUG", "POPULATE", "300"]);
    cli(&net, 6379, &["SAVE"]);
    server.stop();
    // 10 ms a key, and a look at its clients after each.
    let _server = redis(&net, 6379, "key-load-delay 10000\nloading-process-events-interval-bytes 1024");
    let mut waiting = start(&net, &[&format!("redis://{HERE}")]);
    waiting.until_it_says("service.starting");
    waiting.finish(STARTS_WITHIN).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_replica_needs_its_master() {
    let net = Net::new();
    let _replica = redis(
        &net,
        6380,
        "replicaof 127.0.0.1 6379\nreplica-serve-stale-data no\nrepl-ping-replica-period 1",
    );
    up_but_stale(&net);
    prereq(&net, &["redis://127.0.0.1:6380"]).is_unmet("127.0.0.1:6380", "service.role");
    let mut waiting = start(&net, &["redis://127.0.0.1:6380#role=replica"]);
    waiting.until_it_says("service.role");
    let _master = redis(&net, 6379, "repl-diskless-sync-delay 0");
    waiting.finish(STARTS_WITHIN).is_ready();
    prereq(&net, &["redis://127.0.0.1#role=master"]).is_ready();
    prereq(&net, &["redis://127.0.0.1#role=replica"]).is_unmet("127.0.0.1", "service.role");
    prereq(&net, &["redis://127.0.0.1:6380#role=master"]).is_unmet("127.0.0.1:6380", "service.role");
}

fn up_but_stale(net: &Net) {
    eventually("the replica is up", STARTS_WITHIN, || cli(net, 6380, &["PING"]).contains("MASTERDOWN"));
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_sentinel_knows_a_master_and_the_master_is_there() {
    let net = Net::new();
    let config = net.write(
        "sentinel.conf",
        &format!(
            "port 26379\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 6379 1\n",
            net.path("")
        ),
    );
    let _sentinel = net.spawn("sentinel.log", "redis-server", &[config.as_str(), "--sentinel"], &[]);
    up(&net, 26379);
    prereq(&net, &["redis://127.0.0.1:26379#role=sentinel"]).is_ready();
    prereq(&net, &["redis://127.0.0.1:26379#sentinel=other"]).is_unmet("127.0.0.1:26379", "service.missing");
    let mut waiting = start(&net, &["redis://127.0.0.1:26379#sentinel=main"]);
    waiting.until_it_says("tcp.refused");
    let mut master = redis(&net, 6379, "");
    waiting.ends_ready();
    prereq(&net, &["redis://127.0.0.1#sentinel=main"]).is_unmet("127.0.0.1", "service.role");
    master.stop();
    let _closed = redis(&net, 6379, "requirepass right");
    prereq(&net, &["redis://127.0.0.1:26379#sentinel=main"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_cluster_needs_all_its_slots() {
    let net = Net::new();
    let _node = redis(&net, 6379, "cluster-enabled yes");
    up(&net, 6379);
    prereq(&net, &["redis://127.0.0.1"]).is_ready();
    prereq(&net, &["redis://127.0.0.1#key=k"]).is_unmet("127.0.0.1", "service.role");
    let mut waiting = start(&net, &["redis://127.0.0.1#cluster"]);
    waiting.until_it_says("service.role");
    cli(&net, 6379, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    waiting.finish(STARTS_WITHIN).is_ready();
    prereq(&net, &["not", "redis://127.0.0.1#key=k"]).is_ready();
    let _single = redis(&net, 6380, "");
    prereq(&net, &["redis://127.0.0.1:6380#cluster"]).is_unmet("127.0.0.1:6380", "service.role");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_on_a_unix_socket_is_noticed() {
    let net = Net::new();
    let socket = net.path("redis.sock");
    let target = format!("redis:///#unix={socket}");
    let mut waiting = start(&net, &[&target]);
    waiting.until_it_says("file.missing");
    let _server = redis(&net, 0, &format!("unixsocket {socket}"));
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn tls_is_spoken_with_a_server_of_a_private_authority() {
    let net = Net::new();
    let authority = Authority::new(&net);
    let (server, client) =
        (authority.issue("localhost", Validity::Days(30)), authority.issue("client", Validity::Days(30)));
    let trusted = format!("rediss://localhost#cacert={}", authority.certificate);
    let known = format!("{trusted}&cert={}&client-key={}", client.certificate, client.key);
    let mut waiting = start(&net, &[&known]);
    waiting.until_it_says("tcp.refused");
    let _server = redis(
        &net,
        0,
        &format!(
            "tls-port 6379\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}",
            server.certificate, server.key, authority.certificate
        ),
    );
    waiting.finish(STARTS_WITHIN).is_ready();
    prereq(&net, &["rediss://localhost"]).is_unmet("localhost", "tls.untrusted");
    // Without a client certificate the server breaks off.
    prereq(&net, &[&trusted]).is_unmet("localhost", "tls.protocol");
    prereq(&net, &["redis://127.0.0.1"]).is_unmet_by_one_of("127.0.0.1", &["service.protocol", "tcp.closed"]);
}

#[test]
#[ignore = "needs real servers: make real"]
fn another_service_is_not_taken_for_it() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "");
    prereq(&net, &["redis://127.0.0.1:8080"]).is_unmet("127.0.0.1:8080", "service.protocol");
}
