//! `tls://HOST:PORT` — the handshake succeeds, and the certificate is trusted, for this name, and valid for long
//! enough.

use std::time::SystemTime;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::Duration;

use super::{Attempt, Draft, Evidence, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::dial::{self, Family};
use crate::net::tls::{self, Summary, TlsOptions};
use crate::plan::duration;
use crate::plan::problem::Problem;
use crate::plan::target::Host;

/// The kind `tls`.
pub(super) static KIND: Kind = Kind {
    name: "tls",
    schemes: &[Scheme::url("tls", "tls://HOST:PORT").tls()],
    flag: None,
    summary: "the TLS handshake succeeds, and the certificate verifies",
    options: &[
        &[Opt::new("valid-for", "DUR", "how long the certificate must still be valid: 7d")],
        tls::OPTIONS,
    ],
    opposite: &[&class::TCP_REFUSED],
    classes: &[],
    build,
};

struct Tls {
    host: Host,
    port: u16,
    options: TlsOptions,
    valid_for: Duration,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    draft.no_path();
    draft.no_userinfo();
    let options = TlsOptions::read(draft);
    let valid_for = draft.duration("valid-for").unwrap_or_default();
    let host = draft.target.host.clone()?;
    let Some(port) = draft.target.port else {
        draft.problem(Problem::new("the port is missing").hint(format!("write tls://{host}:443")));
        return None;
    };
    Some(Box::new(Tls { host, port, options, valid_for }))
}

impl Probe for Tls {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }
}

impl Tls {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let addresses =
            dial::addresses(attempt.net, attempt.trace, &self.host, self.port, Family::Any).await?;
        let stream = dial::connect(attempt.net, attempt.trace, &addresses).await?;
        let place = stream.peer_addr().unwrap_or(addresses[0]).to_string();
        let (_stream, seen) =
            tls::handshake(attempt.net, attempt.trace, &self.options, stream, (&self.host, &place), &[])
                .await?;
        let leaf = seen.leaf();
        judge(leaf.as_ref(), self.valid_for, now())?;
        Ok(Evidence::new(match leaf {
            Some(leaf) => {
                format!("the certificate of {} is valid until {}", leaf.subject, date(leaf.not_after))
            }
            None => format!("handshake with {place}"),
        }))
    }
}

/// Whether the certificate is valid for long enough; whether it is now has been verified.
fn judge(leaf: Option<&Summary>, valid_for: Duration, now: i64) -> Result<(), Reason> {
    let Some(leaf) = leaf else { return Ok(()) };
    let left = leaf.not_after.saturating_sub(now);
    if left < i64::try_from(valid_for.as_secs()).unwrap_or(i64::MAX) {
        let wanted = duration::exact(valid_for);
        let text =
            format!("the certificate ends on {}, which is less than {wanted} ahead", date(leaf.not_after));
        return Err(Reason::new(&class::TLS_EXPIRED, text));
    }
    Ok(())
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A time as a date of UTC.
fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| "a day out of range".into(),
        |time| time.to_zoned(jiff::tz::TimeZone::UTC).date().to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_must_be_valid_for_long_enough() {
        let day = 86_400;
        let leaf = Summary {
            subject: "web".into(),
            issuer: "CA".into(),
            self_issued: false,
            not_before: 0,
            not_after: 100 * day,
            names: Vec::new(),
        };
        let days = |days: i64| Duration::from_secs((days * day).cast_unsigned());
        assert!(judge(Some(&leaf), days(7), 93 * day).is_ok());
        let reason = judge(Some(&leaf), days(7), 94 * day).unwrap_err();
        assert_eq!(reason.class, &class::TLS_EXPIRED);
        assert!(reason.text.contains("1970-04-11") && reason.text.contains("7d"), "{}", reason.text);
        assert!(judge(None, days(7), 0).is_ok());
    }
}
