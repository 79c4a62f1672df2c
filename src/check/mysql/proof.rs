//! How a client proves that it knows the password: the plugins of the server, by the names that both sides use.
//!
//! Sources: <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods.html>,
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html>.

use ring::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

/// A plugin that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plugin {
    /// `mysql_native_password`: SHA-1.
    Native,
    /// `caching_sha2_password`: SHA-256, or the password itself if the server does not remember it.
    CachingSha2,
    /// The password itself.
    Clear(&'static str),
}

const NATIVE: &str = "mysql_native_password";
const CACHING_SHA2: &str = "caching_sha2_password";

impl Plugin {
    /// The plugin of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        const CLEAR: [&str; 2] = ["mysql_clear_password", "sha256_password"];
        match name {
            NATIVE => Some(Self::Native),
            CACHING_SHA2 => Some(Self::CachingSha2),
            _ => CLEAR.into_iter().find(|known| *known == name).map(Self::Clear),
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => NATIVE,
            Self::CachingSha2 => CACHING_SHA2,
            Self::Clear(name) => name,
        }
    }

    /// What it sends first; `None` is the password itself.
    pub(super) fn proof(self, password: &str, nonce: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Native | Self::CachingSha2 if password.is_empty() => Some(Vec::new()),
            Self::Native => Some(native(password, nonce)),
            Self::CachingSha2 => Some(caching_sha2(password, nonce)),
            Self::Clear(_) => None,
        }
    }
}

/// The password itself, as it is sent.
pub(super) fn clear(password: &str) -> Vec<u8> {
    password.bytes().chain([0]).collect()
}

/// `SHA1(password) XOR SHA1(nonce, SHA1(SHA1(password)))`.
fn native(password: &str, nonce: &[u8]) -> Vec<u8> {
    let hash = |parts: &[&[u8]]| hash(&SHA1_FOR_LEGACY_USE_ONLY, parts);
    let once = hash(&[password.as_bytes()]);
    let twice = hash(&[&once]);
    xor(once, &hash(&[nonce, &twice]))
}

/// `SHA256(password) XOR SHA256(SHA256(SHA256(password)), nonce)`.
fn caching_sha2(password: &str, nonce: &[u8]) -> Vec<u8> {
    let hash = |parts: &[&[u8]]| hash(&SHA256, parts);
    let once = hash(&[password.as_bytes()]);
    let twice = hash(&[&once]);
    xor(once, &hash(&[&twice, nonce]))
}

fn hash(algorithm: &'static Algorithm, parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(algorithm);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}

fn xor(mut one: Vec<u8>, other: &[u8]) -> Vec<u8> {
    for (byte, with) in one.iter_mut().zip(other) {
        *byte ^= with;
    }
    one
}
