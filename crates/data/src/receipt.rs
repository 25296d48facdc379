//! Receipts: a signature on each answer of a key that wants them, over what left and what it answers; and, as soon as the
//! call is under a signed head, the proof that it is in the ledger. Does nothing, and asks for nothing, for other keys.
//!
//! The key is the ledger's: a receipt is evidence, and whoever has that key needs no other. It is held here as the public
//! half and a way to sign, and is in no log.

mod given;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use aws_lc_rs::digest::{SHA256, digest};
use domain::{RequestId, UnixMillis};
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Response};
use ledger::note::Signer;
use ledger::receipt::{CONTENT_DIGEST, Said};
use store::{Paths, Signing, SigningError, Store};
use tokio::sync::Semaphore;

use crate::body::GateBody;
use crate::gate::Gate;
use crate::settings::Target;
use crate::ticket::Ticket;

pub use given::given;

/// Proofs that are made at the same time.
const AT_ONCE_MAX: usize = 4;

/// What signs answers, and what proofs are made from.
pub struct Receipts {
    store: Arc<dyn Store>,
    signing: Arc<Signing>,
    paths: Paths,
    signer: ArcSwapOption<Signer>,
    turns: Semaphore,
}

impl fmt::Debug for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipts({:?})", self.signing)
    }
}

impl Receipts {
    /// Of the ledgers in this store. Nothing is signed before [`Receipts::refresh`].
    pub fn new(store: Arc<dyn Store>, signing: Arc<Signing>) -> Self {
        Self {
            paths: Paths::new(store.clone()),
            store,
            signing,
            signer: ArcSwapOption::empty(),
            turns: Semaphore::new(AT_ONCE_MAX),
        }
    }

    /// Where entries are.
    pub(crate) const fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Takes up the key that signs now, and forgets the one before.
    // threat: AGP-R1
    pub async fn refresh(&self) -> Result<(), SigningError> {
        let now = self.signing.now().await?;
        // One that does not open signs nothing; the gate serves all the same, and says so where it signs its logs.
        let signer = now.signer().ok();
        let known = self.signer.load();
        if known.as_ref().map(|known| known.verifier()) != signer.map(|signer| signer.verifier()) {
            self.signer.store(signer.cloned());
        }
        Ok(())
    }
}

/// What the answer will be bound to, of a call whose key wants receipts.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    body: Option<[u8; 32]>,
    /// Of a request that was signed: its own digest and signature, as they came.
    signed: Option<(Option<String>, String)>,
}

impl Asked {
    /// Of this request's head. `is_signed`: its signature was verified.
    pub fn of(head: &Parts, is_signed: bool) -> Box<Self> {
        let signed = || {
            Some((
                joined(&head.headers, CONTENT_DIGEST),
                joined(&head.headers, "signature")?,
            ))
        };
        Box::new(Self {
            body: None,
            signed: is_signed.then(signed).flatten(),
        })
    }

    /// Its body is there.
    pub fn body(&mut self, body: &[u8]) {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, body).as_ref());
        self.body = Some(hash);
    }
}

/// A field's values as one (RFC 9421, section 2.1).
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(name).iter().map(HeaderValue::to_str);
    let values: Vec<_> = values.collect::<Result<_, _>>().ok()?;
    (!values.is_empty()).then(|| values.join(", "))
}

/// What is said with an answer, once it is recorded.
#[derive(Debug)]
pub struct Promise {
    asked: Box<Asked>,
    request: RequestId,
    model: Option<Arc<str>>,
    target: Option<Arc<Target>>,
    path: &'static str,
}

/// Taken from the ticket before it is settled; nothing for most.
pub fn promised(ticket: &mut Ticket) -> Option<Box<Promise>> {
    let asked = ticket.asked.take()?;
    Some(Box::new(Promise {
        asked,
        request: ticket.id,
        model: ticket.model.clone(),
        target: ticket.target.clone(),
        path: ticket.endpoint.path(),
    }))
}

/// The answer with its receipt, where one was promised. What is not recorded must not come here.
// threat: AGP-T2
pub fn signed(
    gate: &Gate,
    promise: Option<Box<Promise>>,
    mut response: Response<GateBody>,
) -> Response<GateBody> {
    let Some(promise) = promise else {
        return response;
    };
    let GateBody::Whole(Some(body)) = response.body() else {
        return response;
    };
    let signer = gate.receipts.signer.load();
    let Some(signer) = signer.as_ref() else {
        tracing::warn!(request = %promise.request, "no key signs now: an answer left without its receipt");
        return response;
    };
    let said = Said {
        status: response.status().as_u16(),
        request: promise.request,
        model: promise.model.as_deref(),
        target: promise.target.as_ref().map(|target| &*target.label),
        path: promise.path,
        request_digest: promise.asked.body,
        signed: promise
            .asked
            .signed
            .as_ref()
            .map(|(digest, signature)| (digest.as_deref(), signature.as_str())),
    };
    let fields = said.sign(body, UnixMillis::now(), signer);
    let headers = response.headers_mut();
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}
