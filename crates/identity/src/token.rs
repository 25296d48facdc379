//! Opaque tokens: what a browser shows for its session, what the one-time setup link holds, what a client
//! signs with. Of the form of a virtual key, so that secret scanners recognise them; of those that are shown
//! to us only a keyed hash is ever stored.
//! Nothing is encoded in them, so nothing can be read out of or forged into one.

use std::fmt;
use std::marker::PhantomData;

use credential::{Flaw, NoRandomness, Opaque, Pepper};
use domain::Secret;

const TOKEN_CHARS: usize = 54;

/// What a token is for. Its prefix tells the kinds apart wherever they meet.
pub trait Kind {
    /// What the text begins with: five characters.
    const PREFIX: &'static str;
}

/// A session of a person.
pub struct ForSession;

/// Setting up the instance, or an account somebody was invited to: good once.
pub struct ForSetup;

/// Adding and removing a tenant's people from outside (SCIM).
pub struct ForProvisioning;
/// A service account on the control plane: what a pipeline shows.
pub struct ForService;

/// Signing requests with a virtual key. Unlike the others it is no bearer's: it is never sent, and the gate
/// keeps it sealed rather than hashed, because it verifies with it.
pub struct ForSigning;

impl Kind for ForSession {
    const PREFIX: &'static str = "btzs_";
}

impl Kind for ForSetup {
    const PREFIX: &'static str = "btzo_";
}

impl Kind for ForProvisioning {
    const PREFIX: &'static str = "btzp_";
}

impl Kind for ForService {
    const PREFIX: &'static str = "btzc_";
}

impl Kind for ForSigning {
    const PREFIX: &'static str = "btzh_";
}

/// The token of a session.
pub type SessionToken = Token<ForSession>;
/// The token of a setup link.
pub type SetupToken = Token<ForSetup>;
/// The token of a tenant's provisioning.
pub type ProvisioningToken = Token<ForProvisioning>;
/// The token of a service account.
pub type ServiceToken = Token<ForService>;
/// The secret that a client signs with: [`crate::signature::SigningKey::hmac_sha256`] takes its text.
pub type SigningSecret = Token<ForSigning>;

/// A well-formed token; whether it was ever issued only the store knows. Wiped when dropped.
pub struct Token<K: Kind>(Opaque<TOKEN_CHARS>, PhantomData<K>);

impl<K: Kind> Token<K> {
    /// A new one of 256 random bits.
    pub fn generate() -> Result<Self, NoRandomness> {
        const { assert!(K::PREFIX.len() == 5 && K::PREFIX.is_ascii()) };
        Ok(Self(Opaque::generate(K::PREFIX)?, PhantomData))
    }

    /// Reads a presented text.
    // threat: CTX-T2
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        Ok(Self(Opaque::parse(K::PREFIX, text)?, PhantomData))
    }

    /// The text as a secret: for the cookie or the link, and nothing else.
    pub fn to_secret(&self) -> Secret {
        self.0.to_secret()
    }

    /// The keyed hash under which it is stored and found.
    // threat: CTX-T3
    pub fn digest(&self, pepper: &Pepper) -> [u8; 32] {
        self.0.digest(pepper)
    }
}

impl<K: Kind> fmt::Debug for Token<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}…]", K::PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ctx_t3_tokens_differ_read_back_and_are_not_shown() {
        let (a, b) = (
            SessionToken::generate().unwrap(),
            SessionToken::generate().unwrap(),
        );
        let pepper = Pepper::new(&[1; 32]);
        assert_ne!(a.digest(&pepper), b.digest(&pepper));
        let again = SessionToken::parse(a.to_secret().expose()).unwrap();
        assert_eq!(again.digest(&pepper), a.digest(&pepper));
        assert_ne!(again.digest(&Pepper::new(&[2; 32])), a.digest(&pepper));
        assert_eq!(format!("{a:?}"), "[btzs_…]");
        assert!(a.to_secret().expose().starts_with("btzs_"));
    }

    #[test]
    fn ctx_t2_a_token_of_one_kind_is_none_of_another() {
        let setup = SetupToken::generate().unwrap().to_secret();
        assert!(setup.expose().starts_with("btzo_"));
        assert_eq!(SessionToken::parse(setup.expose()).unwrap_err(), Flaw::Prefix);
        // Nor does changing the prefix make it one: the checksum covers it.
        let relabelled = setup.expose().replace("btzo_", "btzs_");
        assert_eq!(SessionToken::parse(&relabelled).unwrap_err(), Flaw::Checksum);
        let key = credential::VirtualKey::generate().unwrap();
        assert!(SessionToken::parse(key.expose()).is_err());
        let service = ServiceToken::generate().unwrap().to_secret();
        assert!(service.expose().starts_with("btzc_"));
        assert_eq!(SessionToken::parse(service.expose()).unwrap_err(), Flaw::Prefix);
        assert_eq!(ServiceToken::parse(setup.expose()).unwrap_err(), Flaw::Prefix);
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_no_token(text in "\\PC*", tail in "\\PC{48,49}") {
            prop_assert!(SessionToken::parse(&text).is_err());
            let _ = SetupToken::parse(&format!("btzo_{tail}"));
        }
    }
}
