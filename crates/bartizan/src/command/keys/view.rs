//! Keys as people and programs see them: never a digest, and the secret only of a key just made.

use std::io::{self, Write};

use credential::{Binding, KeyRecord, KeyState, Limits, Marks, ModelAccess, PublicKey};
use domain::{BudgetId, KeyId, Money, Operation, Secret, TeamId, TenantId, UnixMillis};
use ipnet::IpNet;
use ledger::{Budget, BudgetScope};
use serde::Serialize;

use crate::command::arguments::{limit_of, rfc3339, when, window_name};
use crate::command::find::Names;
use crate::command::show::{Show, Shown, finish};
use crate::command::table::{Column, Table, facts};
use crate::failure::Failure;

/// Whether a key may be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Active,
    Suspended,
    Revoked,
    Expired,
}

impl State {
    fn of(key: &KeyRecord, now: UnixMillis) -> Self {
        match key.state {
            KeyState::Revoked => Self::Revoked,
            KeyState::Active if key.expires.is_some_and(|end| end <= now) => Self::Expired,
            KeyState::Active if key.suspended.is_some() => Self::Suspended,
            KeyState::Active => Self::Active,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// `"all"`, or a list; an empty list is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Models {
    All(&'static str),
    Listed(Vec<String>),
}

impl Models {
    fn of(access: &ModelAccess) -> Self {
        match access {
            ModelAccess::All => Self::All("all"),
            ModelAccess::None => Self::Listed(Vec::new()),
            ModelAccess::Some(names) => Self::Listed(names.clone()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::All(all) => (*all).to_owned(),
            Self::Listed(names) if names.is_empty() => "none".to_owned(),
            Self::Listed(names) => names.join(", "),
        }
    }
}

#[derive(Debug, Serialize)]
struct OwnBudget {
    id: BudgetId,
    name: String,
    limit_nanos: i64,
    window: &'static str,
    #[serde(skip)]
    text: String,
}

impl OwnBudget {
    fn of(budget: &Budget) -> Self {
        Self {
            id: budget.id,
            name: budget.name.clone(),
            limit_nanos: budget.limit.nanos(),
            window: window_name(budget.window),
            text: format!("{} ({})", limit_of(budget.limit, budget.window), budget.id),
        }
    }
}

/// Why a key does not work for the time being.
#[derive(Debug, Serialize)]
struct Suspended {
    since: Option<String>,
    why: String,
}

/// A key without its secret.
#[derive(Debug, Serialize)]
pub struct KeyView {
    id: KeyId,
    name: String,
    hint: String,
    tenant: String,
    tenant_id: TenantId,
    team: String,
    team_id: TeamId,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended: Option<Suspended>,
    created: Option<String>,
    expires: Option<String>,
    /// Until when the secret before the last rotation still works.
    predecessor_valid_until: Option<String>,
    models: Models,
    operations: Vec<Operation>,
    networks: Vec<IpNet>,
    limits: Limits,
    /// What policies are told of it.
    #[serde(flatten)]
    marks: Marks,
    /// What must sign every call, as a JWK.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_key: Option<PublicKey>,
    /// Other credentials that stand for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bindings: Vec<Binding>,
    /// It opens nothing, and its use raises an alarm.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    honey: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    receipts: bool,
    budgets: Vec<OwnBudget>,
}

impl KeyView {
    /// The key as it is at `now`.
    pub fn new(key: &KeyRecord, names: &Names, now: UnixMillis) -> Self {
        let own = names
            .all()
            .budgets
            .iter()
            .filter(|budget| budget.scope == BudgetScope::Key(key.id));
        let predecessor = key.predecessor.filter(|old| old.valid_until > now);
        Self {
            id: key.id,
            name: key.name.clone(),
            hint: key.hint.clone(),
            tenant: names.tenant_name(key.tenant),
            tenant_id: key.tenant,
            team: names.team_name(key.team),
            team_id: key.team,
            state: State::of(key, now),
            suspended: key.suspended.as_ref().map(|it| Suspended {
                since: rfc3339(it.since),
                why: it.why.clone(),
            }),
            created: rfc3339(key.created),
            expires: key.expires.and_then(rfc3339),
            predecessor_valid_until: predecessor.and_then(|old| rfc3339(old.valid_until)),
            models: Models::of(&key.models),
            operations: key.operations.clone(),
            networks: key.networks.clone(),
            limits: key.limits,
            marks: key.marks.clone(),
            signing_key: key.signing_key.clone(),
            bindings: key.bindings.clone(),
            honey: key.honey,
            receipts: key.receipts,
            budgets: own.map(OwnBudget::of).collect(),
        }
    }

    /// The same with a budget made together with it.
    pub fn with_budget(mut self, budget: Option<&Budget>) -> Self {
        self.budgets.extend(budget.map(OwnBudget::of));
        self
    }

    fn state_and_why(&self) -> String {
        let state = self.state.as_str();
        match &self.suspended {
            Some(it) => format!("{state} ({})", it.why),
            None => state.to_owned(),
        }
    }

    fn limits(&self) -> String {
        let Limits {
            requests_per_minute,
            tokens_per_minute,
            concurrent_requests,
            concurrent_streams,
            request_cost_nanos_max,
        } = self.limits;
        let all = [
            (requests_per_minute, "requests a minute"),
            (tokens_per_minute, "tokens a minute"),
            (concurrent_requests, "requests at once"),
            (concurrent_streams, "streams at once"),
        ];
        let set = all
            .iter()
            .filter_map(|(limit, what)| limit.map(|limit| format!("{limit} {what}")));
        let cost = request_cost_nanos_max.map(|nanos| {
            let cost = Money::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX));
            format!("${cost} a request")
        });
        or_none(&set.chain(cost).collect::<Vec<_>>(), "none")
    }
}

impl Shown for KeyView {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}  {}", self.id, self.name)?;
        let operations: Vec<_> = self
            .operations
            .iter()
            .map(|operation| operation.as_str())
            .collect();
        let budgets: Vec<_> = self.budgets.iter().map(|budget| budget.text.as_str()).collect();
        let mut lines = vec![
            ("hint", self.hint.clone()),
            ("state", self.state_and_why()),
            ("of", format!("team {} of tenant {}", self.team, self.tenant)),
            ("models", self.models.text()),
            ("operations", or_none(&operations, "none")),
            ("networks", or_none(&self.networks, "any")),
            ("limits", self.limits()),
            ("budgets", or_none(&budgets, "none of its own")),
            ("created", self.created.clone().unwrap_or_default()),
            (
                "expires",
                self.expires.clone().unwrap_or_else(|| "never".to_owned()),
            ),
        ];
        if !self.marks.tags.is_empty() {
            lines.push(("tags", self.marks.tags.join(", ")));
        }
        if let Some(class) = self.marks.data_class {
            lines.push(("data class", class.to_string()));
        }
        if let Some(key) = &self.signing_key {
            lines.push(("signed with", key.to_string()));
        }
        if !self.bindings.is_empty() {
            lines.push(("also", or_none(&self.bindings, "")));
        }
        if self.honey {
            lines.push(("honey", "opens nothing; its use raises an alarm".to_owned()));
        }
        if self.receipts {
            lines.push(("receipts", "its answers are signed".to_owned()));
        }
        if let Some(until) = &self.predecessor_valid_until {
            lines.push(("old secret", format!("works until {until}")));
        }
        facts(out, &lines)
    }
}

