//! How a password is kept: Argon2id (RFC 9106) in the PHC string format. The text is salted, slow to try,
//! and says itself with which parameters it was made, so that these can be raised later.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use domain::Secret;

use super::fitness::{CHARS_MAX, NewPassword};
use crate::{NoRandomness, random};

/// OWASP's first choice for Argon2id where memory is shared with other work: 19 MiB, two passes, one lane.
/// More memory would be better against special hardware; this much can be spent sixteen times at once on a
/// small machine, and one lane keeps a login to one core.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;
const SALT_BYTES: usize = 16;

/// What a stored hash may ask for: it comes from the database, and must not cost whatever it says.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
const PASSES_MAX: u32 = 12;
const LANES_MAX: u32 = 8;
const OUTPUT_BYTES_MIN: usize = 16;
const PHC_CHARS_MAX: usize = 256;

/// What an unknown user's attempt is compared with: today's parameters, and an output that was drawn at
/// random and is no password's.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdCBmb3Igbm9ib2R5IQ$Ve3mW9gYF0mBd1mJ7c0n1rQ0bM6oT2y0y7q0uXb3v4E";

/// Hashing failed: nothing was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// No salt could be drawn.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The function itself failed, for want of memory.
    #[error("the password could not be hashed; try again")]
    Failed,
}

/// A stored text that is no hash of ours. Says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an argon2id hash within our bounds; set the password anew")]
pub struct NotAHash;

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password.
    Right,
    /// It is the password; its hash was made with older parameters: hash it again and store that.
    RightButOld,
    /// It is not, or there is no such user: the two cost the same.
    Wrong,
}

/// A hash as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: String,
    parsed: phc::PasswordHash,
}

impl PasswordHash {
    /// Hashes a password that was found fit, under a fresh salt.
    pub fn of(password: &NewPassword) -> Result<Self, HashError> {
        let salt = random::<SALT_BYTES>()?;
        let parsed = today()
            .hash_password_with_salt(password.expose().as_bytes(), salt.as_slice())
            .map_err(|_| HashError::Failed)?;
        Ok(Self {
            text: parsed.to_string(),
            parsed,
        })
    }

    /// The PHC string, to store it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn is_old(&self) -> bool {
        let params = Params::try_from(&self.parsed).unwrap_or_default();
        let salt_bytes = self.parsed.salt.as_ref().map_or(0, |salt| salt.len());
        self.parsed.version != Some(Version::V0x13.into())
            || (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES)
            || params.output_len() != Some(OUTPUT_BYTES)
            || salt_bytes < SALT_BYTES
    }
}

impl FromStr for PasswordHash {
    type Err = NotAHash;

    /// Reads a stored text.
    fn from_str(text: &str) -> Result<Self, NotAHash> {
        if text.len() > PHC_CHARS_MAX {
            return Err(NotAHash);
        }
        let parsed = phc::PasswordHash::new(text).map_err(|_| NotAHash)?;
        let params = Params::try_from(&parsed).map_err(|_| NotAHash)?;
        let within = parsed.algorithm == Algorithm::Argon2id.ident()
            && params.m_cost() <= MEMORY_KIB_MAX
            && params.t_cost() <= PASSES_MAX
            && params.p_cost() <= LANES_MAX
            && params.output_len().is_some_and(|bytes| bytes >= OUTPUT_BYTES_MIN)
            && parsed.salt.is_some();
        let text = text.to_owned();
        within.then_some(Self { text, parsed }).ok_or(NotAHash)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password hash]")
    }
}

/// Judges an attempt. `stored` is `None` for a user who does not exist or has no password: it then takes
/// the time of a wrong one, so that nobody learns by the clock who has an account.
// threat: AGP-I4
// threat: CTX-T2
pub fn verify(stored: Option<&PasswordHash>, attempt: &Secret) -> Verdict {
    // Equal for everybody, so it tells nothing; and nobody makes us hash a book.
    if attempt.expose().chars().nth(CHARS_MAX).is_some() {
        return Verdict::Wrong;
    }
    let Some(stored) = stored else {
        return nobody(attempt);
    };
    match matches(&stored.parsed, attempt) {
        false => Verdict::Wrong,
        true if stored.is_old() => Verdict::RightButOld,
        true => Verdict::Right,
    }
}

