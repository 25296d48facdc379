//! Documents of tenants' own that their calls are answered by, and what was made of them: kept as long as they stay as
//! they are. Reads nothing itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::TenantId;
use policy::Consents;

use super::Numbered;

/// The newest documents of all tenants that have any.
#[derive(Debug, Default)]
pub struct Own {
    /// What they are charged.
    pub sheets: HashMap<TenantId, Numbered>,
    /// How they guard their calls, beyond the instance.
    pub guards: HashMap<TenantId, guard::Profiles>,
    /// Where they let the content of their calls go.
    pub consents: HashMap<TenantId, Consented>,
    /// Samples and published prompt templates that their calls may take up.
    pub shelves: HashMap<TenantId, apps::Shelf>,
    /// Those of whom something does not read: what it said is not known, so none of their calls is let in.
    pub unread: BTreeMap<TenantId, Unread>,
}

/// A document of a tenant's own that does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// What it is charged.
    PriceSheet,
    /// How it guards its calls.
    Guards,
    /// Where it lets their content go.
    Consents,
}

impl Unread {
    /// What people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PriceSheet => "price sheet",
            Self::Guards => "guards",
            Self::Consents => "consents",
        }
    }
}

/// Where a tenant lets the content of its calls go, as of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consented {
    /// Which version.
    pub number: u64,
    /// What it says.
    pub consents: Consents,
}

impl Consented {
    /// What entries name the version by, beside the policies that decided.
    #[must_use]
    pub fn named(&self) -> String {
        format!("consents:{}", self.number)
    }
}

/// What was made of tenants' documents.
#[derive(Debug)]
pub(super) struct Kept<D, M>(Mutex<HashMap<TenantId, (D, Arc<M>)>>);

impl<D, M> Default for Kept<D, M> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<D: Clone + PartialEq, M> Kept<D, M> {
    /// What the documents make. What was made of one that is still the same is given again, and with it all that is
    /// remembered by it.
    pub(super) fn of(
        &self,
        documents: HashMap<TenantId, D>,
        make: impl Fn(D) -> M,
    ) -> HashMap<TenantId, Arc<M>> {
        let mut kept = self.lock();
        let mut now = HashMap::with_capacity(documents.len());
        for (tenant, document) in documents {
            let before = kept.remove(&tenant).filter(|(before, _)| *before == document);
            let made = before.unwrap_or_else(|| (document.clone(), Arc::new(make(document))));
            now.insert(tenant, made);
        }
        *kept = now;
        kept.iter()
            .map(|(tenant, (_, made))| (*tenant, made.clone()))
            .collect()
    }
}

impl<D: Clone + PartialEq, M> Kept<D, M> {
    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, (D, Arc<M>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of the documents of which nothing was made yet.
    pub(super) fn lacking(&self, documents: &HashMap<TenantId, D>) -> HashMap<TenantId, D> {
        let kept = self.lock();
        let is_made =
            |tenant: &TenantId, document: &D| kept.get(tenant).is_some_and(|(made, _)| made == document);
        let lacking = documents
            .iter()
            .filter(|(tenant, document)| !is_made(tenant, document));
        lacking
            .map(|(tenant, document)| (*tenant, document.clone()))
            .collect()
    }

    /// Makes something of these. However long it takes, nobody waits for it meanwhile.
    pub(super) fn make(&self, documents: HashMap<TenantId, D>, make: impl Fn(D) -> M) {
        for (tenant, document) in documents {
            let made = Arc::new(make(document.clone()));
            self.lock().insert(tenant, (document, made));
        }
    }

    /// What was made last for these tenants. What is not made yet does not hold: the one before it does.
    pub(super) fn last(&self, documents: &HashMap<TenantId, D>) -> HashMap<TenantId, Arc<M>> {
        let mut kept = self.lock();
        kept.retain(|tenant, _| documents.contains_key(tenant));
        kept.iter()
            .map(|(tenant, (_, made))| (*tenant, made.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_of_a_document_stays_while_it_stays_the_same_and_goes_with_it() {
        let (one, other) = (TenantId::from_u128(1), TenantId::from_u128(2));
        let kept = Kept::<&str, String>::default();
        let make = |document: &str| document.to_owned();
        let first = kept.of([(one, "a"), (other, "b")].into(), make);
        let second = kept.of([(one, "a"), (other, "c")].into(), make);
        assert!(Arc::ptr_eq(&first[&one], &second[&one]));
        assert_eq!((&*second[&other], second.len()), (&"c".to_owned(), 2));
        assert!(kept.of(HashMap::new(), make).is_empty());
        let third = kept.of([(one, "a")].into(), make);
        assert!(!Arc::ptr_eq(&first[&one], &third[&one]));
    }

    #[test]
    fn what_takes_its_time_to_make_holds_when_it_is_made_and_what_was_before_until_then() {
        let (one, other) = (TenantId::from_u128(1), TenantId::from_u128(2));
        let kept = Kept::<&str, String>::default();
        let make = |document: &str| document.to_owned();
        kept.make([(one, "a")].into(), make);
        let documents = [(one, "b"), (other, "c")].into();
        assert_eq!(kept.lacking(&documents), documents);
        let last = kept.last(&documents);
        assert_eq!((last.len(), &*last[&one]), (1, &"a".to_owned()));
        kept.make(kept.lacking(&documents), make);
        assert!(kept.lacking(&documents).is_empty());
        let last = kept.last(&documents);
        assert_eq!((&*last[&one], &*last[&other]), (&"b".to_owned(), &"c".to_owned()));
        // Whose document is gone has nothing any more.
        assert!(kept.last(&HashMap::new()).is_empty());
        assert_eq!(kept.lacking(&documents).len(), 2);
    }
}
