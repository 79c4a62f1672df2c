//! Faults on the way: lost, slow and swallowed packets, resets, addresses that move, families and paths that are broken.
//!
//! Packets are dropped by rules of netfilter on their way in, as a network loses them: a sender does not notice.

use std::fs;
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use tokio::time::Instant;

use crate::certs::{Authority, Validity};
use crate::net::{Net, eventually, lasts};
use crate::program::{SHORT, Waiting, prereq, start};
use crate::servers::{Named, Nginx, answer};

/// How long after a fault has ended a wait may last: the longest pause between connects, and a connect.
const HEALED: Duration = Duration::from_millis(700);
/// What reading and starting programs takes on a busy machine.
const SLACK: Duration = Duration::from_millis(800);
/// The same where more would hide what is looked for.
const LATE: Duration = Duration::from_millis(300);
/// How long after one family the other is tried, and what names and connects take.
const OTHER_FAMILY: Duration = Duration::from_millis(400);

const TO_SERVER: [&str; 4] = ["-p", "tcp", "--dport", "8080"];
const FROM_SERVER: [&str; 4] = ["-p", "tcp", "--sport", "8443"];

fn ends_soon(waiting: Waiting<'_>, limit: Duration) {
    waiting.finish(limit + SLACK).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn every_third_packet_is_lost_in_both_directions() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "up");
    let lose = ["-m", "statistic", "--mode", "nth", "--every", "3", "--packet", "0", "-j", "DROP"];
    net.filter(&[&["-A", "INPUT", "-p", "tcp"][..], &lose].concat());
    let waiting =
        start(&net, &["--attempt-timeout", "2s", "tcp://127.0.0.1:8080", "http://127.0.0.1:8080/#expect=up"]);
    ends_soon(waiting, Duration::from_secs(4));
    let before = net.dropped();
    assert!(before > 0, "nothing was lost");
    // What refuses stays refused.
    let outcome = prereq(&net, &["tcp://127.0.0.1:8081"]);
    outcome.is_unmet("127.0.0.1:8081", "tcp.refused");
    assert!(outcome.took < SHORT + LATE, "{:?}", outcome.took);
    assert!(net.dropped() > before, "nothing was lost of what was refused");
}

/// Some 30 kB of packets go back and forth all the time, and whatever else is sent has to queue behind them.
#[test]
#[ignore = "needs real servers: make real"]
fn a_long_way_delays_and_does_no_harm() {
    const PACKETS: usize = 24;
    const ROUND_TRIP: Duration = Duration::from_millis(310);
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "up");
    net.ip(&["link", "set", "lo", "mtu", "1500"]);
    // A packet of them takes 11 ms.
    net.shape("lo", &["root", "tbf", "rate", "1mbit", "burst", "1600", "latency", "3s"]);
    let (near, far) = net.inside(|| (UdpSocket::bind("127.0.0.1:0"), UdpSocket::bind("127.0.0.1:0")));
    let (near, far) = (near.expect("a port"), far.expect("a port"));
    near.connect(far.local_addr().expect("its address")).expect("a way");
    far.connect(near.local_addr().expect("its address")).expect("a way");
    for number in 0..PACKETS {
        let from = if number % 2 == 0 { &near } else { &far };
        from.send(&[0; 1400]).expect("a packet is sent");
    }
    let begun = Instant::now();
    for socket in [near, far] {
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out");
        std::thread::spawn(move || {
            let mut packet = [0; 1400];
            while begun.elapsed() < Duration::from_secs(15)
                && socket.recv(&mut packet).is_ok()
                && socket.send(&packet).is_ok()
            {}
        });
    }
    let begun = Instant::now();
    net.inside(|| TcpStream::connect("127.0.0.1:8080").map(drop)).expect("a connection");
    let round_trip = begun.elapsed();
    assert!(round_trip > ROUND_TRIP, "a connection took {round_trip:?} only");
    for (target, trips) in [("tcp://127.0.0.1:8080", 1), ("http://127.0.0.1:8080/#expect=up", 2)] {
        let outcome = start(&net, &[target]).finish(Duration::from_secs(4));
        outcome.is_ready();
        assert!(outcome.took > ROUND_TRIP * trips, "{target}: {:?}", outcome.took);
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_slow_line_delays_and_does_no_harm() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, &"x".repeat(4_000));
    // 64 kbit/s with a queue: the body takes half a second.
    net.ip(&["link", "set", "lo", "mtu", "1500"]);
    net.shape("lo", &["root", "tbf", "rate", "64kbit", "burst", "1600", "latency", "3s"]);
    let outcome = start(&net, &["http://127.0.0.1:8080/#expect=x{1000}"]).finish(Duration::from_secs(4));
    outcome.is_ready();
    assert!(outcome.took > Duration::from_millis(200), "{:?}", outcome.took);
}

