//! Codes of an authenticator app (RFC 6238): SHA-1, six digits, thirty seconds, because that is what every
//! app can do. SHA-1 is no weakness here: HMAC does not rest on collisions (RFC 4226, appendix B.2).
//!
//! A code is good once: the caller keeps the step of the last one accepted, and no step up to that is taken
//! again. Six digits can be guessed: the caller throttles ([`crate::throttle`]).

use std::fmt;

use domain::{Secret, UnixMillis};
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{NoRandomness, random};

/// The whole of an HMAC-SHA-1, as RFC 4226 recommends.
pub const SECRET_BYTES: usize = 20;
const DIGITS: u8 = 6;
const STEP_SECONDS: u64 = 30;
/// One step early or late: clocks differ, and people type.
const SKEW_STEPS: u16 = 1;
/// Longer names make links that no app shows.
const NAME_CHARS_MAX: usize = 128;

/// Why a code is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeRefused {
    /// Not six digits.
    #[error("enter the six digits that the app shows")]
    Form,
    /// Not the code of this secret at this time.
    #[error("the code is wrong; check the clock of the device that shows it")]
    Wrong,
    /// It was accepted before, or one after it was.
    #[error("the code was used already; wait for the next one")]
    Used,
}

/// A name that cannot stand in a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name in an otpauth link has 1 to {NAME_CHARS_MAX} characters and no colon")]
pub struct BadName;

/// What the app and we share. Store it sealed. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TotpSecret([u8; SECRET_BYTES]);

impl TotpSecret {
    /// A new one.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(*random()?))
    }

    /// The one with these bytes, as opened from the store.
    pub const fn from_bytes(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, to seal them.
    pub const fn expose(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    /// The `otpauth:` link that apps read as a QR code. It holds the secret: shown once, when enrolling.
    pub fn link(&self, service: &str, account: &str) -> Result<Secret, BadName> {
        let named = |name: &str| !name.contains(':') && (1..=NAME_CHARS_MAX).contains(&name.chars().count());
        if !named(service) || !named(account) {
            return Err(BadName);
        }
        let app = self
            .builder()
            .with_issuer(Some(service))
            .with_account_name(account);
        let link = app.build().and_then(|app| app.to_url()).map_err(|_| BadName)?;
        Ok(Secret::new(link))
    }

    /// The secret for typing it in: base32 without padding.
    pub fn to_base32(&self) -> Secret {
        Secret::new(totp_rs::Secret::new_stack(self.0).to_base32())
    }

    /// Judges `code`, as typed, at `now`. `last` is the step of the last code accepted for this secret;
    /// store what this returns in its place before anything is granted.
    // threat: CTX-T2
    pub fn check(&self, code: &str, now: UnixMillis, last: Option<u64>) -> Result<u64, CodeRefused> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).take(8).collect();
        if code.len() != usize::from(DIGITS) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CodeRefused::Form);
        }
        let seconds = u64::try_from(now.0 / 1000).map_err(|_| CodeRefused::Wrong)?;
        let step = self.app().check(&code, seconds).ok_or(CodeRefused::Wrong)?;
        if last.is_some_and(|last| step <= last) {
            return Err(CodeRefused::Used);
        }
        Ok(step)
    }

    fn app(&self) -> Totp {
        self.builder().build_noncompliant()
    }

    fn builder(&self) -> Builder {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_step_duration(STEP_SECONDS)
            .with_skew(SKEW_STEPS)
            .with_secret(totp_rs::Secret::new_stack(self.0))
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[totp secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6238, appendix B: the seed, and times with the last six digits of their codes.
    const SEED: TotpSecret = TotpSecret(*b"12345678901234567890");
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(seconds * 1000)
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in VECTORS {
            let step = u64::try_from(seconds / 30).unwrap();
            assert_eq!(SEED.check(code, at(seconds), None), Ok(step), "{seconds}");
        }
    }

    #[test]
    fn ctx_t2_a_code_is_good_one_step_around_and_not_two() {
        let (seconds, code) = VECTORS[3];
        let step = u64::try_from(seconds / 30).unwrap();
        for late in [-30, 0, 30] {
            assert_eq!(SEED.check(code, at(seconds + late), None), Ok(step));
        }
        for late in [-60, 60, 86_400] {
            assert_eq!(
                SEED.check(code, at(seconds + late), None),
                Err(CodeRefused::Wrong)
            );
        }
    }

    #[test]
    fn ctx_t3_a_code_is_good_once() {
        let (seconds, code) = VECTORS[3];
        let step = SEED.check(code, at(seconds), None).unwrap();
        assert_eq!(SEED.check(code, at(seconds), Some(step - 1)), Ok(step));
        assert_eq!(SEED.check(code, at(seconds), Some(step)), Err(CodeRefused::Used));
        // Nor is one overtaken by a later one.
        assert_eq!(
            SEED.check(code, at(seconds), Some(step + 1)),
            Err(CodeRefused::Used)
        );
    }

    #[test]
    fn what_is_no_code_is_told_apart_from_a_wrong_one() {
        for text in ["", "28708", "2870822", "28708a", "+28708", "٢٨٧٠٨٢", "287 0822"] {
            assert_eq!(SEED.check(text, at(59), None), Err(CodeRefused::Form), "{text}");
        }
        assert_eq!(SEED.check(" 287 082\n", at(59), None), Ok(1));
        assert_eq!(SEED.check("287083", at(59), None), Err(CodeRefused::Wrong));
        assert_eq!(
            SEED.check("287082", UnixMillis(-59_000), None),
            Err(CodeRefused::Wrong)
        );
    }

    #[test]
    fn the_link_is_what_apps_read() {
        let link = SEED.link("Bartizan", "ada@example.com").unwrap();
        assert_eq!(
            link.expose(),
            "otpauth://totp/Bartizan:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bartizan"
        );
        assert_eq!(SEED.to_base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (service, account) in [("", "a"), ("a", ""), ("a:b", "a"), ("a", "a:b")] {
            assert!(SEED.link(service, account).is_err());
        }
        assert!(SEED.link("a", &"x".repeat(NAME_CHARS_MAX)).is_ok());
        assert!(SEED.link("a", &"x".repeat(NAME_CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn ctx_t3_secrets_differ_and_are_not_shown() {
        let (a, b) = (TotpSecret::generate().unwrap(), TotpSecret::generate().unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_eq!(format!("{a:?}"), "[totp secret]");
    }

    proptest! {
        #[test]
        fn arbitrary_input_never_panics(code in "\\PC{0,12}|[0-9]{6}", now: i64, last: Option<u64>, service in "\\PC{0,9}") {
            let _ = SEED.check(&code, UnixMillis(now), last);
            let _ = SEED.link(&service, "a");
        }
    }
}
