//! The port of the control plane: changes that are made together with the record of who made them, and the
//! documents that the data plane does not answer from memory.

use async_trait::async_trait;
use credential::KeyRecord;
use domain::{AuditId, BudgetId, TenantId, TenantScope, UnixMillis};
use ledger::{AuditRecord, Budget};
use serde::{Deserialize, Serialize};

use crate::{StoreError, Team, Tenant};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What kind of document a record holds. What is in it, the control plane knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum RecordKind {
            $($(#[$doc])* $name,)*
        }

        impl RecordKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name in a column.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// A workload; its parent is a team.
    Project = "project";
    /// A person; its name is the e-mail address.
    User = "user";
    /// How a person signs in: hashes and sealed secrets. Its id is the user's.
    Login = "login";
    /// A service account; its parent is a team.
    Service = "service";
    /// A role given; its parent is who has it.
    Grant = "grant";
    /// A session; its parent is the user, its name the hex digest of its token, which no two tenants share.
    Session = "session";
    /// What a service account shows; its parent is the account, its name the hex digest of its text, which no
    /// two tenants share.
    ServiceToken = "service_token";
    /// An answer to a request that may come again, or what may not: its id is the digest of either.
    Replay = "replay";
    /// An act that waits for a second person; its parent is who wants to act.
    Approval = "approval";
    /// A time in which somebody acts without a second person; its parent is who.
    BreakGlass = "break_glass";
    /// The key that a tenant's content is sealed under, itself sealed; one a tenant.
    ContentKey = "content_key";
    /// The end of a tenant: how far it has come, and the certificate of it; one a tenant.
    Offboarding = "offboarding";
    /// What has been told of a tenant's credentials; one a tenant.
    Findings = "findings";
    /// A version of policies; the platform's own. Never changed once it is there.
    PolicyVersion = "policy_version";
    /// Which versions are in force; the platform's own. Data planes hear of every change.
    PolicyStanding = "policy_standing";
    /// How a tenant's people sign in by single sign-on: one a tenant, its secret sealed.
    Sso = "sso";
    /// Whom an identity provider means: its id is a digest of what the provider says, its parent the user.
    Link = "link";
    /// The token with which a tenant's people are provisioned from outside, hashed: one a tenant.
    Scim = "scim";
    /// A group that is provisioned from outside; its name is what the provider calls it.
    Group = "group";
    /// A provider credential, its values sealed; the platform's. Its id is its name.
    Credential = "credential";
    /// The instance's root secret, sealed under its master keys; the platform's.
    Root = "root";
    /// One key that signs the logs after another: the signed statement, how every log stood, and the new key, sealed; the
    /// platform's. Its id is its number.
    Succession = "succession";
    /// How far the push of a tenant's audit log to a sink has come; its id is the sink's name.
    Delivery = "delivery";
    /// Who bears which cost; one a tenant.
    ChargebackRules = "chargeback_rules";
    /// A final statement of who bears which cost; its id is its number. Never changed once it is there.
    ChargebackStatement = "chargeback_statement";
    /// What a tenant is charged, by its newest sheet: the platform's, and its id is the tenant's.
    PriceSheet = "price_sheet";
    /// A version of what a tenant is charged; the platform's. Its parent is the tenant. Never changed once it is there.
    PriceSheetVersion = "price_sheet_version";
    /// How a tenant guards its own calls beyond the instance: its newest document. Data planes answer by it.
    TenantGuards = "tenant_guards";
    /// A version of how a tenant guards its own calls. Never changed once it is there.
    TenantGuardsVersion = "tenant_guards_version";
    /// Where a tenant lets the content of its calls go: its newest document. Data planes answer by it.
    Consents = "consents";
    /// A version of where a tenant lets the content of its calls go. Never changed once it is there.
    ConsentsVersion = "consents_version";
    /// A text that a tenant's calls put into prompts: its newest version, under its name. Data planes answer by it.
    Sample = "sample";
    /// A version of such a text; its parent is the sample. Never changed once it is there.
    SampleVersion = "sample_version";
    /// A prompt template of a tenant's: which versions there are, and how far each has come. Its id is its name.
    Prompt = "prompt";
    /// A version of a prompt template; its parent is the prompt. Never changed once it is there.
    PromptVersion = "prompt_version";
    /// The published versions of a prompt template. Data planes answer by them.
    PromptInUse = "prompt_in_use";
    /// What was told of a tenant once in a while: its id is the act, or `spend` of the daily look.
    Told = "told";
    /// An audit record that a sink did not take and that was given up; its parent is the sink.
    DeadLetter = "dead_letter";
    /// A report that was delivered by itself, or given up; its parent is the schedule.
    Exported = "exported";
    /// Somebody whom a tenant has told of its own acts; its secrets are sealed. Nodes hear of every change.
    OwnSink = "own_sink";
    /// A report that a tenant has delivered, and where to; its secrets are sealed. Nodes hear of every change.
    OwnSchedule = "own_schedule";
    /// What a provider billed beside what the ledger has. Never changed once it is there.
    Reconciliation = "reconciliation";
    /// How a key is usually used; its id is the key's.
    Habit = "habit";
    /// The keys of the tokens that own backends know the gate by, sealed; the platform's own, and one.
    IdentityKeys = "identity_keys";
    /// Heads of one of a tenant's logs that witnesses cosigned; its id is the log.
    Cosigned = "cosigned";
    /// How a witness stands, and which node asks it; the platform's own. Its id is the witness's name.
    Witness = "witness";
}

impl RecordKind {
    /// Whether it is found by its name before a tenant is known: no two tenants share one.
    pub const fn is_bearer(self) -> bool {
        matches!(self, Self::Session | Self::ServiceToken)
    }

    /// Whether it is a tenant's own document that data planes answer by: [`crate::Directory::documents`] has all tenants'.
    pub const fn is_answered_by(self) -> bool {
        matches!(
            self,
            Self::TenantGuards | Self::Consents | Self::Sample | Self::PromptInUse
        )
    }
}

/// A document of one tenant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is.
    pub kind: RecordKind,
    /// Its id; unique within its kind and tenant.
    pub id: String,
    /// What it belongs to, where its kind says so.
    pub parent: Option<String>,
    /// A name that is unique within its kind and tenant, where its kind has one.
    pub name: Option<String>,
    /// When it was made.
    pub created: UnixMillis,
    /// JSON.
    pub document: String,
}

