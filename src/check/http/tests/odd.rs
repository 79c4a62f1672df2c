//! Servers that misbehave, hang or speak something else.

use super::*;
use crate::check::{Fact, class};
use crate::net::http::{PROTOCOL, TIMEOUT};
use std::net::SocketAddr;
use tokio::net::TcpSocket;
use tokio::time::Instant;

/// A server that reads a request, says `says`, and then does nothing or hangs up.
async fn saying(says: &'static [u8], hang_up: bool) -> Server {
    Server::start(move |server, mut stream| async move {
        server.request(&mut stream).await;
        let _ = stream.write_all(says).await;
        if !hang_up {
            tokio::time::sleep(Duration::from_secs(9)).await;
        }
    })
    .await
}

async fn soon(target: &str) -> Verdict {
    within(Duration::from_millis(900), target, Net::new(Env::default())).await
}

#[tokio::test]
async fn a_connection_closed_without_a_response_is_told() {
    let server = saying(b"", true).await;
    let text = format!("connection closed without a response by {}", server.place());
    let reason = fails(attempt(&server.url("/")).await, &class::TCP_CLOSED, &text);
    assert_eq!(reason.facts, [Fact::Peer(server.place().parse().unwrap())]);

    let server = Server::start(|_, stream| async move { drop(stream) }).await;
    let reason = super::reason(attempt(&server.url("/")).await);
    assert_eq!(reason.class, &class::TCP_CLOSED, "{}", reason.text);
    let server = saying(b"HTTP/1.1 200 OK\r\nContent-Le", true).await;
    let reason = super::reason(attempt(&server.url("/")).await);
    assert_eq!(reason.class, &class::TCP_CLOSED, "{}", reason.text);
}

#[tokio::test]
async fn silence_is_a_time_out_that_says_how_far_it_came() {
    let server = saying(b"", false).await;
    let text = format!("connected to {}, no response", server.place());
    let reason = fails(soon(&server.url("/")).await, &TIMEOUT, &text);
    assert_eq!(reason.facts, [Fact::Peer(server.place().parse().unwrap()), Fact::Cut]);
    // A slow response is not asked for twice.
    assert_eq!(server.asked().len(), 1);
    let server = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false).await;
    fails(soon(&server.url("/#expect=x")).await, &TIMEOUT, "status 200 OK, body not complete");
    // But without expectations the head decides.
    evidence(soon(&server.url("/")).await);
}

