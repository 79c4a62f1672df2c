//! The server's side of SCRAM, for tests: it knows `me` by the password `pw`.
//!
//! Written from RFC 5802 apart from the client, with ring's PBKDF2.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};

const ITERATIONS: u32 = 4096;
const SALT: &[u8] = b"salt";
const NONCE: &str = "3rfcNHYJY1ZVvWVs7j";

/// The server-first-message to a client-first-message.
pub(super) fn challenge(first: &str) -> String {
    let nonce = first.strip_prefix("n,,n=me,r=").unwrap();
    format!("r={nonce}{NONCE},s={},i={ITERATIONS}", STANDARD.encode(SALT))
}

/// The server-final-message to a client-final-message, `None` when the client's proof is wrong. `long` is SHA-512.
pub(super) fn outcome(last: &str, long: bool) -> Option<String> {
    let (pbkdf2, hmac, digest, length) = if long {
        (pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512, &digest::SHA512, 64)
    } else {
        (pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256, &digest::SHA256, 32)
    };
    let mut salted = vec![0; length];
    pbkdf2::derive(pbkdf2, NonZeroU32::new(ITERATIONS).unwrap(), SALT, b"pw", &mut salted);
    let salted = hmac::Key::new(hmac, &salted);
    let (without_proof, proof) = last.split_once(",p=").unwrap();
    let nonce = without_proof.strip_prefix("c=biws,r=").unwrap().strip_suffix(NONCE).unwrap();
    let first = format!("n=me,r={nonce}");
    let exchange = format!("{first},{},{without_proof}", challenge(&format!("n,,{first}")));
    let client_key = hmac::sign(&salted, b"Client Key");
    let stored = digest::digest(digest, client_key.as_ref());
    let signature = hmac::sign(&hmac::Key::new(hmac, stored.as_ref()), exchange.as_bytes());
    let proof = STANDARD.decode(proof).unwrap();
    let shown: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
    let server_key = hmac::sign(&salted, b"Server Key");
    let server = hmac::sign(&hmac::Key::new(hmac, server_key.as_ref()), exchange.as_bytes());
    (shown == client_key.as_ref()).then(|| format!("v={}", STANDARD.encode(server)))
}
