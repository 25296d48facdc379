//! Keys, tenants and teams as the data plane sees them: in memory, by the key's digest.
//!
//! Built anew whenever the store's revision rises; what counts over time (rates, concurrency, what a
//! budget has lent) is carried over from the one before.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use credential::{KeyRecord, Limits, Which};
use domain::{
    BudgetId, DataClass, Money, Operation, Principal, PrincipalKind, TenantId, TenantScope, UnixMillis,
};
use ledger::{Budget, Keeping, Spender};
use limit::{Concurrency, Gcra};
use policy::{Decision, Moment, Place, Posture, Reads};
use store::{DirectoryDump, Tenant, TenantState};

use crate::book::{Book, Cell};
use crate::proof::Signer;
use crate::settings::Settings;
use crate::shadow::Shadow;

pub mod charged;
mod covering;
mod own;

pub use charged::{Charged, Numbered};
pub use covering::{Covering, Serving};
pub use own::{Consented, Own, Unread};

/// Rates and concurrency of one key, team or tenant.
#[derive(Debug)]
pub struct ScopeLimits {
    config: Limits,
    /// Whose, for the caller: `key`, `team` or `tenant`.
    pub level: &'static str,
    /// Requests a minute.
    pub requests: Option<Gcra>,
    /// LLM tokens a minute.
    pub tokens: Option<Gcra>,
    /// Requests at once.
    pub concurrent: Option<Arc<Concurrency>>,
    /// Streams at once.
    pub streams: Option<Arc<Concurrency>>,
}

impl ScopeLimits {
    fn new(level: &'static str, config: Limits) -> Self {
        Self {
            config,
            level,
            requests: config.requests_per_minute.map(|n| Gcra::per_minute(n, n)),
            tokens: config.tokens_per_minute.map(|n| Gcra::per_minute(n, n)),
            concurrent: config.concurrent_requests.map(|n| Arc::new(Concurrency::new(n))),
            streams: config.concurrent_streams.map(|n| Arc::new(Concurrency::new(n))),
        }
    }

    /// Tokens a minute; no limit is the largest number.
    pub fn tokens_per_minute(&self) -> u32 {
        self.config.tokens_per_minute.unwrap_or(u32::MAX)
    }

    /// The most that one request may cost.
    pub fn request_cost_max(&self) -> Option<Money> {
        let nanos = self.config.request_cost_nanos_max?;
        Some(Money::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)))
    }

    fn is_unlimited(&self) -> bool {
        self.config == Limits::default()
    }
}

/// What a policy decision was asked about, beside the key: everything the answer may depend on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    /// The operation.
    pub operation: Operation,
    /// The model's name.
    pub model: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Whether tools are offered.
    pub tools: bool,
    /// Whether images are sent.
    pub images: bool,
    /// What its caller says that it carries.
    pub data_class: Option<DataClass>,
    /// The target, where it is asked whether the call may be sent there.
    pub place: Option<Arc<Place>>,
    /// The caller's address, when some policy reads it.
    pub address: Option<std::net::IpAddr>,
    /// The minute it comes in, when some policy reads it: an answer of another minute is none.
    pub moment: Option<Moment>,
    /// How strict the instance is.
    pub posture: Posture,
    /// Which policy set answered.
    pub policies: Arc<str>,
    /// Which version is tried out beside it: one that comes is asked everything once.
    pub shadow: Option<u64>,
}

impl Asked {
    /// The question with nothing said of the call but what it is and for which model. Where and when it comes
    /// from is in it only where an answer may depend on it.
    // threat: ANP-0002
    pub fn plain(operation: Operation, model: &str, settings: &Settings, arrived: Arrived) -> Self {
        let shadow = settings.shadow.as_deref();
        let (address, moment) = arrived.known(settings.policy.reads(), shadow.map(Shadow::reads));
        Self {
            operation,
            model: model.to_owned(),
            stream: false,
            tools: false,
            images: false,
            data_class: arrived.data_class,
            place: None,
            address,
            moment,
            posture: settings.posture,
            policies: settings.policy_fingerprint.clone(),
            shadow: shadow.map(Shadow::version),
        }
    }
}

/// Where a request came from, and when.
#[derive(Debug, Clone, Copy)]
pub struct Arrived {
    /// Its address.
    pub address: std::net::IpAddr,
    /// Its time.
    pub at: UnixMillis,
    /// What its caller says that it carries.
    pub data_class: Option<DataClass>,
}

impl Arrived {
    /// As much of it as any of these sets may read, and no more.
    fn known(&self, own: Reads, other: Option<Reads>) -> (Option<std::net::IpAddr>, Option<Moment>) {
        let address = own.address || other.is_some_and(|other| other.address);
        let time = own.time || other.is_some_and(|other| other.time);
        (address.then_some(self.address), time.then(|| Moment::of(self.at)))
    }
}

