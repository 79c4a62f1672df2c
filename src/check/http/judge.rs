//! What is expected of a response, and whether it holds. Pure.

use regex_lite::Regex;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use std::time::Duration;

use super::status::StatusSet;
use super::{BODY, HEADER, SLOW, STATUS};
use crate::check::jsonpath::{Expectation, Found};
use crate::check::{Fact, Reason, class};
use crate::net::http::{Body, status_words};
use crate::plan::duration;

/// Of a text, so much is searched.
const TEXT: usize = 64 * 1024;
/// A JSON document is read whole, up to this.
const DOCUMENT: usize = 1024 * 1024;

/// What is expected of a response.
#[derive(Debug, Default)]
pub(super) struct Expect {
    pub(super) status: StatusSet,
    /// Whether the statuses were given, and are not the usual ones.
    pub(super) given: bool,
    pub(super) text: Option<Regex>,
    pub(super) json: Vec<Expectation>,
    pub(super) headers: Vec<(HeaderName, Regex)>,
    pub(super) max_rtt: Option<Duration>,
    /// Whether credentials are sent.
    pub(super) authenticated: bool,
}

impl Expect {
    /// Whether a status is asked for by name, so that it is not followed even if it redirects.
    pub(super) fn names(&self, status: StatusCode) -> bool {
        self.given && self.status.holds(status.as_u16())
    }

    /// How much of the body is needed, if any of it is.
    pub(super) fn most(&self) -> Option<usize> {
        if self.json.is_empty() { self.text.as_ref().map(|_| TEXT) } else { Some(DOCUMENT) }
    }

    /// Judges all but the body.
    pub(super) fn head(&self, status: StatusCode, headers: &HeaderMap, rtt: Duration) -> Result<(), Reason> {
        if !self.status.holds(status.as_u16()) {
            return Err(self.another_status(status, headers));
        }
        for (name, regex) in &self.headers {
            let mut values = headers.get_all(name).iter().peekable();
            let text = if values.peek().is_none() {
                format!("response header {name} is missing")
            } else if values.any(|value| regex.is_match(&String::from_utf8_lossy(value.as_bytes()))) {
                continue;
            } else {
                format!("response header {name} does not match")
            };
            return Err(Reason::new(&HEADER, text).fact(Fact::Status(status.as_u16())));
        }
        match self.max_rtt {
            Some(most) if rtt > most => {
                let text = format!("response took longer than {}", duration::exact(most));
                Err(Reason::new(&SLOW, text).fact(Fact::Status(status.as_u16())))
            }
            _ => Ok(()),
        }
    }

