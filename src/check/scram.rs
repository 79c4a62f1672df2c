//! SCRAM, the client's side, without channel binding: who authenticates proves that the password is known, and so does the server.
//!
//! Sources: RFC 5802 (SCRAM, SHA-1), RFC 7677 (SHA-256). Nothing here reads or sends: messages are strings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{digest, hmac};

use super::service::shown;
use super::{Fact, Reason, class};
use crate::plan::secret::Secret;

/// How often a server may have the password hashed: not so rarely that a false one could guess it from the answer (RFC 7677 §4), not so
/// often that it could keep this side busy.
const ITERATIONS: std::ops::RangeInclusive<u32> = 4096..=600_000;
/// After so many, others have their turn.
const TURN: u32 = 4096;
/// A nonce or salt longer than this is none.
const LONGEST: usize = 1024;
/// The header without channel binding and without another identity: `n,,`.
const HEADER: &str = "n,,";

/// A SCRAM mechanism.
#[derive(Debug)]
pub(super) struct Mechanism {
    /// Its SASL name: `SCRAM-SHA-256`.
    pub(super) name: &'static str,
    hmac: hmac::Algorithm,
    digest: &'static digest::Algorithm,
}

static MECHANISMS: [Mechanism; 3] = [
    Mechanism { name: "SCRAM-SHA-512", hmac: hmac::HMAC_SHA512, digest: &digest::SHA512 },
    Mechanism { name: "SCRAM-SHA-256", hmac: hmac::HMAC_SHA256, digest: &digest::SHA256 },
    Mechanism {
        name: "SCRAM-SHA-1",
        hmac: hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        digest: &digest::SHA1_FOR_LEGACY_USE_ONLY,
    },
];

impl Mechanism {
    /// The strongest of those that a server offers by their SASL names.
    pub(super) fn strongest<'a>(offered: impl IntoIterator<Item = &'a str>) -> Option<&'static Self> {
        let offered: Vec<&str> = offered.into_iter().collect();
        MECHANISMS.iter().find(|known| offered.contains(&known.name))
    }
}

/// A client that has said who it is.
pub(super) struct Client {
    mechanism: &'static Mechanism,
    bare: String,
    nonce: String,
}

impl Client {
    /// A client with a fresh nonce. `user` may be empty where the protocol has named the user before, as PostgreSQL's does.
    pub(super) fn new(mechanism: &'static Mechanism, user: &str) -> Result<Self, Reason> {
        let mut nonce = [0; 18];
        SystemRandom::new().fill(&mut nonce).map_err(|_| {
            Reason::new(&class::LOCAL_RESOURCES, "the operating system gives no random numbers")
        })?;
        Ok(Self::with_nonce(mechanism, user, &STANDARD.encode(nonce)))
    }

    fn with_nonce(mechanism: &'static Mechanism, user: &str, nonce: &str) -> Self {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Self { mechanism, bare: format!("n={user},r={nonce}"), nonce: nonce.to_owned() }
    }

    /// The client-first-message.
    pub(super) fn first(&self) -> String {
        format!("{HEADER}{}", self.bare)
    }

    /// What is to be said to the server-first-message `challenge`.
    ///
    /// # Errors
    /// When the challenge is malformed, or asks for fewer or more iterations than is sound.
    pub(super) async fn answer(self, challenge: &str, password: &Secret) -> Result<Answer, Reason> {
        let Challenge { nonce, salt, iterations } = Challenge::read(challenge, &self.nonce)?;
        let salted = self.mechanism.salted(password.expose(), &salt, iterations).await;
        let salted = hmac::Key::new(self.mechanism.hmac, &salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let server_key = hmac::sign(&salted, b"Server Key");
        let stored_key = digest::digest(self.mechanism.digest, client_key.as_ref());
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(HEADER));
        let exchange = format!("{},{challenge},{without_proof}", self.bare);
        let signature =
            hmac::sign(&hmac::Key::new(self.mechanism.hmac, stored_key.as_ref()), exchange.as_bytes());
        let mut proof = client_key.as_ref().to_vec();
        xor(&mut proof, signature.as_ref());
        Ok(Answer {
            message: format!("{without_proof},p={}", STANDARD.encode(proof)),
            server_key: hmac::Key::new(self.mechanism.hmac, server_key.as_ref()),
            exchange,
        })
    }
}

