//! Sends JSON to an address that may be a secret, and says what became of it. Follows no redirect; names no address.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use upstream::{Base, Client};

use super::Trouble;

/// How long one message may take, with its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is read of an answer, so that its connection can be used again.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// The longest that somebody may have us wait.
const LATER_MAX: Duration = Duration::from_secs(3_600);

/// Whether a status says that the same would be refused again.
pub(super) fn is_for_good(status: StatusCode) -> bool {
    status.is_client_error()
        && status != StatusCode::REQUEST_TIMEOUT
        && status != StatusCode::TOO_MANY_REQUESTS
}

/// Posts it; anything but a 2xx is trouble.
// threat: ANP-0018
pub(super) async fn json(client: &Client, base: &Base, path: &str, body: String) -> Result<(), Trouble> {
    let wrong = || Trouble::refused("it cannot be written as a request", true);
    let uri = base.uri(path).ok_or_else(wrong)?;
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, "bartizan");
    if let Some(host) = (!base.is_tls()).then(|| base.host()).flatten() {
        request = request.header(HOST, host);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|_| wrong())?;
    let sending = async {
        let answer = client.send(request, PATIENCE).await;
        let answer = answer.map_err(|error| Trouble::Away(error.to_string()))?;
        let (status, wait) = (answer.status(), retry_after(answer.headers()));
        let _ = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok((status, wait))
    };
    let answered = tokio::time::timeout(PATIENCE, sending).await;
    let (status, wait) = answered.unwrap_or_else(|_| Err(Trouble::Away("no answer in time".to_owned())))?;
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::TOO_MANY_REQUESTS => Err(Trouble::Later(wait.unwrap_or_default())),
        status => Err(Trouble::refused(
            format!("answered with {status}"),
            is_for_good(status),
        )),
    }
}

/// Seconds only: nobody who is posted to here sends dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = Duration::from_secs(text.trim().parse().ok()?);
    Some(seconds.min(LATER_MAX))
}
