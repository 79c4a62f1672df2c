//! Classes of failure: stable names for why a precondition does not hold.
//!
//! A class is code, meaning and cost. What a kind alone can report is defined in the kind's own file.

/// What a failed attempt cost the dependency; pacing follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Next to nothing: a refusal, a missing file, a name that does not exist.
    Low,
    /// It had to work for its answer, or did not manage one.
    High,
}

/// A class of failure.
#[derive(Debug)]
pub struct Class {
    /// The stable name: `tcp.refused`.
    pub code: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// What an attempt that ends so costs the dependency.
    pub cost: Cost,
}

impl PartialEq for Class {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Class {}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code)
    }
}

macro_rules! classes {
    ($($name:ident $code:literal $cost:ident $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub static $name: Class = Class { code: $code, meaning: $meaning, cost: Cost::$cost };
        )*
        /// The classes that every kind on the network shares.
        pub static SHARED: &[&Class] = &[$(&$name),*];
    };
}

classes! {
    DNS_NXDOMAIN "dns.nxdomain" Low "The name does not exist.";
    DNS_NODATA "dns.nodata" Low "The name exists, but has no record of the type asked for.";
    DNS_SERVFAIL "dns.servfail" High "The name server could not answer (SERVFAIL, REFUSED, NOTIMP or FORMERR).";
    DNS_TIMEOUT "dns.timeout" High "No name server answered in time.";
    DNS_UNREACHABLE "dns.unreachable" Low "No name server could be reached or none is configured.";
    DNS_PROTOCOL "dns.protocol" High "A name server's answer is malformed or does not fit the question.";
    TCP_REFUSED "tcp.refused" Low "The host answered that nothing listens on the port.";
    TCP_TIMEOUT "tcp.timeout" High "Nothing answered the connection request in time.";
    TCP_UNREACHABLE "tcp.unreachable" Low "There is no way to the address.";
    TCP_CLOSED "tcp.closed" High "The connection was accepted and closed again, or reset.";
    TLS_UNTRUSTED "tls.untrusted" High "The certificate does not lead to a trusted certificate authority.";
    TLS_NAME "tls.name" High "The certificate is not for this name.";
    TLS_EXPIRED "tls.expired" High "The certificate has expired, is not valid yet, or expires too soon.";
    TLS_PROTOCOL "tls.protocol" High "The TLS handshake failed: no TLS there, no common version or cipher, or an alert.";
    TLS_TIMEOUT "tls.timeout" High "The connection was accepted, but the TLS handshake did not finish in time.";
    AUTH_DENIED "auth.denied" High "The service refused the credentials, or asks for some.";
    SERVICE_STARTING "service.starting" High "The service answers that it is not ready yet.";
    LOCAL_RESOURCES "local.resources" Low "This process ran out of descriptors, memory or ports of its own.";
    LOCAL_SECRET "local.secret" Low "A file with credentials cannot be read.";
    ATTEMPT_TIMEOUT "attempt.timeout" High "The attempt did not end in time.";
    OPPOSITE_HOLDS "not.satisfied" Low "What must not be so is still so.";
}
