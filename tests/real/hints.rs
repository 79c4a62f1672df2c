//! What a user is told to look at, where that depends on surroundings: each condition is set up for real.

use std::collections::BTreeMap;

use crate::certs::{Authority, Validity};
use crate::net::Net;
use crate::program::{Outcome, prereq, prereq_with_env};
use crate::servers::{Named, Nginx};

/// What every container on Kubernetes has in its environment.
const POD: &[(&str, &str)] = &[("KUBERNETES_SERVICE_HOST", "10.96.0.1")];
/// The resolver of a container in the namespace `shop`.
const SEARCH: &str = "nameserver 127.0.0.1\nsearch shop.svc.test svc.test test\noptions ndots:5\n";

fn hints(outcome: &Outcome) -> Vec<String> {
    let hint = |line: &str| line.trim().strip_prefix("hint: ").map(str::to_owned);
    outcome.output.lines().filter_map(hint).collect()
}

fn says(outcome: &Outcome, class: &str, words: &str) {
    assert!(outcome.output.contains(&format!("[{class}]")), "not {class}:\n{}", outcome.output);
    assert!(hints(outcome).iter().any(|hint| hint.contains(words)), "not «{words}»:\n{}", outcome.output);
}

/// A Service without ready endpoints: its address is refused by the node, as kube-proxy has it.
fn service_that_refuses(net: &Net, address: &str) {
    net.ip(&["addr", "add", &format!("{address}/32"), "dev", "lo"]);
}

#[test]
#[ignore = "needs real servers: make real"]
fn in_a_pod_a_name_says_what_may_be_wrong_with_it() {
    let net = Net::with_resolv(SEARCH);
    let _named = Named::start(&net, "web.shop.svc A 10.96.0.7");
    let mut told = BTreeMap::new();
    for (target, words) in [
        ("dns:db", "db.NAMESPACE"),
        ("dns:db.other", "Service and namespace"),
        ("dns:web.", "final dot"),
        ("tcp://db.shop.svc.cluster.local:5432", "spelling"),
    ] {
        let outcome = prereq_with_env(&net, &[target], POD);
        says(&outcome, "dns.nxdomain", words);
        told.insert(hints(&outcome).concat(), target);
    }
    assert_eq!(told.len(), 4, "two causes in the same words: {told:?}");
    // The same name, where it is found, is found through the search list.
    prereq_with_env(&net, &["dns:web"], POD).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn in_a_pod_a_refusal_says_what_may_be_behind_it() {
    let net = Net::with_resolv(SEARCH);
    let _named = Named::start(&net, "web.shop.svc A 10.96.0.7\ndb.shop.svc A 10.96.0.8");
    service_that_refuses(&net, "10.96.0.7");
    service_that_refuses(&net, "10.96.0.8");
    let one = prereq_with_env(&net, &["http://web/"], POD);
    says(&one, "tcp.refused", "no ready endpoints");
    // All at once is another matter: not the services, but what is between.
    let all = prereq_with_env(&net, &["http://web/", "tcp://db:5432"], POD);
    says(&all, "tcp.refused", "not one service");
    says(&all, "tcp.refused", "mesh");
    let json = prereq_with_env(&net, &["--log-format=json", "http://web/", "tcp://db:5432"], POD);
    let end = json.output.lines().last().unwrap_or_default();
    assert!(end.contains(r#""event":"end""#) && end.contains("not one service"), "{end}");
    says(&prereq_with_env(&net, &["localhost:5432"], POD), "tcp.refused", "localhost is this Pod");
    // Outside of a Pod, it is a host like any other.
    says(&prereq(&net, &["http://web/"]), "tcp.refused", "the host is up");
}

#[test]
#[ignore = "needs real servers: make real"]
fn dropped_packets_are_told_apart_in_and_outside_of_a_pod() {
    let net = Net::new();
    net.add_blackhole();
    says(&prereq_with_env(&net, &["10.99.0.7:80"], POD), "tcp.timeout", "NetworkPolicies");
    says(&prereq(&net, &["10.99.0.7:80"]), "tcp.timeout", "security group");
    let both = prereq_with_env(&net, &["10.99.0.7:80", "10.99.0.8:80"], POD);
    says(&both, "tcp.timeout", "nothing answers at all");
    // No name server that answers.
    says(&prereq_with_env(&net, &["dns:web", "dns:db"], POD), "dns.unreachable", "no name resolves at all");
}

#[test]
#[ignore = "needs real servers: make real"]
fn localhost_of_one_family_names_the_other() {
    let net = Net::new();
    net.hosts("127.0.0.1 localhost\n");
    let servers = "server { listen [::1]:8080; location / { return 200 'up'; } }";
    let _nginx = Nginx::start(&net, servers);
    says(&prereq(&net, &["tcp://localhost:8080"]), "tcp.refused", "[::1]");
    prereq(&net, &["tcp://[::1]:8080"]).is_ready();
    prereq(&net, &["tcp://:8080"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn faults_of_certificates_have_hints_of_their_own() {
    let net = Net::new();
    let _named = Named::start(&net, "www A 127.0.0.1\nother A 127.0.0.1\nold A 127.0.0.1\nnew A 127.0.0.1");
    let authority = Authority::new(&net);
    let server = |port: u16, name: &str, validity: Validity| {
        let pair = authority.issue(name, validity);
        format!(
            "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {}; ssl_certificate_key {}; }}\n",
            pair.certificate, pair.key
        )
    };
    let servers = [
        server(8443, "www.test", Validity::Days(20)),
        server(8444, "old.test", Validity::OverSince2021),
        server(8445, "new.test", Validity::From2090),
    ];
    let _nginx = Nginx::start(&net, &servers.concat());
    let ca = &authority.certificate;
    let mut told = BTreeMap::new();
    for (target, class, words) in [
        (format!("https://other.test:8443/#cacert={ca}"), "tls.name", "the certificate is for www.test"),
        (format!("https://old.test:8444/#cacert={ca}"), "tls.expired", "renew"),
        (format!("https://new.test:8445/#cacert={ca}"), "tls.expired", "first day"),
        ("https://www.test:8443/".to_owned(), "tls.untrusted", "cacert=PATH"),
        ("http://www.test:8443/".to_owned(), "http.status", "https://"),
    ] {
        let outcome = prereq(&net, &[&target]);
        says(&outcome, class, words);
        told.insert(hints(&outcome).concat(), words);
    }
    assert_eq!(told.len(), 5, "two causes in the same words: {told:?}");
}
