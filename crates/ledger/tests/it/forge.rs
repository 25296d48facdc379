//! A small ledger to prove and to tamper with.

use domain::{KeyId, Money, NodeId, RequestId, TeamId, TenantId, UnixMillis, Usage};
use ledger::Entry;
use ledger::bundle::{ExportLine, origin_of};
use ledger::merkle::{Hash, leaf_hash, root_of};
use ledger::note::{Checkpoint, Signer, Verifier};

pub const TENANT: TenantId = TenantId::from_u128(2);

pub fn entry(tenant: TenantId, n: u128) -> Entry {
    Entry {
        team: TeamId::from_u128(3),
        key: KeyId::from_u128(5),
        node: NodeId::from_u128(6),
        started: UnixMillis(1_000),
        finished: UnixMillis(2_000 + i64::try_from(n).unwrap()),
        model: Some("gpt-4o".into()),
        target: Some("openai/gpt-4o".into()),
        usage: Usage {
            input: 10,
            output: 20,
            ..Usage::default()
        },
        cost: Money::from_nanos(225_000),
        price_version: "a1b2c3d4e5f6".into(),
        ..Entry::sample(RequestId::from_u128(1000 + n), tenant)
    }
}

/// One tenant's log under one key.
#[derive(Debug)]
pub struct Forge {
    pub signer: Signer,
    pub origin: String,
    pub entries: Vec<Vec<u8>>,
}

impl Forge {
    pub fn new(count: u128) -> Self {
        Self::of(TENANT, count, 7)
    }

    pub fn of(tenant: TenantId, count: u128, seed: u8) -> Self {
        let signer = Signer::from_seed("gate.example", &[seed; 32]).unwrap();
        let entries = (0..count).map(|n| entry(tenant, n).to_bytes()).collect();
        Self {
            signer,
            origin: origin_of("gate.example", tenant),
            entries,
        }
    }

    pub fn verifier(&self) -> &Verifier {
        self.signer.verifier()
    }

    pub fn leaves(&self, size: usize) -> Vec<Hash> {
        self.entries[..size]
            .iter()
            .map(|bytes| leaf_hash(bytes))
            .collect()
    }

    pub fn head(&self, size: usize) -> Checkpoint {
        Checkpoint {
            origin: self.origin.clone(),
            size: size as u64,
            root: root_of(&self.leaves(size)),
        }
    }

    pub fn note(&self, size: usize) -> String {
        self.signer.sign(&self.head(size)).unwrap()
    }

    /// The export with signed heads at these sizes.
    pub fn export(&self, heads: &[usize]) -> Vec<String> {
        let mut lines = vec![ExportLine::header(&self.origin, self.verifier())];
        for size in 0..=self.entries.len() {
            if let Some(last) = size.checked_sub(1) {
                lines.push(ExportLine::entry(last as u64, &self.entries[last]).unwrap());
            }
            if heads.contains(&size) {
                lines.push(ExportLine::checkpoint(&self.note(size)));
            }
        }
        lines.iter().map(ExportLine::to_line).collect()
    }
}
