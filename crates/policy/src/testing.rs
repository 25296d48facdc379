//! Policy tests as data: a question and the answer it must get. `bartizan check` runs an operator's,
//! our own suite runs ours, both through here.
// threat: ANP-B0001

use std::net::IpAddr;
use std::sync::Arc;

use credential::{KeyRecord, KeyState, Limits, ModelAccess};
use domain::{KeyId, Operation, Principal, PrincipalKind, ProjectId, TeamId, TenantId, UnixMillis};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::clip;
use crate::{Decision, Engine, Moment, Posture, Question};

/// One test that did not get the answer it expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFailure {
    /// The test's name; `(file)` when the file itself is at fault.
    pub name: String,
    /// What was expected and what came.
    pub reason: String,
}

/// A file of tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<T> {
    tests: Vec<T>,
}

/// One question and what must be answered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: String,
    key: Key,
    operation: Operation,
    #[serde(default)]
    model: Option<String>,
    /// The tenant that has the model; the key's own when left out.
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    tools: bool,
    #[serde(default)]
    images: bool,
    #[serde(default)]
    address: Option<IpAddr>,
    /// Production, when left out.
    #[serde(default = "production")]
    posture: Posture,
    /// 1 for Monday to 7 for Sunday; Monday when left out.
    #[serde(default = "weekday")]
    utc_weekday: i64,
    /// Minutes since midnight; noon when left out.
    #[serde(default = "minute")]
    utc_minute: i64,
    expect: Expect,
    /// The policies that must have decided; not looked at when left out.
    #[serde(default)]
    policies: Option<Vec<String>>,
    /// What must be told to the caller; not looked at when left out.
    #[serde(default)]
    reason: Option<String>,
}

/// The key that asks. Names stand for ids; where a policy names an id, write the id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    tenant: String,
    team: String,
    #[serde(default)]
    project: Option<String>,
    #[serde(default = "unnamed")]
    name: String,
    #[serde(default)]
    models: Models,
    #[serde(default)]
    operations: Vec<Operation>,
}

/// `"all"` or a list; an empty list, like none, means none.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Models {
    All(All),
    Listed(Vec<String>),
}

/// The one word beside a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum All {
    All,
}

impl Default for Models {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

/// What must be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Yes.
    Permit,
    /// No.
    Deny,
}

/// Runs the tests of one JSON file. An empty answer means that all passed; a file that cannot be read,
/// or that tests nothing, is a failure too.
pub fn run_tests(engine: &Engine, json: &str) -> Vec<TestFailure> {
    run_file(json, |test: &Test| test.run(engine))
}

/// Runs each test of a file, whatever kind of tests it holds.
pub fn run_file<T: DeserializeOwned>(
    json: &str,
    run: impl Fn(&T) -> Option<TestFailure>,
) -> Vec<TestFailure> {
    let at_file = |reason: String| {
        vec![TestFailure {
            name: "(file)".to_owned(),
            reason,
        }]
    };
    match serde_json::from_str::<File<T>>(json) {
        Ok(file) if file.tests.is_empty() => at_file("holds no tests".to_owned()),
        Ok(file) => file.tests.iter().filter_map(run).collect(),
        Err(error) => at_file(clip(&error.to_string(), 200)),
    }
}

impl Test {
    fn run(&self, engine: &Engine) -> Option<TestFailure> {
        let record = self.key.record();
        let principal = principal(&record);
        let decision = engine.decide(&Question {
            principal: &principal,
            key: &record,
            tenant_name: &self.key.tenant,
            team_name: &self.key.team,
            operation: self.operation,
            model: self.model.as_deref(),
            owner: self.owner.as_deref().map_or(record.tenant, tenant),
            provider: self.provider.as_deref(),
            stream: self.stream,
            tools: self.tools,
            images: self.images,
            address: self.address,
            posture: self.posture,
            moment: Moment {
                weekday: self.utc_weekday,
                minute: self.utc_minute,
            },
        });
        let told = decision.reason.as_deref().unwrap_or_default();
        let untold = self.reason.as_deref().filter(|expected| *expected != told);
        let untold = untold.map(|expected| format!("expected the reason `{expected}`, got `{told}`"));
        let reason = objection(self.expect, self.policies.as_deref(), &decision).or(untold)?;
        Some(TestFailure::of(&self.name, reason))
    }
}

