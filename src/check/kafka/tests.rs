use super::codec::{Topic, metadata_of, response};
use super::*;
use crate::check::scram_peer;
use crate::check::scripted::Line::{Answers, FallsSilent, Hears, HearsAnything, Says, TakesAnother};
use crate::check::scripted::{Line, attempt, judgement, layers, probe, problems};

/// A message with its size in front of it.
fn sized(parts: &[&[u8]]) -> Vec<u8> {
    let message = parts.concat();
    [&u32::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat()
}

/// A request: key, version, correlation and the client's name.
fn request(key: u8, version: u8, correlation: u8, body: &[u8]) -> Line {
    Hears(sized(&[&[0, key, 0, version, 0, 0, 0, correlation, 0, 6], b"prereq", body]))
}

fn response_to(correlation: u8, body: &[u8]) -> Line {
    Says(sized(&[&[0, 0, 0, correlation], body]))
}

/// `ApiVersions` is asked for, and answered by a broker that has Metadata and the log-in up to these versions.
fn greeting(metadata: u8) -> Vec<Line> {
    let apis = [[3, 0, metadata], [17, 0, 1], [18, 0, 3], [36, 0, 2]]
        .map(|[key, lowest, highest]| [0, key, 0, lowest, 0, highest])
        .concat();
    vec![request(18, 0, 1, &[]), response_to(1, &[&[0, 0, 0, 0, 0, 4][..], &apis].concat())]
}

/// A response to Metadata in version 4: two brokers, no cluster id, this controller.
fn cluster(controller: i32) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 0, 0, 0, 2];
    for node in [1, 2] {
        body.extend([0, 0, 0, node, 0, 1, b'b', 0, 0, 0x23, 0x84, 0xFF, 0xFF]);
    }
    body.extend([0xFF, 0xFF]);
    body.extend(controller.to_be_bytes());
    body
}

/// The topic `t`, in version 4: its error code, and the leader of each partition.
fn topic(code: i16, leaders: &[i32]) -> Vec<u8> {
    let mut topic = [&[0, 0, 0, 1], &code.to_be_bytes()[..], &[0, 1, b't', 0]].concat();
    topic.extend(u32::try_from(leaders.len()).unwrap().to_be_bytes());
    for (index, leader) in (0_u8..).zip(leaders) {
        topic.extend([0, 0, 0, 0, 0, index]);
        topic.extend(leader.to_be_bytes());
        // Replicas 1 and 2, of which 1 is in sync.
        topic.extend([0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1]);
    }
    topic
}

/// What the attempt finds when the broker says this of the cluster and of the topic.
async fn found(target: &str, cluster: Vec<u8>, topic: Vec<u8>) -> String {
    let mut script = greeting(4);
    script.push(HearsAnything);
    script.push(response_to(2, &[cluster, topic].concat()));
    attempt(target, script).await
}

#[tokio::test]
async fn a_cluster_is_asked_for_its_brokers_and_controller() {
    let mut script = greeting(4);
    script.push(request(3, 4, 2, &[0, 0, 0, 0, 0]));
    script.push(response_to(2, &[cluster(1), vec![0; 4]].concat()));
    let text = attempt("kafka://PEER", script).await;
    assert!(text.starts_with("ready ") && text.ends_with("in a cluster of 2 brokers"), "{text}");
    let text = found("kafka://PEER#brokers=3", cluster(1), vec![0; 4]).await;
    assert_eq!(text, "service.role the cluster has fewer than 3 brokers");
    for enough in ["kafka://PEER#brokers=2", "kafka://PEER#brokers=1"] {
        let text = found(enough, cluster(0), vec![0; 4]).await;
        assert!(text.starts_with("ready "), "{text}");
    }
    let text = found("kafka://PEER", cluster(-1), vec![0; 4]).await;
    assert_eq!(text, "service.role the cluster has no controller");
}

