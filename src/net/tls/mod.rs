//! TLS: one client configuration for all kinds, over rustls and ring.
//!
//! What a target says (`cacert=`, `cert=`, `key=`, `insecure`, `sni=`) is read and checked when the target is;
//! trusted roots are loaded at the first handshake that needs them.

mod der;
mod failure;
mod roots;
mod verify;

#[cfg(test)]
pub(crate) mod test;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub use der::Summary;
pub(crate) use failure::failure;
pub(crate) use roots::Shared;
pub use verify::Seen;

use super::dial::Failure;
use super::trace::Trace;
use super::{Net, io_class, io_words};
use crate::check::{Draft, Opt, Reason, class};
use crate::content;
use crate::plan::problem::Problem;
use crate::plan::target::Host;

/// The options of everything that speaks TLS.
pub static OPTIONS: &[Opt] = &[
    Opt::new("cacert", "PATH", "trust only the certificates in this PEM file (the server's own pins it)"),
    Opt::new("cert", "PATH", "PEM file with the client certificate"),
    Opt::new("key", "PATH", "PEM file with the client certificate's key (default: the file of cert)"),
    Opt::new("insecure", "", "accept any certificate"),
    Opt::new("sni", "NAME", "the name to ask for and to find in the certificate"),
];
/// The same for kinds where `key=` is something else than a file.
#[cfg(feature = "_service")]
pub static OPTIONS_BESIDE_KEY: &[Opt] = &[
    OPTIONS[0],
    OPTIONS[1],
    Opt::new(CLIENT_KEY, "PATH", "PEM file with the client certificate's key (default: the file of cert)"),
    OPTIONS[3],
    OPTIONS[4],
];
const CLIENT_KEY: &str = "client-key";

pub(crate) static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

/// What a target says about TLS, its files read and checked.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    authorities: Option<Authorities>,
    identity: Option<Arc<CertifiedKey>>,
    trust: Trust,
    sni: Option<ServerName<'static>>,
}

/// How much of the peer's certificate must be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// It leads to a trusted authority, and is for the name that was asked for.
    #[default]
    Name,
    /// It leads to a trusted authority; whose it is does not matter.
    Authority,
    /// Nothing: the connection is encrypted, to whomever.
    Anyone,
}

#[derive(Debug, Clone)]
struct Authorities {
    given: Arc<[CertificateDer<'static>]>,
    verifier: Arc<WebPkiServerVerifier>,
}

impl TlsOptions {
    /// Reads the options out of `draft`, and the files they name. What is wrong with them is left in the draft.
    pub fn read(draft: &mut Draft<'_>) -> Self {
        let authorities = draft.parsed("cacert", authorities);
        let insecure = draft.switch("insecure");
        if insecure && draft.text("cacert").is_some() {
            draft.problem(Problem::new("option cacert has no effect with insecure").hint("drop one of them"));
        }
        let beside = draft.has(CLIENT_KEY);
        let option = if beside { CLIENT_KEY } else { "key" };
        let identity = match (draft.text("cert"), draft.text(option)) {
            (Some(cert), key) => match identity(cert, key.map(|key| (key, option))) {
                Ok(identity) => Some(Arc::new(identity)),
                Err(what) => {
                    draft.problem(Problem::new(what));
                    None
                }
            },
            (None, Some(_)) => {
                draft.problem(Problem::new(format!("option {option} is given without cert")));
                None
            }
            (None, None) => None,
        };
        let sni = draft.parsed("sni", |text| {
            ServerName::try_from(text.to_owned()).map_err(|_| format!("'{text}' is not a host name"))
        });
        let trust = if insecure { Trust::Anyone } else { Trust::Name };
        Self { authorities, identity, trust, sni }
    }

    /// The same with another measure of trust.
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// The same, trusting only the certificates in this PEM text.
    ///
    /// # Errors
    /// What is wrong with it.
    #[cfg(feature = "k8s")]
    pub(crate) fn with_authorities(self, pem: &[u8]) -> Result<Self, String> {
        Ok(Self { authorities: Some(trusted(certificates_in(pem)?)?), ..self })
    }

    /// The same with a client certificate and its key, as PEM texts.
    ///
    /// # Errors
    /// What is wrong with them.
    #[cfg(feature = "k8s")]
    pub(crate) fn with_identity(self, certificate: &[u8], key: &[u8]) -> Result<Self, String> {
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|_| "the key is no PEM private key (unencrypted)")?;
        let identity = CertifiedKey::from_der(certificates_in(certificate)?, key, &PROVIDER)
            .map_err(|_| "certificate and key cannot be used together")?;
        Ok(Self { identity: Some(Arc::new(identity)), ..self })
    }

    /// The same for a certificate of another name.
    ///
    /// # Errors
    /// When it is no name.
    #[cfg(feature = "k8s")]
    pub(crate) fn with_name(self, name: &str) -> Result<Self, String> {
        let name =
            ServerName::try_from(name.to_owned()).map_err(|_| format!("'{name}' is not a host name"))?;
        Ok(Self { sni: Some(name), ..self })
    }

