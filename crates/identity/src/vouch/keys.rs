//! The keys that vouch: one signs, and those that verifiers may meet are published. A new key is published some time
//! before it signs, and an old one some time after it has signed last, so that no verifier meets a stranger, however
//! it caches.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use credential::{PublicKey, SealingKey};
use domain::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::random;

/// How long a key is published before it signs: twice what verifiers are told to keep the published set.
pub const PUBLISHED_BEFORE: Duration = Duration::from_secs(600);
/// How long one is published after its successor has begun: longer than any token lives, and then some.
pub const PUBLISHED_AFTER: Duration = Duration::from_secs(1_200);
/// What a sealed key is bound to, with its id.
const SEALED_AS: &str = "identity key v1 ";

/// Keys that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadVouchKeys {
    /// The document is not one of these, or was sealed by somebody else.
    #[error("the keys of identity tokens do not open: they are damaged, or another instance's")]
    Damaged,
    /// The system has no randomness.
    #[error("no key could be made: the system gives no randomness")]
    NoRandomness,
    /// The last rotation is still under way.
    #[error("a new key is published already and signs soon; rotate again after that, or at once")]
    UnderWay,
}

/// How a key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The new key is published first and signs later; nothing is refused meanwhile.
    Announced,
    /// The new key signs now and is the only one: for a key that somebody else may have.
    AtOnce,
}

/// One key pair.
pub struct VouchKey {
    id: String,
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
    public: PublicKey,
    /// Of every token of this key, as it is spelled.
    header: String,
    made: UnixMillis,
    signs_from: UnixMillis,
}

impl fmt::Debug for VouchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[identity key {}]", self.id)
    }
}

impl VouchKey {
    fn of(seed: Zeroizing<[u8; 32]>, made: UnixMillis, signs_from: UnixMillis) -> Result<Self, BadVouchKeys> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| BadVouchKeys::Damaged)?;
        let bytes = pair.public_key().as_ref().try_into();
        let public = PublicKey::ed25519(bytes.map_err(|_| BadVouchKeys::Damaged)?);
        let public = public.map_err(|_| BadVouchKeys::Damaged)?;
        let id = public.name();
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": id}).to_string();
        Ok(Self {
            header: URL_SAFE_NO_PAD.encode(header),
            id,
            seed,
            pair,
            public,
            made,
            signs_from,
        })
    }

    fn new(now: UnixMillis, signs_from: UnixMillis) -> Result<Self, BadVouchKeys> {
        let seed = random::<32>().map_err(|_| BadVouchKeys::NoRandomness)?;
        Self::of(seed, now, signs_from)
    }

    fn duplicate(&self) -> Result<Self, BadVouchKeys> {
        Self::of(self.seed.clone(), self.made, self.signs_from)
    }

    /// Its name: the thumbprint (RFC 7638) of its public half.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was made.
    pub const fn made(&self) -> UnixMillis {
        self.made
    }

    /// From when on it signs.
    pub const fn signs_from(&self) -> UnixMillis {
        self.signs_from
    }

    pub(super) fn header(&self) -> &str {
        &self.header
    }

    pub(super) fn sign(&self, message: &[u8]) -> aws_lc_rs::signature::Signature {
        self.pair.sign(message)
    }
}

/// An instance's keys, oldest first.
#[derive(Debug)]
pub struct VouchKeys(Vec<VouchKey>);

#[derive(Serialize, Deserialize)]
struct Document {
    keys: Vec<Sealed>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    id: String,
    made: UnixMillis,
    signs_from: UnixMillis,
    sealed: String,
}

impl VouchKeys {
    /// The first, which signs at once.
    pub fn first(now: UnixMillis) -> Result<Self, BadVouchKeys> {
        Ok(Self(vec![VouchKey::new(now, now)?]))
    }

