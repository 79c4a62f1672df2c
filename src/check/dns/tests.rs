use super::*;

use std::rc::Rc;

use crate::check::options::Draft;
use crate::net::resolve::server::{self, Asked, Reply, Server, answers, nxdomain, record};
use crate::net::trace::Trace;
use crate::plan::env::Env;
use crate::plan::target::Target;

fn probe(text: &str, flag: Option<&str>) -> Result<Box<dyn Probe>, String> {
    let env = Env::default();
    let told = |problems: Vec<Problem>| -> String {
        let told = problems.iter().map(|p| format!("{}|{}", p.what, p.hint.as_deref().unwrap_or_default()));
        told.collect::<Vec<_>>().join("; ")
    };
    let target = Target::parse(text, flag, &env).map_err(told)?;
    assert_eq!(target.scheme, "dns");
    let mut draft = Draft::new(&target, &env);
    let probe = build(&mut draft);
    let problems = draft.into_problems();
    if problems.is_empty() { Ok(probe.unwrap()) } else { Err(told(problems)) }
}

async fn attempt(text: &str, server: &Server, rest: &str) -> String {
    let (net, _folder) = server::net(&[server.address], rest, "10.9.9.9 static\n");
    let text = text.replace("SERVER", &server.address.to_string());
    let (net, trace) = (Rc::new(net), Trace::new(false));
    let probe = probe(&text, None).unwrap();
    match probe.attempt(&Attempt { net: &net, trace: &trace }).await {
        Verdict::Ready(evidence) => format!("ready {}", evidence.text),
        Verdict::NotYet(reason) => format!("{} {}", reason.class, reason.text),
        Verdict::Never(reason) => format!("never {} {}", reason.class, reason.text),
    }
}

fn zone(asked: &Asked) -> Vec<Reply> {
    match (asked.name.as_str(), asked.kind) {
        ("db.a.test" | "db", RecordType::A) => {
            answers(["10.0.0.2", "10.0.0.1"].map(|ip| record(&asked.name, ip)))
        }
        ("db.a.test" | "db", RecordType::AAAA) => answers([record(&asked.name, "fd00::1")]),
        ("db", RecordType::TXT) => answers(["v=1", "\u{1b}[31m"].map(|text| record("db", text))),
        ("1.0.0.10.in-addr.arpa", RecordType::PTR) => answers([record("1.0.0.10.in-addr.arpa", "ptr")]),
        ("www", RecordType::CNAME) => answers([record("www", "->db")]),
        ("db", _) => answers([]),
        _ => nxdomain(),
    }
}

const SEARCH: &str = "search a.test\n";

#[tokio::test]
async fn targets_and_what_they_find() {
    let server = Server::start(zone).await;
    for (text, rest, says) in [
        ("dns:db", SEARCH, "ready db.a.test: 10.0.0.1, 10.0.0.2, fd00::1"),
        ("dns:db.", SEARCH, "ready 10.0.0.1, 10.0.0.2, fd00::1"),
        ("dns:///db", "", "ready 10.0.0.1, 10.0.0.2, fd00::1"),
        ("dns://SERVER/db", SEARCH, "ready 10.0.0.1, 10.0.0.2, fd00::1"),
        ("dns://SERVER/db?type=TXT;class=IN", "", r#"ready "\027[31m", "v=1""#),
        ("dns:db?TYPE=aaaa", "", "ready fd00::1"),
        ("dns:db#type=txt&equals=v=1", "", r#"ready "\027[31m", "v=1""#),
        ("dns:db#equals=10.0.0.1&min=3", "", "ready 10.0.0.1, 10.0.0.2, fd00::1"),
        ("dns:db#type=A&min=3", "", "dns.records 10.0.0.1, 10.0.0.2 — expected at least 3 records"),
        ("dns:db#type=MX", "", "dns.nodata db has no MX record"),
        ("dns:www#type=CNAME&equals=DB", "", "ready db."),
        ("dns:other", SEARCH, "dns.nxdomain no such name: other (searched a.test)"),
        ("dns:other.", SEARCH, "dns.nxdomain no such name: other"),
        ("dns:static", "", "ready 10.9.9.9"),
        ("dns:static#type=A", "", "dns.nxdomain no such name: static"),
        ("dns:localhost", "", "ready 127.0.0.1, ::1"),
        ("dns://nowhere/db", "", "dns.unreachable name server nowhere: no such name: nowhere"),
    ] {
        assert_eq!(attempt(text, &server, rest).await, says, "{text}");
    }
}

#[tokio::test]
async fn an_address_is_looked_up_by_its_reverse_name() {
    let server = Server::start(zone).await;
    attempt("dns:10.0.0.1#type=PTR", &server, "").await;
    attempt("dns:[2001:db8::1]#type=PTR", &server, "").await;
    let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR";
    assert_eq!(server.asked(), ["1.0.0.10.in-addr.arpa PTR", v6]);
}

#[tokio::test]
async fn records_that_come_late_are_found_by_the_next_attempt() {
    let late = |asked: &Asked| if asked.count < 3 { nxdomain() } else { zone(asked) };
    let server = Server::start(late).await;
    let mut said = Vec::new();
    for _ in 0..3 {
        said.push(attempt("dns:db#min=3", &server, "").await);
    }
    let no = "dns.nxdomain no such name: db";
    assert_eq!(said, [no, no, "ready 10.0.0.1, 10.0.0.2, fd00::1"]);
}

#[test]
fn mistakes_are_explained() {
    for (text, flag, says) in [
        ("dns:", None, "the name is missing|write dns:NAME"),
        ("dns://db", None, "the name to ask db for is missing|write dns:db or dns://SERVER/db"),
        ("dns:a/b", None, "a domain name holds no '/'|write dns://SERVER/NAME"),
        ("db:5432", Some("dns"), "a domain name holds no ':'|write dns:db, or tcp://db:5432 for a port"),
        ("dns:10.0.0.1", None, "an address has no records but PTR ones|add #type=PTR"),
        ("dns:a..b", None, "'a..b' is not a domain name"),
        ("dns:a%20b", None, "a domain name holds no ' '"),
        ("dns:db#type=TEXT", None, "'TEXT' is not one of A, AAAA"),
        ("dns:db?type=A#type=MX", None, "two different types are asked for"),
        ("dns:db?class=CH", None, "only class IN is known"),
        ("dns:db?min=2", None, "only type and class behind '?'|options follow a '#'"),
        ("dns:db#min=0", None, "option min: '0' is not a whole number from 1 on"),
        ("dns:db#equals=x", None, "option equals: 'x' is not an IP address"),
        ("dns://u:p@ns/db", None, "takes no user or password"),
    ] {
        let said = probe(text, flag).err().unwrap_or_default();
        assert!(said.contains(says), "{text}: {said}");
    }
}

#[test]
fn forms_that_are_accepted() {
    for (text, flag) in [
        ("dns:db", None),
        ("dns://10.0.0.1/db", None),
        ("dns://10.0.0.1:5353/db", None),
        ("dns://[::1]:5353/db.", None),
        ("dns:_sip._tcp.example.com#type=SRV", None),
        ("dns:*.example.com", None),
        ("dns:.#type=NS", None),
        ("DNS:db", None),
        ("db", Some("dns")),
        ("//10.0.0.1/db", Some("dns")),
        ("dns:db", Some("dns")),
        ("db.example.com#type=MX", Some("dns")),
    ] {
        assert!(probe(text, flag).is_ok(), "{text}: {:?}", probe(text, flag).err());
    }
}