    /// The name given by `sni`.
    #[must_use]
    pub fn sni(&self) -> Option<&ServerName<'static>> {
        self.sni.as_ref()
    }

    /// The same for another host than the one they were written for: without its name and its credentials.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self { identity: None, sni: None, ..self.clone() }
    }

    /// A configuration for one connection, which notes in `seen` what the peer presents.
    ///
    /// # Errors
    /// When the trusted certificates that the environment names cannot be read.
    pub fn config(&self, net: &Net, alpn: &[&[u8]], seen: &Seen) -> Result<ClientConfig, Reason> {
        let (verifier, pinned) = match (&self.authorities, self.trust) {
            (_, Trust::Anyone) => (None, None),
            (Some(authorities), _) => {
                (Some(Arc::clone(&authorities.verifier)), Some(Arc::clone(&authorities.given)))
            }
            (None, _) => (Some(net.tls.verifier(&net.env)?), None),
        };
        let verifier = verify::Verifier::new(verifier, pinned, self.trust == Trust::Name, seen.clone());
        Ok(build(verifier, self.identity.as_ref(), alpn, seen))
    }

    /// The name to ask for and to verify when `host` is talked to.
    ///
    /// # Errors
    /// When `host` is no name that a certificate can have.
    pub fn server_name(&self, host: &Host) -> Result<ServerName<'static>, Reason> {
        if let Some(name) = &self.sni {
            return Ok(name.clone());
        }
        let name = match host {
            Host::Ip(ip) => return Ok(ServerName::from(*ip)),
            Host::This => "localhost",
            Host::Name(name) => name.strip_suffix('.').unwrap_or(name),
        };
        ServerName::try_from(name.to_owned())
            .map_err(|_| Reason::new(&class::TLS_NAME, format!("no certificate can be for the name {name}")))
    }
}

/// A configuration for connections that are not to use TLS: nothing is loaded, nothing is trusted.
pub(crate) fn unused() -> ClientConfig {
    let seen = Seen::default();
    let verifier = verify::Verifier::new(None, Some(Arc::from([])), true, seen.clone());
    build(verifier, None, &[], &seen)
}

fn build(
    verifier: verify::Verifier,
    identity: Option<&Arc<CertifiedKey>>,
    alpn: &[&[u8]],
    seen: &Seen,
) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|_| unreachable!("ring has cipher suites for TLS 1.2 and 1.3"))
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(identity))))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    // Nothing is resumed: every attempt proves the whole handshake.
    config.resumption = Resumption::store(Arc::new(seen.clone()));
    config
}

/// The certificates of a PEM file, as the only ones to trust.
fn authorities(path: &str) -> Result<Authorities, String> {
    trusted(certificates(path)?).map_err(|what| format!("{path} {what}"))
}

fn trusted(given: Vec<CertificateDer<'static>>) -> Result<Authorities, String> {
    let mut roots = RootCertStore::empty();
    for certificate in &given {
        roots.add(certificate.clone()).map_err(|_| "holds a certificate that cannot be read")?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&PROVIDER))
        .build()
        .map_err(|_| "holds no certificate")?;
    Ok(Authorities { given: given.into(), verifier })
}

/// The content of a file; errors do not repeat it.
fn content(path: &str) -> Result<Vec<u8>, String> {
    content::whole(path, content::LONG).map_err(|error| format!("cannot read {path}: {}", io_words(&error)))
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    certificates_in(&content(path)?).map_err(|what| format!("{path} {what}"))
}

fn certificates_in(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err("holds no PEM certificate".into()),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err("is not a valid PEM file".into()),
    }
}

/// The identity in the files of `cert=` and, if that is another one, of the option for the key.
fn identity(cert: &str, key: Option<(&str, &str)>) -> Result<CertifiedKey, String> {
    let chain = certificates(cert).map_err(|what| format!("option cert: {what}"))?;
    let (path, option) = key.unwrap_or((cert, "cert"));
    let bytes = content(path).map_err(|what| format!("option {option}: {what}"))?;
    let key = match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(key) => key,
        Err(_) if option == "cert" => {
            return Err(format!("option cert: {path} holds no private key, and option key is missing"));
        }
        Err(_) => return Err(format!("option {option}: {path} holds no PEM private key (unencrypted)")),
    };
    CertifiedKey::from_der(chain, key, &PROVIDER).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            format!("the key in {path} does not fit the certificate in {cert}")
        }
        _ => format!("the key in {path} or the certificate in {cert} cannot be used"),
    })
}

/// Makes the handshake on `stream`, whose other end is at `place`.
///
/// # Errors
/// The reason why it failed.
pub async fn handshake<S>(
    net: &Net,
    trace: &Trace,
    options: &TlsOptions,
    stream: S,
    (host, place): (&Host, &str),
    alpn: &[&[u8]],
) -> Result<(TlsStream<S>, Seen), Reason>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let since = Instant::now();
    let seen = Seen::default();
    let name = options.server_name(host)?;
    let config = options.config(net, alpn, &seen)?;
    let noted = place.to_owned();
    trace.doing(move || pending().at(&noted));
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| {
        trace.stage("tls", since, || seen.described());
        let found = find(&error).map(|tls| failure(tls, &seen));
        found.unwrap_or_else(|| broken(&error)).at(place)
    })?;
    trace.stage("tls", since, || {
        let session = stream.get_ref().1;
        let version = session.protocol_version().map(|version| format!("{version:?}")).unwrap_or_default();
        let suite = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let version = version.replace("TLSv1_", "TLS 1.");
        format!("{version} {}, {}", suite.unwrap_or_default(), seen.described())
    });
    Ok((stream, seen))
}

/// What is to be said when a handshake has begun and does not end.
pub(crate) fn pending() -> Failure {
    Failure::new(&class::TLS_TIMEOUT, "connection accepted, but TLS handshake not completed")
}

/// A handshake that ended with an error of the connection.
pub(crate) fn broken(error: &std::io::Error) -> Failure {
    let class = io_class(error);
    let words = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "connection closed during the TLS handshake".into(),
        std::io::ErrorKind::ConnectionReset => "connection reset during the TLS handshake".into(),
        _ => io_words(error),
    };
    Failure::new(class, words)
}

/// The error of rustls within an error of the connection.
pub(crate) fn find(error: &std::io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| inner.downcast_ref::<std::io::Error>().and_then(find))
}
