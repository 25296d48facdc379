//! Policy tests as data: a question and the answer it must get. `bartizan check` runs an operator's,
//! our own suite runs ours, both through here.
// threat: ANP-B0001

use std::net::IpAddr;
use std::sync::Arc;

use credential::{KeyRecord, KeyState, Limits, Marks, ModelAccess, NotTags};
use domain::{
    DataClass, KeyId, Operation, Principal, PrincipalKind, ProjectId, TeamId, TenantId, UnixMillis,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::clip;
use crate::{Decision, Engine, Moment, Place, Posture, Question, Thing};

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
    /// Of a call, and of sending one; what is asked of other things, the thing says.
    #[serde(default)]
    operation: Option<Operation>,
    /// Where the call would be sent: asks `send`.
    #[serde(default)]
    target: Option<Target>,
    /// A server of tools: asks `list_tools`, or `call_tool` where `tool` names one of them.
    #[serde(default)]
    server: Option<String>,
    #[serde(default)]
    tool: Option<String>,
    /// Another agent: asks `send_message`.
    #[serde(default)]
    agent: Option<String>,
    /// A prompt template: asks `use_template`.
    #[serde(default)]
    template: Option<String>,
    /// What the caller says that the call carries.
    #[serde(default)]
    data_class: Option<DataClass>,
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
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    data_class: Option<DataClass>,
}

/// A target, as the configuration describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    provider: String,
    model: String,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    self_hosted: bool,
}

impl Target {
    fn place(&self) -> Place {
        Place {
            provider: Arc::from(self.provider.as_str()),
            model: self.model.clone(),
            region: self.region.clone(),
            self_hosted: self.self_hosted,
        }
    }
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
        self.objection(engine)
            .map(|reason| TestFailure::of(&self.name, reason))
    }

    /// What is wrong with the answer, or with the question.
    fn objection(&self, engine: &Engine) -> Option<String> {
        let place = self.target.as_ref().map(Target::place);
        let thing = match self.thing(place.as_ref()) {
            Ok(thing) => thing,
            Err(reason) => return Some(reason.to_owned()),
        };
        let record = match self.key.record() {
            Ok(record) => record,
            Err(error) => return Some(error.to_string()),
        };
        let principal = principal(&record);
        let decision = engine.decide(&Question {
            principal: &principal,
            key: &record,
            tenant_name: &self.key.tenant,
            team_name: &self.key.team,
            operation: self.operation.unwrap_or(Operation::Chat),
            model: self.model.as_deref(),
            owner: self.owner.as_deref().map_or(record.tenant, tenant),
            thing,
            provider: self.provider.as_deref(),
            stream: self.stream,
            tools: self.tools,
            images: self.images,
            data_class: self.data_class,
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
        objection(self.expect, self.policies.as_deref(), &decision).or(untold)
    }

    /// What is asked about beside a model: one thing at most, and a call of no thing says its operation.
    fn thing<'a>(&'a self, place: Option<&'a Place>) -> Result<Option<Thing<'a>>, &'static str> {
        let named = (&self.server, &self.tool, &self.agent, &self.template);
        let thing = match (place, named) {
            (None, (None, None, None, None)) => None,
            (Some(place), (None, None, None, None)) => Some(Thing::Target(place)),
            (None, (Some(server), None, None, None)) => Some(Thing::McpServer(server)),
            (None, (Some(server), Some(name), None, None)) => Some(Thing::Tool { server, name }),
            (None, (None, None, Some(agent), None)) => Some(Thing::Agent(agent)),
            (None, (None, None, None, Some(template))) => Some(Thing::Template(template)),
            _ => return Err("asks about several things, or about a tool of no server"),
        };
        let of_call = matches!(thing, None | Some(Thing::Target(_)));
        match (of_call, self.operation.is_some()) {
            (true, false) => Err("says no `operation`"),
            (false, true) => Err("says an `operation`: what is asked of this the thing says"),
            _ => Ok(thing),
        }
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
    fn record(&self) -> Result<KeyRecord, NotTags> {
        Ok(KeyRecord {
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
            receipts: false,
            suspended: None,
            marks: Marks::new(self.tags.clone(), self.data_class)?,
        })
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