    fn another_status(&self, status: StatusCode, headers: &HeaderMap) -> Reason {
        let words = status_words(status);
        let refused = matches!(status.as_u16(), 401 | 403 | 407);
        let mut reason = if refused && self.authenticated {
            Reason::new(&class::AUTH_DENIED, format!("credentials are refused with status {words}"))
        } else {
            Reason::new(&STATUS, format!("status {words}"))
        };
        reason.facts.push(Fact::Status(status.as_u16()));
        let text = |name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(value.chars().take(200).collect::<String>())
        };
        reason.facts.extend(text(RETRY_AFTER).map(Fact::RetryAfter));
        let location = text(LOCATION).map(|text| crate::plan::secret::mask_unparsed(&text));
        reason.facts.extend(location.map(Fact::Location));
        reason
    }

    /// Judges the body.
    pub(super) fn body(&self, body: &Body) -> Result<(), Reason> {
        let wrong = |text: String| Err(Reason::new(&BODY, text));
        if let Some(regex) = &self.text {
            let searched = &body.bytes[..body.bytes.len().min(TEXT)];
            if !regex.is_match(&String::from_utf8_lossy(searched)) {
                let what = if body.bytes.is_empty() { "is empty" } else { "does not match" };
                return wrong(format!("the body {what}"));
            }
        }
        if self.json.is_empty() {
            return Ok(());
        }
        if body.cut {
            return wrong("the body is longer than 1 MiB and not read as JSON".into());
        }
        let Ok(document) = serde_json::from_slice(&body.bytes) else {
            return wrong("the body is not JSON".into());
        };
        for expectation in &self.json {
            match expectation.find(&document) {
                Found::Match => {}
                Found::Other => return wrong(format!("json {} has another value", expectation.path)),
                Found::Nothing => return wrong(format!("json {} is missing", expectation.path)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(expect: &Expect, status: u16, headers: &[(&'static str, &str)], rtt: u64) -> Result<(), Reason> {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        expect.head(StatusCode::from_u16(status).unwrap(), &headers.collect(), Duration::from_millis(rtt))
    }

    fn said(result: Result<(), Reason>) -> String {
        result.map_or_else(|reason| format!("{}: {}", reason.class, reason.text), |()| "holds".into())
    }

    #[test]
    fn the_head_is_judged() {
        let expect = Expect {
            headers: vec![(HeaderName::from_static("x-ready"), Regex::new("^yes$").unwrap())],
            max_rtt: Some(Duration::from_millis(200)),
            ..Expect::default()
        };
        for (status, headers, rtt, says) in [
            (200, &[("x-ready", "yes")][..], 200, "holds"),
            (204, &[("x-ready", "no"), ("x-ready", "yes")], 0, "holds"),
            (200, &[("x-ready", "yes")], 201, "http.slow: response took longer than 200ms"),
            (200, &[("x-ready", "no")], 0, "http.header: response header x-ready does not match"),
            (200, &[], 900, "http.header: response header x-ready is missing"),
            (503, &[], 900, "http.status: status 503 Service Unavailable"),
            (599, &[], 0, "http.status: status 599"),
            (301, &[], 0, "http.status: status 301 Moved Permanently"),
            (401, &[], 0, "http.status: status 401 Unauthorized"),
        ] {
            assert_eq!(said(head(&expect, status, headers, rtt)), says, "{status} {headers:?}");
        }
    }

    #[test]
    fn refused_credentials_are_told_from_missing_ones() {
        let expect = Expect { authenticated: true, ..Expect::default() };
        for status in [401, 403, 407] {
            assert_eq!(head(&expect, status, &[], 0).unwrap_err().class, &class::AUTH_DENIED);
            assert_eq!(head(&Expect::default(), status, &[], 0).unwrap_err().class, &STATUS);
        }
        assert_eq!(head(&expect, 500, &[], 0).unwrap_err().class, &STATUS);
    }

    #[test]
    fn what_helps_is_kept_as_facts() {
        let headers = [("retry-after", "120"), ("location", "http://u:hunter2@h/?token=hunter2")];
        let facts = head(&Expect::default(), 503, &headers, 0).unwrap_err().facts;
        assert_eq!(facts[..2], [Fact::Status(503), Fact::RetryAfter("120".into())]);
        assert!(!format!("{facts:?}").contains("hunter2"));
    }

    #[test]
    fn a_status_is_named_only_if_it_was_given() {
        let found = StatusCode::FOUND;
        let status = StatusSet::parse("300-399").unwrap();
        assert!(!Expect { status: status.clone(), ..Expect::default() }.names(found));
        assert!(Expect { status, given: true, ..Expect::default() }.names(found));
    }

    #[test]
    fn the_body_is_judged() {
        let text = |regex: &str| Expect { text: Some(Regex::new(regex).unwrap()), ..Expect::default() };
        let json = |expectations: &[&str]| Expect {
            json: expectations.iter().map(|text| Expectation::parse(text).unwrap()).collect(),
            ..Expect::default()
        };
        let both = Expect { text: Some(Regex::new("UP").unwrap()), ..json(&["status==UP"]) };
        for (expect, body, says) in [
            (&Expect::default(), "", "holds"),
            (&text("ready"), "is ready", "holds"),
            (&text("ready"), "is not", "http.body: the body does not match"),
            (&text("ready"), "", "http.body: the body is empty"),
            (&json(&["status==UP"]), r#"{"status":"UP"}"#, "holds"),
            (&json(&["status==UP"]), r#"{"status":"DOWN"}"#, "http.body: json status has another value"),
            (&json(&["status", "$.db"]), r#"{"status":"UP"}"#, "http.body: json $.db is missing"),
            (&json(&["status"]), "<html>", "http.body: the body is not JSON"),
            (&both, r#"{"status":"UP"}"#, "holds"),
        ] {
            let body = Body { bytes: body.as_bytes().to_vec(), cut: false };
            assert_eq!(said(expect.body(&body)), says, "{:?}", body.bytes);
        }
        let cut = Body { bytes: b"ready".to_vec(), cut: true };
        assert_eq!(said(text("ready").body(&cut)), "holds");
        assert!(json(&["a"]).body(&cut).is_err());
        // So much is asked for, and of a text so much is searched.
        assert_eq!((Expect::default().most(), text("x").most()), (None, Some(65_536)));
        assert_eq!(json(&["a"]).most(), Some(1_048_576));
        let long = |at: usize| Body { bytes: [&vec![b' '; at][..], b"ready"].concat(), cut: false };
        assert_eq!(said(text("ready").body(&long(65_531))), "holds");
        assert!(text("ready").body(&long(65_532)).is_err());
    }
}
