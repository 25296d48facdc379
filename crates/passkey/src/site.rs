//! The site that passkeys are for: it asks, and judges what is answered. What is between the two is a state
//! that must come back unchanged and once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs::fake::{FakePasskeyDistribution, WebauthnFakeCredentialGenerator};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url,
    Uuid, Webauthn, WebauthnBuilder,
};

use crate::{Passkey, Refused};

/// What people see where an authenticator names the site.
const NAME: &str = "Bartizan";
/// Tries to make up at least one id; each succeeds five times in six.
const MADE_UP_TRIES: u8 = 64;

/// An address that passkeys cannot be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("passkeys are for a host with a name, such as `https://bartizan.example.com`, not for a number")]
pub struct BadOrigin;

/// One origin, and what is made up for accounts that have no passkey.
pub struct Site {
    webauthn: Webauthn,
    made_up: WebauthnFakeCredentialGenerator<FakePasskeyDistribution>,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").finish_non_exhaustive()
    }
}

/// Whose a passkey will be.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// Told to the authenticator, and by it to us when nobody says who signs in.
    pub id: u128,
    /// What they sign in as.
    pub account: &'a str,
    /// What people call them.
    pub name: &'a str,
}

/// What must be kept until a new passkey is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Registration(PasskeyRegistration);

/// What must be kept until a challenge is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(DiscoverableAuthentication);

/// An answer that was read and is not verified.
#[derive(Debug)]
pub struct Answered(PublicKeyCredential);

impl Answered {
    /// Reads what a browser's `PublicKeyCredential.toJSON()` gives.
    pub fn read(answer: Value) -> Result<Self, Refused> {
        serde_json::from_value(answer)
            .map(Self)
            .map_err(|_| Refused::Malformed)
    }

    /// The id of the passkey it claims to be of.
    pub fn credential(&self) -> &[u8] {
        self.0.get_credential_id()
    }

    /// Whose it claims to be, if it says so: [`Owner::id`].
    pub fn owner(&self) -> Option<u128> {
        let bytes = self.0.get_user_unique_id()?;
        Some(u128::from_be_bytes(bytes.try_into().ok()?))
    }

    /// Whether it says whose it is, readable or not.
    pub fn names_an_owner(&self) -> bool {
        self.0.get_user_unique_id().is_some()
    }
}

impl Site {
    /// The site at `origin`: scheme, host and port. What is made up hangs on `key`.
    pub fn new(origin: &str, key: &[u8; 32]) -> Result<Self, BadOrigin> {
        let url: Url = origin.parse().map_err(|_| BadOrigin)?;
        let host = url.domain().ok_or(BadOrigin)?.to_owned();
        let webauthn = WebauthnBuilder::new(&host, &url)
            .and_then(|builder| builder.rp_name(NAME).build())
            .map_err(|_| BadOrigin)?;
        let made_up = WebauthnFakeCredentialGenerator::new(key).map_err(|_| BadOrigin)?;
        Ok(Self { webauthn, made_up })
    }

    /// What an authenticator is asked for a new passkey, as `navigator.credentials.create` takes it, and
    /// what to keep. One that has a passkey of those already is not to make another.
    pub fn begin(&self, owner: &Owner<'_>, have: &[&Passkey]) -> Result<(Value, Registration), Refused> {
        let have = have.iter().map(|one| one.0.cred_id().clone()).collect();
        let owner_id = Uuid::from_u128(owner.id);
        let (asked, state) =
            self.webauthn
                .start_passkey_registration(owner_id, owner.account, owner.name, Some(have))?;
        let mut options = public_key(&asked)?;
        // Found without a name being typed, where the device has room for that.
        if let Some(selection) = options.get_mut("authenticatorSelection") {
            set(selection, "residentKey", json!("preferred"));
        }
        Ok((options, Registration(state)))
    }

    /// The new passkey, if the answer is one to what was asked.
    // threat: CTX-T1
    pub fn finish(&self, answer: Value, kept: &Registration) -> Result<Passkey, Refused> {
        let answer: RegisterPublicKeyCredential =
            serde_json::from_value(answer).map_err(|_| Refused::Malformed)?;
        Ok(Passkey(
            self.webauthn.finish_passkey_registration(&answer, &kept.0)?,
        ))
    }

