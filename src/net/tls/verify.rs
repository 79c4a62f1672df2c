//! Verification of the peer's certificate, with a record of what was presented and what was found.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue, WebPkiServerVerifier,
    verify_server_name,
};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, NamedGroup, SignatureScheme};
use tokio::time::Instant;

use super::{PROVIDER, Summary};

/// What a handshake has shown. Clones share it.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Record>>);

#[derive(Default)]
struct Record {
    began: Option<Instant>,
    chain: Vec<CertificateDer<'static>>,
    error: Option<Error>,
}

impl Seen {
    fn with<T>(&self, f: impl FnOnce(&mut Record) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the handshake began, which is when the connection was there.
    #[must_use]
    pub fn began(&self) -> Option<Instant> {
        self.with(|record| record.began)
    }

    /// The certificates that the peer presented, its own first.
    #[must_use]
    pub fn chain(&self) -> Vec<Summary> {
        self.with(|record| record.chain.iter().filter_map(|der| Summary::of(der)).collect())
    }

    /// The peer's own certificate.
    #[must_use]
    pub fn leaf(&self) -> Option<Summary> {
        self.with(|record| record.chain.first().and_then(|der| Summary::of(der)))
    }

    /// What is wrong with the certificates, if the peer presented some.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        self.with(|record| record.error.clone())
    }

    /// One line about the peer's certificate, for explanations.
    pub(crate) fn described(&self) -> String {
        let Some(leaf) = self.leaf() else { return "no certificate".into() };
        let until = super::failure::moment(leaf.not_after);
        format!("certificate for {}, issued by {}, valid until {until}", leaf.names.join(", "), leaf.issuer)
    }
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

/// A store that stores nothing: it is asked first when a handshake begins, and so learns when that is.
impl ClientSessionStore for Seen {
    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.with(|record| record.began.get_or_insert_with(Instant::now).to_owned());
        None
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }

    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}
    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}
    fn remove_tls12_session(&self, _: &ServerName<'static>) {}
    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {}
}

/// The verifier of one connection.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Without it, everything is accepted, unless `pinned` is there.
    inner: Option<Arc<WebPkiServerVerifier>>,
    /// Certificates that are trusted even as the server's own.
    pinned: Option<Arc<[CertificateDer<'static>]>>,
    /// Whether the certificate must be for the name that was asked for.
    named: bool,
    seen: Seen,
}

impl Verifier {
    pub(super) fn new(
        inner: Option<Arc<WebPkiServerVerifier>>,
        pinned: Option<Arc<[CertificateDer<'static>]>>,
        named: bool,
        seen: Seen,
    ) -> Self {
        Self { inner, pinned, named, seen }
    }

    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        self.pinned.as_ref().is_some_and(|pinned| pinned.iter().any(|known| known == certificate))
    }

    fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<(), Error> {
        let Some(inner) = &self.inner else {
            return match self.pinned {
                None => Ok(()),
                Some(_) => Err(CertificateError::UnknownIssuer.into()),
            };
        };
        match inner.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Ok(_) => Ok(()),
            // The name is looked at last, when all else has been found to be right.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.named => Ok(()),
            // A server's own certificate given as authority. Whether it is valid now is the first thing that is
            // checked of it, so these errors say that it is; the name has not been looked at yet.
            Err(Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_),
            )) if self.is_pinned(end_entity) => {
                if self.named {
                    verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)
                } else {
                    Ok(())
                }
            }
            Err(error) => Err(error),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let result = self.check(end_entity, intermediates, server_name, ocsp_response, now);
        self.seen.with(|record| {
            let chain = std::iter::once(end_entity).chain(intermediates);
            record.chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
            record.error = result.clone().err();
        });
        result.map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &PROVIDER.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &PROVIDER.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}
