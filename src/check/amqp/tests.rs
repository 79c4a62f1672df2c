use super::codec::{Closing, message};
use super::*;
use crate::check::scripted::Line::{FallsSilent, Hears, HearsAnything, Says};
use crate::check::scripted::{Line, attempt, judgement, layers, probe, problems};
use crate::check::service::Malformed;

/// A frame with a method, as §2.3.5 and §4.2.3 have it.
fn frame(channel: u8, class: u8, method: u8, arguments: &[u8]) -> Vec<u8> {
    let size = u32::try_from(arguments.len() + 4).unwrap();
    [&[1, 0, channel], &size.to_be_bytes()[..], &[0, class, 0, method], arguments, &[0xCE]].concat()
}

/// Connection.Start of a server that is called Test 1 and has one more property, a table.
fn start() -> Vec<u8> {
    let properties =
        b"\x0ccapabilitiesF\0\0\0\x0e\x0bconsumers_xt\x01\x07productS\0\0\0\x04Test\x07versionS\0\0\0\x011";
    let size = u32::try_from(properties.len()).unwrap().to_be_bytes();
    let arguments =
        [&[0, 9], &size[..], properties, b"\0\0\0\x0ePLAIN AMQPLAIN", b"\0\0\0\x05en_US"].concat();
    frame(0, 10, 10, &arguments)
}

fn tune() -> Vec<u8> {
    frame(0, 10, 30, &[0x07, 0xFF, 0, 2, 0, 0, 0, 60])
}