impl Mechanism {
    /// `Hi` of RFC 5802 §2.2, which is PBKDF2; others have their turn while it counts.
    async fn salted(&self, password: &str, salt: &[u8], iterations: u32) -> Vec<u8> {
        let key = hmac::Key::new(self.hmac, password.as_bytes());
        let mut block = hmac::sign(&key, &[salt, &1_u32.to_be_bytes()].concat());
        let mut salted = block.as_ref().to_vec();
        for round in 1..iterations {
            block = hmac::sign(&key, block.as_ref());
            xor(&mut salted, block.as_ref());
            if round % TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        salted
    }
}

fn xor(into: &mut [u8], with: &[u8]) {
    for (byte, other) in into.iter_mut().zip(with) {
        *byte ^= other;
    }
}

/// The server-first-message.
#[derive(Debug, PartialEq, Eq)]
struct Challenge<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl<'a> Challenge<'a> {
    /// Reads `r=NONCE,s=SALT,i=ITERATIONS`, which may have more behind it.
    fn read(text: &'a str, own_nonce: &str) -> Result<Self, Reason> {
        let mut fields = text.split(',');
        let nonce = attribute(fields.next(), "r=")?;
        let salt = attribute(fields.next(), "s=")?;
        let iterations = attribute(fields.next(), "i=")?;
        if nonce.len() > LONGEST || nonce.strip_prefix(own_nonce).is_none_or(str::is_empty) {
            return Err(malformed("with another nonce than its own"));
        }
        let salt =
            Some(salt).filter(|salt| salt.len() <= LONGEST).and_then(|salt| STANDARD.decode(salt).ok());
        let iterations = iterations.parse().map_err(|_| malformed("without a number of iterations"))?;
        if !ITERATIONS.contains(&iterations) {
            let (least, most) = (ITERATIONS.start(), ITERATIONS.end());
            let text =
                format!("the server has the password hashed fewer than {least} or more than {most} times");
            return Err(Reason::new(&class::SERVICE_PROTOCOL, text));
        }
        Ok(Self { nonce, salt: salt.ok_or_else(|| malformed("without a salt"))?, iterations })
    }
}

/// What the client answers to a challenge, and by what the server's own proof is judged.
pub(super) struct Answer {
    /// The client-final-message.
    pub(super) message: String,
    server_key: hmac::Key,
    exchange: String,
}

impl Answer {
    /// Judges the server-final-message.
    ///
    /// # Errors
    /// When the server refuses, or does not prove that it knows the password.
    pub(super) fn verify(&self, outcome: &str) -> Result<(), Reason> {
        let first = outcome.split(',').next().unwrap_or_default();
        if let Some(code) = first.strip_prefix("e=") {
            let reason = Reason::new(&class::AUTH_DENIED, "the server refuses user and password");
            return Err(reason.fact(Fact::Code(shown(code))));
        }
        let signature = STANDARD.decode(attribute(Some(first), "v=")?).unwrap_or_default();
        hmac::verify(&self.server_key, self.exchange.as_bytes(), &signature).map_err(|_| {
            Reason::new(&class::AUTH_DENIED, "the server does not prove that it knows the password")
        })
    }
}

fn attribute<'a>(field: Option<&'a str>, name: &str) -> Result<&'a str, Reason> {
    field
        .and_then(|field| field.strip_prefix(name))
        .ok_or_else(|| malformed("without the attributes of RFC 5802"))
}

fn malformed(what: &str) -> Reason {
    Reason::new(&class::SERVICE_PROTOCOL, format!("the server sends a SCRAM message {what}"))
}