#[tokio::test]
async fn a_byte_a_second_ends_with_the_attempt() {
    let server = Server::start(|server, mut stream| async move {
        server.request(&mut stream).await;
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" {
            let _ = stream.write_all(&[*byte]).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let text = format!("connected to {}, no response", server.place());
    fails(soon(&server.url("/")).await, &TIMEOUT, &text);
}

#[tokio::test]
async fn endless_bodies_and_heads_are_bounded() {
    let sent = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let server = Server::start(move |server, mut stream| {
        let sent = Arc::clone(&counted);
        async move {
            let path = server.request(&mut stream).await.unwrap_or_default();
            let (first, more): (&[u8], &[u8]) = if path.starts_with("GET /head") {
                (b"HTTP/1.1 200 OK\r\n", b"X-More: and more of it\r\n")
            } else {
                (b"HTTP/1.1 200 OK\r\n\r\n", &[b'a'; 16 * 1024])
            };
            let _ = stream.write_all(first).await;
            while stream.write_all(more).await.is_ok() {
                sent.fetch_add(more.len(), std::sync::atomic::Ordering::Relaxed);
            }
        }
    })
    .await;
    evidence(attempt(&server.url("/body")).await);
    evidence(attempt(&server.url("/body#expect=aaa")).await);
    let reason = super::reason(attempt(&server.url("/body#expect=b")).await);
    assert_eq!(reason.text, "the body does not match");
    let reason = super::reason(attempt(&server.url("/body#json=a")).await);
    assert!(reason.text.starts_with("the body is longer than 1 MiB"), "{}", reason.text);
    let text = format!("malformed HTTP response at {}", server.place());
    fails(attempt(&server.url("/head")).await, &PROTOCOL, &text);
    // Socket buffers hold some megabytes more than was read; that is all.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let all = sent.load(std::sync::atomic::Ordering::Relaxed);
    assert!(all < 64 * 1024 * 1024, "{all}");
}

#[tokio::test]
async fn what_speaks_something_else_is_named() {
    for (says, spoke) in [
        (&b"\x15\x03\x03\x00\x02\x02\x46"[..], "TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00", "HTTP/2"),
    ] {
        for hang_up in [false, true] {
            let server = saying(says, hang_up).await;
            let text = format!("{spoke}, not HTTP, at {}", server.place());
            let reason = fails(attempt(&server.url("/")).await, &PROTOCOL, &text);
            assert!(reason.facts.contains(&Fact::Spoke(spoke)));
        }
    }
    let server = saying(b"-ERR unknown command 'GET'\r\n", false).await;
    let text = format!("something else, not HTTP, at {}", server.place());
    fails(attempt(&server.url("/")).await, &PROTOCOL, &text);
    let server = saying(b"HTTP/1.1 twohundred OK\r\n\r\n", false).await;
    let text = format!("malformed HTTP response at {}", server.place());
    fails(attempt(&server.url("/")).await, &PROTOCOL, &text);
    let server = saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", true).await;
    fails(attempt(&server.url("/#http2")).await, &PROTOCOL, &format!("no HTTP/2 at {}", server.place()));
}

#[tokio::test]
async fn one_who_speaks_first_is_no_server_of_http() {
    for says in [&b"SSH-2.0-OpenSSH_9.2\r\n"[..], b"220 mail ESMTP\r\n"] {
        let server = Server::start(move |_, mut stream| async move {
            let _ = stream.write_all(says).await;
            let _ = stream.read(&mut [0; 2048]).await;
            tokio::time::sleep(Duration::from_secs(9)).await;
        })
        .await;
        let reason = super::reason(attempt(&server.url("/")).await);
        assert_eq!(reason.class, &PROTOCOL, "{}", reason.text);
    }
}

#[tokio::test]
async fn an_attempt_that_is_dropped_hangs_up() {
    let (tell, mut told) = tokio::sync::mpsc::channel(4);
    let server = Server::start(move |server, mut stream| {
        let tell = tell.clone();
        async move {
            server.request(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nmore and more").await;
            let end = stream.read(&mut [0; 64]).await;
            let _ = tell.send(end.is_ok_and(|count| count > 0)).await;
        }
    })
    .await;
    evidence(attempt(&server.url("/")).await);
    reason(soon(&server.url("/#expect=never")).await);
    for _ in 0..2 {
        let more = tokio::time::timeout(Duration::from_secs(1), told.recv()).await.unwrap();
        assert_eq!(more, Some(false));
    }
}

/// A listener that accepts nothing more, and the connections that fill it.
async fn stuffed(address: &str) -> Option<(TcpListener, Vec<TcpStream>)> {
    let address: SocketAddr = address.parse().unwrap();
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
    socket.bind(address).ok()?;
    let listener = socket.listen(1).unwrap();
    let own = listener.local_addr().unwrap();
    let mut open = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(50), TcpStream::connect(own)).await
    {
        open.push(stream);
    }
    Some((listener, open))
}

#[tokio::test]
async fn a_hanging_connect_is_overlapped_and_the_request_is_sent_once() {
    let (listener, open) = stuffed("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let target = format!("http://{place}/#body=once");
    let began = Instant::now();
    let attempt = attempt(&target);
    let asked = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(open);
        let server = Server::on(listener, |server, mut stream| async move {
            if server.request(&mut stream).await.is_some() {
                // Long enough for the kernel to resend the first SYN.
                tokio::time::sleep(Duration::from_millis(1200)).await;
                let _ = stream.write_all(response("200 OK", "").as_bytes()).await;
            }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        // Connected by a fresh try before the kernel's own.
        assert_eq!(server.asked().len(), 1, "after {:?}", began.elapsed());
        server
    };
    let (verdict, server) = tokio::join!(attempt, asked);
    evidence(verdict);
    assert_eq!(server.asked().len(), 1);
    assert!(server.asked()[0].ends_with("once"));
}

#[tokio::test]
async fn the_second_address_serves_when_the_first_hangs_or_refuses() {
    let server = Server::answering(|_| response("200 OK", "")).await;
    let target = format!("http://localhost:{}/", server.port);
    assert_eq!(evidence(attempt(&target).await), format!("status 200 OK from {}", server.place()));
    if let Some(_stuffed) = stuffed(&format!("[::1]:{}", server.port)).await {
        let began = Instant::now();
        assert_eq!(evidence(attempt(&target).await), format!("status 200 OK from {}", server.place()));
        assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    }
    let port = closed().await;
    let text = format!("connection refused by 127.0.0.1:{port}, [::1]:{port}");
    fails(attempt(&format!("http://:{port}/")).await, &class::TCP_REFUSED, &text);
}

#[tokio::test]
async fn a_connect_that_never_ends_is_a_time_out() {
    let (listener, _open) = stuffed("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let verdict = soon(&format!("http://{place}/")).await;
    fails(verdict, &class::TCP_TIMEOUT, &format!("no answer from {place}"));
}