/// All keys.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct KeyList(pub Vec<KeyView>);

impl Shown for KeyList {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(out, "no keys; `bartizan keys create --name …` makes one");
        }
        let columns = ["name", "hint", "team", "state", "models", "expires", "id"].map(Column::Text);
        let mut table = Table::new(&columns);
        for key in &self.0 {
            let expires = key
                .expires
                .as_deref()
                .and_then(|text| text.parse::<jiff::Timestamp>().ok());
            let expires = expires.map(|time| when(UnixMillis(time.as_millisecond())));
            table.row([
                key.name.clone(),
                key.hint.clone(),
                format!("{}/{}", key.tenant, key.team),
                key.state_and_why(),
                key.models.text(),
                expires.unwrap_or_else(|| "never".to_owned()),
                key.id.to_string(),
            ]);
        }
        table.write(out)
    }
}

/// A key with its secret, in the one moment that it can be shown.
#[derive(Debug)]
pub struct NewKey {
    secret: Secret,
    view: KeyView,
}

/// The only place where a secret is written down: on the operator's own screen.
#[derive(Serialize)]
struct Revealed<'a> {
    key: &'a str,
    #[serde(flatten)]
    view: &'a KeyView,
}

impl Shown for Revealed<'_> {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.view.text(out)?;
        writeln!(
            out,
            "\n{}\n\nThis is the key. It is shown this once: keep it where secrets are kept.",
            self.key
        )
    }
}

