//! Plans for all calls: documents made ready, and one plan for all calls that meet the same profiles. Never looks at text.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use domain::TenantId;

use crate::action::{Gate, Mode};
use crate::families::{self, Families};
use crate::guards::Guards;
use crate::plan::{Excepted, INSTANCE, Layer, Owner, Plan};
use crate::profile::{Call, Profile, Profiles};

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
                .map(|profile| Layer::new(profile, owner))
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
    known: RwLock<Known>,
}

/// Plans that were made. A tenant pushes out what its own calls meet, and nobody else's.
#[derive(Default)]
struct Known {
    of: HashMap<TenantId, HashMap<Picked, Arc<Plan>>>,
    /// All that some tenant still has, so that two that meet the same share it.
    shared: HashMap<Picked, Weak<Plan>>,
}

/// What is asked of texts that calls take up, whatever profiles say.
const TEXTS: &str = "texts";

/// Which profiles and exceptions of which documents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Picked {
    own: u64,
    numbers: Vec<u16>,
    own_numbers: Vec<u16>,
}

/// So many plans are kept for a tenant; calls that vary what they meet cannot grow them for ever.
const PLANS_MAX: usize = 64;

impl Plans {
    /// `always` holds for every call, `document` for those that its profiles mean.
    #[must_use]
    pub fn new(stock: Guards, always: Families, document: Profiles) -> Self {
        let always = Profile {
            name: INSTANCE.to_owned(),
            guards: always,
            ..Profile::default()
        };
        let always = Layer::new(always, Owner::Instance);
        let base = Arc::new(Plan::new(&stock, vec![always.clone()], Vec::new()));
        Self {
            stock,
            always,
            instance: Ready::of(document, Owner::Instance),
            base,
            known: RwLock::default(),
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
        let (tenant, _) = call.tenant;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = known.of.get(&tenant).and_then(|own| own.get(&picked)) {
            return plan.clone();
        }
        let shared = known.shared.get(&picked).and_then(Weak::upgrade);
        drop(known);
        let plan = shared.unwrap_or_else(|| Arc::new(self.make(&picked, own)));
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.keep(tenant, picked, plan)
    }

    /// How texts of a tenant are guarded that any of its calls may take up, samples and templates: by every profile that
    /// some call of the tenant's may meet, and whatever those say, nothing with a credential or an injection in it passes.
    /// An exception counts where it holds for all of the tenant's calls.
    // threat: ANP-0021
    #[must_use]
    pub fn of_texts(&self, tenant: (TenantId, &str), own: Option<&Ready>) -> Plan {
        let strict = Families {
            secrets: Some(families::Secrets {
                input: Mode::Block,
                output: Mode::Off,
                ..families::Secrets::default()
            }),
            injection: Some(families::Injection {
                input: Gate::Block,
                ..families::Injection::default()
            }),
            ..Families::default()
        };
        let strict = Profile {
            name: TEXTS.to_owned(),
            guards: strict,
            ..Profile::default()
        };
        // As if it were the tenant's own: what it excepts for all of its calls is excepted here.
        let mut layers = vec![self.always.clone(), Layer::new(strict, Owner::Tenant)];
        let mut exceptions = Vec::new();
        for document in [Some(&self.instance), own].into_iter().flatten() {
            let meets = |layer: &&Arc<Layer>| layer.profile.when.may_mean(tenant);
            layers.extend(document.layers.iter().filter(meets).cloned());
            let holds = |it: &&Excepted| it.exception.when.means_all_of(tenant);
            exceptions.extend(document.exceptions.iter().filter(holds).cloned());
        }
        Plan::new(&self.stock, layers, exceptions)
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

impl Known {
    // threat: AGP-D2
    fn keep(&mut self, tenant: TenantId, picked: Picked, plan: Arc<Plan>) -> Arc<Plan> {
        let own = self.of.entry(tenant).or_default();
        if own.len() >= PLANS_MAX {
            own.clear();
            self.shared.retain(|_, plan| plan.strong_count() > 0);
        }
        self.shared.insert(picked.clone(), Arc::downgrade(&plan));
        own.entry(picked).or_insert(plan).clone()
    }
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plans")
            .field("base", self.base.version())
            .field("profiles", &self.instance.layers.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use domain::{KeyId, Operation, TeamId};

    use super::*;
    use crate::profile::When;

    /// An instance with a profile for each of eight tags.
    fn plans() -> Plans {
        let profile = |number: u32| Profile {
            name: format!("p{number}"),
            when: When {
                tags: vec![format!("t{number}")],
                ..When::default()
            },
            ..Profile::default()
        };
        let document = Profiles {
            profiles: (0..8).map(profile).collect(),
            ..Profiles::default()
        };
        Plans::new(Guards::default(), Families::default(), document)
    }

    /// The plan of a call of a tenant with the tags that these bits say.
    fn plan(plans: &Plans, tenant: u128, bits: u32) -> Arc<Plan> {
        let tags = (0..8).filter(|number| bits & (1 << number) != 0);
        let tags: Vec<String> = tags.map(|number| format!("t{number}")).collect();
        let call = Call {
            tenant: (TenantId::from_u128(tenant), "tenant"),
            team: (TeamId::from_u128(1), "team"),
            project: None,
            key: (KeyId::from_u128(1), "key"),
            tags: &tags,
            model: "m",
            operation: Operation::Chat,
            data_class: domain::DataClass::Internal,
        };
        plans.plan(&call, None)
    }

    #[test]
    fn agp_d2_a_tenant_that_varies_what_its_calls_meet_pushes_out_its_own_plans_alone() {
        let plans = plans();
        let (quiet, busy) = (plan(&plans, 1, 3), plan(&plans, 2, 3));
        assert!(Arc::ptr_eq(&quiet, &busy), "two that meet the same share it");
        let other = plan(&plans, 1, 5);
        for bits in 1..256 {
            plan(&plans, 2, bits);
        }
        assert!(Arc::ptr_eq(&quiet, &plan(&plans, 1, 3)));
        assert!(Arc::ptr_eq(&other, &plan(&plans, 1, 5)));
        let known = plans.known.read().unwrap();
        assert!(known.of.values().all(|own| own.len() <= PLANS_MAX));
        assert!(known.shared.len() <= 2 * PLANS_MAX, "{}", known.shared.len());
    }
}
