//! Classes of failure: stable names for why a precondition does not hold.
//!
//! A class is code, meaning, cost, usual causes and a remedy; `docs/failures.md` is made of them. What a kind alone can report is defined in the kind's own file.

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
    /// What usually is behind it, the likeliest first: lower-case fragments.
    pub causes: &'static [&'static str],
    /// What to do about it.
    pub remedy: &'static str,
}

impl Class {
    /// A class; what is behind it is added by [`Class::causes`], what to do about it by [`Class::remedy`].
    #[must_use]
    pub const fn new(code: &'static str, cost: Cost, meaning: &'static str) -> Self {
        Self { code, meaning, cost, causes: &[], remedy: "" }
    }

    /// With what usually is behind it.
    #[must_use]
    pub const fn causes(self, causes: &'static [&'static str]) -> Self {
        Self { causes, ..self }
    }

    /// With what to do about it, in a sentence or two.
    #[must_use]
    pub const fn remedy(self, remedy: &'static str) -> Self {
        Self { remedy, ..self }
    }

    /// The part before the first dot: `tcp`.
    #[must_use]
    pub fn family(&self) -> &'static str {
        self.code.split('.').next().unwrap_or(self.code)
    }
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
    ($($name:ident $code:literal $cost:ident $meaning:literal $causes:expr, $remedy:literal;)*) => {
        $(
            #[doc = $meaning]
            pub static $name: Class = Class::new($code, Cost::$cost, $meaning).causes(&$causes).remedy($remedy);
        )*
        /// The classes that every kind on the network shares.
        pub static SHARED: &[&Class] = &[$(&$name),*];
    };
}