/// In an attempt under way: a connect that hangs is overlapped by fresh ones, so that none waits for the kernel to resend.
#[test]
#[ignore = "needs real servers: make real"]
fn a_blackholed_host_that_comes_back_is_noticed() {
    for target in ["tcp://127.0.0.1:8080", "http://127.0.0.1:8080/"] {
        let net = Net::new();
        net.resend_late();
        let _nginx = Nginx::answering(&net, 200, "");
        net.filter(&[&["-A", "INPUT"], &TO_SERVER[..], &["-j", "DROP"]].concat());
        let waiting = start(&net, &["--log-format", "json", "--attempt-timeout", "10s", target]);
        comes_back(&net, waiting, || net.filter(&["-F"]));
    }
}

/// Lets a host come back by `heal` 1.4 s after the first connect: the first is resent 1.6 s after that.
pub(crate) fn comes_back(net: &Net, waiting: Waiting<'_>, heal: impl FnOnce()) {
    eventually("it connects", Duration::from_secs(3), || net.connecting() > 0);
    lasts(Duration::from_millis(1_400));
    heal();
    let healed = Instant::now();
    let outcome = waiting.finish(Duration::from_secs(4));
    let took = healed.elapsed();
    outcome.is_ready();
    assert!(took < HEALED + LATE, "{took:?} after it came back:\n{}", outcome.output);
    let end = outcome.output.lines().last().expect("an end");
    let end: serde_json::Value = serde_json::from_str(end).expect(end);
    assert_eq!(end["preconditions"][0]["attempts"], 1, "{end}");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_blackhole_that_stays_keeps_the_deadline() {
    let net = Net::new();
    net.filter(&[&["-A", "INPUT"], &TO_SERVER[..], &["-j", "DROP"]].concat());
    prereq(&net, &["tcp://127.0.0.1:8080"]).is_unmet("127.0.0.1:8080", "tcp.timeout");
    prereq(&net, &["http://127.0.0.1:8080/"]).is_unmet("127.0.0.1:8080", "tcp.timeout");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_reset_after_the_connection_was_accepted() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "");
    // The handshake gets through; what carries data is answered with a reset.
    let data = ["--tcp-flags", "PSH", "PSH", "-j", "REJECT", "--reject-with", "tcp-reset"];
    net.filter(&[&["-A", "INPUT"], &TO_SERVER[..], &data].concat());
    prereq(&net, &["http://127.0.0.1:8080/"]).is_unmet("127.0.0.1:8080", "tcp.closed");
    let mut waiting = start(&net, &["http://127.0.0.1:8080/"]);
    waiting.until_it_says("tcp.closed");
    net.filter(&["-F"]);
    // A reset costs the server work: it is asked again within a second.
    ends_soon(waiting, Duration::from_millis(1_100));
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_host_that_moves_is_found_at_its_new_address() {
    for target in ["tcp://app.test:8080", "http://app.test:8080/"] {
        let net = Net::new();
        net.add_blackhole();
        let mut named = Named::start(&net, "app A 10.99.0.7");
        let _nginx = Nginx::answering(&net, 200, "");
        let mut waiting = start(&net, &["--attempt-timeout", "1s", target]);
        waiting.until_it_says("tcp.timeout");
        named.reload("app A 127.0.0.1");
        // The attempt under way is lost; the next asks for the address anew.
        ends_soon(waiting, Duration::from_secs(1) + HEALED);
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn one_family_may_be_broken_while_the_other_works() {
    let net = Net::new();
    net.add_blackhole();
    net.ip(&["addr", "add", "fd00:99::1/64", "dev", "hole", "nodad"]);
    let servers = answer(200, "").replace("127.0.0.1:8080", "[::]:8080 ipv6only=off");
    let _nginx = Nginx::start(&net, &servers);
    let _named = Named::start(
        &net,
        "four A 127.0.0.1\nfour AAAA fd00:99::7\nsix A 10.99.0.7\nsix AAAA ::1\nnone A 10.99.0.7\nnone AAAA fd00:99::7",
    );
    for name in ["four", "six"] {
        let (tcp, http) = (format!("tcp://{name}.test:8080"), format!("http://{name}.test:8080/"));
        let outcome = start(&net, &[&tcp, &http]).finish(Duration::from_secs(4));
        outcome.is_ready();
        assert!(outcome.took < OTHER_FAMILY + LATE, "{name}: {:?}", outcome.took);
    }
    prereq(&net, &["tcp://none.test:8080"]).is_unmet("none.test:8080", "tcp.timeout");
}

#[test]
#[ignore = "needs real servers: make real"]
fn large_packets_are_swallowed_in_the_handshake() {
    let net = Net::new();
    let pair = Authority::new(&net).issue("www.test", Validity::Days(20));
    let _named = Named::start(&net, "www A 127.0.0.1");
    let servers = format!(
        "server {{ listen 127.0.0.1:8443 ssl; ssl_certificate {}; ssl_certificate_key {}; return 200 up; }}",
        pair.certificate, pair.key
    );
    let _nginx = Nginx::start(&net, &servers);
    let large = ["-m", "length", "--length", "400:65535", "-j", "DROP"];
    net.filter(&[&["-A", "INPUT"], &FROM_SERVER[..], &large].concat());
    for scheme in ["tls", "https"] {
        let target = format!("{scheme}://www.test:8443#cacert={}", pair.certificate);
        prereq(&net, &[&target]).is_unmet("www.test:8443", "tls.timeout");
    }
    let target = format!("tls://www.test:8443#cacert={}", pair.certificate);
    let mut waiting = start(&net, &["--attempt-timeout", "800ms", &target]);
    waiting.until_it_says("tls.timeout");
    net.filter(&["-F"]);
    // A new attempt, after one that may just have begun.
    ends_soon(waiting, Duration::from_millis(800) + HEALED);
}

/// A server that is reached by two ways of which one is slow, and every other packet takes that one.
#[test]
#[ignore = "needs real servers: make real"]
fn packets_overtake_one_another() {
    const NEAR: &str = "10.98.0.1";
    const FAR: &str = "10.98.0.2";
    let (client, server) = (Net::new(), Net::new());
    client.ip(&["addr", "add", NEAR, "dev", "lo"]);
    server.ip(&["addr", "add", FAR, "dev", "lo"]);
    for (number, way, rate) in [("1", "fast", "2mbit"), ("2", "slow", "200kbit")] {
        let (near, far) = (format!("10.98.{number}.1"), format!("10.98.{number}.2"));
        client.plug((&format!("{near}/24"), &server), (way, &format!("{far}/24")));
        for (net, from, to, via) in [(&client, NEAR, FAR, far), (&server, FAR, NEAR, near)] {
            net.shape(way, &["root", "tbf", "rate", rate, "burst", "1600", "latency", "3s"]);
            net.ip(&["route", "add", to, "via", &via, "src", from, "table", number]);
        }
    }
    for net in [&client, &server] {
        // An answer may come by the other way than the question went.
        net.inside(|| {
            for of in ["all", "fast", "slow"] {
                fs::write(format!("/proc/sys/net/ipv4/conf/{of}/rp_filter"), "0").expect("a setting");
            }
        });
        let other = ["-m", "statistic", "--mode", "nth", "--every", "2", "--packet", "0"];
        let mark = ["-j", "MARK", "--set-mark", "2"];
        net.filter(&[&["-t", "mangle", "-A", "OUTPUT", "-p", "tcp"][..], &other, &mark].concat());
        net.ip(&["rule", "add", "fwmark", "2", "table", "2", "priority", "1"]);
        net.ip(&["rule", "add", "table", "1", "priority", "2"]);
    }
    let body = format!(
        "set $part '{}'; location / {{ return 200 '{} end'; }}",
        "x".repeat(2_000),
        "$part".repeat(20)
    );
    let _nginx = Nginx::start(&server, &format!("server {{ listen 10.98.0.2:8080; {body} }}"));
    let begun =
        start(&client, &["http://10.98.0.2:8080/#expect=^x.*x%20end$", "tcp://10.98.0.2:8080#hold=300ms"]);
    let outcome = begun.finish(Duration::from_secs(4));
    outcome.is_ready();
    // 20 kB by the slow way take 0.8 s.
    assert!(outcome.took > Duration::from_millis(500), "{:?}", outcome.took);
    let (fast, slow, late) = client.inside(|| (received("fast"), received("slow"), out_of_order()));
    assert!(
        fast > 10 && slow > 10 && late > 5,
        "{fast} packets by one way, {slow} by the other, {late} overtaken"
    );
}

/// How many packets have come in by a device of this thread's network.
fn received(device: &str) -> u64 {
    let devices = fs::read_to_string("/proc/thread-self/net/dev").expect("the devices");
    let line =
        devices.lines().find_map(|line| line.trim().strip_prefix(&format!("{device}:"))).expect(device);
    line.split_whitespace().nth(1).expect("packets").parse().expect("a number")
}

/// How many parts of a connection had to wait for one that was sent before them.
fn out_of_order() -> u64 {
    let counters = fs::read_to_string("/proc/thread-self/net/netstat").expect("the counters");
    let mut lines = counters.lines().filter(|line| line.starts_with("TcpExt:")).map(str::split_whitespace);
    let (mut names, mut values) = (lines.next().expect("names"), lines.next().expect("values"));
    let at = names.position(|name| name == "TCPOFOQueue").expect("the counter");
    values.nth(at).expect("its value").parse().expect("a number")
}
