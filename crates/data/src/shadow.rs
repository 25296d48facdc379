//! Policies that are tried out beside those in force: asked what those were asked, off the request's path.
//! Never changes an answer; when they cannot be asked, nobody but the one who tries them notices.

use std::fmt::Write;
use std::sync::Arc;

use domain::{Operation, UnixMillis};
use policy::{Answered, Compared, Decision, Difference, Differences, Engine, Moment, Plane, Question, Thing};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::directory::{Asked, KeyEntry};

/// Comparisons at once; what comes while so many are under way is counted as skipped.
const AT_ONCE_MAX: usize = 64;

/// A version that is tried out.
#[derive(Debug)]
pub struct Shadow {
    version: u64,
    engine: Engine,
    differences: Arc<Differences>,
    places: Arc<Semaphore>,
}

impl Shadow {
    /// Tries `engine`, which is that version of the policies, out.
    pub fn new(version: u64, engine: Engine, differences: Arc<Differences>) -> Arc<Self> {
        Arc::new(Self {
            version,
            engine,
            differences,
            places: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        })
    }

    /// Which version it is.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// What its answers may depend on.
    pub const fn reads(&self) -> policy::Reads {
        self.engine.reads()
    }

    /// Whether it may keep a call from a target.
    pub const fn asks_targets(&self) -> bool {
        self.engine.asks_targets()
    }

    /// Asks it the same, later and elsewhere; a panic ends there.
    // threat: ANP-0002
    pub fn compare(self: &Arc<Self>, key: &Arc<KeyEntry>, asked: &Asked, answered: &Decision) {
        let place = self.places.clone().try_acquire_owned();
        let (Ok(place), Ok(runtime)) = (place, Handle::try_current()) else {
            self.note(Compared::Skipped);
            return;
        };
        let (shadow, key) = (self.clone(), key.clone());
        let (asked, answered) = (asked.clone(), answered.clone());
        let comparing = runtime.spawn_blocking({
            let shadow = shadow.clone();
            move || shadow.compared(&key, &asked, &answered)
        });
        runtime.spawn(async move {
            shadow.note(comparing.await.unwrap_or(Compared::Failed));
            drop(place);
        });
    }

    fn compared(&self, key: &KeyEntry, asked: &Asked, answered: &Decision) -> Compared {
        let other = self.engine.decide(&question(key, asked));
        if other.error.is_some() && answered.error.is_none() {
            return Compared::Failed;
        }
        if other.permit == answered.permit {
            return Compared::Same;
        }
        Compared::Differs(Box::new(Difference {
            question: described(key, asked, &self.engine),
            tenant: key.principal.tenant.to_string(),
            active: short(answered),
            shadow: short(&other),
            count: 1,
            last: UnixMillis::now(),
        }))
    }

    fn note(&self, compared: Compared) {
        self.differences.note(Plane::Calls, self.version, compared);
    }
}

fn short(decision: &Decision) -> Answered {
    Answered {
        permit: decision.permit,
        policies: decision.policies.clone(),
    }
}

/// The question as policies are asked it.
pub fn question<'a>(key: &'a KeyEntry, asked: &'a Asked) -> Question<'a> {
    Question {
        principal: &key.principal,
        key: &key.record,
        tenant_name: &key.tenant_name,
        team_name: &key.team_name,
        operation: asked.operation,
        model: Some(asked.model.as_str()).filter(|_| asked.operation != Operation::ListModels),
        owner: key.principal.tenant,
        thing: asked.place.as_deref().map(Thing::Target),
        provider: None,
        stream: asked.stream,
        tools: asked.tools,
        images: asked.images,
        data_class: asked.data_class,
        address: asked.address,
        posture: asked.posture,
        moment: asked.moment.unwrap_or(Moment::ANY),
    }
}

/// One line for people, by which the question is known. The time is left out: a question that comes every
/// minute is one question.
fn described(key: &KeyEntry, asked: &Asked, engine: &Engine) -> String {
    let mut line = format!(
        "{} of key {} ({})",
        asked.operation.as_str(),
        key.record.name,
        key.record.id
    );
    if !asked.model.is_empty() {
        // Writing to a text cannot fail.
        let _ = write!(line, " for {}", asked.model);
    }
    let flags = [
        (asked.stream, ", streamed"),
        (asked.tools, ", with tools"),
        (asked.images, ", with images"),
    ];
    flags
        .into_iter()
        .filter(|(is_so, _)| *is_so)
        .for_each(|(_, word)| line.push_str(word));
    if let Some(place) = &asked.place {
        let _ = write!(line, ", sent to {}/{}", place.provider, place.model);
    }
    if let Some(class) = asked.data_class {
        let _ = write!(line, ", said to be {class}");
    }
    if let Some(address) = asked.address.filter(|_| engine.reads().address) {
        let _ = write!(line, ", from {address}");
    }
    line
}
