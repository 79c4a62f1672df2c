//! Redirects and proxies.

use super::*;
use crate::check::http::STATUS;
use crate::check::{Fact, class};
use crate::net::http::{PROXY, ProxyMode, REDIRECT, TIMEOUT};

#[tokio::test]
async fn redirects_are_followed_up_to_the_limit() {
    let server = Server::answering(|path| match path {
        "/0" => response("200 OK", ""),
        "/round" => redirect(302, "/about"),
        "/about" => redirect(302, "/round"),
        "/none" => response("302 Found", ""),
        "/mail" => redirect(302, "mailto:x"),
        _ => {
            let left: u32 = path.trim_start_matches('/').parse().unwrap();
            redirect(302, &format!("/{}", left - 1))
        }
    })
    .await;
    let text = evidence(attempt(&server.url("/3")).await);
    assert_eq!(
        text,
        format!("status 200 OK from {} after a redirect to {}", server.place(), server.url("/0"))
    );
    evidence(attempt(&server.url("/10")).await);
    let reason = fails(attempt(&server.url("/11")).await, &REDIRECT, "more than 10 redirects");
    assert_eq!(reason.facts.len(), 11);
    fails(attempt(&server.url("/3#redirects=2")).await, &REDIRECT, "more than 2 redirects");
    let circle = format!("redirects go round in a circle: back to {}", server.url("/round"));
    fails(attempt(&server.url("/round")).await, &REDIRECT, &circle);
    fails(attempt(&server.url("/none")).await, &REDIRECT, "status 302 without a Location");
    fails(
        attempt(&server.url("/mail")).await,
        &REDIRECT,
        "status 302 with a Location that is not an HTTP URL",
    );
    // Not followed: by option, or because the status is what is wanted.
    let reason = fails(attempt(&server.url("/3#redirects=0")).await, &STATUS, "status 302 Found");
    assert_eq!(reason.facts, [Fact::Status(302), Fact::Location("/2".into())]);
    evidence(attempt(&server.url("/3#redirects=0&status=302")).await);
    evidence(attempt(&server.url("/3#status=200,3xx")).await);
}

#[tokio::test]
async fn another_host_gets_no_headers_and_no_credentials() {
    let other = Server::answering(|_| response("200 OK", "")).await;
    let port = other.port;
    let first = Server::answering(move |path| match path {
        "/" => redirect(307, "/again"),
        _ => redirect(307, &format!("http://127.0.0.1:{port}/end")),
    })
    .await;
    let target = format!(
        "http://user:pw@127.0.0.1:{}/#body=data&header=X-Key:k&header=Cookie:c&host=inner",
        first.port
    );
    evidence(attempt(&target).await);
    for request in first.asked() {
        assert!(request.contains("authorization: Basic") && request.contains("x-key: k"), "{request}");
        assert!(request.contains("host: inner\r\n") && request.ends_with("data"), "{request}");
    }
    let request = &other.asked()[0];
    assert!(request.starts_with("POST /end ") && request.ends_with("\r\n\r\ndata"), "{request}");
    for gone in ["authorization", "x-key", "cookie", "inner", "user", "pw"] {
        assert!(!request.contains(gone), "{gone}: {request}");
    }
}

#[tokio::test]
async fn a_refusal_behind_a_redirect_is_none_of_the_target() {
    let port = closed().await;
    let server = Server::answering(move |_| redirect(302, &format!("http://127.0.0.1:{port}/"))).await;
    let text = format!("redirected to http://127.0.0.1:{port}/: connection refused by 127.0.0.1:{port}");
    let reason = fails(attempt(&server.url("/")).await, &REDIRECT, &text);
    let silent = Server::start(|server, mut stream| async move {
        server.request(&mut stream).await;
        tokio::time::sleep(Duration::from_secs(9)).await;
    })
    .await;
    let (url, place) = (silent.url("/"), silent.place());
    let text = format!("redirected to {url}: connected to {place}, no response");
    let server = Server::answering(move |_| redirect(302, &url)).await;
    let verdict = within(Duration::from_millis(200), &server.url("/"), Net::new(Env::default())).await;
    fails(verdict, &TIMEOUT, &text);
    let location = Fact::Location(format!("http://127.0.0.1:{port}/"));
    assert!(reason.facts.contains(&location), "{:?}", reason.facts);
}

fn net(vars: &[(&str, &str)], proxy: ProxyMode) -> Net {
    let env = Env::new(vars.iter().map(|(name, value)| (name.into(), value.into())));
    let mut net = Net::new(env);
    // Nobody's name servers are asked, and nobody's hosts file has a say.
    net.files.resolv_conf = "/dev/null".into();
    net.files.hosts = "/dev/null".into();
    net.proxy = proxy;
    net
}

async fn with(target: &str, net: Net) -> Verdict {
    within(Duration::from_secs(3), target, net).await
}