/// Feeds the reader of both messages of the server with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = Challenge::read(&text, "");
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"");
    let answer = Answer { message: String::new(), server_key: key, exchange: String::new() };
    assert!(answer.verify(&text).is_err());
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const CHALLENGE: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    async fn answer(mechanism: &str, nonce: &str, challenge: &str) -> Answer {
        let client = Client::with_nonce(Mechanism::strongest([mechanism]).unwrap(), "user", nonce);
        assert_eq!(client.first(), format!("n,,n=user,r={nonce}"));
        client.answer(challenge, &Secret::new("pencil")).await.unwrap()
    }

    #[tokio::test]
    async fn the_examples_of_the_rfcs() {
        // RFC 7677 §3.
        let sha256 = answer("SCRAM-SHA-256", NONCE, CHALLENGE).await;
        assert_eq!(
            sha256.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(sha256.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").is_ok());
        // RFC 5802 §5.
        let challenge = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
        let sha1 = answer("SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL", challenge).await;
        assert!(sha1.message.ends_with(",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="), "{}", sha1.message);
        assert!(sha1.verify("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=").is_ok());
        // No RFC has one for SHA-512; this was computed by Python's hashlib and hmac.
        let sha512 = answer("SCRAM-SHA-512", NONCE, CHALLENGE).await;
        assert!(
            sha512.message.ends_with(
                ",p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ=="
            ),
            "{}",
            sha512.message
        );
        let signature =
            "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==";
        assert!(sha512.verify(signature).is_ok());
    }

    #[tokio::test]
    async fn a_server_that_does_not_know_the_password_is_not_believed() {
        let answer = answer("SCRAM-SHA-256", NONCE, CHALLENGE).await;
        for (outcome, class) in [
            ("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", "auth.denied"),
            ("v=", "auth.denied"),
            ("v=&", "auth.denied"),
            ("e=invalid-proof", "auth.denied"),
            ("e=unknown-user,v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "auth.denied"),
            ("", "service.protocol"),
        ] {
            assert_eq!(answer.verify(outcome).unwrap_err().class.code, class, "{outcome}");
        }
    }

    #[test]
    fn challenges_are_bounded() {
        let read = |rest: &str| Challenge::read(rest, "abc").map(|challenge| challenge.iterations);
        assert_eq!(read("r=abcd,s=QSXCR+Q6sek8bf92,i=4096").unwrap(), 4096);
        assert_eq!(read("r=abcd,s=QSXCR+Q6sek8bf92,i=600000,x=later").unwrap(), 600_000);
        for bad in [
            "",
            "r=abc,s=QSXCR+Q6sek8bf92,i=4096",
            "r=bcd,s=QSXCR+Q6sek8bf92,i=4096",
            "m=x,r=abcd,s=QSXCR+Q6sek8bf92,i=4096",
            "r=abcd,s=?,i=4096",
            "r=abcd,s=QSXCR+Q6sek8bf92",
            "r=abcd,s=QSXCR+Q6sek8bf92,i=1",
            "r=abcd,s=QSXCR+Q6sek8bf92,i=600001",
            "r=abcd,s=QSXCR+Q6sek8bf92,i=-4096",
            "r=abcd,s=QSXCR+Q6sek8bf92,i=99999999999",
            &format!("r=abc{},s=QSXCR+Q6sek8bf92,i=4096", "d".repeat(LONGEST)),
            &format!("r=abcd,s={},i=4096", "QQ==".repeat(LONGEST)),
        ] {
            assert_eq!(read(bad).unwrap_err().class, &class::SERVICE_PROTOCOL, "{bad}");
        }
    }

    #[test]
    fn the_strongest_mechanism_in_common_is_chosen() {
        for (offered, chosen) in [
            (&["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"][..], Some("SCRAM-SHA-256")),
            (&["SCRAM-SHA-1", "PLAIN", "SCRAM-SHA-512", "SCRAM-SHA-256"], Some("SCRAM-SHA-512")),
            (&["SCRAM-SHA-1"], Some("SCRAM-SHA-1")),
            (&["PLAIN"], None),
        ] {
            assert_eq!(Mechanism::strongest(offered.iter().copied()).map(|known| known.name), chosen);
        }
    }

    #[test]
    fn users_are_escaped_and_nonces_are_new() {
        let mechanism = Mechanism::strongest(["SCRAM-SHA-256"]).unwrap();
        assert_eq!(Client::with_nonce(mechanism, "a=b,c", "n").first(), "n,,n=a=3Db=2Cc,r=n");
        let nonce = || Client::new(mechanism, "").unwrap().first();
        assert!(nonce().starts_with("n,,n=,r="));
        assert_ne!(nonce(), nonce());
    }
}