impl NewKey {
    /// The secret and what it belongs to.
    pub const fn new(secret: Secret, view: KeyView) -> Self {
        Self { secret, view }
    }

    /// Shows it.
    // threat: CTX-T3
    pub fn say(&self, only_key: bool, show: Show) -> Result<(), Failure> {
        if only_key {
            let mut out = io::stdout().lock();
            return finish(writeln!(out, "{}", self.secret.expose()).and_then(|()| out.flush()));
        }
        show.say(&Revealed {
            key: self.secret.expose(),
            view: &self.view,
        })
    }
}

fn or_none(all: &[impl ToString], none: &str) -> String {
    if all.is_empty() {
        return none.to_owned();
    }
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use credential::Predecessor;
    use store::{DirectoryDump, MemoryStore};

    fn key() -> KeyRecord {
        KeyRecord {
            signing_key: None,
            bindings: Vec::new(),
            honey: false,
            receipts: false,
            suspended: None,
            marks: Marks::default(),
            id: KeyId::from_u128(1),
            tenant: TenantId::from_u128(2),
            team: TeamId::from_u128(3),
            project: None,
            owner: None,
            name: "ci".to_owned(),
            digest: [0xAB; 32],
            hint: "btz_3fQ9…".to_owned(),
            predecessor: Some(Predecessor {
                digest: [0xCD; 32],
                valid_until: UnixMillis(2_000),
            }),
            state: KeyState::Active,
            created: UnixMillis(0),
            expires: Some(UnixMillis(5_000)),
            models: ModelAccess::Some(vec!["gpt-4o".to_owned()]),
            operations: vec![Operation::Chat],
            networks: Vec::new(),
            limits: Limits {
                requests_per_minute: Some(60),
                ..Limits::default()
            },
        }
    }

    async fn names() -> Names {
        let names = Names::read(&MemoryStore::default()).await.unwrap();
        assert_eq!(
            names.all(),
            &DirectoryDump {
                revision: names.all().revision,
                ..DirectoryDump::default()
            }
        );
        names
    }

    fn said(what: &impl Shown, json: bool) -> String {
        let mut out = Vec::new();
        Show::new(json).write(what, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[tokio::test]
    async fn agp_i1_a_key_is_shown_without_digests() {
        let view = KeyView::new(&key(), &names().await, UnixMillis(1_000));
        for text in [
            said(&view, false),
            said(&view, true),
            said(&KeyList(vec![view]), false),
        ] {
            let lower = text.to_lowercase();
            assert!(
                !lower.contains("abab") && !lower.contains("cdcd") && !lower.contains("171"),
                "{text}"
            );
            assert!(text.contains("btz_3fQ9…"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_key_is_shown_as_reviewed() {
        let names = names().await;
        insta::assert_snapshot!(said(&KeyView::new(&key(), &names, UnixMillis(1_000)), false));
        insta::assert_snapshot!(said(&KeyView::new(&key(), &names, UnixMillis(1_000)), true));
    }

    #[tokio::test]
    async fn state_and_grace_depend_on_the_time() {
        let names = names().await;
        let at = |key: &KeyRecord, now| KeyView::new(key, &names, UnixMillis(now));
        assert_eq!(at(&key(), 4_999).state, State::Active);
        assert_eq!(at(&key(), 5_000).state, State::Expired);
        assert_eq!(at(&key().revoke(), 0).state, State::Revoked);
        assert!(at(&key(), 1_999).predecessor_valid_until.is_some());
        assert!(at(&key(), 2_000).predecessor_valid_until.is_none());
    }

    #[tokio::test]
    async fn a_new_key_is_revealed_in_both_forms() {
        let view = KeyView::new(&key(), &names().await, UnixMillis(0));
        let revealed = Revealed {
            key: "btz_secret",
            view: &view,
        };
        assert!(said(&revealed, false).contains("\nbtz_secret\n"));
        let json: serde_json::Value = serde_json::from_str(&said(&revealed, true)).unwrap();
        assert_eq!(
            (json["key"].as_str(), json["name"].as_str()),
            (Some("btz_secret"), Some("ci"))
        );
    }
}
