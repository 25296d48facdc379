//! Why something is permitted or not, and who may do it: for both planes, for the API and for whoever has the
//! machine. Asks the policies that are in force, about what the store holds now; what is not known is said and
//! never made up. What a caller may see of the answer is decided elsewhere.

mod again;
mod guarded;
mod people;
mod thing;
mod view;

use std::net::IpAddr;
use std::sync::Arc;

use credential::KeyRecord;
use domain::{
    DataClass, Operation, Permission, Principal, PrincipalKind, RequestId, TenantId, TenantScope, UnixMillis,
};
use guard::Profile;
use ledger::{Entry, Outcome};
use policy::{Act, ActContext, Desk, Engine, Moment, Plane, Posture, Question, Resource};
use store::{Store, StoreError};

use crate::names::Names;
use crate::problem::{Code, Problem};

pub use again::{Again, Untold};
pub use guarded::{ConsentedView, FoundView, GuardedView, MetView};
pub use people::Person;
pub use thing::somebody;
pub use view::{Can, PartView, Recorded, WhoView, WhyView, part};

/// Operations that can be asked for.
const OPERATIONS: [Operation; 5] = [
    Operation::Chat,
    Operation::TextCompletion,
    Operation::Embeddings,
    Operation::CountTokens,
    Operation::ListModels,
];
/// How many keys or people are asked about at once.
const ASKED_MAX: usize = 1_000;

/// What policies are asked of, and in what circumstances.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// Where everything is kept.
    pub store: &'a dyn Store,
    /// Tenants, teams and keys.
    pub names: &'a Names,
    /// The tenant in which names are looked up.
    pub tenant: TenantId,
    /// Who answers calls.
    pub engine: Arc<Engine>,
    /// Who answers on the control plane.
    pub desk: Arc<Desk>,
    /// How strict the instance is.
    pub posture: Posture,
    /// When it is asked about, unless somebody says otherwise.
    pub now: UnixMillis,
}

/// What else is said of a call or an act.
#[derive(Debug, Clone, Copy, Default)]
pub struct Circumstances {
    /// The answer is streamed.
    pub stream: bool,
    /// Tools are offered.
    pub tools: bool,
    /// Images are sent.
    pub images: bool,
    /// What the caller says that the call carries.
    pub data_class: Option<DataClass>,
    /// From where.
    pub address: Option<IpAddr>,
    /// When.
    pub at: Option<UnixMillis>,
    /// How whoever acts has signed in; as well as can be when not said.
    pub second_factor: Option<bool>,
    /// How long ago.
    pub sign_in_age_ms: Option<u64>,
}

/// An action of either plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A call.
    Call(Operation),
    /// An act on the control plane.
    Act(Permission),
}

impl Action {
    /// The action of that name: `chat`, `keys.create`.
    pub fn named(text: &str) -> Result<Self, Problem> {
        let call = OPERATIONS.into_iter().find(|one| one.as_str() == text);
        let act = Permission::ALL.iter().copied().find(|one| one.as_str() == text);
        call.map(Self::Call).or(act.map(Self::Act)).ok_or_else(|| {
            Problem::new(
                Code::Invalid,
                "an action is one of calls, such as `chat`, or of the control plane, such as `keys.create`",
            )
            .at("/action")
        })
    }
}

/// Who is asked about.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A virtual key.
    Key(Box<KeyRecord>),
    /// A person or service account.
    Person(Box<Person>),
}

