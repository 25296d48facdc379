//! Tokens of registered issuers (JWT, RFC 7519), verified as RFC 8725 advises. Never asks anybody: keys are
//! handed in, and what a token's header says of where to find some is not read.
//!
//! Signatures are verified by AWS-LC directly. A JWT library would bring its own reading of the claims,
//! which looks at the system's clock; without that, what it adds to AWS-LC is a table of three lines.
//!
//! What comes out is values: whether a subject may do anything is decided elsewhere. A token that is bound
//! to a key or certificate (`cnf`) gives its claims only against what was [`Shown`].

mod binding;
mod claims;
mod compact;
mod dpop;
mod identity_token;
mod issuer;
mod jwk;
mod jwks;
mod refused;
mod rule;
mod strict;
mod times;
mod verify;

pub use binding::Shown;
pub use claims::{BadPath, ClaimPath, ClaimPaths, Claims};
pub use compact::TOKEN_BYTES_MAX;
pub use dpop::{Proof, ProvenRequest, check_proof};
pub use identity_token::{Expected, Identity};
pub use issuer::{BadIssuer, Issuer, LEEWAY_MAX, Rules};
pub use jwk::{Algorithm, Unusable};
pub use jwks::{BadKeySet, KEY_SET_BYTES_MAX, KEYS_MAX, KeySet};
pub use refused::Refused;
pub use rule::{BadPattern, ClaimValue, Condition, Pattern, Rule};
pub use verify::{Presented, Verified};
