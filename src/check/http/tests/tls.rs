//! HTTPS, with real certificates.

use super::*;
use crate::check::{Fact, class};
use crate::net::http::{PROTOCOL, ProxyMode};
use crate::net::tls::test::{self, Authority};
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

struct Site {
    server: Server,
    cacert: String,
    _folder: tempfile::TempDir,
}

impl Site {
    fn url(&self, options: &str) -> String {
        format!("https://127.0.0.1:{}/#cacert={}{options}", self.server.port, self.cacert)
    }
}

async fn serve(config: ServerConfig) -> Server {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Server::start(move |server, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            while server.request(&mut stream).await.is_some() {
                let _ = stream.write_all(response("200 OK", "secure").as_bytes()).await;
            }
        }
    })
    .await
}

/// A site whose certificate is for `names`, with something changed in it or in how it is shown.
async fn site(
    names: &[&str],
    params: impl Fn(&mut rcgen::CertificateParams),
    config: impl Fn(&mut ServerConfig),
) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let root: Authority = test::authority("Test Root");
    let cacert = folder.path().join("ca.pem");
    std::fs::write(&cacert, root.pem()).unwrap();
    let mut wanted = test::params(names);
    params(&mut wanted);
    let (certificate, key) = test::signed(&root, &wanted);
    let mut server = test::server(certificate, &key);
    config(&mut server);
    Site { server: serve(server).await, cacert: cacert.display().to_string(), _folder: folder }
}

async fn usual(name: &str) -> Site {
    site(&[name], |_| {}, |_| {}).await
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_given() {
    let site = usual("127.0.0.1").await;
    evidence(attempt(&site.url("&expect=secure")).await);
    let plain = format!("https://{}/", site.server.place());
    let reason = reason(attempt(&plain).await);
    let text = format!("certificate issued by 'Test Root', who is not trusted, at {}", site.server.place());
    assert_eq!((reason.class, reason.text), (&class::TLS_UNTRUSTED, text));
    evidence(attempt(&format!("{plain}#insecure")).await);
    // Or by the environment.
    let env = Env::from([("SSL_CERT_FILE", site.cacert.as_str())]);
    evidence(within(Duration::from_secs(3), &plain, Net::new(env)).await);
}

#[tokio::test]
async fn faults_of_certificates_have_their_classes() {
    let other = usual("db.local").await;
    let place = other.server.place();
    let text = format!("certificate is for db.local, not for 127.0.0.1 at {place}");
    let reason = fails(attempt(&other.url("")).await, &class::TLS_NAME, &text);
    assert!(reason.facts.contains(&Fact::CertificateNames(vec!["db.local".into()])));
    assert!(reason.facts.contains(&Fact::Peer(place.parse().unwrap())));
    // The name can be given; the URL stays what it is for the server.
    evidence(attempt(&other.url("&sni=db.local")).await);
    assert!(other.server.asked()[0].contains(&format!("host: {place}\r\n")), "{:?}", other.server.asked());
    evidence(attempt(&other.url("&sni=db.local&host=web")).await);
    assert!(other.server.asked()[1].contains("host: web\r\n"));

    let old =
        site(&["127.0.0.1"], |params| params.not_after = rcgen::date_time_ymd(2020, 2, 29), |_| {}).await;
    let text = format!("certificate expired on 2020-02-29T00:00:00Z at {}", old.server.place());
    fails(attempt(&old.url("")).await, &class::TLS_EXPIRED, &text);
    let young =
        site(&["127.0.0.1"], |params| params.not_before = rcgen::date_time_ymd(2090, 1, 1), |_| {}).await;
    let text = format!("certificate not valid before 2090-01-01T00:00:00Z at {}", young.server.place());
    fails(attempt(&young.url("")).await, &class::TLS_EXPIRED, &text);
}

#[tokio::test]
async fn tls_and_plain_ports_are_told_apart() {
    let plain = Server::start(|_, mut stream| async move {
        let _ = stream.read(&mut [0; 2048]).await;
        let _ = stream.write_all(response("400 Bad Request", "").as_bytes()).await;
    })
    .await;
    let verdict = attempt(&format!("https://{}/#insecure", plain.place())).await;
    let text = format!("no TLS at {}", plain.place());
    let reason = fails(verdict, &class::TLS_PROTOCOL, &text);
    assert!(reason.facts.contains(&Fact::Spoke("something other than TLS")));

    let secure = usual("127.0.0.1").await;
    let text = format!("TLS, not HTTP, at {}", secure.server.place());
    let reason = fails(attempt(&secure.server.url("/")).await, &PROTOCOL, &text);
    assert!(reason.facts.contains(&Fact::Spoke("TLS")));
}

#[tokio::test]
async fn a_handshake_that_hangs_or_is_cut_off_is_told() {
    let silent = Server::start(|_, stream| async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(stream);
    })
    .await;
    let target = format!("https://{}/#insecure", silent.place());
    let verdict = within(Duration::from_millis(200), &target, Net::new(Env::default())).await;
    let text = format!("connection accepted, but TLS handshake not completed at {}", silent.place());
    fails(verdict, &class::TLS_TIMEOUT, &text);
    let closing = Server::start(|_, mut stream| async move {
        let _ = stream.read(&mut [0; 2048]).await;
    })
    .await;
    let verdict = attempt(&format!("https://{}/#insecure", closing.place())).await;
    let text = format!("connection closed during the TLS handshake by {}", closing.place());
    fails(verdict, &class::TCP_CLOSED, &text);
}

