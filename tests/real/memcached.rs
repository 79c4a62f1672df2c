//! memcached: late, killed and started again, with a key, with user and password; and what is no memcached.

use crate::net::{Net, Process};
use crate::program::{prereq, start};
use crate::servers::Nginx;

fn memcached(net: &Net, more: &[&str]) -> Process {
    let args = [&["-u", "nobody", "-l", "127.0.0.1", "-p", "11211"], more].concat();
    net.spawn("memcached.log", "memcached", &args, &[])
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_is_awaited_through_start_and_restart() {
    let net = Net::new();
    let mut waiting = start(&net, &["memcached://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let mut server = memcached(&net, &[]);
    waiting.ends_ready();
    server.stop();
    let mut waiting = start(&net, &["memcached://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let _server = memcached(&net, &[]);
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_key_is_awaited() {
    let net = Net::new();
    let _server = memcached(&net, &[]);
    let mut waiting = start(&net, &["memcached://127.0.0.1#key=warm"]);
    waiting.until_it_says("service.missing");
    let stored = "tcp://127.0.0.1:11211#send=set%20warm%200%200%201%0D%0A1%0D%0A&expect=STORED";
    prereq(&net, &[stored]).is_ready();
    waiting.ends_ready();
    prereq(&net, &["not", "memcached://127.0.0.1#key=cold"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn user_and_password_are_let_in_or_not() {
    let net = Net::new();
    let users = net.write("users", "me:right\n");
    let _server = memcached(&net, &["-u", "root", "-Y", &users]);
    prereq(&net, &["memcached://me:right@127.0.0.1"]).is_ready();
    prereq(&net, &["memcached://me:wrong@127.0.0.1"]).is_unmet("127.0.0.1", "auth.denied");
    prereq(&net, &["memcached://127.0.0.1"]).is_unmet("127.0.0.1", "auth.denied");
}

#[test]
#[ignore = "needs real servers: make real"]
fn another_service_is_not_taken_for_it() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "");
    prereq(&net, &["memcached://127.0.0.1:8080"]).is_unmet("127.0.0.1:8080", "service.protocol");
}
