//! Where a redirect leads and what goes along (RFC 9110 §15.4).

use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::{REDIRECT, Request};
use crate::check::Reason;

/// Whether a response of this status sends its reader elsewhere.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The request that a redirect asks for.
pub(super) fn follow(
    mut request: Request,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Request, Reason> {
    let location = headers
        .get(LOCATION)
        .ok_or_else(|| Reason::new(&REDIRECT, format!("status {} without a Location", status.as_u16())))?;
    let url = std::str::from_utf8(location.as_bytes())
        .ok()
        .and_then(|location| request.url.join(location).ok())
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| {
            let text = format!("status {} with a Location that is not an HTTP URL", status.as_u16());
            Reason::new(&REDIRECT, text)
        })?;
    let url = without_userinfo(url);
    let to_get = match status.as_u16() {
        303 => request.method != Method::HEAD,
        301 | 302 => request.method == Method::POST,
        _ => false,
    };
    if to_get {
        request.method = Method::GET;
        request.body = None;
        request.headers.remove(CONTENT_TYPE);
    }
    if !same_origin(&request.url, &url) {
        request.headers.clear();
        request.host = None;
        request.unix = None;
        request.at = None;
        request.tls = request.tls.elsewhere();
    }
    request.url = url;
    Ok(request)
}

fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host() == b.host() && a.port_or_known_default() == b.port_or_known_default()
}

/// The URL without user, password and fragment.
pub(super) fn without_userinfo(mut url: Url) -> Url {
    // These fail only for URLs that cannot have userinfo.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn request(method: Method, url: &str) -> Request {
        let mut headers = HeaderMap::new();
        for name in ["authorization", "x-custom", "content-type"] {
            headers.insert(name, HeaderValue::from_static("v"));
        }
        Request {
            url: url.parse().unwrap(),
            at: None,
            method,
            headers,
            host: Some(HeaderValue::from_static("other")),
            body: Some(b"body".to_vec()),
            unix: Some("/sock".into()),
            http2: false,
            tls: crate::net::tls::TlsOptions::default(),
            proxy: None,
            redirects: 10,
        }
    }

    fn followed(method: Method, status: u16, location: &str) -> Result<Request, String> {
        let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        let status = StatusCode::from_u16(status).unwrap();
        follow(request(method, "http://a:80/x/y?q"), status, &headers).map_err(|reason| reason.text)
    }

    #[test]
    fn methods_change_as_the_rules_say() {
        for (method, status, then, body) in [
            (Method::POST, 301, Method::GET, false),
            (Method::POST, 302, Method::GET, false),
            (Method::POST, 303, Method::GET, false),
            (Method::POST, 307, Method::POST, true),
            (Method::POST, 308, Method::POST, true),
            (Method::PUT, 301, Method::PUT, true),
            (Method::PUT, 303, Method::GET, false),
            (Method::HEAD, 303, Method::HEAD, true),
            (Method::GET, 302, Method::GET, true),
        ] {
            let next = followed(method.clone(), status, "/z").unwrap();
            assert_eq!((next.method, next.body.is_some()), (then, body), "{method} {status}");
            assert_eq!(next.headers.contains_key("content-type"), body);
            assert_eq!(next.url.as_str(), "http://a/z");
        }
    }

    #[test]
    fn only_the_same_origin_gets_headers_and_credentials() {
        for (location, kept) in [
            ("z", true),
            ("http://a/z", true),
            ("//a/z", true),
            ("http://a:81/z", false),
            ("https://a/z", false),
            ("http://b/z", false),
            ("//b/z", false),
        ] {
            let next = followed(Method::GET, 302, location).unwrap();
            assert_eq!(next.headers.len(), if kept { 3 } else { 0 }, "{location}");
            assert_eq!((next.host.is_some(), next.unix.is_some()), (kept, kept), "{location}");
        }
        assert_eq!(followed(Method::GET, 302, "http://u:p@a/z#f").unwrap().url.as_str(), "http://a/z");
    }

    #[test]
    fn redirects_to_nowhere_are_refused() {
        for location in ["ftp://a/", "http://", "file:///etc/passwd", "mailto:x"] {
            let text = followed(Method::GET, 302, location).err().unwrap();
            assert_eq!(text, "status 302 with a Location that is not an HTTP URL", "{location}");
        }
        let none = follow(request(Method::GET, "http://a/"), StatusCode::FOUND, &HeaderMap::new());
        assert_eq!(none.err().unwrap().text, "status 302 without a Location");
    }
}
