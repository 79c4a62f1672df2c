use super::server::{Asked, Reply, Server, answers, code, net, nxdomain, record};
use super::*;

use crate::check::Fact;
use hickory_resolver::proto::op::ResponseCode;

const SEARCH: &str = "search a.test b.test\noptions ndots:2\n";

async fn ask(net: &Net, name: &str) -> Result<Vec<String>, Reason> {
    ask_with(net, &Trace::new(true), name, Family::Any).await
}

async fn ask_with(net: &Net, trace: &Trace, name: &str, family: Family) -> Result<Vec<String>, Reason> {
    let found = tokio::time::timeout(Duration::from_secs(5), net.lookup_ip(trace, name, family)).await;
    match found {
        Ok(found) => found.map(|ips| ips.iter().map(ToString::to_string).collect()),
        Err(_) => Err(trace.cut().unwrap()),
    }
}

/// A and AAAA of one name; anything else does not exist.
fn only(name: &'static str) -> impl Fn(&Asked) -> Vec<Reply> + Send + Sync + 'static {
    move |asked| match asked.kind {
        _ if asked.name != name => nxdomain(),
        RecordType::A => answers([record(name, "10.0.0.1"), record(name, "10.0.0.2")]),
        RecordType::AAAA => answers([record(name, "fd00::1")]),
        _ => answers([]),
    }
}

fn said(reason: &Reason) -> (&str, &str) {
    (reason.class.code, &reason.text)
}

#[tokio::test]
async fn the_search_list_is_followed_in_order() {
    let server = Server::start(only("db.b.test")).await;
    let (net, _folder) = net(&[server.address], SEARCH, "");
    let trace = Trace::new(true);
    let ips = ask_with(&net, &trace, "db", Family::Any).await.unwrap();
    assert_eq!(ips, ["fd00::1", "10.0.0.1", "10.0.0.2"]);
    assert_eq!(server.asked(), ["db.a.test AAAA", "db.a.test A", "db.b.test AAAA", "db.b.test A"]);
    let details: Vec<String> = trace.stages().into_iter().map(|stage| stage.detail).collect();
    assert_eq!(
        details,
        ["db.a.test AAAA NXDOMAIN; A NXDOMAIN", "db.b.test AAAA fd00::1; A 10.0.0.1, 10.0.0.2"]
    );
    assert_eq!(ask_with(&net, &trace, "db", Family::V4).await.unwrap(), ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(server.asked().len(), 6, "only A");
}

#[tokio::test]
async fn nothing_is_cached_and_a_change_of_the_file_counts() {
    let late = |asked: &Asked| if asked.count < 3 { nxdomain() } else { only("db")(asked) };
    let (early, server) = (Server::start(late).await, Server::start(only("db")).await);
    let (net, _folder) = net(&[early.address], "", "");
    for _ in 0..2 {
        assert_eq!(ask(&net, "db").await.unwrap_err().class, &class::DNS_NXDOMAIN);
    }
    assert_eq!(ask(&net, "db").await.unwrap().len(), 3);
    drop(early);
    std::fs::write(&net.files.resolv_conf, format!("nameserver {}\n", server.address)).unwrap();
    assert_eq!(ask(&net, "db").await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_name_that_exists_nowhere() {
    let server = Server::start(only("x")).await;
    let (net, _folder) = net(&[server.address], SEARCH, "");
    let reason = ask(&net, "db").await.unwrap_err();
    assert_eq!(said(&reason), ("dns.nxdomain", "no such name: db (searched a.test, b.test)"));
    let searched = Fact::Searched { name: "db".into(), search: vec!["a.test".into(), "b.test".into()] };
    assert!(
        reason.facts.contains(&searched) && reason.facts.contains(&Fact::NameServers(vec![server.address]))
    );
    let reason = ask(&net, "db.").await.unwrap_err();
    assert_eq!(said(&reason), ("dns.nxdomain", "no such name: db"));
    assert_eq!(server.asked().last().unwrap(), "db A");
}

#[tokio::test]
async fn no_data_among_names_that_do_not_exist() {
    let server =
        Server::start(|asked| if asked.name == "db.b.test" { answers([]) } else { nxdomain() }).await;
    let (net, _folder) = net(&[server.address], SEARCH, "");
    let reason = ask(&net, "db").await.unwrap_err();
    assert_eq!(said(&reason), ("dns.nodata", "db.b.test has no address"));
}

#[tokio::test]
async fn a_failure_does_not_stop_the_search_but_is_no_clean_no() {
    let failing = |asked: &Asked| match asked.name.as_str() {
        "db.a.test" | "other.a.test" => code(ResponseCode::ServFail),
        "db.b.test" => only("db.b.test")(asked),
        _ => nxdomain(),
    };
    let server = Server::start(failing).await;
    let (net, _folder) = net(&[server.address], SEARCH, "");
    assert_eq!(ask(&net, "db").await.unwrap().len(), 3);
    let reason = ask(&net, "other").await.unwrap_err();
    let text =
        format!("{} answers SERVFAIL for other.a.test; no such name: other.b.test, other", server.address);
    assert_eq!(said(&reason), ("dns.servfail", text.as_str()));
}

#[tokio::test]
async fn silence_for_one_name_does_not_stop_the_search() {
    let silent = |asked: &Asked| if asked.name == "db.a.test" { vec![] } else { only("db.b.test")(asked) };
    let server = Server::start(silent).await;
    let (net, _folder) = net(&[server.address], SEARCH, "");
    assert_eq!(ask(&net, "db").await.unwrap().len(), 3);
}

#[tokio::test]
async fn lost_packets_are_sent_again_soon() {
    let lossy = |asked: &Asked| if asked.count < 3 { vec![] } else { only("db")(asked) };
    let server = Server::start(lossy).await;
    let (net, _folder) = net(&[server.address], "", "");
    let began = Instant::now();
    assert_eq!(ask(&net, "db").await.unwrap().len(), 3);
    let took = began.elapsed();
    assert!((850..2000).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test]
async fn a_cut_look_up_names_the_silent_server() {
    let server = Server::start(|_| vec![]).await;
    let (net, _folder) = net(&[server.address], SEARCH, "");
    let trace = Trace::new(false);
    let look_up = net.lookup_ip(&trace, "db", Family::Any);
    assert!(tokio::time::timeout(Duration::from_millis(100), look_up).await.is_err());
    let cut = trace.cut().unwrap();
    let text = format!("no answer from {} for db.a.test", server.address);
    assert_eq!(said(&cut), ("dns.timeout", text.as_str()));
    assert!(cut.facts.contains(&Fact::Cut));
    // And it says the same when its own patience ends.
    assert_eq!(said(&ask(&net, "db").await.unwrap_err()), ("dns.timeout", text.as_str()));
}

#[tokio::test]
async fn the_second_server_helps_out() {
    let (silent, refusing) =
        (Server::start(|_| vec![]).await, Server::start(|_| code(ResponseCode::Refused)).await);
    let good = Server::start(only("db")).await;
    let (net, _folder) = net(&[silent.address, refusing.address, good.address], "", "");
    let began = Instant::now();
    assert_eq!(ask(&net, "db").await.unwrap().len(), 3);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn nothing_listens_at_the_name_server() {
    let gone = Server::start(|_| vec![]).await.address;
    let (net, _folder) = net(&[gone], "", "");
    let began = Instant::now();
    let reason = ask(&net, "db").await.unwrap_err();
    let text = format!("name server {gone}: connection refused");
    assert_eq!(said(&reason), ("dns.unreachable", text.as_str()));
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn without_a_configuration_the_reason_says_so() {
    let (net, folder) = net(&[], "", "");
    std::fs::remove_file(&net.files.resolv_conf).unwrap();
    let trace = Trace::new(false);
    let _ = tokio::time::timeout(Duration::from_millis(100), net.lookup_ip(&trace, "db", Family::Any)).await;
    let text = trace.cut().unwrap().text;
    assert!(text.starts_with(&format!("{}/resolv.conf cannot be read; ", folder.path().display())), "{text}");
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_over_tcp() {
    let long = |asked: &Asked| {
        if asked.tcp {
            return answers((1..=100).map(|n| record("db", &format!("10.0.0.{n}"))));
        }
        vec![Reply { truncated: true, ..Reply::default() }]
    };
    let server = Server::start(long).await;
    let (net, _folder) = net(&[server.address], "", "");
    let trace = Trace::new(false);
    assert_eq!(ask_with(&net, &trace, "db", Family::V4).await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_truncated_answer_without_a_whole_one_is_no_answer_of_the_server() {
    // No TCP at all: the port is open over UDP only.
    let udp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = udp.local_addr().unwrap();
    let server = async {
        let mut buffer = [0; 512];
        loop {
            let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
            // A response, cut off.
            buffer[2] = 0x87;
            udp.send_to(&buffer[..length], from).await.unwrap();
        }
    };
    let (net, _folder) = net(&[address], "", "");
    let reason = tokio::select! {
        () = server => unreachable!(),
        asked = ask(&net, "db") => asked.unwrap_err(),
    };
    let text = format!("{address} answers in part over UDP and not over TCP for db");
    assert_eq!(said(&reason), ("dns.protocol", text.as_str()));
}

#[tokio::test]
async fn tcp_alone_is_used_when_asked_for() {
    let server =
        Server::start(|asked| if asked.tcp { only("db")(asked) } else { code(ResponseCode::Refused) }).await;
    let (net, _folder) = net(&[server.address], "options use-vc\n", "");
    assert_eq!(ask(&net, "db").await.unwrap().len(), 3);
}

#[tokio::test]
async fn answers_that_do_not_fit_are_passed_over() {
    let forged = |asked: &Asked| {
        let false_one =
            Reply { answers: vec![record("db", "6.6.6.6"), record("evil", "6.6.6.6")], ..Reply::default() };
        let mut replies = vec![
            Reply { wrong_id: true, ..false_one.clone() },
            Reply { question: Some("evil."), ..false_one },
        ];
        let after = Duration::from_millis(30);
        replies.extend(only("db")(asked).into_iter().map(|reply| Reply { after, ..reply }));
        replies
    };
    let server = Server::start(forged).await;
    let (net, _folder) = net(&[server.address], "", "");
    assert_eq!(ask(&net, "db").await.unwrap(), ["fd00::1", "10.0.0.1", "10.0.0.2"]);
}

#[tokio::test]
async fn a_malformed_answer_is_named_so() {
    let server = Server::start(|_| vec![Reply { garbage: true, ..Reply::default() }]).await;
    let (net, _folder) = net(&[server.address], "", "");
    let reason = ask(&net, "db").await.unwrap_err();
    let text = format!("{} answers nonsense for db", server.address);
    assert_eq!(said(&reason), ("dns.protocol", text.as_str()));
}

#[tokio::test]
async fn aliases_are_followed_within_the_answer() {
    let aliases = |asked: &Asked| match (asked.name.as_str(), asked.kind) {
        ("db", RecordType::A) => answers([
            record("c", "10.0.0.9"),
            record("b", "->C"),
            record("other", "6.6.6.6"),
            record("DB", "->b"),
        ]),
        ("db", _) => answers([record("db", "->b"), record("b", "->c")]),
        ("loop", _) => answers([record("loop", "->b"), record("b", "->loop")]),
        _ => answers([record("half", "->c")]),
    };
    let server = Server::start(aliases).await;
    let (net, _folder) = net(&[server.address], "", "");
    assert_eq!(ask(&net, "db").await.unwrap(), ["10.0.0.9"]);
    let reason = ask(&net, "half").await.unwrap_err();
    assert_eq!(said(&reason), ("dns.nodata", "half is an alias of c, which has no address"));
    let reason = ask(&net, "loop").await.unwrap_err();
    let text = format!("{} answers with an alias that leads back to itself for loop", server.address);
    assert_eq!(said(&reason), ("dns.protocol", text.as_str()));
}

#[tokio::test]
async fn one_familys_trouble_does_not_lose_the_others_answer() {
    for trouble in [vec![], code(ResponseCode::ServFail), nxdomain()] {
        let half = move |asked: &Asked| match asked.kind {
            RecordType::A => only("db")(asked),
            _ => trouble.clone(),
        };
        let server = Server::start(half).await;
        let (net, _folder) = net(&[server.address], "", "");
        let began = Instant::now();
        assert_eq!(ask(&net, "db").await.unwrap(), ["10.0.0.1", "10.0.0.2"]);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_late_family_still_counts_within_the_grace() {
    let late = |asked: &Asked| {
        let after = Duration::from_millis(if asked.kind == RecordType::AAAA { 20 } else { 0 });
        only("db")(asked).into_iter().map(|reply| Reply { after, ..reply }).collect()
    };
    let server = Server::start(late).await;
    let (net, _folder) = net(&[server.address], "", "");
    assert_eq!(ask(&net, "db").await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_name_without_records_of_one_family_and_silence_for_the_other_is_no_clean_no() {
    let half = |asked: &Asked| if asked.kind == RecordType::A { answers([]) } else { vec![] };
    let server = Server::start(half).await;
    let (net, _folder) = net(&[server.address], "options timeout:1 attempts:1\n", "");
    assert_eq!(ask(&net, "db").await.unwrap_err().class, &class::DNS_TIMEOUT);
}

#[tokio::test]
async fn literals_hosts_and_localhost_need_no_server() {
    let (net, _folder) = net(&[], "", "10.0.0.1 db\nfd00::1 DB\n10.0.0.2 four\n");
    assert_eq!(ask(&net, "db").await.unwrap(), ["10.0.0.1", "fd00::1"]);
    assert_eq!(ask(&net, "192.0.2.1").await.unwrap(), ["192.0.2.1"]);
    assert_eq!(ask(&net, "localhost").await.unwrap(), ["::1", "127.0.0.1"]);
    assert_eq!(ask(&net, "x.LOCALHOST.").await.unwrap(), ["::1", "127.0.0.1"]);
    let trace = Trace::new(false);
    assert_eq!(ask_with(&net, &trace, "db", Family::V6).await.unwrap(), ["fd00::1"]);
    std::fs::write(&net.files.hosts, "127.0.0.2 localhost\n").unwrap();
    assert_eq!(ask(&net, "localhost").await.unwrap(), ["127.0.0.2"]);
}
