use super::codec::{connect, read, subscribe};
use super::judge::{connected, subscribed};
use super::*;
use crate::check::scripted::Line::{FallsSilent, Hears, HearsAnything, Says};
use crate::check::scripted::{Line, attempt, judgement, layers, probe, problems};
use crate::check::service::Malformed;

const CONNACK: &[u8] = &[0x20, 2, 0, 0];
const SUBACK: &[u8] = &[0x90, 3, 0, 1, 0];
const PINGRESP: &[u8] = &[0xD0, 0];

fn says(bytes: &[u8]) -> Line {
    Says(bytes.into())
}

/// A message for the topic `t`, as version 3.1.1 has it.
fn publish(retained: bool, text: &str) -> Line {
    let length = u8::try_from(3 + text.len()).unwrap();
    Says([&[0x30 | u8::from(retained), length, 0, 1, b't'], text.as_bytes()].concat())
}

/// The script of a broker that lets the client in and goes on with these lines.
fn opened(more: Vec<Line>) -> Vec<Line> {
    let mut script = vec![HearsAnything, says(CONNACK)];
    script.extend(more);
    script
}

fn subscribed_to(wanted: &[u8], more: Vec<Line>) -> Vec<Line> {
    let mut script = opened(vec![Hears([&subscribe(Version::V3, "t"), wanted].concat())]);
    script.extend(more);
    script
}

#[test]
fn packets_are_what_the_specification_has() {
    // Figure 3.6 of version 3.1.1, with a clean session, no will, and other contents.
    assert_eq!(
        connect(Version::V3, "c", Some("me"), Some("pw")),
        b"\x10\x15\0\x04MQTT\x04\xC2\0\x3C\0\x01c\0\x02me\0\x02pw"
    );
    assert_eq!(connect(Version::V3, "c", None, None), b"\x10\x0d\0\x04MQTT\x04\x02\0\x3C\0\x01c");
    assert_eq!(
        connect(Version::V5, "c", None, Some("t")),
        b"\x10\x11\0\x04MQTT\x05\x42\0\x3C\0\0\x01c\0\x01t"
    );
    assert_eq!(subscribe(Version::V3, "a/b"), b"\x82\x08\0\x01\0\x03a/b\0");
    assert_eq!(subscribe(Version::V5, "a/b"), b"\x82\x09\0\x01\0\0\x03a/b\0");
    // §2.2.3: 321 is 0x41 + 2 * 128.
    assert_eq!(subscribe(Version::V3, &"x".repeat(316))[..3], [0x82, 0xC1, 0x02]);
}

#[test]
fn packets_are_read_whole() {
    let message = |retained, topic: &str, text: &str| Packet::Publish {
        retained,
        topic: topic.into(),
        payload: text.into(),
    };
    for (version, bytes, expected) in [
        (Version::V3, CONNACK, Packet::ConnAck(0)),
        (Version::V3, b"\x20\x02\0\x05", Packet::ConnAck(5)),
        (Version::V5, b"\x20\x06\0\x87\x03\x21\0\x14", Packet::ConnAck(0x87)),
        (Version::V3, b"\x90\x03\0\x01\x80", Packet::SubAck(0x80)),
        (Version::V5, b"\x90\x04\0\x01\0\x87", Packet::SubAck(0x87)),
        (Version::V3, PINGRESP, Packet::PingResp),
        (Version::V5, b"\xE0\x02\x8B\0", Packet::Disconnect(0x8B)),
        (Version::V5, b"\xE0\0", Packet::Disconnect(0)),
        (Version::V3, b"\x31\x07\0\x03a/bhi", message(true, "a/b", "hi")),
        (Version::V3, b"\x32\x09\0\x03a/b\0\x0ahi", message(false, "a/b", "hi")),
        (Version::V5, b"\x31\x0a\0\x03a/b\x02\x01\x01hi", message(true, "a/b", "hi")),
    ] {
        assert_eq!(read(version, bytes), Ok(Some((expected, bytes.len()))), "{bytes:?}");
        for end in 0..bytes.len() {
            assert_eq!(read(version, &bytes[..end]), Ok(None), "{:?}", &bytes[..end]);
        }
    }
}

#[test]
fn what_is_no_packet_is_told() {
    for (bytes, told) in [
        (&b"HTTP/1.1 400 Bad Request"[..], "something else than a packet of a server"),
        (b"\x10\0", "something else than a packet of a server"),
        (b"\x21\x02\0\0", "something else than a packet of a server"),
        (b"\x30\xFF\xFF\xFF\xFF\x01", "a length that is none"),
        (b"\x30\xFF\xFF\xFF\x7F", "a packet longer than 1 MiB"),
        (b"\x20\x01\0", "a message that ends too early"),
        (b"\x30\x03\0\x09t", "a message that ends too early"),
        (b"\x90\x03\0\x02\0", "an answer to another subscription"),
        (b"\x30\x03\0\x01\xFF", "a topic that is not text"),
    ] {
        assert_eq!(read(Version::V3, bytes), Err(Malformed(told)), "{bytes:?}");
    }
    assert!(read(Version::V5, b"\x31\x06\0\x01t\xFF\xFF\x7F").is_err());
}

