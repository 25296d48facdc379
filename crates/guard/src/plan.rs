//! What is done about findings in one call: every profile that the call meets, and what is excepted. Never does I/O.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use domain::UnixMillis;
use sha2::{Digest, Sha256};

use crate::action::{Action, Direction, Mode};
use crate::families::Families;
use crate::finding::{Finding, Kind};
use crate::guards::{Follow, Guards};
use crate::injection::Origin;
use crate::personal::{PERSONAL_SCORE_MIN, PersonalKinds};
use crate::profile::{Call, Exception, Profile, Profiles};

/// One finding, and what is done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where, and by which rule.
    pub finding: Finding,
    /// What is done.
    pub action: Action,
    /// What a profile in shadow would do, where that is more.
    pub would: Option<Action>,
    /// Whether it is let pass by an exception that somebody wrote down.
    pub excepted: bool,
}

/// How a call's text is guarded. Made once for all calls that meet the same profiles; shared.
#[derive(Debug)]
pub struct Plan {
    engines: Guards,
    layers: Vec<Arc<Layer>>,
    exceptions: Vec<Excepted>,
    /// The strictest of all layers by direction and family, those in shadow included.
    looks: (Looks, Looks),
    version: Arc<str>,
}

/// What is asked of each family, in the order of [`Kind::ALL`].
type Looks = [Mode; Kind::ALL.len()];

/// One profile that applies.
#[derive(Debug, PartialEq, Eq)]
struct Layer {
    profile: Profile,
    owner: Owner,
}

/// Whose document says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Instance,
    Tenant,
}

#[derive(Clone, Debug)]
struct Excepted {
    exception: Exception,
    owner: Owner,
}

/// The name of what an instance asks of all calls.
pub const INSTANCE: &str = "instance";

impl Plan {
    /// All that is looked for in every call, and nothing else.
    #[must_use]
    pub fn of(engines: &Guards, guards: Families) -> Arc<Self> {
        Plans::new(engines.clone(), guards, Profiles::default()).base()
    }

    fn new(stock: &Guards, layers: Vec<Arc<Layer>>, exceptions: Vec<Excepted>) -> Self {
        let strictest = |direction: Direction| {
            Kind::ALL.map(|kind| {
                let modes = layers
                    .iter()
                    .map(|layer| layer.profile.guards.looks(direction, kind));
                modes.max().unwrap_or_default()
            })
        };
        let looks = (strictest(Direction::Input), strictest(Direction::Output));
        let families = || layers.iter().map(|layer| &layer.profile.guards);
        let mut engines = stock.clone();
        let personal = || families().filter_map(|it| it.personal.as_ref());
        let kinds = personal().fold(PersonalKinds::NONE, |all, one| all.and(one.kinds()));
        let sure = personal().map(|one| one.sure).min().unwrap_or(PERSONAL_SCORE_MIN);
        engines.personal = Arc::new(stock.personal.narrowed(kinds, sure));
        let version = version(&layers, &exceptions);
        Self {
            engines,
            layers,
            exceptions,
            looks,
            version,
        }
    }

    /// Names what it is made of: the same wherever and whenever the same is set.
    #[must_use]
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The engines it looks with.
    #[must_use]
    pub const fn engines(&self) -> &Guards {
        &self.engines
    }

    /// The strictest that is asked of a family in this direction, in shadow or not.
    #[must_use]
    pub fn looks(&self, direction: Direction, kind: Kind) -> Mode {
        let row = direction.pick(&self.looks.0, &self.looks.1);
        let at = Kind::ALL.iter().position(|one| *one == kind);
        at.and_then(|at| row.get(at)).copied().unwrap_or_default()
    }

    /// Whether nobody looks in this direction.
    #[must_use]
    pub fn is_off(&self, direction: Direction) -> bool {
        let row = direction.pick(&self.looks.0, &self.looks.1);
        row.iter().all(|mode| *mode == Mode::Off)
    }

    /// Whether a guard of text does more than look, in earnest.
    #[must_use]
    pub fn does_more_than_observe(&self, direction: Direction) -> bool {
        let earnest = self.layers.iter().filter(|layer| !layer.profile.shadow);
        let mut modes =
            earnest.flat_map(|layer| Kind::ALL.map(|kind| layer.profile.guards.looks(direction, kind)));
        modes.any(|mode| mode > Mode::Observe)
    }

    /// Whether anything can be found in these raw bytes, a JSON body for example. `false` is certain.
    #[must_use]
    pub fn may_match(&self, direction: Direction, raw: &[u8]) -> bool {
        let looks = |kind: &Kind| self.looks(direction, *kind) != Mode::Off;
        let others = Kind::ALL.iter().filter(|kind| **kind != Kind::Secret);
        others.clone().any(looks) || (looks(&Kind::Secret) && self.engines.secrets.may_match(raw))
    }

