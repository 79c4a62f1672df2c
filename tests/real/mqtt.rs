//! Mosquitto: late, killed, with users and permissions, with TLS, and with retained messages.

use std::process::Command;
use std::time::Duration;

use crate::certs::{Authority, Validity};
use crate::net::{Net, Process, run};
use crate::program::{prereq, start};
use crate::servers::Nginx;

const ENDS_WITHIN: Duration = Duration::from_secs(8);

fn mosquitto(net: &Net, config: &str) -> Process {
    let file = net.write("mosquitto.conf", &format!("user root\n{config}\n"));
    net.spawn("mosquitto.log", "mosquitto", &["-c", &file], &[])
}

const ANYONE: &str = "listener 1883 127.0.0.1\nallow_anonymous true";

/// Publishes a message, retained or not.
fn publish(net: &Net, more: &[&str]) {
    let args = [&["-h", "127.0.0.1"], more].concat();
    let mut client = net.spawn("pub.log", "mosquitto_pub", &args, &[]);
    assert_eq!(client.wait(ENDS_WITHIN), Some(0), "{}", net.read("pub.log"));
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_broker_is_awaited_through_start_kill_and_restart() {
    let net = Net::new();
    let mut waiting = start(&net, &["mqtt://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let mut broker = mosquitto(&net, ANYONE);
    waiting.ends_ready();
    prereq(&net, &["mqtt://127.0.0.1#protocol=5"]).is_ready();
    broker.signal("KILL");
    broker.wait(ENDS_WITHIN);
    let mut waiting = start(&net, &["mqtt://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let _broker = mosquitto(&net, ANYONE);
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn users_are_let_in_or_not() {
    let net = Net::new();
    let users = net.write("users", "me:right\n");
    run(Command::new("mosquitto_passwd").args(["-U", &users]));
    let acl = net.write("acl", "user me\ntopic read app/#\n");
    let _broker = mosquitto(&net, &format!("listener 1883 127.0.0.1\npassword_file {users}\nacl_file {acl}"));
    start(&net, &["mqtt://127.0.0.1"]).ends_ready();
    for protocol in ["3.1.1", "5"] {
        let target = |before: &str, more: &str| format!("mqtt://{before}127.0.0.1#protocol={protocol}{more}");
        prereq(&net, &[&target("", "")]).is_ready();
        prereq(&net, &[&target("me:right@", "&topic=app/state")]).is_ready();
        prereq(&net, &[&target("me:wrong@", "")]).is_unmet("127.0.0.1", "auth.denied");
        prereq(&net, &[&target("", "&topic=app/state")]).is_unmet("127.0.0.1", "auth.denied");
    }
    let password = net.write("password", "wrong\n");
    let late = format!("mqtt://127.0.0.1#user=me&password-file={password}");
    let mut waiting = start(&net, &[&late]);
    waiting.until_it_says("auth.denied");
    net.write("password", "right\n");
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_retained_message_is_awaited() {
    let net = Net::new();
    let mut broker = mosquitto(&net, ANYONE);
    let mut anything = start(&net, &["mqtt://127.0.0.1#topic=app/+/state&retained"]);
    let mut online = start(&net, &["mqtt://127.0.0.1#topic=app/%23&expect=^online$&protocol=5"]);
    anything.until_it_says("service.missing");
    online.until_it_says("service.missing");
    prereq(&net, &["mqtt://127.0.0.1#topic=app/+/state"]).is_ready();
    // One that is not retained is for those who are there.
    publish(&net, &["-t", "app/a/state", "-m", "online"]);
    prereq(&net, &["not", "mqtt://127.0.0.1#topic=app/+/state&retained"]).is_ready();
    publish(&net, &["-r", "-t", "app/a/state", "-m", "starting"]);
    anything.ends_ready();
    online.until_it_says("that matches");
    publish(&net, &["-r", "-q", "1", "-t", "app/b/state", "-m", "online"]);
    online.ends_ready();
    broker.stop();
    let log = net.read("mosquitto.log");
    assert!(log.contains("disconnected.") && !log.contains("closed its connection"), "{log}");
}

#[test]
#[ignore = "needs real servers: make real"]
fn tls_is_spoken_with_a_broker_of_a_private_authority() {
    let net = Net::new();
    let authority = Authority::new(&net);
    let (server, client) =
        (authority.issue("localhost", Validity::Days(30)), authority.issue("client", Validity::Days(30)));
    let listener = |port: u16, more: &str| {
        format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\ncertfile {}\nkeyfile {}\ncafile {}\n{more}\n",
            server.certificate, server.key, authority.certificate
        )
    };
    let trusted = format!("mqtts://localhost#cacert={}", authority.certificate);
    let mut waiting = start(&net, &[&trusted]);
    waiting.until_it_says("tcp.refused");
    let _broker = mosquitto(
        &net,
        &(listener(8883, "require_certificate false") + &listener(8884, "require_certificate true")),
    );
    waiting.ends_ready();
    prereq(&net, &["mqtts://localhost"]).is_unmet("localhost", "tls.untrusted");
    let strict = trusted.replace("localhost#", "localhost:8884#");
    prereq(&net, &[&format!("{strict}&cert={}&key={}", client.certificate, client.key)]).is_ready();
    prereq(&net, &[&strict]).is_unmet("localhost:8884", "tls.protocol");
    prereq(&net, &["mqtt://127.0.0.1:8883"])
        .is_unmet_by_one_of("127.0.0.1:8883", &["service.protocol", "tcp.closed"]);
}

#[test]
#[ignore = "needs real servers: make real"]
fn another_service_is_not_taken_for_it() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "");
    prereq(&net, &["mqtt://127.0.0.1:8080"]).is_unmet("127.0.0.1:8080", "service.protocol");
}