    /// What an authenticator is asked to show itself, as `navigator.credentials.get` takes it: any of these
    /// passkeys, or whichever it has for this site where none are named.
    pub fn ask(&self, credentials: &[Vec<u8>]) -> Result<(Value, Challenge), Refused> {
        let (asked, state) = self.webauthn.start_discoverable_authentication()?;
        let mut options = public_key(&asked)?;
        set(&mut options, "allowCredentials", described(credentials));
        Ok((options, Challenge(state)))
    }

    /// The ids of passkeys that an account has that has none, or is not there: always the same ones.
    // threat: CTX-T1
    pub fn made_up_for(&self, account: &str) -> Vec<Vec<u8>> {
        let tries = (0..MADE_UP_TRIES).map(|number| {
            let name = format!("{number}/{account}");
            self.made_up.generate(name.as_bytes()).unwrap_or_default()
        });
        let mut tries = tries.filter(|ids| !ids.is_empty());
        let ids = tries.next().unwrap_or_default();
        ids.into_iter().map(|id| id.as_slice().to_vec()).collect()
    }

    /// Judges an answer as one of this very passkey's to this very challenge, and counts the use.
    // threat: CTX-T1
    // threat: CTX-T3
    pub fn judge(&self, answer: &Answered, kept: &Challenge, passkey: &mut Passkey) -> Result<(), Refused> {
        let result =
            self.webauthn
                .finish_discoverable_authentication_v2(&answer.0, kept.0.clone(), &passkey.0)?;
        if !result.user_verified() {
            return Err(Refused::NotVerified);
        }
        passkey
            .0
            .update_credential(&result)
            .map(|_| ())
            .ok_or(Refused::Unknown)
    }
}

/// The options themselves, without what only one library's browser part wants around them.
fn public_key<T: Serialize>(asked: &T) -> Result<Value, Refused> {
    let mut whole = serde_json::to_value(asked).map_err(|_| Refused::Malformed)?;
    whole
        .get_mut("publicKey")
        .map(Value::take)
        .ok_or(Refused::Malformed)
}

fn described(credentials: &[Vec<u8>]) -> Value {
    let one = |id: &Vec<u8>| json!({"type": "public-key", "id": URL_SAFE_NO_PAD.encode(id)});
    credentials.iter().map(one).collect()
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

    use super::*;

    fn site() -> Site {
        Site::new("http://localhost:8081", &[7; 32]).unwrap()
    }

    #[test]
    fn a_site_has_a_name() {
        for good in [
            "http://localhost:8081",
            "https://bartizan.example.com",
            "https://a.b:8443",
        ] {
            assert!(Site::new(good, &[0; 32]).is_ok(), "{good}");
        }
        for bad in [
            "",
            "localhost",
            "https://127.0.0.1:8081",
            "https://[::1]",
            "https://",
        ] {
            assert_eq!(Site::new(bad, &[0; 32]).err(), Some(BadOrigin), "{bad}");
        }
    }

    #[test]
    fn ctx_t1_what_is_made_up_is_always_the_same_and_never_nothing() {
        for account in ["a", "b", "c", "tnt_1/ann@example.com", ""] {
            let ids = site().made_up_for(account);
            assert!(!ids.is_empty() && ids == site().made_up_for(account));
        }
        assert_ne!(site().made_up_for("a"), site().made_up_for("b"));
        let other = Site::new("http://localhost:8081", &[8; 32]).unwrap();
        assert_ne!(site().made_up_for("a"), other.made_up_for("a"));
    }

    #[test]
    fn ctx_t1_every_challenge_is_new_and_wants_the_user_verified() {
        let (first, _) = site().ask(&[vec![1, 2, 3]]).unwrap();
        let (second, _) = site().ask(&[]).unwrap();
        assert_ne!(first["challenge"], second["challenge"]);
        assert_eq!(first["userVerification"], "required");
        assert_eq!(first["rpId"], "localhost");
        assert_eq!(
            first["allowCredentials"],
            json!([{"type": "public-key", "id": "AQID"}])
        );
        let owner = Owner {
            id: 5,
            account: "ann@example.com",
            name: "Ann",
        };
        let (asked, _) = site().begin(&owner, &[]).unwrap();
        assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
        assert_eq!(asked["authenticatorSelection"]["residentKey"], "preferred");
        assert_eq!(asked["attestation"], "none");
    }
}
