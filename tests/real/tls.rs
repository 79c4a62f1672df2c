//! TLS with a private authority, as inside a cluster.

use crate::certs::{Authority, Pair, Validity};
use crate::net::Net;
use crate::program::{prereq, prereq_with_env, start};
use crate::servers::{Named, Nginx};

const NAMES: &str = "www A 127.0.0.1\nother A 127.0.0.1\nold A 127.0.0.1";

fn server(port: u16, pair: &Pair, rest: &str) -> String {
    format!(
        "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {}; ssl_certificate_key {};\n\
         {rest} location / {{ return 200 'up'; }} }}\n",
        pair.certificate, pair.key
    )
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_private_authority_is_trusted_when_given_and_only_then() {
    let net = Net::new();
    let _named = Named::start(&net, NAMES);
    let authority = Authority::new(&net);
    let ca = &authority.certificate;
    let _nginx = Nginx::start(&net, &server(8443, &authority.issue("www.test", Validity::Days(20)), ""));

    prereq(&net, &[&format!("https://www.test:8443/#cacert={ca}&expect=up")]).is_ready();
    prereq(&net, &[&format!("tls://www.test:8443#cacert={ca}")]).is_ready();
    prereq(&net, &["https://www.test:8443/#insecure"]).is_ready();
    prereq_with_env(&net, &["https://www.test:8443/"], &[("SSL_CERT_FILE", ca)]).is_ready();

    prereq(&net, &["https://www.test:8443/"]).is_unmet("www.test:8443", "tls.untrusted");
    prereq(&net, &["tls://www.test:8443"]).is_unmet("www.test:8443", "tls.untrusted");
    prereq(&net, &["not", "https://www.test:8443/"]).is_unmet("www.test:8443", "tls.untrusted");
}

#[test]
#[ignore = "needs real servers: make real"]
fn the_server_s_own_certificate_can_be_pinned() {
    let net = Net::new();
    let _named = Named::start(&net, NAMES);
    let pair = Authority::new(&net).issue("www.test", Validity::Days(20));
    let _nginx = Nginx::start(&net, &server(8443, &pair, ""));
    prereq(&net, &[&format!("https://www.test:8443/#cacert={}", pair.certificate)]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_certificate_for_another_name() {
    let net = Net::new();
    let _named = Named::start(&net, NAMES);
    let authority = Authority::new(&net);
    let ca = &authority.certificate;
    let _nginx = Nginx::start(&net, &server(8443, &authority.issue("www.test", Validity::Days(20)), ""));
    for scheme in ["https", "tls"] {
        let target = format!("{scheme}://other.test:8443#cacert={ca}");
        prereq(&net, &[&target]).is_unmet("other.test:8443", "tls.name");
        prereq(&net, &[&format!("{target}&sni=www.test")]).is_ready();
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_certificate_that_is_over_or_soon_will_be() {
    let net = Net::new();
    let _named = Named::start(&net, NAMES);
    let authority = Authority::new(&net);
    let ca = &authority.certificate;
    let over = server(8444, &authority.issue("old.test", Validity::OverSince2021), "");
    let soon = server(8443, &authority.issue("www.test", Validity::Days(2)), "");
    let _nginx = Nginx::start(&net, &format!("{over}{soon}"));
    prereq(&net, &[&format!("https://old.test:8444/#cacert={ca}")]).is_unmet("old.test:8444", "tls.expired");
    prereq(&net, &[&format!("tls://old.test:8444#cacert={ca}")]).is_unmet("old.test:8444", "tls.expired");
    prereq(&net, &[&format!("tls://www.test:8443#cacert={ca}&valid-for=1d")]).is_ready();
    prereq(&net, &[&format!("tls://www.test:8443#cacert={ca}&valid-for=7d")])
        .is_unmet("www.test:8443", "tls.");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_certificate_that_is_renewed_while_waiting() {
    let net = Net::new();
    let _named = Named::start(&net, NAMES);
    let authority = Authority::new(&net);
    let nginx = Nginx::start(&net, &server(8443, &authority.issue("old.test", Validity::OverSince2021), ""));
    let target = format!("https://old.test:8443/#cacert={}", authority.certificate);
    let mut waiting = start(&net, &[&target]);
    waiting.until_it_says("tls.expired");
    nginx.reload(&server(8443, &authority.issue("old.test", Validity::Days(20)), ""));
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_that_asks_for_a_certificate() {
    let net = Net::new();
    let _named = Named::start(&net, NAMES);
    let authority = Authority::new(&net);
    let ca = &authority.certificate;
    let client = authority.issue("client.test", Validity::Days(20));
    let verify = format!("ssl_client_certificate {ca}; ssl_verify_client on;");
    let _nginx = Nginx::start(&net, &server(8443, &authority.issue("www.test", Validity::Days(20)), &verify));
    let target = format!("https://www.test:8443/#cacert={ca}");
    prereq(&net, &[&format!("{target}&cert={}&key={}", client.certificate, client.key)]).is_ready();
    prereq(&net, &[&target]).is_unmet("www.test:8443", "http.status");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_port_that_does_not_speak_tls() {
    let net = Net::new();
    let _named = Named::start(&net, NAMES);
    let _nginx = Nginx::answering(&net, 200, "plain");
    prereq(&net, &["https://www.test:8080/"]).is_unmet("www.test:8080", "tls.protocol");
    prereq(&net, &["tls://www.test:8080"]).is_unmet("www.test:8080", "tls.protocol");
}

#[test]
#[ignore = "needs real servers: make real"]
fn an_authority_s_file_that_is_no_certificate_is_said_at_once() {
    let net = Net::new();
    let junk = net.write("junk.pem", "this is no certificate\n");
    let outcome = prereq(&net, &[&format!("https://www.test:8443/#cacert={junk}")]);
    assert_eq!(outcome.status, Some(2), "{}", outcome.output);
}

#[test]
#[ignore = "needs real servers: make real"]
fn version_two_when_asked_for() {
    let net = Net::new();
    let _named = Named::start(&net, NAMES);
    let authority = Authority::new(&net);
    let pair = authority.issue("www.test", Validity::Days(20));
    let config = server(8443, &pair, "").replace(" ssl;", " ssl http2;").replace("'up'", "$server_protocol");
    let _nginx = Nginx::start(&net, &config);
    let ca = &authority.certificate;
    prereq(&net, &[&format!("https://www.test:8443/#cacert={ca}&http2&expect=^HTTP/2.0$")]).is_ready();
    prereq(&net, &[&format!("https://www.test:8443/#cacert={ca}&expect=^HTTP/1.1$")]).is_ready();
}