/// Compares with a hash that nothing matches.
fn nobody(attempt: &Secret) -> Verdict {
    if let Ok(nobody) = phc::PasswordHash::new(NOBODY) {
        std::hint::black_box(matches(&nobody, attempt));
    }
    Verdict::Wrong
}

fn matches(hash: &phc::PasswordHash, attempt: &Secret) -> bool {
    today().verify_password(attempt.expose().as_bytes(), hash).is_ok()
}

/// Argon2id with the parameters of today; verifying takes those of the hash.
fn today() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES)).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// From the tests of the reference implementation: `password`, `somesalt`.
    const REFERENCE: &str =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    fn secret(text: &str) -> Secret {
        Secret::new(text)
    }

    #[test]
    fn ctx_t2_only_the_exact_password_is_right() {
        let password = NewPassword::check(secret("Grüße vom Südpol 7"), &[]).unwrap();
        let (a, b) = (
            PasswordHash::of(&password).unwrap(),
            PasswordHash::of(&password).unwrap(),
        );
        assert_ne!(a.as_str(), b.as_str(), "salted");
        assert!(a.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let stored: PasswordHash = a.as_str().parse().unwrap();
        assert_eq!(
            verify(Some(&stored), &secret("Grüße vom Südpol 7")),
            Verdict::Right
        );
        // The same letters, composed otherwise.
        assert_eq!(
            verify(Some(&stored), &secret("Gru\u{308}ße vom Südpol 7")),
            Verdict::Wrong
        );
        assert_eq!(
            verify(Some(&stored), &secret("grüße vom südpol 7")),
            Verdict::Wrong
        );
        assert_eq!(verify(Some(&stored), &secret("")), Verdict::Wrong);
        assert_eq!(format!("{stored:?}"), "[password hash]");
    }

    #[test]
    fn hashes_of_other_parameters_verify_and_are_to_be_made_anew() {
        let stored: PasswordHash = REFERENCE.parse().unwrap();
        assert_eq!(verify(Some(&stored), &secret("password")), Verdict::RightButOld);
        assert_eq!(
            verify(Some(&stored), &secret("differentpassword")),
            Verdict::Wrong
        );
    }

    #[test]
    fn agp_i4_an_unknown_user_costs_what_a_wrong_password_costs() {
        assert_eq!(
            verify(None, &secret("correct horse battery staple")),
            Verdict::Wrong
        );
        // The same work: the stand-in is read, is within bounds, and has today's parameters.
        let nobody: PasswordHash = NOBODY.parse().unwrap();
        assert!(!nobody.is_old());
    }

    #[test]
    fn overlong_attempts_are_wrong_without_work() {
        // A hash that would take minutes if it were computed.
        let dear = REFERENCE.replace("m=65536,t=2", "m=262144,t=12");
        let dear: PasswordHash = dear.parse().unwrap();
        assert_eq!(
            verify(Some(&dear), &secret(&"ü".repeat(CHARS_MAX + 1))),
            Verdict::Wrong
        );
    }

    #[test]
    fn ctx_t2_stored_texts_beyond_bounds_are_refused() {
        for text in [
            "",
            "plain",
            "$2b$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q",
            &REFERENCE.replace("argon2id", "argon2i"),
            &REFERENCE.replace("m=65536", "m=262145"),
            &REFERENCE.replace("t=2", "t=13"),
            &REFERENCE.replace("p=1", "p=9"),
            &REFERENCE[..REFERENCE.rfind('$').unwrap()],
            &format!("{REFERENCE}{}", "A".repeat(256)),
        ] {
            assert_eq!(text.parse::<PasswordHash>().map(|_| ()), Err(NotAHash), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_texts_never_panic(text in "(\\$argon2id)?(\\$v=19)?(\\$m=[0-9]{1,12},t=[0-9]{0,3},p=[0-9])?\\PC{0,90}") {
            let _ = text.parse::<PasswordHash>();
        }
    }
}