/// Decisions remembered for a key; a caller that varies its questions cannot grow it for ever.
const DECISIONS_MAX: usize = 256;

/// One virtual key with all that admitting its calls needs.
#[derive(Debug)]
pub struct KeyEntry {
    /// As stored.
    pub record: KeyRecord,
    /// Who acts.
    pub principal: Principal,
    /// The tenant's name.
    pub tenant_name: Arc<str>,
    /// Whether the tenant may work.
    pub tenant_state: TenantState,
    /// What of the tenant's own does not read: its calls are refused.
    pub unread: Option<Unread>,
    /// What the tenant keeps of its calls' exchanges.
    pub history: Keeping,
    /// The team's name.
    pub team_name: Arc<str>,
    /// Limits at every level that has any: key, team, tenant.
    pub limits: Vec<Arc<ScopeLimits>>,
    /// What signs its calls, when they must be signed.
    pub signer: Option<Signer>,
    /// Budgets that calls of this key spend from.
    pub budgets: Covering,
    /// The record's tags, shared with every entry of its calls.
    pub tags: Arc<[String]>,
    /// What the tenant's own profiles ask of its calls' texts, beyond the instance's.
    pub guards: Option<Arc<guard::Ready>>,
    /// Where the tenant lets the content of its calls go, where it says so.
    pub consents: Option<Arc<Consented>>,
    /// Samples and prompt templates that the tenant's calls may take up, and nobody else's.
    pub shelf: Option<Arc<apps::Shelf>>,
    /// What the tenant is charged, where it has a price sheet.
    pub charged: Option<Arc<Charged>>,
    decisions: RwLock<HashMap<Asked, Arc<Decision>>>,
}

impl KeyEntry {
    /// The decision on `asked`, remembered or made by `decide`.
    pub fn decision(&self, asked: Asked, decide: impl FnOnce(&Asked) -> Decision) -> Arc<Decision> {
        if let Some(known) = self
            .decisions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&asked)
        {
            return known.clone();
        }
        let decision = Arc::new(decide(&asked));
        let mut decisions = self.decisions.write().unwrap_or_else(PoisonError::into_inner);
        if decisions.len() >= DECISIONS_MAX {
            decisions.clear();
        }
        decisions.insert(asked, decision.clone());
        decision
    }
}

/// All keys at one revision of the store.
#[derive(Debug, Default)]
pub struct Directory {
    /// The store's revision.
    pub revision: u64,
    by_digest: HashMap<[u8; 32], (Arc<KeyEntry>, Which)>,
    by_binding: HashMap<[u8; 32], Arc<KeyEntry>>,
    tenants: HashMap<String, TenantId>,
    unread: BTreeMap<TenantId, Unread>,
    signs: bool,
}

impl Directory {
    /// Whether some key wants its answers signed.
    pub const fn signs(&self) -> bool {
        self.signs
    }

    /// The key with this digest, current or replaced.
    // threat: CTX-T3
    pub fn find(&self, digest: &[u8; 32]) -> Option<&(Arc<KeyEntry>, Which)> {
        self.by_digest.get(digest)
    }

    /// The key that the credential with this digest stands for.
    // threat: AGP-S1
    pub fn bound(&self, digest: &[u8; 32]) -> Option<&Arc<KeyEntry>> {
        self.by_binding.get(digest)
    }

    /// Tenants of whom something does not read, and whose calls are refused for it.
    pub const fn unread(&self) -> &BTreeMap<TenantId, Unread> {
        &self.unread
    }

    /// The tenant of that name or id.
    pub fn tenant(&self, named: &str) -> Option<TenantId> {
        self.tenants.get(named).copied()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.by_digest.len()
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.by_digest.is_empty()
    }
}

/// Builds directories, keeping counters alive between them.
#[derive(Debug, Default)]
pub struct Builder {
    limits: Mutex<HashMap<u128, Arc<ScopeLimits>>>,
    charged: Mutex<HashMap<TenantId, Arc<Charged>>>,
    guards: own::Kept<guard::Profiles, guard::Ready>,
    consents: own::Kept<Consented, Consented>,
    shelves: own::Kept<apps::Shelf, apps::Shelf>,
}

impl Builder {
    /// Of these documents those that [`Builder::prepare`] has not made ready.
    pub fn unprepared(
        &self,
        guards: &HashMap<TenantId, guard::Profiles>,
    ) -> HashMap<TenantId, guard::Profiles> {
        self.guards.lacking(guards)
    }

    /// Makes ready how tenants guard their calls. That may take seconds, for patterns are compiled: not on a thread that
    /// others wait for. What is not ready yet is in no directory; the document before it is.
    // threat: AGP-D2
    pub fn prepare(&self, guards: HashMap<TenantId, guard::Profiles>) {
        self.guards.make(guards, guard::Ready::own);
    }