    /// Appends what is found in a text of this origin, and what is done about it. Findings may overlap.
    // threat: AGP-T1 AGP-I1 AGP-R-004 ANP-0003 ANP-0017
    pub fn scan(
        &self,
        direction: Direction,
        (text, origin): (&str, Origin),
        now: UnixMillis,
        found: &mut Vec<Found>,
    ) {
        let mut findings = Vec::new();
        self.engines.scan(self, direction, text, origin, &mut findings);
        let judged = findings.into_iter().filter_map(|finding| {
            let value = text.get(finding.span.clone());
            self.judge(direction, finding, value, now)
        });
        found.extend(judged);
    }

    /// What is done about a finding; `None` where no profile asks for it. `value` is what was found, for exceptions of one
    /// text alone.
    #[must_use]
    pub fn judge(
        &self,
        direction: Direction,
        finding: Finding,
        value: Option<&str>,
        now: UnixMillis,
    ) -> Option<Found> {
        let excepted_by = |owner: Owner| {
            let mut own = self.exceptions.iter().filter(|it| it.owner == owner);
            own.any(|it| it.covers(direction, &finding, value, now))
        };
        let by_instance = excepted_by(Owner::Instance);
        let by_tenant = by_instance || excepted_by(Owner::Tenant);
        let (mut action, mut would, mut excepted) = (None, None, false);
        for layer in &self.layers {
            let asked = layer.profile.guards.mode(direction, &finding).action();
            if layer.profile.shadow {
                would = would.max(asked);
                continue;
            }
            let is_excepted = match layer.owner {
                Owner::Instance => by_instance,
                Owner::Tenant => by_tenant,
            };
            if is_excepted && asked.is_some() {
                excepted = true;
                action = action.max(Some(Action::Observe));
            } else {
                action = action.max(asked);
            }
        }
        let would = would.filter(|would| Some(*would) > action);
        if action.is_none() && would.is_none() {
            return None;
        }
        Some(Found {
            finding,
            action: action.unwrap_or(Action::Observe),
            would,
            excepted,
        })
    }

    /// Whether a finding that no profile asks for, a connector's for example, is let pass by an exception of the instance.
    #[must_use]
    pub fn excepts(
        &self,
        direction: Direction,
        finding: &Finding,
        value: Option<&str>,
        now: UnixMillis,
    ) -> bool {
        let mut own = self.exceptions.iter().filter(|it| it.owner == Owner::Instance);
        own.any(|it| it.covers(direction, finding, value, now))
    }

    /// The name of the profile that asks for the most about a finding.
    #[must_use]
    pub fn asked_by(&self, direction: Direction, finding: &Finding) -> &str {
        let earnest = self.layers.iter().filter(|layer| !layer.profile.shadow);
        let strictest = earnest.max_by_key(|layer| layer.profile.guards.mode(direction, finding));
        strictest.map_or(INSTANCE, |layer| &layer.profile.name)
    }

    /// The text with what is to be replaced replaced; `None` where nothing is.
    #[must_use]
    pub fn redacted(
        &self,
        direction: Direction,
        (text, origin): (&str, Origin),
        now: UnixMillis,
    ) -> Option<String> {
        let mut found = Vec::new();
        self.scan(direction, (text, origin), now, &mut found);
        let replaced: Vec<Finding> = found
            .into_iter()
            .filter(|it| matches!(it.action, Action::Mask | Action::Redact))
            .map(|it| it.finding)
            .collect();
        (!replaced.is_empty()).then(|| crate::redact::redact(text, &replaced))
    }

    /// A follower of one text channel of a live answer.
    #[must_use]
    pub fn follow(&self) -> Follow {
        self.engines.follow(self)
    }
}

impl Excepted {
    fn covers(&self, direction: Direction, finding: &Finding, value: Option<&str>, now: UnixMillis) -> bool {
        let Exception {
            rule,
            sha256,
            direction: only,
            until_ms,
            ..
        } = &self.exception;
        let is_value = |digest: &String| {
            let value = value.unwrap_or_default();
            hex(&Sha256::digest(value.as_bytes())).eq_ignore_ascii_case(digest)
        };
        *rule == finding.rule
            && now < *until_ms
            && only.is_none_or(|only| only == direction)
            && sha256.as_ref().is_none_or(is_value)
    }
}

