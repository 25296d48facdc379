//! Floor 1: virtual keys, sealing and secret references. Never does I/O, never reads a clock;
//! randomness is drawn only where something is generated or sealed.

mod access_token;
mod binding;
mod check;
mod checksum;
mod content;
mod key_file;
mod marks;
mod master;
mod opaque;
mod pepper;
mod public_key;
mod record;
mod reference;
mod root;
mod seal;
mod stored;
mod virtual_key;
mod weakness;

pub use access_token::Grant;
pub use binding::{BINDINGS_MAX, Binding, NotABinding};
pub use check::{KeyProblem, Which};
pub use content::ContentKey;
pub use key_file::{KeyFileError, Protection};
pub use marks::{Marks, NotTags, TAG_BYTES_MAX, TAGS_MAX};
pub use master::{MasterKey, purpose};
pub use opaque::{Flaw, Opaque};
pub use pepper::{Pepper, same_digest, same_text};
pub use public_key::{NotAPublicKey, PublicKey};
pub use record::{KeyRecord, KeyState, Limits, ModelAccess, Predecessor, Suspension};
pub use reference::{SealedName, SecretRef, SecretRefError, VaultRef};
pub use root::{RootError, SealedRoot};
pub use seal::{SealError, SealingKey, open, seal};
pub use stored::{CredentialKeys, Plan, StoredCredential, StoredError, StoredVersion, VersionState};
pub use virtual_key::{NotAKey, VirtualKey};
pub use weakness::{Weakness, weakness};

/// The system's source of randomness failed: nothing secret can be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no randomness")]
pub struct NoRandomness;

/// 32 bytes from the system's cryptographic generator.
fn random_32() -> Result<zeroize::Zeroizing<[u8; 32]>, NoRandomness> {
    let mut bytes = zeroize::Zeroizing::new([0u8; 32]);
    fill_random(bytes.as_mut_slice())?;
    Ok(bytes)
}

/// Straight from the kernel: the library's own generator gathers entropy for a tenth of a second first.
fn fill_random(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    getrandom::fill(bytes).map_err(|_| NoRandomness)
}