impl TestFailure {
    /// The test of that name failed.
    pub(crate) fn of(name: &str, reason: String) -> Self {
        Self {
            name: clip(name, 120),
            reason,
        }
    }
}

/// What is wrong with the answer, if anything. The policies are not looked at when none are given.
pub fn objection(expect: Expect, policies: Option<&[String]>, decision: &Decision) -> Option<String> {
    if decision.permit != (expect == Expect::Permit) {
        return Some(format!("expected {}, got {}", expect.word(), describe(decision)));
    }
    let mut expected = policies?.to_vec();
    expected.sort();
    let listed = expected.join(", ");
    (expected != decision.policies).then(|| {
        format!(
            "expected {} by [{listed}], got {}",
            expect.word(),
            describe(decision)
        )
    })
}

impl Expect {
    const fn word(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
        }
    }
}

impl Key {
    fn record(&self) -> KeyRecord {
        KeyRecord {
            id: id(KeyId::PREFIX, &self.name, KeyId::from_u128),
            tenant: tenant(&self.tenant),
            team: id(TeamId::PREFIX, &self.team, TeamId::from_u128),
            project: self
                .project
                .as_deref()
                .map(|name| id(ProjectId::PREFIX, name, ProjectId::from_u128)),
            owner: None,
            name: self.name.clone(),
            digest: [0; 32],
            hint: String::new(),
            predecessor: None,
            state: KeyState::Active,
            created: UnixMillis(0),
            expires: None,
            models: self.models(),
            operations: self.operations.clone(),
            networks: Vec::new(),
            limits: Limits::default(),
            signing_key: None,
            bindings: Vec::new(),
            honey: false,
            suspended: None,
        }
    }

    fn models(&self) -> ModelAccess {
        match &self.models {
            Models::All(All::All) => ModelAccess::All,
            Models::Listed(names) if names.is_empty() => ModelAccess::None,
            Models::Listed(names) => ModelAccess::Some(names.clone()),
        }
    }
}

fn principal(record: &KeyRecord) -> Principal {
    Principal {
        tenant: record.tenant,
        team: record.team,
        project: record.project,
        key: record.id,
        kind: PrincipalKind::VirtualKey,
        name: Arc::from(record.name.as_str()),
    }
}

/// The tenant that `name` stands for.
pub fn tenant(name: &str) -> TenantId {
    id(TenantId::PREFIX, name, TenantId::from_u128)
}

/// The id that `name` is, or one that stands for it: the same name, the same id.
pub fn id<T: std::str::FromStr>(prefix: &str, name: &str, make: fn(u128) -> T) -> T {
    name.parse().unwrap_or_else(|_| {
        let digest = blake3::hash(format!("{prefix}/{name}").as_bytes());
        let bits = digest.as_bytes().first_chunk::<16>().copied().unwrap_or_default();
        make(u128::from_be_bytes(bits))
    })
}

fn describe(decision: &Decision) -> String {
    let word = if decision.permit { "permit" } else { "deny" };
    let by = decision.policies.join(", ");
    let error = decision
        .error
        .as_deref()
        .map(|error| format!(" ({error})"))
        .unwrap_or_default();
    format!("{word} by [{by}]{error}")
}

const fn production() -> Posture {
    Posture::Production
}

const fn weekday() -> i64 {
    Moment::ANY.weekday
}

const fn minute() -> i64 {
    Moment::ANY.minute
}

fn unnamed() -> String {
    "key".to_owned()
}
