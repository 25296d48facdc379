//! Signed requests (HTTP Message Signatures, RFC 9421): a stolen virtual key is of no use without the secret
//! that signs, and a request that was seen cannot be sent again or changed.
//!
//! **What a client signs.** At least `@method`, and `@target-uri` or both `@path` and `@query`; with a body
//! also `content-digest` with SHA-256 (RFC 9530). Header fields may be added. Parameters: `created`, a
//! `nonce` of 16 to 128 characters that is never used twice, `keyid`; `alg`, `expires` and `tag` may be
//! there. Algorithms: `hmac-sha256` with a shared secret, `ed25519` or `ecdsa-p256-sha256`. One signature a
//! request.
//! [`sign`] does all of it.
//!
//! **What is left to the caller.** The body is not there yet when the caller is identified: [`Signed::body`]
//! says what it must be, and is asked when it is. A nonce is remembered with [`Replay`] after the signature
//! has verified, so that strangers cannot fill it.
//!
//! Own code on `sfv` and AWS-LC: the one library for it comes with a second stack of cryptography.

mod base;
mod content;
mod input;
mod key;
mod refused;
mod replay;
mod request;
mod sign;
mod verify;

pub use content::Body;
pub use key::{BadKey, SigningKey, VerifyingKey};
pub use refused::Refused;
pub use replay::{NotAdmitted, Replay};
pub use request::Request;
pub use sign::{Cover, Headers, Terms, fresh_nonce, sign};
pub use verify::{Presented, Signed, WINDOW_MAX, Window};
