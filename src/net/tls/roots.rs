//! Trusted roots: those the environment names, else the system's, else those compiled in.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::PROVIDER;
use crate::check::{Reason, class};
use crate::content;
use crate::net::io_words;
use crate::plan::env::Env;

/// Where distributions keep all trusted certificates in one file.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",   // older ones
    "/etc/ssl/ca-bundle.pem",             // SUSE
    "/etc/ssl/cert.pem",                  // Alpine
    "/etc/pki/tls/cacert.pem",            // OpenELEC
];

/// What the handshakes of a run share; made at the first one that needs it.
#[derive(Default)]
pub(crate) struct Shared(OnceCell<Arc<WebPkiServerVerifier>>);

impl Shared {
    /// The verifier over the trusted roots. What `SSL_CERT_FILE` or `SSL_CERT_DIR` name must be readable; if it is
    /// not, it is read again next time, since a volume may be filled late.
    pub(super) fn verifier(&self, env: &Env) -> Result<Arc<WebPkiServerVerifier>, Reason> {
        if let Some(verifier) = self.0.get() {
            return Ok(Arc::clone(verifier));
        }
        let refused = |what: String| Reason::new(&class::TLS_UNTRUSTED, what);
        let roots = load(env, &BUNDLES.map(PathBuf::from)).map_err(refused)?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&PROVIDER))
            .build()
            .map_err(|_| refused("there is no trusted certificate authority".into()))?;
        Ok(Arc::clone(self.0.get_or_init(|| verifier)))
    }

    /// Whether a handshake has needed it.
    #[cfg(test)]
    pub(crate) fn is_made(&self) -> bool {
        self.0.get().is_some()
    }
}

fn load(env: &Env, bundles: &[PathBuf]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let (file, folder) = (env.non_empty("SSL_CERT_FILE"), env.non_empty("SSL_CERT_DIR"));
    if let Some(path) = file {
        let count = add(&mut roots, Path::new(path)).map_err(|what| format!("SSL_CERT_FILE: {what}"))?;
        if count == 0 {
            return Err(format!("SSL_CERT_FILE: {path} holds no certificate"));
        }
    }
    for path in folder.into_iter().flat_map(|list| list.split(':')).filter(|path| !path.is_empty()) {
        let entries = std::fs::read_dir(path)
            .map_err(|error| format!("SSL_CERT_DIR: cannot read {path}: {}", io_words(&error)))?;
        for entry in entries.filter_map(Result::ok).filter(|entry| entry.path().is_file()) {
            // A folder also holds files of other kinds.
            let _ = add(&mut roots, &entry.path());
        }
    }
    if file.is_some() || folder.is_some() {
        return Ok(roots);
    }
    for bundle in bundles {
        if add(&mut roots, bundle).is_ok_and(|count| count > 0) {
            return Ok(roots);
        }
    }
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(roots)
}

/// Adds what certificates there are in a file, and says how many.
fn add(roots: &mut RootCertStore, path: &Path) -> Result<usize, String> {
    let content = content::whole(path, content::LONG)
        .map_err(|error| format!("cannot read {}: {}", path.display(), io_words(&error)))?;
    let (added, _) =
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&content).filter_map(Result::ok));
    Ok(added)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tls::test;

    #[test]
    fn the_environment_comes_first_then_the_system_then_what_is_compiled_in() {
        let folder = tempfile::tempdir().unwrap();
        let one = folder.path().join("one.pem");
        std::fs::write(&one, test::authority("One").pem()).unwrap();
        let two = folder.path().join("two.pem");
        std::fs::write(&two, test::authority("Two").pem() + &test::authority("Three").pem()).unwrap();
        let count = |env: Env, bundles: &[PathBuf]| load(&env, bundles).map(|roots| roots.len());

        let file = Env::from([("SSL_CERT_FILE", one.to_str().unwrap())]);
        assert_eq!(count(file, std::slice::from_ref(&two)), Ok(1));
        let all = Env::from([("SSL_CERT_DIR", folder.path().to_str().unwrap())]);
        assert_eq!(count(all, &[]), Ok(3));
        assert_eq!(count(Env::default(), &["/nonexistent".into(), two]), Ok(2));
        assert!(count(Env::default(), &[]).unwrap() > 100);
    }

    #[test]
    fn a_bad_ssl_cert_file_is_said() {
        let env = Env::from([("SSL_CERT_FILE", "/nonexistent")]);
        let reason = Shared::default().verifier(&env).unwrap_err();
        assert_eq!(reason.class, &class::TLS_UNTRUSTED);
        assert_eq!(reason.text, "SSL_CERT_FILE: cannot read /nonexistent: no such file or directory");
    }
}
