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
    pub(super) fn new(prices: Vec<(UnixMillis, Price)>) -> Self {
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

    /// All of them, with their beginnings.
    pub fn all(&self) -> &[(UnixMillis, Price)] {
        &self.0
    }
}
