use super::*;
use crate::check::{Fact, class};
use crate::plan::env::Env;
use crate::plan::target::Target;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_rustls::TlsAcceptor;

/// Options as they would be read from `options`, or what is wrong with them.
fn options(text: &str) -> Result<TlsOptions, String> {
    let env = Env::default();
    let mut target = Target::parse("tcp://h:1", None, &env).unwrap();
    target.options = text
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "true")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let mut draft = Draft::new(&target, &env);
    let options = TlsOptions::read(&mut draft);
    let problems: Vec<String> = draft.into_problems().into_iter().map(|problem| problem.what).collect();
    if problems.is_empty() { Ok(options) } else { Err(problems.join("; ")) }
}

fn trusting(folder: &tempfile::TempDir, certificate: &CertificateDer<'_>) -> TlsOptions {
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, test::pem(certificate)).unwrap();
    options(&format!("cacert={}", path.display())).unwrap()
}

/// A handshake for the name `db.local`, with whatever is at the other end.
async fn shake<F>(options: &TlsOptions, server: impl FnOnce(DuplexStream) -> F) -> Result<Seen, Reason>
where
    F: std::future::Future<Output = ()>,
{
    let (client, far) = duplex(64 * 1024);
    let net = Net::new(Env::default());
    let trace = Trace::new(false);
    let host = Host::Name("db.local.".into());
    let client = async {
        let (mut stream, seen) =
            handshake(&net, &trace, options, client, (&host, "10.0.0.7:443"), &[]).await?;
        // TLS 1.3: what the server thinks of the client's certificate comes afterwards.
        let _ = stream.write_all(b"x").await;
        match stream.read_u8().await {
            Err(error) => {
                Err(find(&error).map_or_else(|| broken(&error), |tls| failure(tls, &seen)).at("it"))
            }
            Ok(_) => Ok(seen),
        }
    };
    tokio::join!(client, server(far)).0
}

async fn shake_tls(options: &TlsOptions, config: ServerConfig) -> Result<Seen, Reason> {
    shake(options, |far| async {
        if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(far).await {
            let _ = stream.read_u8().await;
            let _ = stream.write_all(b"y").await;
        }
    })
    .await
}

#[tokio::test]
async fn a_trusted_certificate_is_accepted_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let root = test::authority("Test Root");
    let (certificate, key) = test::signed(&root, &test::params(&["db.local"]));
    let seen = shake_tls(&trusting(&folder, root.der()), test::server(certificate, &key)).await.unwrap();
    assert_eq!(seen.leaf().unwrap().names, ["db.local"]);
    assert_eq!(seen.chain().len(), 1);
    assert!(seen.began().is_some());
    assert!(seen.error().is_none());
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_class_and_names_the_useful_thing() {
    let folder = tempfile::tempdir().unwrap();
    let root = test::authority("Test Root");
    let trusting_root = trusting(&folder, root.der());
    let other = trusting(&folder, test::authority("Other").der());
    let mut past = test::params(&["db.local"]);
    past.not_after = rcgen::date_time_ymd(2020, 2, 29);
    let mut future = test::params(&["db.local"]);
    future.not_before = rcgen::date_time_ymd(2090, 1, 1);
    let elsewhere = test::params(&["a.example", "b.example"]);
    let good = test::params(&["db.local"]);
    for (options, params, class, text) in [
        (
            &trusting_root,
            &elsewhere,
            &class::TLS_NAME,
            "certificate is for a.example, b.example, not for db.local",
        ),
        (&trusting_root, &past, &class::TLS_EXPIRED, "certificate expired on 2020-02-29T00:00:00Z"),
        (&trusting_root, &future, &class::TLS_EXPIRED, "certificate not valid before 2090-01-01T00:00:00Z"),
        (&other, &good, &class::TLS_UNTRUSTED, "certificate issued by 'Test Root', who is not trusted,"),
    ] {
        let (certificate, key) = test::signed(&root, params);
        let reason = shake_tls(options, test::server(certificate, &key)).await.unwrap_err();
        assert_eq!(reason.class, class);
        assert_eq!(reason.text, format!("{text} at 10.0.0.7:443"));
        let names = Fact::CertificateNames(vec!["a.example".into(), "b.example".into()]);
        assert_eq!(reason.facts.contains(&names), class == &class::TLS_NAME);
        // And all of that may be waived.
        let (certificate, key) = test::signed(&root, params);
        assert!(
            shake_tls(&self::options("insecure").unwrap(), test::server(certificate, &key)).await.is_ok()
        );
    }
}