    /// The directory of `dump`, in which tenants' calls are answered by their own documents.
    pub fn build(&self, dump: &DirectoryDump, own: Own, book: &Book, now: UnixMillis) -> Directory {
        let charged = self.charged_by(own.sheets);
        let guards = self.guards.last(&own.guards);
        let consents = self.consents.of(own.consents, std::convert::identity);
        let shelves = self.shelves.of(own.shelves, std::convert::identity);
        let cells = book.reconcile(&dump.budgets, now);
        let mut kept = HashMap::new();
        let tenants: HashMap<_, _> = dump.tenants.iter().map(|t| (t.id, t)).collect();
        let teams: HashMap<_, _> = dump.teams.iter().map(|t| (t.id, t)).collect();
        let mut by_digest = HashMap::with_capacity(dump.keys.len());
        let mut by_binding = HashMap::new();
        for record in &dump.keys {
            let (Some(tenant), Some(team)) = (tenants.get(&record.tenant), teams.get(&record.team)) else {
                continue; // A key without its team or tenant is no key.
            };
            let Ok(signer) = record.signing_key.as_ref().map(Signer::new).transpose() else {
                continue; // Nor is one whose calls nobody could verify.
            };
            let levels = [
                ("key", record.id.as_u128(), record.limits),
                ("team", team.id.as_u128(), team.limits),
                ("tenant", tenant.id.as_u128(), tenant.limits),
            ];
            let limits = levels
                .into_iter()
                .map(|(level, id, limits)| self.limits_of(&mut kept, level, id, limits))
                .filter(|limits| !limits.is_unlimited())
                .collect();
            let entry = Arc::new(KeyEntry {
                principal: Principal {
                    tenant: record.tenant,
                    team: record.team,
                    project: record.project,
                    key: record.id,
                    kind: PrincipalKind::VirtualKey,
                    name: record.name.as_str().into(),
                },
                tenant_name: tenant.name.as_str().into(),
                tenant_state: tenant.state,
                unread: own.unread.get(&record.tenant).copied(),
                history: tenant.history,
                team_name: team.name.as_str().into(),
                limits,
                signer,
                budgets: budgets_of(record, &dump.budgets, &cells),
                tags: record.marks.tags.as_slice().into(),
                charged: charged.get(&record.tenant).cloned(),
                guards: guards.get(&record.tenant).cloned(),
                consents: consents.get(&record.tenant).cloned(),
                shelf: shelves.get(&record.tenant).cloned(),
                decisions: RwLock::default(),
                record: record.clone(),
            });
            for binding in record.live_bindings() {
                by_binding.insert(binding.digest(record.tenant), entry.clone());
            }
            by_digest.insert(record.digest, (entry.clone(), Which::Current));
            if let Some(predecessor) = record.predecessor {
                by_digest.insert(predecessor.digest, (entry, Which::Predecessor));
            }
        }
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Directory {
            revision: dump.revision,
            by_digest,
            by_binding,
            tenants: names_of(&dump.tenants),
            unread: own.unread,
            signs: dump.keys.iter().any(|key| key.receipts),
        }
    }

    /// What was reckoned by a sheet that is still the tenant's is kept.
    fn charged_by(&self, sheets: HashMap<TenantId, Numbered>) -> HashMap<TenantId, Arc<Charged>> {
        let mut kept = self.charged.lock().unwrap_or_else(PoisonError::into_inner);
        let now = sheets.into_iter().map(|(tenant, sheet)| {
            let before = kept.get(&tenant).filter(|before| before.is_by(&sheet)).cloned();
            (tenant, before.unwrap_or_else(|| Arc::new(Charged::by(sheet))))
        });
        let now: HashMap<_, _> = now.collect();
        kept.clone_from(&now);
        now
    }

    fn limits_of(
        &self,
        kept: &mut HashMap<u128, Arc<ScopeLimits>>,
        level: &'static str,
        id: u128,
        config: Limits,
    ) -> Arc<ScopeLimits> {
        if let Some(known) = kept.get(&id) {
            return known.clone();
        }
        let before = self
            .limits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned();
        let limits = before
            .filter(|b| b.config == config)
            .unwrap_or_else(|| Arc::new(ScopeLimits::new(level, config)));
        kept.insert(id, limits.clone());
        limits
    }
}

/// Ids first: no tenant can be called what another one is.
fn names_of(tenants: &[Tenant]) -> HashMap<String, TenantId> {
    let by_name = tenants.iter().map(|tenant| (tenant.name.clone(), tenant.id));
    let by_id = tenants.iter().map(|tenant| (tenant.id.to_string(), tenant.id));
    by_name.chain(by_id).collect()
}

