//! The one page of the control listener: for what needs a browser, which is a passkey or single sign-on.
//! Four fixed paths, beside the list of endpoints and without a word of anybody's in them: whatever the page
//! shows, its script asks the API for.

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::Full;

use crate::answer::respond;

/// Path, type, content. Identity providers send people back to `/sso`.
const FILES: [(&str, &str, &str); 4] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("../site/index.html"),
    ),
    (
        "/sso",
        "text/html; charset=utf-8",
        include_str!("../site/index.html"),
    ),
    (
        "/site.js",
        "text/javascript; charset=utf-8",
        include_str!("../site/site.js"),
    ),
    (
        "/site.css",
        "text/css; charset=utf-8",
        include_str!("../site/site.css"),
    ),
];
/// Nothing but its own script and style, which ask nobody but this listener.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// One of the files, if that is what is asked for.
// threat: ANP-0013
pub fn page(head: &Parts) -> Option<Response<Full<Bytes>>> {
    if !matches!(head.method, Method::GET | Method::HEAD) {
        return None;
    }
    let path = head.uri.path();
    let (_, kind, content) = FILES.iter().find(|(known, _, _)| *known == path)?;
    let body = match head.method {
        Method::HEAD => Bytes::new(),
        _ => Bytes::from_static(content.as_bytes()),
    };
    let mut response = respond(StatusCode::OK, kind, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("publickey-credentials-get=(self), publickey-credentials-create=(self)"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    Some(response)
}
