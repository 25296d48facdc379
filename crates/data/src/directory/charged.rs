//! What a tenant with a price sheet is charged by each target. Reckoned when a target is first asked for, and remembered
//! as long as its list price and the sheet stay as they are. A tenant without a sheet has none of this.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use ledger::{Dated, Sheet, sheet_version};

use super::KeyEntry;
use crate::settings::{Settings, Target};

/// Targets remembered for a tenant; more than are configured come of many reloads, and are forgotten.
const TARGETS_MAX: usize = 4096;

/// A tenant's sheet, as of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Which version.
    pub number: u64,
    /// What it says.
    pub sheet: Sheet,
}

/// A list price and what was made of it.
type Made = (Dated, Dated);

/// What one tenant is charged.
#[derive(Debug)]
pub struct Charged {
    numbered: Numbered,
    by_target: RwLock<HashMap<Arc<str>, Made>>,
    /// The list's version and ours.
    version: RwLock<Option<(Arc<str>, Arc<str>)>>,
}

impl Charged {
    /// By this sheet.
    pub fn by(numbered: Numbered) -> Self {
        Self {
            numbered,
            by_target: RwLock::default(),
            version: RwLock::default(),
        }
    }

    /// Whether it is by this sheet.
    pub fn is_by(&self, numbered: &Numbered) -> bool {
        self.numbered == *numbered
    }

    fn at(&self, target: &Target) -> Dated {
        let known = self.by_target.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((list, made)) = known.get(&target.label)
            && list.is_same(&target.prices)
        {
            return made.clone();
        }
        drop(known);
        let names = (&*target.provider.name, target.model.as_str());
        let made = self.numbered.sheet.laid_over(names, &target.prices);
        let mut known = self.by_target.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TARGETS_MAX {
            known.clear();
        }
        known.insert(target.label.clone(), (target.prices.clone(), made.clone()));
        made
    }

    fn version(&self, list: &Arc<str>) -> Arc<str> {
        let known = self.version.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, version)) = &*known
            && of == list
        {
            return version.clone();
        }
        drop(known);
        let version: Arc<str> = sheet_version(list, self.numbered.number).into();
        let mut known = self.version.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some((list.clone(), version.clone()));
        version
    }
}

/// What a tenant is charged by a target, through time; by the list where it has no sheet. What is held and what is
/// settled for is reckoned by this and nothing else.
// threat: AGP-D1
// threat: AGP-R2
pub fn prices<'a>(charged: Option<&Charged>, target: &'a Target) -> Cow<'a, Dated> {
    match charged {
        None => Cow::Borrowed(&target.prices),
        Some(charged) => Cow::Owned(charged.at(target)),
    }
}

/// By which prices: the list's version, and behind it the sheet's number where there is one.
pub fn version(charged: Option<&Charged>, settings: &Settings) -> Arc<str> {
    match charged {
        None => settings.price_version.clone(),
        Some(charged) => charged.version(&settings.price_version),
    }
}

impl KeyEntry {
    /// [`prices`] of the key's tenant.
    pub fn prices<'a>(&self, target: &'a Target) -> Cow<'a, Dated> {
        prices(self.charged.as_deref(), target)
    }
}