#[tokio::test]
async fn a_self_signed_certificate_can_be_pinned() {
    let folder = tempfile::tempdir().unwrap();
    for is_ca in [rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained), rcgen::IsCa::NoCa] {
        let make = |name: &str, last: i32| {
            let mut params = test::params(&[name]);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.is_ca = is_ca;
            params.not_after = rcgen::date_time_ymd(last, 1, 1);
            let key = rcgen::KeyPair::generate().unwrap();
            (params.self_signed(&key).unwrap().der().clone(), key)
        };
        let (certificate, key) = make("db.local", 2090);
        let pinned = trusting(&folder, &certificate);
        assert!(shake_tls(&pinned, test::server(certificate.clone(), &key)).await.is_ok());
        // Another key under the same name is another certificate.
        let (other, other_key) = make("db.local", 2090);
        let reason = shake_tls(&pinned, test::server(other, &other_key)).await.unwrap_err();
        assert_eq!(reason.class, &class::TLS_UNTRUSTED, "{}", reason.text);
        // The name and the dates must hold all the same.
        let (wrong, key) = make("other.local", 2090);
        let reason = shake_tls(&trusting(&folder, &wrong), test::server(wrong, &key)).await.unwrap_err();
        assert_eq!(reason.class, &class::TLS_NAME, "{}", reason.text);
        let (old, key) = make("db.local", 2020);
        let reason = shake_tls(&trusting(&folder, &old), test::server(old, &key)).await.unwrap_err();
        assert_eq!(reason.class, &class::TLS_EXPIRED, "{}", reason.text);
        let (stranger, key) = make("db.local", 2090);
        let root = test::authority("Test Root");
        let reason =
            shake_tls(&trusting(&folder, root.der()), test::server(stranger, &key)).await.unwrap_err();
        assert_eq!(reason.text, "self-signed certificate that is not trusted at 10.0.0.7:443");
    }
}

#[tokio::test]
async fn the_name_of_sni_is_the_one_to_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let root = test::authority("Test Root");
    let (certificate, key) = test::signed(&root, &test::params(&["inner.local"]));
    let mut options = trusting(&folder, root.der());
    options.sni = self::options("sni=inner.local").unwrap().sni;
    assert!(shake_tls(&options, test::server(certificate, &key)).await.is_ok());
}

#[tokio::test]
async fn the_name_may_be_left_out_and_nothing_else_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = test::authority("Test Root");
    let any_name = |options: TlsOptions| options.trusting(Trust::Authority);
    let elsewhere = test::params(&["a.example"]);
    let (certificate, key) = test::signed(&root, &elsewhere);
    let server = || test::server(certificate.clone(), &key);
    let trusting_root = trusting(&folder, root.der());
    assert!(shake_tls(&any_name(trusting_root.clone()), server()).await.is_ok());
    assert!(shake_tls(&any_name(trusting(&folder, &certificate)), server()).await.is_ok());
    let other = trusting(&folder, test::authority("Other").der());
    let reason = shake_tls(&any_name(other), server()).await.unwrap_err();
    assert_eq!(reason.class, &class::TLS_UNTRUSTED, "{}", reason.text);
    let mut past = elsewhere;
    past.not_after = rcgen::date_time_ymd(2020, 2, 29);
    let (certificate, key) = test::signed(&root, &past);
    let reason = shake_tls(&any_name(trusting_root), test::server(certificate, &key)).await.unwrap_err();
    assert_eq!(reason.class, &class::TLS_EXPIRED, "{}", reason.text);
}

#[tokio::test]
async fn a_client_certificate_is_asked_for_and_given() {
    let folder = tempfile::tempdir().unwrap();
    let root = test::authority("Test Root");
    let (certificate, key) = test::signed(&root, &test::params(&["db.local"]));
    let server = || test::server_for_clients(&root, certificate.clone(), &key);
    let without = trusting(&folder, root.der());
    let reason = shake_tls(&without, server()).await.unwrap_err();
    assert_eq!(
        (reason.class, reason.text.as_str()),
        (&class::TLS_PROTOCOL, "a client certificate is asked for at it")
    );

    let (client, client_key) = test::signed(&root, &test::params(&["client"]));
    let both = folder.path().join("client.pem");
    std::fs::write(&both, test::pem(&client) + &client_key.serialize_pem()).unwrap();
    let ca = folder.path().join("ca.pem");
    let with = options(&format!("cacert={}&cert={}", ca.display(), both.display())).unwrap();
    assert!(shake_tls(&with, server()).await.is_ok());
}