#[tokio::test]
async fn a_topic_is_looked_for_and_never_created() {
    let mut script = greeting(13);
    script.push(request(3, 8, 2, &[0, 0, 0, 1, 0, 1, b't', 0, 0, 0]));
    script.push(FallsSilent);
    let text = attempt("kafka://PEER#topic=t", script).await;
    assert!(text.starts_with("service.timeout "), "{text}");
    for (code, leaders, expected) in [
        (0, &[1, 2, 1][..], "ready "),
        (0, &[1, -1], "service.role topic t has partitions without a leader"),
        (0, &[], "service.role topic t has partitions without a leader"),
        (5, &[], "service.role topic t has partitions without a leader"),
        (3, &[], "service.missing there is no topic t"),
        (29, &[], "auth.denied the user may not look at topic t"),
        (17, &[], "service.error the broker answers with error 17"),
    ] {
        let text = found("kafka://PEER#topic=t", cluster(1), topic(code, leaders)).await;
        assert!(text.starts_with(expected), "{code} {leaders:?}: {text}");
        assert!(expected != "ready " || text.ends_with(", with topic t of 3 partitions"), "{text}");
    }
    let text = found("kafka://PEER#topic=t", cluster(1), vec![0; 4]).await;
    assert_eq!(text, "service.missing there is no topic t");
}