    /// With a new key; those that nobody can meet any more are left out.
    pub fn rotated(&self, how: Rotation, now: UnixMillis) -> Result<Self, BadVouchKeys> {
        if how == Rotation::AtOnce {
            return Self::first(now);
        }
        if self.0.iter().any(|key| key.signs_from > now) {
            return Err(BadVouchKeys::UnderWay);
        }
        let mut keys: Vec<_> = self
            .published(now)
            .map(VouchKey::duplicate)
            .collect::<Result<_, _>>()?;
        keys.push(VouchKey::new(now, now.plus(PUBLISHED_BEFORE))?);
        Ok(Self(keys))
    }

    /// The one that signs: the newest whose time has come.
    pub fn signing(&self, now: UnixMillis) -> Option<&VouchKey> {
        self.0.iter().rev().find(|key| key.signs_from <= now)
    }

    /// Those that a verifier may meet.
    pub fn published(&self, now: UnixMillis) -> impl Iterator<Item = &VouchKey> {
        let successors = self.0.iter().skip(1).map(Some).chain([None]);
        let needed = move |(_, next): &(&VouchKey, Option<&VouchKey>)| {
            next.is_none_or(|next| now < next.signs_from.plus(PUBLISHED_AFTER))
        };
        self.0.iter().zip(successors).filter(needed).map(|(key, _)| key)
    }

    /// Their public halves as a JWK set (RFC 7517), and nothing of the other halves.
    pub fn key_set(&self, now: UnixMillis) -> String {
        let keys: Vec<_> = self.published(now).map(jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    /// As they are kept: sealed.
    // threat: AGP-CRED-2.2
    pub fn to_document(&self, seal: &SealingKey) -> Result<String, BadVouchKeys> {
        let keys: Result<Vec<_>, _> = self.0.iter().map(|key| sealed(key, seal)).collect();
        serde_json::to_string(&Document { keys: keys? }).map_err(|_| BadVouchKeys::Damaged)
    }

    /// Opens what was kept.
    pub fn from_document(text: &str, seal: &SealingKey) -> Result<Self, BadVouchKeys> {
        let document: Document = serde_json::from_str(text).map_err(|_| BadVouchKeys::Damaged)?;
        let keys: Result<Vec<_>, _> = document.keys.iter().map(|key| opened(key, seal)).collect();
        keys.map(Self)
    }
}

fn jwk(key: &VouchKey) -> serde_json::Value {
    let mut jwk = serde_json::to_value(&key.public).unwrap_or_default();
    if let Some(members) = jwk.as_object_mut() {
        members.insert("kid".to_owned(), json!(key.id));
        members.insert("alg".to_owned(), json!("EdDSA"));
        members.insert("use".to_owned(), json!("sig"));
    }
    jwk
}

/// From when on it signs is sealed with it: who can write to the store cannot bring an old key back.
fn aad(id: &str, signs_from: UnixMillis) -> Vec<u8> {
    format!("{SEALED_AS}{id} {}", signs_from.0).into_bytes()
}

fn sealed(key: &VouchKey, seal: &SealingKey) -> Result<Sealed, BadVouchKeys> {
    let bytes = seal.seal(key.seed.as_slice(), &aad(&key.id, key.signs_from));
    Ok(Sealed {
        id: key.id.clone(),
        made: key.made,
        signs_from: key.signs_from,
        sealed: STANDARD.encode(bytes.map_err(|_| BadVouchKeys::NoRandomness)?),
    })
}

fn opened(kept: &Sealed, seal: &SealingKey) -> Result<VouchKey, BadVouchKeys> {
    let bytes = STANDARD.decode(&kept.sealed).map_err(|_| BadVouchKeys::Damaged)?;
    let seed = seal.open(&bytes, &aad(&kept.id, kept.signs_from));
    let seed = Zeroizing::new(seed.map_err(|_| BadVouchKeys::Damaged)?);
    let seed: [u8; 32] = seed.as_slice().try_into().map_err(|_| BadVouchKeys::Damaged)?;
    let key = VouchKey::of(Zeroizing::new(seed), kept.made, kept.signs_from)?;
    (key.id == kept.id).then_some(key).ok_or(BadVouchKeys::Damaged)
}
