//! What is done about findings in one call: every profile that the call meets, and what is excepted. Never does I/O.

use std::sync::{Arc, LazyLock, OnceLock};

use domain::UnixMillis;
use sha2::{Digest, Sha256};

use crate::action::{Action, Direction, Mode};
use crate::context::AnswerContext;
use crate::custom::{Compiled, ExtensionUse, InUse};
use crate::families::{self, Families};
use crate::finding::{Finding, Kind};
use crate::guards::{Follow, Guards};
use crate::injection::Origin;
use crate::leaks::LeakEngine;
use crate::links::Links;
use crate::mask::Masker;
use crate::personal::Personal;
use crate::prepared::Prepared;
use crate::profile::{Exception, Profile, Profiles};
use crate::topics::Topics;

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
    /// One for all that is asked alike of personal data: a finding covers others at its place, and what one profile asks for must
    /// not cover what another does.
    personal: Vec<Arc<Personal>>,
    /// The rules of operators' own, of each layer that has others.
    rules: Vec<Compiled>,
    extensions: Vec<InUse>,
    layers: Vec<Arc<Layer>>,
    exceptions: Vec<Excepted>,
    /// The strictest of all layers by direction and family, those in shadow included.
    looks: (Looks, Looks),
    version: Arc<str>,
}

/// What is asked of each family, in the order of [`Kind::ALL`].
type Looks = [Mode; Kind::ALL.len()];

/// One profile that applies.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) profile: Profile,
    owner: Owner,
    /// Its own rules, made ready once for all plans.
    rules: Option<Compiled>,
    /// Of the profile; what is long in it is read once.
    digest: [u8; 32],
    prepared: OnceLock<Prepared>,
}

impl Layer {
    pub(crate) fn new(profile: Profile, owner: Owner) -> Arc<Self> {
        let rules = profile.guards.custom.as_ref().map(Compiled::or_failing);
        let digest = Sha256::digest(serde_json::to_vec(&profile).unwrap_or_default()).into();
        Arc::new(Self {
            profile,
            owner,
            rules,
            digest,
            prepared: OnceLock::new(),
        })
    }

    /// What its settings need made ready; made when it is first met.
    pub(crate) fn prepared(&self) -> &Prepared {
        self.prepared.get_or_init(|| Prepared::of(&self.profile.guards))
    }

    /// What it asks about a finding; `value` is what was found, where that is at hand.
    fn mode(&self, direction: Direction, finding: &Finding, value: Option<&str>) -> Mode {
        let guards = &self.profile.guards;
        let asks = match finding.kind {
            Kind::Link => guards.links.as_ref().is_some_and(|rules| {
                let lists = self.prepared().links.as_deref();
                rules.asks(finding, value, lists)
            }),
            Kind::Leak => guards
                .leaks
                .as_ref()
                .is_some_and(|leaks| leaks.asks(finding, value)),
            _ => true,
        };
        if asks {
            guards.mode(direction, finding)
        } else {
            Mode::Off
        }
    }
}

/// Whose document says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Instance,
    Tenant,
}

#[derive(Clone, Debug)]
pub(crate) struct Excepted {
    pub(crate) exception: Exception,
    pub(crate) owner: Owner,
}

/// The name of what an instance asks of all calls.
pub const INSTANCE: &str = "instance";

impl Plan {
    /// All that is looked for in every call, and nothing else.
    #[must_use]
    pub fn of(engines: &Guards, guards: Families) -> Arc<Self> {
        crate::plans::Plans::new(engines.clone(), guards, Profiles::default()).base()
    }

