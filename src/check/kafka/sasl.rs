//! Logging in at a broker: `SaslHandshake` names a mechanism, `SaslAuthenticate` carries its messages.
//!
//! Source: <https://kafka.apache.org/protocol#sasl_handshake>.

use tokio::time::Instant;

use super::{Session, codec, judge};
use crate::check::scram::{Client, Mechanism};
use crate::check::service::shown;
use crate::check::{Reason, class};
use crate::plan::secret::Secret;

/// The mechanisms that can be used, the strongest first.
pub(super) const MECHANISMS: [&str; 3] = ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"];
/// What is asked for first.
pub(super) const STRONGEST: &str = MECHANISMS[0];

/// The strongest of those that a broker offers.
pub(super) fn strongest(offered: &[String]) -> Option<&'static str> {
    MECHANISMS.into_iter().find(|known| offered.iter().any(|offered| offered == known))
}

/// What a broker says to a mechanism.
pub(super) enum Handshake {
    /// It goes on with it.
    Taken,
    /// It does not offer it, but these.
    Offers(Vec<String>),
}

/// Who logs in.
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) password: Secret,
}

impl Session<'_> {
    /// Names a mechanism.
    pub(super) async fn handshake(&mut self, mechanism: &str) -> Result<Handshake, Reason> {
        let since = Instant::now();
        let body = codec::string(mechanism);
        let (code, offered) = self.ask(&codec::SASL_HANDSHAKE, &body, codec::sasl_handshake).await?;
        let taken = code != judge::UNSUPPORTED_SASL_MECHANISM;
        if taken {
            judge::code(code)?;
        }
        self.trace.stage("mechanism", since, || {
            let does = if taken { "takes" } else { "does not take" };
            format!("the broker {does} {mechanism}, and offers {}", shown(&offered.join(", ")))
        });
        Ok(if taken { Handshake::Taken } else { Handshake::Offers(offered) })
    }

    /// Logs in by a mechanism that the broker has taken.
    pub(super) async fn log_in(&mut self, login: &Login<'_>, mechanism: &str) -> Result<(), Reason> {
        let since = Instant::now();
        let Login { user, password } = login;
        if let Some(scram) = Mechanism::strongest([mechanism]) {
            let client = Client::new(scram, user)?;
            let challenge = self.authenticate(mechanism, client.first().as_bytes()).await?;
            let answer = client.answer(&challenge, password).await?;
            let outcome = self.authenticate(mechanism, answer.message.as_bytes()).await?;
            answer.verify(&outcome)?;
        } else {
            // PLAIN (RFC 4616).
            let message = format!("\0{user}\0{}", password.expose());
            self.authenticate(mechanism, message.as_bytes()).await?;
        }
        self.trace.stage("log-in", since, || format!("as {user} by {mechanism}"));
        Ok(())
    }

    async fn authenticate(&mut self, mechanism: &str, message: &[u8]) -> Result<String, Reason> {
        let body = codec::bytes(message);
        let (code, answer) = self.ask(&codec::SASL_AUTHENTICATE, &body, codec::sasl_authenticate).await?;
        judge::authentication(code, mechanism)?;
        String::from_utf8(answer).map_err(|_| {
            Reason::new(&class::SERVICE_PROTOCOL, "the broker's log-in says something that is no text")
        })
    }
}
