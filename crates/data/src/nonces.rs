//! Nonces of signed requests and names of proofs: each is used once, whichever replica it comes to.
//!
//! This process's own table answers first, so that what was seen here costs nothing to refuse; what is new here
//! is spent in the store, which all replicas share. While the store is away nothing that is signed gets in.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{TenantScope, Threat, UnixMillis};
use identity::signature::{NotAdmitted, Replay, WINDOW_MAX};
use store::Store;

use crate::refusal::{Code, Gated, Refusal};

/// How many nonces are remembered here, and how many of one signing key: about a hundred bytes each.
const NONCES_MAX: usize = 400_000;
const NONCES_PER_KEY_MAX: usize = 100_000;
/// How long the store may take: a caller waits for it.
const STORE_DEADLINE: Duration = Duration::from_secs(3);

/// What was used, here and elsewhere.
pub struct Nonces {
    here: Mutex<Replay>,
    everywhere: Arc<dyn Store>,
}

/// One use.
#[derive(Debug, Clone, Copy)]
pub struct Use<'a> {
    /// The signing key's thumbprint: no two keys share nonces.
    pub signer: &'a str,
    /// What must not come again.
    pub nonce: &'a str,
    /// When it was made, as the caller says.
    pub created: UnixMillis,
    /// From then on it is refused for its age.
    pub until: UnixMillis,
}

impl Nonces {
    /// Nothing was seen here yet; what was seen before the start, the store knows.
    pub fn new(everywhere: Arc<dyn Store>) -> Self {
        Self {
            here: Mutex::new(Replay::new(NONCES_MAX, NONCES_PER_KEY_MAX, UnixMillis(0))),
            everywhere,
        }
    }

    /// Spends it, or refuses. Only for what has been verified: strangers must not fill the table.
    // threat: ANP-0001
    // threat: AGP-S1
    pub async fn spend(&self, scope: &TenantScope, it: Use<'_>) -> Gated<()> {
        self.spend_here(scope, it)?;
        let digest = digest(it);
        // As long as any configuration would take it: this gate's may be changed, and another replica's may be another.
        // And a little longer, so that clocks of replicas need not agree to the millisecond.
        let until = it.until.max(it.created.plus(WINDOW_MAX)).plus(STORE_DEADLINE);
        let spent = self.everywhere.spend_nonce(scope, &digest, until);
        match tokio::time::timeout(STORE_DEADLINE, spent).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(replayed()),
            Ok(Err(error)) => Err(unknown(error.to_string())),
            Err(_) => Err(unknown("the store does not answer".to_owned())),
        }
    }

    fn spend_here(&self, scope: &TenantScope, it: Use<'_>) -> Gated<()> {
        let owner = format!("{}/{}", scope.tenant(), it.signer);
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = here.admit(&owner, it.nonce, it.created, it.until, UnixMillis::now());
        admitted.map_err(|why| match why {
            NotAdmitted::Replayed => replayed(),
            NotAdmitted::BeforeMemory => unknown(why.to_string()),
            NotAdmitted::KeyFull | NotAdmitted::Full => {
                Refusal::new(Code::RateLimited, why.to_string()).retry_after(10)
            }
        })
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[nonces]")
    }
}

/// What the store knows it by: no text of a caller's gets there.
fn digest(it: Use<'_>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("bartizan nonce v1");
    for part in [it.signer, it.nonce] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

fn replayed() -> Box<Refusal> {
    let detail = "this signature or proof was used before: make a new one for each request";
    Refusal::new(Code::SignatureReplayed, detail).against(Threat::Anp0001)
}

/// Nobody can say whether it was used before, so it counts as used.
fn unknown(why: String) -> Box<Refusal> {
    let detail = "it cannot be checked now whether this signature or proof was used before: try again";
    Refusal::new(Code::ReplayCheckUnavailable, detail)
        .retry_after(1)
        .internally(why)
}
