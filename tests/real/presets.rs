//! Services by name, whose health page is known: etcd and Prometheus.

use std::time::Duration;

use crate::certs::{Authority, Validity};
use crate::net::{Net, Process};
use crate::program::{prereq, start};
use crate::servers::Nginx;

fn etcd(net: &Net, scheme: &str, more: &[&str]) -> Process {
    let data = net.path("etcd");
    let client = format!("{scheme}://127.0.0.1:2379");
    let args = [
        &["--data-dir", &data[..], "--listen-client-urls", &client, "--advertise-client-urls", &client][..],
        &["--listen-peer-urls", "http://127.0.0.1:2380", "--unsafe-no-fsync"],
        more,
    ]
    .concat();
    net.spawn("etcd.log", "etcd", &args, &[])
}

#[test]
#[ignore = "needs real servers: make real"]
fn etcd_is_awaited_through_start_and_restart() {
    let net = Net::new();
    let mut waiting = start(&net, &["etcd://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let mut server = etcd(&net, "http", &[]);
    waiting.ends_ready();
    server.stop();
    let mut waiting = start(&net, &["etcd://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let _server = etcd(&net, "http", &[]);
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn etcd_that_has_lost_its_leader_is_not_ready() {
    let net = Net::new();
    let member = |name: &str, client: &str, peer: &str| {
        let (data, cluster) = (net.path(name), "a=http://127.0.0.1:2380,b=http://127.0.0.1:2390");
        let args = [
            &["--name", name, "--data-dir", &data, "--initial-cluster", cluster, "--unsafe-no-fsync"][..],
            &["--listen-client-urls", client, "--advertise-client-urls", client],
            &["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
        ];
        net.spawn(&format!("{name}.log"), "etcd", &args.concat(), &[])
    };
    let _first = member("a", "http://127.0.0.1:2379", "http://127.0.0.1:2380");
    let mut second = member("b", "http://127.0.0.1:2479", "http://127.0.0.1:2390");
    start(&net, &["etcd://127.0.0.1"]).finish(Duration::from_secs(15)).is_ready();
    second.stop();
    let mut waiting = start(&net, &["etcd://127.0.0.1#attempt-timeout=10s&successes=3"]);
    waiting.until_it_says("service.role");
    let _second = member("b", "http://127.0.0.1:2479", "http://127.0.0.1:2390");
    waiting.finish(Duration::from_secs(15)).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn etcd_is_asked_over_tls() {
    let net = Net::new();
    let authority = Authority::new(&net);
    let pair = authority.issue("etcd.test", Validity::Days(30));
    let _server = etcd(&net, "https", &["--cert-file", &pair.certificate, "--key-file", &pair.key]);
    let trusting = format!("etcd://127.0.0.1#tls&sni=etcd.test&cacert={}", authority.certificate);
    start(&net, &[&trusting]).ends_ready();
    prereq(&net, &["etcd://127.0.0.1#tls&sni=etcd.test"]).is_unmet("127.0.0.1", "tls.untrusted");
    prereq(&net, &["etcd://127.0.0.1"])
        .is_unmet_by_one_of("127.0.0.1", &["http.status", "http.protocol", "tcp.closed"]);
}

#[test]
#[ignore = "needs real servers: make real"]
fn prometheus_is_awaited() {
    let net = Net::new();
    let mut waiting = start(&net, &["prometheus://127.0.0.1"]);
    waiting.until_it_says("tcp.refused");
    let config = net.write("prometheus.yml", "scrape_configs: []\n");
    let args = [
        format!("--config.file={config}"),
        format!("--storage.tsdb.path={}", net.path("tsdb")),
        "--web.listen-address=127.0.0.1:9090".to_owned(),
    ];
    let _server = net.spawn("prometheus.log", "prometheus", &args, &[]);
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn another_page_is_not_taken_for_it() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "welcome");
    for service in ["elasticsearch", "etcd", "consul", "clickhouse", "influxdb", "keycloak"] {
        let target = format!("{service}://127.0.0.1:8080");
        prereq(&net, &[&target])
            .is_unmet_by_one_of("127.0.0.1:8080", &["http.body", "service.role", "service.starting"]);
    }
}