impl Scene<'_> {
    fn scope(&self) -> TenantScope {
        TenantScope::operator(self.tenant)
    }

    /// Whoever is meant by an id, a key's or service's name, or an e-mail address.
    pub async fn subject(&self, action: Action, wanted: &str) -> Result<Subject, Problem> {
        match action {
            Action::Call(_) => self.key(wanted).map(|key| Subject::Key(Box::new(key.clone()))),
            Action::Act(_) => {
                let person = people::find(self, wanted).await?;
                Ok(Subject::Person(Box::new(person)))
            }
        }
    }

    fn key(&self, wanted: &str) -> Result<&KeyRecord, Problem> {
        let mut found = self
            .names
            .keys(self.tenant)
            .filter(|key| key.name == wanted || key.id.to_string() == wanted);
        match (found.next(), found.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(Problem::new(
                Code::Invalid,
                "several keys have that name: say which by its id",
            )
            .at("/principal")),
            (None, _) => Err(Problem::not_found()),
        }
    }

    /// What an act is done to, by its id or a word: `platform`, `tenant`, `audit`, `models`, `policies`,
    /// `usage`, `settings`.
    pub async fn thing(&self, wanted: Option<&str>) -> Result<Resource, Problem> {
        thing::find(self, wanted.unwrap_or("tenant")).await
    }

    /// Why this key may call that, or not.
    pub fn why_call(
        &self,
        key: &KeyRecord,
        operation: Operation,
        model: Option<&str>,
        said: &Circumstances,
    ) -> WhyView {
        let explained = self.with_question(key, operation, model, said, |question| {
            self.engine.explain(question)
        });
        WhyView {
            plane: Plane::Calls.as_str(),
            permit: explained.decision.permit,
            principal: format!("{} ({})", key.name, key.id),
            action: operation.as_str().to_owned(),
            resource: model.map_or_else(
                || "the list of models".to_owned(),
                |model| format!("model {model}"),
            ),
            error: explained.decision.error.clone(),
            reason: explained.decision.reason.clone(),
            ..WhyView::of(&explained.decision.policies, explained.applied)
        }
    }

    /// Why this person may do that, or not.
    pub fn why_act(
        &self,
        person: &Person,
        permission: Permission,
        resource: Resource,
        said: &Circumstances,
    ) -> WhyView {
        let explained = self.desk.explain(&Act {
            actor: &person.actor(),
            permission,
            resource,
            context: self.context(said),
        });
        WhyView {
            plane: Plane::Control.as_str(),
            permit: explained.verdict.permit,
            principal: format!("{} ({})", person.name, person.id),
            action: permission.to_string(),
            resource: self.desk.name_of(&resource),
            error: explained.verdict.error.clone(),
            reason: explained.verdict.reason.clone(),
            ..WhyView::of(&explained.verdict.policies, explained.applied)
        }
    }

    /// Which of these keys may call that.
    pub fn keys_that_can<'k>(
        &self,
        keys: impl Iterator<Item = &'k KeyRecord>,
        operation: Operation,
        model: Option<&str>,
        said: &Circumstances,
    ) -> WhoView {
        let mut who = WhoView::default();
        for key in keys {
            if who.asked >= ASKED_MAX {
                who.is_cut = true;
                break;
            }
            who.asked += 1;
            let decision = self.with_question(key, operation, model, said, |question| {
                self.engine.decide(question)
            });
            if decision.permit {
                who.items.push(Can {
                    id: key.id.to_string(),
                    name: key.name.clone(),
                    policies: decision.policies,
                });
            }
        }
        who
    }

    /// Everybody who lives in the tenant.
    pub async fn people(&self) -> Result<Vec<Person>, Problem> {
        people::all(self, ASKED_MAX).await
    }

    /// Which of these people may do that, signed in as well as can be.
    pub fn people_that_can(&self, people: &[Person], permission: Permission, resource: Resource) -> WhoView {
        let actors: Vec<_> = people.iter().map(Person::actor).collect();
        let can = self.desk.who_can(permission, resource, &actors);
        let named = can.into_iter().filter_map(|(id, policies)| {
            let person = people.iter().find(|person| person.id == id)?;
            Some(Can {
                id: id.to_string(),
                name: person.name.clone(),
                policies,
            })
        });
        WhoView {
            items: named.collect(),
            asked: people.len(),
            is_cut: people.len() >= ASKED_MAX,
        }
    }

    /// What was recorded of a call, and the key it came with.
    pub async fn recorded(&self, request: &str) -> Result<(Entry, &KeyRecord), Problem> {
        let id: RequestId = request.parse().map_err(|_| Problem::not_found())?;
        let stored = match self.store.entry(&self.scope(), id).await {
            Err(StoreError::NotFound) => return Err(Problem::not_found()),
            stored => stored?,
        };
        let entry = Entry::from_bytes(&stored.bytes).map_err(|error| Problem {
            internal: Some(error.to_string()),
            ..Problem::new(Code::Internal, "the entry does not read")
        })?;
        let key = self
            .names
            .key(self.tenant, entry.key)
            .ok_or_else(Problem::not_found)?;
        Ok((entry, key))
    }

    /// Why a recorded call was answered as it was: asked again, now, and beside it what the record says.
    pub async fn why_recorded(
        &self,
        entry: &Entry,
        key: &KeyRecord,
        instance: &[Profile],
    ) -> Result<WhyView, Problem> {
        let said = Circumstances {
            at: Some(entry.started),
            data_class: entry.data_class,
            ..Circumstances::default()
        };
        let why = self.why_call(key, entry.operation, entry.model.as_deref(), &said);
        let mut not_known = vec![
            "whether it was streamed, offered tools or carried images: asked as if not".to_owned(),
            "where it came from: asked as if not known".to_owned(),
            "what the key listed and which policies were in force then: asked as they are now".to_owned(),
        ];
        if entry.model.is_none() {
            not_known.push("the model: it was refused before one was found".to_owned());
        }
        let guarded = self.guarded(entry, instance).await?;
        if !guarded.profiles.is_empty() {
            not_known.push("which guard profiles there were then: named as they are now".to_owned());
        }
        Ok(WhyView {
            recorded: Some(Recorded {
                outcome: match &entry.outcome {
                    Outcome::Refused(code) => format!("refused: {code}"),
                    Outcome::UpstreamFailed(code) => format!("upstream failed: {code}"),
                    Outcome::Completed => "completed".to_owned(),
                    Outcome::ClientGone => "client gone".to_owned(),
                    Outcome::Interrupted => "interrupted".to_owned(),
                    Outcome::Reported(how) => format!("reported: {how}"),
                    Outcome::Adjusted => "adjusted".to_owned(),
                },
                policies: entry.policies.clone(),
                guarded,
            }),
            not_known,
            ..why
        })
    }

    /// Asks about a key's call, whomever one asks.
    pub fn with_question<T>(
        &self,
        key: &KeyRecord,
        operation: Operation,
        model: Option<&str>,
        said: &Circumstances,
        ask: impl FnOnce(&Question<'_>) -> T,
    ) -> T {
        let principal = Principal {
            tenant: key.tenant,
            team: key.team,
            project: key.project,
            key: key.id,
            kind: PrincipalKind::VirtualKey,
            name: key.name.as_str().into(),
        };
        let tenant = self.names.tenant(key.tenant);
        let team = self.names.team(key.tenant, key.team);
        ask(&Question {
            principal: &principal,
            key,
            tenant_name: tenant.as_ref().map_or("", |tenant| &tenant.name),
            team_name: team.map_or("", |team| &team.name),
            operation,
            model: model.filter(|_| operation != Operation::ListModels),
            owner: key.tenant,
            thing: None,
            provider: None,
            stream: said.stream,
            tools: said.tools,
            images: said.images,
            data_class: said.data_class,
            address: said.address,
            posture: self.posture,
            moment: Moment::of(said.at.unwrap_or(self.now)),
        })
    }

    fn context(&self, said: &Circumstances) -> ActContext {
        ActContext {
            second_factor: said.second_factor.unwrap_or(ActContext::AT_BEST.second_factor),
            sign_in_age_ms: said.sign_in_age_ms.unwrap_or(ActContext::AT_BEST.sign_in_age_ms),
            posture: self.posture,
            ..ActContext::AT_BEST
        }
    }
}
