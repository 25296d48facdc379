//! What a client sends, and what the gate makes of it.

use domain::UnixMillis;
use identity::signature::{
    Cover, Headers, Presented, Refused, Request, Signed, SigningKey, Terms, VerifyingKey, Window, sign,
};

use crate::forge::NOW;

pub const SECRET: &[u8] = b"btzh_0000000000000000000000000000000000000000000000000";
pub const BODY: &[u8] = br#"{"model":"small","messages":[]}"#;
pub const URI: &str = "https://gate.example/v1/chat/completions?a=b";
pub const NONCE: &str = "0123456789abcdef";
pub const FIELDS: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];
pub const REQUEST: Request<'_> = Request {
    method: "POST",
    target_uri: URI,
    fields: FIELDS,
};
pub const TERMS: Terms<'_> = Terms {
    key_id: "key_1",
    nonce: NONCE,
    created: NOW,
    cover: Cover::TargetUri,
};

pub fn key() -> SigningKey {
    SigningKey::hmac_sha256(SECRET).unwrap()
}

/// The request with what [`sign`] gave.
pub fn presented(request: &Request<'_>, headers: &Headers) -> Result<Signed, Refused> {
    let mut fields = request.fields.to_vec();
    if let Some(digest) = &headers.content_digest {
        fields.push(("Content-Digest", digest.as_bytes()));
    }
    fields.push(("Signature-Input", headers.signature_input.as_bytes()));
    fields.push(("Signature", headers.signature.as_bytes()));
    verify(
        &Request {
            fields: &fields,
            ..*request
        },
        NOW,
    )
}

pub fn verify(request: &Request<'_>, now: UnixMillis) -> Result<Signed, Refused> {
    let key = VerifyingKey::hmac_sha256(SECRET).unwrap();
    Presented::read(request)?.verify(&key, &Window::default(), now)
}

pub fn signed() -> Headers {
    sign(&REQUEST, BODY, &key(), &TERMS).unwrap()
}