    pub(crate) fn new(stock: &Guards, layers: Vec<Arc<Layer>>, exceptions: Vec<Excepted>) -> Self {
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
        let moderation = families().filter_map(|it| it.moderation.as_ref());
        engines.moderation = Arc::new(
            stock
                .moderation
                .telling(families::Moderation::least_of(moderation)),
        );
        engines.topics = Arc::new(Topics::new(families().filter_map(|it| it.topics.as_ref())));
        let links = layers.iter().filter_map(|layer| {
            let rules = layer.profile.guards.links.as_ref()?;
            Some((rules, layer.prepared().links.clone()))
        });
        engines.links = Arc::new(Links::new(links, &engines.secrets, &stock.personal));
        let injects = |row: &Looks| {
            Kind::ALL
                .iter()
                .zip(row)
                .any(|(kind, mode)| matches!(kind, Kind::Injection | Kind::Leak) && *mode != Mode::Off)
        };
        if injects(&looks.0) || injects(&looks.1) {
            // Now, and not in the time of the first call.
            LazyLock::force(&engines.injection);
        }
        engines.leaks = Arc::new(LeakEngine::new(families().filter_map(|it| it.leaks.as_ref())));
        let version = version(&layers, &exceptions);
        let customs = || families().filter_map(|it| it.custom.as_ref());
        let uses = customs().flat_map(|it| &it.extensions);
        let extensions = InUse::of(uses, &stock.extensions);
        Self {
            engines,
            personal: personal(&stock.personal, &layers),
            rules: rules(&layers),
            extensions,
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

    /// Who looks for personal data.
    pub(crate) fn personal(&self) -> &[Arc<Personal>] {
        &self.personal
    }

    /// The rules of operators' own.
    pub(crate) fn rules(&self) -> &[Compiled] {
        &self.rules
    }

    /// The modules of operators' own.
    pub(crate) fn extensions(&self) -> &[InUse] {
        &self.extensions
    }

    /// Whether an extension that does more than look, in earnest, has to see all of an answer.
    pub(crate) fn extensions_hold(&self) -> bool {
        let earnest = self.layers.iter().filter(|layer| !layer.profile.shadow);
        let customs = earnest.filter_map(|layer| layer.profile.guards.custom.as_ref());
        let mut uses = customs.flat_map(|it: &crate::custom::Custom| &it.extensions);
        uses.any(|one: &ExtensionUse| one.output > Mode::Observe)
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
        let texts = |kind: &Kind| !matches!(kind, Kind::Bounds | Kind::Format | Kind::Unread);
        let mut modes = earnest.flat_map(|layer| {
            let kinds = Kind::ALL.into_iter().filter(texts);
            kinds.map(|kind| layer.profile.guards.looks(direction, kind))
        });
        modes.any(|mode| mode > Mode::Observe)
    }

    /// Whether anything can be found in these raw bytes, a JSON body for example. `false` is certain.
    #[must_use]
    pub fn may_match(&self, direction: Direction, raw: &[u8]) -> bool {
        let looks = |kind: &Kind| self.looks(direction, *kind) != Mode::Off;
        // What is counted, and what is asked of the form of an answer, is not found in raw bytes.
        let apart = [Kind::Secret, Kind::Bounds, Kind::Format, Kind::Unread];
        let others = Kind::ALL.iter().filter(|kind| !apart.contains(kind));
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
        self.scan_with(direction, (text, origin), None, now, found);
    }

    /// The same for a text of an answer, with what its request said.
    // threat: AGP-I3
    pub fn scan_with(
        &self,
        direction: Direction,
        (text, origin): (&str, Origin),
        context: Option<&AnswerContext>,
        now: UnixMillis,
        found: &mut Vec<Found>,
    ) {
        let mut findings = Vec::new();
        self.engines
            .scan(self, direction, (text, origin), context, &mut findings);
        let judged = findings.into_iter().filter_map(|finding| {
            let value = text.get(finding.span.clone());
            self.judge(direction, finding, value, now)
        });
        found.extend(judged);
    }

    /// Appends what is found in the parts of a conversation, with the number of the part: messages in order, or the parts of
    /// their content. Finds in each what [`Plan::scan`] does, and an injection that is split over several parts.
    // threat: AGP-T1 ANP-0003
    pub fn scan_conversation(
        &self,
        direction: Direction,
        parts: &[(&str, Origin)],
        now: UnixMillis,
        found: &mut Vec<(usize, Found)>,
    ) {
        let mut findings = Vec::new();
        self.engines.scan_parts(self, direction, parts, &mut findings);
        let judged = findings.into_iter().filter_map(|(number, finding)| {
            let value = parts
                .get(number)
                .and_then(|(text, _)| text.get(finding.span.clone()));
            Some((number, self.judge(direction, finding, value, now)?))
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
        self.judge_by(&self.layers, direction, finding, value, now)
    }

    /// The same for some of its profiles.
    pub(crate) fn judge_by(
        &self,
        layers: &[Arc<Layer>],
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
        for layer in layers {
            let asked = layer.mode(direction, &finding, value).action_in(direction);
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

    /// The names of the profiles that apply beside what holds for every call, those in shadow too.
    pub fn profiles(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().skip(1).map(|layer| &*layer.profile.name)
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

    /// Whether something in this direction may be masked, in earnest.
    #[must_use]
    pub fn masks(&self, direction: Direction) -> bool {
        let mut earnest = self.layers.iter().filter(|layer| !layer.profile.shadow);
        let masks =
            |layer: &Arc<Layer>, kind: Kind| layer.profile.guards.looks(direction, kind) == Mode::Mask;
        direction == Direction::Input
            && earnest.any(|layer| Kind::ALL.into_iter().any(|kind| masks(layer, kind)))
    }

    /// The text of a request with what is masked and what is redacted in it replaced, in one go; `None` where nothing is.
    /// `masker` has learnt every text of the request before.
    #[must_use]
    pub fn replaced(
        &self,
        (text, origin): (&str, Origin),
        now: UnixMillis,
        masker: &mut Masker,
    ) -> Option<String> {
        let mut found = Vec::new();
        self.scan(Direction::Input, (text, origin), now, &mut found);
        masker.replace(text, &found)
    }

    /// The text with what is to be replaced replaced by markers; `None` where nothing is.
    #[must_use]
    pub fn redacted(
        &self,
        direction: Direction,
        (text, origin): (&str, Origin),
        now: UnixMillis,
    ) -> Option<String> {
        self.redacted_with(direction, (text, origin), None, now)
    }

    /// The same for a text of an answer, with what its request said.
    #[must_use]
    pub fn redacted_with(
        &self,
        direction: Direction,
        (text, origin): (&str, Origin),
        context: Option<&AnswerContext>,
        now: UnixMillis,
    ) -> Option<String> {
        let mut found = Vec::new();
        self.scan_with(direction, (text, origin), context, now, &mut found);
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
        self.engines.follow(self, None)
    }

    /// The same with what the request said, as [`Plan::context`] gathered it.
    #[must_use]
    pub fn follow_with(&self, context: Option<&Arc<AnswerContext>>) -> Follow {
        self.engines.follow(self, context.cloned())
    }

    /// The profiles that apply.
    pub(crate) fn layers(&self) -> &[Arc<Layer>] {
        &self.layers
    }

    /// Whether answers are judged by what the request said.
    #[must_use]
    pub fn wants_context(&self) -> bool {
        self.context().is_some()
    }

    /// Where what a request said is gathered; `None`, at no cost, where no profile asks for it.
    #[must_use]
    pub fn context(&self) -> Option<AnswerContext> {
        let looks = |kind| self.looks(Direction::Output, kind) != Mode::Off;
        AnswerContext::of(
            looks(Kind::Leak) && self.engines.leaks.wants_context(),
            looks(Kind::Link) && self.engines.links.wants_context(),
        )
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

/// Who looks for what the layers ask of personal data, once where two ask for the same.
fn personal(stock: &Personal, layers: &[Arc<Layer>]) -> Vec<Arc<Personal>> {
    let asked = layers
        .iter()
        .filter_map(|layer| layer.profile.guards.personal.as_ref());
    let mut known = Vec::new();
    for one in asked.map(|one| (one.kinds(), one.sure)) {
        if !known.contains(&one) {
            known.push(one);
        }
    }
    let narrowed = |(kinds, sure)| {
        let one = stock.narrowed(kinds, sure);
        // Now, and not in the time of the first call.
        one.prepare();
        Arc::new(one)
    };
    known.into_iter().map(narrowed).collect()
}

/// The rules of all layers, once where two have the same.
fn rules(layers: &[Arc<Layer>]) -> Vec<Compiled> {
    let customs = layers.iter().map(|layer| layer.profile.guards.custom.as_ref());
    let (mut known, mut all) = (Vec::new(), Vec::new());
    for (custom, rules) in customs.zip(layers.iter().map(|layer| &layer.rules)) {
        if let (Some(custom), Some(rules)) = (custom, rules)
            && !known.contains(&custom)
        {
            known.push(custom);
            all.push(rules.clone());
        }
    }
    all
}

/// What a plan is made of, in twelve hexadecimal digits.
fn version(layers: &[Arc<Layer>], exceptions: &[Excepted]) -> Arc<str> {
    let mut hasher = Sha256::new();
    for layer in layers {
        hasher.update([layer.owner as u8]);
        hasher.update(layer.digest);
    }
    for excepted in exceptions {
        hasher.update([b'x', excepted.owner as u8]);
        hasher.update(serde_json::to_vec(&excepted.exception).unwrap_or_default());
    }
    hex(hasher.finalize().get(..6).unwrap_or_default()).into()
}
