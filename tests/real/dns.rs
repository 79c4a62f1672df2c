//! Names, asked from BIND with the namespace's own resolv.conf.

use std::fmt::Write as _;

use crate::net::Net;
use crate::program::{prereq, start};
use crate::servers::{Named, Nginx};

const RECORDS: &str = "\
db A 10.0.0.1
six AAAA fd00::1
three A 10.0.0.1
three A 10.0.0.2
three A 10.0.0.3
alias CNAME three
text TXT \"release=7\"
_sql._tcp.db SRV 0 5 5432 db
web.svc A 10.0.0.9
db.east.svc A 10.0.0.8";

#[test]
#[ignore = "needs real servers: make real"]
fn addresses_of_either_family_are_ready() {
    let net = Net::new();
    let _named = Named::start(&net, RECORDS);
    prereq(&net, &["dns:db.test", "dns:six.test", "dns:alias.test", "dns:six.test#type=AAAA"]).is_ready();
    prereq(&net, &["dns:db.test#equals=10.0.0.1"]).is_ready();
    prereq(&net, &["dns:db.test#type=AAAA"]).is_unmet("db.test", "dns.nodata");
    prereq(&net, &["not", "dns:db.test#type=AAAA"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_name_that_does_not_exist() {
    let net = Net::new();
    let _named = Named::start(&net, RECORDS);
    prereq(&net, &["dns:absent.test"]).is_unmet("absent.test", "dns.nxdomain");
    prereq(&net, &["not", "dns:absent.test"]).is_ready();
    prereq(&net, &["tcp://absent.test:80"]).is_unmet("absent.test:80", "dns.nxdomain");
    prereq(&net, &["http://absent.test/"]).is_unmet("absent.test", "dns.nxdomain");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_zone_that_fails_is_neither_there_nor_absent() {
    let net = Net::new();
    let _named = Named::start(&net, RECORDS);
    prereq(&net, &["dns:db.broken.test"]).is_unmet("db.broken.test", "dns.servfail");
    prereq(&net, &["not", "dns:db.broken.test"]).is_unmet("db.broken.test", "dns.servfail");
}

#[test]
#[ignore = "needs real servers: make real"]
fn other_types_of_record() {
    let net = Net::new();
    let _named = Named::start(&net, RECORDS);
    prereq(&net, &["dns:_sql._tcp.db.test#type=SRV", "dns:text.test#type=TXT&contains=release=7"]).is_ready();
    prereq(&net, &["dns:alias.test#type=CNAME", "dns:test#type=NS"]).is_ready();
    prereq(&net, &["dns:_none._tcp.db.test#type=SRV"]).is_unmet("_none._tcp.db.test", "dns.nxdomain");
}

#[test]
#[ignore = "needs real servers: make real"]
fn so_many_addresses_and_no_fewer() {
    let net = Net::new();
    let mut named = Named::start(&net, RECORDS);
    prereq(&net, &["dns:three.test#min=3"]).is_ready();
    prereq(&net, &["dns:three.test#min=4"]).is_unmet("three.test", "dns.");
    let waiting = start(&net, &["dns:three.test#min=4"]);
    named.reload(&format!("{RECORDS}\nthree A 10.0.0.4"));
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn an_answer_too_long_for_a_datagram() {
    let net = Net::new();
    let mut records = String::new();
    for host in 1..=90 {
        writeln!(records, "crowd A 10.0.1.{host}").expect("text");
    }
    let _named = Named::start(&net, &records);
    prereq(&net, &["dns:crowd.test#min=90"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn the_search_list_applies_as_ndots_says() {
    let net = Net::with_resolv("nameserver 127.0.0.1\nsearch other.test svc.test\noptions ndots:5\n");
    let _named = Named::start(&net, RECORDS);
    prereq(&net, &["dns:web", "dns:db.east", "dns:db.test", "dns:db.test."]).is_ready();
    prereq(&net, &["dns:web."]).is_unmet("web.", "dns.nxdomain");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_search_domain_that_fails_does_not_hide_the_next() {
    let net = Net::with_resolv("nameserver 127.0.0.1\nsearch broken.test svc.test\noptions ndots:5\n");
    let _named = Named::start(&net, RECORDS);
    prereq(&net, &["dns:web"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_record_that_appears_later_is_seen_at_once() {
    let net = Net::new();
    let mut named = Named::start(&net, RECORDS);
    let mut waiting = start(&net, &["dns:late.test"]);
    waiting.until_it_says("dns.nxdomain");
    named.reload(&format!("{RECORDS}\nlate A 10.0.0.7"));
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_that_does_not_answer_until_it_does() {
    let net = Net::new();
    let named = Named::start(&net, RECORDS);
    named.freeze();
    prereq(&net, &["dns:db.test"]).is_unmet("db.test", "dns.timeout");
    prereq(&net, &["not", "dns:db.test"]).is_unmet("db.test", "dns.timeout");
    let mut waiting = start(&net, &["--attempt-timeout", "1s", "dns:db.test"]);
    waiting.until_it_says("dns.timeout");
    named.thaw();
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn no_server_at_all_until_there_is_one() {
    let net = Net::new();
    prereq(&net, &["dns:db.test"]).is_unmet_by_one_of("db.test", &["dns.unreachable", "dns.timeout"]);
    let mut waiting = start(&net, &["--attempt-timeout", "1s", "dns:db.test"]);
    waiting.until_it_says("dns.");
    let _named = Named::start(&net, RECORDS);
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn the_second_server_answers_when_the_first_is_gone() {
    let net = Net::with_resolv("nameserver 127.0.0.9\nnameserver 127.0.0.1\n");
    let _named = Named::start(&net, RECORDS);
    prereq(&net, &["dns:db.test"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_named_in_the_target() {
    let net = Net::with_resolv("nameserver 127.0.0.9\n");
    let _named = Named::start(&net, RECORDS);
    prereq(&net, &["dns://127.0.0.1/db.test", "dns://127.0.0.1:53/six.test#type=AAAA"]).is_ready();
    prereq(&net, &["dns://127.0.0.1/absent.test"]).is_unmet("absent.test", "dns.nxdomain");
}

#[test]
#[ignore = "needs real servers: make real"]
fn other_kinds_follow_a_name_that_moves() {
    let net = Net::new();
    let mut named = Named::start(&net, "web A 127.0.0.2");
    let _nginx = Nginx::answering(&net, 200, "");
    let mut waiting = start(&net, &["http://web.test:8080/", "tcp://web.test:8080"]);
    waiting.until_it_says("tcp.refused");
    named.reload("web A 127.0.0.1");
    waiting.ends_ready();
}
