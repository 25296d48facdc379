//! The one check that a value handed in belongs to the tenant it is handed in for.

use domain::{TenantId, TenantScope};

use crate::StoreError;

/// `NotFound` unless `tenant` is the scope's: what belongs to another tenant does not exist for this one.
// threat: AGP-E1
// threat: ANP-0007
pub fn must_own(scope: &TenantScope, tenant: TenantId) -> Result<(), StoreError> {
    if scope.tenant() == tenant {
        Ok(())
    } else {
        Err(StoreError::NotFound)
    }
}