/// One change. Those that name a `before` are made only if it is still so: `Conflict` otherwise, `NotFound`
/// if it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds a tenant. `Conflict` if its id or name is taken.
    CreateTenant(Tenant),
    /// Replaces a tenant.
    ReplaceTenant {
        /// As it must still be.
        before: Tenant,
        /// As it shall be; with the same id.
        after: Tenant,
    },
    /// Adds a team. `Conflict` if its id or name is taken.
    CreateTeam(Team),
    /// Replaces a team.
    ReplaceTeam {
        /// As it must still be.
        before: Team,
        /// As it shall be; with the same id.
        after: Team,
    },
    /// Adds a key. `Conflict` if its id, its digest or one of its bindings is taken; `NotFound` if its team is not the tenant's.
    CreateKey(Box<KeyRecord>),
    /// Replaces a key.
    ReplaceKey {
        /// As it must still be.
        before: Box<KeyRecord>,
        /// As it shall be; with the same id.
        after: Box<KeyRecord>,
    },
    /// Adds a budget, or replaces the limit and name of the one with that id; what it limits and over what
    /// time never change. `NotFound` if the tenant is not there, `Conflict` if the id is another's.
    PutBudget(Budget),
    /// Replaces a budget's limit, name and terms, but for which calls it counts and in which unit.
    ReplaceBudget {
        /// As it must still be.
        before: Box<Budget>,
        /// As it shall be; limiting the same over the same time.
        after: Box<Budget>,
    },
    /// Removes a budget; its leases end with it. `NotFound` if there is none.
    DeleteBudget(BudgetId),
    /// Marks of a budget are told from now on. `Conflict` unless those up to `before` were the last, so that each is
    /// told once, whoever tells.
    TellMarks {
        /// The budget.
        budget: BudgetId,
        /// The window.
        window_start: UnixMillis,
        /// The highest mark that must still be told; 0 is none.
        before: u8,
        /// The highest that shall be.
        after: u8,
    },
    /// Adds a record. `Conflict` if its id or name is taken.
    Create(Record),
    /// Replaces a record.
    Replace {
        /// As it must still be.
        before: Record,
        /// As it shall be; with the same kind and id.
        after: Record,
    },
    /// Removes a record that is still so.
    Remove(Record),
    /// The key that signs the logs is another from now on. `Superseded` unless it is of this epoch and held by this one.
    /// The platform's to make.
    NextEpoch {
        /// The epoch that ends.
        epoch: u64,
        /// Who holds it: [`crate::Hold::by`].
        by: String,
    },
    /// Removes what all audit records from `from` up to but not including `below` said; their hashes stay where they
    /// were. `Conflict` unless `from` is the first whose content is there, and so are all of them; and without an
    /// audit record of it in the same commit.
    RemoveAudits {
        /// The first whose content is there.
        from: u64,
        /// One past the last that goes.
        below: u64,
    },
    /// Removes what all entries from `from` up to but not including `below` said; their hashes stay. `Conflict` unless
    /// `from` is the first whose content is there and all of them are in the roll-ups; and without an audit record of it in
    /// the same commit.
    RemoveEntries {
        /// The first whose content is there.
        from: u64,
        /// One past the last that goes.
        below: u64,
        /// All of them ended before.
        until: UnixMillis,
    },
}