/// Connection.Close (10.50) or Channel.Close (20.40).
fn close(channel: u8, code: u16, text: &str) -> Vec<u8> {
    let text = [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let (class, method) = if channel == 0 { (10, 50) } else { (20, 40) };
    frame(channel, class, method, &[&code.to_be_bytes(), &text[..], &[0, 0, 0, 0]].concat())
}

/// The script up to an open virtual host.
fn opened(more: Vec<Line>) -> Vec<Line> {
    let open = frame(0, 10, 40, b"\x01/\0\0");
    let mut script = vec![
        Hears(b"AMQP\0\0\x09\x01".to_vec()),
        Says(start()),
        Hears(codec::start_ok("me", &Secret::new("pw"))),
        Says(tune()),
        Hears(frame(0, 10, 31, &[0x07, 0xFF, 0, 2, 0, 0, 0, 0])),
        Hears(open),
        Says(frame(0, 10, 41, &[0])),
    ];
    script.extend(more);
    script
}

/// What the client parts with, and the answer.
fn parting() -> Vec<Line> {
    vec![Hears(close(0, 200, "bye")), Says(frame(0, 10, 51, &[]))]
}

#[test]
fn what_is_sent_is_what_the_specification_has() {
    let version = env!("CARGO_PKG_VERSION");
    let length = u8::try_from(version.len()).unwrap();
    let mut arguments = vec![0, 0, 0, 81 + length];
    arguments.extend(b"\x07productS\0\0\0\x06prereq\x07versionS\0\0\0");
    arguments.push(length);
    arguments.extend(version.bytes());
    arguments.extend(b"\x0ccapabilitiesF\0\0\0\x1f\x1cauthentication_failure_closet\x01");
    arguments.extend(b"\x05PLAIN\0\0\0\x06\0me\0pw\x05en_US");
    assert_eq!(codec::start_ok("me", &Secret::new("pw")), frame(0, 10, 11, &arguments));
    assert_eq!(codec::tune_ok(0, 0), frame(0, 10, 31, &[0, 0, 0, 2, 0, 0, 0, 0]));
    assert_eq!(codec::queue(1, "q"), frame(1, 50, 10, b"\0\0\x01q\x01\0\0\0\0"));
    assert_eq!(codec::exchange(1, "e"), frame(1, 40, 10, b"\0\0\x01e\x06direct\x01\0\0\0\0"));
    assert_eq!(codec::close(), close(0, 200, "bye"));
    assert_eq!(codec::channel_open(1), frame(1, 20, 10, &[0]));
}

#[test]
fn frames_are_read_whole() {
    let start = start();
    for end in 0..start.len() {
        assert_eq!(message(&start[..end]), Ok(None), "{end} bytes");
    }
    let read = Start { product: "Test 1".into(), mechanisms: "PLAIN AMQPLAIN".into() };
    assert_eq!(message(&start), Ok(Some((Message::Method(0, Method::Start(read)), start.len()))));
    assert_eq!(message(b"AMQP\0\0\x09\x01"), Ok(Some((Message::Header([0, 0, 9, 1]), 8))));
    assert_eq!(message(b"AMQ"), Ok(None));
    assert_eq!(message(&[8, 0, 0, 0, 0, 0, 0, 0xCE]), Ok(Some((Message::Other, 8))));
    let close = close(1, 404, "NOT_FOUND");
    let closing = Closing { code: 404, text: "NOT_FOUND".into() };
    assert_eq!(message(&close), Ok(Some((Message::Method(1, Method::ChannelClose(closing)), close.len()))));
    let queue = frame(1, 50, 11, b"\x04jobs\0\0\0\x03\0\0\0\x02");
    let ok = Method::QueueOk { consumers: 2 };
    assert_eq!(message(&queue), Ok(Some((Message::Method(1, ok), queue.len()))));
}

#[test]
fn what_is_no_frame_is_told() {
    let table = |value: &[u8]| {
        let size = u32::try_from(value.len()).unwrap().to_be_bytes();
        frame(0, 10, 10, &[&[0, 9], &size[..], value, &[0; 8]].concat())
    };
    let mut deep = Vec::new();
    for _ in 0..10_000 {
        let size = u32::try_from(deep.len()).unwrap().to_be_bytes();
        deep = [&b"\x01nF"[..], &size, &deep].concat();
    }
    for (bytes, what) in [
        (b"HTTP/1.1 400 Bad Request".to_vec(), Some("something else than a frame")),
        (b"AMXX".to_vec(), Some("something else than a frame")),
        (vec![1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF], Some("a frame longer than 128 KiB")),
        (vec![8, 0, 0, 0, 0, 0, 0, 0], Some("a frame without an end")),
        (frame(0, 10, 30, &[0]), Some("a message that ends too early")),
        (table(b"\x01nS\xFF\xFF\xFF\xFF"), Some("a message that ends too early")),
        (table(b"\x01n?"), Some("a table with a value of an unknown type")),
        (table(&deep), None),
    ] {
        assert_eq!(message(&bytes).err(), what.map(Malformed), "{:?}", &bytes[..4]);
    }
}

#[test]
fn reply_codes_have_their_classes() {
    let find = Step::Find("queue q");
    for (code, step, text, expected) in [
        (403, Step::LogIn, "hunter2", "auth.denied the broker refuses user and password"),
        (403, Step::Open("v"), "hunter2", "auth.denied the user may not open the virtual host v"),
        (403, find, "hunter2", "auth.denied the user may not look for the queue q"),
        (403, Step::Other, "WHY", "auth.denied the broker answers WHY"),
        (530, Step::Open("v"), "WHY", "amqp.vhost the virtual host v is not open to the user: WHY"),
        (402, Step::Open("v"), "hunter2", "service.missing there is no virtual host v"),
        (404, Step::Open("v"), "hunter2", "service.missing there is no virtual host v"),
        (404, find, "hunter2", "service.missing there is no queue q"),
        (402, find, "WHY", "service.error the broker closes with code 402: WHY"),
        (404, Step::Other, "WHY", "service.error the broker closes with code 404: WHY"),
        (530, Step::LogIn, "WHY", "service.error the broker closes with code 530: WHY"),
        (320, Step::Open("v"), "a\nb", "service.error the broker closes with code 320: a"),
        (541, Step::Open("v"), "", "service.error the broker closes with code 541"),
        (506, find, "WHY", "service.error the broker closes with code 506: WHY"),
    ] {
        let reason = judge::closed(step, &Closing { code, text: text.into() });
        assert_eq!(reason.facts, [crate::check::Fact::Code(code.to_string())]);
        assert_eq!(judgement::<()>(Err(reason)), expected, "{code} at {step:?}");
    }
    for (header, version) in [
        ([0, 1, 0, 0], "1.0"),
        ([2, 1, 0, 0], "1.0"),
        ([3, 1, 0, 0], "1.0"),
        ([1, 1, 0, 9], "1-0-9"),
        ([1, 1, 8, 0], "1-8-0"),
        ([0, 0, 10, 0], "0-10-0"),
    ] {
        let expected = format!("service.protocol the broker speaks AMQP {version}, not 0-9-1");
        assert_eq!(judgement::<()>(Err(judge::other_version(header))), expected);
    }
}

#[tokio::test]
async fn a_broker_that_answers_is_ready_and_one_with_a_user_lets_it_in() {
    let greeting = vec![HearsAnything, Says(start())];
    let found = attempt("amqp://PEER", greeting).await;
    assert!(found.starts_with("ready Test 1 at 127.0.0.1:") && found.ends_with(" answers"), "{found}");
    let found = attempt("amqp://me:pw@PEER/", opened(parting())).await;
    assert!(found.ends_with(" lets me into virtual host /"), "{found}");
}

#[tokio::test]
async fn a_queue_is_looked_for_and_its_consumers_are_counted() {
    let found = |answers: Vec<Vec<u8>>, more: Vec<Line>| {
        let mut script = vec![
            Hears(frame(1, 20, 10, &[0])),
            Says(frame(1, 20, 11, &[0, 0, 0, 0])),
            Hears(codec::queue(1, "jobs")),
        ];
        script.extend(answers.into_iter().map(Says));
        script.extend(more);
        opened(script)
    };
    let two = || vec![frame(1, 50, 11, b"\x04jobs\0\0\0\x03\0\0\0\x02")];
    let text = attempt("amqp://me:pw@PEER#queue=jobs&min-consumers=2", found(two(), parting())).await;
    assert!(text.ends_with(", with queue jobs"), "{text}");
    let text = attempt("amqp://me:pw@PEER#queue=jobs&min-consumers=3", found(two(), parting())).await;
    assert_eq!(text, "service.role queue jobs has fewer than 3 consumers");
    let channel_closes = |code| {
        let mut more = vec![Hears(frame(1, 20, 41, &[]))];
        more.extend(parting());
        found(vec![vec![8, 0, 0, 0, 0, 0, 0, 0xCE], close(1, code, "WHY")], more)
    };
    let text = attempt("amqp://me:pw@PEER#queue=jobs", channel_closes(404)).await;
    assert_eq!(text, "service.missing there is no queue jobs");
    let text = attempt("amqp://me:pw@PEER#queue=jobs", channel_closes(405)).await;
    assert!(text.starts_with("ready "), "{text}");
    let text = attempt("amqp://me:pw@PEER#queue=jobs&min-consumers=1", channel_closes(405)).await;
    assert!(text.starts_with("service.role "), "{text}");
}

#[tokio::test]
async fn refusals_come_as_codes_or_as_the_end_of_the_connection() {
    let login = |answer: Vec<Line>| {
        let mut script = vec![HearsAnything, Says(start()), HearsAnything];
        script.extend(answer);
        script
    };
    let refused = close(0, 403, "ACCESS_REFUSED - Login was refused");
    let text = attempt("amqp://me:pw@PEER", login(vec![Says(refused), Hears(frame(0, 10, 51, &[]))])).await;
    assert_eq!(text, "auth.denied the broker refuses user and password");
    let text = attempt("amqp://me:pw@PEER", login(vec![])).await;
    assert!(text.starts_with("auth.denied") && text.ends_with("on user and password"), "{text}");
    let text = attempt("amqp://me:pw@PEER", login(vec![Says(frame(0, 10, 20, &[0; 4]))])).await;
    assert!(text.starts_with("auth.denied"), "{text}");
    let mut external = start();
    let plain = external.windows(5).position(|word| word == b"PLAIN").unwrap();
    external[plain..plain + 14].copy_from_slice(b"EXTERNAL OTHER");
    let text = attempt("amqp://me:pw@PEER", vec![HearsAnything, Says(external)]).await;
    assert_eq!(text, "auth.denied the broker offers no log-in by PLAIN, only EXTERNAL OTHER");
}

#[tokio::test]
async fn what_is_no_broker_of_this_version_is_told() {
    for (said, expected) in [
        (&b"AMQP\x03\x01\0\0"[..], "service.protocol the broker speaks AMQP 1.0, not 0-9-1"),
        (b"AMQP\x01\x01\0\x0a", "service.protocol the broker speaks AMQP 1-0-10, not 0-9-1"),
        (b"\x15\x03\x03\0\x02\x02\x50", "service.protocol no AMQP at"),
        (b"\x01\0\0\0\0", "service.protocol no AMQP at"),
        (b"\x01\0\0\x7F\xFF\xFF\xFF", "service.protocol no AMQP at"),
        (b"", "tcp.closed"),
    ] {
        let text = attempt("amqp://PEER", vec![HearsAnything, Says(said.to_vec())]).await;
        assert!(text.starts_with(expected), "{text}");
    }
    // Something else than what is expected next.
    let text = attempt("amqp://PEER", vec![HearsAnything, Says(tune())]).await;
    assert!(text.ends_with("no Connection.Start"), "{text}");
    let text = attempt("amqp://me:pw@PEER#queue=q", opened(vec![HearsAnything, Says(tune())])).await;
    assert!(text.ends_with("no Channel.OpenOk"), "{text}");
}

#[tokio::test]
async fn a_broker_that_falls_silent_is_told_when_the_time_is_up() {
    for script in
        [vec![HearsAnything, FallsSilent], vec![HearsAnything, Says(start()), HearsAnything, FallsSilent]]
    {
        let text = attempt("amqp://me:pw@PEER", script).await;
        assert!(text.starts_with("service.timeout connection accepted, but no AMQP answer"), "{text}");
    }
    // But one that does not part well has answered all there was to answer.
    let text = attempt("amqp://me:pw@PEER", opened(vec![HearsAnything])).await;
    assert!(text.starts_with("ready "), "{text}");
}

#[tokio::test]
async fn an_explanation_shows_each_step() {
    let mut script = vec![
        Hears(frame(1, 20, 10, &[0])),
        Says(frame(1, 20, 11, &[0, 0, 0, 0])),
        Hears(codec::queue(1, "jobs")),
        Says(frame(1, 50, 11, b"\x04jobs\0\0\0\x03\0\0\0\x02")),
    ];
    script.extend(parting());
    let shown = layers("amqp://me:pw@PEER#queue=jobs", opened(script)).await;
    assert_eq!(
        shown,
        [
            "answer: AMQP, 108 bytes",
            "broker: Test 1, log-in by PLAIN AMQPLAIN",
            "answer: AMQP, 20 bytes",
            "log-in: as me",
            "answer: AMQP, 13 bytes",
            "vhost: / is open",
            "answer: AMQP, 16 bytes",
            "answer: AMQP, 25 bytes",
            "find: queue jobs, with 2 consumers",
            "answer: AMQP, 12 bytes"
        ]
    );
}

#[test]
fn mistakes_are_told_with_what_is_right() {
    for (target, told) in [
        ("amqp://h/jobs", "a virtual host needs a user and a password"),
        ("amqp://h#queue=jobs", "option queue needs a user and a password"),
        ("amqp://me@h", "user and password go together"),
        ("amqp://me:pw@h/a/b", "%2F"),
        ("amqp://me:pw@h#min-consumers=1", "add queue=NAME"),
        ("amqp://me:pw@h#queue=", "1 to 255 bytes"),
        ("amqp://me:pw@h?hartbeat=1", "did you mean 'heartbeat'?"),
        ("amqps://me:pw@h?cacertfile=/ca.pem", "#cacert=PATH"),
        ("amqp://h#insecure", "write amqps://"),
    ] {
        let problems = problems(target);
        assert!(problems.contains(told), "{target}: {problems}");
        assert!(!problems.contains("pw"), "{problems}");
    }
    for target in
        ["amqp://h", "amqp://h/", "amqp://me:pw@h/%2F?heartbeat=30", "amqps://me:pw@h/app#queue=jobs"]
    {
        assert!(probe(target).is_ok(), "{target}");
    }
}