#[tokio::test]
async fn what_is_not_tls_is_told_from_what_hangs_up() {
    let insecure = options("insecure").unwrap();
    let reason = shake(&insecure, |mut far| async move {
        far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut all = Vec::new();
        let _ = far.read_to_end(&mut all).await;
    });
    let reason = reason.await.unwrap_err();
    assert_eq!((reason.class, reason.text.as_str()), (&class::TLS_PROTOCOL, "no TLS at 10.0.0.7:443"));
    assert_eq!(reason.facts, [Fact::Spoke("something other than TLS")]);

    let reason = shake(&insecure, |far| async { drop(far) }).await.unwrap_err();
    assert_eq!(reason.class, &class::TCP_CLOSED);
    assert!(reason.text.contains("during the TLS handshake by 10.0.0.7:443"), "{}", reason.text);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_hangs_is_a_time_out_of_tls() {
    let (client, _far) = duplex(64 * 1024);
    let (net, trace) = (Net::new(Env::default()), Trace::new(false));
    let (host, options) = (Host::Name("db.local".into()), options("insecure").unwrap());
    let shake = handshake(&net, &trace, &options, client, (&host, "10.0.0.7:443"), &[]);
    assert!(tokio::time::timeout(std::time::Duration::from_secs(5), shake).await.is_err());
    let reason = trace.cut().unwrap();
    assert_eq!(reason.class, &class::TLS_TIMEOUT);
    assert_eq!(reason.text, "connection accepted, but TLS handshake not completed at 10.0.0.7:443");
}

#[test]
fn bad_files_are_found_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let root = test::authority("Test Root");
    let (one, one_key) = test::signed(&root, &test::params(&["a"]));
    let (_, other_key) = test::signed(&root, &test::params(&["b"]));
    std::fs::write(path("ca.pem"), root.pem()).unwrap();
    std::fs::write(path("one.pem"), test::pem(&one)).unwrap();
    std::fs::write(path("one.key"), one_key.serialize_pem()).unwrap();
    std::fs::write(path("other.key"), other_key.serialize_pem()).unwrap();
    std::fs::write(path("empty.pem"), "").unwrap();
    std::fs::write(path("bad.pem"), "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n").unwrap();
    std::fs::write(path("odd.pem"), test::pem(&CertificateDer::from(vec![1, 2, 3]))).unwrap();
    let at = folder.path().display();
    let good = format!("cacert={at}/ca.pem&cert={at}/one.pem&key={at}/one.key&sni=x");
    assert!(options(&good).is_ok());
    for (given, says) in [
        ("cacert=@/none.pem", "option cacert: cannot read @/none.pem: no such file or directory"),
        ("cacert=@/empty.pem", "option cacert: @/empty.pem holds no PEM certificate"),
        ("cacert=@/one.key", "option cacert: @/one.key holds no PEM certificate"),
        ("cacert=@/bad.pem", "option cacert: @/bad.pem is not a valid PEM file"),
        ("cacert=@/odd.pem", "option cacert: @/odd.pem holds a certificate that cannot be read"),
        ("cacert=@/ca.pem&insecure", "option cacert has no effect with insecure"),
        ("key=@/one.key", "option key is given without cert"),
        ("cert=@/one.pem", "option cert: @/one.pem holds no private key, and option key is missing"),
        ("cert=@/one.pem&key=@/ca.pem", "option key: @/ca.pem holds no PEM private key (unencrypted)"),
        (
            "cert=@/one.pem&key=@/other.key",
            "the key in @/other.key does not fit the certificate in @/one.pem",
        ),
        ("sni=a b", "option sni: 'a b' is not a host name"),
    ] {
        let at = at.to_string();
        assert_eq!(options(&given.replace('@', &at)).unwrap_err(), says.replace('@', &at));
    }
}