/// The digest by which an exception names one text.
#[must_use]
pub fn exception_digest(value: &str) -> String {
    hex(&Sha256::digest(value.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a plan is made of, in twelve hexadecimal digits.
fn version(layers: &[Arc<Layer>], exceptions: &[Excepted]) -> Arc<str> {
    let mut hasher = Sha256::new();
    for layer in layers {
        hasher.update([layer.owner as u8]);
        hasher.update(serde_json::to_vec(&layer.profile).unwrap_or_default());
    }
    for excepted in exceptions {
        hasher.update([b'x', excepted.owner as u8]);
        hasher.update(serde_json::to_vec(&excepted.exception).unwrap_or_default());
    }
    hex(hasher.finalize().get(..6).unwrap_or_default()).into()
}

/// A document, made ready: an instance's, or a tenant's own.
#[derive(Debug)]
pub struct Ready {
    id: u64,
    layers: Vec<Arc<Layer>>,
    exceptions: Vec<Excepted>,
}

impl Ready {
    /// A tenant's own document. It can only tighten what the instance asks.
    #[must_use]
    pub fn own(document: Profiles) -> Self {
        Self::of(document, Owner::Tenant)
    }

    fn of(document: Profiles, owner: Owner) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(1);
        let Profiles { profiles, exceptions } = document;
        Self {
            id: MADE.fetch_add(1, Ordering::Relaxed),
            layers: profiles
                .into_iter()
                .map(|profile| Arc::new(Layer { profile, owner }))
                .collect(),
            exceptions: exceptions
                .into_iter()
                .map(|exception| Excepted { exception, owner })
                .collect(),
        }
    }

    fn picks(&self, call: &Call<'_>, picked: &mut Vec<u16>) {
        let layers = self.layers.iter().map(|layer| &layer.profile.when);
        let exceptions = self.exceptions.iter().map(|it| &it.exception.when);
        let means = layers.chain(exceptions).zip(0_u16..);
        picked.extend(
            means
                .filter(|(when, _)| when.means(call))
                .map(|(_, number)| number),
        );
    }
}

/// Plans by the profiles that calls meet. Made at each change of configuration, shared.
pub struct Plans {
    stock: Guards,
    always: Arc<Layer>,
    instance: Ready,
    base: Arc<Plan>,
    made: RwLock<HashMap<Picked, Arc<Plan>>>,
}

/// Which profiles and exceptions of which documents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Picked {
    own: u64,
    numbers: Vec<u16>,
    own_numbers: Vec<u16>,
}

/// So many plans are kept; calls that vary what they meet cannot grow them for ever.
const PLANS_MAX: usize = 1_024;

impl Plans {
    /// `always` holds for every call, `document` for those that its profiles mean.
    #[must_use]
    pub fn new(stock: Guards, always: Families, document: Profiles) -> Self {
        let always = Arc::new(Layer {
            profile: Profile {
                name: INSTANCE.to_owned(),
                guards: always,
                ..Profile::default()
            },
            owner: Owner::Instance,
        });
        let base = Arc::new(Plan::new(&stock, vec![always.clone()], Vec::new()));
        Self {
            stock,
            always,
            instance: Ready::of(document, Owner::Instance),
            base,
            made: RwLock::default(),
        }
    }

    /// What holds for every call.
    #[must_use]
    pub fn base(&self) -> Arc<Plan> {
        self.base.clone()
    }

    /// What all plans are built of.
    #[must_use]
    pub const fn stock(&self) -> &Guards {
        &self.stock
    }

    /// How this call is guarded; `own` is what its tenant asks beyond the instance.
    #[must_use]
    pub fn plan(&self, call: &Call<'_>, own: Option<&Ready>) -> Arc<Plan> {
        let mut picked = Picked {
            own: own.map_or(0, |own| own.id),
            numbers: Vec::new(),
            own_numbers: Vec::new(),
        };
        self.instance.picks(call, &mut picked.numbers);
        if let Some(own) = own {
            own.picks(call, &mut picked.own_numbers);
        }
        if picked.numbers.is_empty() && picked.own_numbers.is_empty() {
            return self.base.clone();
        }
        let known = self.made.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = known.get(&picked) {
            return plan.clone();
        }
        drop(known);
        let plan = Arc::new(self.make(&picked, own));
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= PLANS_MAX {
            made.clear();
        }
        made.entry(picked).or_insert(plan).clone()
    }

    fn make(&self, picked: &Picked, own: Option<&Ready>) -> Plan {
        let (mut layers, mut exceptions) = (vec![self.always.clone()], Vec::new());
        let documents = [
            (Some(&self.instance), &picked.numbers),
            (own, &picked.own_numbers),
        ];
        for (document, numbers) in documents {
            let Some(document) = document else { continue };
            for number in numbers.iter().map(|number| usize::from(*number)) {
                if let Some(layer) = document.layers.get(number) {
                    layers.push(layer.clone());
                } else {
                    let at = number.saturating_sub(document.layers.len());
                    exceptions.extend(document.exceptions.get(at).cloned());
                }
            }
        }
        Plan::new(&self.stock, layers, exceptions)
    }
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plans")
            .field("base", &self.base.version)
            .field("profiles", &self.instance.layers.len())
            .finish_non_exhaustive()
    }
}