impl Change {
    /// Whether data planes must hear of it.
    pub const fn is_of_directory(&self) -> bool {
        match self {
            Self::Create(record) | Self::Remove(record) | Self::Replace { after: record, .. } => {
                record.kind.is_answered_by()
                    || matches!(
                        record.kind,
                        RecordKind::PolicyStanding | RecordKind::OwnSink | RecordKind::OwnSchedule
                    )
            }
            Self::NextEpoch { .. }
            | Self::RemoveAudits { .. }
            | Self::RemoveEntries { .. }
            | Self::TellMarks { .. } => false,
            _ => true,
        }
    }
}

/// An audit record on its way into a tenant's log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// The record.
    pub record: AuditRecord,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
}

impl From<AuditRecord> for AuditEntry {
    fn from(record: AuditRecord) -> Self {
        Self {
            bytes: record.to_bytes(),
            record,
        }
    }
}

/// An audit record in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAudit {
    /// Its place in the tenant's audit log, from 0.
    pub index: u64,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
}

/// Which audit records, newest first. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Below this index: where the page before ended.
    pub before: Option<u64>,
    /// At or after.
    pub from: Option<UnixMillis>,
    /// Before.
    pub until: Option<UnixMillis>,
    /// Of this act.
    pub act: Option<String>,
    /// By the user or service with this id.
    pub actor: Option<String>,
    /// Done to this id.
    pub target: Option<String>,
    /// At most so many.
    pub count: u64,
}

/// Which records of a kind, in the order of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordQuery<'a> {
    /// What kind.
    pub kind: RecordKind,
    /// Only what belongs to this.
    pub parent: Option<&'a str>,
    /// After this id: where the page before ended.
    pub after: Option<&'a str>,
    /// At most so many.
    pub count: u64,
}

/// What records are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// When they were made; those of one moment by their ids.
    Created,
    /// Their names, by bytes; those without one are left out.
    Name,
}

/// Where a page of sorted records ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// When its last one was made.
    pub created: UnixMillis,
    /// That one's name.
    pub name: &'a str,
    /// And its id.
    pub id: &'a str,
}

/// Which records of a kind, in another order than that of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortedQuery<'a> {
    /// What kind.
    pub kind: RecordKind,
    /// Only what belongs to this.
    pub parent: Option<&'a str>,
    /// By what.
    pub sort: Sort,
    /// From the last to the first.
    pub descending: bool,
    /// After this, in this order.
    pub after: Option<Place<'a>>,
    /// At most so many.
    pub count: u64,
}

/// Which of a tenant's two Merkle logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogKind {
    /// Calls and what they cost.
    Ledger,
    /// Who did what on the control plane.
    Audit,
}

impl LogKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ledger, Self::Audit];

    /// Its name in a column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Audit => "audit",
        }
    }
}