#[test]
fn codes_have_their_classes() {
    use Version::{V3, V5};
    const REFUSED: &str = "auth.denied the broker refuses user and password";
    const DENIED: &str = "auth.denied the broker does not let the client in: not authorized";
    const IDENTIFIER: &str = "service.error the broker does not take the client's identifier: see client-id=";
    const UNAVAILABLE: &str = "service.starting the broker says that its service is unavailable";
    const ELSEWHERE: &str = "service.role the broker sends its clients to another one";
    for (version, code, known, expected) in [
        (V3, 0, false, "in"),
        (V3, 4, false, "asks"),
        (V3, 5, false, "asks"),
        (V3, 4, true, REFUSED),
        (V3, 5, true, DENIED),
        (V3, 1, true, "service.error the broker does not speak MQTT 3.1.1: try protocol=5"),
        (V3, 2, true, IDENTIFIER),
        (V3, 3, false, UNAVAILABLE),
        (V3, 99, false, "service.error the broker refuses the connection with code 0x63"),
        (V3, 0x86, true, "service.error the broker refuses the connection with code 0x86"),
        (V5, 0, true, "in"),
        (V5, 0x86, false, "asks"),
        (V5, 0x87, false, "asks"),
        (V5, 0x8C, false, "asks"),
        (V5, 0x86, true, REFUSED),
        (V5, 0x87, true, DENIED),
        (V5, 0x8C, true, "auth.denied the broker wants another way of authentication"),
        (V5, 0x8A, false, "auth.denied the broker has banned the client"),
        (V5, 0x84, false, "service.error the broker does not speak MQTT 5: leave out protocol=5"),
        (V5, 0x85, false, IDENTIFIER),
        (V5, 0x88, false, UNAVAILABLE),
        (V5, 0x89, false, "service.starting the broker says that it is busy"),
        (V5, 0x9C, false, ELSEWHERE),
        (V5, 0x9D, false, ELSEWHERE),
        (V5, 0x97, false, "service.error the broker refuses the connection with code 0x97"),
        (V5, 4, true, "service.error the broker refuses the connection with code 0x04"),
    ] {
        let found = match connected(version, code, known) {
            Entry::In => "in".into(),
            Entry::Asks => "asks".into(),
            Entry::Out(reason) => {
                assert_eq!(reason.facts, [crate::check::Fact::Code(format!("{code:#04x}"))]);
                judgement::<()>(Err(reason))
            }
        };
        assert_eq!(found, expected, "{version:?} {code:#04x}");
    }
    for (version, code, expected) in [
        (V3, 0, "ready"),
        (V3, 2, "ready"),
        (V3, 3, "service.error the broker refuses a subscription to t with code 0x03"),
        (V3, 0x80, "auth.denied the client may not subscribe to t"),
        (V5, 0x87, "auth.denied the client may not subscribe to t"),
        (V5, 0x80, "service.error the broker refuses a subscription to t with code 0x80"),
        (V5, 0x8F, "service.error the broker refuses a subscription to t with code 0x8f"),
    ] {
        assert_eq!(judgement(subscribed(version, code, "t")), expected, "{version:?} {code:#04x}");
    }
    for (code, expected) in [
        (0x87, "auth.denied the broker parts: not authorized"),
        (0x8B, "service.starting the broker parts: it is shutting down"),
        (0x8D, "service.error the broker parts with code 0x8d"),
    ] {
        assert_eq!(judgement::<()>(Err(judge::parted(code))), expected, "{code:#04x}");
    }
}

#[tokio::test]
async fn a_broker_lets_the_client_in_or_asks_for_credentials() {
    let goodbye = || Hears(codec::DISCONNECT.into());
    let found = attempt("mqtt://PEER", opened(vec![goodbye()])).await;
    assert!(found.starts_with("ready MQTT broker at 127.0.0.1:") && found.ends_with("in"), "{found}");
    let said = Hears(connect(Version::V3, "me-1", Some("me"), Some("pw")));
    let found = attempt("mqtt://me:pw@PEER#client-id=me-1", vec![said, says(CONNACK), goodbye()]).await;
    assert!(found.starts_with("ready "), "{found}");
    let refused = || vec![HearsAnything, says(&[0x20, 2, 0, 5])];
    let found = attempt("mqtt://PEER", refused()).await;
    assert!(found.starts_with("ready ") && found.ends_with("asks for credentials"), "{found}");
    assert!(attempt("mqtt://PEER#topic=t", refused()).await.starts_with("auth.denied "));
    assert!(attempt("mqtt://me:pw@PEER", refused()).await.starts_with("auth.denied "));
    let five = vec![Hears(connect(Version::V5, "c", None, None)), says(b"\x20\x03\0\x84\0")];
    let found = attempt("mqtt://PEER#protocol=5&client-id=c", five).await;
    assert!(found.starts_with("service.error "), "{found}");
}

