//! Entity tags: a view's digest. What was read with one tag is changed only if it still has it.

use http::HeaderValue;
use serde::Serialize;

use crate::problem::{Code, Problem};

/// The tag of a view: a strong validator (RFC 9110 section 8.8.1).
pub fn of<T: Serialize>(view: &T) -> String {
    let bytes = serde_json::to_vec(view).unwrap_or_default();
    let digest = blake3::hash(&bytes).to_hex();
    format!("\"{}\"", digest.get(..24).unwrap_or_default())
}

/// Whether a change that came with this `If-Match` is of the view as it is now.
// threat: ANP-0022
pub fn must_match<T: Serialize>(view: &T, if_match: Option<&HeaderValue>) -> Result<(), Problem> {
    let Some(wanted) = if_match else {
        return Err(Problem::new(
            Code::PreconditionRequired,
            "read it first and send its `ETag` as `If-Match`, or `If-Match: *` to change it whatever it is",
        ));
    };
    let current = of(view);
    let wanted = wanted.to_str().unwrap_or_default();
    if wanted
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag == current)
    {
        return Ok(());
    }
    Err(Problem::new(
        Code::ChangedMeanwhile,
        "somebody changed it since you read it: read it again, then repeat your change",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_view_that_was_read_is_changed() {
        let header = |text: &str| HeaderValue::from_str(text).unwrap();
        let tag = of(&"a");
        assert_ne!(tag, of(&"b"));
        assert!(must_match(&"a", Some(&header(&tag))).is_ok());
        assert!(must_match(&"a", Some(&header(&format!("\"x\", {tag}")))).is_ok());
        assert!(must_match(&"a", Some(&header("*"))).is_ok());
        let code = |given: Option<&HeaderValue>| must_match(&"b", given).unwrap_err().code;
        assert_eq!(code(Some(&header(&tag))), Code::ChangedMeanwhile);
        assert_eq!(code(None), Code::PreconditionRequired);
    }
}
