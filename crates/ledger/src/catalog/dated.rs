//! One model's prices through time.

use std::sync::Arc;

use domain::UnixMillis;

use crate::Price;

/// What one model costs, from when on; oldest first. Empty where nobody knows, which is not the same as nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated(Arc<[(UnixMillis, Price)]>);

impl Default for Dated {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl Dated {
    pub(crate) fn new(prices: Vec<(UnixMillis, Price)>) -> Self {
        Self(prices.into())
    }

    /// One price that always held.
    pub fn always(price: Price) -> Self {
        Self(Arc::new([(UnixMillis(i64::MIN), price)]))
    }

    /// The price that holds at a time.
    pub fn at(&self, at: UnixMillis) -> Option<&Price> {
        let held = self.0.iter().rev().find(|(from, _)| *from <= at);
        held.map(|(_, price)| price)
    }

    /// Whether these are the very same, not only equal: what was made of the one holds for the other.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// All of them, with their beginnings.
    pub fn all(&self) -> &[(UnixMillis, Price)] {
        &self.0
    }
}