#[tokio::test]
async fn a_topic_is_subscribed_to_and_its_retained_message_found() {
    let goodbye = || Hears(codec::DISCONNECT.into());
    let found = attempt("mqtt://PEER#topic=t", subscribed_to(&[], vec![says(SUBACK), goodbye()])).await;
    assert!(found.ends_with("and subscribe to t"), "{found}");
    let denied = subscribed_to(&[], vec![says(&[0x90, 3, 0, 1, 0x80]), goodbye()]);
    assert!(attempt("mqtt://PEER#topic=t", denied).await.starts_with("auth.denied "));
    let wanted = |more: Vec<Line>| {
        let mut script = subscribed_to(codec::PING, more);
        script.push(goodbye());
        script
    };
    for (options, lines, expected) in [
        ("retained", vec![says(SUBACK), publish(true, "up"), says(PINGRESP)], "ready "),
        // Before the subscription is confirmed, or behind the answer to the ping.
        ("retained", vec![publish(true, "up"), says(SUBACK)], "ready "),
        ("retained", vec![says(SUBACK), says(PINGRESP), publish(true, "up")], "ready "),
        (
            "retained",
            vec![says(SUBACK), says(PINGRESP)],
            "service.missing there is no retained message for t",
        ),
        ("retained", vec![says(SUBACK), publish(false, "up"), says(PINGRESP)], "service.missing "),
        ("expect=^up$", vec![says(SUBACK), publish(true, "up"), says(PINGRESP)], "ready "),
        (
            "expect=^up$",
            vec![says(SUBACK), publish(true, "down"), says(PINGRESP)],
            "service.missing there is no retained message that matches",
        ),
        ("expect=^up$", vec![says(SUBACK), publish(true, "down"), publish(true, "up")], "ready "),
    ] {
        let found = attempt(&format!("mqtt://PEER#topic=t&{options}"), wanted(lines)).await;
        assert!(found.starts_with(expected), "{options}: {found}");
    }
}

#[tokio::test]
async fn what_is_no_broker_is_told() {
    for (said, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "service.protocol no MQTT at"),
        (b"\x15\x03\x03\0\x02\x02\x50", "service.protocol no MQTT at"),
        (b"\x30\xFF\xFF\xFF\x7F", "service.protocol no MQTT at"),
        (SUBACK, "service.protocol no MQTT at"),
        (b"\x20\x02\0", "service.protocol no MQTT at"),
        (b"", "tcp.closed"),
    ] {
        let found = attempt("mqtt://PEER", vec![HearsAnything, says(said)]).await;
        assert!(found.starts_with(expected), "{found}");
    }
    let found = attempt("mqtt://PEER", vec![HearsAnything, FallsSilent]).await;
    assert!(found.starts_with("service.timeout connection accepted, but no MQTT answer"), "{found}");
}

#[tokio::test]
async fn an_explanation_shows_each_step() {
    let lines = vec![says(SUBACK), publish(true, "up"), says(PINGRESP), Hears(codec::DISCONNECT.into())];
    let shown = layers("mqtt://PEER#topic=t&retained", subscribed_to(codec::PING, lines)).await;
    assert_eq!(shown, ["log-in: CONNACK 0x00", "subscribe: t, granted", "retained: t"]);
}

#[test]
fn mistakes_are_told_with_what_is_right() {
    for (target, told) in [
        ("mqtt://h/topic", "a mqtt target has no path"),
        ("mqtt://:pw@h", "a password needs a user"),
        ("mqtt://h#protocol=4", "not one of 3.1.1, 5"),
        ("mqtt://h#retained", "add topic=FILTER"),
        ("mqtt://h#expect=x", "add topic=FILTER"),
        ("mqtt://h#topic=", "1 to 65535 bytes"),
        ("mqtt://h#topic=a%23", "a whole level"),
        ("mqtt://h#topic=%23/a", "a whole level"),
        ("mqtt://h#topic=a/b%2B/c", "a whole level"),
        ("mqtt://h#insecure", "write mqtts://"),
    ] {
        let problems = problems(target);
        assert!(problems.contains(told), "{target}: {problems}");
    }
    for target in
        ["mqtt://h", "mqtt://:t@h#protocol=5", "mqtts://me:pw@h#topic=a/+/b/#&retained", "mqtt://h#topic=#"]
    {
        assert!(probe(target).is_ok(), "{target}");
    }
}
