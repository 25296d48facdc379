//! The body, which a signature covers by its digest (`content-digest`, RFC 9530).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use credential::same_digest;
use sfv::{Dictionary, ListEntry, Parser};

use super::refused::Refused;
use super::request::Request;

pub(super) const FIELD: &str = "content-digest";
const ALGORITHM: &str = "sha-256";

/// What the body of a signed request must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// No digest is covered: there may be none.
    Empty,
    /// The body with this SHA-256.
    Sha256([u8; 32]),
}

impl Body {
    /// What the covered field says.
    pub(super) fn promised(request: &Request<'_>) -> Result<Self, Refused> {
        let field = request
            .field(FIELD)
            .ok_or_else(|| Refused::Absent(FIELD.into()))?;
        let dictionary: Dictionary = Parser::new(&field).parse().map_err(|_| Refused::Body)?;
        let Some(ListEntry::Item(item)) = dictionary.get(ALGORITHM) else {
            return Err(Refused::Body);
        };
        let digest = item
            .bare_item
            .as_byte_sequence()
            .and_then(|bytes| bytes.try_into().ok());
        digest.map(Self::Sha256).ok_or(Refused::Body)
    }

    /// Whether `body`, all of it, is the one that was signed.
    // threat: ANP-0001
    pub fn check(&self, body: &[u8]) -> Result<(), Refused> {
        let same = match self {
            Self::Empty => body.is_empty(),
            Self::Sha256(promised) => same_digest(promised, &sha256(body)),
        };
        same.then_some(()).ok_or(Refused::Body)
    }
}

/// The field's value for `body`.
pub(super) fn field_of(body: &[u8]) -> String {
    format!("{ALGORITHM}=:{}:", STANDARD.encode(sha256(body)))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promised(field: &str) -> Result<Body, Refused> {
        let fields: &[(&str, &[u8])] = &[("Content-Digest", field.as_bytes())];
        Body::promised(&Request {
            method: "POST",
            target_uri: "https://a/",
            fields,
        })
    }

    /// RFC 9530, appendix B.1 and D: `{"hello": "world"}` with a line break.
    const FIELD_VALUE: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
    const BODY: &[u8] = b"{\"hello\": \"world\"}\n";

    #[test]
    fn anp_0001_the_body_is_the_one_of_the_digest() {
        assert_eq!(field_of(BODY), FIELD_VALUE);
        let body = promised(FIELD_VALUE).unwrap();
        assert_eq!(body.check(BODY), Ok(()));
        assert_eq!(body.check(b"{\"hello\": \"w0rld\"}\n"), Err(Refused::Body));
        assert_eq!(body.check(b""), Err(Refused::Body));
        let with_another = format!("sha-512=:AAAA:, {FIELD_VALUE}");
        assert_eq!(promised(&with_another).unwrap(), body);
        assert_eq!(Body::Empty.check(b""), Ok(()));
        assert_eq!(Body::Empty.check(b"x"), Err(Refused::Body));
    }

    #[test]
    fn anp_0001_other_digests_are_none() {
        for field in [
            "",
            "sha-512=:AAAA:",
            "sha-256=:AAAA:",
            "sha-256=x",
            "sha-256=()",
            "sha-256",
            "SHA-256=:AAAA:",
            "=",
        ] {
            assert_eq!(promised(field), Err(Refused::Body), "{field}");
        }
    }
}
