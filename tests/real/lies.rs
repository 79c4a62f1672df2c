//! A name server that lies, drops and breaks off: what it says is never taken for an answer, and once it speaks the truth
//! the wait ends.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::net::Net;
use crate::program::{prereq, start};
use crate::servers::Nginx;

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// There is none.
    Dropped,
    /// It belongs to another question, by its number.
    WrongId,
    /// It belongs to another question, by what was asked.
    WrongQuestion,
    /// It says that there is more by TCP, where the server hangs up on every question.
    Truncated,
    /// It ends in the middle of its record.
    CutOff,
    /// It is about another name than was asked for.
    OtherName,
    /// The name is an alias of itself.
    Circle,
    /// Its name points at itself.
    Pointer,
    /// It is a question.
    Question,
    /// It is no message at all.
    Noise,
}

const LIES: [Lie; 10] = [
    Lie::Dropped,
    Lie::WrongId,
    Lie::WrongQuestion,
    Lie::Truncated,
    Lie::CutOff,
    Lie::OtherName,
    Lie::Circle,
    Lie::Pointer,
    Lie::Question,
    Lie::Noise,
];

impl Lie {
    /// What is told of it. What belongs to another question may come from anyone: the answer is still waited for.
    fn class(self) -> &'static str {
        match self {
            Self::Dropped | Self::WrongId | Self::WrongQuestion | Self::Question | Self::Noise => {
                "dns.timeout"
            }
            Self::Truncated | Self::CutOff | Self::OtherName | Self::Circle | Self::Pointer => "dns.protocol",
        }
    }
}

/// A name: its labels with their lengths, as on the wire.
fn name(labels: &[&str]) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in labels {
        wire.push(u8::try_from(label.len()).expect("a short label"));
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// The answer to `query`, which has one question and perhaps a record of EDNS (RFC 1035 §4.1); without a lie, that the
/// name is 127.0.0.1, or has no IPv6 address.
fn reply(query: &[u8], lie: Option<Lie>) -> Option<Vec<u8>> {
    let end = 12 + query.get(12..)?.iter().position(|byte| *byte == 0)? + 5;
    let (mut id, mut question) = (query[..2].to_vec(), query.get(12..end)?.to_vec());
    let of_addresses = question[question.len() - 4..] == [0, 1, 0, 1];
    let (mut flags, mut owner) = ([0x85, 0x80], vec![0xC0, 12]);
    let (mut kind, mut data) = (1, vec![127, 0, 0, 1]);
    let mut answers = u8::from(of_addresses);
    match lie {
        Some(Lie::Dropped) => return None,
        Some(Lie::Noise) => return Some(vec![0xFF; 40]),
        Some(Lie::WrongId) => id[1] ^= 1,
        Some(Lie::WrongQuestion) => {
            question = [name(&["other", "test"]), question[question.len() - 4..].to_vec()].concat();
        }
        Some(Lie::Truncated) => (flags[0], answers) = (0x87, 0),
        Some(Lie::OtherName) => owner = name(&["other", "test"]),
        Some(Lie::Circle) => (kind, data, answers) = (5, vec![0xC0, 12], 1),
        Some(Lie::Pointer) => owner = vec![0xC0, u8::try_from(12 + question.len()).ok()?],
        Some(Lie::Question) => flags[0] = 0x05,
        Some(Lie::CutOff) | None => {}
    }
    let mut message = [&id[..], &flags, &[0, 1, 0, answers, 0, 0, 0, 0], &question].concat();
    if answers > 0 {
        let length = u8::try_from(data.len()).ok()?;
        message.extend([&owner[..], &[0, kind, 0, 1, 0, 0, 0, 60, 0, length], &data].concat());
    }
    if lie == Some(Lie::CutOff) {
        message.truncate(message.len() - 3);
    }
    Some(message)
}

/// A name server inside `net`, which lies as long as the switch is on.
fn serve(net: &Net, lie: Lie) -> Arc<AtomicBool> {
    let lying = Arc::new(AtomicBool::new(true));
    let (by_udp, by_tcp) = net.inside(|| {
        (
            UdpSocket::bind("127.0.0.1:53").expect("port 53"),
            TcpListener::bind("127.0.0.1:53").expect("port 53"),
        )
    });
    let now = Arc::clone(&lying);
    std::thread::spawn(move || {
        let mut query = [0; 1024];
        while let Ok((count, from)) = by_udp.recv_from(&mut query) {
            let lie = now.load(Ordering::Relaxed).then_some(lie);
            if let Some(answer) = reply(&query[..count], lie) {
                let _ = by_udp.send_to(&answer, from);
            }
        }
    });
    let now = Arc::clone(&lying);
    std::thread::spawn(move || {
        for mut stream in by_tcp.incoming().flatten() {
            let mut query = [0; 1024];
            let count = stream.read(&mut query).unwrap_or(0);
            let lie = now.load(Ordering::Relaxed).then_some(lie).filter(|lie| *lie != Lie::Truncated);
            let quiet = now.load(Ordering::Relaxed) && lie.is_none();
            if let Some(answer) = query.get(2..count).and_then(|query| reply(query, lie)).filter(|_| !quiet) {
                let length = u16::try_from(answer.len()).unwrap_or(u16::MAX).to_be_bytes();
                let _ = stream.write_all(&[&length[..], &answer].concat());
            }
        }
    });
    lying
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_lie_is_no_answer_and_the_truth_is() {
    std::thread::scope(|scope| {
        for lie in LIES {
            scope.spawn(move || stands_up_to(lie));
        }
    });
}

fn stands_up_to(lie: Lie) {
    let net = Net::new();
    let lying = serve(&net, lie);
    let _nginx = Nginx::answering(&net, 200, "");
    for target in ["dns:app.test", "tcp://app.test:8080", "http://app.test:8080/"] {
        for words in [&[target][..], &["not", target]] {
            let outcome = prereq(&net, words);
            assert_eq!(outcome.status, Some(124), "{lie:?}, {words:?}: {}", outcome.output);
            outcome.is_unmet("app.test", lie.class());
            let mut told = outcome.output.split('[').skip(1);
            assert!(told.all(|told| told.starts_with(lie.class())), "{lie:?}, {words:?}: {}", outcome.output);
        }
    }
    let mut waiting = start(&net, &["--attempt-timeout", "800ms", "tcp://app.test:8080"]);
    waiting.until_it_says(lie.class());
    lying.store(false, Ordering::Relaxed);
    // What is under way is lost; a question is sent again within a second.
    let outcome = waiting.finish(Duration::from_millis(2_500));
    assert_eq!(outcome.status, Some(0), "{lie:?}: {}", outcome.output);
}