fn budgets_of(record: &KeyRecord, budgets: &[Budget], cells: &BTreeMap<BudgetId, Arc<Cell>>) -> Covering {
    let spender = Spender {
        key: record.id,
        team: record.team,
        project: record.project,
        owner: record.owner,
        tags: &record.marks.tags,
    };
    let own = budgets.iter().filter(|budget| budget.tenant == record.tenant);
    Covering::of(&spender, own, cells)
}

/// The scope of an identified principal's calls: the tenant its credential belongs to, whatever headers
/// or bodies say.
// threat: ANP-0006
pub fn scope(entry: &KeyEntry) -> TenantScope {
    TenantScope::of(&entry.principal)
}

#[cfg(test)]
mod remembered;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::atomic::{AtomicU32, Ordering};

    use credential::{KeyState, ModelAccess};
    use domain::{KeyId, TeamId, TenantId};
    use policy::Engine;

    use super::*;
    use crate::shadow::question;

    pub(super) fn entry() -> KeyEntry {
        let record = KeyRecord {
            id: KeyId::from_u128(1),
            tenant: TenantId::from_u128(2),
            team: TeamId::from_u128(3),
            project: None,
            owner: None,
            name: "key".to_owned(),
            digest: [0; 32],
            hint: String::new(),
            predecessor: None,
            state: KeyState::Active,
            created: UnixMillis(0),
            expires: None,
            models: ModelAccess::All,
            operations: vec![Operation::Chat],
            networks: Vec::new(),
            limits: Limits::default(),
            signing_key: None,
            bindings: Vec::new(),
            honey: false,
            receipts: false,
            suspended: None,
            marks: credential::Marks::default(),
        };
        KeyEntry {
            signer: None,
            principal: Principal {
                tenant: record.tenant,
                team: record.team,
                project: None,
                key: record.id,
                kind: PrincipalKind::VirtualKey,
                name: "key".into(),
            },
            tenant_name: "acme".into(),
            tenant_state: TenantState::default(),
            unread: None,
            history: Keeping::NONE,
            team_name: "search".into(),
            limits: Vec::new(),
            budgets: Covering::default(),
            tags: [].into(),
            charged: None,
            guards: None,
            consents: None,
            shelf: None,
            decisions: RwLock::default(),
            record,
        }
    }

    fn asked(engine: &Engine, address: &str, minute: i64) -> Asked {
        let arrived = Arrived {
            address: address.parse::<IpAddr>().unwrap(),
            at: UnixMillis(minute * 60_000),
            data_class: None,
        };
        let (address, moment) = arrived.known(engine.reads(), None);
        Asked {
            operation: Operation::Chat,
            model: "m".to_owned(),
            stream: false,
            tools: false,
            images: false,
            data_class: None,
            place: None,
            address,
            moment,
            posture: Posture::Production,
            policies: engine.fingerprint().into(),
            shadow: None,
        }
    }

    /// Each minute's and each address's answer, remembered or not, is the one that is given when nothing is
    /// remembered at all.
    #[test]
    fn anp_0002_what_is_remembered_is_what_would_be_answered() {
        let texts = [
            "forbid (principal, action, resource) when { context.utc_minute > 1 };",
            "forbid (principal, action, resource) when { context.utc_weekday == 4 };",
            "forbid (principal, action, resource) unless { context has source_ip && context.source_ip.isLoopback() };",
            "forbid (principal, action, resource) when { context == context && context.utc_minute == 1 };",
            "",
        ];
        for text in texts {
            let engine = Engine::new(&[("own.cedar", text)], true).unwrap();
            let entry = entry();
            for minute in [0, 1, 2, 1440, 1, 2, 0] {
                for address in ["127.0.0.1", "192.0.2.1"] {
                    let known = asked(&engine, address, minute);
                    let whole = Asked {
                        address: address.parse().ok(),
                        moment: Some(Moment::of(UnixMillis(minute * 60_000))),
                        ..known.clone()
                    };
                    let remembered = entry.decision(known, |asked| engine.decide(&question(&entry, asked)));
                    assert_eq!(
                        *remembered,
                        engine.decide(&question(&entry, &whole)),
                        "{text} {minute} {address}"
                    );
                }
            }
        }
    }

    /// And what no policy reads costs no place in the memory.
    #[test]
    fn time_and_address_that_nothing_reads_are_not_asked_about_again() {
        let engine = Engine::new(&[], true).unwrap();
        let (entry, asked_for) = (entry(), AtomicU32::new(0));
        for minute in 0..10 {
            entry.decision(asked(&engine, "192.0.2.1", minute), |asked| {
                asked_for.fetch_add(1, Ordering::Relaxed);
                engine.decide(&question(&entry, asked))
            });
        }
        assert_eq!(asked_for.into_inner(), 1);
    }
}
