//! Whether what is said of budgets can be done as described.

use crate::Problem;
use crate::address::Address;
use crate::section::Config;

impl Config {
    pub(crate) fn budgets_fit(&self, problems: &mut Vec<Problem>) {
        let settle_at = &self.budgets.reservations.settle_at;
        if let Some(Err(message)) = settle_at.as_deref().map(Address::read) {
            problems.push(Problem::new("budgets.reservations.settle_at", message));
        }
    }
}