/// Changes, documents and audit logs.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Makes all changes and appends the audit record to the scope's audit log, or does nothing at all.
    ///
    /// Everything in `changes` must be the scope's own; in the platform's scope tenants may be made and
    /// changed as well. Without `audit` only for what is nobody's act: a first start, a session's last use,
    /// tests.
    async fn commit(
        &self,
        scope: &TenantScope,
        changes: &[Change],
        audit: Option<&AuditEntry>,
    ) -> Result<(), StoreError> {
        self.commit_all(scope, changes, audit.map_or(&[], std::slice::from_ref))
            .await
    }
    /// [`Registry::commit`] for several acts at once: each has its record, in this order, or none is done.
    async fn commit_all(
        &self,
        scope: &TenantScope,
        changes: &[Change],
        audits: &[AuditEntry],
    ) -> Result<(), StoreError>;
    /// The record of that id.
    async fn record(&self, scope: &TenantScope, kind: RecordKind, id: &str) -> Result<Record, StoreError>;
    /// The record of that name.
    async fn record_named(
        &self,
        scope: &TenantScope,
        kind: RecordKind,
        name: &str,
    ) -> Result<Record, StoreError>;
    /// Records in the order of their ids.
    async fn records(&self, scope: &TenantScope, query: &RecordQuery<'_>) -> Result<Vec<Record>, StoreError>;
    /// Records in another order. What was there before a page was asked for and is not changed is on one page exactly,
    /// whatever is added or removed between pages.
    async fn records_sorted(
        &self,
        scope: &TenantScope,
        query: &SortedQuery<'_>,
    ) -> Result<Vec<Record>, StoreError>;
    /// The record whose name is `digest`, and its tenant: what is asked before a tenant is known. Only of
    /// kinds that are found so ([`RecordKind::is_bearer`]): `NotFound` for others.
    async fn bearer(&self, kind: RecordKind, digest: &str) -> Result<(TenantId, Record), StoreError>;
    /// The session of that digest, and its tenant.
    async fn session(&self, digest: &str) -> Result<(TenantId, Record), StoreError> {
        self.bearer(RecordKind::Session, digest).await
    }
    /// Removes all records of the kind that were made before `until`, whatever their tenant. Returns how many.
    /// `Conflict` for kinds that do not come and go by themselves: see [`crate::may_be_swept`].
    async fn sweep(&self, kind: RecordKind, until: UnixMillis) -> Result<u64, StoreError>;
    /// Audit records, newest first.
    async fn audit(&self, scope: &TenantScope, query: &AuditQuery) -> Result<Vec<StoredAudit>, StoreError>;
    /// The index of the first audit record whose content is there: what is before it was removed, and the hashes of
    /// that are all that is left.
    async fn audits_kept_from(&self, scope: &TenantScope) -> Result<u64, StoreError>;
    /// The audit record of that id.
    async fn audit_record(&self, scope: &TenantScope, id: AuditId) -> Result<StoredAudit, StoreError>;

    /// [`Change::CreateTenant`], alone.
    async fn create_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let scope = TenantScope::operator(tenant.id);
        self.commit(&scope, &[Change::CreateTenant(tenant.clone())], None)
            .await
    }
    /// [`Change::CreateTeam`], alone.
    async fn create_team(&self, scope: &TenantScope, team: &Team) -> Result<(), StoreError> {
        self.commit(scope, &[Change::CreateTeam(team.clone())], None)
            .await
    }
    /// [`Change::CreateKey`], alone.
    async fn create_key(&self, scope: &TenantScope, key: &KeyRecord) -> Result<(), StoreError> {
        self.commit(scope, &[Change::CreateKey(Box::new(key.clone()))], None)
            .await
    }
    /// [`Change::ReplaceKey`], alone.
    async fn replace_key(
        &self,
        scope: &TenantScope,
        before: &KeyRecord,
        after: &KeyRecord,
    ) -> Result<(), StoreError> {
        let change = Change::ReplaceKey {
            before: Box::new(before.clone()),
            after: Box::new(after.clone()),
        };
        self.commit(scope, &[change], None).await
    }
    /// [`Change::PutBudget`], alone.
    async fn put_budget(&self, scope: &TenantScope, budget: &Budget) -> Result<(), StoreError> {
        self.commit(scope, &[Change::PutBudget(budget.clone())], None)
            .await
    }
    /// [`Change::DeleteBudget`], alone.
    async fn delete_budget(&self, scope: &TenantScope, budget: BudgetId) -> Result<(), StoreError> {
        self.commit(scope, &[Change::DeleteBudget(budget)], None).await
    }
}