#[tokio::test]
async fn a_client_certificate_is_asked_for_and_given() {
    let folder = tempfile::tempdir().unwrap();
    let root = test::authority("Test Root");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("ca.pem"), root.pem()).unwrap();
    let (certificate, key) = test::signed(&root, &test::params(&["client"]));
    std::fs::write(path("client.pem"), test::pem(&certificate)).unwrap();
    std::fs::write(path("client.key"), key.serialize_pem()).unwrap();
    let (certificate, key) = test::signed(&root, &test::params(&["127.0.0.1"]));
    let server = serve(test::server_for_clients(&root, certificate, &key)).await;
    let target = format!("https://{}/#cacert={}", server.place(), path("ca.pem"));
    let text = format!("a client certificate is asked for at {}", server.place());
    fails(attempt(&target).await, &class::TLS_PROTOCOL, &text);
    evidence(attempt(&format!("{target}&cert={}&key={}", path("client.pem"), path("client.key"))).await);
}

#[tokio::test]
async fn http_2_is_demanded_of_tls() {
    let site =
        site(&["127.0.0.1"], |_| {}, |config| config.alpn_protocols = vec![b"http/1.1".to_vec()]).await;
    evidence(attempt(&site.url("")).await);
    let text = format!("none of the application protocols asked for (ALPN) at {}", site.server.place());
    fails(attempt(&site.url("&http2")).await, &class::TLS_PROTOCOL, &text);
}

#[tokio::test]
async fn a_tunnel_carries_tls_to_the_target() {
    let site = usual("db.local").await;
    let port = site.server.port;
    let proxy = Server::start(move |server, mut stream| async move {
        let mut head = [0; 1024];
        let count = stream.read(&mut head).await.unwrap();
        server.asked.lock().unwrap().push(String::from_utf8_lossy(&head[..count]).into_owned());
        let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut far).await;
    })
    .await;
    let mut net = Net::new(Env::default());
    net.proxy = ProxyMode::parse(&format!("http://u:pw@{}", proxy.place())).unwrap();
    let target = format!("https://db.local/x#cacert={}&header=X-Key:k", site.cacert);
    let text = evidence(within(Duration::from_secs(3), &target, net).await);
    assert_eq!(text, format!("status 200 OK from {}", proxy.place()));
    let connect = &proxy.asked()[0];
    assert!(connect.starts_with("CONNECT db.local:443 ") && connect.contains("Basic dTpwdw=="), "{connect}");
    assert!(!connect.contains("x-key"), "{connect}");
    let request = &site.server.asked()[0];
    assert!(request.starts_with("GET /x ") && !request.contains("roxy"), "{request}");
}

#[tokio::test]
async fn an_explained_attempt_knows_its_stages() {
    let site = usual("127.0.0.1").await;
    let probe = probe(&site.url("&expect=secure&header=X-Key:s3cret"), &Env::default()).unwrap();
    let (net, trace) = (Rc::new(Net::new(Env::default())), Trace::new(true));
    evidence(probe.attempt(&Attempt { net: &net, trace: &trace }).await);
    let stages = trace.stages();
    let names: Vec<&str> = stages.iter().map(|stage| stage.name).collect();
    assert_eq!(names, ["connect", "tls", "response", "body"]);
    assert!(stages.windows(2).all(|pair| pair[0].from + pair[0].took <= pair[1].from));
    assert!(stages[1].detail.starts_with("certificate for 127.0.0.1, issued by Test Root, valid until "));
    assert_eq!(stages[2].detail, "GET /: HTTP/1.1 200 OK (content-length: 6)");
    assert!(!format!("{stages:?}").contains("s3cret"));
}