#[test]
fn later_versions_of_metadata_have_more_in_each_partition() {
    let partition = |version| {
        let mut body =
            [cluster(7), vec![0, 0, 0, 1, 0, 0, 0, 1, b't', 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
        body.extend([0, 0, 0, 1]);
        body.extend(if version >= 7 { &[0, 0, 0, 9][..] } else { &[] });
        body.extend([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
        body.extend(if version >= 5 { &[0, 0, 0, 0][..] } else { &[] });
        body.extend(if version >= 8 { &[0x80, 0, 0, 0, 0x80, 0, 0, 0][..] } else { &[] });
        body
    };
    let topic = Some(Topic { code: 0, partitions: 1, leaderless: 0 });
    let expected = Metadata { brokers: 2, controller: 7, topic };
    for version in 4..=8 {
        let body = partition(version);
        let mut from = Cursor(&body);
        assert_eq!(metadata_of(version, &mut from).as_ref(), Ok(&expected), "version {version}");
        assert_eq!(from.0.len(), if version >= 8 { 4 } else { 0 }, "version {version}");
    }
}

#[tokio::test]
async fn a_user_is_let_in_by_the_mechanism_that_the_broker_offers() {
    let handshake = |correlation, mechanism: &str| {
        let name = [&[0, u8::try_from(mechanism.len()).unwrap()], mechanism.as_bytes()].concat();
        request(17, 1, correlation, &name)
    };
    let plain = |code: u8| {
        let mut script = greeting(4);
        script.push(handshake(2, "PLAIN"));
        script.push(response_to(2, b"\0\0\0\0\0\x01\0\x05PLAIN"));
        script.push(request(36, 0, 3, b"\0\0\0\x06\0me\0pw"));
        script.push(response_to(3, &[0, code, 0xFF, 0xFF, 0, 0, 0, 0]));
        script
    };
    let mut script = plain(0);
    script.push(request(3, 4, 4, &[0, 0, 0, 0, 0]));
    script.push(response_to(4, &[cluster(1), vec![0; 4]].concat()));
    let text = attempt("kafka://me:pw@PEER#mechanism=PLAIN", script).await;
    assert!(text.starts_with("ready "), "{text}");
    let text = attempt("kafka://me:pw@PEER#mechanism=PLAIN", plain(58)).await;
    assert_eq!(text, "auth.denied the broker refuses user and password by PLAIN");
    // Offered is what cannot be used, or nothing.
    for (answer, expected) in [
        (&b"\0\x21\0\0\0\x01\0\x06GSSAPI"[..], "SCRAM-SHA-512; it offers GSSAPI"),
        (b"\0\x21\0\0\0\0", "SCRAM-SHA-512; it offers nothing else"),
    ] {
        let mut script = greeting(4);
        script.extend([handshake(2, "SCRAM-SHA-512"), response_to(2, answer)]);
        let text = attempt("kafka://me:pw@PEER", script).await;
        assert!(text.starts_with("auth.denied ") && text.ends_with(expected), "{text}");
    }
    // What is not taken first is not asked for again on the next connection.
    let mut script = greeting(4);
    script.extend([
        handshake(2, "SCRAM-SHA-512"),
        response_to(2, b"\0\x21\0\0\0\x01\0\x05PLAIN"),
        TakesAnother,
    ]);
    script.extend(plain(0));
    script.extend([HearsAnything, response_to(4, &[cluster(1), vec![0; 4]].concat())]);
    let text = attempt("kafka://me:pw@PEER", script).await;
    assert!(text.starts_with("ready "), "{text}");
    let mut script = greeting(4);
    script.extend([handshake(2, "SCRAM-SHA-256"), response_to(2, b"\0\x22\0\0\0\0")]);
    let text = attempt("kafka://me:pw@PEER#mechanism=SCRAM-SHA-256", script).await;
    assert_eq!(text, "service.error this listener of the broker knows no log-in");
}

/// The message of a mechanism in a request, behind its head.
fn said(request: &[u8]) -> &str {
    std::str::from_utf8(&request[24..]).unwrap()
}

/// What a broker says to the client's proof: an error code and a message.
type Outcome = fn(&str) -> (u8, String);

/// The outcome of a broker that knows the password.
fn judged(outcome: Option<String>) -> (u8, String) {
    outcome.map_or((58, String::new()), |proof| (0, proof))
}

/// A broker that offers SCRAM.
fn scram(mechanism: &'static [u8], outcome: Outcome) -> Vec<Line> {
    let authenticated = |correlation, code, message: &str| {
        let length = u8::try_from(message.len()).unwrap();
        let body = [&[0, code, 0xFF, 0xFF, 0, 0, 0, length], message.as_bytes()].concat();
        sized(&[&[0, 0, 0, correlation], &body])
    };
    let mut script = greeting(4);
    script.extend([HearsAnything, response_to(2, &[&[0, 0, 0, 0, 0, 1, 0, 13], mechanism].concat())]);
    script.push(Answers(Box::new(move |heard| authenticated(3, 0, &scram_peer::challenge(said(heard))))));
    script.push(Answers(Box::new(move |heard| {
        let (code, message) = outcome(said(heard));
        authenticated(4, code, &message)
    })));
    script
}

#[tokio::test]
async fn scram_is_spoken_to_its_end() {
    let metadata = || [HearsAnything, response_to(5, &[cluster(1), vec![0; 4]].concat())];
    let long: Outcome = |last| judged(scram_peer::outcome(last, true));
    let short: Outcome = |last| judged(scram_peer::outcome(last, false));
    for (mechanism, outcome) in [("SCRAM-SHA-512", long), ("SCRAM-SHA-256", short)] {
        let target = |password| format!("kafka://me:{password}@PEER#mechanism={mechanism}");
        let mut script = scram(mechanism.as_bytes(), outcome);
        script.extend(metadata());
        let text = attempt(&target("pw"), script).await;
        assert!(text.starts_with("ready "), "{text}");
        let text = attempt(&target("wrong"), scram(mechanism.as_bytes(), outcome)).await;
        assert_eq!(text, format!("auth.denied the broker refuses user and password by {mechanism}"));
    }
    // A broker that lets in anyone does not prove that it knows the password.
    let text = attempt("kafka://me:pw@PEER", scram(b"SCRAM-SHA-512", |_| (0, "v=AAAA".into()))).await;
    assert!(text.starts_with("auth.denied the server does not prove"), "{text}");
}

#[tokio::test]
async fn a_broker_that_wants_a_log_in_hangs_up_on_who_has_none() {
    let mut script = greeting(4);
    script.push(HearsAnything);
    let text = attempt("kafka://PEER", script).await;
    assert!(text.starts_with("auth.denied ") && text.ends_with("closes on who has not logged in"), "{text}");
}

#[tokio::test]
async fn what_is_no_broker_is_told() {
    let too_early = sized(&[&[0, 0, 0, 1, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0, 3]]);
    for (said, expected) in [
        (&b"HTTP/1.1 400 Bad Request"[..], "a response longer than 1 MiB"),
        (&[0xFF; 8], "a response of negative length"),
        (&[0, 0, 0, 4, 0, 0, 0, 9], "a response to another request"),
        (&[0, 0, 0, 0], "a message that ends too early"),
        (&too_early, "a message that ends too early"),
        (&[0, 0, 0, 64, 0, 0], "an answer that ends in the middle"),
    ] {
        let text = attempt("kafka://PEER", vec![HearsAnything, Says(said.to_vec())]).await;
        assert!(text.starts_with("service.protocol no Kafka at ") && text.ends_with(expected), "{text}");
    }
    // Version 9 is the first that is flexible; a broker that has no other cannot be asked.
    for apis in [&[0, 0, 0, 0, 0, 1, 0, 3, 0, 9, 0, 13][..], &[0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 3], &[0; 6]] {
        let text = attempt("kafka://PEER", vec![HearsAnything, response_to(1, apis)]).await;
        assert_eq!(text, "service.protocol the broker has no version of Metadata that is known here");
    }
    let text = attempt("kafka://PEER", vec![HearsAnything, response_to(1, &[0, 35, 0, 0, 0, 0])]).await;
    assert_eq!(text, "service.protocol the broker does not know this version of the protocol");
    let text = attempt("kafka://PEER", vec![HearsAnything, FallsSilent]).await;
    assert!(text.starts_with("service.timeout connection accepted, but no Kafka answer"), "{text}");
}

#[test]
fn responses_are_read_whole() {
    let bytes = sized(&[&[0, 0, 0, 1], &[0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 5]]);
    for end in 0..bytes.len() {
        assert_eq!(response(&bytes[..end], 1, codec::api_versions), Ok(None), "{end} bytes");
    }
    let ((code, versions), taken) = response(&bytes, 1, codec::api_versions).unwrap().unwrap();
    assert_eq!((code, taken, versions.of(&codec::METADATA)), (0, bytes.len(), Some(5)));
    assert_eq!(versions.of(&codec::SASL_HANDSHAKE), None);
}

#[test]
fn error_codes_have_their_classes() {
    for (code, expected) in [
        (0, "ready"),
        (8, "service.starting the broker is not available"),
        (31, "auth.denied the user may not look at the cluster"),
        (34, "service.error this listener of the broker knows no log-in"),
        (35, "service.protocol the broker does not know this version of the protocol"),
        (58, "service.error the broker answers with error 58"),
        (-1, "service.error the broker answers with error -1"),
    ] {
        let found = judge::code(code);
        if let Err(reason) = &found {
            assert_eq!(reason.facts, [crate::check::Fact::Code(code.to_string())]);
        }
        assert_eq!(judgement(found), expected, "{code}");
    }
    let denied = judge::authentication(58, "PLAIN").unwrap_err();
    assert_eq!(denied.facts, [crate::check::Fact::Code("58".into())]);
    for (code, expected) in [
        (0, "ready"),
        (34, "service.error this listener of the broker knows no log-in"),
        (58, "auth.denied the broker refuses user and password by PLAIN"),
    ] {
        assert_eq!(judgement(judge::authentication(code, "PLAIN")), expected, "{code}");
    }
    for (offered, expected) in [
        (&[][..], "auth.denied the broker takes no log-in by PLAIN; it offers nothing else"),
        (&["A".into(), "B".into()], "auth.denied the broker takes no log-in by PLAIN; it offers A, B"),
    ] {
        assert_eq!(judgement::<()>(Err(judge::no_mechanism("PLAIN", offered))), expected);
    }
}

#[tokio::test]
async fn an_explanation_shows_each_step() {
    let mut script = greeting(4);
    script.extend([HearsAnything, response_to(2, &[cluster(1), vec![0; 4]].concat())]);
    assert_eq!(
        layers("kafka://PEER", script).await,
        [
            "answer: Kafka, 38 bytes",
            "broker: is asked for Metadata in version 4",
            "answer: Kafka, 52 bytes",
            "cluster: 2 brokers, controller 1"
        ]
    );
}

#[test]
fn mistakes_are_told_with_what_is_right() {
    for (target, told) in [
        ("kafka://h/topic", "a kafka target has no path or query"),
        ("kafka://a:9092,b:9092", "write kafka://A or kafka://B"),
        ("kafka://me@h", "user and password go together"),
        ("kafka://h#mechanism=PLAIN", "option mechanism needs a user and a password"),
        ("kafka://me:pw@h#mechanism=scram-sha-256", "did you mean 'SCRAM-SHA-256'?"),
        ("kafka://h#topic=a/b", "letters, digits, dots"),
        ("kafka://h#brokers=0", "whole number from 1 on"),
        ("kafka://h#cacert=/ca.pem", "write kafka+ssl://"),
    ] {
        let problems = problems(target);
        assert!(problems.contains(told), "{target}: {problems}");
    }
    for target in ["kafka://h", "kafka+ssl://me:pw@h#mechanism=SCRAM-SHA-512&topic=a.b_c-d&brokers=3"] {
        assert!(probe(target).is_ok(), "{target}");
    }
}
