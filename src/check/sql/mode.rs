//! How a connection is encrypted, as the clients of databases say it: from «not at all» to «and to whom it is».

use crate::check::Draft;
use crate::net::tls::{self, TlsOptions, Trust};
use crate::plan::problem::Problem;

/// What `sslmode` and `ssl-mode` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Mode {
    /// No TLS.
    Disable,
    /// TLS if the server has it, to whomever.
    Prefer,
    /// TLS, to whomever.
    Require,
    /// TLS, with a certificate of a trusted authority.
    VerifyCa,
    /// TLS, with a certificate of a trusted authority for this name.
    VerifyFull,
}

impl Mode {
    /// Reads the TLS options out of `draft`. `given` is the mode, as it is `written` in the query: without one, an authority's certificate
    /// is for verifying, and `insecure` for TLS without that.
    pub(in crate::check) fn settle(
        draft: &mut Draft<'_>,
        given: Option<(Self, String)>,
    ) -> (Self, TlsOptions) {
        let options = TlsOptions::read(draft);
        let (cacert, insecure) = (draft.text("cacert").is_some(), draft.text("insecure").is_some());
        let Some((mode, written)) = given else {
            let mode = match (cacert, insecure) {
                (true, _) => Self::VerifyFull,
                (_, true) => Self::Require,
                _ => Self::Prefer,
            };
            return (mode, options.trusting(mode.trust(cacert)));
        };
        let idle = tls::OPTIONS.iter().find(|option| match mode {
            Self::Disable => draft.text(option.name).is_some(),
            Self::Prefer => option.name == "cacert" && cacert,
            Self::VerifyCa | Self::VerifyFull => option.name == "insecure" && insecure,
            Self::Require => false,
        });
        if let Some(option) = idle {
            draft.problem(
                Problem::new(format!("option {} does not go together with {written}", option.name))
                    .hint("drop one of them"),
            );
        }
        (mode, options.trusting(mode.trust(cacert)))
    }

    /// What of the certificate must be right. An authority's certificate is never given in vain.
    fn trust(self, cacert: bool) -> Trust {
        match self {
            Self::VerifyFull => Trust::Name,
            Self::VerifyCa => Trust::Authority,
            Self::Require if cacert => Trust::Authority,
            Self::Disable | Self::Prefer | Self::Require => Trust::Anyone,
        }
    }

    /// Whether there is to be TLS or nothing.
    pub(in crate::check) fn insists(self) -> bool {
        !matches!(self, Self::Disable | Self::Prefer)
    }
}