classes! {
    DNS_NXDOMAIN "dns.nxdomain" Low "The name does not exist."
        ["the Service, container or host has not been created yet", "a misspelt name or namespace",
         "a short name where the search list does not lead, or a final dot that skips it",
         "a headless Service without a Pod that is ready"],
        "Create what the name stands for, or write it as /etc/resolv.conf needs it: `NAME.NAMESPACE` for a Service \
         of another namespace. A name that appears late needs nothing: it is asked for anew at every attempt.";
    DNS_NODATA "dns.nodata" Low "The name exists, but has no record of the type asked for."
        ["a headless Service without a Pod that is ready", "a name that has IPv6 addresses only, or IPv4 only",
         "`type=` asks for another type than the name has"],
        "Compare with what the name has (`dns:NAME#type=…`), and drop `family=` if one address family is missing.";
    DNS_SERVFAIL "dns.servfail" High "The name server could not answer (SERVFAIL, REFUSED, NOTIMP or FORMERR)."
        ["the servers of the zone cannot be reached from the name server", "a zone with broken DNSSEC signatures",
         "a name server that does not serve this client (REFUSED)", "a cluster DNS that is starting"],
        "Look at the name server's log; ask the zone's own servers with `dns://SERVER/NAME`.";
    DNS_TIMEOUT "dns.timeout" High "No name server answered in time."
        ["a NetworkPolicy or firewall that drops port 53", "cluster DNS Pods that are down or overloaded",
         "a wrong address in /etc/resolv.conf"],
        "Check the servers in /etc/resolv.conf and the way to them, for UDP and TCP.";
    DNS_UNREACHABLE "dns.unreachable" Low "No name server could be reached or none is configured."
        ["no `nameserver` line in /etc/resolv.conf", "nothing listens on port 53 of the server", "no route to it"],
        "Check the `nameserver` lines of /etc/resolv.conf, and that this host's network is up.";
    DNS_PROTOCOL "dns.protocol" High "A name server's answer is malformed or does not fit the question."
        ["something other than a name server at that address", "a middlebox that rewrites answers"],
        "Ask another server (`dns://SERVER/NAME`), and compare.";
    TCP_REFUSED "tcp.refused" Low "The host answered that nothing listens on the port."
        ["the service has not started yet, or has crashed", "it listens on another port, or on 127.0.0.1 only",
         "a Kubernetes Service without ready endpoints", "a mesh sidecar that is not up yet",
         "a firewall that rejects"],
        "Look at the service's log and at the port and address it listens on; on Kubernetes at \
         `kubectl get endpointslices`. A service that is only late needs nothing.";
    TCP_TIMEOUT "tcp.timeout" High "Nothing answered the connection request in time."
        ["a firewall, security group or NetworkPolicy that drops packets", "a host that is down",
         "an address that is no longer that of a live Pod or host", "a service whose accept queue is full"],
        "Check the address and what lies between. If the way is long, raise `attempt-timeout`.";
    TCP_UNREACHABLE "tcp.unreachable" Low "There is no way to the address."
        ["no route to the network, or to IPv6 at all", "a host of the same network that is down",
         "a firewall that answers with ICMP"],
        "Check the address, its family (`family=4`), and this host's routes.";
    TCP_CLOSED "tcp.closed" High "The connection was accepted and closed again, or reset."
        ["a load balancer or sidecar whose backend is not there", "a service that is still starting, or at its limit",
         "a port that wants TLS"],
        "Look at what is behind the port that accepts, and whether it wants TLS.";
    TLS_UNTRUSTED "tls.untrusted" High "The certificate does not lead to a trusted certificate authority."
        ["a private authority that this side does not know", "a self-signed certificate",
         "a server that leaves out an intermediate certificate"],
        "Give the authority's certificate with `cacert=PATH` or in SSL_CERT_FILE; have the server send its whole chain.";
    TLS_NAME "tls.name" High "The certificate is not for this name."
        ["the target is written by another name than the certificate has", "a default certificate of a shared front end",
         "an address where the certificate has names only"],
        "Use one of the certificate's names, or `sni=NAME`.";
    TLS_EXPIRED "tls.expired" High "The certificate has expired, is not valid yet, or expires too soon."
        ["a renewal that failed, or that the server has not loaded", "a wrong clock on this host"],
        "Renew the certificate and have the server load it; check this host's clock.";
    TLS_PROTOCOL "tls.protocol" High "The TLS handshake failed: no TLS there, no common version or cipher, or an alert."
        ["a port that speaks no TLS", "a server that wants a client certificate",
         "a server that knows nothing newer than TLS 1.1", "a server without a certificate for the name asked for"],
        "Try the plain scheme; give a client certificate with `cert=` and `key=`; check `sni=`.";
    TLS_TIMEOUT "tls.timeout" High "The connection was accepted, but the TLS handshake did not finish in time."
        ["a port that speaks no TLS and waits for the client to go on", "an overloaded service",
         "a path that drops large packets"],
        "Check that it is a TLS port; look at the service's load.";
    AUTH_DENIED "auth.denied" High "The service refused the credentials, or asks for some."
        ["a wrong or outdated password or token", "a user that has not been created yet", "credentials that are missing"],
        "Check user and password. `password-file` and `bearer-file` are read at every attempt: a Secret may come late.";
    AUTH_INSECURE "auth.insecure" High "The service asks for the password in a way that would show it to others."
        ["a connection without TLS", "a method of authentication that sends the password as it is"],
        "Use TLS, best with `cacert=`; or give the user a method of authentication that never sends the password.";
    AUTH_METHOD "auth.method" High "The service asks for a method of authentication that prereq does not know."
        ["Kerberos, GSSAPI, PAM or another method that needs more than a password", "an old or a new plugin of the server"],
        "Use a user that authenticates by a password, or ask without a user whether the service takes connections.";
    SERVICE_STARTING "service.starting" High "The service answers that it is not ready yet."
        ["start-up, recovery or migration under way"],
        "Wait; if it does not end, look at the service's log.";
    SERVICE_TIMEOUT "service.timeout" High "The connection was accepted, but the service did not answer in time."
        ["a service that hangs or is overloaded", "a proxy or load balancer that accepts for a backend that is not there",
         "another service on the port, which waits to be spoken to otherwise", "a port that wants TLS"],
        "Check that the port is the service's own and whether it wants TLS; look at the service's log. If it is slow by \
         nature, raise `attempt-timeout`.";
    SERVICE_PROTOCOL "service.protocol" High "What answers does not speak the service's protocol."
        ["another service on the port", "a port that wants TLS, or one that does not",
         "a version of the service that is too old or too new"],
        "Check host, port and scheme: it must be the service itself, not its web or management port.";
    SERVICE_ERROR "service.error" High "The service answers with an error that is neither about start-up nor credentials."
        ["a limit that is reached, such as the number of connections", "a mistake in the query or the name asked for",
         "a service that is shutting down or read-only"],
        "Look up the code that the reason shows in the service's documentation, and look at its log.";
    SERVICE_MISSING "service.missing" Low "The service is up, but what is asked of it is not there."
        ["a migration or initialisation that has not run yet", "a misspelt database, table, key, topic or queue",
         "another instance of the service than meant"],
        "Look at what should create it, and compare the name with what the service has.";
    SERVICE_ROLE "service.role" High "The service is up, but not in the role or state that is asked for."
        ["a cluster without a leader or quorum", "a replica where the primary was meant", "a failover under way"],
        "Look at the state of the cluster; ask for another role if a replica is enough.";
    LOCAL_RESOURCES "local.resources" Low "This process ran out of descriptors, memory, threads or ports of its own."
        ["a low limit of open files or of processes", "a memory limit", "very many targets at once"],
        "Raise the limits of this process (`ulimit -n` and `-u`, the container's memory and PIDs).";
    LOCAL_SECRET "local.secret" Low "A file with credentials cannot be read."
        ["a Secret that has not been mounted yet", "a wrong path", "a mode that keeps this user out"],
        "Check the path, the mount and the mode of the file.";
    ATTEMPT_TIMEOUT "attempt.timeout" High "The attempt did not end in time."
        ["an `attempt-timeout` that is shorter than what is asked for takes", "a service that hangs"],
        "Give it more time with `attempt-timeout`.";
    OPPOSITE_HOLDS "not.satisfied" Low "What must not be so is still so."
        ["what `not` waits to end has not ended: a maintenance file, an old instance, a lock"],
        "Look at what keeps it so.";
}