#[tokio::test]
async fn proxies_are_used_only_when_asked_for() {
    let server = Server::answering(|_| response("200 OK", "")).await;
    let proxy = Server::answering(|_| response("204 No Content", "")).await;
    let url = format!("http://u:pw@{}", proxy.place());
    let vars = [("HTTP_PROXY", url.as_str()), ("http_proxy", &url), ("ALL_PROXY", &url)];
    let target = server.url("/");
    evidence(with(&target, net(&vars, ProxyMode::Off)).await);
    assert_eq!((server.asked().len(), proxy.asked().len()), (1, 0));

    evidence(with(&target, net(&vars, ProxyMode::Env)).await);
    evidence(with(&server.url("/#proxy=env"), net(&vars, ProxyMode::Off)).await);
    evidence(with(&server.url(&format!("/#proxy={url}")), net(&[], ProxyMode::Off)).await);
    evidence(with("http://no.such.host/x", net(&[], ProxyMode::parse(&url).unwrap())).await);
    evidence(with(&server.url("/#proxy=none"), net(&vars, ProxyMode::Env)).await);
    let excepted = [vars[0], ("NO_PROXY", "127.0.0.0/8")];
    evidence(with(&target, net(&excepted, ProxyMode::Env)).await);
    assert_eq!((server.asked().len(), proxy.asked().len()), (3, 4));
    for request in &proxy.asked()[..3] {
        assert!(request.starts_with(&format!("GET http://{}/ HTTP/1.1\r\n", server.place())), "{request}");
        assert!(request.contains("proxy-authorization: Basic dTpwdw==\r\n"), "{request}");
    }
    assert!(proxy.asked()[3].starts_with("GET http://no.such.host/x HTTP/1.1\r\n"));
    assert!(!server.asked().concat().contains("proxy-"));
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let proxy = Server::answering(|_| "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".into()).await;
    let mode = ProxyMode::parse(&proxy.place()).unwrap();
    let verdict = with("https://db.local/#insecure", net(&[], mode)).await;
    let text = format!("proxy: no connection to the target from the proxy at {}", proxy.place());
    fails(verdict, &PROXY, &text);
    assert!(proxy.asked()[0].starts_with("CONNECT db.local:443 HTTP/1.1\r\n"), "{:?}", proxy.asked());
}

#[tokio::test]
async fn a_proxy_that_refuses_is_not_the_target_refusing() {
    let port = closed().await;
    let mode = ProxyMode::parse(&format!("127.0.0.1:{port}")).unwrap();
    let verdict = with("http://db.local/", net(&[], mode)).await;
    fails(verdict, &PROXY, &format!("proxy: connection refused by 127.0.0.1:{port}"));
    let mode = ProxyMode::parse("http://no.such.proxy:1").unwrap();
    let reason = reason(with("http://db.local/", net(&[], mode)).await);
    assert_eq!(reason.class, &class::DNS_UNREACHABLE);
    assert!(reason.text.starts_with("proxy: "), "{}", reason.text);
}

#[tokio::test]
async fn what_a_proxy_cannot_do_is_told() {
    let mode = || ProxyMode::parse("127.0.0.1:1").unwrap();
    let verdict = with("https://db.local/#insecure&sni=web.local", net(&[], mode())).await;
    fails(verdict, &PROXY, "option sni has no way through a proxy");
    let verdict = with("http://db.local/#http2", net(&[], mode())).await;
    fails(verdict, &PROXY, "option http2 on http:// has no way through a proxy");
}

#[tokio::test]
async fn a_socks_proxy_gets_an_address_or_a_name() {
    let socks = Server::start(|server, mut stream| async move {
        let mut hello = [0; 3];
        let _ = stream.read_exact(&mut hello).await;
        let _ = stream.write_all(&[5, 0]).await;
        let mut buffer = [0; 512];
        let count = stream.read(&mut buffer).await.unwrap_or_default();
        let kind = format!("kind {}", buffer[..count].get(3).copied().unwrap_or_default());
        server.asked.lock().unwrap().push(kind);
        let _ = stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await;
        server.request(&mut stream).await;
        let _ = stream.write_all(response("200 OK", "").as_bytes()).await;
    })
    .await;
    for (scheme, host, kind) in [
        ("socks5h", "db.local", "kind 3"),
        ("socks5", "127.0.0.9", "kind 1"),
        ("socks5", "localhost", "kind 4"),
    ] {
        let mode = ProxyMode::parse(&format!("{scheme}://{}", socks.place())).unwrap();
        evidence(with(&format!("http://{host}:81/"), net(&[], mode)).await);
        assert_eq!(socks.asked()[socks.asked().len() - 2], kind);
        assert!(socks.asked().last().unwrap().starts_with("GET / HTTP/1.1\r\n"));
    }
}
